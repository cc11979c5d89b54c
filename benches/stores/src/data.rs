//! What is stored: keys of 16 bytes, values of 64 that do not compress. In: numbers. Out: entries and changes, the
//! same in each run.

use std::collections::HashSet;

pub type Value = [u8; 64];
/// A key and the value it is to have.
pub type Change = (String, Value);
pub type Error = Box<dyn std::error::Error>;
pub type Result<T> = std::result::Result<T, Error>;

pub fn key(i: u64) -> String {
    format!("key{i:013}")
}

/// The entries that a store begins with, in the order of their keys.
pub fn entries(n: u64) -> Vec<Change> {
    (0..n).map(|i| (key(i), first_value(i))).collect()
}

/// The value that key `i` begins with.
pub fn first_value(i: u64) -> Value {
    Random(i).value()
}

/// Numbers that look random, the same in each run (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn value(&mut self) -> Value {
        let mut value = [0; 64];
        value.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next().to_le_bytes()));
        value
    }

    /// New values for so many of the first `entries` keys, no key twice.
    pub fn changes(&mut self, keys: usize, entries: u64) -> Vec<Change> {
        let (mut chosen, mut changes) = (HashSet::new(), Vec::with_capacity(keys));
        while changes.len() < keys {
            let i = self.below(entries);
            if chosen.insert(i) {
                changes.push((key(i), self.value()))
            }
        }
        changes
    }
}
