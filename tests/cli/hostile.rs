//! What a hostile user does to the program. In: command lines in folders of their own. Out: what is printed, files, exit statuses.

use crate::shell::{Shell, finish};
use backstory::json::Json;

/// DEL is a character of a JSON string like any other: a pipe gets it too.
#[test]
fn a_pipe_gets_the_document_as_it_is() {
    let shell = Shell::with(r#"{"a":1,"a\u007f":"x\u007fy"}"#);
    let want = "{\"a\":1,\"a\u{7f}\":\"x\u{7f}y\"}\n";
    shell.run("export -o file").ok();
    assert_eq!(Json::parse(std::fs::read(shell.path("file")).unwrap()).unwrap(), Json::parse(want).unwrap());
    assert_eq!(Json::parse(shell.run("show --json").ok()).unwrap(), Json::parse(want).unwrap());
    assert_eq!(Json::parse(shell.run("export").ok()).unwrap(), Json::parse(want).unwrap())
}

#[test]
fn a_patch_in_a_pipe_makes_the_document_that_there_is() {
    let shell = Shell::with(r#"{"a":1}"#);
    shell.pipe("set /a -", r#""\u007f""#).ok();
    let patch = shell.run("diff 0 1 --json-patch").ok();
    shell.run("goto 0").ok();
    shell.pipe("patch -", &patch).ok();
    assert_eq!(shell.run("diff 1 @").ok(), "", "{patch:?}")
}

#[test]
fn a_demonstration_does_not_touch_a_store_that_is_there() {
    for document in ["[1,2,3]", r#"{"mine":1}"#] {
        let shell = Shell::with(document);
        let ran = shell.run("demo --keep .backstory");
        assert!(ran.status == 4 && !ran.err.contains("panicked"), "{document}: {ran:?}");
        assert_eq!(shell.run("verify --json").json()["counts"]["versions"], 1.into());
    }
}

#[test]
#[cfg(unix)]
fn an_export_writes_to_what_is_no_file_and_does_not_replace_it() {
    use std::os::unix::fs::FileTypeExt;
    let shell = Shell::with("1");
    assert!(std::process::Command::new("mkfifo").arg(shell.path("pipe")).status().unwrap().success());
    let path = shell.path("pipe");
    let reader = std::thread::spawn(move || {
        let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(1));
        drop(file)
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    _ = shell.run("export -o pipe");
    assert!(std::fs::symlink_metadata(shell.path("pipe")).unwrap().file_type().is_fifo(), "the pipe became a file");
    reader.join().unwrap()
}

#[test]
#[cfg(unix)]
fn an_export_through_a_link_writes_where_it_leads() {
    let shell = Shell::with("1");
    shell.write("real", "old");
    std::os::unix::fs::symlink("real", shell.path("link")).unwrap();
    shell.run("export -o link").ok();
    assert!(std::fs::symlink_metadata(shell.path("link")).unwrap().is_symlink(), "the link became a file");
    assert_eq!(std::fs::read_to_string(shell.path("real")).unwrap(), "1\n")
}

#[test]
fn an_export_does_not_destroy_a_file_beside_it() {
    let shell = Shell::with("1");
    shell.write("x.unready", "mine");
    _ = shell.run("export -o x");
    assert_eq!(std::fs::read_to_string(shell.path("x.unready")).unwrap(), "mine")
}

#[test]
#[cfg(unix)]
fn an_export_keeps_who_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let shell = Shell::with("1");
    shell.write("secret", "");
    std::fs::set_permissions(shell.path("secret"), std::fs::Permissions::from_mode(0o600)).unwrap();
    shell.run("export -o secret").ok();
    assert_eq!(std::fs::metadata(shell.path("secret")).unwrap().permissions().mode() & 0o777, 0o600)
}

#[test]
fn a_patch_that_nests_too_deep_is_an_error() {
    let shell = Shell::with("{}");
    let patch = format!("[{}]", vec![r#"{"op":"copy","from":"","path":"/a"}"#; 100_000].join(","));
    shell.write("patch.json", &patch);
    let output = shell.command("patch patch.json").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}")
}

#[test]
fn what_is_exported_can_be_imported() {
    let shell = Shell::with("{}");
    let mut patch = vec![r#"{"op":"copy","from":"","path":"/a"}"#; 129];
    patch.truncate(129);
    let ran = shell.pipe("patch -", &format!("[{}]", patch.join(",")));
    if ran.status == 0 {
        let text = shell.run("export").ok();
        shell.pipe("import -", &text).ok();
    }
}

/// The issue: an import that only reorders makes no version, and says so.
#[test]
fn a_script_learns_that_only_the_order_differs() {
    let shell = Shell::with(r#"{"a":1,"b":2}"#);
    let order = shell.pipe("import - --json", r#"{"b":2,"a":1}"#).json();
    let nothing = shell.pipe("import - --json", r#"{"a":1,"b":2}"#).json();
    assert_ne!(order, nothing)
}

#[test]
fn a_demonstration_is_for_people() {
    Shell::new().run("demo --json").fails(2, "for people")
}

/// Two at once: one makes the store, the other is told that there is one.
#[test]
fn of_two_who_make_a_store_one_does() {
    for round in 0..100 {
        let shell = Shell::new();
        let begin = |who: &'static str| {
            let command = shell.command("init -");
            std::thread::spawn(move || finish(command, who).status)
        };
        let (a, b) = (begin("1"), begin("2"));
        let done = [a.join().unwrap(), b.join().unwrap()];
        assert_eq!(done.iter().filter(|status| **status == 0).count(), 1, "round {round}: {done:?}");
    }
}

/// Every number that JSON can write is a word of the command line.
#[test]
fn negative_numbers_in_all_forms() {
    let shell = Shell::with("0");
    for number in ["-1", "-1.5", "-1e5", "-1E5", "-1e+5", "-1.5E-3", "-0"] {
        let ran = shell.run(&format!("set \"\" -- {number}"));
        assert_eq!(ran.status, 0, "{number}: {ran:?}")
    }
}

/// A time as `log` shows it names the version that it stands at.
#[test]
fn a_time_from_the_log_names_its_version() {
    let shell = Shell::with("0");
    std::thread::sleep(std::time::Duration::from_millis(1300));
    shell.run("set \"\" 1").ok();
    let log = shell.run("log").ok();
    let time = log.split_whitespace().nth(2).unwrap();
    assert_eq!(shell.run(&format!("show --at {time}")).ok(), "1\n", "{log}")
}

/// What is in a document cannot move a terminal's cursor: U+009B begins a sequence as ESC [ does.
#[test]
fn a_document_has_no_control_characters_on_a_terminal() {
    let shell = Shell::with(r#"{"a":"\u009b2J"}"#);
    // As on a terminal, where nothing is taken out.
    let shown = shell.run("show --color always").ok();
    assert!(!shown.contains('\u{9b}'), "{shown:?}")
}
