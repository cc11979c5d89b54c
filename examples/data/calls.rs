//! Reads the graph of this folder: the functions of a program, and which calls which.
//! In: `calls.txt.gz`. Out: for each function those that it calls, and those that call it.

use flate2::read::GzDecoder;
use std::fs::File;
use std::io::Read;

/// Reads it.
pub fn read() -> Vec<Vec<u32>> {
    let file = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/calls.txt.gz")).expect("it is there");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("it is whole");
    let mut graph = Vec::new();
    for line in text.lines() {
        let vertices: Vec<u32> = line.split(' ').map(|n| n.parse().expect("a number")).collect();
        graph.resize(graph.len().max(*vertices.iter().max().expect("a vertex") as usize + 1), Vec::new());
        for &to in &vertices[1..] {
            graph[vertices[0] as usize].push(to);
            graph[to as usize].push(vertices[0])
        }
    }
    graph
}
