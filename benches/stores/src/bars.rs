//! The bars, all of them, and the verdict of `--check`. In: the table. Out: lines, one `met` or `MISSED` for each
//! bar, and whether all are met.
//!
//! Bars are never loosened (CONTRIBUTING.md).

use crate::engines::Who;
use crate::table::{Table, figure};

/// What is asked of ours in one row, at these sizes.
struct Bar {
    title: &'static str,
    op: &'static str,
    sizes: &'static [u64],
    over: Over,
    limit: Limit,
}

/// What the figure is divided by.
enum Over {
    Nothing,
    /// The fastest of these, in the same row.
    Best(&'static [Who]),
    /// Ours in another row.
    Row(&'static str),
    /// Ours at another size.
    Size(u64),
}

enum Limit {
    AtMost(f64),
    Below(f64),
    /// So far from 1 at most.
    Within(f64),
}

use Limit::{AtMost, Below, Within};
use Over::{Best, Nothing, Row, Size};

const BOTH: &[u64] = &[100_000, 1_000_000];
const LARGE: &[u64] = &[1_000_000];
const FLOOR: Over = Best(&[Who::Floor]);
const ROWS: &[Who] = &[Who::Sqlite, Who::Lmdb, Who::LmdbMapped, Who::Redb];
const TREES: &[Who] = &[Who::Lmdb, Who::LmdbMapped, Who::Redb];

const fn bar(title: &'static str, op: &'static str, sizes: &'static [u64], over: Over, limit: Limit) -> Bar {
    Bar { title, op, sizes, over, limit }
}

const BARS: &[Bar] = &[
    bar("durable commit over the floor, in turn with it", "pair_sync", BOTH, FLOOR, AtMost(1.25)),
    bar("the same, p99 over the floor's p99", "pair_sync_p99", BOTH, FLOOR, AtMost(3.0)),
    bar("durable commit over SQLite, LMDB and redb", "commit_sync", BOTH, Best(ROWS), Below(1.0)),
    bar("commit without a sync, us", "commit_nosync", &[100_000], Nothing, AtMost(12.0)),
    bar("commit without a sync over SQLite, LMDB and redb", "commit_nosync", BOTH, Best(ROWS), Below(1.0)),
    bar("bytes per version", "bytes_kept_per_version", BOTH, Nothing, AtMost(700.0)),
    bar("1 000 keys in a durable commit over LMDB and redb", "commit_1000_sync", BOTH, Best(TREES), Below(1.0)),
    bar("open and a first lookup, us", "open_get_100000_versions", LARGE, Nothing, AtMost(2_000.0)),
    bar(
        "the same over that with 100 versions",
        "open_get_100000_versions",
        LARGE,
        Row("open_get_100_versions"),
        Within(0.5),
    ),
    bar("checkout, us", "checkout", BOTH, Nothing, AtMost(2.0)),
    bar("first lookup after checkout, us", "get_after_checkout", BOTH, Nothing, AtMost(5.0)),
    bar("first lookup after at, us", "get_after_at", BOTH, Nothing, AtMost(5.0)),
    bar("undo in memory, us", "undo_in_memory", BOTH, Nothing, AtMost(1.0)),
    bar("redo in memory, us", "redo_in_memory", BOTH, Nothing, AtMost(1.0)),
    bar("undo on disk, us", "undo", BOTH, Nothing, AtMost(4.0)),
    bar("redo on disk, us", "redo", BOTH, Nothing, AtMost(4.0)),
    bar("anonymous bytes, one edit after opening", "bytes_one_edit_after_opening", LARGE, Nothing, AtMost(20e6)),
    bar("anonymous bytes, 1 000 versions looked at", "bytes_1000_versions_looked_at", LARGE, Nothing, AtMost(8e6)),
    bar("commit without a sync over that at 1 000 entries", "commit_nosync_growth", LARGE, Size(1_000), AtMost(3.0)),
];

/// Judges the run; a quick one by the rows that it has. True if all of it is good.
pub fn verdict(table: &mut Table, is_quick: bool) -> bool {
    table.line("\nbars");
    let mut misses = 0;
    for bar in BARS {
        let sizes = bar.sizes.iter().filter(|&&entries| !is_quick || table.has(bar.op, entries));
        let judged: Vec<_> = sizes.map(|&entries| bar.judge(table, entries)).collect();
        if judged.is_empty() {
            continue;
        }
        let missed = judged.iter().filter(|(is_good, _)| !is_good).count();
        misses += missed;
        table.line(&format!("{} {}: {}", if missed == 0 { "met   " } else { "MISSED" }, bar.title, bar.limit.words()));
        for (is_good, what) in judged {
            table.line(&format!("  {}   {what}", if is_good { "    " } else { "MISS" }))
        }
    }
    table.line(&format!("\n{}", if misses == 0 { "all bars met".into() } else { format!("{misses} misses") }));
    misses == 0
}

impl Bar {
    /// Whether it is met at this size, and what was found.
    fn judge(&self, table: &Table, entries: u64) -> (bool, String) {
        let id = format!("{}/{entries}", self.op);
        let Some((found, what)) = self.found(table, entries) else {
            // Only Linux says how much memory a process has.
            return (!cfg!(target_os = "linux"), format!("{id}: not measured"));
        };
        (self.limit.holds(found), format!("{id}: {what}"))
    }

    fn found(&self, table: &Table, entries: u64) -> Option<(f64, String)> {
        let ours = table.get(self.op, entries, Who::Ours)?;
        let (over, what) = match self.over {
            Nothing => return Some((ours, figure(Some(ours)))),
            Best(of) => table.best(self.op, entries, of).map(|(who, x)| (x, who.name().to_owned()))?,
            Row(op) => (table.get(op, entries, Who::Ours)?, op.to_owned()),
            Size(size) => (table.get(self.op, size, Who::Ours)?, format!("at {size}")),
        };
        Some((ours / over, format!("{:.2} ({} over {} {what})", ours / over, figure(Some(ours)), figure(Some(over)))))
    }
}

impl Limit {
    fn holds(&self, x: f64) -> bool {
        match *self {
            AtMost(most) => x <= most,
            Below(most) => x < most,
            Within(part) => (x - 1.0).abs() <= part,
        }
    }

    fn words(&self) -> String {
        match self {
            AtMost(most) => format!("at most {most}"),
            Below(most) => format!("below {most}"),
            Within(part) => format!("within {} % of 1", part * 100.0),
        }
    }
}
