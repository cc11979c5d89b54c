//! Sessions and marks: where a node, or an entry, is stored.
//!
//! In: sessions and addresses. Out: marks that committing threads set while others read them.
//! Must hold: **L4** (a mark names its session, and no session is used twice); what is set with a mark
//! ([`MarkCell::set_with`]) is read with this mark or not at all.
//! Uses: `error`, `id`.

use super::sync::{AtomicU64, Ordering, fence};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use alloc::format;
use core::num::NonZeroU32;

/// One opening of a log in this process (L4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session(NonZeroU32);

impl Session {
    const BITS: u32 = Address::SPARE_BITS;

    /// A session that no log of this process had before.
    ///
    /// # Errors
    /// `Invalid` once all 2²⁰ - 1 are used up; none is ever reused.
    pub(crate) fn open() -> Result<Self> {
        // std's atomic, also under loom: a process-wide counter outlives every model.
        static LAST: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);
        Self::next(&LAST)
    }

    fn next(last: &core::sync::atomic::AtomicU32) -> Result<Self> {
        use core::sync::atomic::Ordering::Relaxed;
        last.fetch_update(Relaxed, Relaxed, |n| (n + 1 < 1 << Self::BITS).then_some(n + 1))
            .ok()
            .and_then(|n| NonZeroU32::new(n + 1))
            .map(Session)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Invalid,
                    "this process has opened logs 1048575 times and can open no more: restart it",
                )
            })
    }
}

/// Where something is stored: an address of one session's log; in 8 bytes, session 0 for nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Mark(u64);

impl Mark {
    pub(crate) const NONE: Mark = Mark(0);
    /// In a cell while a thread sets it with something else.
    const UNSET: Mark = Mark(1 << Session::BITS);

    pub(crate) fn new(session: Session, address: Address) -> Self {
        Mark(address.units() << Session::BITS | session.0.get() as u64)
    }

    /// A mark that names no place, and carries 44 bits of the collection's own instead.
    pub(crate) fn nowhere(own: u64) -> Self {
        debug_assert!(own >> Address::BITS == 0);
        Mark(own << Session::BITS)
    }

    /// What a mark carries that names no place; none if that is 0.
    pub(crate) fn own(self) -> Option<u64> {
        (!self.is_place() && self.0 != 0).then_some(self.0 >> Session::BITS)
    }

    /// True if it names a place.
    pub(crate) fn is_place(self) -> bool {
        self.0 & ((1 << Session::BITS) - 1) != 0
    }

    /// The address, if the mark is of this session.
    pub(crate) fn address(self, session: Session) -> Option<Address> {
        let own = self.0 & ((1 << Session::BITS) - 1) == session.0.get() as u64;
        if own { Address::new(self.0 >> Session::BITS) } else { None }
    }

    /// The address in this session's log: what `moved` says where it names a place in another one.
    ///
    /// # Errors
    /// What `moved` says.
    pub(crate) fn address_or(
        self,
        session: Session,
        moved: impl FnOnce(Mark) -> Result<Option<Address>>,
    ) -> Result<Option<Address>> {
        match self.address(session) {
            None if self.is_place() => moved(self),
            address => Ok(address),
        }
    }
}

/// Says that what is stored at an address is not what it should be.
#[cold]
pub(crate) fn corrupt(at: Address, what: impl core::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{at}: {what}: restore a copy, or use what does not need it"))
}

/// A mark that committing threads set while others read it.
#[repr(transparent)]
pub(crate) struct MarkCell(AtomicU64);

impl MarkCell {
    pub(crate) fn new(mark: Mark) -> Self {
        MarkCell(AtomicU64::new(mark.0))
    }
    pub(crate) const fn is_portable_layout() -> bool {
        size_of::<Self>() == 8
    }
    /// Relaxed: a mark is a fact about an immutable node and orders nothing.
    #[inline(always)]
    pub(crate) fn get(&self) -> Mark {
        Mark(self.0.load(Ordering::Relaxed))
    }

    /// The mark, and with it what `read` reads of that which is set with it; none while a thread sets them.
    #[inline]
    pub(crate) fn get_with<T>(&self, read: impl FnOnce() -> T) -> Option<(Mark, T)> {
        let mark = self.0.load(Ordering::Acquire);
        let with = read();
        // Who reads what a thread has set sees at least that the mark was unset before (Boehm, "Can seqlocks get along
        // with programming language memory models?", 2012).
        fence(Ordering::Acquire);
        let is_same = self.0.load(Ordering::Relaxed) == mark;
        (is_same && Mark(mark) != Mark::UNSET).then_some((Mark(mark), with))
    }

    /// Sets a mark that the cell never had, and with it what `write` writes, unless that says no and writes nothing. Does
    /// nothing if another thread is just doing so: that something is stored may be forgotten, it is stored once more then.
    pub(crate) fn set_with(&self, mark: Mark, write: impl FnOnce() -> bool) {
        let now = self.get();
        let unset = Mark::UNSET.0;
        if now == Mark::UNSET || self.0.compare_exchange(now.0, unset, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return;
        }
        fence(Ordering::Release);
        let mark = if write() { mark } else { now };
        self.0.store(mark.0, Ordering::Release)
    }

    /// True if nothing is stored, nor about to be.
    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        self.get() == Mark::NONE
    }
    pub(crate) fn set(&self, mark: Mark) {
        self.0.store(mark.0, Ordering::Relaxed)
    }
    /// Names no place any more; what it carries of the collection's own stays.
    pub(crate) fn forget(&self) {
        if self.get().own().is_none() {
            self.set(Mark::NONE)
        }
    }
}

impl Default for MarkCell {
    #[inline(always)]
    fn default() -> Self {
        MarkCell::new(Mark::NONE)
    }
}
