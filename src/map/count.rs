//! Transition counters, for tests: how often each structural event happened on this thread.
//! Must hold: outside of tests `count!` is nothing.

macro_rules! count {
    ($event:ident) => {
        #[cfg(test)]
        $crate::map::count::Event::$event.hit()
    };
}

/// A structural event.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    LeafSplit,
    LeafMerge,
    LeafGrown,
    LeafOverlaid,
    LeafOverlayGrown,
    LeafFlattened,
    CollisionMade,
    CollisionUndone,
    Overlaid,
    Copied,
    Rebuild,
    Fold,
    Widen,
    Shrink,
    RootCollapse,
    Thaw,
    MixedOrigins,
}

#[cfg(test)]
mod counters {
    use super::Event;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    const ALL: usize = Event::MixedOrigins as usize + 1;
    static HITS: [AtomicU64; ALL] = [const { AtomicU64::new(0) }; ALL];

    impl Event {
        pub(crate) fn hit(self) {
            HITS[self as usize].fetch_add(1, Relaxed);
        }
        pub(crate) fn hits(self) -> u64 {
            HITS[self as usize].load(Relaxed)
        }
    }
}
