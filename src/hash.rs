//! Portable hashers: the same 64 bits for the same key in every process and on every platform.
//! In: a key's `Hash` writes. Out: a `u64` whose top bits steer the trie and whose low byte is the leaf tag.
//! Must hold: the output for a given sequence of writes never changes (golden values below); integers are
//! fed in little-endian order and `usize`/`isize` as 64 bits.
//! Uses: nothing of ours.

use core::hash::{BuildHasher, Hasher};

/// A hasher whose output is fixed for ever: the same writes give the same 64 bits on every platform,
/// in every process and in every release of this crate.
///
/// Only maps and sets with a portable hasher have one iteration order everywhere, and only they can be stored.
/// An implementation must hash integers in an explicit byte order, `usize` and `isize` as 64 bits, and must
/// not draw on anything outside the key. A change of output is a change of `ID`.
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

#[inline(always)]
fn le64(b: &[u8]) -> u64 {
    let mut x = [0; 8];
    x[..b.len()].copy_from_slice(b);
    u64::from_le_bytes(x)
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
