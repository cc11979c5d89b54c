//! The bars of `--check`. In: rows, the scale figures and the sink's. Out: per bar, what it says and what misses it.

use crate::engine::{EngineId, Kind};
use crate::rows::{Op, Row};
use crate::scale::Scale;
use crate::sink::Written;
use crate::table::figure;

/// Rows `op/key/kind/n` that may miss [`MAX_RATIO`], each with its physical reason (ARCHITECTURE.md has it in full).
const EXCUSED: &[(&str, &str)] = &[
    ("insert/u64/arc/10000", LEAVES_GROW),
    ("insert/u64/rc/10000", LEAVES_GROW),
    ("insert/String/arc/10000", LEAVES_GROW),
    ("insert/String/rc/10000", LEAVES_GROW),
    ("remove/u64/arc/10000", LEAVES_MERGE),
];
const LEAVES_GROW: &str = "our leaves grow twice before they part, imbl's have room for all from the start";
const LEAVES_MERGE: &str = "our leaves merge, so that each remove asks for its sibling's length; imbl's do not";
const MAX_EXCUSED: usize = 6;

pub const MAX_RATIO: f64 = 1.1;
/// Sizes at which time rows are judged.
const JUDGED_SIZES: [usize; 2] = [10_000, 1_000_000];
const MIN_MEAN_GAIN: f64 = 2.0;
const GAIN_CLAMP: (f64, f64) = (0.25, 4.0);
const MIN_KEPT_GAIN: f64 = 4.0;
const MAX_SHARING_GROWTH: f64 = 4.0;
const MAX_MEAN_ENTRY_BYTES: f64 = 25.0;
const MAX_WORST_ENTRY_BYTES: f64 = 30.0;
const MAX_VERSION_BYTES: f64 = 600.0;
const MAX_KEPT_GROWTH: f64 = 8.0;
const MAX_SINK_BYTES: f64 = 600.0;

/// One bar: what was asked, what was found, what misses it.
pub struct Bar {
    pub title: String,
    pub found: Vec<String>,
    pub misses: Vec<String>,
}

impl Bar {
    fn new(title: impl Into<String>) -> Self {
        Bar { title: title.into(), found: Vec::new(), misses: Vec::new() }
    }

    /// Notes `what`, and counts it as a miss unless it is `good`.
    fn note(&mut self, is_good: bool, what: String) {
        if is_good {
            self.found.push(what);
        } else {
            self.misses.push(what);
        }
    }
}

/// Panics if the list of excuses breaks its own rules: that is a mistake in this file, not a result.
pub fn assert_excuses_are_allowed() {
    assert!(EXCUSED.len() <= MAX_EXCUSED, "at most {MAX_EXCUSED} rows may be excused");
    for (id, reason) in EXCUSED {
        assert!(!reason.is_empty(), "{id} is excused without a reason");
        let parts: Vec<&str> = id.split('/').collect();
        let &[op, key, kind, _] = &parts[..] else { panic!("{id} is no row: op/key/kind/n") };
        let is_core = matches!(op, "get_hit" | "get_miss" | "collect") && key == "u64" && kind == "arc";
        assert!(!is_core, "{id} may not be excused: u64 arc get and collect");
        assert!(!op.ends_with("_kept"), "{id} may not be excused: no kept write");
    }
}

fn excuse(id: &str) -> Option<&'static str> {
    EXCUSED.iter().find(|(excused, _)| *excused == id).map(|(_, reason)| *reason)
}

/// The word beside a row in the table.
pub fn mark(row: &Row, kind: Kind) -> &'static str {
    match row.ratio(kind) {
        Some(x) if x > MAX_RATIO && is_judged(row) => {
            if excuse(&row.judged_id(kind)).is_some() {
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

/// The bars that 10 000 entries can judge.
pub fn quick_bars(rows: &[Row]) -> Vec<Bar> {
    vec![every_row(rows), kept_writes(rows)]
}

/// The bars that only the whole table can judge, beyond the quick ones.
pub fn full_bars(rows: &[Row]) -> Vec<Bar> {
    let mut bars = quick_bars(rows);
    bars.extend([mean(rows), sharing_growth(rows), version_bytes(rows)]);
    bars
}

/// The bars that need no peer and no table.
pub fn alone_bars(scale: &Scale, written: &[Written]) -> Vec<Bar> {
    vec![entry_bytes(scale), kept_growth(scale), sink_bytes(written)]
}

fn every_row(rows: &[Row]) -> Bar {
    let mut bar = Bar::new(format!("every time row at most {MAX_RATIO} x the best Rust peer of its kind"));
    let mut judged = 0;
    for (row, kind) in rows.iter().flat_map(|row| Kind::ALL.map(|kind| (row, kind))) {
        let Some(ratio) = row.ratio(kind).filter(|_| is_judged(row)) else { continue };
        judged += 1;
        let id = row.judged_id(kind);
        match excuse(&id) {
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

fn mean(rows: &[Row]) -> Bar {
    let mut bar = Bar::new(format!("geometric mean of imbl over ours at least {MIN_MEAN_GAIN:.1}"));
    let mean = mean_gain(rows, &Kind::ALL).unwrap_or(0.0);
    bar.note(mean >= MIN_MEAN_GAIN, format!("mean gain {mean:.2}"));
    bar
}

fn find(rows: &[Row], op: Op, n: usize) -> Option<&Row> {
    rows.iter().find(|row| row.op == op && row.key == "u64" && row.n == n)
}

fn kept_writes(rows: &[Row]) -> Bar {
    let mut bar = Bar::new(format!("kept writes, u64, arc, 10 000: at least {MIN_KEPT_GAIN} x faster than any peer"));
    for op in Op::ALL.into_iter().filter(|op| op.is_kept_write()) {
        let gain = find(rows, op, 10_000).and_then(|row| row.ratio(Kind::Arc)).map_or(0.0, |x| 1.0 / x);
        bar.note(gain >= MIN_KEPT_GAIN, format!("{}: {gain:.2} x", op.name()));
    }
    bar
}

fn sharing_growth(rows: &[Row]) -> Bar {
    let title = "==, diff and union of sharing versions, u64, arc: from 10 000 to 1 000 000 at most";
    let mut bar = Bar::new(format!("{title} {MAX_SHARING_GROWTH} x"));
    for op in [Op::EqSharing, Op::Diff10, Op::UnionSharing] {
        let ns = |n| find(rows, op, n).and_then(|row| row.get(EngineId::OursArc));
        let growth = ns(10_000).zip(ns(1_000_000)).map_or(f64::INFINITY, |(small, large)| large / small);
        bar.note(growth <= MAX_SHARING_GROWTH, format!("{}: {growth:.2} x", op.name()));
    }
    bar
}

fn entry_bytes(scale: &Scale) -> Bar {
    let limits = format!("mean at most {MAX_MEAN_ENTRY_BYTES}, worst {MAX_WORST_ENTRY_BYTES}");
    let mut bar = Bar::new(format!("bytes per u64 entry from 100 to 10 000 000: {limits}"));
    let mean = scale.mean_bytes();
    bar.note(mean <= MAX_MEAN_ENTRY_BYTES, format!("mean {mean:.2}"));
    let (n, worst) = scale.worst_bytes();
    bar.note(worst <= MAX_WORST_ENTRY_BYTES, format!("worst {worst:.2} at {n}"));
    bar
}

fn version_bytes(rows: &[Row]) -> Bar {
    let mut bar = Bar::new(format!("bytes per one-insert version, u64, 1 000 000: at most {MAX_VERSION_BYTES}"));
    for kind in Kind::ALL {
        let bytes = find(rows, Op::BytesPerVersion, 1_000_000).and_then(|row| row.ours(kind));
        let is_good = bytes.is_some_and(|bytes| bytes <= MAX_VERSION_BYTES);
        bar.note(is_good, format!("{}: {}", kind.name(), figure(bytes)));
    }
    bar
}

fn kept_growth(scale: &Scale) -> Bar {
    let mut bar = Bar::new(format!("kept insert from 1 000 to 10 000 000 grows at most {MAX_KEPT_GROWTH} x"));
    let growth = scale.kept_growth();
    let steps: Vec<String> = scale.kept_ns.iter().map(|(n, ns)| format!("{n}: {}", figure(Some(*ns)))).collect();
    bar.note(growth <= MAX_KEPT_GROWTH, format!("{growth:.2} x (ns at {})", steps.join(", ")));
    bar
}

fn sink_bytes(written: &[Written]) -> Bar {
    let mut bar = Bar::new(format!("counting sink: at most {MAX_SINK_BYTES} bytes per version"));
    for written in written {
        let bytes = written.bytes_per_version();
        let found = format!("{} entries: {bytes:.0} ({})", written.n, written.counts);
        bar.note(bytes <= MAX_SINK_BYTES, found);
    }
    bar
}
