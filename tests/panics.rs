//! Panics of the user's `Hash`, `Eq`, `Clone`, closures and iterators, at the k-th call for every k until the
//! operation goes through: afterwards every version is what it was (or, where an operation promises less, whole),
//! works on, and nothing has leaked: neither an element nor a byte. The same for panics of `Drop`, after which an
//! operation may or may not have been done, and where no element may be dropped twice (but some may leak: Rust loses a
//! result when something else is dropped on the way out and panics).
//!
//! Elements own heap memory and are counted as they are made and dropped; bytes are counted by this file's
//! allocator. All counts belong to a thread, and each test has its own.
#![allow(unsafe_code)] // The counting allocator.
#![cfg(feature = "timeline")] // For `caught`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::panic::resume_unwind;

#[path = "panics/maps.rs"]
mod maps;
#[path = "panics/vectors.rs"]
mod vectors;

// ---- what is counted ----

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static ELEMENTS: Cell<isize> = const { Cell::new(0) };
    /// Calls of user code that go well before one panics; negative: all go well.
    static FUSE: Cell<isize> = const { Cell::new(-1) };
    /// Whether it is drops that burn the fuse, or the other calls.
    static DROPS: Cell<bool> = const { Cell::new(false) };
    /// Calls of user code by their sort, while the fuse burns: hash, eq, clone, closure, drop, cmp.
    static CALLS: Cell<[usize; SORTS]> = const { Cell::new([0; SORTS]) };
    /// While drops panic: the elements that live, by their numbers, and whether one was dropped that did not.
    static LIVE: RefCell<HashSet<u64>> = RefCell::default();
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    static TWICE: Cell<bool> = const { Cell::new(false) };
    /// The sort of the call that blew, if one did.
    static BLOWN: Cell<[usize; SORTS]> = const { Cell::new([0; SORTS]) };
}

struct Counting;

// SAFETY: everything is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = BYTES.try_with(|b| b.set(b.get() + layout.size() as isize));
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        let _ = BYTES.try_with(|b| b.set(b.get() - layout.size() as isize));
        // SAFETY: passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HASH: usize = 0;
const EQ: usize = 1;
const CLONE: usize = 2;
const CLOSURE: usize = 3;
const DROP: usize = 4;
const CMP: usize = 5;
const SORTS: usize = 6;

/// A call of user code. It may be the one that panics.
fn call(sort: usize) {
    let left = FUSE.get();
    if left < 0 || (sort == DROP) != DROPS.get() {
        return;
    }
    let mut calls = CALLS.get();
    calls[sort] += 1;
    CALLS.set(calls);
    FUSE.set(left - 1);
    if left == 0 {
        FUSE.set(-1);
        let mut blown = BLOWN.get();
        blown[sort] += 1;
        BLOWN.set(blown);
        // Not `panic!`: no message, no hook, nothing allocated that stays.
        resume_unwind(Box::new(()));
    }
}

/// A key or value: counted, on the heap, and its code may panic. Only `id` counts for equality.
struct Element {
    id: u32,
    text: Box<str>,
    /// Its own, while drops panic.
    number: u64,
}

fn element(id: u32) -> Element {
    ELEMENTS.set(ELEMENTS.get() + 1);
    let number = NUMBER.get() + 1;
    NUMBER.set(number);
    if DROPS.get() {
        LIVE.with_borrow_mut(|live| live.insert(number));
    }
    Element { id, text: format!("element number {id}").into(), number }
}

impl Drop for Element {
    fn drop(&mut self) {
        // A key dropped twice, or never made, is not likely to have the right text.
        assert!(self.text.ends_with(|c: char| c.is_ascii_digit()));
        ELEMENTS.set(ELEMENTS.get() - 1);
        if DROPS.get() && !LIVE.with_borrow_mut(|live| live.remove(&self.number)) {
            TWICE.set(true)
        }
        if !std::thread::panicking() {
            call(DROP)
        }
    }
}

impl Clone for Element {
    fn clone(&self) -> Self {
        call(CLONE);
        element(self.id)
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        call(EQ);
        self.id == other.id
    }
}
impl Eq for Element {}

impl Ord for Element {
    fn cmp(&self, other: &Self) -> Ordering {
        call(CMP);
        self.id.cmp(&other.id)
    }
}
impl PartialOrd for Element {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Element {
    fn hash<H: Hasher>(&self, state: &mut H) {
        call(HASH);
        state.write_u32(self.id)
    }
}

/// Forgets which sorts of calls have panicked.
fn start_of_sweep() {
    BLOWN.set([0; SORTS])
}

/// How many calls of each sort have panicked since then.
fn blown() -> [usize; SORTS] {
    BLOWN.get()
}

/// Room for a closure's own panic.
fn asked<T>(answer: T) -> T {
    call(CLOSURE);
    answer
}
