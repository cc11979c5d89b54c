//! What only many sizes show, for ours alone: bytes per entry between the powers of ten, and the price of a kept
//! insert up to ten million entries.

use super::engine::{Engine, OursArc};
use super::keys::Inputs;
use super::subject::Bench;
use crate::alloc::Window;
use crate::feed::mix;
use crate::measure::medians;
use crate::rows::Op;
use std::rc::Rc;
use std::time::Duration;

const KEPT_SIZES: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const KEPT_BUDGET: Duration = Duration::from_millis(1_500);

/// Figures by size.
pub struct Scale {
    /// Bytes per u64 entry.
    pub entry_bytes: Vec<(usize, f64)>,
    /// ns per kept insert, u64 keys.
    pub kept_ns: Vec<(usize, f64)>,
}

impl Scale {
    pub fn measure() -> Self {
        let kept_ns = kept_ns();
        Scale { entry_bytes: entry_bytes(), kept_ns }
    }

    /// The mean over the sizes.
    pub fn mean_bytes(&self) -> f64 {
        self.entry_bytes.iter().map(|(_, bytes)| bytes).sum::<f64>() / self.entry_bytes.len() as f64
    }

    pub fn worst_bytes(&self) -> (usize, f64) {
        self.entry_bytes.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
    }

    /// Largest size over smallest.
    pub fn kept_growth(&self) -> f64 {
        self.kept_ns[KEPT_SIZES.len() - 1].1 / self.kept_ns[0].1
    }
}

/// Sizes 100 · 10^(k/8) up to ten million. One map grows through all of them: with inserts alone, its nodes at a
/// size are those of a map built to that size.
fn entry_bytes() -> Vec<(usize, f64)> {
    let sizes = (0..=40).map(|k| (100.0 * 10f64.powf(f64::from(k) / 8.0)).round() as usize);
    let mut map = OursArc::<u64>::default();
    let mut figures = Vec::with_capacity(41);
    let window = Window::open();
    for n in sizes {
        (map.size()..n).for_each(|i| map.put(mix(i as u64), i as u64));
        figures.push((n, window.live_bytes() as f64 / n as f64));
    }
    figures
}

/// One size after the other, the smallest first: next to a map of ten million entries, the versions of a small one
/// would lie in the holes of its heap, and cost twice as much.
fn kept_ns() -> Vec<(usize, f64)> {
    let measure = |n| {
        let mut map: Bench<u64, OursArc<u64>> = Bench::new(&Rc::new(Inputs::new(n)));
        (n, medians(&mut [&mut map], Op::InsertKept, KEPT_BUDGET)[0])
    };
    KEPT_SIZES.into_iter().map(measure).collect()
}
