//! Values to text.
//!
//! In: a value. Out: its JSON text, compact or with lines and indents; members in their order.
//! Must hold: the text read again is an equal value, members in the same order.
//! Uses: `error`; strings and floats are written by the crate `serde_json`.

use super::Json;
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::io::{self, Write};

impl Json {
    /// Writes the text, compact or with lines and indents.
    ///
    /// # Errors
    /// `Io` if that fails.
    pub fn write_to(&self, to: impl Write, pretty: bool) -> Result<()> {
        let mut out = Out { to, indent: pretty.then_some(0) };
        out.value(self).map_err(|error| {
            Error::new(ErrorKind::Io, format!("writing JSON text: {error}: look at where it goes")).with_source(error)
        })
    }
}

struct Out<W> {
    to: W,
    /// How deep the line is, if there are lines.
    indent: Option<usize>,
}

impl<W: Write> Out<W> {
    fn value(&mut self, value: &Json) -> io::Result<()> {
        match value {
            Json::Null => self.to.write_all(b"null"),
            Json::Bool(true) => self.to.write_all(b"true"),
            Json::Bool(false) => self.to.write_all(b"false"),
            Json::Number(number) => write!(self.to, "{number}"),
            Json::String(text) => self.string(text),
            Json::Array(array) => self.all(b"[]", array.iter(), |out, element| out.value(element)),
            Json::Object(object) => self.all(b"{}", object.iter(), |out, (name, value)| {
                out.string(name)?;
                out.to.write_all(if out.indent.is_some() { b": " } else { b":" })?;
                out.value(value)
            }),
        }
    }

    fn string(&mut self, text: &str) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, text).map_err(Into::into)
    }

    fn all<I: ExactSizeIterator>(
        &mut self,
        brackets: &[u8; 2],
        items: I,
        mut write: impl FnMut(&mut Self, I::Item) -> io::Result<()>,
    ) -> io::Result<()> {
        let is_empty = items.len() == 0;
        self.to.write_all(&brackets[..1])?;
        self.indent = self.indent.map(|indent| indent + 1);
        for (i, item) in items.enumerate() {
            if i > 0 {
                self.to.write_all(b",")?
            }
            self.line()?;
            write(self, item)?
        }
        self.indent = self.indent.map(|indent| indent - 1);
        if !is_empty {
            self.line()?
        }
        self.to.write_all(&brackets[1..])
    }

    fn line(&mut self) -> io::Result<()> {
        match self.indent {
            Some(indent) => write!(self.to, "\n{:1$}", "", 2 * indent),
            None => Ok(()),
        }
    }
}

/// Bytes that are UTF-8, to a formatter.
struct Text<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Text<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Strings are written in pieces that end between characters.
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Json {
    /// Compact JSON text; with lines and indents as `{:#}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = f.alternate().then_some(0);
        Out { to: Text(f), indent }.value(self).map_err(|_| fmt::Error)
    }
}
