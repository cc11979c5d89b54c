//! Models of counts, thawing, marks and presence for loom, which tries every interleaving.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib link::models`
//!
//! In: a test node whose payload loom watches. Out: no race, one free, one thaw.
#![allow(unsafe_code)] // A node of its own to count and free.

use super::*;
use crate::error::{Error, ErrorKind};
use crate::id::Address;
use loom::cell::UnsafeCell;
use loom::sync::Arc as LoomArc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;

/// Tries every interleaving of a model, and says how many there are.
pub(crate) fn explore(model: impl Fn() + Sync + Send + 'static) {
    // std's: it counts over all of them.
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = runs.clone();
    loom::model(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model()
    });
    let runs = runs.load(std::sync::atomic::Ordering::Relaxed);
    println!("{runs} interleavings");
    assert!(runs > 1, "a model in which nothing can happen in another order")
}

/// Lets other threads run until it is so. Loom does not try a look again behind a change that came after it: a model that only
/// asked whether it is so would never see that it is.
fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now()
    }
}

/// A node with a payload that loom watches: reads and writes that race are errors.
#[repr(C, align(16))]
struct Model {
    header: Header,
    payload: UnsafeCell<usize>,
    freed: LoomArc<AtomicUsize>,
}

const TAG: usize = 1;

struct Models;

// SAFETY: every word of this tree is made by `node` below, from a box.
unsafe impl Tree for Models {
    type Count = Shared;
    unsafe fn free(node: Word) {
        // SAFETY: the last owner frees; the box came from `node`.
        let node = unsafe { Box::from_raw(node.pointer(TAG).cast::<Model>().as_ptr()) };
        // SAFETY: nobody else uses the node; loom would see it if somebody did.
        node.payload.with_mut(|p| unsafe { *p = usize::MAX });
        node.freed.fetch_add(1, Ordering::Relaxed);
    }
}

fn node(payload: usize, freed: &LoomArc<AtomicUsize>) -> Owned<Models> {
    let model = Model { header: Header::new(0, 0), payload: UnsafeCell::new(payload), freed: freed.clone() };
    let at = NonNull::from(Box::leak(Box::new(model))).cast();
    // SAFETY: a new node, its one count.
    unsafe { Owned::from_word(Word::node(at, TAG)) }
}

fn payload(word: Word) -> usize {
    // SAFETY: callers hold a count of the node, or borrow from somebody who does.
    unsafe { (*word.pointer(TAG).cast::<Model>().as_ptr()).payload.with(|p| *p) }
}

fn address() -> Address {
    Address::new(7).expect("7 is an address")
}

#[test]
fn the_last_of_several_owners_frees_once() {
    explore(|| {
        let freed = LoomArc::new(AtomicUsize::new(0));
        let own = node(5, &freed);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let own = own.clone();
                thread::spawn(move || {
                    let second = own.clone();
                    drop(own);
                    assert_eq!(payload(second.word()), 5);
                })
            })
            .collect();
        drop(own);
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(freed.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn an_owner_that_is_left_alone_may_write() {
    explore(|| {
        let freed = LoomArc::new(AtomicUsize::new(0));
        let own = node(5, &freed);
        let other = own.clone();
        let reader = thread::spawn(move || assert_eq!(payload(other.word()), 5));
        wait_until(|| own.is_exclusive());
        // SAFETY: exclusive; loom sees a race with the reader if that is wrong.
        unsafe { (*own.word().pointer(TAG).cast::<Model>().as_ptr()).payload.with_mut(|p| *p = 6) }
        reader.join().unwrap();
        assert!(own.is_exclusive());
    });
}

#[test]
fn a_stored_link_is_thawed_once_and_seen_whole() {
    explore(|| {
        let freed = LoomArc::new(AtomicUsize::new(0));
        let stored = Word::stored(address(), 0);
        // The first slot of a block of two, and the second.
        let slots = LoomArc::new([Slot::new(stored), Slot::new(stored)]);
        let thaw = move |slots: &[Slot; 2], freed: &LoomArc<AtomicUsize>, own: usize| {
            let word = slots[own].get();
            let word = match word.is_stored() {
                true => {
                    let word = slots[0].thaw::<Models>(stored, || Ok(node(9, freed))).unwrap();
                    slots.iter().for_each(|slot| slot.publish(word));
                    word
                }
                false => word,
            };
            assert_eq!(payload(word), 9);
            word
        };
        let other = {
            let (slots, freed) = (slots.clone(), freed.clone());
            thread::spawn(move || thaw(&slots, &freed, 1).0.addr().get())
        };
        let word = thaw(&slots, &freed, 0);
        assert_eq!(other.join().unwrap(), word.0.addr().get(), "one node for all");
        // The block's one count.
        assert!(slots.iter().all(|slot| slot.get() == word));
        let losers = freed.load(Ordering::Relaxed);
        // SAFETY: the slots are not used again.
        drop(unsafe { Owned::<Models>::from_word(word) });
        assert_eq!(freed.load(Ordering::Relaxed), losers + 1);
    });
}

#[test]
fn a_failed_load_leaves_the_link_stored_for_others() {
    explore(|| {
        let freed = LoomArc::new(AtomicUsize::new(0));
        let stored = Word::stored(address(), 0);
        let slot = LoomArc::new(Slot::new(stored));
        let other = {
            let slot = slot.clone();
            thread::spawn(move || {
                slot.thaw::<Models>(stored, || Err(Error::new(ErrorKind::Io, "out of order"))).map(payload).ok()
            })
        };
        let word = slot.thaw::<Models>(stored, || Ok(node(3, &freed))).unwrap();
        assert!(matches!(other.join().unwrap(), None | Some(3)));
        assert_eq!(payload(word), 3);
        // SAFETY: the slot is not used again.
        drop(unsafe { Owned::<Models>::from_word(word) });
        assert_eq!(freed.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_marked_node_is_not_exclusive_to_whoever_gets_it_back() {
    let session = Session::open().unwrap();
    explore(move || {
        let freed = LoomArc::new(AtomicUsize::new(0));
        let own = node(5, &freed);
        let other = own.clone();
        let committer = thread::spawn(move || {
            let header = other.link().header().unwrap();
            header.set_mark(Mark::new(session, address()));
        });
        wait_until(|| own.link().header().unwrap().owners() == 1);
        // The committer is done and gone: its mark is seen (L1).
        assert!(!own.is_exclusive());
        committer.join().unwrap();
        assert_eq!(own.link().header().unwrap().mark().address(session), Some(address()));
    });
}

/// A node with room that its owners fill by claims: loom sees two that write one place, and who reads a place that may
/// still be written.
struct Room {
    end: Edge,
    places: [UnsafeCell<usize>; 3],
}

/// Claims the place behind the `seen` ones and fills it.
fn pushed(room: &Room, seen: usize, value: usize) -> bool {
    let is_ours = Shared::claim(&room.end, seen, seen + 1);
    if is_ours {
        // SAFETY: claimed; loom sees a race with any other that uses the place.
        room.places[seen].with_mut(|place| unsafe { *place = value })
    }
    is_ours
}

fn seen_of(room: &Room, n: usize) -> Vec<usize> {
    // SAFETY: places that a version sees are written before it is made.
    room.places[..n].iter().map(|place| place.with(|place| unsafe { *place })).collect()
}

fn room_of_one() -> Room {
    Room { end: Edge::new(1), places: [10, 0, 0].map(UnsafeCell::new) }
}

#[test]
fn of_two_versions_that_claim_one_place_one_gets_it_and_an_older_one_sees_neither() {
    explore(|| {
        let room = LoomArc::new(room_of_one());
        let threads: Vec<_> = [20, 30]
            .into_iter()
            .map(|value| {
                let room = room.clone();
                thread::spawn(move || {
                    let is_ours = pushed(&room, 1, value);
                    if is_ours {
                        assert_eq!(seen_of(&room, 2), [10, value]);
                    }
                    is_ours.then_some(value)
                })
            })
            .collect();
        // The version that both grew from.
        assert_eq!(seen_of(&room, 1), [10]);
        let won: Vec<usize> = threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
        assert_eq!((won.len(), room.end.get()), (1, 2));
        // Who joined has what was written before.
        assert_eq!(seen_of(&room, 2), [10, won[0]]);
    });
}

#[test]
fn the_last_owner_sees_all_that_was_claimed_and_written() {
    /// A counted room, which is dropped as a leaf is: all places up to its end.
    #[repr(C, align(16))]
    struct Leaf {
        header: Header,
        room: Room,
        dropped: LoomArc<AtomicUsize>,
    }
    struct Leaves;
    // SAFETY: every word of this tree is made below, from a box.
    unsafe impl Tree for Leaves {
        type Count = Shared;
        unsafe fn free(node: Word) {
            // SAFETY: the last owner frees.
            let leaf = unsafe { Box::from_raw(node.pointer(TAG).cast::<Leaf>().as_ptr()) };
            let end = leaf.room.end.get();
            let all: usize = seen_of(&leaf.room, end).iter().sum();
            leaf.dropped.fetch_add(100 * end + all, Ordering::Relaxed);
        }
    }
    fn room(own: &Owned<Leaves>) -> &Room {
        // SAFETY: the owner holds a count.
        unsafe { &(*own.word().pointer(TAG).cast::<Leaf>().as_ptr()).room }
    }
    explore(|| {
        let dropped = LoomArc::new(AtomicUsize::new(0));
        let leaf = Leaf { header: Header::new(0, 0), room: room_of_one(), dropped: dropped.clone() };
        let at = NonNull::from(Box::leak(Box::new(leaf))).cast();
        // SAFETY: a new node, its one count.
        let own: Owned<Leaves> = unsafe { Owned::from_word(Word::node(at, TAG)) };
        let threads: Vec<_> = [20, 30]
            .into_iter()
            .map(|value| {
                let own = own.clone();
                thread::spawn(move || {
                    if pushed(room(&own), 1, value) {
                        assert!(pushed(room(&own), 2, 5), "only who sees the place may claim the next");
                    }
                })
            })
            .collect();
        drop(own);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let dropped = dropped.load(Ordering::Relaxed);
        assert!(dropped == 300 + 10 + 20 + 5 || dropped == 300 + 10 + 30 + 5, "{dropped}");
    });
}

#[test]
fn an_owner_that_is_left_alone_knows_how_far_others_have_claimed() {
    explore(|| {
        let freed = LoomArc::new(AtomicUsize::new(0));
        let own = node(0, &freed);
        let room = LoomArc::new(room_of_one());
        let other = (own.clone(), room.clone());
        let pusher = thread::spawn(move || {
            let (own, room) = other;
            assert!(pushed(&room, 1, 20));
            drop(own)
        });
        wait_until(|| own.is_exclusive());
        // What the other wrote is beyond what this one sees, and is this one's to drop and to write over.
        assert_eq!((room.end.get(), seen_of(&room, 2)), (2, vec![10, 20]));
        room.end.set(1);
        assert!(pushed(&room, 1, 30));
        pusher.join().unwrap();
        assert_eq!(room.end.get(), 2)
    });
}

#[test]
fn what_is_set_with_a_mark_is_read_with_it_or_not_at_all() {
    let session = Session::open().unwrap();
    explore(move || {
        let marks: [Mark; 3] = [1, 2, 3].map(|n| Mark::new(session, Address::new(n).unwrap()));
        let value_of = move |mark: Mark| marks.iter().position(|known| *known == mark).map_or(0, |n| n + 1);
        let cell = LoomArc::new((MarkCell::default(), AtomicUsize::new(0)));
        let set = move |cell: &(MarkCell, AtomicUsize), n: usize| {
            cell.0.set_with(marks[n], || {
                cell.1.store(n + 1, Ordering::Relaxed);
                true
            })
        };
        let one = {
            let cell = cell.clone();
            thread::spawn(move || {
                set(&cell, 0);
                set(&cell, 1)
            })
        };
        let other = {
            let cell = cell.clone();
            thread::spawn(move || set(&cell, 2))
        };
        if let Some((mark, value)) = cell.0.get_with(|| cell.1.load(Ordering::Relaxed)) {
            assert_eq!(value, value_of(mark))
        }
        one.join().unwrap();
        other.join().unwrap();
        let (mark, value) = cell.0.get_with(|| cell.1.load(Ordering::Relaxed)).expect("nobody sets it");
        assert!(value == value_of(mark) && mark.is_place())
    });
}

#[test]
fn a_mark_is_set_only_while_what_it_was_made_for_stands() {
    let session = Session::open().unwrap();
    explore(move || {
        let [splice, whole]: [Mark; 2] = [1, 2].map(|n| Mark::new(session, Address::new(n).unwrap()));
        // A node with a base: one commit writes it as a splice of it, another whole, which makes the base 0.
        let node = LoomArc::new((MarkCell::default(), AtomicUsize::new(7)));
        let commit = move |node: &(MarkCell, AtomicUsize), mark: Mark| {
            let seen = node.0.get_with(|| node.1.load(Ordering::Relaxed));
            // Whole already is what no commit makes a splice of.
            let Some((_, seen @ 7)) = seen else { return };
            node.0.set_with(mark, || {
                let is_same = node.1.load(Ordering::Relaxed) == seen;
                if is_same && mark == whole {
                    node.1.store(0, Ordering::Relaxed)
                }
                is_same
            })
        };
        let other = {
            let node = node.clone();
            thread::spawn(move || commit(&node, splice))
        };
        commit(&node, whole);
        other.join().unwrap();
        let (mark, base) = node.0.get_with(|| node.1.load(Ordering::Relaxed)).expect("nobody sets it");
        assert!(mark.is_place() && (mark == whole) == (base == 0))
    });
}

/// A node whose values are read one by one: loom sees two that write one place, and who reads one that is not there.
struct Places {
    presence: Presence,
    places: [UnsafeCell<usize>; 2],
}

impl Places {
    fn new() -> Self {
        Places { presence: Presence::new(), places: [0, 0].map(UnsafeCell::new) }
    }

    fn put(&self, i: usize, value: usize) {
        // SAFETY: the place is this thread's to write; loom would see it if it were not.
        self.presence.put(i, || self.places[i].with_mut(|place| unsafe { *place = value }))
    }

    fn read(&self, i: usize) -> usize {
        // SAFETY: callers have seen that it is there; loom would see a race if that did not suffice.
        self.places[i].with(|place| unsafe { *place })
    }
}

#[test]
fn of_two_threads_that_put_one_value_one_does_and_both_can_read_it() {
    explore(|| {
        let node = LoomArc::new(Places::new());
        let put = |node: &Places, value| {
            node.put(0, value);
            assert_eq!(node.presence.there(), 1);
            node.read(0)
        };
        let other = {
            let node = node.clone();
            thread::spawn(move || put(&node, 6))
        };
        let seen = put(&node, 5);
        assert!(seen == 5 || seen == 6);
        assert_eq!(other.join().unwrap(), seen);
    });
}

#[test]
fn a_value_that_is_there_is_there_as_it_was_written() {
    explore(|| {
        let node = LoomArc::new(Places::new());
        let other = {
            let node = node.clone();
            thread::spawn(move || {
                node.put(0, 5);
                node.put(1, 6)
            })
        };
        let there = node.presence.there();
        assert!(there != 0b10, "in the order in which they were put");
        (0..2).filter(|i| there >> i & 1 == 1).for_each(|i| assert_eq!(node.read(i), 5 + i));
        other.join().unwrap();
    });
}

#[test]
fn a_node_is_seen_whole_with_all_its_values_and_those_of_its_base() {
    explore(|| {
        let nodes = LoomArc::new((Places::new(), Places::new()));
        let looks_up = {
            let nodes = nodes.clone();
            thread::spawn(move || nodes.0.put(0, 5))
        };
        let completes = {
            let nodes = nodes.clone();
            thread::spawn(move || {
                let (node, base) = &*nodes;
                // A lookup found one before the others were read.
                node.put(1, 6);
                base.put(0, 7);
                base.presence.set_whole();
                node.put(0, 5);
                node.presence.set_whole();
            })
        };
        let (node, base) = &*nodes;
        if node.presence.is_whole() {
            // Who sees the node whole does not look at what its base has.
            assert_eq!([node.read(0), node.read(1), base.read(0)], [5, 6, 7])
        }
        looks_up.join().unwrap();
        completes.join().unwrap();
        assert!(node.presence.is_whole() && node.presence.there() == 0b11 && base.presence.there() == 1);
    });
}
