//! Versions in memory: each state as it is, sharing what it has in common with the others.
//!
//! In: versions as they are made. Out: their states and what is known of them, as long as they are kept.
//! - **K1** The newest version is kept, and any that has a name.
//! - **K2** Versions that are kept are found by their numbers, whatever panics: a number moves on with its version.
//!
//! Uses: `history`, `home`, `error`.

use super::home::Made;
use crate::archive::Kept as Gone;
use crate::error::{Error, ErrorKind, Result};
use crate::history::{Line, Lineage, Names, Tree};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

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
    /// Versions before these that have names.
    named: HashMap<u64, Held<T>>,
    /// What `versions` take. A sum that no measure can make too large.
    bytes: u128,
    tree: Tree,
    keep: Keep<T>,
}

struct Held<T> {
    state: Arc<T>,
    made: Made,
    bytes: u64,
}

impl<T> Kept<T> {
    fn count(&self) -> u64 {
        self.first + self.versions.len() as u64
    }

    fn get(&self, id: u64) -> Option<&Held<T>> {
        match id.checked_sub(self.first) {
            Some(behind) => self.versions.get(behind as usize),
            None => self.named.get(&id),
        }
    }

    fn find(&self, id: u64) -> Result<&Held<T>> {
        let gone = || {
            let what =
                format!("version {id} was let go: of versions without a name those from {} on are kept", self.first);
            Error::new(ErrorKind::NotFound, what)
        };
        self.get(id).ok_or_else(gone)
    }

    /// Takes out what is too much.
    fn let_go(&mut self, names: &Names) -> Result<Vec<Held<T>>> {
        let mut gone = Vec::new();
        while self.versions.len() > 1
            && (self.versions.len() as u64 > self.keep.versions.max(1) || self.bytes > self.keep.bytes.into())
        {
            let is_named = names.lead_to(self.first, self.count())?;
            let Some((id, held)) = self.pop() else { break };
            match is_named {
                true => _ = self.named.insert(id, held),
                false => gone.push(held),
            }
        }
        Ok(gone)
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
        let versions = VecDeque::from([Held { state: first, made, bytes: 0 }]);
        let (named, tree) = (HashMap::new(), Tree::default());
        Memory(Arc::new(RwLock::new(Kept { first: 0, versions, named, bytes: 0, tree, keep })))
    }

    // Nothing of the user's runs while it is held.
    fn kept(&self) -> RwLockReadGuard<'_, Kept<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lineage for Memory<T> {
    fn line(&self, id: u64) -> Result<Line> {
        // Whoever looks for an ancestor goes no further than to what was let go.
        Ok(self.kept().get(id).map_or(Line::FIRST, |held| held.made.line))
    }

    fn is_one_line(&self) -> bool {
        self.kept().tree.is_one_line()
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

    pub(super) fn state(&self, id: u64) -> Result<Arc<T>> {
        Ok(self.kept().find(id)?.state.clone())
    }

    pub(super) fn made(&self, id: u64) -> Result<Made> {
        Ok(self.kept().find(id)?.made.clone())
    }

    pub(super) fn tree(&self) -> Tree {
        self.kept().tree.clone()
    }

    /// Gives what was let go for it, to be dropped.
    pub(super) fn append(&self, state: &Arc<T>, made: Made, names: &Names) -> Result<Gone>
    where
        T: 'static,
    {
        let (state, newest) = (state.clone(), self.count() - 1);
        let tree = self.tree().with(made.line.parent, newest)?;
        let measure = self.kept().keep.measure.clone();
        let bytes = match measure {
            Some(measure) => measure(&*self.state(made.line.parent)?, &state),
            None => 0,
        };
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kept.versions.push_back(Held { state, made, bytes });
        (kept.tree, kept.bytes) = (tree, kept.bytes + u128::from(bytes));
        let gone = kept.let_go(names)?;
        drop(kept);
        Ok(if gone.is_empty() { Gone::new() } else { vec![Box::new(gone)] })
    }
}
