//! Reading a log from front to back, batch by batch, believing nothing.
//! In: segments, and where to begin. Out: whole batches; the place of the first that is not whole.
//! Must hold: **G3** a batch is whole if each record of it is, its stamp's checksum covers their headers, and the stamp
//! follows the one before: the next number, no earlier epoch. Memory is bounded by the longest record that fits the file.
//! Uses: `error`, `id`, `record`, `segments`, `stamp`.

use super::record::{HEADER_BYTES, Header, Seal, UNIT, kinds};
use super::segments::{Segments, Site};
use super::stamp::{MOST_STAMP_BYTES, Stamp, StampKind};
use crate::error::Result;
use crate::id::Address;

/// How much is read at a time.
const WINDOW_BYTES: usize = 256 << 10;

/// The records from a place on, read in large pieces.
pub(crate) struct Scan<'a> {
    segments: &'a Segments,
    seal: Seal,
    site: Site,
    /// How many bytes of the segment are its own.
    site_bytes: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// The end of a whole batch.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) stamp: Stamp,
    pub(crate) at: Address,
    /// Where the next batch begins.
    pub(crate) end: u64,
}

impl Ending {
    /// The stamp of the newest version: this one, or the one it names.
    pub(crate) fn newest(&self) -> Option<Address> {
        if self.stamp.kind == StampKind::Version { Some(self.at) } else { self.stamp.chain.previous }
    }

    /// The stamp of the newest change of names: this one, or the one it names.
    pub(crate) fn names(&self) -> Option<Address> {
        if self.stamp.kind == StampKind::Names { Some(self.at) } else { self.stamp.chain.names }
    }
}

impl<'a> Scan<'a> {
    pub(crate) fn new(segments: &'a Segments, seal: Seal, at: u64) -> Result<Self> {
        let site = segments.site(at)?;
        let mut scan = Scan { segments, seal, site, site_bytes: 0, window: Vec::new(), window_at: 0 };
        scan.enter(scan.site.clone())?;
        Ok(scan)
    }

    fn enter(&mut self, site: Site) -> Result<()> {
        let len_bytes = site.file.len_bytes()?;
        self.site_bytes = site.next.map_or(len_bytes, |next| ((next - site.first) * UNIT).min(len_bytes));
        self.window.clear();
        self.site = site;
        Ok(())
    }

    /// Where the record after `at` is to be: here, or in the next segment if this one ends here.
    pub(crate) fn settle(&mut self, at: u64) -> Result<u64> {
        if self.site.next != Some(at) {
            return Ok(at);
        }
        let site = self.segments.site(at)?;
        self.enter(site)?;
        Ok(self.site.first_record())
    }

    /// The bytes from `at` to the end of its segment, at most `most`, at least those that are there.
    fn bytes(&mut self, at: u64, most: usize) -> Result<&[u8]> {
        let offset = self.site.offset(at);
        let there = self.site_bytes.saturating_sub(offset).min(most as u64) as usize;
        let from = offset.wrapping_sub(self.window_at);
        let is_inside = offset >= self.window_at && from + there as u64 <= self.window.len() as u64;
        if !is_inside {
            let len = self.site_bytes.saturating_sub(offset).min(there.max(WINDOW_BYTES) as u64) as usize;
            self.window.resize(len, 0);
            let got = self.site.file.read(&mut self.window, offset)?;
            self.window.truncate(got);
            self.window_at = offset
        }
        let from = (offset - self.window_at) as usize;
        let to = (from + there).min(self.window.len());
        Ok(&self.window[from.min(to)..to])
    }

    /// Where the next segment begins.
    pub(crate) fn next(&self) -> Option<u64> {
        self.site.next
    }

    /// The bytes that would be a header at `at`.
    pub(crate) fn header(&mut self, at: u64) -> Result<Option<Header>> {
        Ok(self.bytes(at, HEADER_BYTES)?.first_chunk().map(|&header| Header::from_bytes(header)))
    }

    /// The record at `at`, header and all; none if no whole one is there.
    pub(crate) fn record(&mut self, at: u64) -> Result<Option<(Header, &[u8])>> {
        let seal = self.seal;
        let Some(header) = self.header(at)?.filter(|header| header.kind() != 0) else { return Ok(None) };
        let len = HEADER_BYTES + header.body_bytes();
        let record = self.bytes(at, len)?;
        Ok((record.len() == len && seal.holds(at, record)).then_some((header, record)))
    }

    /// The batch that begins at `at`; none if it is not whole, or does not follow `last`.
    pub(crate) fn batch(&mut self, at: u64, last: Option<&Ending>) -> Result<Option<Ending>> {
        let (batch, mut at) = (at, at);
        let mut checksum = 0;
        loop {
            let Some((header, record)) = self.record(at)? else { return Ok(None) };
            let end = at + header.record_units();
            if header.kind() == kinds::STAMP {
                let stamp = Stamp::decode(&record[HEADER_BYTES..], at);
                let is_own = |stamp: &Stamp| (stamp.chain.batch, stamp.chain.checksum) == (batch, checksum);
                let stamp = stamp.filter(|stamp| is_own(stamp) && follows(stamp, last));
                return Ok(stamp.zip(Address::new(at)).map(|(stamp, at)| Ending { stamp, at, end }));
            }
            checksum = crc32c::crc32c_append(checksum, &record[..HEADER_BYTES]);
            at = self.settle(end)?;
        }
    }

    /// A whole stamp at or behind `at`, in any segment, that says that something behind `at` was durable. With where it is
    /// and what it says.
    pub(crate) fn later_promise(&mut self, at: u64) -> Result<Option<(u64, u64)>> {
        let firsts = self.segments.firsts();
        let later = firsts.into_iter().filter(|&first| first > at);
        let from = self.segments.site(at)?.first;
        for first in std::iter::once(from).chain(later) {
            let site = self.segments.site(first)?;
            self.enter(site)?;
            let mut here = self.site.first_record().max(at);
            let end = self.site.first + self.site_bytes / UNIT;
            while here < end {
                here = self.next_stamp_kind(here, end)?;
                if let Some(promise) = self.stamp(here)?.map(|stamp| stamp.chain.synced_upto)
                    && promise > at
                {
                    return Ok(Some((here, promise)));
                }
                here += 1
            }
        }
        Ok(None)
    }

    /// The first place from `here` on where the header of a stamp may be; `end` if there is none before.
    pub(crate) fn next_stamp_kind(&mut self, mut here: u64, end: u64) -> Result<u64> {
        while here < end {
            // Small pieces, so that the window is not filled anew for each.
            let (units, _) = self.bytes(here, 4096)?.as_chunks::<HEADER_BYTES>();
            let is_one = |header: &[u8; HEADER_BYTES]| Header::from_bytes(*header).kind() == kinds::STAMP;
            match units.iter().position(is_one) {
                Some(i) => return Ok(end.min(here + i as u64)),
                None if units.is_empty() => return Ok(end),
                None => here += units.len() as u64,
            }
        }
        Ok(end)
    }

    /// The stamp at `at`, if a whole one is there.
    pub(crate) fn stamp(&mut self, at: u64) -> Result<Option<Stamp>> {
        let is_one = |header: &Header| header.kind() == kinds::STAMP && header.body_bytes() <= MOST_STAMP_BYTES;
        if !self.header(at)?.as_ref().is_some_and(is_one) {
            return Ok(None);
        }
        Ok(self.record(at)?.and_then(|(_, record)| Stamp::decode(&record[HEADER_BYTES..], at)))
    }
}

/// True if a batch with this stamp may come after `last`.
pub(crate) fn follows(stamp: &Stamp, last: Option<&Ending>) -> bool {
    let Some(ending) = last else {
        let is_first = stamp.kind == StampKind::Version && stamp.id == 0;
        return is_first && stamp.chain.previous.or(stamp.chain.names).is_none();
    };
    let last = &ending.stamp;
    stamp.id == last.id + u64::from(stamp.kind == StampKind::Version)
        && stamp.chain.previous == ending.newest()
        && stamp.chain.names == ending.names()
        && stamp.chain.epoch >= last.chain.epoch
        && stamp.chain.synced_upto >= last.chain.synced_upto
        && stamp.time_us >= last.time_us
}

#[cfg(test)]
mod tests {
    use super::super::stamp::Root;
    use super::*;

    #[test]
    fn a_stamp_follows_another_whose_promises_it_keeps() {
        let at = |units| Address::new(units).expect("not 0");
        let mut last = Stamp::version(7, Root::None);
        (last.time_us, last.chain.epoch, last.chain.synced_upto, last.chain.previous) = (100, 3, 600, Some(at(650)));
        let mut next = last.clone();
        (next.id, next.chain.previous) = (8, Some(at(700)));
        let last = Ending { stamp: last, at: at(700), end: 710 };
        assert!(follows(&next, Some(&last)) && !follows(&next, None));
        let first = Stamp::version(0, Root::None);
        assert!(follows(&first, None) && !follows(&first, Some(&last)));
        let changes: [fn(&mut Stamp); 7] = [
            |stamp| stamp.id += 1,
            |stamp| stamp.kind = StampKind::Move,
            |stamp| stamp.chain.previous = None,
            |stamp| stamp.chain.names = Address::new(3),
            |stamp| stamp.chain.epoch -= 1,
            |stamp| stamp.chain.synced_upto -= 1,
            |stamp| stamp.time_us -= 1,
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mut other = next.clone();
            change(&mut other);
            assert!(!follows(&other, Some(&last)), "change {n}")
        }
    }
}
