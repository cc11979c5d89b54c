//! Many edits as one: groups, gestures, and edits that follow each other quickly.
//!
//! In: edits. Out: one version of all of them; or versions that undo passes over together.
//! Must hold: what is not finished is no version, and goes if its token does.
//! Uses: `history`, `id`, `error`.

use super::{Edit, Timeline};
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
    /// Edits that have the same label, and that follow each other within `delay`, as typing does.
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
    first_us: u64,
    last_us: u64,
    pub(super) joins: u64,
}

/// A change that is being made, as by a drag or a slider. From [`Timeline::begin`]; given to [`Timeline::finish`], or dropped if
/// it is not to be.
#[derive(Debug)]
#[must_use = "a gesture that is dropped is cancelled"]
pub struct Gesture(Arc<()>);

/// What is changed and no version yet.
pub(super) struct Open<T> {
    pub(super) state: T,
    label: Box<str>,
    of: Opener,
    /// Of a gesture.
    is_changed: bool,
}

enum Opener {
    Group,
    Gesture(Weak<()>),
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
        /// Puts back what was open before, whatever happens to `f`.
        struct Inside<'t, T: Clone + PartialEq + 'static>(&'t mut Timeline<T>, Option<Open<T>>);
        impl<T: Clone + PartialEq + 'static> Drop for Inside<'_, T> {
            fn drop(&mut self) {
                self.0.open = self.1.take()
            }
        }
        let outer = self.open.take_if(|open| matches!(open.of, Opener::Group));
        if outer.is_none() {
            self.settle()?
        }
        let state = outer.as_ref().map_or(&self.state, |outer| &outer.state).clone();
        self.open = Some(Open { state, label: label.into(), of: Opener::Group, is_changed: false });
        let mut inside = Inside(self, outer);
        let value = f(inside.0)?;
        let made = inside.0.open.take();
        let outer = inside.1.take();
        drop(inside);
        let Some(made) = made else {
            return Err(Error::new(ErrorKind::Invalid, "a group that was closed inside itself: report this").into());
        };
        let version = match outer {
            Some(outer) => {
                self.open = Some(Open { state: made.state, ..outer });
                None
            }
            None => self.commit_if_new(label.into(), made.state, true)?,
        };
        Ok(Edit { version, value })
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
        self.settle()?;
        let gesture = Gesture(Arc::new(()));
        let of = Opener::Gesture(Arc::downgrade(&gesture.0));
        self.open = Some(Open { state: self.state.clone(), label: label.into(), of, is_changed: false });
        Ok(gesture)
    }

    /// Lets `f` change what a gesture has made so far. If `f` panics it has not.
    ///
    /// # Errors
    /// `Invalid` if the gesture is another timeline's; what the storage says, of a stored node that cannot be read.
    pub fn update(&mut self, gesture: &Gesture, f: impl FnOnce(&mut T)) -> Result<()> {
        let open = self.open_by(gesture)?;
        let mut state = open.state.clone();
        caught(|| f(&mut state))?;
        (open.state, open.is_changed) = (state, true);
        Ok(())
    }

    /// Makes a version of what a gesture has made, if that is not what was there before. If it cannot be made the gesture is
    /// cancelled.
    ///
    /// # Errors
    /// `Invalid` if the gesture is another timeline's; what the storage says. Nothing has changed then.
    pub fn finish(&mut self, gesture: Gesture) -> Result<Option<VersionId>> {
        self.open_by(&gesture)?;
        match self.open.take() {
            Some(open) => self.commit_if_new((&*open.label).into(), open.state, true),
            None => Ok(None),
        }
    }

    fn open_by(&mut self, gesture: &Gesture) -> Result<&mut Open<T>> {
        let is_its =
            |open: &&mut Open<T>| matches!(&open.of, Opener::Gesture(of) if of.as_ptr() == Arc::as_ptr(&gesture.0));
        let not_its = || Error::new(ErrorKind::Invalid, "this gesture was begun with another timeline: use it there");
        self.open.as_mut().filter(is_its).ok_or_else(not_its)
    }

    /// What a group has made so far, if we are in one.
    pub(super) fn in_group(&mut self) -> Option<&mut Open<T>> {
        self.open.as_mut().filter(|open| matches!(open.of, Opener::Group))
    }

    /// True if something was changed that is no version yet.
    pub(super) fn is_changing(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.is_changed && open.is_there())
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

    /// What an edit at this time is, as the version that comes next, for edits after it; and how many of its ancestors it joins.
    pub(super) fn next_run(&self, label: &str, now_us: u64) -> Option<Run> {
        let Grouping { idle, max_open } = self.grouping?;
        let since = |us| Duration::from_micros(now_us.saturating_sub(us));
        let joined = self.run.as_ref().filter(|run| {
            let is_same = run.version == self.head && *run.label == *label && run.author == self.author;
            is_same && since(run.last_us) <= idle && since(run.first_us) <= max_open
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
