//! Vectors: their nodes as records, and their handles.
//!
//! In: a vector. Out: records of its new nodes, and an archived handle; parts of nodes from records.
//! Must hold: what is read was written (bodies are checked as they are read). Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `vector`, `serializer`, `loader`, `body`, `images`.

use super::body::Body;
use super::images::*;
use super::loader::{De, Library, Loader, Thaw};
use super::record::{corrupt, kinds};
use super::serializer::{Serializer, Sink};
use crate::error::Result;
use crate::id::Address;
use crate::link::{Kind, Mark};
use crate::log::Record;
use crate::vector::{self, Base, Commit, GenericVector, NodeParts, NodeRecord, Records, SpineParts, StoredLink};
use rkyv::{Archive, Deserialize, Place, Serialize, SerializeUnsized};
use std::sync::Arc;

/// Bits of a base's word that say how much of the base there is in front, and as many for the back.
const SAME_BITS: u32 = 10;
/// Bits of a link's word that say how long a child is, where that is enough.
const LEN_BITS: u32 = SPARE_BITS;

/// Writes the nodes of a vector with a serializer.
struct Writing<'s, S: ?Sized>(&'s mut S);

impl<S: Sink + ?Sized> Writing<'_, S> {
    fn nodes(&mut self) -> &mut Serializer {
        self.0.nodes()
    }

    fn base(&mut self, base: Option<Base>) {
        let same = |base: Base| (base.front << SAME_BITS | base.back) as u64;
        self.nodes().words(base.map(|base| word(Some(base.at), same(base))))
    }
}

impl<A: Serialize<S>, S: Sink + ?Sized> Records<'static, A> for Writing<'_, S> {
    fn commit(&mut self) -> &mut Commit<'static> {
        &mut self.nodes().vectors
    }

    fn moved(&mut self, place: Mark) -> Result<Option<Address>> {
        self.nodes().moved(place)
    }

    fn node(&mut self, record: NodeRecord<'_, '_, A>) -> Result<Address> {
        self.nodes().begin()?;
        let kind = match record {
            NodeRecord::Leaf { base, first, elements } => {
                self.base(base);
                Last(&Row(elements, first as u32)).serialize_unsized(self.0)?;
                if base.is_some() { kinds::VECTOR_LEAF_SPLICE } else { kinds::VECTOR_LEAF }
            }
            NodeRecord::Inner { base, level, links } => {
                self.base(base);
                let is_long = links.iter().any(|link| link.len >> LEN_BITS != 0);
                self.nodes().words([level as u64 | (is_long as u64) << 8]);
                for link in links {
                    match is_long {
                        true => self.nodes().words([word(Some(link.address), 0), link.len as u64]),
                        false => self.nodes().words([word(Some(link.address), link.len as u64)]),
                    }
                }
                if base.is_some() { kinds::VECTOR_INNER_SPLICE } else { kinds::VECTOR_INNER }
            }
            NodeRecord::Spine(SpineParts { level, head_end, head, tree, tail }) => {
                let end = |link: Option<StoredLink>| link.map_or(0, |link| word(Some(link.address), link.len as u64));
                let (middle, len) = tree.map_or((0, 0), |tree| (word(Some(tree.address), 0), tree.len as u64));
                self.nodes().words([level as u64 | (head_end as u64) << 8, end(head), end(tail), middle, len]);
                kinds::SPINE
            }
        };
        self.nodes().end(kind)
    }
}

/// The node at an address. What a splice leaves out comes from its base.
pub(super) fn read<A: Thaw>(library: &Arc<Library>, at: Address) -> Result<NodeParts<A>> {
    let record = library.read(at)?;
    let mut body = Body::new(&record, at)?;
    Ok(match record.kind() & !kinds::LINKED {
        kinds::VECTOR_LEAF => {
            let row: &ArchivedRow<A::Archived> = body.last()?;
            let mut elements = Vec::new();
            thaw_to::<A>(library, at, &row.values, &mut elements)?;
            NodeParts::Leaf { base: None, first: row.number.to_native() as usize, elements }
        }
        kinds::VECTOR_LEAF_SPLICE => {
            let base = base(&mut body)?;
            let row: &ArchivedRow<A::Archived> = body.last()?;
            let whole = whole(library, at, base, kinds::VECTOR_LEAF)?;
            let of_base: &ArchivedRow<A::Archived> = Body::new(&whole, base.at)?.last()?;
            let (front, back) = sides(&of_base.values, base, at)?;
            let mut elements = Vec::new();
            thaw_to::<A>(library, base.at, front, &mut elements)?;
            thaw_to::<A>(library, at, &row.values, &mut elements)?;
            thaw_to::<A>(library, base.at, back, &mut elements)?;
            NodeParts::Leaf { base: Some(base), first: row.number.to_native() as usize, elements }
        }
        kinds::VECTOR_INNER => {
            let (level, links) = inner(&mut body)?;
            NodeParts::Inner { base: None, level, links }
        }
        kinds::VECTOR_INNER_SPLICE => {
            let base = base(&mut body)?;
            let (level, links) = inner(&mut body)?;
            let whole = whole(library, at, base, kinds::VECTOR_INNER)?;
            let (_, of_base) = inner(&mut Body::new(&whole, base.at)?)?;
            let (front, back) = sides(&of_base, base, at)?;
            NodeParts::Inner { base: Some(base), level, links: [front, &links, back].concat() }
        }
        kinds::SPINE => NodeParts::Spine(spine(&mut body)?),
        _ => return Err(body.corrupt("it is no node of a vector")),
    })
}

fn base(body: &mut Body<'_>) -> Result<Base> {
    let (at, same) = body.some_address()?;
    let same = same as usize;
    Ok(Base { at, front: same >> SAME_BITS, back: same & ((1 << SAME_BITS) - 1) })
}

/// The record of a base, which is stored whole.
fn whole(library: &Arc<Library>, at: Address, base: Base, kind: u8) -> Result<Record> {
    let record = library.read(base.at)?;
    if record.kind() & !kinds::LINKED != kind {
        return Err(corrupt(at, "a splice of what is not stored whole"));
    }
    Ok(record)
}

/// What a splice has of its base's parts, in front and at the back.
fn sides<T>(of_base: &[T], base: Base, at: Address) -> Result<(&[T], &[T])> {
    let front = of_base.get(..base.front);
    let back = of_base.len().checked_sub(base.back).map(|from| &of_base[from..]);
    front.zip(back).ok_or_else(|| corrupt(at, "a splice with more of its base than that has"))
}

fn thaw_to<A: Thaw>(library: &Arc<Library>, at: Address, from: &[A::Archived], to: &mut Vec<A>) -> Result<()> {
    let mut loader = Loader::new(library.clone(), at);
    to.reserve(from.len());
    from.iter().try_for_each(|element| {
        to.push(element.deserialize(De::wrap(&mut loader))?);
        Ok(())
    })
}

fn inner(body: &mut Body<'_>) -> Result<(u32, Vec<StoredLink>)> {
    let head = body.word()?;
    let mut links = Vec::with_capacity(32);
    while body.left() > 0 {
        let (address, spare) = body.some_address()?;
        let len = if head >> 8 == 0 { spare } else { body.word()? };
        links.push(StoredLink { address, len: len as usize })
    }
    Ok((head as u8 as u32, links))
}

fn spine(body: &mut Body<'_>) -> Result<SpineParts> {
    let head = body.word()?;
    let link =
        |(address, len): (Option<Address>, u64)| address.map(|address| StoredLink { address, len: len as usize });
    let (front, tail) = (link(body.address()?), link(body.address()?));
    let (tree, _) = body.address()?;
    let tree = link((tree, body.word()?));
    body.end()?;
    Ok(SpineParts { level: head as u8 as u32, head_end: (head >> 8) as usize, head: front, tree, tail })
}

impl<A, P: Kind> Archive for GenericVector<A, P> {
    type Archived = ArchivedVector<A>;
    type Resolver = HandleResolver;

    fn resolve(&self, resolver: HandleResolver, out: Place<Self::Archived>) {
        ArchivedCollection::resolve(resolver, out)
    }
}

impl<A, P, S> Serialize<S> for GenericVector<A, P>
where
    A: Serialize<S> + 'static,
    P: Kind,
    S: Sink + ?Sized,
{
    fn serialize(&self, s: &mut S) -> Result<HandleResolver> {
        let nodes = s.nodes();
        let root = match vector::stored_address(self.body.root.link(), self.body.ends, nodes.session()) {
            Some(address) => Some(address),
            None => {
                let root = nodes.keep(self.body.root.clone());
                vector::write(root, self.body.ends, &mut Writing(s))?
            }
        };
        Ok(HandleResolver { root, own: self.body.ends.word(), places: s.nodes().places() })
    }
}
