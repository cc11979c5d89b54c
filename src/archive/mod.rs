//! The way to storage: collections in rkyv's form, their nodes as records; and what that would cost.
//!
//! The data's way: a state → `serializer` (a stack of buffers) → `map` | `vector` (nodes as bodies, `images`) → `record` →
//! a log; and back: a record → `page` → `shape` (`body`) → `map` | `vector` → `loader` (origins, values) → a state; or a
//! `view`, which follows the records themselves.
//!
//! In: states and collections. Out: records of what is new; states whose collections stay stored.
//! Uses: `map`, `set`, `vector`, `link`, `hash`, `log`, `id`, `error`.

mod counting;

#[cfg(feature = "timeline")]
mod body;
#[cfg(feature = "timeline")]
mod checked;
#[cfg(feature = "timeline")]
mod digest;
#[cfg(all(fuzzing, feature = "timeline"))]
pub(crate) mod fuzzing;
#[cfg(feature = "timeline")]
mod hashers;
#[cfg(feature = "timeline")]
mod images;
#[cfg(feature = "timeline")]
mod links;
#[cfg(feature = "timeline")]
mod loader;
#[cfg(feature = "timeline")]
mod map;
#[cfg(feature = "timeline")]
mod moving;
#[cfg(feature = "timeline")]
mod page;
#[cfg(feature = "timeline")]
pub(crate) mod record;
#[cfg(feature = "timeline")]
mod roundtrip;
#[cfg(feature = "timeline")]
mod serializer;
#[cfg(feature = "timeline")]
mod shape;
#[cfg(feature = "timeline")]
mod state;
#[cfg(all(test, feature = "timeline"))]
mod tests;
#[cfg(all(test, feature = "timeline"))]
mod tests_digest;
#[cfg(all(test, feature = "timeline"))]
mod tests_forged;
#[cfg(all(test, feature = "timeline"))]
mod tests_view;
#[cfg(feature = "timeline")]
mod vector;
#[cfg(feature = "timeline")]
mod view;
#[cfg(feature = "timeline")]
mod view_map;
#[cfg(feature = "timeline")]
mod view_vector;

pub use counting::{CountingSink, Counts};
#[cfg(feature = "timeline")]
pub(crate) use digest::{Digests, digest};
#[cfg(feature = "timeline")]
pub use images::{ArchivedHashMap, ArchivedHashSet, ArchivedVector};
#[cfg(feature = "timeline")]
pub(crate) use links::links;
#[cfg(feature = "timeline")]
pub(crate) use loader::Library;
#[cfg(feature = "timeline")]
pub use loader::{Source, Thaw};
#[cfg(feature = "timeline")]
pub(crate) use moving::{Moved, Moving};
#[cfg(feature = "timeline")]
pub(crate) use roundtrip::check_roundtrip;
#[cfg(feature = "timeline")]
pub use serializer::Sink;
#[cfg(feature = "timeline")]
pub(crate) use serializer::{Kept, Serializer};
#[cfg(feature = "timeline")]
pub use state::State;
#[cfg(feature = "timeline")]
pub(crate) use state::{Storable, identity, read, read_root, view_root, write, write_root};
#[cfg(feature = "timeline")]
pub use view::View;
