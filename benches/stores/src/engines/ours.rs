//! This crate: a timeline of a map. In: changes. Out: versions, any of which can be read.

use super::Engine;
use crate::data::{Change, Result, Value};
use backstory::{Durability, HashMap, Timeline, VersionId};
use std::path::Path;

pub type State = HashMap<String, Value>;

struct Ours {
    timeline: Timeline<State>,
}

pub fn open(folder: &Path, is_durable: bool) -> Result<Box<dyn Engine>> {
    Ok(Box::new(Ours { timeline: timeline(folder, is_durable)? }))
}

pub fn timeline(folder: &Path, is_durable: bool) -> backstory::Result<Timeline<State>> {
    let durability = if is_durable { Durability::Sync } else { Durability::None };
    Timeline::options().durability(durability).open(folder, State::new)
}

/// The same, read through a mapping.
pub fn mapped_timeline(folder: &Path) -> backstory::Result<Timeline<State>> {
    // SAFETY: nobody else touches the folder while this program measures.
    unsafe { Timeline::options().durability(Durability::None).open_mmap(folder, State::new) }
}

impl Engine for Ours {
    fn commit(&mut self, version: u64, changes: &[Change]) -> Result<()> {
        let edit = self.timeline.edit("set", |state| state.extend(changes.iter().cloned()))?;
        // Version 0 is the empty map.
        if edit.version == Some(VersionId::new(version)) {
            Ok(())
        } else {
            Err(format!("made {:?}, not version {version}", edit.version).into())
        }
    }

    fn get(&mut self, key: &str) -> Result<Option<Value>> {
        Ok(self.timeline.state().get(key).copied())
    }

    fn get_at(&mut self, version: u64, key: &str) -> Result<Option<Value>> {
        Ok(self.timeline.at(VersionId::new(version))?.get(key).copied())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.timeline.flush()?)
    }
}
