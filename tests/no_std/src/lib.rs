//! Collections in a program without std, with each way of counting.
//!
//! In: nothing. Out: panics if they are not as they should be.
//! Must hold: it builds. It has a panic handler, of which std has one too: rustc refuses the second, if anything below links std.
//! Its own tests have std around them, to run and report; the crate that they test has not.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

#[cfg(not(test))]
mod platform;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use backstory::shared_ptr::{ArcK, ArcTK, RcK};
use backstory::{
    CountingSink, DiffItem, Error, ErrorKind, GenericHashMap, GenericHashSet, GenericVector, HashMap, Kind,
    PortableHash, StrongHash, hashmap, hashset, rc, vector,
};
use core::hash::BuildHasher;

/// All of it, so that code is made of all of it.
pub fn use_the_collections() {
    maps::<PortableHash, ArcTK>();
    maps::<StrongHash, ArcK>();
    maps::<PortableHash, RcK>();
    sets::<ArcTK>();
    sets::<RcK>();
    vectors::<ArcTK>();
    vectors::<RcK>();
    macros();
    conversions();
    errors().expect("there is room for a session");
    formats::<HashMap<String, Vec<u8>>>();
    formats::<rc::Vector<String>>()
}

fn text(n: u32) -> String {
    format!("{n:>4}")
}

/// Insert, remove, read, iterate, compare, combine.
fn maps<S: BuildHasher + Default + Clone, P: Kind>() {
    let old: GenericHashMap<String, u32, S, P> = (0..1000).map(|n| (text(n), n)).collect();
    let mut new = old.clone();
    assert_eq!(new.insert(text(7), 8), Some(7));
    assert_eq!(new.insert(text(1000), 1), None);
    assert_eq!(new.remove(&text(500)), Some(500));
    *new.entry(text(9)).or_insert(0) += 1;
    assert_eq!((old.len(), new.len(), old[&text(7)], new.get(&text(500))), (1000, 1000, 7, None));
    assert_eq!(old.iter().map(|(_, n)| n).sum::<u32>(), 499_500);

    let (mut added, mut removed, mut updated) = (0, 0, 0);
    for change in old.diff(&new) {
        match change {
            DiffItem::Add(..) => added += 1,
            DiffItem::Remove(..) => removed += 1,
            DiffItem::Update { .. } => updated += 1,
        }
    }
    assert_eq!((added, removed, updated), (1, 1, 2));
    assert!(old != new && old.clone().union(new.clone()).len() == 1001);
    let both = old.clone().intersection(new.clone());
    assert_eq!((both.len(), old.relative_complement(new).len()), (999, 1))
}

fn sets<P: Kind>() {
    let old: GenericHashSet<u64, PortableHash, P> = (0..1000u64).collect();
    let mut new = old.clone();
    assert_eq!((new.insert(1000), new.remove(&3)), (None, Some(3)));
    assert_eq!((old.len(), old.diff(&new).count()), (1000, 2));
    assert!(old.contains(&3) && !new.contains(&3));
    assert_eq!(old.union(new).iter().sum::<u64>(), 500_500)
}

/// Both ends, the middle, concat, split, sort, compare, views.
fn vectors<P: Kind>() {
    let old: GenericVector<String, P> = (0..1000).map(text).collect();
    let mut new = old.clone();
    new.insert(300, text(5000));
    assert_eq!(new.remove(0), text(0));
    new.set(800, text(6000));
    assert_eq!((old[300].as_str(), new[299].as_str()), (" 300", "5000"));
    assert_eq!(old.diff(&new).len(), 3);

    let (low, mut high) = old.clone().split_at(400);
    high.append(low);
    assert_eq!((high.len(), high.front(), high.back()), (1000, Some(&text(400)), Some(&text(399))));
    high.sort();
    assert!(high == old && high.ptr_eq(&high.clone()));
    high.push_front(text(0));
    assert_eq!((high.pop_back(), high.pop_front()), (Some(text(999)), Some(text(0))));
    assert_eq!(old.focus().narrow(10..20).get(0), Some(&text(10)));
    assert_eq!(old.leaves().map(<[String]>::len).sum::<usize>(), 1000)
}

fn macros() {
    let map = hashmap! { "x" => 1, "y" => 2 };
    assert_eq!(map.get("y"), Some(&2));
    assert!(hashset!["x"].contains("x"));
    assert_eq!(vector![1, 2, 3].iter().next_back(), Some(&3))
}

/// From and into the collections of `alloc`.
fn conversions() {
    let map: HashMap<u32, String> = BTreeMap::from([(1, text(1)), (2, text(2))]).into();
    assert_eq!(BTreeMap::from(map).into_values().collect::<String>(), "   1   2");
    let set = rc::HashSet::from(BTreeSet::from([1, 2]));
    assert_eq!(BTreeSet::from(set).len(), 2);
    assert_eq!(rc::Vector::from(Vec::from([1, 2])).into_iter().collect::<Vec<_>>(), [1, 2])
}

/// The error is one of `core`, and what counts commits counts.
fn errors() -> backstory::Result<()> {
    let error = Error::new(ErrorKind::Invalid, "no".to_owned()).with_source("because");
    let error: Box<dyn core::error::Error + Send + Sync> = error.into();
    assert!(format!("{error} {}", error.source().expect("it has one")) == "no because");

    let (old, mut sink) = ((0..1000).map(|n| (n, n)).collect::<HashMap<u64, u64>>(), CountingSink::new()?);
    let all = sink.commit_map(&old, |_, _| 16)?;
    let one = sink.commit_map(&old.update(3, 4), |_, _| 16)?;
    let vector = sink.commit_vector(&(0..1000).collect::<backstory::Vector<u32>>(), |_| 4)?;
    assert!(0 < one.bytes() && one.bytes() < all.bytes() / 10 && vector.records() > 0);
    Ok(())
}

/// The feature `serde` needs no std.
fn formats<T: serde::Serialize + for<'a> serde::Deserialize<'a>>() {}

#[cfg(test)]
mod tests {
    #[test]
    fn the_collections_work_without_std() {
        super::use_the_collections()
    }
}
