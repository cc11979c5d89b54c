//! Where things are: the store, and documents outside of it.
//!
//! In: options, the current folder. Out: a timeline, to look at or to change; the bytes of a document; a document's
//! file.
//! Must hold: no command but `init` makes a store; who only looks locks nothing; a file is written whole or not at all.
//! Uses: `print`.

use crate::print::Work;
use backstory::json::{Json, Limits};
use backstory::{Error, ErrorKind, Result, Timeline};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The folder of a store that has no other name.
const FOLDER: &str = ".backstory";

/// Where the store is: where that is said, or in the nearest folder upward.
fn find(said: Option<&Path>) -> Result<PathBuf> {
    if let Some(said) = of_a_name(said) {
        return Ok(said);
    }
    let here = std::env::current_dir().map_err(|error| failed("find", Path::new("the current folder"), error))?;
    let found = here.ancestors().map(|folder| folder.join(FOLDER)).find(|folder| folder.is_dir());
    found.ok_or_else(|| {
        let what = format!(
            "there is no store in {} or above it: make one with `backstory init`, or name one with --store",
            here.display()
        );
        Error::new(ErrorKind::NotFound, what)
    })
}

/// A folder that is said, or else by the environment; an empty variable says nothing.
fn of_a_name(said: Option<&Path>) -> Option<PathBuf> {
    let by_environment = || std::env::var_os("BACKSTORY_STORE").filter(|path| !path.is_empty()).map(PathBuf::from);
    said.map(Path::to_owned).or_else(by_environment)
}

/// The store, to look at: beside others, also one that makes versions.
pub fn open_to_look(said: Option<&Path>) -> Result<Timeline<Json>> {
    look_at(&find(said)?)
}

fn look_at(path: &Path) -> Result<Timeline<Json>> {
    Timeline::options().open_read_only(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let what = format!("there is no store in {}: make one with `backstory init`", path.display());
            Error::new(ErrorKind::NotFound, what).with_source(error)
        }
        _ => error,
    })
}

/// The store, to change it.
pub fn open_to_change(said: Option<&Path>) -> Result<Timeline<Json>> {
    let path = find(said)?;
    // A look first, since opening to change makes a store where there is none.
    drop(look_at(&path)?);
    Timeline::open(path, Json::default)
}

/// A new store. `document` gives its first version.
pub fn make(said: Option<&Path>, document: impl FnOnce() -> Result<Json>) -> Result<(PathBuf, Timeline<Json>)> {
    let path = of_a_name(said).unwrap_or_else(|| FOLDER.into());
    match Timeline::<Json>::options().open_read_only(&path) {
        // None, or one whose making was stopped halfway.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) if error.kind() == ErrorKind::Io => return Err(error),
        _ => return Err(there_is_one(&path)),
    }
    let document = document()?;
    let _work = Work::new("storing");
    let mut is_made = false;
    let timeline = Timeline::open(&path, || {
        is_made = true;
        document
    })?;
    if is_made { Ok((path, timeline)) } else { Err(there_is_one(&path)) }
}

fn there_is_one(path: &Path) -> Error {
    let what = format!("there is a store in {}: use it, or name another folder with --store", path.display());
    Error::new(ErrorKind::Conflict, what)
}

/// The bytes in a file, or in standard input if it is called `-`.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        let result = io::stdin().lock().take(most()).read_to_end(&mut bytes);
        result.map_err(|error| failed("read", Path::new("standard input"), error))?;
        return Ok(bytes);
    }
    let mut read = || {
        let from = File::open(file)?;
        let work = Work::of_bytes("reading", from.metadata()?.len());
        work.reading(from).take(most()).read_to_end(&mut bytes)
    };
    read().map_err(|error| failed("read", file, error))?;
    Ok(bytes)
}

/// What is longer need not be read to be refused.
fn most() -> u64 {
    Limits::default().len_bytes as u64 + 1
}

/// The document in a file, or in standard input.
pub fn read_json(file: &Path) -> Result<Json> {
    let bytes = read(file)?;
    let _work = Work::new("parsing");
    Json::parse(bytes).map_err(|error| in_file(file, &error))
}

/// The same error, which says what it is about.
pub fn in_file(file: &Path, error: &Error) -> Error {
    let name = if file == Path::new("-") { "standard input".into() } else { file.display().to_string() };
    Error::new(error.kind(), format!("{name}: {error}"))
}

/// Writes a document to a file, under another name first; to what is no file (a pipe, a device) as it is.
pub fn write(file: &Path, json: &Json) -> Result<()> {
    // Where a link leads, it stays one.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let there = fs::metadata(file).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        let to = File::options().write(true).open(file).map_err(|error| failed("write", file, error))?;
        return write_all(to, file, json);
    }
    let mut unready = file.as_os_str().to_owned();
    unready.push(format!(".{}.unready", std::process::id()));
    let unready = PathBuf::from(unready);
    let to = File::create_new(&unready).map_err(|error| failed("write", &unready, error))?;
    let may = there.map_or(Ok(()), |there| fs::set_permissions(&unready, there.permissions()));
    let result = may
        .map_err(|error| failed("write", &unready, error))
        .and_then(|()| write_all(to, &unready, json))
        .and_then(|()| fs::rename(&unready, file).map_err(|error| failed("write", file, error)));
    if result.is_err() {
        // What is left of it is of no use; the error there is says more than another one would.
        _ = fs::remove_file(&unready)
    }
    result
}

fn write_all(to: File, file: &Path, json: &Json) -> Result<()> {
    let mut to = BufWriter::new(to);
    json.write_to(&mut to, true)?;
    let end = || {
        to.write_all(b"\n")?;
        let to = to.into_inner().map_err(|error| error.into_error())?;
        if to.metadata()?.is_file() { to.sync_all() } else { Ok(()) }
    };
    end().map_err(|error| failed("write", file, error))
}

/// What failed, and what to do.
fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    let (kind, advice) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "name one that is there"),
        io::ErrorKind::PermissionDenied => (ErrorKind::Io, "give the right to"),
        io::ErrorKind::IsADirectory => (ErrorKind::Invalid, "name a file"),
        _ => (ErrorKind::Io, "look at the device, then try again"),
    };
    Error::new(kind, format!("cannot {what} {}: {error}: {advice}", path.display())).with_source(error)
}
