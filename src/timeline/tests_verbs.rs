//! Single verbs of timelines, where the models of `tests.rs` do not go: clocks, clones that panic, names and what is saved after
//! opening again, what travel carries over.

use super::*;
use crate::log::simulated::Simulated;
use crate::log::{StampKind, Tags};
use crate::vector::Vector;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A timeline whose clock shows so many seconds.
fn clocked(seconds: &Arc<AtomicU64>) -> Timeline<String> {
    let own = seconds.clone();
    let now = move || SystemTime::UNIX_EPOCH + Duration::from_secs(own.load(Ordering::Relaxed));
    Timeline::options().clock(now).in_memory(String::new())
}

#[test]
fn a_clock_that_was_wrong_once_joins_no_edits_that_are_far_apart() {
    let clock = Arc::new(AtomicU64::new(1_000_000));
    let mut timeline = clocked(&clock);
    timeline.set_grouping(Grouping::idle(Duration::from_secs(10)).max_open(Duration::from_secs(60)));
    // A year ahead for one edit.
    clock.store(32_000_000, Ordering::Relaxed);
    timeline.edit("type", |text| text.push('a')).unwrap();
    for hour in 1..20 {
        clock.store(1_000_000 + 3600 * hour, Ordering::Relaxed);
        timeline.edit("type", |text| text.push('b')).unwrap();
        clock.fetch_add(10, Ordering::Relaxed);
        timeline.edit("type", |text| text.push('b')).unwrap();
    }
    timeline.undo().unwrap();
    assert_eq!(timeline.state().len(), 37);
    let times: Vec<_> = timeline.versions().map(|version| version.unwrap().time).collect();
    assert!(times.is_sorted() && *times.last().unwrap() == SystemTime::UNIX_EPOCH + Duration::from_secs(32_000_000))
}

#[test]
fn groups_gestures_and_edits_without_a_label_are_undone_by_themselves() {
    let mut timeline = clocked(&Arc::default());
    timeline.set_grouping(Grouping::idle(Duration::from_secs(10)));
    let add = |text: &mut String| text.push('a');
    for _ in 0..2 {
        timeline.edit("same", add).unwrap();
        timeline.group("same", |timeline| timeline.edit("same", add)).unwrap();
        let gesture = timeline.begin("same").unwrap();
        timeline.update(&gesture, add).unwrap();
        timeline.finish(gesture).unwrap();
        timeline.edit("", add).unwrap();
        timeline.edit("", add).unwrap();
    }
    assert_eq!(std::iter::from_fn(|| timeline.undo().unwrap()).count(), 10)
}

#[test]
fn what_is_changed_and_no_version_yet_is_dirty_and_nothing_else_is() {
    let mut timeline = Timeline::new(0);
    let gesture = timeline.begin("drag").unwrap();
    timeline.update(&gesture, |n| *n = 0).unwrap();
    assert!(!timeline.is_dirty());
    timeline.update(&gesture, |n| *n = 1).unwrap();
    assert!(timeline.is_dirty());
    drop(gesture);
    assert!(!timeline.is_dirty());
    timeline
        .group("outer", |timeline| {
            assert!(!timeline.is_dirty());
            timeline.group("inner", |timeline| timeline.edit("", |n| *n = 1))?;
            assert!(timeline.is_dirty());
            timeline.commit("", 0)
        })
        .unwrap();
    assert!(!timeline.is_dirty())
}

#[test]
fn a_long_label_or_author_is_kept_as_far_as_its_stamp_has_room() {
    let long = "ü".repeat(20_000);
    for mut timeline in [Timeline::new(0), Timeline::options().open_in(Arc::new(Simulated::new(1)), || 0).unwrap()] {
        timeline.set_author(&*format!("a{long}"));
        let id = timeline.edit(&long, |n| *n = 1).unwrap().version.unwrap();
        let Version { label, author, .. } = timeline.version(id).unwrap();
        assert_eq!((label.len(), author.unwrap().len()), (4096, 4095));
        assert!(long.starts_with(&label))
    }
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
    for mut timeline in
        [Timeline::new(Panics(0)), Timeline::options().open_in(Arc::new(storage), || Panics(0)).unwrap()]
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
        assert!(panics > 0 && timeline.head().number() == 1)
    }
}

#[test]
fn an_edit_that_panics_ends_no_group() {
    let measure = |_: &u64, new: &u64| if *new == 13 { panic!("this state is not measured") } else { 1 };
    let mut timeline = Timeline::options().keep_bytes(1000, measure).in_memory(0);
    timeline.set_grouping(Grouping::idle(Duration::from_secs(3600)));
    let mut set = |n: u64| {
        let edit = std::panic::AssertUnwindSafe(|| timeline.edit("set", |state| *state = n).map(|_| ()));
        let is_made = std::panic::catch_unwind(edit).is_ok();
        (is_made, timeline.version(timeline.head()).unwrap().joins)
    };
    assert_eq!([1, 13, 2].map(&mut set), [(true, false), (false, false), (true, true)])
}

fn open(storage: &Simulated) -> Timeline<Vector<u64>> {
    Timeline::options().open_in(Arc::new(storage.clone()), Vector::new).unwrap()
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
    let mut read_only = Timeline::<Vector<u64>>::options().read_only_in(Arc::new(storage.clone())).unwrap();
    assert_eq!((read_only.current_branch(), read_only.named("main").unwrap()), (None, id(4)));
    // Whoever reads only may stand anywhere, and call it as he likes.
    let before = storage.files();
    read_only.switch("main").unwrap();
    assert_eq!(read_only.undo().unwrap(), Some(id(2)));
    read_only.tag("here", id(2)).unwrap();
    read_only.mark_saved().unwrap();
    assert_eq!(
        (read_only.named("here").unwrap(), read_only.is_dirty(), storage.files() == before),
        (id(2), false, true)
    )
}

#[test]
fn what_is_no_name_is_refused_by_each_call_that_gives_one() {
    let (long, too_long) = ("x".repeat(255), "x".repeat(256));
    let bad =
        ["", "a b", "a\u{a0}b", "a\u{2003}", "a\tb", "a\u{7}b", "a\0", "@a", "-a", "-", "0", "007", &too_long, "taken"];
    let good = ["a", "7a", "a7", "a-b", "a@b", "é", "feature/x", &long];
    for mut timeline in [Timeline::new(0), Timeline::options().open_in(Arc::new(Simulated::new(1)), || 0).unwrap()] {
        timeline.tag("taken", id(0)).unwrap();
        timeline.branch("here").unwrap();
        for name in bad {
            let calls = [timeline.branch(name), timeline.tag(name, id(0)), timeline.rename("here", name)];
            assert!(calls.into_iter().all(|call| call.unwrap_err().kind() == ErrorKind::Invalid), "{name:?}");
        }
        assert_eq!(timeline.rename("here", "here").unwrap_err().kind(), ErrorKind::Invalid, "taken by itself");
        let why =
            [("", "is empty"), ("a b", "a space"), ("@a", "reserved"), ("7", "is a number"), ("taken", "is taken")];
        assert!(why.iter().all(|(name, why)| timeline.branch(name).unwrap_err().to_string().contains(why)));
        for name in good {
            timeline.branch(name).unwrap();
            timeline.delete(name).unwrap();
            timeline.tag(name, id(0)).unwrap();
            timeline.rename(name, "other").unwrap();
            timeline.rename("other", name).unwrap();
            assert_eq!(timeline.named(name).unwrap(), id(0))
        }
        let names = |list: Vec<(String, VersionId)>| list.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let tags = ["7a", "a", "a-b", "a7", "a@b", "feature/x", "taken", &long, "é"];
        assert_eq!(
            (names(timeline.tags().unwrap()), names(timeline.branches().unwrap())),
            (tags.map(String::from).into(), vec!["here".into()])
        )
    }
}

#[test]
fn names_have_a_stamp_of_their_own_and_are_synced_unless_nothing_is() {
    let durabilities = [Durability::Sync, Durability::Group(Duration::ZERO), Durability::None];
    for (durability, is_shared) in
        durabilities.into_iter().flat_map(|durability| [(durability, false), (durability, true)])
    {
        let storage = Simulated::new(1);
        let options = || Timeline::options().durability(durability);
        let mut timeline = options().open_in(Arc::new(storage.clone()), || 0).unwrap();
        assert_eq!(is_shared && timeline.share_syncs().is_some(), is_shared && durability == durabilities[1]);
        timeline.edit("", |state| *state = 1).unwrap();
        let syncs = || storage.disk().syncs;
        let last = || {
            crate::log::Reader::open(Arc::new(storage.clone()), &options().log_options().identity).unwrap().1.unwrap()
        };
        let change = || last().tags.get(Tags::CHANGE).and_then(Change::from_bytes);
        let before = syncs();
        timeline.undo().unwrap();
        assert_eq!((syncs() - before, last().kind, change()), (0, StampKind::Move, None));
        timeline.tag("one", id(0)).unwrap();
        timeline.branch("two").unwrap();
        assert_eq!(syncs() - before, if durability == Durability::None { 0 } else { 2 }, "{durability:?}");
        assert_eq!((last().kind, change()), (StampKind::Names, Some(Change::Branch { name: "two".into(), id: 0 })));
        timeline.delete("one").unwrap();
        assert_eq!((last().kind, change()), (StampKind::Names, Some(Change::Delete { name: "one".into() })))
    }
}

#[test]
fn what_travel_carries_over_is_shown_and_no_version_has_changed() {
    for mut timeline in
        [Timeline::new((0, 0)), Timeline::options().open_in(Arc::new(Simulated::new(1)), || (0, 0)).unwrap()]
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
