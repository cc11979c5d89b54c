//! Documents made into others: equal to what they were made into, and sharing with what they were made from.

use super::{Json, Object};
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
    fn equal_documents_hash_alike_whatever_their_order(json in documents()) {
        use std::hash::BuildHasher;
        let turned = match &json {
            Json::Object(object) => Json::Object(object.iter().rev().map(|(name, value)| (name, value.clone())).collect()),
            other => other.clone(),
        };
        let hasher = crate::hash::StrongHash;
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
fn only_the_order_changed() {
    let old = Json::parse(r#"{"a":1,"b":{"c":[],"d":null}}"#).unwrap();
    let new = Json::parse(r#"{"b":{"d":null,"c":[]},"a":1}"#).unwrap();
    assert!(old == new && !old.same_order(&new));
    let made = old.updated(&new);
    assert!(made.same_order(&old) && made.as_object().unwrap().ptr_eq(old.as_object().unwrap()));
}
