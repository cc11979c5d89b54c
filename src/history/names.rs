//! Names of versions: branches, which go along with the versions that are made on them, and tags, which stay.
//!
//! In: names, and where they lead. Out: the same, and the branch that new versions are made on.
//! Must hold: H5.
//! Uses: `map`, `error`.

use crate::error::{Error, ErrorKind, Result};
use crate::map::{DiffItem, HashMap};

/// All names of a timeline's versions. It is written when a name changes, not when a version is made: the branch we are on
/// leads to the newest version, if there is one that [`Names`] had not seen.
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

impl Names {
    /// How many names there are.
    pub(crate) fn len(&self) -> u64 {
        self.all.len() as u64
    }

    /// The branch that new versions are made on.
    pub(crate) fn on(&self) -> Option<&str> {
        self.on.as_deref()
    }

    /// Where a name leads, and whether it is a branch; `count` is how many versions there are.
    ///
    /// # Errors
    /// `NotFound`; what the storage says.
    pub(crate) fn get(&self, name: &str, count: u64) -> Result<(u64, bool)> {
        let not_found = || Error::new(ErrorKind::NotFound, format!("there is no branch or tag named {name:?}"));
        let found = *self.all.try_get(name)?.ok_or_else(not_found)?;
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

    /// With a new name.
    ///
    /// # Errors
    /// `Invalid` if it is no name, or taken; what the storage says.
    pub(crate) fn with(&self, name: &str, is_branch: bool, id: u64, count: u64) -> Result<Self> {
        let mut names = self.settled(count)?;
        names.check_new(name)?;
        names.all.try_insert(name.to_owned(), Name { is_branch, id })?;
        Ok(names)
    }

    /// With a name less.
    ///
    /// # Errors
    /// `NotFound`; what the storage says.
    pub(crate) fn without(&self, name: &str, count: u64) -> Result<Self> {
        self.get(name, count)?;
        let mut names = self.settled(count)?;
        names.all.try_remove(name)?;
        names.on = names.on.filter(|on| on != name);
        Ok(names)
    }

    /// With another name for what `from` leads to.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` if `to` is no name, or taken; what the storage says.
    pub(crate) fn renamed(&self, from: &str, to: &str, count: u64) -> Result<Self> {
        let (id, is_branch) = self.get(from, count)?;
        let mut names = self.settled(count)?;
        names.check_new(to)?;
        names.all.try_remove(from)?;
        names.all.try_insert(to.to_owned(), Name { is_branch, id })?;
        names.on = names.on.map(|on| if on == from { to.to_owned() } else { on });
        Ok(names)
    }

    /// With this branch for new versions, or none.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn standing_on(&self, branch: Option<&str>, count: u64) -> Result<Self> {
        let mut names = self.settled(count)?;
        names.on = branch.map(str::to_owned);
        Ok(names)
    }

    /// With this version as the saved one.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn saved_at(&self, id: u64, count: u64) -> Result<Self> {
        let mut names = self.settled(count)?;
        names.saved = Some(id);
        Ok(names)
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
