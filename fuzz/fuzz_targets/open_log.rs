//! Damaged and forged logs.
//!
//! In: one of a few small logs, made at the start, with every kind of record; changes of its bytes; whether checksums are made right
//! again, so that only what is said is wrong; where it is opened: mostly in memory, where a write or a sync may fail, else in files, by
//! reads or by mappings; and whether it is moved to another log.
//! Out: nothing; a panic if anything of this does not hold.
//! Must hold: opening it, for reading and for writing, moving it, and every call that can fail, gives what is asked for or an error
//! of the kind `Corrupt`, `Incompatible`, `NotFound` or `Io`: no panic, no hang, no overflow of the stack, no memory out of proportion.
//! A log whose checksums were not made right gives each version as it was, or an error, and so does the log it is moved to.
//! What opens for writing takes an edit, or says that it cannot, and opens again. A log that cannot be moved leaves nothing.
//! Uses: `logs`.

#![no_main]

use arbitrary::Arbitrary;
use backstory::fuzzing::Folder;
use backstory::{Reader, Result, Timeline};
use backstory_fuzz::logs::bases::{Log, logs, options};
use backstory_fuzz::logs::damage::{Change, Files, is_forged, reseal};
use backstory_fuzz::logs::look::{look, look_beside, read};
use backstory_fuzz::logs::state::State;
use libfuzzer_sys::fuzz_target;
use std::path::{Path, PathBuf};

#[derive(Arbitrary, Debug)]
struct Input {
    /// Which log, and where it is opened.
    log: u8,
    is_resealed: bool,
    /// Which versions are read, besides the newest.
    looks: [u16; 2],
    changes: Vec<Change>,
}

/// Where a log is opened.
enum Site {
    Memory(Folder),
    Files(PathBuf),
    Mapped(PathBuf),
}

impl Site {
    fn open(&self) -> Result<Timeline<State>> {
        match self {
            Site::Memory(folder) => folder.open(options(), State::default),
            Site::Files(path) => options().open(path, State::default),
            // SAFETY: the folder is this process's own.
            Site::Mapped(path) => unsafe { options().open_mmap(path, State::default) },
        }
    }

    fn open_read_only(&self) -> Result<Timeline<State>> {
        match self {
            Site::Memory(folder) => folder.open_read_only(options()),
            Site::Files(path) | Site::Mapped(path) => options().open_read_only(path),
        }
    }

    fn fail_at(&self, operation: Option<u64>) {
        if let Site::Memory(folder) = self {
            folder.fail_at(operation)
        }
    }
}

/// One that is gone again.
fn path() -> PathBuf {
    std::env::temp_dir().join(format!("backstory-fuzz-{}", std::process::id()))
}

fn write(files: &Files) -> PathBuf {
    let path = path();
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).unwrap();
    let name = |first: u64| path.join(format!("{first:011x}.segment"));
    files.iter().for_each(|(first, bytes)| std::fs::write(name(*first), bytes).unwrap());
    path
}

fn is_taken(result: Result<()>) -> bool {
    read(result).is_some()
}

fn is_whole(state: &State) -> bool {
    state.walk().is_ok()
}

/// Opened for reading, and looked at.
fn read_only(site: &Site, made: Option<&[State]>, looks: [u16; 2]) {
    if let Some(timeline) = read(site.open_read_only()) {
        look(&timeline, made, looks)
    }
}

/// Opened for writing, changed, and opened again. What a reader has that was made meanwhile.
fn edit(site: &Site) -> Option<Reader<State>> {
    let mut timeline = read(site.open())?;
    let (head, reader) = (timeline.head(), timeline.reader());
    read(timeline.undo());
    read(timeline.redo());
    read(timeline.jump(-3));
    let is_edited = is_taken(timeline.try_edit("touch", |state| state.touch()).map(drop));
    let is_named = is_taken(timeline.tag("new", head)) && is_taken(timeline.branch("newer"));
    let (state, count) = (timeline.state().clone(), timeline.versions().count());
    drop(timeline);
    site.fail_at(None);
    let timeline = site.open();
    if is_edited && is_named && is_whole(&state) {
        let timeline = timeline.unwrap();
        assert_eq!((timeline.versions().count(), timeline.current_branch()), (count, Some("newer")));
        assert_eq!(timeline.state(), &state)
    } else {
        read(timeline);
    }
    Some(reader)
}

/// Both, one after the other, and then the reader that was made meanwhile.
fn check(site: &Site, made: Option<&[State]>, looks: [u16; 2]) {
    read_only(site, made, looks);
    if let Some(reader) = edit(site) {
        look_beside(&reader, looks)
    }
}

/// In a folder that is there meanwhile.
fn in_files(files: &Files, made: Option<&[State]>, looks: [u16; 2]) {
    let path = write(files);
    match looks[1] % 4 {
        0 => read_only(&Site::Files(path.clone()), made, looks),
        1 => _ = edit(&Site::Files(path.clone())),
        2 => _ = edit(&Site::Mapped(path.clone())),
        _ => {
            let site = Site::Mapped(path.clone());
            // Where nothing is a log is made.
            let is_there = site.open_read_only().is_ok();
            if let Some(timeline) = read(site.open()) {
                look(&timeline, made.filter(|_| is_there), looks)
            }
        }
    }
    std::fs::remove_dir_all(path).unwrap()
}

/// Moved to a new log, its states as they are or changed.
fn migrate(site: &Site, made: Option<&[State]>, looks: [u16; 2]) {
    let Some(old) = read(site.open_read_only()) else { return };
    let (path, is_touched) = (path().with_extension("moved"), looks[0].is_multiple_of(2));
    let touched = |mut state: State| {
        if is_touched {
            let _ = state.touch();
        }
        state
    };
    match read(options().migrate(&old, &path, touched)) {
        Some(new) => {
            assert_eq!((new.head(), new.current_branch()), (old.head(), old.current_branch()));
            assert_eq!(new.versions().count(), old.versions().count());
            if made.is_some() {
                assert_eq!(new.verify().unwrap().damages, [])
            }
            look(&new, made.filter(|_| !is_touched), looks);
            drop(new);
            std::fs::remove_dir_all(&path).unwrap()
        }
        None => assert!(!Path::exists(&path) && !path.with_extension("moved.unready").exists()),
    }
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

fn damaged(log: &Log, input: &Input) -> (Files, bool) {
    let mut files = log.files();
    input.changes.iter().take(12).for_each(|change| _ = change.apply(&mut files));
    let is_forged = input.is_resealed || is_forged(log, &files);
    if input.is_resealed {
        reseal(&mut files)
    }
    (files, is_forged)
}

/// How often each log is: those that take long seldom.
const LOGS: [usize; 16] = [0, 1, 2, 3, 5, 0, 1, 2, 3, 5, 0, 1, 2, 6, 4, 7];

/// Of a byte, the number of a log and of a way. The fuzzer makes some bytes more often than others, as 0, 1, 10, 128 and 255: by this
/// number those are none that take long.
fn spread(byte: u8) -> (usize, usize) {
    let spread = u32::from(byte).wrapping_mul(0x0881_701F) >> 24;
    (spread as usize & 15, spread as usize >> 4)
}

fuzz_target!(init: let_documented_panics_be(), |input: Input| {
    let (log, way) = spread(input.log);
    let log = &logs()[LOGS[log]];
    let (files, is_forged) = damaged(log, &input);
    let (made, looks) = ((!is_forged).then_some(&log.states[..]), input.looks);
    let memory = || Site::Memory(Folder::new(&files.iter().cloned().collect()));
    // Files take much of the time, and are read and written in few places. What can be done alone is: an input tells more then.
    match way {
        15 => in_files(&files, made, looks),
        14 => migrate(&memory(), made, looks),
        13 => check(&memory(), made, looks),
        11 | 12 => {
            let site = memory();
            site.fail_at(Some(u64::from(looks[1] % 40)));
            edit(&site);
        }
        _ if way % 2 == 0 => read_only(&memory(), made, looks),
        _ => _ = edit(&memory()),
    }
});
