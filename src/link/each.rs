//! What is given up one by one, all of it even if a user's `Drop` panics.
//! Uses: nothing of ours.

/// Calls `f` with each item; with those behind it too if a call panics, as a slice drops its elements.
#[inline(always)]
pub(crate) fn each<I: Iterator>(items: I, f: impl FnMut(I::Item)) {
    struct Rest<I: Iterator, F: FnMut(I::Item)>(I, F);
    impl<I: Iterator, F: FnMut(I::Item)> Drop for Rest<I, F> {
        fn drop(&mut self) {
            self.0.by_ref().for_each(&mut self.1)
        }
    }
    let mut rest = Rest(items, f);
    for item in rest.0.by_ref() {
        (rest.1)(item)
    }
    core::mem::forget(rest)
}
