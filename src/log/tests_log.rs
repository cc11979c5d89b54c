//! The log's promises one by one: counted reads and writes, what is refused, what a failure leaves.

use super::record::{MOST_BODY_BYTES, UNIT, kinds};
use super::scan::Scan;
use super::simulated::*;
use super::superblock::BLOCK_UNITS;
use super::tests_crash::*;
use super::*;
use crate::ErrorKind;
use crate::id::Address;
use std::sync::Arc;

fn open(storage: &Simulated, options: &Options) -> Log {
    Log::open(Arc::new(storage.clone()), options.clone()).unwrap().0
}

/// Commits a version with one record.
fn commit(log: &mut Log, body: &[u8], is_durable: bool) -> Address {
    let id = log.last().map_or(0, |last| last.id + 1);
    let mut batch = log.batch().unwrap();
    let root = batch.append(64, body).unwrap();
    let stamp =
        Stamp { parents: id.checked_sub(1).into_iter().collect(), depth: id, ..Stamp::version(id, Root::At(root)) };
    batch.commit(stamp, is_durable).unwrap()
}

/// Ends a log without its closing stamp.
fn kill(storage: &Simulated, log: Log) {
    let now = storage.disk().operations;
    storage.disk().faults.stop_at = Some((now, 0));
    drop(log);
    storage.kill()
}

/// Writes, syncs and reads so far.
fn counts(storage: &Simulated) -> [u64; 3] {
    let disk = storage.disk();
    [disk.writes, disk.syncs, disk.reads]
}

#[test]
fn a_commit_is_one_write_and_one_sync() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &Options::new(identity()));
    for _ in 0..10 {
        commit(&mut log, &[1; 300], true);
    }
    let mut before = counts(&storage);
    let mut since = || {
        let now = counts(&storage);
        let since: [u64; 3] = std::array::from_fn(|i| now[i] - before[i]);
        before = now;
        since
    };
    for _ in 0..100 {
        commit(&mut log, &[1; 300], true);
    }
    assert_eq!(since(), [100, 100, 0]);
    for _ in 0..10 {
        commit(&mut log, &[1; 300], false);
    }
    assert_eq!(since(), [10, 0, 0]);
    log.flush().unwrap();
    log.flush().unwrap();
    assert_eq!(since(), [0, 1, 0]);
}

#[test]
fn records_that_stand_together_are_read_at_once() {
    let storage = Simulated::new(3);
    let mut log = open(&storage, &Options::new(identity()));
    let bodies: Vec<Vec<u8>> = (0..60).map(|i| vec![i; if i == 40 { 9000 } else { 8 * (i as usize % 20) }]).collect();
    let mut batch = log.batch().unwrap();
    let at: Vec<Address> = bodies.iter().map(|body| batch.append(64, body).unwrap()).collect();
    batch.commit(Stamp::version(0, Root::At(at[0])), true).unwrap();
    let reader = log.reader();
    let reads = |those: &[usize]| {
        let before = storage.disk().reads;
        let is_same = those.iter().all(|&i| reader.read(at[i]).unwrap().body() == bodies[i]);
        let reads = storage.disk().reads - before;
        assert!(is_same);
        reads
    };
    let ahead: Vec<usize> = (0..35).collect();
    // Forwards: the first 640 bytes, then all of the 3300.
    assert_eq!(reads(&ahead), 2);
    assert_eq!(reads(&ahead[25..]), 0);
    // Backwards: what stands just before.
    assert_eq!(reads(&[59, 58, 57, 56]), 1);
    assert_eq!(reads(&[0]), 1);
    // One that is longer than any window, and those beside it.
    assert_eq!(reads(&[39, 40, 41, 42, 41]), 1 + 2 + 1);
    // Another thread has a window of its own, and another log's addresses are others.
    assert_eq!(std::thread::scope(|scope| scope.spawn(|| reads(&[41, 42])).join().unwrap()), 1);
    assert_eq!(reads(&[42]), 0);
    let (other, _) = Reader::open(Arc::new(storage.clone()), &identity()).unwrap();
    let before = storage.disk().reads;
    assert_eq!(other.read(at[42]).unwrap().body(), bodies[42]);
    assert_eq!(storage.disk().reads - before, 1);
    let behind = Address::new(reader.end()).unwrap();
    assert_eq!(reader.read(behind).map(|_| ()).unwrap_err().kind(), ErrorKind::Corrupt);
    let within = Address::new(at[5].units() + 1).unwrap();
    assert_eq!(reader.read(within).map(|_| ()).unwrap_err().kind(), ErrorKind::Corrupt)
}

#[test]
fn opening_reads_a_few_records_however_long_the_history_is() {
    let storage = Simulated::new(1);
    let options = Options::new(identity());
    let mut log = open(&storage, &options);
    let versions = 100_000;
    let stamps: Vec<Address> = (0..versions).map(|_| commit(&mut log, &[1; 40], false)).collect();
    log.close().unwrap();
    let reads = || storage.disk().reads;
    let before = reads();
    let log = open(&storage, &options);
    let to_open = reads() - before;
    assert!(to_open <= 12, "{to_open} reads to open");
    let reader = log.reader();
    let mut dice = Dice(1);
    for i in 0..1000 {
        let id = dice.below(versions - 256);
        let before = reads();
        assert_eq!(reader.address_of(id).unwrap(), stamps[id as usize]);
        let to_find = reads() - before;
        // The node above the lowest is kept.
        assert!(to_find <= if i < 20 { 2 } else { 1 }, "{to_find} reads for version {id}");
    }
    // The newest ones are found through each other, once.
    let before = reads();
    assert_eq!(reader.address_of(versions - 2).unwrap(), stamps[versions as usize - 2]);
    assert!(reads() - before <= 2);
    assert_eq!(reader.address_of(versions - 150).unwrap(), stamps[versions as usize - 150]);
    let before = reads();
    (versions - 150..versions).for_each(|id| assert_eq!(reader.address_of(id).unwrap(), stamps[id as usize]));
    assert_eq!(reads(), before);
}

/// How many bytes the records of a kind take.
fn bytes_of(reader: &Reader, kind: u8) -> u64 {
    let mut scan = Scan::new(&reader.segments, reader.seal, BLOCK_UNITS).unwrap();
    let (mut at, mut units) = (BLOCK_UNITS, 0);
    while let Some((header, _)) = scan.record(at).unwrap() {
        units += if header.kind() == kind { header.record_units() } else { 0 };
        at = scan.settle(at + header.record_units()).unwrap()
    }
    assert_eq!(at, reader.end());
    units * UNIT
}

#[test]
fn stamps_that_two_threads_look_for_at_once_are_all_remembered() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &Options::new(identity()));
    let mut stamps: Vec<Address> = (0..300).map(|_| commit(&mut log, &[1; 8], false)).collect();
    drop(log);
    let mut log = open(&storage, &Options::new(identity()));
    let reader = log.reader();
    stamps.extend((300..511).map(|_| commit(&mut log, &[1; 8], false)));
    // Both began where the other had remembered nothing.
    assert_eq!(reader.walk_back(280, 299, stamps[299]).unwrap(), stamps[280]);
    assert_eq!(reader.walk_back(256, 299, stamps[299]).unwrap(), stamps[256]);
    assert_eq!(reader.walk_back(270, 299, stamps[299]).unwrap(), stamps[270]);
    stamps.extend((511..600).map(|_| commit(&mut log, &[1; 8], false)));
    // One that comes late, when the tail is a node.
    assert_eq!(reader.walk_back(270, 299, stamps[299]).unwrap(), stamps[270]);
    let found: Vec<Address> = (0..600).map(|id| reader.address_of(id).unwrap()).collect();
    assert_eq!(found, stamps);
    drop(log);
    let log = open(&storage, &Options::new(identity()));
    let found: Vec<Address> = (0..600).map(|id| log.reader().address_of(id).unwrap()).collect();
    assert_eq!(found, stamps)
}

#[test]
fn the_index_takes_less_than_nine_bytes_a_version_and_finds_each() {
    let storage = Simulated::new(1);
    let options = Options { segment_bytes: 1 << 20, ..Options::new(identity()) };
    let mut log = open(&storage, &options);
    let mut stamps = Vec::new();
    // Levels begin at 257, 513 and 65 793 versions.
    for versions in [1, 255, 256, 257, 258, 511, 512, 513, 700, 65_536, 65_537, 65_792, 65_793, 70_000] {
        while stamps.len() < versions {
            stamps.push(commit(&mut log, &[], false))
        }
        let step = (versions / 300).max(1);
        (0..versions).step_by(step).for_each(|id| assert_eq!(log.reader().address_of(id as u64).unwrap(), stamps[id]));
        log.close().unwrap();
        log = open(&storage, &options);
        assert_eq!(log.reader().versions(), versions as u64);
        (0..versions).step_by(step).for_each(|id| assert_eq!(log.reader().address_of(id as u64).unwrap(), stamps[id]))
    }
    let own = bytes_of(&log.reader(), kinds::INDEX) as f64 / stamps.len() as f64;
    println!("{own:.2} bytes of index a version");
    assert!(own < 9.0, "{own}");
}

#[test]
fn what_cannot_come_next_is_refused_and_leaves_nothing() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &small_options());
    let kind = |result: crate::Result<Address>| result.unwrap_err().kind();
    let inline = || Root::Inline(Default::default());
    let move_first = log.batch().unwrap().commit(Stamp::version(0, inline()).after(StampKind::Move), true);
    assert_eq!(kind(move_first), ErrorKind::Invalid);
    commit(&mut log, &[1], true);
    let files = storage.files();
    assert_eq!(kind(log.batch().unwrap().append(kinds::INDEX, &[])), ErrorKind::Invalid);
    assert_eq!(kind(log.batch().unwrap().append(64, &vec![0; MOST_BODY_BYTES + 1])), ErrorKind::Invalid);
    for id in [0, 2] {
        assert_eq!(kind(log.batch().unwrap().commit(Stamp::version(id, inline()), true)), ErrorKind::Invalid)
    }
    let mut long = Stamp::version(1, inline());
    long.tags.push(Tags::ACTION, &vec![1; stamp::MOST_STAMP_BYTES]);
    assert_eq!(kind(log.batch().unwrap().commit(long, true)), ErrorKind::Invalid);
    let beyond = Stamp { children: Address::new(1 << 40), ..Stamp::version(1, inline()) };
    assert_eq!(kind(log.batch().unwrap().commit(beyond, true)), ErrorKind::Invalid);
    assert_eq!(storage.files(), files);
    let later = Stamp { time_us: 9, ..Stamp::version(1, inline()) };
    log.batch().unwrap().commit(later, true).unwrap();
    let earlier = Stamp { time_us: 8, ..Stamp::version(2, inline()) };
    assert_eq!(kind(log.batch().unwrap().commit(earlier, true)), ErrorKind::Invalid);
    log.close().unwrap();
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing_even_behind_a_roll() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &small_options());
    commit(&mut log, &[1; 100], true);
    let end = log.reader().end();
    for records in [1, 20, 200] {
        let mut batch = log.batch().unwrap();
        for _ in 0..records {
            batch.append(64, &[2; 200]).unwrap();
        }
        drop(batch);
        assert_eq!((log.reader().end(), storage.files().len()), (end, 1))
    }
    commit(&mut log, &[3; 100], true);
    log.close().unwrap();
    let log = open(&storage, &small_options());
    let report = verify::verify(&log.reader(), &|_, _, _, _| Ok(()), &mut |_, _| {}).unwrap();
    assert_eq!((report.versions, report.records, report.damages), (2, 5, Vec::new()));
}

#[test]
fn after_a_failure_nothing_is_written_until_the_log_is_opened_again() {
    for is_sync in [false, true] {
        let storage = Simulated::new(1);
        let mut log = open(&storage, &Options::new(identity()));
        for _ in 0..3 {
            commit(&mut log, &[1; 50], true);
        }
        let now = storage.disk().operations;
        storage.disk().faults.fail_at = Some(now + u64::from(is_sync));
        let end = log.reader().end();
        let result = log.batch().unwrap().commit(Stamp::version(3, Root::Inline(Default::default())), true);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Io);
        assert_eq!((log.reader().end(), log.last().unwrap().id, log.reader().versions()), (end, 2, 3));
        let files = storage.files();
        let error = log.batch().err().unwrap();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("open it again"), "{error}");
        assert_eq!(log.flush().unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(log.close().unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(storage.files(), files);
        let mut log = open(&storage, &Options::new(identity()));
        let next = log.last().unwrap().id;
        assert!(next == 2 || is_sync && next == 3);
        commit(&mut log, &[4], true);
        // Nothing that the failed sync was for counts as durable, unless it was written anew.
        storage.disk().faults.stop_at = Some((0, 0));
        drop(log);
        storage.lose_power();
        assert_eq!(open(&storage, &Options::new(identity())).last().unwrap().id, next + 1);
    }
}

#[test]
fn a_full_device_ends_the_session_and_room_lets_the_next_go_on() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &small_options());
    storage.disk().faults.room_bytes = Some(9000);
    let mut committed = 0;
    let error = loop {
        let mut batch = log.batch().unwrap();
        let root = batch.append(64, &[7; 500]).unwrap();
        match batch.commit(Stamp::version(committed, Root::At(root)), true) {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
    };
    // Without room for zeros ahead there was still room for batches.
    assert!(committed >= 7 && error.kind() == ErrorKind::Io, "{committed}: {error}");
    drop(log);
    storage.kill();
    let mut log = open(&storage, &small_options());
    assert_eq!(log.reader().versions(), committed);
    commit(&mut log, &[1; 500], true);
    assert_eq!(verify::verify(&log.reader(), &|_, _, _, _| Ok(()), &mut |_, _| {}).unwrap().damages, []);
}

#[test]
fn only_where_a_record_begins_can_one_be_read() {
    let (files, committed) = small_log(true);
    let storage = Arc::new(Simulated::with_files(&files, 1));
    let (reader, _) = Reader::open(storage, &identity()).unwrap();
    let records = committed.iter().flat_map(|batch| batch.records.iter().map(|r| r.0).chain(batch.at));
    let mut starts: Vec<u64> = records.map(Address::units).collect();
    starts.push(reader.end() - 5);
    let mut found = Vec::new();
    for at in (1..reader.end() + 1000).chain([1 << 43]) {
        match reader.read(Address::new(at).unwrap()) {
            Ok(_) => found.push(at),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}"),
        }
    }
    let closing = *found.last().unwrap();
    assert_eq!(reader.stamp_at(Address::new(closing).unwrap()).unwrap().kind, StampKind::Closing);
    *starts.last_mut().unwrap() = closing;
    starts.sort_unstable();
    assert_eq!(found, starts);
}

#[test]
fn a_record_that_says_it_is_longer_than_the_log_is_not_read() {
    let (files, committed) = small_log(true);
    for at in committed.iter().flat_map(|batch| batch.records.iter().map(|record| record.0.units())) {
        let mut damaged = files.clone();
        let (first, file) = damaged.range_mut(..=at).next_back().unwrap();
        file[((at - first) * UNIT) as usize + size_of::<u32>()..][..3].fill(0xff);
        let (reader, _) = Reader::open(Arc::new(Simulated::with_files(&damaged, 1)), &identity()).unwrap();
        let error = reader.read(Address::new(at).unwrap()).map(|_| ()).unwrap_err();
        // By its length, before there is memory for it.
        assert!(
            error.kind() == ErrorKind::Corrupt && error.to_string().contains("134217728 bytes, room for"),
            "{error}"
        )
    }
}

#[test]
fn a_log_is_opened_only_for_what_it_holds() {
    let storage = Simulated::new(1);
    open(&storage, &small_options()).close().unwrap();
    let other = Identity { schema: "Other".into(), ..identity() };
    let options = Options { identity: other.clone(), ..small_options() };
    let error = Log::open(Arc::new(storage.clone()), options).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert_eq!(Reader::open(Arc::new(storage.clone()), &other).err().unwrap().kind(), ErrorKind::Incompatible);
    open(&storage, &small_options());
}

#[test]
fn what_lies_behind_a_cut_never_comes_back() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &small_options());
    let ends: Vec<u64> = (0..5u8).map(|i| (commit(&mut log, &[i; 64], i < 3), log.reader().end()).1).collect();
    kill(&storage, log);
    // The batch 3 is torn; batch 4 behind it is whole, and was never acknowledged. It says that all before 3 was durable, as
    // what comes in place of it will.
    let mut files = storage.files();
    let stale = files[&0].clone();
    let at = |units: u64| (units * UNIT) as usize;
    files.get_mut(&0).unwrap()[at(ends[2]) + 20] ^= 1;
    let storage = Simulated::with_files(&files, 1);
    let mut log = open(&storage, &small_options());
    assert_eq!(log.last().unwrap().id, 2);
    // Another batch 3 of the same length; then the medium gives the old bytes behind it back.
    commit(&mut log, &[9; 64], false);
    assert_eq!(log.reader().end(), ends[3]);
    kill(&storage, log);
    let mut files = storage.files();
    files.get_mut(&0).unwrap()[at(ends[3])..at(ends[4])].copy_from_slice(&stale[at(ends[3])..at(ends[4])]);
    let storage = Simulated::with_files(&files, 1);
    let log = open(&storage, &small_options());
    assert_eq!(log.last().unwrap().id, 3);
    let Root::At(root) = log.reader().stamp_of(3).unwrap().root else { panic!("the root is in a record") };
    assert_eq!(log.reader().read(root).unwrap().body(), [9; 64]);
}

#[test]
fn damage_to_what_was_acknowledged_changes_nothing_and_leaves_the_rest_readable() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &small_options());
    let ends: Vec<u64> = (0..5u8).map(|i| (commit(&mut log, &[i; 64], true), log.reader().end()).1).collect();
    kill(&storage, log);
    let mut files = storage.files();
    files.get_mut(&0).unwrap()[(ends[1] * UNIT) as usize + 20] ^= 1;
    let storage = Simulated::with_files(&files, 1);
    let error = Log::open(Arc::new(storage.clone()), small_options()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    for part in ["segment 00000000000", "offset", "was acknowledged", "Nothing was changed", "read-only"] {
        assert!(error.to_string().contains(part), "{error}")
    }
    assert_eq!(storage.files(), files);
    let (reader, last) = Reader::open(Arc::new(storage), &identity()).unwrap();
    assert_eq!((last.unwrap().id, reader.versions(), reader.end()), (1, 2, ends[1]));
    let report = verify::verify(&reader, &|_, _, _, _| Ok(()), &mut |_, _| {}).unwrap();
    assert_eq!(report.damages.len(), 1, "{:?}", report.damages);
}

#[test]
fn an_anchor_shortens_the_scan_and_a_damaged_one_only_lengthens_it() {
    let storage = Simulated::new(1);
    let options = Options { ahead_bytes: (64 << 10, 1 << 20), ..Options::new(identity()) };
    let mut log = open(&storage, &options);
    for _ in 0..8000 {
        commit(&mut log, &[1; 500], false);
    }
    log.flush().unwrap();
    for _ in 0..10 {
        commit(&mut log, &[1; 500], true);
    }
    let last = log.last().unwrap().clone();
    kill(&storage, log);
    let mut files = storage.files();
    let reads = |files: &std::collections::BTreeMap<u64, Vec<u8>>| {
        let storage = Simulated::with_files(files, 1);
        let (_, found) = Reader::open(Arc::new(storage.clone()), &identity()).unwrap();
        assert_eq!(found.as_ref(), Some(&last));
        counts(&storage)[2]
    };
    let with = reads(&files);
    files.get_mut(&0).unwrap()[2048..4096].fill(0x55);
    let without = reads(&files);
    assert!(with < 12 && without > with + 10, "{with} reads with anchors, {without} without");
}

#[test]
fn a_stale_record_in_the_place_of_a_lost_one_makes_its_batch_not_whole() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &small_options());
    commit(&mut log, &[0; 64], true);
    let end = log.reader().end();
    commit(&mut log, &[1; 64], false);
    kill(&storage, log);
    // The stamp of the second batch is lost, and its record is kept aside: it is whole, at its place in its log.
    let at = (end * UNIT) as usize;
    let mut files = storage.files();
    let stale = files[&0][at..at + 72].to_vec();
    files.get_mut(&0).unwrap()[at + 72 + 10] ^= 1;
    let storage = Simulated::with_files(&files, 1);
    let mut log = open(&storage, &small_options());
    assert_eq!(log.reader().end(), end);
    commit(&mut log, &[2; 64], false);
    kill(&storage, log);
    let mut files = storage.files();
    assert_ne!(files[&0][at..at + 72], stale);
    files.get_mut(&0).unwrap()[at..at + 72].copy_from_slice(&stale);
    let log = open(&Simulated::with_files(&files, 1), &small_options());
    assert_eq!((log.reader().end(), log.last().unwrap().id), (end, 0));
}

#[test]
fn a_sync_that_succeeds_after_one_that_failed_is_not_believed() {
    let storage = Simulated::new(1);
    let mut log = open(&storage, &Options::new(identity()));
    commit(&mut log, &[1; 300], false);
    let due = || log.due().unwrap().unwrap();
    let (first, second) = (due(), due());
    let now = storage.disk().operations;
    storage.disk().faults.fail_at = Some(now);
    for due in [first, second] {
        assert_eq!(due.sync().unwrap_err().kind(), ErrorKind::Io)
    }
    assert!(log.due().is_err() && log.batch().is_err() && log.flush().is_err())
}

#[test]
fn what_a_sync_beside_commits_was_for_is_promised_and_no_more_and_no_less() {
    let storage = Simulated::new(1);
    let options = Options { segment_bytes: 8 << 10, anchor_bytes: 8, ..Options::new(identity()) };
    let mut log = open(&storage, &options);
    let synced = |log: &Log| log.last().unwrap().chain.synced_upto;
    commit(&mut log, &[1; 300], false);
    let due = log.due().unwrap().unwrap();
    // It comes while the sync is under way.
    commit(&mut log, &[2; 300], false);
    due.sync().unwrap();
    let end = due.end();
    log.done(due);
    commit(&mut log, &[3; 300], false);
    assert_eq!(synced(&log), end);
    // A segment ends while a sync of it is under way: all in it is durable.
    let late = log.due().unwrap().unwrap();
    while storage.files().len() == 1 {
        commit(&mut log, &[4; 300], false);
    }
    let before = synced(&log);
    assert!(before > late.end());
    late.sync().unwrap();
    log.done(late);
    commit(&mut log, &[5; 300], false);
    assert_eq!(synced(&log), before);
    let due = log.due().unwrap().unwrap();
    due.sync().unwrap();
    log.done(due);
    assert!(log.due().unwrap().is_none());
    storage.lose_power();
    drop(log);
    let log = open(&storage, &options);
    assert_eq!(log.last().unwrap().kind, StampKind::Version, "all of it was there")
}
