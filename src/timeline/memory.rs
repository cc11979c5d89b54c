//! Versions in memory: each state as it is, sharing what it has in common with the others.
//!
//! In: versions as they are made, names as they change. Out: states and what is known of versions, as long as they are
//! kept.
//! - **K1** The newest versions are kept, as many as there may be, at least one, and any that has a name. All others go
//!   when a version is made, and at no other time: so head and tip, which are that version then, are always there.
//!   Nothing that grows remembers what has gone.
//! - **K2** Versions that are kept are found by their numbers, whatever panics: a number moves on with its version.
//!
//! Uses: `history`, `home`, `times`, `archive`, `error`.

use super::home::Made;
use super::times::newest_until;
use crate::archive::Kept as Gone;
use crate::error::{Error, ErrorKind, Result, caught};
use crate::history::{Led, Line, Lineage, Names, Tree};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What a state takes beside the one that it was made from.
type Measure<T> = Arc<dyn Fn(&T, &T) -> u64 + Send + Sync>;

/// How many versions are kept.
pub(super) struct Keep<T> {
    pub(super) versions: u64,
    pub(super) bytes: u64,
    pub(super) measure: Option<Measure<T>>,
}

impl<T> Keep<T> {
    pub(super) const ALL: Keep<T> = Keep { versions: u64::MAX, bytes: u64::MAX, measure: None };

    pub(super) fn is_all(&self) -> bool {
        self.versions == u64::MAX && self.bytes == u64::MAX
    }
}

impl<T> Clone for Keep<T> {
    fn clone(&self) -> Self {
        Keep { measure: self.measure.clone(), ..*self }
    }
}

/// All versions of a timeline, beside readers.
pub(super) struct Memory<T>(Arc<RwLock<Kept<T>>>);

struct Kept<T> {
    /// The first of `versions`.
    first: u64,
    versions: VecDeque<Held<T>>,
    /// Versions before these that stay.
    old: BTreeMap<u64, Held<T>>,
    /// What `versions` take. Sums that no measure can make too large.
    bytes: u128,
    tree: Tree,
    /// True as long as nobody has branched.
    is_one_line: bool,
    keep: Keep<T>,
    led: Led,
    /// Those of `old` that have lost a name since a version was made.
    loose: BTreeSet<u64>,
    /// Those that were watched, and went since anybody asked.
    gone: Vec<u64>,
}

struct Held<T> {
    state: Arc<T>,
    made: Made,
    bytes: u64,
    /// Whether somebody wants to know when it goes.
    is_watched: bool,
}

impl<T> Kept<T> {
    fn count(&self) -> u64 {
        self.first + self.versions.len() as u64
    }

    fn get(&self, id: u64) -> Option<&Held<T>> {
        match id.checked_sub(self.first) {
            Some(behind) => self.versions.get(behind as usize),
            None => self.old.get(&id),
        }
    }

    fn find(&self, id: u64) -> Result<&Held<T>> {
        let gone = || {
            let what = format!(
                "version {id} was let go: those from {} on are kept, and what has a name. Tag what must stay, or keep more",
                self.first
            );
            Error::new(ErrorKind::NotFound, what)
        };
        self.get(id).ok_or_else(gone)
    }

    /// The oldest one from `id` on.
    fn next(&self, id: u64) -> Option<(u64, &Held<T>)> {
        let next = || self.versions.get(id.saturating_sub(self.first) as usize).map(|held| (id.max(self.first), held));
        self.old.range(id..).next().map(|(&id, held)| (id, held)).or_else(next)
    }

    /// The newest one up to `id`.
    fn last(&self, id: u64) -> Option<(u64, &Held<T>)> {
        match id < self.first {
            true => self.old.range(..=id).next_back().map(|(&id, held)| (id, held)),
            false => self.get(id).map(|held| (id, held)),
        }
    }

    /// Takes out what is too much, and what has lost its last name.
    fn let_go(&mut self) -> Result<Vec<Held<T>>> {
        let is_unnamed = |id: &u64| !self.led.leads_to(*id);
        let loose = std::mem::take(&mut self.loose).into_iter().filter(is_unnamed);
        let mut gone: Vec<_> = loose.filter_map(|id| Some((id, self.old.remove(&id)?))).collect();
        while self.versions.len() > 1
            && (self.versions.len() as u64 > self.keep.versions || self.bytes > self.keep.bytes.into())
        {
            let Some((id, held)) = self.pop() else { break };
            match self.led.leads_to(id) {
                true => _ = self.old.insert(id, held),
                false => gone.push((id, held)),
            }
        }
        let forget = |(id, held): (u64, Held<T>)| {
            self.tree.forget(id, held.made.line.parent)?;
            self.gone.extend(held.is_watched.then_some(id));
            Ok(held)
        };
        gone.into_iter().map(forget).collect()
    }

    /// These have lost a name.
    fn loosen(&mut self, ids: impl IntoIterator<Item = u64>) {
        self.loose.extend(ids.into_iter().filter(|id| self.old.contains_key(id)))
    }

    /// Takes the oldest of `versions` (K2).
    fn pop(&mut self) -> Option<(u64, Held<T>)> {
        let (id, held) = (self.first, self.versions.pop_front()?);
        self.first += 1;
        self.bytes -= u128::from(held.bytes);
        Some((id, held))
    }
}

impl<T> Clone for Memory<T> {
    fn clone(&self) -> Self {
        Memory(self.0.clone())
    }
}

impl<T> Memory<T> {
    pub(super) fn new(first: Arc<T>, made: Made, keep: Keep<T>) -> Self {
        let versions = VecDeque::from([Held { state: first, made, bytes: 0, is_watched: false }]);
        Memory(Arc::new(RwLock::new(Kept {
            first: 0,
            versions,
            old: BTreeMap::new(),
            bytes: 0,
            tree: Tree::default(),
            is_one_line: true,
            keep,
            led: Led::default(),
            loose: BTreeSet::new(),
            gone: Vec::new(),
        })))
    }

    // Nothing of the user's runs while it is held.
    fn kept(&self) -> RwLockReadGuard<'_, Kept<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_mut(&self) -> RwLockWriteGuard<'_, Kept<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lineage for Memory<T> {
    fn line(&self, id: u64) -> Result<Line> {
        // Whoever looks for an ancestor goes no further than to what was let go.
        Ok(self.kept().get(id).map_or(Line::FIRST, |held| held.made.line))
    }

    fn is_one_line(&self) -> bool {
        self.kept().is_one_line
    }
}

impl<T: Clone> Memory<T> {
    pub(super) fn count(&self) -> u64 {
        self.kept().count()
    }

    /// The first version from which on all are kept.
    pub(super) fn oldest(&self) -> u64 {
        self.kept().first
    }

    pub(super) fn has(&self, id: u64) -> bool {
        self.kept().get(id).is_some()
    }

    pub(super) fn check(&self, id: u64) -> Result<()> {
        self.kept().find(id).map(drop)
    }

    pub(super) fn state(&self, id: u64) -> Result<Arc<T>> {
        Ok(self.kept().find(id)?.state.clone())
    }

    pub(super) fn made(&self, id: u64) -> Result<Made> {
        Ok(self.kept().find(id)?.made.clone())
    }

    /// The oldest version from `id` on that is kept.
    pub(super) fn next(&self, id: u64) -> Option<(u64, Made)> {
        self.kept().next(id).map(|(id, held)| (id, held.made.clone()))
    }

    /// The newest version that is kept and not newer than a time.
    pub(super) fn as_of(&self, time_us: u64) -> Result<Option<u64>> {
        let kept = self.kept();
        let time_of = |id| Ok(kept.last(id).map_or(0, |(_, held)| held.made.time_us));
        let found = newest_until(kept.count(), time_us, time_of)?;
        Ok(found.and_then(|id| kept.last(id)).map(|(id, _)| id))
    }

    pub(super) fn tree(&self) -> Tree {
        self.kept().tree.clone()
    }

    /// Asks to be told when a version goes. Gives those of which that was asked and that have gone since.
    pub(super) fn watch(&self, id: u64) -> Vec<u64> {
        let mut kept = self.kept_mut();
        let behind = id.checked_sub(kept.first);
        if let Some(held) = behind.and_then(|behind| kept.versions.get_mut(behind as usize)) {
            held.is_watched = true
        }
        std::mem::take(&mut kept.gone)
    }

    /// A new version, which is head and tip then (K1). Gives what was let go for it, to be dropped.
    pub(super) fn append(&self, state: &Arc<T>, made: Made) -> Result<Gone>
    where
        T: 'static,
    {
        let (state, parent, newest) = (state.clone(), made.line.parent, self.count() - 1);
        let measure = self.kept().keep.measure.clone();
        let bytes = match measure {
            Some(measure) => {
                let parent = self.state(parent)?;
                caught(|| measure(&parent, &state))?
            }
            None => 0,
        };
        let mut kept = self.kept_mut();
        kept.tree = kept.tree.with(parent, newest)?;
        kept.is_one_line &= parent == newest;
        let left = kept.led.move_on()?;
        kept.loosen(left);
        kept.versions.push_back(Held { state, made, bytes, is_watched: false });
        kept.bytes += u128::from(bytes);
        let gone = kept.let_go()?;
        Ok(if gone.is_empty() { Gone::new() } else { vec![Box::new(gone)] })
    }

    /// Names have changed.
    pub(super) fn note(&self, names: &Names) -> Result<()> {
        let mut kept = self.kept_mut();
        let lost = kept.led.change(names)?;
        kept.loosen(lost);
        Ok(())
    }
}
