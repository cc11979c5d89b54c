//! Transition counters, for tests: how often each structural event happened in this process.
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
    Borrowed,
    LastLender,
    LenderReturned,
    Rebuild,
    Fold,
    Widen,
    Shrink,
    RootCollapse,
    Thaw,
    /// Some entries of a lazy leaf are read.
    EntriesRead,
    /// A lazy leaf becomes whole.
    LeafCompleted,
    MixedOrigins,
}

#[cfg(test)]
mod counters {
    use super::Event;
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    const ALL: usize = Event::MixedOrigins as usize + 1;
    static HITS: [AtomicU64; ALL] = [const { AtomicU64::new(0) }; ALL];

    impl Event {
        /// All of them.
        pub(crate) const EACH: [Event; ALL] = [
            Event::LeafSplit,
            Event::LeafMerge,
            Event::LeafGrown,
            Event::LeafOverlaid,
            Event::LeafOverlayGrown,
            Event::LeafFlattened,
            Event::CollisionMade,
            Event::CollisionUndone,
            Event::Overlaid,
            Event::Copied,
            Event::Borrowed,
            Event::LastLender,
            Event::LenderReturned,
            Event::Rebuild,
            Event::Fold,
            Event::Widen,
            Event::Shrink,
            Event::RootCollapse,
            Event::Thaw,
            Event::EntriesRead,
            Event::LeafCompleted,
            Event::MixedOrigins,
        ];

        pub(crate) fn hit(self) {
            HITS[self as usize].fetch_add(1, Relaxed);
        }
        pub(crate) fn hits(self) -> u64 {
            HITS[self as usize].load(Relaxed)
        }
    }
}
