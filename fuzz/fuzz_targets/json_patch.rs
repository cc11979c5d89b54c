//! JSON texts, patches and updates.
//!
//! In: two texts, as bytes or made of a structure that keeps them near each other; a patch as text, and one of operations on
//! places that are likely there; limits.
//! Out: nothing; a panic if anything of this does not hold.
//! Must hold: nothing panics. What is parsed, printed and parsed again is the same, in the same order. `Patch::diff(a, b)` makes
//! `b` of `a`. `a.updated_to(text)` is `a.updated(&parse(text))`, in value and order, or the same error. A patch that fails
//! has changed nothing.
//! Uses: nothing of this package.

#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use backstory::json::{Json, Limits, Object, Operation, Patch, Pointer};
use libfuzzer_sys::fuzz_target;

const MOST_DEPTH: usize = 5;
/// Copies double a document: no more of them in one patch.
const MOST_OPERATIONS: usize = 8;
const NAMES: [&str; 10] = ["a", "b", "c", "", "é", "a/b", "m~n", "long name that takes more room", "0", "-"];
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "1",
    "1.0",
    "1e0",
    "-1",
    "1e400",
    "9007199254740993",
    "18446744073709551616",
    "0.1",
    "1E-7",
    "-9223372036854775808",
    "123456789012345678901234567890",
    "0.10",
];

#[derive(Arbitrary, Debug)]
struct Input {
    old: Made,
    new: New,
    patch: Verbs,
    text: Vec<u8>,
    depth: u8,
}

#[derive(Debug)]
struct Made(Json);

#[derive(Arbitrary, Debug)]
enum New {
    Other(Made),
    /// Changes of the old one.
    Near(Vec<Edit>),
    Text(Vec<u8>),
    /// The old one's text with bytes put in, cut or replaced.
    NearText(Vec<(u16, u8, Option<u8>)>),
    /// The old one's text with members of its top in another order, and perhaps twice.
    Reordered(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Edit {
    place: u16,
    how: How,
}

#[derive(Arbitrary, Debug)]
enum How {
    Replace(Made),
    Insert(u8, Made),
    Remove(u8),
    Again(u8),
}

#[derive(Arbitrary, Debug)]
struct Verbs(Vec<(u8, u16, u16, u8, Made)>);

impl<'a> Arbitrary<'a> for Made {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        value(u, MOST_DEPTH).map(Made)
    }
}

fn name(at: u8) -> String {
    match NAMES.get(at as usize) {
        Some(name) => (*name).to_owned(),
        None => format!("n{}", at % 64),
    }
}

fn value(u: &mut Unstructured<'_>, depth: usize) -> arbitrary::Result<Json> {
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 9 })? {
        0 => Json::Null,
        1 => u.arbitrary::<bool>()?.into(),
        2 => u.arbitrary::<i16>()?.into(),
        3 => Json::parse(*u.choose(&NUMBERS)?).unwrap(),
        4 => name(u.arbitrary()?).into(),
        5 => u.arbitrary::<&str>()?.into(),
        6 => (0..u.int_in_range(0..=6)?).map(|_| value(u, depth - 1)).collect::<arbitrary::Result<Json>>()?,
        // Long ones, which are kept in collections.
        7 => (0..u.int_in_range(0..=120u16)?).map(Json::from).collect(),
        8 => {
            let mut object = Object::new();
            for _ in 0..u.int_in_range(0..=6)? {
                object.insert(name(u.arbitrary()?), value(u, depth - 1)?);
            }
            object.into()
        }
        _ => {
            let n = u.int_in_range(0..=80u16)?;
            let mut object: Object = (0..n).map(|n| (format!("n{n}"), Json::from(n))).collect();
            object.insert(name(u.arbitrary()?), value(u, depth - 1)?);
            object.into()
        }
    })
}

/// The places in a document.
fn places(json: &Json, at: &mut Pointer, to: &mut Vec<Pointer>) {
    if to.len() > 300 {
        return;
    }
    to.push(at.clone());
    let mut below = |token: String, json: &Json| {
        at.push(token);
        places(json, at, to);
        at.pop();
    };
    match json {
        Json::Array(array) => array.iter().enumerate().for_each(|(i, json)| below(i.to_string(), json)),
        Json::Object(object) => object.iter().for_each(|(name, json)| below(name.to_owned(), json)),
        _ => {}
    }
}

fn places_of(json: &Json) -> Vec<Pointer> {
    let mut all = Vec::new();
    places(json, &mut Pointer::root(), &mut all);
    all
}

fn edited(old: &Json, edits: &[Edit]) -> Json {
    let mut json = old.clone();
    for edit in edits.iter().take(8) {
        let all = places_of(&json);
        let place = json.pointer_mut(&all[edit.place as usize % all.len()]).unwrap();
        match (&edit.how, place) {
            (How::Replace(new), place) => *place = new.0.clone(),
            (How::Insert(at, new), Json::Array(array)) => array.insert(*at as usize % (array.len() + 1), new.0.clone()),
            (How::Insert(at, new), Json::Object(object)) => _ = object.insert(name(*at), new.0.clone()),
            (How::Remove(at), Json::Array(array)) if !array.is_empty() => _ = array.remove(*at as usize % array.len()),
            (How::Remove(at), Json::Object(object)) if !object.is_empty() => {
                let name = object.names().nth(*at as usize % object.len()).unwrap().to_owned();
                object.remove(&name);
            }
            (How::Again(at), Json::Array(array)) if !array.is_empty() => {
                let element = array.remove(*at as usize % array.len());
                array.push_back(element)
            }
            (How::Again(at), Json::Object(object)) if !object.is_empty() => {
                let name = object.names().nth(*at as usize % object.len()).unwrap().to_owned();
                let value = object.remove(&name).unwrap();
                object.insert(name, value);
            }
            _ => {}
        }
    }
    json
}

fn new_text(old: &Json, new: &New) -> Vec<u8> {
    match new {
        New::Other(new) => new.0.to_string().into(),
        New::Near(edits) => format!("{:#}", edited(old, edits)).into(),
        New::Text(text) => text.clone(),
        New::NearText(changes) => {
            let mut text = old.to_string().into_bytes();
            for &(at, n, byte) in changes.iter().take(8) {
                let at = at as usize % (text.len() + 1);
                text.splice(at..(at + n as usize % 4).min(text.len()), byte);
            }
            text
        }
        New::Reordered(order) => {
            let Some(object) = old.as_object() else { return old.to_string().into() };
            let mut members: Vec<String> =
                object.iter().map(|(name, json)| format!("{}:{json}", Json::from(name))).collect();
            for &at in order.iter().take(16) {
                if !members.is_empty() {
                    let member = members[at as usize % members.len()].clone();
                    if at & 0x40 == 0 {
                        members.retain(|other| *other != member)
                    }
                    members.push(member)
                }
            }
            format!("{{{}}}", members.join(",")).into()
        }
    }
}

fn is_as(a: &Json, b: &Json) {
    assert_eq!(a, b);
    assert!(a.same_order(b) && a.to_string() == b.to_string(), "another order: {a} and {b}")
}

/// Parse, print, parse.
fn check_text(text: &[u8]) -> Option<Json> {
    let json = Json::parse(text).ok()?;
    let (compact, pretty) = (json.to_string(), format!("{json:#}"));
    for text in [&compact, &pretty] {
        let again = Json::parse(text).unwrap();
        is_as(&again, &json);
        assert_eq!(again.to_string(), compact)
    }
    Some(json)
}

fn check_update(old: &Json, text: &[u8], limits: Limits) {
    let (update, parsed) = (old.updated_to(text, limits), Json::parse_within(text, limits));
    match (update, parsed) {
        (Ok(update), Ok(new)) => {
            is_as(&update.json, &old.updated(&new));
            assert_eq!(update.json, new);
            assert_eq!(update.is_order_only, *old == new && !old.same_order(&new), "{old} and {new}");
            if *old == new {
                assert!(update.json.same_order(old))
            }
        }
        (Err(a), Err(b)) => assert_eq!((a.kind(), a.to_string()), (b.kind(), b.to_string())),
        (a, b) => panic!("{a:?} and {b:?}"),
    }
}

fn check_diff(old: &Json, new: &Json) {
    let patch = Patch::diff(old, new);
    assert_eq!(&old.patched(&patch).unwrap(), new);
    assert_eq!(patch.is_empty(), old == new);
    let again = Patch::parse(patch.to_string()).unwrap();
    assert_eq!(again, patch)
}

impl Verbs {
    fn patch(&self, document: &Json) -> Patch {
        let all = places_of(document);
        let place = |at: u16, token: u8| {
            let mut place = all[at as usize % all.len()].clone();
            match token % 8 {
                0 => place.push("-"),
                1 => place.push(name(token / 8)),
                2 => place.push(token / 8),
                _ => {}
            }
            place
        };
        let operation = |(verb, at, from, token, value): &(u8, u16, u16, u8, Made)| {
            let (path, from, value) = (place(*at, *token), place(*from, 7), value.0.clone());
            match verb % 7 {
                0 => Operation::Add { path, value },
                1 => Operation::Remove { path },
                2 => Operation::Replace { path, value },
                3 => Operation::Move { from, path },
                4 => Operation::Copy { from, path },
                5 => Operation::Test { value: document.pointer(&path).cloned().unwrap_or(value), path },
                _ => Operation::Test { path, value },
            }
        };
        self.0.iter().take(MOST_OPERATIONS).map(operation).collect()
    }
}

fn check_patch(old: &Json, patch: &Patch) {
    assert_eq!(&Patch::parse(patch.to_string()).unwrap(), patch);
    let mut document = old.clone();
    match patch.apply(&mut document) {
        Ok(()) => check_diff(old, &document),
        Err(_) => is_as(&document, old),
    }
}

fuzz_target!(|input: Input| {
    let old = &input.old.0;
    assert_eq!(check_text(old.to_string().as_bytes()).as_ref(), Some(old));
    let text = new_text(old, &input.new);
    check_update(old, &text, Limits::default());
    check_update(old, &text, Limits { depth: input.depth as usize % 8, ..Limits::default() });
    if let Some(new) = check_text(&text) {
        check_diff(old, &new);
        check_diff(&new, old);
        // What an update makes shares with both.
        let updated = old.updated(&new);
        check_diff(old, &updated);
        check_diff(&updated, &new)
    }
    check_patch(old, &input.patch.patch(old));
    if let Ok(patch) = Patch::parse(&input.text)
        && patch.operations().len() <= MOST_OPERATIONS
    {
        check_patch(old, &patch)
    }
    if let Some(json) = check_text(&input.text) {
        check_update(&json, &text, Limits::default())
    }
});
