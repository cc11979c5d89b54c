//! The addresses in a record, found without knowing the types of what it holds.
//!
//! In: a record's kind and body. Out: the addresses it refers to. For whoever walks a log: `verify`, and later the
//! collection of what is no longer needed.
//! Must hold: every address that a reader of the record may follow is found; a body that is not what its kind says is
//! `Corrupt`. Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `body`, `shape`, `record`, `id`, `error`.

use super::body::{Body, places};
use super::record::{corrupt, kinds};
use super::shape::Shape;
use crate::error::Result;
use crate::id::Address;

/// Appends what the record of this kind at `at` refers to.
pub(crate) fn links(at: Address, kind: u8, bytes: &[u8], to: &mut Vec<Address>) -> Result<()> {
    Shape::of(kind, bytes, at)?.links(to);
    if kind & kinds::LINKED != 0 {
        for place in places(bytes).ok_or_else(|| corrupt(at, "a list of places that does not fit its record"))? {
            let mut word = Body::of(kind, bytes, at)?;
            word.some(place)?;
            to.push(word.some_address()?.0)
        }
    }
    Ok(())
}
