//! Versions by time.
//!
//! In: a clock; spans and points of time. Out: versions, and moves to them.
//! Must hold: times of versions never go back, whatever the clock says.
//! Uses: `home`, `reader`, `id`, `error`.

use super::home::Past;
use super::{Reader, Timeline};
use crate::error::Result;
use crate::id::VersionId;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Tells the time of new versions.
#[derive(Clone)]
pub(super) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Default for Clock {
    fn default() -> Self {
        Clock(Arc::new(SystemTime::now))
    }
}

impl Clock {
    pub(super) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    /// Microseconds since 1970.
    pub(super) fn now_us(&self) -> u64 {
        in_us((self.0)())
    }
}

fn in_us(time: SystemTime) -> u64 {
    span_us(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Microseconds, as many as there can be at most.
fn span_us(span: Duration) -> u64 {
    span.as_micros().min(u64::MAX.into()) as u64
}

/// The newest version that is not newer than a time, if there is one.
fn as_of<T: Clone>(past: &Past<T>, time_us: u64) -> Result<Option<u64>> {
    let (mut from, mut to) = (past.oldest(), past.count());
    while from < to {
        let middle = from + (to - from) / 2;
        match past.made(middle)?.time_us <= time_us {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    Ok(from.checked_sub(1).filter(|&id| id >= past.oldest()))
}

impl<T: Clone> Reader<T> {
    /// The newest version that was made at `time` or before; none if there was none yet. Time: O(log versions).
    ///
    /// # Errors
    /// What the storage says.
    pub fn as_of(&self, time: SystemTime) -> Result<Option<VersionId>> {
        Ok(as_of(&self.past, in_us(time))?.map(VersionId::new))
    }
}

impl<T: Clone + PartialEq + 'static> Timeline<T> {
    /// The newest version that was made at `time` or before, on whatever branch; none if there was none yet. Times of versions
    /// never go back: where the clock did, versions have the time of the one before. Time: O(log versions).
    ///
    /// # Errors
    /// What the storage says.
    pub fn as_of(&self, time: SystemTime) -> Result<Option<VersionId>> {
        self.reader().as_of(time)
    }

    /// Goes to what was newest so long before the head was made, on whatever branch, or to the first version; gives where that
    /// is. Called again it goes back further. Time: O(log versions).
    ///
    /// ```
    /// use backstory::{Timeline, Vector};
    /// use std::sync::{Arc, Mutex};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let now = Arc::new(Mutex::new(SystemTime::now()));
    /// let clock = now.clone();
    /// let mut timeline = Timeline::options().clock(move || *clock.lock().unwrap()).in_memory(Vector::new());
    /// for word in ["one", "two", "three"] {
    ///     *now.lock().unwrap() += Duration::from_secs(60);
    ///     timeline.edit(word, |words| words.push_back(word))?;
    /// }
    /// timeline.earlier(Duration::from_secs(90))?;
    /// assert_eq!(timeline.state().len(), 1);
    /// timeline.later(Duration::from_secs(60))?;
    /// assert_eq!(timeline.state().len(), 2);
    /// # Ok::<(), backstory::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Conflict` in a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn earlier(&mut self, by: Duration) -> Result<VersionId> {
        let time_us = self.home.past.made(self.head)?.time_us.saturating_sub(span_us(by));
        let to = as_of(&self.home.past, time_us)?.unwrap_or(self.home.past.oldest()).min(self.head);
        self.checkout(VersionId::new(to))?;
        Ok(self.head())
    }

    /// Goes to what was newest so long after the head was made, on whatever branch; gives where that is. Time:
    /// O(log versions).
    ///
    /// # Errors
    /// `Conflict` in a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn later(&mut self, by: Duration) -> Result<VersionId> {
        let time_us = self.home.past.made(self.head)?.time_us.saturating_add(span_us(by));
        let to = as_of(&self.home.past, time_us)?.unwrap_or(self.head).max(self.head);
        self.checkout(VersionId::new(to))?;
        Ok(self.head())
    }
}
