//! Pointers: which value of a document is meant. RFC 6901.
//!
//! In: a pointer's text, or its tokens; a document. Out: the value there, to be read, changed, set or taken out; text.
//! Must hold: a document is looked at before it is changed, so that nothing is copied for what is not there; text and
//! tokens say the same, each way.
//! Uses: `vector`, `error`.

use super::{Json, Object, invalid};
use crate::error::{Error, ErrorKind, Result};
use crate::vector::Vector;
use std::fmt;
use std::str::FromStr;

/// The way to a value in a document: names of members and indices of elements, from the outside in. RFC 6901.
///
/// Its text is `""` for the whole document, else each token behind a slash, with `~` as `~0` and `/` as `~1` in it. An
/// index is written without sign and leading zeros; `-` is the place behind an array's last element.
///
/// ```
/// use backstory::json::{Json, Pointer};
///
/// let mut json = Json::parse(r#"{"lists": [{"a/b": 1}]}"#)?;
/// let place: Pointer = "/lists/0/a~1b".parse()?;
/// assert_eq!(json.pointer(&place)?, &Json::from(1));
/// json.set(&"/lists/-".parse()?, Json::Null)?;
/// assert_eq!(json.to_string(), r#"{"lists":[{"a/b":1},null]}"#);
///
/// let error = json.pointer(&"/lists/7/x".parse()?).unwrap_err();
/// assert_eq!(error.to_string(), "/lists is an array of 2 elements: no element 7");
/// # Ok::<(), backstory::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Pointer {
    /// Without escapes.
    tokens: Vec<String>,
}

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Pointer::default()
    }

    /// Whether the whole document is meant.
    pub fn is_root(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Names and indices, from the outside in, without escapes.
    pub fn tokens(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.tokens.iter().map(String::as_str)
    }

    /// Goes one further in: to the member of this name, or the element of this index. What is given has no escapes.
    pub fn push(&mut self, token: impl ToString) {
        self.tokens.push(token.to_string())
    }

    /// The pointer that goes one further in.
    #[must_use]
    pub fn join(&self, token: impl ToString) -> Self {
        let mut longer = self.clone();
        longer.push(token);
        longer
    }

    /// Goes one back out; gives the token that was last.
    pub fn pop(&mut self) -> Option<String> {
        self.tokens.pop()
    }

    /// What the value is in; none for the whole document.
    pub fn parent(&self) -> Option<Self> {
        let (_, way) = self.tokens.split_last()?;
        Some(Pointer { tokens: way.to_vec() })
    }

    /// Whether the value is the one at `outer`, or in it.
    pub fn starts_with(&self, outer: &Self) -> bool {
        self.tokens.starts_with(&outer.tokens)
    }
}

impl FromStr for Pointer {
    type Err = Error;

    /// The pointer of this text.
    ///
    /// # Errors
    /// `Invalid` if it does not begin with a slash, or a `~` is not one of `~0` and `~1`.
    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Pointer::root());
        }
        let Some(tokens) = text.strip_prefix('/') else {
            return Err(invalid(format!(
                "the pointer {text:?} does not begin with a slash: write one before each token"
            )));
        };
        tokens.split('/').map(|token| unescaped(token, text)).collect()
    }
}

fn unescaped(token: &str, text: &str) -> Result<String> {
    let is_escape = |at: usize| matches!(token.as_bytes().get(at + 1), Some(b'0' | b'1'));
    if let Some((at, _)) = token.match_indices('~').find(|(at, _)| !is_escape(*at)) {
        let escape: String = token[at..].chars().take(2).collect();
        return Err(invalid(format!(
            "the pointer {text:?}: {escape:?} is no escape: write ~0 for ~ and ~1 for a slash"
        )));
    }
    // In this order: `~01` is `~1`.
    Ok(token.replace("~1", "/").replace("~0", "~"))
}

/// The tokens from the outside in, without escapes.
impl<T: Into<String>> FromIterator<T> for Pointer {
    fn from_iter<I: IntoIterator<Item = T>>(tokens: I) -> Self {
        Pointer { tokens: tokens.into_iter().map(Into::into).collect() }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens().try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

/// As the text of a pointer, in quotes.
impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Where a value is, or is to be.
enum Place<'a> {
    Root(&'a mut Json),
    Member(&'a mut Object, &'a str),
    /// The index may be the length, for a new element.
    Element(&'a mut Vector<Json>, usize),
}

impl Json {
    /// The value at this pointer. Time: a lookup for each token.
    ///
    /// # Errors
    /// `NotFound` if nothing is there; the message says how far the way goes, and what is there.
    pub fn pointer(&self, at: &Pointer) -> Result<&Json> {
        self.found(at, at.tokens.len())
    }

    /// The same, to be changed: what other versions share of the way is copied, but nothing if there is an error.
    ///
    /// # Errors
    /// As [`pointer`](Self::pointer).
    pub fn pointer_mut(&mut self, at: &Pointer) -> Result<&mut Json> {
        self.found(at, at.tokens.len())?;
        Ok(self.found_mut(&at.tokens))
    }

    /// Puts a value there; gives the one that was there before. A member is added if it is new, an element at `-` too.
    ///
    /// Time: as [`pointer_mut`](Self::pointer_mut).
    ///
    /// # Errors
    /// As [`pointer_mut`](Self::pointer_mut): all but the last token must be there, and an index too.
    pub fn set(&mut self, at: &Pointer, value: Json) -> Result<Option<Json>> {
        let may = |holder: &Json, token: &str| match holder {
            Json::Array(_) => token == "-" || inside(holder, token).is_some(),
            other => other.as_object().is_some(),
        };
        Ok(match self.place(at, may)? {
            Place::Root(root) => Some(std::mem::replace(root, value)),
            Place::Member(object, name) => object.insert(name, value),
            Place::Element(array, index) if index < array.len() => Some(array.set(index, value)),
            Place::Element(array, _) => {
                array.push_back(value);
                None
            }
        })
    }

    /// Takes the value out; the elements behind it move up.
    ///
    /// Time: as [`pointer_mut`](Self::pointer_mut).
    ///
    /// # Errors
    /// As [`pointer_mut`](Self::pointer_mut); `Invalid` for the whole document, which has nothing to be taken out of.
    pub fn take(&mut self, at: &Pointer) -> Result<Json> {
        match self.place(at, |holder, token| inside(holder, token).is_some())? {
            Place::Root(_) => {
                Err(invalid("the whole document is in nothing that it can be taken out of: replace it".to_owned()))
            }
            Place::Member(object, name) => Ok(object.remove(name).expect("it was looked for")),
            Place::Element(array, index) => Ok(array.remove(index)),
        }
    }

    /// Adds a value as a patch does (RFC 6902, 4.1): as [`set`](Self::set), but elements from the index on make room.
    pub(super) fn add(&mut self, at: &Pointer, value: Json) -> Result<()> {
        let may = |holder: &Json, token: &str| match holder {
            Json::Array(array) => token == "-" || index(token).is_some_and(|index| index <= array.len()),
            other => other.as_object().is_some(),
        };
        match self.place(at, may)? {
            Place::Root(root) => *root = value,
            Place::Member(object, name) => _ = object.insert(name, value),
            Place::Element(array, index) => array.insert(index, value),
        }
        Ok(())
    }

    /// The value that the first `len` tokens lead to.
    fn found(&self, at: &Pointer, len: usize) -> Result<&Json> {
        let mut value = self;
        for (depth, token) in at.tokens[..len].iter().enumerate() {
            value = inside(value, token).ok_or_else(|| missing(value, at, depth))?
        }
        Ok(value)
    }

    /// The same, when it is known to be there.
    fn found_mut(&mut self, way: &[String]) -> &mut Json {
        way.iter().try_fold(self, |value, token| inside_mut(value, token)).expect("it was looked for")
    }

    /// The place of the last token, if what holds it is there and `may` take that.
    fn place<'a>(&'a mut self, at: &'a Pointer, may: impl Fn(&Json, &str) -> bool) -> Result<Place<'a>> {
        let Some((last, way)) = at.tokens.split_last() else { return Ok(Place::Root(self)) };
        let holder = self.found(at, way.len())?;
        if !may(holder, last) {
            return Err(missing(holder, at, way.len()));
        }
        match self.found_mut(way) {
            Json::Object(object) => Ok(Place::Member(object, last)),
            Json::Array(array) => {
                let index = index(last).unwrap_or(array.len());
                Ok(Place::Element(array, index))
            }
            other => Err(missing(other, at, way.len())),
        }
    }
}

/// The index that a token is.
fn index(token: &str) -> Option<usize> {
    let is_digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let is_shortest = token == "0" || !token.starts_with('0');
    if is_digits && is_shortest { token.parse().ok() } else { None }
}

fn inside<'a>(holder: &'a Json, token: &str) -> Option<&'a Json> {
    match holder {
        Json::Object(object) => object.get(token),
        Json::Array(array) => array.get(index(token)?),
        _ => None,
    }
}

fn inside_mut<'a>(holder: &'a mut Json, token: &str) -> Option<&'a mut Json> {
    match holder {
        Json::Object(object) => object.get_mut(token),
        Json::Array(array) => array.get_mut(index(token)?),
        _ => None,
    }
}

/// That `holder`, which the first `depth` tokens lead to, has nothing at the next.
#[cold]
fn missing(holder: &Json, at: &Pointer, depth: usize) -> Error {
    let way = match depth {
        0 => "the document".to_owned(),
        _ => at.tokens[..depth].iter().collect::<Pointer>().to_string(),
    };
    let token = &at.tokens[depth];
    let lack = match holder {
        Json::Object(_) => format!("no member {token:?}"),
        Json::Array(_) if token == "-" => "nothing is behind the last".to_owned(),
        Json::Array(_) if index(token).is_some() => format!("no element {token}"),
        Json::Array(_) => format!("{token:?} is no index"),
        _ => format!("it has no member and no element {token:?}"),
    };
    Error::new(ErrorKind::NotFound, format!("{way} is {}: {lack}", size(holder)))
}

/// What a value is and, of an array or object, how large.
pub(super) fn size(value: &Json) -> String {
    let (len, item) = match value {
        Json::Array(array) => (array.len(), "element"),
        Json::Object(object) => (object.len(), "member"),
        _ => return value.kind().to_owned(),
    };
    format!("{} of {len} {item}{}", value.kind(), if len == 1 { "" } else { "s" })
}
