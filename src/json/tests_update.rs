//! Documents made into others: equal to what they were made into, and sharing with what they were made from.

use super::{Json, Limits, Object};
use proptest::prelude::*;

/// Documents with few names and few values, so that much is equal by chance.
pub(super) fn documents() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3i64..3).prop_map(Json::from),
        "[ab]{0,12}".prop_map(Json::from),
        Just(Json::parse("1.5").unwrap()),
        Just(Json::parse("123456789012345678901").unwrap()),
    ];
    leaf.prop_recursive(4, 200, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Json::from_iter),
            prop::collection::vec(("[a-f]{1,2}|a long name of a member", inner), 0..12)
                .prop_map(|members| Json::Object(members.into_iter().collect::<Object>())),
        ]
    })
}

/// All members of all objects in the other order.
fn turned(json: &Json) -> Json {
    match json {
        Json::Object(object) => {
            object.iter().rev().map(|(name, value)| (name, turned(value))).collect::<Object>().into()
        }
        Json::Array(array) => array.iter().map(turned).collect(),
        other => other.clone(),
    }
}

/// Value, order, and what is said of the order are those of an update to the text's value; what is equal is shared.
fn reads_as_updated(old: &Json, text: &str) {
    let (update, new) = (old.updated_to(text, Limits::default()).unwrap(), Json::parse(text).unwrap());
    let expected = old.updated(&new);
    assert_eq!(update.json, expected);
    assert!(update.json.same_order(&expected), "{} for {expected}", update.json);
    assert_eq!(update.is_order_only, expected == *old && !old.same_order(&new), "{old} to {text}");
    if let (true, Json::Array(old), Json::Array(json)) = (expected == *old, old, &update.json) {
        assert!(old.ptr_eq(json))
    }
}

proptest! {
    #[test]
    fn becomes_what_it_is_made_into(old in documents(), new in documents()) {
        let made = old.updated(&new);
        prop_assert_eq!(&made, &new);
        prop_assert!(made.updated(&new).same_order(&made));
        // What JSON says of an order is kept: of what both have as here, of the rest as there.
        if let (Json::Object(old), Json::Object(new), Json::Object(made)) = (&old, &new, &made) {
            let kept = old.names().filter(|name| new.contains(name));
            let added = new.names().filter(|name| !old.contains(name));
            prop_assert_eq!(made.names().collect::<Vec<_>>(), kept.chain(added).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_text_read_over_a_document_is_what_it_is_updated_to(old in documents(), new in documents(), also in documents()) {
        // Large and small ones in each other, so that something is equal.
        let large = |front: &Json, n: usize| {
            let all = [&old, front, &also, &old].into_iter().cycle().take(n).cloned();
            Json::from_iter(all.chain([Json::Object([("front", front), ("old", &old)].map(|(n, v)| (n, v.clone())).into_iter().collect())]))
        };
        for (old, new) in [(&old, &new), (&large(&old, 9), &large(&new, 9)), (&large(&old, 31), &large(&new, 30)), (&old, &turned(&old))] {
            reads_as_updated(old, &new.to_string())
        }
    }

    #[test]
    fn a_text_that_is_none_is_the_same_error_over_a_document(old in documents(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = old.to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let error = |result: crate::Result<Json>| result.map_err(|error| error.to_string());
        let limits = Limits::default();
        let over = error(old.updated_to(&text, limits).map(|update| update.json));
        prop_assert_eq!(over, error(Json::parse(&text)));
        text.truncate(at);
        prop_assert_eq!(error(old.updated_to(&text, limits).map(|update| update.json)), error(Json::parse(&text)));
    }

    #[test]
    fn equal_documents_hash_alike_whatever_their_order(json in documents()) {
        use std::hash::BuildHasher;
        let (turned, hasher) = (turned(&json), crate::hash::StrongHash);
        prop_assert_eq!(&turned, &json);
        prop_assert_eq!(hasher.hash_one(&turned), hasher.hash_one(&json));
    }
}

fn numbers(range: std::ops::Range<u64>) -> Json {
    range.collect()
}

#[test]
fn an_array_keeps_what_is_around_a_change() {
    let old = numbers(0..10_000);
    let mut new: Vec<u64> = (0..10_000).collect();
    new[17] = 0;
    new.insert(5000, 7);
    new.remove(9000);
    let made = old.updated(&new.iter().copied().collect());
    assert_eq!(made, new.iter().copied().collect());
    let spliced = old.as_array().unwrap().diff(made.as_array().unwrap()).map(|s| (s.old, s.new)).collect::<Vec<_>>();
    assert_eq!(spliced, [(17..18, 17..18), (5000..5000, 5000..5001), (8999..9000, 9000..9000)]);
}

#[test]
fn a_name_twice_in_a_text_counts_once_wherever_it_is() {
    let members = |n: usize| (0..n).map(|i| format!(r#""name {i}":{i}"#)).collect::<Vec<_>>();
    for n in [3, 40] {
        let (old, own) = (Json::parse(format!("{{{}}}", members(n).join(","))).unwrap(), members(n));
        for (twice, value) in [(0, "0"), (0, "7"), (2, "2"), (2, "[]")] {
            for at in 0..=n {
                let (mut all, mut new) = (own.clone(), own.clone());
                all.insert(at, format!(r#""name {twice}":{value}"#));
                reads_as_updated(&old, &format!("{{{}}}", all.join(",")));
                new.insert(at, r#""new":1,"other":2,"new":3"#.into());
                new.remove((at + 1) % n);
                reads_as_updated(&old, &format!("{{{}}}", new.join(",")))
            }
        }
        // As many members as there were, one of them twice.
        let mut again = own.clone();
        again[n - 1] = own[n - 2].clone();
        reads_as_updated(&old, &format!("{{{}}}", again.join(",")));
        reads_as_updated(&old, "{}");
        reads_as_updated(&old, "[]")
    }
}

#[test]
fn a_text_nested_too_deep_is_refused_over_a_document_too() {
    let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    let wide = |n: usize| format!("[{}{}]", "0,".repeat(100), deep(n));
    for text in [&deep as &dyn Fn(usize) -> String, &wide] {
        let limits = Limits { depth: 50, ..Limits::default() };
        for n in [48, 49, 50, 51, 60] {
            let (old, text) = (Json::parse(text(n)).unwrap(), text(n));
            let over = old.updated_to(&text, limits).map(|update| update.json).map_err(|error| error.to_string());
            assert_eq!(over, Json::parse_within(&text, limits).map_err(|error| error.to_string()));
            let over =
                Json::Null.updated_to(&text, limits).map(|update| update.json).map_err(|error| error.to_string());
            assert_eq!(over, Json::parse_within(&text, limits).map_err(|error| error.to_string()))
        }
    }
}

#[test]
fn only_the_order_changed() {
    let old = Json::parse(r#"{"a":1,"b":{"c":[],"d":null}}"#).unwrap();
    let new = Json::parse(r#"{"b":{"d":null,"c":[]},"a":1}"#).unwrap();
    assert!(old == new && !old.same_order(&new));
    let made = old.updated(&new);
    assert!(made.same_order(&old) && made.as_object().unwrap().ptr_eq(old.as_object().unwrap()));
}
