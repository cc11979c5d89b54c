//! Links, marks, counts and kinds: the one home of node lifetimes.
//!
//! In: node memory laid out by a collection (a [`Tree`]). Out: words that name nodes, counted ownership of
//! them, and the one way from stored to resident.
//!
//! A *word* is a pointer to a node with the node's kind in its low 4 bits, or a value without a node: a kind
//! of the collection's own, or `STORED`, the address of a node that is only in the log.
//! Every node begins with a [`Header`]: its count, and its *mark*, which tells where in a log it is stored.
//!
//! - **L1** A marked node is never mutated in place (`is_exclusive` says no); its copy is unmarked.
//! - **L2** Everything below a marked node is stored: a commit stops there.
//! - **L3** A link goes from stored to resident by one compare-exchange of its slot ([`Slot::thaw`]) and never
//!   back while anyone may hold a borrow of it; so a reference into a child lives as long as its parent.
//! - **L4** A mark names its session ([`Session`]: fresh for each opened log); marks of other sessions do not count.
//! - **L5** Marks are set after the batch was written ([`Header::set_mark`]: by the `finish` of a commit, and by who loads).
//! - **L7** Two links are equal if the words are, or if both name one address of one session ([`same`]).
//! - **L8** The stored words of a node have one [`Origin`].
//!
//! (L6 concerns the writer of the log.) Uses: `error`, `id`.
#![allow(unsafe_code)] // The one home of node lifetimes: docs/ARCHITECTURE.md, "Unsafe".

use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use alloc::boxed::Box;
use alloc::sync::Arc;
use archery::{ArcK, ArcTK, RcK, SharedPointerKind};
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use sync::{AtomicPtr, AtomicU32, Ordering};

mod claim;
mod each;
mod mark;
#[cfg(all(test, loom))]
pub(crate) mod models;
mod presence;

pub use claim::Edge;
pub(crate) use each::each;
pub(crate) use mark::{Mark, MarkCell, Session, corrupt};
pub(crate) use presence::Presence;

/// The atomics of this layer: loom's in its models, core's elsewhere.
mod sync {
    /// Without std nobody waits: what is read entry by entry is in a log.
    #[cfg(not(any(loom, feature = "std")))]
    pub(super) use core::hint::spin_loop as yield_now;
    #[cfg(not(loom))]
    pub(super) use core::sync::atomic::{AtomicPtr, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
    #[cfg(loom)]
    pub(super) use loom::sync::atomic::{AtomicPtr, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
    #[cfg(loom)]
    pub(super) use loom::thread::yield_now;
    #[cfg(all(not(loom), feature = "std"))]
    pub(super) use std::thread::yield_now;
}

mod sealed {
    pub trait Sealed {}
}

/// How a collection counts who shares a node: a pointer kind of [`archery`].
///
/// [`ArcTK`] and [`ArcK`] count atomically (one code path serves both), [`RcK`] does not and keeps the
/// collection on its thread. The count itself lives in our node header; archery names the kind only.
pub trait Kind: SharedPointerKind + sealed::Sealed + 'static {
    /// The counting behind the kind.
    #[doc(hidden)]
    type Count: Count;
}

impl sealed::Sealed for ArcTK {}
impl sealed::Sealed for ArcK {}
impl sealed::Sealed for RcK {}
impl Kind for ArcTK {
    type Count = Shared;
}
impl Kind for ArcK {
    type Count = Shared;
}
impl Kind for RcK {
    type Count = Local;
}

/// How a node's count is changed.
#[doc(hidden)]
pub trait Count: sealed::Sealed + 'static {
    /// One more owner. Aborts the process above 2³¹ owners.
    fn add(count: &Counter);
    /// One owner less; true if it was the last.
    fn sub(count: &Counter) -> bool;
    /// Moves an edge of a node that others may own too; false if it no longer is where the caller saw it.
    fn claim(edge: &Edge, from: usize, to: usize) -> bool;
}

/// Counts of nodes that threads may share.
#[doc(hidden)]
pub struct Shared;

/// Counts of nodes that stay on one thread.
#[doc(hidden)]
pub struct Local(PhantomData<*const ()>);

/// A count of owners.
#[doc(hidden)]
pub struct Counter(AtomicU32);

const MOST_OWNERS: u32 = i32::MAX as u32;

#[cold]
#[inline(never)]
fn too_many_owners() -> ! {
    // As in std's Arc: wrapping round would free a node in use. So many clones of one version take 34 GB of handles.
    #[cfg(feature = "std")]
    std::process::abort();
    #[cfg(not(feature = "std"))]
    {
        /// No panic leaves a function of C.
        extern "C" fn abort() -> ! {
            panic!("backstory: more than 2³¹ owners of one node")
        }
        abort()
    }
}

impl sealed::Sealed for Shared {}
impl Count for Shared {
    #[inline(always)]
    fn add(count: &Counter) {
        // Relaxed: whoever adds an owner holds one already.
        if count.0.fetch_add(1, Ordering::Relaxed) > MOST_OWNERS {
            too_many_owners()
        }
    }
    #[inline(always)]
    fn sub(count: &Counter) -> bool {
        // A sole owner needs no read-modify-write: nobody else can add. Acquire pairs with the releasing
        // fetch_sub of the owners before.
        count.0.load(Ordering::Acquire) == 1 || count.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
    #[inline(always)]
    fn claim(edge: &Edge, from: usize, to: usize) -> bool {
        edge.exchange(from, to)
    }
}

impl sealed::Sealed for Local {}
impl Count for Local {
    #[inline(always)]
    fn add(count: &Counter) {
        let n = count.0.load(Ordering::Relaxed);
        if n > MOST_OWNERS {
            too_many_owners()
        }
        count.0.store(n + 1, Ordering::Relaxed);
    }
    #[inline(always)]
    fn sub(count: &Counter) -> bool {
        let n = count.0.load(Ordering::Relaxed) - 1;
        count.0.store(n, Ordering::Relaxed);
        n == 0
    }
    #[inline(always)]
    fn claim(edge: &Edge, from: usize, to: usize) -> bool {
        let is_there = edge.get() == from;
        if is_there {
            edge.set(to)
        }
        is_there
    }
}

// ---- nodes ----

/// What every node begins with.
#[repr(C)]
pub(crate) struct Header {
    count: Counter,
    /// Entries or links in use, where the kind has a number of them.
    pub(crate) len: u8,
    /// Room for so many.
    pub(crate) cap: u8,
    /// The kind's own.
    pub(crate) extra: u16,
    mark: MarkCell,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Header>() == 16 && MarkCell::is_portable_layout());

impl Header {
    /// The header of a new node: one owner, no mark.
    #[inline(always)]
    pub(crate) fn new(len: u8, cap: u8) -> Self {
        Header { count: Counter(AtomicU32::new(1)), len, cap, extra: 0, mark: MarkCell::default() }
    }

    /// True if the caller, who owns a count, is the only owner and the node is stored nowhere (L1): it may be
    /// changed in place.
    #[inline(always)]
    pub(crate) fn is_exclusive(&self) -> bool {
        self.count.0.load(Ordering::Acquire) == 1 && self.mark.is_none()
    }

    /// How many owners there are; another thread may change it at any time.
    #[inline(always)]
    pub(crate) fn owners(&self) -> u32 {
        self.count.0.load(Ordering::Acquire)
    }

    #[inline(always)]
    pub(crate) fn mark(&self) -> Mark {
        self.mark.get()
    }

    pub(crate) fn set_mark(&self, mark: Mark) {
        self.mark.set(mark)
    }

    /// As [`MarkCell::get_with`].
    #[inline]
    pub(crate) fn mark_with<T>(&self, read: impl FnOnce() -> T) -> Option<(Mark, T)> {
        self.mark.get_with(read)
    }

    /// As [`MarkCell::set_with`].
    pub(crate) fn set_mark_with(&self, mark: Mark, write: impl FnOnce() -> bool) {
        self.mark.set_with(mark, write)
    }
}

// ---- words ----

/// The kind in the low 4 bits of a word. 0 to 13 belong to the collection.
pub(crate) const TAG_BITS: u32 = 4;
const TAG_MASK: usize = (1 << TAG_BITS) - 1;
/// A value of the collection's own without a node.
pub(crate) const PLAIN: usize = 14;
/// The address of a node that is only in the log.
pub(crate) const STORED: usize = 15;
/// Bits of a stored word between the tag and the address, for the collection's own use.
pub(crate) const STORED_BITS: u32 = Address::SPARE_BITS - TAG_BITS;

const _: () = assert!(usize::BITS == 64, "backstory needs a 64-bit target");

/// A link without an owner or a lifetime: a tagged pointer, or a value. Never null.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Word(NonNull<u8>);

impl Word {
    /// Names a node; nodes are aligned to 16 bytes at least.
    #[inline(always)]
    pub(crate) fn node(node: NonNull<Header>, tag: usize) -> Self {
        debug_assert!(tag < PLAIN && node.addr().get() & TAG_MASK == 0);
        Word(node.cast::<u8>().map_addr(|a| a | tag))
    }

    /// A value below 2⁶⁰ without a node.
    #[inline(always)]
    pub(crate) const fn plain(value: usize) -> Self {
        // A tag of 14 makes it non-zero.
        match core::num::NonZeroUsize::new(value << TAG_BITS | PLAIN) {
            Some(w) => Word(NonNull::without_provenance(w)),
            None => unreachable!(),
        }
    }

    /// Names the node stored at `address`; `note` is the collection's own.
    pub(crate) fn stored(address: Address, note: u16) -> Self {
        let w = (address.units() << Address::SPARE_BITS) as usize | (note as usize) << TAG_BITS | STORED;
        const { assert!(STORED_BITS == u16::BITS) };
        Word(NonNull::without_provenance(w.try_into().expect("the tag is not 0")))
    }

    #[inline(always)]
    pub(crate) fn tag(self) -> usize {
        self.0.addr().get() & TAG_MASK
    }

    #[inline(always)]
    pub(crate) fn is_node(self) -> bool {
        self.tag() < PLAIN
    }

    #[inline(always)]
    pub(crate) fn is_stored(self) -> bool {
        self.tag() == STORED
    }

    /// The value of a plain word.
    #[inline(always)]
    pub(crate) fn value(self) -> usize {
        self.0.addr().get() >> TAG_BITS
    }

    /// The note of a stored word.
    pub(crate) fn note(self) -> u16 {
        (self.0.addr().get() >> TAG_BITS) as u16
    }

    /// The address of a stored word.
    pub(crate) fn address(self) -> Option<Address> {
        if self.is_stored() { Address::new(self.0.addr().get() as u64 >> Address::SPARE_BITS) } else { None }
    }

    /// The node that a word with this tag names.
    #[inline(always)]
    pub(crate) fn pointer(self, tag: usize) -> NonNull<Header> {
        debug_assert!(self.tag() == tag && tag < PLAIN);
        // SAFETY: a node word is a node's address, which is not null, plus its tag.
        unsafe { self.0.byte_sub(tag) }.cast()
    }

    /// The header of the node.
    ///
    /// # Safety
    /// The word names a node that lives for `'a`.
    #[inline(always)]
    pub(crate) unsafe fn header<'a>(self) -> &'a Header {
        // SAFETY: the caller's promise; every node begins with a header.
        unsafe { self.pointer(self.tag()).as_ref() }
    }
}

// SAFETY: a word is an address and grants nothing; who makes a node of it promises who may use that.
unsafe impl Send for Word {}
// SAFETY: as above.
unsafe impl Sync for Word {}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}#{}", self.value(), self.tag())
    }
}

// ---- owning and borrowing nodes ----

/// A collection's nodes: what counts them, and how to free one.
///
/// # Safety
/// `free` must drop what the node owns and give its memory back, for every node that a `Word` of this tree names.
pub(crate) unsafe trait Tree {
    type Count: Count;

    /// Frees a node that has no owner left.
    ///
    /// # Safety
    /// `node` names a node of this tree, and nobody will use it again.
    unsafe fn free(node: Word);
}

/// A word that owns one count of its node.
#[repr(transparent)]
pub(crate) struct Owned<T: Tree>(Word, PhantomData<T>);

// SAFETY: what an `Owned` reaches is shared with other owners of any thread, as with Arc: hence both bounds.
// `T` is Send and Sync only if its `Count` is, and `Local` is not.
unsafe impl<T: Tree + Send + Sync> Send for Owned<T> {}
// SAFETY: as above; `&Owned` can be cloned to another thread.
unsafe impl<T: Tree + Send + Sync> Sync for Owned<T> {}

// An owner is a pointer: moving it moves no node.
impl<T: Tree> Unpin for Owned<T> {}

impl<T: Tree> Owned<T> {
    /// # Safety
    /// The word is of tree `T`; if it names a node, the caller gives up one count of it.
    #[inline(always)]
    pub(crate) unsafe fn from_word(word: Word) -> Self {
        Owned(word, PhantomData)
    }

    /// A word without a node.
    #[inline(always)]
    pub(crate) fn plain(value: usize) -> Self {
        Owned(Word::plain(value), PhantomData)
    }

    #[inline(always)]
    pub(crate) fn word(&self) -> Word {
        self.0
    }

    /// Gives the count to the caller.
    #[inline(always)]
    pub(crate) fn into_word(self) -> Word {
        ManuallyDrop::new(self).0
    }

    #[inline(always)]
    pub(crate) fn link(&self) -> Link<'_, T> {
        Link(self.0, PhantomData)
    }

    /// True if this is the node's only owner and the node is unmarked: it may be changed in place (L1).
    #[inline(always)]
    pub(crate) fn is_exclusive(&self) -> bool {
        // SAFETY: we own a count, so the node lives.
        self.0.is_node() && unsafe { self.0.header() }.is_exclusive()
    }
}

impl<T: Tree> Clone for Owned<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        self.link().to_owned()
    }
}

impl<T: Tree> Drop for Owned<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: we own one count and give it up; the last owner frees.
        unsafe { release::<T>(self.0) }
    }
}

/// Gives up one count.
///
/// # Safety
/// The caller owns a count of the word's node (or the word has none) and does not use it again.
#[inline(always)]
pub(crate) unsafe fn release<T: Tree>(word: Word) {
    // SAFETY: the caller's promise.
    unsafe {
        if word.is_node() && T::Count::sub(&word.header().count) {
            T::free(word)
        }
    }
}

/// A word whose node lives for `'a`.
pub(crate) struct Link<'a, T: Tree>(Word, PhantomData<&'a T>);

// SAFETY: a link can be made an `Owned` wherever it is, so it needs what that needs.
unsafe impl<T: Tree + Send + Sync> Send for Link<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Tree + Send + Sync> Sync for Link<'_, T> {}

impl<T: Tree> Clone for Link<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Tree> Copy for Link<'_, T> {}

impl<'a, T: Tree> Link<'a, T> {
    /// # Safety
    /// The word is of tree `T`; if it names a node, somebody owns a count of it for `'a`.
    #[inline(always)]
    pub(crate) unsafe fn from_word(word: Word) -> Self {
        Link(word, PhantomData)
    }

    #[inline(always)]
    pub(crate) fn word(self) -> Word {
        self.0
    }

    #[inline(always)]
    pub(crate) fn tag(self) -> usize {
        self.0.tag()
    }

    /// One more owner.
    #[inline(always)]
    pub(crate) fn to_owned(self) -> Owned<T> {
        if self.0.is_node() {
            // SAFETY: the node lives for 'a.
            T::Count::add(unsafe { &self.0.header::<'a>().count });
        }
        Owned(self.0, PhantomData)
    }

    /// The header of the node, if the word names one.
    #[inline(always)]
    pub(crate) fn header(self) -> Option<&'a Header> {
        // SAFETY: the node lives for 'a.
        if self.0.is_node() { Some(unsafe { self.0.header() }) } else { None }
    }
}

// ---- stored links ----

/// Where stored links thaw from: a log as one session opened it.
pub(crate) struct Origin {
    pub(crate) session: Session,
    pub(crate) source: Box<dyn Source>,
}

/// Reads nodes. A source belongs to one type of tree; that is promised where an [`Origin`] is put into a node.
pub(crate) trait Source: Send + Sync {
    /// The node at `address`, marked with it; the caller owns one count.
    ///
    /// # Errors
    /// `Io`, `Corrupt` or `Incompatible`, as the storage says.
    fn load(&self, origin: &Arc<Origin>, address: Address) -> Result<Word>;

    /// Reads what is stored at these addresses beside the nodes, one after the other: calls `take` with where each value
    /// lies, which `take` moves out of there. Which type that is, the tree knows.
    ///
    /// # Errors
    /// As [`load`](Self::load); what was read before is taken.
    fn values(&self, at: &[Address], take: &mut dyn FnMut(NonNull<u8>)) -> Result<()> {
        let (_, _) = (at, take);
        Err(Error::new(ErrorKind::Corrupt, "a value of its own in a collection that has none"))
    }
}

/// A word in a node, which a reader may thaw while others look.
#[repr(transparent)]
pub(crate) struct Slot(AtomicPtr<u8>);

#[cfg(not(loom))]
const _: () = assert!(size_of::<Slot>() == 8);

impl Slot {
    #[inline(always)]
    pub(crate) fn new(word: Word) -> Self {
        Slot(AtomicPtr::new(word.0.as_ptr()))
    }

    /// Acquire: a node that another thread has thawed is seen whole.
    #[inline(always)]
    pub(crate) fn get(&self) -> Word {
        let p = self.0.load(Ordering::Acquire);
        // SAFETY: a slot is made from a word and only ever set to one; words are not null.
        Word(unsafe { NonNull::new_unchecked(p) })
    }

    /// Where the word stands, for the one who may change it in place.
    #[inline(always)]
    pub(crate) fn place(&self) -> *mut Word {
        // The atomic is an UnsafeCell: writing through a shared reference is the owner's affair.
        (&raw const *self).cast_mut().cast()
    }

    /// Makes a copy of a thawed word visible: the caller read it from the slot that decides.
    #[inline(always)]
    pub(crate) fn publish(&self, word: Word) {
        self.0.store(word.0.as_ptr(), Ordering::Release)
    }

    /// From stored to resident, once (L3): installs what `load` returns unless another thread was faster.
    /// Returns the resident word; its count belongs to the slot.
    pub(crate) fn thaw<T: Tree>(&self, stored: Word, load: impl FnOnce() -> Result<Owned<T>>) -> Result<Word> {
        let now = self.get();
        if !now.is_stored() {
            return Ok(now);
        }
        debug_assert!(now == stored);
        let loaded = load()?;
        match self.0.compare_exchange(stored.0.as_ptr(), loaded.word().0.as_ptr(), Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => Ok(loaded.into_word()),
            // SAFETY: slots hold words, and words are not null. What we loaded is dropped.
            Err(faster) => Ok(Word(unsafe { NonNull::new_unchecked(faster) })),
        }
    }
}

/// True if two links name the same node (L7). `a_from` and `b_from` are the origins of the nodes that the
/// links were read from, if those have stored words.
///
/// # Safety
/// The words' nodes live.
#[inline]
pub(crate) unsafe fn same(a: Word, a_from: Option<&Arc<Origin>>, b: Word, b_from: Option<&Arc<Origin>>) -> bool {
    if a == b && !a.is_stored() {
        return true;
    }
    // SAFETY: the caller's promise.
    unsafe { same_stored(a, a_from, b, b_from) }
}

/// Where a stored word thaws from; nowhere if the word is not stored.
pub(crate) fn place(word: Word, from: Option<&Arc<Origin>>) -> Mark {
    word.address().zip(from).map_or(Mark::NONE, |(address, origin)| Mark::new(origin.session, address))
}

/// The part of [`same`] that concerns marks and stored words.
///
/// # Safety
/// As [`same`].
#[inline(never)]
unsafe fn same_stored(a: Word, a_from: Option<&Arc<Origin>>, b: Word, b_from: Option<&Arc<Origin>>) -> bool {
    let place = |w: Word, from: Option<&Arc<Origin>>| match w.address() {
        Some(_) => place(w, from),
        // SAFETY: the caller's promise.
        None if w.is_node() => unsafe { w.header() }.mark(),
        None => Mark::NONE,
    };
    let at = place(a, a_from);
    at.is_place() && at == place(b, b_from)
}
