//! The version tree, drawn.
//!
//! In: versions from the newest to the oldest, each with its parent. Out: a row for each, and rows where branches meet.
//! Must hold: what is drawn follows from ids and parents alone; memory is that of the lines that stand side by side.
//! Uses: `place`, `look`, `print`.
//!
//! A line stands in its column from a version down to its parent. As a parent is older than its children it comes
//! after them, so that each column needs to know no more than which version it leads to.

use crate::look::Listing;
use crate::place::open_to_look;
use crate::print::Out;
use backstory::{Result, VersionId};
use std::path::Path;

pub fn graph(out: &mut Out, store: Option<&Path>, count: Option<u64>) -> Result<()> {
    let timeline = open_to_look(store)?;
    // The newest version has no child.
    let newest = timeline.heads()?.into_iter().max().unwrap_or(VersionId::FIRST).number();
    let mut listing = Listing::begin(out, &timeline)?;
    let mut lines = Lines::default();
    for id in (0..=newest).rev().take(count.map_or(usize::MAX, |count| count.try_into().unwrap_or(usize::MAX))) {
        let version = timeline.version(VersionId::new(id))?;
        let mark = listing.mark(&version);
        let (meeting, row) = lines.next(id, version.parent.map(VersionId::number), mark);
        listing.version(&version, meeting.as_deref(), &row)?
    }
    listing.end()
}

/// The lines that stand side by side: the version that each column leads to, where there is a line.
#[derive(Default)]
struct Lines {
    columns: Vec<Option<u64>>,
}

impl Lines {
    /// The row where lines meet above a version, if some do, and the row of the version up to its mark's line.
    fn next(&mut self, id: u64, parent: Option<u64>, mark: char) -> (Option<String>, String) {
        let meeting: Vec<usize> = (0..self.columns.len()).filter(|&i| self.columns[i] == Some(id)).collect();
        let at = match (meeting.first(), self.columns.iter().position(Option::is_none)) {
            (Some(&first), _) => first,
            (None, Some(free)) => free,
            (None, None) => self.columns.len(),
        };
        let joint = (meeting.len() > 1).then(|| self.joint(&meeting));
        meeting.iter().for_each(|&i| self.columns[i] = None);
        if at == self.columns.len() {
            self.columns.push(None)
        }
        self.trim(at + 1);
        let cell = |(i, line): (usize, &Option<u64>)| match (i == at, line) {
            (true, _) => mark,
            (false, Some(_)) => '│',
            (false, None) => ' ',
        };
        let row: Vec<String> = self.columns.iter().enumerate().map(cell).map(String::from).collect();
        self.columns[at] = parent;
        self.trim(0);
        (joint, row.join(" "))
    }

    /// Takes free columns off the right side, but leaves so many.
    fn trim(&mut self, least: usize) {
        while self.columns.len() > least && self.columns.last() == Some(&None) {
            self.columns.pop();
        }
    }

    /// The lines in these columns go over into the first one of them.
    fn joint(&self, meeting: &[usize]) -> String {
        let (first, last) = (meeting[0], meeting[meeting.len() - 1]);
        let mut row = String::new();
        for (i, line) in self.columns.iter().enumerate() {
            row.push(match line {
                _ if i == first => '├',
                _ if i == last => '╯',
                _ if meeting.contains(&i) => '┴',
                Some(_) if (first..last).contains(&i) => '┼',
                None if (first..last).contains(&i) => '─',
                Some(_) => '│',
                None => ' ',
            });
            row.push(if (first..last).contains(&i) { '─' } else { ' ' })
        }
        row.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The drawing of versions with these parents.
    fn drawn(parents: &[Option<u64>]) -> String {
        let (mut lines, mut drawing) = (Lines::default(), String::new());
        for (id, parent) in parents.iter().enumerate().rev() {
            let (joint, row) = lines.next(id as u64, *parent, '○');
            joint.into_iter().for_each(|joint| drawing += &(joint + "\n"));
            drawing += &format!("{row} {id}\n")
        }
        drawing
    }

    #[test]
    fn a_line() {
        assert_eq!(drawn(&[None, Some(0), Some(1)]), "○ 2\n○ 1\n○ 0\n")
    }

    #[test]
    fn branches_meet_at_their_parent() {
        // 0 - 1 - 2 - 5, 1 - 3, 0 - 4
        let parents = [None, Some(0), Some(1), Some(1), Some(0), Some(2)];
        let drawing = "\
○ 5
│ ○ 4
│ │ ○ 3
○ │ │ 2
├─┼─╯
○ │ 1
├─╯
○ 0
";
        assert_eq!(drawn(&parents), drawing)
    }

    #[test]
    fn a_free_column_is_used_again() {
        let parents = [None, Some(0), Some(0), Some(0), Some(1), Some(2), Some(3)];
        let drawing = "\
○ 6
│ ○ 5
│ │ ○ 4
○ │ │ 3
│ ○ │ 2
│ │ ○ 1
├─┴─╯
○ 0
";
        assert_eq!(drawn(&parents), drawing);
        // 4 takes the place of 6's line, which ended at 3.
        let parents = [None, Some(0), Some(1), Some(2), Some(1), Some(2), Some(0)];
        let drawing = "\
○ 6
│ ○ 5
│ │ ○ 4
│ │ │ ○ 3
│ ├─┼─╯
│ ○ │ 2
│ ├─╯
│ ○ 1
├─╯
○ 0
";
        assert_eq!(drawn(&parents), drawing)
    }
}
