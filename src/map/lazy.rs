//! Lazy leaves: leaves and leaf overlays from a log whose entries are records of their own, read one by one as they are
//! looked up.
//!
//! A lazy leaf is laid out as a leaf is, tags and marks filled in; behind the marks stand its [`Origin`] and which entries
//! are there. A lookup reads the entries that have its tag. Whoever gets a child of a node otherwise gets it *whole*
//! ([`whole`], in `Inner::child`, `Divided::child`, `Divided::child_over` and `through_stub`), so that the rest of the map sees leaves.
//!
//! In: a node as a lookup met it. Out: the entry, or the node with all its entries.
//! Must hold: **M4**: an entry is set once, by the thread that claimed its place, and is there from then on; a leaf that is
//! whole stays so; of the base of a whole leaf overlay all live entries are there. A lazy leaf is marked, so nobody changes it (L1).
//! Uses: `link`, `node`, `leaf`, `id`, `error`.
#![allow(unsafe_code)] // Node layout: docs/ARCHITECTURE.md, "Unsafe".

use super::leaf::*;
use super::node::*;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::link::{Count, Header, MarkCell, Origin, Presence};
use alloc::sync::Arc;
use core::ptr::NonNull;
use equivalent::Equivalent;
use smallvec::SmallVec;

/// Behind the marks of a lazy leaf.
#[repr(C)]
pub(super) struct Rest {
    pub(super) origin: Arc<Origin>,
    /// Which of the node's own entries are there.
    entries: Presence,
}

const _: () = assert!(LEAF_MAX <= Presence::MOST);

impl Rest {
    pub(super) fn new(origin: Arc<Origin>) -> Self {
        Rest { origin, entries: Presence::new() }
    }

    #[inline(always)]
    pub(super) fn there(&self) -> u32 {
        self.entries.there()
    }
}

/// Borrows a lazy leaf or leaf overlay.
pub(super) struct Lazy<'a, K, V, C: Count>(Leaf<'a, K, V, C>);

impl<K, V, C: Count> Clone for Lazy<'_, K, V, C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K, V, C: Count> Copy for Lazy<'_, K, V, C> {}

/// The node with all its entries.
///
/// # Errors
/// What the storage says of those that were not there.
#[inline(always)]
pub(super) fn whole<K, V, C: Count>(node: NodeRef<'_, K, V, C>) -> Result<NodeRef<'_, K, V, C>> {
    if is_lazy(node.word()) {
        Lazy::new(Leaf::new(node)).complete()?
    }
    Ok(node)
}

/// The live entry of a leaf of any kind that equals `key`.
#[inline(always)]
pub(super) fn get_in<'a, K, V, C: Count, Q: Equivalent<K> + ?Sized>(
    leaf: Leaf<'a, K, V, C>,
    hash: u64,
    key: &Q,
) -> Result<Option<&'a (K, V)>> {
    match is_lazy(leaf.word()) {
        true => Lazy::new(leaf).get(hash, key),
        false => Ok(leaf.get(hash, key)),
    }
}

impl<'a, K, V, C: Count> Lazy<'a, K, V, C> {
    pub(super) fn new(leaf: Leaf<'a, K, V, C>) -> Self {
        debug_assert!(is_lazy(leaf.word()));
        Lazy(leaf)
    }

    #[inline(always)]
    fn rest(self) -> &'a Rest {
        // SAFETY: a lazy leaf has it behind its marks, and lives for 'a.
        unsafe { &*field::<Rest>(self.at(), Trie::<K, V, C>::rest_at(self.0.cap())) }
    }

    /// True if all entries are there.
    #[inline(always)]
    pub(super) fn is_whole(self) -> bool {
        self.rest().entries.is_whole()
    }

    /// Which of the node's own entries are there, a bit each.
    #[inline(always)]
    pub(super) fn there(self) -> u32 {
        self.rest().there()
    }

    /// A leaf's places in use, a leaf overlay's own entries.
    fn own(self) -> u32 {
        match self.0.base() {
            None => self.0.live(),
            Some(_) => (1 << self.0.own_len()) - 1,
        }
    }

    /// With its dead entries.
    fn lazy_base(self) -> Option<(Self, u32)> {
        self.0.base().filter(|(base, _)| is_lazy(base.word())).map(|(base, dead)| (Lazy::new(base), dead))
    }

    /// Reads what is not there yet.
    #[inline(always)]
    fn complete(self) -> Result<()> {
        if self.is_whole() { Ok(()) } else { self.read_all() }
    }

    #[cold]
    #[inline(never)]
    fn read_all(self) -> Result<()> {
        if let Some((base, dead)) = self.lazy_base() {
            base.fetch(base.own() & !dead)?
        }
        self.fetch(self.own())?;
        count!(LeafCompleted);
        self.rest().entries.set_whole();
        Ok(())
    }

    /// The live entry that equals `key`.
    #[inline(never)]
    fn get<Q: Equivalent<K> + ?Sized>(self, hash: u64, key: &Q) -> Result<Option<&'a (K, V)>> {
        if self.is_whole() {
            return Ok(self.0.get(hash, key));
        }
        let tag = tag_of(hash);
        let Some((base, dead)) = self.0.base() else { return self.among(matches(self.0.tags(), tag), key) };
        if let Some(entry) = self.among(matches_few(*self.0.overlay_tags(), tag) & self.own(), key)? {
            return Ok(Some(entry));
        }
        match self.lazy_base() {
            Some((base, dead)) => base.among(matches(base.0.tags(), tag) & !dead, key),
            None => Ok(base.find_tagged(hash, key, dead).map(|place| base.entry(place))),
        }
    }

    /// The one of these entries of the node's own that equals `key`.
    fn among<Q: Equivalent<K> + ?Sized>(self, hits: u32, key: &Q) -> Result<Option<&'a (K, V)>> {
        for i in bits(hits) {
            self.fetch(1 << i)?;
            // SAFETY: it is there now, and stays as long as the node (M4).
            let entry = unsafe { &*self.0.entries_at().wrapping_add(i) };
            if key.equivalent(&entry.0) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Reads those of these entries that are not there.
    fn fetch(self, which: u32) -> Result<()> {
        let missing = which & !self.there();
        if missing == 0 {
            return Ok(());
        }
        count!(EntriesRead);
        let (mut at, mut places) = (SmallVec::<[Address; 4]>::new(), 0);
        for i in bits(missing) {
            match self.address(i) {
                Some(address) => {
                    at.push(address);
                    places |= 1 << i
                }
                // Another thread read it just now, and stored it elsewhere.
                None if self.there() >> i & 1 == 1 => {}
                None => return Err(Error::new(ErrorKind::Corrupt, "an entry without a place: report this")),
            }
        }
        let mut places = bits(places);
        self.rest().origin.source.values(&at, &mut |entry| {
            let i = places.next().expect("as many as were asked for");
            // SAFETY: the values of this tree are its entries, and each is ours to move.
            let entry = unsafe { entry.cast::<(K, V)>().read() };
            self.put(i, entry)
        })?;
        debug_assert!(places.next().is_none());
        Ok(())
    }

    fn address(self, i: usize) -> Option<Address> {
        let marks = field::<MarkCell>(self.at(), Trie::<K, V, C>::marks_at(self.0.cap()));
        // SAFETY: marks stand behind the room for entries; all are set when the node is made.
        unsafe { &*marks.wrapping_add(i) }.get().address(self.rest().origin.session)
    }

    fn at(self) -> NonNull<Header> {
        self.0.word().pointer(self.0.word().tag())
    }

    /// Sets an entry, unless another thread is faster; then waits until that has.
    pub(super) fn put(self, i: usize, entry: (K, V)) {
        let at = self.0.entries_at().cast_mut().wrapping_add(i);
        // SAFETY: there is room for it, which is this thread's to write now: nobody reads before it is there (M4).
        self.rest().entries.put(i, || unsafe { at.write(entry) })
    }
}
