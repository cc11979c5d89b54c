//! The checks: each a function from text to findings, `file:line: what is wrong: what to do`.

use crate::source::*;
use std::collections::{BTreeMap, BTreeSet};

/// A layer uses only layers before it; modules of one layer do not use each other.
pub(crate) const LAYERS: &[&[&str]] = &[
    &["error", "id", "hash", "nested", "varint"],
    &["link"],
    &["map", "vector"],
    &["set"],
    &["serde", "proptest", "rayon", "log"],
    &["archive"],
    &["history"],
    &["timeline"],
    &["store"],
    &["json"],
];

/// The files that may allow `unsafe`, besides tests named `tests_*.rs`. Keep the list short: the node layout's home.
pub(crate) const UNSAFE_FILES: &[&str] = &[
    "src/link.rs",
    "src/link/models.rs",
    "src/map/node.rs",
    "src/map/lazy.rs",
    "src/map/leaf.rs",
    "src/map/leaf_mut.rs",
    "src/map/inner.rs",
    "src/map/overlay.rs",
    "src/map/overlay_mut.rs",
    "src/map/find.rs",
    "src/map/pour.rs",
    "src/map/change.rs",
    "src/map/insert.rs",
    "src/map/split.rs",
    "src/map/remove.rs",
    "src/map/revive.rs",
    "src/map/check.rs",
    "src/map/table.rs",
    "src/map/iter.rs",
    "src/map/lockstep.rs",
    "src/map/blocks.rs",
    "src/map/build.rs",
    "src/map/combine.rs",
    "src/map/store.rs",
    "src/vector/node.rs",
    "src/vector/leaf.rs",
    "src/vector/inner.rs",
    "src/vector/spine.rs",
    "src/vector/find.rs",
    "src/vector/ends.rs",
    "src/vector/edit.rs",
    "src/vector/revive.rs",
    "src/vector/store.rs",
    "src/vector/check.rs",
    "src/vector/table.rs",
    "src/vector/iter.rs",
    "src/vector/lockstep.rs",
    "src/vector/order.rs",
    "src/vector/focus.rs",
    "src/vector/fold.rs",
    "src/archive/checked.rs",
    "src/archive/serializer.rs",
    "src/archive/view.rs",
    "src/archive/loader.rs",
    "src/timeline/options.rs",
    "src/log/mapped.rs",
];

/// Where `std::fs` may be named.
pub(crate) const FS_HOMES: &[&str] = &["src/log/", "src/bin/"];

pub(crate) const MOST_FILE_LINES: usize = 600;
pub(crate) const MOST_FN_LINES: usize = 70;
/// What must begin the comment that says why a file or function is longer.
pub(crate) const EXCUSE: &str = "// Long because";

/// Lines in which a module's head says what goes in and out; smaller files need only the `//!`.
pub(crate) const HEAD_LINES: usize = 14;
pub(crate) const TINY_FILE_LINES: usize = 100;

pub(crate) const LEFTOVERS: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore"];

/// The module of the crate that a file belongs to; none for the root and for programs.
pub(crate) fn module(path: &str) -> Option<&str> {
    let path = path.strip_prefix("src/")?;
    let name = path.split('/').next()?.trim_end_matches(".rs");
    (!matches!(name, "lib" | "bin")).then_some(name)
}

/// Which module each name comes from that the crate's root re-exports.
pub(crate) fn reexports(root: &Source) -> BTreeMap<&str, &str> {
    let mut from = BTreeMap::new();
    for statement in root.code.split(';') {
        let Some((_, path)) = statement.rsplit_once("pub use ") else { continue };
        let module = identifier(path);
        if !LAYERS.iter().any(|layer| layer.contains(&module)) {
            continue;
        }
        let names = path.rsplit("::").next().unwrap_or(path).trim_matches(|c: char| "{} \n".contains(c));
        from.extend(names.split(',').map(|name| (identifier(name.rsplit(" as ").next().unwrap_or(name)), module)));
    }
    from
}

/// A file uses only layers above its own.
pub(crate) fn layering(file: &Source, reexports: &BTreeMap<&str, &str>) -> Vec<String> {
    let Some(own) = module(&file.path) else { return Vec::new() };
    let rank = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let Some(own_rank) = rank(own) else {
        return vec![
            file.at(1, &format!("module {own} is in no layer: give it one in LAYERS of tests/tidy/checks.rs")),
        ];
    };
    let mut found = Vec::new();
    for (line, name) in names_behind(&file.code, "crate::") {
        let target = reexports.get(name).copied().unwrap_or(name);
        match rank(target) {
            // A macro names itself by the crate's root.
            None if file.code.contains(&format!("macro_rules! {name} ")) => {}
            None => found.push(file.at(line, &format!("crate::{name} is in no layer: name the module it comes from"))),
            Some(rank) if target != own && rank >= own_rank => found.push(
                file.at(line, &format!("{own} uses {target}, which is no layer above it: move what it needs up")),
            ),
            _ => {}
        }
    }
    // `super` must not lead out of the module unseen. Indented ones belong to a module in the file.
    let is_top = file.path.matches('/').count() == 1 || file.name() == "mod.rs";
    let way_out = if is_top { "super::" } else { "super::super::" };
    for (n, line) in file.code.lines().enumerate() {
        let path = line.trim_start_matches("pub ").strip_prefix("use ");
        if path.is_some_and(|path| path.starts_with(way_out)) {
            found.push(file.at(n + 1, &format!("{way_out} leaves the module: write crate::, which shows the layer")))
        }
    }
    found
}

/// `unsafe` only where the list allows it, and the list only as long as it must be.
pub(crate) fn unsafe_homes(files: &[Source], allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let listed = allowed.contains(&file.path.as_str());
        let may = listed || file.name().starts_with("tests_");
        let allows = places(&file.code, "allow(unsafe_code");
        let uses = places(&file.code, "unsafe");
        match (may, allows.first(), uses.first()) {
            (false, Some(&(_, line)), _) | (false, None, Some(&(_, line))) => found.push(file.at(
                line,
                "unsafe outside of its homes: write it in safe code, or move it to a file in UNSAFE_FILES of tests/tidy/checks.rs",
            )),
            (true, None, _) if listed => {
                found.push(file.at(1, "allows no unsafe code: take it off UNSAFE_FILES in tests/tidy/checks.rs"))
            }
            (true, Some(&(_, line)), None) => {
                found.push(file.at(line, "allows unsafe code and has none: take the attribute away"))
            }
            (true, Some(&(at, line)), _) if !file.code[..at].ends_with("#![") => {
                found.push(file.at(line, "say #![allow(unsafe_code)] once, at the top of the file"))
            }
            _ => {}
        }
    }
    let is_there = |path: &&&str| !files.iter().any(|file| file.path == **path);
    found.extend(
        allowed.iter().filter(is_there).map(|path| format!("{path}:1: no such file: take it off UNSAFE_FILES")),
    );
    found
}

/// Every `unsafe` says why it is sound: a SAFETY comment, or a `# Safety` section where the caller must promise.
pub(crate) fn safety(file: &Source) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let is_comment = |line: &str| line.starts_with("//") || line.starts_with("#[");
    let mut found = Vec::new();
    for (at, line) in places(&file.code, "unsafe") {
        let rest = file.code[at + "unsafe".len()..].trim_start();
        let rest = if identifier(rest) == "extern" { rest["extern".len()..].trim_start() } else { rest };
        let above = &lines[..line - 1];
        let block = above.iter().rev().take_while(|line| is_comment(line)).count();
        let is_fn = identifier(rest) == "fn";
        if is_fn && rest.trim_start_matches("fn").trim_start().starts_with('(') {
            continue; // the type of a function
        }
        if is_fn || identifier(rest) == "trait" {
            let is_said = above[above.len() - block..].iter().any(|line| line.contains("# Safety"));
            if !is_said && !is_in_trait_impl(&file.code, at) {
                found.push(file.at(line, "what must the caller promise? Say it under `# Safety` in the doc comment"))
            }
            continue;
        }
        // Four lines, and as much further as a comment goes that these four are part of.
        let near = above.len().min(4);
        let longer = match above[above.len() - near..].first() {
            Some(line) if is_comment(line) => {
                above[..above.len() - near].iter().rev().take_while(|line| is_comment(line)).count()
            }
            _ => 0,
        };
        let is_said = |line: &&str| line.contains("SAFETY:");
        if !lines[line - 1 - near - longer..line].iter().any(is_said) {
            found.push(file.at(line, "why is this sound? Say it in a comment `// SAFETY: …` right above"))
        }
    }
    found
}

/// True if the place is inside `impl Trait for Type`: the trait says what callers promise.
pub(crate) fn is_in_trait_impl(code: &str, at: usize) -> bool {
    places(&code[..at], "impl").into_iter().any(|(from, _)| {
        let Some(open) = code[from..].find('{').map(|i| from + i) else { return false };
        places(&code[from..open], "for").iter().any(|&(i, _)| !code[from + i + 3..].starts_with('<'))
            && (open..closing(code, open)).contains(&at)
    })
}

/// Files are opened in one place.
pub(crate) fn file_access(file: &Source) -> Vec<String> {
    if FS_HOMES.iter().any(|home| file.path.starts_with(home)) {
        return Vec::new();
    }
    let names = names_behind(&file.code, "std::").into_iter().filter(|&(_, name)| name == "fs");
    names
        .map(|(line, _)| file.at(line, "std::fs belongs to src/log/ and src/bin/: go through the log's storage"))
        .collect()
}

/// The names in backticks that look like files of this repository, each with its line. Fenced blocks do not count.
pub(crate) fn names_in(page: &str) -> Vec<(usize, String)> {
    let folders = ["src/", "docs/", "tests/", "benches/", "examples/"];
    let endings = [".rs", ".md", ".sh"];
    let mut names = Vec::new();
    let mut is_fenced = false;
    for (n, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            continue;
        }
        for word in line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace) {
            let word = word.trim_start_matches("./").trim_end_matches([',', ';', '.', ':']);
            let word = word.split(['#', ':']).next().unwrap_or(word);
            let is_file = folders.iter().any(|f| word.starts_with(f)) || endings.iter().any(|e| word.ends_with(e));
            if is_file && !word.contains(['*', '<']) {
                names.push((n + 1, word.to_owned()))
            }
        }
    }
    names
}

/// Every file that a page names exists: from the root, from the page's folder or from `src`.
pub(crate) fn named_files(path: &str, page: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_there =
        |name: &str| ["", folder, "src"].iter().any(|from| exists(format!("{from}/{name}").trim_matches('/')));
    let missing = names_in(page).into_iter().filter(|(_, name)| !is_there(name));
    missing.map(|(line, name)| format!("{path}:{line}: `{name}` does not exist: name what does")).collect()
}

/// Every source file stands in a row of the table under "Map of the files"; that the table's files exist is `named_files`'s.
pub(crate) fn mapped(files: &[Source], page: &str) -> Vec<String> {
    let map = page.split("\n## ").find(|section| section.starts_with("Map of the files")).unwrap_or_default();
    let rows: String = map.lines().filter(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    let missing = files.iter().filter(|file| !rows.contains(&format!("`{}`", file.path)));
    missing
        .map(|file| file.at(1, "is in no row of \"Map of the files\" in docs/ARCHITECTURE.md: give it one"))
        .collect()
}

/// The functions with a body: name, first and last line.
pub(crate) fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let mut found = Vec::new();
    for (at, line) in places(code, "fn") {
        let name = identifier(&code[at + 2..]);
        let Some(end) = code[at..].find(['{', ';']).map(|i| at + i) else { continue };
        if !name.is_empty() && code[end..].starts_with('{') {
            let lines = code[at..closing(code, end)].matches('\n').count();
            found.push((name, line, line + lines))
        }
    }
    found
}

/// Long files and functions say why.
pub(crate) fn sizes(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let lines: Vec<&str> = file.text.lines().collect();
    let own = file.own_lines();
    let is_excuse = |line: &&str| line.trim_start().starts_with(EXCUSE);
    // For the file, above its first item; for a function, in it or right above.
    if own > MOST_FILE_LINES && !lines.iter().take(40).any(|line| line.starts_with(EXCUSE)) {
        found.push(
            file.at(1, &format!("{own} lines, more than {MOST_FILE_LINES}: divide it, or say `{EXCUSE} …` at its top")),
        )
    }
    for (name, first, last) in functions(&file.code).into_iter().filter(|&(_, first, _)| first <= own) {
        let len = last + 1 - first;
        if len > MOST_FN_LINES && !lines[first.saturating_sub(5)..last].iter().any(is_excuse) {
            let what =
                format!("{name} has {len} lines, more than {MOST_FN_LINES}: divide it, or say `{EXCUSE} …` above it");
            found.push(file.at(first, &what))
        }
    }
    found
}

/// Each file begins by saying what it is for; files of a size also what goes in and out.
pub(crate) fn head(file: &Source, is_test: bool) -> Vec<String> {
    if !file.text.starts_with("//!") {
        return vec![file.at(1, "begins without `//!`: say in one sentence what the file is for")];
    }
    if is_test || file.name() == "lib.rs" || file.text.lines().count() < TINY_FILE_LINES {
        return Vec::new();
    }
    let head: Vec<&str> = file.text.lines().take(HEAD_LINES).filter(|line| line.starts_with("//!")).collect();
    let missing = ["In:", "Out:"].into_iter().filter(|word| !head.iter().any(|line| line.contains(word)));
    missing
        .map(|word| file.at(1, &format!("no `{word}` in the first {HEAD_LINES} lines: say what goes in and out")))
        .collect()
}

/// The files that are compiled for tests only, by name or because their parent says so.
pub(crate) fn test_files(files: &[Source]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for file in files {
        if file.name().starts_with("tests") {
            tests.insert(file.path.clone());
        }
        let (folder, name) = file.path.rsplit_once('/').unwrap_or_default();
        let below = if matches!(name, "mod.rs" | "lib.rs") { folder } else { file.path.trim_end_matches(".rs") };
        let lines: Vec<&str> = file.code.lines().map(str::trim).collect();
        let is_tests = |line: &str| line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,");
        for pair in lines.windows(2).filter(|pair| is_tests(pair[0]) && pair[1].ends_with(';')) {
            if let Some((_, module)) = pair[1].split_once("mod ") {
                tests.insert(format!("{below}/{}.rs", identifier(module)));
            }
        }
    }
    tests
}

/// Nothing half done.
pub(crate) fn leftovers(file: &Source) -> Vec<String> {
    let all = LEFTOVERS.iter().flat_map(|word| places(&file.code, word).into_iter().map(move |(_, line)| (line, word)));
    all.map(|(line, word)| file.at(line, &format!("{word}: finish it, or take it out"))).collect()
}
