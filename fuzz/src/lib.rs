//! What the fuzz targets share.
//!
//! In: structures that `arbitrary` makes of bytes. Out: hashers that clash; small logs, damage to them, and all the ways to look
//! at one. Each target says in its head what must hold.
//! Must hold: nothing here depends on the machine, the time or the process: an input does the same each time.
//! Uses: `backstory`, `arbitrary`, `rkyv`.

pub mod hashers;
pub mod logs;
