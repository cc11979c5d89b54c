//! Branches and tags: versions by name; and which version the user calls saved.
//!
//! In: names. Out: versions, and moves to them.
//! Must hold: a call that fails has changed no name; what was acknowledged is there after opening again.
//! Uses: `history`, `id`, `error`.

use super::Timeline;
use crate::error::Result;
use crate::history::{Change, is_ancestor};
use crate::id::VersionId;

impl<T: Clone + PartialEq + 'static> Timeline<T> {
    /// Begins a branch at the head: new versions are made on it, and it leads to the newest of them. Undo, redo and looks at
    /// other versions do not move it.
    ///
    /// Branches and tags share one space of names: up to 255 bytes without spaces, that are no number and do not begin with `@`
    /// or `-`. On disk a change of names costs some 50 bytes, and a sync under
    /// [`Durability::Sync`](crate::Durability::Sync); every 257th one some 40 bytes for each name that was changed since, with its
    /// neighbours. Versions made on a branch cost nothing more.
    ///
    /// ```
    /// use backstory::{Timeline, Vector};
    ///
    /// let mut timeline = Timeline::new(Vector::<&str>::new());
    /// timeline.branch("main")?;
    /// timeline.edit("", |list| list.push_back("milk"))?;
    /// timeline.tag("shopped", timeline.head())?;
    /// timeline.branch("party")?;
    /// timeline.edit("", |list| list.push_back("cake"))?;
    ///
    /// timeline.switch("main")?;
    /// assert_eq!((timeline.state().len(), timeline.current_branch()), (1, Some("main")));
    /// assert_eq!(timeline.named("main")?, timeline.named("shopped")?);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` if it is no name, or taken; `Conflict` in a group or while a gesture is open; what the storage says. Nothing has
    /// changed then.
    pub fn branch(&mut self, name: &str) -> Result<()> {
        self.settle()?;
        self.change(Change::Branch { name: name.to_owned(), id: self.head })
    }

    /// Goes to where a branch leads, and makes new versions on it.
    ///
    /// # Errors
    /// `NotFound` if there is no such name, `Invalid` if it is a tag's: go there with [`checkout`](Self::checkout); `Conflict` in
    /// a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn switch(&mut self, name: &str) -> Result<()> {
        self.settle()?;
        let id = self.names.branch(name, self.home.past.count())?;
        self.show_with(id, id, Some(Change::Stand { on: Some(name.to_owned()) })).map(|_| ())
    }

    /// The branch that new versions are made on. None before the first one was begun, and after a move to a version that does
    /// not lead to it.
    pub fn current_branch(&self) -> Option<&str> {
        self.names.on()
    }

    /// Names a version; that stays where it is.
    ///
    /// # Errors
    /// `NotFound` if there is no such version, or none any more; `Invalid` if it is no name, or taken; `Conflict` in a group or
    /// while a gesture is open; what the storage says. Nothing has changed then.
    pub fn tag(&mut self, name: &str, id: VersionId) -> Result<()> {
        self.settle()?;
        let id = self.home.past.known(id)?;
        self.change(Change::Tag { name: name.to_owned(), id })
    }

    /// The version that a branch or tag leads to.
    ///
    /// # Errors
    /// `NotFound` if there is no such name; what the storage says.
    pub fn named(&self, name: &str) -> Result<VersionId> {
        self.names.get(name, self.home.past.count()).map(|(id, _)| VersionId::new(id))
    }

    /// All branches, by name, with the versions that they lead to.
    ///
    /// # Errors
    /// What the storage says.
    pub fn branches(&self) -> Result<Vec<(String, VersionId)>> {
        self.list(true)
    }

    /// All tags, by name, with their versions.
    ///
    /// # Errors
    /// What the storage says.
    pub fn tags(&self) -> Result<Vec<(String, VersionId)>> {
        self.list(false)
    }

    fn list(&self, branches: bool) -> Result<Vec<(String, VersionId)>> {
        let list = self.names.list(branches, self.home.past.count())?;
        Ok(list.into_iter().map(|(name, id)| (name, VersionId::new(id))).collect())
    }

    /// Gives a branch or tag another name.
    ///
    /// # Errors
    /// `NotFound` if there is no such name; `Invalid` if `to` is no name, or taken; `Conflict` in a group or while a gesture is
    /// open; what the storage says. Nothing has changed then.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.settle()?;
        self.change(Change::Rename { from: from.to_owned(), to: to.to_owned() })
    }

    /// Takes a name away. The versions stay. On a branch that is deleted we stand no more.
    ///
    /// # Errors
    /// `NotFound` if there is no such name; `Conflict` in a group or while a gesture is open; what the storage says. Nothing has
    /// changed then.
    pub fn delete(&mut self, name: &str) -> Result<()> {
        self.settle()?;
        self.change(Change::Delete { name: name.to_owned() })
    }

    /// Notes that the head is what the user has saved elsewhere. On disk it is noted in the log.
    ///
    /// # Errors
    /// `Conflict` in a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn mark_saved(&mut self) -> Result<()> {
        self.settle()?;
        if self.names.saved == Some(self.head) {
            return Ok(());
        }
        self.change(Change::Save { id: self.head })
    }

    /// True if the head is not the version that was marked as saved, or, if none ever was, not the first one; and while a gesture
    /// or a group has changed something. Undo back to what was saved makes it false, on whatever branch.
    pub fn is_dirty(&self) -> bool {
        self.head != self.names.saved.unwrap_or(0) || self.updates() > 0
    }

    fn change(&mut self, change: Change) -> Result<()> {
        self.show_with(self.head, self.tip, Some(change)).map(|_| ())
    }

    /// What a move to a version changes in the names: who goes where the branch does not come by leaves it.
    pub(super) fn leaving(&self, head: u64) -> Result<Option<Change>> {
        let Some(on) = self.names.on() else { return Ok(None) };
        let id = self.names.branch(on, self.home.past.count())?;
        let comes_by = is_ancestor(&self.home.past, head, id)?;
        Ok((!comes_by).then_some(Change::Stand { on: None }))
    }
}
