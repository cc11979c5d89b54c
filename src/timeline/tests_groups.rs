//! Single verbs of groups, gestures and edits that join each other, and what each other verb says meanwhile.

use super::*;
use crate::error::cannot_thaw;
use crate::log::simulated::Simulated;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn id(n: u64) -> VersionId {
    VersionId::new(n)
}

/// One in memory and one in a log.
fn both<T: State>(initial: T) -> [Timeline<T>; 2] {
    let storage = Arc::new(Simulated::new(1));
    [Timeline::new(initial.clone()), Timeline::options().open_in(storage, || initial).unwrap()]
}

/// Each call that goes to another version, makes one or changes a name, where it would succeed; and what it says.
fn moves(timeline: &mut Timeline<u64>) -> [(&'static str, Result<()>); 16] {
    [
        ("undo", timeline.undo().map(drop)),
        ("redo", timeline.redo().map(drop)),
        ("redo_to", timeline.redo_to(id(2))),
        ("jump", timeline.jump(-1).map(drop)),
        ("checkout", timeline.checkout(id(0))),
        ("rollback", timeline.rollback(id(0))),
        ("restore", timeline.restore(id(0)).map(drop)),
        ("earlier", timeline.earlier(Duration::MAX).map(drop)),
        ("later", timeline.later(Duration::from_secs(1)).map(drop)),
        ("branch", timeline.branch("new")),
        ("switch", timeline.switch("main")),
        ("tag", timeline.tag("here", id(0))),
        ("rename", timeline.rename("one", "uno")),
        ("delete", timeline.delete("two")),
        ("mark_saved", timeline.mark_saved()),
        ("begin", timeline.begin("another").map(drop)),
    ]
}

fn where_it_stands(timeline: &Timeline<u64>) -> impl PartialEq + std::fmt::Debug + use<> {
    let names = (timeline.branches().unwrap(), timeline.tags().unwrap());
    let (on, saved) = (timeline.current_branch().map(str::to_owned), timeline.names.saved);
    (timeline.head(), timeline.tip, timeline.versions().count(), names, on, saved)
}

#[test]
fn in_a_group_and_while_a_gesture_is_open_every_move_and_every_change_of_a_name_is_a_conflict() {
    for mut timeline in both(0) {
        (1..=3).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
        timeline.branch("main").unwrap();
        timeline.tag("one", id(1)).unwrap();
        timeline.tag("two", id(2)).unwrap();
        timeline.checkout(id(2)).unwrap();
        timeline.rollback(id(1)).unwrap();
        let before = where_it_stands(&timeline);
        let refused = |timeline: &mut Timeline<u64>, state: u64| {
            for (call, result) in moves(timeline) {
                assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::Conflict), "{call}");
                assert_eq!((&where_it_stands(timeline), *timeline.state()), (&before, state), "{call}")
            }
        };
        let group = timeline.group("group", |timeline| {
            timeline.edit("", |state| *state = 10)?;
            refused(timeline, 10);
            Err::<(), _>(Error::new(ErrorKind::Incompatible, "wanted"))
        });
        assert_eq!(group.unwrap_err().kind(), ErrorKind::Incompatible);

        let gesture = timeline.begin("gesture").unwrap();
        timeline.update(&gesture, |state| *state = 20).unwrap();
        refused(&mut timeline, 20);
        let edits = [
            timeline.edit("", |state| *state = 30).map(drop),
            timeline.commit("", 30).map(drop),
            timeline.group("", |_| Ok(())).map(drop),
        ];
        assert!(edits.into_iter().all(|result| result.unwrap_err().kind() == ErrorKind::Conflict));
        assert_eq!((&where_it_stands(&timeline), *timeline.state()), (&before, 20));
        drop(gesture);
        // And none is any more.
        for (call, result) in moves(&mut timeline) {
            assert!(result.is_ok(), "{call}: {result:?}")
        }
    }
}

#[test]
fn a_gesture_is_taken_only_by_the_timeline_that_began_it() {
    let (mut one, mut other) = (Timeline::new(0), Timeline::new(0));
    let gesture = one.begin("one").unwrap();
    one.update(&gesture, |state| *state = 1).unwrap();
    // That has none of its own.
    assert_eq!(other.update(&gesture, |state| *state = 2).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(other.finish(gesture).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!((*one.state(), *other.state()), (0, 0));
    // That has.
    let (gesture, its) = (one.begin("one").unwrap(), other.begin("other").unwrap());
    other.update(&its, |state| *state = 3).unwrap();
    assert_eq!(other.update(&gesture, |state| *state = 2).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(other.finish(gesture).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!((*other.state(), other.finish(its).unwrap()), (3, Some(id(1))))
}

#[test]
fn a_node_that_cannot_be_read_is_an_error_of_update_and_of_travel_and_changes_nothing() {
    let unread = || cannot_thaw(Error::new(ErrorKind::Corrupt, "a record is damaged"));
    for mut timeline in both(0) {
        timeline.edit("", |state| *state = 1).unwrap();
        let gesture = timeline.begin("gesture").unwrap();
        timeline.update(&gesture, |state| *state = 2).unwrap();
        let update = timeline.update(&gesture, |state| {
            *state = 3;
            unread()
        });
        assert_eq!((update.unwrap_err().kind(), *timeline.state()), (ErrorKind::Corrupt, 2));
        assert_eq!((timeline.finish(gesture).unwrap(), *timeline.state()), (Some(id(2)), 2));
        timeline.on_travel(move |_, _| unread());
        assert_eq!(timeline.undo().unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!((timeline.head(), *timeline.state(), timeline.can_redo()), (id(2), 2, false))
    }
}

#[test]
fn what_a_dropped_gesture_made_is_let_go_with_the_next_call() {
    let mut timeline = Timeline::new(None);
    let (gesture, made) = (timeline.begin("gesture").unwrap(), Arc::new(()));
    timeline.update(&gesture, |state| *state = Some(made.clone())).unwrap();
    drop(gesture);
    assert!(timeline.state().is_none());
    timeline.undo().unwrap();
    assert_eq!(Arc::strong_count(&made), 1)
}

#[test]
fn a_group_or_gesture_that_has_changed_nothing_yet_is_not_dirty() {
    let mut timeline = Timeline::new(0);
    let is_dirty = timeline.group("", |timeline| Ok::<_, Error>(timeline.is_dirty())).unwrap().value;
    assert!(!is_dirty);
    let gesture = timeline.begin("").unwrap();
    assert!(!timeline.is_dirty());
    timeline.update(&gesture, |state| *state = 1).unwrap();
    assert!(timeline.is_dirty());
    drop(gesture);
    assert!(!timeline.is_dirty())
}

/// A timeline with a clock that is set by hand.
fn timed(storage: Option<&Simulated>) -> (Timeline<u64>, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(1_000_000));
    let its = clock.clone();
    let now = move || SystemTime::UNIX_EPOCH + Duration::from_micros(its.load(Ordering::Relaxed));
    let options = Timeline::options().clock(now);
    let timeline = match storage {
        Some(storage) => options.open_in(Arc::new(storage.clone()), || 0).unwrap(),
        None => options.in_memory(0),
    };
    (timeline, clock)
}

#[test]
fn edits_join_as_long_as_they_are_close_to_the_last_and_to_the_first() {
    let storage = Simulated::new(1);
    for (mut timeline, clock) in [timed(None), timed(Some(&storage))] {
        let us = Duration::from_micros;
        timeline.set_grouping(Grouping::idle(us(100)).max_open(us(250)));
        // So long after the one before, and how many it joins.
        let ticks =
            [(0, 0), (100, 1), (101, 0), (99, 1), (100, 2), (51, 3), (1, 0), (100, 1), (100, 2), (50, 3), (0, 4)];
        let mut edit = |label: &str, n: u64, joins: u64| {
            let made = timeline.edit(label, |state| *state += 1).unwrap().version.unwrap();
            assert_eq!(timeline.home.past.line(made.number()).unwrap().joins, joins, "edit {n}");
            assert_eq!(timeline.version(made).unwrap().joins, joins > 0, "edit {n}")
        };
        for (n, (tick, joins)) in (0..).zip(ticks) {
            clock.fetch_add(tick, Ordering::Relaxed);
            edit("type", n, joins)
        }
        edit("other", 100, 0);
        edit("other", 101, 1);
        timeline.set_author("ann");
        let joins_next = |timeline: &mut Timeline<u64>| {
            let made = timeline.edit("other", |state| *state += 1).unwrap().version.unwrap();
            timeline.version(made).unwrap().joins
        };
        assert!(!joins_next(&mut timeline) && joins_next(&mut timeline));
        timeline.break_group();
        assert!(!joins_next(&mut timeline) && joins_next(&mut timeline));
        timeline.set_grouping(Grouping::idle(us(100)));
        assert!(!joins_next(&mut timeline) && joins_next(&mut timeline));
        timeline.undo().unwrap();
        timeline.redo().unwrap();
        assert!(!joins_next(&mut timeline) && joins_next(&mut timeline));
        let head = timeline.head();
        timeline.restore(head).unwrap();
        assert!(!joins_next(&mut timeline))
    }
}

#[test]
fn a_group_and_a_gesture_are_called_what_they_were_begun_as() {
    for mut timeline in both(0) {
        timeline.group("group", |timeline| timeline.edit("inside", |state| *state += 1)).unwrap();
        let gesture = timeline.begin("gesture").unwrap();
        timeline.update(&gesture, |state| *state += 1).unwrap();
        timeline.finish(gesture).unwrap();
        let labels = [1, 2].map(|n| timeline.version(id(n)).unwrap().label);
        assert_eq!(labels, ["group", "gesture"])
    }
}

#[test]
fn an_edit_joins_no_group_and_no_gesture_and_these_join_no_edit() {
    for mut timeline in both(0) {
        timeline.set_grouping(Grouping::idle(Duration::from_secs(3600)));
        let joins = |timeline: &Timeline<u64>| timeline.version(timeline.head()).unwrap().joins;
        let edit = |timeline: &mut Timeline<u64>| {
            timeline.edit("same", |state| *state += 1).unwrap();
            joins(timeline)
        };
        assert!(!edit(&mut timeline) && edit(&mut timeline));
        timeline.group("same", |timeline| timeline.edit("same", |state| *state += 1)).unwrap();
        assert!(!joins(&timeline) && !edit(&mut timeline) && edit(&mut timeline));
        let gesture = timeline.begin("same").unwrap();
        timeline.update(&gesture, |state| *state += 1).unwrap();
        timeline.finish(gesture).unwrap();
        assert!(!joins(&timeline) && !edit(&mut timeline) && edit(&mut timeline))
    }
}

#[test]
fn who_watches_a_gesture_hears_that_it_was_dropped_and_not_that_it_was_finished() {
    let heard = Arc::new(AtomicU64::new(0));
    let (mut timeline, mut other) = (Timeline::new(0), Timeline::new(0));
    let begin = |timeline: &mut Timeline<u64>| {
        let heard = heard.clone();
        timeline.begin_watched("", Some(Box::new(move || _ = heard.fetch_add(1, Ordering::Relaxed)))).unwrap()
    };
    let gesture = begin(&mut timeline);
    timeline.update(&gesture, |state| *state = 1).unwrap();
    timeline.finish(gesture).unwrap();
    assert_eq!(heard.load(Ordering::Relaxed), 0);
    drop(begin(&mut timeline));
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    // Finished elsewhere it is cancelled.
    other.finish(begin(&mut timeline)).unwrap_err();
    assert_eq!(heard.load(Ordering::Relaxed), 2)
}

#[test]
fn what_is_marked_as_saved_already_is_not_noted_again_and_ends_no_group() {
    let storage = Simulated::new(1);
    let (mut timeline, _) = timed(Some(&storage));
    timeline.set_grouping(Grouping::idle(Duration::from_secs(1)));
    timeline.edit("type", |state| *state = 1).unwrap();
    timeline.mark_saved().unwrap();
    timeline.edit("type", |state| *state = 2).unwrap();
    assert!(!timeline.version(id(2)).unwrap().joins, "a mark ends a group");
    timeline.mark_saved().unwrap();
    timeline.edit("type", |state| *state = 3).unwrap();
    timeline.undo().unwrap();
    let operations = || storage.disk().operations;
    let before = operations();
    timeline.mark_saved().unwrap();
    assert_eq!(operations(), before);
    assert!(!timeline.is_dirty())
}

#[test]
fn where_versions_have_the_same_time_earlier_goes_to_none_that_is_newer() {
    let (mut timeline, clock) = timed(None);
    for n in 1..=4 {
        timeline.edit("", |state| *state = n).unwrap();
    }
    timeline.checkout(id(2)).unwrap();
    assert_eq!(timeline.earlier(Duration::ZERO).unwrap(), id(2));
    assert_eq!(timeline.later(Duration::ZERO).unwrap(), id(2));
    clock.fetch_add(1, Ordering::Relaxed);
    timeline.edit("", |state| *state = 5).unwrap();
    assert_eq!(timeline.earlier(Duration::from_micros(1)).unwrap(), id(4))
}

#[test]
fn a_span_longer_than_all_time_leads_to_the_first_or_the_newest_version() {
    let (mut timeline, clock) = timed(None);
    for n in 1..=4 {
        clock.fetch_add(400_000, Ordering::Relaxed);
        timeline.edit("", |state| *state = n).unwrap();
    }
    // In microseconds these are 2 to the power of 64 and some more.
    for span in [Duration::from_secs(18_446_744_073_710), Duration::MAX] {
        assert_eq!(timeline.earlier(span).unwrap(), id(0));
        assert_eq!(timeline.later(span).unwrap(), id(4))
    }
}

#[test]
fn what_was_shown_or_made_is_not_read_again_until_it_wrote_too_much() {
    let storage = Simulated::new(1);
    let open = || Timeline::options().open_in(Arc::new(storage.clone()), Vec::new).unwrap();
    let large = |n: u8| vec![n; 200 << 10];
    let mut timeline: Timeline<Vec<u8>> = open();
    (1..=40).for_each(|n| _ = timeline.edit("", |state| *state = large(n)).unwrap());
    let reads = |timeline: &mut Timeline<Vec<u8>>, go: &dyn Fn(&mut Timeline<Vec<u8>>)| {
        let before = storage.disk().reads;
        go(timeline);
        storage.disk().reads - before
    };
    // Those that wrote four megabytes are kept.
    assert_eq!(reads(&mut timeline, &|timeline| timeline.checkout(id(25)).unwrap()), 0);
    assert_ne!(reads(&mut timeline, &|timeline| timeline.checkout(id(5)).unwrap()), 0);
    drop(timeline);
    let mut timeline = open();
    timeline.checkout(id(30)).unwrap();
    timeline.group("", |timeline| timeline.edit("", |state| *state = large(41))).unwrap();
    let gesture = timeline.begin("").unwrap();
    timeline.update(&gesture, |state| *state = large(42)).unwrap();
    timeline.finish(gesture).unwrap();
    let all = |timeline: &mut Timeline<Vec<u8>>| {
        assert_eq!((timeline.undo().unwrap(), timeline.undo().unwrap()), (Some(id(41)), Some(id(30))))
    };
    assert_eq!(reads(&mut timeline, &all), 0);
    // A state that was made from none of these takes their place.
    timeline.commit("", large(43)).unwrap();
    assert_ne!(reads(&mut timeline, &|timeline| timeline.checkout(id(42)).unwrap()), 0)
}
