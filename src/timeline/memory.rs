//! Versions in memory: each state as it is, sharing what it has in common with the others.
//!
//! In: versions as they are made. Out: their states and what is known of them.
//! Uses: `history`, `home`, `error`.

use super::home::Made;
use crate::error::Result;
use crate::history::{Line, Lineage, Tree};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// All versions of a timeline, beside readers.
pub(super) struct Memory<T>(Arc<RwLock<Kept<T>>>);

struct Kept<T> {
    versions: Vec<(T, Made)>,
    tree: Tree,
}

impl<T> Clone for Memory<T> {
    fn clone(&self) -> Self {
        Memory(self.0.clone())
    }
}

impl<T> Memory<T> {
    pub(super) fn new(first: T, made: Made) -> Self {
        Memory(Arc::new(RwLock::new(Kept { versions: vec![(first, made)], tree: Tree::default() })))
    }

    // A `Clone` that panics leaves the versions whole.
    fn kept(&self) -> RwLockReadGuard<'_, Kept<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lineage for Memory<T> {
    fn line(&self, id: u64) -> Result<Line> {
        Ok(self.kept().versions[id as usize].1.line)
    }

    fn is_one_line(&self) -> bool {
        self.kept().tree.is_one_line()
    }
}

impl<T: Clone> Memory<T> {
    pub(super) fn count(&self) -> u64 {
        self.kept().versions.len() as u64
    }

    pub(super) fn state(&self, id: u64) -> T {
        self.kept().versions[id as usize].0.clone()
    }

    pub(super) fn made(&self, id: u64) -> Made {
        self.kept().versions[id as usize].1.clone()
    }

    pub(super) fn tree(&self) -> Tree {
        self.kept().tree.clone()
    }

    pub(super) fn append(&self, state: &T, made: Made) -> Result<()> {
        let (state, newest) = (state.clone(), self.count() - 1);
        let tree = self.tree().with(made.line.parent, newest)?;
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kept.versions.push((state, made));
        kept.tree = tree;
        Ok(())
    }
}
