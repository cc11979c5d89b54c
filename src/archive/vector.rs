//! Vectors: their nodes as records, and their handles.
//!
//! In: a vector. Out: records of its new nodes, and an archived handle; parts of nodes from records.
//! Must hold: what is read was written (bodies are checked as they are read). Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `vector`, `serializer`, `loader`, `page`, `shape`, `images`, `digest`, `record`, `link`, `id`, `error`.

use super::digest;
use super::images::*;
use super::loader::{De, Library, Thaw};
use super::page::Page;
use super::record::kinds;
use super::serializer::{Serializer, Sink};
use super::shape::{Form, SAME_BITS, sides};
use crate::error::Result;
use crate::id::Address;
use crate::link::{Kind, Mark};
use crate::vector::{self, Base, Commit, GenericVector, NodeParts, NodeRecord, Records, SpineParts, StoredLink};
use rkyv::{Archive, Deserialize, Place, Serialize, SerializeUnsized};
use std::sync::Arc;

/// Bits of a link's word that say how long a child is, where that is enough.
const LEN_BITS: u32 = Address::SPARE_BITS;

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
        &mut self.nodes().commit().vectors
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
    let page = Page::read(library, at)?;
    let shape = page.shape()?;
    Ok(match shape.form {
        Form::Row(base, body) => {
            let row: &ArchivedRow<A::Archived> = body.last()?;
            let first = row.number.to_native() as usize;
            let mut elements = Vec::new();
            match base {
                None => thaw_to(&page, &row.values, &mut elements)?,
                Some(base) => {
                    let whole = page.whole(base)?;
                    let (front, back) = sides(&whole.shape()?.row::<A>()?.values, base, at)?;
                    thaw_to(&whole, front, &mut elements)?;
                    thaw_to(&page, &row.values, &mut elements)?;
                    thaw_to(&whole, back, &mut elements)?
                }
            }
            NodeParts::Leaf { base, first, elements }
        }
        Form::Inner(inner) => {
            let (base, level) = (inner.base, inner.level);
            NodeParts::Inner { base, level, links: page.links(inner)? }
        }
        Form::Spine(parts) => NodeParts::Spine(parts),
        _ => return Err(shape.wrong("it is no node of a vector")),
    })
}

fn thaw_to<A: Thaw>(page: &Page, from: &[A::Archived], to: &mut Vec<A>) -> Result<()> {
    let mut loader = page.loader();
    to.reserve(from.len());
    from.iter().try_for_each(|element| {
        to.push(element.deserialize(De::wrap(&mut loader))?);
        Ok(())
    })
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
        if nodes.digests().is_some() {
            return digest::vector(self, s);
        }
        let nodes = nodes.commit();
        let root = match vector::stored_mark(self.body.root.link(), self.body.ends).address(nodes.session) {
            Some(address) => Some(address),
            None => {
                let root = nodes.keep(self.body.root.clone());
                vector::write(root, self.body.ends, &mut Writing(s))?
            }
        };
        Ok(HandleResolver { root, own: self.body.ends.word(), places: s.nodes().places() })
    }
}
