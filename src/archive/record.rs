//! The kinds of records that the bridge writes. In: nothing. Out: numbers. Bytes: docs/FORMAT.md, "Node kinds".
//! Uses: `log`.

/// The kinds of records that the bridge writes.
pub(crate) mod kinds {
    pub(crate) const MAP_INNER: u8 = crate::log::kinds::FIRST_OF_ARCHIVE;
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
    pub(crate) const HASHERS: u8 = 76;
    /// With one of the others: the body ends with a list of where addresses stand in what a user's type wrote.
    pub(crate) const LINKED: u8 = 128;
}
