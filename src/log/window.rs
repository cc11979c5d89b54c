//! Windows: the bytes around the record that a thread read last. A batch writes children before their parents and its
//! stamp last, so that what a record refers to often stands close before it: it is not read again.
//!
//! In: a place, and the segment it is in. Out: the bytes from there on, as far as they were read.
//! Must hold: a window has bytes of one reader's log, in one segment, before the end of the last batch: those never change.
//! Uses: `error`, `record`, `segments`.

use super::record::UNIT;
use super::segments::Site;
use crate::error::Result;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

/// So much is read at once, at most.
pub(super) const WINDOW_BYTES: usize = 4096;

/// How many bytes are read before a place, and from it on.
pub(super) type Reach = (usize, usize);

/// Of which reader a window is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ReaderId(u64);

impl ReaderId {
    /// One that no reader of this process had before.
    pub(super) fn draw() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        ReaderId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

pub(super) struct Window {
    of: ReaderId,
    /// Where its bytes begin, in units, and how many there are.
    at: u64,
    len: usize,
    bytes: [u8; WINDOW_BYTES],
}

thread_local! {
    static WINDOW: RefCell<Window> =
        const { RefCell::new(Window { of: ReaderId(0), at: 0, len: 0, bytes: [0; WINDOW_BYTES] }) };
}

impl Window {
    /// Lends this thread's window. `f` calls nobody who asks for it.
    pub(super) fn with<R>(f: impl FnOnce(&mut Window) -> R) -> R {
        WINDOW.with_borrow_mut(f)
    }

    /// The bytes from a place on; none if it is not within.
    pub(super) fn from(&self, of: ReaderId, at: u64) -> &[u8] {
        let from = at.checked_sub(self.at).and_then(|units| usize::try_from(units).ok());
        let is_within = |&from: &usize| self.of == of && from < self.len / UNIT as usize;
        from.filter(is_within).map_or(&[], |from| &self.bytes[from * UNIT as usize..self.len])
    }

    /// Reads what is around a place from which on there are `room` bytes. Who goes forward gets more of it.
    pub(super) fn move_to(&mut self, of: ReaderId, site: &Site, at: u64, room: usize, reach: Reach) -> Result<()> {
        let end = self.at + self.len as u64 / UNIT;
        let goes_on = self.of == of && (self.at..end + WINDOW_BYTES as u64 / UNIT).contains(&at);
        let (back, ahead) = if goes_on { (0, WINDOW_BYTES) } else { reach };
        let back = (back as u64 / UNIT).min(at - site.first_record());
        let len = (back * UNIT) as usize + room.min(ahead);
        // Nothing is here until all is.
        (self.of, self.at, self.len) = (of, at - back, 0);
        self.len = site.file.read(&mut self.bytes[..len], site.offset(at - back))?;
        Ok(())
    }
}
