//! Ctrl-C in the middle of an import: the document is the one before or the new one, and the store is whole. And of an
//! init.
#![cfg(target_os = "linux")]

use crate::shell::Shell;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIGINT: i32 = 2;
const MOMENTS: u32 = 12;

/// A document of some megabytes; another one for each `seed`.
fn document(seed: u64) -> String {
    let members = (0..30_000u64).map(|n| format!("\"{n}\": {{\"text\": \"member {}\", \"seen\": [{n}]}}", n * seed));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

/// A command that gets a SIGINT after that time; whether that ended it.
fn interrupted(shell: &Shell, line: &str, after: Duration) -> bool {
    // The shell that runs this may have told its children to ignore SIGINT.
    let ours = shell.command(line);
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(ours.get_program()).args(ours.get_args());
    let command = command.current_dir(shell.path("")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(after);
    // It may have ended by itself.
    _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
    let status = child.wait().unwrap();
    assert!(status.success() || status.signal() == Some(SIGINT), "{status}");
    !status.success()
}

#[test]
fn an_import_is_done_or_not() {
    let shell = Shell::with("{}");
    shell.write("0.json", &document(1));
    shell.write("1.json", &document(2));
    let begin = Instant::now();
    shell.run("import 0.json").ok();
    let whole = begin.elapsed();
    let documents = [0, 1].map(|i| {
        shell.run(&format!("import {i}.json")).ok();
        shell.run("export").ok()
    });
    // 1.json is what is there now.
    let (mut now, mut stopped) = (1, 0);
    for moment in 0..MOMENTS {
        let next = 1 - now;
        let is_stopped = interrupted(&shell, &format!("import {next}.json"), whole * moment / (MOMENTS - 2));
        stopped += u32::from(is_stopped);
        assert!(shell.run("verify").ok().ends_with("ok\n"));
        let found = shell.run("export").ok();
        let is_new = found == documents[next];
        assert!(is_new || is_stopped && found == documents[now], "moment {moment}");
        now = if is_new { next } else { now };
    }
    assert!(stopped >= 2, "only {stopped} of {MOMENTS} were stopped");
    // And it goes on.
    shell.run("set /0 null").ok();
    shell.run("undo").ok();
}

#[test]
fn a_store_is_made_or_can_be_made_again() {
    let shell = Shell::new();
    shell.write("0.json", &document(1));
    let begin = Instant::now();
    shell.run("init 0.json --store whole").ok();
    let whole = begin.elapsed();
    let document = shell.run("export --store whole").ok();
    let mut stopped = 0;
    for moment in 0..MOMENTS {
        let store = format!("--store {moment}");
        stopped += u32::from(interrupted(&shell, &format!("init 0.json {store}"), whole * moment / (MOMENTS - 2)));
        let found = shell.run(&format!("export {store}"));
        match found.status {
            0 => assert!(found.ok() == document, "moment {moment}"),
            _ => {
                found.fails(3, "make one with `backstory init`");
                shell.run(&format!("init {store}")).ok();
            }
        }
        assert!(shell.run(&format!("verify {store}")).ok().ends_with("ok\n"));
    }
    assert!(stopped >= 2, "only {stopped} of {MOMENTS} were stopped")
}
