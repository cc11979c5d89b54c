//! What a results file says of the run, in both tables: here, and in benches/stores, which reads this file too.
//! In: paths within the package. Out: commit, machine, figures as text.

use std::process::Command;

/// The commit, and whether something differs from it below these paths.
pub fn commit(paths: &[&str]) -> String {
    let is_dirty = !output("git", &[&["status", "--porcelain", "--"], paths].concat()).is_empty();
    let dirt = if is_dirty { " with uncommitted changes" } else { "" };
    format!("{}{dirt}", or_unknown(output("git", &["rev-parse", "HEAD"])))
}

pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name| info.lines().filter_map(|line| line.split_once(':')).find(|(k, _)| k.trim() == name);
    let model = field("model name").map_or("unknown CPU", |(_, model)| model.trim());
    let family = field("cpu family").map_or("?", |(_, family)| family.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, family {family}, {cores} cores, {}", std::env::consts::ARCH)
}

pub fn rustc() -> String {
    or_unknown(output("rustc", &["--version"]))
}

pub fn date() -> String {
    or_unknown(output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]))
}

/// Three significant digits, or all before the point.
pub fn digits(x: f64) -> String {
    match x {
        x if x < 10.0 => format!("{x:.2}"),
        x if x < 100.0 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    }
}

pub fn or_unknown(text: String) -> String {
    if text.is_empty() { "unknown".into() } else { text }
}

/// What `program` prints in the package's folder, or nothing if it cannot.
fn output(program: &str, args: &[&str]) -> String {
    let result = Command::new(program).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let done = result.ok().filter(|out| out.status.success());
    done.map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}
