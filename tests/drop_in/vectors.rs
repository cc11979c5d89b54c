//! Vectors: every public method and trait impl of imbl 7's `Vector`, with imbl's bounds, and what panics.

use crate::{Found, Tagged, note, panics, same_results, sorted};

/// Lengths from nothing to trees of more than one level.
const LENGTHS: [usize; 8] = [0, 1, 3, 64, 65, 129, 300, 9000];

macro_rules! page {
    ($name:ident, $krate:ident) => {
        mod $name {
            use super::*;
            use crate::kinds::$name::Chosen;
            use std::collections::hash_map::DefaultHasher;
            use std::fmt::Debug;
            use std::hash::{Hash, Hasher};
            use std::iter::Sum;
            use std::ops::{Add, Bound, Index, IndexMut};
            use $krate::shared_ptr::{DefaultSharedPtr, RcK};
            use $krate::{GenericVector, HashSet, Vector, get_in, hashmap, update_in, vector};

            fn numbers(n: usize) -> Vector<u32> {
                (0..n as u32).map(|i| i * 7919 % 1009).collect()
            }

            /// A vector put together from both ends and from others, so that its tree is not an even one.
            fn pieced(n: usize) -> Vector<u32> {
                let mut vector = Vector::new();
                for i in 0..n / 3 {
                    vector.push_front(i as u32);
                }
                let mut right = vector.clone();
                right.append(numbers(n - 2 * (n / 3)));
                vector.append(right);
                vector
            }

            fn all<A: Clone, P: Chosen>(vector: &GenericVector<A, P>) -> Vec<A> {
                vector.iter().cloned().collect()
            }

            pub fn making_and_asking() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let empty: Vector<u32> = Vector::new();
                note(f, "new", (empty.len(), empty.is_empty(), all(&empty), Vector::<u8>::default().len()));
                let none: Vector<u8> = vector![];
                note(f, "macro", (all(&vector![1, 2, 3]), vector![1, 2, 3,] == vector![1, 2, 3], none.len()));
                note(f, "unit", (all(&Vector::unit("a")), $krate::vector::Vector::unit(2) == vector![2]));
                for n in LENGTHS {
                    let v = pieced(n);
                    note(f, "len", (v.len(), v.is_empty(), all(&v)));
                    note(f, "ends", (v.front(), v.head(), v.back(), v.last()));
                    let places = [0, 1, 2, n / 2, n.wrapping_sub(1), n, n + 1, usize::MAX];
                    note(f, "get", places.map(|i| v.get(i).copied()));
                    note(f, "index", places.map(|i| (i < n).then(|| v[i])));
                    note(f, "index_of", [0, 5, 1008, 5000].map(|x| (v.index_of(&x), v.contains(&x))));
                    note(f, "ptr_eq", (v.ptr_eq(&v), numbers(65).ptr_eq(&numbers(65))));
                    note(f, "get_in", (get_in![v, 0], get_in![vector![v.clone()], 0 => 1]));
                }
                note(f, "ptr_eq of a clone", (numbers(300).ptr_eq(&numbers(300)), {
                    let v = numbers(300);
                    v.ptr_eq(&v.clone())
                }));
                let _ = empty.is_inline(); // Differs: none of ours is.
                found
            }

            pub fn searching() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS {
                    // Each number three times, so that one can see which of equal ones is found.
                    let v: Vector<u32> = (0..n as u32).map(|i| i / 3 * 2).collect();
                    let sought = [0, 1, 2, 40, 41, n as u32 / 3, n as u32];
                    note(f, "binary_search", sought.map(|x| v.binary_search(&x)));
                    note(f, "binary_search_by", sought.map(|x| v.binary_search_by(|y| y.cmp(&x))));
                    note(f, "binary_search_by_key", sought.map(|x| v.binary_search_by_key(&(x / 2), |y| y / 2)));
                    let mut tagged: Vector<Tagged> = v.iter().map(|&x| Tagged(x, 'a')).collect();
                    let by_number = |a: &Tagged, b: &Tagged| a.0.cmp(&b.0);
                    for x in sought {
                        tagged.insert_ord_by(Tagged(x, 'b'), by_number);
                        tagged.insert_ord_by_key(Tagged(x, 'c'), |t| t.0);
                    }
                    note(f, "insert_ord_by", all(&tagged).iter().map(|t| (t.0, t.1)).collect::<Vec<_>>());
                    let mut more = v.clone();
                    sought.iter().for_each(|&x| more.insert_ord(x));
                    note(f, "insert_ord", (all(&more), v.len()));
                    let mut v = pieced(n);
                    v.sort();
                    note(f, "sort", all(&v));
                    v.sort_by(|a, b| (b % 10, b).cmp(&(a % 10, a)));
                    note(f, "sort_by", all(&v));
                }
                found
            }

            pub fn editing() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS {
                    let old = pieced(n);
                    let mut v = old.clone();
                    v.push_back(1_000);
                    v.push_front(2_000);
                    note(f, "push", (all(&v), old.len()));
                    note(f, "pop", (v.pop_back(), v.pop_front(), v.pop_back(), v.pop_front(), v.len()));
                    for (at, x) in [(0, 1), (v.len(), 2), (v.len() / 2, 3), (v.len() / 3, 4)] {
                        v.insert(at, x)
                    }
                    note(f, "insert", all(&v));
                    note(f, "remove", (v.remove(v.len() / 2), v.remove(0), v.remove(v.len() - 1), all(&v)));
                    note(f, "set", (v.set(0, 77), v[0]));
                    let updated = v.update(0, 78);
                    note(f, "update", (updated[0], v[0], all(&updated)));
                    let nested = vector![v.clone()];
                    note(f, "update_in", all(&update_in![nested, 0 => 0, 79][0]));
                    v.swap(0, n / 2);
                    note(f, "swap", (all(&v), v.len()));
                    v[0] += 1;
                    for place in [v.get_mut(0), None] {
                        place.into_iter().for_each(|x| *x += 1)
                    }
                    note(f, "get_mut", (v[0], v.get_mut(n + 5).copied()));
                    note(f, "ends", (v.front_mut().copied(), v.back_mut().copied()));
                    *v.front_mut().unwrap() += 10;
                    *v.back_mut().unwrap() += 10;
                    note(f, "front_mut", (all(&v), all(&old)));
                    // Not of `old`: where a vector was pushed to in front, imbl 7.0.2 keeps the wrong elements.
                    let (mut kept, mut asked) = (numbers(n), Vec::new());
                    kept.retain(|x| {
                        asked.push(*x);
                        x % 3 == 0
                    });
                    note(f, "retain", (all(&kept), asked, old.len()));
                    v.clear();
                    note(f, "clear", (v.len(), all(&v), v.pop_back(), v.pop_front(), v.front_mut(), old.len()));
                }
                found
            }

            pub fn cutting_and_joining() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS {
                    let v = pieced(n);
                    for at in sorted([0, 1, n / 3, n / 2, n.saturating_sub(1), n]).into_iter().filter(|&at| at <= n) {
                        let (left, right) = v.clone().split_at(at);
                        let mut cut = v.clone();
                        let off = cut.split_off(at);
                        note(f, "split", (left == cut, right == off, all(&left), all(&right)));
                        note(f, "skip and take", (all(&v.skip(at)), all(&v.take(at)), v.skip(at) == right));
                        cut.append(off);
                        note(f, "append", (cut == v, all(&(&right + &left)), all(&(right + left))));
                        let mut short = v.clone();
                        short.truncate(at);
                        note(f, "truncate", all(&short));
                    }
                    note(f, "skip more", (all(&v.skip(n + 1)), v.skip(usize::MAX).len()));
                    let mut whole = v.clone();
                    whole.truncate(n + 1);
                    note(f, "truncate to more", whole == v);
                    note(f, "sum", all(&[v.clone(), vector![1], v.clone()].into_iter().sum::<Vector<u32>>()));
                    let mut more = v.clone();
                    more.extend(v.iter().map(|x| x + 1));
                    note(f, "extend", (all(&more), v.len()));
                }
                found
            }

            pub fn slicing() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                type Ends = (Bound<usize>, Bound<usize>);
                let slice = |v: &Vector<u32>, range: Ends| {
                    let mut rest = v.clone();
                    (!panics(|| rest.clone().slice(range))).then(|| (all(&rest.slice(range)), all(&rest)))
                };
                for n in LENGTHS {
                    let v = pieced(n);
                    use Bound::{Excluded, Included, Unbounded};
                    let (a, b) = (n / 3, n / 2);
                    note(f, "inside", slice(&v, (Included(a), Excluded(b))));
                    note(f, "its end too", slice(&v, (Included(a), Included(b))));
                    note(f, "without its start", slice(&v, (Excluded(a), Excluded(b))));
                    note(f, "from the front", slice(&v, (Unbounded, Excluded(b))));
                    note(f, "to the back", slice(&v, (Included(a), Unbounded)));
                    note(f, "all", slice(&v, (Unbounded, Unbounded)));
                    note(f, "nothing", slice(&v, (Included(a), Excluded(a))));
                    note(f, "ends before it begins", slice(&v, (Included(b + 1), Excluded(b))));
                    note(f, "begins at the end", slice(&v, (Included(n), Excluded(n + 2))));
                    note(f, "begins behind the end", slice(&v, (Included(n + 1), Unbounded)));
                    note(f, "ends behind the end", slice(&v, (Included(a), Excluded(n + 1))));
                }
                found
            }

            pub fn panicking() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS {
                    let v = || pieced(n);
                    note(f, "index", (panics(|| v()[n]), panics(|| v()[n] = 1)));
                    note(f, "set", (panics(|| v().set(n, 1)), panics(|| v().update(n, 1))));
                    note(f, "insert", (panics(|| v().insert(n, 1)), panics(|| v().insert(n + 1, 1))));
                    note(f, "remove", panics(|| v().remove(n)));
                    note(f, "swap", (panics(|| v().swap(0, n)), panics(|| v().swap(n, 0)), panics(|| v().swap(n, n))));
                    note(f, "split", (panics(|| v().split_off(n + 1)), panics(|| v().split_at(n + 1))));
                    note(f, "skip and take", (panics(|| v().skip(n + 1)), panics(|| v().take(n + 1))));
                    let nested = vector![v()];
                    note(f, "update_in", panics(|| update_in![nested, 1 => 0, 5]));
                }
                found
            }

            pub fn walking() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS {
                    let mut v = pieced(n);
                    note(f, "rev", v.iter().rev().copied().collect::<Vec<_>>());
                    let mut iter = v.iter();
                    note(f, "both ends", (iter.next(), iter.next_back(), iter.next(), iter.len(), iter.size_hint()));
                    note(f, "clone", (iter.clone().count(), iter.next_back(), iter.nth(n / 2), iter.len()));
                    iter.by_ref().for_each(drop);
                    note(f, "fused", (iter.next(), iter.next_back(), iter.len()));
                    note(f, "nth", (v.iter().nth(n / 2), v.iter().nth(n), v.iter().nth_back(n / 3), v.iter().last()));
                    for x in &mut v {
                        *x += 1
                    }
                    let mut iter = v.iter_mut();
                    if let (Some(a), Some(b)) = (iter.next(), iter.next_back()) {
                        std::mem::swap(a, b)
                    }
                    note(f, "iter_mut", (iter.len(), iter.size_hint(), iter.rev().map(|x| *x).collect::<Vec<_>>()));
                    let mut iter = v.clone().into_iter();
                    note(f, "into_iter", (iter.next(), iter.next_back(), iter.len(), iter.size_hint()));
                    note(f, "clone of into_iter", (iter.clone().collect::<Vec<_>>(), iter.rev().collect::<Vec<_>>()));
                    let mut sum = 0;
                    for x in &v {
                        sum += x
                    }
                    note(f, "for in", (sum, v.len()));
                    // How many there are, and where they are cut, is the crate's own matter.
                    note(f, "leaves", v.leaves().flatten().copied().collect::<Vec<_>>());
                    note(f, "leaves, back", v.leaves().rev().flat_map(|s| s.iter().rev()).copied().collect::<Vec<_>>());
                    note(f, "no empty leaves", (v.leaves().all(|s| !s.is_empty()), v.leaves().count() > 0));
                    v.leaves_mut().for_each(|s| s.iter_mut().for_each(|x| *x *= 2));
                    v.leaves_mut().rev().for_each(|s| s[0] += 1);
                    let halves: Vec<u32> = v.iter().map(|x| x / 2).collect();
                    note(f, "leaves_mut", halves);
                }
                found
            }

            pub fn converting() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let listed = vec![3, 1, 2];
                note(f, "from slice", all(&Vector::from(listed.as_slice())));
                note(f, "from &Vec", all(&Vector::from(&listed)));
                note(f, "from Vec", all(&Vector::from(listed.clone())));
                note(f, "from array", all(&Vector::from([3, 1, 2])));
                note(f, "collect", all(&listed.iter().copied().collect::<Vector<_>>()));
                let lists: Vec<Vec<u8>> = vec![vec![1], vec![], vec![2, 3]];
                let borrowed: Vector<&Vec<u8>> = lists.iter().collect();
                note(f, "from borrowed", all(&Vector::<Vec<u8>>::from(&borrowed)));
                let set: HashSet<i32> = Vector::from(listed).into_iter().collect();
                note(f, "a set of it", sorted(set.iter().copied()));
                note(f, "and back", sorted(set.into_iter().collect::<Vector<i32>>()));
                note(f, "values of a map", all(&hashmap! {1 => 'a'}.values().copied().collect::<Vector<_>>()));
                note(f, "debug", (format!("{:?}", vector![1, 2]), format!("{:#?}", vector!["a"]), vector![Some(1)]));
                let local: GenericVector<u32, RcK> = numbers(100).into_iter().collect();
                note(f, "another kind", all(&local));
                found
            }

            pub fn comparing() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let hash = |v: &Vector<u32>| {
                    let mut hasher = DefaultHasher::new();
                    v.hash(&mut hasher);
                    hasher.finish()
                };
                let mut last = pieced(300);
                *last.back_mut().unwrap() += 1;
                let all = [vector![], vector![1], vector![1, 2], vector![2], pieced(300), numbers(300), last];
                for a in &all {
                    for b in &all {
                        note(f, "==", (a == b, a != b, a.cmp(b), a.partial_cmp(b), a < b, a >= b));
                        // The hash is not imbl's, it agrees with `==` as imbl's does.
                        note(f, "hash", a != b || hash(a) == hash(b));
                    }
                    let (rebuilt, clone): (Vector<u32>, _) = (a.iter().copied().collect(), a.clone());
                    note(f, "== of equal ones", (a == &rebuilt, &clone == a, a.cmp(&rebuilt)));
                }
                let floats = vector![1.0, f64::NAN];
                note(f, "partial", (floats.partial_cmp(&vector![1.0, 2.0]), floats.partial_cmp(&vector![2.0])));
                note(f, "NaN of its own", (floats == vector![1.0, f64::NAN], floats != vector![1.0, f64::NAN]));
                note(f, "in order", sorted(all.iter().map(Vector::len)));
                found
            }

            /// Generic code with imbl's bounds: it need not run, it must compile.
            pub fn generic_code_compiles() -> usize {
                fn traits<A, P>() -> usize
                where
                    A: Clone + Debug + Ord + Hash + 'static,
                    P: Chosen + 'static,
                    GenericVector<A, P>: Clone + Default + Ord + Hash + Debug + Sum + Add<Output = GenericVector<A, P>>,
                    GenericVector<A, P>: Extend<A> + FromIterator<A> + IntoIterator<Item = A>,
                    GenericVector<A, P>: Index<usize, Output = A> + IndexMut<usize>,
                    GenericVector<A, P>: From<Vec<A>> + From<&'static Vec<A>> + From<&'static [A]> + From<[A; 3]>,
                    GenericVector<A, P>: From<&'static GenericVector<&'static A, P>>,
                    &'static GenericVector<A, P>: IntoIterator<Item = &'static A> + Add<Output = GenericVector<A, P>>,
                    &'static mut GenericVector<A, P>: IntoIterator<Item = &'static mut A>,
                {
                    1
                }
                // Elements that cannot be cloned, nor anything else.
                struct Bare;
                fn unbounded<A, P: Chosen>(a: A) -> usize {
                    let v: GenericVector<A, P> = GenericVector::unit(a);
                    let mut none: GenericVector<A, P> = Default::default();
                    none.clear();
                    let read = v.iter().count() + v.leaves().count() + v.focus().len() + v.len() + none.len();
                    let ends = [v.get(0), v.front(), v.head(), v.back(), v.last()].iter().flatten().count();
                    let found = v.binary_search_by(|_| std::cmp::Ordering::Less).is_err() as usize;
                    read + ends + found + v.binary_search_by_key(&1, |_| 1).is_ok() as usize + v.ptr_eq(&v) as usize
                }
                fn comparing<A: PartialOrd, P: Chosen>(v: &GenericVector<A, P>) -> bool {
                    v == v && v.partial_cmp(v).is_some() && v.contains(&v[0]) && v.index_of(&v[0]).is_some()
                }
                traits::<String, DefaultSharedPtr>()
                    + traits::<Vec<u8>, RcK>()
                    + unbounded::<Bare, RcK>(Bare)
                    + comparing(&vector![1.5]) as usize
            }
        }
    };
}

page!(with_imbl, imbl);
page!(with_ours, backstory);

same_results! {
    vectors_are_made_and_asked_as_with_imbl: making_and_asking, 50;
    sorted_vectors_work_as_with_imbl: searching, 50;
    vectors_are_edited_as_with_imbl: editing, 80;
    vectors_are_cut_and_joined_as_with_imbl: cutting_and_joining, 100;
    slices_are_taken_as_with_imbl: slicing, 80;
    vectors_panic_as_with_imbl: panicking, 60;
    iterators_work_as_with_imbl: walking, 80;
    conversions_work_as_with_imbl: converting, 10;
    vectors_compare_as_with_imbl: comparing, 50;
}

#[test]
fn generic_code_with_the_bounds_of_imbl_compiles() {
    assert_eq!(with_imbl::generic_code_compiles(), with_ours::generic_code_compiles());
}

/// imbl 7.0.2 takes leaves with room in front for leaves without, and keeps others.
#[test]
fn retain_keeps_the_right_elements_where_those_of_imbl_are_wrong() {
    for n in LENGTHS {
        let mut ours = backstory::Vector::new();
        (0..n).for_each(|i| ours.push_front(i));
        ours.append(ours.clone());
        let mut std = Vec::from(&ours);
        ours.retain(|x| x % 3 == 0);
        std.retain(|x| x % 3 == 0);
        assert_eq!(Vec::from(ours), std);
    }
}
