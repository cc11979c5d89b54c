//! The stores of the contest: one small interface, one file for each. In: changes. Out: versions of a map, as far as
//! a store keeps any.

mod fjall;
pub mod floor;
mod lmdb;
mod loro;
pub mod ours;
mod redb;
mod snapshot;
mod sqlite;

use crate::data::{Change, Result, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// Something that stores a map of keys and values.
pub trait Engine {
    /// Makes the changes one version, with this number: 1 for the first, then one more each time.
    fn commit(&mut self, version: u64, changes: &[Change]) -> Result<()>;

    /// What `key` has in the newest version.
    fn get(&mut self, key: &str) -> Result<Option<Value>>;

    /// What `key` had in that version. Asked of those only that keep versions: [`Who::keeps_versions`].
    fn get_at(&mut self, version: u64, key: &str) -> Result<Option<Value>> {
        Err(format!("no {key} at {version}: old versions are not kept").into())
    }

    /// Makes durable what was committed without a sync.
    fn flush(&mut self) -> Result<()>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ours,
    Floor,
    Fjall,
    Sqlite,
    Lmdb,
    LmdbMapped,
    Redb,
    Loro,
    Rkyv,
}

impl Who {
    pub const ALL: [Who; 9] =
        [Who::Ours, Who::Floor, Who::Fjall, Who::Sqlite, Who::Lmdb, Who::LmdbMapped, Who::Redb, Who::Loro, Who::Rkyv];
    /// Those that people use today.
    pub const PEERS: &[Who] = Self::ALL.split_at(2).1;

    pub fn name(self) -> &'static str {
        match self {
            Who::Ours => "ours",
            Who::Floor => "floor",
            Who::Fjall => "fjall",
            Who::Sqlite => "sqlite",
            Who::Lmdb => "lmdb",
            Who::LmdbMapped => "lmdb-map",
            Who::Redb => "redb",
            Who::Loro => "loro",
            Who::Rkyv => "rkyv",
        }
    }

    /// What a commit does: durable, or without a sync.
    pub fn how(self) -> &'static str {
        match self {
            Who::Ours => "Durability::Sync, or None: handed to the system",
            Who::Floor => "as many bytes as ours writes, into a file of zeros; fdatasync, or none",
            Who::Fjall => "journal with SyncData, or Buffer: handed to the system; no versions",
            Who::Sqlite => "rows (key, version) in a write-ahead log; synchronous FULL, or OFF",
            Who::Lmdb => "a transaction; two syncs, or MDB_NOSYNC; no versions",
            Who::LmdbMapped => "the same with MDB_WRITEMAP: without a sync nothing is written but memory",
            Who::Redb => "a transaction; Immediate, or None: nothing is written before the next Immediate; no versions",
            Who::Loro => "a map's operations, their update appended to a file; fdatasync, or none",
            Who::Rkyv => "the whole state into a new file; synced, or not; few commits a row, in turns of their own",
        }
    }

    /// Whether an old version can be read without giving up the newer ones.
    pub fn keeps_versions(self) -> bool {
        matches!(self, Who::Ours | Who::Sqlite | Who::Loro | Who::Rkyv)
    }

    /// Whether a commit writes everything, so that only a few can be waited for.
    pub fn is_slow(self) -> bool {
        self == Who::Rkyv
    }
}

/// How a store is opened, or made where there is none: with commits that are durable when they return, or not.
type Open = fn(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>>;
/// The same of one that must know more.
type OpenWith = dyn Fn(&Path, bool) -> Result<Box<dyn Engine>>;

pub const STORES: [(Who, Open); 8] = [
    (Who::Ours, ours::open),
    (Who::Fjall, fjall::open),
    (Who::Sqlite, sqlite::open),
    (Who::Lmdb, lmdb::open),
    (Who::LmdbMapped, lmdb::open_mapped),
    (Who::Redb, redb::open),
    (Who::Loro, loro::open),
    (Who::Rkyv, snapshot::open),
];

/// A store in its folder, open or not, and how many versions were made in it.
pub struct Contender {
    pub who: Who,
    pub folder: PathBuf,
    open: Box<OpenWith>,
    engine: Option<Box<dyn Engine>>,
    pub versions: u64,
}

impl Contender {
    /// In a folder of its own in `folder`.
    pub fn new(
        who: Who,
        folder: &Path,
        open: impl Fn(&Path, bool) -> Result<Box<dyn Engine>> + 'static,
    ) -> Result<Self> {
        let folder = folder.join(who.name());
        fs::create_dir_all(&folder)?;
        Ok(Contender { who, folder, open: Box::new(open), engine: None, versions: 0 })
    }

    pub fn open(&mut self, is_durable: bool) -> Result<()> {
        self.close()?;
        self.engine = Some((self.open)(&self.folder, is_durable)?);
        Ok(())
    }

    /// Everything durable, and the files as long as they need be.
    pub fn close(&mut self) -> Result<()> {
        self.engine.take().map_or(Ok(()), |mut engine| engine.flush())
    }

    pub fn engine(&mut self) -> &mut dyn Engine {
        self.engine.as_deref_mut().expect("it was opened")
    }

    pub fn commit(&mut self, changes: &[Change]) -> Result<()> {
        self.versions += 1;
        let version = self.versions;
        self.engine().commit(version, changes)
    }
}
