//! The addresses in a record, found without knowing the types of what it holds.
//!
//! In: a record's kind and body. Out: the addresses it refers to. For whoever walks a log: `verify`, and later the
//! collection of what is no longer needed.
//! Must hold: every address that a reader of the record may follow is found; a body that is not what its kind says is
//! `Corrupt`. Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `body`, `map`, `images`, `record`, `id`, `error`.

use super::body::{Body, places};
use super::map::{IN, OUT};
use super::record::{corrupt, kinds};
use crate::error::Result;
use crate::id::Address;

/// Appends what the record of this kind at `at` refers to.
pub(crate) fn links(at: Address, kind: u8, bytes: &[u8], to: &mut Vec<Address>) -> Result<()> {
    let mut body = Body::of(kind, bytes, at)?;
    match kind & !kinds::LINKED {
        kinds::MAP_INNER | kinds::MAP_OVERLAY => {
            while body.left() > 0 {
                to.extend(body.address()?.0)
            }
        }
        kinds::MAP_LEAF => {
            let head = body.byte()?;
            let n = body.some(head as usize & 15)?.iter().filter(|&&tag| tag != 0).count();
            body.align()?;
            entries(&mut body, head >> 4, n, to)?
        }
        kinds::MAP_LEAF_OVERLAY => {
            to.push(body.some_address()?.0);
            let (head, _) = (body.byte()?, body.u16()?);
            let n = body.some(head as usize & 15)?.len();
            body.align()?;
            entries(&mut body, head >> 4, n, to)?
        }
        kinds::MAP_COLLISION => {
            let head = body.word()?;
            entries(&mut body, head as u8, (head >> 8) as usize, to)?
        }
        kinds::VECTOR_LEAF_SPLICE => to.push(body.some_address()?.0),
        kind @ (kinds::VECTOR_INNER | kinds::VECTOR_INNER_SPLICE) => {
            if kind == kinds::VECTOR_INNER_SPLICE {
                to.push(body.some_address()?.0)
            }
            let is_long = body.word()? >> 8 != 0;
            while body.left() > 0 {
                to.push(body.some_address()?.0);
                if is_long {
                    body.word()?;
                }
            }
        }
        kinds::SPINE => {
            body.word()?;
            for _ in 0..3 {
                to.extend(body.address()?.0)
            }
        }
        kinds::ENTRY | kinds::VECTOR_LEAF | kinds::ROOT | kinds::HASHERS => {}
        _ => return Err(corrupt(at, "a record of an unknown kind")),
    }
    if kind & kinds::LINKED != 0 {
        for place in places(bytes).ok_or_else(|| corrupt(at, "a list of places that does not fit its record"))? {
            let mut word = Body::of(kind, bytes, at)?;
            word.some(place)?;
            to.push(word.some_address()?.0)
        }
    }
    Ok(())
}

/// The entries of a leaf that are records of their own.
fn entries(body: &mut Body<'_>, mode: u8, n: usize, to: &mut Vec<Address>) -> Result<()> {
    for _ in 0..if mode == IN { 0 } else { n } {
        let address = body.address()?.0;
        if mode == OUT && address.is_none() {
            return Err(body.corrupt("a missing entry"));
        }
        to.extend(address)
    }
    Ok(())
}
