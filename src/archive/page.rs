//! Records as they were read, with where they are from: what views borrow from and what typed reading begins with.
//!
//! In: addresses, roots in stamps. Out: pages; what they refer to.
//! Uses: `log`, `loader`, `shape`, `vector`, `link`, `id`, `error`.

use super::loader::{Library, Loader};
use super::shape::{Form, Inner, Shape, sides};
use crate::error::{Error, Result};
use crate::id::Address;
use crate::link::corrupt;
use crate::log::{Record, Root};
use crate::vector::{Base, StoredLink};
use std::sync::Arc;

/// A record, its address and its log. Cheap to clone and to hold on to.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) library: Arc<Library>,
    pub(super) record: Record,
    /// The record's, which is above all that it refers to.
    pub(super) at: Address,
}

impl Page {
    pub(super) fn read(library: &Arc<Library>, at: Address) -> Result<Self> {
        Ok(Page { library: library.clone(), record: library.read(at)?, at })
    }

    /// The root of a version whose stamp is at this address.
    pub(super) fn of_root(library: &Arc<Library>, root: &Root, stamp: Address) -> Result<Self> {
        match root {
            Root::At(at) => Self::read(library, *at),
            Root::Inline(bytes) => {
                let (kind, body) = Root::split_inline(bytes).ok_or_else(|| corrupt(stamp, "an empty root"))?;
                Ok(Page { library: library.clone(), record: Record::owned(kind, body), at: stamp })
            }
            Root::None => Err(corrupt(stamp, "a version without a state")),
        }
    }

    pub(super) fn shape(&self) -> Result<Shape<'_>> {
        Shape::of(self.record.kind(), self.record.body(), self.at)
    }

    /// Reads this record's values.
    pub(super) fn loader(&self) -> Loader {
        Loader::new(self.library.clone(), self.at)
    }

    /// The base of a leaf of a vector that is stored as a splice.
    pub(super) fn whole(&self, base: Base) -> Result<Page> {
        let whole = Page::read(&self.library, base.at)?;
        match whole.shape()?.form {
            Form::Row(None, _) => Ok(whole),
            _ => Err(self.wrong(NOT_WHOLE)),
        }
    }

    /// All links of a vector's inner node, those included that its base has.
    pub(super) fn links(&self, Inner { base, links, .. }: Inner) -> Result<Vec<StoredLink>> {
        let Some(base) = base else { return Ok(links) };
        let Form::Inner(Inner { base: None, links: of_base, .. }) = Page::read(&self.library, base.at)?.shape()?.form
        else {
            return Err(self.wrong(NOT_WHOLE));
        };
        let (front, back) = sides(&of_base, base, self.at)?;
        Ok([front, &links, back].concat())
    }

    pub(super) fn wrong(&self, what: &str) -> Error {
        corrupt(self.at, what)
    }
}

const NOT_WHOLE: &str = "a splice of what is not stored whole";
