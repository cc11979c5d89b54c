//! The program `backstory`: a JSON document and all its versions, from the command line.
//!
//! In: arguments, files, standard input. Out: what was asked for, on standard output; errors on standard error; an exit
//! status that says which kind (`docs/command-line.md`).
//! Must hold: only names that the crate makes public are used; what is stored and damaged is an error, whatever met it.
//! Uses: the crate's public names.
//!
//! `args.rs` the words, `place.rs` the store and files, `when.rs` versions by what the user calls them, `look.rs`,
//! `graph.rs` and `diff.rs` commands that look, `change.rs` and `names.rs` commands that change, `demo.rs` the
//! demonstration, `print.rs` what is said.

mod args;
mod change;
mod demo;
mod diff;
mod graph;
mod look;
mod names;
mod place;
mod print;
mod when;

use anstyle::{AnsiColor, Style};
use args::{Args, Color, Command};
use backstory::{Error, ErrorKind, Result};
use clap::Parser;
use print::Out;
use std::error::Error as _;
use std::io;
use std::process::ExitCode;

/// How a command ended that did not fail.
enum Done {
    All,
    /// There was nothing to do, which is why.
    Nothing(String),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let choice = match args.all.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    quiet_where_caught();
    let mut out = Out::new(args.all.json);
    let result = backstory::caught(|| {
        let done = run(&mut out, args)?;
        out.flush()?;
        Ok(done)
    });
    match result.flatten() {
        Ok(Done::All) => ExitCode::SUCCESS,
        Ok(Done::Nothing(why)) => {
            anstream::eprintln!("{why}");
            ExitCode::from(1)
        }
        // Who reads has enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            const RED: Style = AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{RED}error:{RED:#} {}", print::clean(&error.to_string()));
            ExitCode::from(status(error.kind()))
        }
    }
}

fn run(out: &mut Out, args: Args) -> Result<Done> {
    let store = args.all.store.as_deref();
    match args.command {
        Command::Init { file } => change::init(out, store, file.as_deref())?,
        Command::Show { pointer, at } => look::show(out, store, &pointer, &at)?,
        Command::Set { pointer, value, string, note } => change::set(out, store, &pointer, &value, string, &note)?,
        Command::Remove { pointer, note } => change::remove(out, store, &pointer, &note)?,
        Command::Patch { file, note } => change::patch(out, store, &file, &note)?,
        Command::Import { file, note } => change::import(out, store, &file, &note)?,
        Command::Undo { n } => return change::undo(out, store, n),
        Command::Redo { n } => return change::redo(out, store, n),
        Command::Goto { version } => change::goto(out, store, &version)?,
        Command::Restore { version, note } => change::restore(out, store, &version, &note)?,
        Command::Log { graph: true, count } => graph::graph(out, store, count)?,
        Command::Log { graph: false, count } => look::log(out, store, count)?,
        Command::Diff { a, b, json_patch } => diff::diff(out, store, a.as_deref(), &b, json_patch)?,
        Command::Branch { name, naming } => names::branch(out, store, name.as_deref(), &naming)?,
        Command::Switch { name } => names::switch(out, store, &name)?,
        Command::Tag { name, version, naming } => names::tag(out, store, name.as_deref(), &version, &naming)?,
        Command::Demo { keep } => demo::demo(out, keep.as_deref())?,
        Command::DemoWriter { folder } => demo::writer(&folder)?,
        Command::Verify => look::verify(out, store)?,
        Command::Stats => look::stats(out, store)?,
        Command::Export { at, output } => look::export(out, store, &at, output.as_deref())?,
    }
    Ok(Done::All)
}

/// The exit status of each kind of error.
fn status(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Invalid => 2,
        ErrorKind::NotFound => 3,
        ErrorKind::Conflict => 4,
        ErrorKind::Locked => 5,
        ErrorKind::Corrupt => 6,
        ErrorKind::Incompatible => 7,
        // `Io`, and what a later version may add.
        _ => 8,
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// No word on standard error of the crate's one documented panic, which becomes an error.
fn quiet_where_caught() {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>();
        if !text.is_some_and(|text| text.starts_with("backstory: a stored node cannot be read")) {
            say(panic)
        }
    }))
}
