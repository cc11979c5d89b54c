//! What is computed of a part of the state, once for each time that this part changes.
//!
//! In: which part, and what to compute. Out: that, as long as the part is the same without computing.
//! Must hold: what is given is always what would be computed of the state that is shown.
//! Uses: `board`, `same`.

use super::board::{Board, Change, Subscription};
use super::lock;
use super::same::Same;
use std::sync::{Arc, Mutex};

/// Something computed of a part of a store's state, kept as long as that part is the same. From
/// [`Store::select`](crate::Store::select).
///
/// It may outlive its store, and shows then what that showed last.
pub struct Selection<T, R, U> {
    board: Arc<Board<T>>,
    choice: Arc<Choice<T, R, U>>,
}

struct Choice<T, R, U> {
    input: Box<dyn Fn(&T) -> R + Send + Sync>,
    compute: Box<dyn Fn(&R) -> U + Send + Sync>,
    /// What was computed of the newest state, and before that: who is told asks of both sides of a change. Its lock is never
    /// held while code of the user's runs.
    last: Mutex<[Known<R, U>; 2]>,
}

type Known<R, U> = Option<Arc<Computed<R, U>>>;

/// What came of an input.
struct Computed<R, U> {
    /// How many changes there had been when the state was shown.
    number: u64,
    input: R,
    value: Arc<U>,
}

impl<T, R: Same, U> Choice<T, R, U> {
    /// What is computed of the state that was shown after so many changes; `own` is what the caller knows.
    fn of(&self, state: &T, number: u64, own: Option<&Arc<Computed<R, U>>>) -> Arc<Computed<R, U>> {
        let input = (self.input)(state);
        let is_known = |known: &&Arc<Computed<R, U>>| known.input.same(&input);
        let last = lock(&self.last).clone();
        if let Some(known) = own.into_iter().chain(last.iter().flatten()).find(is_known) {
            return known.clone();
        }
        let value = Arc::new((self.compute)(&input));
        let computed = Arc::new(Computed { number, input, value });
        let mut last = lock(&self.last);
        let mut gone = None;
        if last[0].as_ref().is_none_or(|newest| newest.number <= number) {
            last.swap(0, 1);
            gone = last[0].replace(computed.clone())
        }
        drop(last);
        drop(gone);
        computed
    }
}

impl<T: 'static, R: Same + 'static, U: 'static> Selection<T, R, U> {
    pub(super) fn new(
        board: Arc<Board<T>>,
        input: impl Fn(&T) -> R + Send + Sync + 'static,
        compute: impl Fn(&R) -> U + Send + Sync + 'static,
    ) -> Self {
        let choice = Choice { input: Box::new(input), compute: Box::new(compute), last: Mutex::default() };
        Selection { board, choice: Arc::new(choice) }
    }

    /// What is computed of the state that is shown: the same `Arc` as before, as long as the input is the same.
    ///
    /// Time: that of the input, and of the computation if the input is another one. It may run twice where two threads ask at
    /// once; nobody waits for another.
    ///
    /// # Panics
    /// If the input or the computation does. What was computed before is kept. A stored node that cannot be read is a panic
    /// in the calls of collections that cannot fail.
    pub fn get(&self) -> Arc<U> {
        let (state, number) = self.board.shown();
        self.choice.of(&state, number, None).value.clone()
    }

    /// Calls `f` with what was computed before and what is now, after each change with which the input is another one. Else
    /// as [`Store::subscribe`](crate::Store::subscribe).
    pub fn subscribe(&self, mut f: impl FnMut(&U, &U) + Send + 'static) -> Subscription
    where
        R: Send + Sync,
        U: Send + Sync,
    {
        let (choice, mut last) = (self.choice.clone(), None);
        self.board.subscribe(move |change: &Change<T>| {
            // The first change is one of the state that was shown when this began.
            let before = match &last {
                Some(known) => Arc::clone(known),
                None => choice.of(&change.old, change.number - 1, None),
            };
            // As long as the computation below panics.
            last = Some(before.clone());
            let now = choice.of(&change.new, change.number, Some(&before));
            last = Some(now.clone());
            if !Arc::ptr_eq(&before, &now) {
                f(&before.value, &now.value)
            }
        })
    }
}
