//! Pointers and patches: the RFCs' cases and the public suite, errors, atomicity; differences against random edits.

use super::{Json, Object, Operation, Patch, Pointer};
use crate::error::{Error, ErrorKind};
use crate::log::simulated::Simulated;
use crate::map::cases;
use crate::timeline::Timeline;
use proptest::prelude::*;
use std::sync::Arc;

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn at(text: &str) -> Pointer {
    text.parse().unwrap()
}

fn patch(text: &str) -> Patch {
    Patch::parse(text).unwrap()
}

#[track_caller]
fn fails<T>(result: Result<T, Error>, kind: ErrorKind, message: &str) {
    let error = result.map(drop).unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (kind, message.to_owned()));
}

/// RFC 6901, section 5.
#[test]
fn the_examples_of_the_rfc_on_pointers() {
    let document =
        json(r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#);
    assert_eq!(document.pointer(&at("")).unwrap(), &document);
    assert_eq!(document.pointer(&at("/foo")).unwrap(), &document["foo"]);
    assert_eq!(document.pointer(&at("/foo/0")).unwrap(), &Json::from("bar"));
    let names = ["/", "/a~1b", "/c%d", "/e^f", "/g|h", "/i\\j", "/k\"l", "/ ", "/m~0n"];
    for (i, text) in names.into_iter().enumerate() {
        assert_eq!(document.pointer(&at(text)).unwrap(), &Json::from(i));
        assert_eq!(at(text).to_string(), text);
    }
}

#[test]
fn a_pointer_is_its_text_and_its_tokens() {
    let mut pointer = at("/~01/x~1/");
    assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["~1", "x/", ""]);
    assert_eq!(["~1", "x/", ""].into_iter().collect::<Pointer>(), pointer);
    assert_eq!(pointer.parent(), Some(at("/~01/x~1")));
    assert_eq!((pointer.pop().as_deref(), Pointer::root().parent()), (Some(""), None));
    pointer.push(7);
    assert_eq!((pointer.to_string(), pointer.join("~/")), ("/~01/x~1/7".to_owned(), at("/~01/x~1/7/~0~1")));
    assert!(pointer.starts_with(&pointer) && pointer.starts_with(&at("/~01")) && !pointer.starts_with(&at("/x")));
    assert!(Pointer::root().is_root() && !at("/").is_root());
    assert_eq!(format!("{:?}", at("/a\"")), r#""/a\"""#);
}

#[test]
fn what_is_no_pointer_says_why() {
    let parse = |text: &str| text.parse::<Pointer>();
    let slash = "the pointer \"a/b\" does not begin with a slash: write one before each token";
    fails(parse("a/b"), ErrorKind::Invalid, slash);
    for (text, escape) in [("/a~2/b", "~2"), ("/~", "~"), ("/~~1", "~~"), ("/x/~é", "~é")] {
        let what = "is no escape: write ~0 for ~ and ~1 for a slash";
        fails(parse(text), ErrorKind::Invalid, &format!("the pointer {text:?}: {escape:?} {what}"));
    }
}

#[test]
fn what_is_not_there_says_what_is() {
    let mut document = json(r#"{"a":{"b":[1,2,[]]},"c":null}"#);
    for (text, message) in [
        ("/x", "the document is an object of 2 members: no member \"x\""),
        ("/a/x/y", "/a is an object of 1 member: no member \"x\""),
        ("/a/b/7", "/a/b is an array of 3 elements: no element 7"),
        ("/a/b/3/0", "/a/b is an array of 3 elements: no element 3"),
        ("/a/b/-/0", "/a/b is an array of 3 elements: nothing is behind the last"),
        ("/c/0", "/c is null: it has no member and no element \"0\""),
        ("/a/b/0/x", "/a/b/0 is a number: it has no member and no element \"x\""),
    ] {
        fails(document.pointer(&at(text)), ErrorKind::NotFound, message);
        fails(document.pointer_mut(&at(text)), ErrorKind::NotFound, message);
        fails(document.take(&at(text)), ErrorKind::NotFound, message);
        if text != "/x" {
            fails(document.set(&at(text), Json::Null), ErrorKind::NotFound, message);
        }
    }
    for token in ["00", "01", "+1", "-1", "1e0", "", " 1", "1.0", "x", "٣"] {
        let message = format!("/a/b is an array of 3 elements: {token:?} is no index");
        fails(document.pointer(&at("/a/b").join(token)), ErrorKind::NotFound, &message);
        fails(document.set(&at("/a/b").join(token), Json::Null), ErrorKind::NotFound, &message);
    }
    let beyond = "99999999999999999999999";
    assert!(document.pointer(&at("/a/b").join(beyond)).is_err());
}

#[test]
fn set_and_take() {
    let mut document = json(r#"{"a":[1,2]}"#);
    assert_eq!(document.set(&at("/a/0"), 7.into()).unwrap(), Some(1.into()));
    assert_eq!(document.set(&at("/a/-"), 8.into()).unwrap(), None);
    assert_eq!(document.set(&at("/b"), 9.into()).unwrap(), None);
    assert_eq!(document.set(&at("/-"), Json::Null).unwrap(), None);
    *document.pointer_mut(&at("/a/1")).unwrap() = true.into();
    assert_eq!(document.to_string(), r#"{"a":[7,true,8],"b":9,"-":null}"#);
    assert_eq!(document.take(&at("/a/0")).unwrap(), 7.into());
    assert_eq!(document.take(&at("/b")).unwrap(), 9.into());
    assert_eq!(document.to_string(), r#"{"a":[true,8],"-":null}"#);
    assert_eq!(document.take(&Pointer::root()).unwrap_err().kind(), ErrorKind::Invalid);
    *document.pointer_mut(&Pointer::root()).unwrap() = 1.into();
    assert_eq!(document.set(&Pointer::root(), 2.into()).unwrap(), Some(1.into()));
    assert_eq!(document, 2.into());
}

fn shares(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.ptr_eq(b),
        (Json::Object(a), Json::Object(b)) => a.ptr_eq(b),
        _ => false,
    }
}

#[test]
fn nothing_is_copied_for_what_is_not_there() {
    let before = json(r#"{"a":{"b":[1,2,[]]},"c":null}"#);
    let mut document = before.clone();
    for text in ["/a/b/7", "/a/b/2/0", "/a/x/y", "/c/d"] {
        assert!(document.pointer_mut(&at(text)).is_err());
        assert!(document.take(&at(text)).is_err());
        assert!(document.set(&at(text), Json::Null).is_err());
    }
    assert!(shares(&document, &before));
    document.pointer_mut(&at("/a/b/2")).unwrap();
    assert!(!shares(&document, &before));
}

/// Runs each record that is not disabled; gives how many there were, and how many of them are about errors.
fn run(suite: &str) -> (usize, usize) {
    let suite = json(suite);
    let is_enabled = |record: &&Json| record.get("disabled").and_then(Json::as_bool) != Some(true);
    let (mut ran, mut errors) = (0, 0);
    for record in suite.as_array().unwrap().iter().filter(is_enabled) {
        let result = Patch::from_json(&record["patch"]).and_then(|patch| record["doc"].patched(&patch));
        match (record.get("expected"), record.get("error")) {
            (Some(expected), None) => assert_eq!(result.as_ref().ok(), Some(expected), "{record}: {result:?}"),
            (None, Some(_)) => {
                let error = result.expect_err("the suite says so").to_string();
                assert!(error.starts_with("operation ") && error.contains(": "), "{record}: {error}");
                errors += 1
            }
            _ => panic!("{record} is another form than the suite's"),
        }
        ran += 1;
    }
    (ran, errors)
}

#[test]
fn the_public_suite() {
    assert_eq!(run(include_str!("../../tests/data/json-patch-tests.json")), (92, 30));
    assert_eq!(run(include_str!("../../tests/data/json-patch-spec-tests.json")), (16, 4));
}

#[test]
fn a_patch_is_its_text_and_its_operations() {
    let text = concat!(
        r#"[{"op":"test","path":"/a~1b","value":1},{"op":"add","path":"/x/-","value":{"y":null}},"#,
        r#"{"op":"remove","path":"/z"},{"op":"replace","path":"","value":[]},"#,
        r#"{"op":"move","from":"/p","path":"/q"},{"op":"copy","from":"/p","path":"/q"}]"#
    );
    let read = patch(text);
    assert_eq!(read.to_string(), text);
    assert_eq!(read.operations()[2], Operation::Remove { path: at("/z") });
    assert_eq!(Patch::from(read.operations().to_vec()), read);
    assert_eq!(format!("{read:#}").parse::<Patch>().unwrap(), read);
    assert!(Patch::default().is_empty() && !read.is_empty());
}

#[test]
fn what_is_no_patch_says_why() {
    let parse = |text: &str| Patch::parse(text);
    for (text, message) in [
        ("{}", "a patch is an array of operations, not an object"),
        ("[1]", "operation 0: an operation is an object, not a number"),
        (r#"[{"op":"remove","path":""},{}]"#, r#"operation 1: no member "op""#),
        (r#"[{"op":1}]"#, r#"operation 0: "op" is a number, not a string"#),
        (r#"[{"op":"add","path":"/a"}]"#, r#"operation 0, add "/a": no member "value""#),
        (r#"[{"op":"move","path":"/a","from":null}]"#, r#"operation 0, move "/a": "from" is null, not a string"#),
        (r#"[{"op":"copy","from":"/a"}]"#, r#"operation 0, copy: no member "path""#),
        (
            r#"[{"op":"spam","path":"/a"}]"#,
            r#"operation 0, spam "/a": "spam" is no operation: those are add, remove, replace, move, copy and test"#,
        ),
    ] {
        fails(parse(text), ErrorKind::Invalid, message);
    }
    assert!(parse("[").unwrap_err().to_string().contains("line 1"));
    assert!(parse(r#"[{"op":"remove","path":"a"}]"#).unwrap_err().to_string().contains("slash"));
}

#[test]
fn a_patch_that_fails_says_where_and_changes_nothing() {
    let before = json(r#"{"a":[1,2],"b":{"c":"x"},"n":1.0}"#);
    let ok = r#"{"op":"add","path":"/a/0","value":0},{"op":"remove","path":"/n"}"#;
    for (fault, kind, message) in [
        (r#""op":"test","path":"/a/0","value":1"#, ErrorKind::Conflict, r#"test "/a/0": found 0, want 1"#),
        (
            r#""op":"test","path":"/a","value":[1,2,0]"#,
            ErrorKind::Conflict,
            r#"test "/a": found an array of 3 elements, but not the one of the test"#,
        ),
        (
            r#""op":"remove","path":"/n""#,
            ErrorKind::NotFound,
            r#"remove "/n": the document is an object of 2 members: no member "n""#,
        ),
        (
            r#""op":"add","path":"/a/4","value":1"#,
            ErrorKind::NotFound,
            r#"add "/a/4": /a is an array of 3 elements: no element 4"#,
        ),
        (
            r#""op":"replace","path":"/a/-","value":1"#,
            ErrorKind::NotFound,
            r#"replace "/a/-": /a is an array of 3 elements: nothing is behind the last"#,
        ),
        (
            r#""op":"move","from":"/b","path":"/b/c/d""#,
            ErrorKind::Invalid,
            r#"move "/b/c/d": what is at "/b" cannot be moved into itself: copy it"#,
        ),
        (
            r#""op":"move","from":"/b","path":"/x/y""#,
            ErrorKind::NotFound,
            r#"move "/x/y": the document is an object of 1 member: no member "x""#,
        ),
        (
            r#""op":"move","from":"/n","path":"/n""#,
            ErrorKind::NotFound,
            r#"move "/n": the document is an object of 2 members: no member "n""#,
        ),
        (
            r#""op":"remove","path":"""#,
            ErrorKind::Invalid,
            r#"remove "": the whole document is in nothing that it can be taken out of: replace it"#,
        ),
    ] {
        let mut document = before.clone();
        let patch = patch(&format!("[{ok},{{{fault}}}]"));
        fails(patch.apply(&mut document), kind, &format!("operation 2, {message}"));
        assert!(document == before && document.same_order(&before) && shares(&document, &before));
        fails(document.patched(&patch), kind, &format!("operation 2, {message}"));
    }
}

#[test]
fn the_finer_points_of_operations() {
    let done = |document: &str, text: &str| json(document).patched(&patch(text)).unwrap().to_string();
    // Numbers are compared by value.
    assert_eq!(done("[1]", r#"[{"op":"test","path":"","value":[1.0]}]"#), "[1]");
    // A move to the same place moves no member to the end.
    assert_eq!(done(r#"{"a":1,"b":2}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#), r#"{"a":1,"b":2}"#);
    // A name that begins with another's is not in it.
    assert_eq!(done(r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/ab"}]"#), r#"{"ab":1}"#);
    // A copy into itself is that of before.
    assert_eq!(done(r#"{"a":[]}"#, r#"[{"op":"copy","from":"","path":"/a/-"}]"#), r#"{"a":[{"a":[]}]}"#);
    // An index counts where the value that is moved is gone.
    assert_eq!(done("[1,2,3]", r#"[{"op":"move","from":"/0","path":"/2"}]"#), "[2,3,1]");
    assert_eq!(done("[[1]]", r#"[{"op":"move","from":"/0/0","path":""}]"#), "1");
}

fn difference(old: &str, new: &str) -> String {
    let (old, new) = (json(old), json(new));
    let patch = Patch::diff(&old, &new);
    assert_eq!(old.patched(&patch).unwrap(), new);
    patch.to_string()
}

#[test]
fn differences() {
    assert_eq!(difference("1", "1"), "[]");
    assert_eq!(difference("1", "1.0"), r#"[{"op":"replace","path":"","value":1.0}]"#);
    assert_eq!(difference(r#"{"a":1,"b":[{"x":1,"y":2}]}"#, r#"{"b":[{"y":2,"x":1}],"a":1}"#), "[]");
    let document = |rest: &str| format!(r#"{{"keep":"{}",{rest}}}"#, "as it is ".repeat(20));
    let members = difference(
        &document(r#""b":1,"a":{"x":[],"y":"the same in both, and not short"},"z":1,"m":0"#),
        &document(r#""b":2,"n/~":1,"a":{"x":{},"y":"the same in both, and not short"},"z":1"#),
    );
    assert_eq!(
        members,
        concat!(
            r#"[{"op":"replace","path":"/a/x","value":{}},{"op":"replace","path":"/b","value":2},"#,
            r#"{"op":"remove","path":"/m"},{"op":"add","path":"/n~1~0","value":1}]"#
        )
    );
    let document = |rest: &str| format!("[{rest},{:?}]", "as it is ".repeat(20));
    let elements = |old: &str, new: &str| difference(&document(old), &document(new));
    assert_eq!(
        elements("1,2", "1,7,9"),
        r#"[{"op":"replace","path":"/1","value":7},{"op":"add","path":"/2","value":9}]"#
    );
    assert_eq!(
        elements("1,2,3,4", "1,5"),
        concat!(
            r#"[{"op":"replace","path":"/1","value":5},{"op":"remove","path":"/2"},"#,
            r#"{"op":"remove","path":"/2"}]"#
        )
    );
    assert_eq!(
        elements(r#"["the same in both, and not short",1],2,{}"#, r#"["the same in both, and not short"],2,[]"#),
        r#"[{"op":"remove","path":"/0/1"},{"op":"replace","path":"/2","value":[]}]"#
    );
}

#[test]
fn a_container_is_replaced_where_that_is_shorter() {
    assert_eq!(
        difference(r#"{"a":[1,2,3,4],"b":0}"#, r#"{"a":[5,6,7,8],"b":0}"#),
        r#"[{"op":"replace","path":"/a","value":[5,6,7,8]}]"#
    );
    assert_eq!(difference("[1,2,3]", "[]"), r#"[{"op":"replace","path":"","value":[]}]"#);
    let many: Json = (0..1000).collect();
    let few: Json = (0..3).collect();
    assert_eq!(Patch::diff(&many, &few).operations().len(), 1);
    // And only there.
    let mut other = many.clone();
    (0..100).for_each(|i| other[i * 10] = Json::Null);
    assert_eq!(Patch::diff(&many, &other).operations().len(), 1, "4 000 bytes for 100 operations of more than 40");
    let mut other = many.clone();
    (0..50).for_each(|i| other[i * 20] = Json::Null);
    assert_eq!(Patch::diff(&many, &other).operations().len(), 50);
}

const MEMBERS: usize = 100_000;

/// Counted, not timed: what is read of two stored documents to tell how they differ.
#[test]
fn a_difference_reads_only_what_differs() {
    let storage = Simulated::new(1);
    let open = |initial: Json| {
        let options = Timeline::options().check_roundtrip(false);
        options.open_in(Arc::new(storage.clone()), || initial).unwrap()
    };
    let member = |n: usize| (format!("member {n}"), [n, n + 1].into_iter().collect::<Json>());
    let mut timeline = open(Json::Object((0..MEMBERS).map(member).collect::<Object>()));
    let old = timeline.head();
    timeline.edit("one", |json| json["member 777"][1] = "other".into()).unwrap();
    let new = timeline.head();
    let text = r#"[{"op":"replace","path":"/member 777/1","value":"other"}]"#;
    assert_eq!(Patch::diff(&timeline.at(old).unwrap(), timeline.state()).to_string(), text);
    drop(timeline);

    let timeline = open(Json::Null);
    let (old, new) = (timeline.at(old).unwrap(), timeline.at(new).unwrap());
    let before = storage.disk().reads;
    assert_eq!(Patch::diff(&old, &new).to_string(), text);
    let reads = storage.disk().reads - before;
    assert!((1..40).contains(&reads), "{reads} reads");
    // A patch reads what it changes.
    let before = storage.disk().reads;
    assert_eq!(old.patched(&patch(text)).unwrap(), new);
    let reads = storage.disk().reads - before;
    assert!(reads < 40, "{reads} reads");
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "b", "a/b", "m~n", "~1", "0", "1", "-", "é\""]).prop_map(str::to_owned)
}

fn document() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (0..4u8).prop_map(Json::from),
        Just(json("1.0")),
        prop::sample::select(vec!["", "x", "\u{1}\"", "longer than all the others of these strings"])
            .prop_map(Json::from),
    ];
    let container = |inner: BoxedStrategy<Json>| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Json::from_iter),
            prop::collection::vec((name(), inner), 0..8).prop_map(|all| Json::Object(all.into_iter().collect())),
        ]
    };
    leaf.prop_recursive(4, 80, 12, move |inner| container(inner.boxed())).boxed()
}

/// What is done at the end of a way, whose numbers choose a member or element each.
#[derive(Clone, Debug)]
enum Change {
    Set(Json),
    Insert(usize, String, Json),
    Remove(usize),
    /// A range goes to the end.
    Rotate(usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<(Vec<usize>, Change)>> {
    let n = 0..1000usize;
    let change = prop_oneof![
        3 => document().prop_map(Change::Set),
        3 => (n.clone(), name(), document()).prop_map(|(i, name, value)| Change::Insert(i, name, value)),
        3 => n.clone().prop_map(Change::Remove),
        1 => (n.clone(), n.clone()).prop_map(|(i, k)| Change::Rotate(i, k)),
    ];
    prop::collection::vec((prop::collection::vec(n, 0..4), change), 0..8)
}

/// The member or element that a number chooses.
fn chosen(value: &Json, n: usize) -> Option<String> {
    match value {
        Json::Array(array) => n.checked_rem(array.len()).map(|i| i.to_string()),
        Json::Object(object) => object.names().nth(n.checked_rem(object.len())?).map(str::to_owned),
        _ => None,
    }
}

fn edited(document: &Json, edits: &[(Vec<usize>, Change)]) -> Json {
    let mut document = document.clone();
    for (way, change) in edits {
        let mut place = &mut document;
        for n in way {
            let Some(token) = chosen(place, *n) else { break };
            place = place.pointer_mut(&Pointer::root().join(token)).unwrap();
        }
        match (change.clone(), place) {
            (Change::Set(value), place) => *place = value,
            (Change::Insert(i, _, value), Json::Array(array)) => array.insert(i % (array.len() + 1), value),
            (Change::Insert(_, name, value), Json::Object(object)) => _ = object.insert(name, value),
            (Change::Remove(n), place) => {
                if let Some(token) = chosen(place, n) {
                    place.take(&Pointer::root().join(token)).unwrap();
                }
            }
            (Change::Rotate(i, k), Json::Array(array)) if !array.is_empty() => {
                let (i, len) = (i % array.len(), array.len());
                let range = array.slice(i..(i + k % 5).min(len));
                array.append(range)
            }
            _ => {}
        }
    }
    document
}

/// That the patch makes one of the other, both ways, and is no longer than replacing all.
fn check(old: &Json, new: &Json) -> Result<(), TestCaseError> {
    for (old, new) in [(old, new), (new, old)] {
        let patch = Patch::diff(old, new);
        prop_assert_eq!(&old.patched(&patch).unwrap(), new, "by {}", patch);
        prop_assert_eq!(patch.is_empty(), old == new);
        let replaced: Patch = [Operation::Replace { path: Pointer::root(), value: new.clone() }].into_iter().collect();
        prop_assert!(patch.to_string().len() <= replaced.to_string().len(), "{} is long", patch);
        prop_assert_eq!(&Patch::parse(patch.to_string()).unwrap(), &patch);
        // The same for documents that share nothing.
        let (a, b) = (json(&old.to_string()), json(&new.to_string()));
        prop_assert_eq!(a.patched(&Patch::diff(&a, &b)).unwrap(), b);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_difference_is_what_was_edited(old in document(), edits in edits()) {
        check(&old, &edited(&old, &edits))?
    }

    #[test]
    fn a_difference_of_unrelated_documents(old in document(), new in document()) {
        check(&old, &new)?
    }

    /// Long enough for nodes to be shared at shifted places.
    #[test]
    fn a_difference_in_long_arrays(len in 0..600usize, rows in any::<bool>(), edits in edits()) {
        let element = |n: usize| if rows { [n, 7].into_iter().collect() } else { Json::from(n) };
        let old = Json::Array((0..len).map(element).collect());
        check(&old, &edited(&old, &edits))?
    }

    #[test]
    fn a_difference_that_fails_late_changes_nothing(old in document(), edits in edits()) {
        let patch = Patch::diff(&old, &edited(&old, &edits));
        let wrong = Operation::Test { path: Pointer::root(), value: "a string of no document".into() };
        let patch: Patch = patch.operations().iter().cloned().chain([wrong]).collect();
        let mut document = old.clone();
        prop_assert_eq!(patch.apply(&mut document).unwrap_err().kind(), ErrorKind::Conflict);
        prop_assert!(document == old && document.same_order(&old));
        prop_assert!(shares(&document, &old) || !matches!(old, Json::Array(_) | Json::Object(_)));
    }

    #[test]
    fn a_pointer_comes_back_from_its_text(tokens in prop::collection::vec("[a-z0-9~/é]{0,4}", 0..5)) {
        let pointer: Pointer = tokens.iter().map(String::as_str).collect();
        prop_assert_eq!(&at(&pointer.to_string()), &pointer);
        prop_assert!(pointer.tokens().eq(tokens.iter().map(String::as_str)));
    }
}
