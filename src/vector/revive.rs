//! Nodes as they come back from a log.
//!
//! In: a stored word, where it thaws from, and what the link to it says: its level and length. Out: a resident node.
//! Must hold: what is not what the link says is `Corrupt`; L8.
//! Uses: `link`, `node`, `inner`, `leaf`, `error`.
#![allow(unsafe_code)] // Words from storage: docs/ARCHITECTURE.md, "Unsafe".

use super::inner::*;
use super::leaf::*;
use super::node::*;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{Count, Origin, Word};
use std::sync::Arc;

/// The node of a stored word that stands in no node yet.
pub(super) fn load<A, C: Count>(
    stored: Word,
    origin: Option<&Arc<Origin>>,
    level: u32,
    len: usize,
) -> Result<Node<A, C>> {
    count!(Thaw);
    let origin = origin.expect("L8: stored links have an origin");
    let address = stored.address().expect("stored");
    // SAFETY: origins in nodes of this tree load nodes of this tree, and the count is ours.
    let node = unsafe { Node::<A, C>::from_word(origin.source.load(origin, address)?) };
    let is_as_said = match node.word().tag() {
        LEAF => {
            let head = Leaf::new(node.link()).head();
            level == 0 && head.first.get() == 0 && head.end.get() == len
        }
        STRICT | RELAXED => {
            let inner = Inner::new(node.link());
            level > 0 && inner.level() == level && fits(inner, level, len)
        }
        _ => false,
    };
    if !is_as_said {
        let what = format!("address {}: vector node: it is not what the link to it says", address.units());
        return Err(Error::new(ErrorKind::Corrupt, what));
    }
    Ok(node)
}

/// True if the node's children can make up so many elements.
fn fits<A, C: Count>(inner: Inner<'_, A, C>, level: u32, len: usize) -> bool {
    let (n, full) = (inner.n(), Rrb::<A, C>::full(level - 1));
    match inner.ends() {
        Some(ends) => ends.last() == Some(&len),
        None => n > 0 && (n - 1) * full < len && len <= n * full,
    }
}

/// The node behind a stub, thawed if it is stored.
#[inline(always)]
pub(super) fn through_stub<A, C: Count>(root: NodeRef<'_, A, C>, _len: usize) -> Result<NodeRef<'_, A, C>> {
    debug_assert!(root.tag() != STUB, "no vector is stored yet");
    Ok(root)
}
