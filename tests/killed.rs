//! A process that is killed in the middle of commits: the next one finds every version that was acknowledged.
//!
//! In: this very test, started again as a child that commits and says so. Out: what is there after a SIGKILL.

#![cfg(feature = "timeline")]

use backstory::{HashMap, Timeline, Vector, VersionId};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

type State = (HashMap<u64, String>, Vector<u64>);

const CHILD: &str = "BACKSTORY_TEST_KILLED";

/// Version `n` from the one before.
fn edit(state: &mut State, n: u64) {
    state.0.insert(n % 50, format!("{n}").repeat(n as usize % 20));
    state.1.push_back(n);
    if n.is_multiple_of(7) {
        state.1.pop_front();
    }
}

fn state_of(n: u64) -> State {
    let mut state = State::default();
    (1..=n).for_each(|n| edit(&mut state, n));
    state
}

/// Commits one version after the other, and says of each that it is there. Never ends.
fn work(path: &Path) {
    let mut timeline = Timeline::<State>::options().segment_bytes(1 << 20).open(path, State::default).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        let n = timeline.head().number() + 1;
        if n.is_multiple_of(10) {
            timeline.undo().unwrap();
            timeline.redo().unwrap();
        }
        timeline.edit("edit", |state| edit(state, n)).unwrap();
        writeln!(out, "version {n}").unwrap();
        out.flush().unwrap()
    }
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_process_that_is_killed_loses_no_acknowledged_version() {
    if let Some(path) = std::env::var_os(CHILD) {
        return work(Path::new(&path));
    }
    let folder = Folder(std::env::temp_dir().join(format!("backstory-killed-{}", std::process::id())));
    let name = "a_process_that_is_killed_loses_no_acknowledged_version";
    let mut last = 0;
    for round in 0..200u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(CHILD, &folder.0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Some versions, and then a moment, each time another.
        let some = |line: &String| line.starts_with("version");
        let first = lines.by_ref().map_while(Result::ok).filter(some).nth(round as usize % 7);
        assert!(first.is_some(), "the child works");
        std::thread::sleep(Duration::from_micros(round * 7919 % 5000));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = lines.map_while(Result::ok).filter(some).last().or(first).unwrap();
        let said: u64 = said.rsplit(' ').next().unwrap().parse().unwrap();

        let mut timeline = Timeline::open(&folder.0, State::default).unwrap();
        let newest = timeline.versions().count() as u64 - 1;
        assert!(said > last && (said..=said + 1).contains(&newest), "round {round}: {said} said, {newest} there");
        // It may have been killed between undo and redo.
        let head = timeline.head().number();
        assert!(head == newest || head + 1 == newest);
        assert_eq!(timeline.state(), &state_of(head));
        let some = [said, said - 1, said / 2, said / 3];
        some.into_iter().for_each(|n| assert_eq!(timeline.at(VersionId::new(n)).unwrap(), state_of(n), "version {n}"));
        assert_eq!(timeline.verify().unwrap().damages, []);
        timeline.checkout(VersionId::new(newest)).unwrap();
        assert_eq!(timeline.undo().unwrap(), Some(VersionId::new(newest - 1)));
        timeline.redo().unwrap();
        last = newest
    }
}
