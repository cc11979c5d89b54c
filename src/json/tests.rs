//! Text to values and back: what RFC 8259 allows and what it does not, limits, and documents in a log.

use super::{Json, Limits, Number};
use crate::error::ErrorKind;
use crate::log::simulated::Simulated;
use crate::timeline::Timeline;
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
