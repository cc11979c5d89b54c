//! What is computed of a part of the state, once for each time that this part changes.
//!
//! In: which part, and what to compute. Out: that, as long as the part is the same without computing.
//! Must hold: what is given is always what would be computed of the state that is shown.
//! Uses: `board`, `same`.

use super::board::{Board, Subscription};
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
    last: Mutex<Last<R, U>>,
}

/// Of what it was computed last, and what came out.
type Last<R, U> = Option<(R, Arc<U>)>;

struct Choice<T, R, U> {
    input: Box<dyn Fn(&T) -> R + Send + Sync>,
    compute: Box<dyn Fn(&R) -> U + Send + Sync>,
}

impl<T, R: Same, U> Choice<T, R, U> {
    /// What is computed of this state. `last` stays as it is if something panics.
    fn of(&self, state: &T, last: &mut Last<R, U>) -> Arc<U> {
        let input = (self.input)(state);
        if let Some((known, value)) = last
            && known.same(&input)
        {
            return value.clone();
        }
        let value = Arc::new((self.compute)(&input));
        *last = Some((input, value.clone()));
        value
    }
}

impl<T: 'static, R: Same + 'static, U: 'static> Selection<T, R, U> {
    pub(super) fn new(
        board: Arc<Board<T>>,
        input: impl Fn(&T) -> R + Send + Sync + 'static,
        compute: impl Fn(&R) -> U + Send + Sync + 'static,
    ) -> Self {
        let choice = Choice { input: Box::new(input), compute: Box::new(compute) };
        Selection { board, choice: Arc::new(choice), last: Mutex::new(None) }
    }

    /// What is computed of the state that is shown: the same `Arc` as before, as long as the input is the same.
    ///
    /// Time: that of the input, and of the computation if the input is another one. Who asks meanwhile waits for that.
    ///
    /// # Panics
    /// If the input or the computation does. What was computed before is kept. A stored node that cannot be read is a panic
    /// in the calls of collections that cannot fail.
    pub fn get(&self) -> Arc<U> {
        let mut last = lock(&self.last);
        // Looked at under the lock, so that nobody gets an older one than somebody before.
        let state = self.board.state();
        self.choice.of(&state, &mut last)
    }

    /// Calls `f` with what was computed before and what is now, after each change with which the input is another one. Else
    /// as [`Store::subscribe`](crate::Store::subscribe).
    pub fn subscribe(&self, mut f: impl FnMut(&U, &U) + Send + 'static) -> Subscription
    where
        R: Send,
        U: Send + Sync,
    {
        let (choice, mut last) = (self.choice.clone(), None);
        self.board.subscribe(move |old, new| {
            let before = match &last {
                Some((_, before)) => Arc::clone(before),
                // The first change is one of the state that was shown when this began.
                None => choice.of(old, &mut last),
            };
            let now = choice.of(new, &mut last);
            if !Arc::ptr_eq(&before, &now) {
                f(&before, &now)
            }
        })
    }
}
