//! Building canonical nodes from entries in hash order.
//!
//! In: entries with their hashes. Out: the canonical node (M1), each leaf made once, at its size.
//! Must hold: no user code runs between taking an entry from its source and putting it into a leaf.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `pour`, `blocks`.
#![allow(unsafe_code)] // Scatter moves entries between buffers: docs/ARCHITECTURE.md, "Unsafe".

use super::blocks::*;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::pour::*;
use crate::link::{Count, Mark, MarkCell};
use alloc::vec;
use alloc::vec::Vec;

/// An entry on its way into a new leaf.
pub(super) struct Item<K, V> {
    pub(super) hash: u64,
    pub(super) entry: (K, V),
    pub(super) mark: Mark,
}

/// Puts items into hash order; those with equal hashes keep their order.
///
/// A radix sort from the top, because hashes are spread evenly: so many bits at a time that few items share them.
pub(super) fn sort<K, V>(items: &mut [Item<K, V>]) {
    let mut spare = Vec::with_capacity(items.len());
    sort_from(items, &mut spare, 64);
}

/// So few items are put into order by insertion.
const FEW: usize = 20;
/// Items that share the bits of one pass, if hashes are spread evenly: a power of two, as its logarithm.
const SHARING: u32 = 3;
/// Bits of a pass: its counters fit into the innermost cache.
const PASS: core::ops::RangeInclusive<u32> = 4..=11;

/// Items whose hashes differ below bit `bits` only.
fn sort_from<K, V>(items: &mut [Item<K, V>], spare: &mut Vec<Item<K, V>>, bits: u32) {
    if items.len() <= FEW || bits == 0 {
        items.sort_by_key(|item| item.hash);
        return;
    }
    let pass = items.len().ilog2().saturating_sub(SHARING).clamp(*PASS.start(), *PASS.end()).min(bits);
    let digit = |item: &Item<K, V>| ((item.hash << (64 - bits)) >> (64 - pass)) as usize;
    let mut ends = vec![0; 1 << pass];
    for item in items.iter() {
        ends[digit(item)] += 1
    }
    let mut sum = 0;
    for end in &mut ends {
        sum += core::mem::replace(end, sum);
    }
    debug_assert!(spare.is_empty() && spare.capacity() >= items.len());
    let to = spare.as_mut_ptr();
    // SAFETY: `ends` counts each bucket's first free place; together they are a permutation of the places below
    // `items.len()`, so that each item is moved to the spare room once and back once. Nothing here unwinds.
    unsafe {
        for item in items.iter() {
            let place = &mut ends[digit(item)];
            to.add(*place).copy_from_nonoverlapping(item, 1);
            *place += 1;
        }
        items.as_mut_ptr().copy_from_nonoverlapping(to, items.len());
    }
    let mut from = 0;
    for end in ends {
        if end - from > 1 {
            sort_from(&mut items[from..end], spare, bits - pass)
        }
        from = end
    }
}

/// True if a sample of the items, of which there are many, says that half of their keys or more are there again.
pub(super) fn has_many_twice<K, V>(items: &[Item<K, V>]) -> bool {
    const SAMPLE: usize = 1 << 12;
    let mut hashes: Vec<u64> = items.iter().step_by(items.len() / SAMPLE).map(|item| item.hash).collect();
    hashes.sort_unstable();
    // Of n keys each of which is there as often, a sample of s has s² / 2n pairs.
    hashes.windows(2).filter(|pair| pair[0] == pair[1]).count() >= SAMPLE * SAMPLE / items.len()
}

/// Of items with equal keys only the last stays. The items are in hash order.
pub(super) fn dedup<K: Eq, V>(items: &mut Vec<Item<K, V>>) {
    if !items.is_sorted_by(|a, b| a.hash < b.hash) {
        let mut kept: Vec<Item<K, V>> = Vec::with_capacity(items.len());
        let mut from = 0;
        for item in items.drain(..) {
            if kept.last().is_some_and(|last| last.hash != item.hash) {
                from = kept.len()
            }
            match kept[from..].iter().position(|k| k.entry.0 == item.entry.0) {
                Some(i) => kept[from + i] = item,
                None => kept.push(item),
            }
        }
        *items = kept
    }
}

/// The node of items that are in hash order and have different keys.
pub(super) fn build<K: Clone, V: Clone, C: Count>(items: Vec<Item<K, V>>) -> Node<K, V, C> {
    let len = items.len();
    build_node(&mut items.into_iter(), len, 0)
}

/// The node of the next `len` items, which share their first `shift` bits.
pub(super) fn build_node<K: Clone, V: Clone, C: Count>(
    items: &mut vec::IntoIter<Item<K, V>>,
    len: usize,
    shift: u32,
) -> Node<K, V, C> {
    if shift == 64 && len > LEAF_MAX {
        count!(CollisionMade);
        let mut leaf = Trie::new_collision(len as u32);
        let mut to = LeafMut::new(&mut leaf);
        for item in items.take(len) {
            to.push(item.entry, MarkCell::new(item.mark))
        }
        return leaf;
    }
    if len <= LEAF_MAX {
        return build_leaf(items, len);
    }
    let mut blocks = Blocks::new(shift);
    blocks.build(items, len, 0, blocks.top);
    blocks.finish_new()
}

pub(super) fn build_leaf<K, V, C: Count>(items: &mut vec::IntoIter<Item<K, V>>, len: usize) -> Node<K, V, C> {
    if len == 0 {
        return empty(0);
    }
    let mut leaf = Trie::new_leaf(leaf_cap::<K, V>(len));
    let mut to = Filler::new(LeafMut::new(&mut leaf));
    for (place, item) in items.take(len).enumerate() {
        to.put_at(place, tag_of(item.hash), item.entry, MarkCell::new(item.mark))
    }
    drop(to);
    leaf
}

/// A few entries in an order of their own, in which they stay within a leaf.
pub(super) trait Few<K, V> {
    /// The hash of the entry numbered `i`.
    fn hash(&self, i: usize) -> u64;
    /// The entry numbered `i`, and its mark. Each is taken once.
    fn take(&mut self, i: usize) -> ((K, V), MarkCell);
}

/// A leaf of these, each at the place that `place` gives for its number.
pub(super) fn leaf_of<K, V, C: Count>(
    few: &mut impl Few<K, V>,
    which: &[usize],
    place: impl Fn(usize) -> Place,
) -> Node<K, V, C> {
    let Some(last) = (0..which.len()).map(&place).max() else { return empty(0) };
    let mut leaf = Trie::new_leaf(leaf_cap::<K, V>(last + 1));
    let mut to = Filler::new(LeafMut::new(&mut leaf));
    for (n, &i) in which.iter().enumerate() {
        let tag = tag_of(few.hash(i));
        let (entry, mark) = few.take(i);
        to.put_at(place(n), tag, entry, mark)
    }
    drop(to);
    leaf
}

/// A collision leaf of these.
pub(super) fn collision_of<K, V, C: Count>(few: &mut impl Few<K, V>, which: &[usize]) -> Node<K, V, C> {
    count!(CollisionMade);
    let mut leaf = Trie::new_collision(which.len() as u32);
    let mut to = LeafMut::new(&mut leaf);
    for &i in which {
        let (entry, mark) = few.take(i);
        to.push(entry, mark)
    }
    leaf
}
