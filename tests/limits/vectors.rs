//! The edges of the vector: small stacks, many elements, lengths near the largest there is, indices and ranges beyond
//! all there are, elements without size, large and over-aligned ones.

use super::{Aligned, PageAligned, aligned, hash_of, on_small_stack, random, says_what_is_left};
use archery::{ArcTK, RcK};
use backstory::vector::Splice;
use backstory::{GenericVector, Vector};
use std::fmt::Debug;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

// ---- stacks ----

#[test]
fn a_million_elements_are_edited_joined_cut_compared_sorted_and_dropped_on_a_small_stack() {
    on_small_stack(|| {
        const N: u64 = 1_000_000;
        let mut vector: Vector<u64> = (0..N).collect();
        let old = vector.clone();
        let mut back = Vector::new();
        (0..N).rev().for_each(|i| back.push_front(i));
        assert!(back == vector && hash_of(&back) == hash_of(&vector), "from the front and from the back");
        let edits = (0..N / 1000).rev().map(|i| i * 1000);
        edits.clone().for_each(|i| vector.insert(i as usize, N));
        assert_eq!((vector.len() as u64, old.diff(&vector).count() as u64), (N + N / 1000, N / 1000));
        edits.for_each(|i| assert_eq!(vector.remove((i + i / 1000) as usize), N));
        assert!(vector == old && !vector.ptr_eq(&old));
        let (left, right) = vector.clone().split_at(777_777);
        let mut turned = right + left;
        assert_eq!((turned.len() as u64, turned[0], turned[222_222], turned[222_223]), (N, 777_777, N - 1, 0));
        let mut sorted = turned.clone();
        sorted.sort();
        assert!(sorted == old && sorted.binary_search(&500_001) == Ok(500_001));
        turned.retain(|i| i % 2 == 0);
        assert_eq!(turned.len(), 500_000);
        turned.iter_mut().for_each(|i| *i += 1);
        assert_eq!(turned.iter().sum::<u64>(), N * N / 4);
        assert_eq!(back.splice(10..999_990, 0..5).len(), 999_980);
        assert_eq!(back.len(), 25);
        drop((vector, sorted));
        assert_eq!(old.into_iter().sum::<u64>(), N * (N - 1) / 2);
    });
}

#[test]
fn a_million_boxed_elements_are_dropped_on_a_small_stack_each_once() {
    let value = Arc::new(());
    let own = value.clone();
    on_small_stack(move || {
        let vector: Vector<Arc<()>> = (0..1_000_000).map(|_| own.clone()).collect();
        let mut joined = vector.clone();
        joined.append(vector.skip(3));
        joined.insert(500_000, own.clone());
        // A leaf was copied for the element, and those at the seam and at the ends.
        let copied = Arc::strong_count(&own) - 1_000_003;
        assert!(copied < 500, "{copied} copies");
        drop(vector);
        assert!(joined.iter().all(|element| Arc::ptr_eq(element, &own)));
        drop(joined);
        assert_eq!(Arc::strong_count(&own), 2);
    });
    assert_eq!(Arc::strong_count(&value), 1);
}

/// A vector in a vector, and so on.
#[derive(Clone, PartialEq)]
struct Deep(Vector<Deep>);

#[test]
fn vectors_in_vectors_are_cloned_compared_edited_and_dropped_on_a_small_stack() {
    on_small_stack(|| {
        let made = |depth: usize, innermost: usize| {
            let none = Deep(Vector::new());
            (0..depth).fold(Deep((0..innermost).map(|_| none.clone()).collect()), |deep, n| {
                // In a leaf, and now and then deep in a tree.
                let mut vector: Vector<Deep> = (0..if n % 20 == 0 { 5000 } else { 2 }).map(|_| none.clone()).collect();
                vector.set(1, deep);
                Deep(vector)
            })
        };
        // A comparison takes 2.5 KB of stack a level, a drop a tenth of it.
        let (a, mut b) = (made(50, 3), made(50, 3));
        assert!(a == b && a == a.clone() && a != made(50, 4));
        b.0[1].0[1].0.push_back(a.clone());
        assert!(a != b && a.0.diff(&b.0).count() == 1);
        let (deeper, shared) = (made(500, 1), made(500, 1));
        let kept = shared.clone();
        drop((deeper, shared));
        drop(kept);
        drop((a, b));
    });
}

#[test]
fn elements_of_4_kib_are_edited_joined_sorted_and_iterated_on_a_small_stack() {
    type Page = [u8; 4096];
    on_small_stack(|| {
        let page = |i: usize| -> Page { [i as u8; 4096] };
        let mut vector: Vector<Page> = (0..200).map(page).collect();
        let old = vector.clone();
        vector.push_front(page(7));
        vector.insert(100, page(8));
        assert_eq!((vector.remove(50)[0], vector.set(3, page(9))[4095]), (49, 2));
        vector.swap(0, 200);
        let back = vector.split_off(120);
        let mut joined = back + vector;
        joined.sort();
        assert!(joined.len() == 201 && joined.iter().is_sorted());
        joined.retain(|page| page[0] % 2 == 0);
        joined.iter_mut().for_each(|page| page[1] = 1);
        assert!(old.iter().all(|page| page[0] == page[1]) && joined.iter().all(|page| page[1] == 1));
        let mut view = joined.focus_mut();
        view.pair(0, 90, std::mem::swap);
        assert_eq!((view.set(5, [1; 4096]).map(|old| old[1]), joined.splice(3..50, [[3; 4096]]).len()), (Some(1), 47));
        assert_eq!(old.into_iter().rev().map(|page| page[9] as usize).sum::<usize>(), (0..200).sum::<usize>());
    })
}

// ---- elements of odd sizes ----

#[test]
fn elements_without_size_are_counted_and_dropped_each_once() {
    static LIVE: AtomicIsize = AtomicIsize::new(0);
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Ghost;
    impl Ghost {
        fn new() -> Ghost {
            LIVE.fetch_add(1, Relaxed);
            Ghost
        }
    }
    impl Clone for Ghost {
        fn clone(&self) -> Ghost {
            Ghost::new()
        }
    }
    impl Drop for Ghost {
        fn drop(&mut self) {
            LIVE.fetch_sub(1, Relaxed);
        }
    }
    assert_eq!(size_of::<Ghost>(), 0);
    let mut vector: Vector<Ghost> = (0..10_000).map(|_| Ghost::new()).collect();
    assert_eq!((vector.len(), LIVE.load(Relaxed)), (10_000, 10_000));
    let old = vector.clone();
    (0..3000).for_each(|i| vector.insert(i * 3, Ghost::new()));
    (0..1000).for_each(|i| drop(vector.remove(i * 5)));
    let middle = vector.slice(1000..5000);
    vector.append(old.clone());
    vector.append(middle);
    assert_eq!((vector.len(), vector.iter().count(), vector.get(21_999).is_some()), (22_000, 22_000, true));
    let mut kept = 0;
    vector.retain(|_| {
        kept += 1;
        kept % 2 == 0
    });
    vector.sort();
    assert_eq!((vector.len(), old.len(), vector.clone().into_iter().count()), (11_000, 10_000, 11_000));
    drop((vector, old));
    assert_eq!(LIVE.load(Relaxed), 0)
}

#[test]
fn over_aligned_elements_stand_at_aligned_addresses_in_a_vector_whatever_its_history() {
    let mut state = 3;
    let (mut vector, mut model): (Vector<Aligned>, Vec<Aligned>) = (Vector::new(), vec![]);
    let mut versions = vec![];
    for i in 0..3000 {
        let (x, at) = (Aligned(i as u8), random(&mut state) as usize % (model.len() + 1));
        match i % 7 {
            0..4 => {
                vector.insert(at, x);
                model.insert(at, x)
            }
            4 => {
                vector.push_front(x);
                model.insert(0, x)
            }
            5 if at < model.len() => assert_eq!(vector.remove(at), model.remove(at)),
            _ => versions.push((vector.clone(), model.clone())),
        }
        assert!(vector.get_mut(at).is_none_or(|x| aligned(x)));
    }
    versions.push((vector.clone() + vector, [model.clone(), model].concat()));
    for (vector, model) in &mut versions {
        assert!(vector.iter().eq(&*model) && vector.iter().all(aligned) && vector.iter_mut().all(|x| aligned(x)));
    }
    let pages: Vector<PageAligned> = (0..100).map(|_| PageAligned).collect();
    assert!(pages.iter().all(aligned) && pages.skip(3).iter().chain(&pages.update(5, PageAligned)).all(aligned));
    let odd: GenericVector<[u8; 3], RcK> = (0..1000u32).map(|i| [i as u8, (i >> 8) as u8, 7]).collect();
    assert!((0..1000).all(|i| odd[i] == [i as u8, (i >> 8) as u8, 7]));
}

#[test]
fn versions_of_every_length_keep_what_they_see_while_others_grow_at_both_ends() {
    // Each grows from the one before at one end, and from some two grow: a leaf has room for one only.
    let mut versions: Vec<(Vector<u32>, Vec<u32>)> = vec![Default::default()];
    for i in 0..400 {
        for (n, at) in [(versions.len() - 1, i % 3), (i as usize / 2, (i + 1) % 2)] {
            let (mut vector, mut model) = versions[n].clone();
            match at {
                0 => {
                    vector.push_front(i);
                    model.insert(0, i)
                }
                _ => {
                    vector.push_back(i);
                    model.push(i)
                }
            }
            versions.push((vector, model))
        }
    }
    assert!(versions.iter().all(|(vector, model)| vector.iter().eq(model) && vector.len() == model.len()))
}

// ---- indices and ranges ----

/// What a call says when it panics.
fn panics<R>(f: impl FnOnce() -> R) -> String {
    let Err(why) = catch_unwind(AssertUnwindSafe(f)) else { panic!("no panic") };
    why.downcast_ref::<String>().cloned().unwrap_or_else(|| why.downcast_ref::<&str>().unwrap().to_string())
}

fn refuses_what_there_is_not(mut v: Vector<u64>) {
    const MAX: usize = usize::MAX;
    let (n, old) = (v.len(), v.clone());
    for i in [n, n + 1, MAX - 1, MAX] {
        assert!(v.get(i).is_none() && v.get_mut(i).is_none() && v.focus().get(i).is_none());
        assert!(v.iter().nth(i).is_none() && v.iter().rev().nth(i).is_none() && v.clone().into_iter().nth(i).is_none());
        assert!(v.skip(i).is_empty() && v.slice(i.saturating_sub(1).max(n)..i).is_empty());
        v.truncate(i);
        let index = format!("index {i} is out of bounds: there are {n} elements");
        let refused = |what: &str, why: String| assert_eq!(why, format!("{what}: {index}"));
        refused("Vector::index", panics(|| v[i]));
        refused("Vector::index_mut", panics(|| v[i] = 1));
        refused("Vector::set", panics(|| v.set(i, 1)));
        refused("Vector::set", panics(|| v.update(i, 1)));
        refused("Vector::remove", panics(|| v.remove(i)));
        refused("Vector::swap", panics(|| v.swap(0, i)));
        refused("Focus::index", panics(|| *v.focus().index(i)));
        refused("Focus::chunk_at", panics(|| v.focus().chunk_at(i).0));
        refused("FocusMut::index_mut", panics(|| *v.focus_mut().index_mut(i)));
        refused("FocusMut::chunk_at", panics(|| v.focus_mut().chunk_at(i).0));
        assert!(v.focus_mut().get(i).is_none() && v.focus_mut().set(i, 1).is_none());
        if n > 2 {
            refused("FocusMut::swap", panics(|| v.focus_mut().swap(0, i)));
            refused("FocusMut::pair", panics(|| v.focus_mut().pair(i, 0, |_, _| ())));
            refused("FocusMut::triplet", panics(|| v.focus_mut().triplet(0, 1, i, |_, _, _| ())));
        }
        if i > n {
            refused("Vector::insert", panics(|| v.insert(i, 1)));
            refused("Vector::split_off", panics(|| v.split_off(i)));
            refused("Vector::split_off", panics(|| v.clone().split_at(i)));
            refused("Vector::take", panics(|| v.take(i)));
            let last = i - 1;
            assert_eq!(
                panics(|| v.slice(0..i)),
                format!("Vector::slice: index {last} is out of bounds: there are {n} elements")
            );
            assert_eq!(
                panics(|| v.splice(1..i, [1])),
                format!("Vector::splice: the range 1..{i} is not within the vector, which has {n} elements")
            );
            refused("Focus::split_at", panics(|| v.focus().split_at(i).0.len()));
            refused("FocusMut::split_at", panics(|| v.focus_mut().split_at(i).0.len()));
        }
    }
    for (start, end) in [
        (Included(0), Excluded(n + 1)),
        (Included(n + 1), Unbounded),
        (Unbounded, Included(n)),
        (Included(0), Excluded(MAX)),
        (Unbounded, Included(MAX)),
        (Included(MAX), Unbounded),
        (Excluded(MAX), Unbounded),
        (Excluded(MAX), Included(MAX)),
        (Excluded(n), Unbounded),
        (Included(1), Excluded(0)),
    ] {
        let range = (start, end);
        assert!(panics(|| v.focus().narrow(range).len()).starts_with("Focus::narrow: the range "), "{range:?}");
        assert!(panics(|| v.focus_mut().narrow(range).len()).starts_with("FocusMut::narrow: the range "), "{range:?}");
    }
    let [backwards, far] = [(Included(2), Excluded(1)), (Included(MAX), Excluded(0))];
    assert!(v.slice(backwards).is_empty() && v.slice(far).is_empty(), "as imbl's");
    for range in [backwards, far, (Excluded(MAX), Included(0)), (Unbounded, Included(n)), (Excluded(n), Unbounded)] {
        assert!(panics(|| v.splice(range, [1])).starts_with("Vector::splice: the range "), "{range:?}")
    }
    assert!(v.slice((Excluded(MAX), Included(MAX))).is_empty() && v.slice(MAX..MAX).is_empty());
    assert_eq!(v.focus().narrow((Included(0), Included(n.wrapping_sub(1)))).len(), n, "imbl's bug: robrix #330");
    assert!(v == old && v.ptr_eq(&old) | (n > 0));
    assert!(v.clone().slice(0..n) == old && v.slice(n / 2..).len() == n - n / 2);
}

#[test]
fn indices_and_ranges_that_there_are_not_are_refused_by_name_and_change_nothing() {
    for n in [1, 2, 64, 65, 1000, 5000] {
        refuses_what_there_is_not((0..n).collect());
        let mut worked: Vector<u64> = (0..n).collect();
        (0..n / 3).for_each(|i| worked.insert(i as usize * 2, i));
        worked.push_front(1);
        refuses_what_there_is_not(worked)
    }
}

#[test]
fn a_narrowed_view_ends_at_its_range_though_the_vector_goes_on() {
    let mut vector: Vector<u64> = (0..1000).collect();
    let mut view = vector.focus().narrow(100..200);
    assert_eq!((view.index(0), view.get(99), view.get(100), view.chunk_at(0).0.start), (&100, Some(&199), None, 0));
    assert_eq!(panics(|| view.clone().index(100)), "Focus::index: index 100 is out of bounds: there are 100 elements");
    assert!(panics(|| view.clone().narrow(50..101).len()).starts_with("Focus::narrow: the range 50..101"));
    assert_eq!(
        view.clone().narrow(50..).narrow(..=10).into_iter().copied().collect::<Vec<_>>(),
        (150..161).collect::<Vec<_>>()
    );
    let (mut left, mut right) = vector.focus_mut().narrow(100..200).split_at(30);
    assert_eq!((left.get_mut(30), right.get_mut(70)), (None, None));
    assert_eq!((left.get(29), right.get(0)), (Some(&129), Some(&130)));
    // The leaf at the border is in both, but each gives its own part.
    let ((l, a), (r, b)) = (left.chunk_at(29), right.chunk_at(0));
    assert_eq!((l.end, a.last(), r.start, b.first()), (30, Some(&129), 0, Some(&130)));
}

// ---- the largest length ----

/// Element i is i modulo this, in all of the vectors below.
const PERIOD: usize = 97;
/// No vector is longer by more than a leaf at either end.
const MOST: usize = (1 << 48) - (1 << 16);

fn is_periodic<A: Copy + PartialEq + Debug + Into<u64>>(vector: &Vector<A>, state: &mut u64) {
    let n = vector.len();
    let mut view = vector.focus();
    for i in (0..50).map(|_| random(state) as usize % n).chain([0, n - 1, n / 2]) {
        assert_eq!(
            ((*vector.get(i).unwrap()).into(), *view.index(i)),
            ((i % PERIOD) as u64, vector[i]),
            "at {i} of {n}"
        )
    }
    let near = random(state) as usize % n;
    let some = view.narrow(near..(near + 300).min(n));
    assert!(some.into_iter().enumerate().all(|(k, x)| (*x).into() == ((near + k) % PERIOD) as u64));
    assert_eq!(
        (vector.iter().len(), vector.get(n), vector.back().map(|x| (*x).into())),
        (n, None, Some(((n - 1) % PERIOD) as u64))
    );
}

/// A vector is joined with parts of itself, cut and edited, until it is as long as there is, and cannot be longer.
fn grows_to_the_largest_length<A: Copy + PartialEq + Debug + Into<u64> + From<u8>>(rounds: usize) {
    let (mut state, mut refused) = (5, 0);
    let mut vector: Vector<A> = (0..20 * PERIOD).map(|i| A::from((i % PERIOD) as u8)).collect();
    for round in 0..rounds {
        let periods = vector.len() / PERIOD;
        let mut part = |of: usize| random(&mut state) as usize % of * PERIOD;
        // Whole periods, so that what is said of each element stays true.
        let (front, back) = (vector.take(part(periods) + PERIOD), vector.skip(part(periods)));
        let len = front.len() + back.len();
        if len <= MOST {
            vector = front + back;
            assert_eq!(vector.len(), len);
        } else {
            refused += 1;
            let mut longer = front.clone();
            assert_eq!(panics(|| longer.append(back)), "a vector has at most 2^48 - 2^16 elements");
            assert!(longer == front);
            // Shorter again, by a lot now and then.
            let least = (len >> (round % 20)).div_ceil(PERIOD) * PERIOD;
            vector = front.take(least.min(front.len()))
        }
        if round % 3 == 0 {
            vector = vector.clone() + vector.take(((MOST - vector.len()) / PERIOD * PERIOD).min(vector.len()))
        }
        if round % 8 == 0 {
            is_periodic(&vector, &mut state)
        }
        let (at, old) = (random(&mut state) as usize % vector.len(), vector.clone());
        if round % 50 == 0 && vector.len() < MOST {
            vector.insert(at, A::from(200));
            assert_eq!(old.diff(&vector).collect::<Vec<_>>(), [Splice { old: at..at, new: at..at + 1 }]);
            assert_eq!(vector.remove(at).into(), 200);
            assert!(vector == old)
        }
    }
    assert!(refused > rounds / 100, "the largest length was met {refused} times");
}

#[test]
fn a_vector_joined_with_itself_ten_thousand_times_is_right_up_to_the_largest_length() {
    on_small_stack(|| grows_to_the_largest_length::<u64>(10_000));
    grows_to_the_largest_length::<u8>(1_000);
}

#[test]
fn no_edit_makes_a_vector_longer_than_the_largest_length() {
    fn at_the_end<A: Clone + PartialEq>(x: A) {
        let one: Vector<A> = [x.clone()].into();
        let longest = (0..48)
            .rev()
            .filter(|bit| MOST >> bit & 1 == 1)
            .fold(one.take(0), |all, bit| all + (0..bit).fold(one.clone(), |half, _| half.clone() + half));
        assert_eq!(longest.len(), MOST);
        let least = longest.take(MOST - 3);
        type Edit<A> = fn(&mut Vector<A>, A);
        let edits: [Edit<A>; 6] = [
            |v, x| v.push_back(x),
            |v, x| v.push_front(x),
            |v, x| v.insert(v.len() / 2, x),
            |v, x| v.insert(1, x),
            |v, x| v.insert(v.len() - 1, x),
            |v, x| v.append([x].into()),
        ];
        for edit in edits {
            let mut v = least.clone();
            // A leaf at an end may still be filled, so that it takes some to be refused.
            let why = panics(|| (0..5000).for_each(|_| edit(&mut v, x.clone())));
            assert_eq!(why, "a vector has at most 2^48 - 2^16 elements");
            let n = v.len();
            assert!((MOST..MOST + 1200).contains(&n), "{n}");
            assert!(v.get(n - 1).is_some() && v.get(n).is_none() && v.remove(n / 2) == x && v.len() == n - 1);
            assert_eq!((v.split_off(7).len(), v.len()), (n - 8, 7))
        }
    }
    at_the_end(());
    at_the_end(7u64);
    at_the_end([1u64; 40]);
}

// ---- iterators, Hash and Eq ----

/// Vectors with one content and histories of all kinds.
fn alike(n: u64) -> Vec<GenericVector<u64, ArcTK>> {
    let pushed: Vector<u64> = (0..n).collect();
    let mut fronted = Vector::new();
    (0..n).rev().for_each(|i| fronted.push_front(i));
    let mut filled: Vector<u64> = (0..n).step_by(2).collect();
    (1..n).step_by(2).for_each(|i| filled.insert(i as usize, i));
    let mut thinned: Vector<u64> = (0..n).flat_map(|i| [i, i, i]).collect();
    (0..n as usize).for_each(|i| assert_eq!(thinned.remove(i), thinned.remove(i)));
    let mut joined = Vector::new();
    (0..n).step_by(70).for_each(|i| joined.append((i..n.min(i + 70)).collect()));
    vec![pushed, fronted, filled, thinned, joined]
}

#[test]
fn iterators_of_vectors_say_what_is_left_and_end_for_good() {
    for n in [0, 1, 63, 64, 65, 129, 1000] {
        for vector in alike(n) {
            let n = vector.len();
            says_what_is_left(vector.iter(), n);
            says_what_is_left(vector.iter().rev(), n);
            says_what_is_left(vector.focus().into_iter(), n);
            says_what_is_left(vector.clone().iter_mut(), n);
            says_what_is_left(vector.clone().iter_mut().rev(), n);
            says_what_is_left(vector.clone().focus_mut().into_iter(), n);
            says_what_is_left(vector.clone().into_iter(), n);
            says_what_is_left(vector.clone().into_iter().rev(), n);
            let mut leaves = vector.leaves();
            while let (least, Some(most)) = leaves.size_hint()
                && most > 0
            {
                let left = leaves.clone().count();
                assert!((least..=most).contains(&left));
                assert!(leaves.next().is_some_and(|leaf| !leaf.is_empty()))
            }
            assert!(leaves.next().is_none() && leaves.next_back().is_none());
        }
    }
}

#[test]
fn a_vector_iterator_dropped_half_way_drops_what_it_did_not_give() {
    let value = std::rc::Rc::new(());
    for taken in [0, 1, 7, 64, 100, 499, 500] {
        let vector: GenericVector<std::rc::Rc<()>, RcK> = (0..500).map(|_| value.clone()).collect();
        let mut iter = vector.into_iter();
        let some: Vec<_> = iter.by_ref().take(taken / 2).collect();
        let others: Vec<_> = iter.by_ref().rev().take(taken - taken / 2).collect();
        assert_eq!(std::rc::Rc::strong_count(&value), 501);
        drop(iter);
        assert_eq!(std::rc::Rc::strong_count(&value), 1 + some.len() + others.len());
    }
}

#[test]
fn versions_that_see_as_many_but_other_elements_of_one_leaf_differ() {
    // The leaf is the tree, with one element behind it.
    let whole: Vector<u64> = (0..65).collect();
    for n in 1..64 {
        let (mut front, mut back) = (whole.clone(), whole.clone());
        (n..65).for_each(|_| _ = front.pop_back());
        back.pop_back();
        (n..64).for_each(|_| _ = back.pop_front());
        assert!(front.iter().copied().eq(0..n) && back.iter().copied().eq(64 - n..64));
        assert!(front != back && front == whole.take(n as usize));
        let replaced: usize = front.diff(&back).map(|splice| splice.new.len()).sum();
        assert_eq!(replaced, n as usize, "none is at the place where it was")
    }
}

#[test]
fn equal_vectors_hash_and_compare_alike_whatever_their_histories() {
    for n in [1, 64, 301, 2001] {
        let all = alike(n);
        for (a, b) in all.iter().zip(all.iter().skip(1)) {
            assert!(a == b && a.cmp(b).is_eq() && hash_of(a) == hash_of(b) && a.diff(b).count() == 0);
            let mut more = b.clone();
            more.set(n as usize / 2, n + 1);
            assert!(*a != more && more > *a && hash_of(a) != hash_of(&more));
            let at = n as usize / 2..n as usize / 2 + 1;
            assert_eq!(a.diff(&more).collect::<Vec<_>>(), [Splice { old: at.clone(), new: at }]);
        }
    }
    let (ab, a_b): (Vector<&str>, Vector<&str>) = (["ab", ""].into(), ["a", "b"].into());
    assert_ne!(hash_of(&ab), hash_of(&a_b));
    assert_eq!(format!("{ab:?} {:?}", Vector::<u8>::new()), r#"["ab", ""] []"#);
}
