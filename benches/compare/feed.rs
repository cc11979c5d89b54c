//! What all structures are fed by: numbers without order, drawn once and shared by all engines, and windows over them.
//! In: sizes and seeds. Out: numbers and slices.

/// Lookups and updates per repetition: with fewer, the clock itself would show.
pub const QUERIES: usize = 10_000;

/// The finaliser of splitmix64: a permutation of the 64-bit numbers.
/// Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub fn mix(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 0 to n - 1 in an order drawn from `seed` (Fisher and Yates).
fn permutation(n: usize, seed: u64) -> Vec<u64> {
    let mut order: Vec<u64> = (0..n as u64).collect();
    for i in (1..n).rev() {
        let j = mix(seed << 32 ^ i as u64) % (i as u64 + 1);
        order.swap(i, j as usize);
    }
    order
}

/// 0 to n - 1 in random order: first all of them once, then more permutations up to [`QUERIES`].
pub fn queries(n: usize) -> impl Iterator<Item = u64> {
    let rounds = QUERIES.div_ceil(n).max(1) as u64;
    (0..rounds).flat_map(move |round| permutation(n, round))
}

/// Counts windows, so that repetitions walk through all of a list; every engine sees the same ones.
#[derive(Debug, Default)]
pub struct Turns(usize);

impl Turns {
    /// The next `len` items of `list`, from the front again once it is used up.
    pub fn window<'a, T>(&mut self, list: &'a [T], len: usize) -> &'a [T] {
        let start = self.0 % (list.len() / len) * len;
        self.0 += 1;
        &list[start..start + len]
    }
}

/// Small structures are built sixteen at a time: one alone is too short for the clock.
pub fn at_once(n: usize) -> usize {
    if n < 2_000 { 16 } else { 1 }
}

/// `total` cut into pieces of `most` and a rest.
pub fn batches(total: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..total).step_by(most).map(move |done| most.min(total - done))
}
