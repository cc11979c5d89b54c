//! Transition counters, for tests: how often each structural event happened in this process.
//! Must hold: outside of tests `count!` is nothing.

macro_rules! count {
    ($event:ident) => {
        #[cfg(test)]
        $crate::vector::count::Event::$event.hit()
    };
}

macro_rules! events {
    ($($event:ident),* $(,)?) => {
        /// A structural event.
        #[cfg(test)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Event { $($event),* }

        #[cfg(test)]
        impl Event {
            /// All of them.
            pub(crate) const EACH: &[Event] = &[$(Event::$event),*];
        }
    };
}

events! {
    Claimed, ClaimLost, Flushed, Pulled, Chained, Raised, Lowered, LeafSplit, LeafMerge, LeafBalance, NodeSplit,
    NodeMerge, NodeBalance, Joined, Cut, Thaw, MixedOrigins,
}

#[cfg(test)]
mod counters {
    use super::Event;
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    static HITS: [AtomicU64; Event::EACH.len()] = [const { AtomicU64::new(0) }; Event::EACH.len()];

    impl Event {
        pub(crate) fn hit(self) {
            HITS[self as usize].fetch_add(1, Relaxed);
        }
        pub(crate) fn hits(self) -> u64 {
            HITS[self as usize].load(Relaxed)
        }
    }
}
