//! The addresses in a record, found without knowing the types of what it holds.
//!
//! In: a record's kind and body. Out: the addresses it refers to, and where they stand. For whoever walks a log: `verify`,
//! `migrate`, and later the collection of what is no longer needed.
//! Must hold: every address that a reader of the record may follow is found; a body that is not what its kind says, as
//! `shape` reads it, is `Corrupt` to [`links`]. Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `body`, `shape`, `record`, `link`, `id`, `error`.

use super::body::{Body, places};
use super::record::kinds;
use super::shape::{IN, OUT, Shape};
use crate::error::Result;
use crate::id::Address;
use crate::link::corrupt;

/// Appends what the record of this kind at `at` refers to.
pub(crate) fn links(at: Address, kind: u8, bytes: &[u8], to: &mut Vec<Address>) -> Result<()> {
    Shape::of(kind, bytes, at)?;
    each_link(at, kind, bytes, &mut |_, address| to.push(address))
}

/// What is told of an address: where in the body its word stands, and the address.
type Found<'f> = &'f mut dyn FnMut(usize, Address);

/// Tells of each address in the record of this kind at `at`.
pub(super) fn each_link(at: Address, kind: u8, bytes: &[u8], to: Found<'_>) -> Result<()> {
    let mut body = Body::of(kind, bytes, at)?;
    match kind & !kinds::LINKED {
        kinds::MAP_INNER | kinds::MAP_OVERLAY => {
            while body.left() > 0 {
                word(&mut body, to)?;
            }
        }
        kinds::MAP_LEAF => {
            let head = body.byte()?;
            let n = body.some(head as usize & 15)?.iter().filter(|&&tag| tag != 0).count();
            body.align()?;
            entries(&mut body, head >> 4, n, to)?
        }
        kinds::MAP_LEAF_OVERLAY => {
            some_word(&mut body, to)?;
            let (head, _) = (body.byte()?, body.u16()?);
            let n = body.some(head as usize & 15)?.len();
            body.align()?;
            entries(&mut body, head >> 4, n, to)?
        }
        kinds::MAP_COLLISION => {
            let head = body.word()?;
            entries(&mut body, head as u8, (head >> 8) as usize, to)?
        }
        kinds::VECTOR_LEAF_SPLICE => some_word(&mut body, to)?,
        kind @ (kinds::VECTOR_INNER | kinds::VECTOR_INNER_SPLICE) => {
            if kind == kinds::VECTOR_INNER_SPLICE {
                some_word(&mut body, to)?
            }
            let is_long = body.word()? >> 8 != 0;
            while body.left() > 0 {
                some_word(&mut body, to)?;
                if is_long {
                    body.word()?;
                }
            }
        }
        kinds::SPINE => {
            body.word()?;
            for _ in 0..3 {
                word(&mut body, to)?;
            }
        }
        kinds::ENTRY | kinds::VECTOR_LEAF | kinds::ROOT | kinds::HASHERS => {}
        _ => return Err(corrupt(at, "a record of an unknown kind")),
    }
    if kind & kinds::LINKED != 0 {
        for place in places(bytes).ok_or_else(|| corrupt(at, "a list of places that does not fit its record"))? {
            let mut body = Body::of(kind, bytes, at)?;
            body.some(place)?;
            some_word(&mut body, to)?
        }
    }
    Ok(())
}

/// A word that may have an address: whether it has.
fn word(body: &mut Body<'_>, to: Found<'_>) -> Result<bool> {
    let (place, (address, _)) = (body.place(), body.address()?);
    address.map_or(Ok(false), |address| {
        to(place, address);
        Ok(true)
    })
}

/// A word that must have one.
fn some_word(body: &mut Body<'_>, to: Found<'_>) -> Result<()> {
    if word(body, to)? { Ok(()) } else { Err(body.corrupt("a missing address")) }
}

/// The entries of a leaf that are records of their own.
fn entries(body: &mut Body<'_>, mode: u8, n: usize, to: Found<'_>) -> Result<()> {
    for _ in 0..if mode == IN { 0 } else { n } {
        if !word(body, to)? && mode == OUT {
            return Err(body.corrupt("a missing entry"));
        }
    }
    Ok(())
}
