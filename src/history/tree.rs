//! Children and leaves of versions.
//!
//! In: versions as they are made, and as they are let go. Out: the children of each, and all versions without any.
//! Must hold: H4.
//! Uses: `lineage`, `map`, `set`, `vector`, `error`.

use super::lineage::Lineage;
use crate::error::Result;
use crate::map::HashMap;
use crate::set::HashSet;
use crate::vector::Vector;

/// What the versions themselves do not say. Both parts stay small where people undo little: a version that follows the
/// newest one changes nothing.
#[derive(Clone, Default, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(crate) struct Tree {
    /// Of a version, those of its children that do not have the next number after it, oldest first.
    children: HashMap<u64, Vector<u64>>,
    /// Versions without children, but for the newest.
    leaves: HashSet<u64>,
}

impl Tree {
    /// The tree with a new version made from `parent`, after `newest`.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn with(&self, parent: u64, newest: u64) -> Result<Self> {
        let mut tree = self.clone();
        if parent != newest {
            let mut children = tree.children.try_get(&parent)?.cloned().unwrap_or_default();
            children.try_push_back(newest + 1)?;
            tree.children.try_insert(parent, children)?;
            tree.leaves.map.try_remove(&parent)?;
            tree.leaves.map.try_insert(newest, ())?;
        }
        Ok(tree)
    }

    /// Forgets a version that was let go, and whose parent this is.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn forget(&mut self, id: u64, parent: u64) -> Result<()> {
        self.children.try_remove(&id)?;
        self.leaves.map.try_remove(&id)?;
        let Some(children) = self.children.try_get(&parent)? else { return Ok(()) };
        let Ok(at) = children.binary_search(&id) else { return Ok(()) };
        let mut children = children.clone();
        children.try_remove(at)?;
        match children.is_empty() {
            true => _ = self.children.try_remove(&parent)?,
            false => _ = self.children.try_insert(parent, children)?,
        }
        Ok(())
    }

    /// The children of a version, oldest first. `newest` is the newest version there is.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn children(&self, lineage: &impl Lineage, id: u64, newest: u64) -> Result<Vec<u64>> {
        let next = id + 1;
        let mut children = Vec::new();
        if next <= newest && lineage.line(next)?.parent == id {
            children.push(next)
        }
        if let Some(others) = self.children.try_get(&id)? {
            others.try_for_each(|&child| {
                if child <= newest && child != next {
                    children.push(child)
                }
                Ok::<(), crate::Error>(())
            })?
        }
        Ok(children)
    }

    /// All versions without children, the oldest first.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn leaves(&self, newest: u64) -> Result<Vec<u64>> {
        let mut leaves = vec![newest];
        self.leaves.map.try_for_each(|&leaf, ()| {
            leaves.push(leaf);
            Ok::<(), crate::Error>(())
        })?;
        leaves.sort_unstable();
        Ok(leaves)
    }

    /// How many children and leaves it knows.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.children.values().map(Vector::len).sum::<usize>() + self.leaves.len()
    }
}
