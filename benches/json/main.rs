//! What a versioned JSON document costs, beside `serde_json`: imports, what they write, and whole processes of the command line.
//! In: `--check` or nothing. Out: a table, a line for each bar; with `--check` an exit code of 1 if one is missed.
//!
//! `cargo bench --features cli --bench json`, half a minute. Run nothing else beside it.

use backstory::json::{Json, Limits, Pointer};
use backstory::{Durability, Timeline};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

const ELEMENTS: u64 = 100_000;
const ROUNDS: usize = 9;

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn folder(name: &str) -> Folder {
    let path = std::env::temp_dir().join(format!("backstory-bench-json-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder can be made");
    Folder(path)
}

/// Numbers that look random, the same each time: xorshift (Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A document of more than 10 MB: an array of 100 000 objects, and one small object.
fn document() -> String {
    let mut dice = Dice(88172645463325252);
    let mut text = String::from(r#"{"one":{"member":"a value"},"items":["#);
    for n in 0..ELEMENTS {
        let (name, score, active) = (dice.roll(1_000_000), dice.roll(100_000) as f64 / 100.0, dice.roll(2) == 0);
        let tags: Vec<String> = (0..dice.roll(4)).map(|_| format!("\"tag {}\"", dice.roll(1000))).collect();
        let comma = if n == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"id":{n},"name":"item number {name}","score":{score},"active":{active},"tags":[{}]}}"#,
            tags.join(",")
        )
        .expect("a string takes it")
    }
    // What else such a document has, so that it is above 10 MB.
    text.push_str(r#"],"notes":["#);
    for n in 0..10_000 {
        let comma = if n == 0 { "" } else { "," };
        write!(text, r#"{comma}"note {n}: {:0>120}""#, dice.roll(u64::MAX)).expect("a string takes it")
    }
    text.push_str("]}");
    text
}

fn millis<R>(work: impl FnOnce() -> R) -> (f64, R) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64() * 1000.0, result)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn open(path: &Path) -> Timeline<Json> {
    Timeline::options().durability(Durability::None).open(path, Json::default).expect("it opens")
}

/// Reads a document and makes it the next version, as `import` does.
fn import(timeline: &mut Timeline<Json>, text: &str) {
    let update = |json: &mut Json| json.updated_to(text, Limits::default()).map(|update| *json = update.json);
    let made = timeline.try_edit("import", update).expect("it is JSON, and can be stored");
    assert!(made.version.is_some())
}

/// A document read by `serde_json`; imported into an empty timeline; imported over another version of it, opened anew. In turns.
fn imports(text: &str, changed: &str) -> [f64; 3] {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let (peer, value) = millis(|| serde_json::from_str::<serde_json::Value>(text).expect("it is JSON"));
        assert_eq!(value["items"].as_array().map(Vec::len), Some(ELEMENTS as usize));
        drop(value);
        let at = folder("import");
        let mut timeline = open(&at.0);
        let (first, ()) = millis(|| import(&mut timeline, text));
        drop(timeline);
        let mut timeline = open(&at.0);
        let (again, ()) = millis(|| import(&mut timeline, changed));
        times.iter_mut().zip([peer, first, again]).for_each(|(all, time)| all.push(time))
    }
    times.map(median)
}

/// The length of all files in a folder, once it is closed.
fn bytes(path: &Path) -> u64 {
    let all = std::fs::read_dir(path).expect("the folder is there");
    all.map(|entry| entry.expect("it can be listed").metadata().expect("it is there").len()).sum()
}

/// What an import of `changed` over `text` writes, closing included.
fn written(text: &str, changed: &str) -> u64 {
    let at = folder("written");
    import(&mut open(&at.0), text);
    let before = bytes(&at.0);
    import(&mut open(&at.0), changed);
    assert_eq!(*open(&at.0).state(), Json::parse(changed).expect("it is JSON"));
    bytes(&at.0) - before
}

/// A call of the command line as a whole process.
fn process(store: &Path, arguments: &[&str]) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(arguments).env("BACKSTORY_STORE", store).stdin(Stdio::null()).stdout(Stdio::piped());
    let (time, output) = millis(|| command.output().expect("the program is there"));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    time
}

fn main() -> ExitCode {
    let mut is_good = true;
    let mut bar = |what: &str, figure: f64, most: f64| {
        is_good &= figure <= most;
        println!("{} {what}, at most {most}: {figure:.2}", if figure <= most { "met   " } else { "MISSED" })
    };
    let text = document();
    let json = Json::parse(&text).expect("it is JSON");
    println!("the document: {} bytes, an array of {ELEMENTS} objects in it", text.len());
    assert!(text.len() > 10_000_000);
    let at = |pointer: &str| pointer.parse::<Pointer>().expect("it is a pointer");
    let mut value = json.clone();
    value.set(&at("/items/70000/name"), "another".into()).expect("it is there");
    let mut member = json.clone();
    member.set(&at("/items/31/new"), Json::Null).expect("it is there");
    let mut element = json.clone();
    element["items"].as_array_mut().expect("it is one").insert(50_000, "inserted".into());

    let [peer, first, again] = imports(&text, &value.to_string());
    println!("serde_json::from_str to Value         {peer:>8.1} ms");
    println!("import into an empty store, not synced{first:>8.1} ms");
    println!("import over another version, opened anew {again:>5.1} ms");
    bar("import over serde_json", first / peer, 3.0);
    bar("import over another version over serde_json", again / peer, 3.0);
    let log = folder("size");
    import(&mut open(&log.0), &text);
    println!("in the log: {} bytes, {:.2} of the text", bytes(&log.0), bytes(&log.0) as f64 / text.len() as f64);
    for (what, changed) in
        [("one value changed", &value), ("one member added", &member), ("one element put in", &element)]
    {
        let part = written(&text, &changed.to_string()) as f64 / text.len() as f64;
        bar(&format!("an import with {what} writes, percent of the document"), part * 100.0, 5.0)
    }

    let store = folder("process");
    let file = store.0.join("document.json");
    std::fs::write(&file, &text).expect("a file can be written");
    let store = store.0.join("store");
    let file = file.to_str().expect("the path is text");
    println!("init, as a process                    {:>8.1} ms", process(&store, &["init", file]));
    let set = (0..51).map(|n| process(&store, &["set", "/one/member", &n.to_string()]));
    bar("set of one member as a process, ms", median(set.collect()), 5.0);
    let old = (0..51).map(|n| process(&store, &["show", "/one/member", "--at", &format!("@-{}", n % 40 + 1)]));
    bar("show of one member of an old version as a process, ms", median(old.collect()), 20.0);
    let none = (0..51).map(|_| process(&store, &["--version"]));
    println!("a process that does nothing           {:>8.1} ms", median(none.collect()));
    match is_good || !std::env::args().any(|arg| arg == "--check") {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
