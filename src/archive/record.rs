//! Records between the bridge and a log: what takes them, what gives them, and of which kinds they are.
//!
//! In: bodies. Out: addresses; and bodies again. Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `error`, `id`.

use crate::error::{Error, ErrorKind, Result};
use crate::id::Address;
use std::ops::Deref;
use std::sync::Arc;

/// The kinds of records that the bridge writes.
pub(crate) mod kinds {
    pub(crate) const MAP_INNER: u8 = 64;
    pub(crate) const MAP_OVERLAY: u8 = 65;
    pub(crate) const MAP_LEAF: u8 = 66;
    pub(crate) const MAP_LEAF_OVERLAY: u8 = 67;
    pub(crate) const MAP_COLLISION: u8 = 68;
    pub(crate) const ENTRY: u8 = 69;
    pub(crate) const VECTOR_INNER: u8 = 70;
    pub(crate) const VECTOR_INNER_SPLICE: u8 = 71;
    pub(crate) const VECTOR_LEAF: u8 = 72;
    pub(crate) const VECTOR_LEAF_SPLICE: u8 = 73;
    pub(crate) const SPINE: u8 = 74;
    pub(crate) const ROOT: u8 = 75;
    /// With one of the others: the body ends with a list of where addresses stand in what a user's type wrote.
    pub(crate) const LINKED: u8 = 128;
}

/// Takes the records of a commit.
pub(crate) trait RecordSink {
    /// Appends a record; everything it refers to has been appended.
    ///
    /// # Errors
    /// What the storage says.
    fn append(&mut self, kind: u8, body: &[u8]) -> Result<Address>;
}

/// Gives records by their addresses.
pub(crate) trait RecordSource: Send + Sync {
    /// The record at an address, its checksum verified.
    ///
    /// # Errors
    /// `Io`; `Corrupt` if there is no whole record.
    fn read(&self, at: Address) -> Result<Record>;
}

/// A record. Its body is aligned to 16 bytes.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) kind: u8,
    pub(crate) body: Arc<dyn Deref<Target = [u8]> + Send + Sync>,
}

/// Says that the record at an address is not what it should be.
pub(crate) fn corrupt(at: Address, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("address {}: {what}", at.units()))
}
