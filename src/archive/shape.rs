//! What stands in a record of each kind, without the types of its values: the one reading of what a record says. Where its
//! addresses stand is in `links`.
//!
//! In: a record's kind and body. Out: its parts, borrowed where they are many; users' values as bodies that are still to be
//! read.
//! Must hold: a body that is not what its kind says is `Corrupt`, whatever its bytes; every address is below the record's
//! own; no more memory than the body takes. Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `body`, `images`, `record`, `loader`, `map`, `vector`, `link`, `id`, `error`.

use super::body::Body;
use super::images::*;
use super::loader::Thaw;
use super::record::kinds;
use crate::error::{Error, Result};
use crate::id::Address;
use crate::link::corrupt;
use crate::map::{self, Note, RecordKind};
use crate::vector::{self, Base, SpineParts};
use rkyv::vec::ArchivedVec;

/// Bits of a base's word that say how much of the base there is in front, and as many for the back.
pub(super) const SAME_BITS: u32 = 10;

// How the entries of a leaf stand: all in it, all out of it, or both.
pub(super) const IN: u8 = 0;
pub(super) const OUT: u8 = 1;
pub(super) const MIXED: u8 = 2;

/// What stands in a record.
pub(super) struct Shape<'r> {
    at: Address,
    pub(super) form: Form<'r>,
}

pub(super) enum Form<'r> {
    /// An inner node of a map, or an overlay.
    Divided(Divided),
    Leaf(Leaf<'r>),
    /// An inner node of a vector; a splice of one without the links that its base has.
    Inner(Inner),
    /// Elements; of a splice without those that its base has.
    Row(Option<Base>, Body<'r>),
    Spine(SpineParts),
    Entry(Body<'r>),
    Root(Body<'r>),
    /// What a log says of its hashers: `hashers` reads it.
    Hashers,
}

pub(super) struct Divided {
    /// Of an overlay.
    pub(super) base: Option<Address>,
    /// log2 of the slots.
    pub(super) bits: u32,
    pub(super) links: Vec<map::StoredLink>,
}

pub(super) struct Inner {
    pub(super) base: Option<Base>,
    pub(super) level: u32,
    pub(super) links: Vec<vector::StoredLink>,
}

/// A leaf of a map, of any kind.
pub(super) struct Leaf<'r> {
    pub(super) kind: RecordKind,
    /// Of an overlay, with its dead places.
    pub(super) base: Option<(Address, u16)>,
    /// Of an overlay: those of its own entries.
    pub(super) places: u16,
    /// Of a leaf's places, 0 where no entry is; or of an overlay's own entries. A collision leaf has none.
    pub(super) tags: &'r [u8],
    /// How many entries the record has.
    n: usize,
    mode: u8,
    outside: Vec<Option<Address>>,
    values: Body<'r>,
}

impl<'r> Shape<'r> {
    pub(super) fn of(kind: u8, bytes: &'r [u8], at: Address) -> Result<Self> {
        let mut body = Body::of(kind, bytes, at)?;
        let form = match kind & !kinds::LINKED {
            kinds::MAP_INNER => Form::Divided(divided(body, None)?),
            kinds::MAP_OVERLAY => {
                let (base, _) = body.some_address()?;
                Form::Divided(divided(body, Some(base))?)
            }
            kinds::MAP_LEAF => {
                let head = body.byte()?;
                let tags = body.some(head as usize & 15)?;
                let n = tags.iter().filter(|&&tag| tag != 0).count();
                Form::Leaf(Leaf::of(body, RecordKind::Leaf, head >> 4, n)?.with(None, 0, tags))
            }
            kinds::MAP_LEAF_OVERLAY => {
                let (base, dead) = body.some_address()?;
                let (head, places) = (body.byte()?, body.u16()?);
                let tags = body.some(head as usize & 15)?;
                if places.count_ones() as usize != tags.len() {
                    return Err(body.corrupt("the places of a leaf overlay do not fit its entries"));
                }
                let leaf = Leaf::of(body, RecordKind::LeafOverlay, head >> 4, tags.len())?;
                Form::Leaf(leaf.with(Some((base, dead as u16)), places, tags))
            }
            kinds::MAP_COLLISION => {
                let head = body.word()?;
                Form::Leaf(Leaf::of(body, RecordKind::Collision, head as u8, (head >> 8) as usize)?)
            }
            kinds::VECTOR_LEAF => Form::Row(None, body),
            kinds::VECTOR_LEAF_SPLICE => Form::Row(Some(base(&mut body)?), body),
            kinds::VECTOR_INNER => Form::Inner(inner(body, None)?),
            kinds::VECTOR_INNER_SPLICE => {
                let base = base(&mut body)?;
                Form::Inner(inner(body, Some(base))?)
            }
            kinds::SPINE => Form::Spine(spine(body)?),
            kinds::ENTRY => Form::Entry(body),
            kinds::ROOT => Form::Root(body),
            kinds::HASHERS => Form::Hashers,
            _ => return Err(body.corrupt("a record of an unknown kind")),
        };
        Ok(Shape { at, form })
    }

    pub(super) fn wrong(&self, what: &str) -> Error {
        corrupt(self.at, what)
    }

    /// The leaf of a map.
    pub(super) fn leaf(self) -> Result<Leaf<'r>> {
        match self.form {
            Form::Leaf(leaf) => Ok(leaf),
            _ => Err(self.wrong("it is no leaf of a map")),
        }
    }

    /// An entry that is a record of its own.
    pub(super) fn entry<K: Thaw, V: Thaw>(self) -> Result<&'r ArchivedEntry<K::Archived, V::Archived>> {
        match self.form {
            Form::Entry(body) => body.last(),
            _ => Err(self.wrong("it is no entry of a map")),
        }
    }

    /// The elements of a leaf of a vector, without those that a splice's base has.
    pub(super) fn row<A: Thaw>(self) -> Result<&'r ArchivedRow<A::Archived>> {
        match self.form {
            Form::Row(_, body) => body.last(),
            _ => Err(self.wrong("it is no leaf of a vector")),
        }
    }

    /// A state.
    pub(super) fn state<T: Thaw>(self) -> Result<&'r T::Archived> {
        match self.form {
            Form::Root(body) => body.last(),
            _ => Err(self.wrong("it is no root of a state")),
        }
    }
}

impl<'r> Leaf<'r> {
    /// A leaf of so many entries, from where the body says where these are.
    fn of(mut body: Body<'r>, kind: RecordKind, mode: u8, n: usize) -> Result<Self> {
        body.align()?;
        let outside: Vec<Option<Address>> = match mode {
            IN => Vec::new(),
            OUT => words(&mut body, n, |body| body.some_address().map(|(address, _)| Some(address)))?,
            MIXED => words(&mut body, n, |body| body.address().map(|(address, _)| address))?,
            _ => return Err(body.corrupt("a leaf that does not say where its entries are")),
        };
        if mode == OUT {
            body.end()?
        }
        Ok(Leaf { kind, base: None, places: 0, tags: &[], n, mode, outside, values: body })
    }

    fn with(self, base: Option<(Address, u16)>, places: u16, tags: &'r [u8]) -> Self {
        Leaf { base, places, tags, ..self }
    }

    /// Where an entry is stored, if it is a record of its own.
    pub(super) fn outside(&self, k: usize) -> Option<Address> {
        self.outside.get(k).copied().flatten()
    }

    /// Which places have entries, of a leaf and of a leaf overlay's own.
    pub(super) fn used(&self) -> u16 {
        match self.kind {
            RecordKind::Leaf => (0..).zip(self.tags).fold(0, |used, (k, &tag)| used | ((tag != 0) as u16) << k),
            _ => self.places,
        }
    }

    /// The entries that stand in the leaf: all that are not outside.
    pub(super) fn inline<K: Thaw, V: Thaw>(&self) -> Result<&'r [ArchivedEntry<K::Archived, V::Archived>]> {
        if self.mode == OUT {
            return Ok(&[]);
        }
        let inline = self.values.last::<ArchivedVec<_>>()?.as_slice();
        if inline.len() != self.n - self.outside.iter().flatten().count() {
            return Err(self.values.corrupt("a leaf with more entries than it says, or fewer"));
        }
        Ok(inline)
    }

    /// How many entries the record has; as many as it says, if [`inline`](Self::inline) was right.
    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// The place of each entry, and its tag; a collision leaf has neither.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, Option<u8>)> {
        let mut used = self.used();
        (0..self.n).map(move |k| {
            let place = used.trailing_zeros() as usize;
            used &= used.wrapping_sub(1);
            let of_tags = if self.kind == RecordKind::Leaf { place } else { k };
            (place, self.tags.get(of_tags).copied())
        })
    }
}

fn words<'r, T>(body: &mut Body<'r>, n: usize, word: impl Fn(&mut Body<'r>) -> Result<T>) -> Result<Vec<T>> {
    if body.left() / 8 < n {
        return Err(body.corrupt("a leaf that does not say where its entries are"));
    }
    (0..n).map(|_| word(body)).collect()
}

fn divided(body: Body<'_>, base: Option<Address>) -> Result<Divided> {
    let addresses = body.addresses()?;
    let mut node = Divided { base, bits: 0, links: Vec::with_capacity(addresses.len()) };
    // Which numbers of slots the links name, a bit each.
    let mut bits = 0u32;
    node.links.extend(addresses.map(|(address, spare)| {
        let spare = spare as usize;
        bits |= 1 << (spare & 15);
        map::StoredLink::new(address, spare >> 11, Note { depth: spare as u32 >> 8 & 7, len: spare >> 4 & 15 })
    }));
    if bits.count_ones() > 1 {
        return Err(corrupt(body.at(), "links that do not agree on how many slots there are"));
    }
    node.bits = bits.checked_ilog2().unwrap_or(0);
    Ok(node)
}

fn base(body: &mut Body<'_>) -> Result<Base> {
    let (at, same) = body.some_address()?;
    let same = same as usize;
    Ok(Base { at, front: same >> SAME_BITS, back: same & ((1 << SAME_BITS) - 1) })
}

fn inner(mut body: Body<'_>, base: Option<Base>) -> Result<Inner> {
    let head = body.word()?;
    let mut links = Vec::with_capacity(32);
    while body.left() > 0 {
        let (address, spare) = body.some_address()?;
        let len = if head >> 8 == 0 { spare } else { body.word()? };
        links.push(vector::StoredLink { address, len: len as usize })
    }
    Ok(Inner { base, level: head as u8 as u32, links })
}

fn spine(mut body: Body<'_>) -> Result<SpineParts> {
    let head = body.word()?;
    let link = |(address, len): (Option<Address>, u64)| {
        address.map(|address| vector::StoredLink { address, len: len as usize })
    };
    let (front, tail) = (link(body.address()?), link(body.address()?));
    let (tree, _) = body.address()?;
    let tree = link((tree, body.word()?));
    body.end()?;
    Ok(SpineParts { level: head as u8 as u32, head_end: (head >> 8) as usize, head: front, tree, tail })
}

/// What a splice has of its base's parts, in front and at the back.
pub(super) fn sides<T>(of_base: &[T], base: Base, at: Address) -> Result<(&[T], &[T])> {
    let front = of_base.get(..base.front);
    let back = of_base.len().checked_sub(base.back).map(|from| &of_base[from..]);
    front.zip(back).ok_or_else(|| corrupt(at, "a splice with more of its base than that has"))
}
