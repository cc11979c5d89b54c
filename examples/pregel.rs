//! A long computation that survives being killed: the components of a real graph, vertex by vertex as in Pregel, each superstep
//! a durable version. A child process is killed after some superstep; the next one goes on from there, to the same end.
//! Run it: `cargo run --release --example pregel`.

#[path = "data/calls.rs"]
mod calls;

use backstory::{Digest, HashMap, HashSet, Timeline};
use rkyv::{Archive, Deserialize, Serialize};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

#[derive(Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
struct State {
    /// The lowest vertex that each has heard of.
    lowest: HashMap<u32, u32>,
    /// Those that heard of it in the last superstep, and tell their neighbours in the next.
    heard: HashSet<u32>,
}

fn superstep(graph: &[Vec<u32>], state: &mut State) {
    let mut messages = std::collections::BTreeMap::new();
    for &from in &state.heard {
        let own = state.lowest[&from];
        for to in graph[from as usize].iter().filter(|to| own < state.lowest[*to]) {
            let lowest = messages.entry(*to).or_insert(own);
            *lowest = own.min(*lowest)
        }
    }
    state.heard = messages.keys().copied().collect();
    state.lowest.extend(messages)
}

/// Goes on from the last superstep that is durable, to the end.
fn compute(path: &Path) -> backstory::Result<(Timeline<State>, Digest)> {
    let graph = calls::read();
    let all = graph.len() as u32;
    let first = State { lowest: (0..all).map(|v| (v, v)).collect(), heard: (0..all).collect() };
    let mut timeline = Timeline::open(path, || first)?;
    let mut bytes = timeline.verify()?.bytes;
    while !timeline.state().heard.is_empty() {
        timeline.edit(&format!("superstep {}", timeline.head().number() + 1), |state| superstep(&graph, state))?;
        let (heard, before) = (timeline.state().heard.len(), bytes);
        bytes = timeline.verify()?.bytes;
        println!("superstep {}: {heard} of {all} vertices changed, {} bytes", timeline.head(), bytes - before)
    }
    let digest = timeline.digest(timeline.head())?;
    Ok((timeline, digest))
}

fn main() -> backstory::Result<()> {
    if let Some(path) = std::env::args_os().nth(1) {
        return compute(path.as_ref()).map(|_| ());
    }
    let folder = |name| std::env::temp_dir().join(format!("backstory-pregel-{name}-{}", std::process::id()));
    let (whole, killed) = (folder("whole"), folder("killed"));
    let (timeline, expected) = compute(&whole)?;
    let random = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").subsec_micros();
    let steps = 1 + random as usize % (timeline.head().number() as usize - 1);
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program).arg(&killed).stdout(Stdio::piped()).spawn().expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert_eq!(lines.take(steps).count(), steps);
    child.kill().and_then(|()| child.wait()).expect("it is killed");
    println!("killed after superstep {steps}; goes on");
    let (resumed, digest) = compute(&killed)?;
    assert_eq!((digest, resumed.head()), (expected, timeline.head()));
    // What has not changed is not written again.
    assert!(timeline.verify()?.bytes < 6_000_000);
    let components: std::collections::HashSet<_> = resumed.state().lowest.values().collect();
    println!("{} components, {digest}", components.len());
    assert_eq!(components.len(), 124);
    drop((timeline, resumed));
    [whole, killed].iter().for_each(|path| std::fs::remove_dir_all(path).expect("the folder is there"));
    Ok(())
}
