//! Split: a leaf that would hold 16 entries becomes two, at the first bit in which their hashes part.
//!
//! In: a full leaf, ours or shared, and an entry with an absent key. Out: the [`Change`] for the node above.
//! Must hold: M1; all hashing is done before the first entry moves; a key that hashes otherwise than before costs it
//! its place, never memory safety.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `pour`, `inner`, `change`, `insert`.
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
use core::hash::{BuildHasher, Hash};

/// Divides a full leaf, with the new entry, below a node that begins at bit `shift`; the leaf stands `depth` bits
/// below it. If it is ours its entries are moved out of it.
#[inline(never)]
pub(super) fn split<K, V, S, C>(
    leaf: NodeRef<'_, K, V, C>,
    mine: bool,
    shift: u32,
    depth: u32,
    put: &mut Put<'_, K, V, S, C>,
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
    unsafe { pour.add(leaf, mine, None) };
    let hash = put.hash;
    let parting = Parting::of(Leaf::new(leaf), put.hasher, hash, shift + depth);
    put.added = true;
    let (zero, one) = if parting.bit == 64 {
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
        let goes = parting.goes();
        let new_goes = parting.new_goes(hash);
        let mut gone = Trie::new_leaf(leaf_cap::<K, V>(goes.count_ones() as usize + new_goes as usize));
        let mut stay = divided(pour, goes, &mut gone);
        put.put_in(&mut LeafMut::new(if new_goes { &mut gone } else { &mut stay }));
        if parting.one_stays() { (gone, Some(stay)) } else { (stay, Some(gone)) }
    };
    change_of(zero, one, shift, depth, hash, parting.bit)
}

/// Divides a full plain leaf that is ours, at slot `s` of a node that begins at bit `shift`, and puts the entry in. The
/// larger part stays where it is. Gives the place of the entry in its leaf.
#[inline]
pub(super) fn split_own<K, V, S, C>(
    mut inner: InnerMut<'_, K, V, C>,
    shift: u32,
    s: usize,
    hash: u64,
    entry: (K, V),
    hasher: &S,
) -> Place
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
    C: Count,
{
    let (bits, word) = (inner.get().bits(), inner.get().slots()[s].get());
    let depth = bits - inner.get().leaf_block(s, word);
    // SAFETY: an exclusive leaf in an exclusive node, which we borrow.
    let mut leaf = unsafe { LeafMut::<K, V, C>::from_word(word) };
    let parting = Parting::of(leaf.get(), hasher, hash, shift + depth);
    if parting.bit != shift + depth || parting.bit == 64 || depth == MOST_BITS {
        // They part further down, or not at all.
        let mut put = Put::new(hasher, hash, entry);
        // SAFETY: the slot keeps the leaf alive; its link is replaced by the change.
        let full = unsafe { NodeRef::from_word(leaf.get().word()) };
        let change = split(full, true, shift, depth, &mut put);
        inner.apply(change, &mut put.gone);
        return put.place;
    }
    count!(LeafSplit);
    let (goes, new_goes) = (parting.goes(), parting.new_goes(hash));
    let mut gone = Trie::new_leaf(leaf_cap::<K, V>(goes.count_ones() as usize + new_goes as usize));
    leaf.move_out(goes, &mut gone);
    let place = if new_goes { LeafMut::new(&mut gone).put_free(hash, entry) } else { leaf.put_free(hash, entry) };
    if depth == bits {
        inner.widen(bits + 1)
    }
    leaf.note_depth(depth + 1);
    Trie::note_depth(&gone, depth + 1);
    let half = inner.get().bits() - depth - 1;
    let which = slot_of(hash, shift, depth + 1) & !1 | !parting.one_stays() as usize;
    // SAFETY: this half of the leaf's block has its own leaf now; the other keeps the leaf's count.
    unsafe { inner.fill(which << half, half, gone.into_word()) }
    place
}

/// Where the hashes of a full leaf's keys and of one more part.
struct Parting {
    /// The first bit in which they differ, 64 if in none.
    bit: u32,
    /// Which of the old entries have a one there.
    ones: u32,
}

impl Parting {
    /// Of a leaf that ends at bit `end`. Above it they are alike, unless a key's `Hash` is not always the same: such
    /// bits must not count.
    #[inline(always)]
    fn of<K: Hash, V, S: BuildHasher, C: Count>(leaf: Leaf<'_, K, V, C>, hasher: &S, hash: u64, end: u32) -> Self {
        let above = u64::MAX.checked_shl(64 - end).unwrap_or(0);
        let mut hashes = [0; LEAF_MAX];
        let mut bit = parting_of(leaf, hasher, true, &mut hashes, hash, above);
        if bit >= 64 - HASH_LOST {
            bit = parting_of(leaf, hasher, false, &mut hashes, hash, above)
        }
        let is_one = |hash: u64| bit < 64 && (hash << bit) >> 63 == 1;
        Parting { bit, ones: hashes.iter().rev().fold(0, |ones, &h| ones << 1 | is_one(h) as u32) }
    }

    /// The larger part of the old entries stays at its places.
    fn one_stays(&self) -> bool {
        self.ones.count_ones() as usize > LEAF_MAX / 2
    }

    /// The other takes the first places of a new leaf. (A full leaf has no gaps.)
    fn goes(&self) -> u32 {
        if self.one_stays() { !self.ones & FULL } else { self.ones }
    }

    /// Whether the new entry goes with it.
    fn new_goes(&self, hash: u64) -> bool {
        ((hash << self.bit) >> 63 == 1) != self.one_stays()
    }
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
    pour.pour(|place, tag, entry, mark| match goes >> place & 1 {
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
