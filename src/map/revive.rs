//! Nodes as they come back from a log: made from the parts of a record, their links stored.
//!
//! In: the parts of a stored node, and the origin they came from. Out: a resident node, marked; or a map's stored root.
//! Must hold: parts that do not make a node are `Corrupt`, never a node that breaks M2 or L8.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `inner`, `lazy`, `overlay`, `overlay_mut`, `tally`, `store`, `id`,
//! `error`.
#![allow(unsafe_code)] // Words from storage: docs/ARCHITECTURE.md, "Unsafe".

use super::GenericHashMap;
use super::inner::*;
use super::lazy::Lazy;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use super::store::{RecordKind, StoredLink};
use super::tally::Tally;
use crate::error::Result;
use crate::id::Address;
use crate::link::{Count, Kind, Mark, MarkCell, Origin, Word};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The parts of a stored node, as a record gives them.
pub(crate) struct NodeParts<K, V> {
    pub(crate) kind: RecordKind,
    /// Where the base is stored, and its parts.
    pub(crate) base: Option<(Address, Box<NodeParts<K, V>>)>,
    pub(crate) bits: u32,
    pub(crate) links: Vec<StoredLink>,
    pub(crate) dead: u16,
    pub(crate) places: u16,
    pub(crate) tags: Vec<u8>,
    pub(crate) entries: Vec<EntryPart<K, V>>,
}

/// An entry of a stored node.
pub(crate) enum EntryPart<K, V> {
    /// It stands in the node's record.
    In(K, V),
    /// It is a record of its own.
    Out(Address),
}

/// Makes the node stored at `at` resident, and its base. Their links stay stored.
///
/// # Errors
/// `Corrupt` if the parts do not make a node; what the storage says of entries that a node needs at once.
pub(crate) fn revive<K, V, C: Count>(
    parts: NodeParts<K, V>,
    at: Address,
    origin: &Arc<Origin>,
) -> Result<Node<K, V, C>> {
    let mut parts = parts;
    let wrong = |what| Err(corrupt(at, what));
    let base = match parts.base.take() {
        Some((_, base)) if base.base.is_some() => return wrong("the base of an overlay is an overlay"),
        Some((at, base)) => Some(revive::<K, V, C>(*base, at, origin)?),
        None => None,
    };
    let node = match parts.kind {
        RecordKind::Inner => revive_inner(&parts, at, origin)?,
        RecordKind::Overlay => {
            let Some(base) = base.filter(|b| (1..=MOST_BITS as usize).contains(&b.word().tag())) else {
                return wrong("the base of an overlay is no inner node");
            };
            revive_overlay(&parts, at, base)?
        }
        RecordKind::Leaf => revive_leaf(parts, at, origin)?,
        RecordKind::LeafOverlay => {
            let Some(base) = base.filter(|b| is_leaf(b.word().tag())) else {
                return wrong("the base of a leaf overlay is no leaf");
            };
            revive_leaf_overlay(parts, at, origin, base)?
        }
        RecordKind::Collision => {
            if parts.entries.len() <= LEAF_MAX || parts.entries.len() > u32::MAX as usize {
                return wrong("a collision leaf with too few entries");
            }
            let mut leaf = Trie::new_collision(parts.entries.len() as u32);
            let mut to = LeafMut::new(&mut leaf);
            for (entry, stored) in all_read(parts.entries, origin)? {
                to.push(entry, MarkCell::new(stored))
            }
            leaf
        }
    };
    if let Some(header) = node.link().header() {
        header.set_mark(Mark::new(origin.session, at))
    }
    Ok(node)
}

fn revive_leaf<K, V, C: Count>(parts: NodeParts<K, V>, at: Address, origin: &Arc<Origin>) -> Result<Node<K, V, C>> {
    let tags = parts.tags.iter().filter(|&&tag| tag != 0).count();
    if parts.tags.len() > LEAF_MAX || tags == 0 || tags != parts.entries.len() {
        return Err(corrupt(at, "the tags do not fit the entries"));
    }
    let used: Vec<Place> = (0..parts.tags.len()).filter(|&place| parts.tags[place] != 0).collect();
    if is_better_lazy::<K, V, C>(&parts) {
        return Ok(lazy(&parts.tags, parts.entries, &used, None, origin));
    }
    let mut leaf = Trie::new_leaf(parts.tags.len());
    let mut to = LeafMut::new(&mut leaf);
    for (place, (entry, stored)) in used.into_iter().zip(all_read(parts.entries, origin)?) {
        to.put_at(place, parts.tags[place], entry, MarkCell::new(stored))
    }
    Ok(leaf)
}

fn revive_leaf_overlay<K, V, C: Count>(
    parts: NodeParts<K, V>,
    at: Address,
    origin: &Arc<Origin>,
    base: Node<K, V, C>,
) -> Result<Node<K, V, C>> {
    let (len, own, dead) = (parts.entries.len(), parts.places as u32, parts.dead as u32);
    if len > LEAF_OVERLAY_MAX || parts.tags.len() != len || parts.tags.contains(&0) || own.count_ones() as usize != len
    {
        return Err(corrupt(at, "the tags and places of a leaf overlay do not fit its entries"));
    }
    let used = Leaf::new(base.link()).live();
    let live = used & !dead | own;
    if dead & !used != 0 || used & !dead & own != 0 || live == 0 || live >> LEAF_MAX != 0 {
        return Err(corrupt(at, "the entries of a leaf overlay do not fit its base"));
    }
    if is_better_lazy::<K, V, C>(&parts) || is_lazy(base.word()) {
        let indices: Vec<usize> = (0..len).collect();
        return Ok(lazy(&parts.tags, parts.entries, &indices, Some((base, parts.dead, parts.places)), origin));
    }
    let mut leaf = Trie::new_leaf_overlay(base, parts.dead, len);
    let mut to = LeafMut::new(&mut leaf);
    for ((place, tag), (entry, stored)) in bits(own).zip(parts.tags).zip(all_read(parts.entries, origin)?) {
        to.put_over(place, tag, entry, MarkCell::new(stored))
    }
    Ok(leaf)
}

/// True if entries are records of their own, which a lookup need not read all.
fn is_better_lazy<K, V, C: Count>(parts: &NodeParts<K, V>) -> bool {
    Trie::<K, V, C>::HAS_MARKS && parts.entries.iter().any(|entry| matches!(entry, EntryPart::Out(_)))
}

/// A lazy leaf, or a leaf overlay over a base with this dead mask and these own places. The entries stand at `indices`.
fn lazy<K, V, C: Count>(
    tags: &[u8],
    entries: Vec<EntryPart<K, V>>,
    indices: &[usize],
    base: Option<(Node<K, V, C>, u16, u16)>,
    origin: &Arc<Origin>,
) -> Node<K, V, C> {
    let mut marks = [Mark::NONE; LEAF_MAX];
    for (&i, entry) in indices.iter().zip(&entries) {
        if let EntryPart::Out(address) = entry {
            marks[i] = Mark::new(origin.session, *address)
        }
    }
    let leaf = Trie::new_lazy(tags, &marks[..tags.len()], base, origin.clone());
    for (&i, entry) in indices.iter().zip(entries) {
        if let EntryPart::In(key, value) = entry {
            Lazy::new(Leaf::new(leaf.link())).put(i, (key, value))
        }
    }
    leaf
}

type Read<K, V> = ((K, V), Mark);

/// All entries, those that are records of their own read too.
fn all_read<K, V>(entries: Vec<EntryPart<K, V>>, origin: &Arc<Origin>) -> Result<Vec<Read<K, V>>> {
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry {
            EntryPart::In(key, value) => all.push(((key, value), Mark::NONE)),
            EntryPart::Out(address) => origin.source.values(&[address], &mut |entry| {
                // SAFETY: the values of this tree are its entries, and each is ours to move.
                all.push((unsafe { entry.cast::<(K, V)>().read() }, Mark::new(origin.session, address)))
            })?,
        }
    }
    Ok(all)
}

/// The words in the slots of a node.
type Words = [Word; 1 << MOST_BITS];

/// The words of the blocks that links name, and which slots those are, a bit each. Checked: aligned, within 2^bits slots,
/// disjoint.
fn blocks_of(links: &[StoredLink], bits: u32, at: Address) -> Result<(Words, u64)> {
    let (mut words, mut named, mut starts) = ([Word::plain(0); 1 << MOST_BITS], 0u64, 0u64);
    for link in links {
        let (depth, first) = (link.note().depth, link.first());
        if depth == 0 || depth > bits {
            return Err(corrupt(at, "a link of a wrong depth"));
        }
        let k = bits - depth;
        if first >> bits != 0 || first & ((1 << k) - 1) != 0 {
            return Err(corrupt(at, "a link that begins at a wrong slot"));
        }
        if named & slots(first, k) != 0 {
            return Err(corrupt(at, "two links for one slot"));
        }
        named |= slots(first, k);
        starts |= 1 << first;
        let word = match link.address {
            Some(address) => Word::stored(address, link.note().bits()),
            None => Word::plain(depth as usize),
        };
        // Most fill one slot.
        words[first] = word;
        if k > 0 {
            words[first..first + (1 << k)].fill(word)
        }
    }
    // Equal words side by side are one block (M2).
    let is_one =
        |s: usize| starts >> s & 1 == 1 && words[s].is_stored() && words[s].address() == words[s - 1].address();
    if (1..1 << bits.min(MOST_BITS)).any(is_one) {
        return Err(corrupt(at, "one child in two blocks"));
    }
    Ok((words, named))
}

fn revive_inner<K, V, C: Count>(parts: &NodeParts<K, V>, at: Address, origin: &Arc<Origin>) -> Result<Node<K, V, C>> {
    let bits = parts.bits;
    if !(1..=MOST_BITS).contains(&bits) || parts.links.is_empty() {
        return Err(corrupt(at, "an inner node of a wrong size"));
    }
    let (mut words, named) = blocks_of(&parts.links, bits, at)?;
    // What no link covers are empty blocks, each as large as can be (M1).
    let mut free = !named & slots(0, bits);
    while free != 0 {
        let s = free.trailing_zeros() as usize;
        let fits = |k: &u32| slots(s >> k << k, *k) & !free == 0;
        let k = (0..=bits).take_while(fits).last().expect("the slot itself is free");
        words[s..s + (1 << k)].fill(Word::plain((bits - k) as usize));
        free &= !slots(s, k)
    }
    // SAFETY: the words are empty or stored; stored ones are of `origin`, which loaded this very node.
    Ok(unsafe { Trie::new_inner(&words[..1 << bits], Some(origin.clone())) })
}

fn revive_overlay<K, V, C: Count>(parts: &NodeParts<K, V>, at: Address, base: Node<K, V, C>) -> Result<Node<K, V, C>> {
    let view = Divided::new(base.link());
    let bits = view.bits();
    if parts.links.is_empty() || parts.links.len() > OVERLAY_MAX {
        return Err(corrupt(at, "an overlay with a wrong number of links"));
    }
    let (words, named) = blocks_of(&parts.links, bits, at)?;
    for link in &parts.links {
        // The whole block of the base that the link begins in.
        let k = view.block(link.first());
        if slots(link.first() >> k << k, k) & !named != 0 {
            return Err(corrupt(at, "an overlay that covers part of a block"));
        }
    }
    let mut node = Trie::new_overlay_over(view.base, parts.links.len());
    drop(base);
    let mut to = OverlayMut::new(&mut node);
    for link in &parts.links {
        // SAFETY: aligned and disjoint; the words are empty or stored, and of the base's origin, which loaded both.
        unsafe { to.push(link.first(), bits - link.note().depth, words[link.first()], true) }
    }
    Ok(node)
}

impl<K, V, S: Default, P: Kind> GenericHashMap<K, V, S, P> {
    /// A map of so many entries whose root is stored: nothing is read before it is used.
    ///
    /// # Safety
    /// The source of `origin` loads nodes of this tree.
    pub(crate) unsafe fn stored(address: Address, len: usize, origin: Arc<Origin>) -> Self {
        // SAFETY: the caller's promise.
        let root = unsafe { Trie::new_stub(Word::stored(address, Note { depth: 0, len: 0 }.bits()), origin) };
        GenericHashMap { root, tally: Tally::new::<S>().with_len(len), hasher: S::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Table;
    use super::*;
    use crate::error::ErrorKind;
    use crate::link::Shared;

    type Parts = NodeParts<u64, Box<u64>>;

    fn at(units: u64) -> Address {
        Address::new(units).expect("not 0")
    }

    fn parts(kind: RecordKind) -> Parts {
        NodeParts { kind, base: None, bits: 0, links: vec![], dead: 0, places: 0, tags: vec![], entries: vec![] }
    }

    fn entries(n: usize) -> Vec<EntryPart<u64, Box<u64>>> {
        (0..n as u64).map(|i| EntryPart::In(i, Box::new(i))).collect()
    }

    fn leaf(tags: &[u8], n: usize) -> Parts {
        Parts { tags: tags.to_vec(), entries: entries(n), ..parts(RecordKind::Leaf) }
    }

    fn over(base: Parts, kind: RecordKind) -> Parts {
        Parts { base: Some((at(5), Box::new(base))), ..parts(kind) }
    }

    /// Entries 1 to 3 of a base, the first of them dead, and own ones in these places.
    fn leaf_overlay(dead: u16, places: u16, tags: &[u8]) -> Parts {
        let base = leaf(&[1, 2, 3], 3);
        Parts { dead, places, tags: tags.to_vec(), entries: entries(tags.len()), ..over(base, RecordKind::LeafOverlay) }
    }

    fn link(address: u64, first: usize, depth: u32, len: usize) -> StoredLink {
        StoredLink::new(Address::new(address), first, Note { depth, len })
    }

    fn inner(bits: u32, links: &[StoredLink]) -> Parts {
        Parts { bits, links: links.to_vec(), ..parts(RecordKind::Inner) }
    }

    fn overlay(links: &[StoredLink]) -> Parts {
        let base = inner(3, &[link(1, 0, 1, 0), link(2, 4, 3, 5), link(3, 5, 3, 5)]);
        Parts { links: links.to_vec(), ..over(base, RecordKind::Overlay) }
    }

    #[test]
    fn parts_that_do_not_make_a_node_are_corrupt_and_those_beside_them_make_one() {
        let table = Table::<u64, Box<u64>, Shared>::new();
        let origin = table.origin();
        let made = |parts| revive::<u64, Box<u64>, Shared>(parts, at(9), &origin);
        let collision = |n| Parts { entries: entries(n), ..parts(RecordKind::Collision) };
        let four = [1; LEAF_OVERLAY_MAX];
        let seven: Vec<_> = (0..7).map(|i| link(10 + i, i as usize, 6, 1)).collect();
        let of_wide = |links: &[StoredLink]| {
            let base = inner(6, &(0..64).map(|i| link(100 + i, i as usize, 6, 1)).collect::<Vec<_>>());
            Parts { links: links.to_vec(), ..over(base, RecordKind::Overlay) }
        };
        let right = [
            collision(LEAF_MAX + 1),
            leaf(&[1; LEAF_MAX], LEAF_MAX),
            leaf(&[0, 7], 1),
            leaf_overlay(0b001, 0b1001, &[4, 5]),
            leaf_overlay(0b111, 1 << 14, &[4]),
            leaf_overlay(0, 0b1111 << 3, &four),
            inner(1, &[link(1, 0, 1, 0), link(2, 1, 1, 15)]),
            inner(6, &[link(1, 63, 6, 0)]),
            overlay(&[link(4, 0, 1, 0)]),
            overlay(&[link(4, 0, 2, 0), link(6, 2, 2, 0), link(0, 4, 2, 0)]),
            of_wide(&seven),
        ];
        right.into_iter().for_each(|parts| drop(made(parts).unwrap()));
        let short = Parts { entries: entries(2), ..leaf_overlay(0b001, 0b1001, &[4]) };
        let eight: Vec<_> = (0..8).map(|i| link(10 + i, i as usize, 6, 1)).collect();
        let wrong = [
            ("a base with a base", over(leaf_overlay(0, 0b1000, &[4]), RecordKind::LeafOverlay)),
            ("no base", parts(RecordKind::Overlay)),
            (
                "a leaf below an overlay",
                Parts { links: vec![link(1, 0, 1, 0)], ..over(leaf(&[1], 1), RecordKind::Overlay) },
            ),
            ("no base of a leaf overlay", parts(RecordKind::LeafOverlay)),
            ("inner below a leaf overlay", over(inner(1, &[link(1, 0, 1, 0)]), RecordKind::LeafOverlay)),
            ("few that collide", collision(LEAF_MAX)),
            ("too long a leaf", leaf(&[1; LEAF_MAX + 1], LEAF_MAX + 1)),
            ("an empty leaf", leaf(&[0, 0], 0)),
            ("a tag too many", leaf(&[1, 2], 1)),
            ("a tag too few", leaf(&[1, 0], 2)),
            ("too long a leaf overlay", leaf_overlay(0, 0b1_1111 << 3, &[1; LEAF_OVERLAY_MAX + 1])),
            ("no tag", short),
            ("a tag of 0", leaf_overlay(0b001, 0b0001, &[0])),
            ("a place too many", leaf_overlay(0b001, 0b1001, &[4])),
            ("a place too few", leaf_overlay(0b001, 0b0001, &[4, 5])),
            ("a free place that is dead", leaf_overlay(0b1000, 0b1_0000, &[4])),
            ("two in one place", leaf_overlay(0, 0b0001, &[4])),
            ("an empty leaf overlay", leaf_overlay(0b111, 0, &[])),
            ("a place beyond the last", leaf_overlay(0, 1 << 15, &[4])),
            ("a link of no depth", inner(2, &[link(1, 0, 0, 0)])),
            ("a link that is too deep", inner(2, &[link(1, 0, 3, 0)])),
            ("a link outside", inner(2, &[link(1, 4, 2, 0)])),
            ("a link not aligned", inner(3, &[link(1, 1, 2, 0)])),
            ("two links of one slot", inner(2, &[link(1, 0, 1, 0), link(2, 1, 2, 0)])),
            ("one child twice", inner(2, &[link(1, 0, 2, 0), link(1, 1, 2, 0)])),
            ("one child twice, backwards", inner(2, &[link(1, 1, 2, 0), link(1, 0, 2, 0)])),
            ("no slots", inner(0, &[link(1, 0, 0, 0)])),
            ("too many slots", inner(7, &[link(1, 0, 1, 0)])),
            ("no links", inner(2, &[])),
            ("an overlay without links", overlay(&[])),
            ("too many overrides", of_wide(&eight)),
            ("a part of a block", overlay(&[link(4, 1, 3, 0)])),
        ];
        for (what, parts) in wrong {
            let error = made(parts).map(|_| ()).expect_err(what);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}")
        }
    }
}
