//! Logs to damage.
//!
//! In: the number of a log, changes. Out: what is there of it when it is opened.
//! - `state`: what they hold
//! - `bases`: the logs before they are damaged
//! - `damage`: changes of their bytes
//! - `look`: every call that can fail, and what it may give

pub mod bases;
pub mod damage;
pub mod look;
pub mod state;
