//! loro: a map in a document; a commit is one operation for each key, and its update, exported, is appended to a
//! file. Any version can be checked out.
//!
//! The file is a row of frames: how long the update is, how many operations there are with it, the update.

use super::Engine;
use crate::data::{Change, Result, Value};
use loro::{ExportMode, Frontiers, ID, LoroDoc, LoroMap, LoroValue, ValueOrContainer};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// One writer, who comes back after each opening.
const PEER: u64 = 1;

struct Loro {
    document: LoroDoc,
    entries: LoroMap,
    file: File,
    is_durable: bool,
    /// How many operations each version has, the first one first.
    ends: Vec<u64>,
}

pub fn open(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    let path = folder.join("loro");
    let file = OpenOptions::new().create(true).append(true).open(&path)?;
    let (mut updates, mut ends, bytes) = (Vec::new(), Vec::new(), std::fs::read(&path)?);
    let mut rest = &bytes[..];
    while let Some((len, behind)) = rest.split_first_chunk() {
        let (end, behind) = behind.split_first_chunk().ok_or("a frame without its number of operations")?;
        let (update, behind) = behind.split_at(u64::from_le_bytes(*len) as usize);
        ends.push(u64::from_le_bytes(*end));
        updates.push(update.to_vec());
        rest = behind
    }
    let document = LoroDoc::new();
    document.import_batch(&updates)?;
    document.set_peer_id(PEER)?;
    let entries = document.get_map("entries");
    Ok(Box::new(Loro { document, entries, file, is_durable, ends }))
}

impl Engine for Loro {
    fn commit(&mut self, _version: u64, changes: &[Change]) -> Result<()> {
        self.document.checkout_to_latest();
        let before = self.document.oplog_vv();
        for (key, value) in changes {
            self.entries.insert(key, value.to_vec())?
        }
        self.document.commit();
        let update = self.document.export(ExportMode::updates(&before))?;
        let end = self.document.len_ops() as u64;
        let frame = [&(update.len() as u64).to_le_bytes()[..], &end.to_le_bytes(), &update].concat();
        self.file.write_all(&frame)?;
        self.ends.push(end);
        if self.is_durable {
            self.file.sync_data()?
        }
        Ok(())
    }

    fn get(&mut self, key: &str) -> Result<Option<Value>> {
        match self.entries.get(key) {
            Some(ValueOrContainer::Value(LoroValue::Binary(bytes))) => Ok(Some(Value::try_from(&bytes[..])?)),
            _ => Ok(None),
        }
    }

    fn get_at(&mut self, version: u64, key: &str) -> Result<Option<Value>> {
        let end = self.ends[version as usize - 1] as i32;
        self.document.checkout(&Frontiers::from(ID::new(PEER, end - 1)))?;
        self.get(key)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }
}
