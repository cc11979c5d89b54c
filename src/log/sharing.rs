//! What of a log belongs to one version alone, and what several share.
//! In: a reader, and who tells which addresses are in the archive's records. Out: [`Sharing`].
//! Must hold: a record is shared if a version later than the one it was written with leads to it: by an address in a record
//! or root of a later batch, or by way of a record that is shared. So one pass backwards tells all. Memory: three bits for
//! each unit of the log.
//! Uses: `error`, `id`, `reader`, `record`, `scan`, `stamp`, `verify`, `superblock`.

use super::reader::Reader;
use super::record::{UNIT, kinds};
use super::scan::Scan;
use super::stamp::{Root, Stamp, StampKind, Tags};
use super::superblock::BLOCK_UNITS;
use super::verify::{Links, Units, values};
use crate::error::Result;
use crate::id::Address;

/// What of a log's records belongs to one version alone, and what several share. From [`Reader::sharing`](crate::Reader::sharing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sharing {
    /// Records of states and actions to which one version leads, and no other.
    pub own_records: u64,
    /// Their bytes, with headers.
    pub own_bytes: u64,
    /// Records to which several versions lead.
    pub shared_records: u64,
    /// Their bytes, with headers.
    pub shared_bytes: u64,
    /// All other bytes of records: stamps, with short states in them, the index, names, and what tells versions' children.
    pub log_bytes: u64,
}

/// Looks at every record up to the last batch that `reader` sees.
///
/// # Errors
/// `Corrupt` if not all records are whole; `Io`.
pub(crate) fn sharing(reader: &Reader, links: Links) -> Result<Sharing> {
    let end = reader.end();
    let starts = starts(reader, end)?;
    let (mut sharing, mut found) = (Sharing::default(), Vec::new());
    // Those that are shared, and those that only the log itself needs.
    let (mut shared, mut log) = (Units::default(), Units::default());
    let mut batch = end;
    for at in starts.backwards() {
        let Some(address) = Address::new(at) else { continue };
        let record = reader.read(address)?;
        let bytes = record.body().len() as u64 + UNIT;
        found.clear();
        if record.kind() < kinds::FIRST_OF_ARCHIVE {
            sharing.log_bytes += bytes;
            if record.kind() == kinds::STAMP {
                let stamp = Stamp::decode(record.body(), at);
                let stamp = stamp.ok_or_else(|| reader.segments.damage(at, "this record is no stamp"))?;
                batch = stamp.chain.batch;
                values(&stamp, address, links, &mut found)?;
                let own = [stamp.children, stamp.hashers, names(&stamp)];
                own.into_iter().flatten().for_each(|at| log.set(at.units()))
            }
        } else {
            links(address, record.kind(), record.body(), &mut found)?;
            if log.has(at) {
                sharing.log_bytes += bytes;
                found.drain(..).for_each(|at| log.set(at.units()));
                continue;
            }
            let (of_kind, bytes_of_kind) = match shared.has(at) {
                true => (&mut sharing.shared_records, &mut sharing.shared_bytes),
                false => (&mut sharing.own_records, &mut sharing.own_bytes),
            };
            *of_kind += 1;
            *bytes_of_kind += bytes
        }
        let is_shared = shared.has(at);
        let shares = |to: &Address| is_shared || to.units() < batch;
        found.iter().filter(|to| shares(to)).for_each(|to| shared.set(to.units()))
    }
    Ok(sharing)
}

/// Where records begin.
fn starts(reader: &Reader, end: u64) -> Result<Units> {
    let mut scan = Scan::new(&reader.segments, reader.seal, BLOCK_UNITS)?;
    let (mut starts, mut at) = (Units::default(), BLOCK_UNITS);
    while at < end {
        let Some((header, _)) = scan.record(at)? else {
            return Err(reader.segments.damage(at, "this record is damaged: verify tells of all that are"));
        };
        starts.set(at);
        at = scan.settle(at + header.record_units())?
    }
    Ok(starts)
}

/// Where all names are, if the stamp is of them.
fn names(stamp: &Stamp) -> Option<Address> {
    match stamp.tags.root(Tags::NAMES).filter(|_| stamp.kind == StampKind::Names)? {
        Root::At(at) => Some(at),
        _ => None,
    }
}
