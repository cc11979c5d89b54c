//! A document made into another one, of which it keeps all that did not change.
//!
//! In: a document, and one that is to take its place and shares nothing with it, as it was read from a file. Out: one equal to the
//! second that shares with the first what both have.
//! Must hold: the result equals the second; where both are equal it is the first itself, with its order of members.
//! Uses: `vector`, `hash`; the crate `imara-diff` lines up the elements of arrays.

use super::{Json, Object};
use crate::hash::StrongHash;
use crate::vector::Vector;
use imara_diff::{Algorithm, Diff, InternedInput, Interner};
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Range;

impl Json {
    /// A version of this document that equals `new`, and shares with this one what did not change.
    ///
    /// Members that are in both keep the place they have here; those that are new come behind them, in their order. Elements of
    /// arrays are lined up as lines of a text are, so that one put in or taken out changes nothing else. If only the order of
    /// members differs nothing changes: [`same_order`](Self::same_order) tells.
    ///
    /// Time: O(n) of both for what is equal, and for arrays as many differences more. Memory: O(n) for an array's elements
    /// between the first and the last that differ. Source: Myers 1986, with the heuristics of the
    /// crate `imara-diff`, so that the differences are few and not always the fewest.
    ///
    /// ```
    /// use backstory::json::Json;
    ///
    /// let old = Json::parse(r#"{"name": "a", "list": [1, 2, 3]}"#)?;
    /// let new = old.updated(&Json::parse(r#"{"list": [1, 3], "more": null, "name": "a"}"#)?);
    /// assert_eq!(new.to_string(), r#"{"name":"a","list":[1,3],"more":null}"#);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    pub fn updated(&self, new: &Json) -> Json {
        changed(self, new).unwrap_or_else(|| self.clone())
    }
}

/// What `old` becomes. None if it is equal to `new`.
pub(super) fn changed(old: &Json, new: &Json) -> Option<Json> {
    match (old, new) {
        (Json::Object(old), Json::Object(new)) => changed_object(old, new).map(Json::Object),
        (Json::Array(old), Json::Array(new)) => changed_array(old, new, 0).map(Json::Array),
        _ => (old != new).then(|| new.clone()),
    }
}

fn changed_object(old: &Object, new: &Object) -> Option<Object> {
    if old.ptr_eq(new) {
        return None;
    }
    let (mut object, mut kept, mut is_changed) = (old.clone(), 0, false);
    for (name, value) in new.iter() {
        let value = match old.get(name) {
            Some(before) => {
                kept += 1;
                changed(before, value)
            }
            None => Some(value.clone()),
        };
        if let Some(value) = value {
            object.insert(name, value);
            is_changed = true
        }
    }
    if kept < old.len() {
        old.iter_unordered().filter(|(name, _)| !new.contains(name)).for_each(|(name, _)| _ = object.remove(name));
        is_changed = true
    }
    is_changed.then_some(object)
}

/// What an array becomes; so many elements in front are known to be equal.
pub(super) fn changed_array(old: &Vector<Json>, new: &Vector<Json>, front: usize) -> Option<Vector<Json>> {
    if old.ptr_eq(new) {
        return None;
    }
    let pairs = old.iter().skip(front).zip(new.iter().skip(front));
    let front = front + pairs.take_while(|(old, new)| old == new).count();
    if front == old.len() && front == new.len() {
        return None;
    }
    let back_pairs = old.iter().skip(front).rev().zip(new.iter().skip(front).rev());
    let back = back_pairs.take_while(|(old, new)| old == new).count();
    let (was, is) = (front..old.len() - back, front..new.len() - back);
    let mut array = old.clone();
    // From the back, so that what is in front stays where it is.
    for (was, is) in runs(old, new, was, is).into_iter().rev() {
        let pairs = was.len().min(is.len());
        for (i, k) in was.clone().zip(is.clone()) {
            if let Some(element) = changed(&old[i], &new[k]) {
                array.set(i, element);
            }
        }
        if was.len() != is.len() {
            array.splice(was.start + pairs..was.end, new.iter().take(is.end).skip(is.start + pairs).cloned());
        }
    }
    Some(array)
}

/// The ranges that differ, in order, of two ranges with none equal at either end.
fn runs(
    old: &Vector<Json>,
    new: &Vector<Json>,
    was: Range<usize>,
    is: Range<usize>,
) -> Vec<(Range<usize>, Range<usize>)> {
    if was.is_empty() || is.is_empty() {
        return vec![(was, is)];
    }
    let interner = Interner::new(was.len() + is.len());
    let mut input = InternedInput { before: Vec::new(), after: Vec::new(), interner };
    input.update_before(old.iter().take(was.end).skip(was.start));
    input.update_after(new.iter().take(is.end).skip(is.start));
    let shifted = |range: Range<u32>, by: usize| range.start as usize + by..range.end as usize + by;
    let diff = Diff::compute(Algorithm::Myers, &input);
    diff.hunks().map(|hunk| (shifted(hunk.before, was.start), shifted(hunk.after, is.start))).collect()
}

/// As equality: the order of members does not count.
impl Hash for Json {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Json::Null => {}
            Json::Bool(value) => value.hash(state),
            Json::Number(number) => number.hash(state),
            Json::String(text) => text.hash(state),
            Json::Array(array) => array.hash(state),
            Json::Object(object) => object.hash(state),
        }
    }
}

impl Hash for Object {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let one = |member: (&str, &Json)| StrongHash.hash_one(member);
        self.len().hash(state);
        self.iter_unordered().map(one).fold(0, u64::wrapping_add).hash(state)
    }
}
