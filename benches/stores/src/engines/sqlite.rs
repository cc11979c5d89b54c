//! SQLite, with its versions as rows (key, version): a write-ahead log, `synchronous` FULL or OFF, prepared
//! statements. Any version of a key is one search.

use super::Engine;
use crate::data::{Change, Result, Value};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

const INSERT: &str = "INSERT INTO entries (key, version, value) VALUES (?1, ?2, ?3)";
const GET: &str = "SELECT value FROM entries WHERE key = ?1 AND version <= ?2 ORDER BY version DESC LIMIT 1";

struct Sqlite {
    connection: Connection,
    synchronous: &'static str,
}

pub fn open(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    let connection = Connection::open(folder.join("sqlite"))?;
    let synchronous = if is_durable { "FULL" } else { "OFF" };
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {synchronous};
         -- 64 MiB: by itself it takes 2, of which even the inner pages of a million entries fill much.
         PRAGMA cache_size = -65536;
         CREATE TABLE IF NOT EXISTS entries (
             key TEXT, version INTEGER, value BLOB, PRIMARY KEY (key, version)
         ) WITHOUT ROWID;"
    ))?;
    Ok(Box::new(Sqlite { connection, synchronous }))
}

impl Engine for Sqlite {
    fn commit(&mut self, version: u64, changes: &[Change]) -> Result<()> {
        // One statement is a transaction by itself.
        let transaction = match changes.len() {
            1 => None,
            _ => Some(self.connection.unchecked_transaction()?),
        };
        let mut insert = self.connection.prepare_cached(INSERT)?;
        for (key, value) in changes {
            insert.execute(params![key, version as i64, value])?;
        }
        Ok(transaction.map_or(Ok(()), |transaction| transaction.commit())?)
    }

    fn get(&mut self, key: &str) -> Result<Option<Value>> {
        self.get_at(i64::MAX as u64, key)
    }

    fn get_at(&mut self, version: u64, key: &str) -> Result<Option<Value>> {
        let mut get = self.connection.prepare_cached(GET)?;
        Ok(get.query_row(params![key, version as i64], |row| row.get(0)).optional()?)
    }

    /// Into the database's own file, and synced.
    fn flush(&mut self) -> Result<()> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(self.connection.pragma_update(None, "synchronous", self.synchronous)?)
    }
}
