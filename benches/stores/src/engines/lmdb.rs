//! LMDB, through heed: a transaction a commit, with its two syncs or with `MDB_NOSYNC`; once as it is by itself, and
//! once with `MDB_WRITEMAP`. It keeps no versions.

use super::Engine;
use crate::data::{Change, Result, Value};
use heed::types::{Bytes, Str};
use heed::{Database, Env, EnvFlags, EnvOpenOptions};
use std::path::Path;

/// Address space, not memory: more than any row needs.
const MAP_BYTES: usize = 8 << 30;

struct Lmdb {
    env: Env,
    entries: Database<Str, Bytes>,
}

pub fn open(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    open_with(folder, is_durable, EnvFlags::empty())
}

/// Writing through the map: faster without syncs, and a stray pointer of the program may damage the file.
pub fn open_mapped(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    open_with(folder, is_durable, EnvFlags::WRITE_MAP)
}

fn open_with(folder: &Path, is_durable: bool, mut flags: EnvFlags) -> Result<Box<dyn Engine>> {
    let mut options = EnvOpenOptions::new();
    flags.set(EnvFlags::NO_SYNC, !is_durable);
    // SAFETY: without syncs a loss of power may damage the file; it is a bench's, and is thrown away.
    unsafe { options.map_size(MAP_BYTES).flags(flags) };
    // SAFETY: the folder is this run's own: nobody else changes the mapped file.
    let env = unsafe { options.open(folder)? };
    let mut transaction = env.write_txn()?;
    let entries = env.create_database(&mut transaction, None)?;
    transaction.commit()?;
    Ok(Box::new(Lmdb { env, entries }))
}

impl Engine for Lmdb {
    fn commit(&mut self, _version: u64, changes: &[Change]) -> Result<()> {
        let mut transaction = self.env.write_txn()?;
        for (key, value) in changes {
            self.entries.put(&mut transaction, key, value)?
        }
        Ok(transaction.commit()?)
    }

    fn get(&mut self, key: &str) -> Result<Option<Value>> {
        let transaction = self.env.read_txn()?;
        let value = self.entries.get(&transaction, key)?;
        Ok(value.map(Value::try_from).transpose()?)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.env.force_sync()?)
    }
}
