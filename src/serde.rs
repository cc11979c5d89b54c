//! The feature `serde`: collections as std's of the same shape, in every format.
//!
//! A map is written as a map, a set and a vector as a sequence, each with its length in front and in its order of
//! iteration; so bytes written by a std collection are read by ours, and the other way round.
//!
//! In: a collection and a serializer, or a deserializer. Out: what serde's impls for std's collections say.
//! Must hold: a length that the input claims reserves nothing; of equal keys the last stays; what was read before an
//! error is dropped.
//! Uses: `link`, `map`, `set`, `vector`.

use crate::link::Kind;
use crate::map::GenericHashMap;
use crate::set::GenericHashSet;
use crate::vector::GenericVector;
use ::serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{Serialize, Serializer};
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter::from_fn;
use core::marker::PhantomData;

/// Reads entries into a map `C`.
struct Entries<C, K, V>(PhantomData<(C, K, V)>);

impl<'de, C, K, V> Visitor<'de> for Entries<C, K, V>
where
    C: FromIterator<(K, V)>,
    K: Deserialize<'de>,
    V: Deserialize<'de>,
{
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut entries: M) -> Result<C, M::Error> {
        // The iterator gives no hint of its length: room is made for what has come.
        from_fn(|| entries.next_entry().transpose()).collect()
    }
}

/// Reads elements into a set or vector `C`.
struct Elements<C, A>(PhantomData<(C, A)>);

impl<'de, C: FromIterator<A>, A: Deserialize<'de>> Visitor<'de> for Elements<C, A> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<E: SeqAccess<'de>>(self, mut elements: E) -> Result<C, E::Error> {
        from_fn(|| elements.next_element().transpose()).collect()
    }
}

impl<K: Serialize, V: Serialize, S, P: Kind> Serialize for GenericHashMap<K, V, S, P> {
    /// Time: O(n).
    ///
    /// # Errors
    /// What the format or an entry says.
    fn serialize<F: Serializer>(&self, format: F) -> Result<F::Ok, F::Error> {
        format.collect_map(self)
    }
}

impl<'de, K, V, S, P> Deserialize<'de> for GenericHashMap<K, V, S, P>
where
    K: Deserialize<'de> + Hash + Eq + Clone,
    V: Deserialize<'de> + Clone,
    S: BuildHasher + Default,
    P: Kind,
{
    /// Time: O(n). Of equal keys the last stays. The hasher is a new one: take [`StrongHash`](crate::StrongHash) where
    /// the input comes from outside.
    ///
    /// # Errors
    /// What the format or an entry says, or that it is no map.
    fn deserialize<F: Deserializer<'de>>(format: F) -> Result<Self, F::Error> {
        format.deserialize_map(Entries::<Self, K, V>(PhantomData))
    }
}

impl<A: Serialize, S, P: Kind> Serialize for GenericHashSet<A, S, P> {
    /// Time: O(n).
    ///
    /// # Errors
    /// What the format or a value says.
    fn serialize<F: Serializer>(&self, format: F) -> Result<F::Ok, F::Error> {
        format.collect_seq(self)
    }
}

impl<'de, A, S, P> Deserialize<'de> for GenericHashSet<A, S, P>
where
    A: Deserialize<'de> + Hash + Eq + Clone,
    S: BuildHasher + Default,
    P: Kind,
{
    /// As the map's.
    ///
    /// # Errors
    /// What the format or a value says, or that it is no sequence.
    fn deserialize<F: Deserializer<'de>>(format: F) -> Result<Self, F::Error> {
        format.deserialize_seq(Elements::<Self, A>(PhantomData))
    }
}

impl<A: Serialize, P: Kind> Serialize for GenericVector<A, P> {
    /// Time: O(n).
    ///
    /// # Errors
    /// What the format or an element says.
    fn serialize<F: Serializer>(&self, format: F) -> Result<F::Ok, F::Error> {
        format.collect_seq(self)
    }
}

impl<'de, A: Deserialize<'de> + Clone, P: Kind> Deserialize<'de> for GenericVector<A, P> {
    /// Time: O(n).
    ///
    /// # Errors
    /// What the format or an element says, or that it is no sequence.
    fn deserialize<F: Deserializer<'de>>(format: F) -> Result<Self, F::Error> {
        format.deserialize_seq(Elements::<Self, A>(PhantomData))
    }
}
