//! Timelines in memory that let versions go: what stays, what each verb says of what does not, and readers beside.

use super::home::Past;
use super::*;
use crate::log::simulated::Simulated;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

fn id(n: u64) -> VersionId {
    VersionId::new(n)
}

fn ids(versions: &[VersionId]) -> Vec<u64> {
    versions.iter().map(|id| id.number()).collect()
}

fn keeps(versions: u64) -> Timeline<u64> {
    Timeline::options().keep_versions(versions).in_memory(0)
}

/// Versions up to this number, if none was undone.
fn count_to(timeline: &mut Timeline<u64>, n: u64) {
    (*timeline.state() + 1..=n).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap())
}

/// A time that is set, and a clock that tells it.
fn clock() -> (Arc<Mutex<SystemTime>>, impl Fn() -> SystemTime + Send + Sync + 'static) {
    let now = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1000)));
    let clock = now.clone();
    (now, move || *clock.lock().unwrap())
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
    let listed = timeline.versions().map(|version| version.unwrap().id.number());
    assert_eq!(listed.collect::<Vec<_>>(), std::iter::once(1).chain(91..=100).collect::<Vec<_>>());
    assert_eq!((timeline.at(id(1)).unwrap().0, timeline.at(id(50)).unwrap_err().kind()), (1, ErrorKind::NotFound));
    assert_eq!(timeline.log().count(), 10);
    let steps = std::iter::from_fn(|| timeline.undo().unwrap()).count();
    assert_eq!((steps, timeline.head(), timeline.can_undo()), (9, id(91), false));
    assert_eq!(timeline.earlier(Duration::from_secs(1000)).unwrap(), id(1));
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
    let on_disk = Timeline::<u64>::options().keep_versions(3).open_in(Arc::new(Simulated::new(1)), || 0);
    assert_eq!(on_disk.err().unwrap().kind(), ErrorKind::Invalid);
    let folder = std::env::temp_dir().join(format!("backstory-kept-{}", std::process::id()));
    let migrated = Timeline::<u64>::options().keep_versions(3).migrate(&Timeline::new(7u64), &folder, |n| n);
    assert_eq!((migrated.err().unwrap().kind(), folder.exists()), (ErrorKind::Invalid, false))
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

#[test]
fn what_was_let_go_is_not_found_by_any_verb() {
    let mut timeline = keeps(3);
    count_to(&mut timeline, 10);
    timeline.undo().unwrap();
    timeline.edit("", |state| *state = 77).unwrap();
    let (gone, reader) = (id(4), timeline.reader());
    let errors = [
        timeline.at(gone).map(drop),
        timeline.version(gone).map(drop),
        timeline.checkout(gone),
        timeline.restore(gone).map(drop),
        timeline.rollback(gone),
        timeline.redo_to(gone),
        timeline.tag("old", gone),
        timeline.digest(gone).map(drop),
        reader.at(gone).map(drop),
        reader.version(gone).map(drop),
    ]
    .map(|result| result.unwrap_err());
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::NotFound), "{errors:#?}");
    assert!(errors[0].to_string().contains("keep more"), "{}", errors[0]);
    assert_eq!((timeline.head(), timeline.tags().unwrap()), (id(11), vec![]))
}

#[test]
fn redo_ends_where_the_next_version_was_let_go() {
    let mut timeline = keeps(3);
    timeline.tag("start", id(0)).unwrap();
    count_to(&mut timeline, 10);
    timeline.checkout(id(0)).unwrap();
    assert_eq!((timeline.can_redo(), timeline.redo().unwrap(), timeline.jump(1).unwrap()), (false, None, id(0)));
    assert_eq!(timeline.redo_choices().unwrap(), []);
    // What is kept can be gone to all the same.
    timeline.redo_to(id(9)).unwrap();
    assert_eq!((timeline.can_redo(), timeline.redo().unwrap()), (true, Some(id(10))))
}

#[test]
fn choices_and_heads_are_versions_that_can_be_gone_to() {
    let mut timeline = keeps(4);
    timeline.tag("start", id(0)).unwrap();
    count_to(&mut timeline, 3);
    timeline.checkout(id(0)).unwrap();
    timeline.edit("", |state| *state = 100).unwrap();
    timeline.tag("branch", id(4)).unwrap();
    count_to(&mut timeline, 120);
    timeline.checkout(id(0)).unwrap();
    assert_eq!((ids(&timeline.redo_choices().unwrap()), ids(&timeline.heads().unwrap())), (vec![4], vec![24]));
    timeline.redo_to(id(4)).unwrap();

    // Three versions back, four forward, for ever.
    let mut timeline = keeps(9);
    for frame in 1..=100 {
        timeline.jump(-3).unwrap();
        (0..4).for_each(|n| _ = timeline.edit("", |state| *state = frame * 10 + n).unwrap());
        let heads = timeline.heads().unwrap();
        assert!(heads.iter().all(|&head| timeline.at(head).is_ok()) && heads.len() <= 3, "{heads:?}")
    }
}

#[test]
fn a_jump_goes_the_way_it_is_told_as_far_as_versions_are_kept() {
    let mut timeline = keeps(3);
    timeline.tag("zero", id(0)).unwrap();
    count_to(&mut timeline, 1);
    timeline.tag("one", id(1)).unwrap();
    count_to(&mut timeline, 10);
    for (from, steps, to) in
        [(1, 3, 1), (1, 6, 1), (1, 8, 9), (1, 100, 10), (0, 1, 1), (0, 5, 1), (9, -5, 8), (10, -9, 1), (8, 5, 10)]
    {
        timeline.checkout(id(10)).unwrap();
        timeline.checkout(id(from)).unwrap();
        assert_eq!(timeline.jump(steps).unwrap(), id(to), "{steps} from {from}")
    }
}

#[test]
fn versions_with_names_are_listed_and_found_by_time() {
    let (now, clock) = clock();
    let start = *now.lock().unwrap();
    let minutes = |n: u64| start + Duration::from_secs(60 * n);
    let mut timeline = Timeline::options().keep_versions(2).clock(clock).in_memory(0);
    for n in 1..10 {
        *now.lock().unwrap() = minutes(n);
        timeline.edit("", |state| *state = n).unwrap();
        if n == 3 {
            timeline.tag("start", id(0)).unwrap_err();
            timeline.tag("three", id(3)).unwrap()
        }
    }
    let listed: Vec<_> = timeline.versions().map(|version| version.unwrap().id.number()).collect();
    assert_eq!(listed, [3, 8, 9]);
    let found = |n| timeline.as_of(minutes(n)).unwrap().map(VersionId::number);
    assert_eq!(
        [1, 2, 3, 4, 7, 8, 9, 20].map(found),
        [None, None, Some(3), Some(3), Some(3), Some(8), Some(9), Some(9)]
    );
    assert_eq!(timeline.earlier(Duration::from_secs(120)).unwrap(), id(3));
    assert_eq!(timeline.later(Duration::from_secs(60)).unwrap(), id(3));
    assert_eq!(timeline.later(Duration::from_secs(300)).unwrap(), id(8));
    assert_eq!(timeline.earlier(Duration::from_secs(3600)).unwrap(), id(3))
}

#[derive(Clone)]
struct Big(Arc<u64>);

impl PartialEq for Big {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// How many of these states are still there.
fn alive(states: &[Weak<u64>]) -> usize {
    states.iter().filter(|state| state.strong_count() > 0).count()
}

/// A timeline of these states that keeps two versions.
fn bigs(states: &mut Vec<Weak<u64>>) -> Timeline<Big> {
    let first = Arc::new(0);
    states.push(Arc::downgrade(&first));
    Timeline::options().keep_versions(2).in_memory(Big(first))
}

fn more(timeline: &mut Timeline<Big>, states: &mut Vec<Weak<u64>>) {
    let state = Arc::new(states.len() as u64);
    states.push(Arc::downgrade(&state));
    timeline.commit("", Big(state)).unwrap();
}

#[test]
fn a_version_goes_with_its_last_name() {
    let mut states = vec![];
    let mut timeline = bigs(&mut states);
    timeline.tag("one", id(0)).unwrap();
    timeline.tag("two", id(0)).unwrap();
    (0..5).for_each(|_| more(&mut timeline, &mut states));
    assert_eq!(alive(&states), 3);
    timeline.delete("one").unwrap();
    timeline.rename("two", "three").unwrap();
    assert_eq!(alive(&states), 3);
    timeline.delete("three").unwrap();
    // It may have another one until a version is made.
    timeline.tag("four", id(0)).unwrap();
    more(&mut timeline, &mut states);
    timeline.delete("four").unwrap();
    assert_eq!(alive(&states), 3);
    more(&mut timeline, &mut states);
    assert_eq!((alive(&states), timeline.at(id(0)).map(drop).unwrap_err().kind()), (2, ErrorKind::NotFound));
    // A tag that moves along.
    for _ in 0..100 {
        timeline.delete("autosave").ok();
        timeline.tag("autosave", timeline.head()).unwrap();
        (0..5).for_each(|_| more(&mut timeline, &mut states));
        assert_eq!(alive(&states), 3)
    }
}

#[test]
fn a_version_goes_when_its_branch_moves_on() {
    let mut states = vec![];
    let mut timeline = bigs(&mut states);
    timeline.branch("main").unwrap();
    for n in 1..=5 {
        more(&mut timeline, &mut states);
        assert_eq!(alive(&states), 2, "{n}")
    }
    timeline.branch("other").unwrap();
    for round in 0..3 {
        for name in ["main", "other"] {
            timeline.switch(name).unwrap();
            for n in 1..=5 {
                // Where the other branch leads, where this one began, and the newest two: fewer where these meet.
                more(&mut timeline, &mut states);
                let kept = alive(&states);
                assert!(kept <= 4, "round {round}, {name}, edit {n}: {kept}");
                assert!(n < 3 || kept == 3, "round {round}, {name}, edit {n}: {kept}")
            }
        }
    }
    assert!(timeline.branches().unwrap().iter().all(|(_, at)| timeline.at(*at).is_ok()))
}

#[test]
fn where_we_stand_and_what_redo_leads_to_are_there_until_a_version_is_made() {
    let mut states = vec![];
    let mut timeline = bigs(&mut states);
    timeline.tag("start", id(0)).unwrap();
    (0..5).for_each(|_| more(&mut timeline, &mut states));
    timeline.checkout(id(0)).unwrap();
    timeline.delete("start").unwrap();
    assert_eq!((*timeline.at(id(0)).unwrap().0, timeline.version(id(0)).unwrap().depth, alive(&states)), (0, 0, 3));
    assert_eq!(timeline.jump(100).unwrap(), id(5));
    // An edit from a version that has no name any more.
    timeline.tag("four", id(4)).unwrap();
    (0..5).for_each(|_| more(&mut timeline, &mut states));
    timeline.checkout(id(4)).unwrap();
    timeline.delete("four").unwrap();
    more(&mut timeline, &mut states);
    assert_eq!((timeline.version(id(11)).unwrap().depth, alive(&states)), (5, 2))
}

#[test]
fn what_is_known_of_branches_goes_with_their_versions() {
    let mut timeline = keeps(3);
    timeline.tag("start", id(0)).unwrap();
    for n in 1..=1000 {
        timeline.checkout(id(0)).unwrap();
        timeline.edit("", |state| *state = n).unwrap();
        timeline.edit("", |state| *state = 10_000 + n).unwrap();
    }
    timeline.checkout(id(0)).unwrap();
    assert_eq!(
        (ids(&timeline.redo_choices().unwrap()), ids(&timeline.heads().unwrap())),
        (vec![1999], vec![1998, 2000])
    );
    let Past::Memory(memory) = &timeline.home.past else { panic!("in memory") };
    assert_eq!(memory.tree().len(), 2);
    // That somebody has branched is not forgotten.
    timeline.checkout(id(2000)).unwrap();
    count_to(&mut timeline, 11_100);
    timeline.delete("start").unwrap();
    assert_eq!((timeline.head(), timeline.version(timeline.head()).unwrap().depth), (id(2100), 102));
    assert_eq!(timeline.jump(-2).unwrap(), id(2098))
}

#[test]
fn readers_pass_over_what_is_let_go_meanwhile() {
    let mut timeline = keeps(3);
    count_to(&mut timeline, 10);
    let reader = timeline.reader();
    let all = |versions: &mut dyn Iterator<Item = Result<Version>>| {
        versions.map(|version| version.unwrap().id.number()).collect::<Vec<_>>()
    };
    let (mut begun, mut log, mut late) = (reader.versions(), reader.log(id(10)), reader.log(id(10)));
    assert_eq!([begun.next(), log.next()].map(|next| next.unwrap().unwrap().id), [id(8), id(10)]);
    count_to(&mut timeline, 14);
    assert_eq!(all(&mut begun), [12, 13, 14]);
    // What is gone has no ancestors any more.
    assert_eq!((all(&mut log), all(&mut late)), (vec![], vec![]));
    assert_eq!(reader.log(id(10)).next().unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(all(&mut reader.log(id(14))), [14, 13, 12]);
    // Who has ended stays so.
    count_to(&mut timeline, 15);
    assert!(begun.next().is_none() && log.next().is_none() && late.next().is_none());
    assert_eq!(all(&mut reader.versions()), [13, 14, 15])
}

#[test]
fn a_time_is_always_answered_beside_a_writer_that_lets_versions_go() {
    let mut timeline = keeps(2);
    let (reader, is_done) = (timeline.reader(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                assert!(reader.as_of(SystemTime::now() + Duration::from_secs(3600)).unwrap().is_some());
                reader.versions().for_each(|version| _ = version.unwrap())
            }
        });
        count_to(&mut timeline, 20_000);
        is_done.store(true, Ordering::Relaxed);
        looking.join().unwrap()
    })
}

#[test]
fn letting_go_costs_the_same_however_many_names_there_are() {
    let time = |names: u64| {
        let mut timeline = keeps(100);
        for n in 1..=names {
            count_to(&mut timeline, n);
            timeline.tag(&format!("tag{n}"), id(n)).unwrap()
        }
        count_to(&mut timeline, names + 200);
        let begin = Instant::now();
        count_to(&mut timeline, names + 2200);
        begin.elapsed()
    };
    let (few, many) = (time(10), time(30_000));
    assert!(many < few * 20 + Duration::from_millis(20), "2000 edits: {few:?} with 10 names, {many:?} with 30 000")
}

#[test]
fn times_beyond_all_bounds_are_the_first_version_and_the_last() {
    let (now, clock) = clock();
    let mut timeline = Timeline::options().clock(clock).in_memory(0);
    for n in 1..5 {
        *now.lock().unwrap() += Duration::from_secs(60);
        timeline.edit("", |state| *state = n).unwrap();
    }
    for by in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(1 << 60), Duration::from_secs(1 << 58)]
    {
        timeline.checkout(id(4)).unwrap();
        assert_eq!((timeline.earlier(by).unwrap(), timeline.later(by).unwrap()), (id(0), id(4)), "{by:?}")
    }
    assert_eq!(timeline.as_of(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).unwrap(), None)
}

#[test]
fn before_1970_there_was_nothing_whatever_the_clock_says() {
    let mut timeline = Timeline::options().clock(|| SystemTime::UNIX_EPOCH - Duration::from_secs(5)).in_memory(0);
    timeline.edit("", |state| *state = 1).unwrap();
    let as_of = |time| timeline.as_of(time).unwrap();
    assert_eq!(as_of(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), None);
    assert_eq!(as_of(SystemTime::UNIX_EPOCH), Some(id(1)));
    assert_eq!(timeline.earlier(Duration::from_secs(1)).unwrap(), id(0))
}

#[test]
fn no_time_earlier_or_later_is_where_we_are() {
    let mut timeline = Timeline::options().clock(clock().1).in_memory(0);
    count_to(&mut timeline, 3);
    timeline.checkout(id(1)).unwrap();
    assert_eq!([timeline.earlier(Duration::ZERO).unwrap(), timeline.later(Duration::ZERO).unwrap()], [id(1); 2])
}

/// Numbers at random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What a look says must be what the verb then does.
fn verb_at_random(timeline: &mut Timeline<u64>, dice: &mut Dice, step: u64) {
    let newest = timeline.versions().last().unwrap().unwrap().id.number();
    let (any, name) = (id(dice.below(newest + 1)), format!("n{}", dice.below(3)));
    match dice.below(15) {
        0..=4 => _ = timeline.edit("type", |state| *state = step).unwrap(),
        5 => assert_eq!(timeline.can_undo(), timeline.undo().unwrap().is_some()),
        6 => assert_eq!(timeline.can_redo(), timeline.redo().unwrap().is_some()),
        7 => assert_eq!(timeline.at(any).is_ok(), timeline.checkout(any).is_ok()),
        8 => {
            let (steps, depth) = (dice.below(9) as i64 - 4, timeline.version(timeline.head()).unwrap().depth);
            let to = timeline.jump(steps as isize).unwrap();
            let went = timeline.version(to).unwrap().depth as i64 - depth as i64;
            assert!(went * steps >= 0 && went.abs() <= steps.abs(), "a jump by {steps} went {went}")
        }
        9 => _ = timeline.earlier(Duration::from_millis(dice.below(5000))).unwrap(),
        10 => _ = timeline.later(Duration::from_millis(dice.below(5000))).unwrap(),
        11 => {
            let is_there = timeline.at(any).is_ok() && timeline.named(&name).is_err();
            assert_eq!(is_there, timeline.tag(&name, any).is_ok())
        }
        12 if dice.below(2) == 0 => _ = timeline.delete(&name),
        12 => _ = timeline.branch(&name),
        13 => _ = timeline.switch(&name),
        _ => timeline.set_grouping((dice.below(2) == 0).then(|| Grouping::idle(Duration::from_secs(1)))),
    }
}

#[test]
fn verbs_at_random_agree_on_what_there_is() {
    for seed in 1..1000 {
        let (now, clock) = clock();
        // Some keep all.
        let keep = if seed % 7 == 0 { u64::MAX } else { 1 + seed % 6 };
        let mut timeline = Timeline::options().keep_versions(keep).clock(clock).in_memory(0u64);
        let mut dice = Dice(seed * 0x9E37_79B9 + 1);
        for step in 1..120 {
            *now.lock().unwrap() += Duration::from_millis(dice.below(1500));
            let before = timeline.versions().last().unwrap().unwrap().id.number();
            verb_at_random(&mut timeline, &mut dice, step);
            let kept: Vec<_> = timeline.versions().map(|version| version.unwrap().id).collect();
            let named: Vec<_> = timeline.branches().unwrap().into_iter().chain(timeline.tags().unwrap()).collect();
            // All that must be there is, and nothing else when a version was made.
            assert!(kept.is_sorted());
            if timeline.head().number() == before + 1 {
                assert!(kept.len() as u64 <= keep.saturating_add(named.len() as u64))
            }
            let must = named.into_iter().map(|(_, id)| id).chain([timeline.head()]);
            assert!(must.chain(timeline.log().map(|version| version.unwrap().id)).all(|id| kept.contains(&id)));
            assert!(timeline.redo_choices().unwrap().iter().all(|id| kept.contains(id)), "seed {seed}, step {step}");
            assert!(timeline.heads().unwrap().iter().all(|id| kept.contains(id)), "seed {seed}, step {step}");
            assert!(kept.iter().all(|&id| timeline.at(id).is_ok()));
            assert_eq!(timeline.at(timeline.head()).unwrap(), *timeline.state(), "seed {seed}, step {step}")
        }
    }
}

#[test]
fn bytes_are_measured_beside_the_version_that_a_new_one_was_made_from() {
    let mut timeline = Timeline::options().keep_bytes(100, |old: &u64, new| old.abs_diff(*new)).in_memory(0);
    timeline.edit("", |n| *n = 60).unwrap();
    timeline.undo().unwrap();
    // 61 together; and 119 if it were the one before that it is measured beside.
    timeline.edit("", |n| *n = 1).unwrap();
    assert_eq!(timeline.versions().count(), 3)
}

#[test]
fn a_branch_keeps_the_version_that_it_leads_to_and_not_the_one_where_it_began() {
    let mut timeline = Timeline::options().keep_versions(2).in_memory(0);
    timeline.branch("main").unwrap();
    timeline.tag("first", id(0)).unwrap();
    timeline.delete("first").unwrap();
    (1..10).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
    assert_eq!((timeline.at(id(0)).unwrap_err().kind(), timeline.named("main").unwrap()), (ErrorKind::NotFound, id(9)));
    timeline.branch("other").unwrap();
    (10..20).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
    assert_eq!((timeline.at(id(9)).unwrap(), timeline.named("main").unwrap()), (9, id(9)))
}

#[test]
fn every_version_with_a_name_is_kept_however_many_there_are() {
    let mut timeline = Timeline::options().keep_versions(2).in_memory(0);
    for n in 1..100 {
        timeline.edit("", |state| *state = n).unwrap();
        if n % 5 == 0 {
            timeline.tag(&format!("tag-{n}"), timeline.head()).unwrap()
        }
    }
    assert!((1..98).all(|n| timeline.at(id(n)).is_ok() == (n % 5 == 0)))
}

#[test]
fn a_version_that_was_let_go_gets_no_name() {
    let mut timeline = Timeline::options().keep_versions(2).in_memory(0);
    (1..10).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
    assert_eq!(timeline.tag("gone", id(3)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(timeline.tags().unwrap(), []);
    timeline.tag("kept", id(8)).unwrap()
}

#[test]
fn what_can_be_redone_is_what_redo_does_where_versions_were_let_go() {
    for branches in [false, true] {
        let mut timeline = Timeline::options().keep_versions(4).in_memory(0);
        timeline.tag("first", id(0)).unwrap();
        timeline.edit("", |state| *state = 1).unwrap();
        if branches {
            timeline.undo().unwrap();
            timeline.edit("", |state| *state = 100).unwrap();
        }
        let old = timeline.head();
        timeline.tag("old", old).unwrap();
        (2..20).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
        timeline.checkout(old).unwrap();
        // Nothing leads on from there; and to go on goes nowhere else.
        assert_eq!((timeline.can_redo(), timeline.redo().unwrap()), (false, None));
        assert_eq!(timeline.jump(1).unwrap(), old);
        timeline.checkout(id(timeline.versions().last().unwrap().unwrap().id.number())).unwrap();
        timeline.undo().unwrap();
        assert!(timeline.can_redo() && timeline.redo().unwrap().is_some() && !timeline.can_redo())
    }
}

#[test]
fn no_branch_ends_and_none_goes_on_where_versions_were_let_go() {
    let mut timeline = Timeline::options().keep_versions(4).in_memory(0);
    timeline.tag("first", id(0)).unwrap();
    for n in 1..=3 {
        timeline.edit("", |state| *state = n).unwrap();
        timeline.checkout(id(0)).unwrap();
    }
    assert_eq!(
        (timeline.redo_choices().unwrap(), timeline.heads().unwrap()),
        (vec![id(1), id(2), id(3)], vec![id(1), id(2), id(3)])
    );
    timeline.checkout(id(3)).unwrap();
    timeline.tag("two", id(2)).unwrap();
    (4..=9).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
    assert_eq!(timeline.heads().unwrap(), [id(2), id(9)]);
    timeline.checkout(id(0)).unwrap();
    assert_eq!(timeline.redo_choices().unwrap(), [id(2)])
}

#[test]
fn a_version_that_was_shown_and_then_let_go_is_not_there() {
    let mut timeline = Timeline::options().keep_versions(3).in_memory(0);
    (1..4).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
    timeline.undo().unwrap();
    timeline.redo().unwrap();
    (4..9).for_each(|n| _ = timeline.edit("", |state| *state = n).unwrap());
    for gone in [2, 3] {
        assert_eq!(timeline.at(id(gone)).unwrap_err().kind(), ErrorKind::NotFound)
    }
}
