//! Many threads wait for one sync.
//!
//! In: how far what each of them appended goes. Out: that this is durable, or why not.
//! Must hold: who waits returns when a sync that began after its call has succeeded, or one has failed; there is one sync at
//! a time. After one that failed all who come get its error.
//! Uses: `timeline`, `error`.

use crate::error::{Error, ErrorKind, Result};
use crate::timeline::SharedSync;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(loom)]
use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex, MutexGuard};

/// Those who wait, and what syncs for them.
pub(super) struct Group {
    shared: SharedSync,
    waiting: Waiting,
}

impl Group {
    pub(super) fn new(shared: SharedSync) -> Self {
        Group { waiting: Waiting::new(shared.delay), shared }
    }

    /// Waits until everything before `end` is durable.
    ///
    /// # Errors
    /// `Io`: it may not be.
    pub(super) fn wait(&self, end: u64) -> Result<()> {
        self.waiting.wait(end, || self.shared.sync())
    }
}

/// How they wait: the first one waits for others, and syncs.
pub(super) struct Waiting {
    delay: Duration,
    done: Mutex<Done>,
    changed: Condvar,
    /// How many syncs have ended; it changes while `done` is locked.
    syncs: AtomicU64,
}

/// So long a thread looks again and again whether the sync has ended, letting others run between, before it sleeps: waking it
/// takes as long as a fast device takes to sync, and the next sync waits for that.
const LINGER: Duration = Duration::from_micros(100);

#[derive(Default)]
struct Done {
    /// Everything before here is durable.
    upto: u64,
    is_syncing: bool,
    failed: Option<String>,
}

impl Waiting {
    pub(super) fn new(delay: Duration) -> Self {
        Waiting { delay, done: Mutex::new(Done::default()), changed: Condvar::new(), syncs: AtomicU64::new(0) }
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything before `end` is durable. `sync` makes it so of all that there is when it is called, and says how
    /// far that goes.
    pub(super) fn wait(&self, end: u64, sync: impl FnOnce() -> Result<u64>) -> Result<()> {
        let mut done = self.done();
        while done.upto < end {
            if let Some(failed) = &done.failed {
                let what = format!("the sync that this waited for failed, it may be lost: {failed}");
                return Err(Error::new(ErrorKind::Io, what));
            }
            if !done.is_syncing {
                done.is_syncing = true;
                drop(done);
                return self.lead(sync);
            }
            let syncs = self.syncs.load(Ordering::Relaxed);
            drop(done);
            self.linger(syncs);
            done = self.done();
            while self.syncs.load(Ordering::Relaxed) == syncs {
                done = self.changed.wait(done).unwrap_or_else(PoisonError::into_inner)
            }
        }
        Ok(())
    }

    /// Looks for a while whether more than so many syncs have ended.
    fn linger(&self, syncs: u64) {
        if cfg!(loom) {
            return;
        }
        let begun = Instant::now();
        while self.syncs.load(Ordering::Relaxed) == syncs && begun.elapsed() < LINGER {
            std::thread::yield_now()
        }
    }

    /// Waits for others, syncs for all, and says so.
    fn lead(&self, sync: impl FnOnce() -> Result<u64>) -> Result<()> {
        if !self.delay.is_zero() {
            std::thread::sleep(self.delay)
        }
        let result = sync();
        let mut done = self.done();
        done.is_syncing = false;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        match &result {
            Ok(upto) => done.upto = done.upto.max(*upto),
            Err(error) => done.failed = Some(error.to_string()),
        }
        drop(done);
        self.changed.notify_all();
        result.map(|_| ())
    }
}
