//! The report. In: figures, one for each row and engine, and lines. Out: text, kept for the results file.

use crate::about;
use crate::data::Result;
use crate::engines::Who;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Figures by row, in the order in which they came.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    shown: usize,
    text: String,
}

/// What one operation at one size costs each engine: microseconds, or bytes where its name says so.
pub struct Row {
    op: &'static str,
    entries: u64,
    cells: [Option<f64>; Who::ALL.len()],
}

impl Table {
    pub fn set(&mut self, op: &'static str, entries: u64, who: Who, figure: Option<f64>) {
        let known = self.rows.iter().position(|row| row.op == op && row.entries == entries);
        let at = known.unwrap_or_else(|| {
            self.rows.push(Row { op, entries, cells: [None; _] });
            self.rows.len() - 1
        });
        self.rows[at].cells[who as usize] = figure
    }

    pub fn get(&self, op: &str, entries: u64, who: Who) -> Option<f64> {
        self.rows.iter().find(|row| row.op == op && row.entries == entries)?.cells[who as usize]
    }

    /// Whether this run has such a row, be it without figures.
    pub fn has(&self, op: &str, entries: u64) -> bool {
        self.rows.iter().any(|row| row.op == op && row.entries == entries)
    }

    /// The least figure of those named that have one. Who keeps no versions needs no bytes for them: that is no best.
    pub fn best(&self, op: &str, entries: u64, of: &[Who]) -> Option<(Who, f64)> {
        let figures = of.iter().filter_map(|&who| Some((who, self.get(op, entries, who)?)));
        let figures = figures.filter(|(_, figure)| *figure > 0.0);
        figures.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    pub fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n')
    }

    /// Where, when and with what the figures are made.
    pub fn origin(&mut self, folder: &Path) {
        self.line(&format!("commit   {}", about::commit(&["../../src", "../../Cargo.toml", "../compare/about.rs", "."])));
        self.line(&format!("rustc    {}", about::rustc()));
        self.line(&format!("machine  {}", about::machine()));
        self.line(&format!("files    {}", about::or_unknown(file_system(folder).unwrap_or_default())));
        self.line(&format!("date     {}", about::date()))
    }

    pub fn head(&mut self) {
        self.line("");
        Who::ALL.iter().for_each(|who| self.line(&format!("{:<9}{}", who.name(), who.how())));
        self.line("\nus per operation, medians (bytes where the name says so); x: ours over the best peer");
        let names: String = Who::ALL.iter().map(|who| format!("{:>11}", who.name())).collect();
        self.line(&format!("{:<34}{names}  {:>6}  best peer", "op/entries", "x"))
    }

    /// The rows that came since it was called last.
    pub fn show(&mut self) {
        for at in std::mem::replace(&mut self.shown, self.rows.len())..self.rows.len() {
            let line = self.row_line(&self.rows[at]);
            self.line(&line)
        }
    }

    fn row_line(&self, row: &Row) -> String {
        let mut line = format!("{:<34}", format!("{}/{}", row.op, row.entries));
        for cell in row.cells {
            let _ = write!(line, "{:>11}", figure(cell));
        }
        let best = self.best(row.op, row.entries, Who::PEERS);
        if let (Some(ours), Some((peer, figure))) = (row.cells[Who::Ours as usize], best) {
            let _ = write!(line, "  {:>6.2}  {}", ours / figure, peer.name());
        }
        line
    }

    /// Writes all lines so far to `benches/results/<name>` of the repository.
    pub fn write(&self, name: &str) -> Result<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results").join(name);
        fs::write(&path, &self.text)?;
        Ok(path)
    }
}

/// A figure, if there is one.
pub fn figure(value: Option<f64>) -> String {
    value.map_or("-".into(), about::digits)
}

/// What kind of file system the folder is on: a sync costs nothing on one in memory.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let (_, kind) = mounts.filter(|(point, _)| folder.starts_with(point)).max_by_key(|(point, _)| point.len())?;
    Some(kind.into())
}
