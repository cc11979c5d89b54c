//! The bars of the map. In: its rows, the scale figures and the sink's. Out: per bar, what it says and what misses it.

use super::scale::Scale;
use super::sink::Written;
use crate::engine::{EngineId, Kind};
use crate::judge::{Bar, Rules, find};
use crate::rows::{Op, Row};
use crate::table::figure;

pub const RULES: Rules = Rules {
    excused: &[
        ("insert/map/u64/arc/10000", LEAVES_GROW),
        ("insert/map/u64/rc/10000", LEAVES_GROW),
        ("insert/map/String/arc/10000", LEAVES_GROW),
        ("insert/map/String/rc/10000", LEAVES_GROW),
        ("remove/map/u64/arc/10000", LEAVES_MERGE),
    ],
    max_excused: 6,
    never_excused,
    min_mean_gain: 2.0,
    bars,
};
const LEAVES_GROW: &str = "our leaves grow twice before they part, imbl's have room for all from the start";
const LEAVES_MERGE: &str = "our leaves merge, so that each remove asks for its sibling's length; imbl's do not";

const MIN_KEPT_GAIN: f64 = 4.0;
const MAX_SHARING_GROWTH: f64 = 4.0;
const MAX_MEAN_ENTRY_BYTES: f64 = 25.0;
const MAX_WORST_ENTRY_BYTES: f64 = 30.0;
const MAX_VERSION_BYTES: f64 = 600.0;
const MAX_KEPT_GROWTH: f64 = 8.0;
const MAX_SINK_BYTES: f64 = 600.0;

/// No kept write, and neither get nor collect of u64 with atomic counts.
fn never_excused(op: &str, key: &str, kind: &str) -> bool {
    let is_core = matches!(op, "get_hit" | "get_miss" | "collect") && key == "u64" && kind == "arc";
    is_core || op.ends_with("_kept")
}

fn bars(rows: &[Row], is_quick: bool) -> Vec<Bar> {
    let mut bars = vec![kept_writes(rows)];
    if !is_quick {
        bars.extend([sharing_growth(rows), version_bytes(rows)]);
    }
    bars
}

/// The bars that need no peer and no table.
pub fn alone(scale: &Scale, written: &[Written]) -> Vec<Bar> {
    vec![entry_bytes(scale), kept_growth(scale), sink_bytes(written)]
}

fn kept_writes(rows: &[Row]) -> Bar {
    let mut bar = Bar::new(format!("kept writes, u64, arc, 10 000: at least {MIN_KEPT_GAIN} x faster than any peer"));
    for op in [Op::InsertKept, Op::UpdateKept, Op::RemoveKept] {
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
