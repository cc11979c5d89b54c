//! Timelines against a list of cloned states and a table of parents.

use super::*;
use crate::log::simulated::Simulated;
use crate::map::HashMap;
use crate::vector::Vector;
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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
}

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
    ]
}

type State = (HashMap<u8, u8>, Vector<u8>);

/// All states, who came from whom, and where we stand.
struct Model {
    states: Vec<State>,
    parents: Vec<usize>,
    head: usize,
    tip: usize,
}

impl Model {
    fn line_of(&self, id: usize) -> Vec<usize> {
        let mut line = vec![id];
        while *line.last().unwrap() > 0 {
            line.push(self.parents[*line.last().unwrap()])
        }
        line
    }

    fn append(&mut self, state: State) -> usize {
        self.parents.push(self.head);
        self.states.push(state);
        (self.head, self.tip) = (self.states.len() - 1, self.states.len() - 1);
        self.head
    }

    fn edit(&mut self, f: impl FnOnce(&mut State)) -> Option<usize> {
        let mut state = self.states[self.head].clone();
        f(&mut state);
        (state != self.states[self.head]).then(|| self.append(state))
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
        assert_eq!(made(version), model.edit(f))
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
            assert_eq!(made(timeline.commit("commit", state.clone()).unwrap()), model.edit(|old| *old = state))
        }
        Step::Undo => {
            let to = (model.head > 0).then(|| model.parents[model.head]);
            assert_eq!((timeline.can_undo(), made(timeline.undo().unwrap())), (to.is_some(), to));
            model.head = to.unwrap_or(0)
        }
        Step::Redo => {
            let to = model.line_of(model.tip).into_iter().take_while(|&id| id != model.head).last();
            assert_eq!((timeline.can_redo(), made(timeline.redo().unwrap())), (to.is_some(), to));
            model.head = to.unwrap_or(model.head)
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
                if !model.line_of(model.tip).contains(&to) {
                    model.tip = to
                }
                model.head = to
            }
        }
        Step::Jump(steps) => {
            let (up, mut line) = (model.line_of(model.head), model.line_of(model.tip));
            line.reverse();
            let at = up.len() - 1;
            let to = (at as isize + steps as isize).clamp(0, line.len() as isize - 1) as usize;
            model.head = line[to];
            assert_eq!(timeline.jump(steps as isize).unwrap(), id(model.head))
        }
        Step::Checkout(n) => {
            let to = some(n, count);
            let result = timeline.checkout(id(to)).map_err(|error| error.kind());
            if to >= count {
                return assert_eq!(result, Err(ErrorKind::NotFound));
            }
            result.unwrap();
            if !model.line_of(model.tip).contains(&to) {
                model.tip = to
            }
            model.head = to
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
                model.head = to
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
    }
}

fn same(timeline: &Timeline<State>, model: &Model) {
    assert_eq!((timeline.head(), timeline.state()), (id(model.head), &model.states[model.head]));
    assert_eq!((timeline.can_undo(), timeline.can_redo()), (model.head > 0, model.head != model.tip));
    let children: Vec<VersionId> =
        (1..model.states.len()).filter(|&n| model.parents[n] == model.head).map(id).collect();
    assert_eq!(timeline.redo_choices().unwrap(), children);
    let is_leaf = |n: &usize| !model.parents.iter().skip(1).any(|parent| parent == n);
    assert_eq!(timeline.heads().unwrap(), (0..model.states.len()).filter(is_leaf).map(id).collect::<Vec<_>>())
}

fn same_at_the_end(timeline: &Timeline<State>, model: &Model) {
    let log: Vec<VersionId> = timeline.log().map(|version| version.unwrap().id).collect();
    assert_eq!(log, model.line_of(model.head).into_iter().map(id).collect::<Vec<_>>());
    let reader = timeline.reader();
    let mut last = SystemTime::UNIX_EPOCH;
    for (n, version) in timeline.versions().enumerate() {
        let version = version.unwrap();
        assert_eq!((version.id, version.parent), (id(n), (n > 0).then(|| id(model.parents[n]))));
        assert_eq!(version.depth as usize, model.line_of(n).len() - 1);
        assert!(version.time >= last);
        last = version.time;
        assert_eq!(timeline.at(version.id).unwrap(), model.states[n]);
        assert_eq!(reader.at(version.id).unwrap(), model.states[n]);
        assert_eq!(reader.version(version.id).unwrap(), version)
    }
    assert_eq!(timeline.versions().count(), model.states.len());
    assert_eq!(timeline.at(id(model.states.len())).unwrap_err().kind(), ErrorKind::NotFound)
}

proptest! {
    #![proptest_config(crate::map::cases())]

    #[test]
    fn timelines_are_what_a_list_of_states_is(steps in prop::collection::vec(step(), 1..200)) {
        let mut timeline = Timeline::new(State::default());
        let mut model = Model { states: vec![State::default()], parents: vec![0], head: 0, tip: 0 };
        for step in &steps {
            apply(&mut timeline, &mut model, step);
            same(&timeline, &model)
        }
        same_at_the_end(&timeline, &model)
    }

    #[test]
    fn timelines_in_a_log_are_what_a_list_of_states_is(steps in prop::collection::vec((0..15u8, step()), 1..200)) {
        let storage = Simulated::new(7);
        let open = || {
            let options = Timeline::<State>::options().segment_bytes(16 << 10);
            options.open_in(Arc::new(storage.clone()), State::default()).unwrap()
        };
        let mut timeline = open();
        let mut model = Model { states: vec![State::default()], parents: vec![0], head: 0, tip: 0 };
        for (reopens, step) in &steps {
            apply(&mut timeline, &mut model, step);
            same(&timeline, &model);
            if *reopens == 0 {
                drop(timeline);
                timeline = open();
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

#[test]
fn time_does_not_go_back_whatever_the_clock_says() {
    assert_eq!(now_us(u64::MAX), u64::MAX);
    assert!((1..u64::MAX).contains(&now_us(0)))
}

thread_local! {
    /// The clone that panics, counted from now.
    static PANICS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

#[derive(PartialEq, Default, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
struct Panics(u64);

impl Clone for Panics {
    fn clone(&self) -> Self {
        PANICS.set(PANICS.get().wrapping_sub(1));
        assert!(PANICS.get() != 0, "this clone panics");
        Panics(self.0)
    }
}

#[test]
fn a_clone_that_panics_has_changed_nothing() {
    let storage = crate::log::simulated::Simulated::new(1);
    for mut timeline in
        [Timeline::new(Panics(0)), Timeline::options().open_in(std::sync::Arc::new(storage), Panics(0)).unwrap()]
    {
        let mut panics = 0;
        for nth in 1..10 {
            let (head, number, count) = (timeline.head(), timeline.state().0, timeline.versions().count());
            PANICS.set(nth);
            let edit = std::panic::AssertUnwindSafe(|| timeline.edit("more", |state| state.0 += 1).map(|_| ()));
            let result = std::panic::catch_unwind(edit);
            PANICS.set(0);
            if result.is_ok() {
                break;
            }
            panics += 1;
            assert_eq!((timeline.head(), timeline.state().0, timeline.versions().count()), (head, number, count))
        }
        assert!(panics > 1 && timeline.head().number() == 1)
    }
}
