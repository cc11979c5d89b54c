//! Tests of stored links: a test origin, nodes in a table, proves thawing and laziness (L1 to L8).

use super::inner::Note;
use super::node::LEAF_MAX;
use super::store::*;
use super::table::{Image, Table};
use super::tests::{Key, Model, Step, apply, same, steps};
use super::*;
use crate::error::{Error, ErrorKind};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

type Atomic = crate::link::Shared;
type Map = HashMap<u64, u64>;

fn numbers(n: u64) -> Map {
    (0..n).map(|i| (i, i)).collect()
}

fn lazy(table: &Table<u64, u64, Atomic>, map: &Map) -> Map {
    let address = table.commit(map);
    table.open(address, map.len(), &table.origin())
}

/// How many words of the map are stored, not resident.
fn stored_words(map: &Map) -> usize {
    let mut census = Default::default();
    check::census(map.root.link(), &mut census);
    census.get(&crate::link::STORED).copied().unwrap_or(0)
}

#[test]
fn opening_reads_nothing_and_a_lookup_reads_its_path() {
    let table = Table::new();
    let map = lazy(&table, &numbers(100_000));
    assert_eq!(table.loads(), 0);
    assert_eq!(map.get(&77), Some(&77));
    // 100 000 entries: two inner nodes at most above a leaf, no overlays in a collected map.
    assert!(table.loads() <= 4, "{} loads", table.loads());
    let loads = table.loads();
    assert_eq!(map.clone().get(&77), Some(&77));
    assert_eq!(table.loads(), loads, "what is thawed stays so, and clones share it");
    assert_eq!(map.get(&1_000_000), None);
    assert!(table.loads() <= loads + 3);
}

#[test]
fn a_lookup_reads_one_entry_and_an_edit_those_of_its_leaf() {
    let table = Table::<String, u64, Atomic>::new();
    let map: HashMap<String, u64> = (0..10_000).map(|i| (i.to_string(), i)).collect();
    let (address, origin) = (table.commit(&map), table.origin());
    let mut stored: HashMap<String, u64> = table.open(address, map.len(), &origin);
    let mut most = 0;
    for i in 0..100 {
        let values = table.values();
        assert_eq!(stored.get(&i.to_string()), Some(&i));
        most = most.max(table.values() - values);
        let values = table.values();
        assert_eq!(stored.clone().get(&i.to_string()), Some(&i));
        assert_eq!(table.values(), values, "what is there stays, and clones share it");
    }
    // Two of one leaf may have the same tag.
    assert!((1..=2).contains(&most), "{most} entries read");
    assert_eq!(stored.get("none"), None);
    let values = table.values();
    stored.insert("7".into(), 8);
    assert!(table.values() - values < LEAF_MAX as u64);
    // The same through a leaf overlay.
    let edited: HashMap<String, u64> = table.open(table.commit(&stored), map.len(), &origin);
    let values = table.values();
    assert_eq!(edited.get("7"), Some(&8));
    assert!(table.values() - values <= 2);
    assert_eq!(edited.diff(&map).count(), 1);
    edited.assert_invariants();
}

#[test]
fn an_entry_that_cannot_be_read_is_there_once_it_can() {
    let table = Table::<String, u64, Atomic>::new();
    let map: HashMap<String, u64> = (0..10).map(|i| (i.to_string(), i)).collect();
    let mut stored: HashMap<String, u64> = table.open(table.commit(&map), map.len(), &table.origin());
    let some = map.keys().find(|key| stored.try_get(*key).is_ok() && table.values() > 0).unwrap();
    table.fail(true);
    assert_eq!(stored.try_get(some).unwrap(), map.get(some), "read before");
    assert!(map.keys().any(|key| stored.try_get(key).is_err()));
    assert!(stored.try_insert("a".into(), 1).is_err() && stored.try_for_each(|_, _| Ok::<_, Error>(())).is_err());
    table.fail(false);
    assert!(map.keys().all(|key| stored.get(key) == map.get(key)));
    assert_eq!(stored, map);
}

#[test]
fn threads_race_for_the_entries_of_lazy_leaves() {
    for round in 0..40 {
        let n = 200;
        let value = Arc::new(());
        let table = Table::<u64, Arc<()>, Atomic>::new();
        let mut source: HashMap<u64, Arc<()>> = (0..n).map(|i| (i, value.clone())).collect();
        let before = source.clone();
        table.commit(&source);
        (0..n / 9).for_each(|i| _ = source.insert(i * 9, value.clone()));
        let map: HashMap<u64, Arc<()>> = table.open(table.commit(&source), n as usize, &table.origin());
        if round % 2 == 0 {
            table.slow_down()
        }
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (map, mut copy) = (&map, map.clone());
                scope.spawn(move || match (thread, round % 4) {
                    (0, 0) => assert_eq!(map.iter().count(), n as usize),
                    (0, 1) => (0..9).for_each(|i| _ = copy.remove(&(i * 9))),
                    _ => (0..n).for_each(|i| assert!(map.contains_key(&i))),
                });
            }
        });
        map.assert_invariants();
        // Dropped with some of its entries there.
        let some: HashMap<u64, Arc<()>> = table.open(table.commit(&source), n as usize, &table.origin());
        assert!((0..n).step_by(17).all(|i| some.contains_key(&i)));
        drop((map, some, source, before, table));
        assert_eq!(Arc::strong_count(&value), 1, "each entry is dropped once");
    }
}

#[test]
fn an_edit_thaws_its_path_and_a_commit_writes_its_path() {
    let table = Table::new();
    let mut map = lazy(&table, &numbers(100_000));
    let (records, loads) = (table.records(), table.loads());
    map.insert(5, 6);
    assert!(table.loads() - loads <= 4);
    table.commit(&map);
    assert!(table.records() - records <= 4, "{} records", table.records() - records);
    let records = table.records();
    table.commit(&map);
    assert_eq!(table.records(), records, "nothing is written twice");
    map.remove(&5);
    map.insert(5, 7);
    table.commit(&map);
    assert!(table.records() - records <= 4);
    assert_eq!(map.len(), 100_000);
}

#[test]
fn what_a_mutable_walk_changed_is_written_again() {
    let table = Table::<String, u64, Atomic>::new();
    let mut map: HashMap<String, u64> = (0..100).map(|i| (i.to_string(), i)).collect();
    table.commit(&map);
    map.iter_mut().for_each(|(_, v)| *v += 1);
    let address = table.commit(&map);
    let again: HashMap<String, u64> = table.open(address, 100, &table.origin());
    assert!((0..100).all(|i| again.get(&i.to_string()) == Some(&(i + 1))));
    // One that nobody else has, and that is stored: the walk makes its nodes anew.
    let mut again: HashMap<String, u64> = table.open(address, 100, &table.origin());
    again.iter_mut().for_each(|(_, v)| *v += 1);
    let last: HashMap<String, u64> = table.open(table.commit(&again), 100, &table.origin());
    assert!((0..100).all(|i| last.get(&i.to_string()) == Some(&(i + 2))));
}

#[test]
fn comparing_lazy_versions_reads_what_differs() {
    let table = Table::new();
    let map = numbers(100_000);
    let old = table.commit(&map);
    let new = table.commit(&map.update(3, 4));
    let origin = table.origin();
    let (old, new): (Map, Map) = (table.open(old, map.len(), &origin), table.open(new, map.len(), &origin));
    assert!(old != new);
    assert_eq!(old.diff(&new).count(), 1);
    assert!(table.loads() <= 14, "{} loads", table.loads());
    let loads = table.loads();
    let again: Map = table.open(table.commit(&map), map.len(), &origin);
    assert!(old == again && old.ptr_eq(&again));
    assert_eq!(table.loads(), loads, "one address is one version, unread");
    // Against the resident map it was stored from: marks tell.
    assert!(old == map);
    assert!(map.diff(&new).count() == 1);
    assert!(table.loads() <= loads + 8);
}

#[test]
fn set_operations_leave_untouched_subtrees_stored() {
    let table = Table::new();
    let map = numbers(100_000);
    let (a, b) = (map.update(1_000_001, 1), map.update(1_000_002, 2));
    let origin = table.origin();
    let open = |m: &Map| -> Map { table.open(table.commit(m), m.len(), &origin) };
    let (a, b) = (open(&a), open(&b));
    let union = a.clone().union(b.clone());
    assert!(table.loads() <= 20, "{} loads", table.loads());
    assert_eq!((union.len(), union.get(&1_000_001), union.get(&1_000_002)), (100_002, Some(&1), Some(&2)));
    assert!(stored_words(&union) > 50);
    assert_eq!(a.clone().symmetric_difference(b.clone()).len(), 2);
    assert_eq!(a.clone().intersection(b.clone()).len(), 100_000);
    assert_eq!(a.relative_complement(b).len(), 1);
    union.assert_invariants();
}

#[test]
fn mixed_origins_thaw_one_side() {
    let (one, two) = (Table::new(), Table::new());
    let before = count::Event::MixedOrigins.hits();
    let a = lazy(&one, &(0..3000).map(|i| (i, i)).collect());
    let b = lazy(&two, &(2000..6000).map(|i| (i, i)).collect());
    let union = a.clone().union(b.clone());
    assert_eq!(union, (0..6000).map(|i| (i, i)).collect::<Map>());
    union.assert_invariants();
    // Where whole blocks come from either side, leaves of two logs meet under one parent.
    for n in [600, 700, 800, 200_000] {
        let half = |upper: bool| -> Map {
            (0..n).filter(|i| (PortableHash.hash_one(i) >> 63 == 1) == upper).map(|i| (i, i)).collect()
        };
        let union = lazy(&one, &half(false)).union(lazy(&two, &half(true)));
        assert_eq!(union, (0..n).map(|i| (i, i)).collect::<Map>());
        union.assert_invariants();
    }
    assert!(count::Event::MixedOrigins.hits() > before);
}

#[test]
fn a_table_that_fails_leaves_the_map_as_it_was() {
    let table = Table::new();
    let mut map = lazy(&table, &numbers(10_000));
    assert_eq!(map.get(&1), Some(&1));
    table.fail(true);
    let kind = |e: Error| e.kind();
    let missing = (0..10_000).find(|i| map.try_get(i).is_err()).expect("most is stored");
    assert_eq!(map.try_insert(missing, 0).map_err(kind), Err(ErrorKind::Io));
    assert_eq!(map.try_remove(&missing).map_err(kind), Err(ErrorKind::Io));
    assert_eq!(map.thaw_all().map_err(kind), Err(ErrorKind::Io));
    assert_eq!(map.try_for_each(|_, _| Ok::<(), Error>(())).map_err(kind), Err(ErrorKind::Io));
    assert_eq!(map.try_diff(&map.update(1, 5), |_| ()).map_err(kind), Ok(()));
    assert_eq!(map.get(&1), Some(&1));
    let text = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| map.get(&missing).copied())).unwrap_err();
    let text = text.downcast_ref::<String>().unwrap();
    assert!(text.contains("a stored node cannot be read") && text.contains("out of order"), "{text}");
    table.fail(false);
    assert_eq!(map, numbers(10_000));
    map.assert_invariants();
}

#[test]
fn threads_race_to_thaw() {
    for round in 0..20 {
        let table = Table::new();
        let source: HashMap<u64, u64> = numbers(3000);
        let address = table.commit(&source);
        let map: Map = table.open(address, 3000, &table.origin());
        std::thread::scope(|scope| {
            for t in 0..4u64 {
                let mut map = map.clone();
                scope.spawn(move || {
                    let mut x = round * 1000 + t;
                    for _ in 0..2000 {
                        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        let i = (x >> 33) % 3000;
                        match (x >> 20) % 8 {
                            0 => drop(map.insert(i, i)),
                            1 => {
                                assert_eq!(map.remove(&i), Some(i));
                                map.insert(i, i);
                            }
                            2 => assert!(map.iter().take(50).count() == 50),
                            _ => assert_eq!(map.get(&i), Some(&i)),
                        }
                    }
                    assert_eq!(map.len(), 3000);
                });
            }
        });
        assert_eq!(map, source);
        map.assert_invariants();
    }
}

#[test]
fn threads_that_thaw_one_block_at_once_end_with_one_node() {
    for n in [40, 100, 400u64] {
        // On a busy machine threads may run one after the other: on until they have met often enough.
        let (mut rounds, mut races) = (0, 0);
        while races < 10 {
            rounds += 1;
            assert!(rounds < 500, "only {races} races in {rounds} rounds");
            let value = Arc::new(());
            let table = Table::<u64, Arc<()>, Atomic>::new();
            let source: HashMap<u64, Arc<()>> = (0..n).map(|i| (i, value.clone())).collect();
            let map: HashMap<u64, Arc<()>> = table.open(table.commit(&source), n as usize, &table.origin());
            table.slow_down();
            let start = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        (0..n).for_each(|i| assert!(map.contains_key(&i)))
                    });
                }
            });
            map.assert_invariants();
            assert_eq!(map, source);
            races += (table.loads() > table.records() as u64) as u32;
            drop((map, source, table));
            assert_eq!(Arc::strong_count(&value), 1, "what the slower threads loaded is dropped");
        }
    }
}

#[test]
fn a_copy_that_races_a_thaw_counts_what_it_holds() {
    for round in 0..60 {
        let n = 900;
        let value = Arc::new(());
        let table = Table::<u64, Arc<()>, Atomic>::new();
        let source: HashMap<u64, Arc<()>> = (0..n).map(|i| (i, value.clone())).collect();
        let map: HashMap<u64, Arc<()>> = table.open(table.commit(&source), n as usize, &table.origin());
        assert!(map.contains_key(&0), "the root is resident, most below it is not");
        std::thread::scope(|scope| {
            scope.spawn(|| (0..n).for_each(|i| assert!(map.contains_key(&i))));
            for _ in 0..2 {
                let mut copy = map.clone();
                scope.spawn(move || {
                    copy.iter_mut().take(round).for_each(|(_, v)| drop(v.clone()));
                    copy.remove(&(round as u64));
                    assert_eq!(copy.len(), n as usize - 1);
                    copy.assert_invariants();
                });
            }
        });
        map.assert_invariants();
        drop((map, source, table));
        assert_eq!(Arc::strong_count(&value), 1);
    }
}

/// The model test, with the map stored and opened again between steps, in two tables in turn.
fn run_stored<K: Key + Send + Sync + 'static, S: BuildHasher + Clone + Default>(steps: &[Step]) {
    let tables: [Table<K, u64, Atomic>; 2] = [Table::new(), Table::new()];
    let origins = [tables[0].origin(), tables[1].origin()];
    let mut map: GenericHashMap<K, u64, S, ArcTK> = Default::default();
    let mut model = Model::new();
    let mut kept = vec![(map.clone(), model.clone())];
    for (n, step) in steps.iter().enumerate() {
        apply(step, &mut map, &mut model, &mut kept);
        if matches!(step, Step::Keep) {
            let i = n / 7 % 2;
            let address = tables[i].commit(&map);
            let stored = tables[i].open(address, map.len(), &origins[i]);
            assert!(stored == map);
            // One copy is read whole, another goes on unread but for some entries.
            (0..20_000).step_by(97).map(K::of).for_each(|key| assert_eq!(stored.get(&key), model.get(&key)));
            let whole: GenericHashMap<K, u64, S, ArcTK> = tables[i].open(address, map.len(), &origins[i]);
            same(&whole, &model);
            kept.pop();
            kept.push((stored.clone(), model.clone()));
            map = stored
        }
    }
    for (map, model) in &kept {
        same(map, model)
    }
    same(&map, &model);
}

proptest! {
    #![proptest_config(super::tests::cases())]
    #[test]
    fn stored_maps_behave_as_in_std(steps in steps()) {
        run_stored::<String, PortableHash>(&steps)
    }

    #[test]
    fn stored_maps_with_collisions_behave_as_in_std(steps in steps()) {
        run_stored::<u64, super::tests::Cut<4, 0>>(&steps)
    }
}

/// A hundred of each: a suite that never splits, merges or thaws proves nothing about it.
#[test]
fn set_operations_of_a_small_map_and_a_large_one_read_paths() {
    let table = Table::new();
    let (small, large) = (numbers(12).update(1_000_000, 1), numbers(100_000));
    let open = || lazy(&table, &large);
    let before = table.loads();
    let mut runs = 0;
    let mut check = |len: usize, wanted: usize| {
        runs += 1;
        assert_eq!(len, wanted, "run {runs}");
        assert!(table.loads() - before <= runs * 13 * 4, "run {runs}: {} loads", table.loads() - before);
    };
    check(small.is_submap(open()) as usize, 0);
    check(small.without(&1_000_000).is_submap(open()) as usize, 1);
    check(open().is_submap(&small) as usize, 0);
    check(small.clone().union(open()).len(), 100_001);
    check(open().union(small.clone()).len(), 100_001);
    check(small.clone().intersection(open()).len(), 12);
    check(open().intersection(small.clone()).len(), 12);
    check(small.clone().relative_complement(open()).len(), 1);
    check(open().relative_complement(small.clone()).len(), 99_988);
    check(small.clone().symmetric_difference(open()).len(), 99_989);
    check(open().symmetric_difference(small.clone()).len(), 99_989);
    check(open().union_with(small.clone(), |a, b| a + b).len(), 100_001);
}

/// A set operation reads the blocks of its sides once: what another thread thaws meanwhile does not count as changed.
#[test]
fn a_set_operation_that_races_a_thaw_has_room_for_its_overrides() {
    let n = 1000;
    for round in 0..600 {
        let table = Table::new();
        let (less, extra) = (numbers(n), 1 + round % 4);
        let more = (0..extra).fold(less.clone(), |map, i| map.update(1_000_001 + i, 1));
        let origin = table.origin();
        let open = |map: &Map| -> Map { table.open(table.commit(map), map.len(), &origin) };
        let (a, b) = (open(&less), open(&more));
        // The paths of what differs, so that the set operation itself thaws little.
        (0..extra).for_each(|i| assert!(!a.contains_key(&(1_000_001 + i)) && b.contains_key(&(1_000_001 + i))));
        let waiting = AtomicU64::new(2);
        let wait = || {
            waiting.fetch_sub(1, Relaxed);
            while waiting.load(Relaxed) > 0 {
                std::hint::spin_loop()
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                wait();
                (0..n).for_each(|i| assert!(a.contains_key(&i)))
            });
            scope.spawn(|| {
                let (x, y) = (a.clone(), b.clone());
                wait();
                (0..round % 400).for_each(|_| std::hint::spin_loop());
                assert_eq!(x.union(y).len() as u64, n + extra)
            });
        });
    }
}

/// A map as its records say after `harm` was done to each of them.
fn harmed(n: u64, harm: impl FnMut(&mut Image<u64, u64>)) -> Map {
    let table = Table::new();
    let map = lazy(&table, &numbers(n));
    table.harm(harm);
    map
}

#[test]
fn records_that_do_not_fit_the_links_to_them_are_corrupt() {
    let is_corrupt = |mut map: Map, what: &str| {
        let kind = |e: Error| e.kind();
        assert_eq!(map.try_for_each(|_, _| Ok(())).map_err(kind), Err(ErrorKind::Corrupt), "{what}");
        let found = (0..3000).find_map(|i| map.try_remove(&i).err());
        assert_eq!(found.map(kind), Some(ErrorKind::Corrupt), "{what}");
    };
    let each_note = |image: &mut Image<u64, u64>, harm: fn(&mut Note)| {
        for link in &mut image.links {
            let mut note = link.note();
            harm(&mut note);
            *link = StoredLink::new(link.address, link.first(), note)
        }
    };
    let each_link = |n, harm: fn(&mut Note)| harmed(n, |image| each_note(image, harm));
    is_corrupt(each_link(100, |note| note.len = note.len.min(1)), "a leaf longer than its link says");
    is_corrupt(each_link(3000, |note| note.len = note.len.max(1)), "a divided node called a leaf");
    let wide = harmed(3000, |image| {
        if image.links.iter().any(|link| link.note().len == 0) {
            image.links.retain(|link| link.first() % 2 == 0);
            each_note(image, |note| note.depth -= 1)
        }
    });
    is_corrupt(wide, "a divided node in two slots");
    let twice = harmed(3000, |image| {
        if let [a, b, ..] = &mut image.links[..] {
            *b = StoredLink::new(a.address, b.first(), a.note())
        }
    });
    is_corrupt(twice, "one child in two blocks");
}

#[test]
fn every_transition_is_taken_a_hundred_times() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    mixed_origins_thaw_one_side();
    mixed_origins_thaw_one_side();
    // By itself, whatever other tests run in this process: 120 rounds give more than that of the rarest.
    for round in 0..120 {
        let steps = steps().new_tree(&mut runner).expect("no filter").current();
        match round % 4 {
            0 => run_stored::<String, PortableHash>(&steps),
            1 => run_stored::<u64, super::tests::Cut<2, 3>>(&steps),
            2 => super::tests::run::<u64, super::tests::Cut<4, 0>, ArcTK>(&steps),
            _ => super::tests::run::<u64, super::tests::Cut<13, 9>, ArcTK>(&steps),
        }
    }
    let hits = count::Event::EACH.map(|event| (event, event.hits()));
    println!("{hits:?}");
    for (event, hits) in hits {
        assert!(hits >= 100, "{event:?} was hit {hits} times");
    }
}

#[test]
fn an_edit_of_a_map_that_says_it_is_empty_counts_down_to_nothing_and_no_further() {
    let table = Table::new();
    let mut map: Map = table.open(table.commit(&numbers(100)), 0, &table.origin());
    assert_eq!((map.without(&1).len(), map.remove(&1), map.len()), (0, Some(1), 0));
    // In place, in one leaf and in two that become one.
    assert!((2..100).all(|i| map.remove(&i) == Some(i) && map.is_empty()))
}

#[test]
fn what_is_stored_in_another_log_is_written_once() {
    let (one, other) = (Table::<u64, u64, crate::link::Shared>::new(), Table::new());
    let mut map: HashMap<u64, u64> = (0..20_000).map(|k| (k, k)).collect();
    map = one.open(one.commit(&map), map.len(), &one.origin());
    other.commit(&map);
    for k in 0..20 {
        map.insert(k * 999, 1);
        let before = other.records();
        other.commit(&map);
        assert!(other.records() - before <= 8, "{} records", other.records() - before)
    }
}
