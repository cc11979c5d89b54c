//! Documents and serde: any format's values as documents, documents in any format, and values of any type as documents.
//!
//! In: a value of a serde type, or a document. Out: the other.
//! Must hold: members keep their order; a number that a format cannot say is an error or the nearest float, never another.
//! Uses: `error`; text is the way between documents and types, so that both are what `serde_json` makes of them.

use super::{Json, Number, Object};
use crate::error::{Error, ErrorKind, Result};
use crate::vector::Vector;
use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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

/// The value that a document is for a type. Cost: its text is written and read.
///
/// # Errors
/// `Invalid`, with what the type expects, if it is none.
pub fn from_json<T: DeserializeOwned>(json: &Json) -> Result<T> {
    serde_json::from_str(&json.to_string()).map_err(|error| other("the document is not of this type", error))
}

fn other(what: &str, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Invalid, format!("{what}: {error}")).with_source(error)
}

/// Members in order. Numbers beyond 128 bits, or beyond all floats, become the nearest float.
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
        if let Some(n) = self.as_u64() {
            return to.serialize_u64(n);
        }
        if let Some(n) = self.as_i64() {
            return to.serialize_i64(n);
        }
        let text = self.to_string();
        match (text.parse(), text.parse()) {
            (Ok(n), _) => to.serialize_u128(n),
            (_, Ok(n)) if n != 0 => to.serialize_i128(n),
            _ => to.serialize_f64(self.as_f64()),
        }
    }
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
        let mut object = Object::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
