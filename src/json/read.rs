//! Text to values.
//!
//! In: the bytes of a JSON text, RFC 8259, UTF-8, and limits. Out: the value; or an error with line and column.
//! Must hold: what the RFC does not allow is refused; nothing recurses over the nesting of the text.
//! Uses: `error`; the crate `jiter` tells one token after the other.

use super::{Json, Number, Object, invalid};
use crate::error::{Error, Result};
use jiter::{Jiter, JiterError, JsonErrorType, Peek};
use std::str::FromStr;

/// What a text may ask for at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Arrays and objects in one another. 256 if nothing is said, which is more than a log stores: that takes 127, besides small ones.
    /// Never more than 1000, so that no thread's stack is too small for what is done with them.
    pub depth: usize,
    /// The length of the text in bytes. One GiB if nothing is said.
    pub len_bytes: usize,
}

/// No text may be nested deeper, whatever the limits say; no patch may nest a document deeper than this and what it was.
pub(super) const MOST_DEPTH: usize = 1000;

impl Default for Limits {
    fn default() -> Self {
        Limits { depth: 256, len_bytes: 1 << 30 }
    }
}

impl Json {
    /// The value of a JSON text. Of an object's members with the same name the last one counts.
    ///
    /// # Errors
    /// `Invalid`, with line and column, if it is not JSON (RFC 8259, UTF-8), exceeds the default [`Limits`], or has an integer of
    /// more than 4300 digits.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self> {
        Self::parse_within(text, Limits::default())
    }

    /// The same, with limits of your own.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), by these limits.
    pub fn parse_within(text: impl AsRef<[u8]>, limits: Limits) -> Result<Self> {
        read(text.as_ref(), limits, |reader, tokens| {
            let peek = tokens.peek()?;
            reader.value(tokens, peek)
        })
    }
}

/// What `whole` makes of all tokens of a text.
pub(super) fn read<R>(
    text: &[u8],
    limits: Limits,
    whole: impl FnOnce(&mut Reader, &mut Jiter<'_>) -> std::result::Result<R, Stop>,
) -> Result<R> {
    let limits = Limits { depth: limits.depth.min(MOST_DEPTH), ..limits };
    if text.len() > limits.len_bytes {
        let (len, most) = (text.len(), limits.len_bytes);
        return Err(invalid(format!("the JSON text has {len} bytes, more than the limit of {most}: split it")));
    }
    let mut tokens = Jiter::new(text);
    let mut reader = Reader { limits, depth: 0, open: vec![], elements: vec![], members: vec![], names: vec![] };
    let read = whole(&mut reader, &mut tokens).and_then(|read| {
        tokens.finish()?;
        Ok(read)
    });
    read.map_err(|stop| match stop {
        Stop::Syntax(error) => {
            let (JiterError { index, .. }, what) = (&error, error.error_type.to_string());
            invalid(format!("not JSON at {}: {}", place(text, *index), what))
        }
        Stop::TooDeep(index) => invalid(format!(
            "arrays and objects nested more than {} deep at {}: nest them less",
            limits.depth,
            place(text, index)
        )),
    })
}

impl FromStr for Json {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Json::parse(text)
    }
}

/// Line and column of a byte, both counted from 1, the column in characters.
fn place(text: &[u8], index: usize) -> String {
    let before = &text[..index.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let column = before[start..].iter().filter(|byte| **byte & 0xc0 != 0x80).count() + 1;
    format!("line {line}, column {column}")
}

pub(super) enum Stop {
    Syntax(JiterError),
    TooDeep(usize),
}

impl From<JiterError> for Stop {
    fn from(error: JiterError) -> Self {
        Stop::Syntax(error)
    }
}

pub(super) struct Reader {
    limits: Limits,
    /// How many arrays and objects are around what is read.
    depth: usize,
    /// The arrays and objects that are not at their ends yet, from the outside in.
    open: Vec<Open>,
    /// What was read of the arrays among them, one behind the other.
    elements: Vec<Json>,
    /// The same of the objects.
    members: Vec<(String, Json)>,
    /// The names of the objects' members that are being read.
    names: Vec<String>,
}

/// Where what was read of it begins.
#[derive(Clone, Copy)]
enum Open {
    Array(usize),
    Object(usize),
}

impl Reader {
    /// The value that begins here.
    pub(super) fn value(&mut self, tokens: &mut Jiter<'_>, peek: Peek) -> std::result::Result<Json, Stop> {
        let mut peek = peek;
        loop {
            let mut value = match self.begun(tokens, peek)? {
                Begun::Whole(value) => value,
                Begun::Open(next) => {
                    peek = next;
                    continue;
                }
            };
            // Whatever ends with this value.
            peek = loop {
                let (next, first) = match self.open.last() {
                    None => return Ok(value),
                    Some(&Open::Array(first)) => {
                        self.elements.push(value);
                        (tokens.array_step()?, first)
                    }
                    Some(&Open::Object(first)) => {
                        self.members.push((self.names.pop().expect("it was read"), value));
                        (self.name(tokens)?, first)
                    }
                };
                if let Some(next) = next {
                    break next;
                }
                value = match self.open.pop() {
                    Some(Open::Array(_)) => self.elements.drain(first..).collect(),
                    _ => Json::Object(Object::of(self.members.drain(first..))),
                }
            }
        }
    }

    /// Reads the next member's name, if there is one; its value begins there.
    fn name(&mut self, tokens: &mut Jiter<'_>) -> std::result::Result<Option<Peek>, Stop> {
        let Some(name) = tokens.next_key()? else { return Ok(None) };
        self.names.push(name.to_owned());
        Ok(Some(tokens.peek()?))
    }

    /// The value that begins here, if it has nothing in it; else it is opened.
    fn begun(&mut self, tokens: &mut Jiter<'_>, peek: Peek) -> std::result::Result<Begun, Stop> {
        Ok(Begun::Whole(match peek {
            Peek::Null => {
                tokens.known_null()?;
                Json::Null
            }
            Peek::True | Peek::False => Json::Bool(tokens.known_bool(peek)?),
            Peek::String => Json::String(tokens.known_str()?.to_owned()),
            Peek::Array => {
                self.may_open(tokens)?;
                match tokens.known_array()? {
                    None => Json::Array(Default::default()),
                    Some(next) => {
                        self.open.push(Open::Array(self.elements.len()));
                        return Ok(Begun::Open(next));
                    }
                }
            }
            Peek::Object => {
                self.may_open(tokens)?;
                match tokens.known_object()? {
                    None => Json::Object(Object::new()),
                    Some(name) => {
                        self.names.push(name.to_owned());
                        self.open.push(Open::Object(self.members.len()));
                        return Ok(Begun::Open(tokens.peek()?));
                    }
                }
            }
            _ if peek.is_num() => Json::Number(Number::from_valid(number(tokens, peek)?)),
            _ => {
                let index = tokens.current_index();
                return Err(Stop::Syntax(JiterError {
                    error_type: jiter::JiterErrorType::JsonError(JsonErrorType::ExpectedSomeValue),
                    index,
                }));
            }
        }))
    }

    /// An array or object that somebody else reads begins here.
    pub(super) fn enter(&mut self, tokens: &Jiter<'_>) -> std::result::Result<(), Stop> {
        self.may_open(tokens)?;
        self.depth += 1;
        Ok(())
    }

    /// It has ended, or is left.
    pub(super) fn leave(&mut self) {
        self.depth -= 1
    }

    fn may_open(&self, tokens: &Jiter<'_>) -> std::result::Result<(), Stop> {
        match self.depth + self.open.len() < self.limits.depth {
            true => Ok(()),
            false => Err(Stop::TooDeep(tokens.current_index())),
        }
    }
}

/// The text of the number that begins here.
pub(super) fn number<'a>(tokens: &'a mut Jiter<'_>, peek: Peek) -> std::result::Result<&'a str, Stop> {
    Ok(std::str::from_utf8(tokens.known_number_bytes(peek)?).expect("digits and signs are ASCII"))
}

enum Begun {
    Whole(Json),
    Open(Peek),
}
