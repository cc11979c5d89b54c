//! Nodes as they go to a log: the walk of a commit.
//!
//! In: a root and a [`Records`] that takes nodes, children before parents. Out: an address for each node that had
//! none, and marks once all is written.
//! Must hold: L2 (a marked node is not entered), L5 (marks are set by [`Commit::finish`] only), L4.
//! Uses: `link`, `node`, `leaf`, `inner`, `lazy`, `overlay`, `hash`, `id`, `error`.
#![allow(unsafe_code)] // Words of children: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::*;
use super::lazy::whole;
use super::leaf::*;
use super::node::*;
use super::overlay::*;
use crate::error::Result;
use crate::hash::Lookup;
use crate::id::Address;
use crate::link::{Count, Header, Mark, MarkCell, Session, Word, place, same};
use alloc::vec::Vec;

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
    first: u16,
    note: u16,
}

impl StoredLink {
    pub(crate) fn new(address: Option<Address>, first: usize, note: Note) -> Self {
        StoredLink { address, first: first as u16, note: note.bits() }
    }

    /// Its first slot.
    #[inline]
    pub(crate) fn first(&self) -> usize {
        self.first as usize
    }

    #[inline]
    pub(crate) fn note(&self) -> Note {
        Note::from_bits(self.note)
    }
}

/// An entry as a leaf's record holds it.
// All of a record is read only where there is a log; the counting sink needs lengths only.
#[cfg_attr(not(any(test, feature = "timeline")), expect(dead_code))]
pub(crate) enum StoredEntry<'a, K, V> {
    /// Written earlier, out of line.
    At(Address),
    /// To be written with the leaf, or out of line; the answer is the address it got then.
    New(&'a K, &'a V),
}

/// A node to be written.
#[cfg_attr(not(any(test, feature = "timeline")), expect(dead_code))] // As above.
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
    /// The places of a leaf overlay's own entries.
    pub(crate) places: u16,
    /// Tags of a leaf's places, 0 where no entry is; or of a leaf overlay's own entries.
    pub(crate) tags: &'b [u8],
    pub(crate) entries: &'b [StoredEntry<'a, K, V>],
}

/// Takes the nodes of a commit.
pub(crate) trait Records<'a, K, V> {
    /// What was written so far. It is not held while an entry or a node is written: other collections may be in it.
    fn commit(&mut self) -> &mut Commit<'a>;

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

    /// Where something is stored here that is stored in another log, if it is moved as it is.
    ///
    /// # Errors
    /// What the storage says.
    fn moved(&mut self, _place: Mark) -> Result<Option<Address>> {
        Ok(None)
    }
}

/// Where something is stored here, after moving it if need be; `place` is where it is stored.
fn address_at<'a, K, V, R: Records<'a, K, V>>(place: Mark, records: &mut R) -> Result<Option<Address>> {
    place.address_or(records.commit().session, |place| records.moved(place))
}

/// The addresses that a commit gave out, to become marks when all is written (L5).
pub(crate) struct Commit<'a> {
    session: Session,
    nodes: Lookup<*const Header, (&'a Header, Address)>,
    entries: Vec<(&'a MarkCell, Address)>,
}

impl<'a> Commit<'a> {
    pub(crate) fn new(session: Session) -> Self {
        Commit { session, nodes: Lookup::new(), entries: Vec::new() }
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

    /// Where a node was written by this commit.
    fn written(&self, header: &Header) -> Option<Address> {
        self.nodes.get(&core::ptr::from_ref(header)).map(|(_, address)| *address)
    }
}

/// Writes what below `root` is not stored yet, children first. None for an empty map.
///
/// # Errors
/// What the storage says; nothing is marked then.
pub(crate) fn write<'a, K, V, C: Count, R: Records<'a, K, V>>(
    root: NodeRef<'a, K, V, C>,
    records: &mut R,
) -> Result<Option<Address>> {
    let (word, from) = peek_stub(root);
    match address_at(place(word, from), records)? {
        None => node(through_stub(root)?, 0, records),
        address => Ok(address),
    }
}

/// Where a map is stored, if it is, in this session's log.
#[cfg(feature = "timeline")]
pub(crate) fn stored_address<K, V, C: Count>(root: NodeRef<'_, K, V, C>, session: Session) -> Option<Address> {
    let (word, from) = peek_stub(root);
    if word.is_stored() {
        return place(word, from).address(session);
    }
    // SAFETY: what a stub links to lives while the stub does.
    let header = unsafe { NodeRef::<K, V, C>::from_word(word) }.header()?;
    header.mark().address(session)
}

/// The address of a node that begins at bit `shift`, after writing it if need be; none for a word without one.
fn node<'a, K, V, C: Count, R: Records<'a, K, V>>(
    node: NodeRef<'a, K, V, C>,
    shift: u32,
    records: &mut R,
) -> Result<Option<Address>> {
    let Some(header) = node.header() else { return Ok(None) };
    let marked = address_at(header.mark(), records)?;
    if let Some(address) = marked.or_else(|| records.commit().written(header)) {
        return Ok(Some(address));
    }
    let address = match form(node.word()) {
        Form::Divided => divided(Divided::at(node, shift)?, shift, records)?,
        _ => leaf(Leaf::new(whole(node)?), records)?,
    };
    records.commit().nodes.insert(header, (header, address));
    Ok(Some(address))
}

fn divided<'a, K, V, C: Count, R: Records<'a, K, V>>(
    view: Divided<'a, K, V, C>,
    shift: u32,
    records: &mut R,
) -> Result<Address> {
    // Of the children that are divided themselves: of the others it is not asked.
    let below = shift + view.bits();
    let mut links = Vec::with_capacity(16);
    let mut base = None;
    let blocks: Vec<(usize, u32, Word)> = match view.overlay {
        None => view.base.blocks(0, 1 << view.bits()).collect(),
        Some(overlay) => {
            // SAFETY: an overlay owns its base.
            base = node(unsafe { NodeRef::<K, V, C>::from_word(view.base.word()) }, shift, records)?;
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
        let address = match address_at(place(word, view.origin()), records)? {
            // What is stored in another log is thawed, and written here.
            None if word.is_stored() => node(view.child(first)?, below, records)?,
            None => node(child, below, records)?,
            address => address,
        };
        if address.is_some() || base.is_some() {
            links.push(StoredLink::new(address, first, Note { depth: view.bits() - k, len }))
        }
    }
    let kind = if base.is_some() { RecordKind::Overlay } else { RecordKind::Inner };
    let bits = view.bits();
    records.node(NodeRecord { kind, base, bits, links: &links, dead: 0, places: 0, tags: &[], entries: &[] })
}

fn leaf<'a, K, V, C: Count, R: Records<'a, K, V>>(leaf: Leaf<'a, K, V, C>, records: &mut R) -> Result<Address> {
    let mut base = None;
    if let Some((own, _)) = leaf.base() {
        // SAFETY: a leaf overlay owns its base.
        base = node(unsafe { NodeRef::<K, V, C>::from_word(own.word()) }, 0, records)?;
    }
    let mut entries = Vec::with_capacity(leaf.own_len());
    // What a base holds the base's record has.
    let own = |&place: &Place| !is_leaf_overlay(leaf.word().tag()) || leaf.own_places() >> place & 1 == 1;
    for place in leaf.places().filter(own) {
        let ((key, value), cell) = (leaf.entry(place), leaf.mark_cell(place));
        let at = match address_at(cell.map_or(Mark::NONE, MarkCell::get), records)? {
            Some(address) => Some(address),
            None => {
                let address = if cell.is_some() { records.entry(key, value)? } else { None };
                if let (Some(cell), Some(address)) = (cell, address) {
                    records.commit().entries.push((cell, address))
                }
                address
            }
        };
        entries.push(at.map_or(StoredEntry::New(key, value), StoredEntry::At))
    }
    let (kind, tags): (_, &[u8]) = match leaf.word().tag() {
        LEAF | LAZY_LEAF => (RecordKind::Leaf, &leaf.tags()[..places(leaf.live())]),
        LEAF_OVERLAY | LAZY_OVERLAY => (RecordKind::LeafOverlay, &leaf.overlay_tags()[..leaf.own_len()]),
        _ => (RecordKind::Collision, &[]),
    };
    let (dead, places) = leaf.base().map_or((0, 0), |(_, dead)| (dead as u16, leaf.own_places() as u16));
    records.node(NodeRecord { kind, base, bits: 0, links: &[], dead, places, tags, entries: &entries })
}
