//! `verify` counts what there is, finds what is damaged, and says where.

use super::record::{Seal, UNIT};
use super::simulated::Simulated;
use super::tests_crash::*;
use super::verify::*;
use super::*;
use crate::id::Address;
use crate::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

fn report(files: &BTreeMap<u64, Vec<u8>>, links: Links) -> Report {
    let storage = Arc::new(Simulated::with_files(files, 1));
    let (reader, _) = Reader::open(storage, &identity()).unwrap();
    verify(&reader, links, &mut |_, _| {}).unwrap()
}

fn version(id: u64) -> Stamp {
    Stamp::version(id, Root::Inline([5; 20][..].into()))
}

fn no_links(_: Address, _: u8, _: &[u8], _: &mut Vec<Address>) -> Result<()> {
    Ok(())
}

#[test]
fn a_whole_log_is_counted() {
    let (files, committed) = small_log(true);
    let report = report(&files, &no_links);
    let records = committed.iter().map(|batch| 1 + batch.records.len()).sum::<usize>() as u64 + 1;
    let bytes = files.values().map(|file| file.len() as u64).sum();
    assert_eq!((report.segments, report.bytes, report.records), (2, bytes, records));
    assert_eq!((report.versions, report.moves, report.names, report.closings), (5, 1, 1, 1));
    // Each stamp but the first names the one before, four versions a root, four stamps the change of names before them.
    assert_eq!((report.links, report.damages), (7 + 4 + 4, Vec::new()));
}

#[test]
fn damage_is_named_with_its_place_and_kind() {
    let (files, committed) = small_log(true);
    let (address, kind, body) = &committed[1].records[1];
    let mut damaged = files.clone();
    damaged.get_mut(&0).unwrap()[(address.units() * UNIT) as usize + 8 + body.len() / 2] ^= 4;
    let report = report(&damaged, &no_links);
    let [damage, root] = &report.damages[..] else { panic!("{:?}", report.damages) };
    assert_eq!((damage.segment, damage.offset, damage.address), (0, address.units() * UNIT, address.units()));
    assert_eq!(damage.kind, Some(*kind));
    assert!(damage.to_string().contains("record checksum") && damage.to_string().contains("restore"), "{damage}");
    // The stamp whose root it is says so too.
    assert_eq!(root.address, committed[1].at.unwrap().units());
    assert_eq!(report.versions, 5);
}

#[test]
fn a_damaged_stamp_hides_its_version_and_no_other() {
    let (files, committed) = small_log(true);
    let at = committed[4].at.unwrap().units();
    let mut damaged = files.clone();
    damaged.get_mut(&0).unwrap()[(at * UNIT) as usize + 20] ^= 4;
    let report = report(&damaged, &no_links);
    assert_eq!((report.versions, report.damages[0].address), (4, at));
    assert!(report.damages.iter().any(|d| d.what.contains("versions 2 to 2")), "{:?}", report.damages);
}

#[test]
fn addresses_in_the_archives_records_are_followed() {
    let (files, committed) = small_log(true);
    let first = committed[1].records[0].0;
    let all = |address: Address, _: u8, _: &[u8], found: &mut Vec<Address>| {
        if address > first {
            found.push(first)
        }
        Ok(())
    };
    let whole = report(&files, &all);
    assert_eq!(whole.damages, []);
    let inside = Address::new(first.units() + 1).unwrap();
    let wrong = |address: Address, _: u8, _: &[u8], found: &mut Vec<Address>| {
        if address == first {
            found.push(inside)
        }
        Ok(())
    };
    let damages = report(&files, &wrong).damages;
    assert!(damages.len() == 1 && damages[0].address == first.units() && damages[0].what.contains("no whole record"));
    let refuse = |address: Address, _: u8, _: &[u8], _: &mut Vec<Address>| {
        if address == first { Err(Error::new(ErrorKind::Corrupt, "no such node")) } else { Ok(()) }
    };
    let damages = report(&files, &refuse).damages;
    assert!(damages.len() == 1 && damages[0].what.contains("no such node"), "{damages:?}");
}

/// Nodes of the index whose checksums are right.
#[test]
fn a_node_of_the_index_that_says_what_none_says_is_found_and_leads_nowhere() {
    let forged = |change: &dyn Fn(&mut [u8])| {
        let storage = Arc::new(Simulated::new(1));
        let (mut log, _) = Log::open(storage.clone(), Options { segment_bytes: 1 << 20, ..small_options() }).unwrap();
        for id in 0..300u64 {
            let stamp = Stamp { parents: id.checked_sub(1).into_iter().collect(), depth: id, ..version(id) };
            log.batch().unwrap().commit(stamp, false).unwrap();
        }
        let node = log.last().unwrap().chain.index.unwrap();
        log.close().unwrap();
        let mut files = storage.files();
        let file = files.get_mut(&0).unwrap();
        let log_id = u64::from_le_bytes(file[16..24].try_into().unwrap());
        let at = (node.units() * UNIT) as usize;
        change(&mut file[at + 8..at + 8 + 16 + 4 * 256]);
        let checksum = Seal::of(log_id).checksum(node.units(), &file[at + 4..at + 8 + 16 + 4 * 256]);
        file[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
        let (reader, _) = Reader::open(Arc::new(Simulated::with_files(&files, 1)), &identity()).unwrap();
        let of_node = |damage: &Damage| damage.address == node.units() && !damage.what.contains("checksum");
        let damages = verify(&reader, &no_links, &mut |_, _| {}).unwrap().damages;
        (damages.iter().any(of_node), reader.stamp_of(5).map(drop).map_err(|error| error.kind()))
    };
    assert_eq!(forged(&|_| {}), (false, Ok(())));
    type Change = fn(&mut [u8]);
    let wrong: [(&str, Change); 9] = [
        ("a first version that there is not room for", |body| body[15] = 255),
        ("the next first version", |body| body[9] = 1),
        ("a level that no index has", |body| body[0] = 7),
        ("a level too many", |body| body[0] = 1),
        ("entries of no width", |body| body[1] = 0),
        ("entries of another width", |body| body[1] = 8),
        ("no entries", |body| body[2..4].fill(0)),
        ("an entry that is the node itself", |body| body[16 + 20..][..4].fill(0)),
        ("entries before the log", |body| body[16..].fill(255)),
    ];
    for (what, change) in wrong {
        assert_eq!(forged(&change), (true, Err(ErrorKind::Corrupt)), "{what}")
    }
    // Two stamps that have changed places: the index leads to another version.
    assert_eq!(forged(&|body| body[16..].rotate_left(4)), (true, Err(ErrorKind::Corrupt)))
}

/// Of a reader that was there before.
#[test]
fn a_log_that_nobody_can_open_any_more_is_a_damage_and_no_error() {
    for at in [0, 8, 40] {
        let storage = Arc::new(Simulated::new(1));
        let (mut log, _) = Log::open(storage.clone(), small_options()).unwrap();
        log.batch().unwrap().commit(version(0), true).unwrap();
        let (reader, _) = Reader::open(storage.clone(), &identity()).unwrap();
        storage.open(0, true).unwrap().write(&[0xA5], at).unwrap();
        let report = verify(&reader, &no_links, &mut |_, _| {}).unwrap();
        assert!(
            report.damages.len() == 1 && report.damages[0].what.contains("superblock"),
            "{at}: {:?}",
            report.damages
        )
    }
}

#[test]
fn a_damaged_superblock_and_a_shortened_segment_are_found() {
    let (files, _) = small_log(true);
    let mut damaged = files.clone();
    damaged.get_mut(&0).unwrap()[40] ^= 1;
    let damages = report(&damaged, &no_links).damages;
    assert!(damages.len() == 1 && damages[0].what.contains("superblock"), "{damages:?}");
    let mut damaged = files.clone();
    let file = damaged.get_mut(&0).unwrap();
    file.truncate(file.len() - 100);
    let report = report(&damaged, &no_links);
    assert!(report.damages.iter().any(|d| d.what.contains("shorter")), "{:?}", report.damages);
    assert_eq!(report.closings, 1);
}
