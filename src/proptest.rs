//! The feature `proptest`: strategies that make collections and shrink them, named as in `imbl::proptest`.
//!
//! In: strategies for what is in a collection, and how many there may be. Out: strategies for the collection.
//! Must hold: lengths lie in the range, shrunk or not; the same seed gives the same collection, its order included.
//! Uses: `map`, `set`, `vector`.
//!
//! A failing case is shrunk by taking elements out, as long as the range allows it, and then by shrinking each of them.
//!
//! Maps and sets are made from as many entries as the range says. Where some of them have equal keys the collection
//! is smaller; one below the range is thrown away, and proptest ends the test after too many of those ("too many local
//! rejects"). So let there be far more keys than the range asks for.

use crate::map::HashMap;
use crate::set::HashSet;
use crate::vector::Vector;
use ::proptest::collection::{SizeRange, vec};
use ::proptest::strategy::{BoxedStrategy, Strategy};
use std::hash::Hash;

/// Vectors of so many elements.
///
/// ```
/// use backstory::proptest::vector;
/// use proptest::prelude::*;
///
/// proptest! {
///     fn the_last_is_the_greatest(mut numbers in vector(any::<u32>(), 1..100)) {
///         numbers.sort();
///         prop_assert_eq!(numbers.last(), numbers.iter().max());
///     }
/// }
/// the_last_is_the_greatest();
/// ```
pub fn vector<A: Strategy + 'static>(element: A, size: impl Into<SizeRange>) -> BoxedStrategy<Vector<A::Value>>
where
    A::Value: Clone,
{
    vec(element, size).prop_map(Vector::from).boxed()
}

/// Maps of so many entries.
///
/// ```
/// use backstory::proptest::hash_map;
/// use proptest::prelude::*;
///
/// proptest! {
///     fn nobody_is_120(ages in hash_map("[a-z]{8}", 0..120u32, 3..20)) {
///         prop_assert!(ages.len() >= 3 && ages.values().all(|&age| age < 120));
///     }
/// }
/// nobody_is_120();
/// ```
pub fn hash_map<K: Strategy + 'static, V: Strategy + 'static>(
    key: K,
    value: V,
    size: impl Into<SizeRange>,
) -> BoxedStrategy<HashMap<K::Value, V::Value>>
where
    K::Value: Hash + Eq + Clone,
    V::Value: Clone,
{
    let size = size.into();
    let least = size.start();
    let maps = vec((key, value), size).prop_map(HashMap::from);
    maps.prop_filter("fewer keys than the range of sizes allows", move |map| map.len() >= least).boxed()
}

/// Sets of so many values.
///
/// ```
/// use backstory::proptest::hash_set;
/// use proptest::prelude::*;
///
/// proptest! {
///     fn a_union_has_both(a in hash_set(any::<u64>(), 0..50), b in hash_set(any::<u64>(), 0..50)) {
///         let both = a.clone().union(b.clone());
///         prop_assert!(a.is_subset(&both) && b.is_subset(&both));
///     }
/// }
/// a_union_has_both();
/// ```
pub fn hash_set<A: Strategy + 'static>(value: A, size: impl Into<SizeRange>) -> BoxedStrategy<HashSet<A::Value>>
where
    A::Value: Hash + Eq + Clone,
{
    let size = size.into();
    let least = size.start();
    let sets = vec(value, size).prop_map(HashSet::from);
    sets.prop_filter("fewer values than the range of sizes allows", move |set| set.len() >= least).boxed()
}
