//! Text to values and back: what RFC 8259 allows and what it does not, limits, and documents in a log.

use super::number::Form;
use super::tests_update::documents;
use super::{Json, Limits, Number, Object};
use crate::error::ErrorKind;
use crate::id::VersionId;
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
    for (text, is) in
        [("1", "1"), ("1.0", "1.0"), ("-0", "-0.0"), ("1E2", "100.0"), ("1e-400", "1e-400"), ("0e-400", "0.0")]
    {
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
    let error = Json::parse(nested(257)).unwrap_err();
    assert!(error.to_string().contains("256 deep at line 1, column 257"), "{error}");
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

/// Whether a value is small is asked when it is written and when it is hashed: by then what was stored of it may be damaged.
#[test]
fn what_is_damaged_within_a_value_is_an_error_of_digests_and_edits_and_no_panic() {
    let text = |c: char| Json::from(c.to_string().repeat(200));
    let large = || Json::from_iter(['x', 'y', 'z'].map(text));
    let object = || Json::from(Object::from_iter([("large", large())]));
    for (document, is_object) in
        [(Json::from_iter([large()]), false), (object(), true), (Json::from_iter([object()]), false)]
    {
        let storage = Simulated::new(1);
        let mut timeline = open(&storage);
        let head = timeline.edit("large", |json| *json = document).unwrap().version.unwrap();
        drop(timeline);
        let mut files = storage.files();
        let file = files.get_mut(&0).unwrap();
        let at = file.windows(200).rposition(|bytes| bytes == [b'y'; 200]).unwrap();
        file[at] ^= 1;
        let mut timeline = open(&Simulated::with_files(&files, 1));
        assert_eq!(timeline.digest(head).unwrap_err().kind(), ErrorKind::Corrupt);
        let more = |json: &mut Json| match is_object {
            true => _ = json.as_object_mut().unwrap().insert("more", 1),
            false => json.as_array_mut().unwrap().push_back(1.into()),
        };
        assert_eq!(timeline.edit("more", more).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!((timeline.head(), timeline.versions().count()), (head, 2));
        // What does not need it goes on.
        timeline.edit("anew", |json| *json = Json::Null).unwrap();
    }
}

#[test]
fn what_is_stored_as_a_number_and_is_none_is_corrupt_and_no_panic() {
    let stored = |text: &str| {
        let storage = Simulated::new(1);
        let options = || Timeline::options().check_roundtrip(false);
        let mut timeline = options().open_in(Arc::new(storage.clone()), || Json::Null).unwrap();
        let number = Json::Number(Number(Form::Text(Box::new(text.into()))));
        timeline.commit("number", number.clone()).unwrap();
        timeline.commit("list", Json::from_iter([number])).unwrap();
        timeline.commit("null", Json::Null).unwrap();
        drop(timeline);
        let mut timeline = options().open_in(Arc::new(storage), || Json::Null).unwrap();
        [
            timeline.at(VersionId::new(1)),
            timeline.at(VersionId::new(2)),
            timeline.undo().map(|_| timeline.state().clone()),
        ]
    };
    for text in ["1e400", "123456789012345678901234567890", "-1e-400"] {
        let read = stored(text).map(|json| json.unwrap().to_string());
        assert_eq!(read, [text.to_owned(), format!("[{text}]"), format!("[{text}]")])
    }
    for text in ["", "abc", "1", "-0", "1.5", "1e400 ", "--1", "0x10", "1e400,2"] {
        assert_eq!(stored(text).map(|json| json.unwrap_err().kind()), [ErrorKind::Corrupt; 3], "{text:?}")
    }
}

/// Small objects are lists and large ones maps: every edit of one against a list of members, through sizes of both.
mod objects {
    use super::*;
    use crate::map::DiffItem;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, usize),
        Change(u8, usize),
        Remove(u8),
        Keep,
        Reopen,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let len = || prop_oneof![0usize..10, 100usize..300];
        let step = prop_oneof![
            6 => (0u8..16, len()).prop_map(|(name, len)| Step::Insert(name, len)),
            3 => (0u8..16, len()).prop_map(|(name, len)| Step::Change(name, len)),
            3 => (0u8..16).prop_map(Step::Remove),
            2 => Just(Step::Keep),
            1 => Just(Step::Reopen),
        ];
        prop::collection::vec(step, 0..60)
    }

    type Model = Vec<(String, Json)>;

    fn check(object: &Object, model: &Model, versions: &[(Object, Model)]) {
        assert_eq!((object.len(), object.is_empty()), (model.len(), model.is_empty()));
        assert!(object.iter().eq(model.iter().map(|(name, value)| (&**name, value))));
        assert!(object.iter().rev().eq(model.iter().rev().map(|(name, value)| (&**name, value))));
        assert!(model.iter().all(|(name, value)| object.get(name) == Some(value)) && object.get("absent").is_none());
        let parsed: Object = model.iter().cloned().collect();
        assert!(parsed == *object && parsed.same_order(object) && object.same_order(&parsed));
        for (before, was) in versions {
            assert!(before.iter().eq(was.iter().map(|(name, value)| (&**name, value))), "a version changed");
            let mut made = was.clone();
            for item in before.diff(object) {
                match item {
                    DiffItem::Add(name, value) => made.push((name.clone(), value.clone())),
                    DiffItem::Remove(name, _) => made.retain(|member| member.0 != *name),
                    DiffItem::Update { old, new } => {
                        assert!(old.0 == new.0 && old.1 != new.1);
                        made.iter_mut().filter(|member| member.0 == *new.0).for_each(|member| member.1 = new.1.clone())
                    }
                }
            }
            assert_eq!(made.into_iter().collect::<Object>(), *object);
            let is_equal = was.len() == model.len() && was.iter().all(|(name, value)| object.get(name) == Some(value));
            assert_eq!((before == object, object == before), (is_equal, is_equal))
        }
    }

    proptest! {
        #[test]
        fn against_a_list(steps in steps()) {
            let storage = Simulated::new(1);
            let mut timeline = super::open(&storage);
            let (mut object, mut model, mut versions) = (Object::new(), Model::new(), Vec::new());
            for step in steps {
                let name = |n: u8| if n.is_multiple_of(4) { format!("a longer name, {n}") } else { n.to_string() };
                let text = |len: usize| Json::from("x".repeat(len));
                match step {
                    Step::Insert(n, len) => {
                        let before = object.insert(name(n), text(len));
                        match model.iter_mut().find(|member| member.0 == name(n)) {
                            Some(member) => prop_assert_eq!(before, Some(std::mem::replace(&mut member.1, text(len)))),
                            None => {
                                prop_assert_eq!(before, None);
                                model.push((name(n), text(len)))
                            }
                        }
                    }
                    Step::Change(n, len) => {
                        let member = model.iter_mut().find(|member| member.0 == name(n));
                        let found = object.get_mut(&name(n)).map(|value| *value = text(len));
                        prop_assert_eq!(found, member.map(|member| member.1 = text(len)))
                    }
                    Step::Remove(n) => {
                        let at = model.iter().position(|member| member.0 == name(n));
                        prop_assert_eq!(object.remove(&name(n)), at.map(|at| model.remove(at).1))
                    }
                    Step::Keep => versions.push((object.clone(), model.clone())),
                    Step::Reopen => {
                        timeline.commit("", Json::Object(object)).unwrap();
                        let digest = timeline.digest(timeline.head()).unwrap();
                        drop(timeline);
                        timeline = super::open(&storage);
                        prop_assert_eq!(timeline.digest(timeline.head()).unwrap(), digest);
                        // An empty object that was `null` before is no change that shows here.
                        object = timeline.state().as_object().unwrap().clone()
                    }
                }
                check(&object, &model, &versions)
            }
        }
    }
}
