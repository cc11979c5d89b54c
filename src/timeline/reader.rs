//! Readers: all versions of a timeline, beside whoever makes new ones.
//!
//! In: numbers of versions. Out: states, and what is known of versions.
//! Uses: `home`, `archive`, `log`, `id`, `error`.

use super::Version;
use super::home::{Made, Past};
use crate::archive::{State, View};
use crate::error::{Result, caught};
use crate::id::{Digest, VersionId};
use crate::log::{Report, Sharing};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Reads the versions of a timeline, from any thread, while others are made. Cloning is cheap.
pub struct Reader<T> {
    pub(super) past: Past<T>,
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Reader { past: self.past.clone() }
    }
}

impl<T: Clone> Reader<T> {
    pub(super) fn new(past: Past<T>) -> Self {
        Reader { past }
    }

    /// The state of a version, to keep. Time: O(1).
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub fn at(&self, id: VersionId) -> Result<T> {
        self.past.state(self.past.known(id)?).map(Arc::unwrap_or_clone)
    }

    /// What is known of a version.
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub fn version(&self, id: VersionId) -> Result<Version> {
        let id = self.known(id)?;
        Ok(described(id, self.past.made(id)?))
    }

    /// As [`Timeline::diff`](crate::Timeline::diff).
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub fn diff<R>(&self, a: VersionId, b: VersionId, select: impl Fn(&T) -> R) -> Result<(R, R)> {
        let (a, b) = (self.at(a)?, self.at(b)?);
        caught(|| (select(&a), select(&b)))
    }

    /// As [`Timeline::verify`](crate::Timeline::verify): of all that is there when it begins.
    ///
    /// # Errors
    /// `Io`. Damage is in the report.
    pub fn verify(&self) -> Result<Report> {
        self.past.verify()
    }

    /// What of the log belongs to one version alone, and what several share: of all that is there when it begins. In memory
    /// nothing is counted.
    ///
    /// Time: O(log's bytes), two reads of each. Memory: three bits for each 8 bytes of the log.
    ///
    /// # Errors
    /// `Corrupt` if not all of it is whole: [`verify`](Self::verify) says what; `Io`.
    ///
    /// ```
    /// use backstory::{Timeline, Vector};
    ///
    /// # let path = std::env::temp_dir().join(format!("backstory-doc-sharing-{}", std::process::id()));
    /// let mut timeline = Timeline::open(&path, || (0..10_000).collect::<Vector<u64>>())?;
    /// timeline.edit("one of them", |list| list[5000] = 7)?;
    /// let sharing = timeline.reader().sharing()?;
    /// assert!(sharing.shared_bytes > 20 * sharing.own_bytes);
    /// # drop(timeline);
    /// # std::fs::remove_dir_all(&path).unwrap();
    /// # Ok::<(), backstory::Error>(())
    /// ```
    pub fn sharing(&self) -> Result<Sharing> {
        match &self.past {
            Past::Memory(_) => Ok(Sharing::default()),
            Past::Stored(stored) => stored.sharing(),
        }
    }

    /// How many versions there are.
    pub(crate) fn count(&self) -> u64 {
        self.past.count()
    }

    /// Where the log ends; 0 if there is none.
    pub(crate) fn end(&self) -> u64 {
        match &self.past {
            Past::Memory(_) => 0,
            Past::Stored(stored) => stored.end(),
        }
    }

    /// True if versions are kept in a log.
    pub(crate) fn is_stored(&self) -> bool {
        matches!(self.past, Past::Stored(_))
    }

    /// The action that is stored with a version; none if there is none.
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub(crate) fn action<A: State>(&self, id: VersionId) -> Result<Option<A>> {
        let id = self.known(id)?;
        match &self.past {
            Past::Memory(_) => Ok(None),
            Past::Stored(stored) => stored.action(id),
        }
    }

    /// The number of a version that there is.
    ///
    /// # Errors
    /// `NotFound` if there is no such version.
    pub(crate) fn known(&self, id: VersionId) -> Result<u64> {
        self.past.known(id)
    }

    /// A version and its ancestors, back to the first; of a group only the last one. It ends at the last one that is
    /// kept, also where what comes next is let go meanwhile.
    ///
    /// What it gives is `NotFound` if there is no version `from`, or what the storage says; it ends then.
    pub fn log(&self, from: VersionId) -> impl Iterator<Item = Result<Version>> + use<T> {
        let (past, mut next) = (self.past.clone(), Some(self.past.known(from)));
        std::iter::from_fn(move || {
            let found = next.take()?.and_then(|id| Ok((id, past.next(id)?)));
            Some(match found {
                Ok((id, Some((at, made)))) if at == id => {
                    next = past.stop_before(id).transpose();
                    Ok(described(id, made))
                }
                // It was let go since.
                Ok(_) => return None,
                Err(error) => Err(error),
            })
        })
    }

    /// All versions that are kept, the oldest first: also those that the timeline makes meanwhile, and none that is let go
    /// meanwhile. At the newest one it ends for good. Of a timeline that was opened
    /// [read-only](crate::Options::open_read_only) it shows what was there then: open it again for what others have made since.
    ///
    /// What it gives in place of a version that cannot be read is what the storage says; it goes on then.
    pub fn versions(&self) -> impl Iterator<Item = Result<Version>> + use<T> {
        let (past, mut from) = (self.past.clone(), 0);
        let next = move || {
            let found = past.next(from).transpose()?;
            from = found.as_ref().map_or(from, |(id, _)| *id) + 1;
            Some(found.map(|(id, made)| described(id, made)))
        };
        std::iter::from_fn(next).fuse()
    }

    /// Asks to be told when a version is let go. Gives those of which that was asked and that have gone since. O(1).
    pub(crate) fn watch(&self, id: VersionId) -> Vec<u64> {
        match &self.past {
            Past::Memory(memory) => memory.watch(id.number()),
            Past::Stored(_) => Vec::new(),
        }
    }
}

impl<T: State> Reader<T> {
    /// The state of a version where it is stored: zero-copy, without nodes in memory. See [`View`].
    ///
    /// Cost: its stamp and its root are read, and of collections what is looked at.
    ///
    /// # Errors
    /// `NotFound` if there is no such version; `Invalid` of a timeline in memory, where nothing is stored; what the storage
    /// says.
    pub fn view(&self, id: VersionId) -> Result<View<T::Archived>> {
        self.past.view(self.past.known(id)?)
    }

    /// As [`Timeline::digest`](crate::Timeline::digest).
    ///
    /// # Errors
    /// `NotFound` if there is no such version; `Invalid` if collections are nested more than 128 deep; what the storage says.
    pub fn digest(&self, id: VersionId) -> Result<Digest> {
        self.past.digest(self.past.known(id)?)
    }
}

/// What is said of a version.
pub(super) fn described(id: u64, made: Made) -> Version {
    Version {
        id: VersionId::new(id),
        parent: (id != 0).then(|| VersionId::new(made.line.parent)),
        depth: made.line.depth,
        time: SystemTime::UNIX_EPOCH + Duration::from_micros(made.time_us),
        label: made.label.into(),
        author: made.author.map(Into::into),
        joins: made.line.joins > 0,
    }
}
