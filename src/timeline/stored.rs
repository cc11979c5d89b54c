//! Versions in a log: what a commit writes, and how any version is found again.
//!
//! In: versions as they are made, moves of the head. Out: their states, whose collections stay stored; what is known of
//! them.
//! Must hold: T2 (a batch that failed has marked nothing and is taken back).
//! Uses: `home`, `history`, `archive`, `log`, `link`, `id`, `error`.

use super::home::Made;
use crate::archive::{self, Library, Serializer, State};
use crate::error::{Error, ErrorKind, Result};
use crate::history::{Line, Lineage, Tree};
use crate::id::Address;
use crate::link::Session;
use crate::log::{Log, Reader, Root, Stamp, StampKind, Tags};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What reads and writes states, caught where their type's bounds are known.
struct Codec<T> {
    write: fn(&T, &mut Serializer) -> Result<Address>,
    read: fn(&Arc<Library>, Address) -> Result<T>,
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Codec<T> {}

/// The versions of a log, to look at from any thread.
pub(super) struct Stored<T> {
    reader: Arc<Reader>,
    library: Arc<Library>,
    /// The address of the newest [`Tree`], 0 if it is empty.
    tree: Arc<AtomicU64>,
    codec: Codec<T>,
}

impl<T> Clone for Stored<T> {
    fn clone(&self) -> Self {
        let Stored { reader, library, tree, codec } = self;
        Stored { reader: reader.clone(), library: library.clone(), tree: tree.clone(), codec: *codec }
    }
}

impl<T: State> Stored<T> {
    pub(super) fn new(session: Session, reader: Arc<Reader>, last: Option<&Stamp>) -> Self {
        let tree = last.and_then(|last| last.children).map_or(0, Address::units);
        Stored {
            library: Library::new(session, reader.clone()),
            reader,
            tree: Arc::new(AtomicU64::new(tree)),
            codec: Codec { write: archive::write, read: archive::read },
        }
    }
}

impl<T> Lineage for Stored<T> {
    fn line(&self, id: u64) -> Result<Line> {
        Ok(line_of(&self.reader.stamp_of(id)?))
    }
}

fn line_of(stamp: &Stamp) -> Line {
    Line { parent: stamp.parents.first().copied().unwrap_or(0), jump: stamp.jump, depth: stamp.depth }
}

impl<T> Stored<T> {
    pub(super) fn count(&self) -> u64 {
        self.reader.versions()
    }

    pub(super) fn state(&self, id: u64) -> Result<T> {
        match self.reader.stamp_of(id)?.root {
            Root::At(root) => (self.codec.read)(&self.library, root),
            _ => Err(Error::new(ErrorKind::Corrupt, format!("version {id} has no state: verify the log"))),
        }
    }

    pub(super) fn made(&self, id: u64) -> Result<Made> {
        let stamp = self.reader.stamp_of(id)?;
        let label = String::from_utf8_lossy(stamp.tags.get(Tags::LABEL).unwrap_or_default());
        Ok(Made { line: line_of(&stamp), time_us: stamp.time_us, label: label.into() })
    }

    pub(super) fn tree(&self) -> Result<Tree> {
        match Address::new(self.tree.load(Ordering::Acquire)) {
            Some(at) => archive::read(&self.library, at),
            None => Ok(Tree::default()),
        }
    }
}

/// Appends versions to a log.
pub(super) struct Writer {
    log: Arc<Mutex<Log>>,
    session: Session,
    is_durable: bool,
}

impl Writer {
    pub(super) fn new(session: Session, log: Log, is_durable: bool) -> Self {
        Writer { log: Arc::new(Mutex::new(log)), session, is_durable }
    }

    pub(super) fn append<T>(&mut self, stored: &Stored<T>, state: &T, made: Made) -> Result<()> {
        let id = stored.count();
        let batch = Batch::begin(&self.log)?;
        let mut serializer = Serializer::new(self.session, self.log.clone());
        let root = (stored.codec.write)(state, &mut serializer)?;
        let mut tree = Address::new(stored.tree.load(Ordering::Acquire));
        if id > 0 && made.line.parent + 1 != id {
            let new = stored.tree()?.with(made.line.parent, id - 1)?;
            tree = Some(archive::write(&new, &mut serializer)?)
        }
        let mut stamp =
            batch.log().last().map_or_else(|| Stamp::version(id, Root::None), |last| last.after(StampKind::Version));
        (stamp.id, stamp.head, stamp.tip, stamp.root) = (id, id, id, Root::At(root));
        (stamp.depth, stamp.jump, stamp.time_us, stamp.children) =
            (made.line.depth, made.line.jump, made.time_us, tree);
        if id > 0 {
            stamp.parents.push(made.line.parent)
        }
        if !made.label.is_empty() {
            stamp.tags.push(Tags::LABEL, made.label.as_bytes())
        }
        batch.finish(stamp, self.is_durable)?;
        serializer.finish();
        stored.tree.store(tree.map_or(0, Address::units), Ordering::Release);
        Ok(())
    }

    pub(super) fn move_head(&mut self, head: u64, tip: u64) -> Result<()> {
        let batch = Batch::begin(&self.log)?;
        let last = batch.log().last().map(|last| last.after(StampKind::Move));
        let mut stamp = last.ok_or_else(|| Error::new(ErrorKind::NotFound, "the log has no version yet"))?;
        (stamp.head, stamp.tip) = (head, tip);
        batch.finish(stamp, false)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        lock(&self.log).flush()
    }
}

/// A batch on its way; taken back if it is dropped before it is finished, as when a user's `Serialize` panics.
struct Batch<'l>(&'l Mutex<Log>);

impl<'l> Batch<'l> {
    fn begin(log: &'l Mutex<Log>) -> Result<Self> {
        lock(log).begin()?;
        Ok(Batch(log))
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        lock(self.0)
    }

    fn finish(self, stamp: Stamp, is_durable: bool) -> Result<()> {
        self.log().finish(stamp, is_durable).map(|_| ())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.log().give_up()
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
