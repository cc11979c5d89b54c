//! `Focus`, `FocusMut` and the types of a vector's iterators: every public method and trait impl of imbl 7's.
//!
//! Not on the page: a mutable view may be narrowed beyond its end with imbl, not with ours; and splitting one asks ours
//! for elements that can be cloned (so does making one, with both).

use crate::{Found, note, panics, same_results};

/// Lengths from nothing to trees of more than one level.
const LENGTHS: [usize; 7] = [0, 1, 3, 64, 65, 300, 9000];

macro_rules! page {
    ($name:ident, $krate:ident) => {
        mod $name {
            use super::*;
            use crate::kinds::$name::Chosen;
            use std::iter::FusedIterator;
            use $krate::Vector;
            use $krate::shared_ptr::{DefaultSharedPtr, RcK};
            use $krate::vector::{Chunks, ChunksMut, ConsumingIter, Focus, FocusMut, GenericVector, Iter, IterMut};

            fn numbers(n: usize) -> Vector<u32> {
                let mut vector: Vector<u32> = (0..n as u32 / 2).rev().collect();
                vector.append((0..(n - n / 2) as u32).collect());
                vector
            }

            /// Elements of a view, in turns from its front and its back.
            fn elements(mut view: Focus<'_, u32, DefaultSharedPtr>) -> Vec<u32> {
                let n = view.len();
                (0..n).map(|i| if i % 2 == 0 { i } else { n - i }).map(|i| *view.index(i)).collect()
            }

            pub fn reading() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS {
                    let v = numbers(n);
                    let mut view: Focus<'_, u32, DefaultSharedPtr> = v.focus();
                    note(f, "new", (Focus::new(&v).len(), view.len(), view.is_empty(), elements(view.clone())));
                    note(f, "get", [0, n / 2, n.wrapping_sub(1), n, usize::MAX].map(|i| view.get(i).copied()));
                    for i in [0, n / 3, n.wrapping_sub(1)].into_iter().filter(|&i| i < n) {
                        let (range, slice) = view.chunk_at(i);
                        note(f, "chunk_at", (range.contains(&i), range.len() == slice.len(), slice[i - range.start]));
                    }
                    let (left, right) = view.clone().split_at(n / 3);
                    note(f, "split_at", (left.len(), right.len(), elements(left), elements(right.clone())));
                    note(f, "narrow", elements(right.clone().narrow(..right.len() / 2)));
                    note(
                        f,
                        "narrow twice",
                        elements(right.clone().narrow(right.len() / 4..).narrow(..right.len() / 8)),
                    );
                    note(f, "narrow to all", elements(right.clone().narrow(..)));
                    note(f, "narrow to nothing", right.clone().narrow(right.len()..right.len()).len());
                    note(f, "into_iter", right.clone().into_iter().copied().collect::<Vec<_>>());
                    note(f, "into_iter, back", right.clone().into_iter().rev().copied().collect::<Vec<_>>());
                    let parts = (right.clone().split_at(0).0.len(), right.clone().split_at(right.len()).1.len());
                    note(f, "empty parts", parts);
                    let m = right.len();
                    note(
                        f,
                        "panics",
                        [
                            panics(|| *right.clone().index(m)),
                            panics(|| right.clone().chunk_at(m).0),
                            panics(|| right.clone().narrow(..m + 1)),
                            panics(|| right.clone().narrow(m + 1..)),
                            #[allow(clippy::reversed_empty_ranges)]
                            panics(|| right.clone().narrow(1..0)),
                            panics(|| right.clone().split_at(m + 1)),
                        ],
                    );
                }
                found
            }

            pub fn changing() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS.into_iter().filter(|&n| n >= 3) {
                    let old = numbers(n);
                    let mut v = old.clone();
                    let mut view: FocusMut<'_, u32, DefaultSharedPtr> = v.focus_mut();
                    note(f, "len", (view.len(), view.is_empty()));
                    note(f, "get", [0, n / 2, n - 1, n].map(|i| view.get(i).copied()));
                    note(f, "get_mut", (view.get_mut(1).map(|x| std::mem::replace(x, 500)), view.get_mut(n)));
                    *view.index_mut(n - 1) += 7;
                    note(f, "index", (*view.index(n - 1), *view.index(1), view.set(0, 9), view.set(n, 9)));
                    view.swap(0, n - 1);
                    view.swap(1, 1);
                    note(
                        f,
                        "pair",
                        view.pair(0, n - 1, |a, b| {
                            std::mem::swap(a, b);
                            *a + *b
                        }),
                    );
                    note(
                        f,
                        "triplet",
                        view.triplet(n - 1, 0, n / 2, |a, b, c| {
                            *a += 1;
                            *b += 2;
                            *c += 3;
                            (*a, *b, *c)
                        }),
                    );
                    for i in [0, n / 3, n - 1] {
                        let (range, slice) = view.chunk_at(i);
                        note(f, "chunk_at", (range.contains(&i), range.len() == slice.len(), slice[i - range.start]));
                        slice[i - range.start] += 1000;
                    }
                    note(
                        f,
                        "panics",
                        [
                            panics(|| *view.index(n)),
                            panics(|| *view.index_mut(n)),
                            panics(|| view.chunk_at(n).0),
                            panics(|| view.swap(0, n)),
                            panics(|| view.swap(n, n)),
                            panics(|| view.pair(1, 1, |_, _| ())),
                            panics(|| view.pair(0, n, |_, _| ())),
                            panics(|| view.triplet(0, 1, 0, |_, _, _| ())),
                            panics(|| view.triplet(0, 1, n, |_, _, _| ())),
                        ],
                    );
                    note(f, "changed", (v.iter().copied().collect::<Vec<_>>(), old == numbers(n)));
                    note(
                        f,
                        "panics of parts",
                        [
                            panics(|| v.focus_mut().split_at(n + 1).0.len()),
                            panics(|| v.focus_mut().narrow(n + 1..).len()),
                        ],
                    );
                }
                note(f, "of nothing", (Vector::<u32>::new().focus_mut().len(), numbers(0).focus_mut().get(0)));
                found
            }

            pub fn parts() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                for n in LENGTHS {
                    let old = numbers(n);
                    let mut v = old.clone();
                    let (mut left, right) = FocusMut::new(&mut v).split_at(n / 3);
                    let (middle, mut right) = right.split_at(n / 3);
                    note(f, "split_at", (left.len(), middle.len(), right.len()));
                    std::thread::scope(|threads| {
                        threads.spawn(move || (0..left.len()).for_each(|i| *left.index_mut(i) += 1));
                        threads.spawn(move || middle.into_iter().rev().for_each(|x| *x += 10));
                        threads.spawn(move || (0..right.len()).rev().for_each(|i| _ = right.set(i, 100)));
                    });
                    note(f, "threads", v.iter().copied().collect::<Vec<_>>());
                    let narrow = v.focus_mut().narrow(n / 4..n / 2).narrow(..n / 8);
                    note(f, "narrow", narrow.into_iter().map(|x| std::mem::take(x)).collect::<Vec<_>>());
                    let mut view = v.focus_mut().narrow(n / 4..);
                    if let Some(x) = view.get_mut(0) {
                        *x = 5
                    }
                    note(f, "unmut", elements(view.unmut()));
                    note(f, "into a Focus", elements(Focus::from(v.focus_mut().narrow(..n / 2))));
                    note(f, "old", (old == numbers(n), v.iter().copied().collect::<Vec<_>>()));
                }
                found
            }

            pub fn types() -> Found {
                let mut found = Found::new();
                fn walks<I: DoubleEndedIterator + FusedIterator>(iter: I) -> usize {
                    iter.rev().count()
                }
                fn exact<I: ExactSizeIterator + DoubleEndedIterator + FusedIterator>(iter: I) -> usize {
                    iter.len() + walks(iter)
                }
                fn clones<A: Clone, P: Chosen>(v: &GenericVector<A, P>) -> usize {
                    let (iter, into): (Iter<'_, A, P>, ConsumingIter<A, P>) = (v.iter(), v.clone().into_iter());
                    exact(iter.clone()) + exact(into.clone()) + exact(iter) + exact(into)
                }
                // imbl's own bounds, and no more.
                fn reads<A, P: Chosen>(v: &GenericVector<A, P>) -> usize {
                    let (iter, chunks): (Iter<'_, A, P>, Chunks<'_, A, P>) = (v.iter(), v.leaves());
                    let mut focus: Focus<'_, A, P> = v.focus();
                    let is_there = focus.get(0).is_some() && !focus.is_empty() && focus.chunk_at(0).1.len() > 0;
                    let (left, right) = focus.narrow(..).split_at(0);
                    exact(iter) + walks(chunks).min(1) + is_there as usize + left.len() + right.len()
                }
                fn views<A, P: Chosen>(view: FocusMut<'_, A, P>) -> usize {
                    let n = view.len() + view.is_empty() as usize;
                    n + view.narrow(..).unmut().len()
                }
                fn changes<A: Clone, P: Chosen>(v: &mut GenericVector<A, P>) -> usize {
                    let walked = {
                        let chunks: ChunksMut<'_, A, P> = v.leaves_mut();
                        walks(chunks).min(1)
                    };
                    let changed = {
                        let iter: IterMut<'_, A, P> = v.iter_mut();
                        exact(iter)
                    };
                    walked + changed + views(v.focus_mut()) + exact(v.focus_mut().into_iter())
                }
                fn may_be_sent<T: Send + Sync>(_: &T) {}
                let mut v = numbers(500);
                may_be_sent(&v.focus());
                may_be_sent(&v.iter());
                may_be_sent(&v.leaves());
                may_be_sent(&v.clone().into_iter());
                may_be_sent(&v.focus_mut());
                may_be_sent(&v.iter_mut());
                may_be_sent(&v.leaves_mut());
                let mut local: GenericVector<String, RcK> = ["a".to_owned()].into();
                note(&mut found, "Vector", (clones(&v), reads(&v), changes(&mut v)));
                note(&mut found, "of one thread", (clones(&local), reads(&local), changes(&mut local)));
                found
            }
        }
    };
}

page!(with_imbl, imbl);
page!(with_ours, backstory);

same_results! {
    views_are_read_as_with_imbl: reading, 80;
    views_are_changed_as_with_imbl: changing, 50;
    views_are_split_as_with_imbl: parts, 40;
    types_have_the_traits_and_bounds_of_imbl: types, 2;
}

/// imbl 7.0.2 exchanges elements that are not in the part.
#[test]
fn parts_exchange_their_own_elements_where_those_of_imbl_do_not() {
    let mut ours: backstory::Vector<usize> = (0..300).collect();
    let mut view = ours.focus_mut().narrow(100..200);
    view.swap(0, 99);
    view.pair(1, 98, std::mem::swap);
    view.triplet(2, 97, 50, |a, b, c| (*a, *b, *c) = (*b, *c, *a));
    let mut std: Vec<usize> = (0..300).collect();
    std.swap(100, 199);
    std.swap(101, 198);
    (std[102], std[197], std[150]) = (197, 150, 102);
    assert_eq!(Vec::from(ours), std);
}
