//! Damaged and forged logs.
//!
//! In: one of a few small logs, made at the start, with every kind of record; changes of its bytes: of any, of words and stamps of
//! its records, of whole records, of files; whether checksums are made right again, so that only what is said is wrong.
//! Must hold: opening it, for reading and for writing, and every call that can fail, gives what is asked for or an error of the kind
//! `Corrupt`, `Incompatible`, `NotFound` or `Io`: no panic, no hang, no overflow of the stack, no memory out of proportion. A log
//! whose checksums were not made right gives each version as it was, or an error. What opens for writing takes an edit,
//! or says that it cannot, and opens again.

#![no_main]

use arbitrary::Arbitrary;
use backstory::fuzzing::{self, Place};
use backstory::json::Json;
use backstory::shared_ptr::ArcTK;
use backstory::{
    Error, ErrorKind, GenericHashMap, HashMap, HashSet, PortableHasher, Result, Timeline, Vector, VersionId, caught,
};
use libfuzzer_sys::fuzz_target;
use rkyv::{Archive, Deserialize, Serialize};
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// All keys have one hash.
#[derive(Clone, Default)]
struct One;
struct Seven;

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

type Clash<V> = GenericHashMap<u64, V, One, ArcTK>;

#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
struct State {
    number: u64,
    text: String,
    map: HashMap<u64, u64>,
    names: HashMap<String, String>,
    nested: HashMap<u64, Vector<u64>>,
    books: HashMap<String, HashMap<u64, String>>,
    clash: Clash<u64>,
    nested_clash: Clash<Vector<u64>>,
    list: Vector<u64>,
    texts: Vector<String>,
    lists: Vector<Vector<u64>>,
    set: HashSet<String>,
    json: Json,
}

impl State {
    fn sized(n: u64) -> Self {
        let list = |n: u64| (0..n).map(|i| i * i).collect::<Vector<u64>>();
        let json: Json = (0..n % 40).map(|i| Json::from_iter([i as i64, 1])).collect();
        State {
            number: n,
            text: "text ".repeat(n as usize % 7),
            map: (0..n).map(|i| (i, i * i)).collect(),
            names: (0..n / 4).map(|i| (format!("name {i}"), "some text ".repeat(i as usize % 7))).collect(),
            nested: (0..n / 4).map(|i| (i, list(i % 3))).collect(),
            books: (0..n / 8)
                .map(|i| (format!("the title of book {i}"), (0..i % 3).map(|k| (k, k.to_string())).collect()))
                .collect(),
            clash: (0..n / 5).map(|i| (i, i)).collect(),
            nested_clash: (0..n / 5).map(|i| (i, list(i % 2))).collect(),
            list: list(n * 4),
            texts: (0..n / 3).map(|i| "x".repeat(i as usize % 9)).collect(),
            lists: (0..n / 3).map(|i| list(i % 2)).collect(),
            set: (0..n / 6).map(|i| i.to_string()).collect(),
            json,
        }
    }

    fn step(&mut self, n: u64) {
        match n % 12 {
            0 => _ = self.map.insert(n * 7919, n),
            1 => _ = self.names.insert(format!("name {}", n % 40), format!("a text that is longer than 32 bytes {n}")),
            2 => self.nested.entry(n % 20).or_default().push_back(n),
            3 => _ = self.books.entry("the title of book 7".into()).or_default().insert(n, n.to_string()),
            4 => _ = (self.clash.insert(n, n), self.nested_clash.remove(&(n % 40))),
            5 => self.list.push_front(n),
            6 => self.lists.push_back((0..n % 3).collect()),
            7 => _ = self.map.remove(&(n % 150)),
            8 => self.number = n,
            9 => _ = (self.list.len() > 60).then(|| self.list.remove(50)),
            10 => _ = self.set.insert(n.to_string()),
            _ => self.json = Json::from_iter([self.json.clone(), n.to_string().into()]),
        }
    }

    /// Reads all of it, by calls that can fail.
    fn walk(&self) -> Result<()> {
        self.map.try_get(&7)?;
        self.names.try_get("name 3")?;
        self.list.try_get(20)?;
        self.clash.try_get(&3)?;
        self.set.try_contains("1")?;
        self.map.thaw_all()?;
        self.names.thaw_all()?;
        self.nested.try_for_each(|_, list| list.thaw_all())?;
        self.books.try_for_each(|_, book| book.thaw_all())?;
        self.clash.thaw_all()?;
        self.nested_clash.try_for_each(|_, list| list.thaw_all())?;
        self.list.thaw_all()?;
        self.texts.thaw_all()?;
        self.lists.try_for_each(|list| list.thaw_all())?;
        self.set.thaw_all()?;
        caught(|| self.json.to_string()).map(drop)
    }

    /// Edits in all parts of it, by calls that can fail.
    fn touch(&mut self) -> Result<()> {
        self.map.try_insert(3, 3)?;
        self.map.try_remove(&4)?;
        self.names.try_insert("name 1".into(), "new".into())?;
        self.clash.try_remove(&2)?;
        self.list.try_push_back(1)?;
        self.list.try_push_front(1)?;
        if self.list.len() > 30 {
            self.list.try_set(20, 0)?;
            self.list.try_remove(25)?;
            self.list.try_insert(10, 0)?;
        }
        self.list.try_pop_back()?;
        self.list.try_pop_front()?;
        self.set.try_insert("new".into())?;
        self.number = !self.number;
        Ok(())
    }
}

struct Log {
    /// Names and contents of its segments.
    files: Vec<(String, Vec<u8>)>,
    states: Vec<State>,
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("backstory-fuzz-{}", std::process::id()))
}

fn made(size: u64, versions: u64, segment_bytes: Option<u64>, is_closed: bool) -> Log {
    let folder = folder();
    let _ = std::fs::remove_dir_all(&folder);
    let mut options = Timeline::options();
    if let Some(bytes) = segment_bytes {
        options = options.segment_bytes(bytes)
    }
    let mut timeline = options.open(&folder, || State::sized(size)).unwrap();
    let mut states = vec![timeline.state().clone()];
    timeline.branch("main").unwrap();
    for n in 1..versions {
        if n % 7 == 0 {
            timeline.undo().unwrap();
            timeline.undo().unwrap();
        }
        let made = timeline.edit(&format!("step {n}"), |state| state.step(n)).unwrap().version;
        if made.is_some() {
            states.push(timeline.state().clone())
        }
    }
    timeline.tag("first", VersionId::FIRST).unwrap();
    timeline.tag("other", timeline.head()).unwrap();
    timeline.rename("other", "last").unwrap();
    timeline.branch("side").unwrap();
    timeline.switch("main").unwrap();
    timeline.mark_saved().unwrap();
    timeline.undo().unwrap();
    assert_eq!(timeline.versions().count(), states.len());
    timeline.flush().unwrap();
    // Closing ends the log.
    let timeline = if is_closed { None } else { Some(timeline) };
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|end| end == "segment"));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let files = files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect();
    drop(timeline);
    std::fs::remove_dir_all(&folder).unwrap();
    // What is in memory, so that comparing reads no file that is gone.
    let states = states.into_iter().inspect(|state| state.walk().unwrap()).collect();
    Log { files, states }
}

fn logs() -> &'static [Log] {
    static LOGS: OnceLock<Vec<Log>> = OnceLock::new();
    LOGS.get_or_init(|| {
        vec![
            made(2, 4, None, true),
            made(0, 26, None, true),
            made(12, 14, None, true),
            made(40, 14, None, true),
            made(100, 5, None, true),
            made(20, 10, None, false),
            made(30, 26, Some(8 << 10), true),
            // So many versions that the index has nodes.
            made(1, 300, None, true),
        ]
    })
}

#[derive(Arbitrary, Debug)]
struct Input {
    log: u8,
    is_resealed: bool,
    /// Which versions are read, besides the newest.
    looks: [u16; 2],
    changes: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
enum Change {
    Flip {
        at: u32,
        bit: u8,
    },
    /// A byte of a record's body, counted from its beginning.
    Byte {
        record: u16,
        at: u16,
        value: u8,
    },
    Bytes {
        record: u16,
        at: u16,
        bytes: [u8; 4],
    },
    /// A byte of a stamp.
    Stamp {
        stamp: u16,
        at: u8,
        value: u8,
    },
    /// A word gets the address of another record; its spare bits may change.
    Link {
        record: u16,
        word: u8,
        to: u16,
        spare: Option<u32>,
    },
    /// A word's spare bits.
    Spare {
        record: u16,
        word: u8,
        spare: u32,
    },
    Word {
        record: u16,
        word: u8,
        value: u64,
    },
    Kind {
        record: u16,
        kind: u8,
    },
    /// A record's body becomes that of another, cut or filled up.
    Copy {
        from: u16,
        to: u16,
    },
    /// A record is two.
    Divide {
        record: u16,
        at: u8,
        kind: u8,
    },
    Zero {
        at: u32,
        len: u16,
    },
    Truncate {
        file: u8,
        at: u32,
    },
    Extend {
        file: u8,
        byte: u8,
        len: u16,
    },
    Remove {
        file: u8,
    },
    SwapFiles {
        a: u8,
        b: u8,
    },
    Superblock {
        file: u8,
        at: u8,
        value: u8,
    },
    Anchor {
        file: u8,
        slot: bool,
        stamp: u16,
        end: u16,
    },
}

type Files = Vec<(String, Vec<u8>)>;

/// A file and a record in it, of those that there were.
fn record(files: &Files, n: u16, is_wanted: impl Fn(&Place) -> bool) -> Option<(usize, Place)> {
    let all = files
        .iter()
        .enumerate()
        .flat_map(|(i, (_, bytes))| fuzzing::records(bytes).into_iter().map(move |place| (i, place)));
    let all: Vec<_> = all.filter(|(_, place)| is_wanted(place)).collect();
    (!all.is_empty()).then(|| all[(n as usize * all.len()) >> 16])
}

fn address(files: &Files, (file, place): (usize, Place)) -> u64 {
    fuzzing::address(&files[file].1, place.offset).unwrap_or(0)
}

fn is_stamp(place: &Place) -> bool {
    place.kind == 1
}

fn is_node(place: &Place) -> bool {
    place.kind != 1
}

impl Change {
    fn apply(&self, files: &mut Files) -> Option<()> {
        let file = |file: u8, files: &Files| (!files.is_empty()).then(|| file as usize % files.len());
        match *self {
            Change::Flip { at, bit } => {
                let (_, bytes) = files.get_mut(at as usize >> 28)?;
                let at = at as usize & ((1 << 28) - 1);
                *bytes.get_mut(at)? ^= 1 << (bit % 8)
            }
            Change::Byte { record: n, at, value } => {
                let (file, place) = record(files, n, is_node)?;
                files[file].1[place.offset..][8..place.len][at as usize % (place.len - 8).max(1)..]
                    .first_mut()
                    .map(|byte| *byte = value)?
            }
            Change::Bytes { record: n, at, bytes } => {
                let (file, place) = record(files, n, is_node)?;
                let body = &mut files[file].1[place.offset..][8..place.len];
                let at = at as usize % body.len().max(1);
                body.get_mut(at..at + 4)?.copy_from_slice(&bytes)
            }
            Change::Stamp { stamp, at, value } => {
                let (file, place) = record(files, stamp, is_stamp)?;
                let body = &mut files[file].1[place.offset..][8..place.len];
                let at = at as usize % body.len().max(1);
                *body.get_mut(at)? = value
            }
            Change::Link { record: n, word, to, spare } => {
                let to = address(files, record(files, to, |_| true)?);
                let (file, place) = record(files, n, is_node)?;
                change_word(&mut files[file].1, place, word, |old| {
                    to << 20 | spare.map_or(old, u64::from) & ((1 << 20) - 1)
                })?
            }
            Change::Spare { record: n, word, spare } => {
                let (file, place) = record(files, n, is_node)?;
                change_word(&mut files[file].1, place, word, |old| {
                    old >> 20 << 20 | u64::from(spare) & ((1 << 20) - 1)
                })?
            }
            Change::Word { record: n, word, value } => {
                let (file, place) = record(files, n, is_node)?;
                change_word(&mut files[file].1, place, word, |_| value)?
            }
            Change::Kind { record: n, kind } => {
                let (file, place) = record(files, n, |_| true)?;
                files[file].1[place.offset + 7] = kind
            }
            Change::Copy { from, to } => {
                let ((from, a), (to, b)) = (record(files, from, |_| true)?, record(files, to, |_| true)?);
                let mut body = files[from].1[a.offset..][8..a.len].to_vec();
                body.resize(b.len - 8, 0);
                files[to].1[b.offset..][8..b.len].copy_from_slice(&body);
                files[to].1[b.offset + 7] = a.kind
            }
            Change::Divide { record: n, at, kind } => {
                let (file, place) = record(files, n, is_node)?;
                let units = place.len / 8 - 1;
                let front = at as usize % units.max(1);
                let bytes = &mut files[file].1[place.offset..][..place.len];
                let behind = units.checked_sub(front + 1)?;
                bytes[4..7].copy_from_slice(&(front as u32).to_le_bytes()[..3]);
                bytes[8 + front * 8 + 4..][..3].copy_from_slice(&(behind as u32).to_le_bytes()[..3]);
                bytes[8 + front * 8 + 7] = kind
            }
            Change::Zero { at, len } => {
                let (_, bytes) = files.get_mut(at as usize >> 28)?;
                let at = (at as usize & ((1 << 28) - 1)).min(bytes.len());
                let end = (at + len as usize).min(bytes.len());
                bytes[at..end].fill(0)
            }
            Change::Truncate { file: n, at } => {
                let n = file(n, files)?;
                files[n].1.truncate(at as usize)
            }
            Change::Extend { file: n, byte, len } => {
                let n = file(n, files)?;
                let new = files[n].1.len() + len as usize;
                files[n].1.resize(new, byte)
            }
            Change::Remove { file: n } => {
                let n = file(n, files)?;
                files.remove(n);
            }
            Change::SwapFiles { a, b } => {
                let (a, b) = (file(a, files)?, file(b, files)?);
                let (name_a, name_b) = (files[a].0.clone(), files[b].0.clone());
                (files[a].0, files[b].0) = (name_b, name_a)
            }
            Change::Superblock { file: n, at, value } => {
                let n = file(n, files)?;
                // Behind the magic bytes and the version.
                *files[n].1.get_mut(12 + at as usize)? = value
            }
            Change::Anchor { file: n, slot, stamp, end } => {
                let (stamp, end) =
                    (address(files, record(files, stamp, is_stamp)?), address(files, record(files, end, |_| true)?));
                let n = file(n, files)?;
                let slot = files[n].1.get_mut(2048 + 1024 * usize::from(slot)..)?.get_mut(..24)?;
                slot[8..16].copy_from_slice(&stamp.to_le_bytes());
                slot[16..].copy_from_slice(&end.to_le_bytes())
            }
        }
        Some(())
    }
}

fn change_word(bytes: &mut [u8], place: Place, word: u8, f: impl FnOnce(u64) -> u64) -> Option<()> {
    let body = &mut bytes[place.offset..][8..place.len];
    let word = body.chunks_exact_mut(8).nth(word as usize % (place.len / 8 - 1).max(1))?;
    let new = f(u64::from_le_bytes((&*word).try_into().unwrap()));
    word.copy_from_slice(&new.to_le_bytes());
    Some(())
}

fn is_clear(error: &Error) {
    use ErrorKind::*;
    assert!(matches!(error.kind(), Corrupt | Incompatible | NotFound | Io), "{error:?}");
    assert!(!error.to_string().is_empty())
}

/// What is read, if it is.
fn read<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(is_clear).ok()
}

/// All that a timeline has, by calls that can fail; the versions must be those that were made, if there are any to compare with.
fn look(timeline: &Timeline<State>, made: Option<&[State]>, looks: &[u16]) {
    let count = timeline.versions().count() as u64;
    timeline.versions().for_each(|version| _ = read(version));
    timeline.log().for_each(|version| _ = read(version));
    read(timeline.branches());
    read(timeline.tags());
    read(timeline.heads());
    read(timeline.redo_choices());
    ["main", "side", "first", "last"].iter().for_each(|name| _ = read(timeline.named(name)));
    read(timeline.as_of(std::time::SystemTime::now()));
    read(timeline.verify());
    read(timeline.reader().sharing());
    for n in looks.iter().map(|&n| u64::from(n) % (count + 1)).chain([count - 1]) {
        let id = VersionId::new(n);
        if let Some(version) = read(timeline.version(id)) {
            assert_eq!(version.id, id)
        }
        let state = read(timeline.at(id));
        let is_whole = state.as_ref().is_some_and(|state| read(state.walk()).is_some());
        if let (true, Some(state), Some(made)) = (is_whole, &state, made) {
            assert_eq!(Some(state), made.get(n as usize))
        }
        if let Some(mut state) = state {
            read(state.touch());
            read(caught(|| state == state.clone()));
        }
        read(timeline.digest(id));
        view(timeline, id)
    }
    read(timeline.diff(VersionId::FIRST, VersionId::new(count.saturating_sub(1)), |state| state.walk().is_ok()));
}

fn view(timeline: &Timeline<State>, id: VersionId) {
    let Some(view) = read(timeline.view(id)) else { return };
    read(view.thaw::<State>());
    let map = view.map(|state| &state.map);
    read(map.get(&7));
    each(map.iter());
    let list = view.map(|state| &state.list);
    read(list.get(20));
    read(list.last());
    each(list.iter());
    each(view.map(|state| &state.clash).iter());
    each(view.map(|state| &state.set).iter());
    let names = view.map(|state| &state.names);
    read(names.get("name 1"));
    each(names.iter());
    for nested in read(view.map(|state| &state.nested).iter()).into_iter().flatten() {
        let Some((_, list)) = read(nested) else { break };
        each(list.iter())
    }
    for list in read(view.map(|state| &state.lists).iter()).into_iter().flatten() {
        let Some(list) = read(list) else { break };
        each(list.iter())
    }
}

fn each<T>(all: Result<impl Iterator<Item = Result<T>>>) {
    // It goes on behind what is damaged, so it must end.
    read(all).into_iter().flatten().take(1 << 20).for_each(|item| _ = read(item))
}

fn is_taken(result: Result<()>) -> bool {
    read(result).is_some()
}

fn check(folder: &Path, made: Option<&[State]>, looks: &[u16]) {
    if let Some(timeline) = read(Timeline::<State>::options().open_read_only(folder)) {
        look(&timeline, made, looks)
    }
    let open = || Timeline::<State>::options().check_roundtrip(false).open(folder, State::default);
    let Some(mut timeline) = read(open()) else { return };
    let head = timeline.head();
    read(timeline.undo());
    read(timeline.redo());
    read(timeline.jump(-3));
    let is_edited = is_taken(timeline.try_edit("touch", |state| state.touch()).map(drop));
    let is_named = is_taken(timeline.tag("new", head)) && is_taken(timeline.branch("newer"));
    let (state, count) = (timeline.state().clone(), timeline.versions().count());
    drop(timeline);
    let timeline = open();
    if is_edited && is_named && is_whole(&state) {
        let timeline = timeline.unwrap();
        assert_eq!((timeline.versions().count(), timeline.current_branch()), (count, Some("newer")));
        assert_eq!(timeline.state(), &state)
    } else {
        read(timeline);
    }
}

fn is_whole(state: &State) -> bool {
    state.walk().is_ok()
}

/// Whether a record that was changed is good all the same: then it is forged.
fn is_forged(log: &Log, files: &Files) -> bool {
    let mut again: Vec<Vec<u8>> = files.iter().map(|(_, bytes)| bytes.clone()).collect();
    fuzzing::reseal(&mut again);
    files.iter().zip(&again).any(|((_, bytes), again)| {
        fuzzing::records(bytes).into_iter().any(|place| {
            let record = &bytes[place.offset..][..place.len];
            let is_good = record == &again[place.offset..][..place.len];
            is_good
                && !log
                    .files
                    .iter()
                    .any(|(_, of_log)| of_log.get(place.offset..place.offset + place.len) == Some(record))
        })
    })
}

/// The documented panic of calls that cannot fail is an error where it is caught, as edits do: it is no finding by itself.
fn let_documented_panics_be() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let what = info.payload().downcast_ref::<String>();
        if !what.is_some_and(|what| what.starts_with("backstory: a stored node cannot be read")) {
            before(info)
        }
    }))
}

fuzz_target!(init: let_documented_panics_be(), |input: Input| {
    let logs = logs();
    let log = &logs[input.log as usize % logs.len()];
    let mut files = log.files.clone();
    input.changes.iter().take(12).for_each(|change| _ = change.apply(&mut files));
    let is_forged = input.is_resealed || is_forged(log, &files);
    if input.is_resealed {
        let mut segments: Vec<Vec<u8>> = files.iter().map(|(_, bytes)| bytes.clone()).collect();
        fuzzing::reseal(&mut segments);
        files.iter_mut().zip(segments).for_each(|((_, bytes), sealed)| *bytes = sealed)
    }
    let folder = folder();
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    files.iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).unwrap());
    check(&folder, (!is_forged).then_some(&log.states), &input.looks);
    std::fs::remove_dir_all(&folder).unwrap()
});
