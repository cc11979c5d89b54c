//! Single verbs of timelines, where the models of `tests.rs` do not go: clocks, clones that panic, names and what is saved after
//! opening again, what travel carries over.

use super::*;
use crate::log::simulated::Simulated;
use crate::vector::Vector;
use std::sync::Arc;

#[test]
fn time_does_not_go_back_whatever_the_clock_says() {
    assert_eq!(Clock::default().now_us(u64::MAX), u64::MAX);
    assert!((1..u64::MAX).contains(&Clock::default().now_us(0)))
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
    let storage = Simulated::new(1);
    for mut timeline in [Timeline::new(Panics(0)), Timeline::options().open_in(Arc::new(storage), Panics(0)).unwrap()] {
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
        assert!(panics > 0 && timeline.head().number() == 1)
    }
}

fn open(storage: &Simulated) -> Timeline<Vector<u64>> {
    Timeline::options().open_in(Arc::new(storage.clone()), Vector::new()).unwrap()
}

fn id(n: u64) -> VersionId {
    VersionId::new(n)
}

#[test]
fn names_and_what_is_saved_are_there_after_opening_again_and_cost_little() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage);
    timeline.edit("", |list| list.push_back(1)).unwrap();
    let bytes = |timeline: &Timeline<Vector<u64>>| timeline.verify().unwrap().bytes;
    let before = bytes(&timeline);
    timeline.branch("main").unwrap();
    println!("the first branch takes {} bytes", bytes(&timeline) - before);
    let before = bytes(&timeline);
    timeline.tag("one", id(1)).unwrap();
    let tag = bytes(&timeline) - before;
    println!("a tag takes {tag} bytes");
    assert!(tag <= 200);
    timeline.edit("", |list| list.push_back(2)).unwrap();
    timeline.mark_saved().unwrap();
    timeline.edit("", |list| list.push_back(3)).unwrap();
    drop(timeline);

    let mut timeline = open(&storage);
    assert_eq!((timeline.current_branch(), timeline.named("main").unwrap()), (Some("main"), id(3)));
    assert_eq!(timeline.tags().unwrap(), [("one".to_owned(), id(1))]);
    assert!(timeline.is_dirty());
    timeline.undo().unwrap();
    assert!(!timeline.is_dirty());
    // Undo does not move the branch, and does not leave it.
    assert_eq!((timeline.current_branch(), timeline.named("main").unwrap()), (Some("main"), id(3)));
    timeline.edit("", |list| list.push_back(4)).unwrap();
    assert_eq!(timeline.named("main").unwrap(), id(4));
    timeline.checkout(id(3)).unwrap();
    assert_eq!(timeline.current_branch(), None);
    timeline.edit("", |list| list.push_back(5)).unwrap();
    assert_eq!(timeline.named("main").unwrap(), id(4));
    drop(timeline);
    let read_only = Timeline::<Vector<u64>>::options().read_only_in(Arc::new(storage.clone())).unwrap();
    assert_eq!((read_only.current_branch(), read_only.named("main").unwrap()), (None, id(4)))
}

#[test]
fn what_travel_carries_over_is_shown_and_no_version_has_changed() {
    for mut timeline in
        [Timeline::new((0, 0)), Timeline::options().open_in(Arc::new(Simulated::new(1)), (0, 0)).unwrap()]
    {
        timeline.on_travel(|left: &(u64, u64), shown| shown.1 = left.1);
        timeline.edit("", |state| *state = (1, 10)).unwrap();
        timeline.edit("", |state| *state = (2, 20)).unwrap();
        timeline.undo().unwrap();
        assert_eq!((timeline.state(), timeline.at(timeline.head()).unwrap()), (&(1, 20), (1, 10)));
        // What is compared with is what is shown.
        assert_eq!(timeline.edit("", |_| ()).unwrap().version, None);
        timeline.redo().unwrap();
        assert_eq!(timeline.state(), &(2, 20));
        timeline.on_travel(|_, _| panic!("travel"));
        let travel = std::panic::AssertUnwindSafe(|| timeline.undo());
        assert!(std::panic::catch_unwind(travel).is_err());
        assert_eq!((timeline.state(), timeline.head()), (&(2, 20), id(2)))
    }
}
