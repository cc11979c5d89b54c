//! Maps and sets: every public method and trait impl of imbl 7's `HashMap` and `HashSet`, with imbl's bounds, but for
//! the conversions from its ordered sets.

use crate::{Asked, Found, Tagged, note, parts, same_results, sorted};
use std::collections::BTreeMap;

macro_rules! page {
    ($name:ident, $krate:ident) => {
        mod $name {
            use crate::kinds::$name::Chosen;
            use super::*;
            use std::borrow::Borrow;
            use std::collections::{self, BTreeSet};
            use std::fmt::Debug;
            use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, RandomState};
            use std::iter::{FusedIterator, Sum};
            use std::ops::{Add, Index, IndexMut, Mul};
            use $krate::hashmap::{Entry, Iter, IterMut, Keys, OccupiedEntry, VacantEntry, Values};
            use $krate::hashset::Iter as SetIter;
            use $krate::shared_ptr::{DefaultSharedPtr, RcK};
            use $krate::{GenericHashMap, GenericHashSet, HashMap, HashSet};
            use $krate::{get_in, hashmap, hashset, shared_ptr, update_in};

            type Seeded<K, V> = GenericHashMap<K, V, RandomState, DefaultSharedPtr>;
            type Local<K, V> = GenericHashMap<K, V, RandomState, RcK>;

            fn numbers() -> HashMap<u32, String> {
                (0..100).map(|i| (i, format!("n{i}"))).collect()
            }

            fn pairs<K: Ord + Clone, V: Ord + Clone>(map: &HashMap<K, V>) -> Vec<(K, V)> {
                sorted(map.iter().map(|(k, v)| (k.clone(), v.clone())))
            }

            pub fn making_and_asking() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let empty: HashMap<u32, String> = HashMap::new();
                note(f, "new", (empty.len(), empty.is_empty(), pairs(&empty)));
                let one = HashMap::unit(1, 2);
                note(f, "unit", pairs(&one));
                note(f, "default", HashMap::<u8, u8>::default().len());
                let map = hashmap! {1 => "one", 2 => "two"};
                let trailing = hashmap! {1 => "one", 2 => "two",};
                let none: HashMap<u8, u8> = hashmap! {};
                note(f, "macro", (pairs(&map), map == trailing, none.len()));
                note(f, "get", (map.get(&1), map.get(&3)));
                note(f, "get_key_value", (map.get_key_value(&2), map.get_key_value(&9)));
                note(f, "contains_key", (map.contains_key(&1), map.contains_key(&7)));
                note(f, "index", map[&2]);
                note(f, "ptr_eq", (map.ptr_eq(&map.clone()), map.ptr_eq(&trailing)));
                let text: HashMap<String, u32> = hashmap! {"a".to_string() => 1};
                note(f, "borrowed", (text.get("a"), text["a"], text.contains_key("b"), text.get_key_value("a")));
                let tagged = hashmap! {Tagged(1, 'a') => 1};
                note(f, "equivalent", (tagged.get(&Asked(1)), tagged.get(&Asked(2)), tagged[&Asked(1)]));
                let (a, b) = (hashmap! {1 => 1, 2 => 2}, hashmap! {1 => 1, 2 => 2, 3 => 3});
                note(f, "is_submap", (a.is_submap(&b), b.is_submap(&a), a.is_submap(a.clone()), a.is_submap(&a)));
                note(
                    f,
                    "is_proper_submap",
                    (a.is_proper_submap(&b), a.is_proper_submap(&a), a.is_proper_submap(b.clone())),
                );
                let (more, same) = (a.is_submap_by(&b, |x, y| x <= y), b.is_proper_submap_by(&b, |x, y| x == y));
                note(f, "is_submap_by", (more, same, a.is_proper_submap_by(b.clone(), |x, y| x == y)));
                let shorter: HashMap<i32, &str> = hashmap! {1 => "a", 2 => "bb", 3 => "ccc"};
                note(f, "is_submap_by other type", a.is_submap_by(&shorter, |x, y| *x as usize == y.len()));
                let seeded: Seeded<u8, u8> = Seeded::with_hasher(RandomState::new());
                let alike: Seeded<String, bool> = seeded.new_from();
                note(f, "new_from", (alike.len(), seeded.hasher().hash_one(7) == alike.hasher().hash_one(7)));
                found
            }

            pub fn editing() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let mut map = numbers();
                let old = map.clone();
                note(f, "insert", (map.insert(5, "five".into()), map.insert(1000, "k".into()), map.len(), old.len()));
                note(f, "old", (old.get(&5), old.get(&1000)));
                note(f, "remove", (map.remove(&6), map.remove(&6), map.len()));
                note(f, "remove_with_key", (map.remove_with_key(&7), map.remove_with_key(&7)));
                if let Some(v) = map.get_mut(&8) {
                    v.push('!')
                }
                if let Some((k, v)) = map.get_key_value_mut(&9) {
                    v.push_str(&k.to_string())
                }
                note(f, "get_mut", map.get_mut(&7));
                note(f, "after get_mut", (map.get(&8), old.get(&8), map.get(&9)));
                map[&10] = "ten".into();
                note(f, "index_mut", (&map[&10], &old[&10]));
                for (k, v) in map.iter_mut() {
                    if k % 10 == 0 {
                        v.insert(0, '*')
                    }
                }
                note(f, "iter_mut", pairs(&map));
                note(f, "old after iter_mut", pairs(&old));
                map.retain(|k, v| k % 2 == 0 && v.len() < 4);
                note(f, "retain", (map.len(), pairs(&map)));
                map.clear();
                note(f, "clear", (map.len(), old.len(), pairs(&map)));
                let mut tagged = hashmap! {Tagged(1, 'a') => 1};
                tagged.insert(Tagged(1, 'b'), 2);
                note(f, "insert over an equal key", pairs(&tagged));
                let text = hashmap! {"a".to_string() => 1, "b".to_string() => 2};
                let mut less = text.clone();
                note(f, "remove borrowed", (less.remove("a"), less.remove_with_key("b"), text.without("a").len()));
                found
            }

            pub fn nested() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let map = hashmap! {"a" => hashmap! {"x" => 1}, "b" => hashmap! {"y" => 2}};
                note(f, "get_in", (get_in![map, "a" => "x"], get_in![map, "a" => "y"], get_in![map, "c" => "x"]));
                let new = update_in![map, "a" => "x", 5];
                note(f, "update_in", (get_in![new, "a" => "x"], get_in![map, "a" => "x"]));
                type Shared = shared_ptr::SharedPointer<u8, shared_ptr::DefaultSharedPtr>;
                note(f, "shared pointer", *Shared::new(7));
                let mut left: hashmap::ConsumingIter<(i32, i32), shared_ptr::DefaultSharedPtr> =
                    (0..40).map(|i| (i, i)).collect::<HashMap<_, _>>().into_iter();
                left.next();
                let (mut one, mut two): (Vec<_>, Vec<_>) = (left.clone().collect(), left.collect());
                one.sort();
                two.sort();
                note(f, "consuming clones", (one == two, one.len()));
                let one: hashset::GenericHashSet<i32, BuildHasherDefault<DefaultHasher>, shared_ptr::RcK> =
                    hashset::GenericHashSet::unit(5);
                note(f, "unit of any hasher", (one.contains(&5), one.len(), one.into_iter().clone().count()));
                found
            }

            pub fn versions() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let map = hashmap! {1 => 10, 2 => 20};
                note(f, "update", (pairs(&map.update(3, 30)), pairs(&map.update(1, 11)), pairs(&map)));
                note(
                    f,
                    "update_with",
                    (
                        pairs(&map.update_with(1, 5, |old, new| old * 100 + new)),
                        pairs(&map.update_with(9, 5, |_, _| 0)),
                    ),
                );
                let with_key = map.update_with_key(2, 5, |k, old, new| k * 1000 + old * 10 + new);
                note(f, "update_with_key", pairs(&with_key));
                let (old, new) = map.update_lookup_with_key(2, 5, |k, old, new| k * 1000 + *old * 10 + new);
                note(f, "update_lookup_with_key", (old, pairs(&new)));
                let (old, new) = map.update_lookup_with_key(3, 5, |_, _, _| 0);
                note(f, "update_lookup_with_key absent", (old, pairs(&new)));
                note(
                    f,
                    "alter",
                    [
                        pairs(&map.alter(|v| v.map(|v| v + 1), 1)),
                        pairs(&map.alter(|_| None, 1)),
                        pairs(&map.alter(|v| v.or(Some(7)), 7)),
                        pairs(&map.alter(|v| v, 7)),
                    ],
                );
                note(f, "without", (pairs(&map.without(&1)), pairs(&map.without(&7))));
                let (v, less) = map.extract(&1).unwrap();
                note(f, "extract", (v, pairs(&less), map.extract(&7).is_none()));
                let (k, v, less) = map.extract_with_key(&2).unwrap();
                note(f, "extract_with_key", (k, v, pairs(&less), map.extract_with_key(&7).is_none()));
                let tagged = hashmap! {Tagged(1, 'a') => 1};
                note(f, "update over an equal key", pairs(&tagged.update(Tagged(1, 'b'), 2)));
                note(f, "update_with over an equal key", pairs(&tagged.update_with(Tagged(1, 'b'), 2, |a, b| a + b)));
                note(f, "alter over an equal key", pairs(&tagged.alter(|v| v, Tagged(1, 'b'))));
                found
            }

            pub fn combining() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let small = || hashmap! {1 => 1, 3 => 3_i64};
                let large = || hashmap! {2 => 20, 3 => 30, 4 => 40_i64};
                for (a, b) in [(small(), large()), (large(), small()), (small(), small()), (hashmap! {}, small())] {
                    let (a, b) = (|| a.clone(), || b.clone());
                    note(f, "union", pairs(&a().union(b())));
                    note(f, "union_with", pairs(&a().union_with(b(), |x, y| x * 1000 + y)));
                    note(f, "union_with_key", pairs(&a().union_with_key(b(), |k, x, y| k * 100_000 + x * 1000 + y)));
                    note(f, "difference", pairs(&a().difference(b())));
                    note(f, "symmetric_difference", pairs(&a().symmetric_difference(b())));
                    let keep = |x: i64, y: i64| (x != y).then_some(x * 1000 + y);
                    note(f, "difference_with", pairs(&a().difference_with(b(), keep)));
                    note(f, "symmetric_difference_with", pairs(&a().symmetric_difference_with(b(), keep)));
                    let keep = |k: &i64, x: i64, y: i64| (x != y).then_some(k * 100_000 + x * 1000 + y);
                    note(f, "difference_with_key", pairs(&a().difference_with_key(b(), keep)));
                    note(f, "symmetric_difference_with_key", pairs(&a().symmetric_difference_with_key(b(), keep)));
                    note(f, "relative_complement", pairs(&a().relative_complement(b())));
                    note(f, "intersection", pairs(&a().intersection(b())));
                    note(f, "intersection_with", pairs(&a().intersection_with(b(), |x, y| format!("{x}/{y}"))));
                    note(f, "intersection_with_key", pairs(&a().intersection_with_key(b(), |k, x, y| (*k, x, y))));
                    note(f, "add", (pairs(&(&a() + &b())), pairs(&(a() + b()))));
                    note(f, "==", (a() == b(), a() != b(), a() == a()));
                }
                let all = || vec![small(), large(), hashmap! {9 => 9, 3 => 5}];
                note(f, "unions", pairs(&HashMap::unions(all())));
                note(f, "unions_with", pairs(&HashMap::unions_with(all(), |x, y| x * 100 + y)));
                note(
                    f,
                    "unions_with_key",
                    pairs(&HashMap::unions_with_key(all(), |k, x, y| k * 10_000_000 + x * 100 + y)),
                );
                note(f, "sum", pairs(&all().into_iter().sum::<HashMap<i64, i64>>()));
                let other_type: HashMap<i64, &str> = hashmap! {1 => "one", 7 => "seven"};
                note(f, "intersection_with another type", pairs(&small().intersection_with(other_type, |x, y| (x, y))));
                found
            }

            pub fn entries() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let mut map: HashMap<Tagged, i32> = hashmap! {Tagged(1, 'a') => 1};
                let old = map.clone();
                *map.entry(Tagged(1, 'b')).or_insert(5) += 1;
                *map.entry(Tagged(2, 'b')).or_insert(5) += 1;
                *map.entry(Tagged(3, 'b')).or_insert_with(|| 7) += 1;
                *map.entry(Tagged(4, 'b')).or_default() -= 1;
                note(f, "or_insert", (pairs(&map), pairs(&old)));
                let modified = *map.entry(Tagged(1, 'c')).and_modify(|v| *v *= 10).or_insert(0);
                let absent = *map.entry(Tagged(5, 'c')).and_modify(|v| *v *= 10).or_insert(3);
                note(f, "and_modify", (modified, absent));
                note(f, "key", (map.entry(Tagged(1, 'q')).key(), 0));
                note(f, "key of a vacant entry", *map.entry(Tagged(77, 'q')).key());
                let entry: Entry<'_, Tagged, i32, _, DefaultSharedPtr> = map.entry(Tagged(1, 'x'));
                if let Entry::Occupied(mut entry) = entry {
                    note(f, "occupied", (*entry.key(), *entry.get(), entry.insert(8), *entry.get()));
                    *entry.get_mut() += 1;
                    *entry.into_mut() += 1;
                }
                note(f, "occupied, after", pairs(&map));
                if let Entry::Occupied(entry) = map.entry(Tagged(1, 'x')) {
                    note(f, "remove_entry", entry.remove_entry());
                }
                if let Entry::Occupied(entry) = map.entry(Tagged(2, 'x')) {
                    note(f, "remove", entry.remove());
                }
                match map.entry(Tagged(1, 'v')) {
                    Entry::Vacant(entry) => {
                        note(f, "vacant", *entry.key());
                        *entry.insert(1) += 1;
                    }
                    Entry::Occupied(_) => note(f, "vacant", "occupied!"),
                }
                if let Entry::Vacant(entry) = map.entry(Tagged(6, 'v')) {
                    note(f, "into_key", entry.into_key());
                }
                note(f, "entries, after", (pairs(&map), map.len(), pairs(&old)));
                found
            }

            pub fn walking() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let mut map = numbers();
                let n = map.len();
                {
                    let iter: Iter<'_, u32, String, DefaultSharedPtr> = map.iter();
                    note(
                        f,
                        "iter",
                        (iter.len(), iter.size_hint(), iter.clone().count(), sorted(iter.map(|(k, _)| *k))),
                    );
                }
                let keys: Keys<'_, u32, String, DefaultSharedPtr> = map.keys();
                note(f, "keys", (keys.len(), keys.size_hint(), sorted(keys)));
                let values: Values<'_, u32, String, DefaultSharedPtr> = map.values();
                note(f, "values", (values.len(), values.size_hint(), sorted(values)));
                let same_order =
                    map.iter().map(|(k, _)| k).eq(map.keys()) && map.iter().map(|(_, v)| v).eq(map.values());
                note(f, "one order", same_order);
                {
                    let mut iter: IterMut<'_, u32, String, DefaultSharedPtr> = map.iter_mut();
                    let first = iter.next().is_some();
                    note(f, "iter_mut", (first, iter.len(), iter.size_hint(), iter.count()));
                }
                let mut into = map.clone().into_iter();
                let first = into.next().is_some();
                note(f, "into_iter", (first, into.len(), into.size_hint(), into.count()));
                note(f, "into_iter, all", sorted(map.clone()));
                let mut by_ref = 0;
                for (k, v) in &map {
                    by_ref += (v == &format!("n{k}")) as usize;
                }
                note(f, "for in", (by_ref == n, by_ref));
                let mut ended = map.iter();
                ended.by_ref().for_each(drop);
                note(f, "fused", (ended.next(), ended.next(), ended.len()));
                fn exact<I: ExactSizeIterator + FusedIterator>(_: I) {}
                exact(map.iter());
                exact(map.keys());
                exact(map.values());
                exact(map.clone().iter_mut());
                exact(map.clone().into_iter());
                let set: HashSet<u32> = (0..50u32).collect();
                exact(set.iter());
                exact(set.clone().into_iter());
                let iter: SetIter<'_, u32, DefaultSharedPtr> = set.iter();
                note(f, "set iter", (iter.len(), sorted(iter.clone())));
                let mut into = set.clone().into_iter();
                note(f, "set into_iter", (into.next().is_some(), into.len(), into.size_hint(), sorted(set.clone())));
                found
            }

            pub fn converting() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let listed = vec![(1, 'a'), (2, 'b'), (1, 'c')];
                note(f, "from slice", pairs(&HashMap::from(listed.as_slice())));
                note(f, "from &Vec", pairs(&HashMap::from(&listed)));
                note(f, "from Vec", pairs(&HashMap::from(listed.clone())));
                note(f, "collect", pairs(&listed.iter().copied().collect::<HashMap<_, _>>()));
                let std_map: collections::HashMap<i32, char> = listed.iter().copied().collect();
                note(f, "from std HashMap", (pairs(&HashMap::from(&std_map)), pairs(&HashMap::from(std_map.clone()))));
                let tree: BTreeMap<i32, char> = listed.iter().copied().collect();
                note(f, "from BTreeMap", (pairs(&HashMap::from(&tree)), pairs(&HashMap::from(tree.clone()))));
                let borrowed: HashMap<&str, &[u8]> = hashmap! {"a" => &[1u8, 2][..]};
                let owned: HashMap<String, Vec<u8>> = HashMap::from(&borrowed);
                note(f, "from borrowed", pairs(&owned));
                let mut map: HashMap<String, u64> = HashMap::new();
                map.extend(vec![("a", 1u32), ("b", 2)]);
                map.extend(hashmap! {"b" => 3u8});
                note(f, "extend", pairs(&map));
                note(
                    f,
                    "debug",
                    (
                        parts(format!("{map:?}")),
                        format!("{:?}", HashMap::<u8, u8>::new()),
                        format!("{:#?}", hashmap! {1 => 2}),
                    ),
                );
                let as_ref: &HashMap<String, u64> = map.as_ref();
                note(f, "as_ref", as_ref.len());
                let seeded: Seeded<String, u64> = map.clone().into_iter().collect();
                let local: Local<String, u64> = map.clone().into_iter().collect();
                note(
                    f,
                    "== of other hashers and kinds",
                    (seeded == map, local == map, seeded == local, map == seeded.update("z".into(), 1)),
                );
                let missing = std::panic::catch_unwind(|| hashmap! {1 => 1}[&2]).is_err();
                let missing_mut = std::panic::catch_unwind(|| hashmap! {1 => 1}[&2] = 3).is_err();
                note(f, "index of nothing", (missing, missing_mut));
                found
            }

            pub fn sets() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let all = |set: &HashSet<i32>| sorted(set.iter().copied());
                let empty: HashSet<i32> = HashSet::new();
                note(f, "new", (empty.len(), empty.is_empty(), HashSet::<u8>::default().len()));
                let mut set = hashset![1, 2, 3];
                let none: HashSet<i32> = hashset![];
                note(f, "macro", (all(&set), set == hashset![3, 2, 1,], none.len(), all(&HashSet::unit(9))));
                let old = set.clone();
                note(f, "insert", (set.insert(3), set.insert(4), set.len(), old.len()));
                note(f, "remove", (set.remove(&1), set.remove(&1), set.len(), all(&old)));
                note(f, "contains", (set.contains(&2), set.contains(&1)));
                note(
                    f,
                    "update",
                    (all(&set.update(10)), all(&set.update(2)), all(&set.without(&2)), all(&set.without(&77))),
                );
                note(f, "ptr_eq", (set.ptr_eq(&set.clone()), set.ptr_eq(&old)));
                let (a, b) = (hashset![1, 2, 3], hashset![2, 3, 4, 5]);
                for (a, b) in [(&a, &b), (&b, &a), (&a, &a), (&empty, &a), (&a, &empty)] {
                    let (x, y) = (|| a.clone(), || b.clone());
                    note(f, "union", all(&x().union(y())));
                    note(f, "difference", all(&x().difference(y())));
                    note(f, "symmetric_difference", all(&x().symmetric_difference(y())));
                    note(f, "relative_complement", all(&x().relative_complement(y())));
                    note(f, "intersection", all(&x().intersection(y())));
                    note(f, "operators", (all(&(a + b)), all(&(a * b)), all(&(x() + y())), all(&(x() * y()))));
                    note(
                        f,
                        "subsets",
                        (a.is_subset(b), a.is_proper_subset(b), a.is_subset(y()), a.is_proper_subset(y())),
                    );
                    note(f, "==", (a == b, a != b));
                }
                let three = || vec![hashset![1, 2], hashset![2, 3], hashset![9]];
                note(f, "unions", (all(&HashSet::unions(three())), all(&three().into_iter().sum())));
                let mut kept = b.clone();
                kept.retain(|x| x % 2 == 0);
                note(f, "retain", (all(&kept), all(&b)));
                kept.clear();
                note(f, "clear", kept.len());
                note(
                    f,
                    "from",
                    [
                        all(&HashSet::from([1, 2, 1])),
                        all(&HashSet::from(&[1, 2][..])),
                        all(&HashSet::from(vec![1, 2])),
                        all(&HashSet::from(&vec![1, 2])),
                        all(&HashSet::from(collections::HashSet::from([1, 2]))),
                        all(&HashSet::from(&collections::HashSet::from([1, 2]))),
                        all(&HashSet::from(&BTreeSet::from([1, 2]))),
                        all(&HashSet::from($krate::vector![2, 1, 2])),
                        all(&HashSet::from(&$krate::vector![2, 1, 2])),
                    ],
                );
                let borrowed: HashSet<&str> = hashset!["a", "b"];
                note(f, "from borrowed", sorted(HashSet::<String>::from(&borrowed)));
                let mut text: HashSet<String> = vec!["a", "b"].into_iter().collect();
                text.extend(vec!["b", "c"]);
                note(f, "extend", sorted(text.clone()));
                note(f, "borrowed", (text.contains("a"), text.remove("a"), text.remove("a"), text.without("b").len()));
                note(f, "debug", (parts(format!("{text:?}")), format!("{none:?}"), format!("{:#?}", hashset![1])));
                let mut tagged = hashset![Tagged(1, 'a')];
                let replaced = tagged.insert(Tagged(1, 'b'));
                note(
                    f,
                    "insert over an equal value",
                    (replaced.map(|t| t.1), tagged.contains(&Asked(1)), sorted(tagged.clone())),
                );
                note(f, "update over an equal value", sorted(tagged.update(Tagged(1, 'c'))));
                note(f, "remove an equal value", tagged.remove(&Asked(1)).map(|t| t.1));
                let seeded: GenericHashSet<i32, RandomState, RcK> = GenericHashSet::with_hasher(RandomState::new());
                let alike: GenericHashSet<String, RandomState, RcK> = seeded.new_from();
                note(f, "new_from", (alike.len(), seeded.hasher().hash_one(1) == alike.hasher().hash_one(1)));
                let seeded: GenericHashSet<i32, RandomState, RcK> = a.iter().copied().collect();
                note(f, "== of other hashers and kinds", (seeded == a, a == seeded, seeded == b));
                let mut sum = 0;
                for x in &a {
                    sum += x
                }
                note(f, "for in", sum);
                found
            }

            /// Generic code with imbl's bounds: it need not run, it must compile.
            pub fn generic_code_compiles() -> usize {
                fn map_traits<K, V, S, P>() -> usize
                where
                    K: Hash + Eq + Clone + Debug + 'static,
                    V: Clone + Eq + Debug + 'static,
                    S: BuildHasher + Clone + Default + 'static,
                    P: Chosen + 'static,
                    GenericHashMap<K, V, S, P>:
                        Clone + Default + Eq + Debug + Sum + Add<Output = GenericHashMap<K, V, S, P>>,
                    GenericHashMap<K, V, S, P>: Extend<(K, V)> + FromIterator<(K, V)> + IntoIterator<Item = (K, V)>,
                    GenericHashMap<K, V, S, P>: Index<&'static K, Output = V> + IndexMut<&'static K>,
                    GenericHashMap<K, V, S, P>: AsRef<GenericHashMap<K, V, S, P>> + Borrow<GenericHashMap<K, V, S, P>>,
                    GenericHashMap<K, V, S, P>: From<Vec<(K, V)>> + From<&'static [(K, V)]> + From<BTreeMap<K, V>>,
                    &'static GenericHashMap<K, V, S, P>: IntoIterator<Item = (&'static K, &'static V)>,
                    &'static GenericHashMap<K, V, S, P>: Add<Output = GenericHashMap<K, V, S, P>>,
                {
                    size_of::<GenericHashMap<K, V, S, P>>().min(1)
                }
                fn set_traits<A, S, P>() -> usize
                where
                    A: Hash + Eq + Clone + Debug + 'static,
                    S: BuildHasher + Clone + Default + 'static,
                    P: Chosen + 'static,
                    GenericHashSet<A, S, P>:
                        Clone + Default + Eq + Debug + Sum + Extend<A> + FromIterator<A> + IntoIterator<Item = A>,
                    GenericHashSet<A, S, P>:
                        Add<Output = GenericHashSet<A, S, P>> + Mul<Output = GenericHashSet<A, S, P>>,
                    &'static GenericHashSet<A, S, P>:
                        Add<Output = GenericHashSet<A, S, P>> + Mul<Output = GenericHashSet<A, S, P>>,
                    &'static GenericHashSet<A, S, P>: IntoIterator<Item = &'static A>,
                {
                    size_of::<GenericHashSet<A, S, P>>().min(1)
                }
                fn entries<'a, K: Hash + Eq + Clone, V: Clone + Default, S: BuildHasher + Clone, P: Chosen>(
                    map: &'a mut GenericHashMap<K, V, S, P>,
                    key: K,
                ) -> &'a mut V {
                    fn occupied<'a, K: Hash + Eq + Clone, V: Clone, S: BuildHasher + Clone, P: Chosen>(
                        entry: OccupiedEntry<'a, K, V, S, P>,
                    ) -> &'a mut V {
                        entry.into_mut()
                    }
                    fn vacant<'a, K: Hash + Eq + Clone, V: Clone + Default, S: BuildHasher + Clone, P: Chosen>(
                        entry: VacantEntry<'a, K, V, S, P>,
                    ) -> &'a mut V {
                        entry.insert(V::default())
                    }
                    match map.entry(key) {
                        Entry::Occupied(entry) => occupied(entry),
                        Entry::Vacant(entry) => vacant(entry),
                    }
                }
                // imbl's own bounds, and no more.
                fn reads<K: Hash + Eq, V, S: BuildHasher + Clone, P: Chosen>(
                    map: &GenericHashMap<K, V, S, P>,
                    key: &K,
                ) -> bool {
                    map.get(key).is_some() == map.contains_key(key) && map.iter().len() == map.len()
                }
                fn unbounded<K, V, S, P: Chosen>(map: &GenericHashMap<K, V, S, P>) -> usize {
                    map.iter().count() + map.keys().count() + map.values().count() + map.len() + map.is_empty() as usize
                }
                let mut map: Seeded<u8, u8> = Seeded::default();
                *entries(&mut map, 3) += 2;
                map_traits::<u8, u8, RandomState, DefaultSharedPtr>()
                    + map_traits::<String, Vec<u8>, RandomState, RcK>()
                    + set_traits::<u8, RandomState, DefaultSharedPtr>()
                    + set_traits::<String, RandomState, RcK>()
                    + reads(&map, &3) as usize
                    + unbounded(&map)
            }
        }
    };
}

page!(with_imbl, imbl);
page!(with_ours, backstory);

same_results! {
    maps_are_made_and_asked_as_with_imbl: making_and_asking, 15;
    maps_are_edited_as_with_imbl: editing, 12;
    versions_are_made_as_with_imbl: versions, 12;
    nested_maps_work_as_with_imbl: nested, 5;
    maps_are_combined_as_with_imbl: combining, 60;
    entries_work_as_with_imbl: entries, 11;
    iterators_work_as_with_imbl: walking, 11;
    conversions_work_as_with_imbl: converting, 12;
    sets_work_as_with_imbl: sets, 55;
}

#[test]
fn generic_code_with_the_bounds_of_imbl_compiles() {
    assert_eq!(with_imbl::generic_code_compiles(), with_ours::generic_code_compiles());
}
