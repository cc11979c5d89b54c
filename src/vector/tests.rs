//! Model tests of the vector: every version against std.

use super::leaf::{LeafMut, fill};
use super::node::{Rrb, SPINE};
use super::spine::Spine;
use super::*;
use crate::id::Address;
use crate::link::{Mark, Session};
use archery::RcK;
use proptest::prelude::*;
use std::fmt::Debug;

/// What a step does. Places are parts of the length, so that a shrunk case means the same.
#[derive(Clone, Debug)]
pub(super) enum Step {
    PushBack(u16),
    PushFront(u16),
    PopBack(u16),
    PopFront(u16),
    Insert(u16, u8),
    Remove(u16, u8),
    Set(u16),
    Keep,
    Forget(u8),
    Back(u8),
    Append(u8),
    Prepend(u8),
    Truncate(u16),
    Skip(u16),
    Splice(u16, u16, u16),
    Slice(u16, u16),
    Swap(u16, u16),
    Retain(u8),
    Sort,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..300u16).prop_map(Step::PushBack),
        8 => (0..300u16).prop_map(Step::PushFront),
        4 => (0..200u16).prop_map(Step::PopBack),
        4 => (0..200u16).prop_map(Step::PopFront),
        20 => (any::<u16>(), 0..40u8).prop_map(|(at, n)| Step::Insert(at, n)),
        20 => (any::<u16>(), 0..60u8).prop_map(|(at, n)| Step::Remove(at, n)),
        10 => any::<u16>().prop_map(Step::Set),
        10 => Just(Step::Keep),
        4 => any::<u8>().prop_map(Step::Forget),
        2 => any::<u8>().prop_map(Step::Back),
        8 => any::<u8>().prop_map(Step::Append),
        4 => any::<u8>().prop_map(Step::Prepend),
        3 => any::<u16>().prop_map(Step::Truncate),
        3 => any::<u16>().prop_map(Step::Skip),
        6 => (any::<u16>(), 0..150u16, 0..150u16).prop_map(|(at, gone, new)| Step::Splice(at, gone, new)),
        6 => (any::<u16>(), 0..5u16, 0..5u16).prop_map(|(at, gone, new)| Step::Splice(at, gone, new)),
        3 => (any::<u16>(), 0..300u16).prop_map(|(at, n)| Step::Slice(at, n)),
        3 => (any::<u16>(), any::<u16>()).prop_map(|(i, j)| Step::Swap(i, j)),
        1 => any::<u8>().prop_map(Step::Retain),
        1 => Just(Step::Sort),
    ]
}

/// An element made from a number.
pub(super) trait Element: Clone + Ord + Debug {
    fn of(n: u32) -> Self;
}
impl Element for u64 {
    fn of(n: u32) -> u64 {
        n as u64
    }
}
impl Element for String {
    fn of(n: u32) -> String {
        format!("element {n}")
    }
}
/// As large as a leaf: two of them make one.
impl Element for [u64; 40] {
    fn of(n: u32) -> [u64; 40] {
        [n as u64; 40]
    }
}
impl Element for () {
    fn of(_: u32) {}
}
impl Element for u8 {
    fn of(n: u32) -> u8 {
        n as u8
    }
}

pub(super) fn same<A: Element, P: Kind>(vector: &GenericVector<A, P>, model: &[A]) {
    vector.assert_invariants();
    assert_eq!(vector.len(), model.len());
    for (i, element) in model.iter().enumerate() {
        assert_eq!(vector.get(i), Some(element), "at {i}");
    }
    assert_eq!(vector.get(model.len()), None);
    assert!(vector.iter().eq(model));
    assert!(vector.iter().rev().eq(model.iter().rev()));
    assert!(vector.leaves().flatten().eq(model));
}

/// From both ends by turns, some skipped.
fn same_from_both_ends<A: Element, P: Kind>(vector: &GenericVector<A, P>, model: &[A]) {
    let (mut ours, mut std) = (vector.iter(), model.iter());
    for turn in 0.. {
        assert_eq!(ours.len(), std.len());
        let (x, y) = match turn % 4 {
            0 => (ours.next(), std.next()),
            1 => (ours.next_back(), std.next_back()),
            2 => (ours.nth(turn * turn % 150), std.nth(turn * turn % 150)),
            _ => (ours.clone().last(), std.clone().last()),
        };
        assert_eq!(x, y);
        if std.len() == 0 {
            return assert_eq!((ours.next(), ours.next_back()), (None, None));
        }
    }
}

/// Views of random ranges against slices, and what is changed through them.
fn same_through_views<A: Element, P: Kind>(vector: &GenericVector<A, P>, model: &[A], seed: usize) {
    let n = model.len();
    let (from, to) = (seed * 7919 % (n + 1), seed * 104_729 % (n + 1));
    let range = from.min(to)..from.max(to);
    let part = &model[range.clone()];
    let mut view = vector.focus().narrow(range.clone());
    assert_eq!((view.len(), view.get(part.len())), (part.len(), None));
    for step in [1, 3, 101] {
        (0..part.len()).step_by(step).for_each(|i| assert_eq!(view.index(i), &part[i]));
    }
    let mut i = 0;
    while i < part.len() {
        let (at, slice) = view.chunk_at(i);
        assert!(at.contains(&i) && slice == &part[at.clone()]);
        i = at.end
    }
    let middle = part.len() / 3;
    let (left, right) = view.split_at(middle);
    assert!(left.into_iter().eq(&part[..middle]) && right.into_iter().eq(&part[middle..]));

    let (mut changed, mut wanted) = (vector.clone(), model.to_vec());
    let part = &mut wanted[range.clone()];
    let mut view = changed.focus_mut().narrow(range);
    for i in (0..part.len()).step_by(37) {
        assert_eq!(view.set(i, A::of(9)), Some(std::mem::replace(&mut part[i], A::of(9))));
        let other = (i * 31 + 5) % part.len();
        view.swap(i, other);
        part.swap(i, other);
        if i != other {
            view.pair(i, other, |x, y| std::mem::swap(x, y));
            part.swap(i, other)
        }
    }
    // Halves of halves, used in turn.
    let mut parts = vec![(view, part)];
    while parts.len() < 8 {
        let (view, part) = parts.remove(0);
        let middle = part.len() / 2;
        let ((a, b), (x, y)) = (view.split_at(middle), part.split_at_mut(middle));
        parts.extend([(a, x), (b, y)]);
    }
    for round in 0..3 {
        for (view, part) in &mut parts {
            for i in (round..part.len()).step_by(41) {
                (*view.index_mut(i), part[i]) = (A::of(round as u32), A::of(round as u32))
            }
            if let Some(last) = part.len().checked_sub(1) {
                let (at, slice) = view.chunk_at(last);
                assert!(slice == &part[at])
            }
        }
    }
    let (view, part) = parts.pop().expect("eight");
    assert!(view.into_iter().eq(part));
    drop(parts);
    same(&changed, &wanted);
    same(vector, model)
}

/// `==` and `diff` against the models, and what a diff says against what it is a diff of.
pub(super) fn same_differences<A: Element, P: Kind>(a: (&GenericVector<A, P>, &[A]), b: (&GenericVector<A, P>, &[A])) {
    assert_eq!(a.0 == b.0, a.1 == b.1);
    let (mut old, mut new, mut patched) = (0, 0, vec![]);
    for splice in a.0.diff(b.0) {
        assert!(splice.old.start >= old && splice.new.start - new == splice.old.start - old, "{splice:?}");
        assert!(!splice.old.is_empty() || !splice.new.is_empty());
        patched.extend_from_slice(&a.1[old..splice.old.start]);
        patched.extend_from_slice(&b.1[splice.new.clone()]);
        (old, new) = (splice.old.end, splice.new.end);
    }
    patched.extend_from_slice(&a.1[old..]);
    assert_eq!(patched, b.1);
}

fn place(part: u16, len: usize) -> usize {
    (part as usize * len) >> 16
}

/// A version, what it must hold, what was kept of earlier ones, and the next new element's number.
pub(super) struct Run<A, P: Kind> {
    pub(super) vector: GenericVector<A, P>,
    pub(super) model: Vec<A>,
    pub(super) kept: Vec<(GenericVector<A, P>, Vec<A>)>,
    n: u32,
}

impl<A: Element, P: Kind> Run<A, P> {
    pub(super) fn new() -> Self {
        Run { vector: GenericVector::new(), model: vec![], kept: vec![], n: 0 }
    }

    pub(super) fn apply(&mut self, step: &Step) {
        let Run { vector, model, kept, n } = self;
        let mut next = || {
            *n += 1;
            A::of(*n)
        };
        match *step {
            Step::PushBack(n) => (0..n).for_each(|_| {
                let x = next();
                vector.push_back(x.clone());
                model.push(x)
            }),
            Step::PushFront(n) => {
                let mut new: Vec<A> = (0..n).map(|_| next()).collect();
                new.iter().for_each(|x| vector.push_front(x.clone()));
                new.reverse();
                new.append(model);
                *model = new
            }
            Step::PopBack(n) => (0..n).for_each(|_| assert_eq!(vector.pop_back(), model.pop())),
            Step::PopFront(n) => {
                let n = (n as usize).min(model.len());
                let popped: Vec<A> = (0..n).map(|_| vector.pop_front().expect("so many")).collect();
                assert_eq!(popped, model.drain(..n).collect::<Vec<_>>());
                assert!(!model.is_empty() || vector.pop_front().is_none());
            }
            Step::Insert(at, n) => {
                let at = place(at, model.len() + 1);
                for _ in 0..n {
                    let x = next();
                    vector.insert(at, x.clone());
                    model.insert(at, x)
                }
            }
            Step::Remove(at, n) => {
                let at = place(at, model.len() + 1);
                for _ in 0..(n as usize).min(model.len() - at) {
                    assert_eq!(vector.remove(at), model.remove(at))
                }
            }
            Step::Set(at) if !model.is_empty() => {
                let (at, x) = (place(at, model.len()), next());
                assert_eq!(vector.set(at, x.clone()), std::mem::replace(&mut model[at], x))
            }
            Step::Set(_) => {}
            Step::Keep => kept.push((vector.clone(), model.clone())),
            Step::Forget(i) if !kept.is_empty() => drop(kept.swap_remove(i as usize % kept.len())),
            Step::Back(i) if !kept.is_empty() => {
                (*vector, *model) = kept[i as usize % kept.len()].clone();
            }
            Step::Append(i) if !kept.is_empty() => {
                let (other, of_other) = kept[i as usize % kept.len()].clone();
                if model.len() + of_other.len() < 20_000 {
                    vector.append(other);
                    model.extend(of_other)
                }
            }
            Step::Prepend(i) if !kept.is_empty() => {
                let (mut other, mut of_other) = kept[i as usize % kept.len()].clone();
                if model.len() + of_other.len() < 20_000 {
                    other.append(std::mem::take(vector));
                    of_other.append(model);
                    (*vector, *model) = (other, of_other)
                }
            }
            Step::Truncate(at) => {
                let at = place(at, model.len() + 1);
                same(&vector.split_off(at), &model.split_off(at))
            }
            Step::Skip(at) => {
                let at = place(at, model.len() + 1);
                let rest = vector.split_off(at);
                same(vector, &model[..at]);
                model.drain(..at);
                *vector = rest
            }
            Step::Splice(at, gone, new) => {
                let at = place(at, model.len() + 1);
                let range = at..(at + gone as usize).min(model.len());
                let new: Vec<A> = (0..new).map(|_| next()).collect();
                let gone: Vec<A> = model.splice(range.clone(), new.clone()).collect();
                same(&vector.splice(range, new), &gone)
            }
            Step::Slice(at, n) => {
                let at = place(at, model.len() + 1);
                let range = at..(at + n as usize).min(model.len());
                let gone: Vec<A> = model.drain(range.clone()).collect();
                same(&vector.slice(range), &gone)
            }
            Step::Swap(i, j) if !model.is_empty() => {
                let (i, j) = (place(i, model.len()), place(j, model.len()));
                vector.swap(i, j);
                model.swap(i, j)
            }
            Step::Retain(bits) => {
                // Now all but a few, now about half.
                let keeps = || {
                    let mut n = 0;
                    move |_: &A| {
                        n += 1;
                        if bits % 2 == 0 { n % 1000 != 7 } else { bits >> (n % 8) & 1 == 1 }
                    }
                };
                vector.retain(keeps());
                model.retain(keeps())
            }
            Step::Sort => {
                vector.sort();
                model.sort()
            }
            Step::Forget(_) | Step::Swap(..) | Step::Back(_) | Step::Append(_) | Step::Prepend(_) => {}
        }
        vector.assert_invariants();
        let (at, len) = (model.len() / 3, model.len());
        assert_eq!((vector.len(), vector.get(at)), (len, model.get(at)), "after {step:?}");
    }
}

pub(super) fn run<A: Element, P: Kind>(steps: &[Step]) {
    let mut run = Run::<A, P>::new();
    steps.iter().for_each(|step| run.apply(step));
    let Run { mut vector, mut model, kept, .. } = run;
    same(&vector, &model);
    same_from_both_ends(&vector, &model);
    for (old, of_old) in &kept {
        same(old, of_old);
        same_differences((old, of_old), (&vector, &model))
    }
    (0..4).for_each(|seed| same_through_views(&vector, &model, steps.len() + seed));
    vector.iter_mut().zip(&mut model).for_each(|(x, y)| (*x, *y) = (y.clone(), x.clone()));
    let n = vector.iter_mut().rev().step_by(3).map(|x| *x = A::of(1)).count();
    model.iter_mut().rev().step_by(3).take(n).for_each(|x| *x = A::of(1));
    same(&vector, &model);
    kept.iter().for_each(|(vector, model)| same(vector, model));
    assert!(vector.into_iter().eq(model))
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    (2.0..7.0).prop_flat_map(|log: f64| prop::collection::vec(step(), 1..=log.exp2() as usize))
}

pub(super) fn cases() -> ProptestConfig {
    let cases = std::env::var("BACKSTORY_LONG").ok().and_then(|n| n.parse::<u32>().ok()).map_or(200, |n| 20 * n);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

macro_rules! models {
    ($($name:ident: $element:ty, $kind:ty;)*) => {$(
        #[test]
        fn $name() {
            proptest!(cases(), |(steps in steps())| run::<$element, $kind>(&steps));
        }
    )*};
}

models! {
    numbers: u64, ArcTK;
    numbers_of_one_thread: u64, RcK;
    strings: String, ArcTK;
    large_elements: [u64; 40], RcK;
    elements_without_size: (), ArcTK;
    bytes: u8, RcK;
}

#[test]
fn parts_of_a_view_are_changed_by_threads() {
    for n in [10, 1000, 100_000] {
        let old: Vector<u64> = (0..n).collect();
        let mut new = old.clone();
        let mut views = vec![new.focus_mut()];
        while views.len() < 8 {
            let view = views.remove(0);
            // Not in the middle of leaves only.
            let border = view.len() / 2;
            views.extend(<[_; 2]>::from(view.split_at(border)))
        }
        std::thread::scope(|threads| {
            for mut view in views {
                threads.spawn(move || (0..view.len()).for_each(|i| *view.index_mut(i) += 1));
            }
        });
        new.assert_invariants();
        assert!(new.iter().copied().eq(1..=n) && old.iter().copied().eq(0..n))
    }
}

/// Small steps of random size: with few elements a leaf of large ones shows everything.
#[test]
fn the_height_stays_low_whatever_is_joined_and_cut() {
    let mut random = 1u64;
    let mut below = |n: usize| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) as usize % n.max(1)
    };
    let mut vector: Vector<u64> = Vector::new();
    (0..1000).for_each(|n| vector.push_back(n));
    let mut model: Vec<u64> = (0..1000).collect();
    for round in 0..10_000 {
        let at = below(model.len() + 1);
        let rest = vector.split_off(at);
        let rest_of_model = model.split_off(at);
        let (mut a, mut b, mut model_a, model_b) = match round % 2 {
            0 => (rest, std::mem::take(&mut vector), rest_of_model, std::mem::take(&mut model)),
            _ => (std::mem::take(&mut vector), rest, std::mem::take(&mut model), rest_of_model),
        };
        // Doubled while it is short, halved when it is long.
        let (twice, model_twice) = (b.clone(), model_b.clone());
        a.append(std::mem::take(&mut b));
        model_a.extend(model_b);
        if model_a.len() < 100_000 && round % 3 > 0 {
            a.append(twice);
            model_a.extend(model_twice)
        }
        if model_a.len() > 100_000 {
            let at = below(model_a.len());
            (a, model_a) = (a.split_off(at), model_a.split_off(at))
        }
        (vector, model) = (a, model_a);
        let most = (vector.len().max(2) as f64).log(32.0) + 2.0;
        assert!(vector.height() as f64 <= most, "{} elements {} high", vector.len(), vector.height());
        if round % 100 == 0 {
            same(&vector, &model)
        }
    }
    same(&vector, &model)
}

/// An element whose `Drop` panics once, when told to.
#[derive(Clone, Debug)]
struct Bomb(u64, std::rc::Rc<std::cell::Cell<bool>>);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.1.replace(false) {
            std::panic::resume_unwind(Box::new(()))
        }
    }
}

#[test]
fn an_element_whose_drop_panics_keeps_no_other_from_being_dropped() {
    let held = |armed: &std::rc::Rc<std::cell::Cell<bool>>| std::rc::Rc::strong_count(armed) - 1;
    for n in [1, 40, 100, 5000] {
        let armed = std::rc::Rc::new(std::cell::Cell::new(false));
        let vector: GenericVector<Bomb, RcK> = (0..n).map(|n| Bomb(n, armed.clone())).collect();
        armed.set(true);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(vector))).is_err());
        assert_eq!(held(&armed), 0, "of {n}");
    }
    // What no version sees, on both sides of what one does.
    let armed = std::rc::Rc::new(std::cell::Cell::new(false));
    let mut node = Rrb::<Bomb, crate::link::Local>::new_leaf(8, 0);
    fill(LeafMut::new(&mut node), (0..7).map(|n| Bomb(n, armed.clone())));
    armed.set(true);
    let settled = std::panic::AssertUnwindSafe(|| LeafMut::new(&mut node).settle(2..4));
    assert!(std::panic::catch_unwind(settled).is_err());
    assert_eq!(held(&armed), 2);
    let left: Vec<u64> = LeafMut::new(&mut node).drain().map(|bomb| bomb.0).collect();
    assert_eq!(left, [2, 3])
}

/// A head that is stored is copied, and dropped if nobody else has it: its `Drop` must find the vector whole.
#[test]
fn a_head_that_is_replaced_by_its_copy_may_panic_as_it_is_dropped() {
    type Edit = fn(&mut GenericVector<Bomb, RcK>);
    let edits: [Edit; 9] = [
        |v| _ = v.get_mut(1),
        |v| _ = v.pop_front(),
        |v| v.push_front(v[0].clone()),
        |v| v.insert(2, v[0].clone()),
        |v| drop(v.remove(2)),
        |v| drop(v.split_off(2)),
        |v| v.iter_mut().for_each(drop),
        |v| drop(v.focus_mut().split_at(2)),
        |v| *v = GenericVector::unit(v[0].clone()) + v.clone(),
    ];
    let session = Session::open().expect("few are open");
    for edit in edits {
        let armed = std::rc::Rc::new(std::cell::Cell::new(false));
        let mut vector: GenericVector<Bomb, RcK> = GenericVector::new();
        // Heads of all lengths: the one that is copied does not begin where its leaf does.
        for n in 0..200 {
            vector.push_front(Bomb(n, armed.clone()));
            let mut edited = vector.iter().rev().fold(GenericVector::new(), |mut all, bomb| {
                all.push_front(bomb.clone());
                all
            });
            let old: Vec<u64> = vector.iter().map(|bomb| bomb.0).collect();
            if edited.body.root.word().tag() != SPINE {
                continue;
            }
            let head = Spine::new(edited.body.root.link()).front(edited.body.ends.head()).expect("resident");
            let mark = Mark::new(session, Address::new(7).expect("7 is an address"));
            head.header().expect("a head").set_mark(mark);
            armed.set(true);
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| edit(&mut edited)));
            armed.set(false);
            edited.assert_invariants();
            if result.is_err() {
                let all: Vec<u64> = edited.iter().map(|bomb| bomb.0).collect();
                assert!(all.iter().all(|n| old.contains(n)) && all.is_sorted_by(|a, b| a >= b), "{all:?} of {old:?}")
            }
            edited.pop_front();
            edited.push_front(Bomb(0, armed.clone()));
            edited.assert_invariants()
        }
    }
}

/// A head of which nothing is seen, with elements that another version saw.
#[test]
fn a_head_that_nobody_sees_may_panic_as_it_is_replaced() {
    for n in [3, 40] {
        let armed = std::rc::Rc::new(std::cell::Cell::new(false));
        let mut vector: GenericVector<Bomb, RcK> = (0..1000).map(|n| Bomb(n, armed.clone())).collect();
        (0..n).for_each(|n| vector.push_front(Bomb(n, armed.clone())));
        let all = vector.clone();
        (0..n).for_each(|_| drop(vector.pop_front()));
        drop(all);
        let new = Bomb(7, armed.clone());
        armed.set(true);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| vector.push_front(new))).is_err());
        vector.assert_invariants();
        assert_eq!((vector.len(), vector[0].0, vector[1].0), (1001, 7, 0));
    }
}

/// An element of 64 bytes, the clone of which panics when as many were made as were told.
#[derive(Debug)]
struct Large(u64, std::rc::Rc<std::cell::Cell<u32>>, [u64; 6]);

impl Clone for Large {
    fn clone(&self) -> Self {
        match self.1.get() {
            1 => std::panic::resume_unwind(Box::new(())),
            left => self.1.set(left.saturating_sub(1)),
        }
        Large(self.0, self.1.clone(), self.2)
    }
}

/// All leaves at a seam together are less than half full, and the leaf beside them is shared: it is cloned before anything
/// is taken apart. A leaf gets that short only where it stood alone below six nodes.
#[test]
fn a_join_of_little_clones_what_stands_beside_first() {
    let left = std::rc::Rc::new(std::cell::Cell::new(0));
    let large = |n: u64| Large(n, left.clone(), [n; 6]);
    let leaf = Rrb::<Large, crate::link::Local>::LEAF_MAX as u64;
    let full = leaf as usize * 32usize.pow(6);
    let mut high: GenericVector<Large, RcK> = (0..leaf).map(large).collect();
    while high.len() < full {
        high.append(high.clone())
    }
    high.extend((0..2 * leaf).map(large));
    (0..6).for_each(|_| drop(high.remove(full)));
    high.truncate(full + leaf as usize - 6);
    let mut low: GenericVector<Large, RcK> = (0..2 * leaf).map(large).collect();
    (0..7).for_each(|_| drop(low.remove(1)));
    low.truncate(1);
    assert!(high.body.has_tree() && low.body.has_tree());
    let ends = |vector: &GenericVector<Large, RcK>| {
        let back: Vec<u64> = vector.iter().rev().take(30).map(|large| large.0).collect();
        (vector.len(), back)
    };
    let old = ends(&high);
    for clones in 1.. {
        let mut joined = high.clone();
        left.set(clones);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| joined.append(low.clone())));
        left.set(0);
        if result.is_ok() {
            assert!(clones > leaf as u32, "the leaf beside was cloned");
            assert_eq!((joined.len(), joined.back().map(|large| large.0)), (old.0 + 1, Some(0)));
            break;
        }
        assert_eq!(ends(&joined), old)
    }
}
