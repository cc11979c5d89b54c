//! Groups and gestures of a store against those of a timeline, and how they come to an end.

use super::*;
use crate::timeline::{Durability, Gesture};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

/// A counter whose actions are added to it; 255 panics.
fn counter() -> Store<u64, u64> {
    Store::new(Timeline::new(0), |sum, n| match n {
        255 => std::panic::resume_unwind(Box::new("the reducer")),
        n => *sum += n,
    })
}

type Told = Arc<Mutex<Vec<(u64, u64)>>>;

fn told(store: &Store<u64, u64>) -> Told {
    let told = Told::default();
    let own = told.clone();
    store.subscribe(move |old, new| lock(&own).push((*old, *new))).detach();
    told
}

fn take(told: &Told) -> Vec<(u64, u64)> {
    std::mem::take(&mut lock(told))
}

#[derive(Clone, Debug)]
enum Step {
    Dispatch(u8),
    /// Of actions, and whether it fails at its end.
    Group(Vec<u8>, bool),
    Begin,
    /// Adds, or panics.
    Update(u8),
    Finish,
    Drop,
    Undo,
    Redo,
}

fn step() -> impl Strategy<Value = Step> {
    let n = || prop_oneof![1 => Just(255), 2 => Just(0), 9 => 1..9u8];
    prop_oneof![
        3 => n().prop_map(Step::Dispatch),
        3 => (prop::collection::vec(n(), 0..4), prop::bool::weighted(0.2)).prop_map(|(all, fails)| Step::Group(all, fails)),
        3 => Just(Step::Begin),
        6 => n().prop_map(Step::Update),
        3 => Just(Step::Finish),
        1 => Just(Step::Drop),
        2 => Just(Step::Undo),
        2 => Just(Step::Redo),
    ]
}

/// The same on a timeline; its gesture.
struct Model {
    timeline: Timeline<u64>,
    gesture: Option<Gesture>,
    told: Vec<(u64, u64)>,
    actions: Vec<Vec<u64>>,
}

impl Model {
    /// Tells of what is shown then, if that is another version or a further update.
    fn go<R>(&mut self, f: impl FnOnce(&mut Timeline<u64>, &mut Option<Gesture>) -> R) -> R {
        let place = |timeline: &Timeline<u64>| (timeline.head(), timeline.updates());
        let (before, old) = (place(&self.timeline), *self.timeline.state());
        let result = f(&mut self.timeline, &mut self.gesture);
        if place(&self.timeline) != before {
            self.told.push((old, *self.timeline.state()))
        }
        self.actions.resize(self.timeline.versions().count(), Vec::new());
        result
    }
}

fn add(state: &mut u64, n: u8) {
    match n {
        255 => std::panic::resume_unwind(Box::new("an update")),
        n => *state += n as u64,
    }
}

/// What came of it, with the kind of an error; none after a panic.
fn outcome<R>(f: impl FnOnce() -> Result<R>) -> Option<std::result::Result<R, ErrorKind>> {
    catch_unwind(AssertUnwindSafe(f)).ok().map(|result| result.map_err(|error| error.kind()))
}

fn apply(store: &Store<u64, u64>, gesture: &mut Option<Gesture>, model: &mut Model, step: &Step) {
    let failed = || Err(Error::new(ErrorKind::Io, "on purpose"));
    match step {
        Step::Dispatch(n) => {
            let got = outcome(|| store.dispatch(*n as u64)).map(|edit| edit.map(|edit| edit.version));
            let want = model.go(|timeline, _| outcome(|| timeline.edit("", |state| add(state, *n))));
            assert_eq!(got, want.map(|edit| edit.map(|edit| edit.version)));
            if let Some(Ok(Some(id))) = got {
                model.actions[id.number() as usize] = vec![*n as u64]
            }
        }
        Step::Group(all, fails) => {
            let got = outcome(|| {
                store.group("group", |group| {
                    all.iter().try_for_each(|&n| group.dispatch(n as u64))?;
                    group.edit(|state| *state += 1)?;
                    if *fails { failed() } else { Ok(*group.state()) }
                })
            });
            let want = model.go(|timeline, _| {
                outcome(|| {
                    timeline.group("group", |timeline| {
                        all.iter().try_for_each(|&n| timeline.edit("", |state| add(state, n)).map(|_| ()))?;
                        timeline.edit("", |state| *state += 1)?;
                        if *fails { failed() } else { Ok(*timeline.state()) }
                    })
                })
            });
            assert_eq!(got, want);
            if let Some(Ok(Edit { version: Some(id), .. })) = got {
                model.actions[id.number() as usize] = all.iter().map(|&n| n as u64).collect();
                assert_eq!(store.version(id).unwrap().label, "group")
            }
        }
        Step::Begin => {
            let (got, want) = (store.begin("drag"), model.go(|timeline, _| timeline.begin("drag")));
            assert_eq!(got.is_ok(), want.is_ok());
            assert_eq!(got.is_err(), gesture.is_some());
            *gesture = got.ok().or(gesture.take());
            model.gesture = want.ok().or(model.gesture.take())
        }
        Step::Update(n) => {
            let Some(gesture) = gesture else { return };
            let got = outcome(|| store.update(gesture, |state| add(state, *n)));
            let want = model
                .go(|timeline, gesture| outcome(|| timeline.update(gesture.as_ref().unwrap(), |state| add(state, *n))));
            assert_eq!(got, want)
        }
        Step::Finish => {
            let Some(gesture) = gesture.take() else { return };
            let got = store.finish(gesture).unwrap();
            assert_eq!(got, model.go(|timeline, gesture| timeline.finish(gesture.take().unwrap())).unwrap())
        }
        Step::Drop => {
            *gesture = None;
            model.go(|_, gesture| *gesture = None)
        }
        Step::Undo => {
            let want = model.go(|timeline, _| outcome(|| timeline.undo()));
            assert_eq!(outcome(|| store.undo()), want)
        }
        Step::Redo => {
            let want = model.go(|timeline, _| outcome(|| timeline.redo()));
            assert_eq!(outcome(|| store.redo()), want)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn groups_and_gestures_of_a_store_are_those_of_a_timeline(steps in prop::collection::vec(step(), 1..60)) {
        let store = counter();
        let told = told(&store);
        let actions = vec![Vec::new()];
        let mut model = Model { timeline: Timeline::new(0), gesture: None, told: Vec::new(), actions };
        let mut gesture = None;
        for step in &steps {
            apply(&store, &mut gesture, &mut model, step);
            let timeline = &model.timeline;
            assert_eq!((store.snapshot(), store.head()), (*timeline.state(), timeline.head()), "{step:?}");
            assert_eq!(store.is_dirty().unwrap(), timeline.is_dirty());
            assert_eq!(*lock(&told), model.told, "{step:?}")
        }
        for (n, actions) in model.actions.iter().enumerate() {
            assert_eq!(&store.actions(VersionId::new(n as u64)).unwrap(), actions)
        }
        // With the gesture that is still open.
        let timeline = store.into_timeline();
        assert_eq!((timeline.state(), timeline.head()), (model.timeline.state(), model.timeline.head()))
    }
}

#[test]
fn a_dropped_gesture_is_told_of_at_once_whoever_drops_it() {
    let store = counter();
    let told = told(&store);
    let drag = store.begin("drag").unwrap();
    store.update(&drag, |at| *at = 7).unwrap();
    std::thread::scope(|scope| _ = scope.spawn(|| drop(drag)));
    assert_eq!((store.snapshot(), take(&told)), (0, vec![(0, 7), (7, 0)]));
    // By what the store runs, which shows it when that is done, however it ends.
    let mut drag = Some(store.begin("drag").unwrap());
    store.update(drag.as_ref().unwrap(), |at| *at = 9).unwrap();
    let failed = store.change(|timeline| {
        drag = None;
        timeline.checkout(VersionId::new(99))
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!((store.snapshot(), take(&told)), (0, vec![(0, 9), (9, 0)]))
}

#[test]
fn a_gesture_outlives_its_store_and_one_of_another_store_is_refused_and_cancelled_there() {
    let (store, other) = (counter(), counter());
    let (drag, foreign) = (store.begin("drag").unwrap(), other.begin("drag").unwrap());
    let told = told(&other);
    other.update(&foreign, |at| *at = 1).unwrap();
    assert_eq!(store.update(&foreign, |at| *at = 1).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(store.finish(foreign).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!((other.snapshot(), take(&told)), (0, vec![(0, 1), (1, 0)]));
    store.update(&drag, |at| *at = 3).unwrap();
    drop(store);
    drop(drag);
    let store = counter();
    let drag = store.begin("drag").unwrap();
    store.update(&drag, |at| *at = 3).unwrap();
    let mut timeline = store.into_timeline();
    assert_eq!(timeline.state(), &3);
    timeline.finish(drag).unwrap();
    assert_eq!((timeline.state(), timeline.head().number()), (&3, 1))
}

#[test]
fn a_gesture_of_a_timeline_that_becomes_a_stores_is_cancelled() {
    let mut timeline = Timeline::new(0);
    let drag = timeline.begin("drag").unwrap();
    timeline.update(&drag, |at| *at = 7).unwrap();
    let store = Store::new(timeline, |at, n: &u64| *at += n);
    assert_eq!((store.snapshot(), store.finish(drag).unwrap_err().kind()), (0, ErrorKind::Invalid));
    assert_eq!(store.dispatch(1).unwrap().version, Some(VersionId::new(1)))
}

#[test]
fn a_group_is_alone_and_seen_by_nobody_until_it_is_whole() {
    let store = counter();
    let (here, there) = mpsc::channel();
    std::thread::scope(|scope| {
        let store = &store;
        let edit = store.group("group", |group| {
            group.dispatch(1)?;
            scope.spawn(move || here.send(store.dispatch(10).unwrap().version).unwrap());
            assert!(there.recv_timeout(Duration::from_millis(50)).is_err(), "who changes waits");
            assert_eq!((*group.state(), store.snapshot()), (1, 0));
            assert_eq!(store.dispatch(2).unwrap_err().kind(), ErrorKind::Invalid);
            group.dispatch(3)
        });
        assert_eq!(edit.unwrap().version, Some(VersionId::new(1)));
        assert_eq!(there.recv().unwrap(), Some(VersionId::new(2)))
    });
    assert_eq!((store.snapshot(), store.actions(VersionId::new(1)).unwrap()), (14, vec![1, 3]))
}

#[test]
fn a_groups_actions_are_stored_and_a_finished_gesture_is_durable() {
    use crate::log::simulated::Simulated;
    let storage = Simulated::new(1);
    let options = || Timeline::<u64>::options().durability(Durability::Group(Duration::ZERO));
    let open = || {
        let timeline = options().open_in(Arc::new(storage.clone()), || 0).unwrap();
        Store::durable(timeline, |sum, n: &u64| *sum += n)
    };
    let store = open();
    store.group("group", |group| (1..=3).try_for_each(|n| group.dispatch(n))).unwrap();
    store.group("edits", |group| group.edit(|sum| *sum += 1)).unwrap();
    let drag = store.begin("drag").unwrap();
    store.update(&drag, |at| *at = 99).unwrap();
    store.finish(drag).unwrap();
    let drag = store.begin("lost").unwrap();
    store.update(&drag, |at| *at = 100).unwrap();
    let now = storage.disk().operations;
    storage.disk().faults.stop_at = Some((now, 0));
    drop(store);
    storage.lose_power();
    let store = open();
    assert_eq!((store.snapshot(), store.head().number()), (99, 3));
    let actions: Vec<_> = (0..4).map(|n| store.actions(VersionId::new(n)).unwrap()).collect();
    assert_eq!(actions, [vec![], vec![1, 2, 3], vec![], vec![]])
}
