//! A timeline in memory against a list of cloned states and a table of parents.
//!
//! In: edits, undo, redo, moves to any version, branches, tags, groups and gestures.
//! Out: nothing; a panic if anything of this does not hold.
//! Must hold: each call gives what the model gives, or the same kind of error, and nothing has changed then; at the end every
//! version is as it was made, and so are names, lines and diffs.
//! Uses: std.

#![no_main]

use arbitrary::Arbitrary;
use backstory::{Error, ErrorKind, HashMap, Result, Timeline, Vector, VersionId};
use libfuzzer_sys::fuzz_target;
use std::collections::{BTreeMap, VecDeque};

const MOST_STEPS: usize = 300;
const NAMES: [&str; 8] = ["a", "b", "c", "d", "12", "@a", "", "a b"];
const GOOD_NAMES: usize = 4;

type State = (HashMap<u16, String>, Vector<u8>);
type Plain = (BTreeMap<u16, String>, VecDeque<u8>);

#[derive(Arbitrary, Debug)]
enum Change {
    Insert(u16, u8),
    Remove(u16),
    Push(u8),
    PushFront(u8),
    Set(u16, u8),
    Take(u16),
    Fill(u8),
    Clear,
    Nothing,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Edit(Change),
    Edits(Vec<Change>),
    Fails(Change),
    Commit(u16),
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
    Save,
    /// Edits as one, which fail at the end or do not.
    Group(Vec<Change>, bool),
    /// The same of a gesture, which is dropped or finished.
    Gesture(Vec<Change>, bool),
    /// A call that goes elsewhere while a gesture is open.
    Refused(u16),
}

/// What a list and std's have by other names.
trait Place {
    fn place(&mut self, at: usize, v: u8);
}

impl Place for Vector<u8> {
    fn place(&mut self, at: usize, v: u8) {
        self.set(at, v);
    }
}

impl Place for VecDeque<u8> {
    fn place(&mut self, at: usize, v: u8) {
        self[at] = v
    }
}

/// A change of either: their calls have the same names.
macro_rules! change {
    ($change:expr, $map:ident, $list:ident) => {
        match *$change {
            Change::Insert(k, v) => _ = $map.insert(k, v.to_string()),
            Change::Remove(k) => _ = $map.remove(&k),
            Change::Push(v) => $list.push_back(v),
            Change::PushFront(v) => $list.push_front(v),
            Change::Set(at, v) if !$list.is_empty() => $list.place(at as usize % $list.len(), v),
            Change::Take(at) if !$list.is_empty() => _ = $list.remove(at as usize % $list.len()),
            Change::Fill(n) => {
                $list.extend(0..n);
                $map.extend((0..n).map(|n| (u16::from(n), n.to_string())))
            }
            Change::Clear => {
                $map.clear();
                $list.clear()
            }
            _ => {}
        }
    };
}

impl Change {
    fn of_state(&self, (map, list): &mut State) {
        change!(self, map, list)
    }

    fn of_plain(&self, (map, list): &mut Plain) {
        change!(self, map, list)
    }
}

struct Model {
    states: Vec<Plain>,
    parents: Vec<usize>,
    head: usize,
    tip: usize,
    /// Branches and tags.
    names: BTreeMap<&'static str, (bool, usize)>,
    on: Option<&'static str>,
    saved: usize,
}

impl Model {
    /// From a version to the first one.
    fn line(&self, id: usize) -> Vec<usize> {
        std::iter::successors(Some(id), |&id| (id > 0).then(|| self.parents[id])).collect()
    }

    fn is_ancestor(&self, a: usize, of: usize) -> bool {
        self.line(of).contains(&a)
    }

    fn append(&mut self, state: Plain) -> usize {
        self.states.push(state);
        self.parents.push(self.head);
        let id = self.states.len() - 1;
        (self.head, self.tip) = (id, id);
        if let Some(on) = self.on {
            self.names.insert(on, (true, id));
        }
        id
    }

    fn go(&mut self, head: usize, tip: usize) {
        if (head, tip) != (self.head, self.tip) {
            (self.head, self.tip) = (head, tip);
            self.on = self.on.filter(|on| self.is_ancestor(head, self.names[on].1))
        }
    }

    fn checkout(&mut self, to: usize) {
        let tip = if self.is_ancestor(to, self.tip) { self.tip } else { to };
        self.go(to, tip)
    }

    fn shown(&self) -> Plain {
        self.states[self.head].clone()
    }

    fn edited<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) -> Plain {
        let mut state = self.shown();
        changes.into_iter().for_each(|change| change.of_plain(&mut state));
        state
    }

    fn commit(&mut self, state: Plain) -> Option<usize> {
        (state != self.states[self.head]).then(|| self.append(state))
    }

    fn new_name(&self, name: u8) -> std::result::Result<&'static str, ErrorKind> {
        let at = name as usize % NAMES.len();
        if at < GOOD_NAMES && !self.names.contains_key(NAMES[at]) { Ok(NAMES[at]) } else { Err(ErrorKind::Invalid) }
    }

    fn named(&self, name: u8) -> std::result::Result<(&'static str, bool, usize), ErrorKind> {
        let name = NAMES[name as usize % NAMES.len()];
        self.names.get(name).map(|&(is_branch, id)| (name, is_branch, id)).ok_or(ErrorKind::NotFound)
    }

    /// A version that is there, or the one behind the last.
    fn known(&self, id: u16) -> (VersionId, std::result::Result<usize, ErrorKind>) {
        let at = id as usize % (self.states.len() + 1);
        (VersionId::new(at as u64), if at < self.states.len() { Ok(at) } else { Err(ErrorKind::NotFound) })
    }
}

fn id(at: usize) -> VersionId {
    VersionId::new(at as u64)
}

fn kind<T>(result: Result<T>) -> std::result::Result<T, ErrorKind> {
    result.map_err(|error| error.kind())
}

fn plain((map, list): &State) -> Plain {
    (map.iter().map(|(k, v)| (*k, v.clone())).collect(), list.iter().copied().collect())
}

fn name(name: u8) -> &'static str {
    NAMES[name as usize % NAMES.len()]
}

/// Edits, groups, gestures.
fn edit(timeline: &mut Timeline<State>, model: &mut Model, step: &Step) {
    let failure = || Error::new(ErrorKind::Conflict, "as it should");
    match step {
        Step::Edit(change) => {
            let made = timeline.edit("edit", |state| change.of_state(state)).unwrap().version;
            let state = model.edited([change]);
            assert_eq!(made, model.commit(state).map(id))
        }
        Step::Edits(changes) => {
            let made = timeline.edit("edits", |state| changes.iter().for_each(|change| change.of_state(state)));
            let state = model.edited(changes);
            assert_eq!(made.unwrap().version, model.commit(state).map(id))
        }
        Step::Fails(change) => {
            let result = timeline.try_edit("fails", |state| {
                change.of_state(state);
                Err::<(), _>(failure())
            });
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Conflict)
        }
        Step::Commit(at) => {
            let at = *at as usize % model.states.len();
            let made = timeline.commit("commit", timeline.at(id(at)).unwrap()).unwrap();
            assert_eq!(made, model.commit(model.states[at].clone()).map(id))
        }
        Step::Group(changes, fails) => {
            let mut state = model.shown();
            let result = timeline.group("group", |timeline| {
                for change in changes {
                    assert_eq!(timeline.edit("part", |state| change.of_state(state))?.version, None);
                    change.of_plain(&mut state);
                    assert_eq!(plain(timeline.state()), state);
                    assert_eq!(kind(timeline.undo()), Err(ErrorKind::Conflict))
                }
                if *fails { Err(failure()) } else { Ok(()) }
            });
            match result {
                Ok(made) => assert_eq!(made.version, model.commit(state).map(id)),
                Err(error) => assert!(*fails && error.kind() == ErrorKind::Conflict),
            }
        }
        Step::Gesture(changes, is_dropped) => {
            let (gesture, mut state) = (timeline.begin("gesture").unwrap(), model.shown());
            for change in changes {
                timeline.update(&gesture, |state| change.of_state(state)).unwrap();
                change.of_plain(&mut state);
                assert_eq!(plain(timeline.state()), state)
            }
            if *is_dropped {
                drop(gesture)
            } else {
                assert_eq!(timeline.finish(gesture).unwrap(), model.commit(state).map(id))
            }
        }
        Step::Refused(at) => {
            let gesture = timeline.begin("gesture").unwrap();
            let refused = [
                kind(timeline.undo().map(drop)),
                kind(timeline.redo().map(drop)),
                kind(timeline.edit("", |_| ())).map(drop),
                kind(timeline.jump(-1)).map(drop),
                kind(timeline.checkout(id(*at as usize % model.states.len()))),
                kind(timeline.branch("refused")),
                kind(timeline.tag("refused", id(0))),
                kind(timeline.mark_saved()),
            ];
            assert_eq!(refused, [Err(ErrorKind::Conflict); 8]);
            drop(gesture)
        }
        _ => travel(timeline, model, step),
    }
}

fn travel(timeline: &mut Timeline<State>, model: &mut Model, step: &Step) {
    match *step {
        Step::Undo => {
            let to = (model.head > 0).then(|| model.parents[model.head]);
            assert_eq!(timeline.can_undo(), to.is_some());
            assert_eq!(timeline.undo().unwrap(), to.map(id));
            to.into_iter().for_each(|to| model.go(to, model.tip))
        }
        Step::Redo => {
            let line = model.line(model.tip);
            let at = line.iter().position(|&at| at == model.head).unwrap();
            let to = at.checked_sub(1).map(|at| line[at]);
            assert_eq!(timeline.can_redo(), to.is_some());
            assert_eq!(timeline.redo().unwrap(), to.map(id));
            to.into_iter().for_each(|to| model.go(to, model.tip))
        }
        Step::RedoTo(to) => {
            let (to, known) = model.known(to);
            let known =
                known.and_then(|to| if model.is_ancestor(model.head, to) { Ok(to) } else { Err(ErrorKind::Conflict) });
            assert_eq!(kind(timeline.redo_to(to)), known.map(|to| model.checkout(to)))
        }
        Step::Jump(steps) => {
            let mut line = model.line(model.tip);
            line.reverse();
            let at = line.iter().position(|&at| at == model.head).unwrap();
            let to = line[at.saturating_add_signed(steps.into()).min(line.len() - 1)];
            assert_eq!(timeline.jump(steps.into()).unwrap(), id(to));
            model.go(to, model.tip)
        }
        Step::Checkout(to) => {
            let (to, known) = model.known(to);
            assert_eq!(kind(timeline.checkout(to)), known.map(|to| model.checkout(to)))
        }
        Step::Rollback(to) => {
            let (to, known) = model.known(to);
            let known =
                known.and_then(|to| if model.is_ancestor(to, model.head) { Ok(to) } else { Err(ErrorKind::Conflict) });
            assert_eq!(kind(timeline.rollback(to)), known.map(|to| model.go(to, model.tip)))
        }
        Step::Restore(to) => {
            let (to, known) = model.known(to);
            let made = known.map(|to| id(model.append(model.states[to].clone())));
            assert_eq!(kind(timeline.restore(to)), made)
        }
        _ => names(timeline, model, step),
    }
}

fn names(timeline: &mut Timeline<State>, model: &mut Model, step: &Step) {
    match *step {
        Step::Branch(n) => {
            let new = model.new_name(n).map(|name| {
                model.names.insert(name, (true, model.head));
                model.on = Some(name)
            });
            assert_eq!(kind(timeline.branch(name(n))), new)
        }
        Step::Switch(n) => {
            let named = model.named(n);
            let to = named
                .and_then(|(name, is_branch, to)| if is_branch { Ok((name, to)) } else { Err(ErrorKind::Invalid) });
            assert_eq!(kind(timeline.switch(name(n))), to.map(|_| ()));
            if let Ok((name, to)) = to {
                (model.head, model.tip, model.on) = (to, to, Some(name))
            }
        }
        Step::Tag(n, at) => {
            let (at, known) = model.known(at);
            let new = known.and_then(|at| model.new_name(n).map(|name| (name, at)));
            assert_eq!(kind(timeline.tag(name(n), at)), new.map(|_| ()));
            new.into_iter().for_each(|(name, at)| _ = model.names.insert(name, (false, at)))
        }
        Step::Rename(from, to) => {
            let renamed = model.named(from).and_then(|found| model.new_name(to).map(|to| (found, to)));
            assert_eq!(kind(timeline.rename(name(from), name(to))), renamed.map(|_| ()));
            if let Ok(((from, is_branch, at), to)) = renamed {
                model.names.remove(from);
                model.names.insert(to, (is_branch, at));
                model.on = model.on.map(|on| if on == from { to } else { on })
            }
        }
        Step::Delete(n) => {
            let named = model.named(n);
            assert_eq!(kind(timeline.delete(name(n))), named.map(|_| ()));
            if let Ok((name, ..)) = named {
                model.names.remove(name);
                model.on = model.on.filter(|on| *on != name)
            }
        }
        Step::Save => {
            timeline.mark_saved().unwrap();
            model.saved = model.head
        }
        ref other => unreachable!("{other:?}"),
    }
}

/// What costs little, after each step.
fn check_place(timeline: &Timeline<State>, model: &Model) {
    assert_eq!((timeline.head(), timeline.current_branch()), (id(model.head), model.on));
    assert_eq!(timeline.is_dirty(), model.head != model.saved);
    let (state, expected) = (timeline.state(), &model.states[model.head]);
    assert_eq!((state.0.len(), state.1.len()), (expected.0.len(), expected.1.len()))
}

fn check_all(timeline: &Timeline<State>, model: &Model) {
    let ids = || 0..model.states.len();
    for at in ids() {
        assert_eq!(plain(&timeline.at(id(at)).unwrap()), model.states[at]);
        let version = timeline.version(id(at)).unwrap();
        assert_eq!((version.id, version.parent), (id(at), (at > 0).then(|| id(model.parents[at]))))
    }
    let list = |is_branch: bool| -> Vec<(String, VersionId)> {
        let of_kind = model.names.iter().filter(|(_, (own, _))| *own == is_branch);
        of_kind.map(|(name, (_, at))| (name.to_string(), id(*at))).collect()
    };
    assert_eq!((timeline.branches().unwrap(), timeline.tags().unwrap()), (list(true), list(false)));
    let ends: Vec<VersionId> = ids().filter(|at| !model.parents[1..].contains(at)).map(id).collect();
    assert_eq!(timeline.heads().unwrap(), ends);
    let children = |of: usize| ids().skip(1).filter(|&at| model.parents[at] == of).map(id).collect::<Vec<_>>();
    assert_eq!(timeline.redo_choices().unwrap(), children(model.head));
    let line: Vec<VersionId> = timeline.log().map(|version| version.unwrap().id).collect();
    assert_eq!(line, model.line(model.head).into_iter().map(id).collect::<Vec<_>>());
    let all: Vec<VersionId> = timeline.versions().map(|version| version.unwrap().id).collect();
    assert_eq!(all.len(), model.states.len());
    let (a, b) = timeline.diff(id(0), id(model.head), plain).unwrap();
    assert_eq!((&a, &b), (&model.states[0], &model.states[model.head]))
}

fuzz_target!(|steps: Vec<Step>| {
    let mut timeline = Timeline::new(State::default());
    let mut model = Model {
        states: vec![Plain::default()],
        parents: vec![0],
        head: 0,
        tip: 0,
        names: BTreeMap::new(),
        on: None,
        saved: 0,
    };
    for step in steps.iter().take(MOST_STEPS) {
        edit(&mut timeline, &mut model, step);
        check_place(&timeline, &model)
    }
    check_all(&timeline, &model)
});
