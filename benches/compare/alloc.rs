//! The counting allocator behind the memory rows. In: every allocation of this process. Out: bytes asked for and
//! not yet given back, over a window.
//! Outside a window it costs one predictable branch, so that the time rows measure the engines.

#![allow(unsafe_code, reason = "a global allocator cannot be written without; this is the bench's only unsafe file")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

#[global_allocator]
static GLOBAL: Counting = Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

/// The system allocator, with a count of the bytes asked for (not of what malloc rounds them up to).
struct Counting;

fn count(bytes: i64) {
    if COUNTS.load(Relaxed) {
        LIVE_BYTES.fetch_add(bytes, Relaxed);
    }
}

// SAFETY: every call goes to `System` with the caller's arguments unchanged, and its answer is returned as it is;
// `count` touches two atomics, allocates nothing and cannot unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: `block` came from `System` through this allocator, with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_len_bytes: usize) -> *mut u8 {
        count(new_len_bytes as i64 - layout.size() as i64);
        // SAFETY: `block` came from `System` with this layout; the new size is the caller's to keep legal.
        unsafe { System.realloc(block, layout, new_len_bytes) }
    }
}

/// Keeps freed memory in the process, up to 62 MiB of it, by a rule of glibc's: freeing a mapped block of up to 32 MiB
/// makes twice its size the limit from which the heap's free end is given back to the system. Without this, dropping
/// a row's versions gave their pages back or not as chance had it, and the page faults after that added up to half
/// of a kept write's time. Elsewhere than on glibc it does nothing.
pub fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}

/// A stretch of the program whose allocations are counted; one at a time.
pub struct Window(());

impl Window {
    pub fn open() -> Self {
        LIVE_BYTES.store(0, Relaxed);
        assert!(!COUNTS.swap(true, Relaxed), "windows do not nest");
        Window(())
    }

    /// Bytes asked for since `open` less bytes given back.
    pub fn live_bytes(&self) -> i64 {
        LIVE_BYTES.load(Relaxed)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        COUNTS.store(false, Relaxed);
    }
}
