//! The blocks of a node to be, made or kept one by one.
//!
//! In: blocks in slot order, and the nodes that the new one may be like (its *sides*). Out: the canonical node (M1): blocks
//! that hold 15 entries or fewer together become one leaf; what says the same as a side is that side, what differs little
//! from it an overlay over it.
//! Must hold: M1, M2, L8; a block is read once, when it is kept: another thread may thaw it meanwhile. No user code runs
//! but `Clone` of entries of shared leaves that merge, which leaves the blocks whole.
//! Uses: `link`, `node`, `pour`, `inner`, `overlay`, `overlay_mut`, `build`, `lazy`, `error`.
#![allow(unsafe_code)] // Counts of blocks: docs/ARCHITECTURE.md, "Unsafe".

use super::build::*;
use super::inner::*;
use super::lazy::whole;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use super::pour::*;
use crate::error::Result;
use crate::link::{Count, Origin, Word};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// The blocks of one node to be, in slot order.
pub(super) struct Blocks<'a, K, V, C: Count> {
    pub(super) shift: u32,
    /// Bits of the widest node that can begin at `shift`; slots are counted in its measure.
    pub(super) top: u32,
    sides: [Option<Divided<'a, K, V, C>>; 2],
    /// Where stored words among the blocks thaw from (L8): a side's.
    origin: Option<&'a Arc<Origin>>,
    /// What is not in it is as in both sides.
    list: Vec<Block<K, V, C>>,
}

struct Block<K, V, C: Count> {
    first: usize,
    k: u32,
    piece: Piece<K, V, C>,
    sides: Sides,
}

/// Which sides show a block as it is: [`LEFT`], [`RIGHT`], both or none.
pub(super) type Sides = u8;
pub(super) const LEFT: Sides = 1;
pub(super) const RIGHT: Sides = 2;

enum Piece<K, V, C: Count> {
    New(Node<K, V, C>),
    /// A side keeps it alive. It may be stored.
    Shown(Word),
}

impl<K, V, C: Count> Piece<K, V, C> {
    fn word(&self) -> Word {
        match self {
            Piece::New(node) => node.word(),
            Piece::Shown(word) => *word,
        }
    }

    /// The entries of a leaf, an empty block or a stored leaf.
    fn leaf_len(&self) -> Option<usize> {
        // SAFETY: ours, or kept alive by a side.
        unsafe { leaf_len::<K, V, C>(self.word()) }
    }

    /// A count of the node, thawed if it is stored; and whether it is ours alone.
    fn resident(self, origin: Option<&Arc<Origin>>) -> Result<(Node<K, V, C>, bool)> {
        Ok(match self {
            Piece::New(node) => (node, true),
            Piece::Shown(word) if word.is_stored() => {
                let node = load(word, origin)?;
                whole(node.link())?;
                (node, true)
            }
            // SAFETY: a side keeps it alive.
            Piece::Shown(word) => (whole(unsafe { NodeRef::from_word(word) })?.to_owned(), false),
        })
    }
}

/// True if two words of one block say the same; of stored ones that is known only if they are of one log.
pub(super) fn alike(a: Word, b: Word) -> bool {
    a == b || is_empty(a) && is_empty(b)
}

/// True if the word is that of an empty block.
#[inline(always)]
pub(super) fn is_empty(word: Word) -> bool {
    !word.is_node() && !word.is_stored()
}

impl<'a, K: Clone, V: Clone, C: Count> Blocks<'a, K, V, C> {
    /// Of a node that is like no other.
    pub(super) fn new(shift: u32) -> Self {
        Self::of(shift, [None; 2])
    }

    /// Of a node that may be like these, which begin at its bit: left, right.
    pub(super) fn of(shift: u32, sides: [Option<Divided<'a, K, V, C>>; 2]) -> Self {
        let origin = sides.iter().flatten().find_map(|side| side.origin());
        Blocks { shift, top: MOST_BITS.min(64 - shift), sides, origin, list: Vec::new() }
    }

    /// Adds the node of the next `len` items as the block of 2^k slots at `first`, divided as it must be.
    pub(super) fn build(&mut self, items: &mut vec::IntoIter<Item<K, V>>, len: usize, first: usize, k: u32) {
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
        self.list.push(Block { first, k, piece: Piece::New(node), sides: 0 })
    }

    /// Adds the block of `view`, a side, at its slot `s` as it is. A stored word stays stored unless the blocks thaw from
    /// another origin (L8).
    pub(super) fn keep(&mut self, view: Divided<'a, K, V, C>, s: usize, sides: Sides) -> Result<()> {
        let x = self.top - view.bits();
        let (k, mut word) = (view.block(s), view.peek(s));
        if word.is_stored() && !same_origin(self.origin, view.origin()) {
            count!(MixedOrigins);
            word = view.child(s)?.word()
        }
        self.list.push(Block { first: s >> k << k << x, k: k + x, piece: Piece::Shown(word), sides });
        self.settle()
    }

    /// Adds a block that is canonical in itself, and merges it with those before it as the rule says (M1).
    pub(super) fn push(&mut self, first: usize, k: u32, node: Node<K, V, C>, sides: Sides) -> Result<()> {
        self.list.push(Block { first, k, piece: Piece::New(node), sides });
        self.settle()
    }

    /// Merges the last two blocks while they are siblings with 15 entries or fewer together.
    pub(super) fn settle(&mut self) -> Result<()> {
        while let [.., a, b] = &self.list[..] {
            let siblings = a.k == b.k && a.first ^ b.first == 1 << a.k && a.first < b.first;
            if !siblings {
                break;
            }
            let (Some(m), Some(n)) = (a.piece.leaf_len(), b.piece.leaf_len()) else { break };
            if m + n > LEAF_MAX {
                break;
            }
            let (first, k) = (a.first, a.k + 1);
            let b = self.list.pop().expect("two blocks").piece;
            let a = self.list.pop().expect("two blocks").piece;
            let piece = if m == 0 || n == 0 {
                if m == 0 { b } else { a }
            } else {
                count!(LeafMerge);
                let (a, b) = (a.resident(self.origin)?, b.resident(self.origin)?);
                let mut pour = Pour::<_, _, _, 2>::new();
                for (node, is_mine) in [&a, &b] {
                    // SAFETY: nobody else can reach what is ours alone.
                    unsafe { pour.add(node.link(), *is_mine, None) }
                }
                Piece::New(pour.merged())
            };
            self.list.push(Block { first, k, piece, sides: 0 });
        }
        Ok(())
    }

    /// True if one block fills the node: it stands for the node then.
    fn is_one(&self) -> bool {
        matches!(self.list[..], [Block { k, .. }] if k == self.top)
    }

    /// The node, where nothing is stored.
    pub(super) fn finish_new(mut self) -> Node<K, V, C> {
        match self.list.pop() {
            Some(Block { k, piece: Piece::New(node), .. }) if k == self.top => node,
            last => {
                self.list.extend(last);
                self.full()
            }
        }
    }

    /// The node. One of the sides, or an overlay over one, where that says the same.
    pub(super) fn finish(mut self) -> Result<Node<K, V, C>> {
        if self.is_one() {
            let piece = self.list.pop().expect("one").piece;
            return if is_empty(piece.word()) { Ok(empty(0)) } else { Ok(piece.resident(self.origin)?.0) };
        }
        let changes = |side: Sides| self.list.iter().filter(move |block| block.sides & side == 0);
        let known = |(side, view): (Sides, Option<_>)| view.map(|view| (changes(side).count(), side, view));
        let sides = [(LEFT, self.sides[0]), (RIGHT, self.sides[1])];
        let Some((n, side, view)) = sides.into_iter().filter_map(known).min_by_key(|&(n, ..)| n) else {
            return Ok(self.full());
        };
        if n == 0 {
            return Ok(view.node().to_owned());
        }
        let fits = |block: &Block<K, V, C>| {
            // A stored override thaws from its base's origin (L8).
            let thaws = !block.piece.word().is_stored() || same_origin(self.origin, view.origin());
            self.top - block.k <= view.bits() && thaws
        };
        if n <= OVERLAY_MAX && view.bits() >= OVERLAY_LEAST && changes(side).all(fits) {
            let x = self.top - view.bits();
            let covered =
                |o: Overlay<'_, _, _, _>| changes(side).fold(0, |all, b| all | o.covered(b.first >> x, b.k - x));
            let covered = view.overlay.map_or(0, covered);
            if view.overlay.map_or(0, |o| o.len()) - count(covered) + n <= OVERLAY_MAX {
                return Ok(self.overlay_over(side, view, covered, n));
            }
        }
        Ok(self.full())
    }

    /// An overlay that shows what `view` does but for the blocks that are not as in this side, `n` of them; they cover these
    /// of its overrides.
    fn overlay_over(self, side: Sides, view: Divided<'a, K, V, C>, covered: u64, n: usize) -> Node<K, V, C> {
        let x = self.top - view.bits();
        let len = view.overlay.map_or(0, |o| o.len());
        let mut new = view.new_over(len.max(len - count(covered) + n));
        let mut to = OverlayMut::new(&mut new);
        to.clear(covered, &mut Gone::new());
        for Block { first, k, piece, .. } in self.list.into_iter().filter(|block| block.sides & side == 0) {
            // SAFETY: there is room, as was counted; together the blocks cover whole blocks of the view; the count is
            // passed on.
            unsafe { to.push(first >> x, k - x, word_of(self.top - k, piece), true) }
        }
        new
    }

    fn full(mut self) -> Node<K, V, C> {
        let list = core::mem::take(&mut self.list);
        let listed =
            |bits: u32| list.iter().fold(0, |all, b| all | slots(b.first >> (self.top - bits), b.k + bits - self.top));
        let least = list.iter().map(|block| block.k).min().unwrap_or(self.top);
        let mut bits = self.top - least;
        let mut words = [Word::plain(0); 1 << MOST_BITS];
        if listed(bits) != slots(0, bits) {
            // The rest is as in both sides.
            let side = self.sides[0].expect("unlisted blocks are those of the sides");
            bits = bits.max(side.bits());
            words = side.words(bits);
            let mut rest = slots(0, bits) & !listed(bits);
            while rest != 0 {
                let from = rest.trailing_zeros() as usize;
                let run = (rest >> from).trailing_ones() as usize;
                // SAFETY: whole blocks, whose counts go into the new node.
                unsafe { side.count_all(&words[from..from + run]) }
                rest &= !(u64::MAX >> (64 - run) << from)
            }
        }
        let x = self.top - bits;
        for Block { first, k, piece, .. } in list {
            if let Piece::New(node) = &piece {
                Trie::note_depth(node, self.top - k)
            }
            words[first >> x..(first + (1 << k)) >> x].fill(word_of(self.top - k, piece));
        }
        let words = &words[..1 << bits];
        let origin = self.origin.filter(|_| words.iter().any(|word| word.is_stored()));
        // SAFETY: the blocks fill the node and give one count each; stored ones are of `origin` (`keep`; and unlisted ones
        // are of the left side's, which is it).
        unsafe { Trie::new_inner(words, origin.cloned()) }
    }
}

/// The word for a block of this depth, with a count of its own.
fn word_of<K, V, C: Count>(depth: u32, piece: Piece<K, V, C>) -> Word {
    match (piece.word(), piece) {
        (word, _) if is_empty(word) => Word::plain(depth as usize),
        (_, Piece::New(node)) => node.into_word(),
        (word, _) if word.is_stored() => {
            let note = Note { depth, ..Note::of(word) };
            Word::stored(word.address().expect("stored"), note.bits())
        }
        // SAFETY: a side keeps it alive.
        (word, _) => unsafe { NodeRef::<K, V, C>::from_word(word) }.to_owned().into_word(),
    }
}

fn same_origin(a: Option<&Arc<Origin>>, b: Option<&Arc<Origin>>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
}
