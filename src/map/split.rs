//! Split: a leaf that would hold 16 entries becomes two, at the first bit in which their hashes part.
//!
//! In: a full leaf, ours or shared, and an entry with an absent key. Out: the [`Change`] for the node above.
//! Must hold: M1; all hashing is done before the first entry moves; a key that hashes otherwise than before costs it
//! its place, never memory safety.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `pour`, `inner`, `change`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::change::*;
use super::inner::*;
use super::insert::Put;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::pour::*;
use crate::link::Count;
use crate::link::MarkCell;
use std::hash::{BuildHasher, Hash};

/// Whether a leaf is ours alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mine {
    No,
    /// Its entries may be moved out; but the node above may stay as a lender and keep its link to the leaf.
    ForNow,
    /// And the link to it is given up as soon as the change is in: it may become a part of the change.
    ForGood,
}

/// Divides a full leaf, with the new entry, below a node that begins at bit `shift`; the leaf stands `depth` bits
/// below it. If it is ours its entries are moved out of it.
#[inline(never)]
pub(super) fn split<K, V, S, C>(
    leaf: NodeRef<'_, K, V, C>,
    mine: Mine,
    shift: u32,
    depth: u32,
    put: &mut Put<'_, K, V, S>,
) -> Change<K, V, C>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    count!(LeafSplit);
    let mut pour = Pour::<_, _, _, 1>::new();
    // SAFETY: the caller's path is exclusive if it says mine.
    unsafe { pour.add(leaf, mine != Mine::No, None) };
    let hash = put.hash;
    let above = u64::MAX.checked_shl(64 - shift - depth).unwrap_or(0);
    // The first bit in which they differ, 64 if in none. Above the leaf they are alike, unless a key's `Hash` is not
    // always the same: such bits must not count.
    let mut hashes = [0; LEAF_MAX];
    let mut parting = parting_of(Leaf::new(leaf), put.hasher, true, &mut hashes, hash, above);
    if parting >= 64 - HASH_LOST {
        parting = parting_of(Leaf::new(leaf), put.hasher, false, &mut hashes, hash, above)
    }
    // Which of the old entries have a one there.
    let is_one = |hash: u64| parting < 64 && (hash << parting) >> 63 == 1;
    let ones = hashes.iter().rev().fold(0u32, |ones, &h| ones << 1 | is_one(h) as u32);
    put.added = true;
    let (zero, one) = if parting == 64 {
        let mut all = Trie::new_collision(2 * LEAF_MAX as u32);
        let mut gathered = poured(pour, LEAF_MAX);
        let (mut from, mut to) = (LeafMut::new(&mut gathered), LeafMut::new(&mut all));
        for place in 0..LEAF_MAX {
            let mark = from.get().mark_of(place);
            to.push(from.take(place), mark)
        }
        to.push(put.take_for(LEAF_MAX), MarkCell::default());
        (all, None)
    } else {
        // The larger part stays at its places; the other takes the first of a new leaf. A full leaf has no gaps.
        let one_stays = ones.count_ones() as usize > LEAF_MAX / 2;
        let goes = if one_stays { !ones & FULL } else { ones };
        let new_goes = is_one(hash) != one_stays;
        let mut gone = Trie::new_leaf(leaf_cap::<K, V>(goes.count_ones() as usize + new_goes as usize));
        let mut stay = if mine == Mine::ForGood && leaf.tag() == LEAF {
            // SAFETY: exclusive, and reached through exclusive nodes only.
            unsafe { LeafMut::<K, V, C>::from_word(leaf.word()) }.move_out(goes, &mut gone);
            // Its count goes into the change; the link that is going to be replaced gives one up.
            NodeRef::to_owned(leaf)
        } else {
            divided(pour, goes, &mut gone)
        };
        // SAFETY: both are ours.
        let mut to = unsafe { LeafMut::<K, V, C>::from_word(if new_goes { &mut gone } else { &mut stay }.word()) };
        put.put_in(&mut to);
        if one_stays { (gone, Some(stay)) } else { (stay, Some(gone)) }
    };
    change_of(zero, one, shift, depth, hash, parting)
}

/// The first bit below those of `above` in which the hashes of a full leaf's keys, or `hash`, differ; and these hashes. If
/// `upper` is enough those that marks carry will do: of them the upper bits are right, and the others 0.
#[inline(always)]
fn parting_of<K: Hash, V, S: BuildHasher, C: Count>(
    leaf: Leaf<'_, K, V, C>,
    hasher: &S,
    upper: bool,
    hashes: &mut [u64; LEAF_MAX],
    hash: u64,
    above: u64,
) -> u32 {
    let mut differ = 0;
    for (place, known) in hashes.iter_mut().enumerate() {
        let own = leaf.mark_cell(place).filter(|_| upper).and_then(|cell| cell.get().own());
        *known = match own {
            Some(own) => own << HASH_LOST,
            None => hasher.hash_one(&leaf.entry(place).0),
        };
        differ |= *known ^ hash;
    }
    (differ & !above).leading_zeros()
}

/// The entries of a full leaf: those in `goes` at the first places of `gone`, the others at theirs in a new leaf.
fn divided<K: Clone, V: Clone, C: Count>(
    pour: Pour<'_, K, V, C, 1>,
    goes: u32,
    gone: &mut Node<K, V, C>,
) -> Node<K, V, C> {
    let kept = FULL & !goes;
    let free = (!kept).trailing_zeros() as usize + 1;
    let mut stay = Trie::new_leaf(leaf_cap::<K, V>(places(kept).max(free)));
    let mut gone = Filler::new(LeafMut::new(gone));
    let mut to = Filler::new(LeafMut::new(&mut stay));
    pour.pour(|_, place, tag, entry, mark| match goes >> place & 1 {
        1 => gone.put_at((goes & ((1 << place) - 1)).count_ones() as usize, tag, entry, mark),
        _ => to.put_at(place, tag, entry, mark),
    });
    drop(to);
    stay
}

/// All places of a full leaf.
const FULL: u32 = (1 << LEAF_MAX) - 1;

/// The change of the node that begins at bit `shift`, where a block of depth `depth` becomes two leaves that part at
/// bit `parting`, or one collision leaf; with the nodes between, if they part further down.
fn change_of<K, V, C: Count>(
    zero: Node<K, V, C>,
    one: Option<Node<K, V, C>>,
    shift: u32,
    depth: u32,
    hash: u64,
    parting: u32,
) -> Change<K, V, C> {
    // The lowest node: the one in which they part, or the last before bit 64.
    let mut base = shift + (parting.min(63) - shift) / MOST_BITS * MOST_BITS;
    let from = |base: u32| if base == shift { depth } else { 0 };
    let down = if parting < 64 { parting - base + 1 } else { 64 - base };
    let prefix = slot_of(hash, base, down);
    let mut change = match one {
        Some(one) => Change { from: from(base), depth: down, prefix: prefix & !1, child: zero, other: Some(one) },
        None => {
            count!(CollisionMade);
            Change { from: from(base), depth: down, prefix, child: zero, other: None }
        }
    };
    while base > shift {
        base -= MOST_BITS;
        let prefix = slot_of(hash, base, MOST_BITS);
        change = Change { from: from(base), depth: MOST_BITS, prefix, child: change.into_node(), other: None };
    }
    change
}
