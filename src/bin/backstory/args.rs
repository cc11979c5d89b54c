//! The words of the command line.
//!
//! In: arguments and environment. Out: [`Args`], read by the crate `clap`, and its help.
//! Must hold: what changes no version and no name has no options of those that do.
//! Uses: nothing of ours.

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const ABOUT_VERSIONS: &str = "\
A version V is one of, tried in this order:
  17                   its number, as `log` shows it
  @, @-, @-3           where the store stands; one, three steps of undo before that
  main, v1             a branch or a tag
  \"5 minutes ago\"      what was newest then, on whatever branch
  \"2026-05-01 12:30\"   the same; a date alone is its beginning, a time alone is today's

A document is read from FILE, or from standard input if that is `-`.

Exit status:
  0 done, or there was nothing to change   5 the store is open elsewhere
  1 nothing to undo or redo                6 damaged
  2 the request makes no sense             7 of another format or schema
  3 not found                              8 reading or writing failed
  4 conflict";

/// Keeps every version of a JSON document: undo, redo, branches, and a look at any version.
#[derive(Parser)]
#[command(version, after_help = ABOUT_VERSIONS, max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub all: All,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct All {
    /// The store's folder [default: $BACKSTORY_STORE, or the nearest `.backstory` upward from here]
    #[arg(long, global = true, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Print one JSON value, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// Colours; `auto`: on a terminal, if NO_COLOR is not set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub color: Color,
}

/// When something is printed in colours.
#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// What is noted of a version that a command makes.
#[derive(clap::Args)]
pub struct Note {
    /// What to call the new version [default: the command itself]
    #[arg(short = 'm', long = "message", value_name = "LABEL")]
    pub label: Option<String>,
    /// Who makes it [default: $BACKSTORY_AUTHOR]
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
}

/// What to do with names that there are.
#[derive(clap::Args)]
pub struct Naming {
    /// Take this name away; versions stay
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["name", "rename"])]
    pub delete: Option<String>,
    /// Give it another name
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with = "name")]
    pub rename: Option<Vec<String>>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Make a store; its first version is the document in FILE, or an empty object
    Init {
        /// A JSON document; `-` is standard input
        file: Option<PathBuf>,
    },
    /// Print the document, or the part of it at POINTER, as JSON
    Show {
        /// Which part (RFC 6901), such as /users/0/name
        #[arg(default_value = "")]
        pointer: String,
        /// Of which version
        #[arg(long, value_name = "V", default_value = "@")]
        at: String,
    },
    /// Give the value at POINTER another value; a member that is not there is added, `/-` adds at an array's end
    Set {
        /// Where (RFC 6901)
        pointer: String,
        /// JSON text; `-` is standard input
        #[arg(value_name = "JSON", allow_negative_numbers = true)]
        value: String,
        /// Take JSON as a string as it is, so that it needs no quotes of its own
        #[arg(short, long)]
        string: bool,
        #[command(flatten)]
        note: Note,
    },
    /// Take the value at POINTER away
    Remove {
        /// Where (RFC 6901)
        pointer: String,
        #[command(flatten)]
        note: Note,
    },
    /// Change the document by a JSON patch (RFC 6902): all of it or nothing
    Patch {
        /// A JSON patch; `-` is standard input
        file: PathBuf,
        #[command(flatten)]
        note: Note,
    },
    /// Make the document that in FILE; what did not change is shared with the version before
    Import {
        /// A JSON document; `-` is standard input
        file: PathBuf,
        #[command(flatten)]
        note: Note,
    },
    /// Go back by one version, or by N, as far as there are so many
    Undo {
        /// How many
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        n: u32,
    },
    /// Go forward again by one version, or by N
    Redo {
        /// How many
        #[arg(default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        n: u32,
    },
    /// Go to any version; new ones are made from there
    Goto {
        /// Which version
        #[arg(value_name = "V")]
        version: String,
    },
    /// Make a new version whose document is that of version V
    Restore {
        /// Which version
        #[arg(value_name = "V")]
        version: String,
        #[command(flatten)]
        note: Note,
    },
    /// List the versions that led here, newest first
    Log {
        /// Draw the tree of all versions
        #[arg(short, long)]
        graph: bool,
        /// At most so many
        #[arg(short = 'n', long = "count", value_name = "N")]
        count: Option<u64>,
    },
    /// List what changed from version A to version B
    Diff {
        /// From which version [default: the one before B]
        a: Option<String>,
        /// To which version
        #[arg(default_value = "@")]
        b: String,
        /// Print a JSON patch (RFC 6902) that makes B of A
        #[arg(long)]
        json_patch: bool,
    },
    /// List the branches, or begin one here
    Branch {
        /// The new branch
        name: Option<String>,
        #[command(flatten)]
        naming: Naming,
    },
    /// Go to where a branch leads; new versions are made on it
    Switch {
        /// The branch
        name: String,
    },
    /// List the tags, or name a version
    Tag {
        /// The new tag
        name: Option<String>,
        /// Which version
        #[arg(value_name = "V", default_value = "@")]
        version: String,
        #[command(flatten)]
        naming: Naming,
    },
    /// Read everything the store has, and say what of it is damaged
    Verify,
    /// How much the store has, and what sharing saves
    Stats,
    /// Show what a store does, with a recorded session on a real document
    Demo {
        /// Leave the store in this folder, to look around in it
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// The process that the demonstration kills
    #[command(hide = true)]
    DemoWriter { folder: PathBuf },
    /// Write a version's document to a file
    Export {
        /// Which version
        #[arg(long, value_name = "V", default_value = "@")]
        at: String,
        /// Where to, whole or not at all [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}
