//! One engine with its base map, and what is common to all operations on it; `reads.rs` and `writes.rs` hold the
//! operations. In: the group's keys. Out: laps and bytes. Nothing here knows which engine it is.
//!
//! Timed are the engine's calls and the loop around them, nothing else: owned keys are cloned before, results are
//! checked and dropped after. Dropping is in the time only where it is the point (`chain`, `clone_drop`) and where
//! the engine does it itself (replaced values, a key that is already there).

use super::engine::Engine;
use super::keys::{Inputs, Key};
use super::writes::with;
use crate::alloc::Window;
use crate::engine::EngineId;
use crate::feed::Turns;
use crate::kept;
use crate::measure::{Lap, Subject};
use crate::rows::Op;
use std::rc::Rc;

/// What an update changes in a value.
pub const FLIP: u64 = 1 << 40;

/// One engine with its base map of `n` entries.
pub struct Bench<K, E> {
    pub inputs: Rc<Inputs<K>>,
    pub base: E,
    pub turns: Turns,
    /// The two halves for `union_disjoint`, made once per row.
    pub halves: Option<(E, E)>,
}

impl<K: Key, E: Engine<K>> Bench<K, E> {
    pub fn new(inputs: &Rc<Inputs<K>>) -> Self {
        let base = build(inputs.pairs());
        Bench { inputs: Rc::clone(inputs), base, turns: Turns::default(), halves: None }
    }

    pub fn n(&self) -> usize {
        self.inputs.keys.len()
    }

    /// Versions in a kept chain.
    pub fn chain_len(&self) -> usize {
        if self.n() >= 10_000 { 1_000 } else { self.n().min(100) }
    }

    /// Live bytes after building by insert, with the keys' own heap.
    fn bytes_per_entry(&self) -> f64 {
        let window = Window::open();
        let mut map = E::default();
        for key in &self.inputs.keys {
            map.put(key.clone(), key.value());
        }
        let bytes = window.live_bytes();
        self.check(&map);
        bytes as f64 / self.n() as f64
    }

    /// Live bytes of a chain of one-insert versions, per version; a String's own buffer is not in it.
    fn bytes_per_version(&mut self) -> f64 {
        let inputs = Rc::clone(&self.inputs);
        let keys = self.turns.window(&inputs.fresh, self.chain_len());
        let (bytes, last) = kept::bytes_per_version(&self.base, owned(keys, 0), with);
        assert_eq!(last.size(), self.n() + keys.len());
        bytes
    }

    /// Right size, and right values under sixteen keys.
    pub fn check(&self, map: &E) {
        assert_eq!(map.size(), self.n());
        let probe = self.inputs.keys.iter().step_by(self.n().div_ceil(16));
        probe.for_each(|k| assert_eq!(map.lookup(k), Some(&k.value())));
    }
}

/// A map made by one insert in place after the other.
pub fn build<K: Key, E: Engine<K>>(pairs: Vec<(K, u64)>) -> E {
    let mut map = E::default();
    for (key, value) in pairs {
        map.put(key, value);
    }
    map
}

/// Copies of `keys` to be moved into a map, each with its value, some of whose bits `flip` changes.
pub fn owned<K: Key>(keys: &[K], flip: u64) -> Vec<(K, u64)> {
    keys.iter().map(|k| (k.clone(), k.value() ^ flip)).collect()
}

impl<K: Key, E: Engine<K>> Subject for Bench<K, E> {
    fn id(&self) -> EngineId {
        E::ID
    }

    fn can(&self, op: Op) -> bool {
        !E::LACKS.contains(&op)
    }

    fn run(&mut self, op: Op, reps: usize) -> Lap {
        match op {
            Op::GetHit => self.get_hit(reps),
            Op::GetMiss => self.get_miss(reps),
            Op::Iterate => self.iterate(reps),
            Op::Collect => self.collect(reps),
            Op::Insert => self.insert(reps),
            Op::Update => self.update(reps),
            Op::Remove => self.remove(reps),
            Op::InsertKept => self.insert_kept(reps),
            Op::UpdateKept => self.update_kept(reps),
            Op::RemoveKept => self.remove_kept(reps),
            Op::Chain => self.chain(reps),
            Op::CloneDrop => kept::clone_drop(&self.base, E::ID, reps),
            Op::EqSharing => self.eq_sharing(reps),
            Op::Diff10 => self.diff_10(reps),
            Op::UnionSharing => self.union_sharing(reps),
            Op::UnionDisjoint => self.union_disjoint(reps),
            _ => unreachable!("maps have no {}", op.name()),
        }
    }

    fn bytes(&mut self, op: Op) -> f64 {
        match op {
            Op::BytesPerEntry => self.bytes_per_entry(),
            Op::BytesPerVersion => self.bytes_per_version(),
            _ => unreachable!("{} has no bytes", op.name()),
        }
    }

    fn reset(&mut self) {
        self.turns = Turns::default();
        self.halves = None;
    }
}
