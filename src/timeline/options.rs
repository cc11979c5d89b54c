//! How a timeline on disk is opened.
//!
//! In: a path, wishes. Out: a timeline.
//! Uses: `home`, `stored`, `memory`, `times`, `history`, `archive`, `log`, `link`, `error`.
#![allow(unsafe_code)] // The declaration of `open_mmap`: docs/ARCHITECTURE.md, "Unsafe".

use super::Timeline;
use super::home::{Home, Made, Past};
use super::memory::{Keep, Memory};
use super::stored::{Stored, Writer};
use super::times::Clock;
use crate::archive::{self, State};
use crate::error::{Error, ErrorKind, Result};
use crate::history::{Line, Names};
use crate::link::Session;
use crate::log::{Files, Log, MappedFiles, Reader, Stamp, Storage};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// When a version is safe from a loss of power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// When the call that made it returns. Costs a sync of the device each time. Where the head is, after an undo say, is
    /// noted without one, as under the others: a loss of power may take that back, up to the next version or
    /// [`flush`](Timeline::flush).
    #[default]
    Sync,
    /// When the call that made it returns, of a [`Store`](crate::Store): the first thread that waits does so for
    /// as long as is said, and then syncs once for all that have made versions meanwhile. So many threads cost few syncs. A
    /// timeline by itself has one thread: there it is as `Sync`.
    Group(Duration),
    /// When [`flush`](Timeline::flush) returns. Until then it survives the end of the process, and not a loss of power; what
    /// is lost then are the newest versions.
    None,
}

/// How a timeline on disk is opened. From [`Timeline::options`].
///
/// ```no_run
/// use backstory::{Durability, Timeline, Vector};
///
/// let timeline = Timeline::options().durability(Durability::None).open("list.backstory", Vector::<u64>::new)?;
/// # Ok::<(), backstory::Error>(())
/// ```
pub struct Options<T> {
    durability: Durability,
    clock: Clock,
    keep: Keep<T>,
    schema: Option<(String, u32)>,
    segment_bytes: Option<u64>,
    pub(super) check_roundtrip: Option<bool>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Options<T> {
    fn clone(&self) -> Self {
        let Options { durability, clock, keep, schema, segment_bytes, check_roundtrip, of } = self;
        Options {
            durability: *durability,
            clock: clock.clone(),
            keep: keep.clone(),
            schema: schema.clone(),
            segment_bytes: *segment_bytes,
            check_roundtrip: *check_roundtrip,
            of: *of,
        }
    }
}

impl<T> std::fmt::Debug for Options<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("durability", &self.durability)
            .field("schema", &self.schema)
            .field("segment_bytes", &self.segment_bytes)
            .field("check_roundtrip", &self.check_roundtrip)
            .finish_non_exhaustive()
    }
}

impl<T> Options<T> {
    pub(super) fn new() -> Self {
        Options {
            durability: Durability::default(),
            clock: Clock::default(),
            keep: Keep::ALL,
            schema: None,
            segment_bytes: None,
            check_roundtrip: None,
            of: PhantomData,
        }
    }

    /// When versions are safe from a loss of power: [`Durability::Sync`] if nothing is said.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// What the log says it holds, and in which version of that: the state's type, without its modules, and 0 if nothing
    /// is said. A log is opened by the name and version only with which it was made.
    #[must_use]
    pub fn schema(mut self, name: &str, version: u32) -> Self {
        self.schema = Some((name.into(), version));
        self
    }

    /// How long a file of the log gets, in bytes, before the next one is begun: 64 MiB if nothing is said.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = Some(bytes);
        self
    }

    /// Whether each new state is compared with what will be read back of it, before it is committed: in debug builds only if
    /// nothing is said.
    ///
    /// It finds what is stored otherwise than it compares, above all a `usize` in a type of yours: above 4294967295 it is cut
    /// to 32 bits. A commit that finds something is `Invalid`, and nothing has changed. It costs about as much as the commit
    /// does without a sync; what is in the log already is not compared again. What does not equal itself, as a NaN, cannot
    /// be compared: a commit that adds one is let through.
    ///
    /// ```
    /// use backstory::{ErrorKind, Timeline};
    ///
    /// # let path = std::env::temp_dir().join(format!("backstory-doc-check-{}", std::process::id()));
    /// let mut timeline = Timeline::<usize>::options().check_roundtrip(true).open(&path, || 1)?;
    /// timeline.commit("it fits", 4_000_000_000)?;
    /// let error = timeline.commit("it does not", 5_000_000_000).unwrap_err();
    /// assert_eq!((error.kind(), *timeline.state()), (ErrorKind::Invalid, 4_000_000_000));
    /// # drop(timeline);
    /// # std::fs::remove_dir_all(&path).unwrap();
    /// # Ok::<(), backstory::Error>(())
    /// ```
    #[must_use]
    pub fn check_roundtrip(mut self, check: bool) -> Self {
        self.check_roundtrip = Some(check);
        self
    }

    /// Where new versions get their times from: the system if nothing is said. Times of versions never go back, whatever it
    /// says.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(now);
        self
    }

    /// In memory, keeps the newest `versions` versions, at least one, and those that have names: for programs that run
    /// for ever. All others go when a version is made, also one that has lost its last name since, and never otherwise.
    /// Letting one go costs O(what it alone has), however many names there are.
    ///
    /// Undo ends at the oldest one that is kept, and redo before the first that is not. What was let go is `NotFound`.
    ///
    /// ```
    /// use backstory::{Timeline, Vector, VersionId};
    ///
    /// let mut game = Timeline::options().keep_versions(8).in_memory(Vector::<u32>::new());
    /// for frame in 0..100 {
    ///     game.edit("frame", |world| world.push_back(frame))?;
    /// }
    /// assert_eq!(game.versions().count(), 8);
    /// assert!(game.at(VersionId::new(92)).is_err() && game.at(VersionId::new(93)).is_ok());
    /// # Ok::<(), backstory::Error>(())
    /// ```
    #[must_use]
    pub fn keep_versions(mut self, versions: u64) -> Self {
        self.keep.versions = versions;
        self
    }

    /// In memory, keeps the newest versions that together take up to `bytes` bytes, at least one, and those that have
    /// names: otherwise as [`keep_versions`](Self::keep_versions). `measure` says how many bytes a new state, the
    /// second, takes beside the one that it was made from.
    #[must_use]
    pub fn keep_bytes(mut self, bytes: u64, measure: impl Fn(&T, &T) -> u64 + Send + Sync + 'static) -> Self {
        self.keep.bytes = bytes;
        self.keep.measure = Some(Arc::new(measure));
        self
    }
}

impl<T: Clone + PartialEq + 'static> Options<T> {
    /// A timeline in memory, whose first version is `initial`.
    pub fn in_memory(self, initial: T) -> Timeline<T> {
        let (initial, made) = (Arc::new(initial), first(self.clock.now_us()));
        let (time_us, memory) = (made.time_us, Memory::new(initial.clone(), made, self.keep));
        let home = Home::new(Past::Memory(memory), None);
        Timeline::at_home(home, initial, (0, 0), time_us, Names::default(), self.clock)
    }
}

/// What is to be known of a first version.
fn first(time_us: u64) -> Made {
    Made { line: Line::FIRST, time_us, label: "".into(), author: None }
}

impl<T: State> Options<T> {
    pub(super) fn log_options(&self) -> crate::log::Options {
        let (name, version) = self.schema.clone().unwrap_or_else(|| (schema_name(std::any::type_name::<T>()), 0));
        let mut options = crate::log::Options::new(archive::identity::<T>(&name, version));
        options.segment_bytes = self.segment_bytes.unwrap_or(options.segment_bytes);
        options
    }

    /// Opens the timeline in the folder `path`, as it was left; or makes it, with what `initial` gives as its first version.
    ///
    /// Nothing of the state is read: collections thaw where they are looked at. Cost: a few reads, however large the state and
    /// however long the history.
    ///
    /// # Errors
    /// `Locked` if another process has it open; `Incompatible` if it holds another schema, or was written by a build whose
    /// rkyv lays things out otherwise; `Corrupt` if acknowledged versions are damaged, or the state where it was left cannot be
    /// read: nothing is changed then, and [`open_read_only`](Self::open_read_only) shows what is left; `Io`.
    pub fn open(self, path: impl AsRef<Path>, initial: impl FnOnce() -> T) -> Result<Timeline<T>> {
        self.open_in(Arc::new(Files::new(path.as_ref())), initial)
    }

    /// Opens the timeline in the folder `path` to look at its versions, beside a process that makes new ones or where nothing
    /// can be written. Head, tip and names may be changed, which nobody else sees and nothing keeps. It shows what was there when
    /// it was opened: open it again for what others have made since.
    ///
    /// It stands where it was left; or, if that state is damaged, at the newest version whose state is not, with nothing to
    /// redo. What else is whole is there too, and any state can be the first of a new timeline. Only where a state begins is
    /// read: damage further down is an error when it is met.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Incompatible`, `Io` as [`open`](Self::open); `Corrupt` if no version's state can be
    /// read, or nothing of the log.
    pub fn open_read_only(self, path: impl AsRef<Path>) -> Result<Timeline<T>> {
        self.read_only_in(Arc::new(Files::new(path.as_ref())))
    }

    pub(super) fn read_only_in(self, storage: Arc<dyn Storage>) -> Result<Timeline<T>> {
        self.check()?;
        let (reader, last) = Reader::open(storage, &self.log_options().identity)?;
        let stored = Stored::new(Session::open()?, reader, last.as_ref());
        let none = || Error::new(ErrorKind::NotFound, "the log has no version yet: open it for writing first");
        self.stand(stored, None, &last.ok_or_else(none)?)
    }

    /// As [`open`](Self::open), with the log's files mapped into memory: reads cost no call of the system.
    ///
    /// # Safety
    /// Nobody changes or shortens a file of the folder while this timeline, a reader of it, or a state or view from it is
    /// alive, but for other timelines of this crate. What was mapped changes under safe code otherwise, and a file that
    /// gets shorter ends the process.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub unsafe fn open_mmap(self, path: impl AsRef<Path>, initial: impl FnOnce() -> T) -> Result<Timeline<T>> {
        // SAFETY: the caller's promise.
        self.open_in(Arc::new(unsafe { MappedFiles::new(path.as_ref()) }), initial)
    }

    pub(crate) fn open_in(self, storage: Arc<dyn Storage>, initial: impl FnOnce() -> T) -> Result<Timeline<T>> {
        let clock = self.clock.clone();
        self.open_with(storage, || Ok((initial(), clock.now_us())))
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.keep.is_all() {
            return Ok(());
        }
        let what = "a timeline on disk keeps all its versions: say how many are to be kept only of one in memory";
        Err(Error::new(ErrorKind::Invalid, what))
    }

    /// Opens it; what `initial` gives is its first version if there is none, with its time.
    pub(super) fn open_with(
        self,
        storage: Arc<dyn Storage>,
        initial: impl FnOnce() -> Result<(T, u64)>,
    ) -> Result<Timeline<T>> {
        self.check()?;
        let (log, last) = Log::open(storage, self.log_options())?;
        let session = Session::open()?;
        let is_checked = self.check_roundtrip.unwrap_or(cfg!(debug_assertions));
        let stored = Stored::new(session, log.reader(), last.as_ref());
        let writer = Writer::new(session, log, self.durability, is_checked);
        if let Some(last) = last {
            return self.stand(stored, Some(writer), &last);
        }
        let mut home = Home::new(Past::Stored(stored), Some(writer));
        let (initial, time_us) = initial()?;
        let initial = Arc::new(initial);
        home.append(&initial, first(time_us), false, None)?;
        Ok(Timeline::at_home(home, initial, (0, 0), time_us, Names::default(), self.clock))
    }

    /// A timeline that stands where the last stamp says; one that is only read elsewhere if need be, and without names.
    fn stand(self, stored: Stored<T>, mut writer: Option<Writer>, last: &Stamp) -> Result<Timeline<T>> {
        let (names, changes) = match stored.names(last) {
            Err(error) if error.kind() == ErrorKind::Corrupt && writer.is_none() => (Names::default(), 0),
            names => names?,
        };
        if let Some(writer) = &mut writer {
            writer.changes = changes
        }
        let mut home = Home::new(Past::Stored(stored), writer);
        let (head, tip, state) = match home.shown(last.head) {
            Err(error) if error.kind() == ErrorKind::Corrupt && home.is_read_only() => {
                let (head, state) = newest_whole(&mut home, last.id)?.ok_or(error)?;
                (head, head, state)
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => return Err(damaged_head(last.head, error)),
            state => (last.head, last.tip, state?),
        };
        Ok(Timeline::at_home(home, state, (head, tip), last.time_us, names, self.clock))
    }
}

/// The newest version up to this one whose state can be read, if there is one.
fn newest_whole<T: State>(home: &mut Home<T>, newest: u64) -> Result<Option<(u64, Arc<T>)>> {
    for id in (0..=newest).rev() {
        match home.shown(id) {
            Err(error) if error.kind() == ErrorKind::Corrupt => {}
            state => return state.map(|state| Some((id, state))),
        }
    }
    Ok(None)
}

fn damaged_head(head: u64, error: Error) -> Error {
    let what = format!(
        "the state of version {head}, where the timeline stands, is damaged: {error}. Nothing was changed: restore a copy; or \
         open the log read-only, which stands at the newest version that is whole, and begin a new timeline from there"
    );
    Error::new(ErrorKind::Corrupt, what).with_source(error)
}

/// A type's name without the modules it is in.
fn schema_name(name: &str) -> String {
    let mut short = String::new();
    for part in name.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        let (path, end) = match part.chars().next_back() {
            Some(end) if !(end.is_alphanumeric() || end == '_' || end == ':') => {
                part.split_at(part.len() - end.len_utf8())
            }
            _ => (part, ""),
        };
        short.push_str(path.rsplit("::").next().unwrap_or(path));
        short.push_str(end)
    }
    short
}

#[cfg(test)]
mod tests {
    use super::schema_name;

    #[test]
    fn a_schema_is_named_without_modules() {
        assert_eq!(schema_name("app::notes::Notes"), "Notes");
        assert_eq!(schema_name("u64"), "u64");
        let map =
            "backstory::map::GenericHashMap<alloc::string::String, (u8, app::Note), backstory::hash::PortableHash>";
        assert_eq!(schema_name(map), "GenericHashMap<String, (u8, Note), PortableHash>");
        assert_eq!(schema_name("[core::option::Option<a::B>; 3]"), "[Option<B>; 3]")
    }
}
