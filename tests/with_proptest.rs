//! The feature `proptest`: what the strategies make has the length and the elements asked for, is the same for the same
//! seed, and shrinks to the smallest case that fails.
#![cfg(feature = "proptest")]

use backstory::proptest::{hash_map, hash_set, vector};
use backstory::{HashMap, HashSet, Vector, hashmap, hashset};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use std::fmt::Debug;

fn runner() -> TestRunner {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Some values of a strategy.
fn some<S: Strategy>(strategy: &S) -> Vec<S::Value> {
    let mut runner = runner();
    (0..300).map(|_| strategy.new_tree(&mut runner).expect("a value").current()).collect()
}

/// The smallest value that fails.
fn smallest<S: Strategy<Value: Debug>>(strategy: &S, fails: impl Fn(&S::Value) -> bool) -> S::Value {
    let found = runner().run(strategy, |value| match fails(&value) {
        true => Err(TestCaseError::fail("it fails")),
        false => Ok(()),
    });
    match found {
        Err(TestError::Fail(_, value)) => value,
        other => panic!("no case fails: {other:?}"),
    }
}

/// The lengths occur, the least and the greatest too, and no others.
fn have_lengths(lengths: impl Iterator<Item = usize>, least: usize, greatest: usize) {
    let mut lengths: Vec<usize> = lengths.collect();
    lengths.sort();
    lengths.dedup();
    assert_eq!(lengths, (least..=greatest).collect::<Vec<_>>());
}

#[test]
fn lengths_lie_in_the_range() {
    have_lengths(some(&vector(any::<u64>(), 3..9)).iter().map(Vector::len), 3, 8);
    have_lengths(some(&hash_map(any::<u64>(), any::<u8>(), 3..9)).iter().map(HashMap::len), 3, 8);
    have_lengths(some(&hash_set(any::<u64>(), 3..9)).iter().map(HashSet::len), 3, 8);
    have_lengths(some(&vector(any::<u8>(), 0..1)).iter().map(Vector::len), 0, 0);
    have_lengths(some(&vector(any::<u8>(), 5)).iter().map(Vector::len), 5, 5);
    have_lengths(some(&vector(any::<u8>(), ..=2)).iter().map(Vector::len), 0, 2);
    assert!(some(&vector(any::<u8>(), 200..1000)).iter().all(|v| (200..1000).contains(&v.len())));
}

#[test]
fn lengths_lie_in_the_range_where_keys_come_twice() {
    have_lengths(some(&hash_map(0..6u8, any::<u8>(), 3..6)).iter().map(HashMap::len), 3, 5);
    have_lengths(some(&hash_set(0..6u8, 3..6)).iter().map(HashSet::len), 3, 5);
}

#[test]
fn fewer_keys_than_asked_for_end_the_test() {
    assert!(matches!(runner().run(&hash_set(0..2u8, 3..5), |_| Ok(())), Err(TestError::Abort(_))));
    assert!(matches!(runner().run(&hash_map(0..2u8, 0..9u8, 3..5), |_| Ok(())), Err(TestError::Abort(_))));
}

#[test]
fn elements_come_from_their_strategies() {
    assert!(some(&vector("[a-c]{2}", 0..9)).iter().flatten().all(|s| s.len() == 2 && s.chars().all(|c| c <= 'c')));
    assert!(some(&hash_map(5..9u32, 70..90i8, 1..4)).iter().flatten().all(|(k, v)| (5..9).contains(k) && *v >= 70));
    let nested = some(&vector(hash_set(0..1000u32, 1..3), 1..5));
    assert!(nested.iter().flatten().all(|set| (1..3).contains(&set.len())));
}

#[test]
fn the_same_seed_gives_the_same_collection_in_the_same_order() {
    let maps = || some(&hash_map("[a-z]{1,9}", any::<u32>(), 0..60)).into_iter().map(Vec::from_iter);
    assert!(maps().eq(maps()));
    let sets = || some(&hash_set(any::<u64>(), 0..60)).into_iter().map(Vec::from_iter);
    assert!(sets().eq(sets()));
}

#[test]
fn a_vector_shrinks_to_the_smallest_that_fails() {
    let numbers = vector(0..1000u32, 0..100);
    assert_eq!(smallest(&numbers, |v| v.iter().any(|&n| n >= 500)), Vector::unit(500));
    assert_eq!(smallest(&numbers, |v| v.len() >= 7), std::iter::repeat_n(0, 7).collect());
    assert_eq!(smallest(&vector(0..1000u32, 3..100), |_| true), Vector::from([0, 0, 0]));
    let falls = |v: &Vector<u32>| v.iter().zip(v.iter().skip(1)).any(|(a, b)| a > b);
    // proptest shrinks each element once, so that the first of the two need not be the smallest.
    assert_eq!(smallest(&numbers, falls).len(), 2);
}

#[test]
fn a_map_shrinks_to_the_smallest_that_fails() {
    let ages = hash_map(0..1000u32, 0..1000u32, 0..60);
    assert_eq!(smallest(&ages, |m| m.keys().any(|&k| k >= 500)), hashmap! { 500 => 0 });
    assert_eq!(smallest(&ages, |m| m.values().any(|&v| v >= 500)), hashmap! { 0 => 500 });
    assert_eq!(smallest(&hash_map(0..1000u32, 0..1000u32, 4..60), |_| true).len(), 4);
}

#[test]
fn a_set_shrinks_to_the_smallest_that_fails() {
    let numbers = hash_set(0..1000u32, 0..60);
    assert_eq!(smallest(&numbers, |s| s.iter().any(|&n| n >= 500)), hashset![500]);
    assert_eq!(smallest(&hash_set(0..1000u32, 4..60), |_| true).len(), 4);
}

#[test]
fn strategies_have_the_types_of_imbl() {
    let a: BoxedStrategy<Vector<u8>> = vector(any::<u8>(), 0..3);
    let b: BoxedStrategy<HashMap<u8, String>> = hash_map(any::<u8>(), ".*", 0..3);
    let c: BoxedStrategy<HashSet<u8>> = hash_set(any::<u8>(), 0..3);
    assert_eq!((some(&a).len(), some(&b).len(), some(&c).len()), (300, 300, 300));
}
