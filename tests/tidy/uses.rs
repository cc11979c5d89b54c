//! What a file uses, and whether its head says so. In: the crate's files. Out: findings, as those of `checks`.
//!
//! The rule: `Uses:` names, in backticks, the other modules of the crate and the files beside it that a file's code names by a
//! path (`crate::link::Word`, `super::node::Node`; what the root re-exports counts as its module), tests apart. A module's root
//! names the modules that all its files use. Behind the list may stand what else is to be said.

use crate::checks::{LAYERS, TINY_FILE_LINES, module};
use crate::source::*;
use std::collections::{BTreeMap, BTreeSet};

/// The code without what is compiled for tests only.
fn without_tests(code: &str) -> String {
    let mut code = code.to_owned();
    let next = |code: &str| ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|test| code.find(test)).min();
    while let Some(at) = next(&code) {
        let end = item_end(&code, at);
        let blank: String = code[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(at..end, &blank)
    }
    code
}

/// Where the item, field or statement ends whose first attribute begins at `at`.
fn item_end(code: &str, at: usize) -> usize {
    let mut depth = 0;
    for (i, c) in code[at..].char_indices() {
        let i = at + i;
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' => return code.len().min(closing(code, i) + 1),
            ';' if depth == 0 => return i + 1,
            ',' if depth == 0 && code[i + 1..].starts_with('\n') => return i + 1,
            _ => {}
        }
    }
    code.len()
}

/// The folder of a module's own files, if this is its root and it has some.
fn folder_below<'a>(file: &'a Source, files: &[Source]) -> Option<&'a str> {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or_default();
    let own = file.path.trim_end_matches(".rs");
    let is_below = |other: &Source| other.path.strip_prefix(own).is_some_and(|path| path.starts_with('/'));
    match name {
        "mod.rs" | "main.rs" => Some(folder),
        _ => files.iter().any(is_below).then_some(own),
    }
}

/// The other modules of the crate that a file's code names.
fn modules(file: &Source, reexports: &BTreeMap<&str, &str>) -> BTreeSet<String> {
    let Some(own) = module(&file.path) else { return BTreeSet::new() };
    let code = without_tests(&file.code);
    let named = names_behind(&code, "crate::").into_iter();
    let named = named.map(|(_, name)| reexports.get(name).copied().unwrap_or(name));
    let is_other = |name: &&str| *name != own && LAYERS.iter().any(|layer| layer.contains(name));
    named.filter(is_other).map(str::to_owned).collect()
}

/// What a file uses.
fn used(file: &Source, files: &[Source], tests: &BTreeSet<String>, from: &BTreeMap<&str, &str>) -> BTreeSet<String> {
    let mut used = modules(file, from);
    let (folder, _) = file.path.rsplit_once('/').unwrap_or_default();
    if let Some(below) = folder_below(file, files) {
        let is_below = |other: &&Source| other.path.starts_with(&format!("{below}/")) && !tests.contains(&other.path);
        used.extend(files.iter().filter(is_below).flat_map(|other| modules(other, from)))
    } else if folder != "src" {
        let code = without_tests(&file.code);
        let own = module(&file.path).map_or("crate::".to_owned(), |own| format!("crate::{own}::"));
        let is_beside = |name: &str| {
            let path = format!("{folder}/{name}.rs");
            !matches!(name, "mod" | "main") && path != file.path && files.iter().any(|other| other.path == path)
        };
        let named = names_behind(&code, "super::").into_iter().chain(names_behind(&code, &own));
        used.extend(named.map(|(_, name)| name.to_owned()).filter(|name| is_beside(name)))
    }
    used
}

/// The line of `Uses:` in a file's head, and the names in backticks right behind it.
fn listed(text: &str) -> Option<(usize, BTreeSet<String>)> {
    let head = text.lines().map_while(|line| line.strip_prefix("//!"));
    let at = head.clone().position(|line| line.contains("Uses:"))?;
    let paragraph: Vec<&str> = head.skip(at).map(str::trim).take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let (mut rest, mut names) = (paragraph.split_once("Uses:")?.1.trim_start(), BTreeSet::new());
    while let Some((name, behind)) = rest.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        names.insert(name.to_owned());
        rest = behind.strip_prefix(", ").unwrap_or("")
    }
    Some((at + 1, names))
}

/// Each head says what its file uses.
pub(crate) fn uses(files: &[Source], tests: &BTreeSet<String>, reexports: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !tests.contains(&file.path) && file.name() != "lib.rs") {
        let used = used(file, files, tests, reexports);
        let Some((line, listed)) = listed(&file.text) else {
            if file.text.lines().count() >= TINY_FILE_LINES && !used.is_empty() {
                found.push(file.at(1, &format!("no `Uses:` in the head: say what the file uses, {used:?}")))
            }
            continue;
        };
        let (lacks, vain) = (&used - &listed, &listed - &used);
        if !lacks.is_empty() {
            found.push(file.at(line, &format!("`Uses:` lacks {lacks:?}, which the code names: add them")))
        }
        if !vain.is_empty() {
            found.push(file.at(line, &format!("`Uses:` has {vain:?}, which no path in the code names: take them out")))
        }
    }
    found
}
