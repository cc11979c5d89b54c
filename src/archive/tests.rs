//! The bridge against a log on a simulated storage: collections nested in all ways, what is written and what is read.

use super::counting::{CountingSink, Counts};
use super::images::Last;
use super::loader::Library;
use super::record::kinds;
use super::serializer::{MOST_NESTED, Ser, Serializer};
use super::state::{self, State};
use crate::error::{ErrorKind, Result};
use crate::hash::{PortableHash, StrongHash};
use crate::id::Address;
use crate::link::Session;
use crate::log::simulated::Simulated;
use crate::log::{Log, Options, Root, Stamp};
use crate::map::{GenericHashMap, HashMap};
use crate::set::HashSet;
use crate::vector::{GenericVector, Vector};
use archery::RcK;
use rkyv::{Archive, Deserialize, Serialize, SerializeUnsized};
use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// A log on a simulated storage, as one session has it.
pub(super) struct Book {
    storage: Simulated,
    pub(super) log: Arc<Mutex<Log>>,
    session: Session,
    pub(super) library: Arc<Library>,
    /// Records of states and nodes.
    records: Cell<u64>,
    versions: Cell<u64>,
}

impl Book {
    pub(super) fn new() -> Self {
        let identity = state::identity::<u64>("Test", 1);
        let storage = Simulated::new(1);
        let (log, _) = Log::open(Arc::new(storage.clone()), Options::new(identity)).unwrap();
        let session = Session::open().unwrap();
        let library = Library::new(session, log.reader());
        let log = Arc::new(Mutex::new(log));
        Book { storage, log, session, library, records: Cell::new(0), versions: Cell::new(0) }
    }

    pub(super) fn write(&self, write: impl FnOnce(&mut Serializer) -> Result<Address>) -> Result<Address> {
        self.log.lock().unwrap().begin()?;
        let mut serializer = Serializer::new(self.session, self.log.clone());
        let root = write(&mut serializer).inspect_err(|_| self.log.lock().unwrap().give_up())?;
        self.records.set(self.records.get() + serializer.records());
        let hashers =
            self.library.write_hashers(&mut serializer).inspect_err(|_| self.log.lock().unwrap().give_up())?;
        let id = self.versions.replace(self.versions.get() + 1);
        let mut stamp = Stamp::version(id, Root::At(root));
        stamp.parents = id.checked_sub(1).into_iter().collect();
        self.log.lock().unwrap().finish(stamp, false)?;
        serializer.finish();
        self.library.note_hashers(hashers);
        Ok(root)
    }

    pub(super) fn commit<T: State>(&self, state: &T) -> Result<Address> {
        self.write(|serializer| state::write(state, serializer))
    }

    /// How often the storage was read.
    pub(super) fn reads(&self) -> u64 {
        self.storage.disk().reads
    }

    fn bytes(&self) -> u64 {
        self.library.end() * 8
    }

    pub(super) fn read<T: State>(&self, root: Address) -> T {
        state::read(&self.library, root).unwrap()
    }

    /// How many records of nodes there are, and their bytes with headers.
    fn nodes(&self) -> (u64, u64) {
        let found = Cell::new((0, 0));
        let each = |_, kind: u8, body: &[u8], _: &mut Vec<Address>| {
            if kind & !kinds::LINKED < kinds::ROOT {
                found.set((found.get().0 + 1, found.get().1 + body.len() as u64 + 8))
            }
            Ok(())
        };
        let report = crate::log::verify(&self.log.lock().unwrap().reader(), &each, &mut |_, _| {}).unwrap();
        assert_eq!(report.damages, []);
        found.get()
    }

    /// Committed, read again, and the same; and nothing is written twice but the root.
    fn keeps<T: State + Debug>(&self, state: &T) -> T {
        let root = self.commit(state).unwrap();
        let again: T = self.read(root);
        assert_eq!(&again, state);
        let n = self.records.get();
        self.commit(state).unwrap();
        assert_eq!(self.records.get(), n + 1, "a root");
        self.commit(&again).unwrap();
        assert_eq!(self.records.get(), n + 2, "a root");
        again
    }
}

#[derive(Clone, Debug, PartialEq, Default, Archive, Serialize, Deserialize)]
struct Notes {
    titles: Vector<String>,
    body: HashMap<String, Vector<char>>,
    tags: HashSet<String>,
    cursor: u64,
}

fn notes(n: u32) -> Notes {
    Notes {
        titles: (0..n).map(|i| format!("title {i}")).collect(),
        body: (0..n)
            .map(|i| (format!("title {i}"), format!("text {i} ").repeat(i as usize % 50).chars().collect()))
            .collect(),
        tags: (0..n / 3).map(|i| format!("tag {i}")).collect(),
        cursor: 7,
    }
}

#[test]
fn a_vector_that_was_emptied_after_it_was_stored_is_stored_without_a_root() {
    let log = Book::new();
    for n in [1, 3, 100, 5000] {
        let mut list: Vector<u64> = (0..n).collect();
        log.commit(&list).unwrap();
        (0..n).for_each(|_| _ = list.pop_back());
        let root = log.commit(&list).unwrap();
        assert_eq!(log.library.read(root).unwrap().body(), [0; 16], "of {n}");
        let mut again: Vector<u64> = log.read(root);
        assert_eq!(again, list);
        again.push_back(1);
        assert_eq!(log.keeps(&again).len(), 1)
    }
}

/// Whichever way it became empty: a map that has a root and no entries is damaged.
#[test]
fn a_map_that_was_emptied_after_it_was_stored_is_stored_without_a_root() {
    let ways: [fn(&mut HashMap<u64, u64>); 6] = [
        |map| map.clear(),
        |map| map.retain(|_, _| false),
        |map| (0..5000).for_each(|n| _ = map.remove(&n)),
        |map| *map = (0..5000).fold(map.clone(), |map, n| map.without(&n)),
        |map| *map = map.clone().symmetric_difference(map.clone()),
        |map| *map = std::mem::take(map).relative_complement((0..5000).map(|n| (n, 0)).collect()),
    ];
    for (n, empty) in [1, 2, 16, 300, 5000].into_iter().flat_map(|n| ways.map(|way| (n, way))) {
        for is_read in [false, true] {
            let log = Book::new();
            let mut map: HashMap<u64, u64> = (0..n).map(|n| (n, n)).collect();
            let root = log.commit(&map).unwrap();
            if is_read {
                map = log.read(root)
            }
            empty(&mut map);
            let root = log.commit(&map).unwrap();
            assert_eq!(log.library.read(root).unwrap().body()[..8], [0; 8], "of {n}");
            assert_eq!(log.keeps(&log.read::<HashMap<u64, u64>>(root)).len(), 0)
        }
    }
}

#[test]
fn an_entry_that_a_leaf_overlay_removed_is_not_found_in_its_base() {
    let log = Book::new();
    // Short entries stand in their leaf; of an overlay over it whose own one is long only that is read by itself.
    let mut state: HashMap<String, String> = (0..10).map(|i| (i.to_string(), i.to_string())).collect();
    log.commit(&state).unwrap();
    state.remove("3");
    state.insert("4".into(), "a text that is longer than others".repeat(3));
    let again: HashMap<String, String> = log.read(log.commit(&state).unwrap());
    (0..10).for_each(|i| assert_eq!(again.get(&i.to_string()), state.get(&i.to_string()), "{i}"))
}

#[test]
fn states_come_back_as_they_were() {
    for n in [0, 1, 2, 10, 100, 3000] {
        let log = Book::new();
        let mut state = log.keeps(&notes(n));
        state.titles.push_back("Monday".into());
        state.body.insert("Monday".into(), "rain".chars().collect());
        state.body.entry("title 1".into()).or_default().push_front('!');
        state.cursor = 8;
        log.keeps(&state);
    }
}

#[test]
fn an_edit_writes_its_path_and_a_read_reads_its_path() {
    let log = Book::new();
    let root = log.commit(&notes(3000)).unwrap();
    let mut state: Notes = log.read(root);
    state.body.get_mut("title 100").unwrap().push_back('x');
    let (records, bytes) = (log.records.get(), log.bytes());
    log.commit(&state).unwrap();
    // A leaf of characters, its spine, the entry, a leaf overlay, two inner overlays, the root; bases of overlays were there.
    assert!(log.records.get() - records <= 8, "{} records", log.records.get() - records);
    assert!(log.bytes() - bytes <= 900, "{} bytes", log.bytes() - bytes)
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Many(Vector<HashMap<u64, Vector<String>>>),
    Named { set: HashSet<(u8, String)>, inner: Option<Box<Vector<u32>>> },
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
struct Shapes {
    tuple: (Vector<u8>, [HashSet<i64>; 2]),
    option: Option<Vector<Option<Vector<u16>>>>,
    shapes: Vec<Shape>,
    boxed: Box<HashMap<String, Shape>>,
    strong: GenericHashMap<String, f64, StrongHash, archery::ArcTK>,
    local: GenericVector<GenericHashMap<u32, String, PortableHash, RcK>, RcK>,
}

#[test]
fn collections_may_be_anywhere() {
    let shapes = || {
        vec![
            Shape::Nothing,
            Shape::Many(
                (0..70).map(|i| (0..i).map(|k| (k, (0..k).map(|n| n.to_string()).collect())).collect()).collect(),
            ),
            Shape::Named {
                set: (0..40).map(|i| (i, "x".repeat(i as usize))).collect(),
                inner: Some(Box::new((0..999).collect())),
            },
            Shape::Named { set: HashSet::new(), inner: None },
        ]
    };
    let state = Shapes {
        tuple: ((0..200).collect(), [(0..9).collect(), (-500..500).collect()]),
        option: Some((0..100).map(|i| (i % 3 > 0).then(|| (0..i).collect())).collect()),
        shapes: shapes(),
        boxed: Box::new(shapes().into_iter().enumerate().map(|(i, shape)| (i.to_string(), shape)).collect()),
        strong: (0..100).map(|i| (format!("key {i}"), i as f64 / 7.0)).collect(),
        local: (0..20).map(|i| (0..i).map(|k| (k, "text".repeat(k as usize))).collect()).collect(),
    };
    Book::new().keeps(&state);
}

/// Of a recursive type rkyv's derive is told what the recursion needs.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
#[rkyv(serialize_bounds(__S: crate::Sink), deserialize_bounds(__D: crate::Source))]
pub(super) struct Tree {
    pub(super) name: String,
    #[rkyv(omit_bounds)]
    pub(super) children: Vector<Tree>,
    #[rkyv(omit_bounds)]
    pub(super) by_name: HashMap<String, Tree>,
}

pub(super) fn tree(depth: u32) -> Tree {
    let below = |n: u32| (0..if depth == 0 { 0 } else { n }).map(|i| (i, tree(depth - 1)));
    Tree {
        name: format!("{depth}"),
        children: below(3).map(|(_, tree)| tree).collect(),
        by_name: below(2).map(|(i, tree)| (i.to_string(), tree)).collect(),
    }
}

#[test]
fn types_may_be_recursive() {
    let log = Book::new();
    let mut state = log.keeps(&tree(4));
    state.children[1].children[2].by_name.insert("new".into(), tree(1));
    log.keeps(&state);
}

#[test]
fn what_is_nested_too_deep_is_refused_and_nothing_is_marked() {
    let log = Book::new();
    let nested = |n: usize| {
        (0..n).fold(tree(0), |inner, i| Tree {
            name: i.to_string(),
            children: [inner].into_iter().collect(),
            by_name: HashMap::new(),
        })
    };
    log.keeps(&nested(MOST_NESTED - 1));
    let deep = nested(MOST_NESTED);
    for _ in 0..2 {
        let error = log.commit(&deep).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("nested"), "{error}")
    }
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
struct Generic<T, U> {
    many: Vector<T>,
    named: HashMap<String, U>,
}

#[test]
fn types_may_be_generic() {
    let inner = |n: u64| Generic {
        many: (0..n).collect::<Vector<u64>>(),
        named: [("n".to_string(), n as u8)].into_iter().collect(),
    };
    let state = Generic {
        many: (0..50).map(inner).collect(),
        named: [("x".to_string(), Some(inner(7)))].into_iter().collect(),
    };
    Book::new().keeps(&state);
}

/// Values that are shared in memory are shared in their record.
#[test]
fn counted_values_stay_shared_within_a_record() {
    #[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
    struct Counted {
        one: Rc<Vector<u64>>,
        other: Rc<Vector<u64>>,
        many: Vector<Arc<String>>,
    }
    let one: Rc<Vector<u64>> = Rc::new((0..100).collect());
    let text = Arc::new("shared".repeat(10));
    let state = Counted { one: one.clone(), other: one, many: (0..10).map(|_| text.clone()).collect() };
    let again = Book::new().keeps(&state);
    assert!(Rc::ptr_eq(&again.one, &again.other) && Arc::ptr_eq(&again.many[0], &again.many[9]))
}

#[test]
fn two_collections_that_share_nodes_write_them_once() {
    let log = Book::new();
    let one: Vector<u64> = (0..10_000).collect();
    let map: HashMap<u64, u64> = (0..10_000).map(|i| (i, i)).collect();
    log.commit(&(one.clone(), map.clone())).unwrap();
    let all = log.records.get();
    let other = Book::new();
    other.commit(&(Vector::from_iter([one.clone(), one.update(5000, 7)]), [map.clone(), map.update(1, 7)])).unwrap();
    assert!(other.records.get() <= all + 12, "{} records, one takes {all}", other.records.get())
}

/// A collection that is made while a state is written, and gone when it is marked.
#[test]
fn collections_that_live_only_while_they_are_written_are_written() {
    struct Made(u64);
    impl Archive for Made {
        type Archived = <Vector<u64> as Archive>::Archived;
        type Resolver = <Vector<u64> as Archive>::Resolver;
        fn resolve(&self, resolver: Self::Resolver, out: rkyv::Place<Self::Archived>) {
            (0..self.0).collect::<Vector<u64>>().resolve(resolver, out)
        }
    }
    impl<S: crate::Sink + ?Sized> Serialize<S> for Made {
        fn serialize(&self, s: &mut S) -> Result<Self::Resolver> {
            (0..self.0).collect::<Vector<u64>>().serialize(s)
        }
    }
    let log = Book::new();
    let many: Vec<Made> = (0..50).map(|i| Made(i * 10)).collect();
    let write = |serializer: &mut Serializer| {
        serializer.begin()?;
        Last(&many).serialize_unsized(Ser::wrap(serializer))?;
        serializer.end(kinds::ROOT)
    };
    let root = log.write(write).unwrap();
    let again: Vec<Vector<u64>> = log.read(root);
    assert!(again.iter().enumerate().all(|(i, vector)| vector.iter().copied().eq(0..i as u64 * 10)))
}

#[test]
fn another_type_or_hasher_is_refused() {
    let log = Book::new();
    let map: HashMap<String, u64> = (0..100).map(|i| (i.to_string(), i)).collect();
    let root = log.commit(&map).unwrap();
    type Other = GenericHashMap<String, u64, StrongHash, archery::ArcTK>;
    let error = state::read::<Other>(&log.library, root).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    // A map with a hasher that the log knows nothing of.
    let mut serializer = Serializer::new(log.session, log.log.clone());
    log.log.lock().unwrap().begin().unwrap();
    let root = state::write(&Other::from_iter([("key".to_string(), 7)]), &mut serializer).unwrap();
    log.log.lock().unwrap().finish(Stamp::version(1, Root::At(root)), false).unwrap();
    log.versions.set(2);
    let error = state::read::<Other>(&log.library, root).map(|_| ()).unwrap_err();
    assert!(error.kind() == ErrorKind::Corrupt && error.to_string().contains("no record"), "{error}");
    // The root of a vector is no map's.
    let root = log.commit(&(0..1000u64).collect::<Vector<u64>>()).unwrap();
    let wrong: Result<HashMap<u64, u64>> = state::read(&log.library, root);
    assert!(wrong.and_then(|map| map.thaw_all()).is_err())
}

/// The sink that counts against a log: whole nodes, splices and overlays, entries within a leaf and outside, and both.
#[test]
fn what_is_counted_is_what_is_written() {
    /// Forty edits, counted and written. A node has one mark: so what is counted is made anew.
    fn check<T: State>(
        first: impl Fn() -> T,
        edit: impl Fn(&mut T, u64),
        count: impl Fn(&mut CountingSink, &T) -> Result<Counts>,
    ) -> String {
        let (book, mut sink, mut all) = (Book::new(), CountingSink::new().unwrap(), Counts::default());
        let (mut counted, mut written) = (first(), first());
        for n in 0..40 {
            all += count(&mut sink, &counted).unwrap();
            book.commit(&written).unwrap();
            assert_eq!((all.records(), all.bytes()), book.nodes(), "version {n}: {all}");
            edit(&mut counted, n * 7919 % 1000);
            edit(&mut written, n * 7919 % 1000)
        }
        all.to_string()
    }
    let text = |n: u64| "x".repeat(if n.is_multiple_of(3) { 60 } else { 5 });
    let text_bytes = |_: &u64, text: &String| 16 + if text.len() > 8 { text.len().next_multiple_of(8) } else { 0 };
    let mut all = String::new();
    for len in [3, 12, 200, 3000] {
        all += &check(
            || (0..len).map(|n| (n, n)).collect::<HashMap<u64, u64>>(),
            |map, n| _ = map.insert(n, n + 1),
            |sink, map| sink.commit_map(map, |_, _| 16),
        );
        all += &check(
            || (0..len.min(250)).map(|n| (n as u8, 7)).collect::<HashMap<u8, u8>>(),
            |map, n| _ = map.remove(&(n as u8)),
            |sink, map| sink.commit_map(map, |_, _| 2),
        );
        all += &check(
            || (0..len).map(|n| (n, [n; 4])).collect::<HashMap<u64, [u64; 4]>>(),
            |map, n| _ = map.insert(n, [0; 4]),
            |sink, map| sink.commit_map(map, |_, _| 40),
        );
        all += &check(
            || (0..len).map(|n| (n, text(n))).collect::<HashMap<u64, String>>(),
            |map, n| _ = map.insert(n, text(n + 1)),
            |sink, map| sink.commit_map(map, text_bytes),
        );
        all += &check(
            || (0..len as u32).collect::<HashSet<u32>>(),
            |set, n| _ = set.insert(n as u32),
            |sink, set| sink.commit_set(set, |_| 4),
        );
        all += &check(
            || (0..len as u16).collect::<Vector<u16>>(),
            |list, n| list.insert(n as usize % list.len(), 7),
            |sink, list| sink.commit_vector(list, |_| 2),
        );
        all += &check(
            || (0..len).collect::<Vector<u64>>(),
            |list, n| if n % 2 == 0 { list.push_back(n) } else { list.push_front(n) },
            |sink, list| sink.commit_vector(list, |_| 8),
        )
    }
    for kind in ["inner", "overlay", "leaf", "leaf overlay", "entry", "vector inner", "vector leaf splice", "spine"] {
        assert!(all.contains(&format!("; {kind} ")), "no {kind}: {all}")
    }
}
