//! Timelines against a list of cloned states, a table of parents, and names, times and groups in plain collections.

use super::*;
use crate::log::simulated::Simulated;
use crate::map::HashMap;
use crate::vector::Vector;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    Insert(u8, u8),
    Remove(u8),
    Nothing,
    Fails,
    Panics,
    Commit(u8),
    Undo,
    Redo,
    RedoTo(u16),
    Jump(i8),
    Checkout(u16),
    Rollback(u16),
    Restore(u16),
    Branch(u8),
    Switch(u8),
    Tag(u8, u16),
    Rename(u8, u8),
    Delete(u8),
    Saved,
    Author(bool),
    /// Microseconds that the clock goes on, or back.
    Tick(i16),
    Earlier(u8),
    Later(u8),
    Break,
    Group(Vec<u8>, End),
    Gesture(Vec<u8>, End),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Well,
    Fails,
    Panics,
}

const NAMES: [&str; 9] = ["a", "b", "c", "d", "e-1", "12", "@a", "", "a b"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u8>().prop_map(Step::Push),
        6 => (any::<u8>(), any::<u8>()).prop_map(|(k, v)| Step::Insert(k, v)),
        3 => any::<u8>().prop_map(Step::Remove),
        1 => Just(Step::Nothing),
        1 => Just(Step::Fails),
        1 => Just(Step::Panics),
        1 => any::<u8>().prop_map(Step::Commit),
        6 => Just(Step::Undo),
        4 => Just(Step::Redo),
        2 => any::<u16>().prop_map(Step::RedoTo),
        3 => (-20..20i8).prop_map(Step::Jump),
        2 => any::<u16>().prop_map(Step::Checkout),
        2 => any::<u16>().prop_map(Step::Rollback),
        1 => any::<u16>().prop_map(Step::Restore),
        2 => name().prop_map(Step::Branch),
        3 => name().prop_map(Step::Switch),
        2 => (name(), any::<u16>()).prop_map(|(name, id)| Step::Tag(name, id)),
        1 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name().prop_map(Step::Delete),
        1 => Just(Step::Saved),
        1 => any::<bool>().prop_map(Step::Author),
        6 => (-100..400i16).prop_map(Step::Tick),
        2 => any::<u8>().prop_map(Step::Earlier),
        2 => any::<u8>().prop_map(Step::Later),
        1 => Just(Step::Break),
        2 => (prop::collection::vec(any::<u8>(), 0..4), end()).prop_map(|(xs, end)| Step::Group(xs, end)),
        2 => (prop::collection::vec(any::<u8>(), 0..4), end()).prop_map(|(xs, end)| Step::Gesture(xs, end)),
    ]
}

fn name() -> impl Strategy<Value = u8> {
    0..NAMES.len() as u8
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![3 => Just(End::Well), 1 => Just(End::Fails), 1 => Just(End::Panics)]
}

type State = (HashMap<u8, u8>, Vector<u8>);

/// All states, who came from whom, and where we stand.
struct Model {
    states: Vec<State>,
    parents: Vec<usize>,
    head: usize,
    tip: usize,
    clock: Arc<AtomicI64>,
    times: Vec<u64>,
    authors: Vec<Option<&'static str>>,
    author: Option<&'static str>,
    /// How many ancestors a version joins.
    joins: Vec<usize>,
    grouping: Option<(u64, u64)>,
    /// The label of the edit that made the head, its author, and when its group began and when it was made, by the clock.
    run: Option<(&'static str, Option<&'static str>, u64, u64)>,
    /// Branches and tags.
    names: BTreeMap<&'static str, (bool, usize)>,
    on: Option<&'static str>,
    saved: usize,
}

impl Model {
    fn new(grouping: Option<(u64, u64)>) -> Self {
        let clock = Arc::new(AtomicI64::new(1_000_000));
        Model {
            states: vec![State::default()],
            parents: vec![0],
            head: 0,
            tip: 0,
            clock,
            times: vec![1_000_000],
            authors: vec![None],
            author: None,
            joins: vec![0],
            grouping,
            run: None,
            names: BTreeMap::new(),
            on: None,
            saved: 0,
        }
    }

    fn options(&self) -> Options<State> {
        let clock = self.clock.clone();
        let now = move || SystemTime::UNIX_EPOCH + Duration::from_micros(clock.load(Ordering::Relaxed) as u64);
        Timeline::options().clock(now)
    }

    fn set_grouping(&self, timeline: &mut Timeline<State>) {
        let us = Duration::from_micros;
        timeline.set_grouping(self.grouping.map(|(idle, most)| Grouping::idle(us(idle)).max_open(us(most))))
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed) as u64
    }

    /// Shows another version: the branch is left if that does not come by there.
    fn go(&mut self, head: usize, tip: usize) {
        if head == self.head && tip == self.tip {
            return;
        }
        (self.head, self.tip, self.run) = (head, tip, None);
        if let Some(on) = self.on.filter(|on| !self.line_of(self.names[on].1).contains(&head)) {
            assert!(self.names[on].0);
            self.on = None
        }
    }

    fn checkout(&mut self, to: usize) {
        let tip = if self.line_of(self.tip).contains(&to) { self.tip } else { to };
        self.go(to, tip)
    }

    fn stop_before(&self, id: usize) -> Option<usize> {
        self.line_of(id).get(self.joins[id] + 1).copied()
    }

    fn stop_after(&self) -> Option<usize> {
        let mut line = self.line_of(self.tip);
        line.reverse();
        let group = |depth: usize| depth - self.joins[line[depth]];
        let at = self.line_of(self.head).len();
        let is_of_it = |&depth: &usize| group(depth) == group(at);
        (at..line.len()).take_while(is_of_it).last().map(|depth| line[depth])
    }

    fn as_of(&self, time: u64) -> Option<usize> {
        self.times.iter().rposition(|&made| made <= time)
    }

    fn check_name(&self, name: &str) -> std::result::Result<(), ErrorKind> {
        let is_good = NAMES[..5].contains(&name) && !self.names.contains_key(name);
        if is_good { Ok(()) } else { Err(ErrorKind::Invalid) }
    }

    fn line_of(&self, id: usize) -> Vec<usize> {
        let mut line = vec![id];
        while *line.last().unwrap() > 0 {
            line.push(self.parents[*line.last().unwrap()])
        }
        line
    }

    fn append(&mut self, state: State) -> usize {
        let id = self.states.len();
        self.times.push(self.now().max(*self.times.last().unwrap()));
        self.authors.push(self.author);
        self.joins.push(0);
        self.parents.push(self.head);
        self.states.push(state);
        (self.head, self.tip, self.run) = (id, id, None);
        if let Some(on) = self.on {
            self.names.insert(on, (true, id));
        }
        id
    }

    fn edit(&mut self, label: &'static str, f: impl FnOnce(&mut State)) -> Option<usize> {
        let mut state = self.states[self.head].clone();
        f(&mut state);
        if state == self.states[self.head] {
            return None;
        }
        let (now, run, parent) = (self.now(), self.run, self.head);
        let id = self.append(state);
        if let Some((idle, most)) = self.grouping {
            let joined = run.filter(|&(its, author, first, last)| {
                let is_within = |from, most| (from..=from + most).contains(&now);
                its == label && author == self.author && is_within(last, idle) && is_within(first, most)
            });
            self.joins[id] = joined.map_or(0, |_| self.joins[parent] + 1);
            self.run = Some((label, self.author, joined.map_or(now, |(_, _, first, _)| first), now))
        }
        Some(id)
    }

    /// Of a group or a gesture.
    fn edit_alone(&mut self, f: impl FnOnce(&mut State)) -> Option<usize> {
        self.run = None;
        let made = self.edit("alone", f);
        self.run = None;
        made
    }
}

fn id(n: usize) -> VersionId {
    VersionId::new(n as u64)
}

fn apply(timeline: &mut Timeline<State>, model: &mut Model, step: &Step) {
    let some = |n: u16, len: usize| (n as usize * (len + 1)) >> 16;
    let made = |version: Option<VersionId>| version.map(|id| id.number() as usize);
    let count = model.states.len();
    let mut edit = |timeline: &mut Timeline<State>, f: &dyn Fn(&mut State)| {
        let version = timeline.edit("edit", |state| f(state)).unwrap().version;
        assert_eq!(made(version), model.edit("edit", f))
    };
    match *step {
        Step::Push(x) => edit(timeline, &|state| state.1.push_back(x)),
        Step::Insert(k, v) => edit(timeline, &|state| _ = state.0.insert(k, v)),
        Step::Remove(k) => edit(timeline, &|state| _ = state.0.remove(&k)),
        Step::Nothing => edit(timeline, &|_| ()),
        Step::Fails => {
            let error = || Error::new(ErrorKind::Conflict, "no");
            let result: Result<Edit<()>> = timeline.try_edit("fails", |state| {
                state.1.push_back(1);
                Err(error())
            });
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Conflict)
        }
        Step::Panics => {
            let result = catch_unwind(AssertUnwindSafe(|| {
                timeline.edit("panics", |state| {
                    state.1.push_back(1);
                    std::panic::resume_unwind(Box::new(()))
                })
            }));
            assert!(result.is_err())
        }
        Step::Commit(x) => {
            let state = ([(x, x)].into_iter().collect(), Vector::unit(x));
            assert_eq!(
                made(timeline.commit("commit", state.clone()).unwrap()),
                model.edit("commit", |old| *old = state)
            )
        }
        Step::Undo => {
            let to = model.stop_before(model.head);
            assert_eq!((timeline.can_undo(), made(timeline.undo().unwrap())), (to.is_some(), to));
            model.go(to.unwrap_or(0), model.tip)
        }
        Step::Redo => {
            let to = model.stop_after();
            assert_eq!((timeline.can_redo(), made(timeline.redo().unwrap())), (to.is_some(), to));
            model.go(to.unwrap_or(model.head), model.tip)
        }
        Step::RedoTo(n) => {
            let to = some(n, count);
            let result = timeline.redo_to(id(to)).map_err(|error| error.kind());
            if to >= count {
                assert_eq!(result, Err(ErrorKind::NotFound))
            } else if !model.line_of(to).contains(&model.head) {
                assert_eq!(result, Err(ErrorKind::Conflict))
            } else {
                result.unwrap();
                model.checkout(to)
            }
        }
        Step::Jump(steps) => {
            let (up, mut line) = (model.line_of(model.head), model.line_of(model.tip));
            line.reverse();
            let at = up.len() - 1;
            let to = (at as isize + steps as isize).clamp(0, line.len() as isize - 1) as usize;
            model.go(line[to], model.tip);
            assert_eq!(timeline.jump(steps as isize).unwrap(), id(model.head))
        }
        Step::Checkout(n) => {
            let to = some(n, count);
            let result = timeline.checkout(id(to)).map_err(|error| error.kind());
            if to >= count {
                return assert_eq!(result, Err(ErrorKind::NotFound));
            }
            result.unwrap();
            model.checkout(to)
        }
        Step::Rollback(n) => {
            let to = some(n, count);
            let result = timeline.rollback(id(to)).map_err(|error| error.kind());
            if to >= count {
                assert_eq!(result, Err(ErrorKind::NotFound))
            } else if !model.line_of(model.head).contains(&to) {
                assert_eq!(result, Err(ErrorKind::Conflict))
            } else {
                result.unwrap();
                model.go(to, model.tip)
            }
        }
        Step::Restore(n) => {
            let from = some(n, count);
            let result = timeline.restore(id(from)).map_err(|error| error.kind());
            if from >= count {
                return assert_eq!(result, Err(ErrorKind::NotFound));
            }
            let state = model.states[from].clone();
            assert_eq!(result, Ok(id(model.append(state))))
        }
        _ => apply_others(timeline, model, step),
    }
}

/// Names, times and groups.
fn apply_others(timeline: &mut Timeline<State>, model: &mut Model, step: &Step) {
    let kind = |error: Error| error.kind();
    let made = |version: Option<VersionId>| version.map(|id| id.number() as usize);
    match *step {
        Step::Branch(name) => {
            let name = NAMES[name as usize];
            let good = model.check_name(name);
            assert_eq!(timeline.branch(name).map_err(kind), good);
            if good.is_ok() {
                model.names.insert(name, (true, model.head));
                (model.on, model.run) = (Some(name), None)
            }
        }
        Step::Switch(name) => {
            let name = NAMES[name as usize];
            let result = timeline.switch(name).map_err(kind);
            match model.names.get(name) {
                None => assert_eq!(result, Err(ErrorKind::NotFound)),
                Some((false, _)) => assert_eq!(result, Err(ErrorKind::Invalid)),
                Some(&(true, to)) => {
                    result.unwrap();
                    (model.head, model.tip, model.on, model.run) = (to, to, Some(name), None)
                }
            }
        }
        Step::Tag(name, n) => {
            let (name, to) = (NAMES[name as usize], (n as usize * (model.states.len() + 1)) >> 16);
            let good = if to < model.states.len() { model.check_name(name) } else { Err(ErrorKind::NotFound) };
            assert_eq!(timeline.tag(name, id(to)).map_err(kind), good);
            if good.is_ok() {
                model.names.insert(name, (false, to));
                model.run = None
            }
        }
        Step::Rename(from, to) => {
            let (from, to) = (NAMES[from as usize], NAMES[to as usize]);
            let known = model.names.contains_key(from);
            let good = if known { model.check_name(to) } else { Err(ErrorKind::NotFound) };
            assert_eq!(timeline.rename(from, to).map_err(kind), good);
            if good.is_ok() {
                let named = model.names.remove(from).unwrap();
                model.names.insert(to, named);
                model.on = model.on.map(|on| if on == from { to } else { on });
                model.run = None
            }
        }
        Step::Delete(name) => {
            let name = NAMES[name as usize];
            let known = model.names.remove(name);
            assert_eq!(timeline.delete(name).map_err(kind), known.map(|_| ()).ok_or(ErrorKind::NotFound));
            if known.is_some() {
                model.on = model.on.filter(|&on| on != name);
                model.run = None
            }
        }
        Step::Saved => {
            timeline.mark_saved().unwrap();
            model.saved = model.head;
            timeline.break_group();
            model.run = None
        }
        Step::Author(is_ann) => {
            model.author = is_ann.then_some("ann");
            timeline.set_author(model.author)
        }
        Step::Tick(us) => _ = model.clock.fetch_add(us.into(), Ordering::Relaxed),
        Step::Earlier(us) => {
            let to = model.as_of(model.times[model.head] - us as u64).unwrap_or(0).min(model.head);
            assert_eq!(timeline.earlier(Duration::from_micros(us.into())).unwrap(), id(to));
            model.checkout(to)
        }
        Step::Later(us) => {
            let to = model.as_of(model.times[model.head] + us as u64).unwrap().max(model.head);
            let to = if us == 0 { model.head } else { to };
            assert_eq!(timeline.later(Duration::from_micros(us.into())).unwrap(), id(to));
            model.checkout(to)
        }
        Step::Break => {
            timeline.break_group();
            model.run = None
        }
        Step::Group(ref xs, end) => {
            let group = |timeline: &mut Timeline<State>| {
                timeline.group("group", |timeline| {
                    for &x in xs {
                        // Every other one in a group inside.
                        let one = |timeline: &mut Timeline<State>| timeline.edit("one", |state| state.1.push_back(x));
                        match x % 2 {
                            0 => assert_eq!(one(timeline)?.version, None),
                            _ => assert_eq!(timeline.group("inside", one)?.version, None),
                        }
                        assert_eq!(timeline.state().1.back(), Some(&x));
                        assert_eq!(timeline.undo().unwrap_err().kind(), ErrorKind::Conflict)
                    }
                    match end {
                        End::Well => Ok(()),
                        End::Fails => Err(Error::new(ErrorKind::Conflict, "no")),
                        End::Panics => std::panic::resume_unwind(Box::new(())),
                    }
                })
            };
            match (catch_unwind(AssertUnwindSafe(|| group(timeline))), end) {
                (Ok(Ok(edit)), End::Well) => {
                    let all = |state: &mut State| xs.iter().for_each(|&x| state.1.push_back(x));
                    assert_eq!(made(edit.version), model.edit_alone(all))
                }
                (Ok(Err(error)), End::Fails) => assert_eq!(error.kind(), ErrorKind::Conflict),
                (Err(_), End::Panics) => {}
                (result, end) => panic!("{end:?}: {:?}", result.is_ok()),
            }
        }
        Step::Gesture(ref xs, end) => {
            let gesture = timeline.begin("gesture").unwrap();
            assert_eq!(timeline.begin("another").unwrap_err().kind(), ErrorKind::Conflict);
            for &x in xs {
                timeline.update(&gesture, |state| _ = state.0.insert(x, x)).unwrap();
                assert_eq!((timeline.state().0.get(&x), timeline.is_dirty()), (Some(&x), true));
                assert_eq!(timeline.edit("", |_| ()).unwrap_err().kind(), ErrorKind::Conflict);
                let mut other = Timeline::new(State::default());
                assert_eq!(other.update(&gesture, |_| ()).unwrap_err().kind(), ErrorKind::Invalid)
            }
            match end {
                End::Well => {
                    let all = |state: &mut State| xs.iter().for_each(|&x| _ = state.0.insert(x, x));
                    assert_eq!(made(timeline.finish(gesture).unwrap()), model.edit_alone(all))
                }
                End::Fails => drop(gesture),
                End::Panics => {
                    let panics = || {
                        timeline.update(&gesture, |state| {
                            state.1.push_back(1);
                            std::panic::resume_unwind(Box::new(()))
                        })
                    };
                    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
                    drop(gesture)
                }
            }
        }
        _ => unreachable!("applied already"),
    }
}

fn same(timeline: &Timeline<State>, model: &Model) {
    assert_eq!((timeline.head(), timeline.state()), (id(model.head), &model.states[model.head]));
    assert_eq!((timeline.can_undo(), timeline.can_redo()), (model.head > 0, model.head != model.tip));
    let children: Vec<VersionId> =
        (1..model.states.len()).filter(|&n| model.parents[n] == model.head).map(id).collect();
    assert_eq!(timeline.redo_choices().unwrap(), children);
    let named = |branches| {
        let of_kind = model.names.iter().filter(move |(_, named)| named.0 == branches);
        of_kind.map(|(name, named)| (name.to_string(), id(named.1))).collect::<Vec<_>>()
    };
    assert_eq!((timeline.branches().unwrap(), timeline.tags().unwrap()), (named(true), named(false)));
    assert_eq!((timeline.current_branch(), timeline.is_dirty()), (model.on, model.head != model.saved));
    let is_leaf = |n: &usize| !model.parents.iter().skip(1).any(|parent| parent == n);
    assert_eq!(timeline.heads().unwrap(), (0..model.states.len()).filter(is_leaf).map(id).collect::<Vec<_>>())
}

fn same_at_the_end(timeline: &Timeline<State>, model: &Model) {
    let log: Vec<VersionId> = timeline.log().map(|version| version.unwrap().id).collect();
    let stops = std::iter::successors(Some(model.head), |&id| model.stop_before(id));
    assert_eq!(log, stops.map(id).collect::<Vec<_>>());
    let reader = timeline.reader();
    let mut last = SystemTime::UNIX_EPOCH;
    for (n, version) in timeline.versions().enumerate() {
        let version = version.unwrap();
        assert_eq!((version.id, version.parent), (id(n), (n > 0).then(|| id(model.parents[n]))));
        assert_eq!(version.depth as usize, model.line_of(n).len() - 1);
        assert_eq!((version.author.as_deref(), version.joins), (model.authors[n], model.joins[n] > 0));
        assert_eq!(version.time, SystemTime::UNIX_EPOCH + Duration::from_micros(model.times[n]));
        assert_eq!(timeline.as_of(version.time).unwrap(), model.as_of(model.times[n]).map(id));
        assert!(version.time >= last);
        last = version.time;
        assert_eq!(timeline.at(version.id).unwrap(), model.states[n]);
        assert_eq!(reader.at(version.id).unwrap(), model.states[n]);
        assert_eq!(reader.version(version.id).unwrap(), version)
    }
    assert_eq!(timeline.versions().count(), model.states.len());
    assert_eq!(timeline.at(id(model.states.len())).unwrap_err().kind(), ErrorKind::NotFound)
}

/// Idle after so many microseconds, open for at most so many; or each edit by itself.
fn grouping() -> impl Strategy<Value = Option<(u64, u64)>> {
    prop::option::of((50..400u64, 300..2000u64))
}

proptest! {
    #![proptest_config(crate::map::cases())]

    #[test]
    fn timelines_are_what_a_list_of_states_is(grouping in grouping(), steps in prop::collection::vec(step(), 1..200)) {
        let mut model = Model::new(grouping);
        let mut timeline = model.options().in_memory(State::default());
        model.set_grouping(&mut timeline);
        for step in &steps {
            apply(&mut timeline, &mut model, step);
            same(&timeline, &model)
        }
        same_at_the_end(&timeline, &model)
    }

    #[test]
    fn timelines_in_a_log_are_what_a_list_of_states_is(
        grouping in grouping(),
        steps in prop::collection::vec((0..15u8, step()), 1..200),
    ) {
        let storage = Simulated::new(7);
        let mut model = Model::new(grouping);
        let options = model.options().segment_bytes(16 << 10);
        let open = || options.clone().open_in(Arc::new(storage.clone()), State::default).unwrap();
        let mut timeline = open();
        model.set_grouping(&mut timeline);
        for (reopens, step) in &steps {
            apply(&mut timeline, &mut model, step);
            same(&timeline, &model);
            if *reopens == 0 {
                drop(timeline);
                timeline = open();
                (model.run, model.author) = (None, None);
                model.set_grouping(&mut timeline);
                same(&timeline, &model)
            }
        }
        same_at_the_end(&timeline, &model);
        for (n, state) in model.states.iter().enumerate() {
            let view = timeline.view(id(n)).unwrap();
            assert_eq!(&view.thaw::<State>().unwrap(), state);
            assert_eq!(view.map(|state| &state.1).iter().unwrap().map(|n| *n.unwrap()).collect::<Vector<u8>>(), state.1);
            let alone = Timeline::new(state.clone());
            assert_eq!(timeline.digest(id(n)).unwrap(), alone.digest(VersionId::FIRST).unwrap());
            let get = |key: u8| view.map(|state| &state.0).get(&key).unwrap().map(|n| *n);
            assert!((0..=255).all(|key| get(key) == state.0.get(&key).copied()))
        }
        let report = timeline.verify().unwrap();
        assert_eq!((report.versions, &report.damages[..]), (model.states.len() as u64, &[][..]));
        drop(timeline);
        same_at_the_end(&open(), &model)
    }
}
