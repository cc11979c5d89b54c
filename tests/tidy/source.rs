//! The repository's files, and Rust text as the checks read it: without comments and literals.

use std::fs;
use std::path::Path;

/// A Rust file.
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and literals blanked, line for line.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Source { path: path.to_owned(), text: text.to_owned(), code: blanked(text) }
    }

    /// A finding at `line`, counted from 1.
    pub(crate) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// How many lines come before a test module at the end.
    pub(crate) fn own_lines(&self) -> usize {
        let lines: Vec<&str> = self.code.lines().map(str::trim).collect();
        let is_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{');
        lines.windows(2).position(is_tests).unwrap_or(lines.len())
    }
}

/// The Rust files below the folders, by path.
pub(crate) fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<String> = folders.iter().map(|f| f.to_string()).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.expect("a folder of the repository can be read");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                // A package of its own (benches/stores) has its own rules.
                if !entry.path().join("Cargo.toml").exists() {
                    folders.push(path)
                }
            } else if path.ends_with(".rs") {
                found.push(Source::new(&path, &fs::read_to_string(entry.path()).expect("source is UTF-8")))
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no sources in {}", root.display());
    found
}

/// The pages of prose, with their text.
pub(crate) fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for folder in ["docs", "docs/guides"] {
        for entry in fs::read_dir(root.join(folder)).expect("the folder is there") {
            let name = entry.expect("the folder can be read").file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") {
                paths.push(format!("{folder}/{name}"))
            }
        }
    }
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(root.join(&path)).expect(&path))).collect()
}

/// True for a character of an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `text` with comments, strings and characters as spaces; every line stays where it is.
pub(crate) fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = literal_end(&chars, i);
        if end == i {
            out.push(chars[i]);
            i += 1;
        } else {
            out.extend(chars[i..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            i = end
        }
    }
    out
}

/// Where the comment or literal that begins at `i` ends; `i` if none begins there.
pub(crate) fn literal_end(chars: &[char], i: usize) -> usize {
    let at = |j: usize| chars.get(j).copied().unwrap_or('\0');
    let find = |from: usize, is_end: &dyn Fn(usize) -> bool| (from..chars.len()).find(|&j| is_end(j));
    let end_of = |found: Option<usize>, len: usize| found.map_or(chars.len(), |j| j + len);
    let is_escaped = |j: usize| chars[..j].iter().rev().take_while(|&&c| c == '\\').count() % 2 == 1;
    match at(i) {
        '/' if at(i + 1) == '/' => end_of(find(i, &|j| at(j) == '\n'), 0),
        '/' if at(i + 1) == '*' => {
            let (mut depth, mut j) = (1, i + 2);
            while depth > 0 && j < chars.len() {
                let step: i32 = match (at(j), at(j + 1)) {
                    ('/', '*') => 1,
                    ('*', '/') => -1,
                    _ => 0,
                };
                depth += step;
                j += 1 + step.unsigned_abs() as usize;
            }
            j
        }
        '"' => end_of(find(i + 1, &|j| at(j) == '"' && !is_escaped(j)), 1),
        'r' if i == 0 || !is_word(at(i - 1)) || matches!(at(i - 1), 'b' | 'c') => {
            let hashes = chars[i + 1..].iter().take_while(|&&c| c == '#').count();
            if at(i + 1 + hashes) != '"' {
                return i;
            }
            let closes = |j: usize| at(j) == '"' && (1..=hashes).all(|k| at(j + k) == '#');
            end_of(find(i + 2 + hashes, &closes), 1 + hashes)
        }
        '\'' if at(i + 1) == '\\' => end_of(find(i + 3, &|j| at(j) == '\''), 1),
        '\'' if at(i + 2) == '\'' => i + 3,
        _ => i,
    }
}

/// The places of `word` in `code`, each with its line; never within a longer identifier.
pub(crate) fn places(code: &str, word: &str) -> Vec<(usize, usize)> {
    let bound = |c: Option<char>, edge: Option<char>| !(c.is_some_and(is_word) && edge.is_some_and(is_word));
    let is_whole = |at: usize| {
        bound(code[..at].chars().next_back(), word.chars().next())
            && bound(code[at + word.len()..].chars().next(), word.chars().next_back())
    };
    let lines = |at: usize| 1 + code[..at].matches('\n').count();
    code.match_indices(word).filter(|&(at, _)| is_whole(at)).map(|(at, _)| (at, lines(at))).collect()
}

/// The first identifier of `text`.
pub(crate) fn identifier(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// Where the brace closes that opens at `open`.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (i, c) in code[open..].char_indices() {
        depth += (c == '{') as i32 - (c == '}') as i32;
        if depth == 0 {
            return open + i;
        }
    }
    code.len()
}

/// What stands behind each `prefix` (`crate::`, `std::`) with its line: one name, or those of a group.
pub(crate) fn names_behind<'a>(code: &'a str, prefix: &str) -> Vec<(usize, &'a str)> {
    let mut names = Vec::new();
    for (at, line) in places(code, prefix) {
        let rest = code[at + prefix.len()..].trim_start();
        if !rest.starts_with('{') {
            names.push((line, identifier(rest)));
            continue;
        }
        let group = &rest[1..closing(rest, 0)];
        let mut depth = 0;
        let parts = group.split(|c| {
            depth += (c == '{') as i32 - (c == '}') as i32;
            c == ',' && depth == 0
        });
        names.extend(parts.map(identifier).filter(|name| !name.is_empty()).map(|name| (line, name)));
    }
    names
}
