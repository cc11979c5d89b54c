//! Rows: which operations there are, and what was measured of one at one key type and size.
//! A row holds a cell per engine; judged once per kind, it has the id `op/key/kind/n`.

use crate::engine::{EngineId, Kind};

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
}

/// What an engine must have for a row to make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    Versions,
    Union,
    Diff,
}

impl Op {
    /// In the order of measuring: what leaves the base maps alone first.
    pub const ALL: [Op; 18] = {
        use Op::*;
        [
            GetHit,
            GetMiss,
            Iterate,
            CloneDrop,
            EqSharing,
            Diff10,
            Collect,
            Insert,
            Update,
            Remove,
            InsertKept,
            UpdateKept,
            RemoveKept,
            Chain,
            UnionSharing,
            UnionDisjoint,
            BytesPerEntry,
            BytesPerVersion,
        ]
    };

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
        }
    }

    pub fn needs(self) -> Needs {
        match self {
            Op::InsertKept | Op::UpdateKept | Op::RemoveKept | Op::Chain | Op::BytesPerVersion => Needs::Versions,
            Op::UnionSharing | Op::UnionDisjoint => Needs::Union,
            Op::Diff10 => Needs::Diff,
            _ => Needs::Nothing,
        }
    }

    /// Counted in bytes, not in nanoseconds.
    pub fn is_memory(self) -> bool {
        matches!(self, Op::BytesPerEntry | Op::BytesPerVersion)
    }

    pub fn is_kept_write(self) -> bool {
        matches!(self, Op::InsertKept | Op::UpdateKept | Op::RemoveKept)
    }

    /// Part of the geometric mean: time rows without `==` and diff, whose ratios have no bound.
    pub fn is_in_mean(self) -> bool {
        !self.is_memory() && self != Op::EqSharing && self != Op::Diff10
    }
}

/// One operation at one key type and size, with all engines.
#[derive(Clone, Debug)]
pub struct Row {
    pub op: Op,
    pub key: &'static str,
    pub n: usize,
    /// ns or bytes per operation, by engine; `None`: the engine has no such operation, or was filtered out.
    cells: [Option<f64>; EngineId::ALL.len()],
}

impl Row {
    pub fn new(op: Op, key: &'static str, n: usize) -> Self {
        Row { op, key, n, cells: [None; EngineId::ALL.len()] }
    }

    /// Without the kind: what `--only` matches.
    pub fn id(op: Op, key: &str, n: usize) -> String {
        format!("{}/{key}/{n}", op.name())
    }

    /// What is judged, and what a miss or an excuse names.
    pub fn judged_id(&self, kind: Kind) -> String {
        format!("{}/{}/{}/{}", self.op.name(), self.key, kind.name(), self.n)
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
