//! States that were shown last, so that undo and redo need not read again what is in memory.
//!
//! In: states as they are made and shown. Out: the same again.
//! Must hold: all that is kept shares structure, one state made from another: so it costs little more than one state and
//! what the edits wrote. A state that comes from elsewhere replaces all.
//! Uses: nothing of ours.

use std::collections::VecDeque;

/// So many states are kept at most.
const MOST: usize = 256;
/// And so many that together wrote at most this.
const MOST_BYTES: u64 = 4 << 20;

/// The states that were made one from another.
pub(super) struct Recent<T> {
    /// The number of a version, its state, the bytes that it wrote.
    states: VecDeque<(u64, T, u64)>,
    bytes: u64,
}

impl<T: Clone> Recent<T> {
    pub(super) fn new() -> Self {
        Recent { states: VecDeque::new(), bytes: 0 }
    }

    pub(super) fn get(&self, id: u64) -> Option<T> {
        self.states.iter().rev().find(|(known, ..)| *known == id).map(|(_, state, _)| state.clone())
    }

    /// Lets go what is too much. Apart from [`push`](Self::push), as a user's `Drop` may panic.
    pub(super) fn make_room(&mut self) {
        while self.states.len() >= MOST || self.bytes > MOST_BYTES {
            let Some((_, gone, bytes)) = self.states.pop_front() else { break };
            self.bytes -= bytes;
            drop(gone)
        }
    }

    /// Lets all go, for a state that was made from none of these.
    pub(super) fn clear(&mut self) {
        self.bytes = 0;
        drop(std::mem::take(&mut self.states))
    }

    /// A state that was made from one of these, and wrote so many bytes.
    pub(super) fn push(&mut self, id: u64, state: T, bytes: u64) {
        self.states.push_back((id, state, bytes));
        self.bytes += bytes
    }

    /// A state that was read.
    pub(super) fn restart(&mut self, id: u64, state: T) {
        self.clear();
        self.push(id, state, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_or_wrote_much_is_let_go() {
        let mut recent = Recent::new();
        recent.restart(7, 'a');
        let mut add = |id, state, bytes| {
            recent.make_room();
            recent.push(id, state, bytes)
        };
        (8..8 + 2 * MOST as u64).for_each(|id| add(id, 'b', 1));
        assert_eq!((recent.get(7), recent.get(7 + 2 * MOST as u64)), (None, Some('b')));
        assert_eq!((recent.get(8 + MOST as u64), recent.get(7 + MOST as u64)), (Some('b'), None));
        recent.push(9999, 'c', MOST_BYTES + 1);
        assert_eq!(recent.get(9999), Some('c'));
        recent.make_room();
        recent.push(10_000, 'd', 1);
        assert_eq!((recent.get(9999), recent.states.len(), recent.bytes), (None, 1, 1));
        recent.restart(5, 'e');
        assert_eq!((recent.get(10_000), recent.get(5), recent.bytes), (None, Some('e'), 0));
    }

    #[test]
    fn a_drop_that_panics_leaves_it_empty() {
        #[derive(Clone)]
        struct Panics(bool);
        impl Drop for Panics {
            fn drop(&mut self) {
                assert!(!self.0)
            }
        }
        for clears in [true, false] {
            let mut recent = Recent::new();
            recent.push(1, Panics(true), 2 * MOST_BYTES);
            let letting_go = std::panic::AssertUnwindSafe(|| if clears { recent.clear() } else { recent.make_room() });
            assert!(std::panic::catch_unwind(letting_go).is_err());
            recent.make_room();
            recent.push(2, Panics(false), 0);
            assert_eq!((recent.states.len(), recent.bytes), (1, 0))
        }
    }
}
