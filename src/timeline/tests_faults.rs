//! Storage that fails: each write and each sync in turn, short writes, a full device. What was acknowledged is there, what was
//! not can be committed again, and work goes on.

use super::*;
use crate::log::simulated::{Faults, Simulated};
use crate::map::HashMap;
use crate::vector::Vector;
use std::sync::Arc;

type State = (HashMap<u64, String>, Vector<u64>);

const EDITS: u64 = 14;

fn edit((map, vector): &mut State, n: u64) {
    map.insert(n % 5, "some text ".repeat(n as usize * 17));
    vector.push_back(n);
    vector.insert(0, n * n);
}

fn states() -> Vec<State> {
    let mut states = vec![State::default()];
    (1..=EDITS).for_each(|n| {
        let mut state = states[n as usize - 1].clone();
        edit(&mut state, n);
        states.push(state)
    });
    states
}

fn open(storage: &Simulated) -> Result<Timeline<State>> {
    let options = Timeline::<State>::options().segment_bytes(8 << 10);
    options.open_in(Arc::new(storage.clone()), State::default)
}

/// A session that makes the versions which are not there yet, until something fails. `acknowledged` is the newest version whose
/// edit has returned.
fn session(storage: &Simulated, acknowledged: &mut Option<u64>) -> Result<()> {
    let mut timeline = open(storage)?;
    let newest = timeline.versions().count() as u64 - 1;
    timeline.checkout(VersionId::new(newest))?;
    *acknowledged = Some(newest);
    for n in newest + 1..=EDITS {
        let (head, state) = (timeline.head(), timeline.state().clone());
        if let Err(error) = timeline.edit("edit", |state| edit(state, n)) {
            // Nothing has changed, and nothing more is taken.
            for error in [error, timeline.edit("again", |state| edit(state, n)).unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::Io, "{error}")
            }
            assert_eq!((timeline.head(), timeline.versions().count() as u64), (head, n));
            assert!(timeline.state() == &state && timeline.at(head).unwrap() == state);
            return Err(timeline.flush().unwrap_err());
        }
        *acknowledged = Some(n);
        if n == 6 {
            for step in [Timeline::undo, Timeline::redo] {
                let (head, state) = (timeline.head(), timeline.state().clone());
                if let Err(error) = step(&mut timeline) {
                    assert!((timeline.head(), timeline.state()) == (head, &state), "T1, T2");
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

/// How often which end was met.
#[derive(Debug, Default)]
struct Ends {
    harmless: u64,
    not_opened: u64,
    kept: u64,
    lost: u64,
}

/// A session with faults, then the end of the process or a loss of power, then as many sessions as it takes.
fn survives(faults: Faults, loses_power: bool, ends: &mut Ends) {
    let storage = Simulated::new(7);
    storage.disk().faults = faults;
    let mut acknowledged = None;
    let result = session(&storage, &mut acknowledged);
    if let Err(error) = &result {
        assert_eq!(error.kind(), ErrorKind::Io, "{error}")
    }
    match loses_power {
        true => storage.lose_power(),
        false => storage.kill(),
    }
    let states = states();
    let timeline = open(&storage).unwrap();
    let newest = timeline.versions().count() as u64 - 1;
    assert!(acknowledged.is_none_or(|n| newest == n || newest == n + 1), "{newest}, {acknowledged:?} was acknowledged");
    match (&result, acknowledged) {
        (Ok(()), _) => ends.harmless += 1,
        (_, None) => ends.not_opened += 1,
        (_, Some(n)) if newest > n => ends.kept += 1,
        _ => ends.lost += 1,
    }
    for (n, state) in states[..=newest as usize].iter().enumerate() {
        assert_eq!(&timeline.at(VersionId::new(n as u64)).unwrap(), state, "version {n}")
    }
    drop(timeline);
    // What was not committed is committed again.
    session(&storage, &mut acknowledged).unwrap();
    let timeline = open(&storage).unwrap();
    assert_eq!((timeline.head().number(), timeline.versions().count() as u64), (EDITS, EDITS + 1));
    timeline
        .versions()
        .zip(&states)
        .for_each(|(version, state)| assert_eq!(&timeline.at(version.unwrap().id).unwrap(), state));
    assert_eq!(timeline.verify().unwrap().damages, [])
}

/// How many operations a session takes, and how long each is.
fn operations() -> Vec<u64> {
    let storage = Simulated::new(7);
    session(&storage, &mut None).unwrap();
    assert!(storage.files().len() > 1);
    storage.disk().lens.clone()
}

#[test]
fn whichever_write_or_sync_fails_it_can_be_committed_again() {
    let (lens, mut ends) = (operations(), Ends::default());
    for at in 0..lens.len() as u64 {
        for loses_power in [false, true] {
            survives(Faults { fail_at: Some(at), ..Faults::default() }, loses_power, &mut ends)
        }
    }
    println!("{} operations, each failing: {ends:?}", lens.len());
    assert!(ends.kept > 5 && ends.lost > 5 && ends.not_opened > 1)
}

#[test]
fn whichever_write_is_cut_short_it_can_be_committed_again() {
    let (lens, mut ends) = (operations(), Ends::default());
    for (at, &len) in lens.iter().enumerate() {
        for bytes in [0, 1, len / 3, len.saturating_sub(1), len] {
            for loses_power in [false, true] {
                survives(Faults { stop_at: Some((at as u64, bytes)), ..Faults::default() }, loses_power, &mut ends)
            }
        }
    }
    println!("{} operations, each cut short: {ends:?}", lens.len());
    assert!(ends.kept > 5 && ends.lost > 5 && ends.not_opened > 1)
}

#[test]
fn wherever_a_device_is_full_work_goes_on_when_there_is_room() {
    let mut ends = Ends::default();
    for room in (0..60_000).step_by(500) {
        survives(Faults { room_bytes: Some(room), ..Faults::default() }, room % 1000 == 0, &mut ends)
    }
    println!("full after each 500 bytes: {ends:?}");
    assert!(ends.lost > 10 && ends.not_opened > 1 && ends.harmless > 1)
}
