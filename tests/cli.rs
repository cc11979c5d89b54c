//! The program `backstory`, driven as a user would: pipes, files, mistakes, a store that is open elsewhere, Ctrl-C.
//! In: command lines in folders of their own. Out: what is printed, the exit status, what the store has then.

#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/interrupted.rs"]
mod interrupted;
#[path = "cli/shell.rs"]
mod shell;

mod folder;

use backstory::Timeline;
use backstory::json::Json;
use shell::{Shell, finish, masked};
use std::io::Read;
use std::process::Stdio;

#[test]
fn a_first_session() {
    let shell = Shell::new();
    shell.write("doc.json", r#"{"title": "Monday", "done": [true, false]}"#);
    assert_eq!(shell.run("init doc.json").ok(), "made a store in .backstory: at version 0\n");
    assert_eq!(shell.run("set /done/1 true").ok(), "made version 1: set /done/1 true\n");
    assert_eq!(shell.run("show /done --json").ok(), "[true,true]\n");
    assert_eq!(shell.run("show /done --at 0 --json").ok(), "[true,false]\n");
    assert_eq!(shell.run("set /title Tuesday --string -m rename").ok(), "made version 2: rename\n");
    assert_eq!(shell.run("remove /done/0").ok(), "made version 3: remove /done/0\n");
    assert_eq!(shell.run("show").ok(), "{\n  \"title\": \"Tuesday\",\n  \"done\": [\n    true\n  ]\n}\n");
    assert_eq!(shell.run("undo 2").ok(), "at version 1: set /done/1 true\n");
    assert_eq!(shell.run("redo").ok(), "at version 2: rename\n");
    assert_eq!(shell.run("restore 0").ok(), "made version 4: restore 0\n");
    assert_eq!(shell.run("show /title").ok(), "\"Monday\"\n");
    assert_eq!(shell.run("goto 3").ok(), "at version 3: remove /done/0\n");
    let log = "\
@ 3  TIME  remove /done/0
○ 2  TIME  rename
○ 1  TIME  set /done/1 true
○ 0  TIME
";
    assert_eq!(masked(&shell.run("log").ok()), log);
    assert_eq!(masked(&shell.run("log -n 1").ok()), "@ 3  TIME  remove /done/0\n")
}

#[test]
fn a_store_is_found_upward_or_where_it_is_said() {
    let shell = Shell::with("1");
    std::fs::create_dir_all(shell.path("a/b")).unwrap();
    let inside = |line: &str| {
        let mut command = shell.command(line);
        command.current_dir(shell.path("a/b"));
        finish(command, "")
    };
    assert_eq!(inside("show").ok(), "1\n");
    inside("init --store ../other").ok();
    assert_eq!(inside("show --store ../other --json").ok(), "{}\n");
    let mut command = shell.command("show --json");
    command.env("BACKSTORY_STORE", shell.path("a/other"));
    assert_eq!(finish(command, "").ok(), "{}\n");
    let mut command = shell.command("show --json");
    command.env("BACKSTORY_STORE", "");
    assert_eq!(finish(command, "").ok(), "1\n");

    let nowhere = Shell::new();
    nowhere.run("show").fails(3, "make one with `backstory init`");
    nowhere.run("set /a 1").fails(3, "make one with `backstory init`");
    nowhere.run("set /a 1 --store other").fails(3, "no store in other");
    assert!(!nowhere.path("other").exists() && !nowhere.path(".backstory").exists());
    shell.run("init").fails(4, "there is a store in .backstory")
}

#[test]
fn making_that_was_stopped_halfway_is_made_again() {
    let shell = Shell::new();
    std::fs::create_dir_all(shell.path(".backstory")).unwrap();
    shell.write(".backstory/lock", "1\n");
    shell.run("show").fails(3, "make one with `backstory init`");
    shell.run("init").ok();
    // A document that is none leaves no store behind.
    let shell = Shell::new();
    shell.pipe("init -", "{").fails(2, "standard input: not JSON at line 1, column");
    assert!(!shell.path(".backstory").exists())
}

#[test]
fn pipes_in_and_out() {
    let shell = Shell::with("{}");
    assert_eq!(shell.pipe("import -", r#"{"a": [1, 2]}"#).ok(), "made version 1: import -\n");
    assert_eq!(shell.pipe("set /b -", r#"{"c": null}"#).ok(), "made version 2: set /b {\"c\":null}\n");
    assert_eq!(shell.run("set /a/- -5").ok(), "made version 3: set /a/- -5\n");
    let exported = shell.run("export").ok();
    assert_eq!(shell.pipe("import -", &exported).ok(), "nothing changed: at version 3: set /a/- -5\n");
    let turned = shell.pipe("import -", r#"{"b": {"c": null}, "a": [1, 2, -5]}"#).ok();
    assert_eq!(turned, "nothing changed but the order of members, which is no change: at version 3: set /a/- -5\n");
    let patch = shell.run("diff 0 @ --json-patch").ok();
    shell.run("goto 0").ok();
    assert_eq!(shell.pipe("patch -", &patch).ok(), "made version 4: patch -\n");
    assert_eq!(shell.run("export").ok(), exported);
    assert_eq!(shell.run("export --at 1 -o out.json").ok(), "wrote version 1 to out.json\n");
    assert_eq!(Json::parse(std::fs::read(shell.path("out.json")).unwrap()).unwrap().to_string(), r#"{"a":[1,2]}"#);
    assert!(!shell.path("out.json.unready").exists())
}

#[test]
fn mistakes_say_what_and_where() {
    let shell = Shell::with(r#"{"users": [{"name": "ann"}]}"#);
    shell.run("import nofile.json").fails(3, "cannot read nofile.json");
    shell.write("bad.json", "{\n  \"a\": tru\n}");
    shell.run("import bad.json").fails(2, "bad.json: not JSON at line 2, column");
    shell.run("set /a ann").fails(2, "a string needs quotes of its own, or --string");
    shell.run("set a 1").fails(2, "\"a\"");
    shell.run("show /users/1").fails(3, "/users");
    shell.run("remove /users/0/age").fails(3, "/users/0");
    shell.run("set /users/7/name 1").fails(3, "/users");
    shell
        .pipe("patch -", r#"[{"op": "add", "path": "/x", "value": 1}, {"op": "test", "path": "/x", "value": 2}]"#)
        .fails(4, "operation 1");
    shell.pipe("patch -", r#"{"op": "add"}"#).fails(2, "standard input: ");
    shell.run("export -o no/such/folder").fails(3, "no/such/folder");
    shell.run("undo").fails(1, "nothing to undo");
    shell.run("redo").fails(1, "nothing to redo");
    shell.run("undo 0").fails(2, "");
    shell.run("frobnicate").fails(2, "");
    shell.run("branch 17").fails(2, "17");
    shell.run("branch main --delete main").fails(2, "");
    // Nothing of all this has left a trace.
    assert_eq!(masked(&shell.run("log").ok()), "@ 0  TIME\n")
}

#[test]
fn a_version_in_all_forms() {
    let shell = Shell::with("0");
    for n in 1..=12 {
        shell.run(&format!("set \"\" {n}")).ok();
    }
    shell.run("branch main").ok();
    shell.run("tag v5 5").ok();
    shell.run("tag 1999-01-01 7").ok();
    let at = |v: &str| shell.run(&format!("show --at \"{v}\"")).ok();
    for (v, n) in [("0", 0), ("10", 10), ("@", 12), ("@-", 11), ("@-3", 9), ("@-0", 12), ("@-12", 0), (" @ ", 12)] {
        assert_eq!(at(v), format!("{n}\n"), "{v}");
    }
    // A name hides a time.
    for (v, n) in [("main", 12), ("v5", 5), ("1999-01-01", 7), ("0 seconds ago", 12), ("2999-12-31", 12)] {
        assert_eq!(at(v), format!("{n}\n"), "{v}");
    }
    for v in ["2999-12-31 23:59", "2999-12-31T23:59:00Z", "2999-12-31T23:59:00+02:00[Europe/Berlin]"] {
        assert_eq!(at(v), "12\n", "{v}");
    }
    let fails = |v: &str, status, says| shell.run(&format!("show --at \"{v}\"")).fails(status, says);
    fails("13", 3, "numbered 0 to 12");
    fails("99999999999999999999999", 3, "no version");
    fails("@-13", 3, "there are 12");
    fails("@+1", 2, "@-3");
    fails("mian", 3, "did you mean \"main\"?");
    fails("", 3, "a version is a number");
    fails("1999-01-02", 3, "the first one was made at");
    fails("9999 years ago", 3, "the first one was made at");
    fails("5 minutes", 2, "write \"5 minutes ago\"");
    // Undo, and what is before the head changes; a time knows no branch.
    shell.run("undo 2").ok();
    assert_eq!((at("@"), at("@-"), at("0 seconds ago")), ("10\n".into(), "9\n".into(), "12\n".into()))
}

#[test]
fn the_tree_is_drawn() {
    let shell = Shell::with("{}");
    shell.run("branch main").ok();
    shell.run("set /a 1 --author ann").ok();
    shell.run("set /a 2").ok();
    shell.run("tag v1").ok();
    shell.run("undo").ok();
    shell.run("branch side").ok();
    shell.run("set /b 1").ok();
    // Still on side, which leads to the newest version that is made on it.
    shell.run("goto 0").ok();
    shell.run("set /c 1").ok();
    shell.run("switch main").ok();
    shell.run("set /a 3").ok();
    shell.run("undo").ok();
    let graph = "\
○ 5  TIME  set /a 3  (*main)
│ ○ 4  TIME  set /c 1  (side)
│ │ ○ 3  TIME  set /b 1
@ │ │ 2  TIME  set /a 2  (v1)
├─┼─╯
○ │ 1  TIME  ann  set /a 1
├─╯
○ 0  TIME
";
    assert_eq!(masked(&shell.run("log --graph").ok()), graph);
    let two = graph.lines().take(2).map(|line| line.to_owned() + "\n").collect::<String>();
    assert_eq!(masked(&shell.run("log --graph -n 2").ok()), two);
    let json = shell.run("log --graph --json").json();
    assert_eq!((json["head"].as_u64(), json["branch"].as_str()), (Some(2), Some("main")));
    assert_eq!(json["versions"].as_array().unwrap().len(), 6);
    assert_eq!(json["versions"][4]["author"].as_str(), Some("ann"));
    assert_eq!(json["versions"][3]["names"].to_string(), r#"["v1"]"#)
}

#[test]
fn branches_and_tags() {
    let shell = Shell::with("0");
    shell.run("set \"\" 1").ok();
    assert_eq!(shell.run("branch main").ok(), "new branch main at version 1\n");
    assert_eq!(shell.run("tag first 0").ok(), "new tag first at version 0\n");
    shell.run("undo").ok();
    assert_eq!(shell.run("branch other").ok(), "new branch other at version 0\n");
    assert_eq!(shell.run("branch").ok(), "  main   1\n* other  0\n");
    assert_eq!(shell.run("tag").ok(), "first  0\n");
    assert_eq!(shell.run("switch main").ok(), "at version 1 on main: set 1\n");
    shell.run("switch mein").fails(3, "did you mean \"main\"?");
    shell.run("switch first").fails(2, "is a tag");
    shell.run("branch main").fails(2, "main");
    shell.run("branch --delete first").fails(2, "is no branch: for a tag use `backstory tag`");
    shell.run("tag --delete none").fails(3, "no tag named \"none\"");
    assert_eq!(shell.run("branch --rename other third").ok(), "renamed branch third at version 0\n");
    assert_eq!(shell.run("branch --delete third").ok(), "deleted branch third\n");
    assert_eq!(shell.run("tag --delete first").ok(), "deleted tag first\n");
    assert_eq!((shell.run("branch").ok(), shell.run("tag").ok()), ("* main  1\n".into(), String::new()))
}

#[test]
fn undo_and_redo_lead_back_to_where_they_began() {
    let shell = Shell::with("{}");
    let mut documents = vec![shell.run("export").ok()];
    for n in 0..6 {
        shell.run(&format!("set /{n} {n}")).ok();
        documents.push(shell.run("export").ok());
    }
    for document in documents.iter().rev().skip(1) {
        shell.run("undo").ok();
        assert_eq!(shell.run("export").ok(), *document);
    }
    shell.run("undo").fails(1, "nothing to undo");
    shell.run("redo 2").ok();
    assert_eq!(shell.run("export").ok(), documents[2]);
    shell.run("redo 99").ok();
    assert_eq!(shell.run("export").ok(), documents[6]);
    shell.run("redo").fails(1, "nothing to redo");
    assert!(shell.run("verify").ok().ends_with("ok\n"))
}

#[test]
fn what_changed_is_listed() {
    let shell = Shell::with(r#"{"a": 1, "b": [1, 2, 3], "c": "x"}"#);
    shell.pipe("import -", r#"{"a": 2, "b": [1, 3], "d": {"e": null}}"#).ok();
    assert_eq!(shell.run("diff").ok(), "~ /a: 1 -> 2\n- /b/1: 2\n- /c: \"x\"\n+ /d: {\"e\":null}\n");
    assert_eq!(shell.run("diff 1 0").ok(), "~ /a: 2 -> 1\n+ /b/1: 2\n+ /c: \"x\"\n- /d: {\"e\":null}\n");
    assert_eq!(shell.run("diff 1").ok(), "");
    let json = shell.run("diff --json").json();
    assert_eq!((json["from"].as_u64(), json["to"].as_u64()), (Some(0), Some(1)));
    assert_eq!(json["patch"].to_string() + "\n", shell.run("diff --json-patch").ok());
    assert_eq!(shell.run("diff 0 0 --json-patch").ok(), "[]\n");
    shell.run("diff 0 nowhere").fails(3, "no version")
}

#[test]
fn every_json_answer_parses() {
    let shell = Shell::new();
    assert_eq!(shell.run("init --json").json().to_string(), r#"{"store":".backstory","head":0}"#);
    let json = shell.run("set /a 1 --json").json().to_string();
    let is = r#"{"changed":true,"from":0,"head":1,"made":1,"order_only":false,"branch":null,"can_undo":true,"can_redo":false}"#;
    assert_eq!(json, is);
    assert_eq!(shell.run("set /a 1 --json").json()["changed"], false.into());
    assert_eq!(shell.run("undo --json").json()["head"], 0.into());
    let nothing = shell.run("undo --json");
    assert_eq!((nothing.status, Json::parse(&nothing.out).unwrap()["changed"].as_bool()), (1, Some(false)));
    let lines = [
        "redo",
        "goto 0",
        "restore 1",
        "remove /a",
        "branch main",
        "branch",
        "branch --rename main other",
        "switch other",
        "tag v1",
        "tag",
        "tag --delete v1",
        "log",
        "log --graph",
        "log -n 0",
        "diff",
        "diff --json-patch",
        "verify",
        "stats",
        "show",
        "show \"\" --at 0",
        "export",
        "export -o file",
    ];
    for line in lines {
        shell.run(&format!("{line} --json")).json();
    }
    let verify = shell.run("verify --json").json();
    assert_eq!((verify["ok"].as_bool(), verify["counts"]["versions"].as_u64()), (Some(true), Some(4)));
    let stats = shell.run("stats --json").json();
    assert_eq!(stats["document_bytes"], 2.into());
    let parts = ["own_bytes", "shared_bytes", "log_bytes"].map(|part| stats[part].as_u64().unwrap());
    // The rest is a block at the front of each file.
    let (bytes, files) = (stats["counts"]["bytes"].as_u64().unwrap(), stats["counts"]["segments"].as_u64().unwrap());
    assert_eq!(parts.iter().sum::<u64>() + 4096 * files, bytes)
}

#[test]
fn who_and_what_is_noted_of_a_version() {
    let shell = Shell::with("{}");
    let mut command = shell.command("set /a 1");
    command.env("BACKSTORY_AUTHOR", "env");
    finish(command, "").ok();
    let mut command = shell.command("set /a 2 --author ann");
    command.env("BACKSTORY_AUTHOR", "env");
    finish(command, "").ok();
    // What a terminal would obey is shown and not done.
    shell.run("set /a 3 -m \"red \u{1b}[31m\nline\"").ok();
    let log = "\
@ 3  TIME  red \\u{1b}[31m\\nline
○ 2  TIME  ann  set /a 2
○ 1  TIME  env  set /a 1
○ 0  TIME
";
    assert_eq!(masked(&shell.run("log").ok()), log)
}

#[test]
fn a_store_that_is_open_elsewhere_is_looked_at_and_not_changed() {
    let shell = Shell::with("1");
    let mut holder = Timeline::open(shell.path(".backstory"), Json::default).unwrap();
    holder.edit("two", |json| *json = 2.into()).unwrap();
    let pid = std::process::id().to_string();
    shell.run("set \"\" 3").fails(5, &format!("is open in process {pid}"));
    shell.run("undo").fails(5, &pid);
    shell.run("branch main").fails(5, &pid);
    for line in ["show", "log", "log --graph", "diff", "branch", "tag", "verify", "stats", "export"] {
        shell.run(line).ok();
    }
    assert_eq!(shell.run("show").ok(), "2\n");
    drop(holder);
    assert_eq!(shell.run("set \"\" 3").ok(), "made version 2: set 3\n")
}

#[test]
fn damage_is_told_and_nothing_panics() {
    let shell = Shell::with(&format!("{:?}", (0..20_000).map(|n| format!("text {n}")).collect::<Vec<_>>()));
    let mut files = std::fs::read_dir(shell.path(".backstory")).unwrap().map(|entry| entry.unwrap().path());
    let segment = files.find(|path| path.extension().is_some_and(|ending| ending == "segment")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    shell.run("show").fails(6, "checksum");
    shell.run("export -o file").fails(6, "checksum");
    assert!(!shell.path("file").exists());
    shell.run("verify").fails(6, "restore a copy");
    let json = shell.run("verify --json");
    assert_eq!(Json::parse(json.out).unwrap()["ok"], false.into());
    assert!(!shell.run("show").err.contains("panic"))
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let shell = Shell::with(&format!("{:?}", (0..100_000).collect::<Vec<_>>()));
    let mut child = shell.command("show").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}")
}

#[test]
fn a_pipe_gets_colours_only_if_they_are_asked_for() {
    let shell = Shell::with("{}");
    shell.run("set /a 1").ok();
    shell.run("branch main").ok();
    for line in ["log", "log --graph", "diff", "branch", "stats", "undo", "help", "redo"] {
        assert!(!shell.run(line).ok().contains('\u{1b}'), "{line}");
    }
    assert!(!shell.run("goto 99").err.contains('\u{1b}'));
    assert!(shell.run("log --color always").ok().contains('\u{1b}'));
    assert!(!shell.run("log --color never").ok().contains('\u{1b}'))
}
