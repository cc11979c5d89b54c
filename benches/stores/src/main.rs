//! What a version in a log costs, beside the bare device.
//!
//! In: how many entries (100 000 and 1 000 000 if nothing is said), and where (`--dir`). Out: a table.
//! The state is a map of 16-byte keys and 64-byte values; a commit changes one of them. The floor is a file that was filled
//! with zeros before, to which as many bytes are written and synced, commit by commit in turn with ours.
//! Peers, bars and `--check` are to come (docs/ARCHITECTURE.md, "Open").

use backstory::{Durability, HashMap, Timeline, VersionId};
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

type State = HashMap<String, [u8; 64]>;

/// What a commit writes, about.
const FLOOR_BYTES: usize = 464;
const WARM_UP: u64 = 20_000;
const VERSIONS: u64 = 20_000;
const PAIRS: usize = 2_000;

fn key(i: u64) -> String {
    format!("key{i:013}")
}

/// Numbers that look random, the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Nanoseconds of each call.
#[derive(Default)]
struct Times(Vec<u64>);

impl Times {
    fn time<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let value = black_box(f());
        self.0.push(start.elapsed().as_nanos() as u64);
        value
    }

    fn part(&mut self, part: f64) -> f64 {
        self.0.sort_unstable();
        self.0[((self.0.len() - 1) as f64 * part) as usize] as f64 / 1000.0
    }

    fn print(&mut self, what: &str) {
        println!("{what:<32} {:>9.2} {:>9.2} us (p50, p99)", self.part(0.5), self.part(0.99))
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("a folder");
    files.map(|file| file.and_then(|file| file.metadata()).map_or(0, |data| data.len())).sum()
}

/// A file of zeros to write into.
fn floor(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
    file.write_all(&vec![0; 2 * PAIRS * FLOOR_BYTES])?;
    file.sync_all()?;
    file.rewind()?;
    Ok(file)
}

struct Bench {
    entries: u64,
    folder: PathBuf,
    random: Random,
}

impl Bench {
    fn open(&self, durability: Durability, initial: State) -> backstory::Result<Timeline<State>> {
        Timeline::options().durability(durability).open(self.folder.join("ours"), initial)
    }

    fn edit(&mut self, timeline: &mut Timeline<State>, times: &mut Times) -> backstory::Result<()> {
        let (key, value) = (key(self.random.below(self.entries)), [self.random.below(256) as u8; 64]);
        times.time(|| timeline.edit("set", |state| _ = state.insert(key, value))).map(|_| ())
    }

    fn commits(&mut self) -> backstory::Result<()> {
        let initial = (0..self.entries).map(|i| (key(i), [i as u8; 64])).collect();
        let mut timeline = self.open(Durability::None, initial)?;
        let mut times = Times::default();
        (0..WARM_UP).try_for_each(|_| self.edit(&mut timeline, &mut times))?;
        drop(timeline);
        let ours = self.folder.join("ours");
        let before = folder_bytes(&ours);
        let mut open = Times::default();
        let mut timeline = open.time(|| {
            let timeline = self.open(Durability::None, State::new())?;
            black_box(timeline.state().get(&key(7)));
            Ok::<_, backstory::Error>(timeline)
        })?;
        open.print("open and a first lookup");
        let mut times = Times::default();
        (0..VERSIONS).try_for_each(|_| self.edit(&mut timeline, &mut times))?;
        times.print("commit without sync");
        drop(timeline);
        println!("{:<32} {:>9}", "bytes per version", (folder_bytes(&ours) - before) / VERSIONS);
        Ok(())
    }

    fn durable_commits(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let mut timeline = self.open(Durability::Sync, State::new())?;
        let mut file = floor(&self.folder.join("floor"))?;
        let (mut ours, mut bare) = (Times::default(), Times::default());
        for _ in 0..PAIRS {
            self.edit(&mut timeline, &mut ours)?;
            bare.time(|| file.write_all(&[7; FLOOR_BYTES]).and_then(|()| file.sync_data()))?
        }
        ours.print("durable commit");
        bare.print("the floor");
        println!("{:<32} {:>9.2} x", "durable commit over the floor", ours.part(0.5) / bare.part(0.5));
        Ok(())
    }

    fn travel(&mut self) -> backstory::Result<()> {
        let mut timeline = self.open(Durability::None, State::new())?;
        let versions = timeline.head().number();
        let rows: [(&str, fn(&mut Timeline<State>, VersionId, &str)); 5] = [
            ("undo", |timeline, _, _| drop(timeline.undo())),
            ("redo", |timeline, _, _| drop(timeline.redo())),
            ("checkout", |timeline, id, _| drop(timeline.checkout(id))),
            ("at", |timeline, id, _| drop(timeline.at(id))),
            ("at and a first lookup", |timeline, id, key| {
                let state = timeline.at(id);
                black_box(state.ok().and_then(|state| state.get(key).copied()));
            }),
        ];
        for (name, verb) in rows {
            let mut times = Times::default();
            for _ in 0..PAIRS {
                let (id, key) = (VersionId::new(self.random.below(versions)), key(self.random.below(self.entries)));
                times.time(|| verb(&mut timeline, id, &key))
            }
            times.print(name)
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut sizes, mut folder) = (Vec::new(), std::env::temp_dir().join("backstory-stores"));
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--dir" => folder = args.next().ok_or("--dir needs a folder")?.into(),
            size => sizes.push(size.parse().map_err(|_| format!("{size}: a number of entries, or --dir FOLDER"))?),
        }
    }
    if sizes.is_empty() {
        sizes = vec![100_000, 1_000_000]
    }
    for entries in sizes {
        println!("{entries} entries");
        // A folder of our own, which nobody else misses.
        let mut bench = Bench {
            entries,
            folder: folder.join(format!("{entries}-{}", std::process::id())),
            random: Random(88_172_645_463_325_252),
        };
        fs::create_dir_all(&bench.folder)?;
        let done = bench
            .commits()
            .map_err(Into::into)
            .and_then(|()| bench.durable_commits())
            .and_then(|()| bench.travel().map_err(Into::into));
        fs::remove_dir_all(&bench.folder)?;
        done?
    }
    Ok(())
}
