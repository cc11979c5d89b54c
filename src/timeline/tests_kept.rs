//! Timelines in memory that let versions go: what stays, and what each verb says of what does not.

use super::*;
use crate::log::simulated::Simulated;
use std::sync::Arc;
use std::time::Duration;

fn id(n: u64) -> VersionId {
    VersionId::new(n)
}

#[test]
fn versions_are_let_go_but_for_the_newest_and_those_with_names() {
    let one = Arc::new(());
    let mut timeline = Timeline::options().keep_versions(10).in_memory((0u64, one.clone()));
    timeline.edit("", |state| state.0 = 1).unwrap();
    timeline.tag("one", id(1)).unwrap();
    for n in 2..=100 {
        timeline.edit("", |state| state.0 = n).unwrap();
    }
    // Ten, the named one, and ours.
    assert_eq!(Arc::strong_count(&one), 12);
    assert_eq!(
        timeline.versions().map(|version| version.unwrap().id.number()).collect::<Vec<_>>(),
        (91..=100).collect::<Vec<_>>()
    );
    assert_eq!((timeline.at(id(1)).unwrap().0, timeline.at(id(50)).unwrap_err().kind()), (1, ErrorKind::NotFound));
    assert_eq!(timeline.log().count(), 10);
    let steps = std::iter::from_fn(|| timeline.undo().unwrap()).count();
    assert_eq!((steps, timeline.head(), timeline.can_undo()), (9, id(91), false));
    assert_eq!(timeline.earlier(Duration::from_secs(1000)).unwrap(), id(91));
    timeline.checkout(id(1)).unwrap();
    assert!(timeline.undo().unwrap().is_none());
    // A branch from there lets the oldest go.
    timeline.edit("", |state| state.0 = 101).unwrap();
    assert_eq!((timeline.head(), timeline.undo().unwrap()), (id(101), Some(id(1))));
    assert_eq!(timeline.at(id(91)).unwrap_err().kind(), ErrorKind::NotFound);
    timeline.checkout(id(100)).unwrap();
    assert_eq!(timeline.jump(-100).unwrap(), id(92));
    assert_eq!(timeline.jump(100).unwrap(), id(100))
}

#[test]
fn versions_are_let_go_by_bytes() {
    let measure = |old: &Vec<u8>, new: &Vec<u8>| (new.len() - old.len().min(new.len())) as u64;
    let mut timeline = Timeline::options().keep_bytes(100, measure).in_memory(Vec::new());
    for n in 1..=50 {
        timeline.edit("", |state| state.resize(10 * n, 0)).unwrap();
    }
    assert_eq!(timeline.versions().count(), 10);
    timeline.edit("", |state| state.resize(2000, 0)).unwrap();
    assert_eq!(timeline.versions().count(), 1);
    let on_disk = Timeline::<u64>::options().keep_versions(3).open_in(Arc::new(Simulated::new(1)), 0);
    assert_eq!(on_disk.err().unwrap().kind(), ErrorKind::Invalid)
}

#[test]
fn what_can_be_undone_is_what_undo_does_where_part_of_a_group_was_let_go() {
    for edits in 1..=10 {
        let mut timeline = Timeline::options().keep_versions(4).in_memory(0);
        timeline.set_grouping(Grouping::idle(Duration::from_secs(3600)));
        (1..=edits).for_each(|n| _ = timeline.edit("type", |state| *state = n).unwrap());
        // To the first version of all, if that is one of the four.
        let expected = (edits < 4).then_some(id(0));
        assert_eq!((timeline.can_undo(), timeline.undo().unwrap()), (expected.is_some(), expected), "{edits} edits")
    }
}

#[test]
fn a_measure_that_wraps_around_breaks_nothing() {
    let measure = |old: &Vec<u8>, new: &Vec<u8>| (new.len() as u64).wrapping_sub(old.len() as u64);
    let mut timeline = Timeline::options().keep_bytes(100, measure).in_memory(vec![0u8; 20]);
    for (n, len) in [10, 9, 60, 80, 120, 180, 200].into_iter().enumerate() {
        timeline.commit("", vec![n as u8; len]).unwrap();
        assert_eq!(timeline.at(timeline.head()).unwrap(), *timeline.state(), "at {n}");
        // The sum is what its parts are: what was let go is not in it any more.
        let kept = timeline.versions().count();
        assert_eq!(kept, [1, 1, 1, 2, 2, 2, 2][n], "at {n}")
    }
}
