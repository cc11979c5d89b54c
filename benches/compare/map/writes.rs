//! Operations that change a map or make another: building, writes in place, writes with the old version kept,
//! chains, unions. In: how often. Out: laps.

use super::engine::Engine;
use super::keys::Key;
use super::subject::{Bench, FLIP, build, owned};
use crate::feed::{QUERIES, at_once, batches};
use crate::kept;
use crate::measure::Lap;
use std::rc::Rc;

impl<K: Key, E: Engine<K>> Bench<K, E> {
    pub fn collect(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for maps in batches(reps, at_once(self.n())) {
            let feed: Vec<Vec<(K, u64)>> = (0..maps).map(|_| self.inputs.pairs()).collect();
            let mut made: Vec<E> = Vec::with_capacity(maps);
            lap.time(maps * self.n(), || made.extend(feed.into_iter().map(E::from_iter)));
            made.iter().for_each(|map| self.check(map));
        }
        lap
    }

    pub fn insert(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for maps in batches(reps, at_once(self.n())) {
            let feed: Vec<Vec<(K, u64)>> = (0..maps).map(|_| self.inputs.pairs()).collect();
            let mut made: Vec<E> = Vec::with_capacity(maps);
            lap.time(maps * self.n(), || made.extend(feed.into_iter().map(build)));
            made.iter().for_each(|map| self.check(map));
        }
        lap
    }

    /// Writes other values under existing keys of the base map; the old ones are put back outside the time, since
    /// by then the caches hold what is to be written.
    pub fn update(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let keys = self.turns.window(&inputs.queries, QUERIES);
            let (feed, undo) = (owned(keys, FLIP), owned(keys, 0));
            let base = &mut self.base;
            lap.time(keys.len(), || feed.into_iter().for_each(|(key, value)| base.put(key, value)));
            let probe = keys.iter().step_by(keys.len() / 16);
            probe.for_each(|k| assert_eq!(base.lookup(k), Some(&(k.value() ^ FLIP))));
            undo.into_iter().for_each(|(key, value)| base.put(key, value));
        }
        self.check(&self.base);
        lap
    }

    pub fn remove(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        let keys = &self.inputs.queries[..self.n()];
        for maps in batches(reps, at_once(self.n())) {
            let mut made: Vec<E> = (0..maps).map(|_| build(self.inputs.pairs())).collect();
            let taken: usize = lap
                .time(maps * self.n(), || made.iter_mut().map(|map| keys.iter().filter(|k| map.take(k)).count()).sum());
            assert_eq!(taken, maps * self.n());
            made.iter().for_each(|map| assert_eq!(map.size(), 0));
        }
        lap
    }

    pub fn insert_kept(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let keys = self.turns.window(&inputs.fresh, self.chain_len());
            let versions = kept::chain(&self.base, &mut lap, owned(keys, 0), with);
            for (i, version) in versions.iter().enumerate().step_by(97) {
                assert_eq!(version.size(), self.n() + i);
                assert_eq!(version.lookup(&keys[i / 2]).is_some(), i / 2 < i);
            }
        }
        lap
    }

    pub fn update_kept(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let keys = self.turns.window(&inputs.queries, self.chain_len());
            let versions = kept::chain(&self.base, &mut lap, owned(keys, FLIP), with);
            self.check(&versions[0]);
            let last = &versions[keys.len()];
            keys.iter().for_each(|k| assert_eq!(last.lookup(k), Some(&(k.value() ^ FLIP))));
        }
        lap
    }

    pub fn remove_kept(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let keys = self.turns.window(&inputs.queries[..self.n()], self.chain_len());
            let versions = kept::chain(&self.base, &mut lap, keys.iter().collect(), |map: &E, key| map.less(key));
            self.check(&versions[0]);
            let last = &versions[keys.len()];
            assert_eq!(last.size(), self.n() - keys.len());
            keys.iter().for_each(|k| assert_eq!(last.lookup(k), None));
        }
        lap
    }

    /// Update a key, insert another, remove that one: each from the last version, which is dropped at once.
    pub fn chain(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let old = self.turns.window(&inputs.queries, self.chain_len());
            let new = self.turns.window(&inputs.fresh, self.chain_len());
            let feed: Vec<_> = owned(old, FLIP).into_iter().zip(owned(new, 0)).zip(new).collect();
            let mut map = self.base.clone();
            lap.time(3 * old.len(), || {
                for ((update, insert), remove) in feed {
                    map = with(&map, update);
                    map = with(&map, insert);
                    map = map.less(remove);
                }
            });
            assert_eq!(map.size(), self.n());
            old.iter().for_each(|k| assert_eq!(map.lookup(k), Some(&(k.value() ^ FLIP))));
            self.check(&self.base);
        }
        lap
    }

    /// Two versions of the base map with five keys added to either. Clones of them are united, since both live on.
    pub fn union_sharing(&mut self, reps: usize) -> Lap {
        let add = |keys: &[K]| owned(keys, 0).into_iter().fold(self.base.clone(), |map, entry| with(&map, entry));
        let pair = (add(&self.inputs.fresh[..5]), add(&self.inputs.fresh[5..10]));
        self.unite(reps, 16, 1, &pair, 10)
    }

    /// Two maps of n/2 keys each; the sources live on. Per entry of the result.
    pub fn union_disjoint(&mut self, reps: usize) -> Lap {
        let halves = self.halves.take().unwrap_or_else(|| {
            let (left, right) = self.inputs.keys.split_at(self.n() / 2);
            (build(owned(left, 0)), build(owned(right, 0)))
        });
        let lap = self.unite(reps, at_once(self.n()), self.n(), &halves, 0);
        self.halves = Some(halves);
        lap
    }

    /// Results are dropped outside the time, up to `at_once` of them alive at one time.
    fn unite(&self, reps: usize, at_once: usize, ops: usize, (left, right): &(E, E), extra: usize) -> Lap {
        let mut lap = Lap::default();
        for unions in batches(reps, at_once) {
            let feed: Vec<(E, E)> = (0..unions).map(|_| (left.clone(), right.clone())).collect();
            let mut made: Vec<E> = Vec::with_capacity(unions);
            lap.time(unions * ops, || made.extend(feed.into_iter().map(|(a, b)| a.merge(b))));
            made.iter().for_each(|map| assert_eq!(map.size(), self.n() + extra));
            let probe = self.inputs.queries.iter().step_by(self.n().div_ceil(16)).chain(&self.inputs.fresh[..extra]);
            probe.for_each(|k| assert_eq!(made[0].lookup(k), Some(&k.value())));
        }
        lap
    }
}

/// The step of a chain.
pub fn with<K: Key, E: Engine<K>>(map: &E, (key, value): (K, u64)) -> E {
    map.with(key, value)
}
