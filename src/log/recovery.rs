//! What is there when a log is opened, and what of it is to go.
//! In: segments. Out: the last whole batch; for a writer, a log cut behind it.
//! Must hold: **G1** what is visible is a prefix of what was committed, with all that was acknowledged as durable;
//! **G2** nothing is cut that a later stamp or an anchor says was durable. Nothing is changed before that is known.
//! Uses: `error`, `record`, `scan`, `segments`, `superblock`. Rules: docs/FORMAT.md, "Recovery".

use super::record::{Seal, UNIT, kinds};
use super::scan::{Ending, Scan};
use super::segments::Segments;
use super::superblock::{Anchor, BLOCK_BYTES, BLOCK_UNITS, Superblock};
use crate::error::{Error, ErrorKind, Result};

/// What was found.
pub(crate) struct Found {
    /// Of the first segment that has one which is whole.
    pub(crate) superblock: Superblock,
    pub(crate) last: Option<Ending>,
    /// Where the last whole batch ends, and the next begins.
    pub(crate) end: u64,
    /// Everything before here is durable.
    pub(crate) durable: u64,
    /// How far an anchor says so.
    promised: u64,
    /// The slot of the last segment whose anchor is the older one.
    pub(crate) slot: usize,
}

/// Looks at a log without changing it; none if there is none yet.
///
/// # Errors
/// `Corrupt` if it cannot be told where it begins, `Incompatible`, `Io`.
pub(crate) fn look(segments: &Segments) -> Result<Option<Found>> {
    let firsts = segments.firsts();
    let Some(&first) = firsts.first() else { return Ok(None) };
    if first != 0 {
        return Err(segments.damage(0, "the first segment is missing"));
    }
    let Some(superblock) = superblock(segments, &firsts)? else {
        return Err(segments.damage(0, "no superblock of this log is whole"));
    };
    let seal = Seal::of(superblock.log_id);
    let (start, promised, slot) = start(segments, &firsts, seal)?;
    let mut scan = Scan::new(segments, seal, start.as_ref().map_or(0, |ending| ending.end.saturating_sub(1)))?;
    let mut end = scan.settle(start.as_ref().map_or(BLOCK_UNITS, |ending| ending.end))?;
    let mut last = start;
    while let Some(ending) = scan.batch(end, last.as_ref())? {
        end = scan.settle(ending.end)?;
        last = Some(ending)
    }
    let stamped = last.as_ref().map_or(0, |ending| ending.stamp.chain.synced_upto);
    let site = segments.site(end)?;
    // A segment is begun when the one before is durable.
    let durable = promised.max(stamped).max(site.first_record()).min(end);
    Ok(Some(Found { superblock, last, end, durable, promised, slot }))
}

/// The superblock of the last segment that has one which is whole.
fn superblock(segments: &Segments, firsts: &[u64]) -> Result<Option<Superblock>> {
    for &first in firsts.iter().rev() {
        if let Some(superblock) = Superblock::from_block(&block(segments, first)?, &segments.storage.name())? {
            if superblock.first != first {
                let what = format!("this file is the segment {:011x} under another name", superblock.first);
                return Err(segments.damage(first, what));
            }
            return Ok(Some(superblock));
        }
    }
    Ok(None)
}

/// What the first block of a segment has.
pub(super) fn block(segments: &Segments, first: u64) -> Result<Vec<u8>> {
    let mut block = vec![0; BLOCK_BYTES];
    let got = segments.site(first)?.file.read(&mut block, 0)?;
    block.truncate(got);
    Ok(block)
}

/// The batch that the latest good anchor names; how far any anchor says that all is durable; the slot to write next.
fn start(segments: &Segments, firsts: &[u64], seal: Seal) -> Result<(Option<Ending>, u64, usize)> {
    let (mut promised, mut slot) = (0, 0);
    for &first in firsts.iter().rev() {
        let anchors = Anchor::all(&block(segments, first)?, seal, first);
        if Some(&first) == firsts.last() {
            slot = anchors.first().map_or(0, |&(_, slot)| 1 - slot)
        }
        for (anchor, _) in anchors {
            promised = promised.max(anchor.end);
            let mut scan = Scan::new(segments, seal, anchor.stamp.units())?;
            let Some(stamp) = scan.stamp(anchor.stamp.units())? else { continue };
            let record = scan.record(anchor.stamp.units())?.filter(|(header, _)| header.kind() == kinds::STAMP);
            if record.is_some_and(|(header, _)| anchor.stamp.units() + header.record_units() == anchor.end) {
                return Ok((Some(Ending { stamp, at: anchor.stamp, end: anchor.end }), promised, slot));
            }
        }
    }
    Ok((None, promised, slot))
}

impl Found {
    /// A log that was just made.
    pub(crate) fn new(superblock: Superblock) -> Self {
        Found { superblock, last: None, end: BLOCK_UNITS, durable: BLOCK_UNITS, promised: 0, slot: 0 }
    }

    /// # Errors
    /// `Corrupt` if something is missing that was acknowledged as durable.
    pub(crate) fn check(&self, segments: &Segments) -> Result<()> {
        let seal = Seal::of(self.superblock.log_id);
        let last = segments.firsts().pop().unwrap_or(0);
        let is_short = segments.site(last)?.file.len_bytes()? < BLOCK_BYTES as u64;
        let evidence = if is_short {
            // It was made with its superblock.
            Some(format!("the segment {last:011x} is shorter than its superblock"))
        } else if self.promised > self.end {
            Some(format!("an anchor says that all before the address {:#x} was durable", self.promised))
        } else {
            let later = Scan::new(segments, seal, self.end)?.later_promise(self.end)?;
            later.map(|(at, promise)| format!("the stamp at {at:#x} says that all before {promise:#x} was durable"))
        };
        let Some(evidence) = evidence else { return Ok(()) };
        let what = format!(
            "{}: the batch here is damaged, and was acknowledged: {evidence}. Nothing was changed: restore a copy, \
             or open the log read-only, with all versions before this place",
            segments.place(self.end)
        );
        Err(Error::new(ErrorKind::Corrupt, what))
    }

    /// True if nothing is behind the last whole batch.
    pub(crate) fn is_all(&self, segments: &Segments) -> Result<bool> {
        let site = segments.site(self.end)?;
        Ok(site.next.is_none() && site.file.len_bytes()? == site.offset(self.end))
    }

    /// Cuts the log behind the last whole batch, and makes what is left durable. May be repeated if it fails.
    pub(crate) fn cut(&mut self, segments: &Segments) -> Result<()> {
        cut(segments, self.end)?;
        let site = segments.site(self.end)?;
        // What a failed sync left in the machine's memory looks written, and is not: it is written once more.
        let mut first = block(segments, site.first)?;
        if Superblock::from_block(&first, &segments.storage.name())?.is_none() {
            first = Superblock { first: site.first, ..self.superblock.clone() }.to_block(None)
        }
        site.file.write(&first, 0)?;
        let mut at = site.offset(self.durable.max(site.first_record()));
        let end = site.offset(self.end);
        let mut piece = vec![0; end.saturating_sub(at).min(1 << 20) as usize];
        while at < end {
            let len = (end - at).min(piece.len() as u64) as usize;
            let got = site.file.read(&mut piece[..len], at)?;
            if got < len {
                return Err(segments.damage(site.first + (at + got as u64) / UNIT, "the segment has become shorter"));
            }
            site.file.write(&piece[..len], at)?;
            at += len as u64
        }
        site.file.sync()?;
        segments.storage.sync_names()?;
        self.durable = self.end;
        Ok(())
    }
}

/// Removes everything from `end` on.
pub(crate) fn cut(segments: &Segments, end: u64) -> Result<()> {
    segments.remove_behind(end)?;
    let site = segments.site(end)?;
    site.file.set_len(site.offset(end))
}
