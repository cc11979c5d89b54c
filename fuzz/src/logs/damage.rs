//! Changes of a log's bytes.
//!
//! In: changes, of any bytes, of words and stamps of its records, of whole records, of files; whether checksums are made right again.
//! Out: the files after them, and whether any record is forged: good, and none that was there before.
//! Must hold: a change that does not fit does nothing.
//! Uses: `bases`, the crate's `fuzzing`.

use super::bases::Log;
use arbitrary::Arbitrary;
use backstory::fuzzing::{self, Place};

/// The first addresses that files are named by, and their contents.
pub type Files = Vec<(u64, Vec<u8>)>;

#[derive(Arbitrary, Debug)]
pub enum Change {
    Flip {
        at: u32,
        bit: u8,
    },
    /// A byte of a record's body, counted from its beginning.
    Byte {
        record: u16,
        at: u16,
        value: u8,
    },
    Bytes {
        record: u16,
        at: u16,
        bytes: [u8; 4],
    },
    /// A byte of a stamp.
    Stamp {
        stamp: u16,
        at: u8,
        value: u8,
    },
    /// A word gets the address of another record; its spare bits may change.
    Link {
        record: u16,
        word: u8,
        to: u16,
        spare: Option<u32>,
    },
    /// A word's spare bits.
    Spare {
        record: u16,
        word: u8,
        spare: u32,
    },
    Word {
        record: u16,
        word: u8,
        value: u64,
    },
    Kind {
        record: u16,
        kind: u8,
    },
    /// A record's body becomes that of another, cut or filled up.
    Copy {
        from: u16,
        to: u16,
    },
    /// A record is two.
    Divide {
        record: u16,
        at: u8,
        kind: u8,
    },
    Zero {
        at: u32,
        len: u16,
    },
    Truncate {
        file: u8,
        at: u32,
    },
    Extend {
        file: u8,
        byte: u8,
        len: u16,
    },
    Remove {
        file: u8,
    },
    SwapFiles {
        a: u8,
        b: u8,
    },
    Superblock {
        file: u8,
        at: u8,
        value: u8,
    },
    Anchor {
        file: u8,
        slot: bool,
        stamp: u16,
        end: u16,
    },
}

/// A file and a record in it, of those that there were.
fn record(files: &Files, n: u16, is_wanted: impl Fn(&Place) -> bool) -> Option<(usize, Place)> {
    let all = files
        .iter()
        .enumerate()
        .flat_map(|(i, (_, bytes))| fuzzing::records(bytes).into_iter().map(move |place| (i, place)));
    let all: Vec<_> = all.filter(|(_, place)| is_wanted(place)).collect();
    (!all.is_empty()).then(|| all[(n as usize * all.len()) >> 16])
}

fn address(files: &Files, (file, place): (usize, Place)) -> u64 {
    fuzzing::address(&files[file].1, place.offset).unwrap_or(0)
}

fn is_stamp(place: &Place) -> bool {
    place.kind == 1
}

fn is_node(place: &Place) -> bool {
    place.kind != 1
}

impl Change {
    /// None if it does not fit.
    pub fn apply(&self, files: &mut Files) -> Option<()> {
        let file = |file: u8, files: &Files| (!files.is_empty()).then(|| file as usize % files.len());
        match *self {
            Change::Flip { at, bit } => {
                let (_, bytes) = files.get_mut(at as usize >> 28)?;
                let at = at as usize & ((1 << 28) - 1);
                *bytes.get_mut(at)? ^= 1 << (bit % 8)
            }
            Change::Byte { record: n, at, value } => {
                let (file, place) = record(files, n, is_node)?;
                files[file].1[place.offset..][8..place.len][at as usize % (place.len - 8).max(1)..]
                    .first_mut()
                    .map(|byte| *byte = value)?
            }
            Change::Bytes { record: n, at, bytes } => {
                let (file, place) = record(files, n, is_node)?;
                let body = &mut files[file].1[place.offset..][8..place.len];
                let at = at as usize % body.len().max(1);
                body.get_mut(at..at + 4)?.copy_from_slice(&bytes)
            }
            Change::Stamp { stamp, at, value } => {
                let (file, place) = record(files, stamp, is_stamp)?;
                let body = &mut files[file].1[place.offset..][8..place.len];
                let at = at as usize % body.len().max(1);
                *body.get_mut(at)? = value
            }
            Change::Link { record: n, word, to, spare } => {
                let to = address(files, record(files, to, |_| true)?);
                let (file, place) = record(files, n, is_node)?;
                change_word(&mut files[file].1, place, word, |old| {
                    to << 20 | spare.map_or(old, u64::from) & ((1 << 20) - 1)
                })?
            }
            Change::Spare { record: n, word, spare } => {
                let (file, place) = record(files, n, is_node)?;
                change_word(&mut files[file].1, place, word, |old| {
                    old >> 20 << 20 | u64::from(spare) & ((1 << 20) - 1)
                })?
            }
            Change::Word { record: n, word, value } => {
                let (file, place) = record(files, n, is_node)?;
                change_word(&mut files[file].1, place, word, |_| value)?
            }
            Change::Kind { record: n, kind } => {
                let (file, place) = record(files, n, |_| true)?;
                files[file].1[place.offset + 7] = kind
            }
            Change::Copy { from, to } => {
                let ((from, a), (to, b)) = (record(files, from, |_| true)?, record(files, to, |_| true)?);
                let mut body = files[from].1[a.offset..][8..a.len].to_vec();
                body.resize(b.len - 8, 0);
                files[to].1[b.offset..][8..b.len].copy_from_slice(&body);
                files[to].1[b.offset + 7] = a.kind
            }
            Change::Divide { record: n, at, kind } => {
                let (file, place) = record(files, n, is_node)?;
                let units = place.len / 8 - 1;
                let front = at as usize % units.max(1);
                let bytes = &mut files[file].1[place.offset..][..place.len];
                let behind = units.checked_sub(front + 1)?;
                bytes[4..7].copy_from_slice(&(front as u32).to_le_bytes()[..3]);
                bytes[8 + front * 8 + 4..][..3].copy_from_slice(&(behind as u32).to_le_bytes()[..3]);
                bytes[8 + front * 8 + 7] = kind
            }
            Change::Zero { at, len } => {
                let (_, bytes) = files.get_mut(at as usize >> 28)?;
                let at = (at as usize & ((1 << 28) - 1)).min(bytes.len());
                let end = (at + len as usize).min(bytes.len());
                bytes[at..end].fill(0)
            }
            Change::Truncate { file: n, at } => {
                let n = file(n, files)?;
                files[n].1.truncate(at as usize)
            }
            Change::Extend { file: n, byte, len } => {
                let n = file(n, files)?;
                let new = files[n].1.len() + len as usize;
                files[n].1.resize(new, byte)
            }
            Change::Remove { file: n } => {
                let n = file(n, files)?;
                files.remove(n);
            }
            Change::SwapFiles { a, b } => {
                let (a, b) = (file(a, files)?, file(b, files)?);
                (files[a].0, files[b].0) = (files[b].0, files[a].0)
            }
            Change::Superblock { file: n, at, value } => {
                let n = file(n, files)?;
                // Behind the magic bytes and the version.
                *files[n].1.get_mut(12 + at as usize)? = value
            }
            Change::Anchor { file: n, slot, stamp, end } => {
                let (stamp, end) =
                    (address(files, record(files, stamp, is_stamp)?), address(files, record(files, end, |_| true)?));
                let n = file(n, files)?;
                let slot = files[n].1.get_mut(2048 + 1024 * usize::from(slot)..)?.get_mut(..24)?;
                slot[8..16].copy_from_slice(&stamp.to_le_bytes());
                slot[16..].copy_from_slice(&end.to_le_bytes())
            }
        }
        Some(())
    }
}

fn change_word(bytes: &mut [u8], place: Place, word: u8, f: impl FnOnce(u64) -> u64) -> Option<()> {
    let body = &mut bytes[place.offset..][8..place.len];
    let word = body.chunks_exact_mut(8).nth(word as usize % (place.len / 8 - 1).max(1))?;
    let new = f(u64::from_le_bytes((&*word).try_into().unwrap()));
    word.copy_from_slice(&new.to_le_bytes());
    Some(())
}

/// Makes the checksums of all records right.
pub fn reseal(files: &mut Files) {
    let mut segments: Vec<Vec<u8>> = files.iter_mut().map(|(_, bytes)| std::mem::take(bytes)).collect();
    fuzzing::reseal(&mut segments);
    files.iter_mut().zip(segments).for_each(|((_, bytes), sealed)| *bytes = sealed)
}

/// Whether a record that was changed is good all the same.
pub fn is_forged(log: &Log, files: &Files) -> bool {
    let mut again = files.clone();
    reseal(&mut again);
    files.iter().zip(&again).any(|((_, bytes), (_, again))| {
        fuzzing::records(bytes).into_iter().any(|place| {
            let range = place.offset..place.offset + place.len;
            let record = &bytes[range.clone()];
            let is_old = |of_log: &Vec<u8>| of_log.get(range.clone()) == Some(record);
            record == &again[range.clone()] && !log.segments.values().any(is_old)
        })
    })
}
