//! A reminder of what C++ reaches: figures of immer's `flex_vector` that were measured once, on another machine, with u64
//! elements and atomic counts. In: our rows. Out: a small table beside which ours stand. Never judged.

use crate::engine::Kind;
use crate::judge::{JUDGED_SIZES, find};
use crate::rows::{Op, Row};
use crate::table::{Report, figure};

/// immer's figures at the judged sizes.
const IMMER: [(Op, [Option<f64>; JUDGED_SIZES.len()]); 6] = [
    (Op::PushBack, [Some(6.5), Some(13.0)]),
    (Op::GetRandom, [Some(3.0), Some(64.0)]),
    (Op::SetKept, [Some(628.0), Some(3_106.0)]),
    (Op::InsertKept, [Some(2_000.0), Some(6_300.0)]),
    (Op::Concat, [Some(1_800.0), Some(4_600.0)]),
    (Op::BytesPerPush, [Some(306.0), None]),
];

pub fn print(rows: &[Row], report: &mut Report) {
    report.line("\nimmer (C++), u64, atomic counts, on ANOTHER MACHINE (2.5 GHz Xeon): a reminder, not a peer");
    report.line(&format!("{:<24}{:>10}{:>12}{:>12}", "op", "n", "ours here", "immer there"));
    for (op, figures) in IMMER {
        for (n, immer) in JUDGED_SIZES.into_iter().zip(figures) {
            let ours = find(rows, op, n).and_then(|row| row.ours(Kind::Arc));
            if ours.is_some() && immer.is_some() {
                report.line(&format!("{:<24}{n:>10}{:>12}{:>12}", op.name(), figure(ours), figure(immer)));
            }
        }
    }
}
