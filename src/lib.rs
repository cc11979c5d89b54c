//! Persistent, structure-sharing collections for time travel: every mutation can be a new version, and versions
//! share what they have in common.
//!
//! [`HashMap`], [`HashSet`] and [`Vector`] have the API of the crates `im` and `imbl`: a program that uses theirs
//! compiles after a change of its `use` line (`docs/leaving-im.md` lists what differs). Beyond it, `==`, `diff` and the
//! set operations on versions that share structure cost what differs, reads need no `Clone` bounds, and removing what
//! is absent copies nothing.
//!
//! ```
//! use backstory::{HashMap, hashmap};
//!
//! let v1: HashMap<&str, u32> = hashmap! { "x" => 1, "y" => 2 };
//! let mut v2 = v1.clone();          // O(1)
//! v2.insert("y", 5);                // copies one node a level, shares the rest
//! assert_eq!((v1["y"], v2["y"]), (2, 5));
//! assert_eq!(v1.diff(&v2).count(), 1);
//! ```
//!
//! | collection | like | order |
//! |---|---|---|
//! | [`HashMap`] | `std::collections::HashMap` | by hash, the same everywhere |
//! | [`HashSet`] | `std::collections::HashSet` | by hash, the same everywhere |
//! | [`Vector`] | `Vec`, `VecDeque` | that of its elements |
//!
//! [`rc`] has the same collections with counts that are not atomic. The `Generic…` types take any hasher and any
//! [`Kind`] of count.
//!
//! A `Timeline` keeps every version of a state, in memory or on disk: undo, redo, rollback and a look at any version, at
//! once. A commit writes only the nodes that the version newly made.
//!
//! ```
//! use backstory::{HashMap, Timeline};
//!
//! let mut timeline = Timeline::new(HashMap::<&str, u32>::new());
//! timeline.edit("first", |map| map.insert("x", 1))?;
//! timeline.edit("second", |map| map.insert("x", 2))?;
//! timeline.undo()?;
//! assert_eq!(timeline.state()["x"], 1);
//! # Ok::<(), backstory::Error>(())
//! ```
//!
//! A `Store` is a timeline that many threads share: actions change it, selections compute of it only what changed, subscribers are
//! told.
//!
//! Features: `std` (on by default) is conversions from and into `std::collections::{HashMap, HashSet}`, and what every other feature
//! but `serde` needs: without it the crate is `no_std`, and the collections need `alloc` only. `timeline` (on by default) is the
//! timeline and all that stores; `json` is JSON documents as a state, with pointers and patches; `cli` the program `backstory`,
//! which keeps versions of such a document; `serde` writes and reads collections as std's of the same shape; `rayon` goes
//! through them with many threads; `proptest` has strategies that make and shrink them.

#![cfg_attr(not(any(feature = "std", test)), no_std)]

extern crate alloc;

mod archive;
mod error;
mod hash;
#[cfg(feature = "timeline")]
mod history;
mod id;
#[cfg(feature = "json")]
pub mod json;
mod link;
#[cfg(feature = "timeline")]
mod log;
pub mod map;
mod nested;
#[cfg(feature = "proptest")]
pub mod proptest;
#[cfg(feature = "rayon")]
pub mod rayon;
#[cfg(feature = "serde")]
mod serde;
pub mod set;
#[cfg(feature = "timeline")]
mod store;
#[cfg(feature = "timeline")]
mod timeline;
#[cfg(feature = "timeline")]
mod varint;
pub mod vector;

/// For the package in `fuzz/`: what it needs to forge logs, and to read records from any bytes.
#[cfg(all(fuzzing, feature = "timeline"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::archive::fuzzing::read_record;
    pub use crate::log::fuzzing::{Place, address, read_block, read_stamp, records, reseal};
    pub use crate::timeline::fuzzing::Folder;
}

/// The collections with counts that are not atomic: faster by the price of an atomic, and kept on one thread.
pub mod rc {
    use archery::RcK;

    /// A [`GenericHashMap`](crate::GenericHashMap) of one thread, with the default hasher.
    pub type HashMap<K, V> = crate::GenericHashMap<K, V, crate::PortableHash, RcK>;
    /// A [`GenericHashSet`](crate::GenericHashSet) of one thread, with the default hasher.
    pub type HashSet<A> = crate::GenericHashSet<A, crate::PortableHash, RcK>;
    /// A [`GenericVector`](crate::GenericVector) of one thread.
    pub type Vector<A> = crate::GenericVector<A, RcK>;
}

/// Kinds of counts, as `imbl` names this module.
pub mod shared_ptr {
    pub use archery::{ArcK, ArcTK, RcK, SharedPointer, SharedPointerKind};

    /// What the collections count with, if nothing else is said.
    pub type DefaultSharedPtr = ArcTK;
}

#[cfg(feature = "timeline")]
pub use archive::{ArchivedHashMap, ArchivedHashSet, ArchivedVector, Sink, Source, State, Thaw, View};
pub use archive::{CountingSink, Counts};
#[cfg(feature = "timeline")]
pub use error::caught;
pub use error::{Error, ErrorKind, Result};
pub use hash::{PortableHash, PortableHasher, PortableState, StrongHash, StrongState};
pub use id::{Address, Digest, VersionId};
pub use link::Kind;
#[cfg(feature = "timeline")]
pub use log::{Damage, Report, Sharing};
#[doc(no_inline)]
pub use map as hashmap;
pub use map::{DiffItem, GenericHashMap, HashMap};
#[doc(no_inline)]
pub use set as hashset;
pub use set::{GenericHashSet, HashSet};
#[cfg(feature = "timeline")]
pub use store::{OpenGroup, Same, Selection, Store, Subscription};
#[cfg(feature = "timeline")]
pub use timeline::{Durability, Edit, Gesture, Grouping, Options, Reader, Timeline, Version};
pub use vector::{GenericVector, Vector};

/// The README's programs, as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The programs of the guide for users of `im` and `imbl`, as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/leaving-im.md")]
struct LeavingIm;

/// The programs of the guides, as doc tests.
#[cfg(all(doctest, feature = "timeline"))]
#[doc = include_str!("../docs/guides/editor-undo.md")]
struct GuideEditorUndo;

/// See [`GuideEditorUndo`].
#[cfg(all(doctest, feature = "timeline"))]
#[doc = include_str!("../docs/guides/redux-store.md")]
struct GuideReduxStore;

/// See [`GuideEditorUndo`].
#[cfg(all(doctest, feature = "timeline"))]
#[doc = include_str!("../docs/guides/game-rewind.md")]
struct GuideGameRewind;

/// See [`GuideEditorUndo`].
#[cfg(all(doctest, feature = "timeline"))]
#[doc = include_str!("../docs/guides/checkpoints.md")]
struct GuideCheckpoints;
