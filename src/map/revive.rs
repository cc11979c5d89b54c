//! Nodes as they come back from a log: made from the parts of a record, their links stored.
//!
//! In: the parts of a stored node, and the origin they came from. Out: a resident node, marked; or a map's stored root.
//! Must hold: parts that do not make a node are `Corrupt`, never a node that breaks M2 or L8.
//! Uses: `link`, `node`, `leaf`, `leaf_mut`, `inner`, `store`, `error`.
#![allow(unsafe_code)] // Words from storage: docs/ARCHITECTURE.md, "Unsafe".

use super::GenericHashMap;
use super::inner::*;
use super::leaf::*;
use super::leaf_mut::*;
use super::node::*;
use super::overlay::*;
use super::overlay_mut::*;
use super::store::{RecordKind, StoredLink};
use super::tally::Tally;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::link::{Count, Kind, Mark, MarkCell, Origin, Word};
use std::sync::Arc;

/// The parts of a stored node, as a record gives them.
pub(crate) struct NodeParts<K, V> {
    pub(crate) kind: RecordKind,
    pub(crate) base: Option<Address>,
    pub(crate) bits: u32,
    pub(crate) links: Vec<StoredLink>,
    pub(crate) dead: u16,
    pub(crate) places: u16,
    pub(crate) tags: Vec<u8>,
    /// Entries, and where those are stored that are stored out of line.
    pub(crate) entries: Vec<(K, V, Option<Address>)>,
}

fn corrupt(at: Address, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("address {}: map node: {what}", at.units()))
}

/// Makes the node stored at `at` resident. Its links stay stored; a base is loaded with it.
///
/// # Errors
/// `Corrupt` if the parts do not make a node; what the storage says of the base.
pub(crate) fn revive<K, V, C: Count>(
    parts: NodeParts<K, V>,
    at: Address,
    origin: &Arc<Origin>,
) -> Result<Node<K, V, C>> {
    let wrong = |what| Err(corrupt(at, what));
    let base = match parts.base {
        // SAFETY: origins in nodes of this tree load nodes of this tree, and the count is ours.
        Some(base) => Some(unsafe { Node::<K, V, C>::from_word(origin.source.load(origin, base)?) }),
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
            let Some(base) = base.filter(|b| b.word().tag() == LEAF) else {
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
            for (key, value, stored) in parts.entries {
                to.push((key, value), mark_cell(origin, stored))
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
    let mut leaf = Trie::new_leaf(parts.tags.len());
    let mut to = LeafMut::new(&mut leaf);
    let used = parts.tags.into_iter().enumerate().filter(|&(_, tag)| tag != 0);
    for ((place, tag), (key, value, stored)) in used.zip(parts.entries) {
        to.put_at(place, tag, (key, value), mark_cell(origin, stored))
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
    let mut leaf = Trie::new_leaf_overlay(base, parts.dead, len);
    let mut to = LeafMut::new(&mut leaf);
    for ((place, tag), (key, value, stored)) in bits(own).zip(parts.tags).zip(parts.entries) {
        to.put_over(place, tag, (key, value), mark_cell(origin, stored))
    }
    Ok(leaf)
}

fn mark_cell(origin: &Arc<Origin>, place: Option<Address>) -> MarkCell {
    MarkCell::new(place.map_or(Mark::NONE, |address| Mark::new(origin.session, address)))
}

/// The blocks that links name, checked: aligned, within 2^bits slots, disjoint.
fn blocks_of(links: &[StoredLink], bits: u32, at: Address) -> Result<[Option<(u32, Word)>; 1 << MOST_BITS]> {
    let mut slots = [None; 1 << MOST_BITS];
    for link in links {
        let depth = link.note.depth;
        if depth == 0 || depth > bits || link.note.len > LEAF_MAX {
            return Err(corrupt(at, "a link of a wrong depth"));
        }
        let k = bits - depth;
        if link.first >> bits != 0 || link.first & ((1 << k) - 1) != 0 {
            return Err(corrupt(at, "a link that begins at a wrong slot"));
        }
        let word = match link.address {
            Some(address) => Word::stored(address, link.note.bits()),
            None => Word::plain(depth as usize),
        };
        for slot in &mut slots[link.first..link.first + (1 << k)] {
            if slot.replace((k, word)).is_some() {
                return Err(corrupt(at, "two links for one slot"));
            }
        }
    }
    // Equal words side by side are one block (M2).
    let address = |s: usize| slots[s].and_then(|(_, word): (u32, Word)| word.address());
    if links.iter().any(|link| link.first > 0 && link.address.is_some() && address(link.first - 1) == link.address) {
        return Err(corrupt(at, "one child in two blocks"));
    }
    Ok(slots)
}

fn revive_inner<K, V, C: Count>(parts: &NodeParts<K, V>, at: Address, origin: &Arc<Origin>) -> Result<Node<K, V, C>> {
    let bits = parts.bits;
    if !(1..=MOST_BITS).contains(&bits) || parts.links.is_empty() {
        return Err(corrupt(at, "an inner node of a wrong size"));
    }
    let slots = blocks_of(&parts.links, bits, at)?;
    // What no link covers are empty blocks, each as large as can be (M1).
    let words: [Word; 1 << MOST_BITS] = std::array::from_fn(|s| match slots[s] {
        Some((_, word)) => word,
        None => {
            let free = |k: u32| slots[s >> k << k..][..1 << k].iter().all(|slot| slot.is_none());
            let k = (0..=bits).take_while(|&k| free(k)).last().expect("the slot itself is free");
            Word::plain((bits - k) as usize)
        }
    });
    // SAFETY: the words are empty or stored; stored ones are of `origin`, which loaded this very node.
    Ok(unsafe { Trie::new_inner(&words[..1 << bits], Some(origin.clone())) })
}

fn revive_overlay<K, V, C: Count>(parts: &NodeParts<K, V>, at: Address, base: Node<K, V, C>) -> Result<Node<K, V, C>> {
    let view = Divided::new(base.link());
    let bits = view.bits();
    if parts.links.is_empty() || parts.links.len() > OVERLAY_MAX {
        return Err(corrupt(at, "an overlay with a wrong number of links"));
    }
    let slots = blocks_of(&parts.links, bits, at)?;
    for (first, k, _) in view.blocks() {
        let covered = slots[first..first + (1 << k)].iter().filter(|slot| slot.is_some()).count();
        if covered != 0 && covered != 1 << k {
            return Err(corrupt(at, "an overlay that covers part of a block"));
        }
    }
    let mut node = Trie::new_overlay_over(view.base, parts.links.len());
    drop(base);
    let mut to = OverlayMut::new(&mut node);
    for link in &parts.links {
        let (k, word) = slots[link.first].expect("its own");
        // SAFETY: aligned and disjoint; the words are empty or stored, and of the base's origin, which loaded both.
        unsafe { to.push(link.first, k, word, true) }
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
