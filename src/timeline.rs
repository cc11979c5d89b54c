//! The timeline: a state, all its versions, and where among them we stand.
//!
//! In: edits of a state. Out: versions, and any of them again.
//! - **T1** What `state` shows is the version `head` names, but for what [`Timeline::on_travel`] carries along, and what a
//!   group or a gesture has changed so far.
//! - **T2** A call that fails, or in which the user's code panics, has changed nothing; an acknowledged version is there for
//!   ever.
//! - **T3** An edit after undo makes a branch: no version is ever lost.
//!
//! Uses: `history`, `archive`, `log`, `link`, `id`, `error`.

#[cfg(doctest)]
mod compile_fail;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod groups;
mod home;
mod memory;
mod migrate;
mod names;
mod options;
mod reader;
mod recent;
mod stored;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_bytes;
#[cfg(test)]
mod tests_counted;
#[cfg(test)]
mod tests_crash;
#[cfg(test)]
mod tests_faults;
#[cfg(test)]
mod tests_golden;
#[cfg(test)]
mod tests_groups;
#[cfg(test)]
mod tests_hashers;
#[cfg(test)]
mod tests_kept;
#[cfg(test)]
mod tests_roundtrip;
#[cfg(test)]
mod tests_verbs;
#[cfg(test)]
mod tests_view;
mod times;
mod travel;

pub use groups::{Gesture, Grouping};
pub use options::{Durability, Options};
pub use reader::Reader;
pub(crate) use stored::SharedSync;

use crate::archive::{State, Storable, View};
use crate::error::{Error, ErrorKind, Result, caught};
use crate::history::{Change, Lineage, Names, is_ancestor, line_after};
use crate::id::{Digest, VersionId};
use crate::log::Report;
use groups::{Open, Run};
use home::{Home, Made, cut};
use reader::described;
use std::sync::Arc;
use std::time::SystemTime;
use times::Clock;
use travel::Travel;

/// A state with all its versions: undo, redo, rollback and a look at any version, at once, however large the state and
/// however long its history.
///
/// Every edit that changes the state makes a version. Versions share what they have in common, so that one costs what the
/// edit changed. An edit after undo starts a branch beside the versions that were undone, which stay.
///
/// Fields that are not this crate's collections are compared, and stored, whole at each commit: keep them small.
///
/// | operation | time |
/// |---|---|
/// | [`edit`](Self::edit), [`commit`](Self::commit) | that of the edit, and O(what changed) |
/// | [`at`](Self::at), [`undo`](Self::undo) | O(1); O(log versions) for the undo of a group, or on a branch |
/// | [`redo`](Self::redo), [`checkout`](Self::checkout), [`rollback`](Self::rollback), [`jump`](Self::jump) | O(log versions) |
///
/// Errors of many calls: while a [`group`](Self::group) or a gesture is open, `Conflict`, in what shows another version,
/// makes one or changes a name (but for edits in a group, which are part of it and make no version of their own); `Invalid`
/// in what makes versions, of a timeline that was opened read-only.
///
/// ```
/// use backstory::{Timeline, Vector};
///
/// let mut timeline = Timeline::new(Vector::<&str>::new());
/// timeline.edit("monday", |list| list.push_back("milk"))?;
/// let tuesday = timeline.edit("tuesday", |list| list.push_back("bread"))?.version.expect("it changed");
/// timeline.undo()?;
/// assert_eq!(timeline.state().len(), 1);
///
/// // An edit after undo loses nothing.
/// timeline.edit("wednesday", |list| list.push_back("eggs"))?;
/// assert_eq!(timeline.at(tuesday)?.back(), Some(&"bread"));
/// # Ok::<(), backstory::Error>(())
/// ```
pub struct Timeline<T> {
    home: Home<T>,
    state: Arc<T>,
    head: u64,
    tip: u64,
    time_us: u64,
    names: Names,
    author: Option<Box<str>>,
    clock: Clock,
    grouping: Option<Grouping>,
    run: Option<Run>,
    open: Option<Open<T>>,
    travel: Option<Travel<T>>,
}

impl<T: Clone + PartialEq + 'static> std::fmt::Debug for Timeline<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timeline")
            .field("head", &self.head())
            .field("tip", &VersionId::new(self.tip))
            .finish_non_exhaustive()
    }
}

/// What an edit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit<R> {
    /// The version it made; none if the state is as it was.
    pub version: Option<VersionId>,
    /// What the edit's closure gave.
    pub value: R,
}

/// A copy of a state that `f` has changed, and what that gave.
fn edited<T: Clone, R, E: From<Error>>(
    state: &T,
    f: impl FnOnce(&mut T) -> std::result::Result<R, E>,
) -> std::result::Result<(T, R), E> {
    let mut state = state.clone();
    let value = caught(|| f(&mut state))??;
    Ok((state, value))
}

/// What is noted of a version that is being made.
pub(crate) struct Note<'a> {
    pub(crate) label: &'a str,
    /// What made it, if that is to be stored too.
    pub(crate) action: Option<&'a dyn Storable>,
}

impl<'a> From<&'a str> for Note<'a> {
    fn from(label: &'a str) -> Self {
        Note { label, action: None }
    }
}

/// What is known of a version beside its state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Version {
    /// Its number.
    pub id: VersionId,
    /// The version it was made from; none for the first.
    pub parent: Option<VersionId>,
    /// How many ancestors it has.
    pub depth: u64,
    /// When it was made; never before its parent.
    pub time: SystemTime,
    /// What its edit was called: the first 4096 bytes of that.
    pub label: String,
    /// Who made it, if that was said.
    pub author: Option<String>,
    /// True if it continues a group that its parent is in: undo passes over both. See [`Timeline::set_grouping`].
    pub joins: bool,
}

impl<T: Clone + PartialEq + 'static> Timeline<T> {
    /// A timeline in memory, whose first version is `initial`.
    pub fn new(initial: T) -> Self {
        Options::new().in_memory(initial)
    }

    /// A timeline that stands there.
    fn at_home(
        home: Home<T>,
        state: Arc<T>,
        (head, tip): (u64, u64),
        time_us: u64,
        names: Names,
        clock: Clock,
    ) -> Self {
        let (author, grouping, run, open, travel) = (None, None, None, None, None);
        Timeline { home, state, head, tip, time_us, names, author, clock, grouping, run, open, travel }
    }

    /// The state as it is: that of the head, with what a group or a gesture has changed so far. Time: O(1).
    pub fn state(&self) -> &T {
        self.shown()
    }

    /// The same, to share.
    pub(crate) fn shown(&self) -> &Arc<T> {
        self.open.as_ref().filter(|open| open.is_there()).map_or(&self.state, |open| &open.state)
    }

    /// The version that [`state`](Self::state) shows. Time: O(1).
    pub fn head(&self) -> VersionId {
        VersionId::new(self.head)
    }

    /// Lets `f` change the state. If it is another one then, it is a new version, called `label`.
    ///
    /// If `f` panics nothing has changed. That a stored node cannot be read, which is a panic in the calls that cannot fail, is
    /// an error here.
    ///
    /// # Errors
    /// What the storage says; nothing has changed then.
    pub fn edit<R>(&mut self, label: &str, f: impl FnOnce(&mut T) -> R) -> Result<Edit<R>> {
        self.try_edit(label, |state| Ok::<R, Error>(f(state)))
    }

    /// As [`edit`](Self::edit), of an edit that may fail: nothing has changed then.
    ///
    /// # Errors
    /// What `f` says; what the storage says.
    pub fn try_edit<R, E: From<Error>>(
        &mut self,
        label: &str,
        f: impl FnOnce(&mut T) -> std::result::Result<R, E>,
    ) -> std::result::Result<Edit<R>, E> {
        self.try_edit_with(label.into(), f)
    }

    /// As [`try_edit`](Self::try_edit), with all that is noted of the version.
    pub(crate) fn try_edit_with<R, E: From<Error>>(
        &mut self,
        note: Note<'_>,
        f: impl FnOnce(&mut T) -> std::result::Result<R, E>,
    ) -> std::result::Result<Edit<R>, E> {
        if let Some(group) = self.in_group() {
            let (state, value) = edited(&*group.state, f)?;
            group.set(state)?;
            return Ok(Edit { version: None, value });
        }
        self.settle()?;
        let (state, value) = edited(&*self.state, f)?;
        let version = self.commit_if_new(note, Arc::new(state), true)?;
        Ok(Edit { version, value })
    }

    /// Makes `state` a new version, called `label`, if it is not what is there.
    ///
    /// # Errors
    /// What the storage says; nothing has changed then.
    pub fn commit(&mut self, label: &str, state: T) -> Result<Option<VersionId>> {
        if let Some(group) = self.in_group() {
            return group.set(state).map(|()| None);
        }
        self.settle()?;
        self.commit_if_new(label.into(), Arc::new(state), false)
    }

    fn commit_if_new(&mut self, note: Note<'_>, state: Arc<T>, is_kin: bool) -> Result<Option<VersionId>> {
        if caught(|| state == self.state)? {
            return Ok(None);
        }
        let now_us = self.clock.now_us();
        let (run, mut made) = (self.next_run(note.label, now_us), self.made(note.label, now_us)?);
        made.line.joins = run.as_ref().map_or(0, |run| run.joins);
        let id = self.append(made, state, is_kin, note.action)?;
        self.run = run;
        Ok(Some(id))
    }

    /// What is to be known of a version that is made from the head.
    fn made(&self, label: &str, now_us: u64) -> Result<Made> {
        let (line, time_us) = (line_after(&self.home.past, self.head)?, now_us.max(self.time_us));
        Ok(Made { line, time_us, label: cut(label).into(), author: self.author.clone() })
    }

    /// A new version, the head's child. `is_kin`: see [`Home::append`].
    fn append(&mut self, made: Made, state: Arc<T>, is_kin: bool, action: Option<&dyn Storable>) -> Result<VersionId> {
        let (id, time_us) = (self.home.past.count(), made.time_us);
        let kept = self.home.append(&state, made, is_kin, action)?;
        (self.head, self.tip, self.time_us, self.run) = (id, id, time_us, None);
        // Last: these drops may panic.
        self.state = state;
        drop(kept);
        Ok(VersionId::new(id))
    }

    /// Shows another version.
    fn show(&mut self, head: u64, tip: u64) -> Result<VersionId> {
        self.settle()?;
        let change = self.leaving(head)?;
        self.show_with(head, tip, change)
    }

    /// Shows another version, or the same, with a change of names if there is one.
    fn show_with(&mut self, head: u64, tip: u64, change: Option<Change>) -> Result<VersionId> {
        if head == self.head && tip == self.tip && change.is_none() {
            return Ok(VersionId::new(head));
        }
        let count = self.home.past.count();
        let names = change.as_ref().map(|change| self.names.changed(change, count)).transpose()?;
        let state = if head == self.head { None } else { Some(self.travelled(head)?) };
        self.home.note(head, tip, names.as_ref().map(|names| (names, change.as_ref())))?;
        (self.head, self.tip, self.run) = (head, tip, None);
        if let Some(names) = names {
            self.names = names
        }
        // Last: this drop may panic.
        if let Some(state) = state {
            self.state = state
        }
        Ok(VersionId::new(head))
    }

    /// Who makes versions from now on; each remembers it, up to 4096 bytes.
    pub fn set_author<'a>(&mut self, author: impl Into<Option<&'a str>>) {
        self.author = author.into().map(|author| cut(author).into())
    }

    /// Goes back to the version that the head was made from, or that its group was; gives it, or none at the first version.
    /// Time: O(1); O(log versions) for a group.
    ///
    /// # Errors
    /// `Conflict` in a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn undo(&mut self) -> Result<Option<VersionId>> {
        self.settle()?;
        match self.home.past.stop_before(self.head)? {
            Some(to) => self.show(to, self.tip).map(Some),
            None => Ok(None),
        }
    }

    /// Goes forward by one version, or by a group of them, on the way to the tip, the version that was made or gone to
    /// last; gives where that is, or none at the tip and where the next one was let go. Time: O(log versions), that
    /// squared for a group.
    ///
    /// # Errors
    /// `Conflict` in a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn redo(&mut self) -> Result<Option<VersionId>> {
        self.settle()?;
        match self.home.past.stop_after(self.head, self.tip)? {
            Some(to) => self.show(to, self.tip).map(Some),
            None => Ok(None),
        }
    }

    /// True if there is something to undo. Time: O(1); O(log versions) where versions were let go.
    pub fn can_undo(&self) -> bool {
        let is_kept = || self.home.past.stop_before(self.head).is_ok_and(|before| before.is_some());
        self.head != 0 && (self.home.past.oldest() == 0 || is_kept())
    }

    /// True if there is something to redo. Time: O(1); that of [`redo`](Self::redo) where versions were let go.
    pub fn can_redo(&self) -> bool {
        let is_kept = || self.home.past.stop_after(self.head, self.tip).is_ok_and(|after| after.is_some());
        self.head != self.tip && (self.home.past.oldest() == 0 || is_kept())
    }

    /// The versions that were made from the head and are kept, oldest first: each can be redone with
    /// [`redo_to`](Self::redo_to). Of a group its first one.
    ///
    /// # Errors
    /// What the storage says.
    pub fn redo_choices(&self) -> Result<Vec<VersionId>> {
        Ok(self.home.past.children(self.head)?.into_iter().map(VersionId::new).collect())
    }

    /// All versions that are kept and from which none was made, oldest first: the ends of all branches.
    ///
    /// # Errors
    /// What the storage says.
    pub fn heads(&self) -> Result<Vec<VersionId>> {
        Ok(self.home.past.leaves()?.into_iter().map(VersionId::new).collect())
    }

    /// Goes to a descendant of the head, which is the tip then unless it is on the way to the one there is.
    ///
    /// # Errors
    /// `NotFound` if there is no such version, `Conflict` if it is no descendant of the head; what the storage says. Nothing
    /// has changed then.
    pub fn redo_to(&mut self, id: VersionId) -> Result<()> {
        let to = self.home.past.known(id)?;
        if !is_ancestor(&self.home.past, self.head, to)? {
            let what = format!("version {id} was not made from version {}: go there with checkout", self.head);
            return Err(Error::new(ErrorKind::Conflict, what));
        }
        self.checkout(id)
    }

    /// Undoes `-steps` versions, or redoes `steps`, as far as there are so many that are kept, whatever groups they are
    /// in; gives the version it ends at. Time: O(log versions); that squared where the one it would end at was let go.
    ///
    /// # Errors
    /// `Conflict` in a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn jump(&mut self, steps: isize) -> Result<VersionId> {
        let depth = self.home.past.line(self.head)?.depth;
        let (from, most) = match steps < 0 {
            true => (self.head, depth),
            false => (self.tip, self.home.past.line(self.tip)?.depth),
        };
        let to = depth.saturating_add_signed(steps as i64).min(most);
        self.show(self.home.past.on_the_way(self.head, from, to)?, self.tip)
    }

    /// Goes to any version. Redo leads on to the tip if that comes from there, and else nowhere: see
    /// [`redo_choices`](Self::redo_choices). Time: O(log versions).
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says. Nothing has changed then.
    pub fn checkout(&mut self, id: VersionId) -> Result<()> {
        let to = self.home.past.known(id)?;
        let tip = if is_ancestor(&self.home.past, to, self.tip)? { self.tip } else { to };
        self.show(to, tip).map(|_| ())
    }

    /// Goes back to an ancestor of the head. What came after it can be redone. Time: O(log versions).
    ///
    /// # Errors
    /// `NotFound` if there is no such version, `Conflict` if it is no ancestor of the head; what the storage says. Nothing has
    /// changed then.
    pub fn rollback(&mut self, id: VersionId) -> Result<()> {
        let to = self.home.past.known(id)?;
        if !is_ancestor(&self.home.past, to, self.head)? {
            let what = format!("version {id} is no ancestor of version {}: go there with checkout", self.head);
            return Err(Error::new(ErrorKind::Conflict, what));
        }
        self.show(to, self.tip).map(|_| ())
    }

    /// Makes a new version whose state is that of version `id`, without what [`on_travel`](Self::on_travel) would carry over; gives
    /// it, also where it equals the head's. Time: O(1).
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says. Nothing has changed then.
    pub fn restore(&mut self, id: VersionId) -> Result<VersionId> {
        self.settle()?;
        let state = self.home.state(self.home.past.known(id)?)?;
        let made = self.made(&format!("restore {id}"), self.clock.now_us())?;
        self.append(made, state, false, None)
    }

    /// The state of a version, to keep. Time: O(1).
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub fn at(&self, id: VersionId) -> Result<T> {
        self.home.state(self.home.past.known(id)?).map(Arc::unwrap_or_clone)
    }

    /// What is known of a version.
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub fn version(&self, id: VersionId) -> Result<Version> {
        let id = self.home.past.known(id)?;
        Ok(described(id, self.home.past.made(id)?))
    }

    /// The versions from the head back to the first; of a group only the last one.
    pub fn log(&self) -> impl Iterator<Item = Result<Version>> {
        self.reader().log(self.head())
    }

    /// All versions that are kept, the oldest first: see [`Reader::versions`].
    pub fn versions(&self) -> impl Iterator<Item = Result<Version>> {
        self.reader().versions()
    }

    /// What `select` picks of two versions, for a diff of its own.
    ///
    /// ```
    /// use backstory::{HashMap, Timeline, VersionId};
    ///
    /// let mut timeline = Timeline::new(HashMap::<&str, u32>::new());
    /// timeline.edit("one", |map| map.insert("one", 1))?;
    /// let (old, new) = timeline.diff(VersionId::FIRST, timeline.head(), |map| map.clone())?;
    /// assert_eq!(old.diff(&new).count(), 1);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub fn diff<R>(&self, a: VersionId, b: VersionId, select: impl Fn(&T) -> R) -> Result<(R, R)> {
        let (a, b) = (self.at(a)?, self.at(b)?);
        caught(|| (select(&a), select(&b)))
    }

    /// A view of all versions, those included that this timeline will make, for other threads.
    pub fn reader(&self) -> Reader<T> {
        Reader::new(self.home.past.clone())
    }

    /// Reads every record of the log once and says what there is, and what of it is damaged. In memory there is nothing to
    /// read.
    ///
    /// Time: O(log's bytes). Memory: a bit for each 8 bytes of the log, 40 bytes a version.
    ///
    /// # Errors
    /// `Io`. Damage is in the report.
    pub fn verify(&self) -> Result<Report> {
        self.home.past.verify()
    }

    /// Leaves syncs to who gets this, if [`Durability::Group`] was asked for.
    pub(crate) fn share_syncs(&mut self) -> Option<SharedSync> {
        self.home.share_syncs(true)
    }

    /// Syncs by itself again.
    pub(crate) fn keep_syncs(&mut self) {
        self.home.share_syncs(false);
    }

    /// How to make or open a timeline otherwise than [`new`](Self::new) and [`open`](Self::open) do.
    pub fn options() -> Options<T> {
        Options::new()
    }

    /// Makes everything durable that was done so far.
    ///
    /// # Errors
    /// What the storage says: it may not be durable then.
    pub fn flush(&mut self) -> Result<()> {
        self.home.flush()
    }
}

impl<T: State> Timeline<T> {
    /// Opens the timeline in the folder `path`, as it was left; or makes it, with what `initial` gives as its first version. See
    /// [`Options::open`].
    ///
    /// ```
    /// use backstory::{Timeline, Vector};
    ///
    /// # let path = std::env::temp_dir().join(format!("backstory-doc-{}", std::process::id()));
    /// let mut timeline = Timeline::open(&path, Vector::<String>::new)?;
    /// timeline.edit("monday", |list| list.push_back("milk".to_string()))?;
    /// drop(timeline);
    ///
    /// let mut timeline = Timeline::open(&path, Vector::<String>::new)?;
    /// assert_eq!(timeline.state().len(), 1);
    /// timeline.undo()?;
    /// assert!(timeline.state().is_empty() && timeline.can_redo());
    /// # drop(timeline);
    /// # std::fs::remove_dir_all(&path).unwrap();
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<std::path::Path>, initial: impl FnOnce() -> T) -> Result<Self> {
        Self::options().open(path, initial)
    }

    /// The state of a version where it is stored: zero-copy, without nodes in memory. See [`View`].
    ///
    /// Cost: its stamp and its root are read, and of collections what is looked at.
    ///
    /// # Errors
    /// `NotFound` if there is no such version; `Invalid` of a timeline in memory, where nothing is stored; what the storage
    /// says.
    pub fn view(&self, id: VersionId) -> Result<View<T::Archived>> {
        self.home.past.view(self.home.past.known(id)?)
    }

    /// What the state of a version comes to in 32 bytes, by its contents alone: equal states have equal digests, whatever edits
    /// led to them, in memory, on disk, in another timeline or program; and nobody can find two others that have. What is
    /// hashed is a promise: `docs/FORMAT.md`, "Digests".
    ///
    /// Floats count by their bits, and values that are shared by counted pointers as if each had its own. What has no order
    /// of its own and is none of this crate's collections, as std's `HashMap`, makes the digest unspecified.
    ///
    /// Time: on disk O(what no version had that was digested before, since this timeline was opened), as long as what is
    /// known of nodes is kept: the newest 2¹⁸ digests at least, one for each leaf and inner node of a map, three or so for each
    /// 1024 elements of a vector. In memory O(the state), each time.
    ///
    /// ```
    /// use backstory::{HashMap, Timeline};
    ///
    /// let mut one = Timeline::new(HashMap::<String, u64>::new());
    /// let other = Timeline::new([("x".to_string(), 1)].into_iter().collect::<HashMap<String, u64>>());
    /// assert_ne!(one.digest(one.head())?, other.digest(other.head())?);
    /// one.edit("x", |map| map.insert("x".into(), 1))?;
    /// assert_eq!(one.digest(one.head())?, other.digest(other.head())?);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotFound` if there is no such version; `Invalid` if collections are nested more than 128 deep; what the storage says.
    pub fn digest(&self, id: VersionId) -> Result<Digest> {
        self.home.past.digest(self.home.past.known(id)?)
    }
}
