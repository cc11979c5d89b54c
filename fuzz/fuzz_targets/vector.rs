//! Vectors against std's `Vec`, in many versions at once.
//!
//! In: steps over a few slots, each of which holds a vector and std's of the same elements. Vectors in slots share nodes.
//! Out: nothing; a panic if anything of this does not hold.
//! Must hold: each call gives what std gives; at the end each slot is as its model by every way to read it, `==` and order are
//! those of the models, and `diff` of two leads from one to the other. Elements own memory, so that the sanitizer sees what is
//! dropped twice or never.
//! Uses: std.

#![no_main]

use arbitrary::Arbitrary;
use backstory::Vector;
use libfuzzer_sys::fuzz_target;
use std::ops::Range;

const MOST_STEPS: usize = 300;
const MOST_LEN: usize = 40_000;
const SLOTS: usize = 5;

type Element = Box<u32>;

#[derive(Arbitrary, Debug)]
struct Step {
    slot: u8,
    verb: Verb,
}

#[derive(Arbitrary, Debug)]
enum Verb {
    /// The slot becomes a clone of another.
    Keep(u8),
    PushBack(u8),
    PushFront(u8),
    /// So many, one by one.
    PushesBack(u8),
    PushesFront(u8),
    PopsBack(u8),
    PopsFront(u8),
    Extend(u16),
    Set(u16, u8),
    Insert(u16, u8),
    /// So many at one place.
    Inserts(u16, u8),
    Remove(u16),
    Removes(u16, u8),
    Append(u8),
    /// A slot in front of this one.
    Prepend(u8),
    /// With itself.
    Double,
    SplitOff(u16),
    SplitRight(u16),
    Slice(u16, u16),
    Splice(u16, u8, u8),
    Truncate(u16),
    Skip(u16),
    Take(u16),
    Swap(u16, u16),
    Get(u16),
    GetMut(u16),
    IterMut(u8),
    FocusMut(u16, u16),
    Retain(u8, u8),
    Sort,
    Clear,
    /// Taken from both ends, and put together again.
    Consume(u8),
    Search(u8),
}

#[derive(Clone, Default)]
struct Slot {
    vector: Vector<Element>,
    model: Vec<u32>,
}

fn element(v: impl Into<u32>) -> Element {
    Box::new(v.into())
}

fn place(at: u16, len: usize) -> usize {
    (at as usize * (len + 1)) >> 16
}

fn range(a: u16, b: u16, len: usize) -> Range<usize> {
    let (a, b) = (place(a, len), place(b, len));
    a.min(b)..a.max(b)
}

impl Slot {
    fn step(&mut self, verb: &Verb, other: Slot) {
        let (vector, model) = (&mut self.vector, &mut self.model);
        let len = model.len();
        match *verb {
            Verb::Keep(_) => *self = other,
            Verb::PushBack(v) => self.push_back(v),
            Verb::PushFront(v) => self.push_front(v),
            Verb::PushesBack(n) => (0..n).for_each(|v| self.push_back(v)),
            Verb::PushesFront(n) => (0..n).for_each(|v| self.push_front(v)),
            Verb::PopsBack(n) => (0..n).for_each(|_| assert_eq!(vector.pop_back().map(|v| *v), model.pop())),
            Verb::PopsFront(n) => {
                let n = usize::from(n);
                let popped: Vec<u32> = (0..n).map_while(|_| vector.pop_front().map(|v| *v)).collect();
                assert_eq!(popped, model.drain(..n.min(len)).collect::<Vec<_>>())
            }
            Verb::Extend(n) => {
                vector.extend((0..u32::from(n) % 5000).map(element));
                model.extend(0..u32::from(n) % 5000)
            }
            Verb::Set(at, v) if len > 0 => {
                let at = place(at, len - 1);
                assert_eq!(*vector.set(at, element(v)), std::mem::replace(&mut model[at], v.into()))
            }
            Verb::Insert(at, v) => self.insert(place(at, len), v),
            Verb::Inserts(at, n) => (0..n).for_each(|v| self.insert(place(at, len), v)),
            Verb::Remove(at) if len > 0 => self.remove(place(at, len - 1)),
            Verb::Removes(at, n) => (0..n).for_each(|_| {
                if !self.model.is_empty() {
                    self.remove(place(at, self.model.len() - 1))
                }
            }),
            Verb::Append(_) if len + other.model.len() < MOST_LEN => {
                vector.append(other.vector);
                model.extend(other.model)
            }
            Verb::Prepend(_) if len + other.model.len() < MOST_LEN => {
                *vector = other.vector + std::mem::take(vector);
                model.splice(0..0, other.model);
            }
            Verb::Double if 2 * len < MOST_LEN => {
                vector.append(vector.clone());
                model.extend_from_within(..)
            }
            Verb::SplitOff(at) => {
                let at = place(at, len);
                compare(&vector.split_off(at), &model.split_off(at))
            }
            Verb::SplitRight(at) => {
                let at = place(at, len);
                let (left, right) = std::mem::take(vector).split_at(at);
                *vector = right;
                compare(&left, &model.drain(..at).collect::<Vec<_>>())
            }
            Verb::Slice(a, b) => {
                let range = range(a, b, len);
                compare(&vector.slice(range.clone()), &model.drain(range).collect::<Vec<_>>())
            }
            Verb::Splice(at, n, new) => {
                let start = place(at, len);
                let range = start..(start + n as usize).min(len);
                let gone = vector.splice(range.clone(), (0..new).map(element));
                compare(&gone, &model.splice(range, (0..new).map(u32::from)).collect::<Vec<_>>())
            }
            Verb::Truncate(at) => {
                vector.truncate(at.into());
                model.truncate(at.into())
            }
            Verb::Skip(at) => {
                *vector = vector.skip(place(at, len));
                model.drain(..place(at, len));
            }
            Verb::Take(at) => {
                *vector = vector.take(place(at, len));
                model.truncate(place(at, len))
            }
            _ => self.step_in_place(verb),
        }
    }

    fn step_in_place(&mut self, verb: &Verb) {
        let (vector, model) = (&mut self.vector, &mut self.model);
        let len = model.len();
        match *verb {
            Verb::Swap(a, b) if len > 0 => {
                vector.swap(place(a, len - 1), place(b, len - 1));
                model.swap(place(a, len - 1), place(b, len - 1))
            }
            Verb::Get(at) => assert_eq!(vector.get(at.into()).map(|v| **v), model.get(usize::from(at)).copied()),
            Verb::GetMut(at) => {
                let at = place(at, len);
                vector.get_mut(at).into_iter().for_each(|v| **v += 7);
                model.get_mut(at).into_iter().for_each(|v| *v += 7)
            }
            Verb::IterMut(every) => {
                vector.iter_mut().step_by(every as usize + 1).for_each(|v| **v += 1);
                model.iter_mut().step_by(every as usize + 1).for_each(|v| *v += 1)
            }
            Verb::FocusMut(a, b) => {
                let range = range(a, b, len);
                let mut focus = vector.focus_mut().narrow(range.clone());
                assert_eq!(focus.len(), range.len());
                for i in (0..range.len()).step_by(97) {
                    **focus.index_mut(i) += 2;
                    model[range.start + i] += 2
                }
            }
            Verb::Retain(modulus, rest) => {
                let modulus = u32::from(modulus.max(1));
                vector.retain(|v| **v % modulus != u32::from(rest) % modulus);
                model.retain(|v| *v % modulus != u32::from(rest) % modulus)
            }
            Verb::Sort => {
                vector.sort();
                model.sort()
            }
            Verb::Clear => {
                vector.clear();
                model.clear()
            }
            Verb::Consume(n) => {
                let mut elements = std::mem::take(vector).into_iter();
                let n = (n as usize).min(len / 2);
                let front: Vec<Element> = elements.by_ref().take(n).collect();
                let back: Vec<Element> = elements.by_ref().rev().take(n).collect();
                assert_eq!(elements.len(), len - 2 * n);
                *vector = front.into_iter().chain(elements).chain(back.into_iter().rev()).collect()
            }
            Verb::Search(v) => {
                assert_eq!(vector.index_of(&element(v)), model.iter().position(|w| *w == u32::from(v)))
            }
            _ => {}
        }
    }

    fn push_back(&mut self, v: u8) {
        self.vector.push_back(element(v));
        self.model.push(v.into())
    }

    fn push_front(&mut self, v: u8) {
        self.vector.push_front(element(v));
        self.model.insert(0, v.into())
    }

    fn insert(&mut self, at: usize, v: u8) {
        self.vector.insert(at, element(v));
        self.model.insert(at, v.into())
    }

    fn remove(&mut self, at: usize) {
        assert_eq!(*self.vector.remove(at), self.model.remove(at))
    }

    fn check(&self) {
        let (vector, model) = (&self.vector, &self.model);
        compare(vector, model);
        assert!(vector.iter().rev().map(|v| **v).eq(model.iter().rev().copied()));
        let leaves: Vec<u32> = vector.leaves().flatten().map(|v| **v).collect();
        assert_eq!(&leaves, model);
        let mut focus = vector.focus();
        for i in (0..model.len()).step_by(31).chain((0..model.len()).rev().step_by(57)) {
            assert_eq!((*vector[i], **focus.index(i)), (model[i], model[i]))
        }
        assert!(vector.clone().into_iter().map(|v| *v).eq(model.iter().copied()))
    }

    fn differ(&self, other: &Self) {
        assert_eq!(self.vector == other.vector, self.model == other.model);
        assert_eq!(self.vector.cmp(&other.vector), self.model.cmp(&other.model));
        let (mut led, mut at) = (Vec::new(), 0);
        for splice in self.vector.diff(&other.vector) {
            assert!(at <= splice.old.start && !(splice.old.is_empty() && splice.new.is_empty()));
            led.extend_from_slice(&self.model[at..splice.old.start]);
            assert_eq!(led.len(), splice.new.start);
            led.extend_from_slice(&other.model[splice.new]);
            at = splice.old.end
        }
        led.extend_from_slice(&self.model[at..]);
        assert_eq!(led, other.model)
    }
}

fn compare(vector: &Vector<Element>, model: &[u32]) {
    assert_eq!((vector.len(), vector.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(vector.iter().len(), model.len());
    assert!(vector.iter().map(|v| **v).eq(model.iter().copied()));
    assert_eq!(
        (vector.front().map(|v| **v), vector.back().map(|v| **v)),
        (model.first().copied(), model.last().copied())
    )
}

fuzz_target!(|steps: Vec<Step>| {
    let mut slots = vec![Slot::default(); SLOTS];
    for step in steps.iter().take(MOST_STEPS) {
        let at = step.slot as usize % SLOTS;
        let with = match step.verb {
            Verb::Keep(with) | Verb::Append(with) | Verb::Prepend(with) => slots[with as usize % SLOTS].clone(),
            _ => Slot::default(),
        };
        if slots[at].model.len() < MOST_LEN || matches!(step.verb, Verb::Truncate(_) | Verb::SplitOff(_)) {
            slots[at].step(&step.verb, with)
        }
    }
    slots.iter().for_each(Slot::check);
    for pair in slots.windows(2) {
        pair[0].differ(&pair[1]);
        pair[1].differ(&pair[0])
    }
});
