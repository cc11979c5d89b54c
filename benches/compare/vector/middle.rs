//! Operations on the middle of a vector, and on whole vectors: insert and remove, in place and with the old version
//! kept; concat, split, building from pieces. In: how often. Out: laps.

use super::elements::Element;
use super::engine::Engine;
use super::subject::{Bench, build, check_against, edited, put_in};
use crate::engine::EngineId;
use crate::feed::{at_once, batches};
use crate::kept;
use crate::measure::Lap;
use std::rc::Rc;

impl<A: Element, E: Engine<A>> Bench<A, E> {
    /// Into vectors made anew, since each insert leaves another vector than it found.
    pub fn insert(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for vectors in batches(reps, at_once(self.n())) {
            let mut made = self.anew(vectors);
            let inserts = self.draw_inserts();
            let feed = vec![inserts.clone(); vectors];
            lap.time(vectors * inserts.len(), || {
                made.iter_mut().zip(feed).for_each(|(vector, items)| items.into_iter().for_each(|i| put_in(vector, i)));
            });
            let last = inserts.last().expect("a chain is not empty");
            for vector in &made {
                assert_eq!(vector.size(), self.n() + inserts.len());
                assert_eq!(vector.lookup(last.0), Some(&last.1));
            }
        }
        lap
    }

    /// From vectors made anew.
    pub fn remove(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for vectors in batches(reps, at_once(self.n())) {
            let mut made = self.anew(vectors);
            let places = self.draw_removes();
            let taken = lap.time(vectors * places.len(), || {
                let words = made.iter_mut().map(|vector| {
                    places.iter().fold(0u64, |sum, &place| sum.wrapping_add(vector.take_out(place).word()))
                });
                words.collect::<Vec<u64>>()
            });
            assert!(taken.iter().all(|words| *words == taken[0]));
            assert!(made.iter().all(|vector| vector.size() == self.n() - places.len()));
        }
        lap
    }

    fn anew(&self, vectors: usize) -> Vec<E> {
        (0..vectors).map(|_| build(self.inputs.elements.clone())).collect()
    }

    pub fn insert_kept(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for _ in 0..reps {
            let inserts = self.draw_inserts();
            let versions = kept::chain(&self.base, &mut lap, inserts.clone(), edited(put_in));
            for (i, (place, element)) in inserts.iter().enumerate().step_by(97) {
                let (before, after) = (&versions[i], &versions[i + 1]);
                assert_eq!(after.size(), self.n() + i + 1);
                assert_eq!(after.lookup(*place), Some(element));
                assert_eq!(after.lookup(place + 1), before.lookup(*place));
            }
            self.check(&versions[0]);
        }
        lap
    }

    pub fn remove_kept(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for _ in 0..reps {
            let places = self.draw_removes();
            let step = edited(|vector: &mut E, place| drop(vector.take_out(place)));
            let versions = kept::chain(&self.base, &mut lap, places.clone(), step);
            for (i, &place) in places.iter().enumerate().step_by(97) {
                let (before, after) = (&versions[i], &versions[i + 1]);
                assert_eq!(after.size(), self.n() - i - 1);
                assert_eq!(after.lookup(place), before.lookup(place + 1));
            }
            self.check(&versions[0]);
        }
        lap
    }

    /// Clones that are alive at one time; a std vector is copied whole.
    fn clones_at_once(&self) -> usize {
        if E::ID == EngineId::Std { at_once(self.n()) } else { 16 }
    }

    /// Clones of two vectors of n elements, one behind the other; both live on.
    pub fn concat(&mut self, reps: usize) -> Lap {
        let (elements, n) = (&self.inputs.elements, self.n());
        let mut lap = Lap::default();
        for vectors in batches(reps, self.clones_at_once()) {
            let mut made = vec![self.base.clone(); vectors];
            let feed = vec![self.extra[0].clone(); vectors];
            lap.time(vectors, || made.iter_mut().zip(feed).for_each(|(vector, behind)| vector.join(behind)));
            assert!(made.iter().all(|vector| vector.size() == 2 * n));
            let probe = (0..n).step_by(n.div_ceil(16)).chain([n - 1]);
            for place in probe {
                assert_eq!(made[0].lookup(place), Some(&elements[place]));
                assert_eq!(made[0].lookup(2 * n - 1 - place), Some(&elements[place]));
            }
        }
        lap
    }

    /// Clones of the base vector, each cut at a random place; it lives on.
    pub fn split(&mut self, reps: usize) -> Lap {
        let inputs = Rc::clone(&self.inputs);
        let mut lap = Lap::default();
        for vectors in batches(reps, self.clones_at_once()) {
            let mut made = vec![self.base.clone(); vectors];
            let places = self.draw(std::iter::repeat_n(self.n(), vectors));
            let mut cut_off = Vec::with_capacity(vectors);
            lap.time(vectors, || cut_off.extend(made.iter_mut().zip(&places).map(|(left, place)| left.cut(*place))));
            for ((left, right), place) in made.iter().zip(&cut_off).zip(places) {
                check_against(left, &inputs.elements[..place]);
                check_against(right, &inputs.elements[place..]);
            }
        }
        lap
    }

    /// A hundred vectors of n/100 elements, cloned and appended to an empty one; per piece. They live on.
    pub fn build_pieces(&mut self, reps: usize) -> Lap {
        let mut lap = Lap::default();
        for vectors in batches(reps, at_once(self.n())) {
            let feed = vec![self.extra.clone(); vectors];
            let mut made: Vec<E> = Vec::with_capacity(vectors);
            lap.time(vectors * self.extra.len(), || made.extend(feed.into_iter().map(appended)));
            made.iter().for_each(|vector| self.check(vector));
        }
        lap
    }
}

fn appended<A: Element, E: Engine<A>>(pieces: Vec<E>) -> E {
    let mut vector = E::default();
    for piece in pieces {
        vector.join(piece);
    }
    vector
}
