//! Hashers whose hashes clash.
//!
//! In: keys. Out: hashes with few bits, so that prefixes are long and keys share one.
//! Must hold: equal keys have equal hashes.
//! Uses: nothing of this package.

use backstory::{PortableHash, PortableHasher};
use std::hash::{BuildHasher, Hasher};

/// The bits of `MASK` of a good hash; the others are 0.
#[derive(Clone, Default)]
pub struct Cut<const MASK: u64>;
pub struct CutHasher<const MASK: u64>(<PortableHash as BuildHasher>::Hasher);

impl<const MASK: u64> BuildHasher for Cut<MASK> {
    type Hasher = CutHasher<MASK>;
    fn build_hasher(&self) -> Self::Hasher {
        CutHasher(PortableHash.build_hasher())
    }
}

impl<const MASK: u64> Hasher for CutHasher<MASK> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes)
    }
    fn finish(&self) -> u64 {
        self.0.finish() & MASK
    }
}

/// All keys have one hash.
pub type Clash = Cut<0>;

impl PortableHasher for Clash {
    const ID: u16 = 300;
}
