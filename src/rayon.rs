//! The feature `rayon`: collections as parallel iterators, borrowed and mutable, and from parallel iterators.
//!
//! ```
//! use backstory::{HashMap, Vector};
//! use rayon::prelude::*;
//!
//! let mut vector: Vector<u64> = (0..10_000).into_par_iter().collect();
//! vector.par_iter_mut().for_each(|n| *n *= 2);
//! assert_eq!(vector.par_iter().sum::<u64>(), 99_990_000);
//! let map: HashMap<u64, u64> = vector.par_iter().map(|&n| (n, n + 1)).collect();
//! assert_eq!(map.par_iter().filter(|(k, v)| *k + 1 == **v).count(), 10_000);
//! ```
//!
//! In: a collection, or a parallel iterator. Out: its elements, to any number of threads; or a collection.
//! Must hold: each element is given out once; a vector's in its order. What is divided is the tree, so that nothing is
//! gathered before. A collection that is collected is built by one thread from what all have made.
//! Uses: `link`, `map`, `set`, `vector`.

use crate::link::Kind;
use crate::map::GenericHashMap;
use crate::map::iters::Part;
use crate::set::GenericHashSet;
use crate::vector::{Focus, FocusMut, GenericVector, Iter, IterMut};
use ::rayon::iter::plumbing::{
    Consumer, Folder, Producer, ProducerCallback, UnindexedConsumer, UnindexedProducer, bridge, bridge_unindexed,
};
use ::rayon::iter::{
    FromParallelIterator, IndexedParallelIterator, IntoParallelIterator, ParallelExtend, ParallelIterator,
};
use std::hash::{BuildHasher, Hash};

/// The elements of a vector, for many threads.
pub struct VectorIter<'a, A, P: Kind>(Focus<'a, A, P>);

/// The same, to be changed.
pub struct VectorIterMut<'a, A, P: Kind>(FocusMut<'a, A, P>);

/// Makes the parallel iterator over a view of a vector, which both of them are.
macro_rules! view_of_vector {
    ($name:ident, $view:ident, $iter:ident, $item:ty, $($bound:tt)+) => {
        impl<'a, A: $($bound)+, P: Kind> ParallelIterator for $name<'a, A, P>
        where
            $view<'a, A, P>: Send,
        {
            type Item = $item;

            fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
                bridge(self, consumer)
            }

            fn opt_len(&self) -> Option<usize> {
                Some(self.0.len())
            }
        }

        impl<'a, A: $($bound)+, P: Kind> IndexedParallelIterator for $name<'a, A, P>
        where
            $view<'a, A, P>: Send,
        {
            fn len(&self) -> usize {
                self.0.len()
            }

            fn drive<C: Consumer<Self::Item>>(self, consumer: C) -> C::Result {
                bridge(self, consumer)
            }

            fn with_producer<B: ProducerCallback<Self::Item>>(self, callback: B) -> B::Output {
                callback.callback(self)
            }
        }

        impl<'a, A: $($bound)+, P: Kind> Producer for $name<'a, A, P>
        where
            $view<'a, A, P>: Send,
        {
            type Item = $item;
            type IntoIter = $iter<'a, A, P>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.into_iter()
            }

            fn split_at(self, index: usize) -> (Self, Self) {
                let (left, right) = self.0.split_at(index);
                ($name(left), $name(right))
            }
        }
    };
}

view_of_vector!(VectorIter, Focus, Iter, &'a A, Sync);
view_of_vector!(VectorIterMut, FocusMut, IterMut, &'a mut A, Clone + Send);

impl<'a, A: Sync, P: Kind> IntoParallelIterator for &'a GenericVector<A, P>
where
    Focus<'a, A, P>: Send,
{
    type Item = &'a A;
    type Iter = VectorIter<'a, A, P>;

    fn into_par_iter(self) -> Self::Iter {
        VectorIter(self.focus())
    }
}

/// The vector's nodes that others share are copied first, as by [`focus_mut`](GenericVector::focus_mut).
impl<'a, A: Clone + Send, P: Kind> IntoParallelIterator for &'a mut GenericVector<A, P>
where
    FocusMut<'a, A, P>: Send,
{
    type Item = &'a mut A;
    type Iter = VectorIterMut<'a, A, P>;

    fn into_par_iter(self) -> Self::Iter {
        VectorIterMut(self.focus_mut())
    }
}

/// The entries of a map, for many threads, in no order.
pub struct MapIter<'a, K, V, P: Kind>(Part<'a, K, V, P>);

/// The elements of a set, for many threads, in no order.
pub struct SetIter<'a, A, P: Kind>(Part<'a, A, (), P>);

/// Makes the parallel iterator over parts of a trie, which both of them are.
macro_rules! parts_of_trie {
    ($name:ident<$($own:ident),+>, ($($part:ty),+), $item:ty, $take:expr) => {
        impl<'a, $($own: Sync,)+ P: Kind> ParallelIterator for $name<'a, $($own,)+ P>
        where
            Part<'a, $($part,)+ P>: Send,
        {
            type Item = $item;

            fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
                bridge_unindexed(self, consumer)
            }
        }

        impl<'a, $($own: Sync,)+ P: Kind> UnindexedProducer for $name<'a, $($own,)+ P>
        where
            Part<'a, $($part,)+ P>: Send,
        {
            type Item = $item;

            fn split(mut self) -> (Self, Option<Self>) {
                let other = self.0.divide();
                (self, other.map($name))
            }

            fn fold_with<F: Folder<Self::Item>>(self, folder: F) -> F {
                folder.consume_iter(self.0.map($take))
            }
        }
    };
}

parts_of_trie!(MapIter<K, V>, (K, V), (&'a K, &'a V), |entry| entry);
parts_of_trie!(SetIter<A>, (A, ()), &'a A, |(element, ())| element);

impl<'a, K: Sync, V: Sync, S, P: Kind> IntoParallelIterator for &'a GenericHashMap<K, V, S, P>
where
    Part<'a, K, V, P>: Send,
{
    type Item = (&'a K, &'a V);
    type Iter = MapIter<'a, K, V, P>;

    fn into_par_iter(self) -> Self::Iter {
        MapIter(Part::all(self))
    }
}

impl<'a, A: Sync, S, P: Kind> IntoParallelIterator for &'a GenericHashSet<A, S, P>
where
    Part<'a, A, (), P>: Send,
{
    type Item = &'a A;
    type Iter = SetIter<'a, A, P>;

    fn into_par_iter(self) -> Self::Iter {
        SetIter(Part::all(&self.map))
    }
}

impl<A: Clone + Send, P: Kind> FromParallelIterator<A> for GenericVector<A, P> {
    fn from_par_iter<I: IntoParallelIterator<Item = A>>(elements: I) -> Self {
        Vec::from_par_iter(elements).into_iter().collect()
    }
}

impl<A: Clone + Send, P: Kind> ParallelExtend<A> for GenericVector<A, P>
where
    Self: Send,
{
    fn par_extend<I: IntoParallelIterator<Item = A>>(&mut self, elements: I) {
        self.extend(Vec::from_par_iter(elements))
    }
}

impl<K, V, S, P> FromParallelIterator<(K, V)> for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone + Send,
    V: Clone + Send,
    S: BuildHasher + Default,
    P: Kind,
{
    fn from_par_iter<I: IntoParallelIterator<Item = (K, V)>>(entries: I) -> Self {
        Vec::from_par_iter(entries).into_iter().collect()
    }
}

impl<K, V, S, P> ParallelExtend<(K, V)> for GenericHashMap<K, V, S, P>
where
    K: Hash + Eq + Clone + Send,
    V: Clone + Send,
    S: BuildHasher,
    P: Kind,
    Self: Send,
{
    fn par_extend<I: IntoParallelIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.extend(Vec::from_par_iter(entries))
    }
}

impl<A, S, P> FromParallelIterator<A> for GenericHashSet<A, S, P>
where
    A: Hash + Eq + Clone + Send,
    S: BuildHasher + Default,
    P: Kind,
{
    fn from_par_iter<I: IntoParallelIterator<Item = A>>(elements: I) -> Self {
        Vec::from_par_iter(elements).into_iter().collect()
    }
}

impl<A, S, P> ParallelExtend<A> for GenericHashSet<A, S, P>
where
    A: Hash + Eq + Clone + Send,
    S: BuildHasher,
    P: Kind,
    Self: Send,
{
    fn par_extend<I: IntoParallelIterator<Item = A>>(&mut self, elements: I) {
        self.extend(Vec::from_par_iter(elements))
    }
}
