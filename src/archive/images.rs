//! What collections are in rkyv's form: handles that name a root by its address, and the frames of users' values in
//! records.
//!
//! In: values. Out: archived values, which lie in a record as they are read.
//! Must hold: every address that stands in a user's value is in its record's list of places, so that records can be
//! followed without types. Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `id`, `error`, `serializer`, `hash`, `link`.

use super::serializer::Places;
use crate::error::Result;
use crate::hash::PortableHasher;
use crate::id::Address;
use crate::link::corrupt;
use rkyv::bytecheck::CheckBytes;
use rkyv::munge::munge;
use rkyv::rancor::Fallible;
use rkyv::rend::{u32_le, u64_le};
use rkyv::ser::{Allocator, Writer};
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::{Archive, Place, Portable, Serialize};
use std::marker::PhantomData;

/// A word with an address, or none, and what its spare bits say.
pub(super) fn word(address: Option<Address>, spare: u64) -> u64 {
    debug_assert!(spare >> Address::SPARE_BITS == 0);
    address.map_or(0, Address::units) << Address::SPARE_BITS | spare
}

/// The address in a word, if there is one, and what its spare bits say.
#[inline(always)]
pub(super) fn split_word(word: u64) -> (Option<Address>, u64) {
    (Address::new(word >> Address::SPARE_BITS), word & ((1 << Address::SPARE_BITS) - 1))
}

/// A collection in a record: where its root is, and a word of its own.
#[derive(Clone, Copy, Portable, CheckBytes)]
#[bytecheck(crate = rkyv::bytecheck)]
#[repr(C)]
pub(super) struct Handle {
    root: u64_le,
    own: u64_le,
}

impl Handle {
    /// Where the root of a collection is whose handle is in the record at `at`.
    pub(super) fn root_below(self, at: Address) -> Result<Option<Address>> {
        match split_word(self.root.to_native()).0 {
            Some(root) if root >= at => Err(corrupt(at, "a collection whose root comes after it")),
            root => Ok(root),
        }
    }

    pub(super) fn own(self) -> u64 {
        self.own.to_native()
    }
}

/// Bits of a map's own word that say how many entries it has; above them is the hasher.
const LEN_BITS: u32 = 48;

/// A map's own word.
pub(super) fn map_word<S: PortableHasher>(len: usize) -> u64 {
    len as u64 | (S::ID as u64) << LEN_BITS
}

/// How many entries a map has, by its own word.
pub(super) fn map_len(own: u64) -> usize {
    (own & ((1 << LEN_BITS) - 1)) as usize
}

/// The number of a map's hasher, by its own word.
pub(super) fn map_hasher(own: u64) -> u64 {
    own >> LEN_BITS
}

/// What a handle is made from.
pub struct HandleResolver {
    pub(super) root: Option<Address>,
    pub(super) own: u64,
    pub(super) places: Places,
}

impl HandleResolver {
    fn resolve(self, out: Place<Handle>) {
        if self.root.is_some() {
            self.places.borrow_mut().push(out.pos() as u32)
        }
        munge!(let Handle { root, own } = out);
        root.write(u64_le::from_native(word(self.root, 0)));
        own.write(u64_le::from_native(self.own))
    }
}

/// A collection in rkyv's form: where its root is stored, and how long it is. `Of` says which collection.
#[derive(Portable, CheckBytes)]
#[bytecheck(crate = rkyv::bytecheck)]
#[repr(C)]
pub struct ArchivedCollection<Of> {
    pub(super) handle: Handle,
    of: PhantomData<fn() -> Of>,
}

impl<Of> ArchivedCollection<Of> {
    pub(super) fn resolve(resolver: HandleResolver, out: Place<Self>) {
        munge!(let ArchivedCollection { handle, of: _ } = out);
        resolver.resolve(handle)
    }
}

/// Names the maps with these keys, values and hasher.
pub struct OfMap<K, V, S>(PhantomData<(K, V, S)>);
/// Names the sets of these values, with this hasher.
pub struct OfSet<A, S>(PhantomData<(A, S)>);
/// Names the vectors of these elements.
pub struct OfVector<A>(PhantomData<A>);

/// A hash map in rkyv's form.
pub type ArchivedHashMap<K, V, S> = ArchivedCollection<OfMap<K, V, S>>;
/// A hash set in rkyv's form.
pub type ArchivedHashSet<A, S> = ArchivedCollection<OfSet<A, S>>;
/// A vector in rkyv's form.
pub type ArchivedVector<A> = ArchivedCollection<OfVector<A>>;

/// An entry of a map in a record.
#[derive(Portable, CheckBytes)]
#[bytecheck(crate = rkyv::bytecheck)]
#[repr(C)]
pub(super) struct ArchivedEntry<K, V> {
    pub(super) key: K,
    pub(super) value: V,
}

#[derive(Clone, Copy)]
pub(super) struct Entry<'a, K, V>(pub(super) &'a K, pub(super) &'a V);

impl<K: Archive, V: Archive> Archive for Entry<'_, K, V> {
    type Archived = ArchivedEntry<K::Archived, V::Archived>;
    type Resolver = (K::Resolver, V::Resolver);

    fn resolve(&self, (of_key, of_value): Self::Resolver, out: Place<Self::Archived>) {
        munge!(let ArchivedEntry { key, value } = out);
        self.0.resolve(of_key, key);
        self.1.resolve(of_value, value)
    }
}

impl<K: Serialize<S>, V: Serialize<S>, S: Fallible + ?Sized> Serialize<S> for Entry<'_, K, V> {
    fn serialize(&self, s: &mut S) -> std::result::Result<Self::Resolver, S::Error> {
        Ok((self.0.serialize(s)?, self.1.serialize(s)?))
    }
}

/// The last thing in a body, so that it is found from its end.
#[derive(Portable, CheckBytes)]
#[bytecheck(crate = rkyv::bytecheck)]
#[repr(C, align(8))]
pub(super) struct ArchivedLast<T>(pub(super) T);

pub(super) struct Last<'a, T>(pub(super) &'a T);

impl<T: Archive> Archive for Last<'_, T> {
    type Archived = ArchivedLast<T::Archived>;
    type Resolver = T::Resolver;

    fn resolve(&self, resolver: Self::Resolver, out: Place<Self::Archived>) {
        munge!(let ArchivedLast(last) = out);
        self.0.resolve(resolver, last)
    }
}

impl<T: Serialize<S>, S: Fallible + ?Sized> Serialize<S> for Last<'_, T> {
    fn serialize(&self, s: &mut S) -> std::result::Result<Self::Resolver, S::Error> {
        self.0.serialize(s)
    }
}

/// Values side by side, and a number.
#[derive(Portable, CheckBytes)]
#[bytecheck(crate = rkyv::bytecheck)]
#[repr(C)]
pub(super) struct ArchivedRow<T> {
    pub(super) values: ArchivedVec<T>,
    pub(super) number: u32_le,
}

pub(super) struct Row<'a, T>(pub(super) &'a [T], pub(super) u32);

impl<T: Archive> Archive for Row<'_, T> {
    type Archived = ArchivedRow<T::Archived>;
    type Resolver = VecResolver;

    fn resolve(&self, resolver: VecResolver, out: Place<Self::Archived>) {
        munge!(let ArchivedRow { values, number } = out);
        ArchivedVec::resolve_from_slice(self.0, resolver, values);
        number.write(u32_le::from_native(self.1))
    }
}

impl<T: Serialize<S>, S: Fallible + Allocator + Writer + ?Sized> Serialize<S> for Row<'_, T> {
    fn serialize(&self, s: &mut S) -> std::result::Result<VecResolver, S::Error> {
        ArchivedVec::<T::Archived>::serialize_from_slice(self.0, s)
    }
}
