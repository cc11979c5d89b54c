//! Timelines on disk as users have them: two at once, readers on other threads, and folders that are not what they should be.
//!
//! In: folders in the system's place for such. Out: versions, or errors of the right kind that say what to do.

#![cfg(feature = "timeline")]

mod folder;

use backstory::{Durability, ErrorKind, HashMap, StrongHash, Timeline, Vector, VersionId};
use folder::Folder;
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// All names in a folder with the contents of the files; but for the lock.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let mut all: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap_or_default()))
        .collect();
    all.retain(|(path, _)| !path.ends_with("lock"));
    all.sort();
    all
}

type Map = HashMap<String, Vector<u64>>;

fn map(n: u64) -> Map {
    (0..n).map(|i| (format!("key {i}"), (0..i % 100).collect())).collect()
}

#[test]
fn a_state_moves_from_one_timeline_to_another_and_back() {
    let (one, other) = (Folder::new(), Folder::new());
    let mut first = Timeline::open(&one, || map(2000)).unwrap();
    let mut second = Timeline::open(&other, Map::new).unwrap();
    let mut expected = map(2000);
    for round in 0..10u64 {
        // What the other has, which thaws from there, and an edit of its own.
        let (from, to) = if round.is_multiple_of(2) { (&first, &mut second) } else { (&second, &mut first) };
        let mut state = from.state().clone();
        for state in [&mut state, &mut expected] {
            state.entry(format!("key {}", round * 100)).or_default().push_back(round);
            state.remove(&format!("key {}", round * 100 + 1));
        }
        to.commit("moved", state).unwrap();
        assert_eq!(to.state(), &expected)
    }
    drop((first, second));
    let (first, second) = (Timeline::open(&one, Map::new).unwrap(), Timeline::open(&other, Map::new).unwrap());
    assert_eq!(first.state(), &expected);
    for timeline in [first, second] {
        assert_eq!(timeline.verify().unwrap().damages, []);
        timeline.versions().for_each(|version| timeline.at(version.unwrap().id).unwrap().thaw_all().unwrap())
    }
}

#[test]
fn a_state_outlives_its_timeline() {
    let folder = Folder::new();
    drop(Timeline::open(&folder, || map(500)).unwrap());
    let state = Timeline::open(&folder, Map::new).unwrap().at(VersionId::FIRST).unwrap();
    assert_eq!(state, map(500))
}

#[test]
fn readers_on_other_threads_see_every_version_that_is_there() {
    let folder = Folder::new();
    let mut timeline = Timeline::options().durability(Durability::None).open(&folder, Vector::<u64>::new).unwrap();
    let newest = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            let (reader, newest) = (timeline.reader(), &newest);
            threads.spawn(move || {
                let mut seen = 0;
                while seen < 3000 {
                    seen = newest.load(Relaxed);
                    for n in [seen, seen / 2, seen / 3] {
                        let state = reader.at(VersionId::new(n)).unwrap();
                        assert!(state.iter().copied().eq(0..n), "version {n}");
                    }
                    assert_eq!(reader.version(VersionId::new(seen)).unwrap().depth, seen)
                }
            });
        }
        for n in 0..3000 {
            let version = timeline.edit("push", |state| state.push_back(n)).unwrap().version.unwrap();
            newest.store(version.number(), Relaxed)
        }
    })
}

/// Entries that are records of their own, entries that are not, and collections in both.
#[derive(Clone, Default, PartialEq, Archive, Serialize, Deserialize)]
struct Shelf {
    pages: HashMap<String, String>,
    rows: HashMap<u64, Vector<u64>>,
}

/// What a shelf has, in std's collections.
#[derive(Clone, Default, PartialEq, Debug)]
struct Plain {
    pages: BTreeMap<String, String>,
    rows: BTreeMap<u64, Vec<u64>>,
}

const PAGES: u64 = 120;

fn page(n: u64) -> String {
    format!("the page {n}")
}

impl Shelf {
    /// The same edit of both.
    fn edit(&mut self, plain: &mut Plain, n: u64) {
        let (key, text) = (page(n * 31 % PAGES), format!("a text that has a record of its own, number {n}"));
        match n % 4 {
            0 => assert_eq!(self.pages.remove(&key), plain.pages.remove(&key)),
            _ => assert_eq!(self.pages.insert(key.clone(), text.clone()), plain.pages.insert(key, text)),
        }
        self.rows.entry(n % 40).or_default().push_back(n);
        plain.rows.entry(n % 40).or_default().push(n)
    }

    fn plain(&self) -> Plain {
        Plain {
            pages: self.pages.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            rows: self.rows.iter().map(|(k, row)| (*k, row.iter().copied().collect())).collect(),
        }
    }

    fn assert_has(&self, plain: &Plain, n: u64) {
        assert_eq!(self.pages.get(&page(n % PAGES)), plain.pages.get(&page(n % PAGES)));
        let (row, expected) = (self.rows.get(&(n % 40)), plain.rows.get(&(n % 40)));
        assert_eq!(row.and_then(|row| row.back()), expected.and_then(|row| row.last()))
    }
}

/// What one of several threads does with states that others have clones of: reads, walks, edits, comparisons, drops.
fn use_beside_others(mut states: Vec<(Shelf, Plain)>, thread: u64, round: u64) {
    while let Some((mut state, mut plain)) = states.pop() {
        match (thread + round + states.len() as u64) % 4 {
            // Two threads at least look for the same at once.
            0 | 1 => (0..PAGES).for_each(|n| state.assert_has(&plain, n)),
            2 => assert_eq!(state.plain(), plain),
            _ => {
                (0..12).for_each(|n| state.edit(&mut plain, 7 * n + thread));
                (0..PAGES).for_each(|n| state.assert_has(&plain, n * 7));
                assert_eq!(state.plain(), plain)
            }
        }
        if let Some((other, other_plain)) = states.last() {
            assert_eq!(state == *other, plain == *other_plain);
            let changes = state.pages.diff(&other.pages).count();
            assert_eq!(changes == 0, plain.pages == other_plain.pages)
        }
    }
}

#[test]
#[allow(unsafe_code)]
fn threads_race_to_thaw_the_same_states_from_a_reader() {
    let folder = Folder::new();
    let (mut state, mut plain) = (Shelf::default(), Plain::default());
    (0..3 * PAGES).for_each(|n| state.edit(&mut plain, n));
    let mut plains = vec![plain.clone()];
    let mut timeline = Timeline::options().durability(Durability::None).open(&folder, || state).unwrap();
    for n in 0..12 {
        // One edit or several: overlays of nodes and of leaves, and nodes that are written anew.
        timeline.edit("edit", |state| (0..=n % 5).for_each(|k| state.edit(&mut plain, 100 * n + k))).unwrap();
        plains.push(plain.clone())
    }
    drop(timeline);
    for round in 0..200 {
        // Nothing of it is in memory yet.
        let timeline = match round % 2 {
            0 => Timeline::options().open_read_only(&folder).unwrap(),
            // SAFETY: nobody else touches the folder.
            _ => unsafe { Timeline::options().open_mmap(&folder, Shelf::default) }.unwrap(),
        };
        let reader = timeline.reader();
        let states: Vec<(Shelf, Plain)> =
            [0, 3, 4, 10, 12].map(|id| (reader.at(VersionId::new(id)).unwrap(), plains[id as usize].clone())).into();
        let start = Barrier::new(4);
        std::thread::scope(|threads| {
            for thread in 0..4 {
                let (states, reader, start, plains) = (states.clone(), reader.clone(), &start, &plains);
                threads.spawn(move || {
                    start.wait();
                    use_beside_others(states, thread, round);
                    let id = (thread + round) % 13;
                    assert_eq!(reader.at(VersionId::new(id)).unwrap().plain(), plains[id as usize])
                });
            }
            // The threads are the last to have them.
            drop((states, timeline))
        })
    }
}

#[test]
fn a_look_beside_the_writer_changes_nothing() {
    let folder = Folder::new();
    let mut timeline = Timeline::open(&folder, || map(100)).unwrap();
    timeline.edit("edit", |state| state.clear()).unwrap();
    let before = contents(folder.as_ref());
    let mut look = Timeline::<Map>::options().open_read_only(&folder).unwrap();
    assert_eq!((look.head(), look.state()), (VersionId::new(1), &Map::new()));
    look.undo().unwrap();
    assert_eq!(look.state(), &map(100));
    let error = look.edit("edit", |state| state.clear()).unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("read-only"), "{error}");
    drop(look);
    assert!(contents(folder.as_ref()) == before)
}

#[test]
#[allow(unsafe_code)]
fn views_are_the_same_however_a_timeline_was_opened() {
    let folder = Folder::new();
    let mut timeline = Timeline::open(&folder, || map(300)).unwrap();
    timeline.edit("edit", |state| state.get_mut("key 7").unwrap().push_back(70)).unwrap();
    let check = |timeline: &Timeline<Map>| {
        for (version, len) in [(0, 7), (1, 8)] {
            let view = timeline.reader().view(VersionId::new(version)).unwrap();
            assert_eq!(view.len(), 300);
            assert_eq!(
                view.iter().unwrap().map(|entry| entry.unwrap().1.len() as u64).sum::<u64>(),
                3 * 4950 + len - 7
            );
            let list = view.get("key 7").unwrap().unwrap();
            // A view is kept, and looked at on another thread.
            let look = move || assert!(list.len() as u64 == len && *list.get(6).unwrap().unwrap() == 6);
            std::thread::spawn(look).join().unwrap();
            assert!(view.get("key 300").unwrap().is_none())
        }
    };
    check(&timeline);
    check(&Timeline::<Map>::options().open_read_only(&folder).unwrap());
    drop(timeline);
    // SAFETY: nobody else touches the folder.
    let mapped = unsafe { Timeline::<Map>::options().open_mmap(&folder, Map::new) }.unwrap();
    check(&mapped);
    let view = mapped.view(VersionId::new(1)).unwrap();
    drop(mapped);
    assert_eq!(view.get("key 7").unwrap().unwrap().thaw::<Vector<u64>>().unwrap(), (0..7).chain([70]).collect())
}

#[test]
fn a_digest_is_the_same_after_reopening_and_in_memory() {
    let folder = Folder::new();
    let mut timeline = Timeline::open(&folder, || map(300)).unwrap();
    timeline.edit("edit", |state| state.get_mut("key 7").unwrap().push_front(70)).unwrap();
    timeline.edit("back", |state| state.get_mut("key 7").unwrap().pop_front()).unwrap();
    let all = |timeline: &Timeline<Map>| [0, 1, 2].map(|n| timeline.digest(VersionId::new(n)).unwrap());
    let digests = all(&timeline);
    assert!(digests[0] == digests[2] && digests[0] != digests[1], "{digests:?}");
    assert_eq!(all(&Timeline::<Map>::options().open_read_only(&folder).unwrap()), digests);
    drop(timeline);
    let timeline = Timeline::open(&folder, Map::new).unwrap();
    assert_eq!(all(&timeline), digests);
    assert_eq!(Timeline::new(map(300)).digest(VersionId::FIRST).unwrap(), digests[0]);
    assert_eq!(timeline.digest(VersionId::new(3)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(digests[0].to_string().len(), 64)
}

/// Opened as `T`: the kind of the error, which says `words`; and nothing has changed.
#[track_caller]
fn refused<T: backstory::State + Default>(folder: &Folder, kind: ErrorKind, words: &[&str]) {
    let before = contents(folder.as_ref());
    let error = Timeline::open(folder, T::default).map(|_| ()).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    words.iter().for_each(|word| assert!(text.contains(word), "{text}"));
    assert!(contents(folder.as_ref()) == before, "nothing has changed")
}

#[test]
fn what_is_no_such_log_is_refused_and_not_changed() {
    // Open already.
    let folder = Folder::new();
    let timeline = Timeline::open(&folder, || map(3)).unwrap();
    refused::<Map>(&folder, ErrorKind::Locked, &["is open in process", "read-only"]);
    drop(timeline);
    // Of another type, or another hasher.
    refused::<Vector<u64>>(&folder, ErrorKind::Incompatible, &["Vector"]);
    refused::<backstory::GenericHashMap<String, Vector<u64>, StrongHash, archery::ArcTK>>(
        &folder,
        ErrorKind::Incompatible,
        &["StrongHash"],
    );
    // Of another version of its schema.
    let other = Timeline::<Map>::options().schema("Map", 2).open(&folder, Map::new);
    assert_eq!(other.map(|_| ()).unwrap_err().kind(), ErrorKind::Incompatible);
    // A file.
    let file = Folder::new();
    std::fs::write(&file, "text").unwrap();
    assert!(Timeline::open(&file, || map(3)).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"text");
    // Nothing to read.
    let none = Folder::new();
    let error = Timeline::<Map>::options().open_read_only(&none).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(!none.0.exists());
    // A folder of something else.
    let other = Folder::new();
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.0.join("letter.txt"), "dear").unwrap();
    refused::<Map>(&other, ErrorKind::Invalid, &["letter.txt", "not empty"]);
    assert!(!other.0.join("lock").exists());
    // Not ours.
    let other = Folder::new();
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.0.join("00000000000.segment"), vec![7; 10_000]).unwrap();
    refused::<Map>(&other, ErrorKind::Corrupt, &["superblock", "00000000000"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    drop(Timeline::open(&folder, || map(100)).unwrap());
    let set = |mode: u32, file_mode: u32| {
        for entry in std::fs::read_dir(&folder).unwrap() {
            std::fs::set_permissions(entry.unwrap().path(), PermissionsExt::from_mode(file_mode)).unwrap()
        }
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap()
    };
    set(0o555, 0o444);
    let may_write = std::fs::write(folder.0.join("lock"), "").is_ok();
    if may_write {
        println!("skipped: this process may write anywhere")
    } else {
        refused::<Map>(&folder, ErrorKind::Io, &["give the right to, or open read-only"]);
        let error = Timeline::open(folder.0.join("new"), || map(1)).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
    // Whoever may write reads as well.
    let look = Timeline::<Map>::options().open_read_only(&folder).unwrap();
    assert_eq!(look.state(), &map(100));
    assert_eq!(look.verify().unwrap().damages, []);
    set(0o755, 0o644);
    assert_eq!(Timeline::open(&folder, Map::new).unwrap().state(), &map(100))
}

#[test]
fn verify_follows_every_root() {
    let folder = Folder::new();
    let mut timeline = Timeline::open(&folder, || Vector::<u64>::unit(0)).unwrap();
    // Its root stands in its stamp, and names a leaf.
    assert_eq!(timeline.verify().unwrap().links, 1);
    timeline.edit("push", |state| state.push_back(1)).unwrap();
    // Another leaf, and the stamp before.
    assert_eq!(timeline.verify().unwrap().links, 3);
    assert_eq!(timeline.verify().unwrap().to_string().lines().next().unwrap().split(", ").next(), Some("2 versions"))
}

#[test]
fn a_small_log_is_small() {
    let folder = Folder::new();
    let mut timeline = Timeline::open(&folder, Vector::<u64>::new).unwrap();
    (0..10).for_each(|n| _ = timeline.edit("edit", |state| state.push_back(n)).unwrap());
    drop(timeline);
    let bytes: usize = contents(folder.as_ref()).iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= 16 << 10, "{bytes} bytes")
}

#[test]
fn an_edit_that_meets_damage_is_an_error_and_changes_nothing() {
    let folder = Folder::new();
    let mut timeline = Timeline::open(&folder, || map(2000)).unwrap();
    timeline.edit("one", |map| _ = map.remove("key 1")).unwrap();
    drop(timeline);
    // The leaves come first; the newest versions, at the end, stay whole.
    let (path, mut bytes) = contents(folder.as_ref()).swap_remove(0);
    bytes[5000..60_000].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(path, bytes).unwrap();
    let mut timeline = Timeline::open(&folder, || map(2000)).unwrap();
    let head = timeline.head();
    let sum = |map: &Map| map.iter().map(|(key, row)| key.len() + row.len()).sum::<usize>();
    let error = timeline.edit("all", |map| sum(map)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("offset"), "{error}");
    let few = |map: &mut Map| -> backstory::Result<()> {
        map.retain(|_, row| row.len() > 3);
        Ok(())
    };
    let error = timeline.try_edit("few", few).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(timeline.diff(VersionId::FIRST, head, sum).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!((timeline.head(), timeline.state().len()), (head, 1999));
    // Any other panic is the user's own, and goes on.
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| timeline.edit("mine", |_| panic!("mine"))));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"mine"));
    timeline.commit("whole", map(3)).unwrap().unwrap();
    assert_eq!(timeline.state().len(), 3);
}

/// A state that stands in a record of its own, which a search finds.
#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
struct Note {
    text: String,
    list: Vector<u64>,
}

#[test]
fn a_timeline_whose_head_is_damaged_is_read_from_the_newest_version_that_is_whole() {
    let folder = Folder::new();
    let text = |n: u64| format!("the text of the version number {n}, which is long enough");
    let state = |n: u64| Note { text: text(n), list: (0..n).collect() };
    let mut timeline = Timeline::open(&folder, || state(0)).unwrap();
    (1..10).for_each(|n| _ = timeline.commit("next", state(n)).unwrap());
    // We stand below the newest version.
    timeline.jump(-2).unwrap();
    drop(timeline);
    let (path, whole) = contents(folder.as_ref()).swap_remove(0);
    let damaged = |versions: &[u64]| {
        let mut bytes = whole.clone();
        for &n in versions {
            let text = text(n).into_bytes();
            let at = bytes.windows(text.len()).position(|some| some == text).unwrap();
            bytes[at] ^= 1
        }
        std::fs::write(&path, bytes).unwrap();
        let look = Timeline::<Note>::options().open_read_only(&folder);
        (look, Timeline::open(&folder, Note::default).map(|timeline| timeline.head().number()))
    };
    // Another version does not matter.
    let (look, open) = damaged(&[8, 9]);
    assert_eq!((look.unwrap().head().number(), open.unwrap()), (7, 7));
    // Where we stand: any other version can be looked at, and a new timeline begun.
    for (versions, newest) in [(&[7][..], 9), (&[7, 9], 8), (&[1, 2, 3, 4, 5, 6, 7, 8, 9], 0)] {
        let (look, open) = damaged(versions);
        let mut look = look.unwrap();
        assert_eq!((look.head().number(), look.state()), (newest, &state(newest)));
        assert!(!look.can_redo() && look.versions().count() == 10);
        for n in 0..10 {
            let read = look.at(VersionId::new(n)).map_err(|error| error.kind());
            assert_eq!(read, if versions.contains(&n) { Err(ErrorKind::Corrupt) } else { Ok(state(n)) })
        }
        assert_eq!(look.checkout(VersionId::new(7)).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!((look.head().number(), look.state()), (newest, &state(newest)));
        look.checkout(VersionId::FIRST).unwrap();
        let error = open.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        ["version 7", "offset", "read-only"]
            .iter()
            .for_each(|word| assert!(error.to_string().contains(word), "{error}"));
        let other = Folder::new();
        assert_eq!(Timeline::open(&other, || look.state().clone()).unwrap().state(), &state(0))
    }
    // Nothing is whole.
    let (look, open) = damaged(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let error = look.map(|_| ()).unwrap_err();
    assert!(error.kind() == ErrorKind::Corrupt && error.to_string().contains("offset"), "{error}");
    assert_eq!(open.unwrap_err().kind(), ErrorKind::Corrupt);
    // A copy is restored.
    std::fs::write(&path, &whole).unwrap();
    let timeline = Timeline::open(&folder, Note::default).unwrap();
    assert_eq!((timeline.head().number(), timeline.state()), (7, &state(7)))
}

#[test]
fn a_set_of_which_something_is_damaged_says_so() {
    let folder = Folder::new();
    let names: backstory::HashSet<String> = (0..2000).map(|i| format!("a name that is long enough {i}")).collect();
    drop(Timeline::open(&folder, || names.clone()).unwrap());
    let (path, mut bytes) = contents(folder.as_ref()).swap_remove(0);
    bytes[5000..60_000].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(path, bytes).unwrap();
    let timeline = Timeline::open(&folder, || names.clone()).unwrap();
    let mut set = timeline.state().clone();
    let (mut whole, mut damaged) = (0, 0);
    for name in &names {
        match set.try_contains(name) {
            Ok(is_there) => whole += is_there as u32,
            Err(error) => damaged += (error.kind() == ErrorKind::Corrupt) as u32,
        }
        let before = set.len();
        assert!(set.try_insert(name.clone()).is_ok_and(|old| old.as_ref() == Some(name)) || set.len() == before);
    }
    assert!(whole > 100 && damaged > 100 && whole + damaged == 2000, "{whole} {damaged}");
    let gone = names.iter().filter(|name| set.try_remove(*name).is_ok_and(|old| old.is_some())).count();
    assert_eq!(set.len(), 2000 - gone);
    assert_eq!(set.thaw_all().unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(set.try_for_each(|_| Ok::<_, backstory::Error>(())).is_err());
    assert_eq!(set.try_diff(&set.new_from(), |_| ()).unwrap_err().kind(), ErrorKind::Corrupt);
}
