//! Timelines moved to new logs: the same tree of versions, other states, and no more bytes than there were.
//!
//! In: timelines in folders and in memory. Out: the same in other folders; nothing where something fails.

#![cfg(feature = "timeline")]

mod folder;

use backstory::{
    Durability, ErrorKind, GenericHashMap, HashMap, Store, StrongHash, Timeline, Vector, Version, VersionId,
};
use folder::Folder;
use rkyv::{Archive, Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Barrier;

type Strong<V> = GenericHashMap<String, V, StrongHash, archery::ArcTK>;

#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
struct Old {
    titles: Vector<String>,
    body: HashMap<String, Vector<char>>,
    nested: HashMap<u64, Strong<Vector<u64>>>,
    cursor: u32,
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
struct New {
    cursor: u64,
    titles: Vector<String>,
    body: HashMap<String, Vector<char>>,
    nested: HashMap<u64, Strong<Vector<u64>>>,
    lens: Vec<u64>,
}

fn new(mut old: Old) -> New {
    // One collection as it is, one a little changed, one made anew.
    old.body.insert("migrated".into(), "yes".chars().collect());
    let lens = old.titles.iter().map(|title| title.len() as u64).collect();
    New { cursor: old.cursor.into(), titles: old.titles, body: old.body, nested: old.nested, lens }
}

/// Numbers that follow from a seed.
fn below(seed: &mut u64, n: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % n
}

/// Edits, with undo and looks elsewhere in between, so that there are branches.
fn busy(timeline: &mut Timeline<Old>, edits: u64) {
    let mut seed = 7;
    for n in 0..edits {
        match below(&mut seed, 10) {
            0 => _ = timeline.undo().unwrap(),
            1 => timeline.checkout(VersionId::new(below(&mut seed, timeline.versions().count() as u64))).unwrap(),
            2 => _ = timeline.restore(VersionId::new(below(&mut seed, timeline.versions().count() as u64))).unwrap(),
            kind => {
                let (k, long) = (below(&mut seed, 300), below(&mut seed, 200) as usize);
                let edit = |state: &mut Old| match kind {
                    3 | 4 => state.titles.push_back(format!("title {n}")),
                    5 => state.titles.truncate(k as usize),
                    6 => state.body.entry(k.to_string()).or_default().extend("some text ".repeat(long / 9).chars()),
                    7 => _ = state.body.remove(&k.to_string()),
                    8 => state.nested.entry(k % 40).or_default().entry(k.to_string()).or_default().push_front(n),
                    _ => state.cursor += 1,
                };
                timeline.edit(&format!("edit {n}"), edit).unwrap();
            }
        }
    }
    timeline.jump(-3).unwrap();
}

fn all<T: Clone + PartialEq + 'static>(timeline: &Timeline<T>) -> Vec<Version> {
    timeline.versions().map(Result::unwrap).collect()
}

/// The same tree of versions, and where we stand in it; states as `f` makes them.
fn same<T, U>(old: &mut Timeline<T>, new: &mut Timeline<U>, f: impl Fn(T) -> U)
where
    T: Clone + PartialEq + 'static,
    U: Clone + PartialEq + std::fmt::Debug + 'static,
{
    assert!(all(new) == all(old));
    assert_eq!((new.head(), new.can_redo(), new.heads().unwrap()), (old.head(), old.can_redo(), old.heads().unwrap()));
    assert_eq!(new.redo_choices().unwrap(), old.redo_choices().unwrap());
    for version in all(old) {
        assert_eq!(new.at(version.id).unwrap(), f(old.at(version.id).unwrap()), "version {}", version.id)
    }
    assert_eq!(new.verify().unwrap().damages, []);
    let head = old.head();
    while let Some(id) = old.redo().unwrap() {
        assert_eq!(new.redo().unwrap(), Some(id))
    }
    assert_eq!(new.redo().unwrap(), None);
    old.checkout(head).unwrap();
    new.checkout(head).unwrap()
}

#[test]
fn a_tree_of_versions_is_the_same_in_a_new_log_whatever_becomes_of_its_states() {
    let (one, other, third, fourth) = (Folder::new(), Folder::new(), Folder::new(), Folder::new());
    let mut old = Timeline::options().durability(Durability::None).open(&one, Old::default).unwrap();
    busy(&mut old, 700);
    assert!(old.heads().unwrap().len() > 20 && old.can_redo());
    let mut moved = Timeline::migrate(&old, &other, |state| state).unwrap();
    same(&mut old, &mut moved, |state| state);
    let mut changed = Timeline::migrate(&moved, &third, new).unwrap();
    same(&mut moved, &mut changed, new);
    // With each state compared; what was moved is moved again; from a log that is only read.
    drop(changed);
    let mut changed = Timeline::<New>::options().open_read_only(&third).unwrap();
    let mut again = Timeline::<New>::options().check_roundtrip(true).migrate(&changed, &fourth, |state| state).unwrap();
    same(&mut changed, &mut again, |state| state);
    // They are timelines like others.
    for timeline in [&mut old, &mut moved] {
        timeline
            .edit("go on", |state| state.nested.entry(3).or_default().insert("new".into(), Vector::unit(1)))
            .unwrap();
    }
    drop(moved);
    assert_eq!(Timeline::open(&other, Old::default).unwrap().state(), old.state())
}

#[test]
fn a_timeline_in_memory_can_be_kept() {
    let folder = Folder::new();
    let mut old = Timeline::new(Old::default());
    busy(&mut old, 300);
    let mut kept = Timeline::migrate(&old, &folder, |state| state).unwrap();
    same(&mut old, &mut kept, |state| state);
    let bytes = kept.verify().unwrap().bytes;
    // Versions in memory share, and so do those in the log.
    assert!(bytes < 500_000, "{bytes} bytes")
}

/// Bytes of a log before and after a migration, in which `f` makes the new states.
fn sizes<T: backstory::State>(
    first: T,
    versions: u64,
    edit: impl Fn(&mut T, u64),
    f: impl FnMut(T) -> T,
) -> (u64, u64) {
    let (one, other) = (Folder::new(), Folder::new());
    let options = Timeline::options().durability(Durability::None).check_roundtrip(false);
    let mut old = options.open(&one, || first).unwrap();
    (1..versions).for_each(|n| _ = old.edit("edit", |state| edit(state, n)).unwrap().version.unwrap());
    let new = Timeline::migrate(&old, &other, f).unwrap();
    let [before, after] = [old.verify().unwrap(), new.verify().unwrap()];
    assert_eq!((before.versions, after.versions), (versions, versions));
    (before.bytes, after.bytes)
}

#[test]
fn a_new_log_is_no_larger_than_the_old_one() {
    let map: HashMap<String, [u8; 64]> = (0..10_000).map(|n| (format!("key {n}"), [0; 64])).collect();
    let edit = |map: &mut HashMap<String, [u8; 64]>, n: u64| {
        _ = map.insert(format!("key {}", n * 7919 % 10_000), [(n % 250 + 1) as u8; 64])
    };
    let vector: Vector<u64> = (0..10_000).collect();
    let change = |vector: &mut Vector<u64>, n: u64| match n % 3 {
        0 => vector.push_back(n),
        1 => vector.insert((n * 7919 % 10_000) as usize, n),
        _ => _ = vector.set((n * 7919 % 10_000) as usize, n + 1_000_000),
    };
    // What the new states have of their own is written, and all else moved: at most so many bytes more a version.
    let thin = |mut map: HashMap<String, [u8; 64]>| {
        (0..10_000).step_by(100).for_each(|n| _ = map.remove(&format!("key {n}")));
        map
    };
    let touch = |mut vector: Vector<u64>| {
        vector.set(5000, 1);
        vector.push_back(2);
        vector
    };
    for (what, most, (before, after)) in [
        ("map", 0, sizes(map.clone(), 2000, edit, |map| map)),
        ("vector", 0, sizes(vector.clone(), 2000, change, |vector| vector)),
        ("map with one more entry", 240, sizes(map.clone(), 2000, edit, |map| map.update("new".into(), [1; 64]))),
        ("map with 100 entries less", 7700, sizes(map, 2000, edit, thin)),
        ("vector with two changes", 266, sizes(vector, 2000, change, touch)),
    ] {
        let more = after.saturating_sub(before) / 2000;
        println!("{what}: {before} -> {after} bytes, {more} more a version");
        assert!(more <= most && (most > 0 || after as f64 <= 1.2 * before as f64), "{what}: {more}")
    }
}

/// No log, and nothing of one.
fn is_nothing_there(folder: &Folder) -> bool {
    let unready = folder.0.with_extension("unready");
    !folder.0.exists() && !unready.exists()
}

#[test]
fn a_migration_that_does_not_end_leaves_no_log() {
    let (one, other) = (Folder::new(), Folder::new());
    let mut old = Timeline::options().durability(Durability::None).open(&one, Old::default).unwrap();
    busy(&mut old, 200);
    let unready = other.0.with_extension("unready");
    let left = Folder::new();
    let mut n = 0;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        Timeline::migrate(&old, &other, |state| {
            n += 1;
            // Meanwhile there is no log, and no other can be made of that name.
            if n == 40 {
                assert!(unready.exists() && !other.0.exists());
                let error = Timeline::<Old>::options().open_read_only(&other).map(|_| ()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound);
                let error = Timeline::migrate(&old, &other, |state| state).map(|_| ()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
                copy(&unready, &left.0)
            }
            assert!(n < 60, "sixty");
            state
        })
    }));
    assert_eq!(panic.map(|_| ()).unwrap_err().downcast_ref::<&str>(), Some(&"sixty"));
    assert!(is_nothing_there(&other));
    // What a machine that stops leaves behind is replaced.
    copy(&left.0, &unready);
    let mut moved = Timeline::migrate(&old, &other, |state| state).unwrap();
    assert!(!unready.exists());
    same(&mut old, &mut moved, |state| state)
}

#[test]
fn of_two_migrations_to_one_path_at_once_one_is_there_as_a_whole() {
    let one = Folder::new();
    let mut old = Timeline::open(&one, || Vector::unit(0u64)).unwrap();
    (0..5).for_each(|n| _ = old.edit("push", |list| list.push_back(n)).unwrap());
    let mut both = [0, 0];
    for _ in 0..60 {
        let (other, start) = (Folder::new(), Barrier::new(2));
        let migrate = || {
            let old = Timeline::<Vector<u64>>::options().open_read_only(&one).unwrap();
            start.wait();
            Timeline::migrate(&old, &other, |state| state)
        };
        let (here, there) = std::thread::scope(|scope| {
            let there = scope.spawn(migrate);
            (migrate(), there.join().unwrap())
        });
        let refused = [&here, &there].map(|result| result.as_ref().map(|_| ()).map_err(|error| error.kind()));
        let is_refused = |kind: &_| matches!(kind, Err(ErrorKind::Locked | ErrorKind::Conflict));
        assert!(refused.iter().filter(|result| is_refused(result)).count() == 1, "{refused:?}");
        both[refused[0].is_err() as usize] += 1;
        let mut moved = here.or(there).unwrap();
        same(&mut old, &mut moved, |state| state);
        // It is open, and nothing else is left.
        let error = Timeline::open(&other, Vector::<u64>::new).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(!other.0.with_extension("unready").exists())
    }
    println!("each of both was first: {both:?}")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_migration_to_where_something_is_is_refused_and_changes_nothing() {
    let (one, other) = (Folder::new(), Folder::new());
    let old = Timeline::open(&one, || Vector::unit(1u64)).unwrap();
    drop(Timeline::open(&other, || Vector::unit(2u64)).unwrap());
    let refused = |folder: &Folder, kind| {
        let error = Timeline::migrate(&old, folder, |state| state).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!folder.0.with_extension("unready").exists())
    };
    refused(&other, ErrorKind::Conflict);
    refused(&one, ErrorKind::Conflict);
    assert_eq!(Timeline::open(&other, Vector::new).unwrap().state(), &Vector::unit(2u64));
    let letters = Folder::new();
    std::fs::create_dir(&letters).unwrap();
    std::fs::write(letters.0.join("letter.txt"), "dear").unwrap();
    refused(&letters, ErrorKind::Invalid);
    assert_eq!(std::fs::read(letters.0.join("letter.txt")).unwrap(), b"dear");
    // An empty folder is as good as none.
    let empty = Folder::new();
    std::fs::create_dir(&empty).unwrap();
    assert_eq!(Timeline::migrate(&old, &empty, |state| state).unwrap().state(), old.state())
}

#[test]
fn a_log_whose_first_segment_was_never_ready_is_made_again() {
    let folder = Folder::new();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.0.join("00000000000.unready"), [1; 100]).unwrap();
    assert_eq!(Timeline::open(&folder, || Vector::unit(1u64)).unwrap().state().len(), 1);
    assert_eq!(Timeline::open(&folder, Vector::<u64>::new).unwrap().state().len(), 1)
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
enum Action {
    Title(String),
    Body(HashMap<String, Vector<char>>),
    /// Of a hasher that the state has no map with.
    Counts(Strong<u64>),
}

fn reduce(titles: &mut Vector<String>, action: &Action) {
    match action {
        Action::Title(title) => titles.push_back(title.clone()),
        Action::Body(body) => titles.extend(body.keys().cloned()),
        Action::Counts(counts) => titles.push_front(format!("{} counts", counts.len())),
    }
}

#[test]
fn actions_move_with_their_versions() {
    let folders = [Folder::new(), Folder::new(), Folder::new()];
    let store = Store::durable(Timeline::open(&folders[0], Vector::new).unwrap(), reduce);
    for n in 0..100u64 {
        let action = match n % 5 {
            0 => Action::Body((0..n).map(|k| (format!("key {k}"), format!("text {n}").chars().collect())).collect()),
            // Short ones, which stand in the stamp: one with a collection in it.
            1 => Action::Counts([(n.to_string(), n)].into_iter().collect()),
            _ => Action::Title("title ".repeat(n as usize % 20)),
        };
        store.batch([action.clone(), action]).unwrap();
        if n % 50 == 49 {
            store.jump(-3).unwrap();
        }
    }
    let all = |store: &Store<Vector<String>, Action>| {
        let versions = store.versions().map(|version| version.unwrap());
        versions.map(|version| (store.actions(version.id).unwrap(), version)).collect::<Vec<_>>()
    };
    let before = all(&store);
    let old = store.into_timeline();
    // Twice, so that what was moved is moved again.
    let next = Timeline::migrate(&old, &folders[1], |titles| titles).unwrap();
    drop(Timeline::migrate(&next, &folders[2], |titles| titles).unwrap());
    drop((old, next));
    for folder in &folders {
        let store = Store::durable(Timeline::open(folder, Vector::new).unwrap(), reduce);
        assert!(all(&store) == before);
        assert_eq!(store.verify().unwrap().damages, []);
        assert!(store.actions(VersionId::new(1)).unwrap().len() == 2 && before.len() == 100)
    }
}
