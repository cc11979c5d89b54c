//! A timeline moved to a new log, its states made into others.
//!
//! In: a timeline, and what makes a new state of an old one. Out: a log with the same tree of versions.
//! Must hold: there is a log under its name when it is complete, and not before; from its first byte on nobody else writes to
//! it.
//! Uses: `home`, `stored`, `log`, `link`, `history`, `archive`, `error`.

use super::home::{Home, Past};
use super::stored::{Stored, Writer};
use super::{Durability, Options, Timeline};
use crate::archive::{State, Storable};
use crate::error::{Error, ErrorKind, Result, caught};
use crate::history::Names;
use crate::link::Session;
use crate::log::{Files, Lock, Log};
use std::path::Path;
use std::sync::Arc;

impl<T: State> Timeline<T> {
    /// Writes all versions of a timeline into a new log in the folder `path`, each with the state that `f` makes of its own,
    /// and opens it. For a state whose type has changed; for a timeline in memory that is to be kept. See
    /// [`Options::migrate`].
    ///
    /// ```
    /// use backstory::{HashMap, Timeline};
    /// use rkyv::{Archive, Deserialize, Serialize};
    ///
    /// #[derive(Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
    /// struct Old {
    ///     pages: HashMap<String, String>,
    /// }
    ///
    /// #[derive(Clone, PartialEq, Archive, Serialize, Deserialize)]
    /// struct New {
    ///     pages: HashMap<String, String>,
    ///     author: String,
    /// }
    ///
    /// # let path = std::env::temp_dir().join(format!("backstory-doc-migrate-{}", std::process::id()));
    /// # std::fs::create_dir(&path).unwrap();
    /// let old = Timeline::open(path.join("old"), Old::default)?;
    /// let new = Timeline::migrate(&old, path.join("new"), |Old { pages }| New { pages, author: "ann".into() })?;
    /// assert_eq!((new.head(), &*new.state().author), (old.head(), "ann"));
    /// # drop((old, new));
    /// # std::fs::remove_dir_all(&path).unwrap();
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Options::migrate`].
    pub fn migrate<Old>(old: &Timeline<Old>, path: impl AsRef<Path>, f: impl FnMut(Old) -> T) -> Result<Self>
    where
        Old: Clone + PartialEq + 'static,
    {
        Self::options().migrate(old, path, f)
    }
}

impl<T: State> Options<T> {
    /// Writes all versions of `old` into a new log in the folder `path`, each with the state that `f` makes of its own, and
    /// opens it. Versions keep their numbers, parents, times, labels, actions, authors and groups; head, tip and names are as they are in
    /// `old`, which does not change. Actions that a [`Store`](crate::Store) keeps in memory stay there.
    ///
    /// What `f` passes on of a collection is not read: its records are moved as they are, and versions share them as they
    /// did. Until all is written the log is in a folder beside `path`, with `.unready` behind its name. States are compared
    /// with what was written only if [`check_roundtrip`](Options::check_roundtrip) is asked for, which reads each state as a whole.
    ///
    /// Time: O(what there is in `old`). Memory: two addresses in a hash table for each of its records that is moved.
    ///
    /// # Errors
    /// `Conflict` if `path` holds a log, `Invalid` if it holds something else or the options are of timelines in memory, `Locked` if
    /// a log for it is just being written; `NotFound` if `old` is in memory and has let versions go; `Corrupt` if something in
    /// `old` cannot be read; `Io`. There is no log in `path` then, nor if `f` panics; unless only the last sync, or the
    /// opening, has failed.
    pub fn migrate<Old>(
        self,
        old: &Timeline<Old>,
        path: impl AsRef<Path>,
        mut f: impl FnMut(Old) -> T,
    ) -> Result<Timeline<T>>
    where
        Old: Clone + PartialEq + 'static,
    {
        self.check()?;
        let files = Files::new(path.as_ref());
        files.check_free()?;
        let unready = Unready::begin(&files)?;
        let mut home = self.new_home(unready.beside.with_lock(unready.lock.clone()), old)?;
        for id in 0..old.home.past.count() {
            let state = Arc::unwrap_or_clone(old.home.past.state(id)?);
            let state = Arc::new(caught(|| f(state))?);
            let action = match &old.home.past {
                Past::Memory(_) => None,
                Past::Stored(stored) => stored.moved_action(id)?,
            };
            let action = action.as_ref().map(|action| action as &dyn Storable);
            home.append(&state, old.home.past.made(id)?, false, action)?;
        }
        home.note(old.head, old.tip, (old.names != Names::default()).then_some((&old.names, None)))?;
        home.flush()?;
        drop(home);
        let files = unready.rename(&files)?;
        self.open_with(Arc::new(files), || Err(Error::new(ErrorKind::NotFound, "the log has gone again")))
    }

    /// Versions in a new log, of which there are none yet.
    fn new_home<Old>(&self, storage: Files, old: &Timeline<Old>) -> Result<Home<T>> {
        let (log, last) = Log::open(Arc::new(storage), self.log_options())?;
        let session = Session::open()?;
        let stored = Stored::new(session, log.reader(), last.as_ref());
        let mut writer = Writer::new(session, log, Durability::None, self.check_roundtrip.unwrap_or(false));
        if let Past::Stored(old) = &old.home.past {
            writer = writer.moving(old)
        }
        Ok(Home::new(Past::Stored(stored), Some(writer)))
    }
}

/// A log that is being written: gone afterwards, unless it was given its name. Nobody else gets its lock meanwhile.
struct Unready {
    beside: Files,
    /// None when it has its name.
    lock: Option<Lock>,
}

impl Unready {
    /// What a migration left that was cut off is removed.
    fn begin(files: &Files) -> Result<Self> {
        let beside = files.beside()?;
        let lock = Some(beside.begin_anew()?);
        Ok(Unready { beside, lock })
    }

    /// The log under its name; whoever opens it with what this gives has its lock as before.
    fn rename(mut self, to: &Files) -> Result<Files> {
        if cfg!(windows) {
            // It renames no folder in which a file is open.
            self.lock = None
        }
        self.beside.rename(to)?;
        let lock = self.lock.take();
        to.sync_above()?;
        Ok(to.with_lock(lock))
    }
}

impl Drop for Unready {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // If it cannot be removed, the next migration does so.
            let _ = self.beside.remove_all(lock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Storage;

    #[test]
    fn a_log_that_is_written_is_nobody_elses_before_and_after_it_has_its_name() {
        let files = Files::new(std::env::temp_dir().join(format!("backstory-migrate-{}", std::process::id())));
        let unready = Unready::begin(&files).unwrap();
        let second = Unready::begin(&files).map(|_| ()).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::Locked);
        let is_locked = || files.lock().is_err_and(|error| error.kind() == ErrorKind::Locked);
        if cfg!(not(windows)) {
            let named = unready.rename(&files).unwrap();
            assert!(is_locked());
            let lock = named.lock().unwrap();
            drop(named);
            assert!(is_locked(), "who opened it has it");
            drop(lock)
        }
        let lock = files.begin_anew().unwrap();
        files.remove_all(&lock).unwrap()
    }
}
