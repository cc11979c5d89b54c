//! The table that judges the version log: ours against stores that people use today, and against the bare device. In:
//! options (below). Out: a table; with `--check`, a verdict, a results file and an exit code.
//!
//! Files: `data` what is stored; `engines/` the stores; `contest` the rows with peers; `alone` the rows without;
//! `memory` what a process needs; `measure` times and bytes; `bars` what is asked; `table` the report.

#[path = "../../compare/about.rs"]
mod about;
mod alone;
mod bars;
mod contest;
mod data;
mod engines;
mod measure;
mod memory;
mod table;

use contest::Contest;
use data::Result;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};
use table::Table;

/// Sizes of the rows without peers.
const ALONE_SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];

const USAGE: &str = "\
stores: backstory's version log against redb, LMDB, SQLite, fjall, loro, snapshots, and the bare device

  --quick       100 000 entries only, in the rows with peers
  --check       judge the bars, write benches/results/stores.txt (with --quick: stores-quick.txt), exit with 1 if any
                is missed
  --dir FOLDER  where the stores are: on the device that is to be measured. Else where temporary files are
  --sizes A,B   these sizes
";

struct Args {
    is_check: bool,
    is_quick: bool,
    folder: PathBuf,
    /// Of the rows with peers, and of those without.
    sizes: Vec<u64>,
    alone_sizes: Vec<u64>,
}

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> std::result::Result<Self, String> {
        let (mut is_check, mut is_quick, mut folder, mut sizes) = (false, false, env::temp_dir(), Vec::new());
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--check" => is_check = true,
                "--quick" => is_quick = true,
                "--dir" => folder = value()?.into(),
                "--sizes" => sizes = parse_sizes(&value()?)?,
                _ => return Err(format!("unknown argument {word}\n\n{USAGE}")),
            }
        }
        if is_check && !sizes.is_empty() {
            return Err("--check judges the whole table: drop --sizes".into());
        }
        let (sizes, alone_sizes) = match (sizes.is_empty(), is_quick) {
            (false, _) => (sizes.clone(), sizes),
            (true, false) => (vec![100_000, 1_000_000], ALONE_SIZES.to_vec()),
            (true, true) => (vec![100_000], ALONE_SIZES.to_vec()),
        };
        Ok(Args { is_check, is_quick, folder, sizes, alone_sizes })
    }
}

fn parse_sizes(list: &str) -> std::result::Result<Vec<u64>, String> {
    let parse = |word: &str| match word.replace('_', "").parse() {
        Ok(n) if n >= 1000 => Ok(n),
        _ => Err(format!("--sizes: {word:?} is not a number from 1000 up")),
    };
    list.split(',').map(parse).collect()
}

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("stores: built without optimisation, nothing to measure; say --release");
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if words.first().is_some_and(|word| word == memory::CHILD) {
        return exit(memory::child(&words[1..]).map(|()| true));
    }
    exit(Args::parse(words.into_iter()).map_err(Into::into).and_then(|args| run(&args)))
}

fn exit(result: Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("stores: {error}");
            ExitCode::from(2)
        }
    }
}

/// True if all bars are met, or none was asked for.
fn run(args: &Args) -> Result<bool> {
    // A folder of our own, which nobody else misses.
    let folder = args.folder.join(format!("backstory-stores-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = measure(args, &folder);
    fs::remove_dir_all(&folder)?;
    result
}

fn measure(args: &Args, folder: &Path) -> Result<bool> {
    let (start, mut table) = (Instant::now(), Table::default());
    table.origin(folder);
    table.head();
    for &entries in &args.sizes {
        let folder = folder.join(entries.to_string());
        fs::create_dir_all(&folder)?;
        Contest { entries, folder: &folder, table: &mut table }.run()?;
        fs::remove_dir_all(&folder)?
    }
    alone::run(folder, &args.alone_sizes, &mut table)?;
    let is_good = !args.is_check || bars::verdict(&mut table, args.is_quick);
    table.line(&format!("\n{:.0} s in all", start.elapsed().as_secs_f64()));
    if args.is_check {
        let path = table.write(if args.is_quick { "stores-quick.txt" } else { "stores.txt" })?;
        println!("written to {}", path.display())
    }
    Ok(is_good)
}
