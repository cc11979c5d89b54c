//! The table that judges the map: ours against std, `im`, `imbl` and `rpds`, in one process, in interleaved rounds.
//! In: options (see `args.rs`). Out: a table; with `--check`, a verdict, a results file and an exit code.
//!
//! Files: `args` the command line; `keys` what engines are fed with; `engine` the engines under one trait; `rows`
//! the operations; `subject`, `reads`, `writes` how each is run; `measure` rounds and medians; `alloc` the counting
//! allocator; `scale`, `sink` figures of ours alone; `judge` the bars; `table` the report.

mod alloc;
mod args;
mod engine;
mod judge;
mod keys;
mod measure;
mod reads;
mod rows;
mod scale;
mod sink;
mod subject;
mod table;
mod writes;

use args::Args;
use engine::{Engine, Im, ImRc, ImblArc, ImblRc, Kind, OursArc, OursRc, RpdsArc, RpdsRc, Std};
use judge::Bar;
use keys::{Inputs, Key};
use measure::Subject;
use rows::{Op, Row};
use scale::Scale;
use sink::Written;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};
use subject::Bench;
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
    let alone = if args.alone || args.check && !args.quick { alone() } else { Vec::new() };
    let is_good = if args.alone {
        verdict(&alone, &mut report)
    } else {
        let rows = measure_table(args, &mut report);
        summary(&rows, &mut report);
        !args.check || verdict(&bars(args, &rows, alone, &mut report), &mut report)
    };
    report.line(&format!("\n{:.0} s in all", start.elapsed().as_secs_f64()));
    if args.check {
        let name = if args.quick { "compare-quick.txt" } else { "compare.txt" };
        match report.write(name) {
            Ok(path) => println!("written to {}", path.display()),
            Err(error) => {
                eprintln!("compare: cannot write {name}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure_table(args: &Args, report: &mut Report) -> Vec<Row> {
    let mut rows = Vec::new();
    report.head();
    for &n in &args.sizes {
        group::<u64>(n, args, report, &mut rows);
        group::<String>(n, args, report, &mut rows);
    }
    rows
}

/// All rows of one key type and size. The base maps live as long as the group, so no group inherits another's.
fn group<K: Key>(n: usize, args: &Args, report: &mut Report, rows: &mut Vec<Row>) {
    let ops: Vec<Op> = Op::ALL.into_iter().filter(|op| args.wants_row(*op, K::NAME, n)).collect();
    if ops.is_empty() {
        return;
    }
    let mut subjects = subjects::<K>(n, args);
    for op in ops {
        let row = measure::row(op, K::NAME, n, &mut subjects, budget(n));
        report.row(&row, judge::mark);
        rows.push(row);
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

fn subjects<K: Key>(n: usize, args: &Args) -> Vec<Box<dyn Subject>> {
    let mut group = Group { inputs: Rc::new(Inputs::<K>::new(n)), args, subjects: Vec::new() };
    group.add::<OursArc<K>>();
    group.add::<Im<K>>();
    group.add::<ImblArc<K>>();
    group.add::<RpdsArc<K>>();
    group.add::<OursRc<K>>();
    group.add::<ImRc<K>>();
    group.add::<ImblRc<K>>();
    group.add::<RpdsRc<K>>();
    group.add::<Std<K>>();
    group.subjects
}

struct Group<'a, K> {
    inputs: Rc<Inputs<K>>,
    args: &'a Args,
    subjects: Vec<Box<dyn Subject>>,
}

impl<K: Key> Group<'_, K> {
    /// Builds the engine's base map, unless the engine is filtered out.
    fn add<E: Engine<K>>(&mut self) {
        if self.args.wants_engine(E::ID) {
            self.subjects.push(Box::new(Bench::<K, E>::new(&self.inputs)));
        }
    }
}

fn summary(rows: &[Row], report: &mut Report) {
    report.line("\nimbl's time over ours, geometric mean over the time rows at 10 000 and above without == and diff,");
    report.line("each clamped to [1/4, 4]:");
    for (name, kinds) in [("arc", &Kind::ALL[..1]), ("rc", &Kind::ALL[1..]), ("all", &Kind::ALL[..])] {
        if let Some(mean) = judge::mean_gain(rows, kinds) {
            report.line(&format!("  {name:<4}{mean:.2}"));
        }
    }
}

/// The bars this run can judge.
fn bars(args: &Args, rows: &[Row], alone: Vec<Bar>, report: &mut Report) -> Vec<Bar> {
    if args.quick {
        report.line("\nquick: only the bars that 10 000 entries can judge");
        return judge::quick_bars(rows);
    }
    let mut bars = judge::full_bars(rows);
    bars.extend(alone);
    bars
}

/// Measures and judges ours without peers.
fn alone() -> Vec<Bar> {
    let scale = Scale::measure();
    let written = sink::SIZES.map(|n| Written::measure(n).expect("nothing here was stored elsewhere"));
    judge::alone_bars(&scale, &written)
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
