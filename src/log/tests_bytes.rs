//! Bad bytes: every flipped bit and every truncation of a small log, closed and open, ends right or in a clear error.

use super::simulated::Simulated;
use super::tests_crash::*;
use super::*;
use crate::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::sync::Arc;

type Segments = BTreeMap<u64, Vec<u8>>;

/// What became of a damaged log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    /// Everything is there.
    Right,
    /// It opens; the batch that is damaged says so when it is read.
    CorruptOnUse,
    /// It does not open for writing; what is before the damage can be read.
    CorruptOnOpen,
    /// It cannot be opened at all.
    NotOpened,
    /// It opens, and the last batches are gone as if they were torn; how many.
    Cut(usize),
}

/// Opens what is there; every batch that is visible must be as it was, or say that it is corrupt.
fn outcome(files: &Segments, committed: &[Committed]) -> Outcome {
    let storage = Arc::new(Simulated::with_files(files, 1));
    let is_corrupt = |error: &Error| {
        assert!(matches!(error.kind(), ErrorKind::Corrupt), "{error}");
        assert!(error.to_string().contains("segment"), "a place: {error}")
    };
    let visible = |reader: &Reader| committed.iter().filter(|b| b.at.unwrap().units() < reader.end()).count();
    let options = Options { segment_bytes: 6 << 10, ..small_options() };
    match Log::open(storage.clone(), options) {
        Err(error) => {
            is_corrupt(&error);
            assert_eq!(storage.files(), *files, "a log that does not open is left as it is");
            let Ok((reader, last)) = Reader::open(storage, &identity()) else { return Outcome::NotOpened };
            let count = visible(&reader);
            assert_eq!(last.map(|last| last.id + 1).unwrap_or(0), reader.versions());
            committed[..count]
                .iter()
                .filter_map(|batch| compare(&reader, batch).err())
                .for_each(|error| is_corrupt(&error));
            Outcome::CorruptOnOpen
        }
        Ok((log, _)) => {
            let reader = log.reader();
            let count = visible(&reader);
            let errors: Vec<Error> = committed[..count].iter().filter_map(|b| compare(&reader, b).err()).collect();
            errors.iter().for_each(is_corrupt);
            match (errors.len(), committed.len() - count) {
                (0, 0) => Outcome::Right,
                (0, cut) => Outcome::Cut(cut),
                (_, 0) => {
                    let report = verify::verify(&reader, &|_, _, _, _| Ok(()), &mut |_, _| {}).unwrap();
                    assert!(!report.damages.is_empty());
                    Outcome::CorruptOnUse
                }
                (_, cut) => panic!("{errors:?}, and {cut} batches cut"),
            }
        }
    }
}

fn count(outcomes: &mut BTreeMap<Outcome, u64>, outcome: Outcome) {
    *outcomes.entry(outcome).or_default() += 1
}

fn flips(is_closed: bool) -> BTreeMap<Outcome, u64> {
    let (files, committed) = small_log(is_closed);
    assert!(files.len() > 1);
    assert_eq!(outcome(&files, &committed), Outcome::Right);
    let mut outcomes = BTreeMap::new();
    let mut damaged = files.clone();
    for (first, file) in &files {
        // Zeros that were made ahead are all alike.
        let used = file.len() - file.iter().rev().take_while(|&&b| b == 0).count() + 64;
        for bit in 0..file.len().min(used) * 8 {
            let byte = |files: &mut Segments| files.get_mut(first).unwrap()[bit / 8] ^= 1 << (bit % 8);
            byte(&mut damaged);
            count(&mut outcomes, outcome(&damaged, &committed));
            byte(&mut damaged)
        }
    }
    outcomes
}

#[test]
fn every_flipped_bit_of_a_closed_log_is_harmless_or_found() {
    let outcomes = flips(true);
    println!("closed, flips: {outcomes:?}");
    assert!(outcomes.keys().all(|outcome| !matches!(outcome, Outcome::Cut(_))), "{outcomes:?}");
    assert!(outcomes[&Outcome::Right] > 1000 && outcomes[&Outcome::CorruptOnUse] > 1000, "{outcomes:?}");
}

#[test]
fn every_flipped_bit_of_an_open_log_is_harmless_or_found_or_cuts_the_last_batch_only() {
    let outcomes = flips(false);
    println!("open, flips: {outcomes:?}");
    assert!(outcomes.keys().all(|outcome| !matches!(outcome, Outcome::Cut(2..))), "{outcomes:?}");
    assert!(outcomes[&Outcome::CorruptOnOpen] > 100 && outcomes[&Outcome::Cut(1)] > 100, "{outcomes:?}");
}

fn truncations(is_closed: bool) -> BTreeMap<Outcome, u64> {
    let (files, committed) = small_log(is_closed);
    let mut outcomes = BTreeMap::new();
    for (first, file) in &files {
        for len in 0..file.len() {
            let mut damaged = files.clone();
            damaged.get_mut(first).unwrap().truncate(len);
            count(&mut outcomes, outcome(&damaged, &committed))
        }
    }
    outcomes
}

#[test]
fn every_truncation_of_a_closed_log_is_found() {
    let outcomes = truncations(true);
    println!("closed, truncations: {outcomes:?}");
    let found = [Outcome::CorruptOnOpen, Outcome::CorruptOnUse, Outcome::NotOpened];
    assert!(outcomes.keys().all(|outcome| found.contains(outcome)), "{outcomes:?}");
}

#[test]
fn a_truncated_log_that_was_not_closed_is_found_or_ends_with_a_whole_batch() {
    let (files, committed) = small_log(false);
    let outcomes = truncations(false);
    println!("open, truncations: {outcomes:?}");
    // The second segment has the last two batches; what an anchor says was durable is never cut.
    let last = *files.keys().last().unwrap();
    let in_last = committed.iter().filter(|batch| batch.at.unwrap().units() > last).count();
    assert!(outcomes.keys().all(|outcome| !matches!(outcome, Outcome::Cut(n) if *n > in_last)), "{outcomes:?}");
}

#[test]
fn a_segment_that_is_missing_is_named() {
    for is_closed in [true, false] {
        let (files, committed) = small_log(is_closed);
        for first in files.keys() {
            let mut damaged = files.clone();
            damaged.remove(first);
            let outcome = outcome(&damaged, &committed);
            // Without the last segment an open log ends where the one before does: nothing says that there was another.
            let is_last = files.keys().last() == Some(first);
            assert!(outcome != Outcome::Right && (is_last || !matches!(outcome, Outcome::Cut(_))), "{outcome:?}");
        }
    }
}
