//! Counted reads and writes: what an edit of one key of 100 000 writes, and what a look at an old version reads.
//! These figures follow from the format and the hasher alone. Who changes them on purpose changes them here.

use super::*;
use crate::log::simulated::Simulated;
use crate::map::HashMap;
use std::sync::Arc;

const ENTRIES: u64 = 100_000;

type Map = HashMap<String, [u8; 64]>;

fn key(n: u64) -> String {
    format!("key {n:012}")
}

fn open(storage: &Simulated) -> Timeline<Map> {
    let initial = if storage.files().is_empty() {
        (0..ENTRIES).map(|n| (key(n), [n as u8 / 2; 64])).collect()
    } else {
        Map::new()
    };
    Timeline::<Map>::options().check_roundtrip(false).open_in(Arc::new(storage.clone()), || initial).unwrap()
}

/// Records and bytes so far.
fn written(timeline: &Timeline<Map>) -> (u64, u64) {
    let report = timeline.verify().unwrap();
    assert_eq!(report.damages, []);
    (report.records, report.bytes)
}

#[test]
fn an_edit_of_one_key_writes_a_few_records_and_a_look_at_it_reads_a_few() {
    let storage = Simulated::new(1);
    let mut timeline = open(&storage);
    let mut before = written(&timeline);
    let (mut each, mut reads) = (Vec::new(), 0);
    for n in 0..400u64 {
        let key = key(n * 7919 % ENTRIES);
        let so_far = storage.disk().reads;
        timeline.edit("", |map| map.insert(key, [200; 64])).unwrap();
        reads += storage.disk().reads - so_far;
        if n < 4 {
            let now = written(&timeline);
            each.push((now.0 - before.0, now.1 - before.1));
            before = now
        }
    }
    // A stamp, which has the root, the entry, a leaf overlay over its leaf, and an overlay for each of three levels.
    assert_eq!(each, [(6, 264), (6, 272), (6, 280), (6, 296)]);
    // What is in memory is not read. What the log says of the hasher is, once.
    assert_eq!(reads, 1);
    let now = written(&timeline);
    // Overlays grow up to seven overrides, and are whole nodes then.
    assert_eq!((now.0 - before.0, now.1 - before.1), (2373, 154_568), "in 396 edits");

    drop(timeline);
    let before = storage.disk().reads;
    let since = || storage.disk().reads - before;
    let timeline = open(&storage);
    let opening = since();
    let state = timeline.at(VersionId::new(200)).unwrap();
    let looking = since() - opening;
    let mut keys = Vec::new();
    for n in [0, 0, 1, 200] {
        let before = since();
        assert_eq!(
            state.try_get(&key(n * 7919 % ENTRIES)).unwrap(),
            Some(&[if n < 200 { 200 } else { (n * 7919 % ENTRIES) as u8 / 2 }; 64])
        );
        keys.push(since() - before)
    }
    // A look: a node of the index, and the stamp. The first lookup: an overlay and its base on three levels, or a leaf overlay
    // and its base, and the entry: eight records, two of which were read with others. The same again: nothing. Others: what is
    // not shared with it.
    assert_eq!((opening, looking, keys), (6, 2, vec![6, 0, 5, 3]))
}

#[test]
fn states_that_were_shown_last_are_not_read_unless_they_share_nothing_or_are_many() {
    let storage = Simulated::new(1);
    let number = |n: u64| Map::unit(key(n), [0; 64]);
    let mut timeline =
        Timeline::<Map>::options().check_roundtrip(false).open_in(Arc::new(storage.clone()), || number(0)).unwrap();
    let goes = |timeline: &mut Timeline<Map>, id: u64| {
        let before = storage.disk().reads;
        timeline.checkout(VersionId::new(id)).unwrap();
        let reads = storage.disk().reads - before;
        timeline.checkout(VersionId::new(timeline.versions().count() as u64 - 1)).unwrap();
        reads > 0
    };
    (1..=300).for_each(|n| _ = timeline.edit("", |map| map.insert(key(n), [1; 64])).unwrap());
    assert!(!goes(&mut timeline, 60));
    assert!(goes(&mut timeline, 20), "256 are kept");
    (301..=310).for_each(|n| _ = timeline.edit("", |map| map.insert(key(n), [1; 64])).unwrap());
    assert!(!goes(&mut timeline, 305));
    // It was not made from the one that is shown.
    timeline.commit("", number(1000)).unwrap().unwrap();
    assert!(goes(&mut timeline, 100))
}

#[test]
fn a_name_writes_a_stamp_with_it_and_now_and_then_all_names_are_written() {
    let storage = Simulated::new(1);
    let mut timeline =
        Timeline::<Map>::options().check_roundtrip(false).open_in(Arc::new(storage.clone()), Map::new).unwrap();
    let mut each = |what: &dyn Fn(&mut Timeline<Map>, u64)| {
        let mut before = written(&timeline);
        let mut each: Vec<_> = (0..514)
            .map(|n| {
                what(&mut timeline, n);
                let now = written(&timeline);
                let bytes = now.1 - before.1;
                before = now;
                bytes
            })
            .collect();
        let average = each.iter().sum::<u64>() / 514;
        each.sort_unstable();
        (each[257], average)
    };
    let tags = each(&|timeline, n| timeline.tag(&format!("release-{n}"), VersionId::FIRST).unwrap());
    let more = each(&|timeline, n| timeline.tag(&format!("another-{n}"), VersionId::FIRST).unwrap());
    let branches = each(&|timeline, n| timeline.branch(&format!("branch-{n}")).unwrap());
    let gone = each(&|timeline, n| timeline.delete(&format!("release-{n}")).unwrap());
    // The stamp; and every 257 changes what of all names has changed, in the middle and on average.
    assert_eq!((tags, more, branches, gone), ((48, 120), (48, 138), (48, 160), (48, 82)))
}

#[test]
fn names_are_read_as_they_were_written_however_many_changes_they_are_behind() {
    let storage = Simulated::new(1);
    let options = || Timeline::<Map>::options().check_roundtrip(false);
    let mut timeline = options().open_in(Arc::new(storage.clone()), Map::new).unwrap();
    let all = |timeline: &Timeline<Map>| {
        let on = timeline.current_branch().map(str::to_owned);
        (timeline.branches().unwrap(), timeline.tags().unwrap(), on, timeline.is_dirty())
    };
    let mut most = 0;
    for n in 0..1000u64 {
        let name = format!("name {}", n % 37).replace(' ', "-");
        match n % 7 {
            _ if timeline.named(&name).is_err() && n % 2 == 0 => timeline.branch(&name).unwrap(),
            _ if timeline.named(&name).is_err() => timeline.tag(&name, timeline.head()).unwrap(),
            0 => timeline.delete(&name).unwrap(),
            1 => timeline.rename(&name, &format!("other-{n}")).unwrap(),
            2 => timeline.mark_saved().unwrap(),
            3 => _ = timeline.edit("", |map| map.insert(key(n), [1; 64])).unwrap(),
            _ => _ = timeline.switch(&name),
        }
        let before = storage.disk().reads;
        let read = options().read_only_in(Arc::new(storage.clone())).unwrap();
        most = most.max(storage.disk().reads - before);
        assert_eq!(all(&read), all(&timeline), "step {n}");
        // A closed log is gone on with as one that is open.
        if n % 50 == 49 {
            drop((read, timeline));
            timeline = options().open_in(Arc::new(storage.clone()), Map::new).unwrap()
        }
    }
    // Up to 256 stamps, several with each read.
    assert_eq!(most, 107)
}
