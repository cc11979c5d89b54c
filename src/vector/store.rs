//! Nodes as they go to a log: the walk of a commit.
//!
//! A node that was copied from a stored one and changed in one place is written as what replaces that place: a *splice* of
//! its *base*, which is always stored whole. As a run of edits makes the splice longer each time, the node is written
//! whole as soon as a run would have cost as much.
//!
//! In: a vector and a [`Records`] that takes nodes, children before parents. Out: an address for each node that had
//! none, and marks once all is written.
//! Must hold: L2 (a marked node is not entered), L5 (marks are set by [`Commit::finish`] only), L4; a leaf or spine counts
//! as stored only as far as its record has what the version sees of it (V1).
//! Uses: `link`, `node`, `leaf`, `inner`, `spine`, `revive`, `ends`, `hash`, `id`, `error`.
#![allow(unsafe_code)] // Words of children: docs/ARCHITECTURE.md, "Unsafe".

use super::ends::{Body, Ends};
use super::inner::*;
use super::leaf::*;
use super::node::*;
use super::revive::{Base, peek_stub, through_stub};
use super::spine::*;
use crate::error::Result;
use crate::hash::Lookup;
use crate::id::Address;
use crate::link::{Count, Header, Mark, MarkCell, Session, Slot, Word, place, same};
use alloc::vec::Vec;
use core::ops::Range;

/// A link as a record holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredLink {
    pub(crate) address: Address,
    /// How many elements there are below it.
    pub(crate) len: usize,
}

/// A head, a tree, a tail, as a record holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpineParts {
    /// Of the tree.
    pub(crate) level: u32,
    /// Where the elements of the head end.
    pub(crate) head_end: usize,
    pub(crate) head: Option<StoredLink>,
    pub(crate) tree: Option<StoredLink>,
    pub(crate) tail: Option<StoredLink>,
}

// All of a record is read only where there is a log; the counting sink needs lengths only.
/// A node to be written.
#[cfg_attr(not(any(test, feature = "timeline")), expect(dead_code))]
pub(crate) enum NodeRecord<'a, 'b, A> {
    /// A leaf of these elements, from this place on; without those that its base has.
    Leaf {
        base: Option<Base>,
        first: usize,
        elements: &'a [A],
    },
    /// An inner node of this level with these children; without those that its base has.
    Inner {
        base: Option<Base>,
        level: u32,
        links: &'b [StoredLink],
    },
    Spine(SpineParts),
}

/// Takes the nodes of a commit.
pub(crate) trait Records<'a, A> {
    /// What was written so far. It is not held while a node is written: other collections may be in it.
    fn commit(&mut self) -> &mut Commit<'a>;

    /// Writes a node; everything it refers to has been written.
    ///
    /// # Errors
    /// What the storage says.
    fn node(&mut self, record: NodeRecord<'_, '_, A>) -> Result<Address>;

    /// Where something is stored here that is stored in another log, if it is moved as it is.
    ///
    /// # Errors
    /// What the storage says.
    fn moved(&mut self, _place: Mark) -> Result<Option<Address>> {
        Ok(None)
    }
}

/// Where something is stored here, after moving it if need be; `place` is where it is stored.
fn address_at<'a, A, R: Records<'a, A>>(place: Mark, records: &mut R) -> Result<Option<Address>> {
    place.address_or(records.commit().session, |place| records.moved(place))
}

/// The nodes that a commit wrote, to be marked when all is written (L5).
pub(crate) struct Commit<'a> {
    session: Session,
    written: Lookup<*const Header, Written<'a>>,
}

struct Written<'a> {
    header: &'a Header,
    address: Address,
    what: What<'a>,
}

/// What is noted of a node beside its address.
enum What<'a> {
    Leaf { head: &'a LeafHead, places: Range<usize>, splice: Splice<'a> },
    Inner { splice: Splice<'a> },
    Spine { head: &'a SpineHead, ends: (usize, usize) },
}

/// How a leaf or an inner node was written.
struct Splice<'a> {
    cell: &'a MarkCell,
    /// What the cell held; nothing known if another thread was setting it.
    base: Option<Mark>,
    is_whole: bool,
}

impl Splice<'_> {
    /// Notes it in the node, beside its mark: true unless another commit has written the node with another base since.
    fn set_base(&self) -> bool {
        let is_same = self.base == Some(self.cell.get());
        if is_same && self.is_whole {
            self.cell.set(Mark::NONE)
        }
        is_same
    }
}

/// True if it is better to write `n` parts whole than `new` of them: if a run of edits that made a splice of 1, 2, ..,
/// `new` parts has come to as much.
fn is_better_whole(new: usize, n: usize) -> bool {
    new * new >= 2 * n
}

/// True if all of `seen` is in `stored`.
fn covers(stored: &Range<usize>, seen: &Range<usize>) -> bool {
    stored.start <= seen.start && seen.end <= stored.end
}

/// Two vectors are one version.
pub(super) fn is_same_version<A, C: Count>(a: &Body<A, C>, b: &Body<A, C>) -> bool {
    if a.ends != b.ends {
        return false;
    }
    let ((x, x_from), (y, y_from)) = (peek_stub(a.root.link()), peek_stub(b.root.link()));
    // SAFETY: the roots live, and what they link to.
    x == y && !x.is_stored() || is_as_stored(a, x) && is_as_stored(b, y) && unsafe { same(x, x_from, y, y_from) }
}

/// True if all that a vector sees of its root is what the root's mark names.
fn is_as_stored<A, C: Count>(body: &Body<A, C>, root: Word) -> bool {
    // SAFETY: what a root names lives while the vector does.
    unsafe {
        match root.tag() {
            LEAF => covers(&Leaf::<A, C>::from_word(root).head().stored_places(), &(0..body.len())),
            SPINE => {
                let spine = Spine::new(NodeRef::<A, C>::from_word(root)).head();
                has_ends(spine.stored_ends(), body.ends, spine.tree_len)
            }
            _ => true,
        }
    }
}

fn has_ends((head, tail): (usize, usize), ends: Ends, tree_len: usize) -> bool {
    ends.head() <= head && ends.tail(tree_len) <= tail
}

impl<'a> Commit<'a> {
    pub(crate) fn new(session: Session) -> Self {
        Commit { session, written: Lookup::new() }
    }

    /// Marks everything that was written: the write has succeeded.
    pub(crate) fn finish(self) {
        for Written { header, address, what } in self.written.into_values() {
            header.set_mark_with(Mark::new(self.session, address), || match what {
                What::Leaf { head, places, splice } => {
                    let is_same = splice.set_base();
                    if is_same {
                        head.set_stored_places(places)
                    }
                    is_same
                }
                What::Inner { splice } => splice.set_base(),
                What::Spine { head, ends } => {
                    head.set_stored_ends(ends);
                    true
                }
            })
        }
    }

    /// What was noted of a node that this commit wrote.
    fn written(&self, header: &Header) -> Option<(Address, &What<'a>)> {
        self.written.get(&core::ptr::from_ref(header)).map(|written| (written.address, &written.what))
    }

    fn note(&mut self, header: &'a Header, address: Address, what: What<'a>) {
        self.written.insert(header, Written { header, address, what });
    }
}

/// What these `n` parts of a node need not be written for, if that pays.
fn base_of<'a, A, R: Records<'a, A>>(
    Common { base, front, back }: Common,
    n: usize,
    records: &mut R,
) -> Result<Option<Base>> {
    let back = back.min(n - front);
    match is_better_whole(n - front - back, n) {
        true => Ok(None),
        false => Ok(address_at(base, records)?.map(|at| Base { at, front, back })),
    }
}

/// Writes what of a vector is not stored yet, children first. None for an empty one.
///
/// # Errors
/// What the storage says; nothing is marked then.
pub(crate) fn write<'a, A: 'a, C: Count, R: Records<'a, A>>(
    root: NodeRef<'a, A, C>,
    ends: Ends,
    records: &mut R,
) -> Result<Option<Address>> {
    if ends.len() == 0 {
        return Ok(None);
    }
    let (word, from) = peek_stub(root);
    if let Some(address) = address_at(place(word, from), records)? {
        return Ok(Some(address));
    }
    let root = through_stub(root, ends)?;
    match root.tag() {
        LEAF => leaf(Leaf::new(root), 0..ends.len(), records),
        _ => spine(Spine::new(root), ends, records),
    }
    .map(Some)
}

/// Where a vector is stored, if all of it is. An empty one is nowhere, also where its root has elements that it does not see.
#[cfg(feature = "timeline")]
pub(crate) fn stored_mark<A, C: Count>(root: NodeRef<'_, A, C>, ends: Ends) -> Mark {
    if ends.len() == 0 {
        return Mark::NONE;
    }
    let (word, from) = peek_stub(root);
    if word.is_stored() {
        return place(word, from);
    }
    // SAFETY: what a root names lives while that is borrowed; its tag says what it is.
    unsafe {
        match word.tag() {
            LEAF => leaf_place(Leaf::<A, C>::from_word(word).head().stored().as_ref(), &(0..ends.len())),
            SPINE => spine_place(Spine::new(NodeRef::<A, C>::from_word(word)).head(), ends),
            _ => Mark::NONE,
        }
    }
}

/// Where a leaf is stored, if these places of it are.
fn leaf_place(stored: Option<&StoredLeaf>, places: &Range<usize>) -> Mark {
    stored.filter(|stored| covers(&stored.places, places)).map_or(Mark::NONE, |stored| stored.mark)
}

/// Where a spine is stored, if its ends are as far as a version sees them.
fn spine_place(head: &SpineHead, ends: Ends) -> Mark {
    let stored = head.header.mark_with(|| head.stored_ends());
    stored.filter(|&(_, stored)| has_ends(stored, ends, head.tree_len)).map_or(Mark::NONE, |(mark, _)| mark)
}

fn spine<'a, A: 'a, C: Count, R: Records<'a, A>>(
    spine: Spine<'a, A, C>,
    ends: Ends,
    records: &mut R,
) -> Result<Address> {
    let head = spine.head();
    let tree_len = head.tree_len;
    if let Some(address) = address_at(spine_place(head, ends), records)? {
        return Ok(address);
    }
    if let Some((address, What::Spine { ends: written, .. })) = records.commit().written(&head.header)
        && has_ends(*written, ends, tree_len)
    {
        return Ok(address);
    }
    let (front_len, tail_len, places) = (ends.head(), ends.tail(tree_len), head.places_in_front(ends.head()));
    let mut part = |slot: &Slot, len: usize, write: &dyn Fn(&mut R) -> Result<Address>| {
        if len == 0 {
            return Ok(None);
        }
        let address = address_at(place(slot.get(), head.origin.as_ref()), records)?;
        let address = address.map_or_else(|| write(records), Ok)?;
        Ok(Some(StoredLink { address, len }))
    };
    let front = part(&head.head, front_len, &|to| end(Leaf::new(spine.front(front_len)?), places.clone(), to))?;
    let tail = part(&head.tail, tail_len, &|to| end(Leaf::new(spine.back(tail_len)?), 0..tail_len, to))?;
    let middle = part(&head.tree, tree_len, &|to| tree(spine.tree()?, to))?;
    let (level, head_end) = (spine.level(), head.head_end as usize);
    let parts = SpineParts { level, head_end, head: front, tree: middle, tail };
    let address = records.node(NodeRecord::Spine(parts))?;
    records.commit().note(&head.header, address, What::Spine { head, ends: (front_len, tail_len) });
    Ok(address)
}

/// A leaf at an end of a vector. Where it has grown a little since it was stored, only what is new is written, and not
/// noted on the leaf, which stays what it was the base of: the spine knows.
fn end<'a, A: 'a, C: Count, R: Records<'a, A>>(
    own: Leaf<'a, A, C>,
    places: Range<usize>,
    records: &mut R,
) -> Result<Address> {
    if let Some(stored) = own.head().stored()
        && stored.is_whole()
        && !covers(&stored.places, &places)
        && let Some(base) = base_of(own.common_with(&stored, places.clone()), places.len(), records)?
    {
        return write_leaf(own, &places, Some(base), records);
    }
    leaf(own, places, records)
}

/// The address of a tree, after writing it if need be. What is stored in another log is thawed, and written here.
fn tree<'a, A: 'a, C: Count, R: Records<'a, A>>(tree: Tree<'a, A, C>, records: &mut R) -> Result<Address> {
    match tree.level {
        0 => leaf(Leaf::new(tree.node), 0..tree.len, records),
        level => inner(Inner::new(tree.node), level, tree.len, records),
    }
}

fn inner<'a, A: 'a, C: Count, R: Records<'a, A>>(
    inner: Inner<'a, A, C>,
    level: u32,
    len: usize,
    records: &mut R,
) -> Result<Address> {
    let (head, n) = (inner.head(), inner.n());
    let marked = address_at(head.header.mark(), records)?;
    let written = || records.commit().written(&head.header).map(|(address, _)| address);
    if let Some(address) = marked.or_else(written) {
        return Ok(address);
    }
    let stored = inner.stored();
    let base = match stored {
        Some((mark, base)) => base_of(inner.common_with(mark, base), n, records)?,
        None => None,
    };
    let new = base.map_or(0..n, |base| base.front..n - base.back);
    let mut links = Vec::with_capacity(new.len());
    for k in new {
        let address = match address_at(place(inner.word(k), inner.origin()), records)? {
            Some(address) => address,
            None => tree(inner.child(level, len, k)?, records)?,
        };
        links.push(StoredLink { address, len: inner.size(level, len, k) })
    }
    let address = records.node(NodeRecord::Inner { base, level, links: &links })?;
    let stored = stored.map(|(_, base)| base);
    let splice = Splice { cell: &head.base, base: stored, is_whole: base.is_none() };
    records.commit().note(&head.header, address, What::Inner { splice });
    Ok(address)
}

fn leaf<'a, A: 'a, C: Count, R: Records<'a, A>>(
    leaf: Leaf<'a, A, C>,
    places: Range<usize>,
    records: &mut R,
) -> Result<Address> {
    let (head, stored) = (leaf.head(), leaf.head().stored());
    if let Some(address) = address_at(leaf_place(stored.as_ref(), &places), records)? {
        return Ok(address);
    }
    if let Some((address, What::Leaf { places: written, .. })) = records.commit().written(&head.header)
        && covers(written, &places)
    {
        return Ok(address);
    }
    // What is stored whole has grown, and is stored whole again.
    let base = match stored.as_ref().filter(|stored| !stored.is_whole()) {
        Some(stored) => base_of(leaf.common_with(stored, places.clone()), places.len(), records)?,
        None => None,
    };
    let address = write_leaf(leaf, &places, base, records)?;
    let stored = stored.map(|stored| stored.base);
    let splice = Splice { cell: &head.base, base: stored, is_whole: base.is_none() };
    records.commit().note(&head.header, address, What::Leaf { head, places, splice });
    Ok(address)
}

fn write_leaf<'a, A: 'a, C: Count, R: Records<'a, A>>(
    leaf: Leaf<'a, A, C>,
    places: &Range<usize>,
    base: Option<Base>,
    records: &mut R,
) -> Result<Address> {
    let (front, back) = base.map_or((0, 0), |base| (base.front, base.back));
    // SAFETY: a version sees these places.
    let elements = unsafe { leaf.slice(places.start + front..places.end - back) };
    records.node(NodeRecord::Leaf { base, first: places.start, elements })
}
