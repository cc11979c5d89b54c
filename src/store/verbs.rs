//! A timeline's verbs, of a store.
//!
//! In: calls by many threads. Out: what the timeline says; subscribers are told whenever another version is shown.
//! Must hold: S1.
//! Uses: `timeline`, `archive`, `log`, `id`, `error`.

use super::Store;
use crate::archive::{State, View};
use crate::error::{Error, Result};
use crate::id::{Digest, VersionId};
use crate::log::Report;
use crate::timeline::{Edit, Grouping, Reader, Timeline, Version};
use std::time::{Duration, SystemTime};

/// The verbs of [`Timeline`], which tell subscribers whenever another version is shown. Those that change something are errors
/// of kind `Invalid` where a reducer, or the closure of an edit, calls them of the store that runs it; so are those that
/// look and wait for a change that is under way. The others may be called anywhere.
impl<T: Clone + PartialEq + 'static, A> Store<T, A> {
    /// As [`Timeline::edit`]. No action is kept.
    ///
    /// # Errors
    /// As [`Timeline::edit`].
    pub fn edit<R>(&self, label: &str, f: impl FnOnce(&mut T) -> R) -> Result<Edit<R>> {
        self.change(|timeline| timeline.edit(label, f))
    }

    /// As [`Timeline::try_edit`]. No action is kept.
    ///
    /// # Errors
    /// As [`Timeline::try_edit`].
    pub fn try_edit<R, E: From<Error>>(
        &self,
        label: &str,
        f: impl FnOnce(&mut T) -> std::result::Result<R, E>,
    ) -> std::result::Result<Edit<R>, E> {
        self.change(|timeline| timeline.try_edit(label, f))
    }

    /// As [`Timeline::commit`]. No action is kept.
    ///
    /// # Errors
    /// As [`Timeline::commit`].
    pub fn commit(&self, label: &str, state: T) -> Result<Option<VersionId>> {
        self.change(|timeline| timeline.commit(label, state))
    }

    /// As [`Timeline::undo`].
    ///
    /// # Errors
    /// As [`Timeline::undo`].
    pub fn undo(&self) -> Result<Option<VersionId>> {
        self.change(Timeline::undo)
    }

    /// As [`Timeline::redo`].
    ///
    /// # Errors
    /// As [`Timeline::redo`].
    pub fn redo(&self) -> Result<Option<VersionId>> {
        self.change(Timeline::redo)
    }

    /// As [`Timeline::redo_to`].
    ///
    /// # Errors
    /// As [`Timeline::redo_to`].
    pub fn redo_to(&self, id: VersionId) -> Result<()> {
        self.change(|timeline| timeline.redo_to(id))
    }

    /// As [`Timeline::jump`].
    ///
    /// # Errors
    /// As [`Timeline::jump`].
    pub fn jump(&self, steps: isize) -> Result<VersionId> {
        self.change(|timeline| timeline.jump(steps))
    }

    /// As [`Timeline::checkout`].
    ///
    /// # Errors
    /// As [`Timeline::checkout`].
    pub fn checkout(&self, id: VersionId) -> Result<()> {
        self.change(|timeline| timeline.checkout(id))
    }

    /// As [`Timeline::rollback`].
    ///
    /// # Errors
    /// As [`Timeline::rollback`].
    pub fn rollback(&self, id: VersionId) -> Result<()> {
        self.change(|timeline| timeline.rollback(id))
    }

    /// As [`Timeline::restore`].
    ///
    /// # Errors
    /// As [`Timeline::restore`].
    pub fn restore(&self, id: VersionId) -> Result<VersionId> {
        self.change(|timeline| timeline.restore(id))
    }

    /// The version that [`snapshot`](Self::snapshot) shows. Time: O(1), never waits for a change.
    pub fn head(&self) -> VersionId {
        self.board.place().head
    }

    /// True if there is something to undo. Time: O(1), never waits for a change.
    pub fn can_undo(&self) -> bool {
        self.board.place().can_undo
    }

    /// True if there is something to redo. Time: O(1), never waits for a change.
    pub fn can_redo(&self) -> bool {
        self.board.place().can_redo
    }

    /// As [`Timeline::redo_choices`]. Waits for a change that is under way.
    ///
    /// # Errors
    /// As [`Timeline::redo_choices`].
    pub fn redo_choices(&self) -> Result<Vec<VersionId>> {
        self.hold()?.main.timeline.redo_choices()
    }

    /// As [`Timeline::heads`]. Waits for a change that is under way.
    ///
    /// # Errors
    /// As [`Timeline::heads`].
    pub fn heads(&self) -> Result<Vec<VersionId>> {
        self.hold()?.main.timeline.heads()
    }

    /// As [`Timeline::at`].
    ///
    /// # Errors
    /// As [`Timeline::at`].
    pub fn at(&self, id: VersionId) -> Result<T> {
        self.reader.at(id)
    }

    /// As [`Timeline::version`].
    ///
    /// # Errors
    /// As [`Timeline::version`].
    pub fn version(&self, id: VersionId) -> Result<Version> {
        self.reader.version(id)
    }

    /// The versions from the one that is shown back to the first.
    pub fn log(&self) -> impl Iterator<Item = Result<Version>> + use<T, A> {
        self.reader.log(self.head())
    }

    /// All versions, the first one first.
    pub fn versions(&self) -> impl Iterator<Item = Result<Version>> + use<T, A> {
        self.reader.versions()
    }

    /// As [`Timeline::diff`].
    ///
    /// # Errors
    /// As [`Timeline::diff`].
    pub fn diff<R>(&self, a: VersionId, b: VersionId, select: impl Fn(&T) -> R) -> Result<(R, R)> {
        self.reader.diff(a, b, select)
    }

    /// A view of all versions, those included that will be made.
    pub fn reader(&self) -> Reader<T> {
        self.reader.clone()
    }

    /// As [`Timeline::verify`].
    ///
    /// # Errors
    /// As [`Timeline::verify`].
    pub fn verify(&self) -> Result<Report> {
        self.reader.verify()
    }

    /// Makes everything durable that was done so far. Waits for a change that is under way.
    ///
    /// # Errors
    /// What the storage says: it may not be durable then.
    pub fn flush(&self) -> Result<()> {
        self.hold()?.main.timeline.flush()
    }

    /// As [`Timeline::branch`].
    ///
    /// # Errors
    /// As there.
    pub fn branch(&self, name: &str) -> Result<()> {
        self.change(|timeline| timeline.branch(name))
    }

    /// As [`Timeline::switch`].
    ///
    /// # Errors
    /// As there.
    pub fn switch(&self, name: &str) -> Result<()> {
        self.change(|timeline| timeline.switch(name))
    }

    /// As [`Timeline::current_branch`]. Waits for a change that is under way.
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn current_branch(&self) -> Result<Option<String>> {
        Ok(self.hold()?.main.timeline.current_branch().map(Into::into))
    }

    /// As [`Timeline::tag`].
    ///
    /// # Errors
    /// As there.
    pub fn tag(&self, name: &str, id: VersionId) -> Result<()> {
        self.change(|timeline| timeline.tag(name, id))
    }

    /// As [`Timeline::named`]. Waits for a change that is under way.
    ///
    /// # Errors
    /// As there.
    pub fn named(&self, name: &str) -> Result<VersionId> {
        self.hold()?.main.timeline.named(name)
    }

    /// As [`Timeline::branches`]. Waits for a change that is under way.
    ///
    /// # Errors
    /// As there.
    pub fn branches(&self) -> Result<Vec<(String, VersionId)>> {
        self.hold()?.main.timeline.branches()
    }

    /// As [`Timeline::tags`]. Waits for a change that is under way.
    ///
    /// # Errors
    /// As there.
    pub fn tags(&self) -> Result<Vec<(String, VersionId)>> {
        self.hold()?.main.timeline.tags()
    }

    /// As [`Timeline::rename`].
    ///
    /// # Errors
    /// As there.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.change(|timeline| timeline.rename(from, to))
    }

    /// As [`Timeline::delete`].
    ///
    /// # Errors
    /// As there.
    pub fn delete(&self, name: &str) -> Result<()> {
        self.change(|timeline| timeline.delete(name))
    }

    /// As [`Timeline::mark_saved`].
    ///
    /// # Errors
    /// As there.
    pub fn mark_saved(&self) -> Result<()> {
        self.change(|timeline| timeline.mark_saved())
    }

    /// As [`Timeline::is_dirty`]. Waits for a change that is under way.
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn is_dirty(&self) -> Result<bool> {
        Ok(self.hold()?.main.timeline.is_dirty())
    }

    /// As [`Timeline::as_of`]. Never waits for a change.
    ///
    /// # Errors
    /// As there.
    pub fn as_of(&self, time: SystemTime) -> Result<Option<VersionId>> {
        self.reader.as_of(time)
    }

    /// As [`Timeline::earlier`].
    ///
    /// # Errors
    /// As there.
    pub fn earlier(&self, by: Duration) -> Result<VersionId> {
        self.change(|timeline| timeline.earlier(by))
    }

    /// As [`Timeline::later`].
    ///
    /// # Errors
    /// As there.
    pub fn later(&self, by: Duration) -> Result<VersionId> {
        self.change(|timeline| timeline.later(by))
    }

    /// As [`Timeline::set_author`].
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn set_author<'a>(&self, author: impl Into<Option<&'a str>>) -> Result<()> {
        self.hold()?.main.timeline.set_author(author);
        Ok(())
    }

    /// As [`Timeline::set_grouping`], by the labels that [`labelled`](Self::labelled) gives.
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn set_grouping(&self, grouping: impl Into<Option<Grouping>>) -> Result<()> {
        self.hold()?.main.timeline.set_grouping(grouping);
        Ok(())
    }

    /// As [`Timeline::break_group`].
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn break_group(&self) -> Result<()> {
        self.hold()?.main.timeline.break_group();
        Ok(())
    }

    /// As [`Timeline::on_travel`].
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn on_travel(&self, f: impl FnMut(&T, &mut T) + Send + 'static) -> Result<()> {
        self.hold()?.main.timeline.on_travel(f);
        Ok(())
    }
}

impl<T: State, A> Store<T, A> {
    /// As [`Timeline::view`].
    ///
    /// # Errors
    /// As [`Timeline::view`].
    pub fn view(&self, id: VersionId) -> Result<View<T::Archived>> {
        self.reader.view(id)
    }

    /// As [`Timeline::digest`].
    ///
    /// # Errors
    /// As [`Timeline::digest`].
    pub fn digest(&self, id: VersionId) -> Result<Digest> {
        self.reader.digest(id)
    }
}
