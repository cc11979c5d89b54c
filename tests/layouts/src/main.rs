//! Logs between builds whose rkyv lays values out otherwise: another crate of a program may turn such a feature on.
//!
//! In: `own PATH`, which writes a log and reads it again; `foreign PATH`, of a log that a build of another layout wrote.
//! Out: `foreign` is `Incompatible`, by every way to open it, and the log is left as it is; `own` is what was written.

use backstory::{ErrorKind, HashMap, Timeline, Vector};
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
struct State {
    named: HashMap<String, Vector<u64>>,
    list: Vector<String>,
    number: u64,
    pair: (u8, u32),
}

const VERSIONS: u64 = 40;

fn edit(state: &mut State, n: u64) {
    state.named.entry(format!("a name that is long enough {}", n % 7)).or_default().push_back(n << 33);
    state.list.push_back("text ".repeat(n as usize % 9));
    (state.number, state.pair) = (n << 40 | 0x0102_0304, (n as u8, 0x0102_0304))
}

fn state(n: u64) -> State {
    let mut state = State::default();
    (1..=n).for_each(|n| edit(&mut state, n));
    state
}

fn own(path: &Path) {
    let mut timeline = Timeline::<State>::options().check_roundtrip(true).open(path, State::default).expect("it opens");
    (1..=VERSIONS).for_each(|n| _ = timeline.edit("edit", |state| edit(state, n)).expect("it is written"));
    timeline.tag("last", timeline.head()).expect("it is written");
    drop(timeline);
    let timeline = Timeline::<State>::open(path, State::default).expect("it opens again");
    for version in timeline.versions() {
        let id = version.expect("it is read").id;
        assert_eq!(timeline.at(id).expect("it is read"), state(id.number()))
    }
    assert_eq!(timeline.versions().count() as u64, VERSIONS + 1);
    assert_eq!(timeline.verify().expect("it is read").damages, [])
}

fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = std::fs::read_dir(path).expect("it is there").map(|entry| entry.expect("it is there"));
    // The lock has the number of the process that had it last.
    let segments = all.filter(|entry| entry.path().extension().is_some_and(|end| end == "segment"));
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("it is read"))
    };
    segments.map(read).collect()
}

fn foreign(path: &Path) {
    let before = files(path);
    assert!(!before.is_empty());
    let options = Timeline::<State>::options;
    // SAFETY: nobody else has this folder.
    let mapped = || unsafe { options().open_mmap(path, State::default) };
    for opened in [options().open(path, State::default), options().open_read_only(path), mapped()] {
        let error = opened.map(drop).expect_err("another layout");
        assert_eq!(error.kind(), ErrorKind::Incompatible, "{error}");
        println!("{error}")
    }
    assert!(files(path) == before, "it is left as it is")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["own", path] => own(path.as_ref()),
        ["foreign", path] => foreign(path.as_ref()),
        _ => panic!("say: own PATH, or foreign PATH"),
    }
}
