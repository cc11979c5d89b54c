//! One sync for many: what was acknowledged survives, what failed is an error for all who waited.

use super::group::Waiting;
use super::*;
use crate::log::simulated::{Dice, Faults, Simulated};
use crate::timeline::Durability;
use crate::vector::Vector;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

type State = Vector<u64>;

fn open(storage: &Simulated, delay: Duration) -> Result<Store<State, u64>> {
    let options = Timeline::<State>::options().segment_bytes(8 << 10).durability(Durability::Group(delay));
    let timeline = options.open_in(Arc::new(storage.clone()), State::new)?;
    Ok(Store::durable(timeline, |list: &mut State, n| list.push_back(*n)))
}

/// Threads that dispatch until something fails, and those numbers of theirs that were acknowledged.
fn work(store: &Store<State, u64>, threads: u64, each: u64, from: u64) -> Vec<u64> {
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                for n in 0..each {
                    let n = from + thread * each + n;
                    match store.dispatch(n) {
                        Ok(edit) => {
                            assert!(edit.version.is_some());
                            lock(acknowledged).push(n)
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                            // Nothing more is taken.
                            assert_eq!(store.dispatch(n).unwrap_err().kind(), ErrorKind::Io);
                            return;
                        }
                    }
                }
            });
        }
    });
    acknowledged.into_inner().unwrap()
}

#[test]
fn after_any_crash_all_that_was_acknowledged_to_any_thread_is_there() {
    let rounds = std::env::var("BACKSTORY_LONG").ok().and_then(|n| n.parse().ok()).unwrap_or(1) * 300;
    let (mut lost, mut failed, mut more) = (0, 0, 0);
    for seed in 0..rounds {
        let (storage, mut dice) = (Simulated::new(seed), Dice(seed));
        let delay = Duration::from_micros(if dice.one_in(2) { 0 } else { 50 });
        let mut acknowledged = Vec::new();
        for round in 0..3u64 {
            let at = storage.disk().operations + dice.below(120);
            let stops = Faults { stop_at: Some((at, dice.below(600))), ..Faults::default() };
            storage.disk().faults = match dice.below(4) {
                0 => Faults { fail_at: Some(at), ..Faults::default() },
                1 => Faults { fail_syncs_from: Some(at), ..Faults::default() },
                _ => stops,
            };
            if let Ok(store) = open(&storage, delay) {
                let before = acknowledged.len();
                acknowledged.extend(work(&store, 3, 20, round * 1000));
                failed += u64::from(acknowledged.len() < before + 60);
                assert!(store.flush().is_err() || acknowledged.len() == before + 60)
            }
            match dice.one_in(2) {
                true => storage.lose_power(),
                false => storage.kill(),
            }
            let store = open(&storage, delay).unwrap();
            // Versions are a line: the newest state has all.
            let newest = VersionId::new(store.versions().count() as u64 - 1);
            store.checkout(newest).unwrap();
            let there = store.snapshot();
            assert_eq!(there.len() as u64, newest.number());
            let missing: Vec<_> = acknowledged.iter().filter(|n| !there.contains(n)).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?} were acknowledged and are not there");
            for (n, action) in there.iter().enumerate() {
                assert_eq!(store.action(VersionId::new(n as u64 + 1)).unwrap(), Some(*action))
            }
            assert_eq!(store.verify().unwrap().damages, []);
            lost += u64::from(there.len() == acknowledged.len());
            more += u64::from(there.len() > acknowledged.len());
            // What was on its way may be there too.
            acknowledged = there.into_iter().collect()
        }
    }
    println!(
        "{rounds} logs: {failed} rounds failed; {lost} times just what was acknowledged was there, {more} times more"
    );
    assert!(failed > rounds && lost > rounds / 2 && more > rounds / 10)
}

#[test]
fn many_threads_share_a_sync_and_readers_see_what_waits_for_one() {
    let storage = Simulated::new(1);
    let store = open(&storage, Duration::from_millis(100)).unwrap();
    let before = storage.disk().syncs;
    std::thread::scope(|scope| {
        for n in 0..8 {
            let store = &store;
            scope.spawn(move || store.dispatch(n).unwrap());
        }
        let start = Instant::now();
        while store.snapshot().len() < 8 {
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::yield_now()
        }
    });
    let syncs = storage.disk().syncs - before;
    assert!((1..=4).contains(&syncs), "{syncs} syncs for eight versions");
    // An edit that changes nothing, and travel, wait for no sync.
    let start = Instant::now();
    store.edit("nothing", |_| ()).unwrap();
    store.undo().unwrap();
    assert!(start.elapsed() < Duration::from_millis(80) && storage.disk().syncs == before + syncs)
}

#[test]
fn a_timeline_alone_syncs_each_version_whatever_group_says() {
    let storage = Simulated::new(1);
    let store = open(&storage, Duration::from_secs(3600)).unwrap();
    let mut timeline = store.into_timeline();
    for n in 0..3 {
        let before = storage.disk().syncs;
        timeline.edit("push", |list| list.push_back(n)).unwrap();
        assert_eq!(storage.disk().syncs, before + 1)
    }
    storage.lose_power();
    drop(timeline);
    assert_eq!(open(&storage, Duration::ZERO).unwrap().snapshot().len(), 3)
}

#[test]
fn after_a_sync_that_failed_every_waiter_and_every_later_call_gets_its_error() {
    let storage = Simulated::new(1);
    // Long enough for all four to come, on a busy machine too.
    let store = open(&storage, Duration::from_millis(400)).unwrap();
    store.dispatch(0).unwrap();
    // Four writes, then the sync of all.
    let next = storage.disk().operations + 4;
    storage.disk().faults = Faults { fail_at: Some(next), ..Faults::default() };
    let results: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (1..=4)
            .map(|n| {
                scope.spawn({
                    let store = &store;
                    move || store.dispatch(n)
                })
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for result in results {
        let error = result.unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("the device failed"), "{error}")
    }
    for error in
        [store.dispatch(9).map(drop).unwrap_err(), store.flush().unwrap_err(), store.undo().map(drop).unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Io)
    }
    drop(store);
    storage.lose_power();
    assert_eq!(open(&storage, Duration::ZERO).unwrap().snapshot(), Vector::unit(0))
}

#[test]
fn no_thread_waits_for_ever_or_returns_too_early() {
    for fails_at in [u64::MAX, 0, 7, 300] {
        let waiting = Waiting::new(Duration::ZERO);
        let (end, durable, syncs) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let failures = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let own = end.fetch_add(1, Ordering::SeqCst) + 1;
                        let result = waiting.wait(own, || {
                            let upto = end.load(Ordering::SeqCst);
                            std::thread::yield_now();
                            if syncs.fetch_add(1, Ordering::SeqCst) == fails_at {
                                return Err(Error::new(ErrorKind::Io, "the device failed"));
                            }
                            durable.fetch_max(upto, Ordering::SeqCst);
                            Ok(upto)
                        });
                        match result {
                            Ok(()) => assert!(durable.load(Ordering::SeqCst) >= own),
                            Err(_) => _ = failures.fetch_add(1, Ordering::SeqCst),
                        }
                    }
                });
            }
        });
        let (syncs, failures) = (syncs.into_inner(), failures.into_inner());
        assert_eq!(failures > 0, fails_at != u64::MAX);
        assert!(syncs <= 3000 && (failures == 0 || syncs == fails_at + 1), "{syncs} syncs, {failures} failures")
    }
}

/// A store whose actions say what the state is to be: the same one twice changes something once.
fn setting(storage: &Simulated, delay: Duration) -> Store<u64, u64> {
    let options = Timeline::<u64>::options().durability(Durability::Group(delay));
    Store::durable(options.open_in(Arc::new(storage.clone()), || 0).unwrap(), |state, n| *state = *n)
}

#[test]
fn a_dispatch_that_is_tried_again_after_a_sync_that_failed_fails_again() {
    let storage = Simulated::new(1);
    let store = setting(&storage, Duration::ZERO);
    store.dispatch(1).unwrap();
    // One write, then the sync.
    let next = storage.disk().operations + 1;
    storage.disk().faults = Faults { fail_at: Some(next), ..Faults::default() };
    assert_eq!(store.dispatch(5).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!((store.snapshot(), store.dispatch(5).unwrap_err().kind()), (5, ErrorKind::Io))
}

#[test]
fn what_is_shown_already_is_acknowledged_when_it_is_durable() {
    for seed in 0..8 {
        let storage = Simulated::new(seed);
        let store = setting(&storage, Duration::from_millis(40));
        std::thread::scope(|scope| {
            scope.spawn(|| store.dispatch(5).unwrap());
            while store.snapshot() != 5 {
                std::thread::yield_now()
            }
            assert_eq!(store.dispatch(5).unwrap().version, None);
            storage.lose_power()
        });
        drop(store);
        assert_eq!(setting(&storage, Duration::ZERO).snapshot(), 5)
    }
}
