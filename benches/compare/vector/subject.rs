//! One engine with its base vector, and what is common to all operations on it; `reads.rs`, `ends.rs` and `middle.rs` hold
//! the operations. In: the group's inputs. Out: laps and bytes. Nothing here knows which engine it is.
//!
//! Timed are the engine's calls and the loop around them, nothing else: elements, places and clones to be consumed are
//! made before, results are checked and dropped after. Dropping is in the time only where it is the point
//! (`clone_drop`) and where the engine does it itself (replaced elements).

use super::elements::{Element, Inputs, other, random_place};
use super::engine::Engine;
use crate::alloc::Window;
use crate::engine::EngineId;
use crate::feed::Turns;
use crate::kept;
use crate::measure::{Lap, Subject};
use crate::rows::Op;
use std::rc::Rc;

/// Pieces of which `build_pieces` builds one vector.
const PIECES: usize = 100;

/// One engine with its base vector of `n` elements, made by pushes.
pub struct Bench<A, E> {
    pub inputs: Rc<Inputs<A>>,
    pub base: E,
    pub turns: Turns,
    /// Random places drawn so far in this row.
    draws: u64,
    /// What the row needs besides the base vector: the relaxed one, the one to be put behind, the pieces.
    pub extra: Vec<E>,
}

impl<A: Element, E: Engine<A>> Bench<A, E> {
    pub fn new(inputs: &Rc<Inputs<A>>) -> Self {
        let base = build(inputs.elements.clone());
        let inputs = Rc::clone(inputs);
        Bench { inputs, base, turns: Turns::default(), draws: 0, extra: Vec::new() }
    }

    pub fn n(&self) -> usize {
        self.inputs.n()
    }

    /// Versions in a kept chain, and edits in the middle of one vector. At most half of the elements, so that removing
    /// leaves a vector to remove from.
    pub fn chain_len(&self) -> usize {
        (self.n() / 2).min(1_000)
    }

    /// A random place below each of `ends`.
    pub fn draw(&mut self, ends: impl Iterator<Item = usize>) -> Vec<usize> {
        let draw = |end| {
            self.draws += 1;
            random_place(self.draws, end)
        };
        ends.map(draw).collect()
    }

    /// Places for one more insert each, with what goes there.
    pub fn draw_inserts(&mut self) -> Vec<(usize, A)> {
        let fresh = self.fresh();
        let places = self.draw(self.n() + 1..self.n() + 1 + fresh.len());
        places.into_iter().zip(fresh).collect()
    }

    /// Places for one more remove each.
    pub fn draw_removes(&mut self) -> Vec<usize> {
        self.draw((self.n() - self.chain_len() + 1..=self.n()).rev())
    }

    /// The places of a chain's sets, with what goes there.
    pub fn draw_sets(&mut self) -> Vec<(usize, A)> {
        let len = self.chain_len();
        let inputs = Rc::clone(&self.inputs);
        with_others(self.turns.window(&inputs.places, len))
    }

    /// The elements of a chain's pushes and inserts.
    pub fn fresh(&self) -> Vec<A> {
        (0..self.chain_len() as u64).map(|i| A::nth(self.n() as u64 + i)).collect()
    }

    /// Live bytes after building by push, with the elements.
    fn bytes_per_element(&self) -> f64 {
        let window = Window::open();
        let mut vector = E::default();
        for element in &self.inputs.elements {
            vector.push(element.clone());
        }
        let bytes = window.live_bytes();
        self.check(&vector);
        bytes as f64 / self.n() as f64
    }

    /// Live bytes of a chain of versions that `edit` makes, per version.
    fn bytes_per_version<T>(&self, feed: Vec<T>, edit: impl Fn(&mut E, T), growth: usize) -> f64 {
        let (bytes, last) = kept::bytes_per_version(&self.base, feed, edited(edit));
        assert_eq!(last.size(), self.n() + growth);
        bytes
    }

    /// Right size, and right elements at sixteen places.
    pub fn check(&self, vector: &E) {
        check_against(vector, &self.inputs.elements);
    }
}

/// Right size, and right elements at sixteen places and both ends.
pub fn check_against<A: Element, E: Engine<A>>(vector: &E, expected: &[A]) {
    assert_eq!(vector.size(), expected.len());
    let places = (0..expected.len()).step_by(expected.len().div_ceil(16).max(1));
    places.chain(expected.len().checked_sub(1)).for_each(|i| assert_eq!(vector.lookup(i), Some(&expected[i])));
}

/// A vector made by one push in place after the other.
pub fn build<A: Element, E: Engine<A>>(elements: Vec<A>) -> E {
    let mut vector = E::default();
    for element in elements {
        vector.push(element);
    }
    vector
}

/// Each place with another element than the base vector has there.
pub fn with_others<A: Element>(places: &[usize]) -> Vec<(usize, A)> {
    places.iter().map(|&place| (place, other(place))).collect()
}

/// A step from version to version: a clone that is edited.
pub fn edited<E: Clone, T>(edit: impl Fn(&mut E, T)) -> impl Fn(&E, T) -> E {
    move |version, item| {
        let mut next = version.clone();
        edit(&mut next, item);
        next
    }
}

impl<A: Element, E: Engine<A>> Subject for Bench<A, E> {
    fn id(&self) -> EngineId {
        E::ID
    }

    fn can(&self, op: Op) -> bool {
        !E::LACKS.contains(&op)
    }

    fn run(&mut self, op: Op, reps: usize) -> Lap {
        match op {
            Op::GetRandom => self.get_random(reps),
            Op::GetSequential => self.get_sequential(reps),
            Op::GetRelaxed => self.get_relaxed(reps),
            Op::Iterate => self.iterate(reps),
            Op::CloneDrop => kept::clone_drop(&self.base, E::ID, reps),
            Op::EqSharing => self.eq_sharing(reps),
            Op::Diff10 => self.diff_10(reps),
            Op::Collect => self.build_anew(reps, E::collect),
            Op::PushBack => self.build_anew(reps, build),
            Op::PushFront => self.push_front(reps),
            Op::PushBackKept => self.push_back_kept(reps),
            Op::PushFrontKept => self.push_front_kept(reps),
            Op::Set => self.set(reps),
            Op::SetKept => self.set_kept(reps),
            Op::Insert => self.insert(reps),
            Op::Remove => self.remove(reps),
            Op::InsertKept => self.insert_kept(reps),
            Op::RemoveKept => self.remove_kept(reps),
            Op::Concat => self.concat(reps),
            Op::Split => self.split(reps),
            Op::BuildPieces => self.build_pieces(reps),
            _ => unreachable!("vectors have no {}", op.name()),
        }
    }

    fn bytes(&mut self, op: Op) -> f64 {
        let len = self.chain_len();
        match op {
            Op::BytesPerElement => self.bytes_per_element(),
            Op::BytesPerPush => self.bytes_per_version(self.fresh(), E::push, len),
            Op::BytesPerSet => {
                let sets = self.draw_sets();
                self.bytes_per_version(sets, put, 0)
            }
            Op::BytesPerInsert => {
                let inserts = self.draw_inserts();
                self.bytes_per_version(inserts, put_in, len)
            }
            _ => unreachable!("{} has no bytes", op.name()),
        }
    }

    fn reset(&mut self) {
        self.turns = Turns::default();
        self.draws = 0;
        self.extra.clear();
    }

    fn prepare(&mut self, op: Op) {
        let inputs = &self.inputs;
        match op {
            Op::GetRelaxed => self.extra.push(inputs.relax()),
            Op::Concat => self.extra.push(build(inputs.elements.iter().rev().cloned().collect())),
            Op::BuildPieces => {
                let pieces = inputs.elements.chunks(self.n().div_ceil(PIECES));
                self.extra = pieces.map(|piece| build(piece.to_vec())).collect();
            }
            _ => {}
        }
    }
}

pub fn put<A: Element, E: Engine<A>>(vector: &mut E, (place, element): (usize, A)) {
    vector.put(place, element);
}

pub fn put_in<A: Element, E: Engine<A>>(vector: &mut E, (place, element): (usize, A)) {
    vector.put_in(place, element);
}
