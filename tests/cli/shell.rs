//! A folder of its own, and the program run in it.

use crate::folder::Folder;
use backstory::json::Json;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder to run the program in.
pub struct Shell(Folder);

/// How the program ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Shell {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = Folder::new();
        std::fs::create_dir_all(&folder).unwrap();
        Shell(folder)
    }

    /// One with a store whose first document is this.
    pub fn with(json: &str) -> Self {
        let shell = Shell::new();
        shell.pipe("init -", json).ok();
        shell
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap()
    }

    /// The program with these words, which may be in double quotes.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
        command.args(words(line)).current_dir(&self.0);
        for variable in ["BACKSTORY_STORE", "BACKSTORY_AUTHOR", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        self.pipe(line, "")
    }

    /// With `input` on its standard input.
    pub fn pipe(&self, line: &str, input: &str) -> Ran {
        finish(self.command(line), input)
    }
}

/// Runs it to its end.
pub fn finish(mut command: Command, input: &str) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading it.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code().expect("no signal"), out: text(output.stdout), err: text(output.stderr) }
}

impl Ran {
    /// What it printed, if it did what it was to do and had nothing to complain of.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.status == 0 && self.err.is_empty(), "{self:?}");
        self.out
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(self) -> Json {
        Json::parse(self.ok()).unwrap()
    }

    /// It ended so, and said this on standard error.
    #[track_caller]
    pub fn fails(self, status: i32, says: &str) {
        assert!(self.status == status && self.err.contains(says), "want {status}, {says:?}; got {self:?}")
    }
}

fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(i, part)| match i % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// The text with `TIME` for every time.
pub fn masked(text: &str) -> String {
    let mask = |word: &str| {
        let is_time = word.len() == 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
        if is_time { "TIME".to_owned() } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(mask).collect::<Vec<_>>().join(" ") + "\n";
    text.lines().map(line).collect()
}
