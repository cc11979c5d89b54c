//! Maps and sets where they are stored: lookups and iteration, record by record, without nodes in memory.
//!
//! In: views of handles. Out: views of entries.
//! Must hold: overlays are seen through; a lookup reads its path, and of the entries that stand out of line those whose tag
//! is the key's; a walk ends after as many entries as the handle says. Bytes that make no map are `Corrupt`, not a loop.
//! Uses: `view`, `page`, `shape`, `loader`, `images`, `map`, `hash`, `link`, `id`, `error`.

use super::images::*;
use super::loader::{Library, Thaw, map_root};
use super::page::Page;
use super::shape::{Divided, Form, Leaf};
use super::view::View;
use crate::error::{Error, Result};
use crate::hash::PortableHasher;
use crate::id::Address;
use crate::link::corrupt;
use crate::map::{MOST_BITS, RecordKind, StoredLink, tag_of};
use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

/// The key and the value of an entry.
type Pair<K, V> = (View<<K as rkyv::Archive>::Archived>, View<<V as rkyv::Archive>::Archived>);

/// An entry where it lies.
type Entry<K, V> = View<ArchivedEntry<<K as rkyv::Archive>::Archived, <V as rkyv::Archive>::Archived>>;

/// So many bits has a hash, and so deep is a map at most.
const HASH_BITS: u32 = 64;

/// The children of a divided node, those of its base included where nothing stands over them, in the order of their slots.
fn children(page: &Page, Divided { base, bits, links }: Divided) -> Result<Vec<StoredLink>> {
    let mut all = Vec::new();
    if let Some(base) = base {
        match Page::read(&page.library, base)?.shape()?.form {
            Form::Divided(Divided { base: None, bits: of_base, links }) if of_base == bits => all = links,
            _ => return Err(page.wrong("the base of an overlay is no inner node, or of another size")),
        }
    }
    all.extend(links);
    let mut slots = [None; 1 << MOST_BITS];
    for (i, link) in all.iter().enumerate() {
        let width =
            (bits <= MOST_BITS && (1..=bits).contains(&link.note().depth)).then(|| 1 << (bits - link.note().depth));
        let Some(width) = width.filter(|width| link.first() % width == 0 && link.first() >> bits == 0) else {
            return Err(page.wrong("a link of a wrong depth, or that begins at a wrong slot"));
        };
        slots[link.first()..link.first() + width].fill(Some(i))
    }
    let mut shown = Vec::with_capacity(all.len());
    let mut s = 0;
    while s < slots.len() {
        let Some(i) = slots[s] else {
            s += 1;
            continue;
        };
        let link: &StoredLink = &all[i];
        let next = link.first() + (1 << (bits - link.note().depth));
        if s != link.first() || slots[s..next].iter().any(|&slot| slot != Some(i)) {
            return Err(page.wrong("a link that stands over part of another"));
        }
        if link.address.is_some() {
            shown.push(*link)
        }
        s = next
    }
    if shown.is_empty() {
        return Err(page.wrong("an inner node without children"));
    }
    Ok(shown)
}

/// The entries of a leaf, those of its base included that are not dead: all, or those that may have this tag.
fn entries<K: Thaw + 'static, V: Thaw + 'static>(
    page: &Page,
    leaf: Leaf<'_>,
    tag: Option<u8>,
) -> Result<Vec<Entry<K, V>>> {
    let mut found = Vec::new();
    if let Some((base, dead)) = leaf.base {
        let below = Page::read(&page.library, base)?;
        let of_base = below.shape()?.leaf()?;
        if of_base.kind != RecordKind::Leaf || of_base.used() & !dead & leaf.places != 0 {
            return Err(page.wrong("the entries of a leaf overlay do not fit its base"));
        }
        entries_of::<K, V>(&below, &of_base, dead, tag, &mut found)?
    }
    entries_of::<K, V>(page, &leaf, 0, tag, &mut found)?;
    if tag.is_none() && found.is_empty() {
        return Err(page.wrong("an empty leaf"));
    }
    Ok(found)
}

/// Those of one record, without the dead ones.
fn entries_of<K: Thaw + 'static, V: Thaw + 'static>(
    page: &Page,
    leaf: &Leaf<'_>,
    dead: u16,
    tag: Option<u8>,
    found: &mut Vec<Entry<K, V>>,
) -> Result<()> {
    let inline = page.view(|shape| shape.leaf()?.inline::<K, V>())?;
    let mut of_inline = 0;
    for (k, (place, own)) in leaf.entries().enumerate() {
        let outside = leaf.outside(k);
        let i = of_inline;
        of_inline += outside.is_none() as usize;
        if (dead as u32) >> place & 1 == 1 || own.is_some_and(|own| tag.is_some_and(|tag| own != tag)) {
            continue;
        }
        found.push(match outside {
            None => inline.map(|inline| &inline[i]),
            Some(at) => Page::read(&page.library, at)?.view(|shape| shape.entry::<K, V>())?,
        })
    }
    Ok(())
}

/// The entry that `is` says it is, of those with this hash.
fn find<K: Thaw + 'static, V: Thaw + 'static>(
    library: &Arc<Library>,
    root: Address,
    hash: u64,
    is: impl Fn(&K::Archived) -> bool,
) -> Result<Option<Entry<K, V>>> {
    let (mut at, mut depth) = (root, 0);
    loop {
        let page = Page::read(library, at)?;
        let shape = page.shape()?;
        match shape.form {
            Form::Divided(node) if depth < HASH_BITS => {
                let slot = (hash << depth >> (HASH_BITS - node.bits.clamp(1, MOST_BITS))) as usize;
                let bits = node.bits;
                let covers = |link: &&StoredLink| {
                    slot >> (bits - link.note().depth) == link.first() >> (bits - link.note().depth)
                };
                let Some(link) = children(&page, node)?.iter().find(covers).copied() else { return Ok(None) };
                depth += link.note().depth;
                at = link.address.expect("shown links have one")
            }
            Form::Leaf(leaf) => {
                let found = entries::<K, V>(&page, leaf, Some(tag_of(hash)))?;
                return Ok(found.into_iter().find(|entry| is(&entry.key)));
            }
            _ => return Err(shape.wrong("it is no node of a map")),
        }
    }
}

/// All entries below some nodes.
struct Walk<K: Thaw + 'static, V: Thaw + 'static> {
    library: Arc<Library>,
    /// Nodes that are still to be read, with their depths; the next one last.
    nodes: Vec<(Address, u32)>,
    /// Those of the leaf that was read last.
    entries: std::vec::IntoIter<Entry<K, V>>,
    /// How many entries are still to come.
    left: usize,
    handle_at: Address,
}

impl<K: Thaw + 'static, V: Thaw + 'static> Walk<K, V> {
    fn of<S: PortableHasher>(handle: Handle, page: &Page) -> Result<Self> {
        let root = map_root::<S>(handle, &page.library, page.at)?;
        Ok(Walk {
            library: page.library.clone(),
            nodes: root.map(|root| (root, 0)).into_iter().collect(),
            entries: Vec::new().into_iter(),
            left: map_len(handle.own()),
            handle_at: page.at,
        })
    }

    fn enter(&mut self, at: Address, depth: u32) -> Result<()> {
        let page = Page::read(&self.library, at)?;
        let shape = page.shape()?;
        match shape.form {
            Form::Divided(node) if depth < HASH_BITS => {
                let below = children(&page, node)?;
                let node = |link: &StoredLink| (link.address.expect("shown links have one"), depth + link.note().depth);
                self.nodes.extend(below.iter().rev().map(node))
            }
            Form::Leaf(leaf) => self.entries = entries::<K, V>(&page, leaf, None)?.into_iter(),
            _ => return Err(shape.wrong("it is no node of a map")),
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Entry<K, V>>> {
        loop {
            if let Some(entry) = self.entries.next() {
                self.left = self.left.checked_sub(1).ok_or_else(|| self.wrong_len())?;
                return Ok(Some(entry));
            }
            match self.nodes.pop() {
                Some((at, depth)) => self.enter(at, depth)?,
                None if self.left > 0 => return Err(self.wrong_len()),
                None => return Ok(None),
            }
        }
    }

    fn wrong_len(&self) -> Error {
        corrupt(self.handle_at, "a map with more entries than it says, or fewer")
    }
}

impl<K: Thaw + 'static, V: Thaw + 'static> Iterator for Walk<K, V> {
    type Item = Result<Entry<K, V>>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            // Nothing comes after an error.
            (self.entries, self.left) = (Vec::new().into_iter(), 0);
            self.nodes.clear()
        }
        step.transpose()
    }
}

fn get<K, V, S, Q>(handle: Handle, page: &Page, key: &Q) -> Result<Option<Entry<K, V>>>
where
    K: Thaw<Archived: PartialEq<Q>> + Borrow<Q> + 'static,
    V: Thaw + 'static,
    S: PortableHasher,
    Q: Hash + ?Sized,
{
    match map_root::<S>(handle, &page.library, page.at)? {
        Some(root) => find::<K, V>(&page.library, root, S::default().hash_one(key), |own| own == key),
        None => Ok(None),
    }
}

impl<K, V, S> ArchivedHashMap<K, V, S> {
    /// How many entries there are. Nothing is read.
    pub fn len(&self) -> usize {
        map_len(self.handle.own())
    }

    /// True if there are none. Nothing is read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Thaw + 'static, V: Thaw + 'static, S: PortableHasher> View<ArchivedHashMap<K, V, S>> {
    /// The value of a key: a number, a `&str` for keys that are `String`s; whatever archived keys compare with.
    ///
    /// Time: O(log n) records are read; at most 9 of a map of 100 000 entries.
    ///
    /// # Errors
    /// `Corrupt` if a record on the way is damaged; `Incompatible` if the map was stored with another hasher; `Io`.
    pub fn get<Q>(&self, key: &Q) -> Result<Option<View<V::Archived>>>
    where
        K: Borrow<Q> + Thaw<Archived: PartialEq<Q>>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = get::<K, V, S, Q>(self.handle, &self.page, key)?;
        Ok(entry.map(|entry| entry.map(|entry| &entry.value)))
    }

    /// True if there is such a key.
    ///
    /// Time, and errors: those of [`get`](Self::get).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn contains_key<Q>(&self, key: &Q) -> Result<bool>
    where
        K: Borrow<Q> + Thaw<Archived: PartialEq<Q>>,
        Q: Hash + Eq + ?Sized,
    {
        Ok(get::<K, V, S, Q>(self.handle, &self.page, key)?.is_some())
    }

    /// All entries, in no order that means anything.
    ///
    /// Time: O(n) for all. Memory: that of a leaf's records, and of a path.
    ///
    /// # Errors
    /// `Incompatible` if the map was stored with another hasher. An item is an error, and the last one, if a record is damaged
    /// or cannot be read, or the map does not have as many entries as it says.
    pub fn iter(&self) -> Result<impl Iterator<Item = Result<Pair<K, V>>> + use<K, V, S>> {
        let walk = Walk::<K, V>::of::<S>(self.handle, &self.page)?;
        Ok(walk.map(|entry| entry.map(|entry| (entry.map(|entry| &entry.key), entry.map(|entry| &entry.value)))))
    }
}

impl<A, S> ArchivedHashSet<A, S> {
    /// How many values there are. Nothing is read.
    pub fn len(&self) -> usize {
        map_len(self.handle.own())
    }

    /// True if there are none. Nothing is read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<A: Thaw + 'static, S: PortableHasher> View<ArchivedHashSet<A, S>> {
    /// True if there is such a value: a number, a `&str` in a set of `String`s; whatever archived values compare with.
    ///
    /// Time: O(log n) records are read.
    ///
    /// # Errors
    /// `Corrupt` if a record on the way is damaged; `Incompatible` if the set was stored with another hasher; `Io`.
    pub fn contains<Q>(&self, value: &Q) -> Result<bool>
    where
        A: Borrow<Q> + Thaw<Archived: PartialEq<Q>>,
        Q: Hash + Eq + ?Sized,
    {
        Ok(get::<A, (), S, Q>(self.handle, &self.page, value)?.is_some())
    }

    /// All values, in no order that means anything.
    ///
    /// Time: O(n) for all. Memory: that of a leaf's records, and of a path.
    ///
    /// # Errors
    /// As [`View::iter` of a map](View#method.iter).
    pub fn iter(&self) -> Result<impl Iterator<Item = Result<View<A::Archived>>> + use<A, S>> {
        let walk = Walk::<A, ()>::of::<S>(self.handle, &self.page)?;
        Ok(walk.map(|entry| entry.map(|entry| entry.map(|entry| &entry.key))))
    }
}
