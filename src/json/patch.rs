//! Patches: operations that make one document of another. RFC 6902.
//!
//! In: a patch's text, its JSON, or operations; a document. Out: the document that they make of it; JSON and text.
//! Must hold: a patch is applied as a whole or not at all; every error says which operation it is about.
//! Uses: `pointer`, `read`, `error`.

use super::pointer::size;
use super::read::MOST_DEPTH;
use super::{Json, Object, Pointer, invalid};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::str::FromStr;

/// A change, or a test, of one place in a document. RFC 6902, section 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Puts a value into an array, before the element that is there or at its end (`-`); or gives a member or the whole
    /// document this value.
    Add {
        /// Where.
        path: Pointer,
        /// What.
        value: Json,
    },
    /// Takes a value out.
    Remove {
        /// Where.
        path: Pointer,
    },
    /// Puts a value in the place of another.
    Replace {
        /// Where.
        path: Pointer,
        /// What.
        value: Json,
    },
    /// Takes a value out and adds it elsewhere; not into itself.
    Move {
        /// From where.
        from: Pointer,
        /// To where, as it is when the value has been taken out.
        path: Pointer,
    },
    /// Adds a value elsewhere too.
    Copy {
        /// From where.
        from: Pointer,
        /// To where.
        path: Pointer,
    },
    /// Refuses the patch unless this value is there, by [`Json::same_value`].
    Test {
        /// Where.
        path: Pointer,
        /// What.
        value: Json,
    },
}

/// Operations that are done one after the other: all of them or none. RFC 6902.
///
/// A patch of n operations costs O(n) lookups and updates, whatever the size of the document and of the values that it
/// moves and copies (a test costs O(n) in what it tests). So a short patch can make a document that is long as text: mind whose
/// patches you take. One that nests it more than 1000 deep is refused.
///
/// ```
/// use backstory::json::{Json, Patch};
///
/// let mut json = Json::parse(r#"{"title": "Monday", "done": [true]}"#)?;
/// let patch = Patch::parse(
///     r#"[{"op": "test", "path": "/title", "value": "Monday"}, {"op": "add", "path": "/done/0", "value": false}]"#,
/// )?;
/// patch.apply(&mut json)?;
/// assert_eq!(json.to_string(), r#"{"title":"Monday","done":[false,true]}"#);
///
/// let tuesday = Json::parse(r#"{"title": "Tuesday", "done": [false, true]}"#)?;
/// let patch = Patch::diff(&json, &tuesday);
/// assert_eq!(patch.to_string(), r#"[{"op":"replace","path":"/title","value":"Tuesday"}]"#);
/// # Ok::<(), backstory::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    operations: Vec<Operation>,
}

impl Patch {
    /// The patch of a JSON text.
    ///
    /// # Errors
    /// `Invalid` if it is not JSON or no patch, as [`from_json`](Self::from_json) says.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self> {
        Self::from_json(&Json::parse(text)?)
    }

    /// The patch that a JSON value is. Members of an operation that it does not need are ignored.
    ///
    /// # Errors
    /// `Invalid` if it is no array of operations; the message says which one lacks what.
    pub fn from_json(json: &Json) -> Result<Self> {
        let Some(all) = json.as_array() else {
            return Err(invalid(format!("a patch is an array of operations, not {}", json.kind())));
        };
        let read = |(i, one): (usize, &Json)| {
            let text = |name| one.get(name).and_then(Json::as_str);
            Operation::from_json(one).map_err(|error| about(i, text("op"), text("path"), &error))
        };
        all.iter().enumerate().map(read).collect()
    }

    /// The patch as JSON. Time: O(operations).
    pub fn to_json(&self) -> Json {
        self.operations.iter().map(Operation::to_json).collect()
    }

    /// What is done, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Changes the document: by all operations, or not at all if there is an error.
    ///
    /// # Errors
    /// `NotFound` for a place that is not there, `Conflict` for a test that fails, `Invalid` for a value that would be moved
    /// into itself, for the whole document removed and for a document that gets too deep. The message says which operation
    /// it was, counted from 0.
    pub fn apply(&self, document: &mut Json) -> Result<()> {
        *document = document.patched(self)?;
        Ok(())
    }
}

impl Json {
    /// The document that a patch makes of this one.
    ///
    /// # Errors
    /// As [`Patch::apply`].
    pub fn patched(&self, patch: &Patch) -> Result<Json> {
        let (mut document, mut deeper) = (self.clone(), 0);
        for (i, operation) in patch.operations.iter().enumerate() {
            let about = |error: Error| about(i, Some(operation.name()), Some(&operation.path().to_string()), &error);
            deeper += operation.deepens();
            if deeper.max(operation.path().tokens().len()) > MOST_DEPTH {
                deeper = depth_within(&document).map_err(about)?
            }
            operation.apply(&mut document).map_err(about)?
        }
        Ok(document)
    }
}

/// So many values are looked at to find out how deep a document is.
const MOST_VALUES: usize = 10_000_000;

/// How deep the document is, if it is not too deep to be nested deeper.
fn depth_within(document: &Json) -> Result<usize> {
    depth(document, &mut { MOST_VALUES })
        .filter(|depth| *depth <= MOST_DEPTH)
        .ok_or_else(|| invalid(format!("it may nest values more than {MOST_DEPTH} deep: make several patches of it")))
}

/// How deep arrays and objects are nested in one another; none if it takes too long to find out.
fn depth(value: &Json, left: &mut usize) -> Option<usize> {
    *left = left.checked_sub(1)?;
    let mut below = |most: usize, value: &Json| Some(most.max(1 + depth(value, left)?));
    match value {
        Json::Array(array) => array.iter().try_fold(1, &mut below),
        Json::Object(object) => object.iter_unordered().try_fold(1, |most, (_, value)| below(most, value)),
        _ => Some(0),
    }
}

/// The error of operation `i`, which has this name and path as far as that is known.
fn about(i: usize, name: Option<&str>, path: Option<&str>, error: &Error) -> Error {
    let name = name.map_or(String::new(), |name| format!(", {name}"));
    let path = path.map_or(String::new(), |path| format!(" {path:?}"));
    Error::new(error.kind(), format!("operation {i}{name}{path}: {error}"))
}

impl Operation {
    /// Where.
    pub fn path(&self) -> &Pointer {
        match self {
            Operation::Add { path, .. }
            | Operation::Remove { path }
            | Operation::Replace { path, .. }
            | Operation::Move { path, .. }
            | Operation::Copy { path, .. }
            | Operation::Test { path, .. } => path,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Operation::Add { .. } => "add",
            Operation::Remove { .. } => "remove",
            Operation::Replace { .. } => "replace",
            Operation::Move { .. } => "move",
            Operation::Copy { .. } => "copy",
            Operation::Test { .. } => "test",
        }
    }

    /// By how many levels a document may be nested deeper afterwards, besides what a new value has itself.
    fn deepens(&self) -> usize {
        match self {
            Operation::Move { from, path } | Operation::Copy { from, path } => {
                path.tokens().len().saturating_sub(from.tokens().len())
            }
            _ => 0,
        }
    }

    /// Of a document that may be left half changed if there is an error.
    fn apply(&self, document: &mut Json) -> Result<()> {
        match self {
            Operation::Add { path, value } => document.add(path, value.clone()),
            Operation::Remove { path } => document.take(path).map(drop),
            Operation::Replace { path, value } => document.pointer_mut(path).map(|place| *place = value.clone()),
            // It keeps its place among the members.
            Operation::Move { from, path } if from == path => document.pointer(from).map(drop),
            Operation::Move { from, path } if path.starts_with(from) => {
                Err(invalid(format!("what is at {from:?} cannot be moved into itself: copy it")))
            }
            Operation::Move { from, path } => {
                let value = document.take(from)?;
                document.add(path, value)
            }
            Operation::Copy { from, path } => {
                let value = document.pointer(from)?.clone();
                document.add(path, value)
            }
            Operation::Test { path, value } => match document.pointer(path)? {
                found if found.same_value(value) => Ok(()),
                found => Err(Error::new(ErrorKind::Conflict, unlike(found, value))),
            },
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        let Some(members) = json.as_object() else {
            return Err(invalid(format!("an operation is an object, not {}", json.kind())));
        };
        let member = |name: &str| members.get(name).ok_or_else(|| invalid(format!("no member {name:?}")));
        let text = |name: &str| match member(name)? {
            Json::String(text) => Ok(text.as_str()),
            other => Err(invalid(format!("{name:?} is {}, not a string", other.kind()))),
        };
        let pointer = |name: &str| text(name)?.parse::<Pointer>();
        let name = text("op")?;
        let path = || pointer("path");
        Ok(match name {
            "add" => Operation::Add { path: path()?, value: member("value")?.clone() },
            "remove" => Operation::Remove { path: path()? },
            "replace" => Operation::Replace { path: path()?, value: member("value")?.clone() },
            "move" => Operation::Move { from: pointer("from")?, path: path()? },
            "copy" => Operation::Copy { from: pointer("from")?, path: path()? },
            "test" => Operation::Test { path: path()?, value: member("value")?.clone() },
            _ => {
                let known = "add, remove, replace, move, copy and test";
                return Err(invalid(format!("{name:?} is no operation: those are {known}")));
            }
        })
    }

    pub(super) fn to_json(&self) -> Json {
        let mut members = Object::new();
        members.insert("op", self.name());
        if let Operation::Move { from, .. } | Operation::Copy { from, .. } = self {
            members.insert("from", from.to_string());
        }
        members.insert("path", self.path().to_string());
        if let Operation::Add { value, .. } | Operation::Replace { value, .. } | Operation::Test { value, .. } = self {
            members.insert("value", value.clone());
        }
        Json::Object(members)
    }
}

/// How the value that was found is not the one of the test.
#[cold]
fn unlike(found: &Json, want: &Json) -> String {
    match (brief(found), brief(want)) {
        (found, want) if found == want => format!("found {found}, but not the one of the test"),
        (found, want) => format!("found {found}, want {want}"),
    }
}

/// A value in a line: its text, but of what is long only what it is.
fn brief(value: &Json) -> String {
    const LONG: usize = 60;
    match value {
        Json::Array(_) | Json::Object(_) => size(value),
        Json::String(text) if text.len() > LONG => format!("a string of {} bytes", text.len()),
        _ => value.to_string(),
    }
}

impl From<Vec<Operation>> for Patch {
    fn from(operations: Vec<Operation>) -> Self {
        Patch { operations }
    }
}

impl FromIterator<Operation> for Patch {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        Patch { operations: operations.into_iter().collect() }
    }
}

impl FromStr for Patch {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Patch::parse(text)
    }
}

/// As JSON text, compact; with lines and indents as `{:#}`.
impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}
