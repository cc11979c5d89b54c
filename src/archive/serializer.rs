//! Writing: the serializer that collections write their nodes with.
//!
//! A node is a record of its own, so that while a state is written there is a stack of buffers: a node's entries may
//! hold collections, whose nodes come first.
//!
//! In: a state. Out: records, children first; marks once the log says that all is written ([`Serializer::finish`]); or, for
//! a digest, the bytes of values.
//! Must hold: L5. What a commit refers to lives until it is finished or dropped: `kept` owns it.
//! Uses: `log`, `map`, `vector`, `link`, `record`, `hashers`, `digest`, `moving`, `checked`, `id`, `error`.
#![allow(unsafe_code)] // References to what `kept` owns: docs/ARCHITECTURE.md, "Unsafe".

use super::checked::Top;
use super::digest::Digests;
use super::hashers::Hasher;
use super::moving::Moving;
use super::record::kinds;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Address, Digest};
use crate::link::{Link, Owned, Session, Tree};
use crate::log::{Log, Record, Root};
use crate::{map, vector};
use rkyv::rancor::{Fallible, Strategy};
use rkyv::ser::sharing::{Share, Sharing, SharingState};
use rkyv::ser::{Allocator, Positional, Writer};
use rkyv::util::AlignedVec;
use smallvec::SmallVec;
use std::alloc::Layout;
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// So deep may collections be nested in collections.
pub(crate) const MOST_NESTED: usize = 128;

/// What the crate's collections need of a serializer. Only the crate's own is one; the trait's name is for
/// `#[rkyv(serialize_bounds(__S: backstory::Sink))]` on recursive types.
pub trait Sink: Fallible<Error = Error> + Writer<Error> + Allocator<Error> + Sharing<Error> + Nodes {}
impl<S: Fallible<Error = Error> + Writer<Error> + Allocator<Error> + Sharing<Error> + Nodes + ?Sized> Sink for S {}

mod sealed {
    /// Leads to the crate's serializer through what wraps it.
    pub trait Nodes {
        fn nodes(&mut self) -> &mut super::Serializer;
    }
}
pub(crate) use sealed::Nodes;

impl Nodes for Serializer {
    fn nodes(&mut self) -> &mut Serializer {
        self
    }
}
impl<T: Nodes + ?Sized, E> Nodes for Strategy<T, E> {
    fn nodes(&mut self) -> &mut Serializer {
        T::nodes(self)
    }
}

/// The serializer that states are written with.
pub type Ser = Strategy<Serializer, Error>;

/// Records that are in no log.
pub(crate) type Copies = HashMap<Address, Record>;

/// Where records go.
enum To {
    /// To the batch that was begun.
    Log(Arc<Mutex<Log>>),
    /// Nowhere but here, with addresses from this one on.
    Memory(u64, Copies),
}

/// Where addresses stand in the buffer that is being written.
pub(crate) type Places = Rc<RefCell<Vec<u32>>>;

/// Writes states and the nodes of collections; or values alone, of which digests are made.
pub struct Serializer {
    /// One for each node that is being written, the innermost last.
    stack: Vec<Buffer>,
    free: Vec<Buffer>,
    work: Work,
    #[cfg(test)]
    records: u64,
}

/// What values are written for.
enum Work {
    Commit(Box<Committing>),
    Digest(Arc<Digests>),
}

/// What a commit refers to.
pub(crate) type Kept = Vec<Box<dyn Any>>;

/// A commit on its way to a log.
pub(super) struct Committing {
    pub(super) session: Session,
    to: To,
    /// The log whose records are moved to this one.
    pub(super) moving: Option<Arc<Moving>>,
    /// Drops before what it refers to.
    pub(super) maps: map::Commit<'static>,
    pub(super) vectors: vector::Commit<'static>,
    kept: Kept,
    /// Of the maps that were written.
    pub(super) hashers: SmallVec<[Hasher; 2]>,
}

#[derive(Default)]
struct Buffer {
    bytes: AlignedVec<16>,
    /// Where on the stack it was begun.
    top: Top,
    /// Of this node alone: a relative pointer does not leave its record.
    sharing: Share,
    places: Places,
    /// For a digest: those of the collections in it, and the shared values that are being written.
    nested: Vec<Digest>,
    open: Vec<usize>,
}

impl Committing {
    fn new(session: Session, to: To) -> Self {
        let (maps, vectors) = (map::Commit::new(session), vector::Commit::new(session));
        Committing { session, to, moving: None, maps, vectors, kept: Kept::new(), hashers: SmallVec::new() }
    }

    /// Notes a map's hasher.
    pub(super) fn uses(&mut self, hasher: Hasher) {
        if !self.hashers.contains(&hasher) {
            self.hashers.push(hasher)
        }
    }

    /// Owns the root of what a commit is going to refer to, until that is finished or dropped.
    pub(super) fn keep<T: Tree + 'static>(&mut self, root: Owned<T>) -> Link<'static, T> {
        let word = root.word();
        self.kept.push(Box::new(root));
        // SAFETY: the nodes live as long as `kept`, which is dropped after the commits that get this.
        unsafe { Link::from_word(word) }
    }
}

impl Serializer {
    /// Writes to the batch that was begun in `log`.
    pub(crate) fn new(session: Session, log: Arc<Mutex<Log>>) -> Self {
        Self::committing(session, To::Log(log))
    }

    /// Moves what is stored in that log as it is.
    pub(crate) fn moving(mut self, moving: Option<Arc<Moving>>) -> Self {
        self.commit().moving = moving;
        self
    }

    /// Writes records into memory, as if they would get addresses from `first` on.
    pub(super) fn into_memory(session: Session, first: u64) -> Self {
        Self::committing(session, To::Memory(first, Copies::new()))
    }

    /// What was written into memory; nothing is marked.
    pub(super) fn into_copies(self) -> Copies {
        let Work::Commit(commit) = self.work else { return Copies::new() };
        match commit.to {
            To::Memory(_, copies) => copies,
            To::Log(_) => Copies::new(),
        }
    }

    /// Writes nothing: what is written is hashed.
    pub(super) fn digesting(digests: Arc<Digests>) -> Self {
        Self::of(Work::Digest(digests))
    }

    fn committing(session: Session, to: To) -> Self {
        Self::of(Work::Commit(Box::new(Committing::new(session, to))))
    }

    fn of(work: Work) -> Self {
        Serializer {
            stack: Vec::new(),
            free: Vec::new(),
            work,
            #[cfg(test)]
            records: 0,
        }
    }

    /// What is known of digests, if they are what is worked out.
    pub(super) fn digests(&self) -> Option<&Arc<Digests>> {
        match &self.work {
            Work::Digest(digests) => Some(digests),
            Work::Commit(_) => None,
        }
    }

    /// The commit that collections are written for: asked for only where no digest is worked out.
    pub(super) fn commit(&mut self) -> &mut Committing {
        match &mut self.work {
            Work::Commit(commit) => commit,
            Work::Digest(_) => unreachable!("a digest writes no nodes"),
        }
    }

    /// Begins a record: what is written goes to a new buffer until its end.
    pub(super) fn begin(&mut self) -> Result<()> {
        if self.stack.len() == MOST_NESTED {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("collections are nested more than {MOST_NESTED} deep, which cannot be stored: nest them less"),
            ));
        }
        self.stack.push(Buffer { top: Top::here(), ..self.free.pop().unwrap_or_default() });
        Ok(())
    }

    /// Ends the record that was begun last, appends it and gives its address.
    pub(super) fn end(&mut self, kind: u8) -> Result<Address> {
        let (buffer, kind) = self.finished(kind);
        let address = self.put(kind, &buffer.bytes);
        self.free(buffer);
        address
    }

    /// Appends a record.
    pub(super) fn put(&mut self, kind: u8, body: &[u8]) -> Result<Address> {
        #[cfg(test)]
        {
            self.records += 1
        }
        match &mut self.commit().to {
            To::Log(log) => log.lock().unwrap_or_else(PoisonError::into_inner).put(kind, body),
            To::Memory(next, copies) => {
                let address = Address::new(*next).ok_or_else(|| Error::new(ErrorKind::Invalid, "too many records"));
                *next += 1;
                address.inspect(|&at| _ = copies.insert(at, Record::owned(kind, body)))
            }
        }
    }

    /// Ends the record that was begun last, and gives its body and its kind.
    fn finished(&mut self, mut kind: u8) -> (Buffer, u8) {
        let mut buffer = self.stack.pop().expect("a record was begun");
        {
            let places = buffer.places.borrow();
            debug_assert!(buffer.bytes.len().is_multiple_of(8), "bodies end where a unit does");
            if !places.is_empty() {
                kind |= kinds::LINKED;
                if places.len().is_multiple_of(2) {
                    buffer.bytes.extend_from_slice(&[0; 4])
                }
                places.iter().for_each(|place| buffer.bytes.extend_from_slice(&place.to_le_bytes()));
                buffer.bytes.extend_from_slice(&(places.len() as u32).to_le_bytes())
            }
        }
        (buffer, kind)
    }

    /// Ends the record that was begun last: appends it, unless it is so short that it can stand inside another. Then its kind
    /// stands at its end.
    pub(super) fn end_inline(&mut self, kind: u8, most_bytes: usize) -> Result<Root> {
        if self.written().len() > most_bytes {
            return self.end(kind).map(Root::At);
        }
        let (mut buffer, kind) = self.finished(kind);
        buffer.bytes.push(kind);
        let root = Root::Inline(SmallVec::from_slice(&buffer.bytes));
        self.free(buffer);
        Ok(root)
    }

    /// Ends the value that was begun last: its bytes, and what collections in it come to, go to what is hashed.
    pub(super) fn end_value(&mut self, to: &mut Vec<u8>) {
        let buffer = self.stack.pop().expect("a record was begun");
        to.extend_from_slice(&(buffer.bytes.len() as u32).to_le_bytes());
        to.extend_from_slice(&(buffer.nested.len() as u32).to_le_bytes());
        to.extend_from_slice(&buffer.bytes);
        buffer.nested.iter().for_each(|digest| to.extend_from_slice(digest.as_bytes()));
        self.free(buffer)
    }

    /// Notes the digest of a collection in the value that is being written.
    pub(super) fn nest(&mut self, digest: Digest) {
        self.stack.last_mut().expect("a record was begun").nested.push(digest)
    }

    /// Forgets the record that was begun last.
    pub(super) fn cancel(&mut self) {
        let buffer = self.stack.pop().expect("a record was begun");
        self.free(buffer)
    }

    fn free(&mut self, mut buffer: Buffer) {
        buffer.bytes.clear();
        buffer.places.borrow_mut().clear();
        buffer.sharing = Share::new();
        buffer.nested.clear();
        buffer.open.clear();
        self.free.push(buffer)
    }

    /// What was written of the record that was begun last.
    pub(super) fn written(&self) -> &[u8] {
        &self.stack.last().expect("a record was begun").bytes
    }

    pub(super) fn places(&self) -> Places {
        self.stack.last().expect("a record was begun").places.clone()
    }

    /// Writes little-endian words.
    pub(super) fn words(&mut self, words: impl IntoIterator<Item = u64>) {
        let bytes = &mut self.stack.last_mut().expect("a record was begun").bytes;
        words.into_iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()))
    }

    /// Writes bytes and zeros up to a unit's end.
    pub(super) fn padded(&mut self, some: &[u8]) {
        let bytes = &mut self.stack.last_mut().expect("a record was begun").bytes;
        bytes.extend_from_slice(some);
        bytes.resize(bytes.len().next_multiple_of(8), 0)
    }

    /// How many records were written.
    #[cfg(test)]
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Marks the nodes that were written: the log says that they are there (L5). What was written of may be dropped then,
    /// which may panic.
    pub(crate) fn finish(self) -> Kept {
        match self.work {
            Work::Commit(commit) => {
                let Committing { maps, vectors, kept, .. } = *commit;
                maps.finish();
                vectors.finish();
                kept
            }
            Work::Digest(_) => Kept::new(),
        }
    }
}

impl Positional for Serializer {
    fn pos(&self) -> usize {
        self.written().len()
    }
}

impl Writer<Error> for Serializer {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let buffer = self.stack.last_mut().expect("a record was begun");
        buffer.top.check_written()?;
        buffer.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

// SAFETY: memory of the layout that was asked for, from the allocator; freed with the same layout.
unsafe impl Allocator<Error> for Serializer {
    unsafe fn push_alloc(&mut self, layout: Layout) -> Result<NonNull<[u8]>> {
        // SAFETY: rkyv asks for memory that is not empty.
        let at = NonNull::new(unsafe { std::alloc::alloc(layout) });
        let Some(at) = at else { std::alloc::handle_alloc_error(layout) };
        Ok(NonNull::slice_from_raw_parts(at, layout.size()))
    }

    unsafe fn pop_alloc(&mut self, at: NonNull<u8>, layout: Layout) -> Result<()> {
        // SAFETY: from `push_alloc`, with this layout (the caller's promise).
        unsafe { std::alloc::dealloc(at.as_ptr(), layout) };
        Ok(())
    }
}

impl Sharing<Error> for Serializer {
    fn start_sharing(&mut self, address: usize) -> SharingState {
        let is_digest = self.digests().is_some();
        let buffer = self.stack.last_mut().expect("a record was begun");
        if !is_digest {
            return Sharing::<Error>::start_sharing(&mut buffer.sharing, address);
        }
        // A digest is of what is shared, not of that it is: it is written each time it is met.
        if buffer.open.contains(&address) {
            return SharingState::Pending;
        }
        buffer.open.push(address);
        SharingState::Started
    }

    fn finish_sharing(&mut self, address: usize, pos: usize) -> Result<()> {
        let is_digest = self.digests().is_some();
        let buffer = self.stack.last_mut().expect("a record was begun");
        if !is_digest {
            return Sharing::<Error>::finish_sharing(&mut buffer.sharing, address, pos);
        }
        buffer.open.retain(|&open| open != address);
        Ok(())
    }
}
