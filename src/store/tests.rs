//! Stores against a list of states, and all that users' code may do to them: panic, call back, come and go.

use super::*;
use crate::map::HashMap as Map;
use crate::timeline::Version;
use crate::vector::Vector;
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Weak, mpsc};
use std::time::{Duration, Instant};

pub(super) type State = (Map<u8, u8>, Vector<u8>);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Insert(u8, u8),
    Push(u8),
    Nothing,
    Panic,
}

fn reduce((map, vector): &mut State, action: &Action) {
    match action {
        Action::Insert(k, v) => _ = map.insert(*k, *v),
        Action::Push(x) => vector.push_back(*x),
        Action::Nothing => {}
        Action::Panic => {
            vector.clear();
            std::panic::resume_unwind(Box::new("the reducer"))
        }
    }
}

pub(super) fn store() -> Store<State, Action> {
    Store::new(Timeline::new(State::default()), reduce)
}

/// A counter whose actions are added to it.
pub(super) fn counter() -> Store<u64, u64> {
    Store::new(Timeline::new(0), |sum, n| *sum += n)
}

/// What a subscriber was told, in its order.
type Told<T> = Arc<Mutex<Vec<(T, T)>>>;

fn told<T: Clone + PartialEq + Send + 'static, A>(store: &Store<T, A>) -> (Subscription, Told<T>) {
    let told: Told<T> = Arc::default();
    let own = told.clone();
    let listen = move |change: &board::Change<T>| lock(&own).push(((*change.old).clone(), (*change.new).clone()));
    (store.board.subscribe(listen), told)
}

fn number(id: Option<VersionId>) -> Option<usize> {
    id.map(|id| id.number() as usize)
}

fn id(n: usize) -> VersionId {
    VersionId::new(n as u64)
}

#[derive(Clone, Debug)]
enum Step {
    Dispatch(Action),
    Batch(Vec<Action>),
    Edit(u8),
    Undo,
    Redo,
    Jump(i8),
    Checkout(u16),
    Rollback(u16),
    Restore(u16),
    Subscribe,
    Unsubscribe,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (any::<u8>(), any::<u8>()).prop_map(|(k, v)| Action::Insert(k, v)),
        8 => any::<u8>().prop_map(Action::Push),
        2 => Just(Action::Nothing),
        1 => Just(Action::Panic),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => action().prop_map(Step::Dispatch),
        4 => prop::collection::vec(action(), 0..5).prop_map(Step::Batch),
        1 => any::<u8>().prop_map(Step::Edit),
        4 => Just(Step::Undo),
        3 => Just(Step::Redo),
        2 => (-5..5i8).prop_map(Step::Jump),
        2 => any::<u16>().prop_map(Step::Checkout),
        1 => any::<u16>().prop_map(Step::Rollback),
        1 => any::<u16>().prop_map(Step::Restore),
        2 => Just(Step::Subscribe),
        1 => Just(Step::Unsubscribe),
    ]
}

/// All states, what made them, and all that was ever shown. Travel is the timeline's, which has a model of its own: a second
/// timeline walks along.
struct Model {
    timeline: Timeline<State>,
    actions: Vec<Vec<Action>>,
    shown: Vec<(State, State)>,
}

impl Model {
    /// Does on the second timeline what was done to the store; gives its answer.
    fn go<R>(&mut self, f: impl FnOnce(&mut Timeline<State>) -> R) -> R {
        let (head, old) = (self.timeline.head(), self.timeline.state().clone());
        let result = f(&mut self.timeline);
        if self.timeline.head() != head {
            self.shown.push((old, self.timeline.state().clone()))
        }
        self.actions.resize(self.timeline.versions().count(), Vec::new());
        result
    }

    /// All of them reduced, if none panics.
    fn reduce(&mut self, actions: &[Action]) -> Option<VersionId> {
        let made = match actions.contains(&Action::Panic) {
            true => None,
            false => self.go(|timeline| {
                let all = |state: &mut State| actions.iter().for_each(|action| reduce(state, action));
                timeline.edit("", all).unwrap().version
            }),
        };
        if let Some(id) = made {
            self.actions[id.number() as usize] = actions.to_vec()
        }
        made
    }
}

/// Somebody who listens: since how many changes, what was told; none when it is over.
type Ear = (usize, Option<Subscription>, Told<State>);

fn apply(store: &Store<State, Action>, model: &mut Model, ears: &mut Vec<Ear>, step: &Step) {
    let some = |n: u16, len: usize| id((n as usize * (len + 1)) >> 16);
    let count = model.actions.len();
    let kind = |error: Error| error.kind();
    match step {
        Step::Dispatch(action) => {
            let result = catch_unwind(AssertUnwindSafe(|| store.dispatch(action.clone()).unwrap().version));
            assert_eq!(result.is_err(), *action == Action::Panic);
            assert_eq!(result.unwrap_or(None), model.reduce(std::slice::from_ref(action)))
        }
        Step::Batch(actions) => {
            let result = catch_unwind(AssertUnwindSafe(|| store.batch(actions.clone()).unwrap().version));
            assert_eq!(result.is_err(), actions.contains(&Action::Panic));
            assert_eq!(result.unwrap_or(None), model.reduce(actions))
        }
        Step::Edit(x) => {
            let edit = |state: &mut State| state.1.push_front(*x);
            assert_eq!(store.edit("edit", edit).unwrap(), model.go(|timeline| timeline.edit("edit", edit)).unwrap())
        }
        Step::Undo => assert_eq!(store.undo().unwrap(), model.go(Timeline::undo).unwrap()),
        Step::Redo => assert_eq!(store.redo().unwrap(), model.go(Timeline::redo).unwrap()),
        Step::Jump(n) => {
            assert_eq!(store.jump(*n as isize).unwrap(), model.go(|timeline| timeline.jump(*n as isize)).unwrap())
        }
        Step::Checkout(n) => {
            let to = some(*n, count);
            assert_eq!(store.checkout(to).map_err(kind), model.go(|timeline| timeline.checkout(to)).map_err(kind))
        }
        Step::Rollback(n) => {
            let to = some(*n, count);
            assert_eq!(store.rollback(to).map_err(kind), model.go(|timeline| timeline.rollback(to)).map_err(kind))
        }
        Step::Restore(n) => {
            let to = some(*n, count);
            assert_eq!(store.restore(to).map_err(kind), model.go(|timeline| timeline.restore(to)).map_err(kind))
        }
        Step::Subscribe => {
            let (subscription, told) = told(store);
            ears.push((model.shown.len(), Some(subscription), told))
        }
        Step::Unsubscribe => {
            if let Some((since, subscription, told)) = ears.iter_mut().find(|ear| ear.1.is_some()) {
                subscription.take().unwrap().unsubscribe();
                assert_eq!(*lock(told), model.shown[*since..])
            }
        }
    }
}

fn same(store: &Store<State, Action>, model: &Model) {
    let timeline = &model.timeline;
    assert_eq!((store.head(), &store.snapshot()), (timeline.head(), timeline.state()));
    assert_eq!((store.can_undo(), store.can_redo()), (timeline.can_undo(), timeline.can_redo()));
    assert_eq!(store.redo_choices().unwrap(), timeline.redo_choices().unwrap());
    assert_eq!(store.heads().unwrap(), timeline.heads().unwrap())
}

proptest! {
    #![proptest_config(crate::map::cases())]

    #[test]
    fn stores_are_what_a_list_of_states_is(steps in prop::collection::vec(step(), 1..150)) {
        let store = store();
        let mut model =
            Model { timeline: Timeline::new(State::default()), actions: vec![vec![]], shown: vec![] };
        let mut ears = Vec::new();
        let computed = Arc::new(AtomicU64::new(0));
        let own = computed.clone();
        let selection = store.select(|state| state.0.clone(), move |map| {
            own.fetch_add(1, Ordering::Relaxed);
            map.len()
        });
        // What the last two computations were of, the newer one last.
        let (mut seen, mut count) = (Vec::<Map<u8, u8>>::new(), 0);
        for step in &steps {
            apply(&store, &mut model, &mut ears, step);
            same(&store, &model);
            let map = store.snapshot().0;
            assert_eq!(*selection.get(), map.len());
            if !seen.iter().any(|known| known.ptr_eq(&map)) {
                count += 1;
                seen.push(map);
                seen.drain(..seen.len().saturating_sub(2));
            }
            assert_eq!(computed.load(Ordering::Relaxed), count)
        }
        for (since, subscription, told) in &ears {
            if subscription.is_some() {
                assert_eq!(*lock(told), model.shown[*since..])
            }
        }
        for (n, actions) in model.actions.iter().enumerate() {
            assert_eq!(&store.actions(id(n)).unwrap(), actions);
            assert_eq!(store.action(id(n)).unwrap().as_ref(), actions.last());
            assert_eq!(store.at(id(n)).unwrap(), model.timeline.at(id(n)).unwrap())
        }
        assert_eq!(store.action(id(model.actions.len())).unwrap_err().kind(), ErrorKind::NotFound);
        let ids = |all: Vec<Result<Version>>| all.into_iter().map(|version| version.unwrap().id).collect::<Vec<_>>();
        assert_eq!(ids(store.log().collect()), ids(model.timeline.log().collect()));
        assert_eq!(ids(store.versions().collect()), ids(model.timeline.versions().collect()));
        assert_eq!(store.verify().unwrap().versions as usize, model.actions.len());
        let timeline = store.into_timeline();
        assert_eq!((timeline.head(), timeline.state()), (model.timeline.head(), model.timeline.state()))
    }
}

#[test]
fn a_batch_is_one_version_and_one_change_and_is_undone_at_once() {
    let store = counter().labelled(|actions| format!("{actions:?}"));
    let (_subscription, told) = told(&store);
    let made = store.batch([1, 2, 3]).unwrap().version.unwrap();
    assert_eq!((store.snapshot(), lock(&told).clone()), (6, vec![(0, 6)]));
    assert_eq!((store.actions(made).unwrap(), store.action(made).unwrap()), (vec![1, 2, 3], Some(3)));
    assert_eq!(store.version(made).unwrap().label, "[1, 2, 3]");
    assert_eq!((store.undo().unwrap(), store.snapshot()), (Some(VersionId::FIRST), 0));
    assert_eq!(store.batch([]).unwrap().version, None);
    assert_eq!(store.batch([0, 0]).unwrap().version, None);
    assert_eq!((store.versions().count(), lock(&told).len()), (2, 2))
}

#[test]
fn a_subscriber_that_dispatches_is_told_of_that_next_as_are_all_others_in_the_same_order() {
    let store = Arc::new(counter());
    let (_before, first) = told(&store);
    let weak: Weak<Store<u64, u64>> = Arc::downgrade(&store);
    let _chain = store.subscribe(move |_, new| {
        if *new < 5 {
            let store = weak.upgrade().unwrap();
            store.dispatch(1).unwrap();
            // Its change is there, and is told later.
            assert_eq!(store.snapshot(), new + 1)
        }
    });
    let (_after, last) = told(&store);
    store.dispatch(1).unwrap();
    let all: Vec<_> = (0..5).map(|n| (n, n + 1)).collect();
    assert_eq!((lock(&first).clone(), lock(&last).clone()), (all.clone(), all));
    assert_eq!(_chain.last_panic(), None)
}

#[test]
fn a_subscriber_that_panics_is_reported_and_harms_nobody() {
    let store = counter();
    let (_before, first) = told(&store);
    let calls = Arc::new(AtomicU64::new(0));
    let own = calls.clone();
    let broken = store.subscribe(move |_, new| {
        own.fetch_add(1, Ordering::Relaxed);
        if new % 2 == 1 {
            std::panic::resume_unwind(Box::new(format!("{new} is odd")))
        }
    });
    let (_after, last) = told(&store);
    assert_eq!(broken.last_panic(), None);
    for n in 1..=4 {
        assert_eq!(number(store.dispatch(1).unwrap().version), Some(n))
    }
    assert_eq!(broken.last_panic().as_deref(), Some("3 is odd"));
    assert_eq!((calls.load(Ordering::Relaxed), lock(&first).len(), lock(&last).len()), (4, 4, 4));
    assert_eq!((store.snapshot(), store.undo().unwrap()), (4, Some(id(3))))
}

/// Panics when it is dropped.
struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new("dropped"))
        }
    }
}

#[test]
fn a_subscriber_whose_end_panics_harms_nobody() {
    let store = counter();
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let (mine, taken) = (Mine, own.clone());
    *lock(&own) = Some(store.subscribe(move |_, _| {
        let _ = &mine;
        drop(lock(&taken).take())
    }));
    let (_after, last) = told(&store);
    assert_eq!((0..3).map(|_| number(store.dispatch(1).unwrap().version)).collect::<Vec<_>>(), [1, 2, 3].map(Some));
    assert_eq!(lock(&last).len(), 3);
    assert!(lock(&own).is_none())
}

/// A state that panics when its last version is dropped.
#[derive(Clone)]
struct Grave(u64, Arc<Mutex<Option<u64>>>);

impl PartialEq for Grave {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Drop for Grave {
    fn drop(&mut self) {
        let is_it = *lock(&self.1) == Some(self.0);
        if is_it && !std::thread::panicking() {
            *lock(&self.1) = None;
            std::panic::resume_unwind(Box::new("dropped"))
        }
    }
}

#[test]
fn a_state_whose_drop_panics_while_it_is_told_of_stops_no_later_telling() {
    let due: Arc<Mutex<Option<u64>>> = Arc::default();
    let timeline = Timeline::options().keep_versions(1).in_memory(Grave(0, due.clone()));
    let store = Store::new(timeline, |grave: &mut Grave, n: &u64| grave.0 += n);
    let store = Arc::new(store);
    let (own, told) = (due.clone(), Arc::new(AtomicU64::new(0)));
    let counted = told.clone();
    let _subscription = store.subscribe(move |old, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        // What is told of goes right after this.
        *lock(&own) = (old.0 == 1).then_some(1)
    });
    store.dispatch(1).unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| store.dispatch(1).unwrap()));
    assert!(result.is_err() && lock(&due).is_none(), "nothing was dropped last by who tells");
    store.dispatch(1).unwrap();
    assert_eq!((store.snapshot().0, told.load(Ordering::Relaxed)), (3, 3))
}

#[test]
fn a_drop_that_panics_after_a_version_was_made_hides_neither_that_nor_its_action() {
    let due: Arc<Mutex<Option<u64>>> = Arc::default();
    let timeline = Timeline::options().keep_versions(1).in_memory(Grave(0, due.clone()));
    let (store, own) = (Store::new(timeline, |grave: &mut Grave, n: &u64| grave.0 += n), due.clone());
    let told: Arc<AtomicU64> = Arc::default();
    let counted = told.clone();
    let _subscription = store.subscribe(move |_, _| _ = counted.fetch_add(1, Ordering::Relaxed));
    // A copy that an edit throws away.
    let failed = catch_unwind(AssertUnwindSafe(|| {
        store.change_by(vec![7], |timeline, _| {
            timeline.edit("", |grave| grave.0 = 1)?;
            *lock(&own) = Some(9);
            drop(Grave(9, own.clone()));
            Ok::<_, Error>(())
        })
    }));
    assert!(failed.is_err() && lock(&due).is_none());
    assert_eq!((store.head(), store.snapshot().0, told.load(Ordering::Relaxed)), (id(1), 1, 1));
    assert_eq!(store.action(id(1)).unwrap(), Some(7))
}

#[test]
fn a_subscriber_that_panics_with_what_panics_when_dropped_harms_nobody() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("the payload"))
        }
    }
    let store = counter();
    let _bad = store.subscribe(|_, _| std::panic::resume_unwind(Box::new(Payload)));
    let (_good, told) = told(&store);
    store.dispatch(1).unwrap();
    assert_eq!(lock(&told).len(), 1)
}

#[test]
fn a_subscriber_may_unsubscribe_itself_and_others_and_subscribe_new_ones() {
    let store = Arc::new(counter());
    let (other, others) = told(&store);
    let (own, other) = (Arc::new(Mutex::new(None)), Mutex::new(Some(other)));
    let late: Arc<Mutex<Vec<_>>> = Arc::default();
    let (weak, own_in, late_in) = (Arc::downgrade(&store), own.clone(), late.clone());
    // It comes before the one that it ends.
    let (_first, firsts) = told(&store);
    *lock(&own) = Some(store.subscribe(move |_, _| {
        drop(lock(&own_in).take());
        drop(lock(&other).take());
        lock(&late_in).push(told(&weak.upgrade().unwrap()))
    }));
    let (last, lasts) = told(&store);
    store.dispatch(1).unwrap();
    store.dispatch(1).unwrap();
    drop(last);
    store.dispatch(1).unwrap();
    // It was told of the first change before it was ended.
    assert_eq!((lock(&others).len(), lock(&firsts).len(), lock(&lasts).len()), (1, 3, 2));
    let late = lock(&late);
    assert_eq!((late.len(), lock(&late[0].1).clone()), (1, vec![(1, 2), (2, 3)]));
    // What listened no more is gone.
    assert_eq!(Arc::strong_count(&others), 1)
}

#[test]
fn who_subscribes_is_told_of_no_change_that_was_shown_before() {
    let store = Arc::new(counter());
    let late: Arc<Mutex<Option<_>>> = Arc::default();
    let (weak, own) = (Arc::downgrade(&store), late.clone());
    let _first = store.subscribe(move |_, new| {
        let store = weak.upgrade().unwrap();
        if *new == 1 {
            // Shown now, and told when all have been told of the first one.
            store.dispatch(1).unwrap();
            *lock(&own) = Some(told(&store))
        }
    });
    store.dispatch(1).unwrap();
    store.dispatch(1).unwrap();
    let late = lock(&late);
    assert_eq!(*lock(&late.as_ref().unwrap().1), [(2, 3)])
}

#[test]
fn what_is_ended_before_its_turn_is_not_called() {
    let store = counter();
    let victim = Arc::new(Mutex::new(None));
    let own = victim.clone();
    let _first = store.subscribe(move |_, _| drop(lock(&own).take()));
    let (second, told) = told(&store);
    *lock(&victim) = Some(second);
    store.dispatch(1).unwrap();
    assert_eq!((lock(&told).len(), Arc::strong_count(&told)), (0, 1))
}

#[test]
fn subscriptions_end_when_dropped_and_go_on_when_detached() {
    let store = counter();
    let (first, gone) = told(&store);
    let (second, stays) = told(&store);
    second.detach();
    store.dispatch(1).unwrap();
    drop(first);
    assert_eq!(Arc::strong_count(&gone), 1, "what listened is dropped with its subscription");
    store.dispatch(1).unwrap();
    assert_eq!((lock(&gone).len(), lock(&stays).len()), (1, 2));
    let (third, kept) = told(&store);
    drop(store);
    assert_eq!((Arc::strong_count(&stays), Arc::strong_count(&kept), third.last_panic()), (1, 1, None))
}

#[test]
fn who_calls_the_store_from_within_a_change_gets_an_error_instead_of_waiting_for_itself() {
    let slot: Arc<Mutex<Weak<Store<u64, u64>>>> = Arc::default();
    let own = slot.clone();
    let store = Store::new(Timeline::new(0u64), move |sum: &mut u64, n: &u64| {
        let store = lock(&own).upgrade().unwrap();
        for result in [store.dispatch(1).map(|_| ()), store.undo().map(|_| ()), store.flush(), store.heads().map(drop)]
        {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Invalid)
        }
        // To look is allowed: this is what was shown before.
        assert_eq!((store.snapshot(), store.head(), store.at(store.head()).unwrap()), (*sum, id(*sum as usize), *sum));
        *sum += n
    });
    let store = Arc::new(store);
    *lock(&slot) = Arc::downgrade(&store);
    assert_eq!((1..4).map(|_| number(store.dispatch(1).unwrap().version)).collect::<Vec<_>>(), [1, 2, 3].map(Some));
    let result = store.edit("edit", |_| store.dispatch(1).map(|_| ()));
    assert_eq!(result.unwrap().value.unwrap_err().kind(), ErrorKind::Invalid)
}

#[test]
fn a_snapshot_waits_for_no_edit() {
    let store = counter();
    let (begun, has_begun) = mpsc::channel();
    std::thread::scope(|threads| {
        let store = &store;
        threads.spawn(move || {
            store.edit("long", |n| {
                begun.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(300));
                *n = 7
            })
        });
        has_begun.recv().unwrap();
        let start = Instant::now();
        let sum = store.select(|n| *n, |n| n + 1);
        assert_eq!((store.snapshot(), store.head(), store.can_undo(), *sum.get()), (0, id(0), false, 1));
        assert_eq!((store.at(id(0)).unwrap(), store.versions().count(), store.log().count()), (0, 1, 1));
        assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed())
    });
    assert_eq!(store.snapshot(), 7)
}

#[test]
fn threads_dispatch_and_each_subscriber_is_told_of_all_changes_in_order() {
    let store = Store::new(Timeline::new(Vector::<u64>::new()), |list, n| list.push_back(*n));
    let (_subscription, told) = told(&store);
    std::thread::scope(|threads| {
        for thread in 0..4u64 {
            let store = &store;
            threads.spawn(move || {
                for n in 0..200 {
                    let id = store.dispatch(thread << 32 | n).unwrap().version.unwrap();
                    assert_eq!(store.action(id).unwrap(), Some(thread << 32 | n));
                    let own = store.at(id).unwrap();
                    assert_eq!((own.len() as u64, own.back()), (id.number(), Some(&(thread << 32 | n))));
                    if n % 10 == 0 {
                        drop(store.subscribe(|_, _| ()))
                    }
                }
            });
        }
        for _ in 0..2 {
            threads.spawn(|| {
                let length = store.select(|list| list.clone(), |list| list.len());
                let mut last = 0;
                while last < 800 {
                    let now = *length.get();
                    let state = store.snapshot();
                    assert!(last <= now && now <= state.len() && state.len() as u64 <= store.head().number());
                    last = now
                }
            });
        }
    });
    let told = lock(&told);
    assert_eq!(told.len(), 800);
    for (n, (old, new)) in told.iter().enumerate() {
        assert!(old.len() == n && new.len() == n + 1 && (n == 0 || told[n - 1].1.ptr_eq(old)))
    }
}

#[test]
fn a_store_goes_where_its_state_and_actions_go() {
    static_assertions::assert_impl_all!(Store<State, Action>: Send, Sync);
    static_assertions::assert_impl_all!(Selection<State, (Map<u8, u8>, Arc<str>), String>: Send, Sync);
    static_assertions::assert_impl_all!(Subscription: Send, Sync, std::fmt::Debug);
    type Here = crate::vector::GenericVector<u8, archery::RcK>;
    static_assertions::assert_not_impl_any!(Store<Here, u8>: Send, Sync);
    // On one thread it is all the same.
    let store = Store::new(Timeline::new(Here::new()), |list: &mut Here, n| list.push_back(*n));
    let length = store.select(|list| list.clone(), |list| list.len());
    let (_lengths, told) = mpsc::channel::<usize>();
    let _subscription = store.subscribe(move |_, new| _ = _lengths.send(new.len()));
    store.dispatch(7).unwrap();
    assert_eq!((*length.get(), told.recv().unwrap()), (1, 1))
}
