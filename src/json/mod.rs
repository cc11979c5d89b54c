//! JSON documents that share structure: a state for a timeline, with pointers (RFC 6901) and patches (RFC 6902).
//!
//! In: text, or values of any serde type. Out: [`Json`], of which every version is kept cheaply; text again.
//! Must hold: what JSON can say comes back as it was said, but for white space, the escapes of strings and how a float is
//! written; nothing here recurses deeper than a document is nested, and text nested deeper than its limit is refused.
//! Uses: `map`, `vector`, `hash`, `archive`, `error`.
//!
//! `number.rs` numbers, `object.rs`, `large.rs` and `few.rs` objects, `read.rs` and `write.rs` text, `stored.rs` what is stored, `pointer.rs`
//! pointers, `patch.rs` patches, `differ.rs` patches from two documents, `update.rs` one document made into another,
//! `bridge.rs` serde.

mod bridge;
mod differ;
mod few;
mod large;
mod number;
mod object;
mod over;
mod patch;
mod pointer;
mod read;
mod stored;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_bridge;
#[cfg(test)]
mod tests_hostile;
#[cfg(test)]
mod tests_patch;
#[cfg(test)]
mod tests_update;
mod update;
mod write;

pub use bridge::{from_json, to_json};
pub use number::Number;
pub use object::Object;
pub use over::Update;
pub use patch::{Operation, Patch};
pub use pointer::Pointer;
pub use read::Limits;

use crate::archive::{Sink, Source};
use crate::error::{Error, ErrorKind};
use crate::vector::Vector;
use rkyv::validation::ArchiveContext;
use rkyv::{Archive, Deserialize, Serialize};
use stored::Few;

/// A JSON value. Cloning one is O(1), but for a string's or a large number's text.
///
/// Arrays are [`Vector`]s and objects are maps, so that versions of a document share what did not change, in memory and in a
/// log. Equality ignores the order of an object's members, and takes numbers as they are written (`1` is not `1.0`).
///
/// ```
/// use backstory::{Timeline, json::Json};
///
/// let mut notes = Timeline::new(Json::parse(r#"{"title": "Monday", "done": [true, false]}"#)?);
/// notes.edit("tick", |json| json["done"][1] = true.into())?;
/// assert_eq!(notes.state().to_string(), r#"{"title":"Monday","done":[true,true]}"#);
/// notes.undo()?;
/// assert_eq!(notes.state()["done"][1], Json::Bool(false));
/// # Ok::<(), backstory::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Archive, Serialize, Deserialize)]
#[rkyv(serialize_bounds(__S: Sink), deserialize_bounds(__D: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: rkyv::rancor::Source)))]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(#[rkyv(with = Few, omit_bounds)] Vector<Json>),
    /// An object.
    Object(#[rkyv(with = Few, omit_bounds)] Object),
}

const _: () = assert!(size_of::<Json>() == 24);

/// What a text, a pointer or a patch is not.
fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

impl Json {
    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        *self == Json::Null
    }

    /// The value, if it is `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Json::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The number, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The number, if it is an integer that fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The float nearest to the number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        Some(self.as_number()?.as_f64())
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&Vector<Json>> {
        match self {
            Json::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The array, if it is one.
    pub fn as_array_mut(&mut self) -> Option<&mut Vector<Json>> {
        match self {
            Json::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member of this name, if it is an object and has one.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.get(name)
    }

    /// What it is, for messages: `null`, `a bool`, `a number`, `a string`, `an array` or `an object`.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a bool",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }

    /// Whether both are the same value, as a patch's `test` sees it: as `==`, but numbers are compared by value, so that `1` is
    /// `1.0`. Time: O(n).
    pub fn same_value(&self, other: &Self) -> bool {
        match (self, other) {
            (Json::Number(a), Json::Number(b)) => a.same_value(b),
            (Json::Array(a), Json::Array(b)) => {
                a.ptr_eq(b) || a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_value(b))
            }
            (Json::Object(a), Json::Object(b)) => {
                let same = |(name, value): (&str, &Json)| b.get(name).is_some_and(|other| value.same_value(other));
                a.ptr_eq(b) || a.len() == b.len() && a.iter().all(same)
            }
            (a, b) => a == b,
        }
    }

    /// Whether all members of all objects are in the same order; values of which that cannot be asked are the same.
    pub fn same_order(&self, other: &Self) -> bool {
        match (self, other) {
            (Json::Array(a), Json::Array(b)) => {
                a.ptr_eq(b) || a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_order(b))
            }
            (Json::Object(a), Json::Object(b)) => a.same_order(b),
            _ => true,
        }
    }
}

/// The member of this name.
///
/// # Panics
/// If there is none, or the value is no object.
impl std::ops::Index<&str> for Json {
    type Output = Json;

    fn index(&self, name: &str) -> &Json {
        self.get(name).unwrap_or_else(|| panic!("no member {name:?} in {}", self.kind()))
    }
}

/// The member of this name.
///
/// # Panics
/// If there is none, or the value is no object.
impl std::ops::IndexMut<&str> for Json {
    fn index_mut(&mut self, name: &str) -> &mut Json {
        let kind = self.kind();
        let member = self.as_object_mut().and_then(|object| object.get_mut(name));
        member.unwrap_or_else(|| panic!("no member {name:?} in {kind}"))
    }
}

/// The element at this place.
///
/// # Panics
/// If there is none, or the value is no array.
impl std::ops::Index<usize> for Json {
    type Output = Json;

    fn index(&self, index: usize) -> &Json {
        let element = self.as_array().and_then(|array| array.get(index));
        element.unwrap_or_else(|| panic!("no element {index} in {}", self.kind()))
    }
}

/// The element at this place.
///
/// # Panics
/// If there is none, or the value is no array.
impl std::ops::IndexMut<usize> for Json {
    fn index_mut(&mut self, index: usize) -> &mut Json {
        let kind = self.kind();
        let element = self.as_array_mut().and_then(|array| array.get_mut(index));
        element.unwrap_or_else(|| panic!("no element {index} in {kind}"))
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Json::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::String(text)
    }
}

impl From<Vector<Json>> for Json {
    fn from(array: Vector<Json>) -> Self {
        Json::Array(array)
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Json::Object(object)
    }
}

impl<N: Into<Number>> From<N> for Json {
    fn from(number: N) -> Self {
        Json::Number(number.into())
    }
}

/// An array.
impl<V: Into<Json>> FromIterator<V> for Json {
    fn from_iter<I: IntoIterator<Item = V>>(elements: I) -> Self {
        Json::Array(elements.into_iter().map(Into::into).collect())
    }
}

/// As compact JSON text.
impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
