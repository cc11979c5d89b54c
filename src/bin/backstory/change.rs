//! Commands that make versions or move among them.
//!
//! In: the words of a command. Out: a store that stands elsewhere, or has a version more; a line that says so.
//! Must hold: what is read from outside is read and parsed before the store is opened, so that nobody waits for it
//! meanwhile; a command makes one version or none.
//! Uses: `args`, `place`, `when`, `print`.

use crate::Done;
use crate::args::Note;
use crate::place::{in_file, make, open_to_change, read, read_json};
use crate::print::{ID, NAME, Out, Work, clean, object, or_null, short};
use crate::when;
use backstory::json::{Json, Limits, Object, Patch, Pointer};
use backstory::{Error, Result, Timeline, VersionId};
use std::path::Path;

/// Where a store stands, and where it stood.
struct Moved {
    timeline: Timeline<Json>,
    from: VersionId,
    /// The version that was made.
    made: Option<VersionId>,
    /// Whether none was made although the order of members differs.
    is_order_only: bool,
}

impl Moved {
    /// Says it.
    fn say(&self, out: &mut Out) -> Result<()> {
        let (timeline, from, head) = (&self.timeline, self.from, self.timeline.head());
        let json = || {
            object([
                ("changed", (from != head).into()),
                ("from", from.number().into()),
                ("head", head.number().into()),
                ("made", or_null(self.made.map(VersionId::number))),
                ("order_only", self.is_order_only.into()),
                ("branch", or_null(timeline.current_branch())),
                ("can_undo", timeline.can_undo().into()),
                ("can_redo", timeline.can_redo().into()),
            ])
        };
        let what = match (self.made, from == head) {
            (Some(_), _) => "made version",
            (None, true) if self.is_order_only => {
                "nothing changed but the order of members, which is no change: at version"
            }
            (None, true) => "nothing changed: at version",
            (None, false) => "at version",
        };
        let on = timeline.current_branch().map_or(String::new(), |name| format!(" on {NAME}{name}{NAME:#}"));
        let label = match clean(&timeline.version(head)?.label) {
            label if label.is_empty() => label,
            label => format!(": {label}"),
        };
        out.answer(json, format_args!("{what} {ID}{head}{ID:#}{on}{label}"))
    }
}

/// Moves among the versions there are, and says so.
pub fn moved(out: &mut Out, store: Option<&Path>, to: impl FnOnce(&mut Timeline<Json>) -> Result<()>) -> Result<()> {
    let mut timeline = open_to_change(store)?;
    let from = timeline.head();
    to(&mut timeline)?;
    Moved { timeline, from, made: None, is_order_only: false }.say(out)
}

/// Makes a version, or none if `change` changes nothing. `words` is its label if it is given no other.
fn changed(
    store: Option<&Path>,
    note: &Note,
    words: &str,
    change: impl FnOnce(&Timeline<Json>, Json) -> Result<Json>,
) -> Result<Moved> {
    let mut timeline = open_to_change(store)?;
    let author = note.author.clone().or_else(|| std::env::var("BACKSTORY_AUTHOR").ok());
    timeline.set_author(author.as_deref().filter(|author| !author.is_empty()));
    let from = timeline.head();
    let document = change(&timeline, timeline.state().clone())?;
    let made = timeline.commit(note.label.as_deref().unwrap_or(words), document)?;
    Ok(Moved { timeline, from, made, is_order_only: false })
}

pub fn init(out: &mut Out, store: Option<&Path>, file: Option<&Path>) -> Result<()> {
    let (path, timeline) = make(store, || file.map_or(Ok(Object::new().into()), read_json))?;
    let (path, head) = (path.display().to_string(), timeline.head());
    let json = || object([("store", path.as_str().into()), ("head", head.number().into())]);
    out.answer(json, format_args!("made a store in {path}: at version {ID}{head}{ID:#}"))
}

/// How many characters of a value are in the label of the version that sets it.
const LABEL: usize = 60;

pub fn set(
    out: &mut Out,
    store: Option<&Path>,
    pointer: &str,
    value: &str,
    is_string: bool,
    note: &Note,
) -> Result<()> {
    let at: Pointer = pointer.parse()?;
    let value = match value {
        text if is_string => text.into(),
        "-" => read_json(Path::new("-"))?,
        text => Json::parse(text).map_err(|error| {
            let what = format!("{error}: a string needs quotes of its own, or --string");
            Error::new(error.kind(), what)
        })?,
    };
    let words = match short(&value, LABEL) {
        value if at.is_root() => format!("set {value}"),
        value => format!("set {pointer} {value}"),
    };
    let set = |mut document: Json| document.set(&at, value).map(|_| document);
    changed(store, note, &words, |_, document| set(document))?.say(out)
}

pub fn remove(out: &mut Out, store: Option<&Path>, pointer: &str, note: &Note) -> Result<()> {
    let at: Pointer = pointer.parse()?;
    let taken = |mut document: Json| document.take(&at).map(|_| document);
    changed(store, note, &format!("remove {pointer}"), |_, document| taken(document))?.say(out)
}

pub fn patch(out: &mut Out, store: Option<&Path>, file: &Path, note: &Note) -> Result<()> {
    let patch = Patch::parse(read(file)?).map_err(|error| in_file(file, &error))?;
    let patched = |document: Json| document.patched(&patch).map_err(|error| in_file(file, &error));
    changed(store, note, &format!("patch {}", file.display()), |_, document| patched(document))?.say(out)
}

pub fn import(out: &mut Out, store: Option<&Path>, file: &Path, note: &Note) -> Result<()> {
    let text = read(file)?;
    let _work = Work::new("parsing and storing");
    let mut is_order_only = false;
    let made = changed(store, note, &format!("import {}", file.display()), |_, old| {
        let update = old.updated_to(&text, Limits::default()).map_err(|error| in_file(file, &error))?;
        is_order_only = update.is_order_only;
        Ok(update.json)
    })?;
    Moved { is_order_only, ..made }.say(out)
}

pub fn restore(out: &mut Out, store: Option<&Path>, v: &str, note: &Note) -> Result<()> {
    changed(store, note, &format!("restore {v}"), |timeline, _| timeline.at(when::version(timeline, v)?))?.say(out)
}

pub fn goto(out: &mut Out, store: Option<&Path>, v: &str) -> Result<()> {
    moved(out, store, |timeline| timeline.checkout(when::version(timeline, v)?))
}

pub fn undo(out: &mut Out, store: Option<&Path>, n: u32) -> Result<Done> {
    steps(out, store, n, "nothing to undo: this is the first version", Timeline::undo)
}

pub fn redo(out: &mut Out, store: Option<&Path>, n: u32) -> Result<Done> {
    let why = "nothing to redo here: `backstory log --graph` shows where `backstory goto` can go";
    steps(out, store, n, why, Timeline::redo)
}

/// Makes up to `n` steps; none at all is worth a word.
fn steps(
    out: &mut Out,
    store: Option<&Path>,
    n: u32,
    why_not: &str,
    step: impl Fn(&mut Timeline<Json>) -> Result<Option<VersionId>>,
) -> Result<Done> {
    let mut made = 0;
    let go = |timeline: &mut Timeline<Json>| {
        while made < n && step(timeline)?.is_some() {
            made += 1
        }
        Ok(())
    };
    moved(out, store, go)?;
    Ok(if made == 0 { Done::Nothing(why_not.to_owned()) } else { Done::All })
}
