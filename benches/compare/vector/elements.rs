//! What the vectors are fed with: elements of two types and places in random order, drawn once per group and shared by
//! all engines. In: a size. Out: base elements, others that no base vector holds, places.

use super::engine::{Engine, Std};
use super::subject::build;
use crate::feed::{mix, queries};
use std::cell::OnceCell;
use std::fmt::Debug;

/// An element type the table has rows for.
pub trait Element: Clone + PartialEq + Debug + 'static {
    /// How row ids name it.
    const NAME: &'static str;

    /// The `i`-th element; distinct for distinct `i`.
    fn nth(i: u64) -> Self;

    /// Eight bytes that depend on the whole element.
    fn word(&self) -> u64;
}

impl Element for u64 {
    const NAME: &'static str = "u64";

    fn nth(i: u64) -> u64 {
        mix(i)
    }

    fn word(&self) -> u64 {
        *self
    }
}

/// Of texts; only recorded sessions have them, which bring their own.
impl Element for char {
    const NAME: &'static str = "char";

    fn nth(i: u64) -> char {
        char::from(i as u8)
    }

    fn word(&self) -> u64 {
        *self as u64
    }
}

/// An element that is wider than a word and no power of two: 24 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Wide([u64; 3]);

impl Element for Wide {
    const NAME: &'static str = "24B";

    fn nth(i: u64) -> Wide {
        Wide([mix(i), i, !i])
    }

    fn word(&self) -> u64 {
        let Wide([a, b, c]) = self;
        a ^ b.rotate_left(1) ^ c.rotate_left(2)
    }
}

/// The sum of all words: what reading each element once comes to.
pub fn sum<'a, A: Element>(elements: impl IntoIterator<Item = &'a A>) -> u64 {
    elements.into_iter().fold(0, |sum, element| sum.wrapping_add(element.word()))
}

/// The element that goes to `place` instead of, or beside, the base vector's; no base vector holds it.
pub fn other<A: Element>(place: usize) -> A {
    A::nth(1 << 40 | place as u64)
}

/// Elements and places for one size.
pub struct Inputs<A> {
    /// The elements of the base vector, in order.
    pub elements: Vec<A>,
    /// The places of the base vector in random order, at least [`QUERIES`](crate::feed::QUERIES).
    pub places: Vec<usize>,
    relaxed: OnceCell<Std<A>>,
}

impl<A: Element> Inputs<A> {
    pub fn new(n: usize) -> Self {
        Inputs {
            elements: (0..n as u64).map(A::nth).collect(),
            places: queries(n).map(|place| place as usize).collect(),
            relaxed: OnceCell::new(),
        }
    }

    pub fn n(&self) -> usize {
        self.elements.len()
    }

    /// What all engines' relaxed vectors must hold.
    pub fn relaxed(&self) -> &[A] {
        self.relaxed.get_or_init(|| self.relax())
    }

    /// A vector of n elements, one in ten of them put in at a random place; one in a hundred where n is so large
    /// that some peers would take minutes.
    pub fn relax<E: Engine<A>>(&self) -> E {
        let late = self.n() / if self.n() < 1_000_000 { 10 } else { 100 };
        let (early, late) = self.elements.split_at(self.n() - late);
        let mut vector: E = build(early.to_vec());
        for (i, element) in late.iter().enumerate() {
            vector.put_in(random_place(i as u64, early.len() + i + 1), element.clone());
        }
        vector
    }
}

/// The `i`-th random place below `end`. Another stream of random numbers than the one the elements are made of.
pub fn random_place(i: u64, end: usize) -> usize {
    (mix(u64::MAX / 2 + i) % end as u64) as usize
}
