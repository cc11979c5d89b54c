//! Large objects: a map of members that carry their order.
//!
//! In: names and values. Out: a map of members that shares structure with the versions it was made from.
//! - **J1** No two members have the same order, and all orders are below `next`.
//!
//! Uses: `map`, `hash`, `archive` for the derives.

use super::Json;
use crate::archive::{Sink, Source};
use crate::hash::StrongHash;
use crate::map::{DiffItem, GenericHashMap};
use archery::ArcTK;
use rkyv::validation::ArchiveContext;
use rkyv::{Archive, Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Default, Archive, Serialize, Deserialize)]
#[rkyv(serialize_bounds(__S: Sink), deserialize_bounds(__D: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: rkyv::rancor::Source)))]
pub struct Large {
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

/// By value: the order does not count.
impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// By members, whatever their order.
impl PartialEq for Large {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Large {
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.members.get(name).map(|member| &member.value)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        self.members.get_mut(name).map(|member| &mut member.value)
    }

    pub(super) fn insert(&mut self, name: String, mut value: Json) -> Option<Json> {
        if let Some(member) = self.get_mut(&name) {
            std::mem::swap(member, &mut value);
            return Some(value);
        }
        if self.next == u64::MAX {
            // Only a forged log comes so far.
            *self = self.to_list().iter().cloned().collect()
        }
        self.members.insert(name, Member { order: self.next, value });
        self.next += 1;
        None
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Json> {
        self.members.remove(name).map(|member| member.value)
    }

    /// All members, in order. Time: O(n log n).
    pub(super) fn sorted(&self) -> Vec<(&String, &Json)> {
        let mut all: Vec<_> = self.members.iter().map(|(name, member)| (member.order, (name, &member.value))).collect();
        all.sort_unstable_by_key(|(order, _)| *order);
        all.into_iter().map(|(_, member)| member).collect()
    }

    /// The same, as a list.
    pub(super) fn to_list(&self) -> Arc<[(String, Json)]> {
        self.sorted().into_iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    pub(super) fn iter_unordered(&self) -> impl ExactSizeIterator<Item = (&String, &Json)> {
        self.members.iter().map(|(name, member)| (name, &member.value))
    }

    /// Its order, and its value.
    pub(super) fn find(&self, name: &str) -> Option<(u64, &Json)> {
        self.members.get(name).map(|member| (member.order, &member.value))
    }

    pub(super) fn diff<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = DiffItem<'a, 'a, String, Json>> {
        self.members.diff(&other.members).map(|item| match item {
            DiffItem::Add(name, member) => DiffItem::Add(name, &member.value),
            DiffItem::Update { old, new } => {
                DiffItem::Update { old: (old.0, &old.1.value), new: (new.0, &new.1.value) }
            }
            DiffItem::Remove(name, member) => DiffItem::Remove(name, &member.value),
        })
    }

    pub(super) fn ptr_eq(&self, other: &Self) -> bool {
        self.members.ptr_eq(&other.members)
    }
}

/// Members in order; of two with one name the later counts, in its place.
impl FromIterator<(String, Json)> for Large {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(members: I) -> Self {
        let mut next = 0;
        let numbered = members.into_iter().map(|(name, value)| {
            next += 1;
            (name, Member { order: next - 1, value })
        });
        let large = Large { members: numbered.collect(), next };
        // Numbered without gaps, so that what was there twice leaves no trace.
        match large.len() as u64 == next {
            true => large,
            false => large.to_list().iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_have_come_to_their_end_begin_anew() {
        let mut large: Large = ["a", "b", "c"].map(|name| (name.to_owned(), Json::Null)).into_iter().collect();
        large.remove("b");
        large.next = u64::MAX;
        ["d", "b"].into_iter().for_each(|name| _ = large.insert(name.into(), Json::Null));
        assert!(large.sorted().into_iter().map(|(name, _)| name).eq(["a", "c", "d", "b"]));
        assert_eq!(large.next, 4)
    }
}
