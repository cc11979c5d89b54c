//! The standard traits of a vector.
//!
//! In: vectors. Out: what std, and code written against it, asks of a sequence.
//! Must hold: `Hash` agrees with `Eq`; both, and the order, are those of the sequence of elements.
//! Uses: `link`.

use super::{ConsumingIter, GenericVector, Iter, IterMut, no_such};
use crate::link::Kind;
use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::iter::Sum;
use core::ops::{Add, Index, IndexMut};

impl<A, P: Kind> Clone for GenericVector<A, P> {
    /// Time: O(1): one count.
    #[inline]
    fn clone(&self) -> Self {
        GenericVector { body: self.body.clone() }
    }
}

impl<A, P: Kind> Default for GenericVector<A, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: fmt::Debug, P: Kind> fmt::Debug for GenericVector<A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<A: PartialEq, P: Kind> PartialEq for GenericVector<A, P> {
    /// Time: O(what differs) on versions that share structure, else O(n). Elements that are shared are equal.
    fn eq(&self, other: &Self) -> bool {
        self.is_equal(other)
    }
}

impl<A: Eq, P: Kind> Eq for GenericVector<A, P> {}

impl<A: PartialOrd, P: Kind> PartialOrd for GenericVector<A, P> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other)
    }
}

impl<A: Ord, P: Kind> Ord for GenericVector<A, P> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other)
    }
}

impl<A: Hash, P: Kind> Hash for GenericVector<A, P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|element| element.hash(state))
    }
}

impl<A, P: Kind> Index<usize> for GenericVector<A, P> {
    type Output = A;

    /// Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    #[inline]
    fn index(&self, index: usize) -> &A {
        match self.get(index) {
            Some(element) => element,
            None => no_such("Vector::index", index, self.len()),
        }
    }
}

impl<A: Clone, P: Kind> IndexMut<usize> for GenericVector<A, P> {
    /// Time: O(log n).
    ///
    /// # Panics
    /// If there are not so many elements.
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut A {
        let len = self.len();
        match self.get_mut(index) {
            Some(element) => element,
            None => no_such("Vector::index_mut", index, len),
        }
    }
}

impl<A: Clone, P: Kind> Extend<A> for GenericVector<A, P> {
    fn extend<I: IntoIterator<Item = A>>(&mut self, iter: I) {
        iter.into_iter().for_each(|element| self.push_back(element))
    }
}

impl<A: Clone, P: Kind> FromIterator<A> for GenericVector<A, P> {
    /// Time: O(n).
    fn from_iter<I: IntoIterator<Item = A>>(iter: I) -> Self {
        let mut vector = Self::new();
        vector.extend(iter);
        vector
    }
}

impl<'a, A, P: Kind> IntoIterator for &'a GenericVector<A, P> {
    type Item = &'a A;
    type IntoIter = Iter<'a, A, P>;
    fn into_iter(self) -> Iter<'a, A, P> {
        self.iter()
    }
}

impl<'a, A: Clone, P: Kind> IntoIterator for &'a mut GenericVector<A, P> {
    type Item = &'a mut A;
    type IntoIter = IterMut<'a, A, P>;
    fn into_iter(self) -> IterMut<'a, A, P> {
        self.iter_mut()
    }
}

impl<A: Clone, P: Kind> IntoIterator for GenericVector<A, P> {
    type Item = A;
    type IntoIter = ConsumingIter<A, P>;

    /// Takes the elements out; those that other versions share are cloned.
    fn into_iter(self) -> ConsumingIter<A, P> {
        ConsumingIter(self)
    }
}

impl<A: Clone, P: Kind> Add for GenericVector<A, P> {
    type Output = Self;

    /// The elements of both. Time: O(log n).
    fn add(mut self, other: Self) -> Self {
        self.append(other);
        self
    }
}

impl<A: Clone, P: Kind> Add for &GenericVector<A, P> {
    type Output = GenericVector<A, P>;

    /// The elements of both. Time: O(log n).
    fn add(self, other: Self) -> GenericVector<A, P> {
        self.clone() + other.clone()
    }
}

impl<A: Clone, P: Kind> Sum for GenericVector<A, P> {
    fn sum<I: Iterator<Item = Self>>(vectors: I) -> Self {
        vectors.fold(Self::new(), Add::add)
    }
}

impl<A, O, P: Kind, Q: Kind> From<&GenericVector<&A, Q>> for GenericVector<O, P>
where
    A: ToOwned<Owned = O> + ?Sized,
    O: Borrow<A> + Clone,
{
    /// Time: O(n).
    fn from(vector: &GenericVector<&A, Q>) -> Self {
        vector.iter().map(|&element| element.to_owned()).collect()
    }
}

/// `From` for collections of elements, given up or borrowed.
macro_rules! from_elements {
    ($([$($generic:tt)*] $from:ty, $elements:ident => $iter:expr;)*) => {$(
        impl<$($generic)* A: Clone, P: Kind> From<$from> for GenericVector<A, P> {
            /// Time: O(n).
            fn from($elements: $from) -> Self {
                $iter.collect()
            }
        }
    )*};
}

from_elements! {
    [const N: usize,] [A; N], e => e.into_iter();
    ['a, const N: usize,] &'a [A; N], e => e.iter().cloned();
    ['a,] &'a [A], e => e.iter().cloned();
    [] Vec<A>, e => e.into_iter();
    ['a,] &'a Vec<A>, e => e.iter().cloned();
    [] VecDeque<A>, e => e.into_iter();
    ['a,] &'a VecDeque<A>, e => e.iter().cloned();
}

/// std's sequences from a vector, given up or borrowed.
macro_rules! into_elements {
    ($($to:ident),*) => {$(
        impl<A: Clone, P: Kind> From<GenericVector<A, P>> for $to<A> {
            /// Time: O(n). Elements that other versions share are cloned.
            fn from(vector: GenericVector<A, P>) -> Self {
                vector.into_iter().collect()
            }
        }

        impl<A: Clone, P: Kind> From<&GenericVector<A, P>> for $to<A> {
            /// Time: O(n).
            fn from(vector: &GenericVector<A, P>) -> Self {
                vector.iter().cloned().collect()
            }
        }
    )*};
}

into_elements!(Vec, VecDeque);
