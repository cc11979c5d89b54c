//! Names of things in a log. In: numbers. Out: types that cannot be mixed up.
//! Must hold: an [`Address`] is below 2⁴⁴ and never 0; a [`VersionId`] is the same for ever; equal contents have equal [`Digest`]s.
//! Uses: nothing of ours.

use core::fmt;
use core::num::NonZeroU64;

/// A place in a log's one, everlasting address space, counted in 8-byte units since the log began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(NonZeroU64);

impl Address {
    /// How many bits an address has: 2⁴⁴ units are 128 TiB.
    pub const BITS: u32 = 44;

    /// Bits of a word beside an address.
    pub(crate) const SPARE_BITS: u32 = u64::BITS - Self::BITS;

    /// The address `units` × 8 bytes after the log's beginning, if it is one (0 and 2⁴⁴ upward are not).
    pub const fn new(units: u64) -> Option<Self> {
        if units >> Self::BITS != 0 {
            return None;
        }
        match NonZeroU64::new(units) {
            Some(units) => Some(Address(units)),
            None => None,
        }
    }

    /// The distance from the log's beginning, in units of 8 bytes.
    pub const fn units(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address {:#x}", self.0)
    }
}

/// A version's number: the first version of a timeline has 0, every new one the next. It never means another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(u64);

impl VersionId {
    /// The first version of every timeline.
    pub const FIRST: VersionId = VersionId(0);

    /// The version with this number, in a timeline that has so many.
    pub const fn new(number: u64) -> Self {
        VersionId(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a state comes to in 32 bytes, by its contents alone: states that are equal have equal digests, and others, as far as
/// anyone can find, do not. From [`Timeline::digest`](crate::Timeline::digest).
///
/// Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
