//! Versions by time.
//!
//! In: a clock; spans and points of time. Out: versions, and moves to them.
//! Must hold: nothing overflows, however far back or ahead a clock is. That times of versions do not go back is the timeline's.
//! Uses: `id`, `error`.

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
        in_us((self.0)()).unwrap_or(0)
    }
}

/// None before 1970.
fn in_us(time: SystemTime) -> Option<u64> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().map(span_us)
}

/// As many microseconds as there may be, of a longer time.
fn span_us(span: Duration) -> u64 {
    span.as_micros().try_into().unwrap_or(u64::MAX)
}

/// The newest of `count` versions that is not newer than a time, if there is one. `time_of` says when each was made,
/// and goes not back.
pub(super) fn newest_until(count: u64, time_us: u64, time_of: impl Fn(u64) -> Result<u64>) -> Result<Option<u64>> {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from.midpoint(to);
        match time_of(middle)? <= time_us {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    Ok(from.checked_sub(1))
}

impl<T: Clone> Reader<T> {
    /// The newest version that is kept and was made at `time` or before; none if there was none yet. Before 1970 there
    /// was none: what is made by a clock that says so counts as made when 1970 began. Time: O(log versions); that
    /// squared if only versions with names are kept of that time.
    ///
    /// # Errors
    /// What the storage says.
    pub fn as_of(&self, time: SystemTime) -> Result<Option<VersionId>> {
        Ok(in_us(time).map_or(Ok(None), |time_us| self.past.as_of(time_us))?.map(VersionId::new))
    }
}

impl<T: Clone + PartialEq + 'static> Timeline<T> {
    /// The newest version that is kept and was made at `time` or before, on whatever branch; none if there was none
    /// yet. Times of versions never go back: where the clock did, versions have the time of the one before. Before 1970
    /// there was none: what is made by a clock that says so counts as made when 1970 began. Time: O(log versions).
    ///
    /// # Errors
    /// What the storage says.
    pub fn as_of(&self, time: SystemTime) -> Result<Option<VersionId>> {
        self.reader().as_of(time)
    }

    /// Goes to what was newest so long before the head was made, on whatever branch, or to the oldest version that is
    /// kept; gives where that is. Called again it goes back further. No time before is where the head is. Time: O(log
    /// versions).
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
        let past = &self.home.past;
        let time_us = past.made(self.head)?.time_us.checked_sub(span_us(by));
        let to = match time_us.map_or(Ok(None), |time_us| past.as_of(time_us))? {
            Some(to) => to.min(self.head),
            None => past.next(0)?.map_or(self.head, |(oldest, _)| oldest),
        };
        self.checkout(VersionId::new(to))?;
        Ok(self.head())
    }

    /// Goes to what was newest so long after the head was made, on whatever branch; gives where that is. No time after,
    /// and with nothing newer, that is where the head is. Time: O(log versions).
    ///
    /// # Errors
    /// `Conflict` in a group or while a gesture is open; what the storage says. Nothing has changed then.
    pub fn later(&mut self, by: Duration) -> Result<VersionId> {
        let (past, by_us) = (&self.home.past, span_us(by));
        let to = match by_us {
            // Others that were made at the same time are no later.
            0 => self.head,
            _ => past
                .as_of(past.made(self.head)?.time_us.saturating_add(by_us))?
                .map_or(self.head, |to| to.max(self.head)),
        };
        self.checkout(VersionId::new(to))?;
        Ok(self.head())
    }
}
