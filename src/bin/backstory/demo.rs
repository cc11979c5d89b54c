//! The demonstration: a recorded session on a real document, through all that a store does.
//!
//! In: the recording in `examples/data`. Out: what each step cost, and at the end `verify: ok`; an error if anything is not as it
//! was recorded.
//! Must hold: every step is checked against the recording or the versions before it; nothing is left behind but what the user
//! asked to keep, unless it is stopped.
//! Uses: `place`, `print`.

use crate::place::make;
use crate::print::{HERE, Out};
use backstory::json::{Json, Object, Patch, Pointer};
use backstory::{Durability, Error, ErrorKind, Result, Timeline, Vector, VersionId};
use flate2::read::GzDecoder;
use std::fmt::Arguments;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Somebody typing a program, keystroke by keystroke. From josephg/editing-traces, CC BY 4.0, Joseph Gentle and contributors.
const RECORDING: &[u8] = include_bytes!("../../../examples/data/sveltecomponent.json.gz");

/// So many versions the child acknowledges before it is killed.
const ACKNOWLEDGED: u64 = 100;

/// All of it, in a folder that is gone afterwards, or in `keep`.
pub fn demo(out: &mut Out, keep: Option<&Path>) -> Result<()> {
    if out.is_json {
        return Err(Error::new(ErrorKind::Invalid, "what the demonstration says is for people: leave --json away"));
    }
    if let Some(folder) = keep {
        return steps(out, folder);
    }
    let folder = temporary()?;
    let result = steps(out, &folder);
    // What the steps say counts more.
    _ = std::fs::remove_dir_all(folder);
    result
}

/// A folder that was not there before.
fn temporary() -> Result<PathBuf> {
    let name = |n: u32| std::env::temp_dir().join(format!("backstory-demo-{}-{n}", std::process::id()));
    let made = (0..1000).map(name).find(|folder| std::fs::create_dir(folder).is_ok());
    made.ok_or_else(|| {
        wrong(format!("no folder can be made in {}: name one with --keep", std::env::temp_dir().display()))
    })
}

fn steps(out: &mut Out, folder: &Path) -> Result<()> {
    let mut text = String::new();
    let unpacked = GzDecoder::new(RECORDING).read_to_string(&mut text);
    unpacked.map_err(|error| wrong(format!("the recording cannot be unpacked: {error}")))?;
    let mut timeline = imported(out, folder, &text)?;
    typed(out, &mut timeline)?;
    travelled(out, &mut timeline)?;
    branched(out, &mut timeline)?;
    drop(timeline);
    let timeline = crashed(out, folder)?;
    let (report, took) = timed(|| timeline.verify())?;
    let (versions, bytes) = (report.versions, report.bytes);
    let json_bytes = timeline.state().to_string().len() as u64;
    say(out, "verify", took, format_args!("{} records, {bytes} bytes, all as they were written", report.records))?;
    out.line(format_args!(
        "\n{versions} versions of a document of {json_bytes} bytes of JSON: {} bytes each in the log, where copies take {json_bytes}",
        bytes / versions
    ))?;
    match report.damages.first() {
        Some(damage) => Err(wrong(format!("{damage:?}"))),
        None => out.line(format_args!("{HERE}verify: ok{HERE:#}")),
    }
}

/// A document from its text: the recording itself, beside the lines that are going to be typed.
fn imported(out: &mut Out, folder: &Path, text: &str) -> Result<Timeline<Json>> {
    out.line(format_args!("a store in {}\n", folder.display()))?;
    drop(make(Some(folder), || Ok(Json::Object(Object::new())))?);
    // As an editor would: durable when it is idle, at each `flush`.
    let mut timeline = Timeline::options().durability(Durability::None).open(folder, Json::default)?;
    let (_, took) = timed(|| {
        let recording = Json::parse(text)?;
        timeline.edit("import", |json| {
            let json = json.as_object_mut().expect("the first version is an object");
            json.insert("recording", recording);
            json.insert("lines", Json::from_iter([""]));
        })?;
        timeline.flush()
    })?;
    say(out, "import", took, format_args!("{} bytes of JSON", text.len()))?;
    Ok(timeline)
}

/// Every keystroke of the recording is a version.
fn typed(out: &mut Out, timeline: &mut Timeline<Json>) -> Result<()> {
    let recording = timeline.state()["recording"].clone();
    let keystrokes = recording["txns"].as_array().ok_or_else(|| wrong("the recording has no keystrokes"))?;
    let before = timeline.verify()?;
    let (_, took) = timed(|| {
        for keystroke in keystrokes {
            timeline.try_edit("type", |json| {
                let lines = json["lines"].as_array_mut().ok_or_else(|| wrong("no lines"))?;
                let patches = keystroke["patches"].as_array().ok_or_else(|| wrong("no patches"))?;
                patches.iter().try_for_each(|patch| typed_once(lines, patch))
            })?;
        }
        timeline.flush()
    })?;
    let text: Vec<&str> = timeline.state()["lines"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    if Some(&*text.join("\n")) != recording["endContent"].as_str() {
        return Err(wrong("what was typed is not what was recorded"));
    }
    let after = timeline.verify()?;
    let (made, bytes) = (after.versions - before.versions, after.bytes - before.bytes);
    say(out, "type", took, format_args!("{made} versions, {} each, {} bytes each", each(took, made), bytes / made))
}

/// A patch of the recording: [position in characters, how many are deleted, what is put in].
fn typed_once(lines: &mut Vector<Json>, patch: &Json) -> Result<()> {
    let wrong = || wrong("a patch of the recording is none");
    let (Some(position), Some(deleted), Some(put)) = (patch[0].as_u64(), patch[1].as_u64(), patch[2].as_str()) else {
        return Err(wrong());
    };
    let (first, start) = place(lines, position).ok_or_else(wrong)?;
    let (last, end) = place(lines, position + deleted).ok_or_else(wrong)?;
    let line = |i: usize| lines.get(i).and_then(Json::as_str).unwrap_or_default();
    let text = [&line(first)[..start], put, &line(last)[end..]].concat();
    let new: Vec<Json> = text.split('\n').map(Json::from).collect();
    lines.splice(first..last + 1, new);
    Ok(())
}

/// The line in which a character is, and at which byte of it.
fn place(lines: &Vector<Json>, mut position: u64) -> Option<(usize, usize)> {
    for (i, line) in lines.iter().enumerate() {
        let line = line.as_str()?;
        let len = line.chars().count() as u64;
        if position <= len {
            let at = line.char_indices().nth(position as usize).map_or(line.len(), |(at, _)| at);
            return Some((i, at));
        }
        position -= len + 1
    }
    None
}

/// Back to the first version and forth to the last, and looks at versions anywhere.
fn travelled(out: &mut Out, timeline: &mut Timeline<Json>) -> Result<()> {
    let (last, shown) = (timeline.head(), timeline.state().clone());
    let (undone, took) = timed(|| steps_of(|| timeline.undo()))?;
    say(out, "undo", took, format_args!("{undone} versions, {} each, to the empty document", each(took, undone)))?;
    if *timeline.state() != Json::Object(Object::new()) {
        return Err(wrong("undo did not lead to the empty document"));
    }
    let (redone, took) = timed(|| steps_of(|| timeline.redo()))?;
    say(out, "redo", took, format_args!("{redone} versions, {} each, to the last keystroke", each(took, redone)))?;
    if timeline.head() != last || *timeline.state() != shown {
        return Err(wrong("redo did not lead back to the last keystroke"));
    }
    let looks = 1000;
    let line: Pointer = "/lines/0".parse()?;
    let (_, took) = timed(|| {
        for i in 0..looks {
            timeline.at(VersionId::new(i * last.number() / looks + 1))?.pointer(&line)?;
        }
        Ok(())
    })?;
    let what = format_args!("a line of {looks} versions anywhere, {} each", each(took, looks));
    say(out, "look", took, what)
}

fn steps_of(mut step: impl FnMut() -> Result<Option<VersionId>>) -> Result<u64> {
    let mut steps = 0;
    while step()?.is_some() {
        steps += 1
    }
    Ok(steps)
}

/// Another way from the middle, and what differs at its end.
fn branched(out: &mut Out, timeline: &mut Timeline<Json>) -> Result<()> {
    let last = timeline.head();
    timeline.branch("main")?;
    let (_, took) = timed(|| {
        timeline.rollback(VersionId::new(last.number() / 2))?;
        timeline.branch("another")?;
        timeline.edit("another title", |json| json["lines"][0] = "another".into())
    })?;
    say(out, "branch", took, format_args!("from version {}, with a version of its own", last.number() / 2))?;
    let (patch, took) = timed(|| {
        let (main, another) = (timeline.at(timeline.named("main")?)?, timeline.at(timeline.named("another")?)?);
        let patch = Patch::diff(&main, &another);
        match main.patched(&patch)? == another {
            true => Ok(patch),
            false => Err(wrong("the patch does not make one branch of the other")),
        }
    })?;
    let what = format_args!("main to another: a JSON patch of {} operations, applied", patch.operations().len());
    say(out, "diff", took, what)?;
    timeline.switch("main")
}

/// Another process is killed while it writes; all that it acknowledged is there.
fn crashed(out: &mut Out, folder: &Path) -> Result<Timeline<Json>> {
    let program = std::env::current_exe().map_err(|error| wrong(format!("where this program is: {error}")))?;
    let spawned = Command::new(program).arg("demo-writer").arg(folder).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| wrong(format!("a second process cannot be started: {error}")))?;
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let all = lines.take(ACKNOWLEDGED as usize).map_while(std::result::Result::ok).filter_map(|line| line.parse().ok());
    let acknowledged: Option<u64> = all.last();
    let killed = child.kill().and_then(|()| child.wait());
    killed.map_err(|error| wrong(format!("the second process cannot be killed: {error}")))?;
    let acknowledged = acknowledged.ok_or_else(|| wrong("the second process made no version"))?;
    let (timeline, took) = timed(|| Timeline::<Json>::open(folder, Json::default))?;
    let (head, counter) = (timeline.head().number(), timeline.state().get("counter").and_then(Json::as_u64));
    if head < acknowledged || counter.is_none() {
        return Err(wrong(format!("version {acknowledged} was acknowledged, and version {head} is the last one")));
    }
    let what =
        format_args!("killed at its {ACKNOWLEDGED}th synced version ({acknowledged}); opened again at version {head}");
    say(out, "crash", took, what)?;
    Ok(timeline)
}

/// The process that is killed: makes versions, each durable before it is told.
pub fn writer(folder: &Path) -> Result<()> {
    let mut timeline = Timeline::<Json>::open(folder, Json::default)?;
    let mut to = std::io::stdout().lock();
    for n in 0u64.. {
        let count = |json: &mut Json| _ = json.as_object_mut().map(|json| json.insert("counter", n));
        let Some(made) = timeline.edit("count", count)?.version else { continue };
        let told = writeln!(to, "{}", made.number()).and_then(|()| to.flush());
        told.map_err(|error| wrong(format!("nobody reads this: {error}")))?
    }
    Ok(())
}

fn timed<R>(step: impl FnOnce() -> Result<R>) -> Result<(R, Duration)> {
    let start = Instant::now();
    Ok((step()?, start.elapsed()))
}

fn each(took: Duration, count: u64) -> String {
    format!("{:.1} us", took.as_secs_f64() * 1e6 / count.max(1) as f64)
}

fn say(out: &mut Out, step: &str, took: Duration, what: Arguments<'_>) -> Result<()> {
    out.line(format_args!("{step:<8}{:>9.1} ms  {what}", took.as_secs_f64() * 1e3))?;
    out.flush()
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, format!("demo: {}", what.into()))
}
