//! What a store shows, and whom it tells of changes.
//!
//! In: versions as they come to be shown; listeners. Out: the state that is shown, at once; each change, once, to each listener.
//! - **B1** The lock of the board is held for a few words only, never while code of the user's runs: who wants the state
//!   waits for no edit and no listener.
//! - **B2** Changes are told in the order in which they were shown, one after the other, to all who listened when they came
//!   to be. Who finds that somebody is telling leaves it to them.
//! - **B3** A listener that panics is told of the next change as if nothing had been, and so are all others of this one.
//!
//! Uses: `timeline`, `id`, `error`.

use super::lock;
use crate::error::caught;
use crate::id::VersionId;
use crate::timeline::Timeline;
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// What is shown, and who listens.
pub(super) struct Board<T>(Mutex<Posted<T>>);

struct Posted<T> {
    state: Arc<T>,
    place: Place,
    /// How many changes there were.
    changes: u64,
    to_tell: VecDeque<Change<T>>,
    is_telling: bool,
    /// Copied when it changes while somebody tells.
    listeners: Listeners<T>,
}

type Listeners<T> = Arc<Vec<Arc<Listener<T>>>>;

/// Where among the versions the shown state is.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) head: VersionId,
    /// How often the gesture that is open has changed the state.
    updates: u64,
    pub(super) can_undo: bool,
    pub(super) can_redo: bool,
}

pub(super) struct Change<T> {
    /// How many there are with it.
    pub(super) number: u64,
    pub(super) old: Arc<T>,
    pub(super) new: Arc<T>,
}

impl Place {
    pub(super) fn of<T: Clone + PartialEq + 'static>(timeline: &Timeline<T>) -> Self {
        Place {
            head: timeline.head(),
            updates: timeline.updates(),
            can_undo: timeline.can_undo(),
            can_redo: timeline.can_redo(),
        }
    }
}

impl<T: Clone + PartialEq + 'static> Board<T> {
    pub(super) fn new(timeline: &Timeline<T>) -> Self {
        Board(Mutex::new(Posted {
            state: timeline.shown().clone(),
            place: Place::of(timeline),
            changes: 0,
            to_tell: VecDeque::new(),
            is_telling: false,
            listeners: Arc::default(),
        }))
    }

    /// Shows what the timeline shows; `shown` is where that was before. Gives whether there is something to tell. The lock of
    /// the timeline is held by who calls this, so that one change follows the other.
    pub(super) fn show(&self, timeline: &Timeline<T>, shown: &mut Place) -> bool {
        let place = Place::of(timeline);
        if *shown == place {
            return false;
        }
        let new = ((shown.head, shown.updates) != (place.head, place.updates)).then(|| timeline.shown().clone());
        let mut posted = self.posted();
        let old = new.map(|new| posted.change(new));
        posted.place = place;
        let is_to_tell = !posted.to_tell.is_empty();
        drop(posted);
        *shown = place;
        // Here, as a user's `Drop` may take long.
        drop(old);
        is_to_tell
    }
}

impl<T> Posted<T> {
    /// Shows another state; gives the one before.
    fn change(&mut self, new: Arc<T>) -> Arc<T> {
        let old = std::mem::replace(&mut self.state, new.clone());
        self.changes += 1;
        if !self.listeners.is_empty() {
            self.to_tell.push_back(Change { number: self.changes, old: old.clone(), new })
        }
        old
    }
}

impl<T> Board<T> {
    fn posted(&self) -> MutexGuard<'_, Posted<T>> {
        lock(&self.0)
    }

    /// The state, and after how many changes it is.
    pub(super) fn shown(&self) -> (Arc<T>, u64) {
        let posted = self.posted();
        (posted.state.clone(), posted.changes)
    }

    pub(super) fn place(&self) -> Place {
        self.posted().place
    }

    /// Tells of all changes that nobody was told of, if nobody does so.
    pub(super) fn tell(&self) {
        {
            let mut posted = self.posted();
            if posted.is_telling || posted.to_tell.is_empty() {
                return;
            }
            posted.is_telling = true
        }
        let telling = Telling(self);
        while let Some((change, listeners)) = self.next() {
            listeners.iter().for_each(|listener| listener.tell(&change))
        }
        std::mem::forget(telling)
    }

    /// The next change to tell of; with the last one the telling ends.
    fn next(&self) -> Option<(Change<T>, Listeners<T>)> {
        let mut posted = self.posted();
        let change = posted.to_tell.pop_front();
        posted.is_telling = change.is_some();
        change.map(|change| (change, posted.listeners.clone()))
    }

    pub(super) fn subscribe(&self, f: impl FnMut(&Change<T>) + Send + 'static) -> Subscription
    where
        T: 'static,
    {
        let mut posted = self.posted();
        let listener = Arc::new(Listener {
            since: posted.changes,
            f: Mutex::new(Some(Box::new(f))),
            is_gone: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let weak = Arc::downgrade(&listener);
        let listeners = Arc::make_mut(&mut posted.listeners);
        listeners.retain(|listener| !listener.is_gone.load(Ordering::Acquire));
        listeners.push(listener);
        Subscription(Some(weak))
    }
}

/// Whoever is telling; if that ends with a panic, of a state's `Drop`, the next one goes on.
struct Telling<'b, T>(&'b Board<T>);

impl<T> Drop for Telling<'_, T> {
    fn drop(&mut self) {
        self.0.posted().is_telling = false
    }
}

type Told<T> = Box<dyn FnMut(&Change<T>) + Send>;

struct Listener<T> {
    /// How many changes there were before.
    since: u64,
    /// None when it is gone. Only who tells holds this lock for long.
    f: Mutex<Option<Told<T>>>,
    is_gone: AtomicBool,
    /// What it said when it panicked last.
    panic: Mutex<Option<String>>,
}

impl<T> Listener<T> {
    fn tell(&self, change: &Change<T>) {
        if self.since < change.number
            && let Err(what) = silenced(|| self.call(change))
        {
            *lock(&self.panic) = Some(what)
        }
        self.let_go()
    }

    fn call(&self, change: &Change<T>) {
        let mut f = lock(&self.f);
        if !self.is_gone.load(Ordering::Acquire)
            && let Some(f) = &mut *f
        {
            f(change)
        }
    }

    /// Drops what listened, if it is gone and not running just now: who runs it comes here afterwards.
    fn let_go(&self) {
        if self.is_gone.load(Ordering::SeqCst) {
            let gone = match self.f.try_lock() {
                Ok(mut f) => f.take(),
                Err(std::sync::TryLockError::Poisoned(f)) => f.into_inner().take(),
                Err(std::sync::TryLockError::WouldBlock) => None,
            };
            if let Err(what) = silenced(|| drop(gone)) {
                *lock(&self.panic) = Some(what)
            }
        }
    }
}

/// Does it; a panic goes no further than to the panic hook, and into what this gives.
pub(super) fn silenced(f: impl FnOnce()) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| caught(f))) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => {
            let what = message(&*panic);
            // What it panicked with may panic when it is dropped, and so on.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
                std::mem::forget(again)
            }
            Err(what)
        }
    }
}

fn message(panic: &dyn Any) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// A listener, whatever it listens to.
trait Listens: Send + Sync {
    fn cancel(&self);
    fn panic(&self) -> Option<String>;
}

impl<T> Listens for Listener<T> {
    fn cancel(&self) {
        self.is_gone.store(true, Ordering::SeqCst);
        self.let_go()
    }

    fn panic(&self) -> Option<String> {
        lock(&self.panic).clone()
    }
}

/// Who listens to a store, from [`Store::subscribe`](crate::Store::subscribe). Dropping it ends that.
///
/// It keeps neither the store nor anything of it alive.
#[must_use = "a subscription ends when it is dropped: keep it, or detach it"]
pub struct Subscription(Option<Weak<dyn Listens>>);

impl Subscription {
    /// Ends it, as dropping it does. What listens is not called again, and dropped; if it is being called, on this thread or
    /// another, then when that call returns.
    pub fn unsubscribe(self) {}

    /// Listens as long as the store is there.
    pub fn detach(mut self) {
        self.0 = None
    }

    /// What it said when it panicked last, if it ever did.
    pub fn last_panic(&self) -> Option<String> {
        self.0.as_ref()?.upgrade()?.panic()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(listener) = self.0.take().and_then(|listener| listener.upgrade()) {
            listener.cancel()
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("last_panic", &self.last_panic()).finish()
    }
}
