//! Every call that can fail, on a log that may be damaged.
//!
//! In: timelines, views, readers; the states that were made, if it is to be those. Out: nothing; a panic if a call gives what it may not.
//! Must hold: what is asked for, or an error of the kind `Corrupt`, `Incompatible`, `NotFound` or `Io` that says something.
//! Uses: `state`.

use super::state::{ArchivedState, State};
use backstory::{Error, ErrorKind, Reader, Result, Timeline, VersionId, View, caught};
use std::time::{Duration, SystemTime};

fn is_clear(error: &Error) {
    use ErrorKind::*;
    assert!(matches!(error.kind(), Corrupt | Incompatible | NotFound | Io), "{error:?}");
    assert!(!error.to_string().is_empty())
}

/// What is read, if it is.
pub fn read<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(is_clear).ok()
}

/// All that a timeline has, by calls that can fail; the versions must be those that were made, if there are any to compare with.
pub fn look(timeline: &Timeline<State>, made: Option<&[State]>, looks: [u16; 2]) {
    let count = timeline.versions().map(read).count() as u64;
    timeline.log().for_each(|version| _ = read(version));
    read(timeline.branches());
    read(timeline.tags());
    read(timeline.heads());
    read(timeline.redo_choices());
    ["main", "side", "first", "last"].iter().for_each(|name| _ = read(timeline.named(name)));
    read(timeline.as_of(now()));
    read(timeline.verify());
    read(timeline.reader().sharing());
    let [one, other] = looks.map(|n| chosen(n, count));
    if let Some(version) = read(timeline.version(one)) {
        assert_eq!(version.id, one)
    }
    let state = read(timeline.at(one));
    let is_whole = state.as_ref().is_some_and(|state| read(state.walk()).is_some());
    if let (true, Some(state), Some(made)) = (is_whole, &state, made) {
        assert_eq!(Some(state), made.get(one.number() as usize))
    }
    if let Some(mut state) = state {
        read(state.touch());
        read(caught(|| state == state.clone()));
    }
    read(timeline.digest(other));
    walk(timeline.view(other));
    read(timeline.diff(one, other, |state| state.map.thaw_all().is_ok()));
}

/// A version, or the one behind the last. The newest for 0, which there are most of.
fn chosen(n: u16, count: u64) -> VersionId {
    VersionId::new((count - 1 + u64::from(n)) % (count + 1))
}

/// The same by a reader: it may have been made before what a writer did since.
pub fn look_beside(reader: &Reader<State>, looks: [u16; 2]) {
    let count = reader.versions().map(read).count() as u64;
    reader.log(VersionId::new(count - 1)).for_each(|version| _ = read(version));
    for id in looks.map(|n| chosen(n, count)) {
        read(reader.version(id));
        read(reader.at(id)).into_iter().for_each(|state| _ = read(state.walk()));
        read(reader.digest(id));
        read(reader.diff(VersionId::FIRST, id, |state| state.map.thaw_all().is_ok()));
        walk(reader.view(id))
    }
}

/// Of the first ones too, which were made in 1970.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 31)
}

fn walk(view: Result<View<ArchivedState>>) {
    let Some(view) = read(view) else { return };
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
