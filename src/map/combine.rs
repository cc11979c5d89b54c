//! Set operations on two versions: one lockstep recursion with a rule.
//!
//! In: two roots and a [`Rule`]: what happens to entries of the left, of the right, and of both. Out: the canonical
//! node of the result.
//! Must hold: parts that are the same on both sides, or absent on one, are kept or left out whole, unread; so
//! versions that share structure cost O(what differs). Neither side is changed.
//! Uses: `link`, `node`, `leaf`, `inner`, `build`.
#![allow(unsafe_code)] // Links are compared as words: docs/ARCHITECTURE.md, "Unsafe".

use super::build::*;
use super::inner::*;
use super::leaf::*;
use super::node::*;
use crate::error::Result;
use crate::link::{Count, Mark, Word, same};
use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};

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

/// A borrowed entry with its hash and mark. A few of them are the entries of one leaf, in hash order.
type One<'a, K, V> = (u64, &'a (K, V), Mark);

/// One side of a block: a node, or some entries of a leaf that stands higher up.
enum Side<'a, 's, K, V, C: Count> {
    Node(NodeRef<'a, K, V, C>),
    Few(&'s [One<'a, K, V>]),
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
    let keeps_both = matches!(rule.both, Both::Left);
    // What is in one side only is counted where the result cannot be told from the left side's length.
    let (count_left, count_right) = (rule.left != keeps_both, rule.right);
    let mut op = Op { hasher, rule, count_left, count_right, left: 0, right: 0, both: 0 };
    let root = op.nodes(through_stub(a)?, through_stub(b)?, 0)?;
    let len = match keeps_both {
        true => a_len - op.left + op.right,
        false => op.left + op.right + op.both,
    };
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
        let mut kept = Vec::new();
        let mut all = true;
        Leaf::new(node).each(|(key, value), mark| match keep(key, value) {
            true => kept.push(Item { hash: hash(key), entry: (key.clone(), value.clone()), mark }),
            false => all = false,
        });
        sort(&mut kept);
        return Ok(if all { node.to_owned() } else { build(kept, shift) });
    }
    let view = Divided::new(node);
    let mut blocks = Blocks::new(shift);
    let x = blocks.top - view.bits();
    for (first, k, _) in view.blocks() {
        let child = view.child(first)?;
        let below = if form(child.word()) == Form::Divided { shift + view.bits() } else { 64.min(shift + MOST_BITS) };
        let new = retain_below(child, below, keep, hash)?;
        blocks.push(first << x, k + x, new)?;
    }
    blocks.finish(&[node])
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
    fn nodes<C: Count>(
        &mut self,
        a: NodeRef<'_, K, V, C>,
        b: NodeRef<'_, K, V, C>,
        shift: u32,
    ) -> Result<Node<K, V, C>> {
        let mut blocks = Blocks::new(shift);
        match (form(a.word()) == Form::Divided, form(b.word()) == Form::Divided) {
            (true, true) => self.divided(Divided::new(a), Divided::new(b), shift, &mut blocks)?,
            (true, false) => {
                let few = self.few(b);
                self.against(Divided::new(a), &few, false, shift, 0, blocks.top, &mut blocks)?
            }
            (false, true) => {
                let few = self.few(a);
                self.against(Divided::new(b), &few, true, shift, 0, blocks.top, &mut blocks)?
            }
            (false, false) => {
                let top = blocks.top;
                self.leaves(Side::Node(a), Side::Node(b), 0, top, &mut blocks)?
            }
        }
        blocks.finish(&[a, b])
    }

    fn few<'a, C: Count>(&self, leaf: NodeRef<'a, K, V, C>) -> Vec<One<'a, K, V>> {
        let mut few = Vec::with_capacity(LEAF_MAX);
        Leaf::new(leaf).each(|entry, mark| few.push((self.hasher.hash_one(&entry.0), entry, mark)));
        few.sort_by_key(|x| x.0);
        few
    }

    fn few_of<'a, 's, C: Count>(&self, side: &Side<'a, 's, K, V, C>) -> Cow<'s, [One<'a, K, V>]> {
        match side {
            Side::Node(node) => Cow::Owned(self.few(*node)),
            Side::Few(few) => Cow::Borrowed(few),
        }
    }

    /// Two divided nodes of one prefix.
    fn divided<C: Count>(
        &mut self,
        x: Divided<'_, K, V, C>,
        y: Divided<'_, K, V, C>,
        shift: u32,
        blocks: &mut Blocks<K, V, C>,
    ) -> Result<()> {
        let top = blocks.top;
        let (dx, dy) = (top - x.bits(), top - y.bits());
        let mut s = 0;
        while s >> top == 0 {
            let (i, j) = (x.block(s >> dx) + dx, y.block(s >> dy) + dy);
            let k = i.max(j);
            let (cx, cy) = (x.peek(s >> dx), y.peek(s >> dy));
            let is_empty = |word: Word| !word.is_node() && !word.is_stored();
            // SAFETY: children live while their parents do.
            let equal = i == j && unsafe { same(cx, x.origin(), cy, y.origin()) };
            if equal && !is_empty(cx) && !matches!(self.rule.both, Both::Ask(_)) {
                match self.rule.both {
                    Both::Left => blocks.keep(x, s >> dx)?,
                    _ => blocks.push(s, k, empty(0))?,
                }
            } else if is_empty(cx) && i == k {
                self.one_side(y, s, k, false, blocks)?
            } else if is_empty(cy) && j == k {
                self.one_side(x, s, k, true, blocks)?
            } else if i == j {
                let (a, b) = (x.child(s >> dx)?, y.child(s >> dy)?);
                if form(a.word()) == Form::Divided || form(b.word()) == Form::Divided {
                    let new = self.nodes(a, b, shift + top)?;
                    blocks.push(s, k, new)?
                } else {
                    self.leaves(Side::Node(a), Side::Node(b), s, k, blocks)?
                }
            } else if i > j {
                let few = self.few(x.child(s >> dx)?);
                self.against(y, &few, true, shift, s, k, blocks)?
            } else {
                let few = self.few(y.child(s >> dy)?);
                self.against(x, &few, false, shift, s, k, blocks)?
            }
            s += 1 << k
        }
        Ok(())
    }

    /// The 2^k slots at `first`, where only `view` has entries.
    fn one_side<C: Count>(
        &mut self,
        view: Divided<'_, K, V, C>,
        first: usize,
        k: u32,
        is_left: bool,
        blocks: &mut Blocks<K, V, C>,
    ) -> Result<()> {
        let d = blocks.top - view.bits();
        let (keep, count) = match is_left {
            true => (self.rule.left, self.count_left),
            false => (self.rule.right, self.count_right),
        };
        if count {
            let n = entries_in(view, first >> d, (first + (1 << k)) >> d)?;
            match is_left {
                true => self.left += n,
                false => self.right += n,
            }
        }
        if !keep {
            return blocks.push(first, k, empty(0));
        }
        let mut s = first;
        while s < first + (1 << k) {
            blocks.keep(view, s >> d)?;
            s += 1 << (view.block(s >> d) + d)
        }
        Ok(())
    }

    /// The 2^k slots at `first`: `view` there, against a few entries of a leaf; `few_left` tells whose the few are.
    #[allow(clippy::too_many_arguments)] // One block of two sides, and where it goes.
    fn against<C: Count>(
        &mut self,
        view: Divided<'_, K, V, C>,
        few: &[One<'_, K, V>],
        few_left: bool,
        shift: u32,
        first: usize,
        k: u32,
        blocks: &mut Blocks<K, V, C>,
    ) -> Result<()> {
        let d = blocks.top - view.bits();
        let keep_few = if few_left { self.rule.left } else { self.rule.right };
        let (mut s, mut few) = (first, few);
        while s < first + (1 << k) {
            let k = view.block(s >> d) + d;
            let end = s + (1 << k);
            let here = few.partition_point(|x| slot_of(x.0, shift, blocks.top) < end);
            let (these, rest) = few.split_at(here);
            few = rest;
            let word = view.peek(s >> d);
            if these.is_empty() {
                self.one_side(view, s, k, !few_left, blocks)?
            } else if !word.is_node() && !word.is_stored() {
                let items = if keep_few { these.iter().map(|x| item(x)).collect() } else { Vec::new() };
                match few_left {
                    true => self.left += these.len() * self.count_left as usize,
                    false => self.right += these.len() * self.count_right as usize,
                }
                let len = items.len();
                blocks.build(&mut items.into_iter(), len, s, k);
                blocks.settle()?
            } else {
                let child = view.child(s >> d)?;
                if form(child.word()) == Form::Divided {
                    let shift = shift + blocks.top;
                    let mut below = Blocks::new(shift);
                    let top = below.top;
                    self.against(Divided::new(child), these, few_left, shift, 0, top, &mut below)?;
                    let new = below.finish(&[child])?;
                    blocks.push(s, k, new)?
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
        blocks: &mut Blocks<K, V, C>,
    ) -> Result<()> {
        let (a, b) = (self.few_of(&left), self.few_of(&right));
        let mut items = Vec::with_capacity(a.len() + b.len());
        // Whether the result is still the left side, or the right.
        let (mut is_left, mut is_right) = (true, true);
        for x in a.iter() {
            match find_few(&b, x.0, &x.1.0) {
                None => {
                    self.left += self.count_left as usize;
                    is_right &= !self.rule.left;
                    is_left &= self.rule.left;
                    if self.rule.left {
                        items.push(item(x))
                    }
                }
                Some(i) => match &mut self.rule.both {
                    Both::Left => {
                        is_right &= std::ptr::eq(x.1, b[i].1);
                        items.push(item(x))
                    }
                    Both::Drop => (is_left, is_right) = (false, false),
                    Both::Ask(f) => {
                        (is_left, is_right) = (false, false);
                        if let Some(value) = f(&x.1.0, &x.1.1, &b[i].1.1) {
                            self.both += 1;
                            items.push(Item { hash: x.0, entry: (x.1.0.clone(), value), mark: Mark::NONE })
                        }
                    }
                },
            }
        }
        for x in b.iter() {
            if find_few(&a, x.0, &x.1.0).is_none() {
                self.right += self.count_right as usize;
                is_left &= !self.rule.right;
                is_right &= self.rule.right;
                if self.rule.right {
                    items.push(item(x))
                }
            }
        }
        match (&left, &right) {
            (Side::Node(node), _) if is_left => return blocks.push(first, k, NodeRef::to_owned(*node)),
            (_, Side::Node(node)) if is_right => return blocks.push(first, k, NodeRef::to_owned(*node)),
            _ => {}
        }
        items.sort_by_key(|item| item.hash);
        let len = items.len();
        blocks.build(&mut items.into_iter(), len, first, k);
        blocks.settle()
    }
}

/// Where the entry with this key stands among a few in hash order.
fn find_few<K: Eq, V>(few: &[One<'_, K, V>], hash: u64, key: &K) -> Option<usize> {
    let from = few.partition_point(|x| x.0 < hash);
    few[from..].iter().take_while(|x| x.0 == hash).position(|x| x.1.0 == *key).map(|i| from + i)
}

/// How many entries the blocks of slots `from..to` hold.
fn entries_in<K, V, C: Count>(view: Divided<'_, K, V, C>, from: usize, to: usize) -> Result<usize> {
    let (mut s, mut sum) = (from, 0);
    while s < to {
        let word = view.peek(s);
        sum += match Note::of(word).len {
            n if word.is_stored() && n > 0 => n,
            _ => entries_below(view.child(s)?)?,
        };
        s += 1 << view.block(s)
    }
    Ok(sum)
}

fn entries_below<K, V, C: Count>(node: NodeRef<'_, K, V, C>) -> Result<usize> {
    match form(node.word()) {
        Form::Divided => entries_in(Divided::new(node), 0, 1 << Divided::new(node).bits()),
        _ if !node.word().is_node() => Ok(0),
        _ => Ok(Leaf::new(node).len()),
    }
}

fn item<K: Clone, V: Clone>(x: &One<'_, K, V>) -> Item<K, V> {
    Item { hash: x.0, entry: x.1.clone(), mark: x.2 }
}
