//! What changed between two versions.
//!
//! In: two versions. Out: a line for each change, by its JSON pointer; or a JSON patch.
//! Must hold: what versions share is not looked at; lines come by name and by index. An index is that of the old
//! document in what was taken away, and of the new one elsewhere: a patch says it otherwise.
//! Uses: `place`, `when`, `print`.

use crate::place::open_to_look;
use crate::print::{ADDED, CHANGED, Out, REMOVED, clean, object, short};
use crate::when;
use backstory::json::{Json, Object, Patch, Pointer};
use backstory::vector::Splice;
use backstory::{DiffItem, Result, Vector};
use std::path::Path;

pub fn diff(out: &mut Out, store: Option<&Path>, a: Option<&str>, b: &str, json_patch: bool) -> Result<()> {
    let timeline = open_to_look(store)?;
    let b = when::version(&timeline, b)?;
    let a = match a {
        Some(a) => when::version(&timeline, a)?,
        // Of the first version nothing has changed.
        None => timeline.version(b)?.parent.unwrap_or(b),
    };
    let (old, new) = (timeline.at(a)?, timeline.at(b)?);
    if json_patch {
        return out.json(format_args!("{}", Patch::diff(&old, &new)));
    }
    if out.is_json {
        let patch = Patch::diff(&old, &new).to_json();
        let json = object([("from", a.number().into()), ("to", b.number().into()), ("patch", patch)]);
        return out.json(format_args!("{json}"));
    }
    let most = if out.is_terminal { SHORT } else { usize::MAX };
    Lines { out, most }.values(&Pointer::root(), &old, &new)
}

/// Prints what changed, deeper and deeper.
struct Lines<'a> {
    out: &'a mut Out,
    /// How many characters of a value are shown.
    most: usize,
}

impl Lines<'_> {
    fn values(&mut self, at: &Pointer, old: &Json, new: &Json) -> Result<()> {
        match (old, new) {
            (Json::Object(old), Json::Object(new)) => self.objects(at, old, new),
            (Json::Array(old), Json::Array(new)) => self.arrays(at, old, new),
            _ if old == new => Ok(()),
            _ => {
                let (at, old, new) = (clean(&at.to_string()), short(old, self.most), short(new, self.most));
                self.out.line(format_args!("{CHANGED}~ {at}:{CHANGED:#} {old} -> {new}"))
            }
        }
    }

    fn objects(&mut self, at: &Pointer, old: &Object, new: &Object) -> Result<()> {
        let mut changes: Vec<_> = old.diff(new).collect();
        changes.sort_unstable_by_key(name);
        for change in changes {
            let at = at.join(name(&change));
            match change {
                DiffItem::Add(_, value) => self.added(&at, value)?,
                DiffItem::Remove(_, value) => self.removed(&at, value)?,
                DiffItem::Update { old: (_, old), new: (_, new) } => self.values(&at, old, new)?,
            }
        }
        Ok(())
    }

    fn arrays(&mut self, at: &Pointer, old: &Vector<Json>, new: &Vector<Json>) -> Result<()> {
        for Splice { old: olds, new: news } in old.diff(new) {
            // Elements that stand for each other, then those that are left.
            let both = olds.len().min(news.len());
            for i in 0..both {
                self.values(&at.join(news.start + i), &old[olds.start + i], &new[news.start + i])?
            }
            olds.skip(both).try_for_each(|i| self.removed(&at.join(i), &old[i]))?;
            news.skip(both).try_for_each(|i| self.added(&at.join(i), &new[i]))?
        }
        Ok(())
    }

    fn added(&mut self, at: &Pointer, value: &Json) -> Result<()> {
        let (at, value) = (clean(&at.to_string()), short(value, self.most));
        self.out.line(format_args!("{ADDED}+ {at}: {value}{ADDED:#}"))
    }

    fn removed(&mut self, at: &Pointer, value: &Json) -> Result<()> {
        let (at, value) = (clean(&at.to_string()), short(value, self.most));
        self.out.line(format_args!("{REMOVED}- {at}: {value}{REMOVED:#}"))
    }
}

/// The member that changed.
fn name<'a>(change: &DiffItem<'a, 'a, String, Json>) -> &'a str {
    match change {
        DiffItem::Add(name, _) | DiffItem::Remove(name, _) | DiffItem::Update { old: (name, _), .. } => name,
    }
}

/// How many characters of a value are shown on a terminal.
const SHORT: usize = 80;
