//! Where segments are kept. In: bytes at offsets. Out: the same bytes, and promises about what survives.
//! Must hold: what the tests in `tests_storage.rs` ask of every storage.
//! Uses: `error`. Implementations: `files`, `mapped`, and `simulated` for tests and fuzz targets.

use crate::error::Result;
use std::sync::Arc;

/// A folder of segment files, each named by its first address.
pub(crate) trait Storage: Send + Sync {
    /// What messages call it.
    fn name(&self) -> String;

    /// Makes the folder if it is not there, and takes the one lock that a writer needs, until the result is dropped.
    ///
    /// # Errors
    /// `Locked` if another writer holds it.
    fn lock(&self) -> Result<Box<dyn Send + Sync>>;

    /// The first addresses of all segments, ascending; none if there is no folder.
    fn segments(&self) -> Result<Vec<u64>>;

    /// A new segment file with this first block, in place of one of that name. It is there whole or not at all, whatever
    /// happens meanwhile, and durable when this returns.
    fn create(&self, first: u64, block: &[u8]) -> Result<Arc<dyn SegmentFile>>;

    /// # Errors
    /// `NotFound` if there is none.
    fn open(&self, first: u64, may_write: bool) -> Result<Arc<dyn SegmentFile>>;

    /// Removes a segment file; for good after [`sync_names`](Self::sync_names).
    fn remove(&self, first: u64) -> Result<()>;

    /// Makes durable which segment files were removed.
    fn sync_names(&self) -> Result<()>;

    /// A number that no other log has, most likely.
    fn draw_id(&self) -> u64;
}

/// One segment's file.
pub(crate) trait SegmentFile: Send + Sync {
    fn len_bytes(&self) -> Result<u64>;

    /// Fills `into` from `offset` on, as far as the file goes. How many bytes that were.
    fn read(&self, into: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes all of `bytes`, or fails with any part of it written.
    fn write(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// Cuts the file, or extends it by zeros.
    fn set_len(&self, len_bytes: u64) -> Result<()>;

    /// Makes the file's bytes and length durable. After a failure nothing is known of what was written since the last success.
    fn sync(&self) -> Result<()>;

    /// The bytes where they lie in memory, if this storage maps files and they are within this one.
    fn mapped(&self, _offset: u64, _len: usize) -> Option<Mapped> {
        None
    }
}

/// Bytes that stay where they are as long as this lives.
#[derive(Clone)]
pub(crate) struct Mapped {
    pub(crate) file: Arc<dyn AsRef<[u8]> + Send + Sync>,
    pub(crate) from: usize,
    pub(crate) len: usize,
}

impl Mapped {
    pub(crate) fn bytes(&self) -> &[u8] {
        &(*self.file).as_ref()[self.from..self.from + self.len]
    }
}
