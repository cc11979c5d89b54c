//! The verdict of `--check`: what is asked of every structure alike. In: rows, and the rules of their structures.
//! Out: bars, each with what it says and what misses it. Bars of one structure only stand in its `bars.rs`.

use crate::engine::Kind;
use crate::rows::{Op, Row, Structure};
use crate::{map, vector};

/// What is asked of the rows of one structure.
pub struct Rules {
    /// Rows `op/structure/key/kind/n` that may miss [`MAX_RATIO`], each with its physical reason (ARCHITECTURE.md has
    /// it in full).
    pub excused: &'static [(&'static str, &'static str)],
    pub max_excused: usize,
    /// Whether no row of this operation, key and kind may be excused.
    pub never_excused: fn(op: &str, key: &str, kind: &str) -> bool,
    pub min_mean_gain: f64,
    /// The structure's own bars; if quick, only those that 10 000 entries can judge.
    pub bars: fn(rows: &[Row], is_quick: bool) -> Vec<Bar>,
}

impl Structure {
    pub fn rules(self) -> &'static Rules {
        match self {
            Structure::Map => &map::bars::RULES,
            Structure::Vector => &vector::bars::RULES,
        }
    }
}

pub const MAX_RATIO: f64 = 1.1;
/// Sizes at which time rows are judged.
pub const JUDGED_SIZES: [usize; 2] = [10_000, 1_000_000];
const GAIN_CLAMP: (f64, f64) = (0.25, 4.0);

/// One bar: what was asked, what was found, what misses it.
pub struct Bar {
    pub title: String,
    pub found: Vec<String>,
    pub misses: Vec<String>,
}

impl Bar {
    pub fn new(title: impl Into<String>) -> Self {
        Bar { title: title.into(), found: Vec::new(), misses: Vec::new() }
    }

    /// Notes `what`, and counts it as a miss unless it is `good`.
    pub fn note(&mut self, is_good: bool, what: String) {
        if is_good {
            self.found.push(what);
        } else {
            self.misses.push(what);
        }
    }
}

/// Panics if a list of excuses breaks its own rules: that is a mistake in its file, not a result.
pub fn assert_excuses_are_allowed() {
    for structure in Structure::ALL {
        let rules = structure.rules();
        let (name, most) = (structure.name(), rules.max_excused);
        assert!(rules.excused.len() <= most, "at most {most} rows of the {name} may be excused");
        for (id, reason) in rules.excused {
            assert!(!reason.is_empty(), "{id} is excused without a reason");
            let parts: Vec<&str> = id.split('/').collect();
            let &[op, of, key, kind, _] = &parts[..] else { panic!("{id} is no row: op/structure/key/kind/n") };
            assert_eq!(of, name, "{id} stands with the wrong structure");
            assert!(!(rules.never_excused)(op, key, kind), "{id} may not be excused");
        }
    }
}

fn excuse(row: &Row, kind: Kind) -> Option<&'static str> {
    let id = row.judged_id(kind);
    row.structure.rules().excused.iter().find(|(excused, _)| *excused == id).map(|(_, reason)| *reason)
}

/// The word beside a row in the table.
pub fn mark(row: &Row, kind: Kind) -> &'static str {
    match row.ratio(kind) {
        Some(x) if x > MAX_RATIO && is_judged(row) => {
            if excuse(row, kind).is_some() {
                "excused"
            } else {
                "MISS"
            }
        }
        _ => "",
    }
}

fn is_judged(row: &Row) -> bool {
    !row.op.is_memory() && JUDGED_SIZES.contains(&row.n)
}

/// Geometric mean of imbl's time over ours, clamped per row; `None` without such rows.
pub fn mean_gain(rows: &[Row], kinds: &[Kind]) -> Option<f64> {
    let rows = rows.iter().filter(|row| row.op.is_in_mean() && row.n >= 10_000);
    let gains: Vec<f64> = rows
        .flat_map(|row| kinds.iter().filter_map(|kind| row.gain_over_imbl(*kind)))
        .map(|gain| gain.clamp(GAIN_CLAMP.0, GAIN_CLAMP.1).ln())
        .collect();
    (!gains.is_empty()).then(|| (gains.iter().sum::<f64>() / gains.len() as f64).exp())
}

/// The bars of one structure; `rows` are its own. If quick, only those that 10 000 entries can judge.
pub fn bars(structure: Structure, rows: &[Row], is_quick: bool) -> Vec<Bar> {
    let mut bars = vec![every_row(structure, rows)];
    if !is_quick {
        bars.push(mean(structure, rows));
    }
    bars.extend((structure.rules().bars)(rows, is_quick));
    bars
}

fn every_row(structure: Structure, rows: &[Row]) -> Bar {
    let name = structure.name();
    let mut bar = Bar::new(format!("{name}: every time row at most {MAX_RATIO} x the best Rust peer of its kind"));
    let mut judged = 0;
    for (row, kind) in rows.iter().flat_map(|row| Kind::ALL.map(|kind| (row, kind))) {
        let Some(ratio) = row.ratio(kind).filter(|_| is_judged(row)) else { continue };
        judged += 1;
        let id = row.judged_id(kind);
        match excuse(row, kind) {
            Some(reason) if ratio > MAX_RATIO => bar.found.push(format!("{id}: {ratio:.2}, excused: {reason}")),
            Some(_) => bar.found.push(format!("{id}: {ratio:.2}, needs its excuse no more")),
            None if ratio > MAX_RATIO => bar.misses.push(format!("{id}: {ratio:.2}")),
            None => {}
        }
    }
    let met = judged - bar.misses.len();
    bar.note(judged > 0, format!("{met} of {judged} rows"));
    bar
}

fn mean(structure: Structure, rows: &[Row]) -> Bar {
    let least = structure.rules().min_mean_gain;
    let mut bar = Bar::new(format!("{}: geometric mean of imbl over ours at least {least:.1}", structure.name()));
    let mean = mean_gain(rows, &Kind::ALL).unwrap_or(0.0);
    bar.note(mean >= least, format!("mean gain {mean:.2}"));
    bar
}

/// The row with u64 keys or elements, among those of one structure.
pub fn find(rows: &[Row], op: Op, n: usize) -> Option<&Row> {
    rows.iter().find(|row| row.op == op && row.key == "u64" && row.n == n)
}
