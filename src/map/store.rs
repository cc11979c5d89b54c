//! Nodes as they go to a log and come back: the walk of a commit, and nodes made from what was stored.
//!
//! In: a root and a [`Records`] that takes nodes, children before parents; or the parts of a stored node. Out: an
//! address for each node that had none, and marks once all is written; or a resident node.
//! Must hold: L2 (a marked node is not entered), L5 (marks are set by [`Commit::finish`] only), L4.
//! Uses: `link`, `node`, `leaf`, `inner`.
#![allow(unsafe_code)] // Words from and to storage: DESIGN.md, section 7.

use super::inner::*;
use super::leaf::*;
use super::node::*;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::link::{Count, Mark, MarkCell, Origin, Session, Word, same};
use std::sync::Arc;

/// Two roots are one version.
pub(super) fn same_root<K, V, C: Count>(a: NodeRef<'_, K, V, C>, b: NodeRef<'_, K, V, C>) -> bool {
    let ((a, a_from), (b, b_from)) = (peek_stub(a), peek_stub(b));
    // SAFETY: the roots live, and what they link to.
    unsafe { same(a, a_from, b, b_from) }
}

/// The node kinds of a map in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RecordKind {
    /// An inner node: all its links.
    Inner,
    /// A base, and the links of the blocks that differ from it.
    Overlay,
    /// Entries with their tags.
    Leaf,
    /// A base, which of its entries are dead, and further entries.
    LeafOverlay,
    /// Entries with one hash.
    Collision,
}

/// A link as a record holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredLink {
    /// None for an empty block, which only an overlay names.
    pub(crate) address: Option<Address>,
    pub(crate) first: usize,
    pub(crate) note: Note,
}

/// An entry as a leaf's record holds it.
pub(crate) enum StoredEntry<'a, K, V> {
    /// Written earlier, out of line.
    At(Address),
    /// To be written with the leaf, or out of line; the answer is the address it got then.
    New(&'a K, &'a V),
}

/// A node to be written.
pub(crate) struct NodeRecord<'a, 'b, K, V> {
    pub(crate) kind: RecordKind,
    /// Of an overlay or a leaf overlay.
    pub(crate) base: Option<Address>,
    /// log2 of an inner node's slots.
    pub(crate) bits: u32,
    /// Links of an inner node, empty blocks left out; or the overrides of an overlay.
    pub(crate) links: &'b [StoredLink],
    /// Which entries of a leaf overlay's base are dead.
    pub(crate) dead: u16,
    /// Tags of a leaf's or leaf overlay's entries.
    pub(crate) tags: &'b [u8],
    pub(crate) entries: &'b [StoredEntry<'a, K, V>],
}

/// Takes the nodes of a commit.
pub(crate) trait Records<K, V> {
    /// Writes an entry out of line, if it is of the kind that is; gives its address then.
    ///
    /// # Errors
    /// What the storage says.
    fn entry(&mut self, key: &K, value: &V) -> Result<Option<Address>>;

    /// Writes a node; everything it refers to has been written.
    ///
    /// # Errors
    /// What the storage says.
    fn node(&mut self, record: NodeRecord<'_, '_, K, V>) -> Result<Address>;
}

/// The addresses that a commit gave out, to become marks when all is written (L5).
pub(crate) struct Commit<'a> {
    session: Session,
    nodes: std::collections::HashMap<*const u8, (&'a crate::link::Header, Address)>,
    entries: Vec<(&'a MarkCell, Address)>,
}

impl<'a> Commit<'a> {
    pub(crate) fn new(session: Session) -> Self {
        Commit { session, nodes: Default::default(), entries: Vec::new() }
    }

    /// Marks everything that was written: the write has succeeded.
    pub(crate) fn finish(self) {
        for (header, address) in self.nodes.into_values() {
            header.set_mark(Mark::new(self.session, address))
        }
        for (cell, address) in self.entries {
            cell.set(Mark::new(self.session, address))
        }
    }

    /// Writes what below `root` is not stored yet, children first. None for an empty map.
    ///
    /// # Errors
    /// What the storage says; nothing is marked then.
    pub(crate) fn write<K, V, C: Count, R: Records<K, V>>(
        &mut self,
        root: NodeRef<'a, K, V, C>,
        records: &mut R,
    ) -> Result<Option<Address>> {
        let (word, from) = peek_stub(root);
        // SAFETY: what a stub links to lives while the stub does.
        self.word(unsafe { NodeRef::<K, V, C>::from_word(word) }, from, records)
    }

    /// The address of what a word names, after writing it if need be.
    fn word<K, V, C: Count, R: Records<K, V>>(
        &mut self,
        node: NodeRef<'a, K, V, C>,
        from: Option<&Arc<Origin>>,
        records: &mut R,
    ) -> Result<Option<Address>> {
        if let Some(address) = node.word().address() {
            let own = from.is_some_and(|o| o.session == self.session);
            if own {
                return Ok(Some(address));
            }
            // Stored in another log: read it, and write it here.
            let node = load::<K, V, C>(node.word(), from)?;
            let mut other = Commit::new(self.session);
            return other.word(node.link(), None, records);
        }
        let Some(header) = node.header() else { return Ok(None) };
        if let Some(address) = header.mark().address(self.session) {
            return Ok(Some(address));
        }
        let key = std::ptr::from_ref(header).cast();
        if let Some((_, address)) = self.nodes.get(&key) {
            return Ok(Some(*address));
        }
        let address = match form(node.word()) {
            Form::Divided => self.divided(node, records)?,
            _ => self.leaf(Leaf::new(node), records)?,
        };
        self.nodes.insert(key, (header, address));
        Ok(Some(address))
    }

    fn divided<K, V, C: Count, R: Records<K, V>>(
        &mut self,
        node: NodeRef<'a, K, V, C>,
        records: &mut R,
    ) -> Result<Address> {
        let view = Divided::new(node);
        let mut links = Vec::with_capacity(16);
        let mut base = None;
        let blocks: Vec<(usize, u32, Word)> = match view.overlay {
            None => view.base.blocks(0, 1 << view.bits()).collect(),
            Some(overlay) => {
                // SAFETY: an overlay owns its base.
                base = self.word(unsafe { NodeRef::<K, V, C>::from_word(view.base.word()) }, None, records)?;
                (0..overlay.len())
                    .map(|j| {
                        let (first, k) = overlay.range(j);
                        (first, k, overlay.slot(j).get())
                    })
                    .collect()
            }
        };
        for (first, k, word) in blocks {
            // SAFETY: children live while their parent does.
            let child = unsafe { NodeRef::<K, V, C>::from_word(word) };
            let len = match word.is_stored() {
                true => Note::of(word).len,
                false => Leaf::len_of(child).unwrap_or(0),
            };
            let address = self.word(child, view.origin(), records)?;
            if address.is_some() || base.is_some() {
                links.push(StoredLink { address, first, note: Note { depth: view.bits() - k, len } })
            }
        }
        let kind = if base.is_some() { RecordKind::Overlay } else { RecordKind::Inner };
        records.node(NodeRecord { kind, base, bits: view.bits(), links: &links, dead: 0, tags: &[], entries: &[] })
    }

    fn leaf<K, V, C: Count, R: Records<K, V>>(&mut self, leaf: Leaf<'a, K, V, C>, records: &mut R) -> Result<Address> {
        let mut base = None;
        if let Some((node, _)) = leaf.base() {
            // SAFETY: a leaf overlay owns its base.
            base = self.word(unsafe { NodeRef::<K, V, C>::from_word(node.word()) }, None, records)?;
        }
        let mut entries = Vec::with_capacity(leaf.own_len());
        for (i, (key, value)) in leaf.entries().iter().enumerate() {
            let cell = leaf.marks().get(i);
            let at = match cell.and_then(|cell| cell.get().address(self.session)) {
                Some(address) => Some(address),
                None => {
                    let address = if cell.is_some() { records.entry(key, value)? } else { None };
                    if let (Some(cell), Some(address)) = (cell, address) {
                        self.entries.push((cell, address))
                    }
                    address
                }
            };
            entries.push(at.map_or(StoredEntry::New(key, value), StoredEntry::At))
        }
        let (kind, tags): (_, &[u8]) = match leaf.word().tag() {
            LEAF => (RecordKind::Leaf, &leaf.tags()[..leaf.own_len()]),
            LEAF_OVERLAY => (RecordKind::LeafOverlay, &leaf.overlay_tags()[..leaf.own_len()]),
            _ => (RecordKind::Collision, &[]),
        };
        let dead = leaf.base().map_or(0, |(_, dead)| dead as u16);
        records.node(NodeRecord { kind, base, bits: 0, links: &[], dead, tags, entries: &entries })
    }
}

// ---- coming back ----

/// The parts of a stored node, as a record gives them.
pub(crate) struct NodeParts<K, V> {
    pub(crate) kind: RecordKind,
    pub(crate) base: Option<Address>,
    pub(crate) bits: u32,
    pub(crate) links: Vec<StoredLink>,
    pub(crate) dead: u16,
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
    let base_tag = base.as_ref().map(|b| b.word().tag());
    let node = match parts.kind {
        RecordKind::Inner => revive_inner(&parts, at, origin)?,
        RecordKind::Overlay => {
            let Some(base) = base.filter(|b| (1..=MOST_BITS as usize).contains(&b.word().tag())) else {
                return wrong("the base of an overlay is no inner node");
            };
            revive_overlay(&parts, at, base)?
        }
        RecordKind::Leaf | RecordKind::LeafOverlay => {
            let most = if parts.kind == RecordKind::Leaf { LEAF_MAX } else { LEAF_OVERLAY_MAX };
            if parts.tags.len() != parts.entries.len() || parts.tags.len() > most || parts.tags.contains(&0) {
                return wrong("the tags do not fit the entries");
            }
            let mut leaf = match base {
                None if parts.kind == RecordKind::Leaf => Trie::new_leaf(parts.tags.len()),
                Some(base) if base_tag == Some(LEAF) && parts.kind == RecordKind::LeafOverlay => {
                    let len = Leaf::new(base.link()).own_len();
                    let live = (len + parts.tags.len()).saturating_sub(parts.dead.count_ones() as usize);
                    if parts.dead as u32 >> len != 0 || live > LEAF_MAX {
                        return wrong("the entries of a leaf overlay do not fit its base");
                    }
                    Trie::new_leaf_overlay(base, parts.dead, parts.tags.len())
                }
                _ => return wrong("the base of a leaf overlay is no leaf"),
            };
            let mut to = LeafMut::new(&mut leaf);
            for (tag, (key, value, place)) in parts.tags.into_iter().zip(parts.entries) {
                to.push(tag, (key, value), mark_cell(origin, place))
            }
            if Leaf::new(leaf.link()).len() == 0 {
                return wrong("a leaf without entries");
            }
            leaf
        }
        RecordKind::Collision => {
            if parts.entries.len() <= LEAF_MAX || parts.entries.len() > u32::MAX as usize {
                return wrong("a collision leaf with too few entries");
            }
            let mut leaf = Trie::new_collision(parts.entries.len() as u32);
            let mut to = LeafMut::new(&mut leaf);
            for (key, value, place) in parts.entries {
                to.push(0, (key, value), mark_cell(origin, place))
            }
            leaf
        }
    };
    if let Some(header) = node.link().header() {
        header.set_mark(Mark::new(origin.session, at))
    }
    Ok(node)
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
    Ok(slots)
}

fn revive_inner<K, V, C: Count>(parts: &NodeParts<K, V>, at: Address, origin: &Arc<Origin>) -> Result<Node<K, V, C>> {
    let bits = parts.bits;
    if !(1..=MOST_BITS).contains(&bits) || parts.links.is_empty() {
        return Err(corrupt(at, "an inner node of a wrong size"));
    }
    let slots = blocks_of(&parts.links, bits, at)?;
    // What no link covers are empty blocks, each as large as can be (M1).
    let word = |s: usize| match slots[s] {
        Some((_, word)) => word,
        None => {
            let free = |k: u32| slots[s >> k << k..][..1 << k].iter().all(|slot| slot.is_none());
            let k = (0..=bits).take_while(|&k| free(k)).last().expect("the slot itself is free");
            Word::plain((bits - k) as usize)
        }
    };
    // SAFETY: the words are empty or stored; stored ones are of `origin`, which loaded this very node.
    Ok(unsafe { Trie::new_inner(bits, Some(origin.clone()), word) })
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

/// A stored root: nothing is read before it is used.
///
/// # Safety
/// The source of `origin` loads nodes of this tree.
pub(crate) unsafe fn stored_root<K, V, C: Count>(address: Address, origin: Arc<Origin>) -> Node<K, V, C> {
    // SAFETY: the caller's promise.
    unsafe { Trie::new_stub(Word::stored(address, Note { depth: 0, len: 0 }.bits()), origin) }
}
