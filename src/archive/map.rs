//! Maps and sets: their nodes as records, and their handles.
//!
//! In: a map. Out: records of its new nodes, and an archived handle; parts of nodes from records.
//! Must hold: what is read was written (bodies are checked as they are read). Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `map`, `set`, `serializer`, `loader`, `hashers`, `page`, `shape`, `images`, `digest`, `record`, `counting`,
//! `link`, `hash`, `id`, `error`.

use super::counting::INLINE_MOST;
use super::digest;
use super::hashers::Hasher;
use super::images::*;
use super::loader::{De, Library, Loader, Thaw};
use super::page::Page;
use super::record::kinds;
use super::serializer::{Serializer, Sink};
use super::shape::{Divided, Form, IN, Leaf, MIXED, OUT};
use crate::error::Result;
use crate::hash::PortableHasher;
use crate::id::Address;
use crate::link::{Kind, Mark, corrupt};
use crate::map::{
    self, Commit, EntryPart, GenericHashMap, NodeParts, NodeRecord, RecordKind, Records, StoredEntry, StoredLink,
};
use crate::set::GenericHashSet;
use rkyv::{Archive, Deserialize, Place, Serialize, SerializeUnsized};
use std::sync::Arc;

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
        &mut self.nodes().commit().maps
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
    let spare = link.first() << 11 | (link.note().depth as usize) << 8 | link.note().len << 4 | bits as usize;
    word(link.address, spare as u64)
}

/// The node at an address, with its base.
pub(super) fn read<K: Thaw, V: Thaw>(library: &Arc<Library>, at: Address) -> Result<NodeParts<K, V>> {
    let (mut parts, base) = read_one(library, at)?;
    if let Some(at) = base {
        let (base, below) = read_one(library, at)?;
        if below.is_some() {
            return Err(corrupt(at, "the base of an overlay is an overlay"));
        }
        parts.base = Some((at, Box::new(base)))
    }
    Ok(parts)
}

/// The node at an address, and where its base is.
fn read_one<K: Thaw, V: Thaw>(library: &Arc<Library>, at: Address) -> Result<(NodeParts<K, V>, Option<Address>)> {
    let page = Page::read(library, at)?;
    let shape = page.shape()?;
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
    let base = match shape.form {
        Form::Divided(Divided { base, bits, links }) => {
            (parts.bits, parts.links) = (bits, links);
            if base.is_some() {
                parts.kind = RecordKind::Overlay
            }
            base
        }
        Form::Leaf(leaf) => {
            let (base, dead) = leaf.base.unzip();
            (parts.kind, parts.dead, parts.places) = (leaf.kind, dead.unwrap_or(0), leaf.places);
            (parts.tags, parts.entries) = (leaf.tags.to_vec(), entries(&page, &leaf)?);
            base
        }
        _ => return Err(shape.wrong("it is no node of a map")),
    };
    Ok((parts, base))
}

/// The entries of a leaf's record.
fn entries<K: Thaw, V: Thaw>(page: &Page, leaf: &Leaf<'_>) -> Result<Vec<EntryPart<K, V>>> {
    let mut inline = leaf.inline::<K, V>()?.iter();
    let mut loader = page.loader();
    let mut entries = Vec::with_capacity(leaf.n());
    for k in 0..leaf.n() {
        entries.push(match leaf.outside(k) {
            Some(at) => EntryPart::Out(at),
            None => {
                let entry = inline.next().expect("as many as are not outside");
                let (key, value) = thawed::<K, V>(entry, &mut loader)?;
                EntryPart::In(key, value)
            }
        })
    }
    Ok(entries)
}

/// The entries at these addresses, records of their own.
pub(super) fn read_entries<K: Thaw, V: Thaw>(
    library: &Arc<Library>,
    at: &[Address],
    mut take: impl FnMut((K, V)),
) -> Result<()> {
    at.iter().try_for_each(|&at| {
        let page = Page::read(library, at)?;
        take(thawed::<K, V>(page.shape()?.entry::<K, V>()?, &mut page.loader())?);
        Ok(())
    })
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
    if s.nodes().digests().is_some() {
        return digest::map(map, s);
    }
    let nodes = s.nodes().commit();
    let root = match map::stored_address(map.root.link(), nodes.session) {
        Some(address) => Some(address),
        None => {
            let root = nodes.keep(map.root.clone());
            let root = map::write(root, &mut Writing(s))?;
            if root.is_some() {
                s.nodes().commit().uses(Hasher::of::<H>())
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
