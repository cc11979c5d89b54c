//! Maps and sets: their nodes as records, and their handles.
//!
//! In: a map. Out: records of its new nodes, and an archived handle; parts of nodes from records.
//! Must hold: what is read was written (bodies are checked as they are read). Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `map`, `set`, `serializer`, `loader`, `hashers`, `body`, `images`.

use super::body::Body;
use super::hashers::Hasher;
use super::images::*;
use super::loader::{De, Library, Loader, Thaw, map_word};
use super::record::{corrupt, kinds};
use super::serializer::{Serializer, Sink};
use crate::error::Result;
use crate::hash::PortableHasher;
use crate::id::Address;
use crate::link::{Kind, Mark};
use crate::log::Record;
use crate::map::{
    self, Commit, GenericHashMap, NodeParts, NodeRecord, Note, RecordKind, Records, StoredEntry, StoredLink,
};
use crate::set::GenericHashSet;
use rkyv::vec::ArchivedVec;
use rkyv::{Archive, Deserialize, Place, Serialize, SerializeUnsized};
use std::sync::Arc;

/// Entries that take up to so many bytes stand in their leaf; others are records of their own.
const INLINE_MOST: usize = 32;

// How the entries of a leaf stand: all in it, all out of it, or both.
pub(super) const IN: u8 = 0;
pub(super) const OUT: u8 = 1;
const MIXED: u8 = 2;

/// Writes the nodes of a map with a serializer.
struct Writing<'s, S: ?Sized>(&'s mut S);

impl<S: Sink + ?Sized> Writing<'_, S> {
    fn nodes(&mut self) -> &mut Serializer {
        self.0.nodes()
    }

    /// Entries after what their leaf says of itself.
    fn entries<K: Serialize<S>, V: Serialize<S>>(&mut self, entries: &[StoredEntry<'_, K, V>]) -> Result<()> {
        let address = |entry: &StoredEntry<'_, K, V>| match entry {
            StoredEntry::At(address) => Some(*address),
            StoredEntry::New(..) => None,
        };
        if mode(entries) != IN {
            self.nodes().words(entries.iter().map(|entry| word(address(entry), 0)))
        }
        let inline: Vec<Entry<'_, K, V>> = entries.iter().filter_map(inline).collect();
        if !inline.is_empty() {
            Last(&inline).serialize_unsized(self.0)?;
        }
        Ok(())
    }
}

fn inline<'e, K, V>(entry: &StoredEntry<'e, K, V>) -> Option<Entry<'e, K, V>> {
    match *entry {
        StoredEntry::At(_) => None,
        StoredEntry::New(key, value) => Some(Entry(key, value)),
    }
}

fn mode<K, V>(entries: &[StoredEntry<'_, K, V>]) -> u8 {
    match entries.iter().filter(|entry| inline(entry).is_some()).count() {
        0 => OUT,
        n if n == entries.len() => IN,
        _ => MIXED,
    }
}

impl<K, V, S> Records<'static, K, V> for Writing<'_, S>
where
    K: Serialize<S>,
    V: Serialize<S>,
    S: Sink + ?Sized,
{
    fn commit(&mut self) -> &mut Commit<'static> {
        &mut self.nodes().maps
    }

    fn entry(&mut self, key: &K, value: &V) -> Result<Option<Address>> {
        self.nodes().begin()?;
        Last(&Entry(key, value)).serialize_unsized(self.0)?;
        if self.nodes().written().len() > INLINE_MOST {
            return self.nodes().end(kinds::ENTRY).map(Some);
        }
        self.nodes().cancel();
        Ok(None)
    }

    fn moved(&mut self, place: Mark) -> Result<Option<Address>> {
        self.nodes().moved(place)
    }

    fn node(&mut self, record: NodeRecord<'_, '_, K, V>) -> Result<Address> {
        self.nodes().begin()?;
        let kind = match record.kind {
            RecordKind::Inner | RecordKind::Overlay => {
                self.nodes().words(record.base.map(|base| word(Some(base), 0)));
                self.nodes().words(record.links.iter().map(|link| link_word(link, record.bits)));
                if record.base.is_some() { kinds::MAP_OVERLAY } else { kinds::MAP_INNER }
            }
            RecordKind::Leaf => {
                self.tags(mode(record.entries), &[], record.tags);
                self.entries(record.entries)?;
                kinds::MAP_LEAF
            }
            RecordKind::LeafOverlay => {
                self.nodes().words([word(record.base, record.dead as u64)]);
                self.tags(mode(record.entries), &record.places.to_le_bytes(), record.tags);
                self.entries(record.entries)?;
                kinds::MAP_LEAF_OVERLAY
            }
            RecordKind::Collision => {
                self.nodes().words([(record.entries.len() as u64) << 8 | mode(record.entries) as u64]);
                self.entries(record.entries)?;
                kinds::MAP_COLLISION
            }
        };
        self.nodes().end(kind)
    }
}

impl<S: Sink + ?Sized> Writing<'_, S> {
    fn tags(&mut self, mode: u8, before: &[u8], tags: &[u8]) {
        let mut bytes = [0; 18];
        bytes[0] = mode << 4 | tags.len() as u8;
        let at = 1 + before.len();
        bytes[1..at].copy_from_slice(before);
        bytes[at..at + tags.len()].copy_from_slice(tags);
        self.nodes().padded(&bytes[..at + tags.len()])
    }
}

/// A link: its address, and in the spare bits its first slot, local depth, entries, and the log2 of its parent's slots.
fn link_word(link: &StoredLink, bits: u32) -> u64 {
    let spare = link.first << 11 | (link.note.depth as usize) << 8 | link.note.len << 4 | bits as usize;
    word(link.address, spare as u64)
}

fn link(body: &mut Body<'_>) -> Result<(StoredLink, u32)> {
    let (address, spare) = body.address()?;
    let note = Note { depth: spare as u32 >> 8 & 7, len: spare as usize >> 4 & 15 };
    Ok((StoredLink { address, first: spare as usize >> 11, note }, spare as u32 & 15))
}

/// The node at an address.
pub(super) fn read<K: Thaw, V: Thaw>(library: &Arc<Library>, at: Address) -> Result<NodeParts<K, V>> {
    let record = library.read(at)?;
    let mut body = Body::new(&record, at)?;
    let mut parts = NodeParts {
        kind: RecordKind::Inner,
        base: None,
        bits: 0,
        links: Vec::new(),
        dead: 0,
        places: 0,
        tags: Vec::new(),
        entries: Vec::new(),
    };
    match record.kind() & !kinds::LINKED {
        kind @ (kinds::MAP_INNER | kinds::MAP_OVERLAY) => {
            if kind == kinds::MAP_OVERLAY {
                parts.kind = RecordKind::Overlay;
                parts.base = Some(body.some_address()?.0)
            }
            while body.left() > 0 {
                let (link, bits) = link(&mut body)?;
                parts.bits = bits;
                parts.links.push(link)
            }
        }
        kinds::MAP_LEAF => {
            parts.kind = RecordKind::Leaf;
            let head = body.byte()?;
            parts.tags = body.some(head as usize & 15)?.to_vec();
            body.align()?;
            let n = parts.tags.iter().filter(|&&tag| tag != 0).count();
            parts.entries = entries(library, body, at, head >> 4, n)?
        }
        kinds::MAP_LEAF_OVERLAY => {
            parts.kind = RecordKind::LeafOverlay;
            let (base, dead) = body.some_address()?;
            (parts.base, parts.dead) = (Some(base), dead as u16);
            let head = body.byte()?;
            parts.places = body.u16()?;
            parts.tags = body.some(head as usize & 15)?.to_vec();
            body.align()?;
            let n = parts.tags.len();
            parts.entries = entries(library, body, at, head >> 4, n)?
        }
        kinds::MAP_COLLISION => {
            parts.kind = RecordKind::Collision;
            let head = body.word()?;
            parts.entries = entries(library, body, at, head as u8, (head >> 8) as usize)?
        }
        _ => return Err(body.corrupt("it is no node of a map")),
    }
    Ok(parts)
}

type Entries<K, V> = Vec<(K, V, Option<Address>)>;

/// So many entries of a leaf.
fn entries<K: Thaw, V: Thaw>(
    library: &Arc<Library>,
    mut body: Body<'_>,
    at: Address,
    mode: u8,
    n: usize,
) -> Result<Entries<K, V>> {
    let outside = match mode {
        IN => Vec::new(),
        OUT | MIXED if body.left() / 8 >= n => (0..n).map(|_| Ok(body.address()?.0)).collect::<Result<_>>()?,
        _ => return Err(body.corrupt("a leaf that does not say where its entries are")),
    };
    let mut entries = Vec::with_capacity(n.min(64));
    let mut inline: &[ArchivedEntry<K::Archived, V::Archived>] = &[];
    if mode != OUT {
        inline = body.last::<ArchivedVec<_>>()?.as_slice()
    }
    let mut inline = inline.iter();
    let (mut loader, mut window) = (Loader::new(library.clone(), at), library.window());
    for k in 0..n {
        match outside.get(k).copied().flatten() {
            Some(address) => {
                let (key, value) = entry(library, &library.read_near(&mut window, address)?, address)?;
                entries.push((key, value, Some(address)))
            }
            None => {
                let entry = inline.next().ok_or_else(|| corrupt(at, "a leaf with fewer entries than it says"))?;
                let (key, value) = thawed(entry, &mut loader)?;
                entries.push((key, value, None))
            }
        }
    }
    if inline.next().is_some() {
        return Err(corrupt(at, "a leaf with more entries than it says"));
    }
    Ok(entries)
}

/// An entry that is a record of its own.
fn entry<K: Thaw, V: Thaw>(library: &Arc<Library>, record: &Record, at: Address) -> Result<(K, V)> {
    let body = Body::new(record, at)?;
    if record.kind() & !kinds::LINKED != kinds::ENTRY {
        return Err(body.corrupt("it is no entry of a map"));
    }
    thawed(body.last()?, &mut Loader::new(library.clone(), at))
}

fn thawed<K: Thaw, V: Thaw>(entry: &ArchivedEntry<K::Archived, V::Archived>, loader: &mut Loader) -> Result<(K, V)> {
    let d = De::wrap(loader);
    Ok((entry.key.deserialize(d)?, entry.value.deserialize(d)?))
}

/// Writes what is new of a map, and gives what its handle is made from.
fn write<K, V, H, P, S>(map: &GenericHashMap<K, V, H, P>, s: &mut S) -> Result<HandleResolver>
where
    K: Serialize<S> + 'static,
    V: Serialize<S> + 'static,
    H: PortableHasher,
    P: Kind,
    S: Sink + ?Sized,
{
    let nodes = s.nodes();
    let root = match map::stored_address(map.root.link(), nodes.session()) {
        Some(address) => Some(address),
        None => {
            let root = nodes.keep(map.root.clone());
            let root = map::write(root, &mut Writing(s))?;
            if root.is_some() {
                s.nodes().uses(Hasher::of::<H>())
            }
            root
        }
    };
    Ok(HandleResolver { root, own: map_word::<H>(map.len()), places: s.nodes().places() })
}

impl<K, V, H, P: Kind> Archive for GenericHashMap<K, V, H, P> {
    type Archived = ArchivedHashMap<K, V, H>;
    type Resolver = HandleResolver;

    fn resolve(&self, resolver: HandleResolver, out: Place<Self::Archived>) {
        ArchivedCollection::resolve(resolver, out)
    }
}

impl<K, V, H, P, S> Serialize<S> for GenericHashMap<K, V, H, P>
where
    K: Serialize<S> + 'static,
    V: Serialize<S> + 'static,
    H: PortableHasher,
    P: Kind,
    S: Sink + ?Sized,
{
    fn serialize(&self, s: &mut S) -> Result<HandleResolver> {
        write(self, s)
    }
}

impl<A, H, P: Kind> Archive for GenericHashSet<A, H, P> {
    type Archived = ArchivedHashSet<A, H>;
    type Resolver = HandleResolver;

    fn resolve(&self, resolver: HandleResolver, out: Place<Self::Archived>) {
        ArchivedCollection::resolve(resolver, out)
    }
}

impl<A, H, P, S> Serialize<S> for GenericHashSet<A, H, P>
where
    A: Serialize<S> + 'static,
    H: PortableHasher,
    P: Kind,
    S: Sink + ?Sized,
{
    fn serialize(&self, s: &mut S) -> Result<HandleResolver> {
        write(&self.map, s)
    }
}
