//! What a hostile user tries: RFC 8259 to the letter, numbers, order, digests, serde, depth.

use super::{Json, Number, Object, Operation, Patch, Pointer, from_json, to_json};
use crate::log::simulated::Simulated;
use crate::timeline::Timeline;
use std::sync::Arc;
use std::time::Instant;

fn open(storage: &Simulated) -> Timeline<Json> {
    Timeline::options().open_in(Arc::new(storage.clone()), Json::default).unwrap()
}

#[test]
fn what_the_grammar_accepts() {
    let mut bad = Vec::new();
    let mut good = vec![
        "0",
        "-0",
        "-0.0",
        "0e0",
        "0E+00",
        "-0e-0",
        "1e1",
        "1E-2",
        "1.0e+10",
        "0.1",
        "123.456e7",
        "1e400",
        "-1e400",
        "1e-400",
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
        "0e99999999999999999999999",
        "0.0e-99999999999",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "5e-324",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0000\"",
        "\"\\u00e9\"",
        "\"\\uD834\\uDD1E\"",
        "\"\\ud834\\udd1e\"",
        "\"\u{7f}\"",
        "\"\u{10ffff}\"",
        "\"\u{2028}\u{2029}\"",
        "\"\u{feff}\"",
        "\"\\uFFFF\"",
        "\"\\uDBFF\\uDFFF\"",
        "[]",
        "{}",
        " [ ] ",
        "\t\r\n{ } \t\r\n",
        "[null,true,false]",
        "{\"\":{}}",
        "{\"a\":1,\"a\":2}",
        "[[[]]]",
        "null",
        "true",
        " false",
        "{\"\\u0061\":1}",
        "[1 , 2 ]",
        "{\"a\" : 1 , \"b\":2 }",
        "[-1]",
        "[0]",
        "{\"a\":-0}",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    for digits in [19, 20, 21, 39, 40, 300, 309, 310, 4299] {
        good.push("9".repeat(digits));
        good.push(format!("-{}", "9".repeat(digits)));
        good.push(format!("0.{}", "9".repeat(digits)));
        good.push(format!("{}.5e-{digits}", "9".repeat(digits)));
        good.push(format!("1{}", "0".repeat(digits)));
    }
    for text in &good {
        match Json::parse(text) {
            Err(error) => bad.push(format!("{:.60}: {error}", text)),
            Ok(json) => {
                let again = Json::parse(json.to_string());
                if again.as_ref().ok() != Some(&json) {
                    bad.push(format!("{text:.60} -> {json} -> {again:?}"))
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}")
}

#[test]
fn what_the_grammar_rejects() {
    let mut bad = Vec::new();
    let mut texts: Vec<Vec<u8>> = [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NULL",
        "truefalse",
        "tru",
        "n",
        "00",
        "01",
        "-01",
        "-",
        "+1",
        "--1",
        "1.",
        "1.e1",
        ".5",
        "-.5",
        "1e",
        "1e+",
        "1e-",
        "1E",
        "1e1.5",
        "1ee1",
        "1e+-1",
        "0x1",
        "0b1",
        "1_000",
        "1,000",
        "Infinity",
        "-Infinity",
        "NaN",
        "-NaN",
        "nan",
        "inf",
        "-inf",
        "+Infinity",
        "1 2",
        "1,",
        ",1",
        "[1,]",
        "[,1]",
        "[,]",
        "[1,,2]",
        "[1 2]",
        "[",
        "]",
        "[1",
        "[1}",
        "{",
        "}",
        "{]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{,\"a\":1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\"::1}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{null:1}",
        "{\"a\":1}}",
        "[]]",
        "[][]",
        "{}{}",
        "\"a\" \"b\"",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\\\\\\"",
        "\"\\x41\"",
        "\"\\a\"",
        "\"\\0\"",
        "\"\\'\"",
        "\"\\u\"",
        "\"\\u1\"",
        "\"\\u12\"",
        "\"\\u123\"",
        "\"\\u123g\"",
        "\"\\U0041\"",
        "\"\\u{41}\"",
        "\"\\u+041\"",
        "\"\\u 041\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800a\"",
        "\"\\ud800\\n\"",
        "\"\\ud834\\udd1\"",
        "\"\\udbff\\ue000\"",
        "'a'",
        "`a`",
        "//\n1",
        "1//",
        "/**/1",
        "#1",
        "\u{feff}1",
        "\u{a0}1",
        "1\u{2028}",
        "\u{b}1",
        "\u{c}1",
        "1\u{0}",
        "\u{0}",
        "undefined",
        "{\"\\ud800\":1}",
        "[\"\u{9}\"]",
        "[1\u{a0}]",
        "(1)",
        "\"a\u{0}b\"",
        "１",
        "-１",
        "1e１",
        "[1;2]",
        "{\"a\"=1}",
        "*",
        "$",
        "\\u0031",
        "1.0.0",
        "1.2e3e4",
        "-e1",
        "e1",
        "- 1",
        "1 .0",
        "1. 0",
        "1e 1",
    ]
    .iter()
    .map(|t| t.as_bytes().to_vec())
    .collect();
    for control in 0..0x20u8 {
        for at in 0..70 {
            for len in [at, at + 1, at + 20] {
                let mut text = vec![b'x'; len + 1];
                text[at] = control;
                texts.push([b"\"", &text[..], b"\""].concat());
                texts.push([b"{\"", &text[..], b"\":1}"].concat());
            }
        }
    }
    let broken: &[&[u8]] = &[
        b"\xff",
        b"\xfe",
        b"\x80",
        b"\xbf",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xc3",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xe2\x82",
        b"\xf0\x80\x80\x80",
        b"\xf0\x9f\x98",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
    ];
    for broken in broken {
        for at in 0..70 {
            let pad = vec![b'x'; at];
            for behind in [0, 1, 3, 20] {
                let more = vec![b'y'; behind];
                texts.push([b"\"", &pad[..], broken, &more, b"\""].concat());
                texts.push([b"{\"", &pad[..], broken, &more, b"\":1}"].concat());
                texts.push([b"\"\\n", &pad[..], broken, &more, b"\""].concat());
                texts.push([b"{\"\\n", &pad[..], broken, &more, b"\":1}"].concat());
            }
        }
        texts.push(broken.to_vec());
        texts.push([b"[1,", *broken, b"]"].concat());
    }
    for text in &texts {
        if let Ok(json) = Json::parse(text) {
            bad.push(format!("{} -> {json}", String::from_utf8_lossy(text).escape_debug()))
        }
    }
    assert!(bad.is_empty(), "{} of {}: {:#?}", bad.len(), texts.len(), &bad[..bad.len().min(20)])
}

/// Cut anywhere it is an error and no panic; every place is within the text.
#[test]
fn every_prefix_of_a_text_is_an_error() {
    let text = r#" {"a\u00e9\ud834\udd1e": [1.5e+3, -0, "é𝄞\n", {"b": [true, false, null]}], "": {}}"#;
    for end in 0..text.len() {
        assert!(Json::parse(&text.as_bytes()[..end]).is_err(), "{end}")
    }
}

/// A number below all floats is not zero.
#[test]
fn a_number_below_all_floats_is_kept() {
    let json = Json::parse("[1e-400]").unwrap();
    assert_eq!(json.to_string(), "[1e-400]");
}

#[test]
fn a_test_of_a_patch_tells_a_tiny_number_from_zero() {
    let patch = Patch::parse(r#"[{"op":"test","path":"","value":1e-400}]"#).unwrap();
    assert!(patch.apply(&mut Json::from(0)).is_err())
}

#[test]
fn a_number_beyond_all_floats_does_not_become_null_through_serde() {
    let json = Json::parse("[1e400]").unwrap();
    if let Ok(text) = serde_json::to_string(&json) {
        assert_ne!(text, "[null]")
    }
    if let Ok(again) = to_json(&json) {
        assert!(again[0].as_number().is_some(), "{again}")
    }
}

#[test]
fn floats_come_through_the_bridge_bit_by_bit() {
    let mut x = 0x9E3779B97F4A7C15u64;
    let mut wrong = Vec::new();
    for _ in 0..200_000 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let float = f64::from_bits(x);
        if !float.is_finite() {
            continue;
        }
        let json = Json::Number(Number::from_f64(float).unwrap());
        let parsed = Json::parse(json.to_string()).unwrap();
        assert_eq!(parsed, json);
        let again: f64 = from_json(&json).unwrap();
        if again.to_bits() != float.to_bits() {
            wrong.push((float, again))
        }
        let through: Json = from_json(&json).unwrap();
        if through != json {
            wrong.push((float, through.as_f64().unwrap()))
        }
    }
    assert!(wrong.is_empty(), "{} wrong, such as {:?}", wrong.len(), &wrong[..4])
}

fn digest_of(json: &Json) -> crate::Digest {
    let mut timeline = open(&Simulated::new(1));
    timeline.edit("it", |state| *state = json.clone()).unwrap();
    timeline.digest(timeline.head()).unwrap()
}

fn wide(n: usize) -> Object {
    (0..n).map(|i| (format!("name {i}"), Json::from(i as u64))).collect()
}

#[test]
fn digests_of_a_text_with_a_name_twice_are_those_of_the_document() {
    let n = 50;
    let text = Json::from(wide(n)).to_string();
    let twice = format!("{{\"name 0\":7,{}", &text[1..]);
    let (twice, once) = (Json::parse(twice).unwrap(), Json::parse(&text).unwrap());
    assert!(twice == once && twice.same_order(&once));
    assert_eq!(digest_of(&twice), digest_of(&once));
}

/// What the same edits of the same document come to: a member is taken out, then `between`, then a long one put in.
fn edited(
    document: &str,
    between: impl FnOnce(&Simulated, Timeline<Json>) -> Timeline<Json>,
) -> (String, crate::Digest) {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage);
    timeline.commit("a", Json::parse(document).unwrap()).unwrap();
    timeline.edit("b", |json| _ = json["o"].as_object_mut().unwrap().remove("b")).unwrap();
    timeline = between(&storage, timeline);
    timeline.edit("c", |json| _ = json["o"].as_object_mut().unwrap().insert("d", "x".repeat(500))).unwrap();
    (timeline.state().to_string(), timeline.digest(timeline.head()).unwrap())
}

fn reopened(storage: &Simulated, timeline: Timeline<Json>) -> Timeline<Json> {
    drop(timeline);
    open(storage)
}

fn undone_and_redone(_: &Simulated, mut timeline: Timeline<Json>) -> Timeline<Json> {
    timeline.undo().unwrap();
    timeline.redo().unwrap();
    timeline
}

const SMALL: &str = r#"{"o":{"a":1,"b":2,"c":3}}"#;

#[test]
fn digests_do_not_depend_on_whether_the_log_was_reopened() {
    assert_eq!(edited(SMALL, |_, timeline| timeline), edited(SMALL, reopened))
}

#[test]
fn digests_do_not_depend_on_whether_there_was_an_undo() {
    assert_eq!(edited(SMALL, |_, timeline| timeline), edited(SMALL, undone_and_redone))
}

/// One that is read in seconds, whichever elements differ.
#[test]
fn an_import_is_not_quadratic_in_how_many_elements_differ() {
    let took = |n: u64| {
        let old: Json = (0..n).collect();
        let new: Json = (0..n).map(|i| if i % 2 == 0 { i } else { i + n }).collect();
        let start = Instant::now();
        assert_eq!(old.updated(&new), new);
        start.elapsed()
    };
    let (few, many) = (took(2500), took(20_000));
    // Eight times as many.
    assert!(many < 24 * few, "{few:?} for 2500, {many:?} for 20 000");
}

/// What a log takes can be written as text and read again.
#[test]
fn what_can_be_stored_can_be_parsed_again() {
    let mut json = Json::from(1);
    for _ in 0..129 {
        json = Json::from_iter([json])
    }
    let mut timeline = open(&Simulated::new(1));
    if timeline.commit("deep", json).is_ok() {
        Json::parse(timeline.state().to_string()).unwrap();
    }
}

fn on_stack(bytes: usize, f: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(bytes).spawn(f).unwrap().join().unwrap()
}

#[test]
fn a_patch_that_nests_100_000_deep_is_an_error() {
    on_stack(8 << 20, || {
        let copy = Operation::Copy { from: Pointer::root(), path: "/a".parse().unwrap() };
        let patch: Patch = std::iter::repeat_n(copy, 100_000).collect();
        _ = patch.apply(&mut Json::from(Object::new()));
    })
}

/// Members stand where a list of names and values has them: through edits, growth, shrinking, and logs that are opened again.
#[test]
fn the_order_is_that_of_a_list() {
    let mut x = 0x2545F4914F6CDD1Du64;
    let mut random = move |n: u64| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x % n
    };
    let storage = Simulated::new(1);
    let mut timeline = open(&storage);
    timeline.commit("begin", Json::parse(r#"{"o":{}}"#).unwrap()).unwrap();
    let mut model: Vec<(String, String)> = Vec::new();
    for step in 0..3000 {
        let name =
            format!("{}{}", "n".repeat(random(3) as usize * 10), random(if step / 500 % 2 == 0 { 6 } else { 40 }));
        let value = "v".repeat(random(30) as usize);
        let text = |name: &str, value: &str| format!(r#"[{{"op":"add","path":"/o/{name}","value":"{value}"}}]"#);
        let patch = match random(5) {
            0 | 1 => {
                match model.iter_mut().find(|(other, _)| *other == name) {
                    Some(member) => member.1 = value.clone(),
                    None => model.push((name.clone(), value.clone())),
                }
                text(&name, &value)
            }
            2 if !model.is_empty() => {
                let at = random(model.len() as u64) as usize;
                if model[at].0 == name {
                    continue;
                }
                let (from, value) = model.remove(at);
                match model.iter_mut().find(|(other, _)| *other == name) {
                    Some(member) => member.1 = value,
                    None => model.push((name.clone(), value)),
                }
                format!(r#"[{{"op":"move","from":"/o/{from}","path":"/o/{name}"}}]"#)
            }
            3 | 4 if !model.is_empty() => {
                let (from, _) = model.remove(random(model.len() as u64) as usize);
                format!(r#"[{{"op":"remove","path":"/o/{from}"}}]"#)
            }
            _ => continue,
        };
        let next = timeline.state().patched(&Patch::parse(&patch).unwrap());
        let Ok(next) = next else { panic!("{patch}: {next:?}") };
        timeline.commit("step", next).unwrap();
        if random(10) == 0 {
            drop(timeline);
            timeline = open(&storage);
        }
        let want: Vec<_> = model.iter().map(|(name, value)| (&**name, Json::from(&**value))).collect();
        let object = timeline.state()["o"].as_object().unwrap();
        let is: Vec<_> = object.iter().map(|(name, value)| (name, value.clone())).collect();
        // A commit that only reorders is none: then the list follows.
        if is != want {
            let mut sorted = (is.clone(), want.clone());
            sorted.0.sort_by_key(|(name, _)| name.to_string());
            sorted.1.sort_by_key(|(name, _)| name.to_string());
            assert_eq!(sorted.0, sorted.1, "step {step}");
            panic!("step {step}: {patch}\n{is:?}\n{want:?}")
        }
    }
}

/// An object that was large, became small, and is large again: the log opened anew in between, or not.
#[test]
fn digests_of_what_was_small_for_a_while_do_not_depend_on_whether_the_log_was_reopened() {
    let large = format!(r#"{{"o":{{"a":1,"b":"{}","c":3}}}}"#, "x".repeat(500));
    assert_eq!(edited(&large, |_, timeline| timeline), edited(&large, reopened))
}

/// Objects that grew by what is in them are written once, not with every version of what is beside them.
#[test]
fn objects_that_grew_within_are_written_once() {
    let written = |is_reopened: bool| {
        let storage = Simulated::new(1);
        let mut timeline = open(&storage);
        let all: Object = (0..8).map(|i| (format!("o{i}"), Json::parse(r#"{"a":[0],"b":1}"#).unwrap())).collect();
        timeline.commit("begin", Json::from_iter([Json::from(all), Json::from(0)])).unwrap();
        for i in 0..8 {
            let grown = |json: &mut Json| json[0][&*format!("o{i}")]["a"][0] = "x".repeat(1000).into();
            timeline.edit("grow", grown).unwrap();
        }
        if is_reopened {
            drop(timeline);
            timeline = open(&storage);
        }
        let before = timeline.verify().unwrap().bytes;
        for n in 1..=50u64 {
            timeline.edit("beside", |json| json[0]["o0"]["b"] = (n + 1).into()).unwrap();
        }
        (timeline.verify().unwrap().bytes - before) / 50
    };
    let (kept, reopened) = (written(false), written(true));
    assert!(kept <= reopened + reopened / 4, "{kept} bytes for each version, {reopened} after the log was opened again")
}
