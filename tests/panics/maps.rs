//! Maps whose elements' code panics.

use super::{
    BYTES, CLONE, CLOSURE, DROPS, ELEMENTS, EQ, Element, FUSE, HASH, SORTS, TWICE, asked, blown, element,
    start_of_sweep,
};
use backstory::{GenericHashMap, GenericHashSet, Kind};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A hasher that gives the trie a shape: 0 even, 1 deep (the first 48 bits are equal), 2 three hashes for all keys,
/// 3 deep and in threes.
#[derive(Clone, Copy, Default)]
struct Shape<const N: u8>;

struct ShapeState(u64, u8);

impl<const N: u8> BuildHasher for Shape<N> {
    type Hasher = ShapeState;
    fn build_hasher(&self) -> ShapeState {
        ShapeState(0, N)
    }
}

impl Hasher for ShapeState {
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = self.0 << 8 | b as u64
        }
    }
    fn write_u32(&mut self, x: u32) {
        self.0 = x as u64
    }
    fn finish(&self) -> u64 {
        let mixed = (self.0 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let even = mixed ^ mixed >> 29;
        match self.1 {
            0 => even,
            1 => even >> 48 | 0xabcd_ef01_2345 << 16,
            2 => (self.0 % 3 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            _ => (self.0 / 3) | (0xabcd_ef01_2345 << 16),
        }
    }
}

type Map<const N: u8, P> = GenericHashMap<Element, Element, Shape<N>, P>;
type Contents = BTreeMap<u32, u32>;

/// Reads a map without the user's code, and checks that it is whole.
fn contents<const N: u8, P: Kind>(map: &Map<N, P>) -> Contents {
    assert_eq!(FUSE.get(), -1);
    let mut all = Contents::new();
    for (k, v) in map.iter() {
        assert_eq!(all.insert(k.id, v.id), None, "key {} is there twice", k.id);
        assert!(std::ptr::eq(map.get(k).expect("an iterated key is found"), v), "key {} is found elsewhere", k.id);
    }
    assert_eq!(map.len(), all.len());
    assert!((0..50).all(|id| map.contains_key(&element(5_000_000 + id)) == all.contains_key(&(5_000_000 + id))));
    all
}

/// Works on a map that went through a panic: all out, some in.
fn wear<const N: u8, P: Kind>(mut map: Map<N, P>) {
    let all = contents(&map);
    for (&k, &v) in &all {
        assert_eq!(map.remove(&element(k)).map(|v| v.id), Some(v));
    }
    assert!(map.is_empty() && map.iter().next().is_none());
    for &k in all.keys().take(20) {
        map.insert(element(k), element(k));
    }
    assert_eq!(contents(&map).len(), all.len().min(20));
}

/// How the map under test shares its nodes with versions that are kept.
#[derive(Clone, Copy, Debug)]
enum Sharing {
    Alone,
    /// A clone is kept: all is shared.
    Whole,
    /// An older version is kept, from which a few edits led here: overlays over shared nodes.
    Older,
    /// A newer version is kept, and clones of what came between.
    Chain,
    /// As `Older`, but the old one has been dropped: overlays over nodes that are ours by now.
    Left,
}

const SHARINGS: [Sharing; 5] = [Sharing::Alone, Sharing::Whole, Sharing::Older, Sharing::Chain, Sharing::Left];

/// A map of the keys 0, 2, .. below 2n (value = key + 1), and versions that share with it.
fn built<const N: u8, P: Kind>(n: u32, sharing: Sharing) -> (Map<N, P>, Vec<Map<N, P>>) {
    let mut map: Map<N, P> = Map::default();
    (0..n).for_each(|i| {
        map.insert(element(2 * i), element(2 * i + 1));
    });
    let kept = match sharing {
        Sharing::Alone => vec![],
        Sharing::Whole => vec![map.clone()],
        Sharing::Older | Sharing::Left => {
            let old = map.clone();
            for i in (0..n).step_by(3) {
                map.remove(&element(2 * i));
                map.insert(element(2 * i), element(2 * i + 1));
            }
            if let Sharing::Left = sharing { vec![] } else { vec![old] }
        }
        Sharing::Chain => {
            let mut kept = vec![];
            for i in (0..n).step_by(5) {
                map.insert(element(2 * i), element(2 * i + 1));
                kept.push(map.clone());
            }
            map.remove(&element(1_000_001));
            kept.push(map.update(element(1_000_003), element(0)));
            kept
        }
    };
    (map, kept)
}

// ---- the sweep ----

/// What a panic may leave behind in the map itself. Other versions are always what they were.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// All that was there before.
    Unchanged,
    /// Each key with its old or its new value; a key that is in both is there.
    Between,
}

/// Runs `edit` with the fuse at 0, 1, .. until it goes through, on a map of each shape, size and sharing.
fn sweep<P: Kind>(sizes: &[u32], after: After, edit: &Edits<P>) -> [usize; SORTS] {
    start_of_sweep();
    for &n in sizes {
        for sharing in SHARINGS {
            sweep_one::<0, P>(n, sharing, after, &*edit.0);
            sweep_one::<1, P>(n, sharing, after, &*edit.1);
            sweep_one::<2, P>(n, sharing, after, &*edit.2);
            sweep_one::<3, P>(n, sharing, after, &*edit.3);
        }
    }
    blown()
}

type Edit<const N: u8, P> = Box<dyn Fn(&mut Map<N, P>)>;

/// One edit, for each shape.
struct Edits<P: Kind>(Edit<0, P>, Edit<1, P>, Edit<2, P>, Edit<3, P>);

macro_rules! edits {
    (|$map:ident| $body:expr) => {
        Edits(
            Box::new(|$map| {
                let _result = $body;
            }),
            Box::new(|$map| {
                let _result = $body;
            }),
            Box::new(|$map| {
                let _result = $body;
            }),
            Box::new(|$map| {
                let _result = $body;
            }),
        )
    };
}

fn sweep_one<const N: u8, P: Kind>(n: u32, sharing: Sharing, after: After, edit: &dyn Fn(&mut Map<N, P>)) {
    // What should come out.
    let before = Contents::from_iter((0..n).map(|i| (2 * i, 2 * i + 1)));
    let wanted = {
        let (mut map, _kept) = built::<N, P>(n, Sharing::Alone);
        edit(&mut map);
        contents(&map)
    };
    for fuse in 0.. {
        let (elements, bytes) = (ELEMENTS.get(), BYTES.get());
        let went_through;
        {
            let (mut map, kept) = built::<N, P>(n, sharing);
            let kept_contents: Vec<Contents> = kept.iter().map(contents).collect();
            FUSE.set(fuse);
            let result = catch_unwind(AssertUnwindSafe(|| edit(&mut map)));
            went_through = FUSE.replace(-1) >= 0;
            assert_eq!(result.is_ok(), went_through, "a panic came from elsewhere");
            let place = || format!("shape {N}, n = {n}, {sharing:?}, call {fuse}");
            for (version, then) in kept.iter().zip(&kept_contents) {
                assert_eq!(&contents(version), then, "a kept version changed: {}", place());
            }
            let now = contents(&map);
            if went_through {
                assert_eq!(now, wanted, "{}", place());
            } else if after == After::Unchanged {
                assert_eq!(now, before, "{}", place());
            } else {
                for (k, v) in &now {
                    let known = before.get(k) == Some(v) || wanted.get(k) == Some(v);
                    assert!(known, "key {k} has value {v}: {}", place());
                }
                let stays = |k: &u32| before.contains_key(k) && wanted.contains_key(k);
                assert!(wanted.keys().filter(|k| stays(k)).all(|k| now.contains_key(k)), "{}", place());
            }
            wear(map);
            kept.into_iter().take(2).for_each(wear);
        }
        assert!(!TWICE.get(), "dropped twice: shape {N}, n = {n}, {sharing:?}, call {fuse}");
        if DROPS.get() {
            if went_through {
                return;
            }
            continue;
        }
        assert_eq!(ELEMENTS.get(), elements, "elements leaked: shape {N}, n = {n}, {sharing:?}, call {fuse}");
        assert_eq!(BYTES.get(), bytes, "bytes leaked: shape {N}, n = {n}, {sharing:?}, call {fuse}");
        if went_through {
            return;
        }
    }
}

/// Sizes at which a leaf is empty, single, full, just split; a trie of two levels.
const SIZES: [u32; 8] = [0, 1, 7, 14, 15, 16, 40, 200];
/// Where drops panic.
const DROPPED: [u32; 4] = [1, 16, 20, 45];
/// For operations that call user code for every entry.
const SMALL: [u32; 5] = [0, 1, 15, 16, 45];

/// One test: an edit, where it is tried, what it may leave, and which sorts of calls must have blown.
macro_rules! edits_survive {
    ($($test:ident: $sizes:ident, $after:ident, [$($sort:ident),*], |$map:ident| $body:expr;)*) => {$(
        #[test]
        fn $test() {
            let arc: Edits<archery::ArcTK> = edits!(|$map| $body);
            let rc: Edits<archery::RcK> = edits!(|$map| $body);
            let blown = sweep(&$sizes, After::$after, &arc);
            let sorts: &[(usize, &str)] = &[$(($sort, stringify!($sort))),*];
            sorts.iter().for_each(|&(sort, name)| assert!(blown[sort] > 0, "no {name} ever panicked"));
            sweep(&$sizes[..4], After::$after, &rc);
            DROPS.set(true);
            sweep(&DROPPED, After::Between, &arc);
            sweep(&DROPPED[..2], After::Between, &rc);
        }
    )*};
}

edits_survive! {
    insert_of_a_new_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.insert(element(7), element(1));
    insert_over_a_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.insert(element(6), element(1));
    remove_of_a_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.remove(&element(6));
    remove_of_the_last_key: SIZES, Unchanged, [HASH, EQ], |m| m.remove(&element(0));
    remove_of_nothing: SIZES, Unchanged, [HASH, EQ], |m| m.remove(&element(7));
    remove_with_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.remove_with_key(&element(12));
    get_mut_of_a_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.get_mut(&element(6)).is_some();
    get_mut_of_nothing: SIZES, Unchanged, [HASH, EQ], |m| m.get_mut(&element(7)).is_some();
    get_key_value_mut: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.get_key_value_mut(&element(10)).is_some();
    a_value_set_through_get_mut: SIZES, Unchanged, [HASH, EQ, CLONE], |m| {
        if let Some(v) = m.get_mut(&element(6)) {
            *v = element(77)
        }
    };
    entry_or_insert_with: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.entry(element(7)).or_insert_with(|| asked(element(1))).id;
    entry_or_insert_of_a_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.entry(element(6)).or_insert(element(1)).id;
    entry_and_modify: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| {
        m.entry(element(6)).and_modify(|v| *v = asked(element(50))).key().id
    };
    entry_insert_and_remove: SIZES, Unchanged, [HASH, EQ, CLONE], |m| match m.entry(element(6)) {
        backstory::map::Entry::Occupied(e) => drop(e.remove_entry()),
        backstory::map::Entry::Vacant(e) => drop(e.into_key()),
    };
    entry_of_an_occupied_key_set: SIZES, Unchanged, [HASH, EQ, CLONE], |m| match m.entry(element(6)) {
        backstory::map::Entry::Occupied(mut e) => drop(e.insert(element(9))),
        backstory::map::Entry::Vacant(e) => drop(e.into_key()),
    };
    retain: SMALL, Unchanged, [CLONE, CLOSURE], |m| m.retain(|k, _| asked(k.id % 3 != 0));
    clear: SMALL, Between, [], |m| m.clear();
    retain_of_all: SMALL, Unchanged, [CLOSURE], |m| m.retain(|_, _| asked(true));
    retain_of_none: SMALL, Unchanged, [CLOSURE], |m| m.retain(|_, _| asked(false));
    retain_of_few: SMALL, Unchanged, [CLONE, CLOSURE], |m| m.retain(|k, _| asked(k.id < 16));
    iter_mut: SMALL, Between, [CLONE, CLOSURE], |m| {
        for (k, v) in m.iter_mut() {
            *v = asked(element(k.id + 100))
        }
    };
    extend: SMALL, Between, [HASH, EQ, CLONE, CLOSURE], |m| m.extend((0..30).map(|i| asked((element(3 * i), element(900)))));
    extend_by_a_map: SMALL, Between, [HASH, EQ, CLONE], |m| {
        let more = m.update(element(1), element(1));
        m.extend(more)
    };
    a_map_set_to_its_update: SIZES, Unchanged, [HASH, EQ, CLONE], |m| *m = m.update(element(7), element(8));
    index_mut: SIZES, Unchanged, [HASH, EQ], |m| {
        if m.contains_key(&element(2)) {
            m[&element(2)] = element(3)
        }
    };
}

// ---- operations that make new versions, or only look ----

edits_survive! {
    update: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.update(element(7), element(8));
    update_over_a_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.update(element(6), element(8));
    update_with: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.update_with(element(6), element(8), |_, new| asked(new));
    update_with_key: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.update_with_key(element(6), element(8), |_, old, _| asked(old));
    update_lookup_with_key: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| {
        m.update_lookup_with_key(element(6), element(8), |_, _, new| asked(new))
    };
    alter: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.alter(asked, element(6));
    alter_to_nothing: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.alter(|_| asked(None), element(6));
    alter_from_nothing: SIZES, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.alter(|v| asked(v.or(Some(element(1)))), element(7));
    without: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.without(&element(6));
    extract: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.extract(&element(6));
    extract_with_key: SIZES, Unchanged, [HASH, EQ, CLONE], |m| m.extract_with_key(&element(0));
    get: SIZES, Unchanged, [HASH, EQ], |m| m.get(&element(6)).is_some();
    equal: SMALL, Unchanged, [EQ], |m| *m == other(m);
    equal_after_a_rebuild: SMALL, Unchanged, [EQ], |m| *m == rebuilt(m);
    diff: SMALL, Unchanged, [EQ], |m| m.diff(&other(m)).count();
    is_submap: SMALL, Unchanged, [EQ], |m| m.is_submap(rebuilt(m));
    is_submap_by: SMALL, Unchanged, [HASH, EQ, CLOSURE], |m| m.is_submap_by(other(m), |a, b| asked(a.id == b.id));
    union: SMALL, Unchanged, [HASH, EQ, CLONE], |m| m.clone().union(other(m));
    union_of_equals_made_apart: SMALL, Unchanged, [EQ], |m| m.clone().union(rebuilt(m));
    union_with: SMALL, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.clone().union_with(other(m), |a, _| asked(a));
    intersection: SMALL, Unchanged, [HASH, EQ, CLONE], |m| m.clone().intersection(other(m));
    intersection_with: SMALL, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| m.clone().intersection_with(other(m), |a, _| asked(a));
    symmetric_difference: SMALL, Unchanged, [HASH, EQ, CLONE], |m| m.clone().symmetric_difference(other(m));
    symmetric_difference_with: SMALL, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| {
        m.clone().symmetric_difference_with(other(m), |a, b| asked((a.id % 3 == 0).then_some(b)))
    };
    relative_complement: SMALL, Unchanged, [HASH, EQ, CLONE], |m| m.clone().relative_complement(other(m));
    hash_of_a_map: SMALL, Unchanged, [HASH], |m| Shape::<0>.hash_one(&*m);
    into_iter_of_a_clone: SMALL, Unchanged, [CLONE, CLOSURE], |m| {
        m.clone().into_iter().for_each(|entry| drop(asked(entry)))
    };
    into_iter: SMALL, Between, [CLONE, CLOSURE], |m| {
        for (k, v) in std::mem::take(m) {
            asked(());
            assert_eq!(k.id + 1, v.id)
        }
    };
    collect: SMALL, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| {
        m.iter().chain(m.iter()).map(|(k, v)| asked((k.clone(), v.clone()))).collect::<GenericHashMap<_, _, Shape<3>, archery::RcK>>()
    };
    a_set_of_the_keys: SMALL, Unchanged, [HASH, EQ, CLONE, CLOSURE], |m| {
        let mut set: GenericHashSet<Element, Shape<2>, archery::ArcTK> = m.keys().map(|k| asked(k.clone())).collect();
        let old = set.clone();
        set.retain(|k| asked(k.id % 4 == 0));
        set.insert(element(1));
        (old.clone().union(set.clone()).len(), old.relative_complement(set).len())
    };
}

/// A version of `map` with a key more, a key less and another value.
fn other<const N: u8, P: Kind>(map: &Map<N, P>) -> Map<N, P> {
    map.update(element(1_000_005), element(1)).without(&element(4)).update(element(8), element(1))
}

/// An equal map that shares nothing, from the entries in the opposite order.
fn rebuilt<const N: u8, P: Kind>(map: &Map<N, P>) -> Map<N, P> {
    let fuse = FUSE.replace(-1);
    let mut ids: Vec<_> = map.iter().map(|(k, v)| (k.id, v.id)).collect();
    ids.reverse();
    let new = ids.into_iter().map(|(k, v)| (element(k), element(v))).collect();
    FUSE.set(fuse);
    new
}

// ---- keys that lie ----

thread_local! {
    static LIE: Cell<u64> = const { Cell::new(1) };
}

fn lie() -> u64 {
    LIE.set(LIE.get().wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407));
    LIE.get() >> 33
}

/// A key that hashes and compares as it likes.
#[derive(Clone)]
struct Liar(#[allow(dead_code)] Element);

impl Hash for Liar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(lie() as u32 % 40)
    }
}
impl PartialEq for Liar {
    fn eq(&self, _: &Self) -> bool {
        lie().is_multiple_of(3)
    }
}
impl Eq for Liar {}

/// What `f` gives; none if it panics. A walk that finds other than the map's length ends in the documented panic, whose error its
/// thread keeps until it is caught.
fn caught_too<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| backstory::caught(f))).ok()?.ok()
}

/// Results may be wrong and calls may panic; memory may not be touched wrongly, lost or freed twice.
fn liars_do_no_harm<const N: u8>(seed: u64) {
    type Lies<const N: u8> = GenericHashMap<Liar, Element, Shape<N>, archery::ArcTK>;
    let (elements, bytes) = (ELEMENTS.get(), BYTES.get());
    {
        let mut map: Lies<N> = Lies::default();
        let mut kept = Vec::with_capacity(400);
        for i in 0..400 {
            LIE.set(seed * 1000 + i);
            let (map, old) = (&mut map, kept.last().cloned());
            let made = caught_too(move || {
                let old: Lies<N> = old.unwrap_or_default();
                match lie() % 12 {
                    0..5 => drop(map.insert(Liar(element(1)), element(2))),
                    5 => drop(map.remove(&Liar(element(1)))),
                    6 => drop(map.get_mut(&Liar(element(1))).map(|v| *v = element(3))),
                    7 => *map.entry(Liar(element(1))).or_insert(element(0)) = element(7),
                    8 => return Some(map.clone().union(old)),
                    9 => return Some(old.symmetric_difference(map.clone())),
                    10 => map.retain(|_, _| !lie().is_multiple_of(4)),
                    _ => _ = (*map == old, map.diff(&old).count(), map.clone().into_iter().count(), map.iter().count()),
                }
                Some(map.clone())
            });
            kept.extend(made.flatten());
        }
        for map in &kept {
            // A length that went wrong may stop the walk.
            let _ = caught_too(|| map.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Lies<N>>());
        }
    }
    assert_eq!(ELEMENTS.get(), elements, "elements: shape {N}, seed {seed}");
    assert_eq!(BYTES.get(), bytes, "bytes: shape {N}, seed {seed}");
}

#[test]
fn keys_whose_hash_and_equality_lie_lose_no_memory_and_free_none_twice() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // The library may panic on a lie; a failed assertion of this file is worth reading.
        if info.location().is_some_and(|at| at.file().ends_with("maps.rs")) {
            hook(info)
        }
    }));
    for seed in 0..20 {
        liars_do_no_harm::<0>(seed);
        liars_do_no_harm::<1>(seed);
        liars_do_no_harm::<2>(seed);
    }
}
