//! Versions: chains of them that all stay alive, in time and in bytes, and what a clone costs. The same for all
//! structures. In: a base version, and a step from one version to the next. Out: laps, bytes, the versions.

use crate::alloc::Window;
use crate::engine::EngineId;
use crate::measure::Lap;
use std::hint::black_box;

/// Appends a version for each item of `feed`, each made from the last by `step`.
#[inline(always)]
fn extend<V, T>(versions: &mut Vec<V>, feed: impl Iterator<Item = T>, step: impl Fn(&V, T) -> V) {
    for item in feed {
        let next = step(&versions[versions.len() - 1], item);
        versions.push(next);
    }
}

fn room_for<V: Clone>(base: &V, steps: usize) -> Vec<V> {
    let mut versions = Vec::with_capacity(steps + 1);
    versions.push(base.clone());
    versions
}

/// A chain from `base`, timed; returns all versions, the base first.
pub fn chain<V: Clone, T>(base: &V, lap: &mut Lap, feed: Vec<T>, step: impl Fn(&V, T) -> V) -> Vec<V> {
    let mut versions = room_for(base, feed.len());
    lap.time(feed.len(), || extend(&mut versions, feed.into_iter(), step));
    versions
}

/// Live bytes of such a chain, per version, and its last version. The handles lie in memory that was asked for
/// before, as does what `feed` owns; copies of it that the engine makes count.
pub fn bytes_per_version<V: Clone, T>(base: &V, feed: Vec<T>, step: impl Fn(&V, T) -> V) -> (f64, V) {
    let len = feed.len();
    let mut versions = room_for(base, len);
    // The vector that holds the items is borrowed: its own end must not fall into the window.
    let mut items = feed.into_iter();
    let window = Window::open();
    extend(&mut versions, items.by_ref(), step);
    let bytes = window.live_bytes();
    drop(window);
    (bytes as f64 / len as f64, versions.swap_remove(len))
}

/// Clones into a list and drops them, each through a call: inlined, a clone and drop without atomics take one
/// nanosecond, and the same code in two engines differed by 40 % with where its loop lay in memory.
/// A std collection is copied whole, so one of them has to do.
pub fn clone_drop<V: Clone>(base: &V, engine: EngineId, reps: usize) -> Lap {
    let at_once = if engine == EngineId::Std { 1 } else { 64 };
    let mut lap = Lap::default();
    let mut clones = Vec::with_capacity(at_once);
    lap.time(reps * at_once, || {
        for _ in 0..reps {
            clones.extend((0..at_once).map(|_| clone(base)));
            while let Some(last) = clones.pop() {
                discard(last);
            }
        }
    });
    lap
}

#[inline(never)]
fn clone<V: Clone>(version: &V) -> V {
    black_box(version).clone()
}

#[inline(never)]
fn discard<V>(version: V) {
    drop(black_box(version));
}
