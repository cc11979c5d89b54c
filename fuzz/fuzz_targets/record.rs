//! Records from any bytes.
//!
//! In: a kind, an address, and a body; or 4096 bytes as a superblock.
//! Out: nothing; a panic if anything of this does not hold.
//! Must hold: nothing panics; every address that is found is before the record's own; `links` finds all that the reader of a
//! record follows; a stamp that is read and written anew is the same one.
//! Uses: the crate's `fuzzing`.

#![no_main]

use arbitrary::Arbitrary;
use backstory::fuzzing::{read_block, read_record, read_stamp};
use backstory::json::Json;
use backstory::{HashMap, Vector};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    what: u8,
    kind: u8,
    /// Most addresses are behind it if it is small.
    at: u64,
    at_bits: u8,
    body: &'a [u8],
}

/// So that rkyv finds it aligned, as records are in memory.
#[repr(align(16))]
struct Aligned([u8; 4096]);

fuzz_target!(|input: Input<'_>| {
    let mut aligned = Aligned([0; 4096]);
    let len = input.body.len().min(aligned.0.len());
    aligned.0[..len].copy_from_slice(&input.body[..len]);
    let at = input.at >> (input.at_bits % 64);
    // Bodies are whole units.
    let body = &aligned.0[..len.next_multiple_of(8)];
    // Kinds that there are, more often than others.
    let kind = if input.kind & 0x40 != 0 { (64 + input.kind % 13) | (input.kind & 0x80) } else { input.kind };
    match input.what % 7 {
        0 => read_stamp(&input.body[..len], at),
        1 => read_record::<u64, u64>(kind, body, at),
        2 => read_record::<String, Vector<u64>>(kind, body, at),
        3 => read_record::<u8, (bool, Option<Box<str>>)>(kind, body, at),
        4 => read_record::<String, Json>(kind, body, at),
        5 => read_record::<(u16, String), HashMap<u64, Vector<String>>>(kind, body, at),
        _ => {
            let mut block = aligned;
            block.0[..8].copy_from_slice(b"bkstory\x1a");
            let mut segment = vec![block.0.to_vec()];
            backstory::fuzzing::reseal(&mut segment);
            read_block(&segment[0])
        }
    }
});
