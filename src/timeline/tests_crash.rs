//! Crashes in the middle of a timeline's work: what was acknowledged is there, whole, and work goes on.

use super::*;
use crate::log::simulated::{Dice, Faults, Simulated};
use crate::map::HashMap;
use crate::vector::Vector;
use std::sync::Arc;

type State = (HashMap<u64, String>, Vector<u64>);

/// States that were committed, and the one that may or may not have been when the machine stopped.
struct Machine {
    storage: Simulated,
    dice: Dice,
    states: Vec<State>,
    pending: Option<State>,
    crashes: u64,
    kept: u64,
    lost: u64,
}

impl Machine {
    fn open(&self) -> Result<Timeline<State>> {
        let options = Timeline::<State>::options().segment_bytes(16 << 10);
        options.open_in(Arc::new(self.storage.clone()), State::default())
    }

    /// Every version that was acknowledged is there; the one that was on its way is there whole or not at all.
    fn check(&mut self, timeline: &Timeline<State>) {
        let count = timeline.versions().count();
        if let Some(pending) = self.pending.take() {
            match count > self.states.len() {
                true => {
                    self.kept += 1;
                    self.states.push(pending)
                }
                false => self.lost += 1,
            }
        }
        assert_eq!(count, self.states.len());
        let all = self.crashes.is_multiple_of(10);
        for (n, state) in self.states.iter().enumerate().rev().take(if all { count } else { 5 }) {
            assert_eq!(&timeline.at(VersionId::new(n as u64)).unwrap(), state, "version {n}")
        }
        assert_eq!(timeline.state(), &self.states[timeline.head().number() as usize]);
        if all {
            assert_eq!(timeline.verify().unwrap().damages, [])
        }
    }

    /// A random step.
    fn step(&mut self, timeline: &mut Timeline<State>) -> Result<()> {
        let (n, x) = (self.dice.below(30), self.dice.below(60));
        match self.dice.below(10) {
            0 => timeline.undo().map(|_| ()),
            1 => timeline.redo().map(|_| ()),
            2 => timeline.checkout(VersionId::new(self.dice.below(self.states.len() as u64))),
            kind => {
                let mut state = timeline.state().clone();
                match kind {
                    3..7 => _ = state.0.insert(n, "text".repeat(x as usize)),
                    7 => _ = state.0.remove(&n),
                    8 => (0..n).for_each(|i| state.1.push_back(i)),
                    _ => state.1.truncate(n as usize),
                }
                self.pending = (&state != timeline.state()).then(|| state.clone());
                timeline.commit("step", state)?;
                self.states.extend(self.pending.take());
                Ok(())
            }
        }
    }

    fn round(&mut self) {
        let at = self.storage.disk().operations + self.dice.below(40);
        let stops = Faults { stop_at: Some((at, self.dice.below(600))), ..Faults::default() };
        let fails = Faults { fail_at: Some(at), ..Faults::default() };
        self.storage.disk().faults = if self.dice.one_in(3) { fails } else { stops };
        if let Ok(mut timeline) = self.open() {
            while self.step(&mut timeline).is_ok() && !self.dice.one_in(40) {}
            // The timeline may close the log, or not get so far.
        }
        match self.dice.one_in(2) {
            true => self.storage.lose_power(),
            false => self.storage.kill(),
        }
        self.crashes += 1;
        let timeline = self.open().unwrap();
        self.check(&timeline)
    }
}

#[test]
fn after_any_crash_all_acknowledged_versions_are_there() {
    let rounds: u64 = std::env::var("BACKSTORY_LONG").ok().and_then(|n| n.parse().ok()).unwrap_or(1) * 2000;
    let (mut crashes, mut kept, mut lost) = (0, 0, 0);
    for seed in 0..10 {
        let storage = Simulated::new(seed);
        let (dice, states) = (Dice(seed), vec![State::default()]);
        let mut machine = Machine { storage, dice, states, pending: None, crashes: 0, kept: 0, lost: 0 };
        drop(machine.open().unwrap());
        (0..rounds / 10).for_each(|_| machine.round());
        (crashes, kept, lost) = (crashes + machine.crashes, kept + machine.kept, lost + machine.lost)
    }
    println!("{crashes} crashes: the version on its way was there after {kept}, and not after {lost}");
    assert!(crashes == rounds && kept > 20 && lost > 20)
}
