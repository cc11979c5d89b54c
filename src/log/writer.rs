//! The one writer: batches of records, each ended by a stamp.
//! In: records and stamps. Out: their addresses, once they are written, and durable if that was asked for.
//! Must hold: **L6** after a failed write or sync nothing more is written until the log is opened again; **G4** a batch is
//! one write and one sync, and can be seen when both have succeeded; **G5** a segment is begun when all before it is
//! durable; **G6** an anchor names only what is durable.
//! Uses: `error`, `id`, `health`, `index`, `reader`, `record`, `recovery`, `scan`, `segments`, `stamp`, `storage`, `superblock`.

use super::health::Health;
use super::index::{self, Filled};
use super::reader::Reader;
use super::record::{self, Header, Seal, UNIT, kinds};
use super::recovery::{self, Found};
use super::scan::Ending;
use super::segments::Segments;
use super::stamp::{Chain, MOST_STAMP_BYTES, Stamp, StampKind};
use super::storage::{SegmentFile, Storage};
use super::superblock::{Anchor, BLOCK_UNITS, Identity, Superblock};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use std::sync::Arc;

/// How a log is written.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) identity: Identity,
    /// A segment that is as long is ended with its batch, or with its part of a long one.
    pub(crate) segment_bytes: u64,
    /// A batch that gets as long is written as far as it goes.
    pub(crate) part_bytes: usize,
    /// How far a file is filled with zeros ahead: from the first so much to the second, as much as this writer has written to it.
    pub(crate) ahead_bytes: (u64, u64),
    /// How far from the last anchor a new one is written.
    pub(crate) anchor_bytes: u64,
}

impl Options {
    pub(crate) fn new(identity: Identity) -> Self {
        Options {
            identity,
            segment_bytes: 64 << 20,
            part_bytes: 1 << 20,
            ahead_bytes: (64 << 10, 1 << 20),
            anchor_bytes: 1 << 20,
        }
    }
}

/// The writer of a log. Dropping it closes it, as far as that goes without an error.
pub(crate) struct Log {
    reader: Arc<Reader>,
    options: Options,
    superblock: Superblock,
    /// The last segment.
    file: Arc<dyn SegmentFile>,
    first: u64,
    /// How long its file is.
    len_bytes: u64,
    /// Where in it this writer began.
    begun_bytes: u64,
    /// Records of the batch that are not written yet, the first of them at `part`.
    buffer: Vec<u8>,
    part: u64,
    /// Where the next record goes.
    at: u64,
    /// Where the batch begins, or the next one will, and the checksum of the headers in it.
    batch: u64,
    checksum: u32,
    last: Option<Ending>,
    /// Everything before here is durable.
    synced: u64,
    epoch: u64,
    anchor_end: u64,
    anchor_slot: usize,
    health: Arc<Health>,
    _lock: Box<dyn Send + Sync>,
}

/// What a sync is due for, which needs no lock of the log: others may append meanwhile.
pub(crate) struct Due {
    file: Arc<dyn SegmentFile>,
    anchor: Anchor,
    health: Arc<Health>,
}

impl Due {
    /// Up to here all is durable then.
    pub(crate) fn end(&self) -> u64 {
        self.anchor.end
    }

    /// Makes it durable. The log is to be told: [`Log::done`].
    ///
    /// # Errors
    /// `Io`; the log takes no more then.
    pub(crate) fn sync(&self) -> Result<()> {
        self.health.sync(&*self.file)
    }
}

impl Log {
    /// Opens the log in `storage`, or makes it; and its last stamp, if it has one.
    ///
    /// Cost: a few reads, and those of what was appended since the last anchor.
    ///
    /// # Errors
    /// `Locked`, `Incompatible`, `Io`; `Corrupt` if acknowledged batches are damaged: nothing is changed then.
    pub(crate) fn open(storage: Arc<dyn Storage>, options: Options) -> Result<(Log, Option<Stamp>)> {
        options.identity.check()?;
        let lock = storage.lock()?;
        let segments = Segments::open(storage.clone(), true)?;
        let found = match recovery::look(&segments)? {
            Some(found) => found,
            None => create(&segments, &options.identity)?,
        };
        found.superblock.identity.is_for(&options.identity, &storage.name())?;
        found.check(&segments)?;
        Self::go_on(segments, found, options, lock)
    }

    fn go_on(
        segments: Segments,
        mut found: Found,
        options: Options,
        lock: Box<dyn Send + Sync>,
    ) -> Result<(Log, Option<Stamp>)> {
        let is_closed = found.last.as_ref().is_none_or(|last| last.stamp.kind == StampKind::Closing);
        let mut epoch = found.last.as_ref().map_or(0, |last| last.stamp.chain.epoch);
        // A closing stamp that is written need not be durable; the anchor that is written after its sync says so.
        if !is_closed || found.durable < found.end || !found.is_all(&segments)? {
            found.cut(&segments)?;
            epoch += 1
        }
        let Found { superblock, last, end, durable, slot, .. } = found;
        let site = segments.site(end)?;
        let stamp = last.as_ref().map(|last| last.stamp.clone());
        let reader = Reader::up_to(segments, &superblock, end, last.as_ref())?;
        let len_bytes = site.file.len_bytes()?;
        let health = Arc::new(Health::new(reader.segments.storage.name()));
        let log = Log {
            reader: Arc::new(reader),
            options,
            superblock,
            first: site.first,
            file: site.file,
            len_bytes,
            begun_bytes: (end - site.first) * UNIT,
            buffer: Vec::new(),
            part: end,
            at: end,
            batch: end,
            checksum: 0,
            last,
            synced: durable,
            epoch,
            anchor_end: durable,
            anchor_slot: slot,
            health,
            _lock: lock,
        };
        Ok((log, stamp))
    }

    /// What reads this log beside it, on any thread.
    pub(crate) fn reader(&self) -> Arc<Reader> {
        self.reader.clone()
    }

    /// The last stamp.
    pub(crate) fn last(&self) -> Option<&Stamp> {
        self.last.as_ref().map(|last| &last.stamp)
    }

    /// Begins a batch: who does so ends it by [`finish`](Self::finish) or [`give_up`](Self::give_up).
    ///
    /// # Errors
    /// `Io` if a write or a sync failed before.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.check_alive()?;
        self.begin_at(self.batch);
        if (self.at - self.first) * UNIT >= self.options.segment_bytes {
            self.roll()?;
            self.begin_at(self.at)
        }
        Ok(())
    }

    /// Appends a record of the archive's to the batch that was begun.
    ///
    /// # Errors
    /// `Invalid` if the kind is the log's, or the body too long; `Io`.
    pub(crate) fn put(&mut self, kind: u8, body: &[u8]) -> Result<Address> {
        if kind < kinds::FIRST_OF_ARCHIVE {
            let what = format!("records of kind {kind} are the log's own: use {} and up", kinds::FIRST_OF_ARCHIVE);
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        self.check_alive()?;
        let address = self.append(kind, |out, _| out.extend_from_slice(body))?;
        if self.buffer.len() >= self.options.part_bytes {
            self.end_part()?
        }
        Ok(address)
    }

    /// Ends the batch that was begun: its stamp's address. The stamp's chain is filled in here. It is one write and, if it is to
    /// be durable, one sync.
    ///
    /// # Errors
    /// `Invalid` if the stamp cannot come next; `Io`. Nothing of the batch can be seen then.
    pub(crate) fn finish(&mut self, stamp: Stamp, is_durable: bool) -> Result<Address> {
        let done = self.check_alive().and_then(|()| self.commit(stamp, is_durable));
        if done.is_err() {
            self.give_up()
        }
        done
    }

    /// Leaves nothing behind of the batch that was begun, if it was not finished.
    pub(crate) fn give_up(&mut self) {
        // If it fails, the log takes no more and says why.
        let _ = self.abandon();
    }

    fn begin_at(&mut self, at: u64) {
        self.buffer.clear();
        (self.batch, self.part, self.at, self.checksum) = (at, at, at, 0)
    }

    /// Makes everything durable that was committed.
    ///
    /// # Errors
    /// `Io`; then nothing is known of what was not durable before, and the log must be opened again.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.check_alive()?;
        if let Some(due) = self.due()? {
            due.sync()?;
            self.done(due)
        }
        Ok(())
    }

    /// What is to be synced so that all is durable which was committed; none if it is.
    ///
    /// # Errors
    /// `Io` if a write or a sync failed before.
    pub(crate) fn due(&self) -> Result<Option<Due>> {
        self.check_alive()?;
        let last = self.last.as_ref().filter(|last| last.end > self.synced);
        // Segments before this one are durable (G5).
        Ok(last.map(|last| Due {
            file: self.file.clone(),
            anchor: Anchor { stamp: last.at, end: last.end },
            health: self.health.clone(),
        }))
    }

    /// This was synced.
    pub(crate) fn done(&mut self, Due { anchor, .. }: Due) {
        // What is in a segment that has ended meanwhile is known to be durable.
        if anchor.end > self.synced {
            self.set_synced(anchor)
        }
    }

    /// Everything before the anchor's end is durable now.
    fn set_synced(&mut self, anchor: Anchor) {
        self.synced = anchor.end;
        if (anchor.end - self.anchor_end) * UNIT >= self.options.anchor_bytes {
            // Only a hint: if it cannot be written, the next opening reads more.
            let _ = self.write_anchor(anchor);
        }
    }

    fn write_anchor(&mut self, anchor: Anchor) -> Result<()> {
        self.anchor_end = anchor.end;
        self.anchor_slot = 1 - self.anchor_slot;
        anchor.write(&*self.file, self.seal(), self.first, 1 - self.anchor_slot)
    }

    /// Makes durable what was written to the last segment.
    fn sync(&self) -> Result<()> {
        self.health.sync(&*self.file)
    }

    /// As dropping it, and says if it failed.
    #[cfg(test)]
    pub(crate) fn close(mut self) -> Result<()> {
        self.end()
    }

    /// Makes everything durable, ends the log with a closing stamp, and gives back room that was made ahead.
    ///
    /// # Errors
    /// `Io`. What was acknowledged stays.
    fn end(&mut self) -> Result<()> {
        self.check_alive()?;
        let closing = self.last.as_ref().map(|last| &last.stamp).filter(|stamp| stamp.kind != StampKind::Closing);
        let is_open = closing.is_some();
        if let Some(stamp) = closing {
            let stamp = stamp.after(StampKind::Closing);
            self.begin()?;
            self.finish(stamp, false)?;
        }
        let end = self.batch;
        let len_bytes = (end - self.first) * UNIT;
        if is_open || self.len_bytes != len_bytes {
            self.guarded(|log| log.file.set_len(len_bytes))?;
            self.len_bytes = len_bytes;
            self.sync()?;
            self.synced = end;
            if let Some(Ending { at, end, .. }) = self.last {
                self.guarded(|log| log.write_anchor(Anchor { stamp: at, end }))?
            }
            self.sync()?
        }
        Ok(())
    }

    fn seal(&self) -> Seal {
        self.reader.seal
    }

    fn check_alive(&self) -> Result<()> {
        self.health.check()
    }

    /// Does what writes; if it fails, this log writes no more (L6).
    fn guarded<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let result = write(self);
        result.inspect_err(|error| self.health.fail(error))
    }

    fn next_address(&self) -> Result<Address> {
        let full = || Error::new(ErrorKind::Invalid, "the log is full: 128 TiB; begin a new one");
        Address::new(self.at).ok_or_else(full)
    }

    /// Appends a record to the batch.
    fn append(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>, u64)) -> Result<Address> {
        let address = self.next_address()?;
        let start = record::begin(&mut self.buffer);
        body(&mut self.buffer, self.at);
        let seal = self.seal();
        let header = record::finish(&mut self.buffer, start, seal, self.at, kind)?;
        self.count(header);
        Ok(address)
    }

    fn count(&mut self, header: Header) {
        self.checksum = crc32c::crc32c_append(self.checksum, &header.to_bytes());
        self.at += header.record_units()
    }

    /// Writes what there is of the batch, and begins a segment if this one is long enough.
    fn end_part(&mut self) -> Result<()> {
        self.write()?;
        if (self.at - self.first) * UNIT >= self.options.segment_bytes {
            self.roll()?
        }
        Ok(())
    }

    /// Writes the records that are in memory.
    fn write(&mut self) -> Result<()> {
        let offset = (self.part - self.first) * UNIT;
        let end = offset + self.buffer.len() as u64;
        if end > self.len_bytes {
            self.len_bytes = end.max(self.extend(end))
        }
        self.guarded(|log| log.file.write(&log.buffer, offset))?;
        self.buffer.clear();
        // What one long record took is not kept for ever.
        self.buffer.shrink_to(4 * self.options.part_bytes);
        self.part = self.at;
        Ok(())
    }

    /// Fills the file with zeros ahead of `end`; how long it is then. A write into them changes no metadata, so that its
    /// sync is faster.
    fn extend(&mut self, end: u64) -> u64 {
        let (least, most) = self.options.ahead_bytes;
        let ahead = (end - self.begun_bytes).clamp(least, most.max(least));
        let goal = (end + ahead).min(self.options.segment_bytes.max(end));
        // In pieces: Linux walks the whole of what was written at once whenever a part of it is written again, 463 bytes in
        // 1.8 us after 1 MiB and in 0.6 us after 64 KiB.
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        let mut at = end;
        while at < goal {
            let zeros = &ZEROS[..(goal - at).min(ZEROS.len() as u64) as usize];
            // Where there is no room for zeros there may be room for the batch.
            if self.file.write(zeros, at).is_err() {
                break;
            }
            at += zeros.len() as u64
        }
        at
    }

    /// Ends this segment and begins the next: the old one is durable then (G5), and so is the name of the new one.
    fn roll(&mut self) -> Result<()> {
        self.guarded(|log| {
            let (len_bytes, first) = ((log.at - log.first) * UNIT, log.at);
            log.file.set_len(len_bytes)?;
            log.sync()?;
            // The rest of a batch that is under way is not acknowledged.
            log.synced = log.batch;
            let anchor = log.last.as_ref().map(|last| Anchor { stamp: last.at, end: last.end });
            let superblock = Superblock { first, ..log.superblock.clone() };
            let segments = &log.reader.segments;
            let block = superblock.to_block(anchor);
            let file = segments.storage.create(first, &block)?;
            segments.push(first, file.clone());
            (log.file, log.first, log.len_bytes) = (file, first, block.len() as u64);
            log.begun_bytes = 0;
            (log.anchor_end, log.anchor_slot) = (log.batch, 1);
            (log.at, log.part) = (first + BLOCK_UNITS, first + BLOCK_UNITS);
            Ok(())
        })
    }

    /// # Errors
    /// `Invalid` if this stamp cannot come next.
    fn check_stamp(&self, stamp: &Stamp) -> Result<()> {
        let versions = self.last().map_or(0, |last| last.id + 1);
        let is_new = stamp.kind == StampKind::Version;
        let wrong = if stamp.id + u64::from(!is_new) != versions {
            format!("its version is {}, the log has {versions}", stamp.id)
        } else if self.last().is_some_and(|last| stamp.time_us < last.time_us) {
            "its time is before that of the last stamp".to_owned()
        } else if stamp.len_bound() > MOST_STAMP_BYTES {
            format!("it may be at most {MOST_STAMP_BYTES} bytes long; keep what is longer in a record of its own")
        } else {
            return stamp.check(self.at);
        };
        Err(Error::new(ErrorKind::Invalid, format!("a stamp of kind {:?} does not come next: {wrong}", stamp.kind)))
    }

    /// The stamp of the newest version.
    fn newest(&self) -> Option<Address> {
        self.last.as_ref().and_then(Ending::newest)
    }

    /// Writes the nodes of the index that a new version makes full.
    fn fill_index(&mut self, versions: u64) -> Result<Filled> {
        let reader = self.reader.clone();
        reader.address_of(versions - index::FANOUT)?;
        let index = reader.index();
        index.fill(|node| self.append(kinds::INDEX, |out, at| node.encode(out, at)))
    }

    fn commit(&mut self, mut stamp: Stamp, is_durable: bool) -> Result<Address> {
        self.check_stamp(&stamp)?;
        let is_version = stamp.kind == StampKind::Version;
        let is_full = is_version && stamp.id > 0 && stamp.id.is_multiple_of(index::FANOUT);
        let filled = if is_full { Some(self.fill_index(stamp.id)?) } else { None };
        let root = self.last().and_then(|last| last.chain.index);
        stamp.chain = Chain {
            batch: self.batch,
            checksum: self.checksum,
            synced_upto: self.synced,
            epoch: self.epoch,
            previous: self.newest(),
            names: self.last.as_ref().and_then(Ending::names),
            index: filled.as_ref().map(Filled::root).or(root),
        };
        let at = self.append(kinds::STAMP, |out, at| stamp.encode(out, at))?;
        self.write()?;
        if is_durable {
            self.sync()?
        }
        let end = self.at;
        self.last = Some(Ending { stamp, at, end });
        self.begin_at(end);
        self.reader.publish(end, |index| {
            if is_version {
                index.push(at, filled)
            }
        });
        if is_durable {
            self.set_synced(Anchor { stamp: at, end })
        }
        Ok(at)
    }

    /// Takes back what was written of a batch that is not to be.
    fn abandon(&mut self) -> Result<()> {
        if self.health.is_good() && self.part != self.batch {
            self.guarded(|log| {
                let segments = &log.reader.segments;
                recovery::cut(segments, log.batch)?;
                let site = segments.site(log.batch)?;
                log.len_bytes = site.offset(log.batch);
                (log.file, log.first) = (site.file, site.first);
                Ok(())
            })?
        }
        self.begin_at(self.batch);
        Ok(())
    }
}

/// Makes the first segment.
fn create(segments: &Segments, identity: &Identity) -> Result<Found> {
    let storage = &segments.storage;
    let superblock = Superblock { log_id: storage.draw_id(), first: 0, identity: identity.clone() };
    let file = storage.create(0, &superblock.to_block(None))?;
    segments.push(0, file);
    Ok(Found::new(superblock))
}

impl Drop for Log {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; what was acknowledged stays.
        let _ = self.end();
    }
}

/// For tests: a batch on its way. Dropped before it is committed it leaves nothing behind.
#[cfg(test)]
pub(crate) struct Batch<'a>(&'a mut Log);

#[cfg(test)]
impl Log {
    pub(crate) fn batch(&mut self) -> Result<Batch<'_>> {
        self.begin()?;
        Ok(Batch(self))
    }
}

#[cfg(test)]
impl Batch<'_> {
    /// Where the next record will be, or the stamp.
    pub(crate) fn next_address(&self) -> Result<Address> {
        self.0.next_address()
    }

    pub(crate) fn append(&mut self, kind: u8, body: &[u8]) -> Result<Address> {
        self.0.put(kind, body)
    }

    pub(crate) fn commit(self, stamp: Stamp, is_durable: bool) -> Result<Address> {
        self.0.finish(stamp, is_durable)
    }
}

#[cfg(test)]
impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.0.give_up()
    }
}
