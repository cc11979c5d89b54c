//! A log of a timeline that is opened for ever: `tests/golden/timeline`. Its versions have every kind of record that there is in
//! version 1 of the format. See the head of `log/tests_golden.rs` for what to do if it is to change.

use super::*;
use crate::archive::{links, record::kinds};
use crate::hash::PortableHasher;
use crate::id::Address;
use crate::log::simulated::Simulated;
use crate::log::tests_golden::golden;
use crate::log::{Reader, Root, Storage, verify};
use crate::map::{GenericHashMap, HashMap};
use crate::set::HashSet;
use crate::vector::Vector;
use rkyv::{Archive, Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// All keys have one hash.
#[derive(Clone, Default)]
pub(super) struct One;
pub(super) struct Seven;

impl BuildHasher for One {
    type Hasher = Seven;
    fn build_hasher(&self) -> Seven {
        Seven
    }
}

impl Hasher for Seven {
    fn write(&mut self, _: &[u8]) {}
    fn finish(&self) -> u64 {
        7
    }
}

impl PortableHasher for One {
    const ID: u16 = 300;
}

type Clash<V> = GenericHashMap<u64, V, One, archery::ArcTK>;

/// Short ones have their roots in stamps.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub(super) enum Golden {
    Number(u64),
    Text(String),
    List(Vector<u64>),
    Many(Box<Many>),
}

#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub(super) struct Many {
    pub(super) small: HashMap<u64, u64>,
    pub(super) named: HashMap<String, String>,
    pub(super) nested: HashMap<u64, Vector<u64>>,
    pub(super) books: HashMap<String, HashMap<u64, u64>>,
    pub(super) clash: Clash<u64>,
    pub(super) nested_clash: Clash<Vector<u64>>,
    pub(super) list: Vector<u64>,
    pub(super) lists: Vector<Vector<u64>>,
    pub(super) set: HashSet<String>,
    float: f64,
}

fn list(n: u64) -> Vector<u64> {
    (0..n).map(|i| i * i).collect()
}

/// How large a state is: of the golden log, and of one that is damaged bit by bit.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Size {
    Golden,
    Small,
}

fn many(size: Size) -> Many {
    if size == Size::Small {
        return Many {
            small: (0..100).map(|i| (i, i * i)).collect(),
            named: (0..12).map(|i| (format!("name {i}"), "some text ".repeat(i as usize % 7))).collect(),
            nested: (0..20).map(|i| (i, list(i % 3))).collect(),
            books: (0..8)
                .map(|i| (format!("the title of the book {i}"), (0..i % 3).map(|k| (k, k)).collect()))
                .collect(),
            clash: (0..17).map(|i| (i, i)).collect(),
            nested_clash: (0..17).map(|i| (i, list(i % 2))).collect(),
            list: list(400),
            lists: (0..40).map(|n| list(n % 2)).collect(),
            set: (0..3).map(|i| i.to_string()).collect(),
            float: 0.5,
        };
    }
    Many {
        small: (0..150).map(|i| (i, i * i)).collect(),
        named: (0..40).map(|i| (format!("name {i}"), "some text ".repeat(i as usize % 7))).collect(),
        nested: (0..30).map(|i| (i, list(i))).collect(),
        books: (0..20).map(|i| (format!("the title of the book {i}"), (0..i % 4).map(|k| (k, k)).collect())).collect(),
        clash: (0..20).map(|i| (i, i)).collect(),
        nested_clash: (0..20).map(|i| (i, list(i))).collect(),
        list: list(2500),
        lists: (0..100).map(|n| list(n % 5)).collect(),
        set: (0..30).map(|i| i.to_string()).collect(),
        float: 0.5,
    }
}

/// The version that another one was made from.
fn parent(id: u64) -> u64 {
    match id {
        11 => 7,
        13 => 4,
        250 => 39,
        _ => id - 1,
    }
}

/// The state of a version, from that of its parent.
fn made(size: Size, id: u64, from: &Golden) -> Golden {
    let mut many = match (id, from) {
        (1, _) => return Golden::Text("a text that is too long for a stamp".repeat(3)),
        (2, _) => return Golden::List(list(5)),
        // Children of more than 2²⁰ elements: halves that are one node are stored once.
        (3, _) if size == Size::Golden => return Golden::List((0..16).fold(list(64), |half, _| half.clone() + half)),
        // So many that the index gets a node.
        (40..250, _) => return Golden::Number(id),
        (5.., Golden::Many(many)) => many.clone(),
        _ => Box::new(self::many(size)),
    };
    match id % 9 {
        0 => _ = many.small.insert(id * 7919, id),
        1 => _ = many.named.insert(format!("name {}", id % 40), format!("a text that is longer than 32 bytes {id}")),
        2 => many.nested.entry(id % 20).or_default().push_back(id),
        3 => _ = many.books.entry("the title of the book 7".into()).or_default().insert(id, id),
        4 => _ = (many.clash.insert(id, id), many.nested_clash.remove(&(id % 40))),
        5 => _ = many.list.set(id as usize * 37 % 400, id),
        6 => many.lists[id as usize % 40].push_back(id),
        7 => _ = many.small.remove(&(id % 150)),
        _ => many.float = id as f64,
    }
    Golden::Many(many)
}

const VERSIONS: u64 = 260;

pub(super) fn first() -> Golden {
    Golden::Number(7)
}

/// All states, as the code makes them today.
pub(super) fn states(size: Size, versions: u64) -> Vec<Golden> {
    let mut states = vec![first()];
    (1..versions).for_each(|id| states.push(made(size, id, &states[parent(id) as usize])));
    states
}

fn time_us(id: u64) -> u64 {
    1_790_000_000_000_000 + id * 1_000_003
}

pub(super) fn open(storage: &Simulated) -> Result<Timeline<Golden>> {
    Timeline::options().check_roundtrip(true).open_in(Arc::new(storage.clone()), first)
}

/// What stands in the golden log, written anew: versions up to so many.
pub(super) fn written(size: Size, versions: u64) -> Simulated {
    let storage = Simulated::new(2026);
    let options = Timeline::<Golden>::options();
    let mut timeline = options.open_with(Arc::new(storage.clone()), || Ok((first(), time_us(0)))).unwrap();
    let mut states = vec![first()];
    for id in 1..versions {
        let state = made(size, id, &states[parent(id) as usize]);
        timeline.head = parent(id);
        let made = timeline.made(&format!("version {id}"), time_us(id)).unwrap();
        timeline.append(made, Arc::new(state.clone()), false, None).unwrap();
        states.push(state);
        if id == 250 {
            timeline.undo().unwrap();
            timeline.checkout(VersionId::new(id)).unwrap()
        }
    }
    name(&mut timeline).unwrap();
    timeline.undo().unwrap();
    drop(timeline);
    storage
}

/// Every change of names that there is, and all names at once between them.
fn name(timeline: &mut Timeline<Golden>) -> Result<()> {
    timeline.branch("main")?;
    timeline.tag("seven", VersionId::new(7))?;
    timeline.tag("nine", VersionId::new(9))?;
    timeline.rename("nine", "neun")?;
    let (head, tip) = (timeline.head, timeline.tip);
    timeline.home.note(head, tip, Some((&timeline.names, None)))?;
    timeline.delete("seven")?;
    timeline.mark_saved()?;
    // A version where the branch does not come by.
    timeline.checkout(VersionId::new(12))?;
    timeline.switch("main")
}

/// Names as they are in the log, if they are there.
pub(super) fn is_named(timeline: &Timeline<Golden>, newest: u64) -> bool {
    let expected = [("main".to_owned(), VersionId::new(newest))];
    timeline.branches().unwrap() == expected
        && timeline.tags().unwrap() == [("neun".to_owned(), VersionId::new(9))]
        && (timeline.current_branch(), timeline.names.saved) == (Some("main"), Some(newest))
}

/// Kinds that the archive's records of a log have.
pub(super) fn kinds_in(storage: Arc<dyn Storage>) -> (BTreeSet<u8>, Report) {
    let (reader, _) = Reader::open(storage, &Timeline::<Golden>::options().log_options().identity).unwrap();
    let found = RefCell::new(BTreeSet::new());
    let each_record = |at, kind, bytes: &[u8], to: &mut _| {
        found.borrow_mut().insert(kind);
        links(at, kind, bytes, to)
    };
    let report = verify(&reader, &each_record, &mut |_, _| {}).unwrap();
    (found.into_inner(), report)
}

/// All that there are, with and without collections in values.
pub(super) fn all_kinds() -> BTreeSet<u8> {
    use kinds::*;
    let linked = [MAP_LEAF, MAP_LEAF_OVERLAY, MAP_COLLISION, ENTRY, VECTOR_LEAF, VECTOR_LEAF_SPLICE, ROOT];
    (MAP_INNER..=HASHERS).chain(linked.map(|kind| kind | LINKED)).collect()
}

#[test]
fn what_is_shared_is_what_several_versions_lead_to() {
    let storage = written(Size::Small, 60);
    let timeline = open(&storage).unwrap();
    let sharing = timeline.reader().sharing().unwrap();
    let (reader, _) = Reader::open(Arc::new(storage), &Timeline::<Golden>::options().log_options().identity).unwrap();
    // How many versions lead to each record, counted one by one.
    let mut led = BTreeMap::<Address, (u64, u64)>::new();
    for id in 0..60 {
        let (stamp, mut to) = (reader.stamp_of(id).unwrap(), Vec::new());
        match stamp.root {
            Root::At(at) => to.push(at),
            Root::Inline(bytes) => {
                let (kind, body) = bytes.split_last().unwrap();
                links(reader.address_of(id).unwrap(), *kind, body, &mut to).unwrap()
            }
            Root::None => {}
        }
        let mut seen = BTreeSet::new();
        while let Some(at) = to.pop() {
            if seen.insert(at) {
                let record = reader.read(at).unwrap();
                links(at, record.kind(), record.body(), &mut to).unwrap();
                let (versions, bytes) = led.entry(at).or_default();
                (*versions, *bytes) = (*versions + 1, record.body().len() as u64 + 8)
            }
        }
    }
    let of = |is_shared: bool| {
        let of_kind = led.values().filter(|(versions, _)| (*versions > 1) == is_shared);
        of_kind.fold((0, 0), |(n, bytes), (_, more)| (n + 1, bytes + more))
    };
    assert_eq!((sharing.own_records, sharing.own_bytes), of(false));
    assert_eq!((sharing.shared_records, sharing.shared_bytes), of(true));
    assert!(of(true).0 > 100 && of(false).0 > 100);
    let report = timeline.verify().unwrap();
    let blocks = report.segments * 4096;
    assert_eq!(sharing.own_bytes + sharing.shared_bytes + sharing.log_bytes + blocks, report.bytes)
}

#[test]
fn the_golden_log_of_a_timeline_has_every_kind_of_record_and_every_version() {
    let files = golden("timeline", || written(Size::Golden, VERSIONS).files());
    let storage = Simulated::with_files(&files, 1);
    let (found, report) = kinds_in(Arc::new(storage.clone()));
    assert_eq!(found, all_kinds());
    assert_eq!((report.versions, report.moves, report.closings, report.index_nodes), (VERSIONS, 3, 1, 1));
    assert_eq!(report.names, 9);
    assert_eq!(report.damages, []);

    let mut timeline = open(&storage).unwrap();
    assert!(is_named(&timeline, VERSIONS - 1));
    assert_eq!(timeline.head().number(), VERSIONS - 2);
    assert_eq!(
        timeline.heads().unwrap().into_iter().map(VersionId::number).collect::<Vec<_>>(),
        [10, 12, 249, VERSIONS - 1]
    );
    for (id, state) in states(Size::Golden, VERSIONS).into_iter().enumerate() {
        let (n, id) = (id as u64, VersionId::new(id as u64));
        assert_eq!(timeline.at(id).unwrap(), state, "version {id}");
        let version = timeline.version(id).unwrap();
        assert_eq!(version.parent, (n > 0).then(|| VersionId::new(parent(n))));
        assert_eq!(version.time, SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(time_us(n)));
        assert_eq!(version.label, if n == 0 { String::new() } else { format!("version {n}") })
    }
    // It is gone on with as with any other.
    let tip = timeline.redo().unwrap().unwrap();
    assert_eq!(tip.number(), VERSIONS - 1);
    timeline.edit("more", |state| *state = made(Size::Golden, VERSIONS, state)).unwrap();
    drop(timeline);
    let timeline = open(&storage).unwrap();
    assert_eq!(timeline.state(), &made(Size::Golden, VERSIONS, &states(Size::Golden, VERSIONS)[VERSIONS as usize - 1]));
    assert_eq!(timeline.verify().unwrap().damages, [])
}
