//! Which actions made which versions.
//!
//! In: actions, with the versions that they made. Out: the same of any version.
//! Must hold: in memory, the actions of a version that was let go have gone when the next ones make one.
//! Uses: `timeline`, `archive`, `id`, `error`.

use super::lock;
use crate::archive::{State, Storable};
use crate::error::Result;
use crate::id::VersionId;
use crate::timeline::Reader;
use std::collections::HashMap;
use std::sync::Mutex;

/// Where the actions are.
pub(super) enum Actions<T, A> {
    /// In memory, by the numbers of their versions.
    Kept(Mutex<HashMap<u64, Vec<A>>>),
    /// In the log, with their versions.
    Stored(Codec<T, A>),
}

/// What writes and reads actions, caught where their type's bounds are known.
pub(super) struct Codec<T, A> {
    storable: fn(&Vec<A>) -> &dyn Storable,
    read: Read<T, A>,
}

type Read<T, A> = fn(&Reader<T>, VersionId) -> Result<Option<Vec<A>>>;

impl<T: Clone, A> Actions<T, A> {
    pub(super) fn kept() -> Self {
        Actions::Kept(Mutex::default())
    }

    /// With the versions, wherever those are.
    pub(super) fn beside(reader: &Reader<T>) -> Self
    where
        A: State,
    {
        match reader.is_stored() {
            true => Actions::Stored(Codec { storable: |actions| actions, read: |reader, id| reader.action(id) }),
            false => Self::kept(),
        }
    }

    /// What is to be stored with the version that these are going to make; nothing if there are none.
    pub(super) fn to_store<'a>(&self, actions: &'a Vec<A>) -> Option<&'a dyn Storable> {
        match self {
            Actions::Stored(codec) if !actions.is_empty() => Some((codec.storable)(actions)),
            _ => None,
        }
    }

    /// Notes what has made a version, and forgets what has made those that were let go.
    pub(super) fn made(&self, reader: &Reader<T>, id: VersionId, actions: Vec<A>) {
        let (Actions::Kept(kept), false) = (self, actions.is_empty()) else { return };
        let gone = reader.watch(id);
        let mut kept = lock(kept);
        kept.insert(id.number(), actions);
        let gone: Vec<_> = gone.iter().filter_map(|id| kept.remove(id)).collect();
        drop(kept);
        // Last: these drops are the user's.
        drop(gone)
    }

    /// Those that made a version.
    pub(super) fn of(&self, reader: &Reader<T>, id: VersionId) -> Result<Vec<A>>
    where
        A: Clone,
    {
        let found = match self {
            Actions::Kept(kept) => {
                let found = lock(kept).get(&id.number()).cloned();
                // Last: then the version was there all the while.
                reader.known(id)?;
                found
            }
            Actions::Stored(codec) => (codec.read)(reader, id)?,
        };
        Ok(found.unwrap_or_default())
    }
}
