//! Operations that leave a map as it is: lookups, iteration, `==`, diff.
//! In: how often. Out: laps.

use super::engine::{Changes, Engine};
use super::keys::Key;
use super::subject::{Bench, FLIP};
use crate::feed::QUERIES;
use crate::measure::Lap;
use std::hint::black_box;
use std::rc::Rc;

impl<K: Key, E: Engine<K>> Bench<K, E> {
    pub fn get_hit(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let keys = self.turns.window(&inputs.queries, QUERIES);
            let sum = lap.time(keys.len(), || lookups(&self.base, keys));
            assert_eq!(sum, keys.iter().fold(0u64, |sum, k| sum.wrapping_add(k.value())));
        }
        lap
    }

    pub fn get_miss(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let keys = self.turns.window(&inputs.fresh, QUERIES);
            let sum = lap.time(keys.len(), || lookups(&self.base, keys));
            assert_eq!(sum, 0);
        }
        lap
    }

    pub fn iterate(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        let passes = (QUERIES / self.n()).max(1);
        let expected = self.inputs.keys.iter().fold(0u64, |sum, k| sum.wrapping_add(k.word() ^ k.value()));
        for _ in 0..reps {
            let sums = lap.time(passes * self.n(), || {
                (0..passes).fold(0u64, |sums, _| sums.wrapping_add(black_box(&self.base).sum()))
            });
            assert_eq!(sums, expected.wrapping_mul(passes as u64));
        }
        lap
    }

    /// Two versions with ten keys changed in between and changed back.
    pub fn eq_sharing(&mut self, reps: usize) -> Lap {
        let mut other = self.base.clone();
        for key in &self.inputs.queries[..10] {
            other.put(key.clone(), key.value() ^ FLIP);
        }
        assert!(self.base != other);
        for key in &self.inputs.queries[..10] {
            other.put(key.clone(), key.value());
        }
        let mut lap = Lap::default();
        let equal = lap.time(reps, || (0..reps).filter(|_| black_box(&self.base) == black_box(&other)).count());
        assert_eq!(equal, reps);
        lap
    }

    /// Four keys updated, three removed, three added.
    pub fn diff_10(&mut self, reps: usize) -> Lap {
        let mut other = self.base.clone();
        let keys = &self.inputs.queries;
        keys[..4].iter().for_each(|k| other.put(k.clone(), k.value() ^ FLIP));
        keys[4..7].iter().for_each(|k| assert!(other.take(k)));
        self.inputs.fresh[..3].iter().for_each(|k| other.put(k.clone(), k.value()));
        let mut lap = Lap::default();
        let total = lap.time(reps, || {
            (0..reps).fold(Changes::default(), |sum, _| {
                let seen = black_box(&self.base).changes(black_box(&other));
                Changes {
                    added: sum.added + seen.added,
                    updated: sum.updated + seen.updated,
                    removed: sum.removed + seen.removed,
                }
            })
        });
        assert_eq!(total, Changes { added: 3 * reps, updated: 4 * reps, removed: 3 * reps });
        lap
    }
}

fn lookups<K: Key, E: Engine<K>>(map: &E, keys: &[K]) -> u64 {
    keys.iter().fold(0u64, |sum, k| sum.wrapping_add(map.lookup(k).copied().unwrap_or(0)))
}
