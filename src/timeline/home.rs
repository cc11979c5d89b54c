//! Where a timeline's versions are, in memory or in a log: what both can do.
//!
//! In: new versions, moves of the head. Out: states, and what is known of versions.
//! Must hold: a version that was appended is there for ever; an append that fails has made none.
//! Uses: `history`, `id`, `error`.

use crate::error::Result;
use crate::history::{Line, Lineage, Tree};

/// What is known of a version beside its state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Made {
    pub(super) line: Line,
    /// Microseconds since 1970.
    pub(super) time_us: u64,
    pub(super) label: Box<str>,
}

/// Versions to look at. Numbers that are given to it are those of versions.
pub(super) trait Past<T>: Lineage {
    /// How many versions there are.
    fn count(&self) -> u64;

    /// # Errors
    /// What the storage says.
    fn state(&self, id: u64) -> Result<T>;

    /// # Errors
    /// What the storage says.
    fn made(&self, id: u64) -> Result<Made>;

    /// # Errors
    /// What the storage says.
    fn tree(&self) -> Result<Tree>;
}

/// Versions to add to.
pub(super) trait Home<T>: Past<T> {
    /// A new version, which is head and tip then.
    ///
    /// # Errors
    /// What the storage says; there is no new version then.
    fn append(&mut self, state: &T, made: Made) -> Result<()>;

    /// Notes where the head and the tip are.
    ///
    /// # Errors
    /// What the storage says; they are where they were then.
    fn move_head(&mut self, head: u64, tip: u64) -> Result<()>;

    /// Makes all of it durable.
    ///
    /// # Errors
    /// What the storage says.
    fn flush(&mut self) -> Result<()>;
}
