//! `From` and `Into`, between our collections and those of std, both ways, given up and borrowed; and from one of ours
//! to another. What is shared stays as it was.

#![cfg(feature = "std")]

use backstory::shared_ptr::RcK;
use backstory::{
    GenericHashMap, GenericHashSet, GenericVector, HashMap, HashSet, StrongHash, Vector, hashmap, hashset, vector,
};
use std::collections::hash_map::RandomState;
use std::collections::{self, BTreeMap, BTreeSet, VecDeque};

type Seeded<K, V> = GenericHashMap<K, V, RandomState, RcK>;
type Strong<A> = GenericHashSet<A, StrongHash, RcK>;
type Local<A> = GenericVector<A, RcK>;

/// Enough for trees of more than one level.
const MANY: u32 = 5000;

fn text(i: u32) -> String {
    format!("n{i}")
}

#[test]
fn a_vector_is_made_from_every_sequence() {
    let std: Vec<String> = (0..MANY).map(text).collect();
    let ours: Vector<String> = (0..MANY).map(text).collect();
    assert_eq!(Vector::from(std.clone()), ours);
    assert_eq!(Vector::from(&std), ours);
    assert_eq!(Vector::from(std.as_slice()), ours);
    assert_eq!(Vector::from(VecDeque::from(std.clone())), ours);
    assert_eq!(Vector::from(&VecDeque::from(std.clone())), ours);
    assert_eq!(Local::from(std.clone()), std.iter().cloned().collect());
    assert_eq!(Vector::from(["a", "b"]), vector!["a", "b"]);
    assert_eq!(Vector::from(&["a", "b"]), vector!["a", "b"]);
    assert_eq!(Vector::from(&[0; 0][..]), Vector::<i32>::new());
    assert_eq!(Vector::<String>::from(&vector!["a", "b"]), vector!["a".to_owned(), "b".to_owned()]);
}

#[test]
fn every_sequence_is_made_from_a_vector() {
    let std: Vec<String> = (0..MANY).map(text).collect();
    let mut ours: Vector<String> = std.iter().skip(2000).cloned().collect();
    std[..2000].iter().rev().for_each(|s| ours.push_front(s.clone()));
    let kept = ours.clone();
    assert_eq!(Vec::from(&ours), std);
    assert_eq!(VecDeque::from(&ours), std);
    assert_eq!(VecDeque::from(ours.clone()), std);
    assert_eq!(Vec::from(ours), std);
    assert_eq!(kept.len(), std.len());
    assert!(kept.iter().eq(&std));
    let list: Vec<u8> = Local::from([1, 2]).into();
    assert_eq!(list, [1, 2]);
    assert_eq!(Vec::<u8>::from(Vector::<u8>::new()), [0u8; 0]);
}

#[test]
fn elements_of_a_vector_that_nobody_shares_are_moved() {
    let ours: Vector<String> = (0..300).map(text).collect();
    let places: Vec<*const u8> = ours.iter().map(|s| s.as_ptr()).collect();
    let std = Vec::from(ours);
    assert!(std.iter().map(|s| s.as_ptr()).eq(places));
}

#[test]
fn a_map_is_made_from_every_map_and_list_of_entries() {
    let std: collections::HashMap<String, u32> = (0..MANY).map(|i| (text(i), i)).collect();
    let tree: BTreeMap<String, u32> = (0..MANY).map(|i| (text(i), i)).collect();
    let list: Vec<(String, u32)> = (0..MANY).map(|i| (text(i), i)).collect();
    let ours: HashMap<String, u32> = list.iter().cloned().collect();
    assert_eq!(HashMap::from(std.clone()), ours);
    assert_eq!(HashMap::from(&std), ours);
    assert_eq!(HashMap::from(tree.clone()), ours);
    assert_eq!(HashMap::from(&tree), ours);
    assert_eq!(HashMap::from(list.clone()), ours);
    assert_eq!(HashMap::from(&list), ours);
    assert_eq!(HashMap::from(list.as_slice()), ours);
    assert_eq!(Seeded::from(&tree), ours);
    let hashed_otherwise: collections::HashMap<String, u32, StrongHash> = std.into_iter().collect();
    assert_eq!(HashMap::from(&hashed_otherwise), ours);
    assert_eq!(HashMap::from([(1, 'a'), (2, 'b'), (1, 'c')]), hashmap! { 1 => 'c', 2 => 'b' });
    assert_eq!(HashMap::from(&[(1, 'a'), (2, 'b'), (1, 'c')]), hashmap! { 1 => 'c', 2 => 'b' });
    let borrowed: HashMap<&str, &[u8]> = hashmap! { "a" => &[1u8, 2][..] };
    assert_eq!(Seeded::<String, Vec<u8>>::from(&borrowed), hashmap! { "a".to_owned() => vec![1, 2] });
}

#[test]
fn every_map_is_made_from_a_map() {
    let std: collections::HashMap<String, u32> = (0..MANY).map(|i| (text(i), i)).collect();
    let tree: BTreeMap<String, u32> = (0..MANY).map(|i| (text(i), i)).collect();
    let ours = HashMap::from(&std);
    assert_eq!(collections::HashMap::from(&ours), std);
    assert_eq!(collections::HashMap::from(ours.clone()), std);
    assert_eq!(BTreeMap::from(&ours), tree);
    assert_eq!(BTreeMap::from(ours.clone()), tree);
    let hashed_otherwise: collections::HashMap<String, u32, StrongHash> = Seeded::from(&std).into();
    assert!(hashed_otherwise.iter().all(|(k, v)| std[k] == *v) && hashed_otherwise.len() == std.len());
    assert_eq!(ours.len(), std.len());
    let same: collections::HashMap<String, u32> = ours.into();
    assert_eq!(same, std);
}

#[test]
fn a_set_is_made_from_every_set_and_sequence() {
    let std: collections::HashSet<String> = (0..MANY).map(text).collect();
    let tree: BTreeSet<String> = (0..MANY).map(text).collect();
    let list: Vec<String> = (0..2 * MANY).map(|i| text(i % MANY)).collect();
    let ours: HashSet<String> = list.iter().cloned().collect();
    assert_eq!(HashSet::from(std.clone()), ours);
    assert_eq!(HashSet::from(&std), ours);
    assert_eq!(HashSet::from(tree.clone()), ours);
    assert_eq!(HashSet::from(&tree), ours);
    assert_eq!(HashSet::from(list.clone()), ours);
    assert_eq!(HashSet::from(&list), ours);
    assert_eq!(HashSet::from(list.as_slice()), ours);
    assert_eq!(HashSet::from(Vector::from(&list)), ours);
    assert_eq!(HashSet::from(&Vector::from(&list)), ours);
    assert_eq!(HashSet::from(&Local::from(&list)), ours);
    assert_eq!(Strong::from(&tree), ours);
    assert_eq!(HashSet::from([1, 2, 1]), hashset![1, 2]);
    assert_eq!(HashSet::from(&[1, 2, 1]), hashset![1, 2]);
    assert_eq!(HashSet::<String>::from(&hashset!["a"]), hashset!["a".to_owned()]);
}

#[test]
fn every_set_is_made_from_a_set() {
    let std: collections::HashSet<String> = (0..MANY).map(text).collect();
    let tree: BTreeSet<String> = (0..MANY).map(text).collect();
    let ours = HashSet::from(&std);
    assert_eq!(collections::HashSet::from(&ours), std);
    assert_eq!(collections::HashSet::from(ours.clone()), std);
    assert_eq!(BTreeSet::from(&ours), tree);
    assert_eq!(BTreeSet::from(ours.clone()), tree);
    let hashed_otherwise: collections::HashSet<String, StrongHash> = Strong::from(&tree).into();
    assert_eq!(hashed_otherwise.len(), tree.len());
    assert!(hashed_otherwise.iter().all(|s| tree.contains(s)));
    assert_eq!(ours.len(), std.len());
}

#[test]
fn one_of_ours_is_collected_from_another() {
    let map: HashMap<String, u32> = (0..MANY).map(|i| (text(i), i)).collect();
    let keys: HashSet<String> = map.keys().cloned().collect();
    let values: Vector<u32> = map.values().copied().collect();
    let entries: Vector<(String, u32)> = map.clone().into_iter().collect();
    assert!(entries.iter().map(|(k, _)| k).eq(map.keys()) && entries.iter().map(|(_, v)| v).eq(&values));
    assert!(keys.iter().all(|k| map.contains_key(k)) && keys.len() == map.len());
    assert_eq!(entries.into_iter().collect::<HashMap<_, _>>(), map);
    let listed: Vector<String> = keys.iter().cloned().collect();
    assert_eq!(HashSet::from(listed), keys);
    let counted: HashMap<String, usize> = keys.into_iter().map(|k| (k.clone(), k.len())).collect();
    assert_eq!(counted["n12"], 3);
}
