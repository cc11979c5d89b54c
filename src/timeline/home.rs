//! Where a timeline's versions are: in memory, or in a log.
//!
//! In: new versions, moves of the head. Out: states, and what is known of versions.
//! Must hold: a version that was appended is there for ever, but for what `memory` lets go (K1); an append that fails
//! has made none.
//! Uses: `memory`, `stored`, `recent`, `times`, `history`, `archive`, `log`, `id`, `error`.

use super::memory::Memory;
use super::recent::Recent;
use super::stored::{SharedSync, Stored, Writer};
use super::times::newest_until;
use crate::archive::{self, Kept, State, Storable, View};
use crate::error::{Error, ErrorKind, Result};
use crate::history::{Change, Line, Lineage, Names, Tree, ancestor_at, stop_after, stop_before};
use crate::id::{Digest, VersionId};
use crate::log::Report;
use std::sync::Arc;

/// What is known of a version beside its state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Made {
    pub(super) line: Line,
    /// Microseconds since 1970.
    pub(super) time_us: u64,
    pub(super) label: Box<str>,
    pub(super) author: Option<Box<str>>,
}

/// So much of a label or an author is kept with a version: it stands in its stamp.
const MOST_TEXT_BYTES: usize = 4096;

/// The beginning of a text, as much as is kept.
pub(super) fn cut(text: &str) -> &str {
    let fits = (0..=MOST_TEXT_BYTES.min(text.len())).rev().find(|&len| text.is_char_boundary(len));
    &text[..fits.unwrap_or(0)]
}

/// All versions, to look at. Numbers that are given to it are those of versions.
pub(super) enum Past<T> {
    Memory(Memory<T>),
    Stored(Stored<T>),
}

impl<T> Clone for Past<T> {
    fn clone(&self) -> Self {
        match self {
            Past::Memory(memory) => Past::Memory(memory.clone()),
            Past::Stored(stored) => Past::Stored(stored.clone()),
        }
    }
}

impl<T> Lineage for Past<T> {
    fn line(&self, id: u64) -> Result<Line> {
        match self {
            Past::Memory(memory) => memory.line(id),
            Past::Stored(stored) => stored.line(id),
        }
    }

    fn is_one_line(&self) -> bool {
        match self {
            Past::Memory(memory) => memory.is_one_line(),
            Past::Stored(stored) => stored.is_one_line(),
        }
    }
}

impl<T: Clone> Past<T> {
    /// How many versions there are.
    pub(super) fn count(&self) -> u64 {
        match self {
            Past::Memory(memory) => memory.count(),
            Past::Stored(stored) => stored.count(),
        }
    }

    /// The version from which on all are kept.
    pub(super) fn oldest(&self) -> u64 {
        match self {
            Past::Memory(memory) => memory.oldest(),
            Past::Stored(_) => 0,
        }
    }

    /// The number of a version that there is.
    ///
    /// # Errors
    /// `NotFound`, also of one that was let go.
    pub(super) fn known(&self, id: VersionId) -> Result<u64> {
        let (id, count) = (id.number(), self.count());
        if id >= count {
            let what = format!("there is no version {id}: versions are numbered 0 to {}", count - 1);
            return Err(Error::new(ErrorKind::NotFound, what));
        }
        if let Past::Memory(memory) = self {
            memory.check(id)?
        }
        Ok(id)
    }

    /// False of a version that was let go.
    pub(super) fn has(&self, id: u64) -> bool {
        match self {
            Past::Memory(memory) => memory.has(id),
            Past::Stored(_) => true,
        }
    }

    /// Where undo leads from a version; none from the first, and none where that was let go.
    pub(super) fn stop_before(&self, id: u64) -> Result<Option<u64>> {
        Ok(stop_before(self, id)?.filter(|&id| self.has(id)))
    }

    /// Where redo leads from a version on the way to `tip`; none from there, and none where that was let go.
    pub(super) fn stop_after(&self, id: u64, tip: u64) -> Result<Option<u64>> {
        Ok(stop_after(self, id, tip)?.filter(|&id| self.has(id)))
    }

    /// Of `last` and its ancestors, the one that has so many; or, if that was let go, what is kept on the way there
    /// from `id`, which is one of them too.
    pub(super) fn on_the_way(&self, id: u64, last: u64, depth: u64) -> Result<u64> {
        let kept = |depth| Ok::<_, Error>(Some(ancestor_at(self, last, depth)?).filter(|&id| self.has(id)));
        if let Some(found) = kept(depth)? {
            return Ok(found);
        }
        let (mut id, mut near, mut far) = (id, self.line(id)?.depth, depth);
        while near.abs_diff(far) > 1 {
            let middle = near.midpoint(far);
            match kept(middle)? {
                Some(found) => (id, near) = (found, middle),
                None => far = middle,
            }
        }
        Ok(id)
    }

    /// The children of a version that are kept, oldest first.
    pub(super) fn children(&self, id: u64) -> Result<Vec<u64>> {
        let mut children = self.tree()?.children(self, id, self.count() - 1)?;
        children.retain(|&id| self.has(id));
        Ok(children)
    }

    /// All versions without children that are kept, the oldest first.
    pub(super) fn leaves(&self) -> Result<Vec<u64>> {
        self.tree()?.leaves(self.count() - 1)
    }

    /// The oldest version from `id` on that is kept, if there is one.
    pub(super) fn next(&self, id: u64) -> Result<Option<(u64, Made)>> {
        match self {
            Past::Memory(memory) => Ok(memory.next(id)),
            Past::Stored(stored) if id < stored.count() => Ok(Some((id, stored.made(id)?))),
            Past::Stored(_) => Ok(None),
        }
    }

    /// The newest version that is kept and not newer than a time, if there is one.
    pub(super) fn as_of(&self, time_us: u64) -> Result<Option<u64>> {
        match self {
            Past::Memory(memory) => memory.as_of(time_us),
            Past::Stored(stored) => newest_until(stored.count(), time_us, |id| Ok(stored.made(id)?.time_us)),
        }
    }

    pub(super) fn state(&self, id: u64) -> Result<Arc<T>> {
        match self {
            Past::Memory(memory) => memory.state(id),
            Past::Stored(stored) => stored.state(id).map(Arc::new),
        }
    }

    /// What is known of a version that is kept.
    ///
    /// # Errors
    /// `NotFound` of one that was let go; what the storage says.
    pub(super) fn made(&self, id: u64) -> Result<Made> {
        match self {
            Past::Memory(memory) => memory.made(id),
            Past::Stored(stored) => stored.made(id),
        }
    }

    pub(super) fn verify(&self) -> Result<Report> {
        match self {
            Past::Memory(memory) => Ok(Report::of_versions(memory.count())),
            Past::Stored(stored) => stored.verify(),
        }
    }

    pub(super) fn tree(&self) -> Result<Tree> {
        match self {
            Past::Memory(memory) => Ok(memory.tree()),
            Past::Stored(stored) => stored.tree(),
        }
    }
}

impl<T: State> Past<T> {
    pub(super) fn digest(&self, id: u64) -> Result<Digest> {
        match self {
            // Nodes in memory alone have no address by which what was worked out could be known again.
            Past::Memory(memory) => archive::digest(&*memory.state(id)?, &Arc::default()),
            Past::Stored(stored) => stored.digest(id),
        }
    }

    pub(super) fn view(&self, id: u64) -> Result<View<T::Archived>> {
        match self {
            Past::Memory(_) => {
                let what = "a timeline in memory has nothing stored to view: look at its states (`state`, `at`), or open it \
                            on disk";
                Err(Error::new(ErrorKind::Invalid, what))
            }
            Past::Stored(stored) => stored.view(id),
        }
    }
}

/// All versions, to add to.
pub(super) struct Home<T> {
    pub(super) past: Past<T>,
    /// None in memory, and for a log that was opened to be read.
    writer: Option<Writer>,
    /// Of a log: what was shown last.
    recent: Recent<Arc<T>>,
}

impl<T: Clone + 'static> Home<T> {
    pub(super) fn new(past: Past<T>, writer: Option<Writer>) -> Self {
        Home { past, writer, recent: Recent::new() }
    }

    /// True of a log that was opened to be read.
    pub(super) fn is_read_only(&self) -> bool {
        matches!(self.past, Past::Stored(_)) && self.writer.is_none()
    }

    /// The state of a version.
    pub(super) fn state(&self, id: u64) -> Result<Arc<T>> {
        self.recent.get(id).map_or_else(|| self.past.state(id), Ok)
    }

    /// The state of a version that is going to be shown.
    pub(super) fn shown(&mut self, id: u64) -> Result<Arc<T>> {
        if let Some(state) = self.recent.get(id) {
            return Ok(state);
        }
        let state = self.past.state(id)?;
        if let Past::Stored(_) = self.past {
            self.recent.restart(id, state.clone())
        }
        Ok(state)
    }

    /// A new version, which is head and tip then. `is_kin` says that its state was made from the one shown, so that they share
    /// what they have in common in memory too. What it gives is to be dropped when all is as it should be: that may panic.
    ///
    /// # Errors
    /// What the storage says; there is no new version then.
    pub(super) fn append(
        &mut self,
        state: &Arc<T>,
        made: Made,
        is_kin: bool,
        action: Option<&dyn Storable>,
    ) -> Result<Kept> {
        match (&self.past, &mut self.writer) {
            (Past::Memory(memory), _) => memory.append(state, made),
            (Past::Stored(stored), Some(writer)) => {
                // What may panic comes first: the new version is there for ever.
                match is_kin {
                    true => self.recent.make_room(),
                    false => self.recent.clear(),
                }
                let (id, copy) = (stored.count(), state.clone());
                let (bytes, kept) = writer.append(stored, state, made, action)?;
                self.recent.push(id, copy, bytes);
                Ok(kept)
            }
            (Past::Stored(_), None) => {
                let what = "this timeline was opened read-only: open it for writing to change it";
                Err(Error::new(ErrorKind::Invalid, what))
            }
        }
    }

    /// Notes where the head and the tip are, and names that have changed: with the change, if it was one.
    ///
    /// # Errors
    /// What the storage says; all is as it was then.
    pub(super) fn note(&mut self, head: u64, tip: u64, names: Option<(&Names, Option<&Change>)>) -> Result<()> {
        match (&self.past, &mut self.writer) {
            (Past::Memory(memory), _) => names.map_or(Ok(()), |(names, _)| memory.note(names)),
            (Past::Stored(stored), Some(writer)) => writer.note(stored, head, tip, names),
            // Whoever reads only may stand anywhere, and call it as he likes.
            (Past::Stored(_), None) => Ok(()),
        }
    }

    /// Leaves syncs to somebody else, if that was asked for; or does them again.
    pub(super) fn share_syncs(&mut self, shares: bool) -> Option<SharedSync> {
        self.writer.as_mut()?.share_syncs(shares)
    }

    /// Makes all of it durable.
    ///
    /// # Errors
    /// What the storage says.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.writer.as_mut().map_or(Ok(()), Writer::flush)
    }
}
