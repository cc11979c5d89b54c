//! Operations that build a vector, push at its ends or set elements: in place, and with the old version kept.
//! In: how often. Out: laps.

use super::elements::Element;
use super::engine::Engine;
use super::subject::{Bench, check_against, edited, put, with_others};
use crate::feed::{QUERIES, at_once, batches};
use crate::kept;
use crate::measure::Lap;
use std::rc::Rc;

impl<A: Element, E: Engine<A>> Bench<A, E> {
    /// Base vectors, made by `make` from their elements.
    pub fn build_anew(&mut self, reps: usize, make: impl Fn(Vec<A>) -> E) -> Lap {
        let mut lap = Lap::default();
        for vectors in batches(reps, at_once(self.n())) {
            let feed: Vec<Vec<A>> = (0..vectors).map(|_| self.inputs.elements.clone()).collect();
            let mut made: Vec<E> = Vec::with_capacity(vectors);
            lap.time(vectors * self.n(), || made.extend(feed.into_iter().map(&make)));
            made.iter().for_each(|vector| self.check(vector));
        }
        lap
    }

    pub fn push_front(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for vectors in batches(reps, at_once(self.n())) {
            let backwards: Vec<A> = self.inputs.elements.iter().rev().cloned().collect();
            let feed = vec![backwards; vectors];
            let mut made: Vec<E> = Vec::with_capacity(vectors);
            lap.time(vectors * self.n(), || made.extend(feed.into_iter().map(build_forwards)));
            made.iter().for_each(|vector| self.check(vector));
        }
        lap
    }

    pub fn push_back_kept(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for _ in 0..reps {
            let fresh = self.fresh();
            let versions = kept::chain(&self.base, &mut lap, fresh.clone(), edited(E::push));
            for (i, version) in versions.iter().enumerate().step_by(97) {
                assert_eq!(version.size(), self.n() + i);
                assert_eq!(version.lookup(self.n() + i / 2), fresh[..i].get(i / 2));
            }
            self.check(&versions[0]);
        }
        lap
    }

    pub fn push_front_kept(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for _ in 0..reps {
            let fresh = self.fresh();
            let versions = kept::chain(&self.base, &mut lap, fresh.clone(), edited(E::push_first));
            for (i, version) in versions.iter().enumerate().step_by(97) {
                assert_eq!(version.size(), self.n() + i);
                assert_eq!(version.lookup(0), fresh[..i].last().or(self.inputs.elements.first()));
                assert_eq!(version.lookup(i), self.inputs.elements.first());
            }
            self.check(&versions[0]);
        }
        lap
    }

    /// Other elements in the base vector; the old ones are put back outside the time, since by then the caches hold what
    /// is to be written.
    pub fn set(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for _ in 0..reps {
            let places = self.turns.window(&inputs.places, QUERIES);
            let feed = with_others(places);
            let base = &mut self.base;
            lap.time(places.len(), || feed.into_iter().for_each(|item| put(base, item)));
            let probe = with_others::<A>(places).into_iter().step_by(places.len() / 16);
            probe.for_each(|(place, element)| assert_eq!(base.lookup(place), Some(&element)));
            places.iter().for_each(|&place| base.put(place, inputs.elements[place].clone()));
        }
        self.check(&self.base);
        lap
    }

    pub fn set_kept(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for _ in 0..reps {
            let sets = self.draw_sets();
            let versions = kept::chain(&self.base, &mut lap, sets.clone(), edited(put));
            check_against(&versions[0], &self.inputs.elements);
            let last = &versions[sets.len()];
            assert_eq!(last.size(), self.n());
            sets.iter().for_each(|(place, element)| assert_eq!(last.lookup(*place), Some(element)));
        }
        lap
    }
}

/// A vector made by pushing in front; `elements` come from the last to the first.
fn build_forwards<A: Element, E: Engine<A>>(elements: Vec<A>) -> E {
    let mut vector = E::default();
    for element in elements {
        vector.push_first(element);
    }
    vector
}
