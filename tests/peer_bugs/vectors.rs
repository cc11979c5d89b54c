//! One test per bug that a peer had in a vector or a view of one. Each names the report and says what broke there.
//!
//! Without a likeness here: immer #33 and #45, which are of C++ only. im #157 is in the types (`traits.rs`,
//! `src/vector/compile_fail.rs`).

use backstory::vector::Focus;
use backstory::{GenericVector, Vector};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A vector, and what it should be; elements are numbered in the order in which they came.
#[derive(Clone, Default)]
struct Both {
    vector: Vector<u32>,
    model: Vec<u32>,
    next: u32,
}

impl Both {
    fn new() -> Self {
        Self::default()
    }
    fn some(n: u32) -> Self {
        let mut both = Self::new();
        both.push_back(n);
        both
    }
    fn push_back(&mut self, n: u32) {
        for _ in 0..n {
            self.next += 1;
            self.vector.push_back(self.next);
            self.model.push(self.next)
        }
    }
    fn insert(&mut self, at: usize, n: u32) {
        for _ in 0..n {
            self.next += 1;
            self.vector.insert(at, self.next);
            self.model.insert(at, self.next)
        }
    }
    fn push_front(&mut self, n: u32) {
        let new: Vec<u32> = (0..n).map(|i| self.next + n - i).collect();
        new.iter().rev().for_each(|x| self.vector.push_front(*x));
        self.next += n;
        self.model.splice(0..0, new);
    }
    fn pop_front(&mut self, n: usize) {
        let gone: Vec<u32> = self.model.drain(..n).collect();
        assert!(gone.into_iter().all(|x| self.vector.pop_front() == Some(x)))
    }
    fn remove(&mut self, at: usize) {
        assert_eq!(self.vector.remove(at), self.model.remove(at))
    }
    fn check(&self) {
        let (vector, model) = (&self.vector, &self.model);
        assert_eq!(vector.len(), model.len());
        assert!(vector.iter().eq(model) && vector.iter().rev().eq(model.iter().rev()));
        assert!(
            (0..model.len()).all(|i| vector[i] == model[i]) && vector.clone().into_iter().eq(model.iter().copied())
        );
        assert_eq!((vector.front(), vector.back()), (model.first(), model.last()))
    }
}

/// im #55 and #67: prepending one element 4036, then 4099 times by `append` made a tree that a `slice` panicked on.
#[test]
fn vectors_grown_by_appending_them_to_one_element_can_be_sliced() {
    for n in [4036u32, 4099, 7621, 20_000] {
        let mut all: Vector<u32> = Vector::unit(0);
        for i in 1..=n {
            let mut one = Vector::unit(i);
            one.append(all);
            all = one
        }
        let len = all.len();
        assert!(all.slice(1..len).iter().copied().eq((0..n).rev()) && all.iter().eq(&[n]))
    }
}

/// im #70: `iter` ran out of bounds after pops, removes and pushes about the size of a leaf.
#[test]
fn a_vector_worked_on_at_both_ends_and_within_is_iterated_whole() {
    let mut x = Both::some(262);
    x.pop_front(97);
    [160, 163, 160].into_iter().for_each(|at| x.remove(at));
    x.pop_front(5);
    x.push_back(128);
    x.check();
    x.push_back(1);
    x.check()
}

/// im #72: the second `remove` at one place of a full tree pushed into a full leaf and panicked.
#[test]
fn removes_at_one_place_of_full_trees_find_room() {
    for n in [4096, 4100, 4160, 8192] {
        for at in [0, 11, 63, 64, 2000, 4000] {
            let mut x = Both::some(n);
            (0..70).for_each(|_| x.remove(at.min(x.model.len() - 1)));
            x.check()
        }
    }
}

/// im #77: `insert` after inserts at the front cut at the wrong leaf and failed an assertion of its size table.
#[test]
fn inserts_behind_inserts_at_the_front_fall_where_they_should() {
    let mut x = Both::some(44);
    for (at, n, then) in [(0, 20, 0), (1, 1, 441), (0, 58, 0), (514, 1, 73), (0, 10, 0), (514, 1, 0)] {
        x.insert(at, n);
        x.push_back(then);
        x.check()
    }
}

/// sized-chunks #1 (im's leaves): moving elements to the front of a leaf that stood at its end lost count of them.
#[test]
fn elements_moved_to_the_front_of_a_leaf_are_counted() {
    let mut x = Both::new();
    x.push_front(41);
    x.push_back(34);
    x.insert(1, 54);
    for _ in 0..2 {
        x.push_front(1);
        x.insert(1, 1);
    }
    [0, 5, 0].into_iter().for_each(|at| x.remove(at));
    x.insert(1, 1);
    x.check()
}

/// im #105: a vector of a million pushed to the front, then taken shorter by one at a time, was read out of bounds.
#[test]
fn a_vector_pushed_to_the_front_and_taken_shorter_one_by_one_has_its_last_element() {
    const N: u32 = 100_000;
    let mut v: Vector<u32> = Vector::new();
    for i in (0..N).rev() {
        let mut longer = v.clone();
        longer.push_front(i);
        v = longer
    }
    for i in (0..N).rev() {
        assert_eq!((v.back(), v.len()), (Some(&i), i as usize + 1));
        v = v.take(i as usize)
    }
}

/// im #107: cutting a vector subtracted beyond zero in its size table.
#[test]
fn a_vector_is_cut_at_every_place_and_the_parts_grow_on() {
    for n in [1, 64, 65, 4096, 4097, 10_000] {
        let whole = Both::some(n);
        for at in (0..=n as usize).step_by(1 + n as usize / 97) {
            let (mut left, mut right) = (whole.clone(), whole.clone());
            right.vector = left.vector.split_off(at);
            right.model = left.model.split_off(at);
            for part in [&mut left, &mut right] {
                part.push_back(65);
                part.push_front(65);
                part.check()
            }
        }
    }
}

/// im #123: many inserts in the middle raised the tree until a cut of it panicked.
#[test]
fn many_inserts_in_the_middle_leave_a_tree_that_can_be_cut() {
    let mut x = Both::new();
    for i in 0..30_000 {
        x.insert(i / 2, 1);
    }
    x.check();
    let right = x.vector.split_off(15_001);
    assert!(right.iter().eq(&x.model[15_001..]) && x.vector.iter().eq(&x.model[..15_001]))
}

/// imbl #33: appending large vectors of bytes popped from an empty leaf and panicked. imbl #37 fixed more of the kind.
#[test]
fn large_vectors_of_bytes_are_appended_in_all_proportions() {
    let bytes = |n: usize| (0..n).map(|i| (i * 7 % 251) as u8);
    let sizes = [0, 1, 63, 64, 511, 512, 513, 4096, 16_384, 16_385, 60_000, 300_000];
    for n in sizes {
        for m in sizes {
            let mut all: Vector<u8> = bytes(n).collect();
            all.append(bytes(m).collect());
            all.append(bytes(n / 3).collect());
            assert!(all.len() == n + m + n / 3 && all.iter().copied().eq(bytes(n).chain(bytes(m)).chain(bytes(n / 3))))
        }
    }
}

/// imbl #163 (mended by #164): `swap` and others of a `FocusMut` took the index that is the length, and gave `&mut` past
/// the last element.
#[test]
fn the_index_behind_the_last_is_refused_by_all_that_a_mutable_view_does() {
    for n in [1, 3, 64, 65, 5000] {
        let mut v: Vector<String> = (0..n).map(|i| format!("string-{i}")).collect();
        let old = v.clone();
        let mut refused =
            |f: &dyn Fn(&mut Vector<String>)| assert!(catch_unwind(AssertUnwindSafe(|| f(&mut v))).is_err());
        refused(&|v| v.focus_mut().swap(0, n));
        refused(&|v| v.focus_mut().pair(0, n, std::mem::swap));
        refused(&|v| v.focus_mut().pair(n, 0, std::mem::swap));
        refused(&|v| v.focus_mut().triplet(n, 0, 1, |a, b, _| std::mem::swap(a, b)));
        refused(&|v| v.focus_mut().triplet(0, n - 1, n, |a, _, c| std::mem::swap(a, c)));
        refused(&|v| drop(std::mem::take(v.focus_mut().index_mut(n))));
        refused(&|v| v.focus_mut().chunk_at(n).1.reverse());
        refused(&|v| v.swap(0, n));
        // The element is there, but not in the view.
        if n > 1 {
            refused(&|v| v.focus_mut().narrow(..n - 1).swap(0, n - 1));
        }
        // Nothing is to be done, so imbl and we look at nothing.
        v.focus_mut().swap(n, n);
        assert!(v == old)
    }
}

/// imbl #59: what `pair` had found of the first element was no longer good once it looked for the second. Here each look
/// may copy a leaf, as other versions share them.
#[test]
fn a_mutable_view_follows_leaves_that_it_copies() {
    for n in [4, 64, 200, 5000usize] {
        let mut v: Vector<String> = (0..n).map(|i| i.to_string()).collect();
        let mut model: Vec<String> = v.iter().cloned().collect();
        for round in 0..20 {
            let old = v.clone();
            let mut view = v.focus_mut();
            let [a, b, c] = [round * 7 % n, (round * 31 + 1) % n, (round * 101 + 2) % n];
            view.index(a);
            if a != b {
                view.pair(a, b, std::mem::swap);
                model.swap(a, b)
            }
            if a != b && b != c && a != c {
                // The first and the last may be in one leaf, and the second in another.
                view.triplet(a, b, c, |x, y, z| {
                    x.push('x');
                    y.push('y');
                    z.push('z')
                });
                [(a, 'x'), (b, 'y'), (c, 'z')].into_iter().for_each(|(i, end)| model[i].push(end))
            }
            view.swap(a, c);
            assert!(old.len() == n && old.iter().zip(&model).filter(|(x, y)| x != y).count() <= 3);
            model.swap(a, c);
            assert!(v.iter().eq(&model))
        }
    }
}

/// imbl #168: the parts of a view that was split within a leaf both gave the whole leaf, so that references overlapped.
#[test]
fn parts_of_a_view_split_within_a_leaf_give_only_their_own_elements() {
    for (n, at) in [(512, 255), (64, 1), (64, 63), (100, 50), (65, 64)] {
        let mut v: Vector<u64> = (0..n).collect();
        let kept = v.clone();
        let (mut left, mut right) = v.focus_mut().split_at(at);
        let (last, first) = (left.get_mut(at - 1).unwrap(), right.get_mut(0).unwrap());
        std::mem::swap(last, first);
        let ((l, a), (r, b)) = (left.chunk_at(at - 1), right.chunk_at(0));
        assert_eq!((l.end, r.start, l.len(), r.len()), (at, 0, a.len(), b.len()));
        let ends = |slice: &[u64]| slice.as_ptr_range();
        assert!(ends(a).end <= ends(b).start || ends(b).end <= ends(a).start, "they overlap");
        assert_eq!((v[at - 1], v[at]), (at as u64, at as u64 - 1));
        assert!(kept.iter().copied().eq(0..n))
    }
}

/// imbl #169: `IterMut` gave elements while it held a borrow of them all. Here all are held at once.
#[test]
fn all_elements_of_an_iterator_that_changes_them_may_be_held_at_once() {
    let mut v: Vector<String> = (0..1000).map(|i| i.to_string()).collect();
    v.append(v.clone());
    let old = v.clone();
    let mut all: Vec<&mut String> = v.iter_mut().collect();
    all.reverse();
    all.iter_mut().enumerate().for_each(|(i, text)| **text += &format!("-{i}"));
    let leaves: Vec<&mut [String]> = v.leaves_mut().rev().collect();
    assert_eq!(leaves.iter().map(|leaf| leaf.len()).sum::<usize>(), 2000);
    drop(leaves);
    assert!((0..2000).all(|i| v[i] == format!("{}-{}", i % 1000, 1999 - i) && old[i] == (i % 1000).to_string()))
}

/// robrix #330 (imbl #89): `Focus::narrow` refused a range that ends with the last element, and took some that end behind
/// it.
#[test]
fn a_view_may_be_narrowed_to_its_last_element() {
    for n in [1usize, 64, 1000] {
        let mut v: Vector<usize> = (0..n).collect();
        for from in [0, n / 2, n - 1, n] {
            assert!(v.focus().narrow(from..n).into_iter().copied().eq(from..n));
            assert!(v.focus().narrow(from..).into_iter().copied().eq(from..n));
            assert!(v.focus_mut().narrow(from..n).into_iter().map(|x| *x).eq(from..n));
        }
        assert_eq!(v.focus().narrow(..=n - 1).len(), n);
        assert!(catch_unwind(|| v.focus().narrow(..=n).len()).is_err());
        let view: Focus<'_, usize, _> = v.focus_mut().narrow(n - 1..).unmut();
        assert_eq!(view.into_iter().collect::<Vec<_>>(), [&(n - 1)])
    }
}

/// imbl #66: `truncate` to more elements than there are panicked. im #212: `update` and `set` beyond the end should.
#[test]
fn truncate_beyond_the_end_does_nothing_and_update_there_panics() {
    let mut v: Vector<u8> = (0..200).collect();
    let old = v.clone();
    v.truncate(201);
    v.truncate(usize::MAX);
    assert!(
        v.ptr_eq(&old)
            && catch_unwind(|| old.update(200, 1)).is_err()
            && catch_unwind(|| v.clone().set(200, 1)).is_err()
    )
}

/// immer #142, #144, #152 (fuzzed): large vectors joined with themselves broke. moonbit core #4085: the length of a vector
/// joined with itself turned negative, then zero.
#[test]
fn vectors_joined_with_themselves_and_cut_keep_their_elements_and_lengths() {
    let mut state = 9u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % n.max(1)
    };
    let mut kept: Vec<(Vector<u32>, Vec<u32>)> = vec![Default::default(), ((0..100).collect(), (0..100).collect())];
    for round in 0..3000u32 {
        let (mut v, mut model) = kept[below(kept.len())].clone();
        match round % 5 {
            0 if model.len() < 20_000 => {
                v.append(v.clone());
                model.extend_from_within(..)
            }
            1 => {
                let (from, to) = (below(model.len() + 1), below(model.len() + 1));
                let range = from.min(to)..from.max(to);
                assert!(v.slice(range.clone()).iter().copied().eq(model.drain(range)))
            }
            2 => {
                let at = below(model.len() + 1);
                (v, model) = (v.skip(at) + v.take(at), [&model[at..], &model[..at]].concat())
            }
            3 => {
                let at = below(model.len() + 1);
                v.insert(at, round);
                model.insert(at, round)
            }
            _ => {
                v.push_front(round);
                model.insert(0, round)
            }
        }
        assert!(v.len() == model.len() && v.iter().eq(&model));
        match kept.len() < 12 {
            true => kept.push((v, model)),
            false => kept[below(12)] = (v, model),
        }
    }
    let mut long: Vector<u32> = (0..3).collect();
    let refused = loop {
        let len = long.len();
        match catch_unwind(AssertUnwindSafe(|| long.append(long.clone()))) {
            Ok(()) => assert_eq!(long.len(), 2 * len),
            Err(_) => break len,
        }
    };
    assert!(long.len() == refused && refused > 1 << 46 && (0..1000).all(|i| long[refused - 1 - i] == 2 - i as u32 % 3))
}

/// pvec-rs #105: cut so that the right part is just a full tail, the next push ran over it. core.rrb-vector #10
/// (CRRBV-22): pops about a full node looked for the last leaf one element too far.
#[test]
fn parts_that_end_with_full_leaves_and_nodes_are_pushed_to_and_popped_from() {
    for full in [64usize, 64 * 32, 64 * 32 * 2, 64 * 32 * 32] {
        for n in full - 1..=full + 2 {
            let whole: Vector<usize> = (0..n).collect();
            for at in [n.saturating_sub(64), n.saturating_sub(65), n - 1, n.saturating_sub(2049), 64.min(n)] {
                let (mut left, mut right) = whole.clone().split_at(at);
                for i in 0..70 {
                    right.push_back(n + i);
                    assert_eq!(left.pop_back(), at.checked_sub(i + 1))
                }
                assert!(right.iter().copied().eq(at..n + 70) && left.iter().copied().eq(0..at.saturating_sub(70)))
            }
        }
    }
}

/// Paguro #31: two vectors of 44 and 45 elements, joined and then pushed to, were wrong; core.rrb-vector #20, #47 and #50
/// mend more joins. Here many are joined, and pushed to in between.
#[test]
fn many_joins_with_pushes_between_them_keep_all_elements() {
    for step in [1u32, 7, 44, 45, 63, 64, 65, 100, 1000] {
        let (mut all, mut front): (Vector<u32>, Vector<u32>) = Default::default();
        let mut n = 0;
        while n < 30_000.min(step * 700) {
            all.append((n..n + step).collect());
            all.push_back(n + step);
            front = (n..n + step + 1).rev().collect::<Vector<u32>>() + front;
            n += step + 1
        }
        assert!(all.iter().copied().eq(0..n) && front.iter().copied().eq((0..n).rev()));
        assert!((0..n).step_by(97).all(|i| all[i as usize] == i && front[(n - 1 - i) as usize] == i))
    }
}

/// rpds #41 and #46, of vectors: long histories and long vectors are dropped in little stack.
#[test]
fn long_histories_of_vectors_are_dropped_without_a_deep_stack() {
    let run = || {
        let mut versions: Vec<GenericVector<u32, archery::RcK>> = vec![GenericVector::new()];
        for i in 0..100_000u32 {
            let mut next = versions[versions.len() - 1].clone();
            match i % 7 {
                0 => next.push_front(i),
                1 if next.len() > 500 => next = next.skip(250) + next.take(250),
                2 if next.len() > 500 => next.truncate(400),
                _ => next.push_back(i),
            }
            versions.push(next);
            if i % 3 == 0 {
                versions.swap_remove(i as usize % versions.len() / 2);
            }
        }
        drop(versions)
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(run).expect("a thread").join().expect("no overflow")
}
