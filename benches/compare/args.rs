//! The command line: `cargo bench --bench compare -- [OPTIONS]`. In: words. Out: what to measure.

use crate::engine::EngineId;
use crate::rows::{Group, Op, Row, Structure};

pub const USAGE: &str = "\
compare: backstory's collections against std, im, imbl and rpds

  --quick          10 000 entries only
  --check          judge the bars, write benches/results/compare.txt (with --quick: compare-quick.txt; with
                   --structure: its name at the end), exit with 1 if any is missed
  --alone          no table: the map's bars that need no peer (bytes per entry, growth to ten million, counting sink)
  --sessions       no table: the recorded editing sessions (with the whole table of the vector they come too)
  --structure NAME map or vector alone
  --only TEXT      rows whose id op/structure/key/n contains TEXT, or, if TEXT is part of an engine's name, that engine;
                   may be repeated, then engines and rows are narrowed apart
  --sizes A,B      these sizes
";

const SIZES: [usize; 3] = [100, 10_000, 1_000_000];
const QUICK_SIZES: [usize; 1] = [10_000];

#[derive(Debug, Default)]
pub struct Args {
    pub check: bool,
    pub quick: bool,
    pub alone: bool,
    pub sessions: bool,
    pub sizes: Vec<usize>,
    /// None: all.
    structure: Option<Structure>,
    /// Empty: all.
    engines: Vec<EngineId>,
    /// Empty: all.
    rows: Vec<String>,
}

impl Args {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Args::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--bench" => {} // what cargo says to every bench
                "--check" => args.check = true,
                "--quick" => args.quick = true,
                "--alone" => args.alone = true,
                "--sessions" => args.sessions = true,
                "--structure" => args.structure = Some(parse_structure(&value()?)?),
                "--only" => args.add_filter(&value()?),
                "--sizes" => args.sizes = parse_sizes(&value()?)?,
                _ => return Err(format!("unknown argument {word}\n\n{USAGE}")),
            }
        }
        args.finish()
    }

    fn finish(mut self) -> Result<Self, String> {
        let is_partial = !self.sizes.is_empty() || !self.engines.is_empty() || !self.rows.is_empty();
        if self.check && is_partial {
            return Err("--check judges the whole table: drop --only and --sizes".into());
        }
        let is_more = self.check || self.quick || is_partial || self.structure.is_some();
        if (self.alone || self.sessions) && (is_more || self.alone && self.sessions) {
            return Err("--alone and --sessions stand alone".into());
        }
        if self.sizes.is_empty() {
            self.sizes = if self.quick { QUICK_SIZES.to_vec() } else { SIZES.to_vec() };
        }
        Ok(self)
    }

    /// A whole name means that engine alone: "im" is not "imbl-arc".
    fn add_filter(&mut self, text: &str) {
        let exact: Vec<EngineId> = EngineId::ALL.into_iter().filter(|e| e.name() == text).collect();
        let part = || EngineId::ALL.into_iter().filter(|e| e.name().contains(text)).collect();
        let engines: Vec<EngineId> = if exact.is_empty() { part() } else { exact };
        if engines.is_empty() {
            self.rows.push(text.to_owned());
        } else {
            self.engines.extend(engines);
        }
    }

    pub fn wants_engine(&self, engine: EngineId) -> bool {
        self.engines.is_empty() || self.engines.contains(&engine)
    }

    pub fn wants_structure(&self, structure: Structure) -> bool {
        self.structure.is_none_or(|wanted| wanted == structure)
    }

    pub fn wants_row(&self, op: Op, group: Group) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|text| Row::id(op, group).contains(text.as_str()))
    }

    /// Whether the recorded sessions come with the table.
    pub fn wants_sessions(&self) -> bool {
        self.check && !self.quick && self.wants_structure(Structure::Vector)
    }

    /// Where `--check` writes to: results of different extent never overwrite each other.
    pub fn results_name(&self) -> String {
        let quick = if self.quick { "-quick" } else { "" };
        let structure = self.structure.map_or(String::new(), |structure| format!("-{}", structure.name()));
        format!("compare{quick}{structure}.txt")
    }
}

fn parse_structure(name: &str) -> Result<Structure, String> {
    let found = Structure::ALL.into_iter().find(|structure| structure.name() == name);
    found.ok_or_else(|| format!("--structure: there is none named {name:?}"))
}

fn parse_sizes(list: &str) -> Result<Vec<usize>, String> {
    let parse = |word: &str| match word.replace('_', "").parse() {
        Ok(n) if n >= 10 => Ok(n),
        _ => Err(format!("--sizes: {word:?} is not a number from 10 up")),
    };
    list.split(',').map(parse).collect()
}
