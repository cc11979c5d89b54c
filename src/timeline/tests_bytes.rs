//! Bad bytes: a small log with every kind of record, with flipped bits, cut short, and with forged records. Each version is read
//! as a whole: it is right, or there is an error that says so; nothing panics.

use super::tests_golden::*;
use super::*;
use crate::archive::{Library, links, read_root};
use crate::id::Address;
use crate::link::Session;
use crate::log::simulated::Simulated;
use crate::log::{Log, Reader as LogReader, Record, StampKind, Tags, verify};
use crate::vector::Vector;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

type Segments = BTreeMap<u64, Vec<u8>>;

const VERSIONS: u64 = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// All is there, and nothing is damaged that matters.
    Right,
    /// All versions can be read; `verify` has found something.
    FoundByVerify,
    /// It opens; some version says that it is damaged.
    FoundOnUse,
    /// It does not open for writing, and does read-only, up to the damage.
    FoundOnOpening,
    /// It does not open at all.
    NotOpened,
    /// It opens, and the last versions are gone as if they had been torn.
    Cut,
}

/// Reads all of a state.
fn walk(state: &Golden) -> Result<()> {
    let many = match state {
        Golden::List(list) => return list.thaw_all(),
        Golden::Many(many) => many,
        _ => return Ok(()),
    };
    many.small.try_get(&7)?;
    many.list.try_get(200)?;
    many.small.thaw_all()?;
    many.named.thaw_all()?;
    many.nested.try_for_each(|_, list| list.thaw_all())?;
    many.books.try_for_each(|_, book| book.thaw_all())?;
    many.clash.thaw_all()?;
    many.nested_clash.try_for_each(|_, list| list.thaw_all())?;
    many.list.thaw_all()?;
    many.lists.try_for_each(|list| list.thaw_all())?;
    many.set.map.thaw_all()
}

fn assert_clear(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Incompatible), "{:?}: {error}", error.kind());
    let text = error.to_string();
    assert!(text.contains("segment") || text.contains("address") || text.contains("log"), "a place: {text}")
}

/// True if all versions of a timeline are as they were; the others say that they are damaged.
fn is_right(timeline: &Timeline<Golden>, states: &[Golden]) -> bool {
    let mut is_right = true;
    let count = timeline.reader().versions().count();
    for (id, expected) in states[..count].iter().enumerate() {
        let id = VersionId::new(id as u64);
        let read = timeline.at(id).and_then(|state| walk(&state).map(|()| state));
        match (read, timeline.version(id)) {
            (Ok(state), Ok(version)) => assert!(&state == expected && version.id == id, "version {id}"),
            (Err(error), _) | (_, Err(error)) => {
                assert_clear(&error);
                is_right = false
            }
        }
    }
    is_right
}

fn outcome(files: &Segments, states: &[Golden]) -> Outcome {
    let storage = Simulated::with_files(files, 1);
    let timeline = match open(&storage) {
        Ok(timeline) => {
            // They are what a batch was acknowledged with, or an error.
            assert!(is_named(&timeline, states.len() as u64 - 1) || timeline.versions().count() < states.len());
            timeline
        }
        Err(error) => {
            assert_clear(&error);
            assert!(&storage.files() == files, "what does not open is left as it is");
            return match Timeline::<Golden>::options().read_only_in(Arc::new(storage)) {
                Ok(timeline) => {
                    is_right(&timeline, states);
                    Outcome::FoundOnOpening
                }
                Err(error) => {
                    assert!(
                        error.kind() == ErrorKind::NotFound || {
                            assert_clear(&error);
                            true
                        }
                    );
                    Outcome::NotOpened
                }
            };
        }
    };
    let (is_right, is_all) = (is_right(&timeline, states), timeline.versions().count() == states.len());
    match (is_right, is_all, timeline.verify().unwrap().damages.is_empty()) {
        (true, true, true) => Outcome::Right,
        (true, true, false) => Outcome::FoundByVerify,
        (false, true, has_none) => {
            assert!(!has_none, "verify finds what a reader finds");
            Outcome::FoundOnUse
        }
        (is_right, false, _) => {
            assert!(is_right);
            Outcome::Cut
        }
    }
}

fn small() -> (Segments, Vec<Golden>) {
    let storage = written(Size::Small, VERSIONS);
    assert_eq!(kinds_in(Arc::new(storage.clone())).0, all_kinds());
    (storage.files(), states(Size::Small, VERSIONS))
}

type Outcomes = BTreeMap<Outcome, u64>;

#[test]
fn a_flipped_bit_in_a_log_with_all_kinds_of_records_is_harmless_or_found() {
    let (files, states) = small();
    assert_eq!(outcome(&files, &states), Outcome::Right);
    let is_long = std::env::var_os("BACKSTORY_LONG").is_some();
    let (mut outcomes, mut damaged) = (Outcomes::new(), files.clone());
    for (first, file) in &files {
        // One bit of every seventh byte, each in turn; all of them in long runs. Zeros of the superblock are all alike.
        for bit in 0..file.len() * 8 {
            let byte = bit / 8;
            if is_long || byte % 7 == 0 && bit % 8 == byte % 8 && !(100..2000).contains(&byte) {
                damaged.get_mut(first).unwrap()[byte] ^= 1 << (bit % 8);
                *outcomes.entry(outcome(&damaged, &states)).or_default() += 1;
                damaged.get_mut(first).unwrap()[byte] ^= 1 << (bit % 8)
            }
        }
    }
    println!("flips: {outcomes:?}");
    assert!(!outcomes.contains_key(&Outcome::Cut), "a closed log loses nothing");
    assert!(outcomes[&Outcome::FoundOnUse] > 1000 && outcomes[&Outcome::Right] > 50)
}

#[test]
fn a_log_with_all_kinds_of_records_that_is_cut_short_is_found() {
    let (files, states) = small();
    let mut outcomes = Outcomes::new();
    for (first, file) in &files {
        for len in (0..file.len()).step_by(37) {
            let mut damaged = files.clone();
            damaged.get_mut(first).unwrap().truncate(len);
            *outcomes.entry(outcome(&damaged, &states)).or_default() += 1
        }
    }
    println!("truncations: {outcomes:?}");
    assert!(
        outcomes.keys().all(|outcome| matches!(outcome, Outcome::FoundOnOpening | Outcome::NotOpened)),
        "{outcomes:?}"
    )
}

#[test]
fn edits_and_diffs_of_what_is_damaged_are_errors_and_change_nothing() {
    let (files, _) = small();
    let mut damaged = files.clone();
    // A leaf of the long list, where it was written last.
    let file = damaged.get_mut(&0).unwrap();
    let elements = [200u64 * 200, 201 * 201].map(u64::to_le_bytes).concat();
    let at = file.windows(16).rposition(|bytes| bytes == elements).unwrap();
    file[at] ^= 1;
    let storage = Simulated::with_files(&damaged, 1);
    let mut timeline = open(&storage).unwrap();
    let (head, versions) = (timeline.head(), timeline.versions().count());
    let touch = |state: &mut Golden| {
        if let Golden::Many(many) = state {
            (0..400).for_each(|n| _ = many.list.set(n, 0));
            many.small.clear()
        }
    };
    let error = timeline.edit("touch", touch).unwrap_err();
    assert_clear(&error);
    let count = |state: &Golden| if let Golden::Many(many) = state { many.list.iter().sum::<u64>() } else { 0 };
    assert_clear(&timeline.diff(head, head, count).unwrap_err());
    assert_eq!((timeline.head(), timeline.versions().count()), (head, versions));
    // What does not need it goes on.
    timeline.edit("anew", |state| *state = first()).unwrap();
    assert_eq!(timeline.versions().count(), versions + 1)
}

/// Records whose checksum is right and whose body is not what their kind says: as no flip makes them, and a fault of a program
/// might.
#[test]
fn a_record_that_says_what_none_says_is_an_error_and_no_panic() {
    let storage = written(Size::Small, VERSIONS);
    let (reader, _) =
        LogReader::open(Arc::new(storage), &Timeline::<Golden>::options().log_options().identity).unwrap();
    let records = RefCell::new(Vec::new());
    let each_record = |at, kind, body: &[u8], to: &mut _| {
        if Some(at) != reader.address_of(0).ok() {
            records.borrow_mut().push((at, kind, body.to_vec()))
        }
        links(at, kind, body, to)
    };
    verify(&reader, &each_record, &mut |_, _| {}).unwrap();
    let library = Library::new(Session::open().unwrap(), reader.clone());
    let stamps: Vec<_> = [3, 13, 14].map(|id| (reader.address_of(id).unwrap(), reader.stamp_of(id).unwrap())).into();
    library.note_hashers(stamps[2].1.hashers);
    let (mut right, mut errors) = (0, 0);
    let mut check = |at, kind, body: &[u8]| {
        let library = library.with([(at, Record::owned(kind, body))].into_iter().collect());
        for (at, stamp) in &stamps {
            match read_root::<Golden>(&library, &stamp.root, *at).and_then(|state| walk(&state)) {
                Ok(()) => right += 1,
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Incompatible), "{error:?}");
                    errors += 1
                }
            }
        }
    };
    let (is_long, mut n) = (std::env::var_os("BACKSTORY_LONG").is_some(), 0);
    for (at, kind, mut body) in records.into_inner() {
        for bit in 0..body.len() * 8 {
            n += 1;
            if is_long || n % 151 == 0 {
                body[bit / 8] ^= 1 << (bit % 8);
                check(at, kind, &body);
                body[bit / 8] ^= 1 << (bit % 8)
            }
        }
        check(at, kind ^ 1, &body);
        check(at, kind ^ 128, &body);
        check(at, kind, &body[..body.len() / 16 * 8]);
        check(at, kind, &[])
    }
    println!("forged: {errors} errors, {right} states of other values or the same");
    assert!(errors > 300 && right > 300)
}

#[test]
fn a_version_whose_stamp_does_not_fit_its_ancestors_is_an_error_and_no_panic() {
    let storage = written(Size::Small, VERSIONS);
    let (mut log, last) = Log::open(Arc::new(storage.clone()), Timeline::<Golden>::options().log_options()).unwrap();
    let mut stamp = last.unwrap().after(StampKind::Version);
    (stamp.id, stamp.head, stamp.tip, stamp.jump) = (VERSIONS, VERSIONS, VERSIONS, VERSIONS - 1);
    stamp.parents.push(VERSIONS - 1);
    stamp.root = log.reader().stamp_of(0).unwrap().root;
    // It jumps over what has more ancestors than it says it has.
    stamp.depth = 0;
    log.batch().unwrap().commit(stamp, true).unwrap();
    drop(log);
    let mut timeline = open(&storage).unwrap();
    assert_eq!((timeline.head().number(), timeline.state()), (VERSIONS, &first()));
    let damages = timeline.verify().unwrap().damages;
    assert!(damages.len() == 1 && damages[0].what.contains("ancestors"), "{damages:?}");
    assert_clear(&timeline.edit("more", |state| *state = Golden::Number(8)).unwrap_err());
    // Others are as they were.
    timeline.checkout(VersionId::new(3)).unwrap();
    timeline.edit("more", |state| *state = Golden::Number(8)).unwrap();
}

#[test]
fn a_change_of_names_that_is_none_is_an_error_and_reading_goes_on_without_names() {
    let options = || Timeline::<Golden>::options();
    let change = |change: Change| (Tags::CHANGE, change.to_bytes());
    let (name, missing) = (|name: &str| name.to_owned(), || "missing".to_owned());
    let forged = [
        (Tags::CHANGE, Vec::new()),
        (Tags::CHANGE, vec![9, 1, 2]),
        (Tags::LABEL, b"no change at all".to_vec()),
        (Tags::NAMES, vec![1; 20]),
        (Tags::NAMES, (1u64 << Address::SPARE_BITS).to_le_bytes().to_vec()),
        change(Change::Tag { name: name("main"), id: 0 }),
        change(Change::Tag { name: name("a b"), id: 0 }),
        change(Change::Tag { name: name("new"), id: VERSIONS }),
        change(Change::Branch { name: name("new"), id: u64::MAX }),
        change(Change::Save { id: VERSIONS }),
        change(Change::Delete { name: missing() }),
        change(Change::Rename { from: missing(), to: name("new") }),
        change(Change::Rename { from: name("main"), to: name("main") }),
        change(Change::Stand { on: Some(missing()) }),
        change(Change::Stand { on: Some(name("neun")) }),
    ];
    for (n, (tag, bytes)) in forged.into_iter().enumerate() {
        let storage = written(Size::Small, VERSIONS);
        let (mut log, last) = Log::open(Arc::new(storage.clone()), options().log_options()).unwrap();
        let mut stamp = last.unwrap().after(StampKind::Names);
        stamp.tags.push(tag, &bytes);
        log.batch().unwrap().commit(stamp, true).unwrap();
        // Changes behind it do not hide it.
        let mut stamp = log.last().unwrap().after(StampKind::Names);
        stamp.tags.push(Tags::CHANGE, &Change::Stand { on: None }.to_bytes());
        log.batch().unwrap().commit(stamp, true).unwrap();
        drop(log);
        let error = open(&storage).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{n}: {error}");
        assert_clear(&error);
        let timeline = options().read_only_in(Arc::new(storage)).unwrap();
        assert_eq!((timeline.branches().unwrap(), timeline.tags().unwrap()), (vec![], vec![]));
        assert_eq!(timeline.versions().count() as u64, VERSIONS);
        let damages = timeline.verify().unwrap().damages;
        assert_eq!(damages.len(), 1, "{n}: {damages:?}");
        assert!(tag == Tags::NAMES || damages[0].what.contains("names in the log"), "{n}: {damages:?}")
    }
}

#[test]
fn a_measure_of_what_cannot_be_read_is_an_error_of_the_edit() {
    let storage = Simulated::new(1);
    let open =
        |storage: &Simulated| Timeline::options().open_in(Arc::new(storage.clone()), Vector::<u64>::new).unwrap();
    let value = 0x0123_4567_89ab_cdefu64;
    open(&storage).commit("", (0..200).map(|n| n ^ value).collect()).unwrap();
    let mut files = storage.files();
    let file = files.get_mut(&0).unwrap();
    let at = file.windows(8).position(|bytes| bytes == value.to_le_bytes()).unwrap();
    file[at] ^= 1;
    let stored = open(&Simulated::with_files(&files, 1)).at(VersionId::new(1)).unwrap();
    let measure = |old: &Vector<u64>, _: &Vector<u64>| old[0];
    let mut timeline = Timeline::options().keep_bytes(100, measure).in_memory(stored);
    assert_eq!(timeline.edit("", |list| list.push_back(1)).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!((timeline.versions().count(), timeline.state().len()), (1, 200))
}
