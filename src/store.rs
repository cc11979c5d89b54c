//! The store: a timeline behind a lock, changed by actions, watched by subscribers and selections.
//!
//! In: actions, and what reduces them; travel. Out: states at once, versions, and word of each change.
//! - **S1** Changes follow each other, each a whole version. Looking at what is shown waits for none of them.
//! - **S2** A reducer, label, selection or subscriber that panics leaves the store as it was, and usable.
//!
//! Uses: `timeline`, `archive`, `map`, `set`, `vector`, `link`, `log`, `id`, `error`.

mod actions;
mod board;
mod gestures;
mod group;
#[cfg(all(test, loom))]
mod models;
mod same;
mod select;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_durable;
#[cfg(test)]
mod tests_gestures;
#[cfg(test)]
mod tests_group;
#[cfg(test)]
mod tests_select;
mod verbs;

pub use board::Subscription;
pub use gestures::OpenGroup;
pub use same::Same;
pub use select::Selection;

use crate::archive::State;
use crate::error::{Error, ErrorKind, Result};
use crate::id::VersionId;
use crate::timeline::{Edit, Note, Reader, Timeline};
use actions::Actions;
use board::{Board, Place};
use group::Group;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A state that changes by actions, with all its versions: what Redux is in the browser, and undo, redo and a jump to any version
/// without replay.
///
/// All calls take `&self`; a store in an `Arc` is shared by threads.
///
/// ```
/// use backstory::{Store, Timeline, Vector};
///
/// #[derive(Clone)]
/// enum Action {
///     Add(&'static str),
///     Clear,
/// }
///
/// let store = Store::new(Timeline::new(Vector::new()), |todos, action| match action {
///     Action::Add(what) => todos.push_back(*what),
///     Action::Clear => todos.clear(),
/// });
/// let count = store.select(|todos| todos.clone(), |todos| todos.len());
/// let _printing = store.subscribe(|old, new| println!("{} todos, then {}", old.len(), new.len()));
///
/// let milk = store.dispatch(Action::Add("milk"))?.version.expect("it changed");
/// store.dispatch(Action::Clear)?;
/// assert_eq!(*count.get(), 0);
/// store.undo()?;
/// assert_eq!((*count.get(), store.snapshot().back()), (1, Some(&"milk")));
/// assert!(matches!(store.action(milk)?, Some(Action::Add("milk"))));
/// # Ok::<(), backstory::Error>(())
/// ```
///
/// | call | time |
/// |---|---|
/// | [`snapshot`](Self::snapshot), [`head`](Self::head), [`can_undo`](Self::can_undo) | O(1), and never waits for a change |
/// | [`dispatch`](Self::dispatch), [`batch`](Self::batch) | that of the reducer, and O(what changed) |
/// | [`Selection::get`] | that of its input; and of its computation, if the input is another one |
/// | [`at`](Self::at), [`version`](Self::version), [`log`](Self::log), [`action`](Self::action), [`diff`](Self::diff) | as with [`Timeline`]; never waits for a change |
/// | [`undo`](Self::undo), [`redo`](Self::redo), [`jump`](Self::jump), [`checkout`](Self::checkout) and the other verbs | as with [`Timeline`] |
///
/// # Order
/// Changes are made one after the other, in the order in which their calls got the lock. A call that changes what is shown tells
/// the subscribers of it before it returns, after the lock is free: a subscriber may call the store as it likes. What it changes
/// is told when all have been told of the change at hand: so that each subscriber is told of all changes, once each, in
/// their order. Where another thread is telling already, that one tells of this change too, and the call does not wait for it:
/// keep subscribers short, since a slow one holds up whoever tells, and what is to be told waits in memory.
///
/// # Panics
/// A reducer that panics has changed nothing; the panic goes on to who dispatched. A subscriber that panics ends nothing: what
/// was committed is committed, others are told, it is told of the next change; the panic hook reports it, as that of a
/// thread, and [`Subscription::last_panic`] keeps what it said.
pub struct Store<T, A> {
    lock: Arc<Lock<T>>,
    board: Arc<Board<T>>,
    reader: Reader<T>,
    reducer: Reducer<T, A>,
    label: Label<A>,
    /// Those that made the versions.
    actions: Actions<T, A>,
    /// Where many wait for one sync.
    group: Option<Group>,
}

/// What changes. On cache lines of its own: each change writes to it, and who takes a snapshot reads what is beside it.
#[repr(align(128))]
struct Lock<T> {
    main: Mutex<Main<T>>,
    /// The thread that holds it, as [`this_thread`] names it; 0 if nobody does.
    holder: AtomicUsize,
}

/// One thread at a time has it.
struct Main<T> {
    timeline: Timeline<T>,
    /// Where the state on the board is.
    shown: Place,
    /// Where the log ended after the newest version that was made here.
    end: u64,
}

type Reducer<T, A> = Box<dyn Fn(&mut T, &A) + Send + Sync>;
type Label<A> = Box<dyn Fn(&[A]) -> String + Send + Sync>;

impl<T: Clone + PartialEq + 'static, A: Clone + 'static> Store<T, A> {
    /// A store of what the timeline has. `reducer` changes a state as an action says; it is to do nothing else, since the version
    /// is committed after it returned.
    ///
    /// Actions are kept in memory, as long as the store is there; also those of a timeline on disk.
    pub fn new(timeline: Timeline<T>, reducer: impl Fn(&mut T, &A) + Send + Sync + 'static) -> Self {
        Self::with(timeline, Actions::kept(), Box::new(reducer))
    }

    /// The same, of actions that are stored in the log, each with the version that it made: there again when the timeline is
    /// opened the next time. They may hold this crate's collections, of which a commit writes what is new, and which are
    /// read where they are looked at. An action of up to 40 bytes costs about as many more in its version's stamp, a longer one a
    /// record.
    ///
    /// Of a timeline in memory actions are kept there too. They are to be read as the type that they were stored as: the log
    /// does not say which that was.
    ///
    /// ```
    /// use backstory::{Store, Timeline, Vector};
    /// use rkyv::{Archive, Deserialize, Serialize};
    ///
    /// #[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize)]
    /// enum Action {
    ///     Add(String),
    ///     Keep(Vector<String>),
    /// }
    ///
    /// # let path = std::env::temp_dir().join(format!("backstory-doc-store-{}", std::process::id()));
    /// let open = || {
    ///     let todos = Timeline::open(&path, Vector::<String>::new)?;
    ///     Ok::<_, backstory::Error>(Store::durable(todos, |todos, action| match action {
    ///         Action::Add(what) => todos.push_back(what.clone()),
    ///         Action::Keep(some) => *todos = some.clone(),
    ///     }))
    /// };
    /// let store = open()?;
    /// let milk = store.dispatch(Action::Add("milk".into()))?.version.expect("it changed");
    /// drop(store);
    /// assert_eq!(open()?.action(milk)?, Some(Action::Add("milk".into())));
    /// # std::fs::remove_dir_all(&path).unwrap();
    /// # Ok::<(), backstory::Error>(())
    /// ```
    pub fn durable(timeline: Timeline<T>, reducer: impl Fn(&mut T, &A) + Send + Sync + 'static) -> Self
    where
        A: State,
    {
        let actions = Actions::beside(&timeline.reader());
        Self::with(timeline, actions, Box::new(reducer))
    }

    fn with(mut timeline: Timeline<T>, actions: Actions<T, A>, reducer: Reducer<T, A>) -> Self {
        // Nobody would hear that it was dropped.
        timeline.cancel();
        Store {
            board: Arc::new(Board::new(&timeline)),
            reader: timeline.reader(),
            group: timeline.share_syncs().map(Group::new),
            lock: Arc::new(Lock {
                main: Mutex::new(Main { shown: Place::of(&timeline), timeline, end: 0 }),
                holder: AtomicUsize::new(0),
            }),
            reducer,
            label: Box::new(|_| String::new()),
            actions,
        }
    }

    /// What versions are labelled with: made of the action, or of all those of a batch. Without it they have no labels;
    /// [`action`](Self::action) says what made them all the same.
    ///
    /// ```
    /// use backstory::{Store, Timeline};
    ///
    /// let store = Store::new(Timeline::new(0u32), |sum, n| *sum += n).labelled(|all| format!("add {all:?}"));
    /// store.batch([1, 2])?;
    /// assert_eq!(store.version(store.head())?.label, "add [1, 2]");
    /// # Ok::<(), backstory::Error>(())
    /// ```
    #[must_use]
    pub fn labelled(mut self, label: impl Fn(&[A]) -> String + Send + Sync + 'static) -> Self {
        self.label = Box::new(label);
        self
    }

    /// Reduces an action. If the state is another one then, it is a new version; else nothing has happened, and the action is
    /// not kept.
    ///
    /// # Errors
    /// `Invalid` if a reducer, or the closure of an edit, calls this of the store that runs it; what the storage says, which
    /// includes stored nodes that the reducer cannot read. Nothing has changed then; but under
    /// [`Durability::Group`](crate::Durability::Group), where a version is shown, and told of, before it is durable: after a
    /// sync that failed it may be lost, and the store changes nothing more until the timeline is opened again.
    ///
    /// # Panics
    /// If the reducer does: nothing has changed then.
    pub fn dispatch(&self, action: A) -> Result<Edit<()>> {
        self.reduce(vec![action])
    }

    /// Reduces many actions, one after the other, to one version of which is told once. All of them, or none if it fails.
    ///
    /// # Errors
    /// As [`dispatch`](Self::dispatch).
    ///
    /// # Panics
    /// As [`dispatch`](Self::dispatch).
    pub fn batch(&self, actions: impl IntoIterator<Item = A>) -> Result<Edit<()>> {
        self.reduce(actions.into_iter().collect())
    }

    fn reduce(&self, actions: Vec<A>) -> Result<Edit<()>> {
        if actions.is_empty() {
            return Ok(Edit { version: None, value: () });
        }
        self.change_by(actions, |timeline, actions| {
            let label = (self.label)(actions);
            let note = Note { label: &label, action: self.actions.to_store(actions) };
            timeline.try_edit_with(note, |state| {
                actions.iter().for_each(|action| (self.reducer)(state, action));
                Ok::<_, Error>(())
            })
        })
    }

    /// The action that made a version; of a batch, the last one. None if it was made by none: the first version, and those of
    /// [`edit`](Self::edit), [`commit`](Self::commit) and [`restore`](Self::restore).
    ///
    /// # Errors
    /// `NotFound` if there is no such version; what the storage says.
    pub fn action(&self, id: VersionId) -> Result<Option<A>> {
        Ok(self.actions(id)?.pop())
    }

    /// All actions that made a version, in their order: more than one, if it was made by a [`batch`](Self::batch).
    ///
    /// # Errors
    /// As [`action`](Self::action).
    pub fn actions(&self, id: VersionId) -> Result<Vec<A>> {
        self.actions.of(&self.reader, id)
    }

    /// The state as it is shown, to keep. Time: that of its `Clone`, O(1) for this crate's collections; never waits for a change.
    pub fn snapshot(&self) -> T {
        T::clone(&self.board.shown().0)
    }

    /// Something computed of a part of the state, which `input` picks; computed anew only where that part is not the
    /// [`Same`] as before.
    ///
    /// ```
    /// use backstory::{HashMap, Store, Timeline, Vector};
    ///
    /// let first: (HashMap<&str, u64>, Vector<String>) = Default::default();
    /// let store = Store::new(Timeline::new(first), |(prices, names), n: &u64| match n {
    ///     0 => names.push_back("x".into()),
    ///     n => _ = prices.insert("x", *n),
    /// });
    /// let total = store.select(|(prices, _)| prices.clone(), |prices| prices.values().sum::<u64>());
    /// store.dispatch(7)?;
    /// let seven = total.get();
    /// store.dispatch(0)?;
    /// assert!(*seven == 7 && std::sync::Arc::ptr_eq(&seven, &total.get()), "no price has changed");
    /// # Ok::<(), backstory::Error>(())
    /// ```
    pub fn select<R: Same + 'static, U: 'static>(
        &self,
        input: impl Fn(&T) -> R + Send + Sync + 'static,
        compute: impl Fn(&R) -> U + Send + Sync + 'static,
    ) -> Selection<T, R, U> {
        Selection::new(self.board.clone(), input, compute)
    }

    /// Calls `f` with the state before and the state after, each time another version is shown from now on, once for each
    /// commit and each travel: see [Order](Self#order). Until the subscription is dropped.
    ///
    /// `f` may call the store, subscribe others, and end any subscription, its own included. Where it keeps the store alive, the
    /// store keeps itself alive: let it hold a `Weak`.
    pub fn subscribe(&self, mut f: impl FnMut(&T, &T) + Send + 'static) -> Subscription {
        self.board.subscribe(move |change| f(&change.old, &change.new))
    }
}

impl<T: Clone + PartialEq + 'static, A> Store<T, A> {
    /// The timeline again. Subscriptions end.
    pub fn into_timeline(self) -> Timeline<T> {
        let mut lock = self.lock;
        // A gesture that is dropped just now, by another thread, has it for a moment.
        let lock = loop {
            match Arc::try_unwrap(lock) {
                Ok(lock) => break lock,
                Err(shared) => lock = shared,
            }
            std::thread::yield_now()
        };
        let Main { mut timeline, .. } = lock.main.into_inner().unwrap_or_else(PoisonError::into_inner);
        timeline.keep_syncs();
        timeline
    }

    /// Holds the timeline, changes it, shows what it shows then and tells of that.
    fn change<R, E: From<Error>>(
        &self,
        f: impl FnOnce(&mut Timeline<T>) -> std::result::Result<R, E>,
    ) -> std::result::Result<R, E> {
        self.change_by(Vec::new(), |timeline, _| f(timeline))
    }

    /// The same, by actions, of which `f` may make more; they are kept with the version that is made.
    fn change_by<R, E: From<Error>>(
        &self,
        mut actions: Vec<A>,
        f: impl FnOnce(&mut Timeline<T>, &mut Vec<A>) -> std::result::Result<R, E>,
    ) -> std::result::Result<R, E> {
        let mut held = self.hold()?;
        let count = self.reader.count();
        let result = catch_unwind(AssertUnwindSafe(|| f(&mut held.main.timeline, &mut actions)));
        // Whatever came of it: a panic, of a state's `Drop`, may follow a version, and a gesture end before an error.
        if self.reader.count() > count {
            held.main.end = self.reader.end();
            self.actions.made(&self.reader, VersionId::new(count), actions)
        }
        let (is_to_tell, end) = (held.show(&self.board), held.main.end);
        drop(held);
        if is_to_tell {
            self.board.tell()
        }
        let result = result.unwrap_or_else(|panic| resume_unwind(panic))?;
        // Also for a version of somebody else's: what is shown is durable when this returns.
        if let Some(group) = &self.group {
            group.wait(end)?
        }
        Ok(result)
    }

    fn hold(&self) -> Result<Held<'_, T>> {
        self.lock.hold()
    }
}

impl<T> Lock<T> {
    fn hold(&self) -> Result<Held<'_, T>> {
        let Lock { main, holder } = self;
        if holder.load(Ordering::Relaxed) == this_thread() {
            let what = "a reducer, a label or an edit's closure calls the store that runs it, which would wait for itself: \
                        call it afterwards, or in a subscriber";
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        let main = lock(main);
        holder.store(this_thread(), Ordering::Relaxed);
        Ok(Held { holder, main })
    }
}

impl<T: Clone + PartialEq + 'static, A> std::fmt::Debug for Store<T, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("head", &self.head())
            .field("versions", &self.reader.count())
            .finish_non_exhaustive()
    }
}

/// The timeline, held by this thread.
struct Held<'s, T> {
    holder: &'s AtomicUsize,
    main: MutexGuard<'s, Main<T>>,
}

impl<T: Clone + PartialEq + 'static> Held<'_, T> {
    /// Shows what the timeline shows. Gives whether there is something to tell.
    fn show(&mut self, board: &Board<T>) -> bool {
        let Main { timeline, shown, .. } = &mut *self.main;
        board.show(timeline, shown)
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.holder.store(0, Ordering::Relaxed)
    }
}

/// What no other thread that there is has: a place in its own memory.
fn this_thread() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of the user's leaves whole what these guard (S2).
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
