//! The report. In: rows while they come in, and lines. Out: text, kept for the results file.

use crate::engine::{EngineId, Kind};
use crate::rows::Row;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
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
        let commit = output("git", &["rev-parse", "HEAD"]);
        let is_dirty =
            !output("git", &["status", "--porcelain", "--", "src", "Cargo.toml", "benches/compare"]).is_empty();
        let dirt = if is_dirty { " with uncommitted changes" } else { "" };
        self.line(&format!("commit   {}{dirt}", or_unknown(commit)));
        self.line(&format!("rustc    {}", or_unknown(output("rustc", &["--version"]))));
        self.line(&format!("machine  {}", machine()));
        self.line(&format!("date     {}", or_unknown(output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]))));
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

/// Three significant digits, or all before the point.
pub fn figure(value: Option<f64>) -> String {
    match value {
        None => "none".into(),
        Some(x) if x < 10.0 => format!("{x:.2}"),
        Some(x) if x < 100.0 => format!("{x:.1}"),
        Some(x) => format!("{x:.0}"),
    }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name| info.lines().filter_map(|line| line.split_once(':')).find(|(k, _)| k.trim() == name);
    let model = field("model name").map_or("unknown CPU", |(_, model)| model.trim());
    let family = field("cpu family").map_or("?", |(_, family)| family.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, family {family}, {cores} cores, {}", std::env::consts::ARCH)
}

/// What `program` prints, or nothing if it cannot.
fn output(program: &str, args: &[&str]) -> String {
    let result = Command::new(program).args(args).output();
    let done = result.ok().filter(|out| out.status.success());
    done.map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

fn or_unknown(text: String) -> String {
    if text.is_empty() { "unknown".into() } else { text }
}
