//! The edges: small stacks, many entries, one hash for all, large, empty and over-aligned elements, and what must
//! hold whatever the history: lengths, iterators that say what is left, `Hash` with `Eq`, the iteration order,
//! hashers with seeds. Of vectors: `limits/vectors.rs`.

use archery::{ArcTK, RcK};
use backstory::{DiffItem, GenericHashMap, GenericHashSet, HashMap, HashSet, PortableHash, StrongHash};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::iter::FusedIterator;

#[path = "limits/vectors.rs"]
mod vectors;

/// Runs `f` on a thread with a stack of 256 KiB.
fn on_small_stack<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::Builder::new().stack_size(256 << 10).spawn(f).expect("a thread").join().expect("no panic")
}

/// A hasher that gives one hash to all keys.
#[derive(Clone, Copy, Default)]
struct OneHash;

struct OneState;

impl BuildHasher for OneHash {
    type Hasher = OneState;
    fn build_hasher(&self) -> OneState {
        OneState
    }
}

impl Hasher for OneState {
    fn write(&mut self, _: &[u8]) {}
    fn finish(&self) -> u64 {
        0xfeed_5eed_0123_4567
    }
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 29
}

// ---- stacks ----

#[test]
fn a_million_entries_are_edited_walked_combined_and_dropped_on_a_small_stack() {
    on_small_stack(|| {
        const N: u64 = 1_000_000;
        let mut map: HashMap<u64, u64> = (0..N).map(|i| (i, i)).collect();
        assert_eq!(map.len(), N as usize);
        let old = map.clone();
        let mut grown = HashMap::new();
        for i in 0..N {
            grown.insert(i, i);
        }
        assert!(grown == map, "built and grown");
        assert!(!grown.ptr_eq(&map));
        for i in (0..N).step_by(1000) {
            map.insert(i, 0);
            map.remove(&(i + 1));
        }
        assert_eq!(map.len(), N as usize - 1000);
        assert_eq!(old.diff(&map).count(), 1999); // 0 had the value 0 before
        assert_eq!(map.clone().union(old.clone()).len(), N as usize);
        assert_eq!(old.clone().symmetric_difference(map.clone()).len(), 1000);
        assert_eq!(map.clone().intersection(grown.clone()).len(), map.len());
        assert_eq!(map.values().sum::<u64>() + (0..N).step_by(1000).map(|i| i + i + 1).sum::<u64>(), N * (N - 1) / 2);
        map.retain(|k, _| k % 2 == 0);
        assert_eq!(map.len(), 500_000);
        map.iter_mut().for_each(|(_, v)| *v += 1);
        assert_eq!(old.values().sum::<u64>(), N * (N - 1) / 2);
        assert_eq!(grown.into_iter().count(), N as usize);
        drop(map);
        assert_eq!(old.into_iter().map(|(k, _)| k).sum::<u64>(), N * (N - 1) / 2);
    });
}

#[test]
fn a_million_boxed_values_are_dropped_on_a_small_stack_each_once() {
    let value = std::sync::Arc::new(());
    let own = value.clone();
    on_small_stack(move || {
        let mut map = HashMap::new();
        (0..1_000_000u64).for_each(|i| {
            map.insert(i, own.clone());
        });
        assert_eq!(std::sync::Arc::strong_count(&own), 1_000_002);
        let kept = map.clone();
        drop(map);
        assert_eq!(std::sync::Arc::strong_count(&own), 1_000_002);
        drop(kept);
        assert_eq!(std::sync::Arc::strong_count(&own), 2);
    });
    assert_eq!(std::sync::Arc::strong_count(&value), 1);
}

#[test]
fn twenty_thousand_keys_of_one_hash_are_edited_walked_combined_and_dropped_on_a_small_stack() {
    on_small_stack(|| {
        type Map = GenericHashMap<u32, u32, OneHash, ArcTK>;
        const N: u32 = 20_000;
        let map: Map = (0..N).map(|i| (i, i)).collect();
        assert_eq!(map.len(), N as usize);
        let mut grown = Map::new();
        (0..N).rev().for_each(|i| assert_eq!(grown.insert(i, i), None));
        assert!(grown == map && map.is_submap(&grown));
        let mut new = map.update(7, 0).update(N, N).without(&9);
        assert_eq!((new.get(&7), new.get(&9), new.get(&N), new.len()), (Some(&0), None, Some(&N), N as usize));
        assert_eq!(map.diff(&new).count(), 3);
        assert_eq!(map.clone().union(new.clone()).len(), N as usize + 1);
        assert_eq!(map.clone().symmetric_difference(new.clone()).len(), 2);
        assert_eq!(map.clone().intersection(new.clone()).len(), N as usize - 1);
        assert_eq!(map.clone().relative_complement(new.clone()).len(), 1);
        new.iter_mut().for_each(|(_, v)| *v += 1);
        assert_eq!(new[&7], 1);
        new.retain(|k, _| k % 1000 == 0);
        assert_eq!(new.len(), 21);
        (0..=N).step_by(1000).for_each(|i| assert_eq!(new.remove(&i), Some(i + 1)));
        assert!(new.is_empty() && new.iter().next().is_none());
        for i in (0..N).rev() {
            assert_eq!(grown.remove(&i), Some(i));
            if i == N / 2 {
                grown.insert(N + 5, 1);
                assert_eq!(grown.remove(&(N + 5)), Some(1));
            }
        }
        assert!(grown.is_empty());
        assert_eq!(map.into_iter().count(), N as usize);
    });
}

/// 2 KB by value: nodes of 30 KB, of which no frame may hold one (rs-soroban-env #555).
const LARGE_BYTES: usize = 2_000;

fn edit_values<const LARGE: usize>() {
    let mut map: HashMap<u32, [u8; LARGE]> = HashMap::new();
    for i in 0..600 {
        map.insert(i, [i as u8; LARGE]);
    }
    let old = map.clone();
    map.insert(5, [0; LARGE]);
    map.remove(&6);
    assert!(map.get_mut(&7).map(|v| v[LARGE - 1] = 99).is_some());
    assert_eq!((map[&5][0], map.get(&6).is_none(), map[&7][LARGE - 1], old[&7][LARGE - 1]), (0, true, 99, 7));
    *map.entry(1000).or_insert([1; LARGE]) = [2; LARGE];
    assert_eq!(map[&1000][3], 2);
    assert_eq!(old.diff(&map).count(), 4);
    assert_eq!((map.len(), old.len()), (600, 600));
}

fn version_values<const LARGE: usize>() {
    let mut versions = vec![HashMap::<u32, [u8; LARGE]>::new()];
    for i in 0..100 {
        let new = versions[i].update(i as u32 * 3 % 50, [i as u8; LARGE]);
        versions.push(new);
    }
    assert_eq!(versions[100].len(), 50);
    assert_eq!(versions[100].without(&3).len(), 49);
    for v in &versions {
        assert!(v.iter().all(|(_, v)| v.iter().all(|b| *b == v[0])));
    }
    drop(versions);
}

fn combine_values<const LARGE: usize>() {
    let map: HashMap<u32, Box<[u8; LARGE]>> = (0..100).map(|i| (i, Box::new([i as u8; LARGE]))).collect();
    let large: HashMap<u32, [u8; LARGE]> = map.iter().map(|(k, v)| (*k, **v)).collect();
    let other = large.update(3, [0; LARGE]).without(&4).update(1000, [9; LARGE]);
    assert_eq!(large.clone().union(other.clone()).len(), 101);
    assert_eq!(other.clone().intersection(large.clone()).len(), 99);
    assert_eq!(large.clone().symmetric_difference(other.clone()).len(), 2);
    let mut few = large.clone();
    few.retain(|k, _| k % 2 == 0);
    assert_eq!(few.len(), 50);
    few.iter_mut().for_each(|(_, v)| v[0] = 255);
    assert!(few.values().all(|v| v[0] == 255) && large.values().all(|v| v[0] != 255));
    assert_eq!(large.into_iter().filter(|(k, v)| *k as u8 == v[1]).count(), 100);
    drop((other, few));
}

#[test]
fn large_values_are_edited_versioned_combined_and_collected_on_a_small_stack() {
    on_small_stack(edit_values::<LARGE_BYTES>);
    on_small_stack(version_values::<LARGE_BYTES>);
    on_small_stack(combine_values::<LARGE_BYTES>);
}

// ---- elements of odd sizes ----

#[test]
fn elements_without_size_are_counted_and_found() {
    let mut map: HashMap<(), ()> = HashMap::new();
    assert_eq!((map.insert((), ()), map.insert((), ()), map.len()), (None, Some(()), 1));
    let old = map.clone();
    assert_eq!((map.remove(&()), map.remove(&()), map.len(), old.len()), (Some(()), None, 0, 1));
    assert_eq!(old.diff(&map).count(), 1);
    assert_eq!(old.iter().count(), 1);
    assert_eq!(old.clone().union(map.clone()), old);
    assert_eq!(old.clone().relative_complement(old.clone()), map);
    assert_eq!(old.clone().into_iter().collect::<Vec<_>>(), [((), ())]);

    let mut set: GenericHashSet<(), OneHash, RcK> = [(), ()].into_iter().collect();
    assert_eq!((set.len(), set.contains(&()), set.insert(())), (1, true, Some(())));
    set.retain(|()| false);
    assert!(set.is_empty());

    let mut values: HashMap<u32, ()> = (0..5000).map(|i| (i, ())).collect();
    let all = values.clone();
    values.retain(|k, ()| k % 2 == 0);
    assert_eq!((values.len(), all.len(), values.iter().count()), (2500, 5000, 2500));
    assert_eq!(all.diff(&values).count(), 2500);

    /// All keys have no size and one hash, yet a map may hold many: none equals another.
    #[derive(Clone, Debug)]
    struct Never;
    impl PartialEq for Never {
        fn eq(&self, _: &Self) -> bool {
            false
        }
    }
    impl Eq for Never {}
    impl Hash for Never {
        fn hash<H: Hasher>(&self, _: &mut H) {}
    }
    let mut strange: HashMap<Never, ()> = HashMap::new();
    (0..100).for_each(|_| assert_eq!(strange.insert(Never, ()), None));
    let older = strange.clone();
    (0..100).for_each(|_| assert_eq!(strange.insert(Never, ()), None));
    assert_eq!((strange.len(), strange.iter().count(), strange.remove(&Never)), (200, 200, None));
    assert_eq!((older.len(), older.into_iter().count(), strange.into_iter().count()), (100, 100, 200));
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(align(64))]
struct Aligned(u8);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(align(4096))]
struct PageAligned;

fn aligned<T>(x: &T) -> bool {
    (x as *const T as usize).is_multiple_of(align_of::<T>())
}

#[test]
fn over_aligned_elements_stand_at_aligned_addresses_whatever_the_history() {
    let mut map: HashMap<u32, Aligned> = HashMap::new();
    let mut keys: GenericHashMap<Aligned, u8, OneHash, RcK> = GenericHashMap::new();
    let mut versions = vec![];
    let mut state = 7;
    for i in 0..3000 {
        let k = random(&mut state) as u32 % 500;
        match i % 5 {
            0 => drop(map.remove(&k)),
            1 => versions.push(map.clone()),
            _ => drop(map.insert(k, Aligned(k as u8))),
        }
        keys.insert(Aligned(k as u8), 1);
        if i % 7 == 0 {
            keys = keys.without(&Aligned(i as u8));
        }
        if let Some(v) = map.get_mut(&k) {
            assert!(aligned(v))
        }
        assert!(keys.keys().all(aligned));
    }
    assert!(
        versions.len() > 100
            && versions.iter().all(|m| m.values().all(aligned) && m.iter().all(|(k, v)| *k as u8 == v.0))
    );
    let all = versions.iter().cloned().fold(HashMap::new(), HashMap::union);
    assert!(all.len() > 300 && all.values().all(aligned));
    assert!(all.clone().iter_mut().all(|(_, v)| aligned(v)));

    // Not collected: rustc 1.95 does not align the frame of std's sort of such values, at some levels of optimization.
    let mut pages: HashMap<u32, PageAligned> = HashMap::new();
    (0..100).for_each(|i| _ = pages.insert(i, PageAligned));
    assert!(pages.values().all(aligned) && pages.update(3, PageAligned).values().all(aligned));
    let bytes: HashMap<[u8; 3], [u8; 5]> = (0..1000u32).map(|i| ([i as u8, (i >> 8) as u8, 0], [i as u8; 5])).collect();
    assert!(bytes.len() == 1000 && bytes.iter().all(|(k, v)| k[0] == v[4]));
}

// ---- lengths and iterators ----

/// Checks that an iterator says how many items are left, at each step, and ends for good.
fn says_what_is_left<I: ExactSizeIterator + FusedIterator>(mut iter: I, n: usize) {
    for left in (1..=n).rev() {
        assert_eq!((iter.size_hint(), iter.len()), ((left, Some(left)), left));
        assert!(iter.next().is_some());
    }
    for _ in 0..3 {
        assert_eq!((iter.next().is_none(), iter.size_hint()), (true, (0, Some(0))));
    }
}

/// A map, and what it holds.
type History<S> = (GenericHashMap<u64, u64, S, ArcTK>, BTreeMap<u64, u64>);

/// Maps with histories of all kinds, and what they hold.
fn histories<S: BuildHasher + Default + Clone>(mask: u64) -> Vec<History<S>> {
    let mut all = vec![];
    for seed in 0..30 {
        let mut state = seed;
        let mut map: GenericHashMap<u64, u64, S, ArcTK> = GenericHashMap::default();
        let mut model = BTreeMap::new();
        let mut kept = map.clone();
        for _ in 0..1 << (seed % 12) {
            let (k, v) = (random(&mut state) & mask, random(&mut state) % 3);
            match random(&mut state) % 8 {
                0 | 1 => assert_eq!(map.remove(&k), model.remove(&k)),
                2 => kept = map.clone(),
                3 => assert_eq!(
                    map.get_mut(&k).map(|x| std::mem::replace(x, v)),
                    model.get_mut(&k).map(|x| std::mem::replace(x, v))
                ),
                4 => assert_eq!(map.entry(k).or_insert(v), model.entry(k).or_insert(v)),
                _ => assert_eq!(map.insert(k, v), model.insert(k, v)),
            }
            assert_eq!(map.len(), model.len());
        }
        let kept_model = kept.iter().map(|(k, v)| (*k, *v)).collect();
        all.push((kept, kept_model));
        all.push((map, model));
    }
    all
}

#[test]
fn lengths_and_size_hints_are_exact_and_iterators_end_for_good() {
    for (map, model) in histories::<PortableHash>(511).into_iter().chain(histories(15)) {
        let n = model.len();
        assert_eq!((map.len(), map.is_empty(), map.iter().count()), (n, n == 0, n));
        says_what_is_left(map.iter(), n);
        says_what_is_left(map.keys(), n);
        says_what_is_left(map.values(), n);
        says_what_is_left((&map).into_iter(), n);
        says_what_is_left(map.clone().iter_mut(), n);
        says_what_is_left(map.clone().into_iter(), n);
        let sole: HashMap<u64, u64> = map.iter().map(|(k, v)| (*k, *v)).collect();
        says_what_is_left(sole.into_iter(), n);
        let set: HashSet<u64> = map.keys().copied().collect();
        says_what_is_left(set.iter(), n);
        says_what_is_left(set.clone().into_iter(), n);
        assert!(map.iter().map(|(k, v)| (*k, *v)).collect::<BTreeMap<_, _>>() == model);
        let mut diff = map.diff(&map);
        assert!(diff.next().is_none() && diff.next().is_none());
    }
}

#[test]
fn lengths_of_combined_maps_are_exact() {
    let all = histories::<PortableHash>(63);
    for (i, (a, x)) in all.iter().enumerate() {
        for (b, y) in [&all[(i + 1) % all.len()], &all[(i + 7) % all.len()], &all[i]] {
            let in_both = x.keys().filter(|k| y.contains_key(k)).count();
            let sized = |m: GenericHashMap<u64, u64, _, _>, n: usize| assert_eq!((m.len(), m.iter().count()), (n, n));
            sized(a.clone().union(b.clone()), x.len() + y.len() - in_both);
            sized(a.clone().intersection(b.clone()), in_both);
            sized(a.clone().symmetric_difference(b.clone()), x.len() + y.len() - 2 * in_both);
            sized(a.clone().relative_complement(b.clone()), x.len() - in_both);
            sized(a.clone().union_with(b.clone(), |a, b| a + b), x.len() + y.len() - in_both);
            sized(a.clone().intersection_with(b.clone(), |a, b| a + b), in_both);
            let dropped = x.iter().filter(|(k, v)| y.get(k) == Some(v)).count();
            let unequal = a.clone().symmetric_difference_with(b.clone(), |a, b| (a != b).then_some(b));
            sized(unequal, x.len() + y.len() - in_both - dropped);
        }
    }
}

#[test]
fn an_iterator_dropped_half_way_drops_what_it_did_not_give() {
    let value = std::rc::Rc::new(());
    for taken in [0, 1, 7, 100, 499, 500] {
        let map: HashMap<u32, std::rc::Rc<()>> = (0..500).map(|i| (i, value.clone())).collect();
        let mut iter = map.into_iter();
        let first: Vec<_> = iter.by_ref().take(taken).collect();
        assert_eq!(std::rc::Rc::strong_count(&value), 501);
        drop(iter);
        assert_eq!(std::rc::Rc::strong_count(&value), 1 + first.len());
    }
}

// ---- Hash and Eq ----

fn hash_of(x: &impl Hash) -> (u64, u64) {
    (PortableHash.hash_one(x), StrongHash.hash_one(x))
}

#[test]
fn equal_maps_hash_alike_whatever_their_order_history_hasher_and_kind() {
    for (map, model) in histories::<PortableHash>(255) {
        let forth: HashMap<u64, u64> = model.clone().into();
        let mut back: HashMap<u64, u64> = HashMap::new();
        model.iter().rev().for_each(|(k, v)| _ = back.insert(*k, *v));
        let mut detour = map.update(1 << 40, 1);
        (0..50).for_each(|i| _ = detour.insert(1 << 41 | i, i));
        (0..50).for_each(|i| _ = detour.remove(&(1 << 41 | i)));
        detour.remove(&(1 << 40));
        let seeded: GenericHashMap<u64, u64, RandomState, RcK> = model.clone().into();
        let same: GenericHashMap<u64, u64, OneHash, ArcTK> = model.clone().into();
        assert!(map == forth && map == back && map == detour && map == seeded && seeded == same && same == map);
        let hashes =
            [hash_of(&map), hash_of(&forth), hash_of(&back), hash_of(&detour), hash_of(&seeded), hash_of(&same)];
        assert_eq!(hashes, [hashes[0]; 6]);
        let sets: [HashSet<u64>; 2] = [map.keys().copied().collect(), back.keys().copied().collect()];
        assert_eq!((hash_of(&sets[0]), &sets[0]), (hash_of(&sets[1]), &sets[1]));
        assert_ne!(hash_of(&map), hash_of(&map.update(1 << 50, 0)), "a further entry should show");
    }
    // Keys and values are not mixed up, nor one entry with another.
    let (a, b): (HashMap<u8, u8>, HashMap<u8, u8>) = ([(1, 2), (3, 4)].into(), [(1, 4), (3, 2)].into());
    assert_ne!(hash_of(&a), hash_of(&b));
    let mut inside: std::collections::HashMap<HashMap<u8, u8>, u8> = Default::default();
    inside.insert(a.update(9, 9).without(&9), 7);
    assert_eq!(inside.get(&a), Some(&7));
}

// ---- order ----

fn order<S: BuildHasher>(map: &GenericHashMap<u64, u64, S, ArcTK>) -> Vec<u64> {
    map.keys().copied().collect()
}

#[test]
fn equal_sequences_of_operations_give_one_iteration_order() {
    for mask in [15, 255, 0xffff] {
        let (once, again) = (histories::<PortableHash>(mask), histories::<PortableHash>(mask));
        assert!(once.iter().zip(&again).all(|(a, b)| order(&a.0) == order(&b.0)));
        let (once, again) = (histories::<StrongHash>(mask), histories::<StrongHash>(mask));
        assert!(once.iter().zip(&again).all(|(a, b)| order(&a.0) == order(&b.0)));
    }
}

// ---- hashers with seeds ----

type Seeded = GenericHashMap<u64, u64, RandomState, ArcTK>;

#[test]
fn maps_whose_hashers_have_different_seeds_compare_and_combine_right() {
    let with = |entries: &BTreeMap<u64, u64>| -> Seeded { entries.iter().map(|(k, v)| (*k, *v)).collect() };
    for n in [0, 1, 3, 5, 15, 16, 100, 2000] {
        let x: BTreeMap<u64, u64> = (0..n).map(|i| (i, i % 3)).collect();
        let mut y: BTreeMap<u64, u64> = (n / 2..n + n / 2 + 1).map(|i| (i, i % 3)).collect();
        y.entry(n / 2).and_modify(|v| *v += 10);
        let (a, a2, b) = (with(&x), with(&x), with(&y));
        assert_eq!((a == a2, a2 == a, a == b, b == a), (true, true, false, false));
        assert_eq!((a.diff(&a2).count(), hash_of(&a)), (0, hash_of(&a2)));
        let mut changes: Vec<_> = a.diff(&b).map(shown).collect();
        changes.sort();
        let mut wanted: Vec<_> =
            x.iter().filter(|(k, _)| !y.contains_key(k)).map(|(k, v)| (*k, Some(*v), None)).collect();
        wanted.extend(y.iter().filter(|(k, v)| x.get(k) != Some(v)).map(|(k, v)| (*k, x.get(k).copied(), Some(*v))));
        wanted.sort();
        assert_eq!(changes, wanted);
        let is = |map: Seeded, wanted: BTreeMap<u64, u64>| {
            assert!(wanted.iter().all(|(k, v)| map.get(k) == Some(v)), "a key is not found by the map's own hasher");
            assert_eq!((map.len(), map.into_iter().collect::<BTreeMap<_, _>>()), (wanted.len(), wanted));
        };
        let of = |map: &BTreeMap<u64, u64>, keep: &dyn Fn(&u64) -> bool| -> BTreeMap<u64, u64> {
            map.iter().filter(|(k, _)| keep(k)).map(|(k, v)| (*k, *v)).collect()
        };
        let mut union = y.clone();
        union.extend(x.clone());
        is(a.clone().union(b.clone()), union.clone());
        is(a.clone() + b.clone(), union);
        is(a.clone().intersection(b.clone()), of(&x, &|k| y.contains_key(k)));
        is(a.clone().relative_complement(b.clone()), of(&x, &|k| !y.contains_key(k)));
        let mut either = of(&x, &|k| !y.contains_key(k));
        either.extend(of(&y, &|k| !x.contains_key(k)));
        is(a.clone().symmetric_difference(b.clone()), either);
        is(a.clone().intersection_with(b.clone(), |v, _| v), of(&x, &|k| y.contains_key(k)));
        assert_eq!((a.is_submap(&b), a.is_submap(&a2), a.is_proper_submap(&a2)), (n == 0, true, false));
        assert!(a.is_submap(a2.update(1 << 60, 0)) && a.is_proper_submap(a2.update(1 << 60, 0)));
        assert!(!a2.update(1 << 60, 0).is_submap(&a));
        let (s, t): (GenericHashSet<u64, RandomState, RcK>, GenericHashSet<u64, RandomState, RcK>) =
            (x.keys().copied().collect(), x.keys().copied().collect());
        assert!(s == t && s.is_subset(&t) && !s.is_proper_subset(&t));
        assert_eq!((s.clone().union(t.clone()).len(), s.clone().symmetric_difference(t.clone()).len()), (x.len(), 0));
        assert!(s.relative_complement(t).is_empty());
    }
}

fn shown(item: DiffItem<'_, '_, u64, u64>) -> (u64, Option<u64>, Option<u64>) {
    match item {
        DiffItem::Add(k, v) => (*k, None, Some(*v)),
        DiffItem::Remove(k, v) => (*k, Some(*v), None),
        DiffItem::Update { old, new } => {
            assert_eq!(old.0, new.0);
            (*old.0, Some(*old.1), Some(*new.1))
        }
    }
}

/// A hasher with a setting that changes the hashes of some keys only.
#[derive(Clone, Default)]
struct Cut {
    mask: u64,
}

struct CutState(u64, u64);

impl BuildHasher for Cut {
    type Hasher = CutState;
    fn build_hasher(&self) -> CutState {
        CutState(0, self.mask)
    }
}

impl Hasher for CutState {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u64")
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = x
    }
    fn finish(&self) -> u64 {
        self.0 & self.1 | 1
    }
}

#[test]
fn maps_whose_hashers_agree_on_some_keys_and_not_on_others_compare_and_combine_right() {
    let with = |mask| -> GenericHashMap<u64, u64, Cut, ArcTK> {
        let mut map = GenericHashMap::with_hasher(Cut { mask });
        // Those that hash alike come first in every walk.
        map.extend((0..40u64).map(|i| (i << 1, i)).chain((0..40u64).map(|i| (i << 57 | 1 << 63, i))));
        map
    };
    let (a, b) = (with(u64::MAX), with(u64::MAX >> 1));
    assert_eq!((a.len(), b.len()), (80, 80));
    assert_eq!((a == b, b == a), (true, true));
    assert_eq!(a.diff(&b).count(), 0);
    assert!(a.is_submap(&b));
    let union = a.clone().union(b.clone());
    assert_eq!((union.len(), union.iter().count()), (80, 80));
    assert_eq!(a.clone().symmetric_difference(b.clone()).len(), 0);
    assert_eq!(a.clone().intersection(b.clone()).len(), 80);
    assert!(a.keys().all(|k| union.get(k) == a.get(k)));
}

#[test]
fn a_map_prints_what_it_holds() {
    fn prints(x: impl Debug) -> String {
        format!("{x:?}")
    }
    let map: HashMap<u8, &str> = [(1, "a")].into();
    let mut iter = map.iter();
    iter.next();
    assert_eq!(prints(&map), r#"{1: "a"}"#);
    assert_eq!(prints(map.diff(&HashMap::new()).collect::<Vec<_>>()), r#"[Remove(1, "a")]"#);
    assert_eq!(prints(HashSet::from([7])), "{7}");
}

#[test]
fn who_else_holds_a_version_does_not_show_in_the_iteration_order() {
    let run = |hold: &dyn Fn(u64) -> bool| {
        let mut map: HashMap<u64, u64> = HashMap::new();
        let mut held = vec![];
        // One more version is held and given up by another thread, whenever that likes.
        let (send, others) = std::sync::mpsc::channel::<HashMap<u64, u64>>();
        let other = std::thread::spawn(move || others.into_iter().for_each(drop));
        let mut state = 11;
        for i in 0..3000 {
            let k = random(&mut state) % 600;
            match random(&mut state) % 4 {
                0 => drop(map.remove(&k)),
                _ => drop(map.insert(k, i)),
            }
            let clone = map.clone();
            if i % 7 == 0 {
                send.send(clone.clone()).expect("the other thread lives")
            }
            if hold(i) {
                held.push(clone)
            }
        }
        drop(send);
        other.join().expect("no panic");
        order(&map)
    };
    let alone = run(&|_| false);
    assert_eq!(alone, run(&|_| false));
    assert!(alone == run(&|_| true), "all versions held");
    assert!(alone == run(&|i| i % 3 == 0), "every third version held");
}
