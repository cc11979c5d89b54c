//! What a writer has published to readers: where the log ends, and the index of what is before it.
//! In: an end and an index, from one writer. Out: the same, for any number of threads.
//! Must hold: **R1** who finds something in the index finds an end that is behind it; **R2** neither goes back.
//! Uses: nothing of ours.

use std::sync::PoisonError;

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(loom)]
use loom::sync::{RwLock, RwLockReadGuard};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::{RwLock, RwLockReadGuard};

pub(super) struct Published<I> {
    end: AtomicU64,
    index: RwLock<I>,
}

impl<I> Published<I> {
    pub(super) fn new(end: u64, index: I) -> Self {
        Published { end: AtomicU64::new(end), index: RwLock::new(index) }
    }

    /// Where the last batch ends.
    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, I> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch is there, up to `end`. That is said first (R1).
    pub(super) fn publish(&self, end: u64, change: impl FnOnce(&mut I)) {
        self.end.store(end, Ordering::Release);
        self.change(change)
    }

    /// What was found out of the index changes nothing in what it says.
    pub(super) fn change(&self, change: impl FnOnce(&mut I)) {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test --release --lib log::published::models`
#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::link::models::explore;
    use loom::sync::Arc;
    use loom::thread;

    #[test]
    fn who_finds_a_version_finds_the_end_behind_it_and_neither_goes_back() {
        explore(|| {
            let published = Arc::new(Published::new(10, 1u64));
            let writer = published.clone();
            let writer = thread::spawn(move || {
                writer.publish(20, |versions| *versions = 2);
                // A move of the head.
                writer.publish(25, |_| ());
                writer.publish(30, |versions| *versions = 3)
            });
            let mut seen = (0, 0);
            for _ in 0..3 {
                let versions = *published.index();
                let end = published.end();
                assert!(end >= 10 * versions, "{versions} versions, and the log ends at {end}");
                assert!(versions >= seen.0 && end >= seen.1);
                seen = (versions, end)
            }
            writer.join().unwrap();
            assert_eq!((*published.index(), published.end()), (3, 30))
        })
    }
}
