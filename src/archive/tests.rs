//! The bridge against a log in memory: collections nested in all ways, what is written and what is read.

use super::loader::Library;
use super::record::{Record, RecordSink, RecordSource, corrupt, kinds};
use super::serializer::{MOST_NESTED, Serializer};
use super::state::{self, State};
use crate::error::{ErrorKind, Result};
use crate::id::Address;
use crate::link::Session;
use crate::{GenericHashMap, GenericVector, HashMap, HashSet, PortableHash, StrongHash, Vector};
use archery::RcK;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// Records in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<(u8, AlignedVec<16>)>>>);

impl Memory {
    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn bytes(&self) -> usize {
        self.0.lock().unwrap().iter().map(|(_, body)| 8 + body.len()).sum()
    }
}

impl RecordSink for Memory {
    fn append(&mut self, kind: u8, body: &[u8]) -> Result<Address> {
        assert!(body.len().is_multiple_of(8));
        let mut aligned = AlignedVec::new();
        aligned.extend_from_slice(body);
        let mut records = self.0.lock().unwrap();
        records.push((kind, aligned));
        Ok(Address::new(records.len() as u64).unwrap())
    }
}

impl RecordSource for Memory {
    fn read(&self, at: Address) -> Result<Record> {
        let records = self.0.lock().unwrap();
        let (kind, body) = records.get(at.units() as usize - 1).ok_or_else(|| corrupt(at, "no such record"))?;
        Ok(Record { kind: *kind, body: Arc::new(body.clone()) })
    }
}

/// A log in memory, as one session has it.
struct Log {
    memory: Memory,
    session: Session,
    library: Arc<Library>,
}

impl Log {
    fn new() -> Self {
        let (memory, session) = (Memory::default(), Session::open().unwrap());
        Log { library: Library::new(session, Box::new(memory.clone())), memory, session }
    }

    fn commit<T: State>(&self, state: &T) -> Result<Address> {
        let mut serializer = Serializer::new(self.session, Box::new(self.memory.clone()));
        let root = state::write(state, &mut serializer)?;
        let (_, pending) = serializer.into_parts();
        pending.finish();
        Ok(root)
    }

    fn read<T: State>(&self, root: Address) -> T {
        state::read(&self.library, root).unwrap()
    }

    /// Committed, read again, and the same; and nothing is written twice but the root.
    fn keeps<T: State + Debug>(&self, state: &T) -> T {
        let root = self.commit(state).unwrap();
        let again: T = self.read(root);
        assert_eq!(&again, state);
        let n = self.memory.len();
        self.commit(state).unwrap();
        assert_eq!(self.memory.len(), n + 1, "a root");
        self.commit(&again).unwrap();
        assert_eq!(self.memory.len(), n + 2, "a root");
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
fn states_come_back_as_they_were() {
    for n in [0, 1, 2, 10, 100, 3000] {
        let log = Log::new();
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
    let log = Log::new();
    let root = log.commit(&notes(3000)).unwrap();
    let mut state: Notes = log.read(root);
    state.body.get_mut("title 100").unwrap().push_back('x');
    let (records, bytes) = (log.memory.len(), log.memory.bytes());
    log.commit(&state).unwrap();
    // A leaf of characters, its spine, the entry, a leaf overlay, two inner overlays, the root; bases of overlays were there.
    assert!(log.memory.len() - records <= 8, "{} records", log.memory.len() - records);
    assert!(log.memory.bytes() - bytes <= 900, "{} bytes", log.memory.bytes() - bytes)
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
    Log::new().keeps(&state);
}

/// Of a recursive type rkyv's derive is told what the recursion needs.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
#[rkyv(serialize_bounds(__S: crate::Sink), deserialize_bounds(__D: crate::Source))]
struct Tree {
    name: String,
    #[rkyv(omit_bounds)]
    children: Vector<Tree>,
    #[rkyv(omit_bounds)]
    by_name: HashMap<String, Tree>,
}

fn tree(depth: u32) -> Tree {
    let below = |n: u32| (0..if depth == 0 { 0 } else { n }).map(|i| (i, tree(depth - 1)));
    Tree {
        name: format!("{depth}"),
        children: below(3).map(|(_, tree)| tree).collect(),
        by_name: below(2).map(|(i, tree)| (i.to_string(), tree)).collect(),
    }
}

#[test]
fn types_may_be_recursive() {
    let log = Log::new();
    let mut state = log.keeps(&tree(4));
    state.children[1].children[2].by_name.insert("new".into(), tree(1));
    log.keeps(&state);
}

#[test]
fn what_is_nested_too_deep_is_refused_and_nothing_is_marked() {
    let log = Log::new();
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
    Log::new().keeps(&state);
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
    let again = Log::new().keeps(&state);
    assert!(Rc::ptr_eq(&again.one, &again.other) && Arc::ptr_eq(&again.many[0], &again.many[9]))
}

#[test]
fn two_collections_that_share_nodes_write_them_once() {
    let log = Log::new();
    let one: Vector<u64> = (0..10_000).collect();
    let map: HashMap<u64, u64> = (0..10_000).map(|i| (i, i)).collect();
    log.commit(&(one.clone(), map.clone())).unwrap();
    let all = log.memory.len();
    let other = Log::new();
    other.commit(&(Vector::from_iter([one.clone(), one.update(5000, 7)]), [map.clone(), map.update(1, 7)])).unwrap();
    assert!(other.memory.len() <= all + 12, "{} records, one takes {all}", other.memory.len())
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
    let log = Log::new();
    let mut serializer = Serializer::new(log.session, Box::new(log.memory.clone()));
    serializer.begin().unwrap();
    let many: Vec<Made> = (0..50).map(|i| Made(i * 10)).collect();
    use rkyv::SerializeUnsized;
    super::images::Last(&many).serialize_unsized(super::serializer::Ser::wrap(&mut serializer)).unwrap();
    let root = serializer.end(kinds::ROOT).unwrap();
    serializer.into_parts().1.finish();
    let again: Vec<Vector<u64>> = log.read(root);
    assert!(again.iter().enumerate().all(|(i, vector)| vector.iter().copied().eq(0..i as u64 * 10)))
}

#[test]
fn another_type_or_hasher_is_refused() {
    let log = Log::new();
    let map: HashMap<String, u64> = (0..100).map(|i| (i.to_string(), i)).collect();
    let root = log.commit(&map).unwrap();
    type Other = GenericHashMap<String, u64, StrongHash, archery::ArcTK>;
    let error = state::read::<Other>(&log.library, root).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    // The root of a vector is no map's.
    let root = log.commit(&(0..1000u64).collect::<Vector<u64>>()).unwrap();
    let wrong: Result<HashMap<u64, u64>> = state::read(&log.library, root);
    assert!(wrong.and_then(|map| map.thaw_all()).is_err())
}
