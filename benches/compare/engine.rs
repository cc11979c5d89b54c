//! The engines under one trait: ours and its peers, each with the same hasher, each by its own API.
//! Every method is one call of the engine's; nothing is emulated. What an engine lacks, its rows print as "none".

use crate::keys::Key;
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

/// Names an engine: the index of its cell in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineId {
    OursArc,
    Im,
    ImblArc,
    RpdsArc,
    OursRc,
    ImRc,
    ImblRc,
    RpdsRc,
    Std,
}

impl EngineId {
    pub const ALL: [EngineId; 9] = {
        use EngineId::*;
        [OursArc, Im, ImblArc, RpdsArc, OursRc, ImRc, ImblRc, RpdsRc, Std]
    };

    pub fn name(self) -> &'static str {
        match self {
            EngineId::OursArc => "ours-arc",
            EngineId::Im => "im",
            EngineId::ImblArc => "imbl-arc",
            EngineId::RpdsArc => "rpds-arc",
            EngineId::OursRc => "ours-rc",
            EngineId::ImRc => "im-rc",
            EngineId::ImblRc => "imbl-rc",
            EngineId::RpdsRc => "rpds-rc",
            EngineId::Std => "std",
        }
    }
}

/// How an engine counts its nodes. Only engines of one kind are compared; std is of neither and not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Arc,
    Rc,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Arc, Kind::Rc];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Arc => "arc",
            Kind::Rc => "rc",
        }
    }

    pub fn ours(self) -> EngineId {
        match self {
            Kind::Arc => EngineId::OursArc,
            Kind::Rc => EngineId::OursRc,
        }
    }

    pub fn imbl(self) -> EngineId {
        match self {
            Kind::Arc => EngineId::ImblArc,
            Kind::Rc => EngineId::ImblRc,
        }
    }

    /// `im`, `imbl` and `rpds`, in the order of the table's columns.
    pub fn peers(self) -> [EngineId; 3] {
        match self {
            Kind::Arc => [EngineId::Im, EngineId::ImblArc, EngineId::RpdsArc],
            Kind::Rc => [EngineId::ImRc, EngineId::ImblRc, EngineId::RpdsRc],
        }
    }
}

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
    /// Has cheap new versions; without, a kept version is a full copy and there is nothing to compare.
    const VERSIONS: bool = true;
    const UNION: bool = true;
    const DIFF: bool = false;

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

    /// Only called where `UNION`.
    fn merge(self, _other: Self) -> Self {
        unreachable!("{} has no union", Self::ID.name())
    }

    /// Only called where `DIFF`.
    fn changes(&self, _other: &Self) -> Changes {
        unreachable!("{} has no diff", Self::ID.name())
    }
}

fn entry_sum<'a, K: Key>(sum: u64, (key, value): (&'a K, &'a u64)) -> u64 {
    sum.wrapping_add(key.word() ^ value)
}

/// Engines with the names of `im`: ours, `im`, `imbl`.
macro_rules! engine_like_im {
    ($map:ty, $id:ident, { $($extra:item)* }) => {
        impl<K: Key> Engine<K> for $map {
            const ID: EngineId = EngineId::$id;
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
        engine_like_im!($map, $id, {
            const DIFF: bool = true;

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
            const UNION: bool = false;

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
engine_like_im!(Im<K>, Im, {});
engine_like_im!(ImRc<K>, ImRc, {});
engine_like_im!(ImblArc<K>, ImblArc, {});
engine_like_im!(ImblRc<K>, ImblRc, {});
engine_rpds!(RpdsArc<K>, RpdsArc);
engine_rpds!(RpdsRc<K>, RpdsRc);

impl<K: Key> Engine<K> for Std<K> {
    const ID: EngineId = EngineId::Std;
    const VERSIONS: bool = false;
    const UNION: bool = false;

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
