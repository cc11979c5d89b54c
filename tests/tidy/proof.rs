//! Each check fails where it should, and names the line.

use crate::checks::*;
use crate::source::*;
use crate::uses::uses;
use std::collections::BTreeSet;

fn lines_of(found: &[String]) -> Vec<usize> {
    found.iter().map(|f| f.split(':').nth(1).and_then(|n| n.parse().ok()).expect("file:line: what")).collect()
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_not() {
    let text = "a // b\n/* c /* d */ e */ f \"g \\\" h\" i r#\"j \" k\"# 'l' '\\'' '{' 'm n";
    let code = blanked(text);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "f", "i", "'m", "n"]);
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn a_use_of_a_lower_layer_or_a_sibling_is_found() {
    let root =
        Source::new("src/lib.rs", "pub use error::{Error, Result};\npub use set::HashSet;\npub use map as hashmap;");
    let from = reexports(&root);
    assert_eq!(from.get("hashmap"), Some(&"map"));
    let found = |path, text| lines_of(&layering(&Source::new(path, text), &from));
    assert_eq!(found("src/map/a.rs", "use crate::link::Word;\nuse crate::Error;\nuse super::node;"), []);
    assert_eq!(found("src/map/a.rs", "\nuse crate::set::X;"), [2]);
    assert_eq!(found("src/map/a.rs", "fn f(_: crate::HashSet) {}"), [1]);
    assert_eq!(found("src/map/a.rs", "use crate::vector::X;"), [1]);
    assert_eq!(found("src/hash.rs", "use crate::{\n error::Error, id::{Address}};"), [1, 1]);
    assert_eq!(found("src/link.rs", "use super::map::X;"), [1]);
    assert_eq!(found("src/map/a.rs", "use super::super::set::X;"), [1]);
    assert_eq!(found("src/map/a.rs", "use crate::elsewhere::X;"), [1]);
    assert_eq!(found("src/elsewhere.rs", ""), [1]);
    assert_eq!(found("src/bin/backstory/main.rs", "use crate::anything::X;"), []);
}

#[test]
fn unsafe_outside_of_its_homes_is_found() {
    let allow = "#![allow(unsafe_code)] // Why.\nfn f() { unsafe { g() } }";
    let found = |path, text: &str, allowed: &[&str]| lines_of(&unsafe_homes(&[Source::new(path, text)], allowed));
    assert_eq!(found("src/a.rs", allow, &["src/a.rs"]), []);
    assert_eq!(found("src/tests_a.rs", allow, &[]), []);
    assert_eq!(found("src/a.rs", allow, &[]), [1]);
    assert_eq!(found("src/a.rs", "\nunsafe fn f() {}", &[]), [2]);
    assert_eq!(found("src/a.rs", "// unsafe\nconst A: &str = \"unsafe\";", &[]), []);
    assert_eq!(found("src/a.rs", "fn f() {}", &["src/a.rs"]), [1]);
    assert_eq!(found("src/a.rs", "#![allow(unsafe_code)]\nfn f() {}", &["src/a.rs"]), [1]);
    assert_eq!(found("src/a.rs", "\n#[allow(unsafe_code)]\nunsafe fn f() {}", &["src/a.rs"]), [2]);
    assert_eq!(found("src/a.rs", "fn f() {}", &["src/b.rs"]), [1]);
}

#[test]
fn unsafe_without_a_reason_is_found() {
    let found = |text| lines_of(&safety(&Source::new("src/a.rs", text)));
    assert_eq!(found("// SAFETY: so.\nlet a = unsafe { b };"), []);
    assert_eq!(found("let a = unsafe { b };"), [1]);
    assert_eq!(found("// SAFETY: far.\n\n\n\n\nunsafe { b }"), [6]);
    assert_eq!(found("// SAFETY: a long\n// one\n// of\n// five\n// lines\nunsafe { b }"), []);
    assert_eq!(found("unsafe impl Send for A {}"), [1]);
    assert_eq!(found("/// # Safety\n/// Promise.\n#[inline]\nunsafe fn f() {}"), []);
    assert_eq!(found("/// Does.\nunsafe fn f() {}"), [2]);
    assert_eq!(found("// SAFETY: no doc.\nunsafe fn f() {}"), [2]);
    assert_eq!(found("\nunsafe trait T {}"), [2]);
    assert_eq!(found("impl T for A {\n    unsafe fn f() {}\n}"), []);
    assert_eq!(found("impl A {\n    unsafe fn f(x: impl for<'a> B<'a>) {}\n}"), [2]);
    assert_eq!(found("struct A(unsafe fn(u8));"), []);
}

#[test]
fn file_access_elsewhere_is_found() {
    let found = |path, text| lines_of(&file_access(&Source::new(path, text)));
    assert_eq!(found("src/map/a.rs", "use std::fmt;\nuse std::fs::File;"), [2]);
    assert_eq!(found("src/map/a.rs", "use std::{io::{self, Read}, fs};"), [1]);
    assert_eq!(found("src/map/a.rs", "// std::fs\nuse std::{io::{fs}, fmt};"), []);
    assert_eq!(found("src/log/a.rs", "use std::fs::File;"), []);
}

#[test]
fn a_missing_file_in_the_docs_is_found() {
    let found = |page| lines_of(&named_files("docs/A.md", page, |name| name == "src/link.rs" || name == "docs/B.md"));
    assert_eq!(found("`src/link.rs`, `link.rs:12`, `B.md#c`, `./src/link.rs`. gone.rs `fn gone()` `a/b`"), []);
    assert_eq!(found("a\nsee `src/gone.rs`"), [2]);
    assert_eq!(found("run `sh gone.sh` and `C.md`"), [1, 1]);
    assert_eq!(found("see `benches/gone`"), [1]);
    assert_eq!(found("```\n`src/gone.rs`\n```\n`tests_*.rs`"), []);
}

#[test]
fn a_file_that_is_not_in_the_map_is_found() {
    let found = |page| lines_of(&mapped(&[Source::new("src/a.rs", "")], page));
    assert_eq!(found("# A\n\n## Map of the files\n\n| 1 | `src/b.rs`, `src/a.rs` | a |\n\n## B\n"), []);
    assert_eq!(found("# A\n\n## Map of the files\n\n| 1 | `src/aa.rs` | a |\n"), [1]);
    assert_eq!(found("# A\n\n## Map of the files\n\n`src/a.rs`\n"), [1]);
    assert_eq!(found("# A\n\n## B\n\n| 1 | `src/a.rs` | a |\n"), [1]);
}

#[test]
fn a_long_file_or_function_is_found() {
    let found = |text: &str| lines_of(&sizes(&Source::new("src/a.rs", text)));
    let long_fn = |head: &str| format!("{head}fn f() {{\n{}}}\n", "    g();\n".repeat(MOST_FN_LINES - 1));
    assert_eq!(found(&"//\n".repeat(MOST_FILE_LINES)), []);
    assert_eq!(found(&"//\n".repeat(MOST_FILE_LINES + 1)), [1]);
    assert_eq!(found(&format!("{EXCUSE} it is.\n{}", "//\n".repeat(MOST_FILE_LINES))), []);
    assert_eq!(found(&format!("#[cfg(test)]\nmod tests {{\n{}}}", "//\n".repeat(MOST_FILE_LINES))), []);
    assert_eq!(found(&long_fn("\n")), [2]);
    assert_eq!(found(&long_fn(&format!("{EXCUSE} it is.\n"))), []);
    assert_eq!(found(&format!("#[cfg(test)]\nmod tests {{\n{}}}", long_fn(""))), []);
    assert_eq!(functions("fn a();\nfn b(f: fn(u8)) {\n}\n"), [("b", 2, 3)]);
}

#[test]
fn a_file_without_a_head_is_found() {
    let body = "fn f() {}\n".repeat(TINY_FILE_LINES);
    let found = |path, text: &str, is_test| lines_of(&head(&Source::new(path, text), is_test));
    assert_eq!(found("src/a.rs", "// A.\n", false), [1]);
    assert_eq!(found("src/a.rs", "//! A.\n", false), []);
    assert_eq!(found("src/a.rs", &format!("//! A.\n//! In: b. Out: c.\n{body}"), false), []);
    assert_eq!(found("src/a.rs", &format!("//! A.\n//! In: b.\n{body}"), false), [1]);
    assert_eq!(found("src/a.rs", &format!("//! A.\n{body}"), false), [1, 1]);
    assert_eq!(found("src/a.rs", &format!("//! A.\n{body}"), true), []);
    assert_eq!(found("src/tests.rs", "fn f() {}", true), [1]);
    let parent =
        Source::new("src/map/mod.rs", "#[cfg(test)]\nmod check;\n#[cfg(all(test, loom))]\nmod models;\nmod find;");
    let tests = ["src/map/check.rs", "src/map/models.rs"].map(str::to_owned);
    assert_eq!(test_files(&[parent]), BTreeSet::from(tests));
}

#[test]
fn a_head_that_says_wrongly_what_its_file_uses_is_found() {
    let root = Source::new("src/lib.rs", "pub use error::{Error, Result};\npub use set::HashSet;");
    let from = reexports(&root);
    let found = |path, text: &str| {
        let beside =
            [("src/map/node.rs", "use super::a;"), ("src/map/tests.rs", "use crate::log::X;"), ("src/set.rs", "")];
        let mut files = vec![Source::new(path, text)];
        files.extend(beside.iter().map(|(path, text)| Source::new(path, text)).filter(|file| file.path != path));
        let tests = test_files(&files);
        files.extend(["src/bin/b/look.rs", "src/bin/b/main.rs"].map(|path| Source::new(path, "")));
        lines_of(&uses(&files, &tests, &from))
    };
    let both = "//! A.\n//! Uses: `link`, `node`. More: `b`.\n";
    let (link, node) = ("use crate::link::Word;\n", "fn f(_: super::node::N) {}\n");
    assert_eq!(found("src/map/a.rs", &format!("{both}{link}{node}")), []);
    assert_eq!(found("src/map/a.rs", &format!("{both}{link}")), [2]);
    assert_eq!(found("src/map/a.rs", &format!("{both}{node}")), [2]);
    assert_eq!(found("src/map/a.rs", &format!("{both}{link}{node}use crate::Error;")), [2]);
    assert_eq!(found("src/map/a.rs", &format!("{both}use crate::id::X;\n{node}")), [2, 2]);
    assert_eq!(
        found("src/map/a.rs", &format!("//! Uses: `link`,\n//! `node`; the rest\n//!\n//! `b`\n{link}{node}")),
        []
    );
    assert_eq!(found("src/map/a.rs", "//! Uses: nothing of ours.\nuse super::{X, gone::Y};\n// crate::link"), []);
    assert_eq!(found("src/map/a.rs", "//! Uses: `node`.\nuse crate::map::node::N;"), []);
    // Tests apart, and a field is no more than itself.
    let tests = "#[cfg(test)]\nuse crate::id::X;\nstruct A {\n    #[cfg(test)]\n    a: B<crate::id::X>,\n    b: super::node::N,\n}\n";
    let models = "#[cfg(all(test, loom))]\nmod m {\nuse crate::id::Y;\n}";
    assert_eq!(found("src/map/a.rs", &format!("{both}{link}{tests}{models}")), []);
    // A root says it of all its files, and names none of them.
    assert_eq!(
        found("src/map/mod.rs", "//! Uses: `link`, `error`.\nuse crate::{Result, link::{A, B}};\nuse node::X;"),
        []
    );
    assert_eq!(found("src/map.rs", "//! Uses: nothing of ours."), []);
    assert_eq!(found("src/map/node.rs", "//! Uses: nothing of ours.\nuse crate::log::X;"), [1]);
    assert_eq!(found("src/bin/b/a.rs", "//! Uses: `look`.\nuse crate::look::X;\nuse crate::Done;"), []);
    assert_eq!(found("src/bin/b/a.rs", "//! Uses: `look`."), [1]);
    // A small file need not say it.
    assert_eq!(found("src/map/a.rs", node), []);
    assert_eq!(found("src/map/a.rs", &node.repeat(TINY_FILE_LINES)), [1]);
}

#[test]
fn a_leftover_is_found() {
    let found = |text| lines_of(&leftovers(&Source::new("src/a.rs", text)));
    assert_eq!(found("fn f() {\n    todo!()\n}"), [2]);
    assert_eq!(found("unimplemented!(); dbg!(1);"), [1, 1]);
    assert_eq!(found("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), [2]);
    assert_eq!(found("// todo!\nlet a = \"dbg!\"; my_todo!();"), []);
}
