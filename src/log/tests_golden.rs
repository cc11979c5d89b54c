//! Logs that were written once and are opened for ever: `tests/golden/log`, and what other modules put beside it.
//! Who changes the format on purpose raises its version, keeps this log, and writes another beside it with
//! `BACKSTORY_WRITE_GOLDEN=1 cargo test golden`.

use super::simulated::Simulated;
use super::tests_crash::identity;
use super::*;
use crate::id::Address;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const VERSIONS: u64 = 260;

fn body(id: u64) -> Vec<u8> {
    (0..id % 50).map(|i| (i * id) as u8).collect()
}

/// What stands in the golden log, written anew: every kind of stamp, a node of the index, two segments, a batch over both.
fn written() -> BTreeMap<u64, Vec<u8>> {
    let storage = Simulated::new(2026);
    let options = Options { segment_bytes: 28 << 10, part_bytes: 2 << 10, ..Options::new(identity()) };
    let (mut log, _) = Log::open(Arc::new(storage.clone()), options).unwrap();
    for id in 0..VERSIONS {
        let mut batch = log.batch().unwrap();
        let mut stamp = Stamp::version(id, Root::Inline(body(id)[..].into()));
        if id % 4 == 1 {
            stamp.root = Root::At(batch.append(64 + id as u8 % 9, &body(id)).unwrap())
        }
        if id == 200 {
            for i in 0..10 {
                batch.append(80, &[i; 700]).unwrap();
            }
        }
        stamp.parents = id.checked_sub(1).into_iter().chain(id.checked_sub(7).filter(|_| id % 60 == 59)).collect();
        (stamp.depth, stamp.jump, stamp.time_us) = (id, id / 2, 1_790_000_000_000_000 + id * 1000);
        if id % 3 == 0 {
            stamp.tags.push(Tags::LABEL, b"golden");
            stamp.tags.push(Tags::AUTHOR, b"user:ann");
            stamp.tags.push(77, &[id as u8; 3])
        }
        batch.commit(stamp.clone(), true).unwrap();
        if id % 90 == 40 {
            let back = Stamp { head: id - 2, ..stamp.after(StampKind::Move) };
            log.batch().unwrap().commit(back, false).unwrap();
            let mut batch = log.batch().unwrap();
            let mut named = stamp.after(StampKind::Names);
            match id < 100 {
                true => named.tags.push(Tags::CHANGE, b"a change"),
                false => named.tags.push_root(Tags::NAMES, &Root::At(batch.append(90, b"names").unwrap())),
            }
            batch.commit(named, true).unwrap();
        }
    }
    log.close().unwrap();
    storage.files()
}

/// The files of the golden log of that name. They are what is written today.
pub(crate) fn golden(name: &str, written: impl Fn() -> BTreeMap<u64, Vec<u8>>) -> BTreeMap<u64, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let storage = Files::new(&folder);
    if std::env::var_os("BACKSTORY_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        written().iter().for_each(|(&first, bytes)| std::fs::write(storage.path(first), bytes).unwrap())
    }
    let stored = |first| std::fs::read(storage.path(first)).unwrap();
    let golden: BTreeMap<u64, Vec<u8>> = storage.segments().unwrap().into_iter().map(|f| (f, stored(f))).collect();
    assert!(golden == written(), "the format has changed, or what is written in it: see the head of this file");
    golden
}

#[test]
fn the_golden_log_is_what_is_written_today_and_opens() {
    let golden = golden("log", written);
    assert!(golden.len() > 1);

    let storage = Arc::new(Simulated::with_files(&golden, 1));
    let (reader, last) = Reader::open(storage, &identity()).unwrap();
    let last = last.unwrap();
    assert_eq!((last.kind, last.id, reader.versions()), (StampKind::Closing, VERSIONS - 1, VERSIONS));
    for id in 0..VERSIONS {
        let stamp = reader.stamp_of(id).unwrap();
        assert_eq!((stamp.depth, stamp.jump, stamp.time_us), (id, id / 2, 1_790_000_000_000_000 + id * 1000));
        assert_eq!(stamp.tags.get(77).is_some(), id % 3 == 0);
        match stamp.root {
            Root::Inline(bytes) => assert_eq!(bytes[..], body(id)),
            Root::At(root) => assert!(reader.read(root).unwrap().body().starts_with(&body(id))),
            Root::None => panic!("version {id} has no root"),
        }
    }
    let links = |_: Address, _: u8, _: &[u8], _: &mut Vec<Address>| Ok(());
    let report = verify::verify(&reader, &links, &mut |_, _| {}).unwrap();
    assert_eq!((report.versions, report.moves, report.names, report.closings), (VERSIONS, 3, 3, 1));
    assert_eq!((report.index_nodes, report.damages), (1, Vec::new()));
}
