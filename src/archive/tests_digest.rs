//! Digests: the same for equal contents however they came about, others for others; as the format says; what they cost.

use super::digest::{BLOCK, Digests, MOST_KEPT, What, digest};
use super::serializer::MOST_NESTED;
use super::tests::{Book, Tree, tree};
use super::tests_view::{Clash, Nested, edit};
use crate::error::ErrorKind;
use crate::hash::{PortableHash, PortableHasher};
use crate::id::{Address, Digest};
use crate::link::{Mark, Session};
use crate::map::{GenericHashMap, HashMap};
use crate::set::HashSet;
use crate::vector::Vector;
use archery::{ArcTK, RcK};
use proptest::prelude::*;
use std::collections::HashMap as Known;
use std::hash::{BuildHasher, Hash};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

fn of<T: super::State>(state: &T) -> Digest {
    digest(state, &Arc::default()).unwrap()
}

fn again<K: Hash + Eq + Clone, V: Clone, S: PortableHasher + Clone>(
    map: &GenericHashMap<K, V, S, ArcTK>,
    value: impl Fn(&V) -> V,
) -> GenericHashMap<K, V, S, ArcTK> {
    let mut all: Vec<_> = map.iter().map(|(k, v)| (k.clone(), value(v))).collect();
    all.reverse();
    all.into_iter().fold(GenericHashMap::default(), |map, (k, v)| map.update(k, v))
}

/// Element by element, half of them in front.
fn relaid<A: Clone>(vector: &Vector<A>, element: impl Fn(&A) -> A) -> Vector<A> {
    let middle = vector.len() / 3;
    let mut new = Vector::new();
    (0..middle).rev().for_each(|i| new.push_front(element(&vector[i])));
    (middle..vector.len()).for_each(|i| new.push_back(element(&vector[i])));
    new
}

/// The same contents by other edits, with nothing in common.
fn rebuilt(own: &Nested) -> Nested {
    let mut new = own.clone();
    new.plain = again(&own.plain, u64::clone);
    (5000..5100).for_each(|i| _ = new.plain.insert(i, i));
    (5000..5100).for_each(|i| _ = new.plain.remove(&i));
    new.texts = again(&own.texts, String::clone);
    new.maps = again(&own.maps, |inner| again(inner, |list| relaid(list, u32::clone)));
    new.list = relaid(&own.list, u64::clone);
    new.lists = relaid(&own.lists, |list| relaid(list, String::clone));
    new.set = own.set.iter().cloned().collect();
    new.clashes = again(&own.clashes, String::clone);
    new.strong = again(&own.strong, Option::clone);
    new
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, ..crate::map::cases() })]

    #[test]
    fn equal_contents_have_equal_digests_and_others_others(edits in prop::collection::vec(any::<(u8, u16, u16)>(), 1..60)) {
        let (log, digests) = (Book::new(), Arc::default());
        let (mut own, mut states) = (Nested::default(), Known::<Digest, Nested>::new());
        for &step in &edits {
            let before = own.clone();
            edit(&mut own, step);
            let now = digest(&own, &digests).unwrap();
            assert_eq!(of(&rebuilt(&own)), now);
            // Stored, with what is known of the versions before and without.
            let root = log.commit(&own).unwrap();
            for digests in [&digests, &Arc::default()] {
                assert_eq!(digest(&log.read::<Nested>(root), digests).unwrap(), now);
                assert_eq!(digest(&own, digests).unwrap(), now)
            }
            assert_eq!(own == before, now == digest(&before, &digests).unwrap());
            assert!(states.entry(now).or_insert_with(|| own.clone()) == &own)
        }
    }
}

#[test]
fn every_single_change_shows() {
    let base = || {
        let mut own = Nested::default();
        (0..100).for_each(|i| _ = own.plain.insert(i, i));
        (0..40).for_each(|i| _ = own.texts.insert(i.to_string(), "x".repeat(i)));
        own.maps.insert(1, [("a".to_string(), (0..70).collect())].into_iter().collect());
        own.list = (0..3000).collect();
        own.lists = (0..5).map(|_| [String::new()].into_iter().collect()).collect();
        (0..20).for_each(|i| _ = own.clashes.insert(Clash::new(i), "x".into()));
        own
    };
    type Change = Box<dyn Fn(&mut Nested)>;
    let changes: Vec<Change> = vec![
        Box::new(|_| ()),
        Box::new(|n| _ = n.plain.insert(7, 8)),
        Box::new(|n| _ = n.plain.insert(100, 0)),
        Box::new(|n| _ = n.plain.remove(&7)),
        Box::new(|n| _ = n.texts.insert("39".into(), "y".repeat(39))),
        Box::new(|n| _ = n.texts.insert("3".into(), String::new())),
        Box::new(|n| _ = n.maps.get_mut(&1).unwrap().get_mut("a").unwrap().set(69, 0)),
        Box::new(|n| _ = n.maps.get_mut(&1).unwrap().insert("b".into(), Vector::new())),
        Box::new(|n| _ = n.maps.insert(2, HashMap::new())),
        Box::new(|n| _ = n.list.set(0, 1)),
        Box::new(|n| _ = n.list.set(2999, 1)),
        Box::new(|n| n.list.swap(1023, 1024)),
        Box::new(|n| n.list.push_back(0)),
        Box::new(|n| n.list.push_front(0)),
        Box::new(|n| _ = n.list.pop_back()),
        Box::new(|n| n.lists.push_back(Vector::new())),
        Box::new(|n| n.lists[4].push_back(String::new())),
        Box::new(|n| n.lists[3].push_back(String::new())),
        Box::new(|n| _ = n.set.insert(String::new())),
        Box::new(|n| _ = n.clashes.insert(Clash::new(3), "y".into())),
        Box::new(|n| _ = n.clashes.remove(&Clash::new(3))),
        Box::new(|n| _ = n.strong.insert(0, None)),
        Box::new(|n| _ = n.strong.insert(0, Some(Vector::new()))),
    ];
    let (log, digests) = (Book::new(), Arc::default());
    log.commit(&base()).unwrap();
    let all: Vec<Digest> = changes
        .iter()
        .map(|change| {
            let mut own = base();
            change(&mut own);
            let root = log.commit(&own).unwrap();
            digest(&log.read::<Nested>(root), &digests).unwrap()
        })
        .collect();
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), changes.len(), "{all:?}")
}

/// The format's definition, once more, of contents alone.
mod specified {
    use super::*;

    fn hash(parts: &[&[u8]]) -> Digest {
        Digest::from_bytes(*blake3::hash(&parts.concat()).as_bytes())
    }

    pub(super) fn value(bytes: &[u8], nested: &[Digest]) -> Vec<u8> {
        let counts = [(bytes.len() as u32).to_le_bytes(), (nested.len() as u32).to_le_bytes()].concat();
        [&counts, bytes, &nested.iter().flat_map(|d| *d.as_bytes()).collect::<Vec<u8>>()].concat()
    }

    pub(super) fn state(bytes: &[u8], nested: &[Digest]) -> Digest {
        hash(&[&[1], &value(bytes, nested)])
    }

    pub(super) fn map(mut entries: Vec<(u64, Vec<u8>)>) -> Digest {
        entries.sort();
        prefix(&entries, 0)
    }

    fn prefix(entries: &[(u64, Vec<u8>)], depth: u32) -> Digest {
        if entries.len() <= 15 || depth == 64 {
            let mut all: Vec<Digest> = entries.iter().map(|(_, value)| hash(&[&[2], value])).collect();
            all.sort();
            return hash(&[&[3], &all.iter().flat_map(|d| *d.as_bytes()).collect::<Vec<u8>>()]);
        }
        let at = entries.partition_point(|(hash, _)| hash << depth >> 63 == 0);
        let (zero, one) = entries.split_at(at);
        match (zero.is_empty(), one.is_empty()) {
            (true, _) => prefix(one, depth + 1),
            (_, true) => prefix(zero, depth + 1),
            _ => hash(&[&[4], prefix(zero, depth + 1).as_bytes(), prefix(one, depth + 1).as_bytes()]),
        }
    }

    pub(super) fn vector(values: &[Vec<u8>]) -> Digest {
        let blocks: Vec<u8> =
            values.chunks(1024).flat_map(|block| *hash(&[&[5], &block.concat()]).as_bytes()).collect();
        hash(&[&[6], &(values.len() as u64).to_le_bytes(), &blocks])
    }
}

#[test]
fn digests_are_what_the_format_says() {
    for n in [0u64, 1, 15, 16, 100, 3000] {
        let handle = |own: u64| [[0; 8], own.to_le_bytes()].concat();
        // A map of numbers.
        let map: HashMap<u64, u64> = (0..n).map(|i| (i, i * i)).collect();
        let bytes = |k: u64, v: u64| specified::value(&[k.to_le_bytes(), v.to_le_bytes()].concat(), &[]);
        let entries = map.iter().map(|(&k, &v)| (PortableHash.hash_one(k), bytes(k, v))).collect();
        let of_map = specified::map(entries);
        assert_eq!(of(&map), specified::state(&handle(n | (PortableHash::ID as u64) << 48), &[of_map]));
        // Sets of numbers whose hashes begin alike, so that nodes have children on one side only.
        for bits in [0, 1, 5, 7] {
            let alike: HashSet<u64> = (0..n).filter(|k| PortableHash.hash_one(k) >> 61 == bits).collect();
            let entry = |k: &u64| (PortableHash.hash_one(k), specified::value(&k.to_le_bytes(), &[]));
            let own = alike.len() as u64 | (PortableHash::ID as u64) << 48;
            let of_set = specified::map(alike.iter().map(entry).collect());
            assert_eq!(of(&alike), specified::state(&handle(own), &[of_set]))
        }
        // Sets, all of whose values have one of three hashes.
        let clashes: HashSet<Clash> = (0..n.min(100)).map(Clash::new).collect();
        let entries =
            clashes.iter().map(|c| (PortableHash.hash_one(c), specified::value(&c.number().to_le_bytes(), &[])));
        let own = clashes.len() as u64 | (PortableHash::ID as u64) << 48;
        assert_eq!(of(&clashes), specified::state(&handle(own), &[specified::map(entries.collect())]));
        // A vector of numbers, and one in a vector.
        let list: Vector<u64> = (0..n).collect();
        let of_list =
            specified::vector(&list.iter().map(|x| specified::value(&x.to_le_bytes(), &[])).collect::<Vec<_>>());
        assert_eq!(of(&list), specified::state(&handle(n << 16), &[of_list]));
        let outer = specified::vector(&[specified::value(&handle(n << 16), &[of_list])]);
        assert_eq!(of(&Vector::unit(list.clone())), specified::state(&handle(1 << 16), &[outer]));
        // Both in one value.
        let both = [handle(n << 16), handle(n | (PortableHash::ID as u64) << 48)].concat();
        assert_eq!(of(&(list, map)), specified::state(&both, &[of_list, of_map]))
    }
}

/// Digests are a promise: these hold for ever.
#[test]
fn digests_stay_what_they_are() {
    let map: HashMap<String, Vector<u32>> = (0..50u32).map(|i| (format!("key {i}"), (0..i * 50).collect())).collect();
    let digests = [of(&map), of(&Vector::<u64>::new()), of(&(7u64, "text".to_string(), HashSet::<u8>::new()))];
    assert_eq!(
        digests.map(|digest| digest.to_string()),
        [
            "f331a25231aba87114012564a8961512a36087988ff09d2bbb4e50d81ef9c76c",
            "86100587cedae37d89a9899aec62cacfbdde07bac2ff5c82f862225b7416334e",
            "f415d495d800953967eb0df51364687452b89ef965e4a326aa6d8cbd5d519669",
        ]
    )
}

#[test]
fn the_kind_of_counts_and_sharing_do_not_show() {
    let local: GenericHashMap<u64, String, PortableHash, RcK> = (0..100).map(|i| (i, i.to_string())).collect();
    let atomic: HashMap<u64, String> = (0..100).map(|i| (i, i.to_string())).collect();
    assert_eq!(of(&local), of(&atomic));
    let text = Rc::new("shared".repeat(9));
    let many = |text: &dyn Fn() -> Rc<String>| (text(), text(), (0..5).map(|_| text()).collect::<Vector<_>>());
    assert_eq!(of(&many(&|| text.clone())), of(&many(&|| Rc::new((*text).clone()))));
    assert_ne!(of(&0.0f64), of(&-0.0f64), "floats by their bits")
}

#[test]
fn what_is_nested_too_deep_has_no_digest() {
    let nested = |n: usize| {
        (0..n).fold(tree(0), |inner, i| Tree {
            name: i.to_string(),
            children: [inner].into_iter().collect(),
            by_name: HashMap::new(),
        })
    };
    of(&nested(MOST_NESTED - 1));
    let error = digest(&nested(MOST_NESTED), &Arc::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid)
}

/// What a digest hashes, in bytes, and how often it reads, when the version before was digested.
fn cost<T: super::State>(log: &Book, state: &T, digests: &Arc<Digests>) -> (u64, u64) {
    let root = log.commit(state).unwrap();
    let stored: T = log.read(root);
    let (hashed, reads) = (digests.hashed.load(Relaxed), log.reads());
    let now = digest(&stored, digests).unwrap();
    let cost = (digests.hashed.load(Relaxed) - hashed, log.reads() - reads);
    // All of what is resident and marked is known too.
    let hashed = digests.hashed.load(Relaxed);
    assert_eq!(now, digest(state, digests).unwrap());
    assert!(digests.hashed.load(Relaxed) - hashed < 100);
    cost
}

#[test]
fn an_edit_of_a_million_entries_hashes_at_most_64_kib() {
    let (log, digests) = (Book::new(), Arc::default());
    let mut map: HashMap<u64, u64> = (0..1_000_000).map(|i| (i, i)).collect();
    let whole = cost(&log, &map, &digests);
    assert!(whole.0 > 20_000_000, "{whole:?}");
    for i in 0..50 {
        match i % 3 {
            0 => _ = map.insert(i * 19_937, 7),
            1 => _ = map.insert(2_000_000 + i, 7),
            _ => _ = map.remove(&(i * 19_937)),
        }
        let (hashed, reads) = cost(&log, &map, &digests);
        if i < 3 {
            println!("map of 1 000 000, one key: {hashed} bytes hashed, {reads} reads")
        }
        assert!(hashed <= 64 << 10 && reads <= 12, "{hashed} bytes, {reads} reads")
    }
    assert_eq!(digest(&map, &digests).unwrap(), of(&map))
}

#[test]
fn an_edit_of_a_vector_hashes_what_differs() {
    let (log, digests) = (Book::new(), Arc::default());
    let mut list: Vector<u64> = (0..1_000_000).collect();
    let whole = cost(&log, &list, &digests);
    assert!(whole.0 > 16_000_000, "{whole:?}");
    for i in 0..20 {
        match i % 2 {
            0 => _ = list.set(i * 49_999, 7),
            _ => list.push_back(7),
        }
        let (hashed, reads) = cost(&log, &list, &digests);
        if i < 2 {
            println!("vector of 1 000 000, one element: {hashed} bytes hashed, {reads} reads")
        }
        assert!(hashed <= 80 << 10 && reads <= 120, "{hashed} bytes, {reads} reads")
    }
    assert_eq!(digest(&list, &digests).unwrap(), of(&list));
    // One more in front: every block is another one. A change then is local again.
    list.push_front(7);
    cost(&log, &list, &digests);
    list.set(500_000, 8);
    let (hashed, reads) = cost(&log, &list, &digests);
    println!("one that was shifted: {hashed} bytes hashed, {reads} reads");
    assert!(hashed <= 2 << 20, "{hashed} bytes");
    assert_eq!(digest(&list, &digests).unwrap(), of(&(list.iter().copied().collect::<Vector<u64>>())))
}

#[test]
fn vectors_that_were_joined_cut_and_shifted_have_the_digest_of_their_contents() {
    let (log, digests) = (Book::new(), Arc::default());
    let mut dice = crate::log::simulated::Dice(4);
    let mut list: Vector<u32> = (0..5000).collect();
    for round in 0..120u64 {
        let at = dice.below(list.len() as u64 + 1) as usize;
        match dice.below(7) {
            0 => (0..dice.below(300)).for_each(|i| list.push_front(i as u32)),
            1 => (0..dice.below(3000)).for_each(|i| list.push_back(i as u32)),
            2 => (0..dice.below(40)).for_each(|i| list.insert(at, i as u32)),
            3 => list = list.split_off(at / 4),
            4 => {
                let back = list.split_off(at);
                let front = std::mem::replace(&mut list, back);
                list.append(front)
            }
            5 => list.truncate(list.len() - (list.len() - at) / 8),
            _ if at < list.len() => _ = list.set(at, round as u32),
            _ => {}
        }
        let root = log.commit(&list).unwrap();
        let plain = of(&list.iter().copied().collect::<Vector<u32>>());
        assert_eq!(digest(&list, &digests).unwrap(), plain);
        assert_eq!(digest(&log.read::<Vector<u32>>(root), &digests).unwrap(), plain);
        assert_eq!(of(&log.read::<Vector<u32>>(root)), plain);
        if list.len() > 4 * BLOCK * 10 {
            list.truncate(5000)
        }
    }
}

/// Two versions that grew from one leaf differ, though the leaf has one mark.
#[test]
fn leaves_that_grew_apart_are_not_taken_for_each_other() {
    let (log, digests) = (Book::new(), Arc::default());
    for n in [3u64, 100, 5000] {
        let root = log.commit(&(0..n).collect::<Vector<u64>>()).unwrap();
        let grown = |x: u64| {
            let mut list: Vector<u64> = log.read(root);
            list.push_back(x);
            list.push_front(x);
            list
        };
        let (one, other) = (grown(1), grown(2));
        assert_ne!(digest(&one, &digests).unwrap(), digest(&other, &digests).unwrap());
        for list in [one, other] {
            assert_eq!(digest(&list, &digests).unwrap(), of(&(list.iter().copied().collect::<Vector<u64>>())))
        }
    }
}

#[test]
fn few_digests_are_kept_and_those_that_were_asked_for() {
    let (digests, session) = (Digests::default(), Session::open().unwrap());
    let mark = |n: u64| Mark::new(session, Address::new(n).unwrap());
    let some = |n: u64| Digest::from_bytes([n as u8; 32]);
    for n in 1..=5 * MOST_KEPT as u64 {
        digests.set(mark(n), What::MapNode, some(n));
        assert_eq!(digests.get(mark(1), What::MapNode), Some(some(1)))
    }
    assert!(digests.len() <= 2 * MOST_KEPT && digests.len() >= MOST_KEPT);
    assert_eq!(digests.get(mark(2), What::MapNode), None);
    assert_eq!(digests.get(mark(1), What::Vector(0)), None);
    digests.set(Mark::NONE, What::MapNode, some(0));
    assert_eq!(digests.get(Mark::NONE, What::MapNode), None)
}
