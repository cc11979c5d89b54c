//! Patches from documents: what makes one of another.
//!
//! In: two documents. Out: a patch that makes the second of the first.
//! Must hold: what both share is not read; of a container, no patch is longer as text than replacing it; no hash decides
//! the order of operations.
//! Uses: `map`, `vector`.

use super::{Json, Object, Operation, Patch, Pointer};
use crate::map::DiffItem;
use crate::vector::{Splice, Vector};

impl Patch {
    /// A small patch that makes `new` of `old`. The order of members does not count: where only that differs, nothing is
    /// done.
    ///
    /// Objects are compared by member, arrays by the ranges that differ, both as deep as there are containers of the
    /// same kind on both sides. A container is replaced where that is the shorter text. What is removed from
    /// an object comes first, the rest in the order of its members; elements come by index.
    ///
    /// Time: O(what differs), for versions that share structure, else O(n), once for each level that it is nested.
    pub fn diff(old: &Json, new: &Json) -> Patch {
        let mut differ = Differ { at: Pointer::root(), operations: Vec::new() };
        differ.values(old, new);
        Patch::from(differ.operations)
    }
}

struct Differ {
    /// Where the two values are that are compared.
    at: Pointer,
    operations: Vec<Operation>,
}

/// Each function gives the length in bytes of the operations that it wrote.
impl Differ {
    fn values(&mut self, old: &Json, new: &Json) -> usize {
        let before = self.operations.len();
        let len = match (old, new) {
            (Json::Object(old), Json::Object(new)) => self.objects(old, new),
            (Json::Array(old), Json::Array(new)) => self.arrays(old, new),
            _ if old == new => 0,
            _ => return self.write(self.replace(new)),
        };
        // So that a look at all of a document is taken only if its patch is as long.
        if len_within(new, len).is_none() {
            return len;
        }
        let whole = self.replace(new);
        if len_of(&whole) >= len {
            return len;
        }
        self.operations.truncate(before);
        self.write(whole)
    }

    fn objects(&mut self, old: &Object, new: &Object) -> usize {
        let mut items: Vec<_> = old.diff(new).collect();
        items.sort_by_cached_key(|item| match item {
            DiffItem::Remove(name, _) => (0, old.find(name, 0).map(|(order, _)| order)),
            DiffItem::Add(name, _) | DiffItem::Update { new: (name, _), .. } => {
                (1, new.find(name, 0).map(|(order, _)| order))
            }
        });
        let each = items.into_iter().map(|item| match item {
            DiffItem::Add(name, value) => self.below(name, |differ| differ.write(differ.add(value))),
            DiffItem::Remove(name, _) => self.below(name, |differ| differ.write(differ.remove())),
            DiffItem::Update { old, new } => self.below(old.0, |differ| differ.values(old.1, new.1)),
        });
        each.sum()
    }

    fn arrays(&mut self, old: &Vector<Json>, new: &Vector<Json>) -> usize {
        old.diff(new).map(|splice| self.splice(old, new, splice)).sum()
    }

    /// When it is applied all before it is as in `new`, so indices count there.
    fn splice(&mut self, old: &Vector<Json>, new: &Vector<Json>, splice: Splice) -> usize {
        let pairs = splice.old.len().min(splice.new.len());
        let mut len = 0;
        for (i, j) in splice.old.clone().zip(splice.new.clone()) {
            len += self.below(j, |differ| differ.values(&old[i], &new[j]))
        }
        for _ in splice.old.skip(pairs) {
            len += self.below(splice.new.end, |differ| differ.write(differ.remove()))
        }
        for j in splice.new.skip(pairs) {
            len += self.below(j, |differ| differ.write(differ.add(&new[j])))
        }
        len
    }

    fn below(&mut self, token: impl ToString, f: impl FnOnce(&mut Self) -> usize) -> usize {
        self.at.push(token);
        let len = f(self);
        self.at.pop();
        len
    }

    fn add(&self, value: &Json) -> Operation {
        Operation::Add { path: self.at.clone(), value: value.clone() }
    }

    fn remove(&self) -> Operation {
        Operation::Remove { path: self.at.clone() }
    }

    fn replace(&self, value: &Json) -> Operation {
        Operation::Replace { path: self.at.clone(), value: value.clone() }
    }

    fn write(&mut self, operation: Operation) -> usize {
        let len = len_of(&operation);
        self.operations.push(operation);
        len
    }
}

/// With the comma behind it.
fn len_of(operation: &Operation) -> usize {
    len_within(&operation.to_json(), usize::MAX).map_or(usize::MAX, |len| len + 1)
}

/// The length of a value's text, if it is at most `most`. Looks at no more than as many values: not into a container of
/// which the number of members or elements says enough.
fn len_within(value: &Json, most: usize) -> Option<usize> {
    let fits = |len: usize| (len <= most).then_some(len);
    let (mut len, values): (usize, Box<dyn Iterator<Item = (usize, &Json)>>) = match value {
        // Brackets and commas; an element has a byte or more.
        Json::Array(array) => {
            fits(2 * array.len() + 1)?;
            (array.len().max(1) + 1, Box::new(array.iter().map(|value| (0, value))))
        }
        Json::Object(object) => {
            fits(5 * object.len() + 1)?;
            (object.len().max(1) + 1, Box::new(object.iter().map(|(name, value)| (len_quoted(name) + 1, value))))
        }
        Json::String(text) => return fits(text.len() + 2).and_then(|_| fits(len_quoted(text))),
        _ => return fits(value.to_string().len()),
    };
    for (name, value) in values {
        len += name;
        len += len_within(value, most.checked_sub(len)?)?
    }
    fits(len)
}

fn len_quoted(text: &str) -> usize {
    serde_json::to_string(text).map_or(text.len() + 2, |text| text.len())
}
