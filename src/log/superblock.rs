//! The first block of every segment: what log this is, what it holds, and the anchor.
//! In: an identity. Out: 4096 bytes; and back, or what differs.
//! Must hold: superblock and anchor slots lie in sectors of their own, each with a checksum, so that one which is torn
//! harms no other. An anchor names a place before which everything is durable.
//! Uses: `error`, `id`, `record`, `storage`. Bytes: docs/FORMAT.md, "Superblock" and "Anchor".

use super::record::{Seal, UNIT};
use super::storage::SegmentFile;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;

/// How long the first block of a segment is, in bytes and in units.
pub(crate) const BLOCK_BYTES: usize = 4096;
pub(crate) const BLOCK_UNITS: u64 = BLOCK_BYTES as u64 / UNIT;

const MAGIC: [u8; 8] = *b"bkstory\x1a";
const FORMAT: u32 = 1;
/// Where the superblock's own bytes end.
const END: usize = 1024;
const NAME_AT: usize = 64;
const MOST_NAME_BYTES: usize = END - NAME_AT;
const SLOTS_AT: [usize; 2] = [2048, 3072];
const SLOT_BYTES: usize = 24;

const _: () =
    assert!(cfg!(target_endian = "little"), "a log is written as it lies in memory, on little-endian machines");
const _: () = assert!(size_of::<usize>() == 8, "a log needs a 64-bit machine");
const _: () = assert!(SLOTS_AT[0].is_multiple_of(512) && SLOTS_AT[1] - SLOTS_AT[0] >= 512 && END <= SLOTS_AT[0]);
const _: () = assert!(SLOTS_AT[1] + SLOT_BYTES <= BLOCK_BYTES, "FORMAT.md, Anchor");

/// How rkyv lays out what it archives: options that any dependency of a build may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    pub(crate) align_of_u32: u8,
    pub(crate) align_of_u64: u8,
    pub(crate) size_of_vec: u8,
    pub(crate) size_of_usize: u8,
    /// 1 for little-endian.
    pub(crate) byte_order: u8,
}

/// What a log holds: must be the same whenever it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    pub(crate) schema: String,
    pub(crate) schema_version: u32,
    pub(crate) state_bytes: u32,
    pub(crate) state_align: u32,
    pub(crate) layout: Layout,
}

/// A segment's first block, without its anchor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Superblock {
    pub(crate) log_id: u64,
    /// The segment's first address.
    pub(crate) first: u64,
    pub(crate) identity: Identity,
}

/// A hint where a scan may start, and a promise: all before `end` was durable when it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Anchor {
    /// The last stamp before `end`.
    pub(crate) stamp: Address,
    /// Where the batch of that stamp ends.
    pub(crate) end: u64,
}

fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes)
}

fn get<const N: usize>(block: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| block[at + i])
}

impl Identity {
    /// # Errors
    /// `Invalid` if the schema's name is too long to be stored.
    pub(crate) fn check(&self) -> Result<()> {
        let len = self.schema.len();
        if len <= MOST_NAME_BYTES {
            return Ok(());
        }
        let what = format!("a schema's name of {len} bytes: at most {MOST_NAME_BYTES}; give it a shorter one");
        Err(Error::new(ErrorKind::Invalid, what))
    }

    /// # Errors
    /// `Incompatible`, with what differs, if a log that holds `self` cannot be opened for `wanted`.
    pub(crate) fn is_for(&self, wanted: &Identity, log: &str) -> Result<()> {
        let differs = if self.schema != wanted.schema {
            format!("holds `{}`, not `{}`: open it as what it holds", self.schema, wanted.schema)
        } else if self.schema_version != wanted.schema_version {
            let (own, other) = (self.schema_version, wanted.schema_version);
            format!("holds version {own} of `{}`, not {other}: open it as that version", self.schema)
        } else if (self.state_bytes, self.state_align) != (wanted.state_bytes, wanted.state_align) {
            format!(
                "holds `{}` in {} bytes aligned to {}; in this program it has {} aligned to {}: \
                 its fields have changed; open it with those it was written with, or give the new ones a schema version",
                self.schema, self.state_bytes, self.state_align, wanted.state_bytes, wanted.state_align
            )
        } else if self.layout != wanted.layout {
            format!(
                "was written with other layout options of rkyv ({:?}, here {:?}): \
                 build without the rkyv features that change them; a dependency may have turned them on",
                self.layout, wanted.layout
            )
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Incompatible, format!("the log {log} {differs}")))
    }
}

impl Superblock {
    /// The block, with an anchor in its first slot if there is one.
    pub(crate) fn to_block(&self, anchor: Option<Anchor>) -> Vec<u8> {
        let mut block = vec![0; BLOCK_BYTES];
        let Identity { schema, schema_version, state_bytes, state_align, layout } = &self.identity;
        put(&mut block, 0, &MAGIC);
        put(&mut block, 8, &FORMAT.to_le_bytes());
        put(&mut block, 16, &self.log_id.to_le_bytes());
        put(&mut block, 24, &self.first.to_le_bytes());
        put(&mut block, 32, &schema_version.to_le_bytes());
        put(&mut block, 36, &state_bytes.to_le_bytes());
        put(&mut block, 40, &state_align.to_le_bytes());
        let Layout { align_of_u32, align_of_u64, size_of_vec, size_of_usize, byte_order } = *layout;
        put(&mut block, 44, &[align_of_u32, align_of_u64, size_of_vec, size_of_usize, byte_order]);
        put(&mut block, 50, &(schema.len() as u16).to_le_bytes());
        put(&mut block, NAME_AT, schema.as_bytes());
        let checksum = superblock_checksum(&block);
        put(&mut block, 12, &checksum.to_le_bytes());
        if let Some(anchor) = anchor {
            let slot = anchor.to_slot(Seal::of(self.log_id), self.first, 0);
            put(&mut block, SLOTS_AT[0], &slot)
        }
        block
    }

    /// The superblock in `block`; none if it is damaged or there is none.
    ///
    /// # Errors
    /// `Incompatible` if it is whole, and of another format version.
    pub(crate) fn from_block(block: &[u8], log: &str) -> Result<Option<Self>> {
        if block.len() < END || block[..8] != MAGIC || get(block, 12) != superblock_checksum(block).to_le_bytes() {
            return Ok(None);
        }
        let format = u32::from_le_bytes(get(block, 8));
        if format != FORMAT {
            let what =
                format!("the log {log} has format version {format}, this program reads {FORMAT}: use a newer one");
            return Err(Error::new(ErrorKind::Incompatible, what));
        }
        let name_bytes = u16::from_le_bytes(get(block, 50)) as usize;
        let name = block[NAME_AT..END].get(..name_bytes).and_then(|name| std::str::from_utf8(name).ok());
        let [align_of_u32, align_of_u64, size_of_vec, size_of_usize, byte_order] = get(block, 44);
        Ok(name.map(|schema| Superblock {
            log_id: u64::from_le_bytes(get(block, 16)),
            first: u64::from_le_bytes(get(block, 24)),
            identity: Identity {
                schema: schema.to_owned(),
                schema_version: u32::from_le_bytes(get(block, 32)),
                state_bytes: u32::from_le_bytes(get(block, 36)),
                state_align: u32::from_le_bytes(get(block, 40)),
                layout: Layout { align_of_u32, align_of_u64, size_of_vec, size_of_usize, byte_order },
            },
        }))
    }
}

fn superblock_checksum(block: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&block[..12]), &block[16..END])
}

impl Anchor {
    fn to_slot(self, seal: Seal, first: u64, slot: usize) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        put(&mut bytes, 8, &self.stamp.units().to_le_bytes());
        put(&mut bytes, 16, &self.end.to_le_bytes());
        let checksum = seal.checksum(first + slot_units(slot), &bytes[8..]);
        put(&mut bytes, 0, &checksum.to_le_bytes());
        bytes
    }

    /// The anchor in a slot of the block that begins at `first`; none if it is empty or damaged.
    fn from_slot(block: &[u8], seal: Seal, first: u64, slot: usize) -> Option<Self> {
        let bytes = block.get(SLOTS_AT[slot]..SLOTS_AT[slot] + SLOT_BYTES)?;
        if u32::from_le_bytes(get(bytes, 0)) != seal.checksum(first + slot_units(slot), &bytes[8..]) {
            return None;
        }
        let (stamp, end) = (u64::from_le_bytes(get(bytes, 8)), u64::from_le_bytes(get(bytes, 16)));
        (stamp < end).then(|| Address::new(stamp)).flatten().map(|stamp| Anchor { stamp, end })
    }

    /// The anchors in a block, the later one first, each with its slot.
    pub(crate) fn all(block: &[u8], seal: Seal, first: u64) -> Vec<(Anchor, usize)> {
        let anchors = (0..2).filter_map(|slot| Some((Anchor::from_slot(block, seal, first, slot)?, slot)));
        let mut anchors: Vec<_> = anchors.collect();
        anchors.sort_by_key(|(anchor, _)| std::cmp::Reverse(anchor.end));
        anchors
    }

    /// Writes the anchor into a slot of the segment that begins at `first`.
    pub(crate) fn write(self, file: &dyn SegmentFile, seal: Seal, first: u64, slot: usize) -> Result<()> {
        file.write(&self.to_slot(seal, first, slot), SLOTS_AT[slot] as u64)
    }
}

fn slot_units(slot: usize) -> u64 {
    SLOTS_AT[slot] as u64 / UNIT
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn superblock() -> Superblock {
        let layout = Layout { align_of_u32: 4, align_of_u64: 8, size_of_vec: 8, size_of_usize: 4, byte_order: 1 };
        let identity = Identity { schema: "Notes".into(), schema_version: 3, state_bytes: 40, state_align: 8, layout };
        Superblock { log_id: 0x1234_5678_9abc_def0, first: 512, identity }
    }

    #[test]
    fn a_superblock_comes_back_and_no_flipped_bit_passes() {
        let superblock = superblock();
        let mut block = superblock.to_block(None);
        assert_eq!(Superblock::from_block(&block, "x").unwrap(), Some(superblock));
        for bit in 0..END * 8 {
            block[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Superblock::from_block(&block, "x").unwrap(), None, "bit {bit}");
            block[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(Superblock::from_block(&block[..END - 1], "x").unwrap(), None);
    }

    #[test]
    fn another_format_version_is_named() {
        let mut block = superblock().to_block(None);
        put(&mut block, 8, &2u32.to_le_bytes());
        let checksum = superblock_checksum(&block);
        put(&mut block, 12, &checksum.to_le_bytes());
        let error = Superblock::from_block(&block, "x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incompatible);
        assert!(error.to_string().contains("format version 2"));
    }

    #[test]
    fn the_later_anchor_comes_first_and_a_damaged_one_not_at_all() {
        let (superblock, seal) = (superblock(), Seal::of(0x1234_5678_9abc_def0));
        let [early, late] = [900, 990].map(|end| Anchor { stamp: Address::new(end - 9).unwrap(), end });
        let mut block = superblock.to_block(Some(early));
        assert_eq!(Anchor::all(&block, seal, 512), [(early, 0)]);
        put(&mut block, SLOTS_AT[1], &late.to_slot(seal, 512, 1));
        assert_eq!(Anchor::all(&block, seal, 512), [(late, 1), (early, 0)]);
        assert_eq!(Anchor::all(&block, seal, 513), []);
        block[SLOTS_AT[1] + 20] ^= 1;
        assert_eq!(Anchor::all(&block, seal, 512), [(early, 0)]);
    }

    #[test]
    fn each_way_to_differ_has_its_message() {
        let own = superblock().identity;
        let differing = |change: &dyn Fn(&mut Identity)| {
            let mut wanted = own.clone();
            change(&mut wanted);
            let error = own.is_for(&wanted, "x").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incompatible);
            error.to_string()
        };
        assert!(differing(&|i| i.schema = "Other".into()).contains("`Notes`, not `Other`"));
        assert!(differing(&|i| i.schema_version = 4).contains("version 3"));
        assert!(differing(&|i| i.state_bytes = 48).contains("40 bytes aligned to 8"));
        assert!(differing(&|i| i.layout.align_of_u64 = 1).contains("rkyv"));
        own.is_for(&own.clone(), "x").unwrap();
        assert_eq!(Identity { schema: "x".repeat(961), ..own }.check().unwrap_err().kind(), ErrorKind::Invalid);
    }
}
