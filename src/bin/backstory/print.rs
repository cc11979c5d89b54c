//! What commands say.
//!
//! In: lines, JSON values. Out: text on standard output, coloured on a terminal; for scripts one JSON value.
//! Must hold: what others wrote (labels, names, authors) cannot move a terminal's cursor; nothing is coloured in a pipe
//! unless that was asked for.
//! Uses: nothing of ours.

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use backstory::json::{Json, Object};
use backstory::{Error, ErrorKind, Result, Version};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Arguments;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::time::{Duration, SystemTime};

pub const ID: Style = AnsiColor::Yellow.on_default();
pub const NAME: Style = AnsiColor::Cyan.on_default().bold();
pub const HERE: Style = AnsiColor::Green.on_default().bold();
pub const ADDED: Style = AnsiColor::Green.on_default();
pub const REMOVED: Style = AnsiColor::Red.on_default();
pub const CHANGED: Style = AnsiColor::Yellow.on_default();
pub const FAINT: Style = Style::new().dimmed();

/// Where a command prints.
pub struct Out {
    to: BufWriter<Stdout>,
    is_coloured: bool,
    /// Whether one JSON value is wanted.
    pub is_json: bool,
    pub is_terminal: bool,
    now: Timestamp,
}

impl Out {
    /// For scripts if `is_json`. Coloured as the choice for the whole program says, which is made before.
    pub fn new(is_json: bool) -> Self {
        let stdout = io::stdout();
        let (is_coloured, is_terminal) = (AutoStream::choice(&stdout) != ColorChoice::Never, stdout.is_terminal());
        Out { to: BufWriter::new(stdout), is_coloured, is_json, is_terminal, now: Timestamp::now() }
    }

    pub fn line(&mut self, line: Arguments<'_>) -> Result<()> {
        let line = line.to_string();
        let written = match self.is_coloured {
            true => self.to.write_all(line.as_bytes()),
            false => write!(self.to, "{}", strip_str(&line)),
        };
        written.and_then(|()| self.to.write_all(b"\n")).map_err(unwritten)
    }

    /// A line of JSON, which nothing is taken out of.
    pub fn json(&mut self, json: Arguments<'_>) -> Result<()> {
        let written = match self.is_terminal || self.is_coloured {
            true => self.to.write_all(shown(&json.to_string()).as_bytes()),
            false => self.to.write_fmt(json),
        };
        written.and_then(|()| self.to.write_all(b"\n")).map_err(unwritten)
    }

    /// A document: compact where scripts read it.
    pub fn document(&mut self, json: &Json) -> Result<()> {
        match (self.is_terminal || self.is_coloured, self.is_json) {
            (true, true) => self.json(format_args!("{json}")),
            (true, false) => self.json(format_args!("{json:#}")),
            (false, is_json) => {
                json.write_to(&mut self.to, !is_json)?;
                self.to.write_all(b"\n").map_err(unwritten)
            }
        }
    }

    /// An answer of a command, for scripts or for people.
    pub fn answer(&mut self, json: impl FnOnce() -> Json, text: Arguments<'_>) -> Result<()> {
        match self.is_json {
            true => self.json(format_args!("{}", json())),
            false => self.line(text),
        }
    }

    /// Everything printed so far goes out.
    pub fn flush(&mut self) -> Result<()> {
        self.to.flush().map_err(unwritten)
    }

    /// When that was: on a terminal how long ago, else as RFC 3339 has it, to the second.
    pub fn time(&self, time: SystemTime) -> String {
        match (self.is_terminal, timestamp(time)) {
            (true, at) => ago(self.now.duration_since(at)),
            (false, at) => format!("{at:.0}"),
        }
    }
}

fn unwritten(error: io::Error) -> Error {
    let what = format!("cannot write to standard output: {error}: look at where it goes");
    Error::new(ErrorKind::Io, what).with_source(error)
}

/// The time of a version; the ends of time where it is beyond them.
pub fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::MAX)
}

/// A span of time in its largest unit.
fn ago(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let units = [(31_556_952, "year"), (2_629_746, "month"), (86_400, "day"), (3600, "hour"), (60, "minute")];
    match units.into_iter().find(|(len, _)| seconds >= *len) {
        None if seconds < 2 => "just now".to_owned(),
        found => {
            let (len, unit) = found.unwrap_or((1, "second"));
            let n = seconds / len;
            format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" })
        }
    }
}

/// Text of others on one line, with nothing in it that a terminal obeys.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    text.chars().for_each(|c| match is_obeyed(c) {
        true => clean.extend(c.escape_default()),
        false => clean.push(c),
    });
    clean
}

/// JSON text with what a terminal obeys as escapes of JSON: it stands in strings only.
pub fn shown(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    json.chars().for_each(|c| match is_obeyed(c) && c != '\n' {
        true => shown.push_str(&format!("\\u{:04x}", c as u32)),
        false => shown.push(c),
    });
    shown
}

/// The text of a value, up to so many characters.
pub fn short(json: &Json, most: usize) -> String {
    let text = shown(&json.to_string());
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Whether a terminal moves or turns by it: controls, and marks that reverse the direction of writing.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A JSON object with these members.
pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    members.into_iter().collect::<Object>().into()
}

/// A value, or `null`.
pub fn or_null(value: Option<impl Into<Json>>) -> Json {
    value.map_or(Json::Null, Into::into)
}

/// What is known of a version, for scripts; `names` are those that lead to it.
pub fn version_json(version: &Version, names: &[String], is_head: bool) -> Json {
    object([
        ("id", version.id.number().into()),
        ("parent", or_null(version.parent.map(|id| id.number()))),
        ("time", timestamp(version.time).to_string().into()),
        ("label", version.label.as_str().into()),
        ("author", or_null(version.author.as_deref())),
        ("names", names.iter().map(String::as_str).collect()),
        ("head", is_head.into()),
    ])
}

/// Less is read in no time.
const LONG_BYTES: u64 = 64 << 20;

/// Shows on a terminal that something goes on, as long as it lives.
pub struct Work(ProgressBar);

impl Work {
    pub fn new(what: impl Into<String>) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what.into());
        bar.enable_steady_tick(Duration::from_millis(200));
        Work(bar)
    }

    /// The same, of so many bytes.
    pub fn of_bytes(what: impl Into<String>, bytes: u64) -> Self {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes}");
        let bar = match bytes < LONG_BYTES {
            true => ProgressBar::hidden(),
            false => ProgressBar::new(bytes).with_message(what.into()),
        };
        Work(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// What is read from there, counted.
    pub fn reading<R: io::Read>(&self, from: R) -> impl io::Read {
        self.0.wrap_read(from)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.finish_and_clear()
    }
}
