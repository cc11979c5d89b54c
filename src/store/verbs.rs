//! The rest of a timeline's verbs, of a store: names, times, grouping.
//!
//! In: calls by many threads. Out: what the timeline says; subscribers are told whenever another version is shown.
//! Must hold: S1.
//! Uses: `timeline`, `id`, `error`.

use super::Store;
use crate::error::Result;
use crate::id::VersionId;
use crate::timeline::Grouping;
use std::time::{Duration, SystemTime};

impl<T: Clone + PartialEq + 'static, A> Store<T, A> {
    /// As [`Timeline::branch`](crate::Timeline::branch).
    ///
    /// # Errors
    /// As there.
    pub fn branch(&self, name: &str) -> Result<()> {
        self.change(|timeline| timeline.branch(name))
    }

    /// As [`Timeline::switch`](crate::Timeline::switch).
    ///
    /// # Errors
    /// As there.
    pub fn switch(&self, name: &str) -> Result<()> {
        self.change(|timeline| timeline.switch(name))
    }

    /// As [`Timeline::current_branch`](crate::Timeline::current_branch). Waits for a change that is under way.
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn current_branch(&self) -> Result<Option<String>> {
        Ok(self.hold()?.main.timeline.current_branch().map(Into::into))
    }

    /// As [`Timeline::tag`](crate::Timeline::tag).
    ///
    /// # Errors
    /// As there.
    pub fn tag(&self, name: &str, id: VersionId) -> Result<()> {
        self.change(|timeline| timeline.tag(name, id))
    }

    /// As [`Timeline::named`](crate::Timeline::named). Waits for a change that is under way.
    ///
    /// # Errors
    /// As there.
    pub fn named(&self, name: &str) -> Result<VersionId> {
        self.hold()?.main.timeline.named(name)
    }

    /// As [`Timeline::branches`](crate::Timeline::branches). Waits for a change that is under way.
    ///
    /// # Errors
    /// As there.
    pub fn branches(&self) -> Result<Vec<(String, VersionId)>> {
        self.hold()?.main.timeline.branches()
    }

    /// As [`Timeline::tags`](crate::Timeline::tags). Waits for a change that is under way.
    ///
    /// # Errors
    /// As there.
    pub fn tags(&self) -> Result<Vec<(String, VersionId)>> {
        self.hold()?.main.timeline.tags()
    }

    /// As [`Timeline::rename`](crate::Timeline::rename).
    ///
    /// # Errors
    /// As there.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.change(|timeline| timeline.rename(from, to))
    }

    /// As [`Timeline::delete`](crate::Timeline::delete).
    ///
    /// # Errors
    /// As there.
    pub fn delete(&self, name: &str) -> Result<()> {
        self.change(|timeline| timeline.delete(name))
    }

    /// As [`Timeline::mark_saved`](crate::Timeline::mark_saved).
    ///
    /// # Errors
    /// As there.
    pub fn mark_saved(&self) -> Result<()> {
        self.change(|timeline| timeline.mark_saved())
    }

    /// As [`Timeline::is_dirty`](crate::Timeline::is_dirty). Waits for a change that is under way.
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn is_dirty(&self) -> Result<bool> {
        Ok(self.hold()?.main.timeline.is_dirty())
    }

    /// As [`Timeline::as_of`](crate::Timeline::as_of). Never waits for a change.
    ///
    /// # Errors
    /// As there.
    pub fn as_of(&self, time: SystemTime) -> Result<Option<VersionId>> {
        self.reader.as_of(time)
    }

    /// As [`Timeline::earlier`](crate::Timeline::earlier).
    ///
    /// # Errors
    /// As there.
    pub fn earlier(&self, by: Duration) -> Result<VersionId> {
        self.change(|timeline| timeline.earlier(by))
    }

    /// As [`Timeline::later`](crate::Timeline::later).
    ///
    /// # Errors
    /// As there.
    pub fn later(&self, by: Duration) -> Result<VersionId> {
        self.change(|timeline| timeline.later(by))
    }

    /// As [`Timeline::set_author`](crate::Timeline::set_author).
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn set_author<'a>(&self, author: impl Into<Option<&'a str>>) -> Result<()> {
        self.hold()?.main.timeline.set_author(author);
        Ok(())
    }

    /// As [`Timeline::set_grouping`](crate::Timeline::set_grouping), by the labels that [`labelled`](Self::labelled) gives.
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn set_grouping(&self, grouping: impl Into<Option<Grouping>>) -> Result<()> {
        self.hold()?.main.timeline.set_grouping(grouping);
        Ok(())
    }

    /// As [`Timeline::break_group`](crate::Timeline::break_group).
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn break_group(&self) -> Result<()> {
        self.hold()?.main.timeline.break_group();
        Ok(())
    }

    /// As [`Timeline::on_travel`](crate::Timeline::on_travel).
    ///
    /// # Errors
    /// `Invalid` where the store is asked by what it runs.
    pub fn on_travel(&self, f: impl FnMut(&T, &mut T) + Send + 'static) -> Result<()> {
        self.hold()?.main.timeline.on_travel(f);
        Ok(())
    }
}
