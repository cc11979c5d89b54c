//! Names of versions: branches, which go along with the versions that are made on them, and tags, which stay.
//!
//! In: names, and where they lead. Out: the same, and the branch that new versions are made on.
//! Must hold: H5.
//! Uses: `change`, `map`, `error`.

use super::change::Change;
use crate::error::{Error, ErrorKind, Result};
use crate::map::{DiffItem, HashMap};

/// All names of a timeline's versions. It changes when a name does, not when a version is made: the branch we are on leads to
/// the newest version, if there is one that [`Names`] had not seen.
#[derive(Clone, Default, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(crate) struct Names {
    all: HashMap<String, Name>,
    /// The branch that new versions are made on.
    on: Option<String>,
    /// How many versions there were when these names were written.
    seen: u64,
    /// The version that the user calls saved.
    pub(crate) saved: Option<u64>,
}

/// Where a name leads.
#[derive(Clone, Copy, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
struct Name {
    is_branch: bool,
    id: u64,
}

/// The longest name, in bytes.
const MOST_NAME_BYTES: usize = 255;

fn not_found(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no branch or tag named {name:?}"))
}

impl Names {
    /// The branch that new versions are made on.
    pub(crate) fn on(&self) -> Option<&str> {
        self.on.as_deref()
    }

    /// Where a name leads, and whether it is a branch; `count` is how many versions there are.
    ///
    /// # Errors
    /// `NotFound`; what the storage says.
    pub(crate) fn get(&self, name: &str, count: u64) -> Result<(u64, bool)> {
        let found = *self.all.try_get(name)?.ok_or_else(|| not_found(name))?;
        Ok((self.lead(name, found, count), found.is_branch))
    }

    fn lead(&self, name: &str, found: Name, count: u64) -> u64 {
        if self.on() == Some(name) && count > self.seen { count - 1 } else { found.id }
    }

    /// All branches, or all tags, by name.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn list(&self, branches: bool, count: u64) -> Result<Vec<(String, u64)>> {
        let mut list = Vec::new();
        self.all.try_for_each(|name, &found| {
            if found.is_branch == branches {
                list.push((name.clone(), self.lead(name, found, count)))
            }
            Ok::<(), Error>(())
        })?;
        list.sort_unstable();
        Ok(list)
    }

    /// Calls `f` with where each name that is not the same in `new` led to and leads to, as they were written.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn try_diff(&self, new: &Names, mut f: impl FnMut(Option<u64>, Option<u64>)) -> Result<()> {
        self.all.try_diff(&new.all, |item| match item {
            DiffItem::Add(_, new) => f(None, Some(new.id)),
            DiffItem::Update { old: (_, old), new: (_, new) } => f(Some(old.id), Some(new.id)),
            DiffItem::Remove(_, old) => f(Some(old.id), None),
        })
    }

    /// Where the branch that new versions are made on led to when it was written.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn on_id(&self) -> Result<Option<u64>> {
        let found = self.on().map(|on| self.all.try_get(on)).transpose()?;
        Ok(found.flatten().map(|found| found.id))
    }

    /// These names as they are to be written when there are `count` versions: what the branch we are on leads to is said.
    fn settled(&self, count: u64) -> Result<Self> {
        let mut names = self.clone();
        if let Some(on) = self.on() {
            let (id, is_branch) = self.get(on, count)?;
            names.all.try_insert(on.to_owned(), Name { is_branch, id })?;
        }
        names.seen = count;
        Ok(names)
    }

    /// These names with this changed, when there are `count` versions.
    ///
    /// # Errors
    /// `Invalid` if a new name is none, or taken, or names a version that there is not; `NotFound` if an old one is not there;
    /// what the storage says.
    pub(crate) fn changed(&self, change: &Change, count: u64) -> Result<Self> {
        let mut names = self.settled(count)?;
        match change {
            Change::Branch { name, id } => {
                names.insert(name, Name { is_branch: true, id: *id })?;
                names.on = Some(name.clone())
            }
            Change::Tag { name, id } => names.insert(name, Name { is_branch: false, id: *id })?,
            Change::Delete { name } => {
                names.remove(name)?;
                names.on = names.on.filter(|on| on != name)
            }
            Change::Rename { from, to } => {
                let (id, is_branch) = names.get(from, count)?;
                names.insert(to, Name { is_branch, id })?;
                names.remove(from)?;
                names.on = names.on.map(|on| if on == *from { to.clone() } else { on })
            }
            Change::Stand { on } => {
                on.as_ref().map(|on| names.branch(on, count)).transpose()?;
                names.on = on.clone()
            }
            Change::Save { id } => names.saved = Some(names.version(*id)?),
        }
        Ok(names)
    }

    /// Where a branch leads.
    ///
    /// # Errors
    /// `NotFound` if there is no such name; `Invalid` if it is a tag's; what the storage says.
    pub(crate) fn branch(&self, name: &str, count: u64) -> Result<u64> {
        let (id, is_branch) = self.get(name, count)?;
        let is_tag = || format!("{name:?} is a tag, which no version moves: check out {id}, or begin a branch there");
        is_branch.then_some(id).ok_or_else(|| Error::new(ErrorKind::Invalid, is_tag()))
    }

    fn insert(&mut self, name: &str, named: Name) -> Result<()> {
        self.check_new(name)?;
        let id = self.version(named.id)?;
        self.all.try_insert(name.to_owned(), Name { id, ..named }).map(drop)
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        self.all.try_remove(name)?.map(drop).ok_or_else(|| not_found(name))
    }

    /// A version's number, if there is one of it.
    fn version(&self, id: u64) -> Result<u64> {
        let none =
            || Error::new(ErrorKind::Invalid, format!("there is no version {id} to name: there are {}", self.seen));
        (id < self.seen).then_some(id).ok_or_else(none)
    }

    fn check_new(&self, name: &str) -> Result<()> {
        let wrong = if name.is_empty() {
            "is empty"
        } else if name.len() > MOST_NAME_BYTES {
            "is longer than 255 bytes"
        } else if name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            "has a space or a control character in it"
        } else if name.starts_with(['@', '-']) {
            "begins with '@' or '-', which are reserved"
        } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
            "is a number, which names a version already"
        } else if self.all.try_get(name)?.is_some() {
            "is taken: delete that branch or tag first, or rename it"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Invalid, format!("the name {name:?} {wrong}")))
    }
}
