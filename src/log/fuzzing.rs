//! For the fuzz targets only: logs with forged records, and the log's own records from any bytes.
//! In: segments, bytes. Out: segments whose checksums are right; where their records lie.
//! Must hold: after `reseal`, only what the bytes say tells that they were forged.
//! Uses: `record`, `stamp`, `superblock`, `id`. Bytes: docs/FORMAT.md.

use super::record::{HEADER_BYTES, Header, Seal, UNIT, kinds};
use super::stamp::Stamp;
use super::superblock::{Anchor, BLOCK_BYTES, Superblock};
use crate::id::Address;

/// Where a record lies in the bytes of a segment, with its header.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Of its header, in bytes.
    pub offset: usize,
    /// With its header, in bytes.
    pub len: usize,
    /// What it says it is.
    pub kind: u8,
}

/// The records of a segment, as far as their headers say; whether they are whole is not asked.
pub fn records(segment: &[u8]) -> Vec<Place> {
    let (mut places, mut offset) = (Vec::new(), BLOCK_BYTES);
    while let Some(header) = segment.get(offset..).and_then(|rest| rest.first_chunk()) {
        let header = Header::from_bytes(*header);
        let (len, kind) = (header.record_units() as usize * UNIT as usize, header.kind());
        if kind == 0 || len > segment.len() - offset {
            break;
        }
        places.push(Place { offset, len, kind });
        offset += len
    }
    places
}

/// The address of what lies there in a segment; none without a superblock.
pub fn address(segment: &[u8], offset: usize) -> Option<u64> {
    let first = u64::from_le_bytes(segment.get(24..32)?.try_into().ok()?);
    Some(first.wrapping_add(offset as u64 / UNIT))
}

/// Makes all checksums of a log's segments right, whatever they hold.
pub fn reseal(segments: &mut [Vec<u8>]) {
    let mut of_batch = 0;
    for segment in segments.iter_mut().filter(|segment| segment.len() >= BLOCK_BYTES) {
        let seal = Seal::of(u64::from_le_bytes(segment[16..24].try_into().expect("eight")));
        let of_block = crc32c::crc32c_append(crc32c::crc32c(&segment[..12]), &segment[16..1024]);
        segment[12..16].copy_from_slice(&of_block.to_le_bytes());
        for slot in [2048, 3072] {
            let at = address(segment, slot).expect("a block");
            if segment[slot..slot + 24].iter().any(|&byte| byte != 0) {
                let checksum = seal.checksum(at, &segment[slot + 8..slot + 24]);
                segment[slot..slot + 4].copy_from_slice(&checksum.to_le_bytes())
            }
        }
        for Place { offset, len, kind } in records(segment) {
            let at = address(segment, offset).expect("a block");
            let record = &mut segment[offset..offset + len];
            if kind == kinds::STAMP && len >= HEADER_BYTES + 6 {
                record[HEADER_BYTES + 2..HEADER_BYTES + 6].copy_from_slice(&u32::to_le_bytes(of_batch));
                of_batch = 0
            }
            let checksum = seal.checksum(at, &record[4..]);
            record[..4].copy_from_slice(&checksum.to_le_bytes());
            if kind != kinds::STAMP {
                of_batch = crc32c::crc32c_append(of_batch, &record[..HEADER_BYTES])
            }
        }
    }
}

/// A stamp from any bytes; if it is one it says the same when it is written anew.
pub fn read_stamp(body: &[u8], at: u64) {
    let Some(stamp) = Stamp::decode(body, at) else { return };
    let mut again = Vec::new();
    stamp.encode(&mut again, at);
    assert!(again.len() <= stamp.len_bound());
    again.resize(again.len().next_multiple_of(UNIT as usize), 0);
    // Numbers may have been written longer than they are.
    assert!(again.len() <= body.len().next_multiple_of(UNIT as usize));
    assert_eq!(Stamp::decode(&again, at), Some(stamp))
}

/// A superblock and anchors from any bytes.
pub fn read_block(block: &[u8]) {
    if let Ok(Some(superblock)) = Superblock::from_block(block, "x") {
        let again = superblock.to_block(None);
        assert_eq!(Superblock::from_block(&again, "x").ok().flatten(), Some(superblock.clone()));
        // A segment begins where its file's name says, which has 44 bits.
        let first = superblock.first % (1 << Address::BITS);
        let anchors = Anchor::all(block, Seal::of(superblock.log_id), first);
        assert!(anchors.iter().all(|(anchor, _)| anchor.stamp.units() < anchor.end))
    }
}
