//! The maps under one trait: ours and its peers, each with the same hasher, each by its own API.
//! In: keys and values. Out: one call of the engine's per method; nothing is emulated. What an engine lacks, its rows
//! print as "none".

use super::keys::Key;
use crate::engine::EngineId;
use crate::rows::Op;
use archery::{ArcTK, RcK};
use backstory::{DiffItem, PortableHash};

pub type OursArc<K> = backstory::GenericHashMap<K, u64, PortableHash, ArcTK>;
pub type OursRc<K> = backstory::GenericHashMap<K, u64, PortableHash, RcK>;
pub type Im<K> = im::HashMap<K, u64, PortableHash>;
pub type ImRc<K> = im_rc::HashMap<K, u64, PortableHash>;
pub type ImblArc<K> = imbl::GenericHashMap<K, u64, PortableHash, ArcTK>;
pub type ImblRc<K> = imbl::GenericHashMap<K, u64, PortableHash, RcK>;
pub type RpdsArc<K> = rpds::HashTrieMap<K, u64, ArcTK, PortableHash>;
pub type RpdsRc<K> = rpds::HashTrieMap<K, u64, RcK, PortableHash>;
pub type Std<K> = std::collections::HashMap<K, u64, PortableHash>;

/// Entries by which two versions differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: usize,
    pub updated: usize,
    pub removed: usize,
}

impl Changes {
    fn count<K>(mut self, item: DiffItem<'_, '_, K, u64>) -> Self {
        match item {
            DiffItem::Add(..) => self.added += 1,
            DiffItem::Update { .. } => self.updated += 1,
            DiffItem::Remove(..) => self.removed += 1,
        }
        self
    }
}

/// A map from `K` to `u64`, as its users call it.
pub trait Engine<K: Key>: Clone + Default + PartialEq + FromIterator<(K, u64)> + 'static {
    const ID: EngineId;
    /// The rows it has no operation for.
    const LACKS: &'static [Op];

    fn size(&self) -> usize;
    fn lookup(&self, key: &K) -> Option<&u64>;
    /// In place; what was there is dropped.
    fn put(&mut self, key: K, value: u64);
    /// In place; true if the key was there.
    fn take(&mut self, key: &K) -> bool;
    /// A sum over all entries that reads each key and value.
    fn sum(&self) -> u64;
    /// A new version with `key` mapped to `value`; `self` is unchanged.
    fn with(&self, key: K, value: u64) -> Self;
    /// A new version without `key`; `self` is unchanged.
    fn less(&self, key: &K) -> Self;

    /// Not called where `LACKS` has the unions.
    fn merge(self, _other: Self) -> Self {
        unreachable!("{} has no union", Self::ID.name())
    }

    /// Not called where `LACKS` has the diff.
    fn changes(&self, _other: &Self) -> Changes {
        unreachable!("{} has no diff", Self::ID.name())
    }
}

fn entry_sum<'a, K: Key>(sum: u64, (key, value): (&'a K, &'a u64)) -> u64 {
    sum.wrapping_add(key.word() ^ value)
}

/// Engines with the names of `im`: ours, `im`, `imbl`.
macro_rules! engine_like_im {
    ($map:ty, $id:ident, $lacks:expr, { $($extra:item)* }) => {
        impl<K: Key> Engine<K> for $map {
            const ID: EngineId = EngineId::$id;
            const LACKS: &'static [Op] = $lacks;
            $($extra)*

            fn size(&self) -> usize {
                self.len()
            }
            fn lookup(&self, key: &K) -> Option<&u64> {
                self.get(key)
            }
            fn put(&mut self, key: K, value: u64) {
                self.insert(key, value);
            }
            fn take(&mut self, key: &K) -> bool {
                self.remove(key).is_some()
            }
            fn sum(&self) -> u64 {
                self.iter().fold(0, entry_sum)
            }
            fn with(&self, key: K, value: u64) -> Self {
                self.update(key, value)
            }
            fn less(&self, key: &K) -> Self {
                self.without(key)
            }
            fn merge(self, other: Self) -> Self {
                self.union(other)
            }
        }
    };
}

/// Ours: `im`'s names, and a diff.
macro_rules! engine_ours {
    ($map:ty, $id:ident) => {
        engine_like_im!($map, $id, &[], {
            fn changes(&self, other: &Self) -> Changes {
                self.diff(other).fold(Changes::default(), Changes::count)
            }
        });
    };
}

macro_rules! engine_rpds {
    ($map:ty, $id:ident) => {
        impl<K: Key> Engine<K> for $map {
            const ID: EngineId = EngineId::$id;
            const LACKS: &'static [Op] = &[Op::Diff10, Op::UnionSharing, Op::UnionDisjoint];

            fn size(&self) -> usize {
                self.size()
            }
            fn lookup(&self, key: &K) -> Option<&u64> {
                self.get(key)
            }
            fn put(&mut self, key: K, value: u64) {
                self.insert_mut(key, value);
            }
            fn take(&mut self, key: &K) -> bool {
                self.remove_mut(key)
            }
            fn sum(&self) -> u64 {
                self.iter().fold(0, entry_sum)
            }
            fn with(&self, key: K, value: u64) -> Self {
                self.insert(key, value)
            }
            fn less(&self, key: &K) -> Self {
                self.remove(key)
            }
        }
    };
}

engine_ours!(OursArc<K>, OursArc);
engine_ours!(OursRc<K>, OursRc);
engine_like_im!(Im<K>, Im, &[Op::Diff10], {});
engine_like_im!(ImRc<K>, ImRc, &[Op::Diff10], {});
engine_like_im!(ImblArc<K>, ImblArc, &[Op::Diff10], {});
engine_like_im!(ImblRc<K>, ImblRc, &[Op::Diff10], {});
engine_rpds!(RpdsArc<K>, RpdsArc);
engine_rpds!(RpdsRc<K>, RpdsRc);

impl<K: Key> Engine<K> for Std<K> {
    const ID: EngineId = EngineId::Std;
    /// A kept version would be a full copy: nothing to compare.
    const LACKS: &'static [Op] = &{
        use Op::*;
        [InsertKept, UpdateKept, RemoveKept, Chain, BytesPerVersion, Diff10, UnionSharing, UnionDisjoint]
    };

    fn size(&self) -> usize {
        self.len()
    }
    fn lookup(&self, key: &K) -> Option<&u64> {
        self.get(key)
    }
    fn put(&mut self, key: K, value: u64) {
        self.insert(key, value);
    }
    fn take(&mut self, key: &K) -> bool {
        self.remove(key).is_some()
    }
    fn sum(&self) -> u64 {
        self.iter().fold(0, entry_sum)
    }
    fn with(&self, key: K, value: u64) -> Self {
        let mut copy = self.clone();
        copy.insert(key, value);
        copy
    }
    fn less(&self, key: &K) -> Self {
        let mut copy = self.clone();
        copy.remove(key);
        copy
    }
}
