//! Pages of `imbl` code, each expanded once with `imbl` and once with `backstory`: they compile with both after a
//! change of the `use` line, and both give the same results. `typical` compiles with `im` too.
//!
//! Known differences, not on the pages: `docs/leaving-im.md` lists them all.
#![allow(clippy::needless_lifetimes)] // Code as its users write it.
#![allow(deprecated)] // `difference` and its kin are part of the API.
#![cfg(feature = "std")]

mod maps;
mod typical;
mod vectors;
mod views;

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a page found out: a name and a value, printed.
type Found = Vec<(&'static str, String)>;

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

/// The parts of a `{:?}` of a map or set, in an order of their own.
fn parts(shown: String) -> Vec<String> {
    let inner = shown.trim_start_matches('{').trim_end_matches('}').to_owned();
    sorted(inner.split(", ").map(str::to_owned))
}

/// A key of which only a part counts for equality, so that one can see which of two equal keys was kept.
#[derive(Clone, Copy, Debug, PartialOrd, Ord)]
struct Tagged(u32, char);

impl PartialEq for Tagged {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Tagged {}
impl Hash for Tagged {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state)
    }
}

/// A key that stands in for a `Tagged`, through `equivalent` and not through `Borrow`.
#[derive(Hash)]
struct Asked(u32);

impl equivalent_of_both::Equivalent<Tagged> for Asked {
    fn equivalent(&self, key: &Tagged) -> bool {
        self.0 == key.0
    }
}

/// The trait that both crates take keys by.
mod equivalent_of_both {
    pub use equivalent::Equivalent;
}

fn note(found: &mut Found, name: &'static str, value: impl Debug) {
    found.push((name, format!("{value:?}")))
}

/// True if this panics.
fn panics<R>(f: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// The bound on kinds is the one that differs by name: `SharedPointerKind` there, `Kind` here.
mod kinds {
    pub mod with_imbl {
        pub use imbl::shared_ptr::SharedPointerKind as Chosen;
    }
    pub mod with_ours {
        pub use backstory::Kind as Chosen;
    }
}

/// Tests that say: the part of the page, with both crates, gives the same results, and at least so many.
macro_rules! same_results {
    ($($test:ident: $part:ident, $least:literal;)*) => {$(
        #[test]
        fn $test() {
            let (theirs, ours) = (with_imbl::$part(), with_ours::$part());
            assert!(theirs.len() >= $least, "the page shrank to {} results", theirs.len());
            for (theirs, ours) in theirs.iter().zip(&ours) {
                assert_eq!(theirs, ours)
            }
            assert_eq!(theirs.len(), ours.len());
        }
    )*};
}
pub(crate) use same_results;
