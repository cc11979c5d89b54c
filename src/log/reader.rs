//! Reading beside the writer: records at addresses, stamps by the numbers of their versions.
//! In: addresses, numbers of versions. Out: [`Record`]s and stamps.
//! Must hold: no byte is believed before its checksum; whatever the bytes are, a read ends in a record or an error, and
//! asks for no more memory than the log has bytes.
//! Uses: `error`, `id`, `index`, `published`, `record`, `segments`, `stamp`, `storage`, `window`, `recovery`, `scan`,
//! `superblock`.

use super::index::{Index, Spot};
use super::published::Published;
use super::record::{HEADER_BYTES, Header, Seal, UNIT, kinds};
use super::recovery::{self, Found};
use super::scan::Ending;
use super::segments::{Segments, Site};
use super::stamp::{Stamp, StampKind};
use super::storage::{Mapped, Storage};
use super::superblock::{Identity, Superblock};
use super::window::{Reach, ReaderId, WINDOW_BYTES, Window};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

/// What all who have a log open in this process share.
pub(crate) struct Reader {
    pub(super) segments: Segments,
    pub(super) seal: Seal,
    id: ReaderId,
    published: Published<Index>,
    /// Full nodes of the index that were read, at most [`MOST_NODES`]: 2 KB for each 256 versions.
    nodes: RwLock<HashMap<NodeKey, Arc<[Address]>>>,
}

/// A node of the index: where it is, its level, and the first version below it.
type NodeKey = (Address, usize, u64);

/// A record: its kind and its body, with the zeros that fill up its last unit. Cheap to clone and to hold on to.
#[derive(Clone)]
pub(crate) struct Record {
    kind: u8,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Owned { chunks: Arc<[u128]>, from: usize, len: usize },
    Mapped(Mapped),
}

/// How a body is aligned in memory.
pub(crate) const BODY_ALIGN: usize = align_of::<u128>();
const _: () = assert!(BODY_ALIGN == 16);
const CHUNK: usize = size_of::<u128>();
/// So much is read ahead: most records whole, as a full inner node; most stamps; a full node of the index.
/// And a little of what stands before: a version's root before its stamp, a leaf's entries. A KiB more costs 0.07 us, another
/// read 0.5 to 0.8.
const RECORD: Reach = (896, 640);
const STAMP: Reach = (256, 256);
const INDEX_NODE: Reach = (0, 1088);
const _: () = assert!(INDEX_NODE.1 <= WINDOW_BYTES);
/// Nodes of the index that are kept: those of 262 144 versions.
const MOST_NODES: usize = 1024;

/// Where a record is that is in no window.
enum Elsewhere {
    /// Mapped, with so many bytes from it on.
    Mapped(Site, usize),
    /// In the storage alone: it is longer than a window.
    Long(Site, (Header, usize)),
}

impl Record {
    pub(crate) fn kind(&self) -> u8 {
        self.kind
    }

    /// The body, aligned to [`BODY_ALIGN`].
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        match &self.body {
            Body::Owned { chunks, from, len } => &bytemuck::cast_slice(chunks)[*from..from + len],
            Body::Mapped(mapped) => mapped.bytes(),
        }
    }

    /// A record that is in no log.
    pub(crate) fn owned(kind: u8, body: &[u8]) -> Self {
        let mut chunks: Arc<[u128]> = std::iter::repeat_n(0, body.len().div_ceil(CHUNK)).collect();
        let own = Arc::get_mut(&mut chunks).map(bytemuck::cast_slice_mut);
        if let Some(own) = own {
            own[..body.len()].copy_from_slice(body)
        }
        Record { kind, body: Body::Owned { chunks, from: 0, len: body.len() } }
    }
}

impl Reader {
    /// Opens the log in `storage` to read what was committed until now, beside a writer or on a medium that cannot be
    /// written; and its last stamp. Of a log whose acknowledged batches are damaged it reads what is before them.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Incompatible`, `Corrupt`, `Io`.
    pub(crate) fn open(storage: Arc<dyn Storage>, identity: &Identity) -> Result<(Arc<Reader>, Option<Stamp>)> {
        let name = storage.name();
        let segments = Segments::open(storage, false)?;
        let Some(Found { superblock, last, end, .. }) = recovery::look(&segments)? else {
            let what = format!("there is no log at {name}: open one for writing first");
            return Err(Error::new(ErrorKind::NotFound, what));
        };
        superblock.identity.is_for(identity, &name)?;
        let reader = Reader::up_to(segments, &superblock, end, last.as_ref())?;
        Ok((Arc::new(reader), last.map(|last| last.stamp)))
    }

    /// A reader of all up to `end`, where the last batch ends.
    pub(super) fn up_to(segments: Segments, superblock: &Superblock, end: u64, last: Option<&Ending>) -> Result<Self> {
        let (seal, published) = (Seal::of(superblock.log_id), Published::new(end, Index::default()));
        let reader = Reader { segments, seal, id: ReaderId::draw(), published, nodes: RwLock::default() };
        if let Some(last) = last {
            let index = Index::open(&reader, last.stamp.id + 1, last.stamp.chain.index, last.newest())?;
            reader.publish(end, |own| *own = index)
        }
        Ok(reader)
    }

    /// Where the last batch ends.
    pub(crate) fn end(&self) -> u64 {
        self.published.end()
    }

    pub(super) fn publish(&self, end: u64, change: impl FnOnce(&mut Index)) {
        self.published.publish(end, change)
    }

    pub(super) fn index(&self) -> impl Deref<Target = Index> {
        self.published.index()
    }

    /// How many versions there are.
    pub(crate) fn versions(&self) -> u64 {
        self.index().versions()
    }

    /// The record at an address, of all that was committed so far, durable or not.
    ///
    /// Cost: one checksum, and a read of the storage, unless what this thread read last had it too; a record longer than 640
    /// bytes may take two reads.
    ///
    /// # Errors
    /// `Corrupt` if no whole record begins there; `Io`.
    pub(crate) fn read(&self, address: Address) -> Result<Record> {
        self.record(address, RECORD)
    }

    /// The record of a node of the index.
    pub(super) fn read_node(&self, address: Address) -> Result<Record> {
        self.record(address, INDEX_NODE)
    }

    /// The entries of a full node, which `read` reads, and checks, the first time.
    pub(super) fn node(&self, key: NodeKey, read: impl FnOnce() -> Result<Vec<Address>>) -> Result<Arc<[Address]>> {
        if let Some(node) = self.nodes.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(node.clone());
        }
        let node: Arc<[Address]> = read()?.into();
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        if nodes.len() >= MOST_NODES {
            nodes.clear()
        }
        nodes.insert(key, node.clone());
        Ok(node)
    }

    fn record(&self, address: Address, reach: Reach) -> Result<Record> {
        match self.near(address, reach, |header, body| Record::owned(header.kind(), body))? {
            Ok(record) => Ok(record),
            Err(elsewhere) => self.read_elsewhere(address, elsewhere),
        }
    }

    #[cold]
    fn read_elsewhere(&self, address: Address, elsewhere: Elsewhere) -> Result<Record> {
        let at = address.units();
        match elsewhere {
            Elsewhere::Mapped(site, room) => self.read_mapped(&site, at, room),
            Elsewhere::Long(site, header) => self.read_long(&site, at, header),
        }
    }

    /// The segment of a record, and how many bytes there are from it on.
    fn site(&self, at: u64) -> Result<(Site, usize)> {
        let end = self.end();
        if at >= end {
            return Err(self.segments.damage(at, format!("no record: the log ends at the address {end:#x}")));
        }
        let site = self.segments.site(at)?;
        if at < site.first_record() {
            return Err(self.segments.damage(at, "no record begins in a superblock"));
        }
        let room = (site.next.unwrap_or(end).min(end).saturating_sub(at) * UNIT) as usize;
        Ok((site, room))
    }

    /// Gives the record at an address to `take` where it lies in this thread's window; or says where else it is.
    #[inline]
    fn near<R>(
        &self,
        address: Address,
        reach: Reach,
        take: impl FnOnce(Header, &[u8]) -> R,
    ) -> Result<std::result::Result<R, Elsewhere>> {
        let at = address.units();
        Window::with(|window| {
            let whole = |(header, len): (Header, usize), bytes: &[u8]| {
                self.check(at, &bytes[..len])?;
                Ok(Ok(take(header, &bytes[HEADER_BYTES..len])))
            };
            let known = window.from(self.id, at);
            if known.len() >= HEADER_BYTES {
                let found = self.header(known, at, usize::MAX)?;
                if found.1 <= known.len() {
                    return whole(found, known);
                }
            }
            let (site, room) = self.site(at)?;
            if site.file.mapped(site.offset(at), room.min(HEADER_BYTES)).is_some() {
                return Ok(Err(Elsewhere::Mapped(site, room)));
            }
            window.move_to(self.id, &site, at, room, reach)?;
            let mut known = window.from(self.id, at);
            let found = self.header(known, at, room)?;
            if found.1 > WINDOW_BYTES {
                return Ok(Err(Elsewhere::Long(site, found)));
            }
            if found.1 > known.len() {
                window.move_to(self.id, &site, at, room, (0, found.1))?;
                known = window.from(self.id, at)
            }
            if found.1 > known.len() {
                return Err(self.segments.damage(at, "the segment ends within this record"));
            }
            whole(found, known)
        })
    }

    /// A record that is longer than a window.
    fn read_long(&self, site: &Site, at: u64, (header, bytes): (Header, usize)) -> Result<Record> {
        // The header goes into the chunk before the body.
        let mut chunks: Arc<[u128]> = std::iter::repeat_n(0, (bytes - HEADER_BYTES).div_ceil(CHUNK) + 1).collect();
        let own: Option<&mut [u8]> = Arc::get_mut(&mut chunks).map(bytemuck::cast_slice_mut);
        let Some(own) = own else { return Err(Error::new(ErrorKind::Io, "a new buffer is shared: report this")) };
        let record = &mut own[CHUNK - HEADER_BYTES..][..bytes];
        let got = site.file.read(record, site.offset(at))?;
        self.check(at, &record[..got])?;
        Ok(Record { kind: header.kind(), body: Body::Owned { chunks, from: CHUNK, len: bytes - HEADER_BYTES } })
    }

    fn read_mapped(&self, site: &Site, at: u64, room: usize) -> Result<Record> {
        let mapped = |bytes| {
            let mapped = site.file.mapped(site.offset(at), bytes);
            mapped.ok_or_else(|| self.segments.damage(at, "the segment ends within this record"))
        };
        let (header, bytes) = self.header(mapped(room.min(HEADER_BYTES))?.bytes(), at, room)?;
        let mut mapped = mapped(bytes)?;
        self.check(at, mapped.bytes())?;
        mapped.from += HEADER_BYTES;
        mapped.len -= HEADER_BYTES;
        if mapped.bytes().as_ptr().addr() % BODY_ALIGN != 0 {
            return Ok(Record::owned(header.kind(), mapped.bytes()));
        }
        Ok(Record { kind: header.kind(), body: Body::Mapped(mapped) })
    }

    /// The header at the front of `bytes`, and how long its record is: at most `room`.
    fn header(&self, bytes: &[u8], at: u64, room: usize) -> Result<(Header, usize)> {
        let Some(&header) = bytes.first_chunk() else {
            return Err(self.segments.damage(at, "the segment ends before this record"));
        };
        let header = Header::from_bytes(header);
        let bytes = HEADER_BYTES + header.body_bytes();
        if header.kind() == 0 || bytes > room {
            let what = format!("no record: kind {}, {bytes} bytes, room for {room}", header.kind());
            return Err(self.segments.damage(at, what));
        }
        Ok((header, bytes))
    }

    fn check(&self, at: u64, record: &[u8]) -> Result<()> {
        self.seal
            .check(at, record)
            .map_err(|(want, got)| self.segments.damage(at, format!("record checksum: want {want:08x}, got {got:08x}")))
    }

    /// The stamp at an address.
    ///
    /// # Errors
    /// `Corrupt` if there is none; `Io`.
    pub(crate) fn stamp_at(&self, address: Address) -> Result<Stamp> {
        let decode = |kind, body: &[u8]| if kind == kinds::STAMP { Stamp::decode(body, address.units()) } else { None };
        let stamp = match self.near(address, STAMP, |header, body| decode(header.kind(), body))? {
            Ok(stamp) => stamp,
            Err(elsewhere) => {
                let record = self.read_elsewhere(address, elsewhere)?;
                decode(record.kind(), record.body())
            }
        };
        stamp.ok_or_else(|| self.segments.damage(address.units(), "this record is no stamp"))
    }

    /// Where the stamp of a version is.
    ///
    /// Cost: nothing is read for the newest versions that this process committed; else one node of the index, the first
    /// time one for each of its levels; or, once after opening, the stamps of the newest versions back to this one, at
    /// most 256.
    ///
    /// # Errors
    /// `NotFound` if there is no such version yet; `Corrupt`, `Io`.
    pub(crate) fn address_of(&self, id: u64) -> Result<Address> {
        let spot = self.index().find(id);
        match spot {
            Spot::At(address) => Ok(address),
            Spot::Below { node, level } => super::index::descend(self, node, level, id),
            Spot::Before { id: known, stamp } => self.walk_back(id, known, stamp),
            Spot::Nowhere => {
                let what = format!("no version {id}: the log has {}", self.versions());
                Err(Error::new(ErrorKind::NotFound, what))
            }
        }
    }

    /// From the stamp of `known` back to that of `id`, remembering all between.
    pub(super) fn walk_back(&self, id: u64, known: u64, stamp: Address) -> Result<Address> {
        let mut found = Vec::new();
        let mut stamp = stamp;
        for expected in (id..known).rev() {
            let previous = self.version_at(stamp, expected + 1)?.chain.previous;
            stamp =
                previous.ok_or_else(|| self.segments.damage(stamp.units(), "the stamp names no version before it"))?;
            found.push(stamp)
        }
        self.published.change(|index| index.remember(known, &found));
        Ok(stamp)
    }

    /// The stamp at an address, which is that of this version.
    ///
    /// # Errors
    /// `Corrupt` if it is another; `Io`.
    pub(crate) fn version_at(&self, address: Address, id: u64) -> Result<Stamp> {
        let stamp = self.stamp_at(address)?;
        if stamp.kind == StampKind::Version && stamp.id == id {
            return Ok(stamp);
        }
        let what = format!("the index says version {id}, the stamp is of {} ({:?})", stamp.id, stamp.kind);
        Err(self.segments.damage(address.units(), what))
    }

    /// The stamp of a version. Cost: that of [`address_of`](Self::address_of), and a read.
    ///
    /// # Errors
    /// As [`address_of`](Self::address_of).
    pub(crate) fn stamp_of(&self, id: u64) -> Result<Stamp> {
        self.version_at(self.address_of(id)?, id)
    }
}
