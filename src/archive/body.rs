//! Bodies of records, read: words, bytes and users' values in turn.
//!
//! In: a record. Out: its parts. Must hold: a body that is not what its kind says is `Corrupt`, whatever its bytes; what
//! it refers to comes before it.
//! Uses: `record`, `images`, `checked`, `link`, `error`, `id`.

use super::checked::{self, Check};
use super::images::{ArchivedLast, split_word};
use super::record::kinds;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use crate::link::corrupt;
use rkyv::Portable;
use rkyv::bytecheck::CheckBytes;

/// Reads a body from its beginning on.
pub(super) struct Body<'r> {
    at: Address,
    bytes: &'r [u8],
    next: usize,
}

impl<'r> Body<'r> {
    /// The body of a record of this kind; the list of places at its end is not part of it.
    pub(super) fn of(kind: u8, bytes: &'r [u8], at: Address) -> Result<Self> {
        let end = match kind & kinds::LINKED {
            0 => bytes.len(),
            _ => split_places(bytes).ok_or_else(|| corrupt(at, "a list of places that does not fit its record"))?.0,
        };
        Ok(Body { at, bytes: &bytes[..end], next: 0 })
    }

    pub(super) fn corrupt(&self, what: &str) -> Error {
        corrupt(self.at, what)
    }

    pub(super) fn some(&mut self, n: usize) -> Result<&'r [u8]> {
        let some = self.bytes.get(self.next..).and_then(|rest| rest.get(..n));
        let some = some.ok_or_else(|| self.corrupt("a record that is shorter than it says"))?;
        self.next += n;
        Ok(some)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.some(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.some(2)?.try_into().expect("two")))
    }

    pub(super) fn word(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.some(8)?.try_into().expect("eight")))
    }

    /// The address in a word, which is below the record's own, and the word's spare bits.
    pub(super) fn address(&mut self) -> Result<(Option<Address>, u64)> {
        let (address, spare) = split_word(self.word()?);
        if address.is_some_and(|address| address >= self.at) {
            return Err(self.corrupt("an address that comes after its record"));
        }
        Ok((address, spare))
    }

    /// All words that are left, each as [`address`](Self::address) reads it.
    pub(super) fn addresses(&self) -> Result<impl ExactSizeIterator<Item = (Option<Address>, u64)>> {
        let (words, rest) = self.bytes[self.next..].as_chunks::<8>();
        let word = |word: &[u8; 8]| u64::from_le_bytes(*word);
        if !rest.is_empty() || words.iter().any(|bytes| word(bytes) >> Address::SPARE_BITS >= self.at.units()) {
            return Err(self.corrupt("an address that comes after its record"));
        }
        Ok(words.iter().map(move |bytes| split_word(word(bytes))))
    }

    pub(super) fn at(&self) -> Address {
        self.at
    }

    /// The same where there is one.
    pub(super) fn some_address(&mut self) -> Result<(Address, u64)> {
        let (address, spare) = self.address()?;
        Ok((address.ok_or_else(|| self.corrupt("a missing address"))?, spare))
    }

    /// Goes to the next unit.
    pub(super) fn align(&mut self) -> Result<()> {
        self.some(self.next.next_multiple_of(8) - self.next).map(|_| ())
    }

    /// Where what is next stands.
    pub(super) fn place(&self) -> usize {
        self.next
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.next
    }

    pub(super) fn end(&self) -> Result<()> {
        if self.left() == 0 { Ok(()) } else { Err(self.corrupt("a record that is longer than it says")) }
    }

    /// What was written last, as rkyv checks it.
    pub(super) fn last<T>(&self) -> Result<&'r T>
    where
        T: Portable + 'r,
        ArchivedLast<T>: for<'a> CheckBytes<Check<'a>>,
    {
        checked::last(self.bytes).map_err(|error| match error.kind() {
            ErrorKind::Corrupt => self.corrupt(&error.to_string()),
            _ => self.corrupt("it does not hold a value of the type that is read").with_source(error),
        })
    }
}

/// Where addresses stand in the values of a body that says so.
pub(super) fn places(bytes: &[u8]) -> Option<impl Iterator<Item = usize>> {
    let (_, list) = split_places(bytes)?;
    Some(list.chunks_exact(4).map(|place| u32::from_le_bytes(place.try_into().expect("four")) as usize))
}

/// Where a body's list of places begins, with its padding, and the places in it.
fn split_places(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (rest, n) = bytes.split_last_chunk::<4>()?;
    let n = u32::from_le_bytes(*n) as usize;
    let list = &rest[rest.len().checked_sub(n.checked_mul(4)?)?..];
    // A list of an even length has 4 bytes of padding in front, since its count is 4 bytes too.
    let padding = if n.is_multiple_of(2) { 4 } else { 0 };
    Some(((rest.len() - list.len()).checked_sub(padding)?, list))
}
