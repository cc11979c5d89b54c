//! Crashes in the middle of a timeline's work: what was acknowledged is there, whole, and work goes on.

use super::*;
use crate::log::simulated::{Dice, Faults, Simulated};
use crate::map::HashMap;
use crate::vector::Vector;
use std::collections::BTreeMap;
use std::sync::Arc;

type State = (HashMap<u64, String>, Vector<u64>);

/// Whether it is a branch, and where it leads.
type Names = BTreeMap<String, (bool, u64)>;

fn names_of(timeline: &Timeline<State>) -> Names {
    let all = |list: Vec<(String, VersionId)>, is_branch| {
        list.into_iter().map(move |(name, id)| (name, (is_branch, id.number())))
    };
    all(timeline.branches().unwrap(), true).chain(all(timeline.tags().unwrap(), false)).collect()
}

/// States that were committed, and the one that may or may not have been when the machine stopped.
struct Machine {
    storage: Simulated,
    dice: Dice,
    states: Vec<State>,
    pending: Option<State>,
    /// Branches and tags that were acknowledged, and as they are if the last call was not in vain.
    names: Names,
    new_names: Option<Names>,
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
        let names = names_of(timeline);
        if Some(&names) != self.new_names.as_ref() {
            assert_eq!(names, self.names)
        }
        (self.names, self.new_names) = (names, None);
        assert!(timeline.current_branch().is_none_or(|on| self.names[on].0));
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
        match self.dice.below(12) {
            10 => self.name(timeline, n),
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
                if let (Some(on), true) = (timeline.current_branch(), self.pending.is_some()) {
                    let moved = [(on.to_owned(), (true, self.states.len() as u64))];
                    self.new_names = Some(self.names.clone().into_iter().chain(moved).collect())
                }
                timeline.commit("step", state)?;
                self.states.extend(self.pending.take());
                self.names = self.new_names.take().unwrap_or_else(|| self.names.clone());
                Ok(())
            }
        }
    }

    /// Changes a name.
    fn name(&mut self, timeline: &mut Timeline<State>, n: u64) -> Result<()> {
        let (name, other) = (format!("n{}", n % 6), format!("n{}", self.dice.below(6)));
        let head = timeline.head().number();
        let mut names = self.names.clone();
        let known = names.get(&name).copied();
        match (self.dice.below(5), known) {
            (0, None) => _ = names.insert(name.clone(), (true, head)),
            (1, None) => _ = names.insert(name.clone(), (false, head)),
            (2, Some(named)) if !names.contains_key(&other) => {
                names.remove(&name);
                names.insert(other.clone(), named);
            }
            (3, Some(_)) => _ = names.remove(&name),
            (4, Some((true, _))) => {}
            _ => return Ok(()),
        }
        let is_switch = names == self.names;
        self.new_names = Some(names);
        match (known, self.new_names.as_ref().and_then(|names| names.get(&name))) {
            (None, Some((true, _))) => timeline.branch(&name)?,
            (None, _) => timeline.tag(&name, timeline.head())?,
            (Some(_), Some(_)) if is_switch => timeline.switch(&name)?,
            (Some(_), None) if self.new_names.as_ref().is_some_and(|new| new.len() < self.names.len()) => {
                timeline.delete(&name)?
            }
            _ => timeline.rename(&name, &other)?,
        }
        self.names = self.new_names.take().unwrap_or_default();
        assert_eq!(names_of(timeline), self.names);
        Ok(())
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
        let (names, new_names) = (Names::new(), None);
        let mut machine =
            Machine { storage, dice, states, pending: None, names, new_names, crashes: 0, kept: 0, lost: 0 };
        drop(machine.open().unwrap());
        (0..rounds / 10).for_each(|_| machine.round());
        (crashes, kept, lost) = (crashes + machine.crashes, kept + machine.kept, lost + machine.lost)
    }
    println!("{crashes} crashes: the version on its way was there after {kept}, and not after {lost}");
    assert!(crashes == rounds && kept > 20 && lost > 20)
}
