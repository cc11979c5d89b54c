//! The table that judges the collections: ours against std, `im`, `imbl` and `rpds`, in one process, in interleaved
//! rounds. In: options (see `args.rs`). Out: a table; with `--check`, a verdict, a results file and an exit code.
//!
//! Files: `args` the command line; `engine` the engines' names; `rows` the structures and operations; `map/`, `vector/`
//! how each operation is run, and the structure's own bars; `feed`, `kept` what these have in common; `measure` rounds
//! and medians; `alloc` the counting allocator; `judge` the bars of all structures; `table` the report.

mod about;
mod alloc;
mod args;
mod engine;
mod feed;
mod judge;
mod kept;
mod map;
mod measure;
mod rows;
mod table;
mod vector;

use args::Args;
use engine::Kind;
use judge::Bar;
use measure::Subject;
use rows::{Group, Op, Row, Structure};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use table::Report;

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("compare: built without optimisation, nothing to measure; run `cargo bench --bench compare`");
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help") {
        println!("{}", args::USAGE);
        return ExitCode::SUCCESS;
    }
    match Args::parse(words.into_iter()) {
        Ok(args) => run(&args),
        Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> ExitCode {
    judge::assert_excuses_are_allowed();
    alloc::keep_freed_memory();
    let start = Instant::now();
    let mut report = Report::new();
    report.origin();
    // Before the table, whose million entries leave a heap full of holes: kept inserts would all look slow alike.
    let is_whole_map = args.check && !args.quick && args.wants_structure(Structure::Map);
    let mut alone = if args.alone || is_whole_map { map::alone() } else { Vec::new() };
    if args.sessions || args.wants_sessions() {
        alone.push(vector::traces::run(&mut report))
    }
    let is_good = if args.alone || args.sessions {
        verdict(&alone, &mut report)
    } else {
        let structures = Structure::ALL.into_iter().filter(|structure| args.wants_structure(*structure));
        let tables: Vec<_> =
            structures.map(|structure| (structure, measure_table(structure, args, &mut report))).collect();
        !args.check || verdict(&bars(args, &tables, alone, &mut report), &mut report)
    };
    report.line(&format!("\n{:.0} s in all", start.elapsed().as_secs_f64()));
    if args.check {
        let name = args.results_name();
        match report.write(&name) {
            Ok(path) => println!("written to {}", path.display()),
            Err(error) => {
                eprintln!("compare: cannot write {name}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure_table(structure: Structure, args: &Args, report: &mut Report) -> Vec<Row> {
    report.head();
    let mut table = Table { structure, args, report, rows: Vec::new() };
    for &n in &args.sizes {
        match structure {
            Structure::Map => {
                table.group(n, <u64 as map::Key>::NAME, map::subjects::<u64>);
                table.group(n, <String as map::Key>::NAME, map::subjects::<String>);
            }
            Structure::Vector => {
                table.group(n, <u64 as vector::Element>::NAME, vector::subjects::<u64>);
                table.group(n, <vector::Wide as vector::Element>::NAME, vector::subjects::<vector::Wide>);
            }
        }
    }
    let rows = table.rows;
    summary(structure, &rows, report);
    if structure == Structure::Vector {
        vector::immer::print(&rows, report);
    }
    rows
}

/// The rows of one structure, as they come in.
struct Table<'a> {
    structure: Structure,
    args: &'a Args,
    report: &'a mut Report,
    rows: Vec<Row>,
}

impl Table<'_> {
    /// All rows of one key type and size. The base collections live as long as the group, so that no group inherits
    /// another's.
    fn group(&mut self, n: usize, key: &'static str, subjects: fn(usize, &Args) -> Vec<Box<dyn Subject>>) {
        let group = Group { structure: self.structure, key, n };
        let all = self.structure.ops(key).iter().copied();
        let ops: Vec<Op> = all.filter(|op| self.args.wants_row(*op, group)).collect();
        if ops.is_empty() {
            return;
        }
        let mut subjects = subjects(n, self.args);
        for op in ops {
            let row = measure::row(op, group, &mut subjects, budget(n));
            self.report.row(&row, judge::mark);
            self.rows.push(row);
        }
    }
}

/// Time for all rounds of one row.
fn budget(n: usize) -> Duration {
    match n {
        0..1_000 => Duration::from_millis(1_000),
        1_000..100_000 => Duration::from_millis(2_000),
        _ => Duration::from_millis(5_000),
    }
}

fn summary(structure: Structure, rows: &[Row], report: &mut Report) {
    let name = structure.name();
    report.line(&format!("\n{name}: imbl's time over ours, geometric mean over the time rows at 10 000 and above"));
    report.line("without == and diff, each clamped to [1/4, 4]:");
    for (name, kinds) in [("arc", &Kind::ALL[..1]), ("rc", &Kind::ALL[1..]), ("all", &Kind::ALL[..])] {
        if let Some(mean) = judge::mean_gain(rows, kinds) {
            report.line(&format!("  {name:<4}{mean:.2}"));
        }
    }
}

/// The bars this run can judge.
fn bars(args: &Args, tables: &[(Structure, Vec<Row>)], alone: Vec<Bar>, report: &mut Report) -> Vec<Bar> {
    if args.quick {
        report.line("\nquick: only the bars that 10 000 entries can judge");
    }
    let tables = tables.iter().flat_map(|(structure, rows)| judge::bars(*structure, rows, args.quick));
    tables.chain(alone).collect()
}

/// Prints the bars; true if all are met.
fn verdict(bars: &[Bar], report: &mut Report) -> bool {
    report.line("\nbars");
    bars.iter().for_each(|bar| print_bar(bar, report));
    let misses: usize = bars.iter().map(|bar| bar.misses.len()).sum();
    report.line(&format!("\n{}", if misses == 0 { "all bars met".into() } else { format!("{misses} misses") }));
    misses == 0
}

fn print_bar(bar: &Bar, report: &mut Report) {
    let word = if bar.misses.is_empty() { "met   " } else { "MISSED" };
    report.line(&format!("{word} {}", bar.title));
    bar.found.iter().for_each(|found| report.line(&format!("         {found}")));
    bar.misses.iter().for_each(|miss| report.line(&format!("  MISS   {miss}")));
}
