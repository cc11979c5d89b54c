//! Segments in memory mappings: read where they lie, without a system call.
//! In: a folder. Out: a [`Storage`] that writes as [`Files`] does, and reads from mappings.
//! Must hold: a mapping lies within its file as long as nobody else shortens the file, which is the promise of who opens
//! a log this way; the log itself shortens a file only behind all that readers may read.
//! Uses: `error`, `files`, `storage`.
#![allow(unsafe_code)] // The mapping.

use super::files::{Files, OneFile};
use super::storage::{Mapped, SegmentFile, Storage};
use crate::error::Result;
use memmap2::{Mmap, MmapOptions};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// A folder of segment files that are read through mappings.
pub(crate) struct MappedFiles {
    files: Files,
}

struct MappedFile {
    file: OneFile,
    map: RwLock<Option<Arc<Map>>>,
}

struct Map(Mmap);

impl AsRef<[u8]> for Map {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl MappedFiles {
    /// # Safety
    /// As long as anything of this storage lives, no segment file in the folder is changed or made shorter by anybody but
    /// the one writer of the log: a read from a mapping behind the end of its file ends the process (SIGBUS), and bytes
    /// that change under a `&[u8]` are undefined behaviour. The writer itself appends, and shortens files only where
    /// no reader may read. So: the folder is on a local disk, and nobody copies an older log over it.
    pub(crate) unsafe fn new(folder: impl Into<PathBuf>) -> Self {
        MappedFiles { files: Files::new(folder) }
    }

    fn with_map(file: OneFile) -> Arc<dyn SegmentFile> {
        Arc::new(MappedFile { file, map: RwLock::new(None) })
    }
}

impl MappedFile {
    /// A mapping that has the file up to `end`.
    fn map(&self, end: u64) -> Option<Arc<Map>> {
        let is_enough = |map: &&Arc<Map>| map.0.len() as u64 >= end;
        if let Some(map) = self.map.read().unwrap_or_else(PoisonError::into_inner).as_ref().filter(is_enough) {
            return Some(map.clone());
        }
        let mut own = self.map.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = own.as_ref().filter(is_enough) {
            return Some(map.clone());
        }
        if self.file.len_bytes().ok()? < end {
            return None;
        }
        // SAFETY: the promise of `MappedFiles::new`: nobody shortens the file or changes what is read of it.
        let map = unsafe { MmapOptions::new().map(self.file.file()) }.ok()?;
        // Nodes lie anywhere: what is read ahead of one is of no use. Only advice, so that a failure harms nothing.
        #[cfg(unix)]
        let _ = map.advise(memmap2::Advice::Random);
        let map = Arc::new(Map(map));
        *own = Some(map.clone());
        (map.0.len() as u64 >= end).then_some(map)
    }
}

impl Storage for MappedFiles {
    fn name(&self) -> String {
        self.files.name()
    }

    fn lock(&self) -> Result<Box<dyn Send + Sync>> {
        self.files.lock()
    }

    fn segments(&self) -> Result<Vec<u64>> {
        self.files.segments()
    }

    fn create(&self, first: u64, block: &[u8]) -> Result<Arc<dyn SegmentFile>> {
        self.files.create_file(first, block).map(Self::with_map)
    }

    fn open(&self, first: u64, may_write: bool) -> Result<Arc<dyn SegmentFile>> {
        self.files.open_file(first, may_write).map(Self::with_map)
    }

    fn remove(&self, first: u64) -> Result<()> {
        self.files.remove(first)
    }

    fn sync_names(&self) -> Result<()> {
        self.files.sync_names()
    }

    fn draw_id(&self) -> u64 {
        self.files.draw_id()
    }
}

impl SegmentFile for MappedFile {
    fn len_bytes(&self) -> Result<u64> {
        self.file.len_bytes()
    }

    fn read(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        self.file.read(into, offset)
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write(bytes, offset)
    }

    fn set_len(&self, len_bytes: u64) -> Result<()> {
        // A mapping that is longer than the file is not used again.
        let mut own = self.map.write().unwrap_or_else(PoisonError::into_inner);
        if own.as_ref().is_some_and(|map| map.0.len() as u64 > len_bytes) {
            *own = None
        }
        drop(own);
        self.file.set_len(len_bytes)
    }

    fn sync(&self) -> Result<()> {
        self.file.sync()
    }

    fn mapped(&self, offset: u64, len: usize) -> Option<Mapped> {
        let end = offset.checked_add(len as u64)?;
        let file = self.map(end)?;
        Some(Mapped { file, from: usize::try_from(offset).ok()?, len })
    }
}
