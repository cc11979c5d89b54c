//! Documents and serde: any format's values as documents, documents in any format, and values of any type as documents.
//!
//! In: a value of a serde type, or a document. Out: the other.
//! Must hold: members keep their order; a number that a format cannot say is an error or the nearest float, never another.
//! Uses: `number`, `error`, `vector`; text is the way from types to documents, so that these are what `serde_json`
//! makes of them.

use super::number::Narrowest;
use super::{Json, Number, Object};
use crate::error::{Error, ErrorKind, Result};
use crate::vector::Vector;
use serde::de::value::{Error as ValueError, MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer, forward_to_deserialize_any};
use std::fmt;

/// What `serde_json` makes of a value. Cost: its text is written and read.
///
/// # Errors
/// `Invalid` if JSON cannot say it, as a map whose keys are no strings; or if it is nested deeper than
/// [`Limits`](super::Limits) says.
///
/// ```
/// use backstory::json;
///
/// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
/// struct Point { x: i32, y: u128 }
///
/// let json = json::to_json(&Point { x: -1, y: u128::MAX })?;
/// assert_eq!(json.to_string(), r#"{"x":-1,"y":340282366920938463463374607431768211455}"#);
/// assert_eq!(json::from_json::<Point>(&json)?, Point { x: -1, y: u128::MAX });
/// # Ok::<(), backstory::Error>(())
/// ```
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Json> {
    let text = serde_json::to_vec(value).map_err(|error| other("this value is none that JSON has", error))?;
    Json::parse(text)
}

/// The value that a document is for a type, as `serde_json` would read it; floats and integers as they are.
///
/// # Errors
/// `Invalid`, with what the type expects, if it is none.
pub fn from_json<T: DeserializeOwned>(json: &Json) -> Result<T> {
    T::deserialize(json).map_err(|error| other("the document is not of this type", error))
}

fn other(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Invalid, format!("{what}: {error}")).with_source(error)
}

/// Members in order. Integers beyond 128 bits become the nearest float; a number beyond all floats is an error.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Json::Null => to.serialize_unit(),
            Json::Bool(value) => to.serialize_bool(*value),
            Json::Number(number) => number.serialize(to),
            Json::String(text) => to.serialize_str(text),
            Json::Array(array) => {
                let mut seq = to.serialize_seq(Some(array.len()))?;
                array.iter().try_for_each(|element| seq.serialize_element(element))?;
                seq.end()
            }
            Json::Object(object) => object.serialize(to),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.len()))?;
        self.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self.narrowest().ok_or_else(|| serde::ser::Error::custom(beyond(self)))? {
            Narrowest::U64(n) => to.serialize_u64(n),
            Narrowest::I64(n) => to.serialize_i64(n),
            Narrowest::U128(n) => to.serialize_u128(n),
            Narrowest::I128(n) => to.serialize_i128(n),
            Narrowest::F64(n) => to.serialize_f64(n),
        }
    }
}

fn beyond(number: &Number) -> String {
    format!("{number} is beyond all floats")
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_any(Values)
    }
}

struct Values;

macro_rules! visit_numbers {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E: de::Error>(self, number: $type) -> std::result::Result<Json, E> {
            Ok(number.into())
        })*
    };
}

impl<'de> Visitor<'de> for Values {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    visit_numbers!(visit_u64: u64, visit_i64: i64, visit_u128: u128, visit_i128: i128);

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_none<E: de::Error>(self) -> std::result::Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> std::result::Result<Json, D::Error> {
        Json::deserialize(from)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> std::result::Result<Json, D::Error> {
        Json::deserialize(from)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> std::result::Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> std::result::Result<Json, E> {
        Number::from_f64(number)
            .map(Json::Number)
            .ok_or_else(|| E::custom(format!("{number} is no number that JSON has")))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Json, E> {
        Ok(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> std::result::Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Json, A::Error> {
        let mut array = Vector::new();
        while let Some(element) = seq.next_element::<Json>()? {
            array.push_back(element)
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, Json>()? {
            members.push(member)
        }
        Ok(Object::of(members.into_iter()).into())
    }
}

/// What a visitor makes of a document.
type Visited<'de, V> = std::result::Result<<V as Visitor<'de>>::Value, ValueError>;

/// What deserializes itself, and in newtypes too.
macro_rules! itself {
    ($($type:ty),*) => {
        $(impl<'de> IntoDeserializer<'de, ValueError> for $type {
            type Deserializer = Self;

            fn into_deserializer(self) -> Self {
                self
            }
        })*
    };
    (in newtypes) => {
        fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Visited<'de, V> {
            visitor.visit_newtype_struct(self)
        }
    };
}
itself!(&'de Json, Key<'de>);

impl<'de> Deserializer<'de> for &'de Json {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Visited<'de, V> {
        match self {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Number(number) => number.visited_by(visitor),
            Json::String(text) => visitor.visit_borrowed_str(text),
            Json::Array(array) => {
                let mut elements = SeqDeserializer::new(array.iter());
                let value = visitor.visit_seq(&mut elements)?;
                elements.end().map(|()| value)
            }
            Json::Object(object) => {
                let mut members = MapDeserializer::new(object.iter().map(|(name, value)| (Key(name), value)));
                let value = visitor.visit_map(&mut members)?;
                members.end().map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Visited<'de, V> {
        match self {
            Json::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    itself!(in newtypes);

    /// A variant is its name, or an object of one member, whose name it is.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Visited<'de, V> {
        match self {
            Json::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Json::Object(object) if object.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(object.iter())))
            }
            other => Err(de::Error::custom(format!(
                "{} is no variant: that is a string, or an object of one member",
                other.kind()
            ))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl Number {
    fn visited_by<'de, V: Visitor<'de>>(&self, visitor: V) -> Visited<'de, V> {
        match self.narrowest().ok_or_else(|| de::Error::custom(beyond(self)))? {
            Narrowest::U64(n) => visitor.visit_u64(n),
            Narrowest::I64(n) => visitor.visit_i64(n),
            Narrowest::U128(n) => visitor.visit_u128(n),
            Narrowest::I128(n) => visitor.visit_i128(n),
            Narrowest::F64(n) => visitor.visit_f64(n),
        }
    }
}

/// A member's name as a map's key, which may be a number or a bool in it.
struct Key<'a>(&'a str);

macro_rules! keys {
    ($($deserialize:ident $visit:ident,)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Visited<'de, V> {
            match self.0.parse() {
                Ok(key) => visitor.$visit(key),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Visited<'de, V> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Visited<'de, V> {
        visitor.visit_some(self)
    }

    itself!(in newtypes);

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Visited<'de, V> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    keys! {
        deserialize_bool visit_bool, deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_i128 visit_i128, deserialize_u8 visit_u8, deserialize_u16 visit_u16,
        deserialize_u32 visit_u32, deserialize_u64 visit_u64, deserialize_u128 visit_u128, deserialize_f32 visit_f32,
        deserialize_f64 visit_f64,
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
