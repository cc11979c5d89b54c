//! Versions in a log: what a commit writes, and how any version is found again.
//!
//! In: versions as they are made, moves of the head. Out: their states, whose collections stay stored; what is known of
//! them.
//! Must hold: T2 (a batch that failed has marked nothing and is taken back).
//! Uses: `home`, `history`, `archive`, `log`, `link`, `id`, `error`.

use super::Durability;
use super::home::Made;
use crate::archive::{self, Digests, Kept, Library, Moved, Moving, Serializer, State, Storable, View};
use crate::error::{Error, ErrorKind, Result};
use crate::history::{Change, Line, Lineage, Names, Tree, line_after};
use crate::id::{Address, Digest};
use crate::link::Session;
use crate::log::{Log, Reader, Report, Root, Sharing, Stamp, StampKind, Tags, UNIT, sharing, verify};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What reads and writes states, caught where their type's bounds are known.
struct Codec<T> {
    write: fn(&T, &mut Serializer) -> Result<Root>,
    read: fn(&Arc<Library>, &Root, Address) -> Result<T>,
    check: fn(&T, Session, &Arc<Library>) -> Result<()>,
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
    lines: Arc<Lines>,
    digests: Arc<Digests>,
    codec: Codec<T>,
    /// States may be used where the timeline may.
    of: PhantomData<T>,
}

/// How many lines are kept in memory.
const LINES: usize = 4096;

/// Lines that were looked at last: paths to ancestors meet at the same few.
struct Lines(Mutex<Vec<(u64, Line)>>);

impl Default for Lines {
    fn default() -> Self {
        Lines(Mutex::new(vec![(u64::MAX, Line::FIRST); LINES]))
    }
}

impl Lines {
    fn get(&self, id: u64) -> Option<Line> {
        let (known, line) = self.0.lock().unwrap_or_else(PoisonError::into_inner)[id as usize % LINES];
        (known == id).then_some(line)
    }

    fn set(&self, id: u64, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[id as usize % LINES] = (id, line)
    }
}

impl<T> Clone for Stored<T> {
    fn clone(&self) -> Self {
        let Stored { reader, library, tree, lines, digests, codec, of } = self;
        Stored {
            reader: reader.clone(),
            library: library.clone(),
            tree: tree.clone(),
            lines: lines.clone(),
            digests: digests.clone(),
            codec: *codec,
            of: *of,
        }
    }
}

impl<T: State> Stored<T> {
    pub(super) fn new(session: Session, reader: Arc<Reader>, last: Option<&Stamp>) -> Self {
        let tree = last.and_then(|last| last.children).map_or(0, Address::units);
        let library = Library::new(session, reader.clone());
        library.note_hashers(last.and_then(|last| last.hashers));
        Stored {
            library,
            reader,
            tree: Arc::new(AtomicU64::new(tree)),
            lines: Arc::default(),
            digests: Arc::default(),
            codec: Codec { write: archive::write_root, read: archive::read_root, check: archive::check_roundtrip },
            of: PhantomData,
        }
    }
}

impl Made {
    fn tag(&self, tags: &mut Tags) {
        if !self.label.is_empty() {
            tags.push(Tags::LABEL, self.label.as_bytes())
        }
        if let Some(author) = &self.author {
            tags.push(Tags::AUTHOR, author.as_bytes())
        }
        if self.line.joins > 0 {
            tags.push_number(Tags::JOINS, self.line.joins)
        }
    }
}

impl<T> Lineage for Stored<T> {
    fn line(&self, id: u64) -> Result<Line> {
        if let Some(line) = self.lines.get(id) {
            return Ok(line);
        }
        let line = line_of(&self.reader.stamp_of(id)?);
        self.lines.set(id, line);
        Ok(line)
    }

    fn is_one_line(&self) -> bool {
        self.tree.load(Ordering::Acquire) == 0
    }
}

fn line_of(stamp: &Stamp) -> Line {
    let parent = stamp.parents.first().copied().unwrap_or(0);
    Line { parent, jump: stamp.jump, depth: stamp.depth, joins: stamp.tags.number(Tags::JOINS) }
}

impl<T> Stored<T> {
    pub(super) fn count(&self) -> u64 {
        self.reader.versions()
    }

    /// Where the log ends.
    pub(super) fn end(&self) -> u64 {
        self.reader.end()
    }

    pub(super) fn state(&self, id: u64) -> Result<T> {
        let (root, at) = self.root(id)?;
        (self.codec.read)(&self.library, &root, at)
    }

    /// The root of a version, and where its stamp is.
    fn root(&self, id: u64) -> Result<(Root, Address)> {
        let (stamp, at) = self.stamp(id)?;
        self.lines.set(id, line_of(&stamp));
        Ok((stamp.root, at))
    }

    /// The stamp of a version whose values are going to be read, and where it is.
    fn stamp(&self, id: u64) -> Result<(Stamp, Address)> {
        let at = self.reader.address_of(id)?;
        let stamp = self.reader.version_at(at, id)?;
        // The writer may have just made this version.
        self.library.note_hashers(stamp.hashers);
        Ok((stamp, at))
    }

    pub(super) fn digest(&self, id: u64) -> Result<Digest>
    where
        T: State,
    {
        archive::digest(&self.state(id)?, &self.digests)
    }

    pub(super) fn view(&self, id: u64) -> Result<View<T::Archived>>
    where
        T: State,
    {
        let (root, at) = self.root(id)?;
        archive::view_root::<T>(&self.library, &root, at)
    }

    pub(super) fn made(&self, id: u64) -> Result<Made> {
        let stamp = self.reader.stamp_of(id)?;
        let text = |tag| stamp.tags.get(tag).map(|bytes| String::from_utf8_lossy(bytes).into());
        let (label, author) = (text(Tags::LABEL).unwrap_or_default(), text(Tags::AUTHOR));
        Ok(Made { line: line_of(&stamp), time_us: stamp.time_us, label, author })
    }

    /// The value that a version's action is.
    pub(super) fn action<A: State>(&self, id: u64) -> Result<Option<A>> {
        let found = self.moved_action(id)?;
        found.map(|Moved { root, stamp }| archive::read_root(&self.library, &root, stamp)).transpose()
    }

    /// The same as it is stored, for another log.
    pub(super) fn moved_action(&self, id: u64) -> Result<Option<Moved>> {
        let (stamp, at) = self.stamp(id)?;
        Ok(stamp.tags.root(Tags::ACTION).map(|root| Moved { root, stamp: at }))
    }

    pub(super) fn verify(&self) -> Result<Report> {
        let (mut lines, mut strays, mut last) = (AllLines(Vec::new()), Vec::new(), None);
        let mut each = |stamp: &Stamp, at| {
            if stamp.kind == StampKind::Version && !lines.take(stamp) {
                strays.push(at)
            }
            last = Some((stamp.clone(), at))
        };
        let mut report = verify(&self.reader, &archive::links, &mut each)?;
        // Damage elsewhere says more: without a stamp the ones behind it follow from nothing.
        if report.damages.is_empty() {
            let what = "what this stamp says of the version's ancestors does not follow from its parent";
            strays.into_iter().for_each(|at| report.add_stamp(&self.reader, at, what));
            match last.map(|(last, at)| (self.names(&last), at)) {
                Some((Err(error), at)) if error.kind() == ErrorKind::Corrupt => {
                    report.add_stamp(&self.reader, at, &error.to_string())
                }
                Some((Err(error), _)) => return Err(error),
                _ => {}
            }
        }
        Ok(report)
    }

    pub(super) fn sharing(&self) -> Result<Sharing> {
        sharing(&self.reader, &archive::links)
    }

    /// The names that the last stamp leads to, and how many changes they are from where all were written.
    pub(super) fn names(&self, last: &Stamp) -> Result<(Names, usize)> {
        let (mut stamp, mut changes) = (last.clone(), Vec::new());
        let mut names = loop {
            if let Some(root) = stamp.tags.root(Tags::NAMES) {
                let Root::At(at) = root else { return Err(no_names(&stamp, "where they are is no address")) };
                break archive::read(&self.library, at)?;
            }
            if stamp.kind == StampKind::Names {
                let change = stamp.tags.get(Tags::CHANGE).and_then(Change::from_bytes);
                let change = change.ok_or_else(|| no_names(&stamp, "what has changed in them is no change"))?;
                changes.push((change, stamp.id + 1))
            }
            let Some(at) = stamp.chain.names else { break Names::default() };
            stamp = self.reader.stamp_at(at)?
        };
        for (change, count) in changes.iter().rev() {
            names = names.changed(change, *count).map_err(|error| match error.kind() {
                ErrorKind::Invalid | ErrorKind::NotFound => no_names(last, &error.to_string()),
                _ => error,
            })?
        }
        Ok((names, changes.len()))
    }

    pub(super) fn tree(&self) -> Result<Tree> {
        match Address::new(self.tree.load(Ordering::Acquire)) {
            Some(at) => archive::read(&self.library, at),
            None => Ok(Tree::default()),
        }
    }
}

/// The lines of all versions up to some number.
struct AllLines(Vec<Line>);

impl AllLines {
    /// Takes the line of the next version; whether it is what follows from the parent.
    fn take(&mut self, stamp: &Stamp) -> bool {
        let line = line_of(stamp);
        let is_it = |made: Line| (made.depth, made.jump) == (line.depth, line.jump) && line.joins <= line.depth;
        let follows = match stamp.parents.first() {
            Some(&parent) => stamp.id > 0 && line_after(self, parent).is_ok_and(is_it),
            None => stamp.id == 0 && is_it(Line::FIRST),
        };
        self.0.push(line);
        follows
    }
}

impl Lineage for AllLines {
    fn line(&self, id: u64) -> Result<Line> {
        let line = usize::try_from(id).ok().and_then(|id| self.0.get(id));
        line.copied().ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no version {id} is before this one")))
    }

    fn is_one_line(&self) -> bool {
        false
    }
}

fn no_names(stamp: &Stamp, what: &str) -> Error {
    let what = format!("the names in the log, as they were with version {}: {what}: restore a copy", stamp.id);
    Error::new(ErrorKind::Corrupt, what)
}

/// After so many changes all names are written: so many stamps more an opening may have to read.
const MOST_CHANGES: usize = 256;

/// Appends versions to a log.
pub(super) struct Writer {
    log: Arc<Mutex<Log>>,
    session: Session,
    durability: Durability,
    /// Whether somebody else syncs, for many.
    shares_syncs: bool,
    /// Whether states are compared with what would be read.
    is_checked: bool,
    /// The log that is being moved to this one.
    moving: Option<Arc<Moving>>,
    /// How many changes of names there were since all were written.
    pub(super) changes: usize,
}

impl Writer {
    pub(super) fn new(session: Session, log: Log, durability: Durability, is_checked: bool) -> Self {
        Writer {
            log: Arc::new(Mutex::new(log)),
            session,
            durability,
            shares_syncs: false,
            is_checked,
            moving: None,
            changes: 0,
        }
    }

    /// Moves what another log has as it is.
    pub(super) fn moving<T>(self, from: &Stored<T>) -> Self {
        Writer { moving: Some(Moving::new(from.library.clone())), ..self }
    }

    /// Gives how many bytes were written, and what was written of.
    pub(super) fn append<T>(
        &mut self,
        stored: &Stored<T>,
        state: &T,
        made: Made,
        action: Option<&dyn Storable>,
    ) -> Result<(u64, Kept)> {
        if self.is_checked {
            (stored.codec.check)(state, self.session, &stored.library)?;
            action.map_or(Ok(()), |action| action.check_roundtrip(self.session, &stored.library))?
        }
        let (id, before) = (stored.count(), stored.reader.end());
        let batch = Batch::begin(&self.log)?;
        let mut serializer = Serializer::new(self.session, self.log.clone()).moving(self.moving.clone());
        let root = (stored.codec.write)(state, &mut serializer)?;
        let action = action.map(|action| action.write_root(&mut serializer)).transpose()?;
        let mut tree = Address::new(stored.tree.load(Ordering::Acquire));
        if id > 0 && made.line.parent + 1 != id {
            let new = stored.tree()?.with(made.line.parent, id - 1)?;
            tree = Some(archive::write(&new, &mut serializer)?)
        }
        let mut stamp =
            batch.log().last().map_or_else(|| Stamp::version(id, Root::None), |last| last.after(StampKind::Version));
        (stamp.id, stamp.head, stamp.tip, stamp.root) = (id, id, id, root);
        (stamp.depth, stamp.jump, stamp.time_us, stamp.children) =
            (made.line.depth, made.line.jump, made.time_us, tree);
        if id > 0 {
            stamp.parents.push(made.line.parent)
        }
        made.tag(&mut stamp.tags);
        stamp.tags.push_root(Tags::ACTION, &action.unwrap_or_default());
        let is_durable = self.durability != Durability::None && !self.shares_syncs;
        let kept = batch.finish_with(serializer, &stored.library, stamp, is_durable)?;
        stored.lines.set(id, made.line);
        stored.tree.store(tree.map_or(0, Address::units), Ordering::Release);
        Ok(((stored.reader.end() - before) * UNIT, kept))
    }

    /// Notes where head and tip are; and names, if they have changed: the change alone, or all of them.
    pub(super) fn note<T>(
        &mut self,
        stored: &Stored<T>,
        head: u64,
        tip: u64,
        names: Option<(&Names, Option<&Change>)>,
    ) -> Result<()> {
        let batch = Batch::begin(&self.log)?;
        let kind = if names.is_some() { StampKind::Names } else { StampKind::Move };
        let last = batch.log().last().map(|last| last.after(kind));
        let mut stamp = last.ok_or_else(|| Error::new(ErrorKind::NotFound, "the log has no version yet"))?;
        (stamp.head, stamp.tip) = (head, tip);
        let Some((names, change)) = names else { return batch.finish(stamp, false) };
        // Synced under `Durability::Group` too: nobody waits for a name together with others.
        let is_durable = self.durability != Durability::None;
        if let Some(change) = change.filter(|_| self.changes < MOST_CHANGES) {
            stamp.tags.push(Tags::CHANGE, &change.to_bytes());
            batch.finish(stamp, is_durable)?;
            self.changes += 1;
            return Ok(());
        }
        let mut serializer = Serializer::new(self.session, self.log.clone());
        stamp.tags.push_root(Tags::NAMES, &Root::At(archive::write(names, &mut serializer)?));
        batch.finish_with(serializer, &stored.library, stamp, is_durable)?;
        self.changes = 0;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        lock(&self.log).flush()
    }

    /// Leaves syncs to somebody else, if that was asked for; or does them again.
    pub(super) fn share_syncs(&mut self, shares: bool) -> Option<SharedSync> {
        let Durability::Group(delay) = self.durability else { return None };
        self.shares_syncs = shares;
        Some(SharedSync { log: self.log.clone(), delay })
    }
}

/// What syncs for many.
pub(crate) struct SharedSync {
    log: Arc<Mutex<Log>>,
    /// How long the first one waits for others.
    pub(crate) delay: Duration,
}

impl SharedSync {
    /// Makes all durable that was committed; others may commit meanwhile. Up to where it is durable then.
    ///
    /// # Errors
    /// `Io`; the log takes no more then.
    pub(crate) fn sync(&self) -> Result<u64> {
        let (due, end) = {
            let log = lock(&self.log);
            (log.due()?, log.reader().end())
        };
        let Some(due) = due else { return Ok(end) };
        due.sync()?;
        let end = due.end();
        lock(&self.log).done(due);
        Ok(end)
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

    /// The same with all that was written; gives that.
    fn finish_with(
        self,
        mut serializer: Serializer,
        library: &Library,
        mut stamp: Stamp,
        is_durable: bool,
    ) -> Result<Kept> {
        let hashers = library.write_hashers(&mut serializer)?.or_else(|| library.hashers());
        stamp.hashers = hashers.or(stamp.hashers);
        self.finish(stamp, is_durable)?;
        let kept = serializer.finish();
        library.keep_hashers(hashers);
        Ok(kept)
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
