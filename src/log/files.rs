//! Segments in files, read and written at offsets: the storage of [`open`](super::Log::open), safe whatever others do.
//! In: a folder. Out: a [`Storage`].
//! Must hold: an error names the file and what to do. Who holds the lock of a folder holds it under whatever name that has,
//! and nobody else changes what is in it.
//! Uses: `error`, `id`, `storage`.

use super::storage::{SegmentFile, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The ending of segment files.
const ENDING: &str = "segment";
/// That of one that is just being made.
const UNREADY: &str = "unready";
/// The file that a writer locks, and writes its process id into.
const LOCK: &str = "lock";

/// A folder of segment files.
pub(crate) struct Files {
    folder: PathBuf,
    /// A lock that is held already: for who asks for it first.
    held: Mutex<Option<Lock>>,
}

/// The lock of a folder, held until all that have it let it go.
pub(crate) type Lock = Arc<LockFile>;

/// A file that is locked, as long as this is there.
pub(crate) struct LockFile(File);

impl Drop for LockFile {
    fn drop(&mut self) {
        // Closing is not enough: a process that another thread is just starting has the open file too, until it runs its
        // own program.
        let _ = self.0.unlock();
    }
}

/// An open segment file.
pub(crate) struct OneFile {
    file: File,
    path: PathBuf,
}

/// An `Io` error: what failed at `path`, why, and what to do.
fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "name one that is there",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space, then open the log again",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "give the right to, or open read-only",
        _ => "look at the device, then open the log again",
    };
    Error::new(kind, format!("cannot {what} {}: {error}: {advice}", path.display())).with_source(error)
}

impl Files {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Files { folder: folder.into(), held: Mutex::default() }
    }

    /// The same folder, whose lock is held: it is given to who asks for it first.
    pub(crate) fn with_lock(&self, lock: Option<Lock>) -> Self {
        Files { folder: self.folder.clone(), held: Mutex::new(lock) }
    }

    pub(crate) fn path(&self, first: u64) -> PathBuf {
        self.folder.join(format!("{first:011x}.{ENDING}"))
    }

    /// Opens a segment's file; `NotFound` if there is none.
    pub(super) fn open_file(&self, first: u64, may_write: bool) -> Result<OneFile> {
        let path = self.path(first);
        let file = OpenOptions::new().read(true).write(may_write).open(&path);
        Ok(OneFile { file: file.map_err(|e| failed("open", &path, e))?, path })
    }

    /// A new segment's file: written under another name first, so that it is there whole or not at all.
    pub(super) fn create_file(&self, first: u64, block: &[u8]) -> Result<OneFile> {
        let path = self.path(first);
        let unready = path.with_extension(UNREADY);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&unready);
        let file = OneFile { file: file.map_err(|e| failed("create", &unready, e))?, path };
        file.write(block, 0)?;
        file.sync()?;
        fs::rename(&unready, &file.path).map_err(|e| failed("name", &file.path, e))?;
        self.sync_names()?;
        Ok(file)
    }

    /// Makes the folder, durably.
    fn make_folder(&self) -> Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(|e| failed("create the folder", &self.folder, e))?;
        self.sync_above()
    }

    /// Makes the folder's own name durable.
    pub(crate) fn sync_above(&self) -> Result<()> {
        match self.folder.parent() {
            Some(above) if !above.as_os_str().is_empty() => sync_folder(above),
            _ => sync_folder(Path::new(".")),
        }
    }

    /// A log is made where nothing is.
    fn check_own(&self) -> Result<()> {
        if !self.segments()?.is_empty() {
            return Ok(());
        }
        let entries = fs::read_dir(&self.folder).map_err(|e| failed("list", &self.folder, e))?;
        let is_other = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            // Of a log whose first segment was never ready, or was made just now.
            let is_ours =
                Path::new(&name).extension().is_some_and(|ending| ending == UNREADY) || first_of(&name).is_some();
            name != LOCK && !is_ours
        };
        match entries.flatten().find(is_other) {
            None => Ok(()),
            Some(entry) => {
                let (folder, name) = (self.folder.display(), entry.file_name().display().to_string());
                let what =
                    format!("{folder} is no log, and not empty (it has {name}): name a folder of its own for the log");
                Err(Error::new(ErrorKind::Invalid, what))
            }
        }
    }

    /// The folder beside this one in which a log is written that is to be here when it is complete.
    ///
    /// # Errors
    /// `Invalid` if this folder has no name.
    pub(crate) fn beside(&self) -> Result<Self> {
        let Some(name) = self.folder.file_name() else {
            let what = format!("{} does not name a folder: name one for the log", self.folder.display());
            return Err(Error::new(ErrorKind::Invalid, what));
        };
        let mut name = name.to_owned();
        name.push(format!(".{UNREADY}"));
        Ok(Files::new(self.folder.with_file_name(name)))
    }

    /// Whether a log may be made here.
    ///
    /// # Errors
    /// `Conflict` if there is one, `Invalid` if there is something else; `Io`.
    pub(crate) fn check_free(&self) -> Result<()> {
        if !self.segments()?.is_empty() {
            let what = format!("{} holds a log: name a folder that is not there", self.folder.display());
            return Err(Error::new(ErrorKind::Conflict, what));
        }
        match self.folder.try_exists() {
            Ok(true) => self.check_own(),
            _ => Ok(()),
        }
    }

    /// Takes this folder for a log that is to be written from the beginning. What was left here of one is removed.
    ///
    /// # Errors
    /// `Locked` if somebody is writing one here; `Invalid` if there is something else; `Io`.
    pub(crate) fn begin_anew(&self) -> Result<Lock> {
        let lock = self.take_lock()?;
        self.segments()?.into_iter().try_for_each(|first| self.remove(first))?;
        self.check_own()?;
        Ok(lock)
    }

    /// Removes the folder with all that is in it, whose lock that is.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn remove_all(&self, _lock: &Lock) -> Result<()> {
        fs::remove_dir_all(&self.folder).map_err(|e| failed("remove", &self.folder, e))
    }

    /// Gives the log that is here the folder `to`, in which there is none; for good after [`sync_above`](Self::sync_above).
    ///
    /// # Errors
    /// `Conflict` or `Locked` if somebody made a log there meanwhile; `Io`. It is where it was then.
    pub(crate) fn rename(&self, to: &Files) -> Result<()> {
        if to.folder.is_dir() {
            // Whoever would make a log there asks for this first.
            let lock = to.take_lock()?;
            to.check_free()?;
            to.remove_all(&lock)?
        }
        fs::rename(&self.folder, &to.folder).map_err(|e| failed("name", &to.folder, e))
    }

    fn take_lock(&self) -> Result<Lock> {
        loop {
            self.make_folder()?;
            match self.check_own().and_then(|()| self.try_lock()) {
                Ok(lock) if is_at(&lock.0, &self.folder.join(LOCK)) => return Ok(Arc::new(lock)),
                // The folder was removed or renamed just now.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound && !self.folder.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn try_lock(&self) -> Result<LockFile> {
        let path = self.folder.join(LOCK);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(|e| failed("open", &path, e))?;
        let lock = match file.try_lock() {
            Ok(()) => LockFile(file),
            Err(TryLockError::Error(e)) => return Err(failed("lock", &path, e)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let holder = match file.read_to_string(&mut holder) {
                    Ok(1..) => format!("process {}", holder.trim()),
                    _ => "another process".to_owned(),
                };
                let what = format!("{} is open in {holder}: close it there, or open it read-only", self.name());
                return Err(Error::new(ErrorKind::Locked, what));
            }
        };
        let note = |mut file: &File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        note(&lock.0).map_err(|e| failed("write", &path, e))?;
        Ok(lock)
    }
}

/// False if a folder was removed, or another one got its name, between the opening of its lock and the locking: that locks
/// nothing.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |meta: fs::Metadata| (meta.dev(), meta.ino());
    file.metadata().map(id).ok() == fs::metadata(path).map(id).ok()
}

/// Where files that are open keep their folders' names.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// The first address of the segment whose file has this name: one that `Files::path` gives.
fn first_of(name: &OsStr) -> Option<u64> {
    let stem = name.to_str()?.strip_suffix(ENDING)?.strip_suffix('.')?;
    let first = u64::from_str_radix(stem, 16).ok()?;
    (first >> Address::BITS == 0 && stem == format!("{first:011x}")).then_some(first)
}

/// Makes the names in a folder durable. Windows does so by itself, and cannot open folders as files.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| failed("sync the folder", folder, e))
}

impl Storage for Files {
    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn lock(&self) -> Result<Box<dyn Send + Sync>> {
        match self.held.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(lock) => Ok(Box::new(lock)),
            None => Ok(Box::new(self.take_lock()?)),
        }
    }

    fn segments(&self) -> Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed("list", &self.folder, e)),
        };
        let mut firsts = Vec::new();
        for entry in entries {
            let name = entry.map_err(|e| failed("list", &self.folder, e))?.file_name();
            firsts.extend(first_of(&name))
        }
        firsts.sort_unstable();
        Ok(firsts)
    }

    fn create(&self, first: u64, block: &[u8]) -> Result<Arc<dyn SegmentFile>> {
        Ok(Arc::new(self.create_file(first, block)?))
    }

    fn open(&self, first: u64, may_write: bool) -> Result<Arc<dyn SegmentFile>> {
        Ok(Arc::new(self.open_file(first, may_write)?))
    }

    fn remove(&self, first: u64) -> Result<()> {
        let path = self.path(first);
        fs::remove_file(&path).map_err(|e| failed("remove", &path, e))
    }

    fn sync_names(&self) -> Result<()> {
        sync_folder(&self.folder)
    }

    fn draw_id(&self) -> u64 {
        // The seeds of std's hash tables are the machine's randomness.
        RandomState::new().hash_one((std::process::id(), std::time::SystemTime::now()))
    }
}

impl OneFile {
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    #[cfg(unix)]
    fn read_once(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, into, offset)
    }

    #[cfg(windows)]
    fn read_once(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, into, offset)
    }

    #[cfg(unix)]
    fn write_once(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.file, bytes, offset)
    }

    #[cfg(windows)]
    fn write_once(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.file, bytes, offset)
    }
}

/// Repeats what may do less than it is asked to, from where it got to, until all is done or it does nothing. How much was
/// done.
fn in_full(len: usize, mut once: impl FnMut(usize) -> io::Result<usize>) -> io::Result<usize> {
    let mut done = 0;
    while done < len {
        match once(done) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

impl SegmentFile for OneFile {
    fn len_bytes(&self) -> Result<u64> {
        self.file.metadata().map(|m| m.len()).map_err(|e| failed("read the length of", &self.path, e))
    }

    fn read(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        let len = into.len();
        in_full(len, |done| self.read_once(&mut into[done..], offset + done as u64))
            .map_err(|e| failed("read", &self.path, e))
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let done = in_full(bytes.len(), |done| self.write_once(&bytes[done..], offset + done as u64));
        match done {
            Ok(done) if done == bytes.len() => Ok(()),
            Ok(_) => Err(failed("write", &self.path, io::ErrorKind::WriteZero.into())),
            Err(e) => Err(failed("write", &self.path, e)),
        }
    }

    fn set_len(&self, len_bytes: u64) -> Result<()> {
        self.file.set_len(len_bytes).map_err(|e| failed("change the length of", &self.path, e))
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| failed("sync", &self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_interrupted_reads_and_writes_go_on_where_they_were() {
        let mut steps = [Ok(3), Err(io::ErrorKind::Interrupted), Ok(1), Ok(6)].into_iter();
        let mut places = Vec::new();
        let done = in_full(10, |done| {
            places.push(done);
            steps.next().unwrap().map_err(io::Error::from)
        });
        assert_eq!((done.unwrap(), places), (10, vec![0, 3, 3, 4]));
        assert_eq!(in_full(10, |done| Ok(if done < 4 { 4 } else { 0 })).unwrap(), 4);
        assert!(in_full(10, |_| Err(io::ErrorKind::StorageFull.into())).is_err());
    }

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error = failed("write", Path::new("notes/a"), io::ErrorKind::StorageFull.into());
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with("cannot write notes/a: "), "{error}");
        assert!(error.to_string().ends_with("free space, then open the log again"), "{error}");
    }

    #[test]
    fn a_segment_is_named_by_an_address_and_other_files_are_none() {
        let first = |name: &str| first_of(OsStr::new(name));
        assert_eq!((first("0000080a3f2.segment"), first("fffffffffff.segment")), (Some(0x80a3f2), Some((1 << 44) - 1)));
        // An address has 44 bits: what is longer is somebody else's, and no sum of it and a length is asked for.
        let others =
            ["100000000000.segment", "ffffffffffffffff.segment", "80a3f2.segment", "0000080A3F2.segment", "1.unready"];
        others.iter().for_each(|name| assert_eq!(first(name), None, "{name}"))
    }

    #[test]
    fn a_lock_is_held_under_every_name_that_its_folder_gets() {
        let above = std::env::temp_dir().join(format!("backstory-files-{}", std::process::id()));
        let files = |name: &str| Files::new(above.join(name));
        let is_locked = |name: &str| files(name).lock().is_err_and(|error| error.kind() == ErrorKind::Locked);
        let lock = files("one").begin_anew().unwrap();
        drop(files("one").create(0, b"a block").unwrap());
        assert!(is_locked("one") && files("one").begin_anew().is_err());
        // In the place of a folder that has nothing but a lock which nobody holds.
        drop(files("other").lock().unwrap());
        files("one").rename(&files("other")).unwrap();
        assert!(is_locked("other") && !above.join("one").exists());
        let other = files("other").with_lock(Some(lock));
        let lock = other.lock().unwrap();
        assert!(is_locked("other") && other.lock().is_err(), "it is given once");
        drop(lock);
        drop(other.lock().unwrap());
        // As a process has it that is just being started.
        let lock = other.take_lock().unwrap();
        let inherited = lock.0.try_clone().unwrap();
        assert!(is_locked("other"));
        drop(lock);
        assert!(!is_locked("other"));
        drop(inherited);
        // A log that somebody made there stays.
        drop(files("one").begin_anew().unwrap());
        let error = files("one").rename(&other).unwrap_err();
        assert_eq!((error.kind(), other.segments().unwrap()), (ErrorKind::Conflict, vec![0]));
        // The lock of a folder that is gone locks nothing.
        let gone = files("one").try_lock().unwrap();
        fs::remove_dir_all(above.join("one")).unwrap();
        files("other").rename(&files("one")).unwrap();
        assert!(!is_at(&gone.0, &above.join("one").join(LOCK)));
        fs::remove_dir_all(above).unwrap()
    }
}
