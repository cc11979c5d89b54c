//! Model tests of the map: every version against std, the shape against its specification.

use super::*;
use crate::hash::PortableHash;
use archery::{ArcTK, RcK};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hasher;

/// A strong hasher cut to a few bits at the top and a few at the bottom, so that deep and full collisions occur.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cut<const TOP: u32, const LOW: u32>;

pub(super) struct CutState<const TOP: u32, const LOW: u32>(<PortableHash as BuildHasher>::Hasher);

impl<const TOP: u32, const LOW: u32> BuildHasher for Cut<TOP, LOW> {
    type Hasher = CutState<TOP, LOW>;
    fn build_hasher(&self) -> Self::Hasher {
        CutState(PortableHash.build_hasher())
    }
}

impl<const TOP: u32, const LOW: u32> Hasher for CutState<TOP, LOW> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes)
    }
    fn finish(&self) -> u64 {
        let ones = |n: u32| if n == 0 { 0 } else { u64::MAX >> (64 - n) };
        self.0.finish() & (ones(TOP).wrapping_shl(64 - TOP) & if TOP == 0 { 0 } else { u64::MAX } | ones(LOW))
    }
}

/// What a step does; keys are numbers below the pool.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Insert(u32, u8),
    Remove(u32),
    Increment(u32),
    Keep,
    Forget(u8),
    Back(u8),
    Union(u8),
    Intersection(u8),
    SymmetricDifference(u8),
    RelativeComplement(u8),
    Retain(u8),
    Many(u32, u16),
    RemoveMany(u32, u16),
    Churn(u32, u8),
}

fn step(pool: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => (0..pool, 0..3u8).prop_map(|(k, v)| Step::Insert(k, v)),
        30 => (0..pool).prop_map(Step::Remove),
        5 => (0..pool).prop_map(Step::Increment),
        10 => Just(Step::Keep),
        4 => any::<u8>().prop_map(Step::Forget),
        2 => any::<u8>().prop_map(Step::Back),
        1 => any::<u8>().prop_map(Step::Union),
        1 => any::<u8>().prop_map(Step::Intersection),
        1 => any::<u8>().prop_map(Step::SymmetricDifference),
        1 => any::<u8>().prop_map(Step::RelativeComplement),
        1 => any::<u8>().prop_map(Step::Retain),
        3 => (0..pool, any::<u16>()).prop_map(|(k, n)| Step::Many(k, n)),
        3 => (0..pool, any::<u16>()).prop_map(|(k, n)| Step::RemoveMany(k, n)),
        3 => (0..pool, any::<u8>()).prop_map(|(k, n)| Step::Churn(k, n)),
    ]
}

/// Steps whose number and key pool are log-uniform, the pool a quarter of the number.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let most = if std::env::var_os("BACKSTORY_LONG").is_some() { 14.3 } else { 10.0 };
    (4.0..most).prop_flat_map(|log: f64| {
        let n = log.exp2() as usize;
        prop::collection::vec(step((n / 4).max(2) as u32), n / 2..=n)
    })
}

/// The key behind a number.
pub(super) trait Key: Hash + Eq + Ord + Clone + Debug {
    fn of(n: u32) -> Self;
}
impl Key for u64 {
    fn of(n: u32) -> u64 {
        n as u64
    }
}
impl Key for String {
    fn of(n: u32) -> String {
        format!("user:{n:x}")
    }
}

pub(super) type Model<K> = BTreeMap<K, u64>;

pub(super) fn same<K: Key, S: BuildHasher + Clone + Default, P: Kind>(
    map: &GenericHashMap<K, u64, S, P>,
    model: &Model<K>,
) {
    assert_eq!(map.len(), model.len());
    for (k, v) in model {
        assert_eq!(map.get(k), Some(v));
    }
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort();
    assert!(entries.into_iter().eq(model.iter()));
    map.assert_invariants();
}

/// A version and what must be in it.
pub(super) type Pair<K, S, P> = (GenericHashMap<K, u64, S, P>, Model<K>);

/// Does one step on map and model.
pub(super) fn apply<K: Key, S: BuildHasher + Clone + Default, P: Kind>(
    step: &Step,
    map: &mut GenericHashMap<K, u64, S, P>,
    model: &mut Model<K>,
    kept: &mut Vec<Pair<K, S, P>>,
) {
    let other = |i: u8| &kept[i as usize % kept.len()];
    match *step {
        Step::Insert(k, v) => assert_eq!(map.insert(K::of(k), v as u64), model.insert(K::of(k), v as u64)),
        Step::Remove(k) => {
            let had = map.remove_with_key(&K::of(k));
            assert_eq!(had, model.remove_entry(&K::of(k)))
        }
        Step::Increment(k) => {
            let value = map.get_mut(&K::of(k)).map(|v| {
                *v += 1;
                *v
            });
            assert_eq!(
                value,
                model.get_mut(&K::of(k)).map(|v| {
                    *v += 1;
                    *v
                })
            )
        }
        Step::Keep => kept.push((map.clone(), model.clone())),
        Step::Forget(i) if kept.len() > 1 => drop(kept.swap_remove(i as usize % kept.len())),
        Step::Forget(_) => {}
        Step::Back(i) => (*map, *model) = other(i).clone(),
        Step::Union(i) => {
            let (o, m) = other(i).clone();
            *map = map.clone().union(o);
            m.into_iter().for_each(|(k, v)| {
                model.entry(k).or_insert(v);
            })
        }
        Step::Intersection(i) => {
            let (o, m) = other(i).clone();
            // Only now and then, else little is left.
            if m.len() * 2 > model.len() {
                *map = map.clone().intersection(o);
                model.retain(|k, _| m.contains_key(k))
            }
        }
        Step::SymmetricDifference(i) => {
            let (o, m) = other(i).clone();
            *map = map.clone().symmetric_difference(o);
            let mut new: Model<K> =
                m.iter().filter(|(k, _)| !model.contains_key(*k)).map(|(k, v)| (k.clone(), *v)).collect();
            model.retain(|k, _| !m.contains_key(k));
            new.append(model);
            *model = new
        }
        Step::RelativeComplement(i) => {
            let (o, m) = other(i).clone();
            *map = map.clone().relative_complement(o);
            model.retain(|k, _| !m.contains_key(k))
        }
        Step::Retain(r) => {
            let keep = |v: u64| r % 8 != 0 || v.is_multiple_of(2);
            map.retain(|_, v| keep(*v));
            model.retain(|_, v| keep(*v))
        }
        Step::Many(k, count) => {
            for i in 0..count as u32 % 200 {
                map.insert(K::of(k + i), i as u64);
                model.insert(K::of(k + i), i as u64);
            }
        }
        Step::RemoveMany(k, count) => {
            for i in 0..count as u32 % 200 {
                assert_eq!(map.remove(&K::of(k + i)), model.remove(&K::of(k + i)));
            }
        }
        // A row of versions that change a few keys again and again: lenders of lenders.
        Step::Churn(k, count) => {
            let mut row = Vec::new();
            for i in 0..count as u32 % 64 {
                row.push(map.clone());
                let key = K::of(k + i % 3);
                match i % 7 {
                    6 => assert_eq!(map.remove(&key), model.remove(&key)),
                    _ => assert_eq!(map.insert(key.clone(), i as u64), model.insert(key, i as u64)),
                }
                map.assert_invariants();
                if i % 5 == 4 {
                    row.swap_remove(i as usize / 5 % row.len());
                }
            }
        }
    }
}

pub(super) fn run<K: Key, S: BuildHasher + Clone + Default, P: Kind>(steps: &[Step]) {
    let mut map: GenericHashMap<K, u64, S, P> = Default::default();
    let mut model = Model::new();
    let mut kept = vec![(map.clone(), model.clone())];
    for (n, step) in steps.iter().enumerate() {
        apply(step, &mut map, &mut model, &mut kept);
        map.assert_invariants();
        if n % 16 == 0 {
            same(&map, &model);
            let (o, m) = &kept[n / 16 % kept.len()];
            assert_eq!(*o == map, *m == model);
            let mut items: Vec<_> = o.diff(&map).collect();
            items.sort_by_key(|item| match *item {
                DiffItem::Add(k, _) | DiffItem::Remove(k, _) => k,
                DiffItem::Update { old, .. } => old.0,
            });
            assert_eq!(items, model_diff(m, &model));
            let again: GenericHashMap<K, u64, S, P> = model.iter().rev().map(|(k, v)| (k.clone(), *v)).collect();
            again.assert_invariants();
            assert!(again == map);
        }
    }
    for (map, model) in &kept {
        same(map, model)
    }
    let entries: Model<K> = map.clone().into_iter().collect();
    assert_eq!(entries, model);
    for (_, v) in map.iter_mut() {
        *v += 7
    }
    model.values_mut().for_each(|v| *v += 7);
    same(&map, &model);
    for (map, model) in &kept {
        same(map, model)
    }
    for k in model.keys() {
        assert!(map.remove(k).is_some())
    }
    assert!(map.is_empty() && map.iter().next().is_none());
    map.assert_invariants();
}

fn model_diff<'a, 'b, K: Key>(old: &'a Model<K>, new: &'b Model<K>) -> Vec<DiffItem<'a, 'b, K, u64>> {
    let mut keys: Vec<&K> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter_map(|k| match (old.get_key_value(k), new.get_key_value(k)) {
            (None, Some((k, v))) => Some(DiffItem::Add(k, v)),
            (Some((k, v)), None) => Some(DiffItem::Remove(k, v)),
            (Some(old), Some(new)) if old.1 != new.1 => Some(DiffItem::Update { old, new }),
            _ => None,
        })
        .collect()
}

pub(crate) fn cases() -> ProptestConfig {
    let cases = std::env::var("BACKSTORY_LONG").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

macro_rules! models {
    ($($name:ident: $key:ty, $hasher:ty, $kind:ty;)*) => {
        proptest! {
            #![proptest_config(cases())]
            $(#[test]
            fn $name(steps in steps()) {
                run::<$key, $hasher, $kind>(&steps)
            })*
        }
    };
}

/// The same steps on three maps: no old version held but those that the steps keep, all held, and some.
fn run_alike<K: Key, S: BuildHasher + Clone + Default, P: Kind>(steps: &[Step]) {
    type Run<K, S, P> = (GenericHashMap<K, u64, S, P>, Model<K>, Vec<Pair<K, S, P>>);
    let mut runs: [Run<K, S, P>; 3] = std::array::from_fn(|_| {
        let map = GenericHashMap::default();
        (map.clone(), Model::new(), vec![(map, Model::new())])
    });
    let mut held = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        // Steps of many edits, taken apart so that each edit meets what is held.
        let single = |k: u32, count: u16, remove: bool| -> Vec<Step> {
            (0..count as u32 % 200)
                .map(|i| if remove { Step::Remove(k + i) } else { Step::Insert(k + i, i as u8) })
                .collect()
        };
        let steps = match *step {
            Step::Many(k, count) => single(k, count, false),
            Step::RemoveMany(k, count) => single(k, count, true),
            ref step => vec![step.clone()],
        };
        for step in &steps {
            for (i, (map, model, kept)) in runs.iter_mut().enumerate() {
                apply(step, map, model, kept);
                if i == 1 || i == 2 && n % 3 == 0 {
                    held.push(map.clone())
                }
            }
        }
        let [a, b, c] = &runs;
        assert!(a.0.iter().eq(b.0.iter()) && a.0.iter().eq(c.0.iter()), "order after {step:?}");
    }
    for (map, model, _) in &runs {
        same(map, model)
    }
    let [a, b, _] = runs;
    assert!(a.0.iter().map(|(k, v)| (k.clone(), *v)).eq(b.0.clone().into_iter()), "owned in the same order");
    let (mut a, mut b) = (a.0, b.0);
    assert!(a.iter_mut().eq(b.iter_mut()), "mutable in the same order");
}

macro_rules! orders {
    ($($name:ident: $key:ty, $hasher:ty, $kind:ty;)*) => {
        proptest! {
            #![proptest_config(cases())]
            $(#[test]
            fn $name(steps in steps()) {
                run_alike::<$key, $hasher, $kind>(&steps)
            })*
        }
    };
}

orders! {
    order_does_not_depend_on_who_holds_what: u64, PortableHash, ArcTK;
    order_of_strings_does_not_depend_on_who_holds_what: String, Cut<13, 9>, RcK;
    order_of_collisions_does_not_depend_on_who_holds_what: String, Cut<2, 3>, ArcTK;
}

models! {
    numbers_behave_as_in_std: u64, PortableHash, ArcTK;
    strings_behave_as_in_std: String, PortableHash, ArcTK;
    unshared_kinds_behave_as_in_std: String, PortableHash, RcK;
    four_bits_of_hash_behave_as_in_std: u64, Cut<4, 0>, ArcTK;
    deep_collisions_behave_as_in_std: String, Cut<2, 3>, RcK;
    low_bits_only_behave_as_in_std: u64, Cut<0, 6>, ArcTK;
    one_hash_for_all_behaves_as_in_std: u64, Cut<0, 0>, ArcTK;
    thirteen_and_nine_bits_behave_as_in_std: String, Cut<13, 9>, ArcTK;
}

#[test]
fn tags_are_found_alike_in_both_ways() {
    let mut tags = [0u8; 16];
    let mut x = 1u64;
    for round in 0..20_000 {
        for tag in &mut tags {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // Few different values, with the neighbours that borrow-prone searches confuse.
            *tag = [0, 1, 2, 127, 128, 129, 255, (x >> 40) as u8][(x >> 60) as usize % 8];
        }
        let wanted = [1, 2, 127, 128, 129, 255][round % 6];
        let expected = (0..16).filter(|&i| tags[i] == wanted).fold(0, |m, i| m | 1 << i);
        assert_eq!(leaf::matches_portable(&tags, wanted), expected);
        assert_eq!(leaf::matches(&tags, wanted), expected);
        let few = [tags[0], tags[5], tags[10], tags[15]];
        let expected = (0..4).filter(|&i| few[i] == wanted).fold(0, |m, i| m | 1 << i);
        assert_eq!(leaf::matches_few(few, wanted), expected);
    }
}
