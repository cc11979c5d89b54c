//! Many edits as one: groups, gestures, and edits that follow each other quickly.
//!
//! In: edits. Out: one version of all of them; or versions that undo passes over together.
//! Must hold: what is not finished is no version, and goes if its token does.
//! Uses: `id`, `error`.

use super::{Edit, Note, Timeline, edited};
use crate::error::{Error, ErrorKind, Result, caught};
use crate::id::VersionId;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Which edits are undone together. From [`Timeline::set_grouping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    idle: Duration,
    max_open: Duration,
}

impl Grouping {
    /// Edits that have the same label, not an empty one, and that follow each other within `delay`, as typing does. What a
    /// [`group`](Timeline::group) or a gesture makes is undone by itself.
    pub const fn idle(delay: Duration) -> Self {
        Grouping { idle: delay, max_open: Duration::MAX }
    }

    /// The same, but no longer than `most` from the first to the last.
    #[must_use]
    pub const fn max_open(mut self, most: Duration) -> Self {
        self.max_open = most;
        self
    }
}

/// The edit that the next one may join.
pub(super) struct Run {
    version: u64,
    label: Box<str>,
    author: Option<Box<str>>,
    /// As the clock said: versions' times do not follow it back.
    first_us: u64,
    last_us: u64,
    pub(super) joins: u64,
}

/// A change that is being made, as by a drag or a slider. From [`Timeline::begin`] or [`Store::begin`](crate::Store::begin);
/// given to `finish` there, or dropped if it is not to be.
#[must_use = "a gesture that is dropped is cancelled"]
pub struct Gesture {
    /// None while it is dropped.
    token: Option<Arc<()>>,
    on_cancel: Option<OnCancel>,
}

/// Hears that a gesture was dropped.
pub(super) type OnCancel = Box<dyn FnOnce() + Send + Sync>;

impl Drop for Gesture {
    fn drop(&mut self) {
        self.token = None;
        if let Some(on_cancel) = self.on_cancel.take() {
            on_cancel()
        }
    }
}

impl std::fmt::Debug for Gesture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gesture")
    }
}

/// What is changed and no version yet.
pub(super) struct Open<T> {
    pub(super) state: Arc<T>,
    label: Box<str>,
    of: Opener,
    /// How often it was changed.
    updates: u64,
}

enum Opener {
    Group,
    Gesture(Weak<()>),
}

impl<T: PartialEq> Open<T> {
    /// Another state, if it is one.
    pub(super) fn set(&mut self, state: T) -> Result<()> {
        if caught(|| state != *self.state)? {
            self.state = Arc::new(state);
            self.updates += 1
        }
        Ok(())
    }
}

impl<T> Open<T> {
    /// False of a gesture that was dropped.
    pub(super) fn is_there(&self) -> bool {
        match &self.of {
            Opener::Group => true,
            Opener::Gesture(gesture) => gesture.strong_count() > 0,
        }
    }
}

/// A group that is being made; dropped, nothing of it stays.
pub(crate) struct Inside<'t, T> {
    timeline: &'t mut Timeline<T>,
    /// What was open before, and is again afterwards.
    outer: Option<Open<T>>,
}

impl<T> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        self.timeline.open = self.outer.take()
    }
}

impl<T: Clone + PartialEq + 'static> Inside<'_, T> {
    pub(crate) fn timeline(&mut self) -> &mut Timeline<T> {
        self.timeline
    }

    /// Makes a version of it, or a part of the group around it.
    pub(crate) fn close(mut self, note: Note<'_>) -> Result<Option<VersionId>> {
        let Some(made) = self.timeline.open.take() else {
            return Err(Error::new(ErrorKind::Invalid, "a group that was closed inside itself: report this"));
        };
        match &mut self.outer {
            Some(outer) => {
                (outer.state, outer.updates) = (made.state, outer.updates + made.updates);
                Ok(None)
            }
            None => self.timeline.commit_alone(note, made.state),
        }
    }
}

impl<T: Clone + PartialEq + 'static> Timeline<T> {
    /// Lets `f` make many edits, which are one version, called `label`, if they change something together. Inside,
    /// [`state`](Self::state) shows what they have made so far; calls that go to other versions or make some of their own
    /// are a `Conflict`. A group inside a group is part of that.
    ///
    /// If `f` fails or panics nothing has changed.
    ///
    /// ```
    /// use backstory::{Error, Timeline, Vector};
    ///
    /// let mut timeline = Timeline::new(Vector::<u32>::new());
    /// timeline.group("two at once", |timeline| {
    ///     timeline.edit("one", |list| list.push_back(1))?;
    ///     timeline.edit("two", |list| list.push_back(2))?;
    ///     Ok::<_, Error>(())
    /// })?;
    /// timeline.undo()?;
    /// assert!(timeline.state().is_empty());
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `f` says; `Conflict` while a gesture is open; what the storage says. Nothing has changed then.
    pub fn group<R, E: From<Error>>(
        &mut self,
        label: &str,
        f: impl FnOnce(&mut Self) -> std::result::Result<R, E>,
    ) -> std::result::Result<Edit<R>, E> {
        let inside = self.open_group(label)?;
        let value = f(inside.timeline)?;
        let version = inside.close(label.into())?;
        Ok(Edit { version, value })
    }

    /// Begins a group, in which edits make no versions.
    pub(crate) fn open_group(&mut self, label: &str) -> Result<Inside<'_, T>> {
        let outer = self.open.take_if(|open| matches!(open.of, Opener::Group));
        if outer.is_none() {
            self.settle()?
        }
        let state = outer.as_ref().map_or(&self.state, |outer| &outer.state).clone();
        self.open = Some(Open { state, label: label.into(), of: Opener::Group, updates: 0 });
        Ok(Inside { timeline: self, outer })
    }

    /// Begins a change that takes a while, as a drag: [`update`](Self::update) makes it, as often as need be, and
    /// [`state`](Self::state) shows it; [`finish`](Self::finish) makes one version of it, called `label`. Dropping the gesture
    /// cancels it: the head is shown again.
    ///
    /// While it is open, calls that go to other versions or make some of their own are a `Conflict`.
    ///
    /// ```
    /// use backstory::Timeline;
    ///
    /// let mut timeline = Timeline::new(0);
    /// let drag = timeline.begin("drag")?;
    /// for x in 1..100 {
    ///     timeline.update(&drag, |at| *at = x)?;
    /// }
    /// assert_eq!(*timeline.state(), 99);
    /// let version = timeline.finish(drag)?.expect("it changed");
    /// assert_eq!(version.number(), 1);
    ///
    /// let cancelled = timeline.begin("drag")?;
    /// timeline.update(&cancelled, |at| *at = 0)?;
    /// drop(cancelled);
    /// assert_eq!(*timeline.state(), 99);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Conflict` in a group or while another gesture is open.
    pub fn begin(&mut self, label: &str) -> Result<Gesture> {
        self.begin_watched(label, None)
    }

    /// The same, and somebody hears of it if the gesture is dropped.
    pub(crate) fn begin_watched(&mut self, label: &str, on_cancel: Option<OnCancel>) -> Result<Gesture> {
        self.settle()?;
        let token = Arc::new(());
        let of = Opener::Gesture(Arc::downgrade(&token));
        self.open = Some(Open { state: self.state.clone(), label: label.into(), of, updates: 0 });
        Ok(Gesture { token: Some(token), on_cancel })
    }

    /// Lets `f` change what a gesture has made so far. If `f` panics it has not.
    ///
    /// # Errors
    /// `Invalid` if the gesture is another timeline's; what the storage says, of a stored node that cannot be read.
    pub fn update(&mut self, gesture: &Gesture, f: impl FnOnce(&mut T)) -> Result<()> {
        let open = self.open_by(gesture)?;
        let f = |state: &mut T| {
            f(state);
            Ok::<_, Error>(())
        };
        let (state, ()) = edited(&*open.state, f)?;
        open.set(state)
    }

    /// Makes a version of what a gesture has made, if that is not what was there before.
    ///
    /// # Errors
    /// `Invalid` if the gesture is another timeline's; what the storage says. No version is made then, and the gesture is
    /// cancelled, wherever it was begun.
    pub fn finish(&mut self, mut gesture: Gesture) -> Result<Option<VersionId>> {
        self.finish_by(&mut gesture)
    }

    /// The same; nobody hears of it.
    pub(crate) fn finish_by(&mut self, gesture: &mut Gesture) -> Result<Option<VersionId>> {
        self.open_by(gesture)?;
        gesture.on_cancel = None;
        match self.open.take() {
            Some(open) => self.commit_alone((&*open.label).into(), open.state),
            None => Ok(None),
        }
    }

    /// A version that is no part of what is undone together with others.
    fn commit_alone(&mut self, note: Note<'_>, state: Arc<T>) -> Result<Option<VersionId>> {
        self.run = None;
        let made = self.commit_if_new(note, state, true);
        self.run = None;
        made
    }

    /// Ends a gesture as if it had been dropped.
    pub(crate) fn cancel(&mut self) {
        self.open = None
    }

    fn open_by(&mut self, gesture: &Gesture) -> Result<&mut Open<T>> {
        let is_its = |open: &&mut Open<T>| matches!((&open.of, &gesture.token), (Opener::Gesture(of), Some(token)) if of.as_ptr() == Arc::as_ptr(token));
        let not_its = || Error::new(ErrorKind::Invalid, "this gesture was begun with another timeline: use it there");
        self.open.as_mut().filter(is_its).ok_or_else(not_its)
    }

    /// What a group has made so far, if we are in one.
    pub(super) fn in_group(&mut self) -> Option<&mut Open<T>> {
        self.open.as_mut().filter(|open| matches!(open.of, Opener::Group))
    }

    /// How often a gesture or group that is open has changed something that is no version yet.
    pub(crate) fn updates(&self) -> u64 {
        self.open.as_ref().filter(|open| open.is_there()).map_or(0, |open| open.updates)
    }

    /// Makes sure that nothing is open, so that the head can move.
    pub(super) fn settle(&mut self) -> Result<()> {
        match &self.open {
            Some(open) if open.is_there() => {
                let what = match open.of {
                    Opener::Group => "this cannot be done inside a group: do it before or after",
                    Opener::Gesture(_) => "a gesture is open: finish it, or drop it, first",
                };
                Err(Error::new(ErrorKind::Conflict, format!("{:?}: {what}", open.label)))
            }
            _ => {
                self.open = None;
                Ok(())
            }
        }
    }

    /// From now on, edits that are close to each other are undone together; with `None`, each by itself. Each is a version all
    /// the same, at once and durable as any: [`undo`](Self::undo), [`redo`](Self::redo) and [`log`](Self::log) pass over all of
    /// a group.
    ///
    /// ```
    /// use backstory::{Grouping, Timeline};
    /// use std::time::Duration;
    ///
    /// let mut timeline = Timeline::new(String::new());
    /// timeline.set_grouping(Some(Grouping::idle(Duration::from_secs(1)).max_open(Duration::from_secs(10))));
    /// for c in "hello".chars() {
    ///     timeline.edit("type", |text| text.push(c))?;
    /// }
    /// timeline.undo()?;
    /// assert_eq!(timeline.state(), "");
    /// timeline.redo()?;
    /// assert_eq!(timeline.state(), "hello");
    /// # Ok::<(), backstory::Error>(())
    /// ```
    pub fn set_grouping(&mut self, grouping: impl Into<Option<Grouping>>) {
        self.grouping = grouping.into();
        self.run = None
    }

    /// The next edit begins a group of its own, however soon it comes. Undo, redo and any other move do the same.
    pub fn break_group(&mut self) {
        self.run = None
    }

    /// What an edit is when the clock says this, as the version that comes next, for edits after it; and how many of its ancestors it joins.
    pub(super) fn next_run(&self, label: &str, now_us: u64) -> Option<Run> {
        let Grouping { idle, max_open } = self.grouping?;
        // None where the clock went back.
        let is_within = |from: u64, most| now_us.checked_sub(from).is_some_and(|us| Duration::from_micros(us) <= most);
        let joined = self.run.as_ref().filter(|run| {
            let is_same = run.version == self.head && *run.label == *label && run.author == self.author;
            is_same && !label.is_empty() && is_within(run.last_us, idle) && is_within(run.first_us, max_open)
        });
        Some(Run {
            version: self.home.past.count(),
            label: label.into(),
            author: self.author.clone(),
            first_us: joined.map_or(now_us, |run| run.first_us),
            last_us: now_us,
            joins: joined.map_or(0, |run| run.joins + 1),
        })
    }
}
