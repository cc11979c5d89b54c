//! The way to storage: so far, what it would cost.
//!
//! In: a collection. Out: the records and bytes that a commit of it would write.
//! Uses: `map`, `link`, `id`.

mod counting;

pub use counting::{CountingSink, Counts};
