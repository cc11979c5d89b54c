//! Documents through serde: into other formats and back, and values of types as documents.

use super::tests_update::documents;
use super::{Json, from_json, to_json};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

proptest! {
    #[test]
    fn through_text_and_values(json in documents()) {
        let text = serde_json::to_string(&json).unwrap();
        prop_assert_eq!(&text, &json.to_string());
        let again = to_json(&json).unwrap();
        prop_assert!(again == json && again.same_order(&json));
        let value = serde_json::to_value(&json);
        // serde_json's value has no integers beyond 64 bits.
        if let Ok(value) = value {
            prop_assert_eq!(Json::deserialize(value).unwrap(), json);
        }
    }
}

#[test]
fn types() {
    let map = BTreeMap::from([("a", Some(1.5)), ("b", None)]);
    let json = to_json(&map).unwrap();
    assert_eq!(json.to_string(), r#"{"a":1.5,"b":null}"#);
    assert_eq!(from_json::<BTreeMap<String, Option<f64>>>(&json).unwrap().len(), 2);
    let error = from_json::<Vec<u8>>(&json).unwrap_err();
    assert!(error.to_string().contains("the document is not of this type: invalid type: map"), "{error}");
    assert!(to_json(&BTreeMap::from([(vec![1], 2)])).unwrap_err().to_string().contains("key must be a string"));
}

#[test]
fn floats_that_json_does_not_have() {
    let floats = de_float(f64::NAN).unwrap_err();
    assert!(floats.to_string().contains("NaN is no number that JSON has"), "{floats}");
    assert_eq!(de_float(-0.0).unwrap().to_string(), "-0.0");
}

fn de_float(number: f64) -> Result<Json, serde::de::value::Error> {
    Json::deserialize(serde::de::value::F64Deserializer::new(number))
}

/// Types of all shapes, read as `serde_json` reads the same text.
#[test]
fn types_of_all_shapes() {
    #[derive(serde::Serialize, Deserialize, PartialEq, Debug)]
    enum Shape {
        Nothing,
        One(f64),
        Two(u8, Option<char>),
        Named { big: i128, list: Vec<(bool, String)> },
    }
    #[derive(serde::Serialize, Deserialize, PartialEq, Debug)]
    struct All {
        shapes: Vec<Shape>,
        by_number: BTreeMap<i64, ()>,
        by_flag: BTreeMap<bool, Wrapped>,
        by_shape: BTreeMap<Plain, u64>,
        none: Option<Option<u8>>,
    }
    #[derive(serde::Serialize, Deserialize, PartialEq, Debug)]
    struct Wrapped(String);
    #[derive(serde::Serialize, Deserialize, PartialEq, Debug, Eq, PartialOrd, Ord)]
    enum Plain {
        A,
        B,
    }
    let named = Shape::Named { big: i128::MIN, list: vec![(true, "x".into()), (false, String::new())] };
    let all = All {
        shapes: vec![
            Shape::Nothing,
            Shape::One(1.0715660391465826e-75),
            Shape::Two(255, Some('é')),
            Shape::Two(0, None),
            named,
        ],
        by_number: BTreeMap::from([(-7, ()), (12, ())]),
        by_flag: BTreeMap::from([(true, Wrapped("yes".into()))]),
        by_shape: BTreeMap::from([(Plain::A, 1), (Plain::B, u64::MAX)]),
        none: None,
    };
    let json = to_json(&all).unwrap();
    assert_eq!(from_json::<All>(&json).unwrap(), all);
    for wrong in [
        r#"["Two"]"#,
        r#"{"Two":[1]}"#,
        r#"{"Two":[1,null,3]}"#,
        r#"{"One":1,"Two":2}"#,
        r#""Other""#,
        "7",
        r#"{"Named":{"big":1e400,"list":[]}}"#,
    ] {
        let json = Json::parse(wrong).unwrap();
        assert!(from_json::<Shape>(&json).is_err(), "{wrong}");
        assert!(serde_json::from_str::<Shape>(wrong).is_err(), "{wrong}")
    }
}
