//! Forged records, whose checksums are right: every flipped bit, and what a damaged log cannot have, ends in an error or in
//! other values.

use super::hashers::Hasher;
use super::images::{Entry, Last, Row, map_word, word};
use super::loader::Source;
use super::record::kinds;
use super::serializer::{Ser, Serializer, Sink};
use super::tests::Book;
use super::tests_view::{Clash, Nested, kinds_below, view};
use super::{digest, state};
use crate::error::{ErrorKind, Result};
use crate::hash::PortableHash;
use crate::id::Address;
use crate::log::{Record, Root};
use crate::map::HashMap;
use crate::vector::Vector;
use rkyv::SerializeUnsized;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Looks at everything that a view leads to.
fn look_at_all(log: &Book, root: Address) -> Result<u64> {
    let view = view(log, root)?;
    let mut n = 0;
    for entry in view.map(|n| &n.plain).iter()? {
        n += entry.map(|_| 1)?
    }
    for entry in view.map(|n| &n.texts).iter()? {
        let (key, _) = entry?;
        n += view.map(|n| &n.texts).get(key.as_str())?.is_some() as u64
    }
    for entry in view.map(|n| &n.maps).iter()? {
        for inner in entry?.1.iter()? {
            n += inner?.1.iter()?.map(|element| element.map(|_| 1)).sum::<Result<u64>>()?
        }
    }
    n += view.map(|n| &n.list).iter()?.map(|element| element.map(|_| 1)).sum::<Result<u64>>()?;
    view.map(|n| &n.list).get(3)?;
    for list in view.map(|n| &n.lists).iter()? {
        n += list?.iter()?.map(|element| element.map(|_| 1)).sum::<Result<u64>>()?
    }
    for entry in view.map(|n| &n.clashes).iter()? {
        let key: Clash = entry?.0.thaw()?;
        n += view.map(|n| &n.clashes).get(&key)?.is_some() as u64
    }
    n += view.map(|n| &n.set).iter()?.map(|value| value.map(|_| 1)).sum::<Result<u64>>()?;
    Ok(n)
}

/// A log with all that two versions have, one record after the other; in one of them a bit is flipped, and its checksum is
/// right.
fn forged(records: &[(Address, Record)], flip: Option<(usize, usize)>) -> Book {
    let log = Book::new();
    log.write(|_| {
        let mut last = None;
        for (i, (at, record)) in records.iter().enumerate() {
            let mut body = record.body().to_vec();
            if let Some((_, bit)) = flip.filter(|&(of, _)| of == i) {
                body[bit / 8] ^= 1 << (bit % 8)
            }
            // The log's own records, between those of two versions, are filled in by something.
            let kind = record.kind().max(kinds::MAP_INNER);
            last = Some(log.log.lock().unwrap().put(kind, &body)?);
            assert_eq!(last, Some(*at), "it stands where it stood")
        }
        Ok(last.unwrap())
    })
    .unwrap();
    let is_of_hashers = |(_, record): &&(Address, Record)| record.kind() == kinds::HASHERS;
    log.library.note_hashers(records.iter().rfind(is_of_hashers).map(|(at, _)| *at));
    log
}

/// Random damage is found by checksums; here each bit is flipped under a checksum that is right.
#[test]
fn forged_records_end_in_errors_or_in_other_values() {
    let log = Book::new();
    let mut own = Nested::default();
    let mut dice = crate::log::simulated::Dice(9);
    (0..40).for_each(|i| _ = own.plain.insert(i * 7, i));
    (0..18).for_each(|i| _ = own.clashes.insert(Clash::new(i * 3), "x".into()));
    (0..140).for_each(|i| own.list.push_back(i));
    (0..20).for_each(|i| _ = own.texts.insert(i.to_string(), "long ".repeat(i % 9)));
    log.commit(&own).unwrap();
    for _ in 0..6 {
        let x = dice.roll();
        own.plain.insert(x % 280, x);
        own.texts.insert((x % 20).to_string(), "other ".repeat(6));
        own.list.set(x as usize % 140, x);
        own.list.push_front(x);
        own.maps.entry(1).or_default().insert("map".into(), (0..3).collect());
        own.lists.push_back(["one".to_string()].into_iter().collect());
        log.commit(&own).unwrap();
    }
    let root = log.commit(&own).unwrap();
    let (mut seen, mut kinds) = (BTreeSet::new(), BTreeMap::new());
    kinds_below(&log, root, &mut seen, &mut kinds);
    // All from the first record on, behind the superblock, without gaps: so that it can be written as one batch.
    let (mut all, mut at) = (Vec::new(), Address::new(512).unwrap());
    while at <= root {
        let record = log.library.read(at).unwrap();
        let next = Address::new(at.units() + 1 + record.body().len() as u64 / 8).unwrap();
        all.push((at, record));
        at = next
    }
    println!("{} records, {kinds:?}", all.len());
    let expected = look_at_all(&log, root).unwrap();
    assert_eq!(look_at_all(&forged(&all, None), root).unwrap(), expected);
    let (mut errors, mut others) = (0u64, 0u64);
    for (i, (at, record)) in all.iter().enumerate().filter(|(_, (at, _))| seen.contains(at)) {
        for bit in 0..record.body().len() * 8 {
            let log = forged(&all, Some((i, bit)));
            // What reads it with types ends so too.
            let digest = state::read::<Nested>(&log.library, root).and_then(|own| digest(&own, &Arc::default()));
            if let Err(error) = digest {
                assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Incompatible), "{at:?} {bit} {error}")
            }
            match look_at_all(&log, root) {
                Ok(_) => others += 1,
                Err(error) => {
                    assert!(
                        matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Incompatible),
                        "{at:?} {bit} {error}"
                    );
                    errors += 1
                }
            }
        }
    }
    println!("{errors} errors, {others} other values");
    assert!(errors > 1000 && others > 1000)
}

/// Makes records by hand.
struct Maker<'s>(&'s mut Serializer);

impl Maker<'_> {
    fn words(&mut self, kind: u8, words: &[u64]) -> Address {
        self.0.begin().unwrap();
        self.0.words(words.iter().copied());
        self.0.end(kind).unwrap()
    }

    /// A leaf: its own bytes, after them entries with these keys.
    fn leaf(&mut self, kind: u8, own: &[u8], keys: &[u64]) -> Address {
        self.0.begin().unwrap();
        self.0.padded(own);
        let entries: Vec<Entry<'_, u64, u64>> = keys.iter().map(|key| Entry(key, key)).collect();
        Last(&entries).serialize_unsized(Ser::wrap(self.0)).unwrap();
        self.0.end(kind).unwrap()
    }

    /// A leaf over another one: with these dead places, and own entries in these places.
    fn over(&mut self, base: Address, dead: u64, places: u16, keys: &[u64]) -> Address {
        let mut own = word(Some(base), dead).to_le_bytes().to_vec();
        own.push(keys.len() as u8);
        own.extend(places.to_le_bytes());
        own.extend(keys.iter().map(|_| 1));
        self.leaf(kinds::MAP_LEAF_OVERLAY, &own, keys)
    }

    fn row(&mut self, base: Option<u64>, first: u32, elements: &[u64]) -> Address {
        self.0.begin().unwrap();
        self.0.words(base);
        Last(&Row(elements, first)).serialize_unsized(Ser::wrap(self.0)).unwrap();
        self.0.end(if base.is_some() { kinds::VECTOR_LEAF_SPLICE } else { kinds::VECTOR_LEAF }).unwrap()
    }
}

/// A link: log2 of the parent's slots, its first slot and its local depth.
fn link(child: Option<Address>, bits: u64, first: u64, depth: u64) -> u64 {
    word(child, first << 11 | depth << 8 | bits)
}

/// What is said of a map of so many numbers with the root that is made.
fn map_says(len: usize, make: impl FnOnce(&mut Maker<'_>) -> Address) -> String {
    let (log, root) = made(map_word::<PortableHash>(len), |maker| Some(make(maker)));
    let view = state::view_root::<HashMap<u64, u64>>(&log.library, &Root::At(root), root).unwrap();
    said(view.iter().and_then(|mut entries| entries.try_for_each(|entry| entry.map(|_| ()))))
}

/// The same of a vector, with so many elements in its head.
fn vector_says(len: u64, head: u64, make: impl FnOnce(&mut Maker<'_>) -> Option<Address>) -> String {
    let (log, root) = made(len << 16 | head, make);
    let view = state::view_root::<Vector<u64>>(&log.library, &Root::At(root), root).unwrap();
    said(view.iter().and_then(|mut elements| elements.try_for_each(|element| element.map(|_| ()))))
}

fn made(own: u64, make: impl FnOnce(&mut Maker<'_>) -> Option<Address>) -> (Book, Address) {
    let log = Book::new();
    let root = log.write(|serializer| {
        serializer.commit().uses(Hasher::of::<PortableHash>());
        let mut maker = Maker(serializer);
        let root = make(&mut maker);
        Ok(maker.words(kinds::ROOT, &[word(root, 0), own]))
    });
    (log, root.unwrap())
}

fn said(result: Result<()>) -> String {
    let Err(error) = result else { return "nothing".into() };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let text = error.to_string();
    let what = text.strip_suffix(": restore a copy, or use what does not need it").expect("what to do");
    what.split_once(": ").expect("where").1.into()
}

#[test]
fn nodes_that_make_no_map_are_found() {
    let leaf = |maker: &mut Maker<'_>| maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2]);
    assert_eq!(map_says(2, leaf), "nothing");
    assert_eq!(map_says(1, leaf), "a map with more entries than it says, or fewer");
    assert_eq!(map_says(3, leaf), "a map with more entries than it says, or fewer");
    let two = |maker: &mut Maker<'_>| {
        let leaf = leaf(maker);
        maker.words(kinds::MAP_INNER, &[link(Some(leaf), 2, 0, 1), link(Some(leaf), 2, 2, 1)])
    };
    assert_eq!(map_says(4, two), "nothing");
    let over = |maker: &mut Maker<'_>, words: &[u64]| {
        let base = two(maker);
        maker.words(kinds::MAP_OVERLAY, &[&[word(Some(base), 0)], words].concat())
    };
    assert_eq!(map_says(2, |maker| over(maker, &[link(None, 2, 0, 1)])), "nothing");
    let part = "a link that stands over part of another";
    assert_eq!(map_says(2, |maker| over(maker, &[link(None, 2, 1, 2)])), part);
    let both = |maker: &mut Maker<'_>| over(maker, &[link(None, 2, 0, 1), link(None, 2, 2, 1)]);
    assert_eq!(map_says(1, both), "an inner node without children");
    let base = "the base of an overlay is no inner node, or of another size";
    assert_eq!(map_says(2, |maker| over(maker, &[link(None, 3, 0, 1)])), base);
    let twice = |maker: &mut Maker<'_>| {
        let base = over(maker, &[link(None, 2, 0, 1)]);
        maker.words(kinds::MAP_OVERLAY, &[word(Some(base), 0), link(None, 2, 2, 1)])
    };
    assert_eq!(map_says(1, twice), base);
    for (bits, first, depth) in [(2, 1, 1), (2, 4, 1), (2, 0, 3), (2, 0, 0), (0, 0, 1), (7, 0, 1)] {
        let wrong = |maker: &mut Maker<'_>| {
            let leaf = leaf(maker);
            maker.words(kinds::MAP_INNER, &[link(Some(leaf), bits, first, depth)])
        };
        assert_eq!(
            map_says(2, wrong),
            "a link of a wrong depth, or that begins at a wrong slot",
            "{bits} {first} {depth}"
        )
    }
    let unlike = |maker: &mut Maker<'_>| {
        let leaf = leaf(maker);
        maker.words(kinds::MAP_INNER, &[link(Some(leaf), 2, 0, 1), link(Some(leaf), 3, 4, 1)])
    };
    assert_eq!(map_says(4, unlike), "links that do not agree on how many slots there are");
    // A cycle would take one of these.
    let later = |maker: &mut Maker<'_>| maker.words(kinds::MAP_INNER, &[link(Address::new(1 << 40), 2, 0, 1)]);
    assert_eq!(map_says(4, later), "an address that comes after its record")
}

#[test]
fn leaves_that_make_no_map_are_found() {
    let base = |maker: &mut Maker<'_>| maker.leaf(kinds::MAP_LEAF, &[3, 1, 0, 1], &[1, 2]);
    let over = |dead, places, keys: &'static [u64]| {
        move |maker: &mut Maker<'_>| {
            let base = base(maker);
            maker.over(base, dead, places, keys)
        }
    };
    assert_eq!(map_says(3, over(0, 2, &[3])), "nothing");
    assert_eq!(map_says(2, over(1, 1, &[3])), "nothing");
    assert_eq!(map_says(3, over(0, 1, &[3])), "the entries of a leaf overlay do not fit its base");
    assert_eq!(map_says(1, over(5, 0, &[])), "an empty leaf");
    assert_eq!(map_says(2, over(1, 3, &[3])), "the places of a leaf overlay do not fit its entries");
    let twice = |maker: &mut Maker<'_>| {
        let over = over(0, 2, &[3])(maker);
        maker.over(over, 0, 8, &[4])
    };
    assert_eq!(map_says(4, twice), "the entries of a leaf overlay do not fit its base");
    let inline = "a leaf with more entries than it says, or fewer";
    assert_eq!(map_says(2, |maker| maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1])), inline);
    assert_eq!(map_says(2, |maker| maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2, 3])), inline);
    // So many entries that a list of them would not fit into memory.
    let many = |maker: &mut Maker<'_>| maker.leaf(kinds::MAP_COLLISION, &(u64::MAX << 8).to_le_bytes(), &[1]);
    assert_eq!(map_says(2, many), inline);
    let outside = |maker: &mut Maker<'_>| maker.words(kinds::MAP_COLLISION, &[u64::MAX << 8 | 1, 1]);
    assert_eq!(map_says(2, outside), "a leaf that does not say where its entries are");
    assert_eq!(map_says(2, |maker| maker.words(kinds::SPINE, &[0; 5])), "it is no node of a map")
}

/// The error that a call must end in: given back, or as the documented panic.
fn assert_corrupt<T>(result: Result<T>) {
    assert_eq!(result.err().map(|error| error.kind()), Some(ErrorKind::Corrupt))
}

#[test]
fn a_map_that_holds_more_than_its_handle_says_or_less_is_found() {
    use crate::error::caught;
    let two = |len| made(map_word::<PortableHash>(len), |maker| Some(maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2])));
    for len in [1, 2, 3] {
        let (log, root) = two(len);
        let open = || -> HashMap<u64, u64> { state::read(&log.library, root).unwrap() };
        if len == 2 {
            assert_eq!((open().iter().count(), open().iter_mut().count(), open().into_iter().count()), (2, 2, 2));
            open().thaw_all().unwrap();
            continue;
        }
        assert_corrupt(open().thaw_all());
        assert_corrupt(caught(|| open().iter().count()));
        assert_corrupt(caught(|| open().keys().count()));
        // User code may have made these skip something: they do not ask whether all was there.
        if len < 2 {
            assert_corrupt(caught(|| open().iter_mut().count()));
            assert_corrupt(caught(|| open().into_iter().count()))
        }
    }
}

/// By views, and by digests, which read nodes as everything does; by walks, edits and a commit into another log.
#[test]
fn a_map_that_is_deeper_than_hashes_have_bits_is_found() {
    for (levels, is_right) in [(11, true), (10, true), (9, true), (60, false)] {
        let make = |maker: &mut Maker<'_>| {
            let leaf = maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2]);
            let first = maker.words(kinds::MAP_INNER, &[word(Some(leaf), 6 << 8 | 2 << 4 | 6)]);
            (1..levels).fold(first, |below, _| maker.words(kinds::MAP_INNER, &[link(Some(below), 6, 0, 6)]))
        };
        assert_eq!(map_says(2, make), if is_right { "nothing" } else { "it is no node of a map" }, "{levels}");
        let (log, root) = made(map_word::<PortableHash>(2), |maker| Some(make(maker)));
        let map: HashMap<u64, u64> = state::read(&log.library, root).unwrap();
        let digest = digest(&map, &Arc::default());
        assert_eq!(digest.map_err(|error| error.kind()).err(), (!is_right).then_some(ErrorKind::Corrupt));
        let view = state::view_root::<HashMap<u64, u64>>(&log.library, &Root::At(root), root).unwrap();
        assert!(is_right || view.get(&0).is_err() || view.get(&0).unwrap().is_none());
        let open = || -> HashMap<u64, u64> { state::read(&log.library, root).unwrap() };
        let walks: [&dyn Fn(); 3] =
            [&|| assert_eq!(open().iter().count(), 2), &|| assert_eq!(open().iter_mut().count(), 2), &|| {
                assert_eq!(open().into_iter().count(), 2)
            }];
        for walk in walks {
            match is_right {
                true => walk(),
                false => assert_corrupt(crate::error::caught(walk)),
            }
        }
        // Of bits, not of levels: the eleventh may divide four.
        let is_right = levels < 11;
        let outcome = |result: Result<()>| assert_eq!(result.is_ok(), is_right, "{levels} {result:?}");
        outcome(Book::new().commit(&open()).map(|_| ()));
        outcome(crate::error::caught(|| open().retain(|key, _| *key == 1)));
    }
}

#[test]
fn nodes_that_make_no_vector_are_found() {
    assert_eq!(vector_says(3, 0, |maker| Some(maker.row(None, 0, &[1, 2, 3]))), "nothing");
    assert_eq!(vector_says(3, 0, |_| None), "a vector with elements and without a root");
    assert_eq!(vector_says(3, 4, |_| None), "a vector with more in its head than in all of it");
    let places = "a leaf that does not have the places that the link to it says";
    assert_eq!(vector_says(4, 0, |maker| Some(maker.row(None, 0, &[1, 2, 3]))), places);
    assert_eq!(vector_says(3, 0, |maker| Some(maker.row(None, 1, &[1, 2, 3]))), places);
    let kind = "it is no node of a vector, or of another level than the link to it says";
    assert_eq!(vector_says(3, 1, |maker| Some(maker.row(None, 0, &[1, 2, 3]))), kind);
    let splice = |maker: &mut Maker<'_>, front: u64, back: u64| {
        let base = maker.row(None, 0, &[1, 2]);
        Some(maker.row(Some(word(Some(base), front << 10 | back)), 0, &[3]))
    };
    assert_eq!(vector_says(3, 0, |maker| splice(maker, 2, 0)), "nothing");
    assert_eq!(vector_says(4, 0, |maker| splice(maker, 3, 0)), "a splice with more of its base than that has");
    assert_eq!(vector_says(4, 0, |maker| splice(maker, 0, 3)), "a splice with more of its base than that has");
    let twice = |maker: &mut Maker<'_>| {
        let base = splice(maker, 2, 0).unwrap();
        Some(maker.row(Some(word(Some(base), 1 << 10)), 0, &[3]))
    };
    assert_eq!(vector_says(2, 0, twice), "a splice of what is not stored whole");
    // Spines: a head, a tree, a tail, of two elements each.
    let spine = |level: u64, head_end: u64, lens: [u64; 3]| {
        move |maker: &mut Maker<'_>| {
            let leaf = maker.row(None, 0, &[1, 2]);
            let inner = maker.words(kinds::VECTOR_INNER, &[1, word(Some(leaf), 2)]);
            let link = |len| word(Some(leaf), len);
            let spine = [level | head_end << 8, link(lens[0]), link(lens[2]), word(Some(inner), 0), lens[1]];
            Some(maker.words(kinds::SPINE, &spine))
        }
    };
    assert_eq!(vector_says(6, 2, spine(1, 2, [2, 2, 2])), "nothing");
    assert_eq!(vector_says(5, 1, spine(1, 2, [2, 2, 2])), "nothing");
    let len = "a spine that does not have as many elements as the vector says";
    assert_eq!(vector_says(7, 2, spine(1, 2, [2, 2, 2])), len);
    assert_eq!(vector_says(7, 3, spine(1, 3, [2, 2, 2])), len);
    assert_eq!(vector_says(6, 2, spine(1, 1, [2, 2, 2])), len);
    assert_eq!(vector_says(3, 2, spine(1, 2, [2, 2, 2])), len);
    let sum = "an inner node that does not have as many elements as the link to it says";
    assert_eq!(vector_says(7, 2, spine(1, 2, [2, 3, 2])), sum);
    assert_eq!(vector_says(6, 2, spine(2, 2, [2, 2, 2])), kind);
    assert_eq!(vector_says(6, 2, spine(0, 2, [2, 2, 2])), kind);
    // The same with a tree that is a splice, or a splice of one.
    let spliced = |times: usize| {
        move |maker: &mut Maker<'_>| {
            let leaf = maker.row(None, 0, &[1, 2]);
            let mut inner = maker.words(kinds::VECTOR_INNER, &[1, word(Some(leaf), 2)]);
            for _ in 0..times {
                let words = [word(Some(inner), 1 << 10), 1, word(Some(leaf), 2)];
                inner = maker.words(kinds::VECTOR_INNER_SPLICE, &words)
            }
            let link = word(Some(leaf), 2);
            let spine = [1 | 2 << 8, link, link, word(Some(inner), 0), 2 + 2 * times.min(1) as u64];
            Some(maker.words(kinds::SPINE, &spine))
        }
    };
    assert_eq!(vector_says(8, 2, spliced(1)), "nothing");
    assert_eq!(vector_says(8, 2, spliced(2)), "a splice of what is not stored whole")
}

/// By views, and where a state is read.
#[test]
fn a_vector_with_elements_and_without_a_root_is_found() {
    let what = "a vector with elements and without a root";
    assert_eq!((vector_says(0, 0, |_| None), vector_says(3, 0, |_| None)), ("nothing".to_owned(), what.to_owned()));
    let (log, root) = made(3 << 16, |_| None);
    assert_eq!(said(state::read::<Vector<u64>>(&log.library, root).map(|_| ())), what)
}

#[test]
fn a_map_with_entries_or_a_root_and_not_both_is_found() {
    type Make<'m> = &'m dyn Fn(&mut Maker<'_>) -> Option<Address>;
    let leaf = |maker: &mut Maker<'_>| Some(maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2]));
    let makes: [(usize, Make, &str); 3] = [
        (0, &|_| None, "nothing"),
        (3, &|_| None, "a map with entries and without a root"),
        (0, &leaf, "a map with a root and without entries"),
    ];
    for (len, make, what) in makes {
        let (log, root) = made(map_word::<PortableHash>(len), make);
        let view = state::view_root::<HashMap<u64, u64>>(&log.library, &Root::At(root), root).unwrap();
        assert_eq!((said(view.get(&1).map(|_| ())), view.len()), (what.into(), len));
        assert_eq!(said(view.iter().map(|_| ())), what);
        assert_eq!(said(state::read::<HashMap<u64, u64>>(&log.library, root).map(|_| ())), what)
    }
}

/// Logs have such, of vectors that were emptied after they were stored; and nobody reads the root.
#[test]
fn the_root_of_an_empty_vector_is_not_read_and_not_stored_again() {
    let row = |maker: &mut Maker<'_>| Some(maker.row(None, 0, &[1, 2, 3]));
    let nowhere = |_: &mut Maker<'_>| Address::new(7);
    let makes: [fn(&mut Maker<'_>) -> Option<Address>; 2] = [row, nowhere];
    for make in makes {
        assert_eq!(vector_says(0, 0, make), "nothing");
        let (log, root) = made(0, make);
        let mut list: Vector<u64> = log.read(root);
        assert_eq!(list, Vector::new());
        let again = log.commit(&list).unwrap();
        let record = log.library.read(again).unwrap();
        assert_eq!(record.body(), [0; 16]);
        list.push_back(1);
        assert_eq!(list, [1].into_iter().collect())
    }
}

#[test]
fn a_root_that_comes_after_its_handle_is_found() {
    let (log, root) = made(map_word::<PortableHash>(1), |maker| {
        let later = maker.words(kinds::MAP_INNER, &[0; 40]);
        Address::new(later.units() + 41)
    });
    let view = state::view_root::<HashMap<u64, u64>>(&log.library, &Root::At(root), root).unwrap();
    assert_eq!(said(view.get(&1).map(|_| ())), "a collection whose root comes after it");
    assert_eq!(said(view.iter().map(|_| ())), "a collection whose root comes after it")
}

#[test]
fn chains_of_forged_nodes_end_in_errors() {
    // Whatever the hash, there is a divided node below; two of each level, since one child fills one block.
    let deep = |maker: &mut Maker<'_>| {
        let leaf = |maker: &mut Maker<'_>| maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2]);
        let mut below = [leaf(maker), leaf(maker)];
        for level in 0..200 {
            let (depth, len) = (6, if level == 0 { 2 } else { 0 });
            let links: Vec<u64> = (0..64).map(|s| link(Some(below[s as usize % 2]), 6, s, depth) | len << 4).collect();
            below = [maker.words(kinds::MAP_INNER, &links), maker.words(kinds::MAP_INNER, &links)]
        }
        below[0]
    };
    // An overlay over an overlay, and so on.
    let based = |maker: &mut Maker<'_>| {
        let leaf = maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2]);
        let links = [link(Some(leaf), 3, 0, 1) | 2 << 4, link(None, 3, 4, 1)];
        let first = maker.words(kinds::MAP_INNER, &links);
        let over =
            |maker: &mut Maker<'_>, base| maker.words(kinds::MAP_OVERLAY, &[word(Some(base), 0), link(None, 3, 4, 1)]);
        (0..20_000).fold(first, |base, _| over(maker, base))
    };
    let leaves = |maker: &mut Maker<'_>| {
        let first = maker.leaf(kinds::MAP_LEAF, &[2, 1, 1], &[1, 2]);
        (0..20_000).fold(first, |base, _| maker.over(base, 1, 1, &[3]))
    };
    let makes: [&dyn Fn(&mut Maker<'_>) -> Address; 3] = [&deep, &based, &leaves];
    for make in makes {
        let (log, root) = made(map_word::<PortableHash>(2), |maker| Some(make(maker)));
        let open = || -> HashMap<u64, u64> { state::read(&log.library, root).unwrap() };
        let kind = |result: Result<()>| assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt);
        kind(open().try_get(&7).map(|_| ()));
        kind(open().try_insert(7, 7).map(|_| ()));
        kind(open().try_remove(&7).map(|_| ()));
        kind(open().thaw_all());
        kind(open().try_diff(&[(7, 7)].into_iter().collect(), |_| ()));
        kind(crate::error::caught(|| open().union((0..100).map(|i| (i, i)).collect())).map(|_| ()));
        kind(crate::error::caught(|| open().retain(|key, _| *key == 1)).map(|_| ()));
        let update = || open().update(7, 7);
        kind(crate::error::caught(update).map(|_| ()))
    }
}

/// A type that holds itself: rkyv follows it by recursion.
#[derive(Clone, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[rkyv(serialize_bounds(__S: Sink), deserialize_bounds(__D: Source))]
#[rkyv(bytecheck(bounds(__C: rkyv::validation::ArchiveContext, __C::Error: rkyv::rancor::Source)))]
enum Chain {
    End,
    Next(#[rkyv(omit_bounds)] Box<Chain>),
}

fn chain(links: usize) -> Chain {
    (0..links).fold(Chain::End, |chain, _| Chain::Next(Box::new(chain)))
}

#[test]
fn a_value_that_is_nested_too_deep_is_an_error_and_no_overflow() {
    let read = |links: u64| {
        let log = Book::new();
        // Each link begins 8 bytes behind the one that it leads to, and says so in its second half.
        let words = std::iter::once(0).chain((0..links).map(|_| 1 | u64::from(-12i32 as u32) << 32));
        let words: Vec<u64> = words.collect();
        let root = log.write(|serializer| Ok(Maker(serializer).words(kinds::ROOT, &words))).unwrap();
        state::read::<Chain>(&log.library, root)
    };
    assert!(read(50).unwrap() == chain(50));
    for links in [100_000, 4_000_000] {
        let error = read(links).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("deeper"), "{error}")
    }
    let log = Book::new();
    let mut most = 0;
    for links in (1..).map(|n| n * 10) {
        let chain = chain(links);
        match log.commit(&chain) {
            Ok(root) => assert!(log.read::<Chain>(root) == chain),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Invalid);
                break;
            }
        }
        most = links
    }
    println!("{most} links can be written");
    assert!(most >= 50)
}
