//! Values in a record's bytes, as rkyv checks them; and how deep they may be nested in one record.
//!
//! In: bytes. Out: a value where it lies, all of it checked.
//! Must hold: what is nested as deep as bytes can say is an error, and no overflow of the stack: a type that holds itself, by a
//! `Box` say, is written, checked and read by recursion. What was written can be read: writing may take a quarter of the
//! stack that checking may take.
//! Uses: `images`, `error`.
#![allow(unsafe_code)] // A context for rkyv's checks: docs/ARCHITECTURE.md, "Unsafe".

use super::images::ArchivedLast;
use crate::error::{Error, ErrorKind, Result};
use rkyv::Portable;
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Strategy;
use rkyv::validation::archive::ArchiveValidator;
use rkyv::validation::shared::SharedValidator;
use rkyv::validation::{ArchiveContext, Validator};
use std::alloc::Layout;
use std::hint::black_box;
use std::ops::Range;

/// What checks a value. For bounds only.
pub type Check<'a> = Strategy<Validator<Within<'a>, SharedValidator>, Error>;

/// So much stack may be taken to check a value: half of what a thread has that Rust makes. Making the value takes less.
const MOST_TO_CHECK: usize = 1 << 20;
/// And so much to write one. A `Box` in a `Box` takes 64 bytes of it, and 48 to be checked; without optimisation 530 and 868.
const MOST_TO_WRITE: usize = MOST_TO_CHECK / 4;

/// A place on the stack, from which on it is measured.
#[derive(Clone, Copy, Default)]
pub(super) struct Top(usize);

impl Top {
    #[inline(always)]
    pub(super) fn here() -> Self {
        let here = 0u8;
        Top(black_box(&raw const here).addr())
    }

    /// # Errors
    /// `Invalid` if what is being written since is nested too deep.
    #[inline(always)]
    pub(super) fn check_written(self) -> Result<()> {
        if self.is_within(MOST_TO_WRITE) { Ok(()) } else { Err(too_deep(ErrorKind::Invalid, "written: nest it less")) }
    }

    #[inline(always)]
    fn is_within(self, most: usize) -> bool {
        self.0.abs_diff(Top::here().0) <= most
    }
}

#[cold]
fn too_deep(kind: ErrorKind, what: &str) -> Error {
    Error::new(kind, format!("a value is nested in itself deeper than can be {what}"))
}

/// Bounds of what is checked, of bytes and of the stack.
pub struct Within<'a> {
    bytes: ArchiveValidator<'a>,
    top: Top,
}

// SAFETY: what is within the bytes says rkyv's own validator, which is asked each time.
unsafe impl ArchiveContext<Error> for Within<'_> {
    fn check_subtree_ptr(&mut self, at: *const u8, layout: &Layout) -> Result<()> {
        self.bytes.check_subtree_ptr(at, layout)
    }

    unsafe fn push_subtree_range(&mut self, root: *const u8, end: *const u8) -> Result<Range<usize>> {
        if !self.top.is_within(MOST_TO_CHECK) {
            return Err(too_deep(ErrorKind::Corrupt, "read; an optimised build may go deeper"));
        }
        // SAFETY: the caller's promise.
        unsafe { self.bytes.push_subtree_range(root, end) }
    }

    unsafe fn pop_subtree_range(&mut self, range: Range<usize>) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.bytes.pop_subtree_range(range) }
    }
}

/// What was written last, if it is there whole.
pub(super) fn last<T>(bytes: &[u8]) -> Result<&T>
where
    T: Portable,
    ArchivedLast<T>: for<'a> CheckBytes<Check<'a>>,
{
    let within = Within { bytes: ArchiveValidator::new(bytes), top: Top::here() };
    let mut check = Validator::new(within, SharedValidator::new());
    rkyv::api::access_with_context::<ArchivedLast<T>, _, Error>(bytes, &mut check).map(|last| &last.0)
}
