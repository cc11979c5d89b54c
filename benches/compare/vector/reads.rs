//! Operations that leave a vector as it is: lookups, iteration, `==`, diff. In: how often. Out: laps.

use super::elements::{Element, other, sum};
use super::engine::Engine;
use super::subject::{Bench, check_against};
use crate::feed::QUERIES;
use crate::measure::Lap;
use std::hint::black_box;
use std::rc::Rc;

impl<A: Element, E: Engine<A>> Bench<A, E> {
    pub fn get_random(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let places = self.turns.window(&inputs.places, QUERIES);
            let sums = lap.time(places.len(), || lookups(&self.base, places.iter().copied()));
            assert_eq!(sums, sum(places.iter().map(|&place| &inputs.elements[place])));
        }
        lap
    }

    /// As `get_random`, on a vector of n elements many of which were put in at random places.
    pub fn get_relaxed(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let expected = inputs.relaxed();
        let relaxed = &self.extra[0];
        let mut lap = Lap::default();
        for _ in 0..reps {
            let places = self.turns.window(&inputs.places, QUERIES);
            let sums = lap.time(places.len(), || lookups(relaxed, places.iter().copied()));
            assert_eq!(sums, sum(places.iter().map(|&place| &expected[place])));
        }
        check_against(relaxed, expected);
        lap
    }

    /// One place after the other, by index.
    pub fn get_sequential(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let len = self.n().min(QUERIES);
        let passes = QUERIES / len;
        let mut lap = Lap::default();
        for rep in 0..reps {
            let start = rep % (self.n() / len) * len;
            let sums = lap.time(passes * len, || {
                let pass = || lookups(black_box(&self.base), start..start + len);
                (0..passes).fold(0u64, |sums, _| sums.wrapping_add(pass()))
            });
            assert_eq!(sums, sum(&inputs.elements[start..start + len]).wrapping_mul(passes as u64));
        }
        lap
    }

    pub fn iterate(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        let passes = (QUERIES / self.n()).max(1);
        let expected = sum(&self.inputs.elements);
        for _ in 0..reps {
            let sums = lap.time(passes * self.n(), || {
                (0..passes).fold(0u64, |sums, _| sums.wrapping_add(black_box(&self.base).sum()))
            });
            assert_eq!(sums, expected.wrapping_mul(passes as u64));
        }
        lap
    }

    /// Two versions with ten elements changed in between and changed back.
    pub fn eq_sharing(&mut self, reps: usize) -> Lap {
        let mut changed = self.base.clone();
        let places = &self.inputs.places[..10];
        places.iter().for_each(|&place| changed.put(place, other(place)));
        assert!(!self.base.equals(&changed));
        places.iter().for_each(|&place| changed.put(place, self.inputs.elements[place].clone()));
        let mut lap = Lap::default();
        let equal = lap.time(reps, || (0..reps).filter(|_| black_box(&self.base).equals(black_box(&changed))).count());
        assert_eq!(equal, reps);
        lap
    }

    /// Four elements set, three taken out, three put in, at even distances.
    pub fn diff_10(&mut self, reps: usize) -> Lap {
        let mut changed = self.base.clone();
        let place = |i| i * self.n() / 10 + self.n() / 20;
        (0..4).for_each(|i| changed.put(place(i), other(i)));
        (4..7).for_each(|i| drop(changed.take_out(place(i))));
        (7..10).for_each(|i| changed.put_in(place(i), other(i)));
        // Two changes may come as one stretch, but never one as two.
        let stretches = self.base.changes(&changed);
        assert!((1..=10).contains(&stretches), "{stretches} stretches differ");
        let mut lap = Lap::default();
        let total =
            lap.time(reps, || (0..reps).map(|_| black_box(&self.base).changes(black_box(&changed))).sum::<usize>());
        assert_eq!(total, reps * stretches);
        lap
    }
}

fn lookups<A: Element, E: Engine<A>>(vector: &E, places: impl Iterator<Item = usize>) -> u64 {
    places.fold(0u64, |sum, place| sum.wrapping_add(vector.lookup(place).map_or(0, A::word)))
}
