//! The bars of the vector. In: its rows. Out: per bar, what it says and what misses it.

use crate::engine::Kind;
use crate::judge::{Bar, JUDGED_SIZES, Rules, find};
use crate::rows::{Op, Row};
use crate::table::figure;

pub const RULES: Rules = Rules { excused: &[], max_excused: 3, never_excused, min_mean_gain: 2.5, bars };

const MIN_MIDDLE_GAIN: f64 = 10.0;
const MAX_CUT_AND_JOIN_NS: f64 = 10_000.0;
const MAX_ELEMENT_BYTES: f64 = 9.0;
const MAX_PUSH_BYTES: f64 = 64.0;
const MAX_INSERT_BYTES: f64 = 2_048.0;

/// No push at the back and no get, of whatever sort.
fn never_excused(op: &str, _key: &str, _kind: &str) -> bool {
    op.starts_with("push_back") || op.starts_with("get")
}

fn bars(rows: &[Row], is_quick: bool) -> Vec<Bar> {
    let sizes = if is_quick { &JUDGED_SIZES[..1] } else { &JUDGED_SIZES[..] };
    let mut bars = vec![
        middle_insert(rows, sizes),
        at_most("bytes per u64 element", MAX_ELEMENT_BYTES, rows, &[Op::BytesPerElement], sizes),
        at_most("bytes per push version, u64", MAX_PUSH_BYTES, rows, &[Op::BytesPerPush], sizes),
        at_most("bytes per middle insert version, u64", MAX_INSERT_BYTES, rows, &[Op::BytesPerInsert], &[10_000]),
    ];
    if !is_quick {
        bars.push(at_most(
            "ns per concat and split, u64",
            MAX_CUT_AND_JOIN_NS,
            rows,
            &[Op::Concat, Op::Split],
            &[1_000_000],
        ));
    }
    bars
}

/// The sizes with each kind of count.
fn judged(sizes: &[usize]) -> impl Iterator<Item = (usize, Kind)> {
    sizes.iter().flat_map(|&n| Kind::ALL.map(|kind| (n, kind)))
}

fn middle_insert(rows: &[Row], sizes: &[usize]) -> Bar {
    let mut bar =
        Bar::new(format!("vector: insert in the middle, kept, u64: at least {MIN_MIDDLE_GAIN} x faster than imbl"));
    for (n, kind) in judged(sizes) {
        let gain = find(rows, Op::InsertKept, n).and_then(|row| row.gain_over_imbl(kind)).unwrap_or(0.0);
        bar.note(gain >= MIN_MIDDLE_GAIN, format!("{} {n}: {gain:.1} x", kind.name()));
    }
    bar
}

/// Ours, of each kind and at each size.
fn at_most(what: &str, most: f64, rows: &[Row], ops: &[Op], sizes: &[usize]) -> Bar {
    let mut bar = Bar::new(format!("vector: {what}: at most {most}"));
    for op in ops {
        for (n, kind) in judged(sizes) {
            let ours = find(rows, *op, n).and_then(|row| row.ours(kind));
            let found = format!("{} {} {n}: {}", op.name(), kind.name(), figure(ours));
            bar.note(ours.is_some_and(|ours| ours <= most), found);
        }
    }
    bar
}
