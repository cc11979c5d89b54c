//! redb: a transaction a commit, `Immediate` or without a sync. It keeps no versions: a savepoint for each would, at
//! a cost of its own, and is restored by giving up all that came after.

use super::Engine;
use crate::data::{Change, Result, Value};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use std::path::Path;

const TABLE: TableDefinition<&str, &Value> = TableDefinition::new("entries");

struct Redb {
    database: Database,
    durability: Durability,
}

pub fn open(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    let durability = if is_durable { Durability::Immediate } else { Durability::None };
    Ok(Box::new(Redb { database: Database::create(folder.join("redb"))?, durability }))
}

impl Engine for Redb {
    fn commit(&mut self, _version: u64, changes: &[Change]) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(self.durability)?;
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in changes {
            table.insert(key.as_str(), value)?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn get(&mut self, key: &str) -> Result<Option<Value>> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        Ok(table.get(key)?.map(|value| *value.value()))
    }

    fn flush(&mut self) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        Ok(transaction.commit()?)
    }
}
