//! What a log says of its hashers: it is written once, kept, and compared with the hashers of who comes later.

use super::*;
use crate::hash::{PortableHash, PortableHasher, PortableState};
use crate::id::Address;
use crate::log::simulated::Simulated;
use crate::log::{Log, StampKind};
use crate::map::GenericHashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// A hasher with a number, which does what it does in one of many ways.
#[derive(Clone, Default)]
struct Numbered<const ID: u16, const WAY: u64>;
struct OneWay<const WAY: u64>(PortableState);

impl<const ID: u16, const WAY: u64> BuildHasher for Numbered<ID, WAY> {
    type Hasher = OneWay<WAY>;
    fn build_hasher(&self) -> OneWay<WAY> {
        OneWay(PortableHash.build_hasher())
    }
}

impl<const WAY: u64> Hasher for OneWay<WAY> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes)
    }
    fn finish(&self) -> u64 {
        self.0.finish() ^ WAY
    }
}

impl<const ID: u16, const WAY: u64> PortableHasher for Numbered<ID, WAY> {
    const ID: u16 = ID;
}

type Map<S> = GenericHashMap<u64, u64, S, archery::ArcTK>;
type Maps<A, B> = (Map<A>, Map<B>);
type A = Numbered<300, 1>;
type OtherA = Numbered<300, 2>;
type B = Numbered<301, 1>;

fn map<S: PortableHasher + Clone>(n: u64) -> Map<S> {
    (0..n).map(|i| (i, i * i)).collect()
}

fn open<X, Y>(storage: &Simulated) -> Result<Timeline<Maps<X, Y>>>
where
    X: PortableHasher + Clone + 'static,
    Y: PortableHasher + Clone + 'static,
{
    let options = Timeline::<Maps<X, Y>>::options().schema("maps", 1);
    options.open_in(Arc::new(storage.clone()), || (map(0), map(0)))
}

#[track_caller]
fn assert_incompatible<T>(result: Result<T>) {
    let error = result.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible, "{error}");
    let text = error.to_string();
    assert!(text.contains("hasher 300") && text.contains("a number of its own"), "{text}")
}

#[test]
fn a_hasher_that_has_changed_under_its_number_is_refused_where_a_map_is_loaded_and_where_one_is_added() {
    let storage = Simulated::new(1);
    let mut timeline = open::<A, B>(&storage).unwrap();
    timeline.edit("a", |maps| maps.0 = map(100)).unwrap();
    drop(timeline);
    // Loaded: where we stand.
    assert_incompatible(open::<OtherA, B>(&storage));
    let mut timeline = open::<A, B>(&storage).unwrap();
    timeline.undo().unwrap();
    drop(timeline);
    // The first version has only empty maps, so that it may be looked at.
    let mut timeline = open::<OtherA, B>(&storage).unwrap();
    assert_incompatible(timeline.edit("other a", |maps| maps.0 = map(7)));
    assert_incompatible(timeline.at(VersionId::new(1)));
    assert_incompatible(timeline.checkout(VersionId::new(1)));
    assert_eq!((timeline.versions().count(), timeline.head(), timeline.state().0.len()), (2, VersionId::FIRST, 0));
    timeline.edit("b", |maps| maps.1 = map(7)).unwrap();
    drop(timeline);
    let timeline = open::<A, B>(&storage).unwrap();
    assert_eq!(timeline.state(), &(map(0), map(7)));
    assert_eq!(timeline.at(VersionId::new(1)).unwrap().0, map::<A>(100));
    assert_eq!(timeline.verify().unwrap().damages, [])
}

#[test]
fn two_hashers_with_one_number_do_not_come_into_one_version() {
    let storage = Simulated::new(1);
    let mut timeline = open::<A, OtherA>(&storage).unwrap();
    assert_incompatible(timeline.edit("both", |maps| *maps = (map(1), map(1))));
    assert_eq!(timeline.versions().count(), 1);
    timeline.edit("one", |maps| maps.1 = map(1)).unwrap();
    assert_incompatible(timeline.edit("the other", |maps| maps.0 = map(1)))
}

#[test]
fn what_a_log_says_of_hashers_is_written_once_for_each_and_kept_over_openings() {
    let storage = Simulated::new(1);
    let mut timeline = open::<A, B>(&storage).unwrap();
    let records = |timeline: &Timeline<Maps<A, B>>| timeline.verify().unwrap().records;
    // Each edit: a stamp, which has the root, and a leaf or a leaf overlay; and the hashers, if there is a new one.
    let mut expected = 1;
    for n in 0..7 {
        timeline.edit("edit", |maps| if n < 3 { maps.0.insert(n, n) } else { maps.1.insert(n, n) }).unwrap();
        expected += if n == 0 || n == 3 { 3 } else { 2 };
        assert_eq!(records(&timeline), expected, "after edit {n}");
        if n % 2 == 1 {
            drop(timeline);
            timeline = open(&storage).unwrap();
            expected += 1
        }
    }
    drop(timeline);
    // Who comes later is compared with both.
    assert_incompatible(open::<OtherA, B>(&storage));
    assert!(open::<A, Numbered<301, 2>>(&storage).is_err());
    assert_eq!(open::<A, B>(&storage).unwrap().state().1.len(), 4)
}

#[test]
fn a_map_whose_hasher_has_another_number_is_refused() {
    let storage = Simulated::new(1);
    open::<A, B>(&storage).unwrap().edit("a", |maps| maps.0 = map(100)).unwrap();
    let error = open::<B, B>(&storage).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert!(error.to_string().contains("stored with hasher 300 cannot be read with hasher 301"), "{error}")
}

#[test]
fn the_versions_after_a_new_record_of_hashers_name_that_one() {
    let storage = Simulated::new(1);
    open::<A, B>(&storage).unwrap().edit("a", |maps| maps.0 = map(1)).unwrap();
    // It reads the record that has the first hasher alone.
    let mut timeline = open::<A, B>(&storage).unwrap();
    timeline.edit("b", |maps| maps.1 = map(1)).unwrap();
    timeline.edit("a again", |maps| maps.0.insert(7, 7)).unwrap();
    drop(timeline);
    assert_eq!(open::<A, B>(&storage).unwrap().state().1.len(), 1)
}

/// A stamp whose checksum is right and that names, as the hashers' record, what is none.
#[test]
fn a_version_names_the_hashers_that_its_maps_were_compared_with_not_what_the_stamp_before_names() {
    let storage = Simulated::new(1);
    open::<A, B>(&storage).unwrap().edit("one", |maps| maps.0 = map(1)).unwrap();
    let options = Timeline::<Maps<A, B>>::options().schema("maps", 1).log_options();
    let (mut log, last) = Log::open(Arc::new(storage.clone()), options).unwrap();
    let mut forged = last.unwrap().after(StampKind::Move);
    forged.hashers = forged.hashers.and_then(|at| Address::new(at.units() - 1));
    log.batch().unwrap().commit(forged, true).unwrap();
    drop(log);
    for n in 2..5 {
        // The version where it stands names the right one.
        let mut timeline = open::<A, B>(&storage).unwrap();
        timeline.edit("one more", |maps| maps.0.insert(n, n)).unwrap();
        timeline.edit("and one", |maps| maps.0.insert(n + 10, n)).unwrap();
    }
    assert_eq!(open::<A, B>(&storage).unwrap().state().0.len(), 7)
}
