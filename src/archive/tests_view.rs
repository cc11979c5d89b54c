//! Views against states: whatever is nested in whatever, over many commits, reads through views as it is.

use super::record::kinds;
use super::tests::Book;
use super::view::View;
use super::{links, state};
use crate::error::{ErrorKind, Result};
use crate::hash::{PortableHash, PortableHasher, StrongHash};
use crate::id::Address;
use crate::log::Root;
use crate::map::{GenericHashMap, HashMap};
use crate::set::HashSet;
use crate::vector::Vector;
use archery::ArcTK;
use proptest::prelude::*;
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

/// What can be compared with a view of it, all of it.
pub(super) trait Seen: Archive + 'static {
    /// Panics where the view shows something else; gives how many views it looked at.
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64>;
}

macro_rules! plain {
    ($($t:ty),*) => {$(
        impl Seen for $t {
            fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
                assert!(**view == *self, "{self:?}");
                Ok(1)
            }
        }
    )*};
}
plain!(u8, u32, u64, i64, String, Clash);

impl<A: Seen + Clone + PartialEq + Debug + super::Thaw + 'static> Seen for Vector<A> {
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        assert_eq!((view.len(), view.is_empty()), (self.len(), self.is_empty()));
        assert_eq!(&view.thaw::<Vector<A>>()?, self);
        let (mut n, mut elements) = (1, self.iter());
        for element in view.iter()? {
            n += elements.next().expect("as many").seen(&element?)?
        }
        assert!(elements.next().is_none());
        // Ranges and lookups at all sorts of places.
        for from in [0, 1, self.len() / 3, self.len().saturating_sub(1)] {
            let to = (from + 7).min(self.len());
            let range = view.range(from..to)?.collect::<Result<Vec<_>>>()?;
            assert_eq!(range.len(), to.saturating_sub(from));
            for (own, seen) in self.iter().skip(from).zip(&range) {
                own.seen(seen)?;
            }
            assert_eq!(view.get(from)?.is_some(), from < self.len());
            if let (Some(own), Some(seen)) = (self.get(from), view.get(from)?) {
                n += own.seen(&seen)?
            }
        }
        for (own, seen) in [(self.front(), view.first()?), (self.back(), view.last()?)] {
            assert_eq!(own.is_some(), seen.is_some());
            if let (Some(own), Some(seen)) = (own, seen) {
                own.seen(&seen)?;
            }
        }
        assert!(view.get(self.len())?.is_none() && view.get(usize::MAX)?.is_none());
        assert_eq!(view.range(self.len()..)?.count() + view.range(usize::MAX..=usize::MAX)?.count(), 0);
        Ok(n)
    }
}

impl<K, V, S> Seen for GenericHashMap<K, V, S, ArcTK>
where
    K: super::Thaw<Archived: PartialEq<K>> + Seen + Hash + Eq + Clone + Debug + 'static,
    V: super::Thaw + Seen + Clone + PartialEq + Debug + 'static,
    S: PortableHasher + Clone + 'static,
{
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        assert_eq!((view.len(), view.is_empty()), (self.len(), self.is_empty()));
        let mut n = 1;
        for (key, value) in self {
            n += value.seen(&view.get(key)?.expect("it is there"))?;
            assert!(view.contains_key(key)?)
        }
        let mut count = 0;
        for entry in view.iter()? {
            let (key, value) = entry?;
            let own: K = key.thaw()?;
            n += own.seen(&key)? + self.get(&own).expect("it is there").seen(&value)?;
            count += 1
        }
        assert_eq!(count, self.len());
        assert!(&view.thaw::<Self>()? == self);
        Ok(n)
    }
}

impl<A> Seen for HashSet<A>
where
    A: super::Thaw<Archived: PartialEq<A>> + Seen + Hash + Eq + Clone + Debug + 'static,
{
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        assert_eq!((view.len(), view.is_empty()), (self.len(), self.is_empty()));
        for value in self {
            assert!(view.contains(value)?)
        }
        let values = view.iter()?.map(|value| value?.thaw()).collect::<Result<HashSet<A>>>()?;
        assert_eq!(&values, self);
        Ok(1)
    }
}

impl<A: Seen> Seen for Option<A> {
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        let some = view.map_some(|option| option.as_ref());
        assert_eq!(some.is_some(), self.is_some());
        if let (Some(own), Some(some)) = (self, some) {
            own.seen(&some)?;
        }
        Ok(1)
    }
}

impl<A: Seen> Seen for Box<A> {
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        (**self).seen(&view.map(|boxed| boxed.get()))
    }
}

impl<A: Seen, B: Seen> Seen for (A, B) {
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        Ok(self.0.seen(&view.map(|pair| &pair.0))? + self.1.seen(&view.map(|pair| &pair.1))?)
    }
}

/// Keys of which many have one hash.
#[derive(Clone, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[rkyv(compare(PartialEq))]
pub(super) struct Clash(u64);

impl Clash {
    pub(super) fn new(number: u64) -> Self {
        Clash(number)
    }
    pub(super) fn number(&self) -> u64 {
        self.0
    }
}

impl Hash for Clash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 % 3).hash(state)
    }
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub(super) enum Shape {
    Nothing,
    Many(Vector<HashMap<u64, Vector<String>>>),
    Named { set: HashSet<String>, inner: Option<Box<Vector<u32>>> },
}

impl Seen for Shape {
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        type A = ArchivedShape;
        match self {
            Shape::Nothing => assert!(matches!(**view, A::Nothing)),
            Shape::Many(many) => {
                let seen = view.map_some(|shape| if let A::Many(many) = shape { Some(many) } else { None });
                many.seen(&seen.unwrap())?;
            }
            Shape::Named { set, inner } => {
                set.seen(
                    &view.map_some(|shape| if let A::Named { set, .. } = shape { Some(set) } else { None }).unwrap(),
                )?;
                let seen = view.map_some(|shape| if let A::Named { inner, .. } = shape { Some(inner) } else { None });
                inner.seen(&seen.unwrap())?;
            }
        }
        Ok(1)
    }
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub(super) struct Nested {
    pub(super) plain: HashMap<u64, u64>,
    pub(super) texts: HashMap<String, String>,
    pub(super) maps: HashMap<u8, HashMap<String, Vector<u32>>>,
    pub(super) list: Vector<u64>,
    pub(super) lists: Vector<Vector<String>>,
    pub(super) set: HashSet<String>,
    pub(super) clashes: HashMap<Clash, String>,
    pub(super) strong: GenericHashMap<u32, Option<Vector<u8>>, StrongHash, ArcTK>,
    pub(super) shape: Shape,
    pub(super) tuple: (Vector<u32>, Box<HashSet<i64>>),
}

impl Default for Nested {
    fn default() -> Self {
        Nested {
            plain: HashMap::new(),
            texts: HashMap::new(),
            maps: HashMap::new(),
            list: Vector::new(),
            lists: Vector::new(),
            set: HashSet::new(),
            clashes: HashMap::new(),
            strong: GenericHashMap::default(),
            shape: Shape::Nothing,
            tuple: (Vector::new(), Box::default()),
        }
    }
}

impl Seen for Nested {
    fn seen(&self, view: &View<Self::Archived>) -> Result<u64> {
        self.plain.seen(&view.map(|n| &n.plain))?;
        self.maps.seen(&view.map(|n| &n.maps))?;
        self.list.seen(&view.map(|n| &n.list))?;
        self.lists.seen(&view.map(|n| &n.lists))?;
        self.set.seen(&view.map(|n| &n.set))?;
        self.clashes.seen(&view.map(|n| &n.clashes))?;
        self.strong.seen(&view.map(|n| &n.strong))?;
        self.shape.seen(&view.map(|n| &n.shape))?;
        self.tuple.seen(&view.map(|n| &n.tuple))?;
        self.texts.seen(&view.map(|n| &n.texts))
    }
}

/// One edit, by three numbers.
pub(super) fn edit(state: &mut Nested, (field, key, x): (u8, u16, u16)) {
    let text = |n: u16| "text".repeat(n as usize % 12);
    match field % 20 {
        0 => (0..x % 300).for_each(|i| _ = state.plain.insert((key % 2000 + i) as u64, x as u64)),
        1 => _ = state.plain.insert((key % 400) as u64, x as u64),
        2 => _ = state.plain.remove(&((key % 400) as u64)),
        3 => (0..x % 100).for_each(|i| _ = state.texts.insert((key % 500 + i).to_string(), text(i))),
        4 => _ = state.texts.insert((key % 100).to_string(), text(x)),
        5 => _ = state.texts.remove(&(key % 100).to_string()),
        6 => state.maps.entry(key as u8 % 40).or_default().entry(text(x)).or_default().push_back(x as u32),
        7 => _ = state.maps.remove(&(key as u8 % 40)),
        8 => (0..x % 500).for_each(|i| state.list.push_back(i as u64)),
        9 => (0..x % 70).for_each(|i| state.list.push_front(i as u64)),
        10 if !state.list.is_empty() => _ = state.list.set(key as usize % state.list.len(), x as u64),
        11 if !state.list.is_empty() => _ = state.list.remove(key as usize % state.list.len()),
        12 => state.list.truncate(state.list.len() * (x as usize % 8 + 2) / 8),
        13 => state.lists.push_back((0..x % 20).map(text).collect()),
        14 if !state.lists.is_empty() => {
            let i = key as usize % state.lists.len();
            state.lists[i].push_front(text(x))
        }
        15 => _ = if x % 3 > 0 { state.set.insert(text(key)) } else { state.set.remove(&text(key)) },
        16 => (0..x % 60).for_each(|i| _ = state.clashes.insert(Clash((key % 70 + i) as u64), text(i))),
        17 => _ = state.clashes.remove(&Clash((key % 70) as u64)),
        18 => _ = state.strong.insert(key as u32 % 60, (x % 3 > 0).then(|| (0..x as u8).collect())),
        _ => {
            state.shape = match x % 3 {
                0 => Shape::Nothing,
                1 => Shape::Many(
                    (0..key as u64 % 7)
                        .map(|i| (0..i).map(|k| (k, [text(x)].into_iter().collect())).collect())
                        .collect(),
                ),
                _ => Shape::Named {
                    set: [text(key)].into_iter().collect(),
                    inner: (x % 2 > 0).then(|| Box::new((0..99).collect())),
                },
            };
            state.tuple.0.insert(key as usize % (state.tuple.0.len() + 1), x as u32);
            state.tuple.1.insert(x as i64);
        }
    }
}

pub(super) fn view(log: &Book, root: Address) -> Result<View<ArchivedNested>> {
    state::view_root::<Nested>(&log.library, &Root::At(root), root)
}

/// How many records of each kind there are below a root.
pub(super) fn kinds_below(log: &Book, root: Address, seen: &mut BTreeSet<Address>, kinds: &mut BTreeMap<u8, u64>) {
    let mut next = vec![root];
    while let Some(at) = next.pop() {
        if seen.insert(at) {
            let record = log.library.read(at).unwrap();
            *kinds.entry(record.kind() & !kinds::LINKED).or_default() += 1;
            links(at, record.kind(), record.body(), &mut next).unwrap()
        }
    }
}

/// Commits after each edit, and compares all versions through views, and through states, with what they were.
fn all_versions_are_seen(edits: &[(u8, u16, u16)]) -> BTreeMap<u8, u64> {
    let log = Book::new();
    let (mut own, mut versions) = (Nested::default(), Vec::new());
    for &step in edits {
        edit(&mut own, step);
        versions.push((log.commit(&own).unwrap(), own.clone()))
    }
    let (mut seen, mut kinds) = (BTreeSet::new(), BTreeMap::new());
    for (root, state) in &versions {
        state.seen(&view(&log, *root).unwrap()).unwrap();
        assert_eq!(&log.read::<Nested>(*root), state);
        kinds_below(&log, *root, &mut seen, &mut kinds)
    }
    kinds
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, ..crate::map::cases() })]

    #[test]
    fn views_show_what_states_are(edits in prop::collection::vec(any::<(u8, u16, u16)>(), 1..60)) {
        all_versions_are_seen(&edits);
    }
}

#[test]
fn views_see_through_records_of_every_kind() {
    let mut dice = crate::log::simulated::Dice(3);
    let mut roll = || dice.roll();
    let edits: Vec<(u8, u16, u16)> = (0..250).map(|_| (roll() as u8, roll() as u16, roll() as u16)).collect();
    let kinds = all_versions_are_seen(&edits);
    println!("{kinds:?}");
    for kind in kinds::MAP_INNER..=kinds::ROOT {
        assert!(kinds.get(&kind).is_some_and(|&n| n > 10), "kind {kind}: {kinds:?}")
    }
}

/// Keys that are looked for by what they borrow as, and what is not there.
#[test]
fn keys_are_found_by_what_they_borrow_as() {
    let log = Book::new();
    let mut own = Nested::default();
    (0..50).for_each(|i| _ = own.texts.insert(i.to_string(), "x".repeat(i)));
    (0..50).for_each(|i| _ = own.plain.insert(i, i * i));
    own.set.insert("one".into());
    let view = view(&log, log.commit(&own).unwrap()).unwrap();
    let texts = view.map(|n| &n.texts);
    assert_eq!(*texts.get("7").unwrap().unwrap(), "xxxxxxx");
    assert!(texts.get("70").unwrap().is_none() && !texts.contains_key("").unwrap());
    assert_eq!(*view.map(|n| &n.plain).get(&7).unwrap().unwrap(), 49);
    let set = view.map(|n| &n.set);
    assert!(set.contains("one").unwrap() && !set.contains("two").unwrap());
    // A view outlives what it came from.
    let text: View<str> = texts.get("3").unwrap().unwrap().map(|text| text.as_str());
    drop((texts, set, view));
    assert_eq!((&*text, format!("{text:?}").as_str()), ("xxx", "\"xxx\""))
}

#[test]
fn a_get_reads_its_path_only() {
    let log = Book::new();
    let mut map: HashMap<u64, String> = (0..100_000).map(|i| (i, format!("value {i} ").repeat(5))).collect();
    log.commit(&map).unwrap();
    (0..2000).for_each(|i| {
        map.insert(i * 37, format!("other {i} ").repeat(5));
        log.commit(&map).unwrap();
    });
    let root = log.commit(&map).unwrap();
    let view = state::view_root::<HashMap<u64, String>>(&log.library, &Root::At(root), root).unwrap();
    let (mut most, mut all) = (0, 0);
    for key in 0..1000 {
        let before = log.reads();
        assert_eq!(view.get(&(key * 100)).unwrap().unwrap().as_str(), map[&(key * 100)]);
        let reads = log.reads() - before;
        (most, all) = (most.max(reads), all + reads)
    }
    println!("get of 100 000: {:.2} records, at most {most}", all as f64 / 1000.0);
    // Three levels of inner nodes, a leaf, each as an overlay and its base; the entry; nothing else.
    assert!((5..=9).contains(&most), "{most}");
    let before = log.reads();
    assert!(view.get(&100_001).unwrap().is_none());
    assert!(log.reads() - before <= 8);
    // Entries that were written with their leaf are read with each other.
    let before = log.reads();
    assert_eq!(view.iter().unwrap().collect::<Result<Vec<_>>>().unwrap().len(), map.len());
    println!("all 100 000 entries: {} reads", log.reads() - before);
    assert!(log.reads() - before < 60_000);
    // A vector: the spine, three levels, the leaf and its base.
    let list: Vector<u64> = (0..100_000).collect();
    log.commit(&list).unwrap();
    let list = list.update(70_000, 7);
    let root = log.commit(&list).unwrap();
    let view = state::view_root::<Vector<u64>>(&log.library, &Root::At(root), root).unwrap();
    let before = log.reads();
    assert_eq!(*view.get(70_000).unwrap().unwrap(), 7);
    println!("get of a vector of 100 000: {} records", log.reads() - before);
    assert!(log.reads() - before <= 9)
}

#[test]
fn another_hasher_is_refused_by_views() {
    let log = Book::new();
    let map: HashMap<String, u64> = (0..100).map(|i| (i.to_string(), i)).collect();
    let root = log.commit(&map).unwrap();
    type Other = GenericHashMap<String, u64, StrongHash, ArcTK>;
    let view = state::view_root::<Other>(&log.library, &Root::At(root), root).unwrap();
    assert_eq!(view.get("1").unwrap_err().kind(), ErrorKind::Incompatible);
    assert_eq!(view.iter().map(|_| ()).unwrap_err().kind(), ErrorKind::Incompatible);
    assert_ne!(PortableHash::ID, StrongHash::ID)
}
