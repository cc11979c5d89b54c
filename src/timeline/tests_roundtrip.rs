//! States that would come back as others: found before anything is written, wherever in a state they are.

use super::*;
use crate::log::simulated::Simulated;
use crate::map::HashMap;
use crate::set::HashSet;
use crate::vector::Vector;
use crate::{Sink, Source};
use rkyv::rend::u64_le;
use rkyv::{Archive, Deserialize, Place, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const SHORT: usize = 4_000_000_000;
const LONG: usize = 5_000_000_000;

fn open<T: State>(storage: &Simulated, initial: T, check: bool) -> Result<Timeline<T>> {
    Timeline::<T>::options().check_roundtrip(check).open_in(Arc::new(storage.clone()), || initial)
}

#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
struct Sizes {
    plain: usize,
    keys: HashMap<usize, u8>,
    values: HashMap<String, (String, usize)>,
    set: HashSet<usize>,
    many: Vector<usize>,
    nested: HashMap<u64, Vector<Option<usize>>>,
    floats: Vector<f64>,
    by_float: HashMap<u64, f64>,
}

/// Puts a size into each place that a state has for one, in a state large enough for nodes of several levels.
const PLACES: [fn(&mut Sizes, usize); 6] = [
    |state, size| state.plain = size,
    |state, size| _ = state.keys.insert(size, 1),
    |state, size| {
        _ = state.values.insert("key 7".into(), ("a text that makes this entry a record of its own".into(), size))
    },
    |state, size| _ = state.set.insert(size),
    |state, size| state.many[700] = size,
    |state, size| state.nested.get_mut(&7).unwrap().push_back(Some(size)),
];

fn sizes() -> Sizes {
    Sizes {
        plain: 1,
        keys: (0..1000).map(|n| (n, 0)).collect(),
        values: (0..1000).map(|n| (format!("key {n}"), (format!("value {n}").repeat(3), n))).collect(),
        set: (0..1000usize).collect(),
        many: (0..1000usize).collect(),
        nested: (0..100).map(|n| (n, (0..n as usize).map(Some).collect())).collect(),
        floats: (0..1000).map(f64::from).collect(),
        by_float: (0..1000).map(|n| (n, n as f64)).collect(),
    }
}

#[test]
fn a_size_that_would_be_cut_is_found_wherever_it_is_and_nothing_has_changed() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage, sizes(), true).unwrap();
    let mut expected = sizes();
    for (n, place) in PLACES.into_iter().enumerate() {
        let before = (storage.files(), timeline.head(), timeline.versions().count());
        for _ in 0..2 {
            let error = timeline.edit("too long", |state| place(state, LONG)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "place {n}: {error}");
            assert!(error.to_string().contains("use u64") && error.to_string().contains("check_roundtrip"), "{error}")
        }
        assert!(before == (storage.files(), timeline.head(), timeline.versions().count()), "place {n}");
        assert_eq!(timeline.state(), &expected);
        timeline.edit("fits", |state| place(state, SHORT)).unwrap();
        place(&mut expected, SHORT);
        assert_eq!(timeline.at(timeline.head()).unwrap(), expected, "place {n}")
    }
    assert_eq!(timeline.verify().unwrap().damages, []);
    // The first version is checked as well.
    let storage = Simulated::new(1);
    assert_eq!(open(&storage, LONG, true).map(|_| ()).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(*open(&storage, SHORT, true).unwrap().state(), SHORT)
}

#[test]
fn without_the_check_a_size_is_cut() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage, sizes(), false).unwrap();
    timeline.edit("too long", |state| PLACES.iter().for_each(|place| place(state, LONG))).unwrap();
    let again = timeline.reader().at(timeline.head()).unwrap();
    let cut = 705_032_704;
    assert_eq!((again.plain, again.many[700], again.values["key 7"].1), (cut, cut, cut))
}

#[test]
fn what_does_not_equal_itself_is_let_through() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage, sizes(), true).unwrap();
    timeline.edit("in a vector", |state| state.floats[500] = f64::NAN).unwrap();
    timeline.edit("in a map", |state| state.by_float.insert(3, f64::NAN)).unwrap();
    timeline.edit("beside it", |state| state.by_float.insert(4, 1.5)).unwrap();
    let again = timeline.at(timeline.head()).unwrap();
    assert!(again.floats[500].is_nan() && again.by_float[&3].is_nan() && again.by_float[&4] == 1.5);
    // What was stored before does not hide what is new.
    assert!(timeline.edit("too long", |state| state.many[3] = LONG).is_err())
}

#[test]
fn only_what_is_new_is_read_again() {
    let storage = Simulated::new(1);
    let map: HashMap<u64, String> = (0..50_000).map(|n| (n, format!("value {n}"))).collect();
    let mut timeline = open(&storage, (map, Vector::from_iter(0..50_000u64)), true).unwrap();
    for n in 0..20 {
        let before = storage.disk().reads;
        timeline
            .edit("one of each", |(map, vector)| (map.insert(n * 99, "new".into()), vector.set(n as usize * 999, 7)))
            .unwrap();
        let reads = storage.disk().reads - before;
        assert!(reads <= 12, "{reads} reads for edit {n}")
    }
}

/// An odd number cannot be read; a comparison with 13 panics.
#[derive(Clone, Debug)]
struct Even(u64);

impl PartialEq for Even {
    fn eq(&self, other: &Self) -> bool {
        assert!(self.0 != 13, "thirteen");
        self.0 == other.0
    }
}

impl Archive for Even {
    type Archived = u64_le;
    type Resolver = ();
    fn resolve(&self, _: (), out: Place<u64_le>) {
        out.write(u64_le::from_native(if self.0 == 13 { 12 } else { self.0 }))
    }
}

impl<S: Sink + ?Sized> Serialize<S> for Even {
    fn serialize(&self, _: &mut S) -> Result<()> {
        Ok(())
    }
}

impl<D: Source + ?Sized> Deserialize<Even, D> for u64_le {
    fn deserialize(&self, _: &mut D) -> Result<Even> {
        match self.to_native() {
            n if n % 2 == 0 => Ok(Even(n)),
            n => Err(Error::new(ErrorKind::Corrupt, format!("{n} is odd"))),
        }
    }
}

#[test]
fn what_cannot_be_read_is_found_and_other_panics_go_on() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage, (Even(0), Vector::<Even>::new()), true).unwrap();
    let files = storage.files();
    // In the root, which is read at once, and in a leaf, which thaws where it is compared.
    for odd in [(Even(3), Vector::new()), (Even(2), Vector::unit(Even(3)))] {
        let error = timeline.commit("odd", odd).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("3 is odd") && error.to_string().contains("Deserialize"), "{error}")
    }
    let thirteen = (Even(2), Vector::unit(Even(13)));
    let panic = catch_unwind(AssertUnwindSafe(|| timeline.commit("panics", thirteen))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"thirteen"));
    assert!(files == storage.files());
    timeline.commit("even", (Even(2), Vector::unit(Even(4)))).unwrap();
    assert_eq!(timeline.at(timeline.head()).unwrap(), (Even(2), Vector::unit(Even(4))))
}
