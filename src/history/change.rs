//! One change of names, as it is asked for and as a log notes it.
//!
//! In: what is to change. Out: the same as a few bytes, and back.
//! Must hold: what is read is what was written; bytes that say otherwise are no change.
//! Uses: `varint`. Bytes: docs/FORMAT.md, "Names".

use crate::varint;

/// A change of names.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Change {
    /// A branch begins at a version, and new versions are made on it.
    Branch { name: String, id: u64 },
    /// A version gets a tag.
    Tag { name: String, id: u64 },
    /// A name is taken away.
    Delete { name: String },
    /// A name gives way to another.
    Rename { from: String, to: String },
    /// New versions are made on a branch, or on none.
    Stand { on: Option<String> },
    /// A version is the saved one.
    Save { id: u64 },
}

const BRANCH: u8 = 1;
const TAG: u8 = 2;
const DELETE: u8 = 3;
const RENAME: u8 = 4;
const STAND: u8 = 5;
const LEAVE: u8 = 6;
const SAVE: u8 = 7;

impl Change {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (verb, number, texts) = match self {
            Change::Branch { name, id } => (BRANCH, Some(*id), [name.as_str(), ""]),
            Change::Tag { name, id } => (TAG, Some(*id), [name.as_str(), ""]),
            Change::Delete { name } => (DELETE, None, [name.as_str(), ""]),
            Change::Rename { from, to } => (RENAME, Some(from.len() as u64), [from.as_str(), to.as_str()]),
            Change::Stand { on: Some(name) } => (STAND, None, [name.as_str(), ""]),
            Change::Stand { on: None } => (LEAVE, None, ["", ""]),
            Change::Save { id } => (SAVE, Some(*id), ["", ""]),
        };
        let mut bytes = vec![verb];
        number.into_iter().for_each(|n| varint::put(&mut bytes, n));
        texts.iter().for_each(|text| bytes.extend_from_slice(text.as_bytes()));
        bytes
    }

    /// The change that these bytes are; none if they are none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&verb, mut rest) = bytes.split_first()?;
        let number = matches!(verb, BRANCH | TAG | RENAME | SAVE).then(|| varint::take(&mut rest));
        let (n, text) = (number.unwrap_or(Some(0))?, std::str::from_utf8(rest).ok()?);
        let name = || text.to_owned();
        Some(match verb {
            BRANCH => Change::Branch { name: name(), id: n },
            TAG => Change::Tag { name: name(), id: n },
            DELETE => Change::Delete { name: name() },
            RENAME => {
                let (from, to) = text.split_at_checked(usize::try_from(n).ok()?)?;
                Change::Rename { from: from.to_owned(), to: to.to_owned() }
            }
            STAND => Change::Stand { on: Some(name()) },
            LEAVE if text.is_empty() => Change::Stand { on: None },
            SAVE if text.is_empty() => Change::Save { id: n },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_comes_back_and_what_is_none_is_refused() {
        let text = |len: usize| "ä".repeat(len / 2);
        for n in [0, 1, 127, 128, 255, 300, u64::MAX] {
            let name = text(n.min(300) as usize);
            for (change, most) in [
                (Change::Branch { name: name.clone(), id: n }, 11),
                (Change::Tag { name: name.clone(), id: n }, 11),
                (Change::Delete { name: name.clone() }, 1),
                (Change::Rename { from: name.clone(), to: text(40) }, 43),
                (Change::Rename { from: text(40), to: name.clone() }, 42),
                (Change::Stand { on: Some(name.clone()) }, 1),
                (Change::Stand { on: None }, 1),
                (Change::Save { id: n }, 11),
            ] {
                let bytes = change.to_bytes();
                assert!(bytes.len() <= most + name.len(), "{change:?}");
                assert_eq!(Change::from_bytes(&bytes).as_ref(), Some(&change));
                // Cut short it is another one, or none; it is never taken for itself.
                (0..bytes.len()).for_each(|cut| assert_ne!(Change::from_bytes(&bytes[..cut]).as_ref(), Some(&change)))
            }
        }
        for wrong in [&[][..], &[0], &[8], &[1], &[1, 0x80], &[3, 0xFF], &[4, 9, b'a'], &[4, 1, 0xC3, 0xA4], &[6, 1]] {
            assert_eq!(Change::from_bytes(wrong), None, "{wrong:?}")
        }
        assert_eq!(Change::from_bytes(&[7, 1, b'a']), None)
    }
}
