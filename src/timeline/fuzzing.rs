//! For the fuzz targets only: timelines whose log is in memory. In: segments, an operation that is to fail. Out: timelines, opened as
//! those in a folder; the segments as they left them.
//! Uses: `archive`, `log`, `error`.

use super::{Options, Timeline};
use crate::archive::State;
use crate::error::Result;
use crate::log::simulated::{Faults, Simulated};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A folder that is in memory. Clones are the same one.
#[derive(Clone)]
pub struct Folder(Simulated);

impl Folder {
    /// With these segments, by their first addresses.
    pub fn new(segments: &BTreeMap<u64, Vec<u8>>) -> Self {
        Folder(Simulated::with_files(segments, 1))
    }

    /// As they are now.
    pub fn segments(&self) -> BTreeMap<u64, Vec<u8>> {
        self.0.files()
    }

    /// Of the next writes, changes of length and syncs the one with this number fails, counted from 0; or none does from now on.
    pub fn fail_at(&self, operation: Option<u64>) {
        let mut disk = self.0.disk();
        let fail_at = operation.map(|operation| disk.operations + operation);
        disk.faults = Faults { fail_at, ..Faults::default() }
    }

    /// As `Options::open`.
    pub fn open<T: State>(&self, options: Options<T>, initial: impl FnOnce() -> T) -> Result<Timeline<T>> {
        options.open_in(Arc::new(self.0.clone()), initial)
    }

    /// As `Options::open_read_only`.
    pub fn open_read_only<T: State>(&self, options: Options<T>) -> Result<Timeline<T>> {
        options.read_only_in(Arc::new(self.0.clone()))
    }
}
