//! A timeline moved to a new log, its states made into others.
//!
//! In: a timeline, and what makes a new state of an old one. Out: a log with the same tree of versions.
//! Must hold: there is a log under its name when it is complete, and not before.
//! Uses: `home`, `stored`, `options`, `log`, `link`, `error`.

use super::home::{Home, Past};
use super::stored::{Stored, Writer};
use super::{Durability, Options, Timeline};
use crate::archive::{State, Storable};
use crate::error::{Error, ErrorKind, Result, caught};
use crate::link::Session;
use crate::log::{Files, Log};
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
    /// let old = Timeline::open(path.join("old"), Old::default())?;
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
    /// opens it. Versions keep their numbers, parents, times, labels and actions; head and tip are where they are in `old`, which does
    /// not change.
    ///
    /// What `f` passes on of a collection is not read: its records are moved as they are, and versions share them as they
    /// did. Until all is written the log is in a folder beside `path`, with `.unready` behind its name. States are compared
    /// with what was written only if [`check_roundtrip`](Options::check_roundtrip) is asked for, which reads each state as a whole.
    ///
    /// Time: O(what there is in `old`). Memory: two addresses in a hash table for each of its records that is moved.
    ///
    /// # Errors
    /// `Conflict` if `path` holds a log, `Invalid` if it holds something else, `Locked` if a log for it is just being written;
    /// `Corrupt` if something in `old` cannot be read; `Io`. There is no log in `path` then, nor if `f` panics.
    pub fn migrate<Old>(
        self,
        old: &Timeline<Old>,
        path: impl AsRef<Path>,
        mut f: impl FnMut(Old) -> T,
    ) -> Result<Timeline<T>>
    where
        Old: Clone + PartialEq + 'static,
    {
        let files = Files::new(path.as_ref());
        files.check_free()?;
        let unready = Unready(Arc::new(files.beside()?));
        // What a migration left that was cut off.
        unready.0.remove_all()?;
        let mut home = self.new_home(unready.0.clone(), old)?;
        for id in 0..old.home.past.count() {
            let state = old.home.past.state(id)?;
            let state = caught(|| f(state))?;
            let action = match &old.home.past {
                Past::Memory(_) => None,
                Past::Stored(stored) => stored.moved_action(id)?,
            };
            let action = action.as_ref().map(|action| action as &dyn Storable);
            home.append(&state, old.home.past.made(id)?, false, action)?;
        }
        home.move_head(old.head, old.tip)?;
        home.flush()?;
        drop(home);
        unready.0.rename(&files)?;
        self.open_with(Arc::new(files), || Err(Error::new(ErrorKind::NotFound, "the log has gone again")))
    }

    /// Versions in a new log, of which there are none yet.
    fn new_home<Old>(&self, storage: Arc<Files>, old: &Timeline<Old>) -> Result<Home<T>> {
        let (log, last) = Log::open(storage, self.log_options())?;
        let session = Session::open()?;
        let stored = Stored::new(session, log.reader(), last.as_ref());
        let mut writer = Writer::new(session, log, Durability::None, self.check_roundtrip.unwrap_or(false));
        if let Past::Stored(old) = &old.home.past {
            writer = writer.moving(old)
        }
        Ok(Home::new(Past::Stored(stored), Some(writer)))
    }
}

/// A log that is being written: gone afterwards, unless it was given its name.
struct Unready(Arc<Files>);

impl Drop for Unready {
    fn drop(&mut self) {
        // If it cannot be removed, the next migration does so.
        let _ = self.0.remove_all();
    }
}
