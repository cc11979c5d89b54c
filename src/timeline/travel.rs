//! What goes along from the state that is left to the one that is shown.
//!
//! In: what a version is, and what was shown before. Out: the state to be shown.
//! Must hold: the versions themselves stay as they are.
//! Uses: `error`.

use super::Timeline;
use crate::error::{Result, caught};
use std::sync::{Arc, Mutex, PoisonError};

/// What fits the state shown to the one that was left. In a mutex, which nobody locks, so that timelines are `Sync`.
pub(super) type Travel<T> = Mutex<Box<dyn FnMut(&T, &mut T) + Send>>;

impl<T: Clone + PartialEq + 'static> Timeline<T> {
    /// The state of a version as it is to be shown.
    pub(super) fn travelled(&mut self, head: u64) -> Result<Arc<T>> {
        let state = self.home.shown(head)?;
        let Some(travel) = &mut self.travel else { return Ok(state) };
        let (travel, mut state) =
            (travel.get_mut().unwrap_or_else(PoisonError::into_inner), Arc::unwrap_or_clone(state));
        caught(|| travel(&self.state, &mut state))?;
        Ok(Arc::new(state))
    }

    /// Whenever another version is shown, lets `f` carry over what undo must not touch, as where a text is scrolled to, from the
    /// state that is left to the one that is shown. The versions themselves stay as they are: [`at`](Self::at) gives what was
    /// committed. What is carried over is part of the next edit's state.
    ///
    /// ```
    /// use backstory::Timeline;
    ///
    /// #[derive(Clone, PartialEq, Debug, Default)]
    /// struct Text {
    ///     text: String,
    ///     scroll: u32,
    /// }
    ///
    /// let mut timeline = Timeline::new(Text::default());
    /// timeline.on_travel(|left, shown| shown.scroll = left.scroll);
    /// timeline.edit("type", |state| *state = Text { text: "hello".into(), scroll: 7 })?;
    /// timeline.undo()?;
    /// assert_eq!(timeline.state(), &Text { text: "".into(), scroll: 7 });
    /// # Ok::<(), backstory::Error>(())
    /// ```
    pub fn on_travel(&mut self, f: impl FnMut(&T, &mut T) + Send + 'static) {
        self.travel = Some(Mutex::new(Box::new(f)))
    }
}
