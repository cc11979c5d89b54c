//! The version tree: who came from whom, where we stand, where redo leads.
//!
//! In: versions as they are made, moves of the head, names. Out: ancestors, children, leaves, what names lead to.
//! - **H1** Ids are dense: 0 is the first version, and each new one has the next number. A parent's is smaller.
//! - **H2** The head is the tip or one of its ancestors.
//! - **H3** A version's jump is the ancestor that makes paths to any ancestor O(log depth) long (see [`Lineage`]).
//! - **H4** [`Tree`] knows every child but those that have the next number after their parent, and every leaf but the
//!   newest version: so a version that follows the newest changes nothing in it. It knows none that were forgotten.
//! - **H5** A name is that of one branch or tag, and leads to a version that there is. New versions move the branch we are on,
//!   and nothing else does. [`Led`] knows every version that a name leads to, but for the one that new versions move.
//! - **H6** The versions of a group are a path: each but the first joins its parent.
//!
//! Uses: `map`, `set`, `vector`, `error`, `varint`. No I/O, no clock.

mod change;
mod led;
mod lineage;
mod names;
mod tree;

pub(crate) use change::Change;
pub(crate) use led::Led;
pub(crate) use lineage::{Line, Lineage, ancestor_at, is_ancestor, line_after, stop_after, stop_before};
pub(crate) use names::Names;
pub(crate) use tree::Tree;
