//! fjall: a log-structured merge tree, its journal synced at each commit or handed to the system. It keeps no versions.

use super::Engine;
use crate::data::{Change, Result, Value};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::Path;

struct Fjall {
    database: Database,
    entries: Keyspace,
    mode: PersistMode,
}

pub fn open(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    let database = Database::builder(folder).open()?;
    let entries = database.keyspace("entries", KeyspaceCreateOptions::default)?;
    let mode = if is_durable { PersistMode::SyncData } else { PersistMode::Buffer };
    Ok(Box::new(Fjall { database, entries, mode }))
}

impl Engine for Fjall {
    fn commit(&mut self, _version: u64, changes: &[Change]) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(self.mode));
        for (key, value) in changes {
            batch.insert(&self.entries, key.as_str(), *value)
        }
        Ok(batch.commit()?)
    }

    fn get(&mut self, key: &str) -> Result<Option<Value>> {
        let value = self.entries.get(key)?;
        Ok(value.map(|value| Value::try_from(&*value)).transpose()?)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
