//! Text to values and back: what RFC 8259 allows and what it does not, limits, and documents in a log.

use super::tests_update::documents;
use super::{Json, Limits, Number, Object};
use crate::error::ErrorKind;
use crate::log::simulated::Simulated;
use crate::timeline::Timeline;
use proptest::prelude::*;
use std::sync::Arc;

#[test]
fn a_document_comes_back_as_it_was() {
    let text = r#"{"b":[1,-2,3.5,18446744073709551615,123456789012345678901234567890,1e400,-0.0],"a":{"":null,"é\n\"":"\u0000x"},"c":[[],{}]}"#;
    let json = Json::parse(text).unwrap();
    assert_eq!(json.to_string(), text);
    let pretty = format!("{json:#}");
    assert!(pretty.starts_with("{\n  \"b\": [\n    1,\n"), "{pretty}");
    let again = Json::parse(&pretty).unwrap();
    assert!(json == again && json.same_order(&again));
}

#[test]
fn in_a_log() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage);
    timeline.edit("init", |json| *json = Json::parse(r#"{"a":[1,2,{"b":null}]}"#).unwrap()).unwrap();
    timeline.edit("set", |json| json["a"][2]["b"] = 7.into()).unwrap();
    drop(timeline);
    let timeline = open(&storage);
    assert_eq!(timeline.state().to_string(), r#"{"a":[1,2,{"b":7}]}"#);
}

fn open(storage: &Simulated) -> Timeline<Json> {
    Timeline::options().open_in(Arc::new(storage.clone()), Json::default).unwrap()
}

#[test]
fn numbers() {
    for (text, is) in [("1", "1"), ("1.0", "1.0"), ("-0", "-0.0"), ("1E2", "100.0"), ("1e-400", "0.0")] {
        assert_eq!(Json::parse(text).unwrap().to_string(), is);
    }
    let number = |text: &str| text.parse::<Number>().unwrap();
    assert!(number("1").same_value(&number("1.0")) && number("1") != number("1.0"));
    assert!(number("10e399").same_value(&number("1e400")) && !number("1e401").same_value(&number("1e400")));
    assert_eq!(number("18446744073709551616").to_string(), "18446744073709551616");
}

#[test]
fn of_two_members_with_one_name_the_later_counts() {
    let json = Json::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap();
    assert_eq!(json.to_string(), r#"{"b":2,"a":3}"#);
    let mut object = json.as_object().unwrap().clone();
    object.insert("c", 4);
    object.insert("b", 5);
    assert_eq!(Json::from(object).to_string(), r#"{"b":5,"a":3,"c":4}"#);
}

#[test]
fn what_is_not_json_says_where() {
    let error = Json::parse("{\"a\": 1,\n  \"é\": tru }").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("line 2"), "{error}");
    for text in [
        "",
        "01",
        "1.",
        "+1",
        "-",
        "1e",
        ".5",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "\"\n\"",
        "\"\\x\"",
        "NaN",
        "Infinity",
        "nul",
        "[",
        "\"",
        "1 1",
        "{\"a\"}",
        "\"\\ud800\"",
        "\u{feff}1",
        "'a'",
        "[1]]",
        "-Infinity",
        "0x1",
        "1_0",
        "/**/1",
    ] {
        assert!(Json::parse(text).is_err(), "{text:?} is not JSON");
    }
    assert!(Json::parse(b"\"\xff\"").is_err());
}

#[test]
fn limits() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let json = Json::parse(nested(128)).unwrap();
    let storage = Simulated::new(1);
    let mut timeline = open(&storage);
    timeline.edit("deep", |all| *all = json.clone()).unwrap();
    timeline.flush().unwrap();
    let error = Json::parse(nested(129)).unwrap_err();
    assert!(error.to_string().contains("128 deep at line 1, column 129"), "{error}");
    let limits = Limits { depth: 1_000_000, len_bytes: 10 };
    assert!(Json::parse_within("[[[[[[[[]]]]]]]]", limits).is_err());
}

proptest! {
    /// J3, J4: small and large collections in one another, stored and read again.
    #[test]
    fn what_is_stored_comes_back(one in documents(), other in documents(), path in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let storage = Simulated::new(1);
        let mut timeline = open(&storage);
        let first = timeline.edit("one", |json| *json = one.clone()).unwrap().version;
        // Somewhere inside, so that the rest is shared.
        timeline.edit("within", |json| *within(json, &path) = other).unwrap();
        let (written, digests) = (timeline.state().clone(), timeline.versions().map(|v| timeline.digest(v.unwrap().id)).collect::<Vec<_>>());
        drop(timeline);
        let timeline = open(&storage);
        prop_assert!(*timeline.state() == written && timeline.state().same_order(&written));
        if let Some(first) = first {
            let read = timeline.at(first).unwrap();
            prop_assert!(read == one && read.same_order(&one));
        }
        for (version, digest) in timeline.versions().zip(digests) {
            prop_assert_eq!(timeline.digest(version.unwrap().id).unwrap(), digest.unwrap());
        }
        prop_assert!(timeline.verify().unwrap().damages.is_empty());
    }
}

fn within<'j>(json: &'j mut Json, path: &[prop::sample::Index]) -> &'j mut Json {
    let Some((first, rest)) = path.split_first() else { return json };
    let len = json.as_array().map_or(0, |array| array.len()) + json.as_object().map_or(0, |object| object.len());
    if len == 0 {
        return json;
    }
    if json.as_array().is_some() {
        return within(&mut json[first.index(len)], rest);
    }
    let name = json.as_object().unwrap().names().nth(first.index(len)).unwrap().to_owned();
    within(&mut json[&*name], rest)
}

/// Around the size at which a value gets a record of its own (J3): each stored, read again, and made larger and smaller there.
#[test]
fn small_and_large_ones_take_turns() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage);
    let sized = |len: usize| Json::from_iter([Json::from("x".repeat(len)), Json::from_iter([len as u64])]);
    let all: Object = [("array", Json::from_iter([0u64])), ("object", Json::from(Object::new()))].into_iter().collect();
    timeline.edit("begin", |json| *json = all.into()).unwrap();
    let mut digests = Vec::new();
    for len in (180..260).chain((180..260).rev()) {
        timeline.edit("array", |json| json["array"][0] = sized(len)).unwrap();
        timeline
            .edit("object", |json| _ = json["object"].as_object_mut().unwrap().insert("member", sized(len)))
            .unwrap();
        drop(timeline);
        timeline = open(&storage);
        assert_eq!(timeline.state()["array"][0], sized(len));
        assert_eq!(timeline.state()["object"]["member"], sized(len));
        digests.push(timeline.digest(timeline.head()).unwrap())
    }
    // The way there does not show.
    assert!(digests.iter().eq(digests.iter().rev()));
}
