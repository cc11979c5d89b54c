//! Stores of timelines in a log: actions after reopening, on branches, with collections in them, and damaged.

use super::*;
use crate::error::caught;
use crate::log::simulated::{Dice, Simulated};
use crate::map::HashMap as Map;
use crate::timeline::Durability;
use crate::vector::Vector;
use rkyv::{Archive, Deserialize, Serialize};

type State = Map<u64, String>;

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
enum Action {
    Set(u64, String),
    Remove(u64),
    /// With collections in it, of which one may be the state's own.
    All(Map<u64, String>),
    Many(Vector<(u64, Vector<char>)>),
}

fn reduce(state: &mut State, action: &Action) {
    match action {
        Action::Set(k, v) => _ = state.insert(*k, v.clone()),
        Action::Remove(k) => _ = state.remove(k),
        Action::All(all) => *state = all.clone(),
        Action::Many(many) => many.iter().for_each(|(k, v)| _ = state.insert(*k, v.iter().collect())),
    }
}

fn open_with(storage: &Simulated, durability: Durability) -> Result<Store<State, Action>> {
    let options = Timeline::<State>::options().segment_bytes(16 << 10).durability(durability);
    let timeline = options.open_in(Arc::new(storage.clone()), State::new)?;
    Ok(Store::durable(timeline, reduce))
}

fn open(storage: &Simulated) -> Store<State, Action> {
    open_with(storage, Durability::None).unwrap()
}

fn set(k: u64, v: &str) -> Action {
    Action::Set(k, v.into())
}

/// How long a text is decides whether its action stands in the stamp.
fn some_action(dice: &mut Dice, state: &State) -> Action {
    let k = dice.below(50);
    match dice.below(8) {
        0 => Action::Remove(k),
        1 => {
            let mut all = state.clone();
            all.insert(k, "all".into());
            Action::All(all)
        }
        2 => {
            Action::Many((0..dice.below(40)).map(|n| (n, "many".chars().cycle().take(n as usize).collect())).collect())
        }
        _ => Action::Set(k, "x".repeat(dice.below(60) as usize)),
    }
}

#[test]
fn actions_are_there_after_reopening_on_every_branch_and_with_collections() {
    let storage = Simulated::new(1);
    let mut dice = Dice(7);
    let mut model: Vec<(State, Vec<Action>)> = vec![Default::default()];
    let mut store = open(&storage);
    for round in 0..600u64 {
        match dice.below(10) {
            0 => _ = store.undo().unwrap(),
            1 => store.checkout(VersionId::new(dice.below(model.len() as u64))).unwrap(),
            2 => {
                let restored = VersionId::new(dice.below(model.len() as u64));
                store.restore(restored).unwrap();
                model.push((model[restored.number() as usize].0.clone(), vec![]))
            }
            kind => {
                let mut state = store.snapshot();
                let actions: Vec<_> = (0..if kind == 3 { dice.below(4) } else { 1 })
                    .map(|_| {
                        let action = some_action(&mut dice, &state);
                        reduce(&mut state, &action);
                        action
                    })
                    .collect();
                let is_new = state != store.snapshot();
                assert_eq!(store.batch(actions.clone()).unwrap().version.is_some(), is_new);
                if is_new {
                    model.push((state, actions))
                }
            }
        }
        if round % 100 == 99 {
            drop(store);
            store = open(&storage)
        }
    }
    drop(store);
    let store = open(&storage);
    assert_eq!(store.versions().count(), model.len());
    for (n, (state, actions)) in model.iter().enumerate() {
        let id = VersionId::new(n as u64);
        assert_eq!((&store.actions(id).unwrap(), &store.at(id).unwrap()), (actions, state));
        assert_eq!(store.action(id).unwrap().as_ref(), actions.last());
        // It is what led here from the parent.
        if let Some(parent) = store.version(id).unwrap().parent.filter(|_| !actions.is_empty()) {
            let mut state = store.at(parent).unwrap();
            actions.iter().for_each(|action| reduce(&mut state, action));
            assert_eq!(state, store.at(id).unwrap())
        }
    }
    let missing = VersionId::new(model.len() as u64);
    assert_eq!(store.action(missing).unwrap_err().kind(), ErrorKind::NotFound);
    let report = store.verify().unwrap();
    assert_eq!((report.versions as usize, report.damages), (model.len(), vec![]))
}

#[test]
fn a_short_action_stands_in_its_stamp_and_a_long_one_in_a_record() {
    let storage = Simulated::new(1);
    let store = open(&storage);
    let with = |action: Action| {
        let before = store.verify().unwrap();
        store.dispatch(action).unwrap();
        let after = store.verify().unwrap();
        assert_eq!(after.damages, []);
        (after.records - before.records, after.bytes - before.bytes, after.links - before.links)
    };
    // The first commit says of the hasher what it is.
    with(set(0, ""));
    let (records, bytes, links) = with(set(0, "short"));
    let (more_records, more_bytes, more_links) = with(set(0, &"long".repeat(8)));
    assert_eq!((records, more_records), (2, 4), "stamp and leaf; an action and an entry of their own too");
    // To the action, and to the entry.
    assert_eq!(more_links, links + 2);
    println!("{bytes} bytes of a short action's commit, {more_bytes} of a long one's");
    // What an action and the state share is written once.
    let state: State = (0..1000).map(|n| (n, "some text of the state's".into())).collect();
    let timeline = Timeline::<State>::options().open_in(Arc::new(Simulated::new(2)), || state.clone()).unwrap();
    let alone = timeline.verify().unwrap().bytes;
    let (_, both, _) = with(Action::All(state));
    assert!(both < alone + 500, "{both} bytes with the action, {alone} without")
}

#[test]
fn the_collections_of_an_action_are_read_where_they_are_looked_at() {
    let storage = Simulated::new(1);
    let many: Vector<_> = (0..20_000).map(|n| (n, Vector::unit('x'))).collect();
    let id = open(&storage).dispatch(Action::Many(many.clone())).unwrap().version.unwrap();
    let store = open(&storage);
    let before = storage.disk().reads;
    let Some(Action::Many(read)) = store.action(id).unwrap() else { panic!("another action") };
    assert_eq!(read.len(), 20_000);
    let reads = storage.disk().reads - before;
    assert!(reads <= 5, "{reads} reads for an action of which nothing was looked at");
    assert_eq!(read, many)
}

#[test]
fn a_timeline_in_memory_keeps_actions_in_memory_and_one_on_disk_forgets_those_that_are_not_durable() {
    let store = Store::durable(Timeline::new(State::new()), reduce);
    let id = store.dispatch(set(1, "one")).unwrap().version.unwrap();
    assert_eq!((store.action(id).unwrap(), store.action(VersionId::FIRST).unwrap()), (Some(set(1, "one")), None));
    let storage = Simulated::new(1);
    let open = || Timeline::<State>::options().open_in(Arc::new(storage.clone()), State::new).unwrap();
    let store = Store::new(open(), reduce);
    let id = store.dispatch(set(1, "one")).unwrap().version.unwrap();
    assert_eq!(store.action(id).unwrap(), Some(set(1, "one")));
    drop(store);
    // An action need not be one that can be stored.
    let store =
        Store::new(open(), |state: &mut State, n: &std::rc::Rc<u64>| state.insert(**n, "".into()).map_or((), drop));
    assert_eq!(store.action(id).unwrap(), None);
    store.dispatch(7.into()).unwrap();
    assert_eq!(Store::<State, Action>::durable(store.into_timeline(), reduce).action(VersionId::new(2)).unwrap(), None)
}

#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
struct Cut(usize);

#[test]
fn in_memory_actions_go_with_their_versions() {
    let timeline = Timeline::options().keep_versions(2).in_memory(0);
    let store = Store::new(timeline, |state: &mut u64, action: &Arc<u64>| *state = **action);
    let mut actions = vec![];
    let mut dispatch = |n| {
        let action = Arc::new(n);
        actions.push(Arc::downgrade(&action));
        let id = store.dispatch(action).unwrap().version.unwrap();
        (id, actions.iter().filter(|action| action.strong_count() > 0).count())
    };
    let (first, _) = dispatch(1);
    store.tag("first", first).unwrap();
    for n in 2..=100 {
        let (_, alive) = dispatch(n);
        assert_eq!(alive, (n as usize).min(3), "{n}");
        store.edit("by no action", |state| *state += 1000).unwrap();
        assert_eq!(dispatch(n + 500).1, 2, "{n}");
        dispatch(n + 700);
    }
    assert_eq!(store.action(first).unwrap().as_deref(), Some(&1));
    store.delete("first").unwrap();
    assert_eq!(dispatch(1000).1, 2);
    for id in [first, VersionId::new(50)] {
        assert_eq!(store.action(id).unwrap_err().kind(), ErrorKind::NotFound)
    }
}

#[test]
fn an_action_that_would_come_back_as_another_one_is_refused() {
    let options = Timeline::<u64>::options().check_roundtrip(true);
    let timeline = options.open_in(Arc::new(Simulated::new(1)), || 0).unwrap();
    let store = Store::durable(timeline, |state: &mut u64, action: &Cut| *state = action.0 as u64);
    assert_eq!(store.dispatch(Cut(5_000_000_000)).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!((store.snapshot(), store.versions().count()), (0, 1));
    let id = store.dispatch(Cut(5)).unwrap().version.unwrap();
    assert_eq!(store.action(id).unwrap(), Some(Cut(5)))
}

#[test]
fn a_damaged_action_is_an_error_or_the_action_and_no_panic() {
    let storage = Simulated::new(1);
    let store = open(&storage);
    let actions = [
        set(1, "one"),
        set(2, &"two".repeat(20)),
        Action::Many([(3, "three".chars().collect())].into_iter().collect()),
    ];
    actions.iter().for_each(|action| _ = store.dispatch(action.clone()).unwrap());
    drop(store);
    let files = storage.files();
    let (&name, bytes) = files.iter().next().unwrap();
    let (mut errors, mut dice) = (0, Dice(3));
    for at in 4096..bytes.len() {
        let mut files = files.clone();
        files.get_mut(&name).unwrap()[at] ^= 1 << dice.below(8);
        let Ok(store) = open_with(&Simulated::with_files(&files, 1), Durability::None) else {
            errors += 1;
            continue;
        };
        for (n, action) in actions.iter().enumerate() {
            let found = store.action(VersionId::new(n as u64 + 1));
            // Collections in it are read when it is compared.
            match found.and_then(|found| caught(|| found.as_ref() == Some(action))) {
                Ok(is_same) => assert!(is_same, "byte {at}, action {n}"),
                Err(_) => errors += 1,
            }
        }
    }
    assert!(errors > 100, "{errors}")
}

#[test]
fn what_stands_where_an_action_should_is_an_error() {
    // Another type's values, and a field that is none.
    let storage = Simulated::new(1);
    let open = || Timeline::<State>::options().open_in(Arc::new(storage.clone()), State::new).unwrap();
    let other =
        Store::durable(open(), |state: &mut State, action: &u8| _ = state.insert(u64::from(*action), "".into()));
    let id = other.dispatch(77).unwrap().version.unwrap();
    drop(other);
    let store = Store::<State, Action>::durable(open(), reduce);
    assert_eq!(store.action(id).unwrap_err().kind(), ErrorKind::Corrupt)
}
