//! An editor whose undo survives a restart: a recorded session, keystroke by keystroke, into a log on disk; the program ends,
//! begins again, and goes back to the empty document and forth to the last keystroke.
//! Run it: `cargo run --release --example editor_undo`.

#[path = "data/trace.rs"]
#[allow(dead_code)] // Others need all of it.
mod trace;

use backstory::{Durability, Timeline, Vector};
use std::path::Path;
use std::time::Instant;

type Document = Vector<char>;

fn open(path: &Path) -> backstory::Result<Timeline<Document>> {
    // An editor syncs when it is idle; until then a version survives the end of the program, not a loss of power.
    Timeline::options().durability(Durability::None).open(path, Document::new)
}

/// Runs `f` and prints how long each of `count` took.
fn timed<R>(what: &str, count: u64, f: impl FnOnce() -> backstory::Result<R>) -> backstory::Result<R> {
    let begin = Instant::now();
    let result = f()?;
    println!("{what}: {:.2} us each of {count}", begin.elapsed().as_secs_f64() * 1e6 / count as f64);
    Ok(result)
}

fn main() -> backstory::Result<()> {
    let session = trace::read("sveltecomponent");
    let path = std::env::temp_dir().join(format!("backstory-editor-{}", std::process::id()));
    let mut editor = open(&path)?;
    timed("type", session.txns.len() as u64, || {
        for keystroke in &session.txns {
            editor.edit("type", |text| {
                for patch in &keystroke.patches {
                    text.splice(patch.range(), patch.inserted());
                }
            })?;
        }
        editor.flush()
    })?;
    let last = editor.head();
    let report = editor.verify()?;
    let (versions, bytes) = (report.versions, report.bytes / report.versions);
    println!("{versions} versions of up to {} characters, {bytes} bytes each", editor.state().len());
    drop(editor);

    // Later.
    let mut editor = timed("open", 1, || open(&path))?;
    assert_eq!(editor.state().iter().collect::<String>(), session.end_content);
    let undone = timed("undo", last.number(), || {
        let mut undone = 0;
        while editor.undo()?.is_some() {
            undone += 1
        }
        Ok(undone)
    })?;
    assert_eq!((undone, editor.state().iter().collect::<String>()), (last.number(), session.start_content));
    timed("redo", last.number(), || {
        while editor.redo()?.is_some() {}
        Ok(())
    })?;
    assert_eq!(editor.head(), last);
    assert_eq!(editor.state().iter().collect::<String>(), session.end_content);
    drop(editor);
    std::fs::remove_dir_all(&path).expect("the folder is there");
    Ok(())
}
