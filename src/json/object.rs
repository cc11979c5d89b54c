//! Objects: members by name, which remember their order.
//!
//! In: names and values. Out: a map of members that shares structure with the versions it was made from.
//! - **J1** No two members have the same order, and all orders are below `next`.
//! - **J2** Equality and differences ignore the order; what is printed and the digest do not.
//!
//! Uses: `map`, `hash`.

use super::Json;
use crate::archive::{Sink, Source};
use crate::hash::StrongHash;
use crate::map::{DiffItem, GenericHashMap};
use archery::ArcTK;
use rkyv::validation::ArchiveContext;
use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

/// The members of a JSON object, in the order in which they came.
///
/// A map by name, in which each member carries its order. Cloning is O(1). Looking up, adding, replacing and removing a
/// member costs what it does in a [`GenericHashMap`] of as many entries; going through all members in order costs
/// O(n log n), as they are sorted for it.
///
/// Equality ignores the order. Names come from outside: they are hashed by [`StrongHash`].
#[derive(Clone, Archive, Serialize, Deserialize)]
#[rkyv(serialize_bounds(__S: Sink), deserialize_bounds(__D: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: rkyv::rancor::Source)))]
pub struct Object {
    #[rkyv(omit_bounds)]
    members: GenericHashMap<String, Member, StrongHash, ArcTK>,
    /// Above the order of every member (J1).
    next: u64,
}

#[derive(Clone, Archive, Serialize, Deserialize)]
#[rkyv(serialize_bounds(__S: Sink), deserialize_bounds(__D: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: rkyv::rancor::Source)))]
pub struct Member {
    order: u64,
    #[rkyv(omit_bounds)]
    value: Json,
}

/// By value (J2).
impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Object {
    /// An object without members. Allocates nothing.
    pub fn new() -> Self {
        Object { members: GenericHashMap::default(), next: 0 }
    }

    /// The number of members. Time: O(1).
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value of the member `name`.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members.get(name).map(|member| &member.value)
    }

    /// The same, to be changed: what other versions share of it is copied.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        self.members.get_mut(name).map(|member| &mut member.value)
    }

    /// Whether there is a member `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Gives the member `name` this value: a new member comes last, one that is there keeps its place. Gives the value it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Json>) -> Option<Json> {
        let (name, mut value) = (name.into(), value.into());
        if let Some(member) = self.members.get_mut(&name) {
            std::mem::swap(&mut member.value, &mut value);
            return Some(value);
        }
        self.members.insert(name, Member { order: self.next, value });
        self.next += 1;
        None
    }

    /// Takes the member `name` out, if there is one.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        self.members.remove(name).map(|member| member.value)
    }

    /// All members, in order. Time: O(n log n); O(n) memory.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> + DoubleEndedIterator {
        let mut all: Vec<_> = self.members.iter().map(|(name, member)| (member.order, name, &member.value)).collect();
        all.sort_unstable_by_key(|(order, ..)| *order);
        all.into_iter().map(|(_, name, value)| (&**name, value))
    }

    /// All members, in no order. Time: O(n).
    pub fn iter_unordered(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> {
        self.members.iter().map(|(name, member)| (&**name, &member.value))
    }

    /// All names, in order. Time: as [`iter`](Self::iter).
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.iter().map(|(name, _)| name)
    }

    /// Where the member `name` stands among the others: below the order of all that come after it. Time: a lookup.
    pub(super) fn order(&self, name: &str) -> Option<u64> {
        self.members.get(name).map(|member| member.order)
    }

    /// What makes `other` of this one, in no order. Time: O(what differs), for versions that share structure. The order of
    /// members does not count.
    pub fn diff<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = DiffItem<'a, 'a, String, Json>> {
        self.members.diff(&other.members).map(|item| match item {
            DiffItem::Add(name, member) => DiffItem::Add(name, &member.value),
            DiffItem::Update { old, new } => {
                DiffItem::Update { old: (old.0, &old.1.value), new: (new.0, &new.1.value) }
            }
            DiffItem::Remove(name, member) => DiffItem::Remove(name, &member.value),
        })
    }

    /// Whether both share all their structure: O(1), and true only for equal objects.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.members.ptr_eq(&other.members)
    }

    /// Whether the members have the same names in the same order, and all values below them too.
    pub(super) fn same_order(&self, other: &Self) -> bool {
        self.ptr_eq(other)
            || self.len() == other.len()
                && self.iter().zip(other.iter()).all(|((a, x), (b, y))| a == b && x.same_order(y))
    }
}

impl Default for Object {
    fn default() -> Self {
        Object::new()
    }
}

/// By members, whatever their order (J2).
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Of two members with one name the later counts, in its place.
impl<N: Into<String>, V: Into<Json>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        let mut next = 0;
        let numbered = members.into_iter().map(|(name, value)| {
            next += 1;
            (name.into(), Member { order: next - 1, value: value.into() })
        });
        Object { members: numbered.collect(), next }
    }
}

impl<N: Into<String>, V: Into<Json>> Extend<(N, V)> for Object {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, members: I) {
        members.into_iter().for_each(|(name, value)| _ = self.insert(name, value))
    }
}
