//! The log: records at everlasting addresses, in batches that are there whole or not at all.
//! In: bodies of records, and stamps, from one writer. Out: the same at their addresses, for any number of readers; after a
//! crash a prefix of the batches, with all that was acknowledged as durable.
//! Must hold: G1 to G9, docs/FORMAT.md, "Invariants".
//! Uses: `error`, `id`, `varint`. What the records mean is known above.

mod files;
mod health;
mod index;
mod mapped;
mod published;
mod reader;
mod record;
mod recovery;
mod scan;
mod segments;
mod sharing;
mod stamp;
mod storage;
mod superblock;
mod verify;
mod window;
mod writer;

#[cfg(fuzzing)]
pub(crate) mod fuzzing;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, allow(dead_code))] // The tests use more of it.
pub(crate) mod simulated;
#[cfg(test)]
mod tests_bytes;
#[cfg(test)]
mod tests_crash;
#[cfg(test)]
pub(crate) mod tests_golden;
#[cfg(test)]
mod tests_log;
#[cfg(test)]
mod tests_stamp;
#[cfg(test)]
mod tests_storage;
#[cfg(test)]
mod tests_verify;

pub(crate) use files::{Files, Lock};
pub(crate) use mapped::MappedFiles;
pub(crate) use reader::{Reader, Record};
pub(crate) use record::{UNIT, kinds};
pub use sharing::Sharing;
pub(crate) use sharing::sharing;
pub(crate) use stamp::{Root, Stamp, StampKind, Tags};
pub(crate) use storage::Storage;
pub(crate) use superblock::{Identity, Layout};
pub(crate) use verify::verify;
pub use verify::{Damage, Report};
pub(crate) use writer::{Log, Options};
