//! Looks at every record of a log once.
//! In: a reader, and who tells which addresses are in the archive's records. Out: a [`Report`] of what there is and what
//! is damaged; each stamp, to who asks what several of them say together.
//! Must hold: one pass, in address order; damage ends nothing but the batch it is in. Memory: a bit for each unit of the
//! log, and eight bytes a version.
//! Uses: `error`, `id`, `index`, `reader`, `record`, `recovery`, `scan`, `segments`, `stamp`, `superblock`.

use super::index;
use super::reader::Reader;
use super::record::{HEADER_BYTES, Header, UNIT, kinds};
use super::recovery;
use super::scan::{Ending, Scan, follows};
use super::segments::Segments;
use super::stamp::{Root, Stamp, StampKind};
use super::superblock::{BLOCK_UNITS, Superblock};
use crate::error::{ErrorKind, Result};
use crate::id::Address;
use std::collections::HashMap;
use std::fmt;

/// Hears of each stamp that says what a stamp can say, in the order of addresses.
pub(crate) type Stamps<'a> = &'a mut dyn FnMut(&Stamp, Address);

/// Appends the addresses in a record's body, which stands at that address; an error if the body is not what its kind says.
pub(crate) type Links<'a> = &'a dyn Fn(Address, u8, &[u8], &mut Vec<Address>) -> Result<()>;

/// What a log has, and what of it is damaged. From `Timeline::verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Files.
    pub segments: u64,
    /// From the log's beginning to its end.
    pub bytes: u64,
    /// All of them, those of the log's own included.
    pub records: u64,
    /// Versions.
    pub versions: u64,
    /// Moves of the head.
    pub moves: u64,
    /// Changes of names.
    pub names: u64,
    /// How often the log was closed.
    pub closings: u64,
    /// Nodes of the index of versions.
    pub index_nodes: u64,
    /// Addresses in records and stamps that were followed.
    pub links: u64,
    /// What is not as it was written; empty if all is well.
    pub damages: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The first address of the segment.
    pub segment: u64,
    /// Where in the segment's file, in bytes.
    pub offset: u64,
    /// The same as an address.
    pub address: u64,
    /// Of the record, if that can be told.
    pub kind: Option<u8>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub advice: &'static str,
}

impl Report {
    /// Adds what is wrong with the stamp at an address.
    pub(crate) fn add_stamp(&mut self, reader: &Reader, at: Address, what: &str) {
        self.damages.push(damage(reader, at.units(), Some(kinds::STAMP), what, REPORT))
    }

    /// Of so many versions that are stored nowhere.
    pub(crate) fn of_versions(versions: u64) -> Self {
        Report { versions, ..Report::default() }
    }
}

impl fmt::Display for Report {
    /// One line on what there is, then one for each damage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { versions, records, bytes, segments, links, damages, .. } = self;
        write!(f, "{versions} versions, {records} records, {bytes} bytes in {segments} segments, {links} links: ")?;
        match damages.len() {
            0 => f.write_str("ok"),
            n => write!(f, "{n} damaged"),
        }?;
        damages.iter().try_for_each(|damage| write!(f, "\n{damage}"))
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { segment, offset, address, what, advice, .. } = self;
        write!(f, "segment {segment:011x}, offset {offset}, address {address:#x}: {what}: {advice}")
    }
}

/// Appends the addresses in the values that the stamp at `at` names.
pub(super) fn values(stamp: &Stamp, at: Address, links: Links, to: &mut Vec<Address>) -> Result<()> {
    for root in stamp.roots() {
        match root {
            Root::At(root) => to.push(root),
            Root::Inline(bytes) => {
                let (kind, body) = Root::split_inline(&bytes).unwrap_or_default();
                links(at, kind, body, to)?
            }
            Root::None => {}
        }
    }
    Ok(())
}

const RESTORE: &str = "restore a copy; versions that do not need it can still be read";
/// Behind what says already that a copy may help.
const AGAIN: &str = "if a copy has it too, report it as a fault of this program";
const REPORT: &str = "restore a copy; if the copy has it too, report it as a fault of this program";

fn damage(reader: &Reader, at: u64, kind: Option<u8>, what: impl Into<String>, advice: &'static str) -> Damage {
    let segment = reader.segments.first_of(at);
    Damage { segment, offset: (at - segment) * UNIT, address: at, kind, what: what.into(), advice }
}

/// A bit for each unit of a log.
#[derive(Default)]
pub(super) struct Units(Vec<u64>);

impl Units {
    pub(super) fn set(&mut self, at: u64) {
        let word = (at / 64) as usize;
        self.0.resize(self.0.len().max(word + 1), 0);
        self.0[word] |= 1 << (at % 64)
    }

    pub(super) fn has(&self, at: u64) -> bool {
        self.0.get((at / 64) as usize).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Those that are set, the last one first.
    pub(super) fn backwards(&self) -> impl Iterator<Item = u64> {
        let words = self.0.iter().enumerate().rev();
        words.flat_map(|(i, &word)| {
            (0..64).rev().filter(move |bit| word >> bit & 1 == 1).map(move |bit| i as u64 * 64 + bit)
        })
    }
}

/// The state of a pass.
struct Pass<'a> {
    reader: &'a Reader,
    versions: u64,
    links: Links<'a>,
    each: Stamps<'a>,
    report: Report,
    /// Where records begin.
    starts: Units,
    /// The stamps of versions, by number; 0 where none was found.
    stamps: Vec<u64>,
    /// Level and first version of index nodes, by address.
    nodes: HashMap<u64, (usize, u64)>,
    last: Option<Ending>,
    /// Of the batch under way: where it begins, its headers, and whether it is known from there.
    batch: u64,
    checksum: u32,
    is_known: bool,
    found: Vec<Address>,
}

/// Looks at everything up to the last batch that `reader` sees, and whether what is behind it was acknowledged.
///
/// # Errors
/// `Io`. Damage is in the report.
pub(crate) fn verify(reader: &Reader, links: Links, each: Stamps) -> Result<Report> {
    let mut pass = Pass {
        reader,
        // Before the end is read: a writer may go on.
        versions: reader.versions(),
        links,
        each,
        report: Report::default(),
        starts: Units::default(),
        stamps: Vec::new(),
        nodes: HashMap::new(),
        last: None,
        batch: BLOCK_UNITS,
        checksum: 0,
        is_known: true,
        found: Vec::new(),
    };
    let end = reader.end();
    pass.superblocks(end)?;
    pass.records(end)?;
    pass.whole(end);
    pass.behind()?;
    Ok(pass.report)
}

impl Pass<'_> {
    fn damage(&mut self, at: u64, kind: Option<u8>, what: impl Into<String>, advice: &'static str) {
        self.report.damages.push(damage(self.reader, at, kind, what, advice))
    }

    /// Each segment has its superblock, and begins where the one before ends.
    fn superblocks(&mut self, end: u64) -> Result<()> {
        let segments = &self.reader.segments;
        let firsts: Vec<u64> = segments.firsts().into_iter().filter(|&first| first < end).collect();
        self.report.segments = firsts.len() as u64;
        for &first in &firsts {
            let site = segments.site(first)?;
            match Superblock::from_block(&recovery::block(segments, first)?, &segments.storage.name()) {
                Ok(Some(superblock)) if superblock.first == first => {}
                Ok(_) => self.damage(first, None, "the superblock of this segment is damaged", RESTORE),
                Err(error) => self.damage(first, None, error.to_string(), RESTORE),
            }
            let own = site.next.unwrap_or(end).min(end) - first;
            let there = site.file.len_bytes()? / UNIT;
            self.report.bytes += own.min(there) * UNIT;
            if there < own {
                self.damage(
                    first + there,
                    None,
                    "the segment has become shorter, or the one after it is missing",
                    RESTORE,
                )
            }
        }
        Ok(())
    }

    fn records(&mut self, end: u64) -> Result<()> {
        let mut scan = Scan::new(&self.reader.segments, self.reader.seal, BLOCK_UNITS)?;
        let mut at = BLOCK_UNITS;
        while at < end {
            at = match scan.record(at)? {
                Some((header, record)) => {
                    let next = at + header.record_units();
                    self.record(at, header, &record[HEADER_BYTES..], next);
                    next
                }
                None => self.skip(&mut scan, at, end)?,
            };
            let is_begin = self.batch == at;
            at = scan.settle(at)?;
            if is_begin {
                self.batch = at
            }
        }
        Ok(())
    }

    /// Past a record that is not whole: over it, if there is one behind it; else behind the next stamp.
    fn skip(&mut self, scan: &mut Scan, at: u64, end: u64) -> Result<u64> {
        let header = scan.header(at)?.filter(|header| header.kind() != 0);
        let kind = header.map(Header::kind);
        let next = header.map(|header| at + header.record_units()).filter(|&next| next <= end);
        if let (Some(header), Some(next)) = (header, next)
            && header.kind() != kinds::STAMP
            && (next == end || scan.next() == Some(next) || scan.record(next)?.is_some())
        {
            self.checksum = crc32c::crc32c_append(self.checksum, &header.to_bytes());
            self.damage(at, kind, "record checksum: the body of this record is damaged", RESTORE);
            return Ok(next);
        }
        self.damage(at, kind, "from here on records are damaged, up to the next stamp or segment", RESTORE);
        self.is_known = false;
        let mut here = at + 1;
        let end = scan.next().unwrap_or(end).min(end);
        loop {
            here = scan.next_stamp_kind(here, end)?;
            if here == end || scan.stamp(here)?.is_some() {
                return Ok(here);
            }
            here += 1
        }
    }

    fn record(&mut self, at: u64, header: Header, body: &[u8], next: u64) {
        self.report.records += 1;
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        match (header.kind(), Address::new(at)) {
            (kinds::STAMP, Some(address)) => self.stamp(address, body, next, &mut found),
            (kinds::INDEX, _) => self.node(at, body, &mut found),
            (kind, Some(address)) if kind >= kinds::FIRST_OF_ARCHIVE => {
                if let Err(error) = (self.links)(address, kind, body, &mut found) {
                    self.damage(at, Some(kind), error.to_string(), AGAIN)
                }
            }
            (kind, _) => self.damage(at, Some(kind), format!("records of kind {kind} are not known here"), REPORT),
        }
        if header.kind() != kinds::STAMP {
            self.checksum = crc32c::crc32c_append(self.checksum, &header.to_bytes())
        }
        for link in &found {
            self.report.links += 1;
            if !self.starts.has(link.units()) || link.units() >= at {
                let what = format!("it names the address {:#x}, where no whole record begins before it", link.units());
                self.damage(at, Some(header.kind()), what, RESTORE)
            }
        }
        self.found = found;
        self.starts.set(at)
    }

    fn stamp(&mut self, at: Address, body: &[u8], end: u64, found: &mut Vec<Address>) {
        let kind = Some(kinds::STAMP);
        let Some(stamp) = Stamp::decode(body, at.units()) else {
            return self.damage(at.units(), kind, "this stamp says what no stamp says", REPORT);
        };
        if self.is_known {
            if (stamp.chain.batch, stamp.chain.checksum) != (self.batch, self.checksum) {
                self.damage(at.units(), kind, "the batch of this stamp is not the one that it ended", RESTORE)
            } else if !follows(&stamp, self.last.as_ref()) {
                self.damage(at.units(), kind, "this stamp does not follow the one before", REPORT)
            }
        }
        match stamp.kind {
            StampKind::Version => self.report.versions += 1,
            StampKind::Move => self.report.moves += 1,
            StampKind::Names => self.report.names += 1,
            StampKind::Closing => self.report.closings += 1,
        }
        if let Err(error) = values(&stamp, at, self.links, found) {
            self.damage(at.units(), kind, error.to_string(), AGAIN)
        }
        let own = [stamp.chain.index, stamp.chain.previous, stamp.chain.names, stamp.children, stamp.hashers];
        found.extend(own.into_iter().flatten());
        let is_node = |address: Address| self.nodes.contains_key(&address.units());
        if self.is_known && stamp.chain.index.is_some_and(|root| !is_node(root)) {
            self.damage(at.units(), kind, "it names an index where no node of it is", RESTORE)
        }
        if stamp.kind == StampKind::Version && stamp.id < self.versions {
            let id = stamp.id as usize;
            self.stamps.resize(self.stamps.len().max(id + 1), 0);
            self.stamps[id] = at.units()
        }
        (self.each)(&stamp, at);
        self.last = Some(Ending { stamp, at, end });
        (self.batch, self.checksum, self.is_known) = (end, 0, true)
    }

    /// A node of the index names the stamps, or nodes, of the versions that are below it.
    fn node(&mut self, at: u64, body: &[u8], found: &mut Vec<Address>) {
        self.report.index_nodes += 1;
        let kind = Some(kinds::INDEX);
        let Some((head, entries)) = index::head(body).zip(index::entries(body, at)) else {
            return self.damage(at, kind, "this node of the index says what no node says", REPORT);
        };
        let (level, first, _) = head;
        for (i, entry) in entries.iter().enumerate() {
            let is_it = if level == 0 {
                let id = first + i as u64;
                let stamp = self.stamps.get(id as usize).filter(|&&stamp| stamp != 0);
                // A writer may have gone on since the versions were counted.
                stamp.map_or(id >= self.versions, |&stamp| stamp == entry.units())
            } else {
                let below = first + ((i as u64) << index::span_bits(level - 1));
                self.nodes.get(&entry.units()) == Some(&(level - 1, below))
            };
            // Where damage hides what is there, that is said.
            if !is_it && self.starts.has(entry.units()) {
                let what =
                    format!("entry {i} of this node of the index, {:#x}, is not what belongs there", entry.units());
                self.damage(at, kind, what, RESTORE)
            }
        }
        self.nodes.insert(at, (level, first));
        found.extend(entries)
    }

    /// Every version is there, and the index leads to it.
    fn whole(&mut self, end: u64) {
        let mut missing = 0..0;
        for id in 0..self.versions {
            let at = self.stamps.get(id as usize).copied().unwrap_or(0);
            if at == 0 {
                missing = if missing.end == id {
                    missing.start..id + 1
                } else {
                    self.lost(missing, end);
                    id..id + 1
                };
                continue;
            }
            match self.reader.address_of(id) {
                Ok(address) if address.units() == at => {}
                Ok(address) => {
                    let what = format!("the index says that version {id} is at {:#x}", address.units());
                    self.damage(at, Some(kinds::STAMP), what, RESTORE)
                }
                Err(error) => {
                    let what = format!("version {id} is here, and the index does not lead to it: {error}");
                    self.damage(at, Some(kinds::STAMP), what, RESTORE)
                }
            }
        }
        self.lost(missing, end)
    }

    fn lost(&mut self, missing: std::ops::Range<u64>, end: u64) {
        if let Some(last) = missing.end.checked_sub(1).filter(|_| !missing.is_empty()) {
            let what = format!("the stamps of versions {} to {last} are damaged: they cannot be opened", missing.start);
            self.damage(end, None, what, RESTORE)
        }
    }

    /// What is behind the last whole batch was not acknowledged.
    fn behind(&mut self) -> Result<()> {
        let mut before = None;
        // A writer may go on meanwhile: only what is there twice is damage.
        for _ in 0..2 {
            let segments = Segments::open(self.reader.segments.storage.clone(), false)?;
            let found = match recovery::look(&segments) {
                // Nobody can open it any more, whoever has it open.
                Err(error) if error.kind() != ErrorKind::Io => {
                    if self.report.damages.is_empty() {
                        self.damage(0, None, error.to_string(), RESTORE)
                    }
                    return Ok(());
                }
                found => found?,
            };
            let Some(found) = found else { return Ok(()) };
            let Err(error) = found.check(&segments) else { return Ok(()) };
            if before == Some(found.end) {
                self.damage(found.end, None, error.to_string(), RESTORE)
            }
            before = Some(found.end)
        }
        Ok(())
    }
}
