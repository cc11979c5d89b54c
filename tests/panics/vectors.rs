//! Vectors whose elements' code panics.

use super::{
    BYTES, CLONE, CLOSURE, CMP, DROPS, ELEMENTS, EQ, Element, FUSE, HASH, SORTS, TWICE, asked, blown, element,
    start_of_sweep,
};
use backstory::vector::Focus;
use backstory::{GenericVector, Kind};
use std::collections::VecDeque;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An element of a vector, known by its number.
trait Item: Clone + Ord + std::hash::Hash {
    fn of(id: u32) -> Self;
    fn id(&self) -> u32;
}

impl Item for Element {
    fn of(id: u32) -> Self {
        element(id)
    }
    fn id(&self) -> u32 {
        self.id
    }
}

/// So large that a leaf has two: a hundred make a tree of two levels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Wide(Element, [u64; 30]);

impl Item for Wide {
    fn of(id: u32) -> Self {
        Wide(element(id), [id as u64; 30])
    }
    fn id(&self) -> u32 {
        assert_eq!(self.1, [self.0.id as u64; 30]);
        self.0.id
    }
}

fn of<T: Item>(id: u32) -> T {
    T::of(id)
}

type Contents = Vec<u32>;

/// Reads a vector in all ways without the user's code, and checks that it is whole.
fn contents<T: Item, P: Kind>(vector: &GenericVector<T, P>) -> Contents {
    assert_eq!(FUSE.get(), -1);
    let all: Contents = vector.iter().map(T::id).collect();
    assert_eq!(vector.len(), all.len());
    let mut view = vector.focus();
    for (i, id) in all.iter().enumerate() {
        assert_eq!((vector.get(i).map(T::id), view.index(i).id()), (Some(*id), *id), "at {i}")
    }
    assert!(vector.get(all.len()).is_none());
    assert!(vector.iter().rev().map(T::id).eq(all.iter().rev().copied()));
    assert!(vector.leaves().flatten().map(T::id).eq(all.iter().copied()));
    all
}

/// Works on a vector that went through a panic: edits of all kinds, then all out from both ends.
fn wear<T: Item, P: Kind>(mut vector: GenericVector<T, P>) {
    let mut model: VecDeque<u32> = contents(&vector).into();
    for i in 0..12 {
        let at = (i * 7) % (model.len() + 1);
        vector.insert(at, of(i as u32));
        model.insert(at, i as u32);
        vector.push_back(of(1000));
        model.push_back(1000);
        vector.push_front(of(1001));
        model.push_front(1001);
        let at = (i * 11) % model.len();
        assert_eq!(Some(vector.remove(at).id()), model.remove(at));
    }
    let middle = model.len() / 2;
    let (rest, rest_of_model) = (vector.split_off(middle), model.split_off(middle));
    vector.append(rest);
    model.extend(rest_of_model);
    assert!(contents(&vector).iter().eq(&model));
    while let Some(last) = model.pop_back() {
        assert_eq!(vector.pop_back().map(|e| e.id()), Some(last));
        assert_eq!(vector.pop_front().map(|e| e.id()), model.pop_front())
    }
    assert!(vector.is_empty() && vector.iter().next().is_none());
}

// ---- vectors of all shapes ----

/// How a vector came to be.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// From the front to the back: full leaves, strict nodes, no head.
    Pushed,
    /// The other way round: all in a head and the tree.
    Fronted,
    /// With gaps and leaves of all lengths: relaxed nodes, and ends of which less is seen than there is.
    Worked,
    /// Of two that were one: nodes stand in it twice.
    Doubled,
    /// A leaf that is less than half full is all of the tree, and one at an end is full: the next push joins them.
    Thin,
}

const FORMS: [Form; 5] = [Form::Pushed, Form::Fronted, Form::Worked, Form::Doubled, Form::Thin];

/// How the vector under test shares its nodes with versions that are kept.
#[derive(Clone, Copy, Debug)]
enum Sharing {
    Alone,
    /// A clone is kept: all is shared.
    Whole,
    /// An older version is kept, from which a few edits led here.
    Older,
    /// Versions are kept that grew from it: the next places at both ends are taken.
    Overtaken,
    /// As `Overtaken`, but those are dropped: elements lie beyond what the vector sees, and are its own to drop.
    Left,
    /// Its first and its last leaf were emptied while another version had them, which is dropped.
    Emptied,
}

const SHARINGS: [Sharing; 6] =
    [Sharing::Alone, Sharing::Whole, Sharing::Older, Sharing::Overtaken, Sharing::Left, Sharing::Emptied];

fn formed<T: Item, P: Kind>(n: u32, form: Form) -> GenericVector<T, P> {
    match form {
        Form::Pushed => (0..n).map(of).collect(),
        Form::Fronted => {
            let mut vector = GenericVector::new();
            (0..n).rev().for_each(|i| vector.push_front(of(i)));
            vector
        }
        Form::Worked => {
            let mut vector: GenericVector<T, P> = (0..n).map(|i| of(3 * i)).collect();
            for i in 0..n / 4 {
                vector.insert((i * 5 % n) as usize, of(1 + i));
                vector.remove((i * 3 % n) as usize);
            }
            (0..n.min(3)).for_each(|i| vector.push_front(of(i)));
            (0..n.min(3)).for_each(|_| _ = vector.pop_back());
            vector
        }
        Form::Thin => {
            let is_front = n.is_multiple_of(2);
            let mut vector = GenericVector::new();
            let push = |vector: &mut GenericVector<T, P>, i| match is_front {
                true => vector.push_front(of(i)),
                false => vector.push_back(of(i)),
            };
            (0..17).for_each(|i| push(&mut vector, i));
            let at = if is_front { 2 } else { 1 };
            (n % 7..13).for_each(|_| drop(vector.remove(at)));
            (0..15).for_each(|i| push(&mut vector, 100 + i));
            vector
        }
        Form::Doubled => {
            let mut vector: GenericVector<T, P> = (0..n.div_ceil(2)).map(of).collect();
            vector.append(vector.clone());
            vector.truncate(n as usize);
            vector
        }
    }
}

/// A vector of n elements, and versions that share with it.
fn built<T: Item, P: Kind>(n: u32, form: Form, sharing: Sharing) -> (GenericVector<T, P>, Vec<GenericVector<T, P>>) {
    // The ends to be emptied.
    let more = if let Sharing::Emptied = sharing { 20 } else { 0 };
    let mut vector: GenericVector<T, P> = formed(n + more, form);
    let kept = match sharing {
        Sharing::Alone => vec![],
        Sharing::Whole => vec![vector.clone()],
        Sharing::Older => {
            let old = vector.clone();
            for i in (0..vector.len()).step_by(9) {
                vector.set(i, of(500 + i as u32));
            }
            if let (Some(first), Some(last)) = (vector.pop_front(), vector.pop_back()) {
                vector.push_back(last);
                vector.push_front(first)
            }
            vec![old]
        }
        Sharing::Overtaken | Sharing::Left => {
            let mut longer = vector.clone();
            longer.push_back(of(600));
            longer.push_front(of(601));
            let mut shorter = vector.clone();
            shorter.pop_back();
            shorter.pop_front();
            if let Sharing::Left = sharing { vec![] } else { vec![longer, shorter] }
        }
        Sharing::Emptied => {
            let _old = vector.clone();
            let ends = [vector.leaves().next(), vector.leaves().next_back()].map(|leaf| leaf.map_or(0, <[T]>::len));
            (0..ends[0]).for_each(|_| _ = vector.pop_front());
            (0..ends[1]).for_each(|_| _ = vector.pop_back());
            vec![]
        }
    };
    (vector, kept)
}

// ---- the sweep ----

/// What a panic may leave behind in the vector itself. Other versions are always what they were.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// All that was there before.
    Unchanged,
    /// That, and behind it the first of the elements that were to come.
    Longer,
    /// Each element, or the one that was to take its place.
    Between,
    /// What was or would have been there, some of it.
    Some,
}

type Edit<T, P> = Box<dyn Fn(&mut GenericVector<T, P>)>;

/// One edit, for each sort of element.
struct Edits<P: Kind>(Edit<Element, P>, Edit<Wide, P>);

macro_rules! edits {
    (|$vector:ident| $body:expr) => {
        Edits(
            Box::new(|$vector| {
                let _result = $body;
            }),
            Box::new(|$vector| {
                let _result = $body;
            }),
        )
    };
}

/// Runs `edit` with the fuse at 0, 1, .. until it goes through, on a vector of each size, form and sharing.
fn sweep<P: Kind>(sizes: &[u32], after: After, edit: &Edits<P>) -> [usize; SORTS] {
    start_of_sweep();
    for &n in sizes {
        for form in FORMS {
            if matches!(form, Form::Thin) && !matches!(n, 17 | 36 | 90) {
                continue; // The size is the leaf's only.
            }
            for sharing in SHARINGS {
                sweep_one(n, form, sharing, after, &*edit.0);
                sweep_one(n, form, sharing, after, &*edit.1)
            }
        }
    }
    blown()
}

fn sweep_one<T: Item, P: Kind>(
    n: u32,
    form: Form,
    sharing: Sharing,
    after: After,
    edit: &dyn Fn(&mut GenericVector<T, P>),
) {
    let (before, wanted) = {
        let (mut vector, _kept) = built(n, form, sharing);
        let before = contents(&vector);
        edit(&mut vector);
        (before, contents(&vector))
    };
    for fuse in 0.. {
        let (elements, bytes) = (ELEMENTS.get(), BYTES.get());
        let place = || format!("n = {n}, {form:?}, {sharing:?}, {} bytes, call {fuse}", size_of::<T>());
        let went_through;
        {
            let (mut vector, kept) = built::<T, P>(n, form, sharing);
            let kept_contents: Vec<Contents> = kept.iter().map(contents).collect();
            FUSE.set(fuse);
            let result = catch_unwind(AssertUnwindSafe(|| edit(&mut vector)));
            went_through = FUSE.replace(-1) >= 0;
            assert_eq!(result.is_ok(), went_through, "a panic came from elsewhere: {}", place());
            for (version, then) in kept.iter().zip(&kept_contents) {
                assert_eq!(&contents(version), then, "a kept version changed: {}", place());
            }
            let now = contents(&vector);
            if went_through {
                assert_eq!(now, wanted, "{}", place());
            } else {
                assert_after(after, &now, &before, &wanted, &place)
            }
            wear(vector);
            kept.into_iter().for_each(wear);
        }
        assert!(!TWICE.get(), "dropped twice: {}", place());
        if !DROPS.get() {
            assert_eq!(ELEMENTS.get(), elements, "elements leaked: {}", place());
            assert_eq!(BYTES.get(), bytes, "bytes leaked: {}", place());
        }
        if went_through {
            return;
        }
    }
}

fn assert_after(after: After, now: &Contents, before: &Contents, wanted: &Contents, place: &dyn Fn() -> String) {
    match after {
        After::Unchanged => assert_eq!(now, before, "{}", place()),
        After::Longer => assert!(now.starts_with(before) && wanted.starts_with(now), "{now:?}: {}", place()),
        After::Between => {
            assert_eq!(now.len(), before.len(), "{}", place());
            let is_known = |i: usize| now[i] == before[i] || now[i] == wanted[i];
            assert!((0..now.len()).all(is_known), "{now:?}: {}", place())
        }
        After::Some => {
            // As often as it can be there.
            for id in now {
                let times = |all: &Contents| all.iter().filter(|other| *other == id).count();
                assert!(times(now) <= times(before).max(times(wanted)), "{id} in {now:?}: {}", place())
            }
        }
    }
}

fn is_long() -> bool {
    std::env::var_os("BACKSTORY_LONG").is_some()
}

/// None, one, about a leaf, several, a tree of one and of two levels.
fn sizes() -> Vec<u32> {
    let mut sizes = vec![0, 1, 2, 15, 17, 33, 90];
    if is_long() {
        sizes.extend([3, 16, 32, 34, 64, 200, 700])
    }
    sizes
}

/// For operations that call user code for every element.
fn small() -> Vec<u32> {
    let mut sizes = vec![0, 1, 17, 36];
    if is_long() {
        sizes.extend([2, 16, 40, 100])
    }
    sizes
}

/// One test: an edit, where it is tried, what it may leave, and which sorts of calls must have blown.
macro_rules! edits_survive {
    ($($test:ident: $sizes:ident, $after:ident, [$($sort:ident),*], |$vector:ident| $body:expr;)*) => {$(
        #[test]
        fn $test() {
            let arc: Edits<archery::ArcTK> = edits!(|$vector| $body);
            let rc: Edits<archery::RcK> = edits!(|$vector| $body);
            let blown = sweep(&$sizes(), After::$after, &arc);
            let sorts: &[(usize, &str)] = &[$(($sort, stringify!($sort))),*];
            sorts.iter().for_each(|&(sort, name)| assert!(blown[sort] > 0, "no {name} ever panicked"));
            sweep(&$sizes()[..3], After::$after, &rc);
            DROPS.set(true);
            sweep(&[1, 17, 36], After::Some, &arc);
            sweep(&[2], After::Some, &rc);
        }
    )*};
}

/// As many from there on as there are, but not more than this.
fn part<T: Item, P: Kind>(vector: &GenericVector<T, P>, from: usize, n: usize) -> std::ops::Range<usize> {
    let from = from.min(vector.len());
    from..(from + n).min(vector.len())
}

/// Another vector of so many, made without the fuse.
fn another<T: Item, P: Kind>(n: u32) -> GenericVector<T, P> {
    let fuse = FUSE.replace(-1);
    let vector = (700..700 + n).map(of).collect();
    FUSE.set(fuse);
    vector
}

edits_survive! {
    push_back: sizes, Unchanged, [CLONE], |v| v.push_back(of(7));
    push_front: sizes, Unchanged, [CLONE], |v| v.push_front(of(7));
    many_pushed_back: small, Longer, [CLONE], |v| (0..20).for_each(|i| v.push_back(of(800 + i)));
    many_pushed_front: small, Some, [CLONE], |v| (0..20).for_each(|i| v.push_front(of(800 + i)));
    pop_back: sizes, Unchanged, [CLONE], |v| v.pop_back();
    pop_front: sizes, Unchanged, [CLONE], |v| v.pop_front();
    many_popped_back: small, Some, [CLONE], |v| (0..20).for_each(|_| _ = v.pop_back());
    many_popped_front: small, Some, [CLONE], |v| (0..20).for_each(|_| _ = v.pop_front());
    get_mut: sizes, Unchanged, [CLONE], |v| v.get_mut(v.len() / 2).is_some();
    front_mut_and_back_mut: sizes, Unchanged, [CLONE], |v| v.front_mut().is_some() && v.back_mut().is_some();
    set: sizes, Unchanged, [CLONE], |v| if v.len() > 2 { drop(v.set(v.len() / 3, of(7))) };
    index_mut: sizes, Unchanged, [CLONE], |v| if let Some(last) = v.len().checked_sub(1) { v[last] = of(9) };
    insert_in_front: sizes, Unchanged, [CLONE], |v| v.insert(0, of(7));
    insert_second: sizes, Unchanged, [CLONE], |v| v.insert(1.min(v.len()), of(7));
    insert_in_the_middle: sizes, Unchanged, [CLONE], |v| v.insert(v.len() / 2, of(7));
    insert_before_the_last: sizes, Unchanged, [CLONE], |v| v.insert(v.len().saturating_sub(1), of(7));
    remove_the_first: sizes, Unchanged, [CLONE], |v| (!v.is_empty()).then(|| v.remove(0));
    remove_the_second: sizes, Unchanged, [CLONE], |v| (v.len() > 1).then(|| v.remove(1));
    remove_in_the_middle: sizes, Unchanged, [CLONE], |v| (!v.is_empty()).then(|| v.remove(v.len() / 2));
    remove_before_the_last: sizes, Unchanged, [CLONE], |v| (v.len() > 1).then(|| v.remove(v.len() - 2));
    swap: sizes, Unchanged, [CLONE], |v| if v.len() > 3 { v.swap(1, v.len() - 2) };
    clear: small, Some, [], |v| v.clear();
    truncate: sizes, Unchanged, [CLONE], |v| v.truncate(v.len() / 2 + 1);
    split_off: sizes, Unchanged, [CLONE], |v| v.split_off(v.len() / 2);
    split_off_near_the_front: sizes, Unchanged, [CLONE], |v| v.split_off(v.len().min(2));
    split_off_near_the_back: sizes, Unchanged, [CLONE], |v| v.split_off(v.len().saturating_sub(2));
    slice: sizes, Unchanged, [CLONE], |v| v.slice(part(v, 3, 20));
    append_none: sizes, Unchanged, [], |v| v.append(GenericVector::new());
    append_few: sizes, Longer, [CLONE], |v| v.append(another(3));
    append_a_leaf: sizes, Longer, [CLONE], |v| v.append(another(16));
    append_many: sizes, Unchanged, [CLONE], |v| v.append(another(70));
    append_itself: sizes, Longer, [CLONE], |v| v.append(v.clone());
    append_an_end_of_itself: sizes, Longer, [CLONE], |v| v.append(v.skip(v.len() / 2));
    append_to_a_beginning: sizes, Unchanged, [CLONE], |v| *v = v.take(v.len() / 3) + v.clone();
    append_to_few: sizes, Unchanged, [CLONE], |v| *v = another(3) + v.clone();
    append_to_many: sizes, Unchanged, [CLONE], |v| *v = another(70) + v.clone();
    splice_in_a_leaf: sizes, Unchanged, [CLONE, CLOSURE], |v| {
        v.splice(part(v, v.len() / 2, 2), (0..3).map(|i| asked(of(900 + i))))
    };
    splice_at_the_front: sizes, Unchanged, [CLONE, CLOSURE], |v| {
        v.splice(part(v, 0, 1), (0..2).map(|i| asked(of(900 + i))))
    };
    splice_at_the_back: sizes, Unchanged, [CLONE, CLOSURE], |v| {
        v.splice(part(v, v.len().saturating_sub(1), 1), (0..2).map(|i| asked(of(900 + i))))
    };
    splice_one_in: sizes, Unchanged, [CLONE, CLOSURE], |v| {
        v.splice(part(v, v.len() * 2 / 3, 0), std::iter::once_with(|| asked(of(900))))
    };
    splice_over_leaves: sizes, Unchanged, [CLONE, CLOSURE], |v| {
        v.splice(part(v, 1, v.len() / 2), (0..20).map(|i| asked(of(900 + i))))
    };
    extend: small, Longer, [CLONE, CLOSURE], |v| v.extend((0..40).map(|i| asked(of(800 + i))));
    retain: small, Unchanged, [CLONE, CLOSURE], |v| v.retain(|e| asked(e.id() % 3 != 0));
    retain_all: small, Unchanged, [CLOSURE], |v| v.retain(|_| asked(true));
    retain_none: small, Unchanged, [CLOSURE], |v| v.retain(|_| asked(false));
    sort: small, Unchanged, [CMP, CLONE], |v| v.sort();
    sort_by: small, Unchanged, [CLOSURE, CLONE], |v| v.sort_by(|a, b| asked(b.id().cmp(&a.id())));
    sort_by_key: small, Unchanged, [CLOSURE, CLONE], |v| v.sort_by_key(|a| asked(a.id() % 7));
    insert_ord: sizes, Unchanged, [CMP, CLONE], |v| v.insert_ord(of(11));
    insert_ord_by: sizes, Unchanged, [CLOSURE, CLONE], |v| v.insert_ord_by(of(11), |a, b| asked(a.id().cmp(&b.id())));
    insert_ord_by_key: sizes, Unchanged, [CLOSURE, CLONE], |v| v.insert_ord_by_key(of(11), |a| asked(a.id()));
    iter_mut: small, Between, [CLONE, CLOSURE], |v| v.iter_mut().for_each(|e| *e = asked(of(e.id() + 1000)));
    iter_mut_from_both_ends: small, Between, [CLONE, CLOSURE], |v| {
        let mut all = v.iter_mut();
        while let (Some(a), b) = (all.next(), all.next_back()) {
            *a = asked(of(a.id() + 1000));
            if let Some(b) = b { *b = asked(of(b.id() + 1000)) }
        }
    };
    leaves_mut: small, Between, [CLONE, CLOSURE], |v| {
        v.leaves_mut().for_each(|leaf| leaf.iter_mut().for_each(|e| *e = asked(of(e.id() + 1000))))
    };
    focus_mut: small, Between, [CLONE, CLOSURE], |v| {
        let mut view = v.focus_mut();
        (0..view.len()).for_each(|i| *view.index_mut(i) = asked(of(800 + i as u32)))
    };
    focus_mut_in_parts: small, Between, [CLONE, CLOSURE], |v| {
        let middle = v.len() / 2;
        let (mut a, mut b) = v.focus_mut().split_at(middle);
        for i in 0..middle {
            a.set(i, asked(of(800 + i as u32)));
            b.set(i, asked(of(900 + i as u32)));
        }
        (Focus::from(a).len(), b.unmut().len())
    };
    focus_mut_swap_pair_and_triplet: small, Some, [CLONE, CLOSURE], |v| if v.len() > 9 {
        let last = v.len() - 1;
        let mut view = v.focus_mut();
        view.swap(0, last);
        view.pair(1, last - 1, |a, b| {
            std::mem::swap(a, b);
            asked(0)
        });
        view.triplet(2, last / 2, last - 2, |a, b, c| {
            std::mem::swap(a, b);
            std::mem::swap(b, c);
            asked(0)
        });
        view.chunk_at(last / 3).1.reverse()
    };
}

// ---- operations that make new versions, or only look ----

edits_survive! {
    update: sizes, Unchanged, [CLONE], |v| (v.len() > 4).then(|| v.update(v.len() - 2, of(7)));
    skip: sizes, Unchanged, [CLONE], |v| v.skip(v.len() / 2);
    take: sizes, Unchanged, [CLONE], |v| v.take(v.len() / 2);
    split_at: sizes, Unchanged, [CLONE], |v| v.clone().split_at(v.len() / 3);
    sum_of_versions: small, Unchanged, [CLONE], |v| [v.clone(), another(5), v.clone()].into_iter().sum::<GenericVector<_, _>>();
    equal: small, Unchanged, [EQ], |v| *v == other(v);
    equal_when_made_apart: small, Unchanged, [EQ], |v| *v == rebuilt(v);
    compared: small, Unchanged, [CMP], |v| ((*v).partial_cmp(&rebuilt(v)), (*v).cmp(&other(v)));
    diff: small, Unchanged, [EQ], |v| (v.diff(&other(v)).count(), other(v).diff(v).count());
    index_of: small, Unchanged, [EQ], |v| (v.index_of(&of(20)), v.contains(&of(30)));
    binary_search: small, Unchanged, [CMP], |v| v.binary_search(&of(20)).is_ok();
    binary_search_by: small, Unchanged, [CLOSURE], |v| v.binary_search_by(|e| asked(e.id().cmp(&20))).is_ok();
    binary_search_by_key: small, Unchanged, [CLOSURE], |v| v.binary_search_by_key(&20, |e| asked(e.id())).is_ok();
    hash_of_a_vector: small, Unchanged, [HASH], |v| BuildHasherDefault::<DefaultHasher>::default().hash_one(&*v);
    into_iter: small, Some, [CLONE, CLOSURE], |v| std::mem::take(v).into_iter().for_each(|e| drop(asked(e)));
    into_iter_from_both_ends: small, Unchanged, [CLONE, CLOSURE], |v| {
        let mut all = v.clone().into_iter();
        while let (Some(a), b) = (all.next(), all.next_back()) {
            drop(asked((a, b)))
        }
    };
    into_vec: small, Unchanged, [CLONE], |v| Vec::from(v.clone());
    collect: small, Unchanged, [CLONE, CLOSURE], |v| v.iter().map(|e| asked(e.clone())).collect::<GenericVector<_, archery::RcK>>();
    from_slice: small, Unchanged, [CLONE], |v| match v.leaves().next() {
        Some(leaf) => GenericVector::<_, archery::ArcK>::from(leaf).len(),
        None => 0,
    };
}

/// A version with an element more, one less and another value.
fn other<T: Item, P: Kind>(vector: &GenericVector<T, P>) -> GenericVector<T, P> {
    let fuse = FUSE.replace(-1);
    let mut new = vector.clone();
    new.push_back(of(7));
    new.set(new.len() / 2, of(8));
    new.remove(new.len() / 3);
    FUSE.set(fuse);
    new
}

/// An equal vector that shares nothing.
fn rebuilt<T: Item, P: Kind>(vector: &GenericVector<T, P>) -> GenericVector<T, P> {
    let fuse = FUSE.replace(-1);
    let new = vector.iter().map(|e| of(e.id())).collect();
    FUSE.set(fuse);
    new
}
