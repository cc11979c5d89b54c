//! The waiting for one sync under loom, which tries every interleaving.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib store::models`
//!
//! In: threads that append to a counter. Out: nobody returns before what it appended is durable, none waits for ever.

use super::group::Waiting;
use crate::error::{Error, ErrorKind};
use crate::link::models::explore;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::SeqCst};
use loom::thread;
use std::time::Duration;

/// What is there, what of it is durable, and how many syncs there were.
struct Device {
    end: AtomicU64,
    durable: AtomicU64,
    syncs: AtomicU64,
}

fn model(fails_at: Option<u64>) {
    explore(move || {
        let device = Device { end: AtomicU64::new(0), durable: AtomicU64::new(0), syncs: AtomicU64::new(0) };
        let shared = Arc::new((Waiting::new(Duration::ZERO), device));
        let append = move |(waiting, device): &(Waiting, Device)| {
            let end = device.end.fetch_add(1, SeqCst) + 1;
            let result = waiting.wait(end, || {
                let upto = device.end.load(SeqCst);
                if Some(device.syncs.fetch_add(1, SeqCst)) == fails_at {
                    return Err(Error::new(ErrorKind::Io, "the device failed"));
                }
                device.durable.fetch_max(upto, SeqCst);
                Ok(upto)
            });
            match result {
                Ok(()) => assert!(device.durable.load(SeqCst) >= end),
                Err(error) => assert!(fails_at.is_some() && error.kind() == ErrorKind::Io),
            }
        };
        let own = shared.clone();
        let other = thread::spawn(move || append(&own));
        append(&shared);
        append(&shared);
        other.join().unwrap();
        let syncs = shared.1.syncs.load(SeqCst);
        // After one that failed nobody tries again.
        assert!(syncs <= fails_at.map_or(3, |at| at + 1), "{syncs} syncs for three")
    })
}

#[test]
fn who_returns_is_durable() {
    model(None)
}

#[test]
fn a_sync_that_failed_is_an_error_for_all_that_it_was_for_and_for_all_that_come() {
    model(Some(0));
    model(Some(1))
}
