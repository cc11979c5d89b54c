//! Lockstep walks over two versions: what differs, read past what they share.
//!
//! In: two roots and the hasher. Out: each key that is added, removed or has another value, once.
//! Must hold: equal links are skipped unread, stored ones by their addresses (L7); the order is that of the
//! slots; neither version is changed.
//! Uses: `link`, `node`, `leaf`, `inner`, `find`, `iter`, `overlay`, `error`. Source: the lockstep of Steindorfer &
//! Vinju 2015, section 4.
#![allow(unsafe_code)] // Links are compared as words: docs/ARCHITECTURE.md, "Unsafe".

use super::find::find_below;
use super::inner::*;
use super::iter::Walk;
use super::leaf::*;
use super::node::*;
use super::overlay::*;
use crate::error::Result;
use crate::link::{Count, same};
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

/// One difference between two maps.
#[derive(Debug, PartialEq, Eq)]
pub enum DiffItem<'a, 'b, K, V> {
    /// This entry is in the new map only.
    Add(&'b K, &'b V),
    /// This key is in both maps, with different values.
    Update {
        /// The entry of the old map.
        old: (&'a K, &'a V),
        /// The entry of the new map.
        new: (&'b K, &'b V),
    },
    /// This entry is in the old map only.
    Remove(&'a K, &'a V),
}

impl<K, V> Clone for DiffItem<'_, '_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V> Copy for DiffItem<'_, '_, K, V> {}

type Found<'a, 'b, K, V> = Result<Option<DiffItem<'a, 'b, K, V>>>;

/// A lockstep walk. The two sides may count differently: reading does not care.
pub(super) struct Lockstep<'a, 'b, K, V, C: Count, D: Count> {
    pairs: Vec<Pair<'a, 'b, K, V, C, D>>,
    leaves: Option<Leaves<'a, 'b, K, V, C, D>>,
    scan: Option<Scan<'a, 'b, K, V, C, D>>,
}

/// Two divided nodes of one prefix, and the slots (of the wider) still to look at.
struct Pair<'a, 'b, K, V, C: Count, D: Count> {
    a: NodeRef<'a, K, V, C>,
    b: NodeRef<'b, K, V, D>,
    rest: u64,
    shift: u32,
}

/// Two leaves of one prefix: the entries of either that are not the other's very own.
struct Leaves<'a, 'b, K, V, C: Count, D: Count> {
    a: Leaf<'a, K, V, C>,
    b: Leaf<'b, K, V, D>,
    left: Rest<'a, K, V, C>,
    right: Rest<'b, K, V, D>,
}

/// Entries still to look at: a leaf, and a bit for each of their places.
struct Rest<'a, K, V, C: Count>(Leaf<'a, K, V, C>, u32);

impl<'a, K, V, C: Count> Rest<'a, K, V, C> {
    /// The next entry, and its tag.
    #[inline(always)]
    fn next(&mut self) -> Option<(u8, &'a (K, V))> {
        if self.1 == 0 {
            return None;
        }
        let place = self.1.trailing_zeros() as usize;
        self.1 &= self.1 - 1;
        Some((self.0.tag_at(place), self.0.entry(place)))
    }
}

/// Two ranges of entries of different shape: each is walked and looked up on the other side.
struct Scan<'a, 'b, K, V, C: Count, D: Count> {
    left: Walk<'a, K, V, C>,
    right: Walk<'b, K, V, D>,
    a: NodeRef<'a, K, V, C>,
    b: NodeRef<'b, K, V, D>,
    shift: u32,
}

impl<'a, 'b, K, V, C, D> Lockstep<'a, 'b, K, V, C, D>
where
    K: Hash + Eq,
    V: PartialEq,
    C: Count,
    D: Count,
{
    /// Two whole maps. If they hash differently, all entries are looked up.
    pub(super) fn new(a: NodeRef<'a, K, V, C>, b: NodeRef<'b, K, V, D>, alike: bool) -> Result<Self> {
        let mut walk = Lockstep { pairs: Vec::new(), leaves: None, scan: None };
        let ((aw, a_from), (bw, b_from)) = (peek_stub(a), peek_stub(b));
        // SAFETY: the roots live, and what they link to.
        if !unsafe { same(aw, a_from, bw, b_from) } {
            let (a, b) = (through_stub(a)?, through_stub(b)?);
            match alike {
                true => walk.enter(a, b, 0)?,
                false => walk.scan = Some(Scan { left: Walk::new(a)?, right: Walk::new(b)?, a, b, shift: 0 }),
            }
        }
        Ok(walk)
    }

    /// Two different nodes of one prefix, which ends at bit `shift` if one is divided.
    fn enter(&mut self, a: NodeRef<'a, K, V, C>, b: NodeRef<'b, K, V, D>, shift: u32) -> Result<()> {
        let plain = |tag| is_leaf(tag) || is_leaf_overlay(tag);
        if form(a.word()) == Form::Divided && form(b.word()) == Form::Divided {
            let rest = Divided::at(a, shift)?.differing(Divided::at(b, shift)?);
            self.pairs.push(Pair { a, b, rest, shift })
        } else if plain(a.tag()) && plain(b.tag()) {
            let (a, b) = (Leaf::new(a), Leaf::new(b));
            // Entries of one base that are alive on both sides are equal.
            let (a_base, a_differs) =
                a.base().map_or((a.word(), 0), |(base, dead)| (base.word(), dead | a.own_places()));
            let (b_base, b_differs) =
                b.base().map_or((b.word(), 0), |(base, dead)| (base.word(), dead | b.own_places()));
            let equal = if a_base == b_base { !(a_differs | b_differs) } else { 0 };
            self.leaves = Some(Leaves { a, b, left: Rest(a, a.live() & !equal), right: Rest(b, b.live() & !equal) })
        } else {
            self.scan = Some(Scan { left: Walk::new(a)?, right: Walk::new(b)?, a, b, shift })
        }
        Ok(())
    }

    /// The next difference.
    pub(super) fn next<S: BuildHasher, T: BuildHasher>(&mut self, a_hasher: &S, b_hasher: &T) -> Found<'a, 'b, K, V> {
        loop {
            if let Some(leaves) = &mut self.leaves {
                if let Some(item) = leaves.next() {
                    return Ok(Some(item));
                }
                self.leaves = None
            }
            if let Some(scan) = &mut self.scan {
                if let Some(item) = scan.next(a_hasher, b_hasher)? {
                    return Ok(Some(item));
                }
                self.scan = None
            }
            if self.pairs.is_empty() {
                return Ok(None);
            }
            self.step()?
        }
    }

    /// To the next two blocks that differ.
    #[inline(never)]
    fn step(&mut self) -> Result<()> {
        let Some(pair) = self.pairs.last_mut() else { return Ok(()) };
        let (a, b, shift) = (pair.a, pair.b, pair.shift);
        let (x, y) = (Divided::new(a), Divided::new(b));
        let bits = x.bits().max(y.bits());
        let (dx, dy) = (bits - x.bits(), bits - y.bits());
        while pair.rest != 0 {
            let s = pair.rest.trailing_zeros() as usize;
            let (i, j) = (x.block(s >> dx) + dx, y.block(s >> dy) + dy);
            let k = i.max(j);
            let first = s >> k << k;
            pair.rest &= !slots(first, k);
            // SAFETY: children live while their parents do.
            if i == j && unsafe { same(x.peek(s >> dx), x.origin(), y.peek(s >> dy), y.origin()) } {
                continue;
            }
            if i == j {
                let (cx, cy) = (x.child(s >> dx)?, y.child(s >> dy)?);
                return self.enter(cx, cy, shift + bits);
            }
            // One block against several: both ranges are read, each entry is looked up from the node.
            let left = Walk::range(x, first >> dx, (first >> dx) + (1 << k >> dx).max(1));
            let right = Walk::range(y, first >> dy, (first >> dy) + (1 << k >> dy).max(1));
            self.scan = Some(Scan { left, right, a, b, shift });
            return Ok(());
        }
        self.pairs.pop();
        Ok(())
    }
}

impl<'a, 'b, K: Eq, V: PartialEq, C: Count, D: Count> Leaves<'a, 'b, K, V, C, D> {
    fn next(&mut self) -> Option<DiffItem<'a, 'b, K, V>> {
        while let Some((tag, old)) = self.left.next() {
            match self.b.get_tagged(tag, &old.0) {
                None => return Some(DiffItem::Remove(&old.0, &old.1)),
                Some(new) => {
                    if let Some(item) = changed(old, new) {
                        return Some(item);
                    }
                }
            }
        }
        while let Some((tag, new)) = self.right.next() {
            if self.a.get_tagged(tag, &new.0).is_none() {
                return Some(DiffItem::Add(&new.0, &new.1));
            }
        }
        None
    }
}

fn changed<'a, 'b, K, V: PartialEq>(old: &'a (K, V), new: &'b (K, V)) -> Option<DiffItem<'a, 'b, K, V>> {
    let same = core::ptr::eq(old, new) && size_of::<(K, V)>() > 0 || old.1 == new.1;
    (!same).then_some(DiffItem::Update { old: (&old.0, &old.1), new: (&new.0, &new.1) })
}

impl<'a, 'b, K: Hash + Eq, V: PartialEq, C: Count, D: Count> Scan<'a, 'b, K, V, C, D> {
    fn next<S: BuildHasher, T: BuildHasher>(&mut self, a_hasher: &S, b_hasher: &T) -> Found<'a, 'b, K, V> {
        while let Some(old) = self.left.next()? {
            match find_below(self.b, self.shift, b_hasher.hash_one(&old.0), &old.0)? {
                None => return Ok(Some(DiffItem::Remove(&old.0, &old.1))),
                Some(new) => {
                    if let Some(item) = changed(old, new) {
                        return Ok(Some(item));
                    }
                }
            }
        }
        while let Some(new) = self.right.next()? {
            if find_below(self.a, self.shift, a_hasher.hash_one(&new.0), &new.0)?.is_none() {
                return Ok(Some(DiffItem::Add(&new.0, &new.1)));
            }
        }
        Ok(None)
    }
}
