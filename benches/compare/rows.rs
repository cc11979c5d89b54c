//! Rows: which operations there are, and what was measured of one at one structure, key type and size.
//! In: figures by engine. Out: a cell per engine; judged once per kind, a row has the id `op/structure/key/kind/n`.

use crate::engine::{EngineId, Kind};
use crate::{map, vector};

/// What the engines are engines of. Rows of two structures are never judged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    Map,
    Vector,
}

impl Structure {
    pub const ALL: [Structure; 2] = [Structure::Map, Structure::Vector];

    pub fn name(self) -> &'static str {
        match self {
            Structure::Map => "map",
            Structure::Vector => "vector",
        }
    }

    /// Its rows with keys (or elements) of this type, in the order of measuring.
    pub fn ops(self, key: &str) -> &'static [Op] {
        match self {
            Structure::Map => map::ops(key),
            Structure::Vector => vector::ops(key),
        }
    }
}

/// An operation; each structure has rows for some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    GetHit,
    GetMiss,
    Iterate,
    Collect,
    Insert,
    Update,
    Remove,
    InsertKept,
    UpdateKept,
    RemoveKept,
    Chain,
    CloneDrop,
    EqSharing,
    Diff10,
    UnionSharing,
    UnionDisjoint,
    BytesPerEntry,
    BytesPerVersion,
    GetRandom,
    GetSequential,
    GetRelaxed,
    PushBack,
    PushFront,
    PushBackKept,
    PushFrontKept,
    Set,
    SetKept,
    Concat,
    Split,
    BuildPieces,
    BytesPerElement,
    BytesPerPush,
    BytesPerSet,
    BytesPerInsert,
}

impl Op {
    pub fn name(self) -> &'static str {
        match self {
            Op::GetHit => "get_hit",
            Op::GetMiss => "get_miss",
            Op::Iterate => "iterate",
            Op::Collect => "collect",
            Op::Insert => "insert",
            Op::Update => "update",
            Op::Remove => "remove",
            Op::InsertKept => "insert_kept",
            Op::UpdateKept => "update_kept",
            Op::RemoveKept => "remove_kept",
            Op::Chain => "chain",
            Op::CloneDrop => "clone_drop",
            Op::EqSharing => "eq_sharing",
            Op::Diff10 => "diff_10",
            Op::UnionSharing => "union_sharing",
            Op::UnionDisjoint => "union_disjoint",
            Op::BytesPerEntry => "bytes_per_entry",
            Op::BytesPerVersion => "bytes_per_version",
            Op::GetRandom => "get_random",
            Op::GetSequential => "get_sequential",
            Op::GetRelaxed => "get_relaxed",
            Op::PushBack => "push_back",
            Op::PushFront => "push_front",
            Op::PushBackKept => "push_back_kept",
            Op::PushFrontKept => "push_front_kept",
            Op::Set => "set",
            Op::SetKept => "set_kept",
            Op::Concat => "concat",
            Op::Split => "split",
            Op::BuildPieces => "build_pieces",
            Op::BytesPerElement => "bytes_per_element",
            Op::BytesPerPush => "bytes_per_push",
            Op::BytesPerSet => "bytes_per_set",
            Op::BytesPerInsert => "bytes_per_insert",
        }
    }

    /// Counted in bytes, not in nanoseconds.
    pub fn is_memory(self) -> bool {
        use Op::*;
        matches!(self, BytesPerEntry | BytesPerVersion | BytesPerElement | BytesPerPush | BytesPerSet | BytesPerInsert)
    }

    /// Part of the geometric mean: time rows without `==` and diff, whose ratios have no bound.
    pub fn is_in_mean(self) -> bool {
        !self.is_memory() && self != Op::EqSharing && self != Op::Diff10
    }
}

/// Rows that are measured together, with the same base collections.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub structure: Structure,
    /// The type of keys or elements.
    pub key: &'static str,
    pub n: usize,
}

/// One operation at one structure, key type and size, with all engines.
#[derive(Clone, Debug)]
pub struct Row {
    pub op: Op,
    pub structure: Structure,
    pub key: &'static str,
    pub n: usize,
    /// ns or bytes per operation, by engine; `None`: the engine has no such operation, or was filtered out.
    cells: [Option<f64>; EngineId::ALL.len()],
}

impl Row {
    pub fn new(op: Op, group: Group) -> Self {
        let Group { structure, key, n } = group;
        Row { op, structure, key, n, cells: [None; EngineId::ALL.len()] }
    }

    /// Without the kind: what `--only` matches.
    pub fn id(op: Op, group: Group) -> String {
        format!("{}/{}/{}/{}", op.name(), group.structure.name(), group.key, group.n)
    }

    /// What is judged, and what a miss or an excuse names.
    pub fn judged_id(&self, kind: Kind) -> String {
        format!("{}/{}/{}/{}/{}", self.op.name(), self.structure.name(), self.key, kind.name(), self.n)
    }

    pub fn set(&mut self, engine: EngineId, value: f64) {
        self.cells[engine as usize] = Some(value);
    }

    pub fn get(&self, engine: EngineId) -> Option<f64> {
        self.cells[engine as usize]
    }

    pub fn ours(&self, kind: Kind) -> Option<f64> {
        self.get(kind.ours())
    }

    /// The Rust peer of this kind with the lowest figure.
    pub fn best_peer(&self, kind: Kind) -> Option<(EngineId, f64)> {
        let peers = kind.peers().into_iter();
        peers.filter_map(|engine| Some((engine, self.get(engine)?))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Ours over the best peer: below 1, ours is faster or smaller.
    pub fn ratio(&self, kind: Kind) -> Option<f64> {
        Some(self.ours(kind)? / self.best_peer(kind)?.1)
    }

    /// `imbl`'s time over ours: how many times faster ours is.
    pub fn gain_over_imbl(&self, kind: Kind) -> Option<f64> {
        Some(self.get(kind.imbl())? / self.ours(kind)?)
    }
}
