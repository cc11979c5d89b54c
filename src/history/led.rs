//! Which versions names lead to.
//!
//! In: names, whenever they change; that versions are made. Out: whether a name leads to a version, and which versions
//! lose one: in O(what changed), however many names there are.
//! Must hold: H5.
//! Uses: `names`, `error`.

use super::names::Names;
use crate::error::Result;
use std::collections::HashMap;

/// How many names lead to each version. The branch we are on counts as long as it has not moved: then it leads to the
/// newest version, whatever that is.
#[derive(Default)]
pub(crate) struct Led {
    names: Names,
    times: HashMap<u64, u64>,
    /// Where the branch we are on led to before it moved.
    left: Option<u64>,
}

impl Led {
    /// True if a name leads there.
    pub(crate) fn leads_to(&self, id: u64) -> bool {
        self.times.contains_key(&id)
    }

    /// Names have changed. Gives the versions that lost one.
    ///
    /// # Errors
    /// What the storage says; all is as it was then.
    pub(crate) fn change(&mut self, names: &Names) -> Result<Vec<u64>> {
        let (mut lost, mut won) = (Vec::new(), Vec::from_iter(self.left));
        self.names.try_diff(names, |old, new| {
            lost.extend(old);
            won.extend(new)
        })?;
        won.into_iter().for_each(|id| *self.times.entry(id).or_default() += 1);
        lost.iter().for_each(|&id| self.lose(id));
        (self.names, self.left) = (names.clone(), None);
        Ok(lost)
    }

    /// A version is made: the branch we are on leads to it. Gives the version that it leaves, if it led elsewhere
    /// before.
    ///
    /// # Errors
    /// What the storage says; all is as it was then.
    pub(crate) fn move_on(&mut self) -> Result<Option<u64>> {
        if self.left.is_some() {
            return Ok(None);
        }
        self.left = self.names.on_id()?;
        self.left.into_iter().for_each(|id| self.lose(id));
        Ok(self.left)
    }

    fn lose(&mut self, id: u64) {
        if let Some(times) = self.times.get_mut(&id) {
            *times -= 1;
            if *times == 0 {
                self.times.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;
    use std::collections::BTreeSet;

    /// The same by looking at all names.
    fn model(names: &Names, count: u64) -> BTreeSet<u64> {
        let all = [true, false].map(|branches| names.list(branches, count).unwrap());
        all.into_iter().flatten().map(|(_, id)| id).collect()
    }

    #[test]
    fn versions_are_led_to_as_a_look_at_all_names_says() {
        let (mut led, mut names, mut count, mut dice) = (Led::default(), Names::default(), 1, 1u64);
        for step in 0..3000 {
            dice = dice.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            let random = |n: u64, digit: u32| (dice >> (20 + digit)) % n;
            let (name, other) = (format!("n{}", random(6, 0)), format!("n{}", random(6, 9)));
            let before = model(&names, count);
            let changed = match random(8, 17) {
                0 => Change::Tag { name, id: random(count, 3) },
                1 => Change::Branch { name, id: random(count, 3) },
                2 => Change::Delete { name },
                3 => Change::Rename { from: name, to: other },
                4 => Change::Stand { on: names.branch(&name, count).is_ok().then_some(name) },
                _ => {
                    let left = led.move_on().unwrap();
                    count += 1;
                    let lost: Vec<_> = before.difference(&model(&names, count)).copied().collect();
                    // But for the one that was the newest.
                    assert!(lost.iter().all(|&id| left == Some(id) || id + 2 == count), "step {step}");
                    continue;
                }
            };
            if let Ok(changed) = names.changed(&changed, count) {
                names = changed;
                let lost = led.change(&names).unwrap();
                let after = model(&names, count);
                assert!(before.difference(&after).all(|&id| lost.contains(&id) || id + 1 == count), "step {step}")
            }
            // The newest one is no question.
            let all = model(&names, count);
            assert!((0..count - 1).all(|id| led.leads_to(id) == all.contains(&id)), "step {step}")
        }
        assert!(count > 500)
    }
}
