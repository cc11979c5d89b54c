//! Objects: members by name, which remember their order.
//!
//! In: names and values. Out: members, in their order or by name, shared with the versions that they were made from.
//! - **J2** Equality and differences ignore the order; what is printed and the digest do not. Equal digests mean the same members
//!   in the same order; large objects that came to these in different ways may have different ones.
//! - **J5** A list has no name twice. It is [small](super::few), and a map is not, but for what became of their members since the
//!   last edit: each begins by putting that right. So it does not matter whether an object was stored and read between two.
//!
//! Uses: `large`, `few`, `map` for differences.

use super::Json;
use super::few::{FEW_MEMBERS, is_few_members};
use super::large::Large;
use crate::map::DiffItem;
use std::fmt;
use std::mem::{replace, take};
use std::sync::Arc;

/// The members of a JSON object, in the order in which they came.
///
/// Cloning is O(1). A small object (up to 256 bytes as it is stored, ten members at most) is a list, of which a change copies
/// all. A larger one is a [`GenericHashMap`](crate::GenericHashMap) by name, in which each member carries its order: looking
/// up, adding, replacing and removing a member costs what it does there; going through all members in order costs O(n log n),
/// as they are sorted for it. Names come from outside: that map hashes them by [`StrongHash`](crate::StrongHash).
///
/// Equality ignores the order.
#[derive(Clone)]
pub struct Object(Members);

#[derive(Clone)]
enum Members {
    Few(Arc<[(String, Json)]>),
    Many(Arc<Large>),
}

impl Object {
    /// An object without members. Allocates nothing.
    pub fn new() -> Self {
        Object(Members::Few(Arc::default()))
    }

    /// The number of members. Time: O(1).
    pub fn len(&self) -> usize {
        match &self.0 {
            Members::Few(few) => few.len(),
            Members::Many(many) => many.len(),
        }
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the member `name`.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match &self.0 {
            Members::Few(few) => few.iter().find(|member| member.0 == name).map(|member| &member.1),
            Members::Many(many) => many.get(name),
        }
    }

    /// The same, to be changed: what other versions share of it is copied.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        self.settle();
        match &mut self.0 {
            Members::Few(few) => {
                let i = few.iter().position(|member| member.0 == name)?;
                Some(&mut Arc::make_mut(few)[i].1)
            }
            // Looked for first: what is absent copies nothing.
            Members::Many(many) => many.get(name).is_some().then(|| Arc::make_mut(many).get_mut(name))?,
        }
    }

    /// Whether there is a member `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Gives the member `name` this value: a new member comes last, one that is there keeps its place. Gives the value it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Json>) -> Option<Json> {
        let (name, value) = (name.into(), value.into());
        self.settle();
        let before = match &mut self.0 {
            Members::Few(few) => match few.iter().position(|member| member.0 == name) {
                Some(i) => Some(replace(&mut Arc::make_mut(few)[i].1, value)),
                None => {
                    *few = taken(few).chain([(name, value)]).collect();
                    None
                }
            },
            Members::Many(many) => Arc::make_mut(many).insert(name, value),
        };
        self.settle();
        before
    }

    /// Takes the member `name` out, if there is one.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        self.settle();
        let value = match &mut self.0 {
            Members::Few(few) => {
                let at = few.iter().position(|member| member.0 == name)?;
                let mut members: Vec<_> = taken(few).collect();
                let (_, value) = members.remove(at);
                *few = members.into();
                Some(value)
            }
            Members::Many(many) => many.get(name).is_some().then(|| Arc::make_mut(many).remove(name))?,
        };
        self.settle();
        value
    }

    /// All members, in order. Time: O(n log n); O(n) memory.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> + DoubleEndedIterator {
        let members = match &self.0 {
            Members::Few(few) => Walk::Few(few.iter()),
            Members::Many(many) => Walk::Many(many.sorted().into_iter()),
        };
        members.map(|(name, value)| (&**name, value))
    }

    /// All members, in no order. Time: O(n).
    pub fn iter_unordered(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.walk().map(|(name, value)| (&**name, value))
    }

    fn walk(&self) -> impl Iterator<Item = (&String, &Json)> {
        let (few, many) = match &self.0 {
            Members::Few(few) => (&**few, None),
            Members::Many(many) => (&[][..], Some(many.iter_unordered())),
        };
        few.iter().map(|(name, value)| (name, value)).chain(many.into_iter().flatten())
    }

    /// All names, in order. Time: as [`iter`](Self::iter).
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.iter().map(|(name, _)| name)
    }

    /// Where the member `name` stands among the others, below all that come after it, and its value. Time: a lookup; in a list it is
    /// looked for at `near` first.
    pub(super) fn find(&self, name: &str, near: usize) -> Option<(u64, &Json)> {
        match &self.0 {
            Members::Few(few) => {
                let is_it = |i: &usize| few.get(*i).is_some_and(|member| member.0 == name);
                let i = Some(near).filter(is_it).or_else(|| (0..few.len()).find(is_it))?;
                Some((i as u64, &few[i].1))
            }
            Members::Many(many) => many.find(name),
        }
    }

    /// What makes `other` of this one, in no order. Time: O(what differs), for versions that share structure. The order of
    /// members does not count.
    pub fn diff<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = DiffItem<'a, 'a, String, Json>> {
        let (many, one) = match (&self.0, &other.0) {
            _ if self.ptr_eq(other) => (None, None),
            (Members::Many(old), Members::Many(new)) => (Some(old.diff(new)), None),
            _ => (None, Some(self.diff_one(other))),
        };
        many.into_iter().flatten().chain(one.into_iter().flatten())
    }

    /// The same, member by member.
    fn diff_one<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = DiffItem<'a, 'a, String, Json>> {
        let changed = other.walk().filter_map(|(name, new)| match self.get(name) {
            None => Some(DiffItem::Add(name, new)),
            Some(old) => (old != new).then_some(DiffItem::Update { old: (name, old), new: (name, new) }),
        });
        let gone = self.walk().filter(|(name, _)| !other.contains(name));
        gone.map(|(name, value)| DiffItem::Remove(name, value)).chain(changed)
    }

    /// Whether both share all their structure: O(1), and true only for equal objects.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Members::Few(a), Members::Few(b)) => Arc::ptr_eq(a, b),
            (Members::Many(a), Members::Many(b)) => Arc::ptr_eq(a, b) || a.ptr_eq(b),
            _ => false,
        }
    }

    /// The object of these members, in order; of two with one name the later counts, in its place. As their number is known, a
    /// list is made at once.
    pub(super) fn of(members: impl ExactSizeIterator<Item = (String, Json)>) -> Self {
        let members = if members.len() > FEW_MEMBERS {
            Members::Many(Arc::new(members.collect()))
        } else {
            let mut few: Arc<[(String, Json)]> = members.collect();
            let is_there_twice = |i: usize| few[..i].iter().any(|(name, _)| *name == few[i].0);
            if (1..few.len()).any(is_there_twice) {
                few = taken(&mut few).collect::<Large>().to_list()
            }
            Members::Few(few)
        };
        let mut object = Object(members);
        object.settle();
        object
    }

    /// The object as it is stored if it is not small.
    pub(super) fn to_large(&self) -> Arc<Large> {
        match &self.0 {
            Members::Few(few) => Arc::new(few.iter().cloned().collect()),
            Members::Many(many) => many.clone(),
        }
    }

    /// A list that is not small becomes a map, and a map that is small a list (J5).
    fn settle(&mut self) {
        let is_few = self.len() <= FEW_MEMBERS && is_few_members(self);
        match (&self.0, is_few) {
            (Members::Few(_), false) => self.0 = Members::Many(self.to_large()),
            (Members::Many(many), true) => self.0 = Members::Few(many.to_list()),
            _ => {}
        }
    }

    /// Whether the members have the same names in the same order, and all values below them too.
    pub(super) fn same_order(&self, other: &Self) -> bool {
        self.ptr_eq(other)
            || self.len() == other.len()
                && self.iter().zip(other.iter()).all(|((a, x), (b, y))| a == b && x.same_order(y))
    }
}

/// All of a list: the members themselves, if nobody else has them; the list has neither names nor values then.
fn taken(few: &mut Arc<[(String, Json)]>) -> impl ExactSizeIterator<Item = (String, Json)> {
    // If others have them, they are copied here.
    let members = Arc::make_mut(few);
    members.iter_mut().map(take)
}

/// A walk over all members in order.
enum Walk<'a> {
    Few(std::slice::Iter<'a, (String, Json)>),
    Many(std::vec::IntoIter<(&'a String, &'a Json)>),
}

impl<'a> Iterator for Walk<'a> {
    type Item = (&'a String, &'a Json);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Walk::Few(few) => few.next().map(|(name, value)| (name, value)),
            Walk::Many(many) => many.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Walk::Few(few) => few.size_hint(),
            Walk::Many(many) => many.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Walk<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Walk::Few(few) => few.next_back().map(|(name, value)| (name, value)),
            Walk::Many(many) => many.next_back(),
        }
    }
}

impl ExactSizeIterator for Walk<'_> {}

impl From<Large> for Object {
    fn from(large: Large) -> Self {
        Object(Members::Many(Arc::new(large)))
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
        match (&self.0, &other.0) {
            _ if self.ptr_eq(other) => true,
            (Members::Many(a), Members::Many(b)) => a == b,
            (Members::Few(a), Members::Few(b)) if a == b => true,
            _ => self.len() == other.len() && self.iter_unordered().all(|(name, value)| other.get(name) == Some(value)),
        }
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
        let members: Vec<_> = members.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Object::of(members.into_iter())
    }
}

impl<N: Into<String>, V: Into<Json>> Extend<(N, V)> for Object {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, members: I) {
        members.into_iter().for_each(|(name, value)| _ = self.insert(name, value))
    }
}
