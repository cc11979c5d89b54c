//! Selections: how often they compute, and what their code may do.

use super::tests::{Action, counter, store};
use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_selection_computes_when_its_input_changes_and_only_then() {
    let store = store();
    let computed = Arc::new(AtomicU64::new(0));
    let own = computed.clone();
    let sum = store.select(
        |(map, _)| map.clone(),
        move |map| {
            own.fetch_add(1, Ordering::Relaxed);
            map.values().map(|v| u64::from(*v)).sum::<u64>()
        },
    );
    let changes: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
    let own = changes.clone();
    let subscription = sum.subscribe(move |old, new| lock(&own).push((*old, *new)));
    let count = || computed.load(Ordering::Relaxed);
    assert_eq!(count(), 0, "nobody has asked");
    for _ in 0..3 {
        assert_eq!((*sum.get(), count()), (0, 1))
    }
    for x in 0..5 {
        store.dispatch(Action::Push(x)).unwrap();
        assert!(*sum.get() == 0 && lock(&changes).is_empty())
    }
    // Who asks and who is told have it from each other.
    assert_eq!(count(), 1);
    store.dispatch(Action::Insert(1, 7)).unwrap();
    store.undo().unwrap();
    assert_eq!((*sum.get(), lock(&changes).clone()), (0, vec![(0, 7), (7, 0)]));
    // What undo and redo go to is known.
    assert_eq!(count(), 2);
    drop(subscription);
    store.redo().unwrap();
    assert_eq!((*sum.get(), lock(&changes).len(), count()), (7, 2, 2));
    drop(store);
    assert_eq!((*sum.get(), count()), (7, 2))
}

#[test]
fn a_selection_that_panics_computes_again() {
    let store = counter();
    let half = store.select(|n| *n, |n| if n % 2 == 0 { n / 2 } else { std::panic::resume_unwind(Box::new(())) });
    let halves: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
    let own = halves.clone();
    let subscription = half.subscribe(move |old, new| lock(&own).push((*old, *new)));
    assert_eq!(*half.get(), 0);
    store.dispatch(1).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| half.get())).is_err() && subscription.last_panic().is_some());
    store.dispatch(1).unwrap();
    assert_eq!((*half.get(), lock(&halves).clone()), (1, vec![(0, 1)]))
}

#[test]
fn all_who_are_told_and_ask_share_what_is_computed() {
    let (store, computed) = (counter(), Arc::new(AtomicU64::new(0)));
    let own = computed.clone();
    let double = store.select(
        |n| *n,
        move |n| {
            own.fetch_add(1, Ordering::Relaxed);
            n * 2
        },
    );
    let told: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
    let listen = || {
        let own = told.clone();
        double.subscribe(move |old, new| lock(&own).push((*old, *new)))
    };
    let _listening = [listen(), listen()];
    for n in 1..=5 {
        assert_eq!(*double.get(), 2 * (n - 1));
        store.dispatch(1).unwrap();
        assert_eq!(computed.load(Ordering::Relaxed), n + 1)
    }
    assert_eq!(*lock(&told), (0..10).map(|n| (n / 2 * 2, n / 2 * 2 + 2)).collect::<Vec<_>>())
}

#[test]
fn a_computation_may_change_the_store_while_a_subscriber_looks() {
    let store = Arc::new(counter());
    let weak = Arc::downgrade(&store);
    let selection = store.select(
        |n| *n,
        move |n| {
            if *n < 5 {
                weak.upgrade().map(|store| store.dispatch(10));
            }
            *n
        },
    );
    let selection = Arc::new(selection);
    let looks = Arc::downgrade(&selection);
    let _looking = store.subscribe(move |_, _| _ = looks.upgrade().map(|selection| selection.get()));
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || done.send(*selection.get()).unwrap());
    assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(0), "it waits for itself");
    assert_eq!(store.snapshot(), 10)
}

#[test]
fn a_reducer_may_look_at_a_selection_that_asks_the_store() {
    type Asking = Selection<u64, u64, u64>;
    let slot: Arc<Mutex<Option<Arc<Asking>>>> = Arc::default();
    let (seen, looked) = (slot.clone(), Arc::new(AtomicU64::new(0)));
    let (begun, counted) = (looked.clone(), looked.clone());
    let store = Arc::new(Store::new(Timeline::new(0u64), move |sum: &mut u64, n: &u64| {
        // While the other one computes.
        while begun.load(Ordering::Acquire) == 0 {
            std::thread::yield_now()
        }
        let selection = lock(&seen).clone();
        *sum += n + selection.map_or(0, |selection| *selection.get())
    }));
    let weak = Arc::downgrade(&store);
    let compute = move |n: &u64| {
        counted.fetch_add(1, Ordering::Release);
        weak.upgrade().and_then(|store| store.heads().ok()).map_or(*n, |heads| heads.len() as u64)
    };
    let selection = Arc::new(store.select(|n| *n, compute));
    *lock(&slot) = Some(selection.clone());
    let (done, is_done) = mpsc::channel();
    let (own, changing) = (done.clone(), store.clone());
    std::thread::spawn(move || done.send(changing.dispatch(1).is_ok()).unwrap());
    std::thread::spawn(move || own.send(*selection.get() == 1).unwrap());
    for _ in 0..2 {
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(true), "they wait for each other")
    }
    // Drops what holds the selection.
    *lock(&slot) = None;
    // The reducer's own computation may not ask; that of the other thread may have been ready.
    assert!((1..=2).contains(&store.snapshot()))
}

#[test]
fn what_is_computed_of_zero_and_of_minus_zero_are_two_things() {
    let store = Store::new(Timeline::new((0.0f64, 0)), |state, n: &f64| *state = (*n, state.1 + 1));
    let inverse = store.select(|state| state.0, |x| 1.0 / x);
    assert_eq!(*inverse.get(), f64::INFINITY);
    store.dispatch(-0.0).unwrap();
    assert_eq!(*inverse.get(), f64::NEG_INFINITY);
}
