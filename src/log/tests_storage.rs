//! What every storage must do: one suite, run against all of them.
#![allow(unsafe_code)] // The promise of a mapped storage, which these tests keep.

use super::simulated::Simulated;
use super::storage::Storage;
use super::tests_crash::{identity, small_options};
use super::*;
use crate::ErrorKind;
use crate::id::Address;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder that is gone after the test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("backstory-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Folder(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the suite with each storage, empty at first.
fn with_each(test: impl Fn(Arc<dyn Storage>)) {
    test(Arc::new(Simulated::new(1)));
    let folder = Folder::new();
    test(Arc::new(Files::new(folder.0.join("files"))));
    test(Arc::new(mapped(folder.0.join("mapped"))))
}

pub(super) fn mapped(folder: PathBuf) -> MappedFiles {
    // SAFETY: the folder is this test's own.
    unsafe { MappedFiles::new(folder) }
}

#[test]
fn segments_keep_what_is_written() {
    with_each(|storage| {
        assert!(storage.segments().unwrap().is_empty());
        let _lock = storage.lock().unwrap();
        let file = storage.create(0, &[7; 4096]).unwrap();
        file.write(b"behind the end", 5000).unwrap();
        let mut bytes = [1; 30];
        assert_eq!(file.read(&mut bytes, 4990).unwrap(), 24);
        assert_eq!(&bytes[..24], b"\0\0\0\0\0\0\0\0\0\0behind the end");
        assert_eq!((file.len_bytes().unwrap(), file.read(&mut bytes, 5014).unwrap()), (5014, 0));
        file.set_len(4097).unwrap();
        file.set_len(6000).unwrap();
        assert_eq!(file.read(&mut bytes, 5000).unwrap(), 30);
        assert_eq!(bytes, [0; 30]);
        file.sync().unwrap();
        let again = storage.open(0, false).unwrap();
        assert_eq!((again.read(&mut bytes, 0).unwrap(), bytes, again.len_bytes().unwrap()), (30, [7; 30], 6000));
        assert!(again.write(b"x", 0).is_err());
        if let Some(mapped) = file.mapped(4090, 100) {
            assert_eq!(mapped.bytes(), [&[7u8; 6][..], &[0; 94]].concat());
            assert!(file.mapped(5990, 11).is_none());
        }
    })
}

#[test]
fn segments_are_listed_in_order_and_removed_for_good() {
    with_each(|storage| {
        let _lock = storage.lock().unwrap();
        for first in [1 << 43, 0, 700] {
            storage.create(first, b"block").unwrap();
        }
        assert_eq!(storage.segments().unwrap(), [0, 700, 1 << 43]);
        storage.remove(700).unwrap();
        storage.sync_names().unwrap();
        assert_eq!(storage.segments().unwrap(), [0, 1 << 43]);
        assert_eq!(storage.open(700, true).err().unwrap().kind(), ErrorKind::NotFound);
        assert_eq!(storage.remove(700).err().unwrap().kind(), ErrorKind::NotFound);
        // One of that name is replaced.
        storage.create(0, b"another").unwrap();
        assert_eq!(storage.open(0, false).unwrap().len_bytes().unwrap(), 7);
        assert_ne!(storage.draw_id(), storage.draw_id());
    })
}

#[test]
fn only_one_writer_has_the_lock() {
    with_each(|storage| {
        let held = storage.lock().unwrap();
        let error = storage.lock().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Locked);
        drop(held);
        storage.lock().unwrap();
    })
}

#[test]
fn a_log_works_alike_on_each() {
    with_each(|storage| {
        let long: Vec<u8> = (0..40_000).map(|i| (i * i) as u8).collect();
        let mut at = Vec::new();
        for session in 0..3u64 {
            let (mut log, last) = Log::open(storage.clone(), small_options()).unwrap();
            assert_eq!(
                last.map(|stamp| (stamp.kind, stamp.id)),
                session.checked_sub(1).map(|s| (StampKind::Closing, s * 300 + 299))
            );
            let reader = log.reader();
            for id in session * 300..session * 300 + 300 {
                let mut batch = log.batch().unwrap();
                let body = &long[..(id as usize * 37) % if id % 50 == 49 { 40_000 } else { 300 }];
                at.push((batch.append(64, body).unwrap(), body.len()));
                batch.commit(Stamp::version(id, Root::At(at[id as usize].0)), id % 100 == 0).unwrap();
            }
            at.iter()
                .for_each(|&(address, len)| assert_eq!(&reader.read(address).unwrap().body()[..len], &long[..len]));
            // Beside the writer, and without its lock.
            log.flush().unwrap();
            let (beside, last) = Reader::open(storage.clone(), &identity()).unwrap();
            assert_eq!(last.map(|stamp| stamp.id), Some(session * 300 + 299));
            for (id, &(root, _)) in at.iter().enumerate() {
                assert_eq!(reader.stamp_of(id as u64).unwrap().root, Root::At(root));
                assert_eq!(beside.stamp_of(id as u64).unwrap().root, Root::At(root));
            }
            let report = verify::verify(&reader, &|_, _, _, _| Ok(()), &mut |_, _| {}).unwrap();
            assert_eq!((report.damages, report.versions), (Vec::new(), session * 300 + 300));
            log.close().unwrap();
        }
    })
}

#[test]
fn a_lock_names_its_holder_and_a_log_that_is_not_there_is_not_found() {
    let folder = Folder::new();
    let storage: Arc<dyn Storage> = Arc::new(Files::new(&folder.0));
    let error = Reader::open(storage.clone(), &identity()).err().unwrap();
    assert_eq!((error.kind(), folder.0.exists()), (ErrorKind::NotFound, false));
    let (_log, _) = Log::open(storage.clone(), small_options()).unwrap();
    let error = Log::open(storage, small_options()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
}

#[test]
fn ten_small_edits_leave_little() {
    let folder = Folder::new();
    let (mut log, _) = Log::open(Arc::new(Files::new(&folder.0)), Options::new(identity())).unwrap();
    for id in 0..10 {
        let mut batch = log.batch().unwrap();
        let root = batch.append(64, &[id as u8; 400]).unwrap();
        batch.commit(Stamp::version(id, Root::At(root)), true).unwrap();
    }
    let size = || std::fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum::<u64>();
    assert!(size() > 16 << 10);
    log.close().unwrap();
    assert!(size() <= 16 << 10, "{}", size());
}

#[test]
fn an_address_is_read_from_many_threads_while_the_writer_goes_on() {
    with_each(|storage| {
        let (mut log, _) = Log::open(storage, small_options()).unwrap();
        let reader = log.reader();
        std::thread::scope(|scope| {
            for thread in 0..3u64 {
                let reader = reader.clone();
                scope.spawn(move || {
                    let mut seen = 0;
                    while seen < 2000 {
                        seen = reader.versions();
                        let Some(id) = seen.checked_sub(1 + thread * 7 % seen.max(1)) else { continue };
                        let stamp = reader.stamp_of(id).unwrap();
                        let Root::At(root) = stamp.root else { panic!("{stamp:?}") };
                        assert_eq!(reader.read(root).unwrap().body()[..8], id.to_le_bytes());
                    }
                });
            }
            for id in 0..2000u64 {
                let mut batch = log.batch().unwrap();
                let root = batch.append(64, &id.to_le_bytes()).unwrap();
                batch.commit(Stamp::version(id, Root::At(root)), false).unwrap();
                if id % 100 == 0 {
                    // One that is dropped, after parts of it were written.
                    let mut batch = log.batch().unwrap();
                    for _ in 0..30 {
                        batch.append(64, &[9; 700]).unwrap();
                    }
                }
            }
        });
        let beyond = Address::new(reader.end()).unwrap();
        assert_eq!(reader.read(beyond).err().unwrap().kind(), ErrorKind::Corrupt);
    })
}
