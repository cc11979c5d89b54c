//! A document that keeps every state it ever had, and what that costs: undo is a matter of looking at another one.
//! Run it: `cargo run --release --example versions`.

use backstory::{CountingSink, DiffItem, HashMap};

fn main() -> backstory::Result<()> {
    let document: HashMap<u32, String> = (0..100_000).map(|line| (line, format!("line {line}"))).collect();
    let mut versions = vec![document];

    // A thousand edits, each a version; the one before stays as it is.
    for edit in 0..1000 {
        let line = edit * 7919 % 100_000;
        let next = versions[versions.len() - 1].update(line, format!("edited at {edit}"));
        versions.push(next);
    }

    // Any of them, at once.
    let (then, now) = (&versions[500], &versions[1000]);
    assert_eq!(then[&0], "edited at 0");
    assert_eq!(versions[0][&0], "line 0");

    // What came between two of them, without reading what they share.
    let changed = then.diff(now).count();
    println!(
        "{} versions of {} lines; from version 500 to the last {changed} lines changed",
        versions.len(),
        now.len()
    );
    if let Some(DiffItem::Update { old: (line, old), new: (_, new) }) = then.diff(now).next() {
        println!("line {line} was {old:?} and is {new:?}");
    }

    // What a log of all these versions would hold.
    let mut sink = CountingSink::new()?;
    let size = |_: &u32, text: &String| 8 + text.len();
    let first = sink.commit_map(&versions[0], size)?;
    let mut later = backstory::Counts::default();
    for version in &versions[1..] {
        later += sink.commit_map(version, size)?;
    }
    println!("on disk the first would take {} bytes, each later one {}", first.bytes(), later.bytes() / 1000);
    Ok(())
}
