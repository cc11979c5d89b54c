//! Edits of stored vectors of which the k-th read fails: the vector is as it was, and goes on working.

use super::edge::edge_leaf_len;
use super::node::{Rrb, WIDTH};
use super::spine::Spine;
use super::table::Table;
use super::tests::{Element, Run, steps};
use super::*;
use crate::error::{Error, ErrorKind};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

type Atomic = crate::link::Shared;

fn numbers(n: u64) -> Vector<u64> {
    (0..n).collect()
}

/// Numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// An edit of a vector and of its model. `i <= j` are places in it, and there are elements to put in.
type Edit<A> = fn(&mut Vector<A>, &mut Vec<A>, (usize, usize), &Vector<A>);

fn edits<A: Element>() -> Vec<Edit<A>> {
    vec![
        |v, m, _, new| {
            v.push_back(new[0].clone());
            m.push(new[0].clone())
        },
        |v, m, _, new| {
            v.push_front(new[0].clone());
            m.insert(0, new[0].clone())
        },
        |v, m, _, _| assert_eq!(v.pop_back(), m.pop()),
        |v, m, _, _| assert_eq!(v.pop_front(), Some(m.remove(0))),
        |v, m, (i, _), new| {
            v.insert(i, new[0].clone());
            m.insert(i, new[0].clone())
        },
        |v, m, (i, _), _| assert_eq!(v.remove(i), m.remove(i)),
        |v, m, (i, _), new| {
            v.set(i, new[0].clone());
            m[i] = new[0].clone()
        },
        |v, m, (i, j), new| {
            v.splice(i..j, new.take(3));
            m.splice(i..j, new.take(3));
        },
        |v, m, (i, _), _| {
            v.truncate(i);
            m.truncate(i)
        },
        |v, m, (i, _), _| {
            *v = v.split_off(i);
            *m = m.split_off(i)
        },
        |v, m, (i, j), _| {
            drop(v.slice(i..j));
            m.drain(i..j);
        },
        |v, m, _, new| {
            v.append(new.clone());
            m.extend(new.iter().cloned())
        },
        |v, m, (i, j), _| {
            v.swap(i, j);
            m.swap(i, j)
        },
        |v, m, _, _| {
            v.sort();
            m.sort()
        },
        |v, m, (i, _), _| {
            // About half; or few, if the first is kept.
            let mut n = [i, i];
            let keeps = |n: &mut usize| {
                *n += 1;
                !n.is_multiple_of(if i.is_multiple_of(2) { 3 } else { 500 })
            };
            let [of_vector, of_model] = &mut n;
            v.retain(|_| keeps(of_vector));
            m.retain(|_| keeps(of_model))
        },
        |v, m, (i, j), new| {
            let (mut left, mut right) = v.focus_mut().narrow(i..).split_at(j - i);
            left.set(0, new[0].clone());
            right.set(0, new[1].clone());
            if i < j {
                m[i] = new[0].clone()
            }
            m[j] = new[1].clone()
        },
    ]
}

/// How often an edit failed.
fn fails<A: Element + Send + Sync + 'static>(seed: u64) -> usize {
    let (mut random, mut failed) = (Random(seed), 0);
    let table = Table::<A, Atomic>::new();
    let lazy = |vector: &Vector<A>| -> Vector<A> { table.lazy(vector, &table.origin()) };
    let mut source = Run::new();
    let new: Vector<A> = (0..1200).map(A::of).collect();
    let mut runner = TestRunner::deterministic();
    let some = std::iter::repeat_with(|| steps().new_tree(&mut runner).expect("steps").current());
    for step in some.flatten().take(120) {
        source.apply(&step);
        let Run { vector, model, .. } = &source;
        if model.len() < 3 {
            continue;
        }
        for edit in edits::<A>() {
            let (mut vector, mut changed) = (lazy(vector), model.clone());
            for _ in 0..random.below(4) {
                assert!(vector.get(random.below(model.len())).is_some())
            }
            let places = [(); 2].map(|()| random.below(model.len()));
            let places = (places[0].min(places[1]), places[0].max(places[1]));
            table.fail_after(Some(random.below(12) as u64));
            let result = catch_unwind(AssertUnwindSafe(|| edit(&mut vector, &mut changed, places, &new)));
            table.fail_after(None);
            let model = if result.is_ok() { &changed } else { model };
            failed += result.is_err() as usize;
            vector.assert_all_but_v4();
            assert!(vector.iter().eq(model), "edit at {places:?} after {step:?}");
            // It goes on working, and what is written of it is right.
            vector.push_back(new[0].clone());
            assert!(lazy(&vector).iter().eq(model.iter().chain([&new[0]])))
        }
    }
    failed
}

#[test]
fn an_edit_that_cannot_read_leaves_the_elements_as_they_were() {
    // Thousands of panics that this thread expects.
    let (hook, quiet) = (take_hook(), std::thread::current().id());
    set_hook(Box::new(move |info| {
        if std::thread::current().id() != quiet
            || info.payload_as_str().is_none_or(|text| !text.contains("cannot be read"))
        {
            hook(info)
        }
    }));
    let failed = [fails::<u64>(1), fails::<[u64; 40]>(2), fails::<u8>(3), fails::<String>(4)];
    assert!(failed.iter().all(|&n| n > 150), "too few failures: {failed:?}")
}

/// The last leaf gets short, and stays alone below its parent, if it stood alone below several: each of these is
/// balanced first. Then a leaf is pushed beside it, and the way to the leaf before it is not read yet.
#[test]
fn a_push_past_a_short_leaf_that_cannot_read_leaves_the_elements_as_they_were() {
    type Large = [u64; 16];
    let leaf = Rrb::<Large, Atomic>::LEAF_MAX;
    let full = leaf * WIDTH.pow(4);
    let mut source: Vector<Large> = (0..leaf as u64).map(|n| [n; 16]).collect();
    // Of one leaf, over and over.
    while source.len() < full {
        source.append(source.clone())
    }
    assert_eq!(source.len(), full);
    source.extend((0..2 * leaf as u64).map(|n| [n; 16]));
    (1..leaf).for_each(|_| _ = source.remove(full));
    let shape = |vector: &Vector<Large>| {
        let root = Spine::new(vector.body.root.link());
        (edge_leaf_len(root.tree().unwrap(), Side::Back).unwrap(), root.level(), vector.body.tail_len())
    };
    assert_eq!(shape(&source), (1, 5, leaf), "a short leaf in a high tree, and a full tail");
    let table = Table::<Large, Atomic>::new();
    let mut failed = 0;
    for reads in 0.. {
        let mut vector: Vector<Large> = table.lazy(&source, &table.origin());
        table.fail_after(Some(reads));
        let result = vector.try_push_back([7; 16]);
        table.fail_after(None);
        let new = result.is_ok().then_some([7; 16]);
        assert_eq!(vector.len(), source.len() + new.iter().len(), "after {reads} reads");
        let (back, wanted) = (vector.iter().rev().take(1000), new.iter().chain(source.iter().rev()).take(1000));
        assert!(back.eq(wanted), "after {reads} reads");
        if new.is_some() {
            break;
        }
        failed += 1
    }
    // The root, the tail, the way to the last leaf, and what is another way to the leaf before it.
    assert!(failed > 8, "{failed}")
}

#[test]
fn a_table_that_fails_leaves_the_vector_as_it_was() {
    let table = Table::new();
    let mut vector: Vector<u64> = table.lazy(&numbers(10_000), &table.origin());
    assert_eq!(vector.get(1), Some(&1));
    table.fail_after(Some(0));
    let kind = |e: Error| e.kind();
    type Try = fn(&mut Vector<u64>) -> crate::Result<()>;
    let tries: [Try; 10] = [
        |v| v.try_get(5000).map(|_| ()),
        |v| v.try_push_back(1),
        |v| v.try_push_back(1),
        |v| v.try_pop_back().map(|_| ()),
        |v| v.try_insert(5000, 1),
        |v| v.try_insert(9999, 1),
        |v| v.try_remove(5000).map(|_| ()),
        |v| v.try_set(5000, 1).map(|_| ()),
        |v| v.try_for_each(|_| Ok(())),
        |v| v.thaw_all(),
    ];
    for (i, attempt) in tries.into_iter().enumerate() {
        assert_eq!(attempt(&mut vector).map_err(kind), Err(ErrorKind::Io), "attempt {i}");
    }
    assert_eq!(vector.try_get(5000).map_err(kind), Err(ErrorKind::Io));
    assert_eq!(vector.try_diff(&numbers(10)).map(|_| ()).map_err(kind), Err(ErrorKind::Io));
    type Edit = fn(&mut Vector<u64>);
    let edits: [Edit; 9] = [
        |v| v.push_back(1),
        |v| assert!(v.pop_back().is_some()),
        |v| v.insert(5000, 1),
        |v| assert!(v.remove(5000) > 0),
        |v| assert!(v.set(5000, 1) > 0),
        |v| drop(v.split_off(5000)),
        |v| v.append(numbers(1000)),
        |v| drop(v.splice(4000..6000, [])),
        |v| v.sort(),
    ];
    for edit in edits {
        let text = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| edit(&mut vector))).unwrap_err();
        let text = text.downcast_ref::<String>().unwrap();
        assert!(text.contains("a stored node cannot be read") && text.contains("out of order"), "{text}");
    }
    table.fail_after(None);
    assert!(vector.iter().copied().eq(0..10_000));
    vector.assert_invariants()
}
