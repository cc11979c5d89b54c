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
