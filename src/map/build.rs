//! Building canonical nodes: from entries in hash order, and from blocks that were made or kept one by one.
//!
//! In: entries with their hashes, or blocks of one node in slot order. Out: the canonical node (M1): blocks that
//! hold 15 entries or fewer together become one leaf; what equals an old node is that old node, what differs
//! little from it is an overlay over it.
//! Must hold: no user code runs between taking an entry from its source and putting it into a leaf, but `Clone`
//! of entries of shared leaves that merge, which leaves the blocks whole.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `pour`, `inner`, `overlay`, `overlay_mut`.
#![allow(unsafe_code)] // Scatter moves entries between buffers: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::*;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use super::pour::*;
use crate::error::Result;
use crate::link::{Count, Mark, MarkCell, Origin, Word};
use smallvec::SmallVec;
use std::sync::Arc;
use std::vec;

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
const PASS: std::ops::RangeInclusive<u32> = 4..=11;

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
        sum += std::mem::replace(end, sum);
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
fn build_node<K: Clone, V: Clone, C: Count>(
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

fn build_leaf<K, V, C: Count>(items: &mut vec::IntoIter<Item<K, V>>, len: usize) -> Node<K, V, C> {
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

/// The blocks of one node to be, in slot order.
pub(super) struct Blocks<K, V, C: Count> {
    shift: u32,
    /// Bits of the widest node that can begin at `shift`; slots are counted in its measure.
    pub(super) top: u32,
    /// Where stored words among the blocks thaw from (L8).
    origin: Option<Arc<Origin>>,
    list: Vec<(usize, u32, Node<K, V, C>)>,
}

impl<K: Clone, V: Clone, C: Count> Blocks<K, V, C> {
    pub(super) fn new(shift: u32) -> Self {
        Blocks { shift, top: MOST_BITS.min(64 - shift), origin: None, list: Vec::new() }
    }

    /// Adds the node of the next `len` items as the block of 2^k slots at `first`, divided as it must be.
    fn build(&mut self, items: &mut vec::IntoIter<Item<K, V>>, len: usize, first: usize, k: u32) {
        if len <= LEAF_MAX {
            let leaf = build_leaf(items, len);
            return self.push_leaf(first, k, leaf);
        }
        if k == 0 {
            let node = build_node(items, len, self.shift + self.top);
            return self.push_leaf(first, 0, node);
        }
        let half = k - 1;
        let bit = self.shift + self.top - k;
        let zeros = items.as_slice()[..len].partition_point(|item| (item.hash << bit) >> 63 == 0);
        self.build(items, zeros, first, half);
        self.build(items, len - zeros, first + (1 << half), half);
    }

    /// As [`build`](Self::build), of a few entries, those numbered in `which`.
    pub(super) fn divide(&mut self, few: &mut impl Few<K, V>, which: &mut [usize], first: usize, k: u32) {
        if which.len() <= LEAF_MAX {
            let leaf = leaf_of(few, which, |n| n);
            return self.push_leaf(first, k, leaf);
        }
        if k == 0 {
            let shift = self.shift + self.top;
            let node = match shift {
                64 => collision_of(few, which),
                _ => {
                    let mut below = Blocks::new(shift);
                    below.divide(few, which, 0, below.top);
                    below.finish_new()
                }
            };
            return self.push_leaf(first, 0, node);
        }
        let (half, bit) = (k - 1, self.shift + self.top - k);
        // Those with a zero in this bit first, both in their order.
        let mut ones = SmallVec::<[usize; 2 * LEAF_MAX]>::new();
        let mut zeros = 0;
        for n in 0..which.len() {
            let i = which[n];
            if (few.hash(i) << bit) >> 63 == 1 {
                ones.push(i)
            } else {
                which[zeros] = i;
                zeros += 1
            }
        }
        which[zeros..].copy_from_slice(&ones);
        let (zeros, ones) = which.split_at_mut(zeros);
        self.divide(few, zeros, first, half);
        self.divide(few, ones, first + (1 << half), half);
    }

    /// Adds a resident node. Nothing stored merges here, so nothing can fail.
    fn push_leaf(&mut self, first: usize, k: u32, node: Node<K, V, C>) {
        debug_assert!(!node.word().is_stored());
        self.list.push((first, k, node))
    }

    /// Adds the block of `view` at its slot `s` as it is, in slots of this node. A stored word stays stored unless
    /// the blocks thaw from another origin (L8).
    pub(super) fn keep(&mut self, view: Divided<'_, K, V, C>, s: usize) -> Result<()> {
        let x = self.top - view.bits();
        let k = view.block(s);
        let (first, word) = (s >> k << k << x, view.peek(s));
        if word.is_stored() {
            let origin = view.origin().expect("L8: a node with stored links has an origin");
            match &self.origin {
                None => self.origin = Some(origin.clone()),
                Some(own) if Arc::ptr_eq(own, origin) => {}
                Some(_) => {
                    count!(MixedOrigins);
                    let node = view.child(s)?.to_owned();
                    return self.push(first, k + x, node);
                }
            }
        }
        // SAFETY: the child lives while its parent does.
        let node = unsafe { NodeRef::from_word(word) }.to_owned();
        self.push(first, k + x, node)
    }

    /// Adds a block that is canonical in itself, and merges it with those before it as the rule says (M1).
    pub(super) fn push(&mut self, first: usize, k: u32, node: Node<K, V, C>) -> Result<()> {
        self.list.push((first, k, node));
        self.settle()
    }

    /// Merges the last two blocks while they are siblings with 15 entries or fewer together.
    pub(super) fn settle(&mut self) -> Result<()> {
        while let [.., (f, j, a), (g, k, b)] = &self.list[..] {
            let siblings = j == k && f ^ g == 1 << k && f < g;
            let (Some(m), Some(n)) = (leaf_len(a), leaf_len(b)) else { break };
            if !siblings || m + n > LEAF_MAX {
                break;
            }
            let (first, k) = (*f, *k + 1);
            let node = if m == 0 || n == 0 {
                let (_, _, b) = self.list.pop().expect("two blocks");
                let (_, _, a) = self.list.pop().expect("two blocks");
                if m == 0 { b } else { a }
            } else {
                count!(LeafMerge);
                let len = self.list.len();
                for (_, _, node) in &mut self.list[len - 2..] {
                    if node.word().is_stored() {
                        *node = load(node.word(), self.origin.as_ref())?
                    }
                }
                let mut pour = Pour::<_, _, _, 2>::new();
                for (_, _, node) in &self.list[len - 2..] {
                    // SAFETY: we own these; an exclusive one nobody else can reach.
                    unsafe { pour.add(node.link(), true, None) }
                }
                let new = pour.merged();
                self.list.truncate(len - 2);
                new
            };
            self.list.push((first, k, node));
        }
        Ok(())
    }

    /// True if one block fills the node: it stands for the node then.
    fn is_one(&self) -> bool {
        matches!(self.list[..], [(_, k, _)] if k == self.top)
    }

    /// The node, where no old one is to be kept.
    fn finish_new(mut self) -> Node<K, V, C> {
        if self.is_one() {
            return self.list.pop().expect("one").2;
        }
        self.full()
    }

    /// The node. One of `old`, or an overlay over it, where that says the same.
    pub(super) fn finish(mut self, old: &[NodeRef<'_, K, V, C>]) -> Result<Node<K, V, C>> {
        if self.is_one() {
            let node = self.list.pop().expect("one").2;
            return if node.word().is_stored() { load(node.word(), self.origin.as_ref()) } else { Ok(node) };
        }
        for &node in old.iter().filter(|node| form(node.word()) == Form::Divided) {
            let view = Divided::new(node);
            if self.differing(view).next().is_none() {
                return Ok(node.to_owned());
            }
            let base = Divided { base: view.base, overlay: None };
            let changes = self.differing(base).take(OVERLAY_MAX + 1).count();
            if changes == 0 {
                return Ok(base.base.to_owned());
            }
            let few = changes <= OVERLAY_MAX;
            let fits = self.differing(base).all(|(_, k, _)| self.top - k <= base.bits());
            // A stored override thaws from its base's origin (L8).
            let from_base = |word: Word| !word.is_stored() || same_origin(self.origin.as_ref(), base.origin());
            if few && fits && base.bits() >= OVERLAY_LEAST && self.differing(base).all(|(_, _, n)| from_base(n.word()))
            {
                return Ok(self.overlay_over(base));
            }
        }
        Ok(self.full())
    }

    /// The blocks that are not as they are in `view`.
    fn differing<'s>(&'s self, view: Divided<'s, K, V, C>) -> impl Iterator<Item = &'s (usize, u32, Node<K, V, C>)> {
        let x = self.top - view.bits();
        self.list.iter().filter(move |(first, k, node)| {
            let word = view.peek(first >> x);
            let empty = |word: Word| !word.is_node() && !word.is_stored();
            let alike = word == node.word() && (!word.is_stored() || same_origin(self.origin.as_ref(), view.origin()));
            !(*k >= x && view.block(first >> x) + x == *k && (alike || empty(word) && empty(node.word())))
        })
    }

    fn overlay_over(&self, base: Divided<'_, K, V, C>) -> Node<K, V, C> {
        count!(Overlaid);
        let x = self.top - base.bits();
        let count = self.differing(base).count();
        let mut new = Trie::new_overlay_over(base.base, count);
        let mut to = OverlayMut::new(&mut new);
        for (first, k, node) in self.differing(base) {
            let word = self.word_of(*k, node.clone());
            // SAFETY: there is room, and the count is passed on.
            unsafe { to.push(first >> x, k - x, word, true) }
        }
        new
    }

    /// The word for a block of 2^k slots; an empty one says its depth.
    fn word_of(&self, k: u32, node: Node<K, V, C>) -> Word {
        match node.word() {
            word if word.is_node() => node.into_word(),
            word if word.is_stored() => {
                let note = Note { depth: self.top - k, ..Note::of(word) };
                Word::stored(word.address().expect("stored"), note.bits())
            }
            _ => Word::plain((self.top - k) as usize),
        }
    }

    fn full(mut self) -> Node<K, V, C> {
        let least = self.list.iter().map(|&(_, k, _)| k).min().expect("blocks fill the node");
        let bits = self.top - least;
        let mut words = [Word::plain(0); 1 << MOST_BITS];
        for (first, k, node) in std::mem::take(&mut self.list) {
            Trie::note_depth(&node, self.top - k);
            let word = self.word_of(k, node);
            words[first >> least..(first + (1 << k)) >> least].fill(word);
        }
        // SAFETY: the blocks fill the node and give one count each; stored ones are of `origin` (`keep`).
        unsafe { Trie::new_inner(&words[..1 << bits], self.origin.take()) }
    }
}

fn same_origin(a: Option<&Arc<Origin>>, b: Option<&Arc<Origin>>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
}

/// The entries of a leaf, an empty block or a stored leaf.
fn leaf_len<K, V, C: Count>(node: &Node<K, V, C>) -> Option<usize> {
    match node.word().is_stored() {
        true => Some(Note::of(node.word()).len).filter(|&n| n > 0),
        false => Leaf::len_of(node.link()),
    }
}
