//! One engine with its base map, and what is common to all operations on it; `reads.rs` and `writes.rs` hold the
//! operations. In: the group's keys. Out: laps and bytes. Nothing here knows which engine it is.
//!
//! Timed are the engine's calls and the loop around them, nothing else: owned keys are cloned before, results are
//! checked and dropped after. Dropping is in the time only where it is the point (`chain`, `clone_drop`) and where
//! the engine does it itself (replaced values, a key that is already there).

use crate::alloc::Window;
use crate::engine::{Engine, EngineId};
use crate::keys::{Inputs, Key};
use crate::measure::{Lap, Subject};
use crate::rows::{Needs, Op};
use std::rc::Rc;

/// What an update changes in a value.
pub const FLIP: u64 = 1 << 40;

/// One engine with its base map of `n` entries.
pub struct Bench<K, E> {
    pub inputs: Rc<Inputs<K>>,
    pub base: E,
    /// Counts windows of keys, so that repetitions walk through all of them; every engine sees the same ones.
    turn: usize,
    /// The two halves for `union_disjoint`, made once per row.
    pub halves: Option<(E, E)>,
}

impl<K: Key, E: Engine<K>> Bench<K, E> {
    pub fn new(inputs: &Rc<Inputs<K>>) -> Self {
        let base = build(inputs.pairs());
        Bench { inputs: Rc::clone(inputs), base, turn: 0, halves: None }
    }

    pub fn n(&self) -> usize {
        self.inputs.keys.len()
    }

    /// Versions in a kept chain.
    pub fn chain_len(&self) -> usize {
        if self.n() >= 10_000 { 1_000 } else { self.n().min(100) }
    }

    /// Small maps are built sixteen at a time: one alone is too short for the clock.
    pub fn maps_at_once(&self) -> usize {
        if self.n() < 2_000 { 16 } else { 1 }
    }

    /// The next `len` keys of `list`, from the front again once it is used up.
    pub fn window<'a>(&mut self, list: &'a [K], len: usize) -> &'a [K] {
        let start = self.turn % (list.len() / len) * len;
        self.turn += 1;
        &list[start..start + len]
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

    /// Live bytes of a chain of one-insert versions, per version. The caller's keys were allocated before the window
    /// opens, so a String's own buffer is not in it; copies of it that the engine makes are.
    fn bytes_per_version(&mut self) -> f64 {
        let inputs = Rc::clone(&self.inputs);
        let feed = self.window(&inputs.fresh, self.chain_len());
        let feed = owned(feed, 0);
        let mut versions = Vec::with_capacity(feed.len() + 1);
        versions.push(self.base.clone());
        // The vector that holds the keys is borrowed: its own end must not fall into the window.
        let mut keys = feed.into_iter();
        let window = Window::open();
        for (key, value) in keys.by_ref() {
            versions.push(versions[versions.len() - 1].with(key, value));
        }
        let bytes = window.live_bytes();
        drop(window);
        assert_eq!(versions[versions.len() - 1].size(), self.n() + self.chain_len());
        bytes as f64 / self.chain_len() as f64
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
        match op.needs() {
            Needs::Nothing => true,
            Needs::Versions => E::VERSIONS,
            Needs::Union => E::UNION,
            Needs::Diff => E::DIFF,
        }
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
            Op::CloneDrop => self.clone_drop(reps),
            Op::EqSharing => self.eq_sharing(reps),
            Op::Diff10 => self.diff_10(reps),
            Op::UnionSharing => self.union_sharing(reps),
            Op::UnionDisjoint => self.union_disjoint(reps),
            Op::BytesPerEntry | Op::BytesPerVersion => unreachable!("{} has no time", op.name()),
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
        self.turn = 0;
        self.halves = None;
    }
}
