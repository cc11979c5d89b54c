//! Crashes in the middle of a timeline's work: what was acknowledged is there, whole, and work goes on. Edits, moves,
//! names, groups, gestures and edits that join each other, against lists and tables.

use super::*;
use crate::log::simulated::{Dice, Faults, Simulated};
use crate::map::HashMap;
use crate::vector::Vector;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

type State = (HashMap<u64, String>, Vector<u64>);

/// Whether it is a branch, and where it leads.
type Names = BTreeMap<String, (bool, u64)>;

/// A version as it was committed.
struct Known {
    state: State,
    parent: u64,
    joins: u64,
    time_us: u64,
    label: String,
    author: Option<String>,
}

/// What a log says beside its versions.
#[derive(Clone, PartialEq, Debug)]
struct Marks {
    names: Names,
    on: Option<String>,
    saved: Option<u64>,
    head: u64,
    tip: u64,
}

impl Marks {
    fn of(timeline: &Timeline<State>) -> Self {
        let all = |list: Vec<(String, VersionId)>, is_branch| {
            list.into_iter().map(move |(name, id)| (name, (is_branch, id.number())))
        };
        let (branches, tags) = (timeline.branches().unwrap(), timeline.tags().unwrap());
        Marks {
            names: all(branches, true).chain(all(tags, false)).collect(),
            on: timeline.current_branch().map(str::to_owned),
            saved: timeline.names.saved,
            head: timeline.head().number(),
            tip: timeline.tip,
        }
    }

    fn is_dirty(&self) -> bool {
        self.head != self.saved.unwrap_or(0)
    }
}

/// What a call makes, if it does.
struct Pending {
    what: &'static str,
    version: Option<Known>,
    marks: Marks,
    /// When the group began that the next edit may join, and when the last edit of it was made, by the clock.
    run: Option<(u64, u64)>,
}

/// A gesture that is open, what it has made so far, and whether it was changed at all.
struct Drag {
    gesture: Gesture,
    state: State,
    is_changed: bool,
}

struct Machine {
    storage: Simulated,
    dice: Dice,
    clock: Arc<AtomicU64>,
    versions: Vec<Known>,
    /// What was acknowledged since something was synced last: what is found after a crash is one of these. The last one
    /// is how it stands.
    marks: Vec<Marks>,
    pending: Option<Pending>,
    /// These go with the process.
    author: Option<String>,
    grouping: Option<(u64, u64)>,
    run: Option<(u64, u64)>,
    drag: Option<Drag>,
    counts: BTreeMap<String, u64>,
}

/// Changes a state somehow.
fn change(dice: &mut Dice, state: &mut State) {
    let (n, x) = (dice.below(30), dice.below(60));
    match dice.below(7) {
        0..4 => _ = state.0.insert(n, "text".repeat(x as usize)),
        4 => _ = state.0.remove(&n),
        5 => (0..n).for_each(|i| state.1.push_back(i)),
        _ => state.1.truncate(n as usize),
    }
}

/// What a call says that is meant to fail.
fn wanted() -> Error {
    Error::new(ErrorKind::Incompatible, "wanted")
}

/// Changes what a group has made so far, by edits, commits, and groups in it; some of these fail or panic, and at last
/// it may fail or panic itself.
fn inside(dice: &mut Dice, timeline: &mut Timeline<State>, expected: &mut State, depth: u64) -> Result<()> {
    for _ in 0..dice.below(4) {
        let mut state = expected.clone();
        match dice.below(7) {
            0 if depth < 3 => {
                let mut call = || timeline.group("inner", |timeline| inside(dice, timeline, &mut state, depth + 1));
                match catch_unwind(AssertUnwindSafe(&mut call)) {
                    Ok(Ok(edit)) => {
                        assert_eq!(edit.version, None);
                        *expected = state
                    }
                    Ok(Err(error)) => assert_eq!(error.kind(), ErrorKind::Incompatible),
                    Err(panic) => assert!(panic.is::<()>()),
                }
            }
            1 => {
                let fails = timeline.try_edit("fails", |state| {
                    change(dice, state);
                    Err::<(), _>(wanted())
                });
                assert_eq!(fails.unwrap_err().kind(), ErrorKind::Incompatible)
            }
            2 => {
                assert_eq!(timeline.undo().unwrap_err().kind(), ErrorKind::Conflict);
                assert_eq!(timeline.mark_saved().unwrap_err().kind(), ErrorKind::Conflict)
            }
            3 => {
                change(dice, &mut state);
                *expected = state.clone();
                assert_eq!(timeline.commit("commit", state).unwrap(), None)
            }
            _ => {
                change(dice, expected);
                assert_eq!(timeline.edit("edit", |state| *state = expected.clone()).unwrap().version, None)
            }
        }
        assert_eq!(timeline.state(), expected)
    }
    match dice.below(10) {
        0 => resume_unwind(Box::new(())),
        1 | 2 => Err(wanted()),
        _ => Ok(()),
    }
}

impl Machine {
    fn new(seed: u64) -> Self {
        let (storage, clock) = (Simulated::new(seed), Arc::new(AtomicU64::new(1_000_000)));
        let (state, label, author) = (State::default(), String::new(), None);
        let first = Known { state, parent: 0, joins: 0, time_us: 1_000_000, label, author };
        let marks = Marks { names: Names::new(), on: None, saved: None, head: 0, tip: 0 };
        let (versions, marks, counts) = (vec![first], vec![marks], BTreeMap::new());
        let (pending, author, grouping, run, drag) = (None, None, None, None, None);
        Machine { storage, dice: Dice(seed), clock, versions, marks, pending, author, grouping, run, drag, counts }
    }

    fn open(&mut self) -> Result<Timeline<State>> {
        (self.author, self.grouping, self.run, self.drag) = (None, None, None, None);
        let clock = self.clock.clone();
        let now = move || SystemTime::UNIX_EPOCH + Duration::from_micros(clock.load(Ordering::Relaxed));
        let options = Timeline::<State>::options().segment_bytes(16 << 10).clock(now);
        options.open_in(Arc::new(self.storage.clone()), State::default)
    }

    /// Not looked at in an assertion: one that fails would leave the disk locked.
    fn operations(&self) -> u64 {
        self.storage.disk().operations
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1
    }

    fn marks(&self) -> &Marks {
        &self.marks[self.marks.len() - 1]
    }

    fn head(&self) -> &Known {
        &self.versions[self.marks().head as usize]
    }

    /// A version and its ancestors.
    fn line(&self, id: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(id), |&id| (id > 0).then(|| self.versions[id as usize].parent))
    }

    fn stop_before(&self, id: u64) -> Option<u64> {
        self.line(id).nth(self.versions[id as usize].joins as usize + 1)
    }

    fn stop_after(&self, id: u64, tip: u64) -> Option<u64> {
        let mut line: Vec<u64> = self.line(tip).take_while(|&of| of != id).collect();
        line.reverse();
        let is_last = |(_, next): &(u64, Option<u64>)| next.is_none_or(|id| self.versions[id as usize].joins == 0);
        let nexts = line.iter().skip(1).map(|&id| Some(id)).chain([None]);
        line.iter().copied().zip(nexts).find(is_last).map(|(id, _)| id)
    }

    /// A move to another version is on its way.
    fn plan_move(&mut self, head: u64, tip: u64) {
        let mut marks = self.marks().clone();
        if (marks.head, marks.tip) == (head, tip) {
            return;
        }
        (marks.head, marks.tip) = (head, tip);
        marks.on = marks.on.filter(|on| self.line(marks.names[on].1).any(|id| id == head));
        self.plan("move", None, marks)
    }

    fn plan(&mut self, what: &'static str, version: Option<Known>, marks: Marks) {
        self.pending = Some(Pending { what, version, marks, run: None })
    }

    /// A version is on its way, made from the head.
    fn plan_version(&mut self, what: &'static str, label: &str, state: State) {
        let id = self.versions.len() as u64;
        let mut marks = self.marks().clone();
        let time_us = self.clock.load(Ordering::Relaxed).max(self.versions[id as usize - 1].time_us);
        (marks.head, marks.tip) = (id, id);
        if let Some(on) = &marks.on {
            marks.names.insert(on.clone(), (true, id));
        }
        let (label, author) = (label.to_owned(), self.author.clone());
        self.plan(what, Some(Known { state, parent: self.marks().head, joins: 0, time_us, label, author }), marks)
    }

    /// The same of a change, which is no version if it changes nothing, and may join the edit before it.
    fn plan_change(&mut self, what: &'static str, label: &str, state: State) {
        if state == self.head().state {
            return;
        }
        self.plan_version(what, label, state);
        let Some((idle, most)) = self.grouping else { return };
        let Some(Pending { what, version: Some(mut version), marks, .. }) = self.pending.take() else { return };
        let (head, now) = (self.head(), self.clock.load(Ordering::Relaxed));
        let joined = self.run.filter(|&(first, last)| {
            let is_same = (&head.label, &head.author) == (&version.label, &version.author);
            let is_within = |from, most| (from..=from + most).contains(&now);
            is_same && !label.is_empty() && is_within(last, idle) && is_within(first, most)
        });
        version.joins = joined.map_or(0, |_| head.joins + 1);
        let (what, run) =
            (if joined.is_some() { "joined" } else { what }, Some((joined.map_or(now, |(first, _)| first), now)));
        self.pending = Some(Pending { what, version: Some(version), marks, run })
    }

    /// The same of a group or a gesture, which is undone by itself.
    fn plan_alone(&mut self, what: &'static str, label: &str, state: State) {
        self.run = None;
        if state != self.head().state {
            self.plan_version(what, label, state)
        }
    }

    /// What was on its way is acknowledged, if something was.
    fn done(&mut self) {
        let Some(Pending { what, version, marks, run }) = self.pending.take() else { return };
        let last = self.marks();
        let is_move =
            version.is_none() && (&marks.names, &marks.on, marks.saved) == (&last.names, &last.on, last.saved);
        if !is_move {
            self.marks.clear()
        }
        self.run = run;
        self.versions.extend(version);
        self.marks.push(marks);
        self.count(what)
    }

    /// A random step.
    fn step(&mut self, timeline: &mut Timeline<State>) -> Result<()> {
        // Some go back.
        match self.dice.one_in(20) {
            true => _ = self.clock.fetch_sub(self.dice.below(500), Ordering::Relaxed),
            false => _ = self.clock.fetch_add(self.dice.below(100), Ordering::Relaxed),
        }
        let result = match self.drag.take() {
            Some(drag) => self.drag(timeline, drag),
            None => self.call(timeline),
        };
        if result.is_ok() {
            self.done()
        }
        // A call that fails has changed nothing.
        self.same(timeline);
        result
    }

    fn call(&mut self, timeline: &mut Timeline<State>) -> Result<()> {
        let (count, &Marks { head, tip, .. }) = (self.versions.len() as u64, self.marks());
        match self.dice.below(20) {
            0 => self.undo(timeline),
            1 => self.redo(timeline),
            2 => {
                let to = self.dice.below(count);
                let tip = if self.line(tip).any(|id| id == to) { tip } else { to };
                self.plan_move(to, tip);
                timeline.checkout(VersionId::new(to))
            }
            3 => {
                let from = self.dice.below(count);
                self.plan_version("restore", &format!("restore {from}"), self.versions[from as usize].state.clone());
                timeline.restore(VersionId::new(from)).map(|_| ())
            }
            4 | 5 => self.name(timeline),
            6 => {
                let marks = Marks { saved: Some(head), ..self.marks().clone() };
                if marks != *self.marks() {
                    self.plan("saved", None, marks)
                }
                timeline.mark_saved()
            }
            7 => {
                self.settings(timeline);
                Ok(())
            }
            8 | 9 => self.group(timeline),
            10 | 11 => {
                let (gesture, state) = (timeline.begin("type")?, self.head().state.clone());
                self.drag = Some(Drag { gesture, state, is_changed: false });
                Ok(())
            }
            kind => {
                let (label, mut state) =
                    (["type", "", "step"][self.dice.below(6) as usize / 4], self.head().state.clone());
                change(&mut self.dice, &mut state);
                self.plan_change("edit", label, state.clone());
                match kind {
                    12 => timeline.commit(label, state).map(|_| ()),
                    _ => timeline.edit(label, |shown| *shown = state).map(|_| ()),
                }
            }
        }
    }

    fn undo(&mut self, timeline: &mut Timeline<State>) -> Result<()> {
        let to = self.stop_before(self.marks().head);
        assert_eq!(timeline.can_undo(), to.is_some());
        self.plan_move(to.unwrap_or(0), self.marks().tip);
        assert_eq!(timeline.undo()?.map(VersionId::number), to);
        Ok(())
    }

    fn redo(&mut self, timeline: &mut Timeline<State>) -> Result<()> {
        let &Marks { head, tip, .. } = self.marks();
        let to = self.stop_after(head, tip);
        assert_eq!(timeline.can_redo(), to.is_some());
        self.plan_move(to.unwrap_or(head), tip);
        assert_eq!(timeline.redo()?.map(VersionId::number), to);
        Ok(())
    }

    /// What is not in the log, and goes with the process.
    fn settings(&mut self, timeline: &mut Timeline<State>) {
        match self.dice.below(4) {
            0 | 1 => {
                let author = ["ann", "ben"][self.dice.below(2) as usize];
                self.author = (!self.dice.one_in(3)).then(|| author.to_owned());
                timeline.set_author(self.author.as_deref())
            }
            2 => {
                timeline.break_group();
                self.run = None
            }
            _ => self.set_grouping(timeline),
        }
    }

    fn set_grouping(&mut self, timeline: &mut Timeline<State>) {
        let us = Duration::from_micros;
        self.grouping = (!self.dice.one_in(4)).then(|| (self.dice.below(200), self.dice.below(1000)));
        timeline.set_grouping(self.grouping.map(|(idle, most)| Grouping::idle(us(idle)).max_open(us(most))));
        self.run = None
    }

    fn group(&mut self, timeline: &mut Timeline<State>) -> Result<()> {
        let before = self.operations();
        let call = || {
            timeline.group("type", |timeline| {
                let mut state = self.head().state.clone();
                inside(&mut self.dice, timeline, &mut state, 0)?;
                self.plan_alone("group", "type", state);
                Ok::<_, Error>(())
            })
        };
        let result = catch_unwind(AssertUnwindSafe(call));
        if self.pending.is_none() {
            assert_eq!(self.operations(), before)
        }
        let planned = self.pending.as_ref().map(|_| self.versions.len() as u64);
        match result {
            Ok(Ok(edit)) => {
                assert_eq!(edit.version.map(VersionId::number), planned);
                Ok(())
            }
            Ok(Err(error)) if error.kind() == ErrorKind::Incompatible => {
                self.count("group that failed");
                assert_eq!(planned, None);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(panic) => {
                self.count("group that panicked");
                assert!(planned.is_none() && panic.is::<()>());
                Ok(())
            }
        }
    }

    /// One step of a gesture that is open.
    fn drag(&mut self, timeline: &mut Timeline<State>, mut drag: Drag) -> Result<()> {
        match self.dice.below(8) {
            0 | 1 => {
                self.plan_alone("gesture", "type", drag.state);
                let planned = self.pending.as_ref().map(|_| self.versions.len() as u64);
                assert_eq!(timeline.finish(drag.gesture)?.map(VersionId::number), planned);
                return Ok(());
            }
            2 => {
                self.count("gesture that was dropped");
                return Ok(());
            }
            3 => {
                let before = self.operations();
                assert_eq!(timeline.edit("", |_| ()).unwrap_err().kind(), ErrorKind::Conflict);
                assert_eq!(timeline.mark_saved().unwrap_err().kind(), ErrorKind::Conflict);
                let panics = || timeline.update(&drag.gesture, |_| resume_unwind(Box::new(())));
                assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
                assert_eq!(self.operations(), before)
            }
            _ => {
                let before = drag.state.clone();
                change(&mut self.dice, &mut drag.state);
                timeline.update(&drag.gesture, |state| *state = drag.state.clone())?;
                drag.is_changed |= drag.state != before
            }
        }
        self.drag = Some(drag);
        Ok(())
    }

    /// Changes a name.
    fn name(&mut self, timeline: &mut Timeline<State>) -> Result<()> {
        let (name, other) = (format!("n{}", self.dice.below(6)), format!("n{}", self.dice.below(6)));
        let mut marks = self.marks().clone();
        let (id, known) = (timeline.head(), marks.names.get(&name).copied());
        match (self.dice.below(5), known) {
            (0, None) => {
                marks.names.insert(name.clone(), (true, id.number()));
                marks.on = Some(name.clone());
                self.plan("name", None, marks);
                timeline.branch(&name)
            }
            (1, None) => {
                marks.names.insert(name.clone(), (false, id.number()));
                self.plan("name", None, marks);
                timeline.tag(&name, id)
            }
            (2, Some(named)) if !marks.names.contains_key(&other) => {
                marks.names.remove(&name);
                marks.names.insert(other.clone(), named);
                marks.on = marks.on.map(|on| if on == name { other.clone() } else { on });
                self.plan("name", None, marks);
                timeline.rename(&name, &other)
            }
            (3, Some(_)) => {
                marks.names.remove(&name);
                marks.on = marks.on.filter(|on| *on != name);
                self.plan("name", None, marks);
                timeline.delete(&name)
            }
            (4, Some((true, to))) => {
                (marks.head, marks.tip, marks.on) = (to, to, Some(name.clone()));
                self.plan("switch", None, marks);
                timeline.switch(&name)
            }
            _ => Ok(()),
        }
    }

    /// The timeline stands where it should.
    fn same(&self, timeline: &Timeline<State>) {
        let marks = self.marks();
        assert_eq!(&Marks::of(timeline), marks);
        let is_changing = self.drag.as_ref().is_some_and(|drag| drag.is_changed);
        assert_eq!(timeline.is_dirty(), marks.is_dirty() || is_changing);
        assert_eq!(timeline.state(), self.drag.as_ref().map_or(&self.head().state, |drag| &drag.state))
    }

    /// Every version that was acknowledged is there; the one that was on its way is there whole or not at all. The same
    /// of names and what is saved. The head is where it was, or somewhere it was since something was synced last.
    fn check(&mut self, timeline: &mut Timeline<State>) {
        let (count, found) = (timeline.versions().count(), Marks::of(timeline));
        if let Some(pending) = self.pending.take() {
            let is_there = match pending.version {
                Some(_) => count > self.versions.len(),
                None => found == pending.marks,
            };
            self.count(format!("{}, {}", pending.what, if is_there { "kept" } else { "lost" }));
            if is_there {
                self.versions.extend(pending.version);
                self.marks = vec![pending.marks]
            }
        }
        assert_eq!(count, self.versions.len());
        if found != *self.marks() {
            self.count("moves that were lost");
            assert!(self.marks.contains(&found), "{found:?} is none of {:?}", self.marks);
            self.marks = vec![found]
        }
        self.same(timeline);
        let all = self.counts["crash"].is_multiple_of(20);
        let few = if all { count } else { 5 };
        for (n, version) in self.versions.iter().enumerate().rev().take(few) {
            let id = VersionId::new(n as u64);
            assert_eq!(timeline.at(id).unwrap(), version.state, "version {n}");
            let (found, line) = (timeline.version(id).unwrap(), timeline.home.past.line(n as u64).unwrap());
            assert_eq!((line.parent, line.joins), (version.parent, version.joins), "version {n}");
            assert_eq!((&found.label, &found.author), (&version.label, &version.author), "version {n}");
            assert_eq!(found.time, SystemTime::UNIX_EPOCH + Duration::from_micros(version.time_us))
        }
        let log: Vec<u64> = timeline.log().take(few).map(|version| version.unwrap().id.number()).collect();
        let stops = std::iter::successors(Some(self.marks().head), |&id| self.stop_before(id)).take(few);
        assert_eq!(log, stops.collect::<Vec<_>>());
        if all {
            assert_eq!(timeline.verify().unwrap().damages, [])
        }
        for step in [Machine::undo, Machine::redo, Machine::redo] {
            step(self, timeline).unwrap();
            self.done();
            self.same(timeline)
        }
    }

    fn round(&mut self) {
        let at = self.operations() + self.dice.below(40);
        let stops = Faults { stop_at: Some((at, self.dice.below(600))), ..Faults::default() };
        self.storage.disk().faults = match self.dice.below(6) {
            0 => Faults { fail_at: Some(at), ..Faults::default() },
            1 => Faults { fail_syncs_from: Some(at), ..Faults::default() },
            _ => stops,
        };
        if let Ok(mut timeline) = self.open() {
            self.set_grouping(&mut timeline);
            while self.step(&mut timeline).is_ok() && !self.dice.one_in(40) {}
            if self.drag.is_some() {
                self.count("gesture that was open")
            }
            // The timeline may close the log, or not get so far.
        }
        match self.dice.one_in(2) {
            true => self.storage.lose_power(),
            false => self.storage.kill(),
        }
        self.count("crash");
        let mut timeline = self.open().unwrap();
        self.check(&mut timeline);
        drop(timeline);
        // Closed: nothing is lost any more.
        self.marks.drain(..self.marks.len() - 1);
    }
}

#[test]
fn after_any_crash_all_acknowledged_versions_are_there() {
    let rounds: u64 = std::env::var("BACKSTORY_LONG").ok().and_then(|n| n.parse().ok()).unwrap_or(1) * 2000;
    let mut counts = BTreeMap::<String, u64>::new();
    for seed in 0..10 {
        println!("seed {seed}");
        let mut machine = Machine::new(seed);
        drop(machine.open().unwrap());
        (0..rounds / 10).for_each(|_| machine.round());
        machine.counts.into_iter().for_each(|(what, n)| *counts.entry(what).or_default() += n)
    }
    println!("{counts:#?}");
    assert_eq!(counts["crash"], rounds);
    for what in ["edit", "joined", "group", "gesture", "saved", "name", "move"] {
        let of = |fate| counts.get(&format!("{what}, {fate}")).copied().unwrap_or(0);
        assert!(of("kept") > 5 && of("lost") > 5, "{what}")
    }
    for what in ["moves that were lost", "gesture that was open", "gesture that was dropped", "group that failed"] {
        assert!(counts[what] > 20, "{what}")
    }
}
