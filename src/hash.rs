//! Portable hashers: the same 64 bits for the same key in every process and on every platform. And `Lookup`, a table that
//! needs no std.
//! In: a key's `Hash` writes. Out: a `u64` whose top bits steer the trie and whose low byte is the leaf tag.
//! Must hold: the output for a given sequence of writes never changes (golden values below); integers are
//! fed in little-endian order and `usize`/`isize` as 64 bits.
//! Uses: nothing of ours.

use core::hash::{BuildHasher, Hasher};

/// A table for the crate's own use, of keys that nobody outside chooses: std's; without std a tree.
#[cfg(not(feature = "std"))]
pub(crate) use alloc::collections::BTreeMap as Lookup;
#[cfg(feature = "std")]
pub(crate) use std::collections::HashMap as Lookup;

/// A hasher whose output is fixed for ever: the same writes give the same 64 bits on every platform,
/// in every process and in every release of this crate.
///
/// Only maps and sets with a portable hasher have one iteration order everywhere, and only they can be stored.
/// An implementation must hash integers in an explicit byte order, `usize` and `isize` as 64 bits, and must
/// not draw on anything outside the key. A change of output is a change of `ID`.
///
/// The key must be as portable: std's `Hash` of slices of integers (`[u32]`, `Vec<u64>`, not `[u8]` or `str`) feeds their
/// bytes as they lie in memory, so that such keys have other hashes on big-endian machines.
pub trait PortableHasher: BuildHasher + Default {
    /// Names the function in stored data. 0 to 255 belong to this crate; take others from 256 up.
    const ID: u16;
}

/// The default hasher: fast, for trusted keys.
///
/// A folded-multiply hash (the construction of wyhash: Wang Yi, "wyhash and wyrand", 2019): two
/// 64×64→128-bit multiplications for an integer key, one more for every 16 bytes of a string.
/// It has no secret. Whoever can choose the keys can find many with one hash, and every operation on those
/// costs O(their number): use [`StrongHash`] for keys from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortableHash;

/// SipHash-2-4 with a fixed, published key, for keys that come from outside.
///
/// Making k keys with equal 64-bit hashes stays expensive (about 2³² evaluations for the first pair, and
/// every further one costs as much as a search for a given hash), unlike with [`PortableHash`]. The key is
/// public so that the same keys have one order everywhere; what a secret key would add, resistance to an
/// attacker with 2³² evaluations to spend, is given up for that.
/// Source: Aumasson & Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrongHash;

/// The [`Hasher`] of [`PortableHash`].
#[derive(Clone, Debug)]
pub struct PortableState(u64);

/// The [`Hasher`] of [`StrongHash`].
#[derive(Clone, Debug)]
pub struct StrongState(siphasher::sip::SipHasher24);

impl PortableHasher for PortableHash {
    const ID: u16 = 1;
}

impl PortableHasher for StrongHash {
    const ID: u16 = 2;
}

// Digits of pi after the point, 64 bits each: nothing up the sleeve, odd multipliers.
const START: u64 = 0x243f_6a88_85a3_08d3;
const STEP: u64 = 0x1319_8a2e_0370_7345;
const PAIR: u64 = 0xa409_3822_299f_31d1;
const TAIL: u64 = 0x082e_fa98_ec4e_6c89;
const END: u64 = 0x4528_21e6_38d0_1377;

/// Both halves of the 128-bit product, xored: every bit of either factor reaches every bit of the result.
#[inline(always)]
const fn fold(a: u64, b: u64) -> u64 {
    let p = (a as u128).wrapping_mul(b as u128);
    (p as u64) ^ ((p >> 64) as u64)
}

/// Up to 8 bytes as a number, the first one lowest. No copy of unknown length: that would be a call.
#[inline(always)]
fn le64(b: &[u8]) -> u64 {
    let four = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]) as u64;
    let one = |at: usize| (b[at] as u64) << (8 * at);
    match b.len() {
        0 => 0,
        // Where the parts overlap they are alike.
        n @ 1..4 => one(0) | one(n / 2) | one(n - 1),
        n => four(0) | four(n - 4) << (8 * (n - 4)),
    }
}

impl BuildHasher for PortableHash {
    type Hasher = PortableState;
    #[inline(always)]
    fn build_hasher(&self) -> PortableState {
        PortableState(START)
    }
}

impl Hasher for PortableState {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut state = self.0 ^ (bytes.len() as u64).wrapping_mul(TAIL);
        let mut pairs = bytes.chunks_exact(16);
        for p in &mut pairs {
            state = fold(le64(&p[..8]) ^ STEP, le64(&p[8..]) ^ PAIR ^ state);
        }
        let rest = pairs.remainder();
        let (a, b) = match rest.len() {
            9.. => (le64(&rest[..8]), le64(&rest[8..])),
            n => (le64(&rest[..n]), 0),
        };
        self.0 = fold(a ^ STEP, b ^ TAIL ^ state);
    }
    #[inline(always)]
    fn write_u8(&mut self, x: u8) {
        self.write_u64(x as u64);
    }
    #[inline(always)]
    fn write_u16(&mut self, x: u16) {
        self.write_u64(x as u64);
    }
    #[inline(always)]
    fn write_u32(&mut self, x: u32) {
        self.write_u64(x as u64);
    }
    #[inline(always)]
    fn write_u64(&mut self, x: u64) {
        self.0 = fold(self.0 ^ x, STEP);
    }
    #[inline(always)]
    fn write_u128(&mut self, x: u128) {
        self.write_u64(x as u64);
        self.write_u64((x >> 64) as u64);
    }
    #[inline(always)]
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
    #[inline(always)]
    fn write_i8(&mut self, x: i8) {
        self.write_u8(x as u8);
    }
    #[inline(always)]
    fn write_i16(&mut self, x: i16) {
        self.write_u16(x as u16);
    }
    #[inline(always)]
    fn write_i32(&mut self, x: i32) {
        self.write_u32(x as u32);
    }
    #[inline(always)]
    fn write_i64(&mut self, x: i64) {
        self.write_u64(x as u64);
    }
    #[inline(always)]
    fn write_i128(&mut self, x: i128) {
        self.write_u128(x as u128);
    }
    #[inline(always)]
    fn write_isize(&mut self, x: isize) {
        self.write_u64(x as i64 as u64);
    }
    #[inline(always)]
    fn finish(&self) -> u64 {
        fold(self.0, END)
    }
}

// The key of the SipHash paper's test vectors, as two little-endian words.
const STRONG_KEY: (u64, u64) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);

impl BuildHasher for StrongHash {
    type Hasher = StrongState;
    #[inline]
    fn build_hasher(&self) -> StrongState {
        StrongState(siphasher::sip::SipHasher24::new_with_keys(STRONG_KEY.0, STRONG_KEY.1))
    }
}

impl Hasher for StrongState {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
    #[inline]
    fn write_u16(&mut self, x: u16) {
        self.0.write(&x.to_le_bytes());
    }
    #[inline]
    fn write_u32(&mut self, x: u32) {
        self.0.write(&x.to_le_bytes());
    }
    #[inline]
    fn write_u64(&mut self, x: u64) {
        self.0.write(&x.to_le_bytes());
    }
    #[inline]
    fn write_u128(&mut self, x: u128) {
        self.0.write(&x.to_le_bytes());
    }
    #[inline]
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
    #[inline]
    fn write_i16(&mut self, x: i16) {
        self.write_u16(x as u16);
    }
    #[inline]
    fn write_i32(&mut self, x: i32) {
        self.write_u32(x as u32);
    }
    #[inline]
    fn write_i64(&mut self, x: i64) {
        self.write_u64(x as u64);
    }
    #[inline]
    fn write_i128(&mut self, x: i128) {
        self.write_u128(x as u128);
    }
    #[inline]
    fn write_isize(&mut self, x: isize) {
        self.write_u64(x as i64 as u64);
    }
    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::Hash;

    const GOLDEN_PORTABLE: [u64; 21] = [
        0x5c69_70e1_bb8d_a69f,
        0xf3a5_5724_ee60_dfda,
        0xbc0b_778f_2988_9977,
        0xbc27_a3ea_8d5e_b9d1,
        0x659c_9654_9e35_7088,
        0x659c_9654_9e35_7088,
        0x659c_9654_9e35_7088,
        0x659c_9654_9e35_7088,
        0xa6c0_e057_725b_2f32,
        0x48d3_d793_a6db_87ca,
        0x659c_9654_9e35_7088,
        0x2cb8_5cbd_f5a0_be30,
        0x96ae_e6e2_876e_33de,
        0x3b92_6cea_5231_5ee0,
        0x42e0_1875_be66_9307,
        0xe2e3_4010_c4fa_81d8,
        0x641f_e0bc_b3f2_8fef,
        0x1cc5_62c3_6b49_6e54,
        0x3bf5_adc9_a8a0_1865,
        0x0106_0c2e_2f35_c303,
        0xe64a_f063_0f66_8a84,
    ];
    const GOLDEN_STRONG: [u64; 21] = [
        0x39d3_851c_a076_81a7,
        0x2b91_b2b0_85e6_d1f6,
        0x2a68_ff30_a3d9_da34,
        0xe9d3_1dd4_54ca_179c,
        0xe53c_134f_96db_a15d,
        0x2f93_8355_aac3_7379,
        0x2794_ce36_139a_0a05,
        0x6402_f5e4_f782_9905,
        0x8efc_12ad_3bee_cf15,
        0xd968_2100_c3a9_f17e,
        0x6402_f5e4_f782_9905,
        0x2fdb_33cb_703b_a43f,
        0xa5fb_8aa1_dae3_787d,
        0xcad1_2f7b_27dd_b802,
        0x1ea2_5540_715a_750d,
        0xad2b_f728_94e9_d50c,
        0xbad9_3aab_2af6_0bef,
        0x24a0_b58c_84f1_5f48,
        0x2675_556b_336a_ed95,
        0x56b2_3279_6771_9cfc,
        0x1d4c_4351_b90f_843f,
    ];

    fn hashes(hasher: impl BuildHasher) -> Vec<u64> {
        fn of<T: Hash>(hasher: &impl BuildHasher, x: T) -> u64 {
            hasher.hash_one(x)
        }
        let h = &hasher;
        vec![
            of(h, 0u64),
            of(h, 1u64),
            of(h, u64::MAX),
            of(h, 0x0123_4567_89ab_cdefu64),
            of(h, 7u8),
            of(h, 7u16),
            of(h, 7u32),
            of(h, 7i64),
            of(h, -7i32),
            of(h, 1u128 << 100),
            of(h, 7usize),
            of(h, -7isize),
            of(h, 'x'),
            of(h, ""),
            of(h, "a"),
            of(h, "12345678"),
            of(h, "123456789"),
            of(h, "0123456789abcdef"),
            of(h, "0123456789abcdefg"),
            of(h, "the quick brown fox jumps over the lazy dog"),
            of(h, (1u32, "two", [3u8; 3])),
        ]
    }

    #[test]
    fn portable_hash_gives_the_same_for_ever() {
        assert_eq!(hashes(PortableHash), GOLDEN_PORTABLE);
    }

    #[test]
    fn strong_hash_gives_the_same_for_ever() {
        assert_eq!(hashes(StrongHash), GOLDEN_STRONG);
    }

    #[test]
    fn strong_hash_is_siphash_2_4_of_its_paper() {
        // Appendix A of the paper: bytes 0 to 14 under the key 0 to 15.
        let mut state = StrongHash.build_hasher();
        state.write(&(0..15).collect::<Vec<u8>>());
        assert_eq!(state.finish(), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn one_flipped_bit_flips_about_half_of_the_hash() {
        for bit in 0..64 {
            let mut flips = 0;
            for x in 0..1000u64 {
                let x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                flips += (PortableHash.hash_one(x) ^ PortableHash.hash_one(x ^ (1 << bit))).count_ones();
            }
            assert!((28_000..36_000).contains(&flips), "bit {bit}: {flips} of 64000");
        }
    }

    #[test]
    fn low_and_high_bits_spread_small_numbers_evenly() {
        for shift in [0, 58] {
            let mut slots = [0; 64];
            for x in 0..64_000u64 {
                slots[(PortableHash.hash_one(x) >> shift) as usize & 63] += 1;
            }
            assert!(slots.iter().all(|n| (850..1150).contains(n)), "{slots:?}");
        }
    }
}
