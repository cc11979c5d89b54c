//! What sharing saves, counted: calls of the keys' `Hash`, `Eq` and `Clone`, and allocations. Operations on versions
//! that differ in ten entries cost the same whatever the size; edits that do nothing allocate nothing; an edit of a
//! shared map makes about one node a level and clones few keys.
//!
//! All counts belong to a thread, and each test has its own.
#![allow(unsafe_code)] // The counting allocator.

use backstory::{HashMap, HashSet};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hash::{Hash, Hasher};

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static HASHES: Cell<usize> = const { Cell::new(0) };
    static EQUALS: Cell<usize> = const { Cell::new(0) };
    static CLONES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        let _ = BYTES.try_with(|n| n.set(n.get() + layout.size() as isize));
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        let _ = BYTES.try_with(|n| n.set(n.get() - layout.size() as isize));
        // SAFETY: passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A key whose calls are counted.
#[derive(Debug)]
struct Key(u64);

impl Clone for Key {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Key(self.0)
    }
}
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        EQUALS.set(EQUALS.get() + 1);
        self.0 == other.0
    }
}
impl Eq for Key {}
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        HASHES.set(HASHES.get() + 1);
        state.write_u64(self.0)
    }
}

/// Calls and allocations.
#[derive(Clone, Copy, Debug)]
struct Cost {
    hashes: usize,
    equals: usize,
    clones: usize,
    allocations: usize,
}

impl Cost {
    fn now() -> Self {
        Cost { hashes: HASHES.get(), equals: EQUALS.get(), clones: CLONES.get(), allocations: ALLOCATIONS.get() }
    }

    fn all(self) -> [usize; 4] {
        [self.hashes, self.equals, self.clones, self.allocations]
    }
}

/// What `f` costs, but for the drop of its result.
fn cost_of<R>(f: impl FnOnce() -> R) -> (Cost, R) {
    let before = Cost::now();
    let result = f();
    let after = Cost::now();
    let cost = Cost {
        hashes: after.hashes - before.hashes,
        equals: after.equals - before.equals,
        clones: after.clones - before.clones,
        allocations: after.allocations - before.allocations,
    };
    (cost, result)
}

type Map = HashMap<Key, u64>;

/// A map of n entries, and a version of it with 10 differences: 4 values, 3 keys more, 3 less.
fn two_versions(n: u64) -> (Map, Map) {
    let old: Map = (0..n).map(|i| (Key(i), i)).collect();
    let mut new = old.clone();
    (0..4).for_each(|i| _ = new.insert(Key(i * 997 % n), u64::MAX));
    (0..3).for_each(|i| _ = new.insert(Key(n + i), 0));
    (0..3).for_each(|i| _ = new.remove(&Key(5 + i * 1009 % n)));
    (old, new)
}

/// Checks that `f`, on versions with 10 differences, costs at most `limits` (hashes, equals, clones, allocations) at
/// both sizes, and at the larger at most twice what it costs at the smaller, and 100.
fn costs_what_differs<R>(limits: [usize; 4], f: impl Fn(&Map, &Map) -> R, check: impl Fn(R, u64)) {
    let costs = [10_000, 100_000].map(|n| {
        let (old, new) = two_versions(n);
        let (forth, result) = cost_of(|| f(&old, &new));
        check(result, n);
        let (back, _) = cost_of(|| f(&new, &old));
        let (forth, back) = (forth.all(), back.all());
        std::array::from_fn::<_, 4, _>(|i| forth[i].max(back[i]))
    });
    for (n, cost) in [10_000, 100_000].iter().zip(costs) {
        assert!(cost.iter().zip(limits).all(|(cost, limit)| *cost <= limit), "n = {n}: {cost:?} above {limits:?}");
    }
    for (small, large) in costs[0].iter().zip(costs[1]) {
        assert!(large <= 2 * small + 100, "grows with n: {costs:?}");
    }
}

// Ten leaves of 15 entries on either side are 300; the nodes above them are a few more.

#[test]
fn equality_of_versions_costs_what_differs() {
    costs_what_differs([0, 100, 0, 20], |a, b| a == b, |equal, _| assert!(!equal));
    // And where the first difference does not end it: equal versions, each edited.
    for n in [10_000, 100_000] {
        let (old, _) = two_versions(n);
        let mut same = old.clone();
        (0..10).for_each(|i| _ = same.insert(Key(i), i));
        let (cost, equal) = cost_of(|| old == same);
        assert!(
            equal && cost.hashes == 0 && cost.equals <= 150 && cost.clones == 0 && cost.allocations <= 20,
            "{cost:?}"
        );
        let (cost, equal) = cost_of(|| old == old.clone());
        assert!(equal && cost.all() == [0; 4], "{cost:?}");
    }
}

#[test]
fn a_diff_of_versions_costs_what_differs() {
    costs_what_differs([300, 300, 0, 30], |a, b| a.diff(b).count(), |count, _| assert_eq!(count, 10));
}

#[test]
fn a_submap_test_of_versions_costs_what_differs() {
    costs_what_differs([300, 300, 0, 30], |a, b| a.is_submap(b), |is, _| assert!(!is));
    for n in [10_000, 100_000] {
        let (old, _) = two_versions(n);
        let more = old.update(Key(n + 7), 1).update(Key(n + 8), 1);
        let (cost, is) = cost_of(|| old.is_submap(&more));
        assert!(is && cost.hashes <= 60 && cost.equals <= 60 && cost.clones == 0, "{cost:?}");
    }
}

#[test]
fn a_union_of_versions_costs_what_differs() {
    let union = |a: &Map, b: &Map| a.clone().union(b.clone());
    costs_what_differs([400, 400, 400, 200], union, |map, n| assert_eq!(map.len() as u64, n + 3));
}

#[test]
fn an_intersection_of_versions_costs_what_differs() {
    let intersection = |a: &Map, b: &Map| a.clone().intersection(b.clone());
    costs_what_differs([400, 400, 400, 200], intersection, |map, n| assert_eq!(map.len() as u64, n - 3));
}

#[test]
fn a_symmetric_difference_of_versions_costs_what_differs() {
    let difference = |a: &Map, b: &Map| a.clone().symmetric_difference(b.clone());
    costs_what_differs([400, 400, 50, 300], difference, |map, _| assert_eq!(map.len(), 6));
}

#[test]
fn a_relative_complement_of_versions_costs_what_differs() {
    let complement = |a: &Map, b: &Map| a.clone().relative_complement(b.clone());
    costs_what_differs([400, 400, 50, 300], complement, |map, _| assert_eq!(map.len(), 3));
}

#[test]
fn combining_a_map_with_itself_or_with_nothing_costs_nothing() {
    let (old, _) = two_versions(10_000);
    let free = |f: &dyn Fn() -> Map, len: usize| {
        let (cost, map) = cost_of(f);
        assert_eq!((cost.all(), map.len()), ([0; 4], len));
    };
    free(&|| old.clone().union(old.clone()), 10_000);
    free(&|| old.clone().intersection(old.clone()), 10_000);
    free(&|| old.clone().symmetric_difference(old.clone()), 0);
    free(&|| old.clone().relative_complement(old.clone()), 0);
    free(&|| old.clone().union(Map::new()), 10_000);
    free(&|| Map::new().union(old.clone()), 10_000);
    free(&|| old.clone().intersection(Map::new()), 0);
    free(&|| old.clone().relative_complement(Map::new()), 10_000);
}

#[test]
fn results_of_set_operations_share_with_their_operands() {
    for n in [10_000, 100_000] {
        let (old, new) = two_versions(n);
        let union = old.clone().union(new.clone());
        let (cost, count) = cost_of(|| old.diff(&union).count());
        assert!(count == 3 && cost.equals <= 300 && cost.hashes <= 300, "{cost:?}");
        let common = old.clone().intersection(new.clone());
        let (cost, count) = cost_of(|| common.diff(&old).count());
        assert!(count == 3 && cost.equals <= 300 && cost.hashes <= 300, "{cost:?}");
        let mut kept = old.clone();
        kept.retain(|k, _| k.0 != 77);
        let (cost, count) = cost_of(|| old.diff(&kept).count());
        assert!(count == 1 && cost.equals <= 50 && cost.hashes <= 50, "{cost:?}");
    }
}

#[test]
fn edits_that_do_nothing_allocate_nothing() {
    let (old, mut map) = two_versions(10_000);
    let kept = map.clone();
    for i in 0..2000 {
        let absent = Key(1_000_000 + i);
        let (cost, _) = cost_of(|| {
            assert!(map.remove(&absent).is_none());
            assert!(map.get_mut(&absent).is_none());
            assert!(map.get_key_value_mut(&absent).is_none());
            assert!(map.remove_with_key(&absent).is_none());
            assert!(map.without(&absent).ptr_eq(&kept));
            assert!(map.extract(&absent).is_none());
        });
        assert_eq!((cost.allocations, cost.clones), (0, 0));
        assert_eq!(cost.hashes, 6);
    }
    assert!(map.ptr_eq(&kept));
    let (cost, clones) = cost_of(|| (map.clone(), old.clone()));
    assert_eq!(cost.all(), [0; 4]);
    assert!(clones.0.ptr_eq(&map));
    let (cost, _) = cost_of(|| (Map::new(), HashSet::<u8>::new()));
    assert_eq!(cost.allocations, 0);
    let mut set: HashSet<u64> = (0..1000u64).collect();
    let old_set = set.clone();
    let (cost, _) = cost_of(|| assert!(set.remove(&5000).is_none() && !set.contains(&5000)));
    assert_eq!(cost.allocations, 0);
    assert!(set.ptr_eq(&old_set));
}

#[test]
fn reads_and_walks_clone_nothing_and_hash_once() {
    let (_, map) = two_versions(10_000);
    let (cost, found) = cost_of(|| (0..1000).filter(|i| map.get(&Key(i * 3)).is_some()).count());
    assert!(found > 990);
    assert_eq!((cost.hashes, cost.clones, cost.allocations), (1000, 0, 0));
    // Seven bits of tag keep most keys that are not it from being compared.
    assert!(cost.equals <= 1100, "{cost:?}");
    let (cost, count) = cost_of(|| map.iter().count() + map.keys().count() + map.values().count());
    assert_eq!((cost.hashes, cost.equals, cost.clones, count), (0, 0, 0, 30_000));
    assert!(cost.allocations <= 6, "{cost:?}");
}

/// The mean and the most of some costs.
fn mean_and_most(costs: impl Iterator<Item = usize>) -> (f64, usize) {
    let all: Vec<usize> = costs.collect();
    (all.iter().sum::<usize>() as f64 / all.len() as f64, all.iter().copied().max().unwrap_or(0))
}

#[test]
fn an_edit_of_a_shared_map_makes_about_one_node_a_level() {
    // Levels, the leaf's included. Most leaves of the smallest stand below the second inner level.
    for (n, levels) in [(1000, 3.0), (10_000, 3.0), (100_000, 4.0)] {
        let map: HashMap<u64, u64> = (0..n).map(|i| (i, i)).collect();
        let spread = |i: u64| i * 7919 % n;
        let mut kinds: Vec<(&str, f64, usize)> = vec![];
        let mut note = |name, costs: &mut dyn Iterator<Item = usize>| {
            let (mean, most) = mean_and_most(costs);
            kinds.push((name, mean, most))
        };
        note("insert", &mut (0..2000).map(|i| cost_of(|| map.update(n + i, 0)).0.allocations));
        note("update", &mut (0..2000).map(|i| cost_of(|| map.update(spread(i), 0)).0.allocations));
        note("remove", &mut (0..2000).map(|i| cost_of(|| map.without(&spread(i))).0.allocations));
        // A chain: each version from the one before it, which is kept.
        let mut versions = vec![map.clone()];
        note(
            "chain",
            &mut (0..2000).map(|i| {
                let (cost, next) = cost_of(|| versions[i as usize].update(spread(i * 13), i));
                versions.push(next);
                cost.allocations
            }),
        );
        for (name, mean, most) in kinds {
            assert!(mean <= levels + 0.1, "{name} at {n}: {mean} allocations on average");
            // A leaf that splits makes two.
            assert!(most as f64 <= levels + 1.0, "{name} at {n}: up to {most} allocations");
        }
    }
}

#[test]
fn an_edit_of_a_shared_map_clones_few_keys() {
    for n in [1000, 10_000, 100_000] {
        let map: Map = (0..n).map(|i| (Key(i), i)).collect();
        let spread = |i: u64| i * 7919 % n;
        // A version made from a map that has no overlays yet, and one at the end of a long chain.
        let (mean, most) = mean_and_most((0..2000).map(|i| cost_of(|| map.update(Key(spread(i)), 0)).0.clones));
        assert!(mean <= 4.0 && most <= 16, "update at {n}: {mean} clones on average, up to {most}");
        let (mean, most) = mean_and_most((0..2000).map(|i| cost_of(|| map.without(&Key(spread(i)))).0.clones));
        assert!(mean <= 4.0 && most <= 16, "without at {n}: {mean} clones on average, up to {most}");
        let mut last = map.clone();
        let chain = (0..4 * n.min(10_000)).map(|i| {
            let (cost, next) = cost_of(|| last.update(Key(spread(i * 13)), i));
            last = next;
            cost.clones
        });
        let (mean, most) = mean_and_most(chain);
        assert!(mean <= 8.0 && most <= 16, "chain at {n}: {mean} clones on average, up to {most}");
    }
}

#[test]
fn an_edit_of_a_map_of_strings_allocates_few_strings() {
    let map: HashMap<String, String> =
        (0..10_000).map(|i| (format!("key number {i:05}"), format!("value {i}"))).collect();
    let (mean, most) = mean_and_most((0..2000).map(|i| {
        let (key, value) = (format!("key number {:05}", i * 3), String::from("new"));
        cost_of(|| map.update(key, value)).0.allocations
    }));
    // Nodes, and two strings for each entry cloned.
    assert!(mean <= 3.5 && most <= 40, "{mean} allocations on average, up to {most}");
}

#[test]
fn edits_of_a_map_alone_clone_no_key_and_allocate_little() {
    let mut map: Map = Map::new();
    let (cost, _) = cost_of(|| (0..10_000).for_each(|i| _ = map.insert(Key(i), i)));
    assert_eq!((cost.clones, map.len()), (0, 10_000));
    assert!(cost.allocations <= 10_000, "{cost:?}");
    let (cost, _) = cost_of(|| (0..10_000).for_each(|i| _ = map.insert(Key(i), i + 1)));
    assert_eq!((cost.clones, cost.allocations), (0, 0));
    let (cost, _) = cost_of(|| map.iter_mut().for_each(|(_, v)| *v += 1));
    assert_eq!(cost.clones, 0);
    assert!(cost.hashes == 0 && cost.allocations <= 10, "{cost:?}");
    let (cost, _) = cost_of(|| (0..10_000).for_each(|i| *map.get_mut(&Key(i)).unwrap() += 1));
    assert_eq!((cost.clones, cost.allocations), (0, 0));
    let (cost, _) = cost_of(|| (0..10_000).for_each(|i| assert_eq!(map.remove(&Key(i)), Some(i + 3))));
    assert_eq!(cost.clones, 0);
    assert!(cost.allocations <= 10_000 && map.is_empty(), "{cost:?}");
    let sole: Map = (0..10_000).map(|i| (Key(i), i)).collect();
    let (cost, count) = cost_of(|| sole.into_iter().count());
    assert_eq!((cost.clones, count), (0, 10_000));
}

/// The bytes that `map` alone holds: what goes when it is dropped.
fn bytes_of<T>(map: T) -> isize {
    let before = BYTES.get();
    drop(map);
    before - BYTES.get()
}

#[test]
fn a_map_at_the_end_of_a_long_chain_of_dropped_versions_holds_little_more_than_one_newly_built() {
    for n in [10u64, 100, 1000, 10_000] {
        let built: HashMap<u64, u64> = (0..n).map(|i| (i, i)).collect();
        let mut last = built.clone();
        for i in 0..20 * n {
            // The old version is alive while the new one is made, and dropped then.
            last = last.update(i * 7919 % n, i);
        }
        let mut mixed = built.clone();
        let mut state = 1u64;
        for i in 0..20 * n {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let k = (state >> 33) % n;
            mixed = if i % 3 == 0 { mixed.without(&k) } else { mixed.update(k, i) };
        }
        let again: HashMap<u64, u64> = last.iter().map(|(k, v)| (*k, *v)).collect();
        drop(built);
        let (mixed, last, again) = (bytes_of(mixed), bytes_of(last), bytes_of(again));
        // Overlays keep what they replaced until they are rebuilt: up to 2.8 times at 100 entries, 2 at 10 000.
        let most = 3 * again + 500;
        assert!(last <= most && mixed <= most, "n = {n}: {last} and {mixed} bytes, newly built {again}");
    }
}

#[test]
fn most_replaced_values_are_dropped_once_their_neighbours_were_edited_too() {
    let value = std::rc::Rc::new(());
    let mut map: HashMap<u64, Option<std::rc::Rc<()>>> = (0..10_000).map(|i| (i, Some(value.clone()))).collect();
    for i in 0..10_000 {
        map = map.update(i, None);
    }
    let left_by_one_pass = std::rc::Rc::strong_count(&value) - 1;
    for round in 0..10 {
        for i in 0..10_000 {
            map = map.update((i + round) * 7919 % 10_000, None);
        }
    }
    let left_by_ten_more = std::rc::Rc::strong_count(&value) - 1;
    assert!(map.values().all(|v| v.is_none()));
    assert!(left_by_one_pass <= 5000, "{left_by_one_pass} of 10 000 replaced values held after one pass");
    assert!(left_by_ten_more <= 100, "{left_by_ten_more} of 10 000 replaced values held after ten more");
    drop(map);
    assert_eq!(std::rc::Rc::strong_count(&value), 1);
}

#[test]
fn collecting_many_entries_of_few_keys_takes_no_room_for_all_of_them() {
    thread_local! {
        static MOST: Cell<isize> = const { Cell::new(0) };
    }
    let before = BYTES.get();
    let entries = (0..8_000_000u64).map(|i| {
        MOST.set(MOST.get().max(BYTES.get() - before));
        (i % 1000, i)
    });
    let map: HashMap<u64, u64> = entries.collect();
    assert_eq!((map.len(), map.get(&7)), (1000, Some(&7_999_007)));
    // Two million items of 32 bytes, and as many spare.
    assert!(MOST.get() < 150 << 20, "{} bytes", MOST.get());
}
