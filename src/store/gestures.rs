//! Groups and gestures of a store: many changes that are one version.
//!
//! In: changes, by whoever begins. Out: one version of all of them; what a gesture has made so far is shown, and told of.
//! Must hold: S1; a gesture that is dropped is shown no more, and that is told.
//! Uses: `board`, `timeline`, `id`, `error`.

use super::board::silenced;
use super::{Reducer, Store};
use crate::error::{Error, Result};
use crate::id::VersionId;
use crate::timeline::{Edit, Gesture, Note, Timeline};
use std::sync::Arc;

/// A group that is being made, while all who would change the store wait. From [`Store::group`].
pub struct OpenGroup<'g, T, A> {
    reducer: &'g Reducer<T, A>,
    timeline: &'g mut Timeline<T>,
    actions: Vec<A>,
}

impl<T: Clone + PartialEq + 'static, A> OpenGroup<'_, T, A> {
    /// The state as the group has made it so far. Time: O(1).
    pub fn state(&self) -> &T {
        self.timeline.state()
    }

    /// Reduces an action, which is kept with the group's version.
    ///
    /// # Errors
    /// Of a stored node that the reducer cannot read: the action has changed nothing then.
    pub fn dispatch(&mut self, action: A) -> Result<()> {
        self.timeline.edit("", |state| (self.reducer)(state, &action))?;
        self.actions.push(action);
        Ok(())
    }

    /// Lets `f` change the state. No action is kept.
    ///
    /// # Errors
    /// Of a stored node that `f` cannot read: it has changed nothing then.
    pub fn edit<R>(&mut self, f: impl FnOnce(&mut T) -> R) -> Result<R> {
        self.timeline.edit("", f).map(|edit| edit.value)
    }
}

impl<T: Clone + PartialEq + 'static, A> Store<T, A> {
    /// Lets `f` dispatch and edit as it likes, and look at what comes of it: one version, called `label`, if that changes
    /// something together, of which is told once. Others who would change the store wait meanwhile; snapshots do not.
    ///
    /// If `f` fails or panics nothing has changed. See [`batch`](Self::batch) for actions that are known before.
    ///
    /// ```
    /// use backstory::{Error, Store, Timeline};
    ///
    /// let store = Store::new(Timeline::new(0), |sum, n: &i32| *sum += n);
    /// let edit = store.group("up to 100", |group| {
    ///     while *group.state() < 100 {
    ///         group.dispatch(7)?
    ///     }
    ///     Ok::<_, Error>(*group.state())
    /// })?;
    /// assert_eq!((edit.value, store.actions(edit.version.expect("it changed"))?.len()), (105, 15));
    /// store.undo()?;
    /// assert_eq!(store.snapshot(), 0);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `f` says; `Conflict` while a gesture is open; as [`dispatch`](Self::dispatch).
    pub fn group<R, E: From<Error>>(
        &self,
        label: &str,
        f: impl FnOnce(&mut OpenGroup<'_, T, A>) -> std::result::Result<R, E>,
    ) -> std::result::Result<Edit<R>, E> {
        self.change(|timeline| {
            let mut inside = timeline.open_group(label)?;
            let (reducer, actions) = (&self.reducer, Vec::new());
            let mut group = OpenGroup { reducer, timeline: inside.timeline(), actions };
            let value = f(&mut group)?;
            let actions = group.actions;
            let version = inside.close(Note { label, action: self.actions.to_store(&actions) })?;
            if let Some(id) = version {
                self.actions.made(&self.reader, id, actions)
            }
            Ok(Edit { version, value })
        })
    }

    /// As [`Timeline::begin`]. What the gesture has made so far is shown, and told of, at each
    /// [`update`](Self::update); that it was dropped, too. Dropping it waits for a change that is under way.
    ///
    /// While it is open all other changes, by whatever thread, are a `Conflict`.
    ///
    /// ```
    /// use backstory::{Store, Timeline};
    ///
    /// let store = Store::new(Timeline::new(0), |at, x: &i32| *at = *x);
    /// let drag = store.begin("drag")?;
    /// for x in 1..100 {
    ///     store.update(&drag, |at| *at = x)?;
    /// }
    /// assert_eq!((store.snapshot(), store.head().number()), (99, 0));
    /// store.finish(drag)?;
    /// assert_eq!((store.snapshot(), store.head().number()), (99, 1));
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Timeline::begin`].
    pub fn begin(&self, label: &str) -> Result<Gesture>
    where
        T: Send + Sync,
    {
        let (lock, board) = (Arc::downgrade(&self.lock), Arc::downgrade(&self.board));
        let on_cancel = move || {
            let (Some(lock), Some(board)) = (lock.upgrade(), board.upgrade()) else { return };
            // By what the store runs: it shows all when that returns.
            let is_to_tell = lock.hold().is_ok_and(|mut held| held.show(&board));
            drop(lock);
            if is_to_tell {
                board.tell()
            }
        };
        // A gesture may be dropped by a panic.
        let on_cancel = Box::new(|| _ = silenced(on_cancel));
        self.change(|timeline| timeline.begin_watched(label, Some(on_cancel)))
    }

    /// As [`Timeline::update`]; told of as a change.
    ///
    /// # Errors
    /// As [`Timeline::update`].
    pub fn update(&self, gesture: &Gesture, f: impl FnOnce(&mut T)) -> Result<()> {
        self.change(|timeline| timeline.update(gesture, f))
    }

    /// As [`Timeline::finish`]. Told of as a change: both states are the gesture's then.
    ///
    /// # Errors
    /// As [`Timeline::finish`].
    pub fn finish(&self, mut gesture: Gesture) -> Result<Option<VersionId>> {
        // It is dropped when nothing is held any more.
        self.change(|timeline| timeline.finish_by(&mut gesture))
    }
}
