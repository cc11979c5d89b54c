//! The rules of the house, checked: layers, homes of `unsafe` and `std::fs`, names in the docs, the map of the
//! files, sizes, heads, leftovers.
//! In: this repository's files. Out: findings, each `file:line: what is wrong: what to do`.
//! Files: `source` reads, `checks` and `uses` judge (lists in `checks` say what is allowed), `proof` shows that each check can fail.

#[path = "tidy/checks.rs"]
mod checks;
#[path = "tidy/proof.rs"]
mod proof;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/uses.rs"]
mod uses;

use checks::*;
use source::*;
use std::path::Path;

fn none(mut found: Vec<String>) {
    found.sort();
    assert!(found.is_empty(), "{} findings\n{}\n", found.len(), found.join("\n"));
}

#[test]
fn a_module_uses_only_layers_above_it() {
    let files = sources(&["src"]);
    let root = files.iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs");
    let reexports = reexports(root);
    none(files.iter().flat_map(|file| layering(file, &reexports)).collect())
}

#[test]
fn unsafe_lives_in_the_listed_files_only() {
    none(unsafe_homes(&sources(&["src"]), UNSAFE_FILES))
}

#[test]
fn every_unsafe_says_why_it_is_sound() {
    none(sources(&["src", "tests", "benches"]).iter().flat_map(safety).collect())
}

#[test]
fn std_fs_is_named_in_its_homes_only() {
    none(sources(&["src"]).iter().flat_map(file_access).collect())
}

#[test]
fn every_file_that_the_docs_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let missing = |(path, page): (String, String)| named_files(&path, &page, |name| root.join(name).exists());
    none(pages().into_iter().flat_map(missing).collect())
}

#[test]
fn every_source_file_is_in_the_map_of_the_files() {
    let page = |(path, page): (String, String)| (path == "docs/ARCHITECTURE.md").then_some(page);
    none(mapped(&sources(&["src"]), &pages().into_iter().find_map(page).expect("docs/ARCHITECTURE.md")))
}

#[test]
fn long_files_and_functions_say_why() {
    let files = sources(&["src"]);
    let tests = test_files(&files);
    none(files.iter().filter(|file| !tests.contains(&file.path)).flat_map(sizes).collect())
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let files = sources(&["src"]);
    let tests = test_files(&files);
    none(files.iter().flat_map(|file| head(file, tests.contains(&file.path))).collect())
}

#[test]
fn every_head_says_what_the_file_uses() {
    let files = sources(&["src"]);
    let root = files.iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs");
    none(uses::uses(&files, &test_files(&files), &reexports(root)))
}

#[test]
fn nothing_is_left_half_done() {
    let files = sources(&["src", "tests", "benches", "examples"]);
    none(files.iter().flat_map(leftovers).collect())
}
