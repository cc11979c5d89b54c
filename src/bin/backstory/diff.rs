//! What changed between two versions.
//!
//! In: two versions. Out: a line for each change, by its JSON pointer; or a JSON patch.
//! Must hold: the lines are the patch's operations in their order, so that an index is that of the document as the lines
//! before have left it.
//! Uses: `place`, `when`, `print`.

use crate::place::open_to_look;
use crate::print::{ADDED, CHANGED, Out, REMOVED, clean, object};
use crate::when;
use backstory::Result;
use backstory::json::{Json, Operation, Patch};
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
    let patch = Patch::diff(&old, &new);
    if json_patch {
        return out.line(format_args!("{patch}"));
    }
    if out.is_json {
        let json = object([("from", a.number().into()), ("to", b.number().into()), ("patch", patch.to_json())]);
        return out.line(format_args!("{json}"));
    }
    lines(out, old, &patch)
}

/// A line for each operation on `document`.
fn lines(out: &mut Out, mut document: Json, patch: &Patch) -> Result<()> {
    let most = if out.is_terminal { SHORT } else { usize::MAX };
    for operation in patch.operations() {
        let path = clean(&operation.path().to_string());
        match operation {
            Operation::Add { value, .. } => {
                out.line(format_args!("{ADDED}+ {path}: {}{ADDED:#}", short(value, most)))?
            }
            Operation::Remove { path: at } => {
                let old = short(document.pointer(at)?, most);
                out.line(format_args!("{REMOVED}- {path}: {old}{REMOVED:#}"))?
            }
            Operation::Replace { path: at, value } => {
                let (old, new) = (short(document.pointer(at)?, most), short(value, most));
                out.line(format_args!("{CHANGED}~ {path}:{CHANGED:#} {old} -> {new}"))?
            }
            // Not among what a diff is made of; said as a patch says it.
            other => out.line(format_args!("{}", Patch::from(vec![other.clone()])))?,
        }
        Patch::from(vec![operation.clone()]).apply(&mut document)?
    }
    Ok(())
}

/// How many characters of a value are shown on a terminal.
const SHORT: usize = 80;

/// The text of a value, up to so many characters.
pub fn short(json: &Json, most: usize) -> String {
    let text = json.to_string();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
