//! Commands that look: documents, the list of versions, what the store has.
//!
//! In: a store, opened read-only. Out: JSON; a line for each version; a report.
//! Must hold: a list of versions is printed as it is read, however long it is.
//! Uses: `place`, `when`, `print`.

use crate::place::{open_to_look, write};
use crate::print::{FAINT, HERE, ID, NAME, Out, Work, clean, object, or_null, version_json};
use crate::when;
use backstory::json::{Json, Pointer};
use backstory::{Damage, Error, ErrorKind, Report, Result, Sharing, Timeline, Version, VersionId};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

pub fn show(out: &mut Out, store: Option<&Path>, pointer: &str, at: &str) -> Result<()> {
    let pointer: Pointer = pointer.parse()?;
    let timeline = open_to_look(store)?;
    let document = timeline.at(when::version(&timeline, at)?)?;
    out.document(document.pointer(&pointer)?)
}

pub fn export(out: &mut Out, store: Option<&Path>, at: &str, output: Option<&Path>) -> Result<()> {
    let timeline = open_to_look(store)?;
    let id = when::version(&timeline, at)?;
    let document = timeline.at(id)?;
    match output.filter(|file| *file != Path::new("-")) {
        None => out.document(&document),
        Some(file) => {
            {
                let _work = Work::new("writing");
                write(file, &document)?
            }
            let file = file.display().to_string();
            let json = || object([("file", file.as_str().into()), ("id", id.number().into())]);
            out.answer(json, format_args!("wrote version {ID}{id}{ID:#} to {file}"))
        }
    }
}

pub fn log(out: &mut Out, store: Option<&Path>, count: Option<u64>) -> Result<()> {
    let timeline = open_to_look(store)?;
    let most = count.map_or(usize::MAX, |count| count.try_into().unwrap_or(usize::MAX));
    let mut listing = Listing::begin(out, &timeline)?;
    for version in timeline.log().take(most) {
        let version = version?;
        let mark = listing.mark(&version);
        listing.version(&version, None, &mark.to_string())?
    }
    listing.end()
}

/// A list of versions that is being printed.
pub struct Listing<'a> {
    out: &'a mut Out,
    head: VersionId,
    on: Option<String>,
    names: BTreeMap<VersionId, Vec<String>>,
    is_first: bool,
}

impl<'a> Listing<'a> {
    pub fn begin(out: &'a mut Out, timeline: &Timeline<Json>) -> Result<Self> {
        let mut names = BTreeMap::<_, Vec<_>>::new();
        for (name, id) in timeline.branches()?.into_iter().chain(timeline.tags()?) {
            names.entry(id).or_default().push(name)
        }
        let (head, on) = (timeline.head(), timeline.current_branch().map(str::to_owned));
        if out.is_json {
            let branch = or_null(on.as_deref());
            out.json(format_args!("{{\"head\":{head},\"branch\":{branch},\"versions\":["))?
        }
        Ok(Listing { out, head, on, names, is_first: true })
    }

    /// What stands for a version.
    pub fn mark(&self, version: &Version) -> char {
        if version.id == self.head { '@' } else { '○' }
    }

    /// A version's line, after what is drawn before it.
    pub fn version(&mut self, version: &Version, above: Option<&str>, before: &str) -> Result<()> {
        let names = self.names.get(&version.id).map_or(&[][..], Vec::as_slice);
        if self.out.is_json {
            let comma = if self.is_first { "" } else { "," };
            self.is_first = false;
            let json = version_json(version, names, version.id == self.head);
            return self.out.json(format_args!("{comma}{json}"));
        }
        if let Some(above) = above {
            self.out.line(format_args!("{above}"))?
        }
        let named = |name: &String| match self.on.as_ref() == Some(name) {
            true => format!("{HERE}*{name}{HERE:#}"),
            false => format!("{NAME}{name}{NAME:#}"),
        };
        let names = names.iter().map(named).collect::<Vec<_>>().join(", ");
        let names = if names.is_empty() { names } else { format!("({names})") };
        let (author, time) = (clean(version.author.as_deref().unwrap_or("")), self.out.time(version.time));
        let faint = |text: &str| if text.is_empty() { String::new() } else { format!("{FAINT}{text}{FAINT:#}") };
        let columns = [faint(&time), faint(&author), clean(&version.label), names];
        let columns = columns.into_iter().filter(|column| !column.is_empty()).collect::<Vec<_>>().join("  ");
        self.out.line(format_args!("{before} {ID}{}{ID:#}  {columns}", version.id))
    }

    pub fn end(self) -> Result<()> {
        if self.out.is_json { self.out.json(format_args!("]}}")) } else { Ok(()) }
    }
}

pub fn verify(out: &mut Out, store: Option<&Path>) -> Result<()> {
    let report = report(&open_to_look(store)?)?;
    let json = || {
        let damages = report.damages.iter().map(damage).collect::<Json>();
        let is_ok = report.damages.is_empty();
        object([("ok", is_ok.into()), ("counts", counts(&report)), ("damages", damages)])
    };
    out.answer(json, format_args!("{report}"))?;
    match report.damages.len() {
        0 => Ok(()),
        n => {
            let what = format!("{n} places are damaged: restore a copy, or `backstory export` what can still be read");
            Err(Error::new(ErrorKind::Corrupt, what))
        }
    }
}

fn report(timeline: &Timeline<Json>) -> Result<Report> {
    let _work = Work::new("reading everything");
    timeline.verify()
}

fn counts(report: &Report) -> Json {
    object([
        ("versions", report.versions.into()),
        ("records", report.records.into()),
        ("bytes", report.bytes.into()),
        ("segments", report.segments.into()),
        ("links", report.links.into()),
        ("moves", report.moves.into()),
    ])
}

fn damage(damage: &Damage) -> Json {
    object([
        ("segment", damage.segment.into()),
        ("offset", damage.offset.into()),
        ("what", damage.what.as_str().into()),
        ("advice", damage.advice.into()),
    ])
}

pub fn stats(out: &mut Out, store: Option<&Path>) -> Result<()> {
    let timeline = open_to_look(store)?;
    let report = report(&timeline)?;
    let mut text = Counted(0);
    timeline.state().write_to(&mut text, false)?;
    let sharing = timeline.reader().sharing()?;
    let (branches, tags, ends) = (timeline.branches()?.len(), timeline.tags()?.len(), timeline.heads()?.len());
    let (text, versions, bytes) = (text.0, report.versions, report.bytes);
    let (copies, each) = (text.saturating_mul(versions), bytes / versions.max(1));
    let json = || {
        object([
            ("counts", counts(&report)),
            ("branches", branches.into()),
            ("tags", tags.into()),
            ("ends", ends.into()),
            ("document_bytes", text.into()),
            ("bytes_each", each.into()),
            ("copies_bytes", copies.into()),
            ("own_records", sharing.own_records.into()),
            ("own_bytes", sharing.own_bytes.into()),
            ("shared_records", sharing.shared_records.into()),
            ("shared_bytes", sharing.shared_bytes.into()),
            ("log_bytes", sharing.log_bytes.into()),
        ])
    };
    let times = match bytes {
        0 => 0.0,
        bytes => copies as f64 / bytes as f64,
    };
    let Sharing { own_records, own_bytes, shared_records, shared_bytes, log_bytes, .. } = sharing;
    let (records, segments, head) = (report.records, report.segments, timeline.head());
    out.answer(
        json,
        format_args!(
            "versions   {versions}, {ends} of them with none after it; {branches} branches, {tags} tags\n\
             store      {bytes} bytes in {segments} files, {records} records\n\
             document   {text} bytes as JSON text, at version {ID}{head}{ID:#}\n\
             a version  {each} bytes on average\n\
             shared     {shared_bytes} bytes, {shared_records} records, by several versions\n\
             unique     {own_bytes} bytes, {own_records} records, each to one version\n\
             log        {log_bytes} bytes: versions, names, the index\n\
             copies     of the document for each version would be {copies} bytes, {times:.1} times the store"
        ),
    )
}

/// Counts what is written to it.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
