//! One test per bug that a peer had in a map or a vector, so that ours does not have it. Each names the report and says
//! what would have failed.
//!
//! Those of vectors and their views are in `peer_bugs/vectors.rs`.

use archery::{ArcTK, RcK};
use backstory::{DiffItem, GenericHashMap, GenericHashSet, HashMap, HashSet, PortableHash, hashmap, hashset};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

#[path = "peer_bugs/vectors.rs"]
mod vectors;

/// imbl #161: a `diff` that skips shared nodes also skipped the first entry after a shared run; of 8000 updates of
/// one key each, 998 were not reported.
#[test]
fn a_diff_reports_every_update_of_one_key_insert_and_remove() {
    const N: i64 = 8000;
    let a: HashMap<i64, i64> = (0..N).map(|i| (i, 0)).collect();
    for k in 0..N {
        let updated = a.update(k, 1);
        let wanted = [DiffItem::Update { old: (&k, &0), new: (&k, &1) }];
        assert_eq!(a.diff(&updated).collect::<Vec<_>>(), wanted);
        let less = a.without(&k);
        assert_eq!(a.diff(&less).collect::<Vec<_>>(), [DiffItem::Remove(&k, &0)]);
        assert_eq!(less.diff(&a).collect::<Vec<_>>(), [DiffItem::Add(&k, &0)]);
        let more = a.update(N + k, 2);
        assert_eq!(a.diff(&more).collect::<Vec<_>>(), [DiffItem::Add(&(N + k), &2)]);
    }
}

/// imbl #161 again, in its smallest shape: one entry more than a leaf holds, and each pair of keys changed.
#[test]
fn a_diff_of_a_map_just_split_reports_every_pair_of_updates() {
    for n in [15, 16, 17, 18, 31, 40] {
        let a: HashMap<u32, u32> = (0..n).map(|i| (i, 0)).collect();
        for i in 0..n {
            for j in 0..i {
                let b = a.update(i, 1).update(j, 1);
                let keys: BTreeSet<u32> = a
                    .diff(&b)
                    .map(|item| match item {
                        DiffItem::Update { old, .. } => *old.0,
                        other => panic!("{other:?}"),
                    })
                    .collect();
                assert_eq!(keys, [i, j].into());
            }
        }
    }
}

/// im #60: `into_iter` of a clone of a small set lost values now and then, by the random hasher's luck.
#[test]
fn a_cloned_small_set_gives_all_its_values_under_ten_thousand_hashers() {
    let wanted: BTreeSet<u32> = [604, 986, 436, 379, 59, 423, 391, 434, 375, 486, 64, 851, 631, 89].into();
    for _ in 0..10_000 {
        let mut set: GenericHashSet<u32, RandomState, ArcTK> = GenericHashSet::new();
        wanted.iter().for_each(|x| _ = set.insert(*x));
        assert_eq!(set.clone().into_iter().collect::<BTreeSet<_>>(), wanted);
        assert_eq!(set.into_iter().count(), wanted.len());
    }
}

/// im #124 (like it): a removal that rebalances moved an entry into a node without room and panicked, after long
/// random histories. Here removals merge leaves: from every size, in several orders, all must go through.
#[test]
fn removals_that_merge_nodes_always_find_room() {
    for n in [14, 15, 16, 17, 33, 64, 200, 1000, 5000] {
        for step in [1, 3, 7, 11, 101] {
            let mut map: HashMap<u64, u64> = (0..n).map(|i| (i, i)).collect();
            let kept = map.clone();
            let mut left: BTreeMap<u64, u64> = (0..n).map(|i| (i, i)).collect();
            for i in 0..n {
                let k = i * step % n;
                assert_eq!(map.remove(&k), left.remove(&k));
                if i % (n / 4).max(1) == 0 {
                    assert_eq!(map.iter().map(|(k, v)| (*k, *v)).collect::<BTreeMap<_, _>>(), left);
                    assert!(left.keys().all(|k| map.contains_key(k)));
                }
            }
            assert_eq!((map.len(), kept.len()), (left.len(), n as usize));
            left.keys().for_each(|k| assert!(map.contains_key(k)));
        }
    }
}

/// im #124, the second half of its report: inserts and removes in turn about the sizes at which nodes split.
#[test]
fn inserts_and_removes_in_turn_split_and_merge_without_end() {
    let mut map: HashMap<u32, u32> = HashMap::new();
    let mut versions = vec![];
    for round in 0..200 {
        (0..17).for_each(|i| _ = map.insert(i, round));
        (0..17).rev().take(3 + round as usize % 14).for_each(|i| assert_eq!(map.remove(&i), Some(round)));
        versions.push((map.clone(), map.len()));
    }
    assert!(versions.iter().all(|(m, n)| m.iter().count() == *n));
}

/// im #148: `Hash` of a map followed the iteration order and so differed between equal maps.
#[test]
fn equal_maps_and_sets_hash_alike_though_their_iteration_orders_differ() {
    let hash = |x: &dyn Fn(&mut std::hash::DefaultHasher)| {
        let mut state = std::hash::DefaultHasher::new();
        x(&mut state);
        state.finish()
    };
    for n in [2, 15, 16, 500] {
        let seeded = || (0..n).map(|i| (i, i)).collect::<GenericHashMap<u32, u32, RandomState, ArcTK>>();
        let (a, b) = (seeded(), seeded());
        assert!(a == b);
        assert_eq!(hash(&|s| a.hash(s)), hash(&|s| b.hash(s)));
        assert!(n < 16 || !a.keys().eq(b.keys()), "the orders should differ, or this tests nothing");
        let sets: [GenericHashSet<u32, RandomState, ArcTK>; 2] =
            [a.keys().copied().collect(), b.keys().copied().collect()];
        assert_eq!(hash(&|s| sets[0].hash(s)), hash(&|s| sets[1].hash(s)));
    }
    let outer = hashmap! {hashset![1, 2, 3] => "set"};
    assert_eq!(outer.get(&hashset![3, 1, 2]), Some(&"set"));
}

/// A hasher with so few hashes that keys collide in full.
#[derive(Clone, Copy, Default)]
struct Few<const HASHES: u64>;

struct FewState(u64, u64);

impl<const HASHES: u64> BuildHasher for Few<HASHES> {
    type Hasher = FewState;
    fn build_hasher(&self) -> FewState {
        FewState(0, HASHES)
    }
}

impl Hasher for FewState {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.wrapping_mul(31) + *b as u64)
    }
    fn finish(&self) -> u64 {
        (self.0 % self.1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

fn collides_well<const HASHES: u64>() {
    let mut map: GenericHashMap<String, u32, Few<HASHES>, RcK> = GenericHashMap::new();
    let mut model = BTreeMap::new();
    let mut kept = vec![];
    let key = |i: u32| format!("key {i}");
    for i in 0..300 {
        assert_eq!(map.insert(key(i), i), model.insert(key(i), i));
        if i % 10 == 0 {
            kept.push((map.clone(), model.clone()));
        }
    }
    for i in (0..300).step_by(2) {
        assert_eq!(map.remove(&key(i)), model.remove(&key(i)));
        assert_eq!(map.insert(key(i + 1), 7), model.insert(key(i + 1), 7));
    }
    kept.push((map, model));
    for (map, model) in &kept {
        assert_eq!(map.len(), model.len());
        assert!(map.iter().map(|(k, v)| (k.clone(), *v)).collect::<BTreeMap<_, _>>() == *model);
        assert!((0..300).all(|i| map.get(&key(i)) == model.get(&key(i))));
        assert!(map.get("absent").is_none());
    }
    for pair in kept.windows(2) {
        let (a, b) = (&pair[0].0, &pair[1].0);
        let both = a.clone().union(b.clone());
        assert!(a.is_submap(a) && b.keys().all(|k| both.contains_key(k)));
        let wanted = pair[0].1.keys().chain(pair[1].1.keys()).collect::<BTreeSet<_>>().len();
        assert_eq!((both.len(), both.iter().count()), (wanted, wanted));
    }
}

/// immer #134: a map whose keys collide in full, many of them, ran into a failed assertion below the last level.
/// im #60's second suspect, immutable-js #64 (a key of another hash beside a collision looped for ever).
#[test]
fn keys_that_collide_in_full_and_keys_beside_them_live_together() {
    collides_well::<1>();
    collides_well::<2>();
    collides_well::<3>();
    collides_well::<17>();
}

/// Hashes that are equal in all but their last bits.
#[derive(Clone, Copy, Default)]
struct Late;

struct LateState(u64);

impl BuildHasher for Late {
    type Hasher = LateState;
    fn build_hasher(&self) -> LateState {
        LateState(0)
    }
}

impl Hasher for LateState {
    fn write(&mut self, _: &[u8]) {
        unreachable!()
    }
    fn write_u32(&mut self, x: u32) {
        self.0 = x as u64
    }
    fn finish(&self) -> u64 {
        // Bits 0, 1 and 63 tell keys apart, all others do not; eight hashes.
        self.0 & 3 | (self.0 >> 2 & 1) << 63
    }
}

/// immer #134 at its root: the last level of a trie of 64 bits is narrower than the others.
#[test]
fn hashes_that_part_in_their_last_bits_find_the_last_level() {
    let mut map: GenericHashMap<u32, u32, Late, ArcTK> = GenericHashMap::new();
    let mut versions = vec![];
    for i in 0..400 {
        map.insert(i, i);
        versions.push(map.clone());
    }
    for (i, version) in versions.iter().enumerate() {
        assert_eq!(version.len(), i + 1);
        assert!((0..400).all(|k| version.get(&k) == (k as usize <= i).then_some(&k)));
    }
    for i in 0..400 {
        assert_eq!(map.remove(&(i * 7 % 400)), Some(i * 7 % 400));
    }
    assert!(map.is_empty());
    assert!(versions.windows(2).all(|v| v[0].diff(&v[1]).count() == 1));
}

/// rpds #41 and #46: dropping a structure recursed as deep as it was long and overflowed the stack.
#[test]
fn drops_of_long_histories_and_of_nested_maps_need_no_deep_stack() {
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(|| {
            // Each version shares with the one before it.
            let mut versions = vec![HashMap::<u32, u32>::new()];
            for i in 0..200_000 {
                let next = versions[versions.len() - 1].update(i % 1000, i);
                versions.push(next);
                if i % 3 == 0 {
                    versions.swap_remove(i as usize % versions.len() / 2);
                }
            }
            drop(versions);
            // One version edited for long, with its last few kept: whatever lends nodes to whatever must not chain.
            let mut map = HashMap::<u32, u32>::new();
            let mut last = map.clone();
            for i in 0..300_000 {
                let next = last.update(i % 50, i);
                map = std::mem::replace(&mut last, next);
            }
            assert_eq!((map.len(), last.len()), (50, 50));
        })
        .expect("a thread")
        .join()
        .expect("no overflow");
}

/// rs-soroban-env #555 (#554): an insert of `im` held whole nodes by value in its frames; with entries of 300 bytes
/// that is 20 KB each, and a few thousand entries overflowed the stack of a debug build.
#[test]
fn entries_of_300_bytes_build_a_map_of_thousands_on_a_small_stack() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct LedgerKey([u8; 100], u32);
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(|| {
            let mut map: HashMap<LedgerKey, [u8; 200]> = HashMap::new();
            for i in 0..5000 {
                map = map.update(LedgerKey([i as u8; 100], i), [i as u8; 200]);
            }
            assert_eq!(map.len(), 5000);
            for i in 0..2500 {
                map = map.without(&LedgerKey([i as u8; 100], i));
            }
            assert_eq!(map.clone().union(map.update(LedgerKey([0; 100], 0), [0; 200])).len(), 2501);
        })
        .expect("a thread")
        .join()
        .expect("no overflow");
}

/// im #60 and immer #143 (fuzzed maps and sets): a set used while it is iterated, by versions.
#[test]
fn a_version_that_is_iterated_is_not_disturbed_by_edits_of_another() {
    let mut set: HashSet<u32> = (0..1000u32).collect();
    let snapshot = set.clone();
    let mut seen = BTreeSet::new();
    for x in &snapshot {
        assert!(seen.insert(*x));
        assert_eq!(set.remove(x), Some(*x));
        set.insert(x + 10_000);
    }
    assert_eq!((seen.len(), set.len(), snapshot.len()), (1000, 1000, 1000));
    assert!(set.iter().all(|x| *x >= 10_000));
}

/// imbl before 7: `remove` and `get_mut` of an absent key copied the path to where it would be, so that a map was no
/// longer the same version (and shared less) after an edit that did nothing.
#[test]
fn edits_of_absent_keys_leave_the_version_the_same() {
    let mut map: HashMap<u32, u32> = (0..1000).map(|i| (i, i)).collect();
    let old = map.clone();
    assert_eq!((map.remove(&5000), map.remove_with_key(&6000)), (None, None));
    assert_eq!(map.get_mut(&5000), None);
    map.retain(|_, _| true);
    let _ = map.entry(7000).and_modify(|v| *v += 1);
    assert!(map.ptr_eq(&old) && map.without(&5000).ptr_eq(&old) && map.alter(|v| v, 8000).ptr_eq(&old));
    assert_eq!(PortableHash.hash_one(&map), PortableHash.hash_one(&old));
}
