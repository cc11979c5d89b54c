//! The one error of the crate, and the one documented panic, with what catches it.
//! In: a kind, and a message that says what, where and what to do. Out: an [`Error`].
//! Must hold: an [`Error`] is one pointer wide, so that a fallible read costs its caller nothing.
//! Uses: nothing of ours.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::error::Error as StdError;
use core::fmt;
#[cfg(feature = "std")]
use std::cell::Cell;
#[cfg(feature = "timeline")]
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A `Result` whose error is [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

/// What to do about an [`Error`]; what happened and where is in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading or writing failed: look at the device, then reopen.
    Io,
    /// Stored bytes are not what was written: restore a copy, or read what is left.
    Corrupt,
    /// Stored by another schema, hasher, format version or build: open it with the one named.
    Incompatible,
    /// Another process holds the log: close it there, or open read-only.
    Locked,
    /// No version, name or file like that.
    NotFound,
    /// The request contradicts the state of things: look again, then decide.
    Conflict,
    /// The request makes no sense here: correct the call.
    Invalid,
}

/// An error: [`kind`](Error::kind) says what to do, the message says what and where.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that reads `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// The same error, caused by `source`.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn StdError + 'static))
    }
}

/// So that rkyv's traits report errors of ours.
#[cfg(feature = "timeline")]
impl rkyv::rancor::Trace for Error {
    fn trace<R: fmt::Debug + fmt::Display + Send + Sync + 'static>(mut self, trace: R) -> Self {
        self.0.message = format!("{}, {trace}", self.0.message);
        self
    }
}

#[cfg(feature = "timeline")]
impl rkyv::rancor::Source for Error {
    fn new<T: StdError + Send + Sync + 'static>(source: T) -> Self {
        let source: Box<dyn StdError + Send + Sync> = Box::new(source);
        match source.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::new(ErrorKind::Invalid, format!("rkyv: {other}")).with_source(other),
        }
    }
}

const CANNOT_THAW: &str = "backstory: a stored node cannot be read";

#[cfg(feature = "std")]
std::thread_local! {
    /// What the documented panic that is under way is about.
    static THAWING: Cell<Option<Error>> = const { Cell::new(None) };
}

/// Ends an infallible call that met a stored node which cannot be read: the one documented panic.
#[cold]
#[inline(never)]
pub(crate) fn cannot_thaw(error: Error) -> ! {
    let what = format!("{CANNOT_THAW} (use the try_ form of this call to handle it): {error}");
    #[cfg(feature = "std")]
    {
        THAWING.set(Some(error));
        std::panic::panic_any(what)
    }
    #[cfg(not(feature = "std"))]
    panic!("{what}")
}

/// What `f` gives; or the error that the documented panic in it is about. Any other panic goes on.
///
/// For code that reads a stored state through infallible calls, as `get`, `iter`, `==` or `Index`: they panic where a part of it
/// cannot be read. Edits and `Timeline::diff` catch that themselves. Works where panics unwind only.
///
/// # Errors
/// What the storage says: `Io`, `Corrupt`, `Incompatible`.
#[cfg(feature = "timeline")]
pub fn caught<T>(f: impl FnOnce() -> T) -> Result<T> {
    // One may be under way already, where a `Drop` does this.
    let outer = THAWING.take();
    let result = catch_unwind(AssertUnwindSafe(f));
    let error = THAWING.replace(outer);
    result.map_err(|panic| {
        let is_it = panic.downcast_ref::<String>().is_some_and(|what| what.starts_with(CANNOT_THAW));
        error.filter(|_| is_it).unwrap_or_else(|| resume_unwind(panic))
    })
}

/// The value, or the documented panic of infallible calls.
#[inline(always)]
pub(crate) fn thawed<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => cannot_thaw(error),
    }
}

#[cfg(all(test, feature = "timeline"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_panic_is_caught() {
        let error = || Error::new(ErrorKind::Corrupt, "broken");
        assert_eq!(caught(|| 7).unwrap(), 7);
        assert_eq!(caught(|| cannot_thaw(error())).map(|()| 7).unwrap_err().to_string(), "broken");
        // Another one, in code that has caught one of ours before.
        let other = || {
            let ours = catch_unwind(|| cannot_thaw(error()));
            let ours = ours.map(|()| 7).unwrap_err().downcast::<String>().unwrap();
            assert!(ours.contains("broken") && ours.contains("try_"), "{ours}");
            std::panic::panic_any("theirs".to_owned())
        };
        let theirs = catch_unwind(AssertUnwindSafe(|| caught(other).map(|()| 7))).unwrap_err();
        assert_eq!(theirs.downcast_ref::<String>().unwrap(), "theirs")
    }

    #[test]
    fn what_a_drop_does_meanwhile_takes_no_error_away() {
        struct Other;
        impl Drop for Other {
            fn drop(&mut self) {
                assert_eq!(caught(|| 7).unwrap(), 7);
                let inner = caught(|| cannot_thaw(Error::new(ErrorKind::Io, "inner"))).map(|()| 7);
                assert_eq!(inner.unwrap_err().to_string(), "inner")
            }
        }
        let result = caught(|| {
            let _other = Other;
            cannot_thaw(Error::new(ErrorKind::Corrupt, "outer"))
        });
        assert_eq!(result.map(|()| 7).unwrap_err().to_string(), "outer")
    }
}
