//! The report. In: rows while they come in, and lines. Out: text, kept for the results file.

use crate::about;
use crate::engine::{EngineId, Kind};
use crate::rows::Row;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, io};

/// Prints lines and remembers them.
pub struct Report {
    text: String,
}

impl Report {
    pub fn new() -> Self {
        Report { text: String::new() }
    }

    pub fn line(&mut self, line: &str) {
        println!("{line}");
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Where, when and with what the figures were made.
    pub fn origin(&mut self) {
        self.line(&format!("commit   {}", about::commit(&["src", "Cargo.toml", "benches/compare"])));
        self.line(&format!("rustc    {}", about::rustc()));
        self.line(&format!("machine  {}", about::machine()));
        self.line(&format!("date     {}", about::date()));
    }

    pub fn head(&mut self) {
        self.line("\nns per operation (bytes where the name says so); x: ours over the best Rust peer of its kind");
        self.line(&format!(
            "{:<42}{:>12}{:>12}{:>12}{:>12}{:>12}  {:>6}  best peer",
            "op/structure/key/kind/n", "ours", "im[-rc]", "imbl", "rpds", "std", "x"
        ));
    }

    /// One line per kind; a kind none of whose engines took part is left out.
    pub fn row(&mut self, row: &Row, marks: impl Fn(&Row, Kind) -> &'static str) {
        for kind in Kind::ALL {
            let engines = [kind.ours()].into_iter().chain(kind.peers()).chain([EngineId::Std]);
            let cells: Vec<Option<f64>> = engines.map(|engine| row.get(engine)).collect();
            if cells[..4].iter().all(Option::is_none) {
                continue;
            }
            let mut line = format!("{:<42}", row.judged_id(kind));
            for cell in cells {
                let _ = write!(line, "{:>12}", figure(cell));
            }
            let ratio = row.ratio(kind).map_or("-".into(), |x| format!("{x:.2}"));
            let best = row.best_peer(kind).map_or("-", |(engine, _)| engine.name());
            self.line(format!("{line}  {ratio:>6}  {best:<9} {}", marks(row, kind)).trim_end());
        }
    }

    /// Writes all lines so far to `benches/results/<name>` of this package.
    pub fn write(&self, name: &str) -> io::Result<PathBuf> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or(PathBuf::from("."), PathBuf::from);
        let folder = package.join("benches/results");
        fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        fs::write(&path, &self.text)?;
        Ok(path)
    }
}

/// A figure, if there is one.
pub fn figure(value: Option<f64>) -> String {
    value.map_or("none".into(), about::digits)
}
