//! rkyv, the whole state at each commit: a std map, archived into a file of its own for every version. In: changes.
//! Out: files, any of which can be read, as a whole.

use super::Engine;
use crate::data::{Change, Result, Value};
use rkyv::collections::swiss_table::ArchivedHashMap;
use rkyv::rancor;
use rkyv::string::ArchivedString;
use rkyv::util::AlignedVec;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

type State = HashMap<String, Value>;
type Archived = ArchivedHashMap<ArchivedString, Value>;

struct Snapshots {
    folder: PathBuf,
    is_durable: bool,
    last: u64,
    /// Files that were not synced yet.
    unsynced: Vec<File>,
    /// The newest version, if it was looked at and not thawed.
    archived: Option<AlignedVec>,
    state: Option<State>,
}

pub fn open(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    let last = fs::read_dir(folder)?.count() as u64;
    let state = (last == 0).then(State::new);
    Ok(Box::new(Snapshots { folder: folder.to_owned(), is_durable, last, unsynced: Vec::new(), archived: None, state }))
}

impl Snapshots {
    fn read(&self, version: u64) -> Result<AlignedVec> {
        let mut bytes = AlignedVec::new();
        bytes.extend_from_reader(&mut File::open(self.folder.join(version.to_string()))?)?;
        Ok(bytes)
    }
}

fn look(bytes: &AlignedVec, key: &str) -> Result<Option<Value>> {
    Ok(rkyv::access::<Archived, rancor::Error>(bytes)?.get(key).copied())
}

impl Engine for Snapshots {
    fn commit(&mut self, version: u64, changes: &[Change]) -> Result<()> {
        let mut state = match self.state.take() {
            Some(state) => state,
            None => rkyv::from_bytes::<State, rancor::Error>(&self.read(self.last)?)?,
        };
        state.extend(changes.iter().cloned());
        let bytes = rkyv::to_bytes::<rancor::Error>(&state)?;
        let mut file = File::create_new(self.folder.join(version.to_string()))?;
        file.write_all(&bytes)?;
        self.unsynced.push(file);
        if self.is_durable {
            self.flush()?
        }
        (self.state, self.archived, self.last) = (Some(state), None, version);
        Ok(())
    }

    fn get(&mut self, key: &str) -> Result<Option<Value>> {
        if let Some(state) = &self.state {
            return Ok(state.get(key).copied());
        }
        let bytes = self.archived.take().map_or_else(|| self.read(self.last), Ok)?;
        look(self.archived.insert(bytes), key)
    }

    fn get_at(&mut self, version: u64, key: &str) -> Result<Option<Value>> {
        look(&self.read(version)?, key)
    }

    fn flush(&mut self) -> Result<()> {
        self.unsynced.drain(..).try_for_each(|file| file.sync_all())?;
        Ok(File::open(&self.folder)?.sync_all()?)
    }
}
