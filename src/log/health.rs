//! Whether a log still takes something, and its syncs, one at a time.
//! In: files to sync, failures. Out: an error for all that comes after a failure.
//! Must hold: **L6**; and no sync that succeeds after one that failed is believed, on whichever thread: the system reports a
//! failure once.
//! Uses: `error`, `storage`.

use super::storage::SegmentFile;
use crate::error::{Error, ErrorKind, Result};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What all who write to a log share.
pub(super) struct Health {
    /// What the log is called.
    name: String,
    /// What failed.
    failed: OnceLock<String>,
    syncing: Mutex<()>,
}

impl Health {
    pub(super) fn new(name: String) -> Self {
        Health { name, failed: OnceLock::new(), syncing: Mutex::new(()) }
    }

    pub(super) fn fail(&self, error: &Error) {
        // The first failure is what counts.
        let _ = self.failed.set(error.to_string());
    }

    pub(super) fn is_good(&self) -> bool {
        self.failed.get().is_none()
    }

    /// # Errors
    /// `Io` if a write or a sync failed before.
    pub(super) fn check(&self) -> Result<()> {
        let Some(failed) = self.failed.get() else { return Ok(()) };
        let what = format!("the log {} takes no more since this failed: {failed}: open it again", self.name);
        Err(Error::new(ErrorKind::Io, what))
    }

    /// Makes a file durable.
    ///
    /// # Errors
    /// `Io`; the log takes no more then.
    pub(super) fn sync(&self, file: &dyn SegmentFile) -> Result<()> {
        let _one = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        self.check()?;
        file.sync().inspect_err(|error| self.fail(error))
    }
}
