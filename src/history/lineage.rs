//! Ancestors in O(log depth) steps.
//!
//! Every version knows its parent, its depth and one ancestor further up, its jump. With these the path to any ancestor is
//! O(log depth) long, whatever the tree's shape, and a new version's jump follows from its parent's in O(1).
//!
//! In: versions' lines. Out: ancestors. Must hold: H3.
//! Source: Myers, "An applicative random-access stack", Information Processing Letters 17, 1983 (skew-binary jumps).
//! Uses: `error`.

use crate::error::{Error, ErrorKind, Result};

/// What a version says of where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its own number for the first version.
    pub(crate) parent: u64,
    pub(crate) jump: u64,
    /// How many ancestors it has.
    pub(crate) depth: u64,
    /// How many of these, its parent first, belong to one group with it: undo passes over them.
    pub(crate) joins: u64,
}

impl Line {
    /// The first version's.
    pub(crate) const FIRST: Line = Line { parent: 0, jump: 0, depth: 0, joins: 0 };

    /// The depth of the first version of its group.
    fn group(&self) -> u64 {
        self.depth.saturating_sub(self.joins)
    }
}

/// Where lines are.
pub(crate) trait Lineage {
    /// The line of a version that there is.
    ///
    /// # Errors
    /// What the storage says.
    fn line(&self, id: u64) -> Result<Line>;

    /// True if each version was made from the one with the number before: nobody has ever branched.
    fn is_one_line(&self) -> bool;
}

/// The line of a new version whose parent is `parent`. It jumps over both of its parent's jumps, if these are as long as each
/// other.
pub(crate) fn line_after(lineage: &(impl Lineage + ?Sized), parent: u64) -> Result<Line> {
    let line = lineage.line(parent)?;
    let over = lineage.line(line.jump)?;
    let beyond = lineage.line(over.jump)?;
    let length = |from: &Line, to: &Line| from.depth.checked_sub(to.depth).ok_or_else(|| no_line(parent));
    let jump = if length(&line, &over)? == length(&over, &beyond)? { over.jump } else { parent };
    Ok(Line { parent, jump, depth: line.depth + 1, joins: 0 })
}

/// What only a log has in which somebody else wrote.
#[cold]
fn no_line(id: u64) -> Error {
    let what = format!("what the log says of version {id} and of its ancestors does not fit: restore a copy");
    Error::new(ErrorKind::Corrupt, what)
}

/// The ancestor of a version, or itself, that has so many ancestors; it has as many at least.
///
/// Time: O(log depth).
pub(crate) fn ancestor_at(lineage: &(impl Lineage + ?Sized), mut id: u64, depth: u64) -> Result<u64> {
    if lineage.is_one_line() || depth == 0 {
        return Ok(depth);
    }
    let mut line = lineage.line(id)?;
    if depth > line.depth {
        return Err(no_line(id));
    }
    while line.depth > depth {
        let over = lineage.line(line.jump)?;
        (id, line) = match over.depth >= depth {
            true => (line.jump, over),
            false => (line.parent, lineage.line(line.parent)?),
        }
    }
    Ok(id)
}

/// True if `one` is `other`, or one of its ancestors. Time: O(log depth).
pub(crate) fn is_ancestor(lineage: &(impl Lineage + ?Sized), one: u64, other: u64) -> Result<bool> {
    if lineage.is_one_line() {
        return Ok(one <= other);
    }
    let depth = lineage.line(one)?.depth;
    Ok(one <= other && lineage.line(other)?.depth >= depth && ancestor_at(lineage, other, depth)? == one)
}

/// The parent of the first version of a version's group; none if that is the first of all. Time: O(log depth).
pub(crate) fn stop_before(lineage: &(impl Lineage + ?Sized), id: u64) -> Result<Option<u64>> {
    let line = lineage.line(id)?;
    match line.joins {
        0 => Ok((line.depth > 0).then_some(line.parent)),
        _ => line.group().checked_sub(1).map(|depth| ancestor_at(lineage, id, depth)).transpose(),
    }
}

/// The last version of the group that comes next on the way from a version to its descendant `tip`, or of the version's own if
/// there is more of it. Time: O(log group) times O(log depth).
pub(crate) fn stop_after(lineage: &(impl Lineage + ?Sized), id: u64, tip: u64) -> Result<Option<u64>> {
    if id == tip {
        return Ok(None);
    }
    let (first, last) = (lineage.line(id)?.depth + 1, lineage.line(tip)?.depth);
    let at = |depth| ancestor_at(lineage, tip, depth);
    let mut found = at(first)?;
    let group = lineage.line(found)?.group();
    // How far behind `first` the group goes, doubled until it is too far, then halved.
    let (mut from, mut step, mut is_growing) = (first, 1, true);
    while step > 0 {
        let next = if from + step <= last { Some(at(from + step)?) } else { None };
        match next {
            Some(id) if lineage.line(id)?.group() == group => (found, from) = (id, from + step),
            _ => is_growing = false,
        }
        step = if is_growing { step * 2 } else { step / 2 }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Lines in memory, and how many were looked at.
    struct Lines(Vec<Line>, Cell<usize>, bool);

    impl Lineage for Lines {
        fn line(&self, id: u64) -> Result<Line> {
            self.1.set(self.1.get() + 1);
            Ok(self.0[id as usize])
        }

        fn is_one_line(&self) -> bool {
            self.2
        }
    }

    /// A tree of versions: each from the parent that `parent` says.
    fn lines(n: u64, parent: impl Fn(u64) -> u64) -> Lines {
        let mut lines = Lines(vec![Line::FIRST], Cell::new(0), false);
        for id in 1..n {
            let line = line_after(&lines, parent(id)).unwrap();
            lines.0.push(line)
        }
        lines
    }

    #[test]
    fn ancestors_are_those_of_a_walk_from_parent_to_parent() {
        let shapes: [fn(u64) -> u64; 5] = [
            |id| id - 1,
            |id| id / 2,
            |id| if id % 10 == 0 { id - 10 } else { id - 1 },
            |id| id * 7919 % id,
            |id| (id * id * 31 + id) % id.min(50),
        ];
        for shape in shapes {
            let mut lines = lines(600, shape);
            lines.2 = (1..600).all(|id| shape(id) == id - 1);
            for id in 0..600 {
                let mut walk = vec![id];
                while *walk.last().unwrap() > 0 {
                    walk.push(lines.0[*walk.last().unwrap() as usize].parent)
                }
                walk.reverse();
                for (depth, ancestor) in walk.iter().enumerate() {
                    assert_eq!(ancestor_at(&lines, id, depth as u64).unwrap(), *ancestor)
                }
                for other in 0..600 {
                    assert_eq!(is_ancestor(&lines, other, id).unwrap(), walk.contains(&other), "{other} of {id}")
                }
            }
        }
    }

    #[test]
    fn lines_that_do_not_fit_are_an_error_and_no_panic() {
        let mut lines = lines(10, |id| id - 1);
        // Its jump has more ancestors than it has itself.
        lines.0[9].depth = 3;
        let results = [line_after(&lines, 9).map(|line| line.depth), ancestor_at(&lines, 9, 5)];
        results.into_iter().for_each(|result| assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt));
        // A tip that does not come from where we are.
        assert_eq!(stop_after(&lines, 8, 2).unwrap_err().kind(), ErrorKind::Corrupt)
    }

    #[test]
    fn a_path_to_an_ancestor_looks_at_few_versions() {
        for (n, most) in [(1_000, 60), (1_000_000, 120)] {
            let lines = lines(n, |id| id - 1);
            for step in 1..200 {
                lines.1.set(0);
                let depth = n * step / 200;
                assert_eq!(ancestor_at(&lines, n - 1, depth).unwrap(), depth);
                assert!(lines.1.get() <= most, "{} of {n} for depth {depth}", lines.1.get())
            }
        }
    }
}
