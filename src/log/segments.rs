//! The segments of a log, one after the other in its address space.
//! In: places. Out: the file with that place, and where in it.
//! Must hold: segments are in ascending order, and each begins where the one before ends. A file is opened when it is
//! first needed, and stays open.
//! Uses: `error`, `record`, `storage`, `superblock`.

use super::record::UNIT;
use super::storage::{SegmentFile, Storage};
use super::superblock::BLOCK_UNITS;
use crate::error::{Error, ErrorKind, Result};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// All segments of a log.
pub(crate) struct Segments {
    pub(crate) storage: Arc<dyn Storage>,
    may_write: bool,
    list: RwLock<Vec<Segment>>,
}

struct Segment {
    first: u64,
    file: OnceLock<Arc<dyn SegmentFile>>,
}

/// The segment that a place is in.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) file: Arc<dyn SegmentFile>,
    pub(crate) first: u64,
    /// Where the next segment begins.
    pub(crate) next: Option<u64>,
}

impl Site {
    /// Where in the file a place is.
    pub(crate) fn offset(&self, at: u64) -> u64 {
        (at - self.first) * UNIT
    }

    /// Where records may begin.
    pub(crate) fn first_record(&self) -> u64 {
        self.first + BLOCK_UNITS
    }
}

impl Segments {
    pub(crate) fn open(storage: Arc<dyn Storage>, may_write: bool) -> Result<Self> {
        let firsts = storage.segments()?;
        let list = firsts.into_iter().map(|first| Segment { first, file: OnceLock::new() }).collect();
        Ok(Segments { storage, may_write, list: RwLock::new(list) })
    }

    fn list(&self) -> std::sync::RwLockReadGuard<'_, Vec<Segment>> {
        self.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the segments begin, ascending.
    pub(crate) fn firsts(&self) -> Vec<u64> {
        self.list().iter().map(|segment| segment.first).collect()
    }

    /// The segment that `at` is in, or the last one before it.
    #[inline]
    pub(crate) fn site(&self, at: u64) -> Result<Site> {
        let list = self.list();
        let i = list.partition_point(|segment| segment.first <= at);
        let Some(segment) = list[..i].last() else {
            let what = format!("the log {} has no segment for the address {at:#x}: restore it", self.storage.name());
            return Err(Error::new(ErrorKind::Corrupt, what));
        };
        let file = match segment.file.get() {
            Some(file) => file.clone(),
            None => {
                let file = self.storage.open(segment.first, self.may_write)?;
                segment.file.get_or_init(|| file).clone()
            }
        };
        Ok(Site { file, first: segment.first, next: list.get(i).map(|next| next.first) })
    }

    pub(crate) fn push(&self, first: u64, file: Arc<dyn SegmentFile>) {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(list.last().is_none_or(|last| last.first < first));
        list.push(Segment { first, file: OnceLock::from(file) })
    }

    /// Removes all segments that begin behind `at`, the last one first, for good.
    pub(crate) fn remove_behind(&self, at: u64) -> Result<()> {
        let mut is_changed = false;
        while let Some(first) = self.firsts().pop().filter(|&first| first > at) {
            self.storage.remove(first)?;
            self.list.write().unwrap_or_else(PoisonError::into_inner).pop();
            is_changed = true
        }
        if is_changed { self.storage.sync_names() } else { Ok(()) }
    }

    /// The first address of the segment that a place is in.
    pub(crate) fn first_of(&self, at: u64) -> u64 {
        self.firsts().into_iter().rev().find(|&first| first <= at).unwrap_or(0)
    }

    /// Where a place is, as a message says it.
    pub(crate) fn place(&self, at: u64) -> String {
        let first = self.first_of(at);
        format!("log {}, segment {first:011x}, offset {}", self.storage.name(), (at - first) * UNIT)
    }

    /// A `Corrupt` error about a place.
    #[cold]
    pub(crate) fn damage(&self, at: u64, what: impl AsRef<str>) -> Error {
        let advice = "restore a copy, or use what does not need it";
        Error::new(ErrorKind::Corrupt, format!("{}: {}: {advice}", self.place(at), what.as_ref()))
    }
}
