//! What an edit gives back of the entry that was there before.
//!
//! In: an entry, moved or borrowed. Out: what the caller wants of it; what is shared is cloned only if wanted.

/// What was there before an edit: moved if it was ours, cloned if it was shared and wanted.
#[derive(Debug)]
pub(crate) struct Taken<K, V> {
    pub(crate) key: Option<K>,
    pub(crate) value: Option<V>,
}

/// What of the entry before the caller wants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Nothing,
    Value,
    Entry,
}

/// All of an entry that was ours.
#[inline(always)]
pub(super) fn taken_whole<K, V>((key, value): (K, V)) -> Taken<K, V> {
    Taken { key: Some(key), value: Some(value) }
}

/// What is wanted of an entry that others have too.
#[inline(always)]
pub(super) fn taken_clone<K: Clone, V: Clone>(entry: &(K, V), want: Want) -> Taken<K, V> {
    Taken {
        key: (want == Want::Entry).then(|| entry.0.clone()),
        value: (want != Want::Nothing).then(|| entry.1.clone()),
    }
}
