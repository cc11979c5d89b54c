//! How many entries a map has, and which hasher its own is a clone of: both in 8 bytes, so that a handle is small.
//!
//! In: lengths. Out: lengths, and whether two maps hash alike.
//! Must hold: two maps that count as alike have hashers that are clones of one.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A length in the low 36 bits (so many entries of 24 bytes are more than memory holds), a lineage above it: the number of the
/// hasher that a map's hasher is a clone of.
#[derive(Clone, Copy)]
pub(crate) struct Tally(u64);

const LEN_BITS: u32 = 36;
const LEN: u64 = (1 << LEN_BITS) - 1;
/// The lineage of all hashers of a type without state.
const STATELESS: u32 = 0;
/// Where the numbers have run out: not even alike to itself, which is slower and never wrong.
const UNKNOWN: u32 = u32::MAX >> (LEN_BITS - 32);

impl Tally {
    /// No entries, and a new hasher.
    pub(crate) fn new<S>() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(STATELESS);
        let lineage = match size_of::<S>() {
            0 => STATELESS,
            _ => Self::next(&LAST),
        };
        Tally((lineage as u64) << LEN_BITS)
    }

    fn next(last: &AtomicU32) -> u32 {
        let next = |n| (n + 1 < UNKNOWN).then_some(n + 1);
        last.fetch_update(Relaxed, Relaxed, next).map_or(UNKNOWN, |n| n + 1)
    }

    /// So many entries, and the same hasher.
    #[inline(always)]
    pub(crate) fn with_len(self, len: usize) -> Self {
        Tally(self.0 & !LEN | len as u64 & LEN)
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        (self.0 & LEN) as usize
    }

    /// One entry more, or none.
    #[inline(always)]
    pub(crate) fn add(&mut self, more: bool) {
        self.0 += more as u64
    }

    /// One entry less. Not fewer than none, whatever a forged log has said of the length.
    #[inline(always)]
    pub(crate) fn sub(&mut self) {
        self.0 -= (self.len() > 0) as u64
    }

    /// True if the hashers are clones of one, or stateless both.
    pub(crate) fn is_alike(self, other: Self) -> bool {
        let lineage = self.0 >> LEN_BITS;
        lineage == other.0 >> LEN_BITS && lineage != UNKNOWN as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lineages_run_out_into_the_unknown() {
        let last = AtomicU32::new(UNKNOWN - 2);
        let of = |lineage: u32| Tally((lineage as u64) << LEN_BITS);
        let (a, b, c) = (of(Tally::next(&last)), of(Tally::next(&last)), of(Tally::next(&last)));
        assert!(a.is_alike(a.with_len(7)) && !a.is_alike(b));
        assert!(!b.is_alike(b) && !b.is_alike(c) && !c.is_alike(b), "unknown is alike to nothing");
    }

    #[test]
    fn lengths_and_lineages_keep_out_of_each_others_way() {
        let mut tally = Tally::new::<u64>().with_len(LEN as usize - 1);
        let own = tally;
        tally.add(true);
        assert_eq!(tally.len() as u64, LEN);
        tally.sub();
        tally.add(false);
        assert_eq!(tally.len() as u64, LEN - 1);
        let mut none = tally.with_len(0);
        none.sub();
        assert_eq!(none.0, tally.with_len(0).0, "no less than none");
        assert!(tally.is_alike(own) && !tally.is_alike(Tally::new::<u64>()) && !tally.is_alike(Tally::new::<()>()));
        assert!(Tally::new::<()>().is_alike(Tally::new::<()>()));
    }
}
