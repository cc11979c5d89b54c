//! A text read over a document, of which it is another version: what both have is compared token by token and not made anew.
//!
//! In: a document and the text of one that is to take its place. Out: what [`Json::updated`] makes of the document and the text's
//! value; whether only the order of members differs.
//! Must hold: value, order and errors are those of reading the text and updating to what it says; nothing recurses deeper than
//! the limits allow.
//! Uses: `read`, `update`, `few`, `vector`, `error`; the crate `jiter`.

use super::few::{is_few_elements, is_few_members};
use super::read::{Limits, Reader, Stop, number, read};
use super::update::{changed, changed_array};
use super::{Json, Number, Object};
use crate::error::Result;
use crate::vector::Vector;
use jiter::{Jiter, Peek};

/// What a document became. From [`Json::updated_to`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Update {
    /// The document; the same as it was if that is what the text says.
    pub json: Json,
    /// True if the text has the same values, and members in another order: then the document is as it was.
    pub is_order_only: bool,
}

impl Json {
    /// A version of this document that is what a JSON text says, and shares with this one what did not change: as
    /// [`updated`](Self::updated) to what [`parse_within`](Self::parse_within) reads. What is equal is compared as it is read, and
    /// not made anew.
    ///
    /// ```
    /// use backstory::json::{Json, Limits};
    ///
    /// let old = Json::parse(r#"{"name": "a", "list": [1, 2, 3]}"#)?;
    /// let update = old.updated_to(r#"{"list": [1, 2, 4], "name": "a"}"#, Limits::default())?;
    /// assert_eq!(update.json.to_string(), r#"{"name":"a","list":[1,2,4]}"#);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse_within`](Self::parse_within).
    pub fn updated_to(&self, text: impl AsRef<[u8]>, limits: Limits) -> Result<Update> {
        read(text.as_ref(), limits, |reader, tokens| {
            let peek = tokens.peek()?;
            let mut over = Over { reader, is_reordered: false };
            let changed = over.value(tokens, peek, self)?;
            let is_order_only = changed.is_none() && over.is_reordered;
            Ok(Update { json: changed.unwrap_or_else(|| self.clone()), is_order_only })
        })
    }
}

struct Over<'r> {
    reader: &'r mut Reader,
    /// Whether something equals what is there but for the order of its members.
    is_reordered: bool,
}

type Stopped<T> = std::result::Result<T, Stop>;

/// What a large object becomes.
enum Became {
    Equal,
    Other(Object),
    /// It is not to be told member by member: one comes twice, or before another that it was behind.
    Disordered,
}

impl Over<'_> {
    /// What `old` becomes by the value that begins here. None if it is equal.
    fn value(&mut self, tokens: &mut Jiter<'_>, peek: Peek, old: &Json) -> Stopped<Option<Json>> {
        let begin = tokens.clone();
        let became = match (peek, old) {
            (Peek::Array, Json::Array(old)) if !is_few_elements(old) => {
                return Ok(self.array(tokens, old)?.map(Json::Array));
            }
            (Peek::Object, Json::Object(old)) if !is_few_members(old) => self.object(tokens, old)?,
            _ if self.is_same(tokens, peek, old)? => Became::Equal,
            _ => Became::Disordered,
        };
        match became {
            Became::Equal => return Ok(None),
            Became::Other(object) => return Ok(Some(Json::Object(object))),
            Became::Disordered => *tokens = begin,
        }
        let new = self.reader.value(tokens, peek)?;
        let changed = changed(old, &new);
        self.is_reordered |= changed.is_none() && !old.same_order(&new);
        Ok(changed)
    }

    fn array(&mut self, tokens: &mut Jiter<'_>, old: &Vector<Json>) -> Stopped<Option<Vector<Json>>> {
        self.reader.enter(tokens)?;
        let (mut next, mut olds, mut front) = (tokens.known_array()?, old.iter(), 0);
        // From the first that differs on; none where an element is what was in its place.
        let mut rest: Vec<Option<Json>> = Vec::new();
        while let Some(peek) = next {
            let begin = tokens.clone();
            let is_same = olds.next().map(|old| self.is_same(tokens, peek, old)).transpose()?.unwrap_or(false);
            match is_same {
                true if rest.is_empty() => front += 1,
                true => rest.push(None),
                false => {
                    *tokens = begin;
                    rest.push(Some(self.reader.value(tokens, peek)?))
                }
            }
            next = tokens.array_step()?
        }
        self.reader.leave();
        if rest.is_empty() && front == old.len() {
            return Ok(None);
        }
        let mut new = old.clone();
        new.truncate(front);
        let in_place = old.iter().skip(front).map(Some).chain(std::iter::repeat(None));
        new.extend(rest.into_iter().zip(in_place).filter_map(|(new, old)| new.or_else(|| old.cloned())));
        let changed = changed_array(old, &new, front);
        self.is_reordered |= changed.is_none() && old.iter().zip(&new).any(|(old, new)| !old.same_order(new));
        Ok(changed)
    }

    fn object(&mut self, tokens: &mut Jiter<'_>, old: &Object) -> Stopped<Became> {
        self.reader.enter(tokens)?;
        let mut name = tokens.known_object()?.map(str::to_owned);
        // The orders of those that are kept, and what changes.
        let (mut kept, mut changes, mut added) = (Vec::new(), Vec::new(), 0);
        while let Some(own) = name {
            let peek = tokens.peek()?;
            let value = match old.find(&own, kept.len()) {
                Some((order, _)) if kept.last().is_some_and(|&last| order <= last) => {
                    self.reader.leave();
                    return Ok(Became::Disordered);
                }
                Some((order, before)) => {
                    kept.push(order);
                    self.value(tokens, peek, before)?
                }
                None => {
                    added += 1;
                    Some(self.reader.value(tokens, peek)?)
                }
            };
            changes.extend(value.map(|value| (own, value)));
            name = tokens.next_key()?.map(str::to_owned)
        }
        self.reader.leave();
        if changes.is_empty() && kept.len() == old.len() {
            return Ok(Became::Equal);
        }
        let mut object = old.clone();
        object.extend(changes);
        if kept.len() < old.len() {
            let is_kept = |name: &str| old.find(name, 0).is_some_and(|(order, _)| kept.binary_search(&order).is_ok());
            old.iter_unordered().filter(|(name, _)| !is_kept(name)).for_each(|(name, _)| _ = object.remove(name))
        }
        // One that is new and came twice is at its second place.
        Ok(if object.len() == kept.len() + added { Became::Other(object) } else { Became::Disordered })
    }

    /// Whether the value that begins here is `old`, in the same order. If not, it is not read to its end.
    fn is_same(&mut self, tokens: &mut Jiter<'_>, peek: Peek, old: &Json) -> Stopped<bool> {
        Ok(match (peek, old) {
            (Peek::Null, Json::Null) => tokens.known_null().map(|()| true)?,
            (Peek::True | Peek::False, Json::Bool(old)) => tokens.known_bool(peek)? == *old,
            (Peek::String, Json::String(old)) => tokens.known_str()? == old,
            (_, Json::Number(old)) if peek.is_num() => Number::from_valid(number(tokens, peek)?) == *old,
            (Peek::Array, Json::Array(old)) => {
                self.reader.enter(tokens)?;
                let (mut next, mut olds) = (tokens.known_array()?, old.iter());
                let mut is_same = true;
                while let (Some(peek), true) = (next, is_same) {
                    is_same = olds.next().map(|old| self.is_same(tokens, peek, old)).transpose()?.unwrap_or(false);
                    next = if is_same { tokens.array_step()? } else { None }
                }
                self.reader.leave();
                is_same && olds.next().is_none()
            }
            (Peek::Object, Json::Object(old)) => {
                self.reader.enter(tokens)?;
                let is_same = self.has_same_members(tokens, old)?;
                self.reader.leave();
                is_same
            }
            _ => false,
        })
    }

    fn has_same_members(&mut self, tokens: &mut Jiter<'_>, old: &Object) -> Stopped<bool> {
        let (mut last, mut count) = (None, 0);
        let mut found = tokens.known_object()?.map(|name| old.find(name, 0));
        while let Some(member) = found {
            let Some((order, value)) = member.filter(|(order, _)| last.is_none_or(|last| *order > last)) else {
                return Ok(false);
            };
            let peek = tokens.peek()?;
            if !self.is_same(tokens, peek, value)? {
                return Ok(false);
            }
            (last, count) = (Some(order), count + 1);
            found = tokens.next_key()?.map(|name| old.find(name, count))
        }
        Ok(count == old.len())
    }
}
