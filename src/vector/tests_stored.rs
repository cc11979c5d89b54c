//! Tests of stored vectors: a test origin, nodes in a table, proves thawing and laziness (L1 to L8) and splices.

use super::count::Event;
use super::ends::Ends;
use super::store::*;
use super::table::{Image, Table};
use super::tests::{Element, Run, Step, cases, run, same, same_differences, steps};
use super::*;
use crate::error::{Error, ErrorKind};
use archery::RcK;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

type Atomic = crate::link::Shared;

fn numbers(n: u64) -> Vector<u64> {
    (0..n).collect()
}

/// As `numbers`, but of leaves that are not full. Has a head and a tail.
fn relaxed(n: u64) -> Vector<u64> {
    let inner = 1..n - n.min(20);
    let mut vector: Vector<u64> = inner.clone().filter(|i| i % 7 != 0).collect();
    inner.clone().filter(|i| i % 7 == 0).for_each(|i| vector.insert(i as usize - 1, i));
    vector.push_front(0);
    vector.extend(inner.end.max(1)..n);
    vector
}

#[test]
fn opening_reads_nothing_and_a_lookup_reads_its_path() {
    for source in [numbers(1_000_000), relaxed(100_000)] {
        let table = Table::new();
        let vector: Vector<u64> = table.lazy(&source, &table.origin());
        assert_eq!((table.loads(), vector.len()), (0, source.len()));
        assert_eq!(vector.get(777), Some(&777));
        // Root, at most four inner nodes, a leaf.
        assert!(table.loads() <= 6, "{} loads", table.loads());
        let loads = table.loads();
        assert_eq!(vector.clone().get(777), Some(&777));
        assert_eq!(table.loads(), loads, "what is thawed stays so, and clones share it");
        assert_eq!(vector.back().copied(), Some(source.len() as u64 - 1));
        assert_eq!(table.loads(), loads + 1, "the tail");
    }
}

#[test]
fn an_edit_thaws_its_path_and_a_commit_writes_its_path() {
    for source in [numbers(1_000_010), relaxed(100_000)] {
        let table = Table::new();
        let mut vector: Vector<u64> = table.lazy(&source, &table.origin());
        let (records, elements) = (table.records(), table.elements());
        vector.insert(5000, 1);
        assert!(table.loads() <= 6, "{} loads", table.loads());
        table.commit(&vector);
        // Where all is full a leaf and all above it are split.
        assert!(table.records() - records <= 9, "{} records", table.records() - records);
        assert!(table.elements() - elements <= 65, "two halves of a leaf");
        let records = table.records();
        table.commit(&vector);
        assert_eq!(table.records(), records, "nothing is written twice");
        let loads = table.loads();
        vector.push_back(1);
        assert_eq!(table.loads(), loads + 1, "the tail");
        table.commit(&vector);
        assert!(table.records() - records <= 2, "the spine, and a splice of the tail");
        vector.remove(5000);
        assert_eq!(vector.pop_back(), Some(1));
        assert!(vector == source);
        vector.assert_invariants()
    }
}

#[test]
fn a_run_of_edits_writes_little_more_than_what_is_new() {
    let table = Table::<u64, Atomic>::new();
    let mut vector = relaxed(100_000);
    table.commit(&vector);
    let mut most = 0;
    let (records, elements) = (table.records(), table.elements());
    for i in 0..1000 {
        let before = table.elements();
        vector.insert(50_000 + i, i as u64);
        table.commit(&vector);
        most = most.max(table.elements() - before)
    }
    let (records, elements) = (table.records() - records, table.elements() - elements);
    assert!(most <= 130 && elements <= 20_000, "{elements} elements in 1000 versions, at most {most}");
    assert!(records <= 5500, "{records} records in 1000 versions");
    // At the end too, and in front.
    let (records, elements) = (table.records(), table.elements());
    for i in 0..1000 {
        if i % 2 == 0 {
            vector.push_back(i)
        } else {
            vector.push_front(i)
        }
        table.commit(&vector);
    }
    let (records, elements) = (table.records() - records, table.elements() - elements);
    assert!(elements <= 20_000 && records <= 3500, "{elements} elements in {records} records for 1000 pushes");
    let again: Vector<u64> = table.lazy(&vector, &table.origin());
    assert!(again.iter().eq(&vector));
}

#[test]
fn versions_of_one_tail_are_stored_each_as_long_as_it_is() {
    for n in [3, 1000] {
        let table = Table::<u64, Atomic>::new();
        let origin = table.origin();
        let base = numbers(n);
        let mut versions = vec![base.clone()];
        for i in 0..40 {
            let mut next = versions[i].clone();
            if i % 2 == 0 {
                next.push_back(n + i as u64)
            } else {
                next.push_front(i as u64)
            }
            versions.push(next)
        }
        // Two that grew from one, and one that was cut.
        for i in [3, 20] {
            let mut other = versions[i].clone();
            other.push_back(1_000_000);
            let mut less = versions[i].clone();
            (0..3).for_each(|_| assert!(less.pop_back().is_some()));
            versions.extend([other, less])
        }
        for backwards in [false, true] {
            let at_once = Table::<u64, Atomic>::new();
            let mut all: Vec<&Vector<u64>> = versions.iter().collect();
            if backwards {
                all.reverse()
            }
            let roots = at_once.commit_all(all.iter().copied());
            for (version, root) in all.iter().zip(roots) {
                let again: Vector<u64> = at_once.open(root, version.body.ends, &at_once.origin());
                assert!(again.iter().eq(*version), "{} elements, all versions in one commit", version.len())
            }
        }
        // Neither first to last nor last to first.
        let places = (0..versions.len()).map(|i| i * 7 % versions.len());
        let stored: Vec<Vector<u64>> = places.clone().map(|i| table.lazy(&versions[i], &origin)).collect();
        let records = table.records();
        for (i, stored) in places.zip(&stored) {
            assert!(versions[i] == *stored && stored.iter().eq(&versions[i]), "version {i}");
            assert_eq!(table.commit(&versions[i]).is_some(), !versions[i].is_empty());
            stored.assert_invariants();
        }
        assert!(table.records() - records <= versions.len(), "little is written twice");
    }
}

#[test]
fn comparing_lazy_versions_reads_what_differs() {
    let table = Table::new();
    let source = relaxed(100_000);
    let mut changed = source.clone();
    changed.set(30_000, 1);
    changed.insert(60_000, 2);
    let origin = table.origin();
    let (old, new): (Vector<u64>, Vector<u64>) = (table.lazy(&source, &origin), table.lazy(&changed, &origin));
    assert!(old != new);
    let splices: Vec<Splice> = old.diff(&new).collect();
    assert_eq!(
        splices,
        [Splice { old: 30_000..30_001, new: 30_000..30_001 }, Splice { old: 60_000..60_000, new: 60_000..60_001 }]
    );
    assert!(table.loads() <= 30, "{} loads", table.loads());
    let loads = table.loads();
    let again: Vector<u64> = table.lazy(&source, &origin);
    assert!(old == again && old.ptr_eq(&again) && !old.ptr_eq(&new));
    assert_eq!(table.loads(), loads, "one address is one version, unread");
    // Against the resident vector it was stored from: marks tell.
    assert!(again == source && again.ptr_eq(&source));
    assert_eq!(source.diff(&new).count(), 2);
    assert!(table.loads() <= loads + 30);
}

/// A push to a leaf that has something in common with its base at that very end.
#[test]
fn what_is_pushed_is_not_in_common_with_a_base() {
    for side in [Side::Front, Side::Back] {
        let table = Table::<u64, Atomic>::new();
        let mut vector = numbers(1000);
        (0..40).for_each(|i| vector.body.push(side, i).unwrap());
        table.commit(&vector);
        vector.set(if side == Side::Front { 20 } else { 1019 }, 1_000_000);
        (0..3).for_each(|i| vector.body.push(side, i).unwrap());
        let again: Vector<u64> = table.lazy(&vector, &table.origin());
        assert!(again.iter().eq(&vector), "{side:?}")
    }
}

/// One edit to each leaf in turn.
#[test]
fn a_node_that_was_written_whole_is_the_base_of_the_next_splices() {
    let table = Table::<u64, Atomic>::new();
    let mut vector = relaxed(100_000);
    table.commit(&vector);
    let links = table.links();
    for i in 0..1000 {
        vector.set(20_000 + i * 50, 1);
        table.commit(&vector);
    }
    // Of a node of 32 children 1, 2, .., 7 are written, and then all.
    let links = table.links() - links;
    assert!(links <= 16_000, "{links} links in 1000 versions")
}

/// A leaf that only one version has, and more elements of it than that sees, of a version that is gone.
#[test]
fn what_is_no_longer_seen_is_not_in_common_with_a_base() {
    for side in [Side::Front, Side::Back] {
        let table = Table::<u64, Atomic>::new();
        let mut vector = numbers(1000);
        (0..60).for_each(|i| vector.body.push(side, i).unwrap());
        table.commit(&vector);
        let at = |i: usize, len: usize| if side == Side::Front { i } else { len - 1 - i };
        vector.set(at(20, 1060), 1_000_000);
        let kept = vector.clone();
        let popped: Vec<u64> = (0..3).map(|_| vector.body.pop(side).unwrap()).collect();
        assert_eq!(popped, [59, 58, 57]);
        drop(kept);
        vector.set(at(16, 1057), 1_000_001);
        let again: Vector<u64> = table.lazy(&vector, &table.origin());
        assert!(again.iter().eq(&vector), "{side:?}")
    }
}

#[test]
fn versions_that_grew_apart_from_one_stored_tail_differ() {
    let table = Table::<u64, Atomic>::new();
    for n in [10, 1000] {
        let mut resident = numbers(n);
        resident.push_back(0);
        let mut lazy: Vector<u64> = table.lazy(&resident, &table.origin());
        assert!(lazy == resident);
        resident.push_back(1);
        lazy.push_back(2);
        assert!(lazy != resident && !lazy.ptr_eq(&resident));
        assert_eq!(lazy.diff(&resident).count(), 1);
        let again: Vector<u64> = table.lazy(&resident, &table.origin());
        assert_eq!((again.back(), lazy.back()), (Some(&1), Some(&2)));
    }
}

#[test]
fn cuts_and_joins_leave_what_they_do_not_touch_stored() {
    let (one, two) = (Table::new(), Table::new());
    let before = Event::MixedOrigins.hits();
    let (a, b) = (relaxed(100_000), relaxed(70_000));
    for (x, y) in [(&one, &one), (&one, &two)] {
        let (mut left, right): (Vector<u64>, Vector<u64>) = (x.lazy(&a, &x.origin()), y.lazy(&b, &y.origin()));
        let loads = one.loads() + two.loads();
        left.append(right);
        let mut end = left.split_off(90_000);
        let middle = end.slice(1000..2000);
        assert!(one.loads() + two.loads() - loads <= 250, "{} loads", one.loads() + two.loads() - loads);
        let whole: Vec<u64> = (0..100_000).chain(0..70_000).collect();
        assert!(left.iter().eq(&whole[..90_000]) && middle.iter().eq(&whole[91_000..92_000]));
        assert!(end.iter().eq(whole[90_000..91_000].iter().chain(&whole[92_000..])));
        left.assert_invariants();
        middle.assert_invariants();
        end.assert_invariants();
        let again: Vector<u64> = one.lazy(&end, &one.origin());
        assert!(again == end);
    }
    assert!(Event::MixedOrigins.hits() > before);
}

#[test]
fn what_a_mutable_walk_changed_is_written_again() {
    for n in [10, 50_000] {
        let table = Table::<u64, Atomic>::new();
        let origin = table.origin();
        let mut vector = relaxed(n);
        table.commit(&vector);
        vector.iter_mut().for_each(|x| *x += 1);
        let mut again: Vector<u64> = table.lazy(&vector, &origin);
        assert!(again.iter().copied().eq(1..=n));
        again.focus_mut().set(n as usize / 2, 0);
        let (left, right) = again.focus_mut().split_at(n as usize / 3);
        for mut part in [left, right] {
            (0..part.len()).step_by(10).for_each(|i| *part.index_mut(i) += 1)
        }
        let last: Vector<u64> = table.lazy(&again, &origin);
        assert!(last.iter().eq(&again));
        again.assert_invariants()
    }
}

#[test]
fn threads_race_to_thaw_and_to_commit() {
    for round in 0..20 {
        let (table, other) = (Table::<u64, Atomic>::new(), Table::<u64, Atomic>::new());
        let source = relaxed(5000);
        let vector: Vector<u64> = table.lazy(&source, &table.origin());
        std::thread::scope(|scope| {
            for t in 0..4u64 {
                let (mut vector, table, other) = (vector.clone(), &table, &other);
                scope.spawn(move || {
                    let mut x = round * 1000 + t;
                    for i in 0..300 {
                        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        let at = (x >> 33) as usize % vector.len();
                        match (x >> 20) % 8 {
                            0 => vector.insert(at, 7),
                            1 => drop(vector.remove(at)),
                            2 => vector.push_back(i),
                            3 => assert!(vector.iter().skip(at).take(50).count() <= 50),
                            // Commits of versions that share nodes, to two logs at once.
                            4 => {
                                let log = if t % 2 == 0 { table } else { other };
                                let again: Vector<u64> = log.lazy(&vector, &log.origin());
                                assert!(again.iter().eq(&vector))
                            }
                            _ => assert!(vector.get(at).is_some()),
                        }
                    }
                    vector.assert_invariants()
                });
            }
        });
        assert!(vector == source);
        vector.assert_invariants()
    }
}

/// The model test, with versions stored, and opened again, between steps, in two tables in turn.
fn run_stored<A: Element + Send + Sync + 'static, P: Kind>(steps: &[Step]) {
    let tables: [Table<A, P::Count>; 2] = [Table::new(), Table::new()];
    let origins = [tables[0].origin(), tables[1].origin()];
    let mut run = Run::<A, P>::new();
    for (n, step) in steps.iter().enumerate() {
        run.apply(step);
        if n % 2 == 0 || matches!(step, Step::Keep) {
            let (i, goes_on_unread) = (n / 7 % 2, n % 6 == 0);
            let address = tables[i].commit(&run.vector);
            let records = tables[i].records();
            assert_eq!(tables[i].commit(&run.vector), address);
            assert_eq!(tables[i].records(), records, "nothing is written twice");
            let whole: GenericVector<A, P> = tables[i].open(address, run.vector.body.ends, &origins[i]);
            assert!(whole == run.vector);
            same(&whole, &run.model);
            if goes_on_unread {
                run.vector = tables[i].open(address, run.vector.body.ends, &origins[i])
            }
        }
    }
    same_differences((&run.vector, &run.model), (&run.vector, &run.model));
    for (vector, model) in &run.kept {
        same_differences((vector, model), (&run.vector, &run.model));
        same(vector, model)
    }
    same(&run.vector, &run.model)
}

proptest! {
    #![proptest_config(cases())]
    #[test]
    fn stored_vectors_behave_as_in_std(steps in steps()) {
        run_stored::<u64, ArcTK>(&steps)
    }

    #[test]
    fn stored_vectors_of_large_elements_behave_as_in_std(steps in steps()) {
        run_stored::<[u64; 40], RcK>(&steps)
    }

    #[test]
    fn stored_vectors_of_bytes_behave_as_in_std(steps in steps()) {
        run_stored::<u8, RcK>(&steps)
    }
}

/// A vector as its records say after `harm` was done to each of them.
fn harmed(n: u64, harm: impl FnMut(&mut Image<u64>)) -> Vector<u64> {
    let table = Table::new();
    let vector = table.lazy(&relaxed(n), &table.origin());
    table.harm(harm);
    vector
}

#[test]
fn records_that_do_not_fit_the_links_to_them_are_corrupt() {
    let is_corrupt = |vector: Vector<u64>, what: &str| {
        let found = (0..vector.len()).find_map(|i| vector.try_get(i).err()).map(|e| e.kind());
        assert_eq!(found, Some(ErrorKind::Corrupt), "{what}");
        let text = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| vector.clone().sort())).unwrap_err();
        assert!(text.downcast_ref::<String>().unwrap().contains("vector node"), "{what}");
    };
    let each_leaf = |harm: fn(&mut Vec<u64>)| {
        harmed(5000, |image| {
            if let Image::Leaf { elements, .. } = image {
                harm(elements)
            }
        })
    };
    is_corrupt(each_leaf(|elements| elements.truncate(elements.len() - 1)), "leaves that are too short");
    is_corrupt(each_leaf(|elements| elements.clear()), "leaves without elements");
    is_corrupt(each_leaf(|elements| elements.extend(0..100)), "leaves that are too long");
    let each_inner = |harm: fn(&mut u32, &mut Vec<StoredLink>)| {
        harmed(5000, |image| {
            if let Image::Inner { level, links, .. } = image {
                harm(level, links)
            }
        })
    };
    is_corrupt(each_inner(|level, _| *level += 1), "a level too many");
    is_corrupt(each_inner(|level, _| *level = 77), "a level that no tree has");
    is_corrupt(each_inner(|_, links| links.clear()), "no children");
    is_corrupt(each_inner(|_, links| *links = links.repeat(20)), "too many children");
    is_corrupt(each_inner(|_, links| links[0].len -= 1), "a child that is shorter than it is");
    is_corrupt(each_inner(|_, links| links[0].len = 0), "an empty child");
    is_corrupt(each_inner(|_, links| links[0].len = usize::MAX), "a child that is longer than can be");
    is_corrupt(each_inner(|_, links| links[0].address = links[1].address), "one child for another");
    let each_spine = |harm: fn(&mut SpineParts)| {
        harmed(5000, |image| {
            if let Image::Spine(spine) = image {
                harm(spine)
            }
        })
    };
    is_corrupt(each_spine(|spine| spine.level = 99), "a tree that is too high");
    is_corrupt(each_spine(|spine| spine.level -= 1), "a tree that is higher than is said");
    is_corrupt(each_spine(|spine| spine.head_end = 77_777), "a head that ends behind its leaf");
    is_corrupt(each_spine(|spine| spine.head = None), "a missing head");
    is_corrupt(each_spine(|spine| spine.tree = None), "a missing tree");
    is_corrupt(each_spine(|spine| spine.tail = None), "a missing tail");
    is_corrupt(each_spine(|spine| spine.tail = spine.tree), "a tree for a tail");
    is_corrupt(each_spine(|spine| spine.tree = spine.tail), "a tail for a tree");
}

/// A hundred of each: a suite that never splits, merges or thaws proves nothing about it.
#[test]
fn every_transition_is_taken_a_hundred_times() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..300 {
        let steps = steps().new_tree(&mut runner).expect("a case").current();
        run::<u64, ArcTK>(&steps);
        run::<[u64; 40], RcK>(&steps);
        run_stored::<[u64; 40], RcK>(&steps)
    }
    for event in Event::EACH {
        println!("{event:?} {}", event.hits());
        assert!(event.hits() >= 100, "{event:?} was taken {} times", event.hits())
    }
}

#[test]
fn what_is_not_looked_at_stays_stored() {
    let table = Table::<u64, Atomic>::new();
    let mut vector: Vector<u64> = table.lazy(&numbers(100_000), &table.origin());
    vector.set(50_000, 1);
    let stored = vector.stored_links();
    // A strict tree of 1562 leaves in 49 nodes in two nodes: on each level all but one; and the tail.
    assert_eq!(stored, 1 + 31 + 31 + 1);
    vector.assert_invariants();
    assert_eq!(vector.stored_links(), 0)
}

/// Two commits of nodes that have a base, the first to begin being the last to finish: what is marked then is what was
/// written, and can be the base of more.
#[test]
fn commits_that_overlap_mark_what_they_wrote() {
    let ours = Table::<u64, Atomic>::new();
    let other = Table::<u64, Atomic>::new();
    let check = |vector: &Vector<u64>| {
        for i in [10, 501] {
            let mut edited = vector.clone();
            if i < edited.len() {
                edited.set(i, 8);
            }
            for table in [&ours, &other] {
                let again: Vector<u64> = table.lazy(&edited, &table.origin());
                again.try_for_each(|_| Ok::<(), Error>(())).expect("readable");
                assert!(again.iter().eq(&edited))
            }
        }
    };
    for elsewhere in [&ours, &other] {
        // One version: a splice, and whole in another log.
        let mut vector = numbers(1000);
        ours.commit(&vector);
        vector.set(500, 7);
        // Two versions of one leaf: of one a splice, the other is better whole.
        let mut short = numbers(41);
        ours.commit(&short);
        short.set(38, 7);
        short.set(40, 7);
        let mut long = short.clone();
        long.extend(0..7);
        let mut first = ours.begin();
        first.write(&vector);
        first.write(&short);
        let mut second = elsewhere.begin();
        second.write(&vector);
        second.write(&long);
        second.finish();
        first.finish();
        [&vector, &short, &long].into_iter().for_each(check)
    }
}

/// A version that sees nothing of the leaves at its ends is the stored one that sees them all, and none of its edits
/// reads them.
#[test]
fn ends_of_which_nothing_is_seen_are_not_read() {
    let table = Table::new();
    let all = relaxed(10_000);
    let address = table.commit(&all);
    let (head, tail) = (all.body.ends.head(), all.body.tail_len());
    assert!(head > 0 && tail > 0);
    let inner = head as u64..10_000 - tail as u64;
    let ends = Ends::new(10_000 - head - tail, 0);
    type Edit = fn(&mut Vector<u64>);
    let edits: [(Edit, u64); 6] = [
        (|v| v.push_back(1), 2),
        (|v| v.push_front(1), 2),
        (|v| v.insert(5000, 1), 9),
        (|v| *v = v.split_off(5000), 9),
        (|v| v.append(numbers(1000)), 12),
        (|v| _ = v.pop_back(), 9),
    ];
    for (edit, most) in edits {
        let mut vector: Vector<u64> = table.open(address, ends, &table.origin());
        let mut same: Vector<u64> = inner.clone().collect();
        let loads = table.loads();
        edit(&mut vector);
        assert!(table.loads() - loads <= most, "{} loads", table.loads() - loads);
        edit(&mut same);
        assert_eq!(vector, same);
        vector.clone().assert_invariants();
        vector.push_back(7);
        vector.push_front(7);
        assert!(vector.iter().eq([7].iter().chain(&same).chain(&[7])));
        vector.assert_invariants();
        let again: Vector<u64> = table.lazy(&vector, &table.origin());
        assert_eq!(again, vector)
    }
}

#[test]
fn what_is_stored_in_another_log_is_written_once() {
    let (one, other) = (Table::<u64, Atomic>::new(), Table::new());
    let mut vector: Vector<u64> = one.lazy(&numbers(100_000), &one.origin());
    other.commit(&vector);
    for i in 0..20 {
        vector.set(i * 4999, 1);
        let before = other.elements();
        other.commit(&vector);
        assert_eq!(other.elements() - before, 1)
    }
}
