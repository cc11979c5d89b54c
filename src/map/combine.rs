//! Set operations on two versions: one lockstep recursion with a rule.
//!
//! In: two roots and a [`Rule`]: what happens to entries of the left, of the right, and of both. Out: the canonical
//! node of the result.
//! Must hold: parts that are the same on both sides, or absent on one, are kept or left out whole, unread; so
//! versions that share structure cost O(what differs). Neither side is changed.
//! Uses: `link`, `node`, `leaf`, `inner`, `overlay`, `pour`, `blocks`, `build`, `error`.
#![allow(unsafe_code)] // Links are compared as words: docs/ARCHITECTURE.md, "Unsafe".

use super::blocks::*;
use super::build::*;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::overlay::*;
use super::pour::*;
use crate::error::Result;
use crate::link::{Count, Mark, MarkCell, Word, same};
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use smallvec::SmallVec;

/// What becomes of a key that both sides have.
pub(super) enum Both<'f, K, V> {
    /// The left entry stays.
    Left,
    /// Neither stays.
    Drop,
    /// The function decides, for every such key.
    Ask(&'f mut dyn FnMut(&K, &V, &V) -> Option<V>),
}

/// What a set operation keeps.
pub(super) struct Rule<'f, K, V> {
    pub(super) left: bool,
    pub(super) right: bool,
    pub(super) both: Both<'f, K, V>,
}

/// A borrowed entry: its hash, its mark, and its place in its leaf. A few of them are entries of one leaf, in the
/// order of their places.
struct One<'a, K, V> {
    hash: u64,
    entry: &'a (K, V),
    mark: Mark,
    place: Place,
}

impl<K, V> Clone for One<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V> Copy for One<'_, K, V> {}

/// Entries of one leaf, and of two: on the stack, but for collision leaves.
type Ones<'a, K, V> = SmallVec<[One<'a, K, V>; LEAF_MAX]>;
type Keeping<'a, K, V> = SmallVec<[Kept<'a, K, V>; 2 * LEAF_MAX]>;

/// One side of a block: a node, or some entries of a leaf that stands higher up.
enum Side<'a, 's, K, V, C: Count> {
    Node(NodeRef<'a, K, V, C>),
    Few(&'s [One<'a, K, V>]),
}

/// An entry of a result, and where in its leaf it is to stand: in the place that it has on the left, else in the
/// lowest free one. What the rule's function made is not the entry's own value.
struct Kept<'a, K, V> {
    one: One<'a, K, V>,
    made: Option<V>,
}

/// The result of `rule` on two roots with so many entries, and its number of entries.
pub(super) fn combine<K, V, C, S>(
    (a, a_len): (NodeRef<'_, K, V, C>, usize),
    (b, b_len): (NodeRef<'_, K, V, C>, usize),
    hasher: &S,
    rule: Rule<'_, K, V>,
) -> Result<(Node<K, V, C>, usize)>
where
    K: Hash + Eq + Clone,
    V: Clone,
    C: Count,
    S: BuildHasher,
{
    let ((aw, a_from), (bw, b_from)) = (peek_stub(a), peek_stub(b));
    // SAFETY: the roots live, and what they link to.
    if unsafe { same(aw, a_from, bw, b_from) } {
        match rule.both {
            Both::Left => return Ok((a.to_owned(), a_len)),
            Both::Drop => return Ok((empty(0), 0)),
            Both::Ask(_) => {}
        }
    }
    if a_len == 0 || b_len == 0 {
        return Ok(match (rule.left && a_len > 0, rule.right && b_len > 0) {
            (true, _) => (a.to_owned(), a_len),
            (_, true) => (b.to_owned(), b_len),
            _ => (empty(0), 0),
        });
    }
    // Of one side it is counted what the other has not, of the smaller one: the rest follows from the lengths.
    let count_left = a_len <= b_len;
    let mut op = Op { hasher, rule, count_left, count_right: !count_left, left: 0, right: 0, both: 0 };
    let root = op.nodes(through_stub(a)?, through_stub(b)?, 0)?;
    // (With keys that lie about themselves they may be anything.)
    let (left, right) = match count_left {
        true => (op.left, (b_len - a_len).wrapping_add(op.left)),
        false => ((a_len - b_len).wrapping_add(op.right), op.right),
    };
    let both = match op.rule.both {
        Both::Left => a_len.saturating_sub(left),
        Both::Drop => 0,
        Both::Ask(_) => op.both,
    };
    let one_sided = |is_kept: bool, len: usize| if is_kept { len } else { 0 };
    let len = both.wrapping_add(one_sided(op.rule.left, left)).wrapping_add(one_sided(op.rule.right, right));
    Ok((root, len))
}

/// The entries below `root` for which `keep` says so.
pub(super) fn retain<K, V, C>(
    root: NodeRef<'_, K, V, C>,
    keep: &mut dyn FnMut(&K, &V) -> bool,
    hash: &dyn Fn(&K) -> u64,
) -> Result<Node<K, V, C>>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    retain_below(through_stub(root)?, 0, keep, hash)
}

fn retain_below<K, V, C>(
    node: NodeRef<'_, K, V, C>,
    shift: u32,
    keep: &mut dyn FnMut(&K, &V) -> bool,
    hash: &dyn Fn(&K) -> u64,
) -> Result<Node<K, V, C>>
where
    K: Clone,
    V: Clone,
    C: Count,
{
    if !node.word().is_node() {
        return Ok(empty(0));
    }
    if form(node.word()) != Form::Divided {
        let leaf = Leaf::new(node);
        let keeps = |place: &Place| keep(&leaf.entry(*place).0, &leaf.entry(*place).1);
        if node.tag() != COLLISION {
            let stays: u32 = bits(leaf.live()).filter(keeps).fold(0, |set, place| set | 1 << place);
            if stays == leaf.live() {
                return Ok(node.to_owned());
            }
            return Ok(match stays {
                0 => empty(0),
                _ => poured(Pour::of(leaf, stays), leaf_cap::<K, V>(places(stays))),
            });
        }
        let stays: Vec<Place> = leaf.places().filter(keeps).collect();
        if stays.len() == leaf.len() {
            return Ok(node.to_owned());
        }
        let hash = hash(&leaf.entry(0).0);
        let one = |place: Place| {
            let mark = leaf.mark_of(place).get();
            Kept { one: One { hash, entry: leaf.entry(place), mark, place }, made: None }
        };
        return Ok(leaf_or_collision(&mut stays.into_iter().map(one).collect()));
    }
    let view = Divided::at(node, shift)?;
    let mut blocks = Blocks::of(shift, [Some(view), None]);
    let x = blocks.top - view.bits();
    for (first, k, _) in view.blocks() {
        let child = view.child(first)?;
        let below = if form(child.word()) == Form::Divided { shift + view.bits() } else { 64.min(shift + MOST_BITS) };
        let new = retain_below(child, below, keep, hash)?;
        let sides = if alike(new.word(), child.word()) { LEFT } else { 0 };
        blocks.push(first << x, k + x, new, sides)?;
    }
    blocks.finish()
}

struct Op<'h, 'f, K, V, S> {
    hasher: &'h S,
    rule: Rule<'f, K, V>,
    count_left: bool,
    count_right: bool,
    /// Entries in the left side only, as far as they are to be counted; the same for the right.
    left: usize,
    right: usize,
    /// Entries that the rule's function made.
    both: usize,
}

impl<K, V, S> Op<'_, '_, K, V, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
{
    /// Two resident nodes of one prefix of `shift` bits, neither empty.
    fn nodes<'a, C: Count>(
        &mut self,
        a: NodeRef<'a, K, V, C>,
        b: NodeRef<'a, K, V, C>,
        shift: u32,
    ) -> Result<Node<K, V, C>> {
        let divided = |node: NodeRef<'a, K, V, C>| {
            (form(node.word()) == Form::Divided).then(|| Divided::at(node, shift)).transpose()
        };
        let (x, y) = (divided(a)?, divided(b)?);
        let mut blocks = Blocks::of(shift, [x, y]);
        let top = blocks.top;
        match (x, y) {
            (Some(x), Some(y)) => self.divided(x, y, &mut blocks)?,
            (Some(x), None) => self.against(x, &mut self.few(b), false, 0, top, &mut blocks)?,
            (None, Some(y)) => self.against(y, &mut self.few(a), true, 0, top, &mut blocks)?,
            (None, None) => self.leaves(Side::Node(a), Side::Node(b), 0, top, &mut blocks)?,
        }
        blocks.finish()
    }

    fn few<'a, C: Count>(&self, leaf: NodeRef<'a, K, V, C>) -> Ones<'a, K, V> {
        let leaf = Leaf::new(leaf);
        let one = |place| {
            let entry = leaf.entry(place);
            One { hash: self.hasher.hash_one(&entry.0), entry, mark: leaf.mark_of(place).get(), place }
        };
        leaf.places().map(one).collect()
    }

    fn few_of<'a, C: Count>(&self, side: &Side<'a, '_, K, V, C>) -> Ones<'a, K, V> {
        match side {
            Side::Node(node) => self.few(*node),
            Side::Few(few) => few.iter().copied().collect(),
        }
    }

    /// Two divided nodes of one prefix.
    fn divided<'a, C: Count>(
        &mut self,
        x: Divided<'a, K, V, C>,
        y: Divided<'a, K, V, C>,
        blocks: &mut Blocks<'a, K, V, C>,
    ) -> Result<()> {
        let top = blocks.top;
        let (dx, dy) = (top - x.bits(), top - y.bits());
        let d = dx.min(dy);
        // In a union no block gets smaller, so that none merges: what is alike need not even be listed.
        let is_union = self.rule.left && self.rule.right && matches!(self.rule.both, Both::Left);
        let mut rest = if is_union { x.differing(y) } else { slots(0, top - d) };
        while rest != 0 {
            let s = (rest.trailing_zeros() as usize) << d;
            let (i, j) = (x.block(s >> dx) + dx, y.block(s >> dy) + dy);
            let k = i.max(j);
            let s = s >> k << k;
            rest &= !slots(s >> d, k - d);
            let (cx, cy) = (x.peek(s >> dx), y.peek(s >> dy));
            // SAFETY: children live while their parents do.
            let is_same = || i == j && unsafe { same(cx, x.origin(), cy, y.origin()) };
            if i == j && is_empty(cx) && is_empty(cy) {
                if !is_union {
                    blocks.keep(x, s >> dx, LEFT | RIGHT)?
                }
            } else if is_empty(cx) && i == k {
                self.one_side(y, s, k, RIGHT, LEFT, blocks)?
            } else if is_empty(cy) && j == k {
                self.one_side(x, s, k, LEFT, RIGHT, blocks)?
            } else if matches!(self.rule.both, Both::Left) && is_same() {
                if !is_union {
                    blocks.keep(x, s >> dx, LEFT | RIGHT)?
                }
            } else if matches!(self.rule.both, Both::Drop) && is_same() {
                blocks.push(s, k, empty(0), 0)?
            } else if i == j {
                let (a, b) = (x.child(s >> dx)?, y.child(s >> dy)?);
                if form(a.word()) == Form::Divided || form(b.word()) == Form::Divided {
                    let new = self.nodes(a, b, blocks.shift + top)?;
                    let sides = sides_of(new.word(), a.word(), b.word());
                    blocks.push(s, k, new, sides)?
                } else {
                    self.leaves(Side::Node(a), Side::Node(b), s, k, blocks)?
                }
            } else if i > j {
                let mut few = self.few(x.child(s >> dx)?);
                self.against(y, &mut few, true, s, k, blocks)?
            } else {
                let mut few = self.few(y.child(s >> dy)?);
                self.against(x, &mut few, false, s, k, blocks)?
            }
        }
        Ok(())
    }

    /// The 2^k slots at `first`, where only `view` has entries, which is this side; where all of them go the block is as in
    /// `bare`.
    fn one_side<'a, C: Count>(
        &mut self,
        view: Divided<'a, K, V, C>,
        first: usize,
        k: u32,
        side: Sides,
        bare: Sides,
        blocks: &mut Blocks<'a, K, V, C>,
    ) -> Result<()> {
        let d = blocks.top - view.bits();
        let (keep, count) = match side {
            LEFT => (self.rule.left, self.count_left),
            _ => (self.rule.right, self.count_right),
        };
        if count {
            let n = entries_in(view, blocks.shift, first >> d, (first + (1 << k)) >> d)?;
            match side {
                LEFT => self.left += n,
                _ => self.right += n,
            }
        }
        if !keep {
            return blocks.push(first, k, empty(0), bare);
        }
        let mut s = first;
        while s < first + (1 << k) {
            blocks.keep(view, s >> d, side)?;
            s += 1 << (view.block(s >> d) + d)
        }
        Ok(())
    }

    /// The 2^k slots at `first`: `view` there, against a few entries of a leaf; `few_left` tells whose the few are.
    fn against<'a, C: Count>(
        &mut self,
        view: Divided<'a, K, V, C>,
        few: &mut [One<'_, K, V>],
        few_left: bool,
        first: usize,
        k: u32,
        blocks: &mut Blocks<'a, K, V, C>,
    ) -> Result<()> {
        let d = blocks.top - view.bits();
        let (keep_few, side) = if few_left { (self.rule.left, RIGHT) } else { (self.rule.right, LEFT) };
        // Those of one block side by side, in their order.
        let (shift, top) = (blocks.shift, blocks.top);
        few.sort_by_key(|one| slot_of(one.hash, shift, top));
        let (mut s, mut few) = (first, few);
        while s < first + (1 << k) {
            let k = view.block(s >> d) + d;
            let end = s + (1 << k);
            let here = few.iter().take_while(|one| slot_of(one.hash, shift, top) < end).count();
            let (these, rest) = few.split_at_mut(here);
            few = rest;
            let word = view.peek(s >> d);
            if these.is_empty() {
                self.one_side(view, s, k, side, 0, blocks)?
            } else if is_empty(word) {
                match few_left {
                    true => self.left += these.len() * self.count_left as usize,
                    false => self.right += these.len() * self.count_right as usize,
                }
                let these: &[_] = if keep_few { these } else { &[] };
                place_found(&mut these.iter().map(|&one| Kept { one, made: None }).collect(), s, k, blocks)?
            } else {
                let child = view.child(s >> d)?;
                if form(child.word()) == Form::Divided {
                    let shift = shift + top;
                    let view = Divided::at(child, shift)?;
                    let mut below = Blocks::of(shift, if few_left { [None, Some(view)] } else { [Some(view), None] });
                    let top = below.top;
                    self.against(view, these, few_left, 0, top, &mut below)?;
                    let new = below.finish()?;
                    let sides = if alike(new.word(), child.word()) { side } else { 0 };
                    blocks.push(s, k, new, sides)?
                } else if few_left {
                    self.leaves(Side::Few(these), Side::Node(child), s, k, blocks)?
                } else {
                    self.leaves(Side::Node(child), Side::Few(these), s, k, blocks)?
                }
            }
            s = end
        }
        Ok(())
    }

    /// The 2^k slots at `first`, entries against entries.
    fn leaves<C: Count>(
        &mut self,
        left: Side<'_, '_, K, V, C>,
        right: Side<'_, '_, K, V, C>,
        first: usize,
        k: u32,
        blocks: &mut Blocks<'_, K, V, C>,
    ) -> Result<()> {
        let plain = |node: NodeRef<'_, K, V, C>| is_leaf(node.tag()) || is_leaf_overlay(node.tag());
        if let (Side::Node(a), Side::Node(b)) = (&left, &right)
            && plain(*a)
            && plain(*b)
            && !matches!(self.rule.both, Both::Ask(_))
            && let Some(node) = self.two_leaves(Leaf::new(*a), Leaf::new(*b))
        {
            let sides = sides_of(node.word(), a.word(), b.word());
            return blocks.push(first, k, node, sides);
        }
        self.entries(left, right, first, k, blocks)
    }

    /// Two leaves, where the result is one leaf too and its entries need no hashes.
    fn two_leaves<C: Count>(&mut self, a: Leaf<'_, K, V, C>, b: Leaf<'_, K, V, C>) -> Option<Node<K, V, C>> {
        let (in_a, in_b) = (a.live(), b.live());
        let has = |leaf: Leaf<'_, K, V, C>, tag, key: &K| leaf.get_tagged(tag, key).is_some();
        let both_a: u32 = bits(in_a).filter(|&p| has(b, a.tag_at(p), &a.entry(p).0)).fold(0, |set, p| set | 1 << p);
        // As many as on the left, so that where there are none nothing is searched.
        let both_b: u32 = match both_a {
            0 => 0,
            _ => bits(in_b).filter(|&p| has(a, b.tag_at(p), &b.entry(p).0)).fold(0, |set, p| set | 1 << p),
        };
        let keep = |set: u32, keep: bool| if keep { set } else { 0 };
        let stays = keep(both_a, matches!(self.rule.both, Both::Left)) | keep(in_a & !both_a, self.rule.left);
        let comes = keep(in_b & !both_b, self.rule.right);
        let (stay, come) = (stays.count_ones() as usize, comes.count_ones() as usize);
        if stay + come > LEAF_MAX {
            return None;
        }
        let only = |all: u32, both: u32| (all & !both).count_ones() as usize;
        self.left += only(in_a, both_a) * self.count_left as usize;
        self.right += only(in_b, both_b) * self.count_right as usize;
        if comes == 0 && stays == in_a {
            return Some(a.to_owned());
        }
        // The lowest places that are free on the left.
        let all = and_lowest_free(stays, come);
        // The right leaf is the result if it has the very same entries at the same places. (If it merely had equal
        // ones the order of iteration would depend on what is shared.)
        let same = |p: usize| core::ptr::eq(a.entry(p), b.entry(p));
        if all == in_b && all & !stays == comes && bits(stays).all(same) {
            return Some(b.to_owned());
        }
        if all == 0 {
            return Some(empty(0));
        }
        let mut pour = Pour::<_, _, _, 2>::new();
        pour.add_some(a, stays);
        pour.add_some(b, comes);
        Some(pour.merged_into(0))
    }

    /// Entries against entries.
    fn entries<C: Count>(
        &mut self,
        left: Side<'_, '_, K, V, C>,
        right: Side<'_, '_, K, V, C>,
        first: usize,
        k: u32,
        blocks: &mut Blocks<'_, K, V, C>,
    ) -> Result<()> {
        let (a, b) = (self.few_of(&left), self.few_of(&right));
        let mut kept = Keeping::new();
        let mut is_left = true;
        for one in a.iter() {
            let (keep, made) = match right.find(one) {
                None => {
                    self.left += self.count_left as usize;
                    (self.rule.left, None)
                }
                Some(other) => match &mut self.rule.both {
                    Both::Left => (true, None),
                    Both::Drop => (false, None),
                    Both::Ask(f) => {
                        is_left = false;
                        let made = f(&one.entry.0, &one.entry.1, &other.1);
                        self.both += made.is_some() as usize;
                        (made.is_some(), made)
                    }
                },
            };
            is_left &= keep;
            if keep {
                kept.push(Kept { one: *one, made })
            }
        }
        let of_left = kept.len();
        for one in b.iter().filter(|one| left.find(one).is_none()) {
            self.right += self.count_right as usize;
            is_left &= !self.rule.right;
            if self.rule.right {
                kept.push(Kept { one: *one, made: None })
            }
        }
        if let (Side::Node(node), true) = (&left, is_left) {
            return blocks.push(first, k, NodeRef::to_owned(*node), LEFT);
        }
        find_places(&mut kept, of_left);
        if let Side::Node(node) = right {
            // The right node is the result if it has the very same entries at the same places. (If it merely had
            // equal ones the order of iteration would depend on what is shared.)
            let is = |kept: &Kept<'_, K, V>| {
                kept.made.is_none()
                    && b.iter().any(|one| one.place == kept.one.place && core::ptr::eq(one.entry, kept.one.entry))
            };
            if kept.len() == b.len() && kept.len() <= LEAF_MAX && kept.iter().all(is) {
                return blocks.push(first, k, NodeRef::to_owned(node), RIGHT);
            }
        }
        place_found(&mut kept, first, k, blocks)
    }
}

/// Gives each entry from `of_left` on the lowest place that is free; those before keep theirs. A leaf's places only.
fn find_places<K, V>(kept: &mut [Kept<'_, K, V>], of_left: usize) {
    let mut free =
        !kept[..of_left].iter().filter(|k| k.one.place < LEAF_MAX).fold(0, |set, k| set | 1u32 << k.one.place);
    for kept in kept[of_left..].iter_mut().take(LEAF_MAX) {
        kept.one.place = free.trailing_zeros() as usize;
        free &= free - 1
    }
}

impl<'a, K: Eq, V, C: Count> Side<'a, '_, K, V, C> {
    /// The entry of the same key.
    fn find(&self, wanted: &One<'_, K, V>) -> Option<&'a (K, V)> {
        match self {
            Side::Node(node) => Leaf::new(*node).get(wanted.hash, &wanted.entry.0),
            Side::Few(few) => {
                let same = |one: &&One<'_, K, V>| one.hash == wanted.hash && one.entry.0 == wanted.entry.0;
                few.iter().find(same).map(|one| one.entry)
            }
        }
    }
}

/// In which of two sides, which show `a` and `b`, a block of this word is as it is.
fn sides_of(word: Word, a: Word, b: Word) -> Sides {
    let side = |of: Word, side: Sides| if alike(word, of) { side } else { 0 };
    side(a, LEFT) | side(b, RIGHT)
}

/// Puts entries into the block of 2^k slots at `first`: as one leaf at their places, or divided.
fn place_found<K: Clone, V: Clone, C: Count>(
    kept: &mut Keeping<'_, K, V>,
    first: usize,
    k: u32,
    blocks: &mut Blocks<'_, K, V, C>,
) -> Result<()> {
    if kept.len() <= LEAF_MAX {
        return blocks.push(first, k, leaf_or_collision(kept), 0);
    }
    let mut which: SmallVec<[usize; 2 * LEAF_MAX]> = (0..kept.len()).collect();
    blocks.divide(kept, &mut which, first, k);
    blocks.settle()
}

/// A leaf with the entries at their places; those of a collision leaf may have to close up. Or a collision leaf.
fn leaf_or_collision<K: Clone, V: Clone, C: Count>(kept: &mut Keeping<'_, K, V>) -> Node<K, V, C> {
    let which: SmallVec<[usize; 2 * LEAF_MAX]> = (0..kept.len()).collect();
    if kept.len() > LEAF_MAX {
        return collision_of(kept, &which);
    }
    let places: SmallVec<[Place; LEAF_MAX]> = kept.iter().map(|kept| kept.one.place).collect();
    let closes_up = places.iter().any(|&place| place >= LEAF_MAX);
    leaf_of(kept, &which, |n| if closes_up { n } else { places[n] })
}

impl<K: Clone, V: Clone> Few<K, V> for Keeping<'_, K, V> {
    #[inline(always)]
    fn hash(&self, i: usize) -> u64 {
        self[i].one.hash
    }

    #[inline(always)]
    fn take(&mut self, i: usize) -> ((K, V), MarkCell) {
        let Kept { one, made } = &mut self[i];
        match made.take() {
            None => (one.entry.clone(), MarkCell::new(one.mark)),
            Some(value) => ((one.entry.0.clone(), value), MarkCell::new(Mark::nowhere(one.hash >> HASH_LOST))),
        }
    }
}
