//! Records: the frame around every body in the log.
//! In: a kind and a body. Out: header, body, zeros up to a whole unit; and back.
//! Must hold: a record's checksum depends on its log and its address, so that a record is good in one place only.
//! Uses: `error`. Bytes: docs/FORMAT.md, "Record".

use crate::error::{Error, ErrorKind, Result};

/// Addresses and lengths count units of this many bytes.
pub(crate) const UNIT: u64 = 8;
/// The header of a record.
pub(crate) const HEADER_BYTES: usize = size_of::<Header>();
/// The longest body.
pub(crate) const MOST_BODY_BYTES: usize = ((1 << 24) - 1) * UNIT as usize;

/// What a record is. 0 is none: zeros are no record.
pub(crate) mod kinds {
    /// Ends every batch.
    pub(crate) const STAMP: u8 = 1;
    /// A node of the index.
    pub(crate) const INDEX: u8 = 2;
    /// The archive's kinds begin here; those before are the log's.
    pub(crate) const FIRST_OF_ARCHIVE: u8 = 64;
}

/// The first 8 bytes of a record, as they are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub(crate) struct Header {
    checksum: [u8; 4],
    units: [u8; 3],
    kind: u8,
}

const _: () = assert!(size_of::<Header>() == 8 && UNIT == 8, "FORMAT.md, Record");

impl Header {
    pub(crate) fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Self {
        let [c0, c1, c2, c3, u0, u1, u2, kind] = bytes;
        Header { checksum: [c0, c1, c2, c3], units: [u0, u1, u2], kind }
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let ([c0, c1, c2, c3], [u0, u1, u2]) = (self.checksum, self.units);
        [c0, c1, c2, c3, u0, u1, u2, self.kind]
    }

    pub(crate) fn kind(self) -> u8 {
        self.kind
    }

    pub(crate) fn body_bytes(self) -> usize {
        let [u0, u1, u2] = self.units;
        u32::from_le_bytes([u0, u1, u2, 0]) as usize * UNIT as usize
    }

    /// Header and body, in units.
    pub(crate) fn record_units(self) -> u64 {
        1 + self.body_bytes() as u64 / UNIT
    }

    fn checksum(self) -> u32 {
        u32::from_le_bytes(self.checksum)
    }
}

/// What the checksums of one log begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal(u32);

impl Seal {
    pub(crate) fn of(log_id: u64) -> Self {
        Seal(crc32c::crc32c(&log_id.to_le_bytes()))
    }

    /// The checksum of `bytes` at the place `at`. Places less than 2³² units apart never share one.
    pub(crate) fn checksum(self, at: u64, bytes: &[u8]) -> u32 {
        let place = at as u32 ^ ((at >> 32) as u32).rotate_left(16);
        crc32c::crc32c_append(self.0 ^ place, bytes)
    }

    /// The checksum of a record: of its length and kind, and its body.
    fn of_record(self, at: u64, record: &[u8]) -> u32 {
        self.checksum(at, &record[size_of::<u32>()..])
    }

    /// True if `record`, whole with its header, was written at `at`.
    pub(crate) fn holds(self, at: u64, record: &[u8]) -> bool {
        self.check(at, record).is_ok()
    }

    /// The checksums wanted and got, if they differ.
    pub(crate) fn check(self, at: u64, record: &[u8]) -> std::result::Result<(), (u32, u32)> {
        let Some(&header) = record.first_chunk() else { return Err((0, 0)) };
        let (want, got) = (Header::from_bytes(header).checksum(), self.of_record(at, record));
        if want == got { Ok(()) } else { Err((want, got)) }
    }
}

/// Leaves room for a header; the body follows.
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[0; HEADER_BYTES]);
    out.len() - HEADER_BYTES
}

/// Makes a record of what was written since `begin` gave `start`; takes it back if it is too long.
pub(crate) fn finish(out: &mut Vec<u8>, start: usize, seal: Seal, at: u64, kind: u8) -> Result<Header> {
    let body_bytes = out.len() - start - HEADER_BYTES;
    if body_bytes > MOST_BODY_BYTES {
        out.truncate(start);
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("a record of {body_bytes} bytes: at most {MOST_BODY_BYTES}; keep it in parts, in a collection"),
        ));
    }
    out.resize(start + HEADER_BYTES + body_bytes.next_multiple_of(UNIT as usize), 0);
    let [u0, u1, u2, _] = ((body_bytes as u64).div_ceil(UNIT) as u32).to_le_bytes();
    let mut header = Header { checksum: [0; 4], units: [u0, u1, u2], kind };
    out[start..start + HEADER_BYTES].copy_from_slice(&header.to_bytes());
    header.checksum = seal.of_record(at, &out[start..]).to_le_bytes();
    out[start..start + HEADER_BYTES].copy_from_slice(&header.to_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(out: &mut Vec<u8>, seal: Seal, at: u64, kind: u8, body: &[u8]) -> Result<Header> {
        let start = begin(out);
        out.extend_from_slice(body);
        finish(out, start, seal, at, kind)
    }

    #[test]
    fn a_record_is_good_at_its_place_in_its_log_only() {
        let seal = Seal::of(7);
        let mut out = Vec::new();
        let header = frame(&mut out, seal, 600, 64, b"0123456789").unwrap();
        assert_eq!((out.len(), header.kind(), header.body_bytes(), header.record_units()), (24, 64, 16, 3));
        assert!(seal.holds(600, &out));
        let elsewhere = [599, 601, 600 + (1 << 31), 600 + (1 << 32), 600 + (1 << 43)];
        assert!(elsewhere.iter().all(|&at| !seal.holds(at, &out)));
        assert!(!Seal::of(8).holds(600, &out));
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_found() {
        let seal = Seal::of(1);
        let mut out = Vec::new();
        frame(&mut out, seal, 512, 65, &[0xA5; 40]).unwrap();
        for bit in 0..out.len() * 8 {
            out[bit / 8] ^= 1 << (bit % 8);
            assert!(!seal.holds(512, &out), "bit {bit}");
            out[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(seal.holds(512, &out));
    }

    #[test]
    fn a_body_that_is_too_long_is_refused_and_leaves_nothing() {
        let mut out = b"before".to_vec();
        let error = frame(&mut out, Seal::of(1), 512, 64, &vec![0; MOST_BODY_BYTES + 1]).unwrap_err();
        assert_eq!((error.kind(), out.as_slice()), (ErrorKind::Invalid, &b"before"[..]));
    }
}
