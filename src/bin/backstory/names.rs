//! Commands about branches and tags.
//!
//! In: names. Out: a list of them, or a store with others; a line that says so.
//! Must hold: `branch` takes away and renames branches only, `tag` tags only.
//! Uses: `args`, `place`, `when`, `change`, `print`.

use crate::args::Naming;
use crate::change::moved;
use crate::place::{open_to_change, open_to_look};
use crate::print::{HERE, ID, NAME, Out, object, or_null};
use crate::when;
use backstory::json::Json;
use backstory::{Error, ErrorKind, Result, Timeline, VersionId};
use std::path::Path;

/// The two kinds of names.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Branch,
    Tag,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Branch => "branch",
            Kind::Tag => "tag",
        }
    }

    fn all(self, timeline: &Timeline<Json>) -> Result<Vec<(String, VersionId)>> {
        match self {
            Kind::Branch => timeline.branches(),
            Kind::Tag => timeline.tags(),
        }
    }
}

pub fn branch(out: &mut Out, store: Option<&Path>, name: Option<&str>, naming: &Naming) -> Result<()> {
    match name {
        None => named(out, store, Kind::Branch, naming),
        Some(name) => {
            let mut timeline = open_to_change(store)?;
            timeline.branch(name)?;
            say(out, &timeline, Kind::Branch, "new", name, Some(timeline.head()))
        }
    }
}

pub fn tag(out: &mut Out, store: Option<&Path>, name: Option<&str>, v: &str, naming: &Naming) -> Result<()> {
    match name {
        None => named(out, store, Kind::Tag, naming),
        Some(name) => {
            let mut timeline = open_to_change(store)?;
            let id = when::version(&timeline, v)?;
            timeline.tag(name, id)?;
            say(out, &timeline, Kind::Tag, "new", name, Some(id))
        }
    }
}

pub fn switch(out: &mut Out, store: Option<&Path>, name: &str) -> Result<()> {
    moved(out, store, |timeline| {
        timeline.switch(name).map_err(|error| match error.kind() {
            ErrorKind::NotFound => unknown(timeline, Kind::Branch, name),
            _ => error,
        })
    })
}

/// What is to be done without a new name.
fn named(out: &mut Out, store: Option<&Path>, kind: Kind, naming: &Naming) -> Result<()> {
    if let Some(name) = &naming.delete {
        let mut timeline = open_to_change(store)?;
        check(&timeline, kind, name)?;
        timeline.delete(name)?;
        return say(out, &timeline, kind, "deleted", name, None);
    }
    if let Some([from, to]) = naming.rename.as_deref() {
        let mut timeline = open_to_change(store)?;
        check(&timeline, kind, from)?;
        timeline.rename(from, to)?;
        let id = timeline.named(to)?;
        return say(out, &timeline, kind, "renamed", to, Some(id));
    }
    list(out, &open_to_look(store)?, kind)
}

fn list(out: &mut Out, timeline: &Timeline<Json>, kind: Kind) -> Result<()> {
    let (all, on) = (kind.all(timeline)?, timeline.current_branch());
    let is_on = |name: &str| kind == Kind::Branch && on == Some(name);
    if out.is_json {
        let one = |(name, id): &(String, VersionId)| {
            object([("name", name.as_str().into()), ("id", id.number().into()), ("current", is_on(name).into())])
        };
        let list = all.iter().map(one).collect::<Json>();
        let members = match kind {
            Kind::Branch => object([("current", or_null(on)), ("branches", list)]),
            Kind::Tag => object([("tags", list)]),
        };
        return out.json(format_args!("{members}"));
    }
    let width = all.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, id) in &all {
        let (mark, style) = if is_on(name) { ("* ", HERE) } else { ("  ", NAME) };
        let mark = if kind == Kind::Branch { mark } else { "" };
        out.line(format_args!("{mark}{style}{name:width$}{style:#}  {ID}{id}{ID:#}"))?
    }
    Ok(())
}

/// There is a name of this kind.
fn check(timeline: &Timeline<Json>, kind: Kind, name: &str) -> Result<()> {
    let is_it = kind.all(timeline)?.iter().any(|(other, _)| other == name);
    match timeline.named(name) {
        Ok(_) if !is_it => {
            let other = if kind == Kind::Branch { Kind::Tag } else { Kind::Branch }.word();
            let what = format!("{name:?} is no {}: for a {other} use `backstory {other}`", kind.word());
            Err(Error::new(ErrorKind::Invalid, what))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unknown(timeline, kind, name)),
        found => found.map(|_| ()),
    }
}

fn unknown(timeline: &Timeline<Json>, kind: Kind, name: &str) -> Error {
    let kind = kind.word();
    let advice = match when::like(timeline, name) {
        Some(like) => format!("did you mean {like:?}?"),
        None => format!("`backstory {kind}` lists them, `backstory {kind} NAME` makes one"),
    };
    Error::new(ErrorKind::NotFound, format!("there is no {kind} named {name:?}: {advice}"))
}

fn say(
    out: &mut Out,
    timeline: &Timeline<Json>,
    kind: Kind,
    what: &str,
    name: &str,
    id: Option<VersionId>,
) -> Result<()> {
    let json = || {
        object([
            ("done", what.into()),
            ("kind", kind.word().into()),
            ("name", name.into()),
            ("id", or_null(id.map(VersionId::number))),
            ("head", timeline.head().number().into()),
            ("branch", or_null(timeline.current_branch())),
        ])
    };
    let at = id.map_or(String::new(), |id| format!(" at version {ID}{id}{ID:#}"));
    out.answer(json, format_args!("{what} {} {NAME}{name}{NAME:#}{at}", kind.word()))
}
