//! Typical code of users of `im`: an editor with undo, a shop's stock, tasks with tags. It compiles with `im`, `imbl`
//! and `backstory`, only the `use` line is another.

use crate::{Found, note, sorted};

macro_rules! page {
    ($name:ident, $krate:ident) => {
        mod $name {
            use super::*;
            use $krate::{HashMap, HashSet, Vector, get_in, hashmap, hashset, update_in, vector};

            /// A document: cheap to clone, so that undo keeps whole states.
            #[derive(Clone, Debug, Default, PartialEq)]
            struct Document {
                lines: Vector<String>,
                marks: HashMap<String, usize>,
                selected: HashSet<usize>,
            }

            #[derive(Default)]
            struct Editor {
                now: Document,
                undo: Vector<Document>,
                redo: Vector<Document>,
            }

            impl Editor {
                fn edit(&mut self, change: impl FnOnce(&mut Document)) {
                    self.undo.push_back(self.now.clone());
                    self.redo.clear();
                    change(&mut self.now);
                    if self.undo.len() > 4 {
                        self.undo.pop_front();
                    }
                }

                fn undo(&mut self) -> bool {
                    let Some(before) = self.undo.pop_back() else { return false };
                    self.redo.push_back(std::mem::replace(&mut self.now, before));
                    true
                }

                fn redo(&mut self) -> bool {
                    let Some(after) = self.redo.pop_back() else { return false };
                    self.undo.push_back(std::mem::replace(&mut self.now, after));
                    true
                }
            }

            pub fn editor() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let mut editor = Editor::default();
                let text = |editor: &Editor| editor.now.lines.iter().cloned().collect::<Vec<_>>().join("\n");
                for i in 0..100 {
                    editor.edit(|d| d.lines.push_back(format!("line {i}")));
                }
                editor.edit(|d| {
                    d.lines.insert(50, "between".into());
                    d.marks.insert("here".into(), 50);
                    d.selected = hashset![49, 50, 51];
                });
                note(f, "edited", (text(&editor), editor.now.marks["here"], editor.now.selected.len()));
                editor.edit(|d| {
                    let cut = d.lines.slice(10..90);
                    d.lines.push_front(format!("{} lines were here", cut.len()));
                    d.lines[1].push('!');
                    d.selected.retain(|line| *line < 50);
                    d.marks = d.marks.without("here");
                });
                note(f, "cut", (text(&editor), editor.now.marks.is_empty(), editor.now.selected.contains(&49)));
                note(f, "undo", (editor.undo(), text(&editor), editor.now.marks.get("here").copied()));
                note(f, "undo again", (editor.undo(), editor.now.lines.len(), editor.now.selected.is_empty()));
                note(f, "redo", (editor.redo(), editor.redo(), editor.redo(), text(&editor)));
                let steps = std::iter::from_fn(|| editor.undo().then_some(())).count();
                note(f, "all the way", (steps, text(&editor), editor.undo.is_empty(), editor.redo.len()));
                editor.edit(|d| d.lines.truncate(2));
                note(f, "another way", (editor.redo(), text(&editor), editor.now == editor.now.clone()));
                found
            }

            pub fn stock() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                let empty: HashMap<&str, u32> = HashMap::new();
                let monday = empty.update("apples", 3).update("pears", 5);
                let mut tuesday = monday.clone();
                *tuesday.entry("pears").or_insert(0) -= 1;
                *tuesday.entry("plums").or_insert(0) += 7;
                let listed = |m: &HashMap<&str, u32>| sorted(m.iter().map(|(k, v)| (k.to_string(), *v)));
                note(f, "days", (listed(&monday), listed(&tuesday)));
                note(f, "sum", listed(&monday.clone().union_with(tuesday.clone(), |a, b| a + b)));
                note(f, "only on one", listed(&tuesday.clone().relative_complement(monday.clone())));
                note(f, "alter", (listed(&monday.alter(|n| n.map(|n| n * 2), "apples")), monday["apples"]));
                note(f, "sub", (monday.is_submap(&tuesday), monday.is_submap_by(&tuesday, |_, _| true)));
                let totals: HashMap<char, u32> = tuesday.iter().fold(hashmap! {}, |all, (name, n)| {
                    all.update_with(name.chars().next().unwrap(), *n, |a, b| a + b)
                });
                note(f, "fold", sorted(totals));
                let shops = hashmap! {"north" => monday, "south" => tuesday};
                let sold = update_in![shops, "north" => "apples", 1];
                note(f, "nested", (get_in![sold, "north" => "apples"], get_in![shops, "north" => "apples"]));
                if let Some((pears, rest)) = shops["south"].extract("pears") {
                    note(f, "extract", (pears, listed(&rest)));
                }
                found
            }

            pub fn tasks() -> Found {
                let mut found = Found::new();
                let f = &mut found;
                type Task = (u32, &'static str, HashSet<&'static str>);
                let tasks: Vector<Task> = vector![
                    (3, "write", hashset!["work", "quiet"]),
                    (1, "call", hashset!["work"]),
                    (2, "read", hashset!["quiet"]),
                ];
                let mut by_priority = tasks.clone();
                by_priority.sort_by(|a, b| a.0.cmp(&b.0));
                let names = |v: &Vector<Task>| v.iter().map(|t| t.1.to_string()).collect::<Vec<_>>();
                note(f, "sorted", (names(&by_priority), names(&tasks)));
                let tags = |sets: Vec<HashSet<&str>>| sorted(HashSet::unions(sets).iter().map(|t| t.to_string()));
                note(f, "all tags", tags(tasks.iter().map(|t| t.2.clone()).collect()));
                let both = tasks[0].2.clone().intersection(tasks[1].2.clone());
                note(f, "both", (both.len(), both.contains("work"), tasks[1].2.is_subset(&tasks[0].2)));
                let (first, rest) = by_priority.split_at(1);
                note(f, "split", (names(&first), names(&rest), names(&(rest.clone() + first.clone()))));
                let doubled: Vector<u32> = tasks.iter().map(|t| t.0 * 2).collect();
                let mut sum = 0;
                for n in &doubled {
                    sum += n
                }
                note(f, "numbers", (sum, doubled.iter().rev().copied().collect::<Vec<_>>(), doubled.last()));
                let mut focus = doubled.focus();
                note(f, "focus", (0..3).map(|i| *focus.index(i)).sum::<u32>());
                let mut changed = doubled.clone();
                changed.iter_mut().for_each(|n| *n += 1);
                changed.set(0, 100);
                changed.swap(0, 2);
                note(f, "changed", (changed.skip(1), changed.take(2), doubled.index_of(&2), doubled.update(1, 9)));
                let grouped = tasks.iter().fold(HashMap::new(), |all: HashMap<&str, Vector<&str>>, task| {
                    task.2.iter().fold(all, |mut all, tag| {
                        all.entry(*tag).or_insert_with(Vector::new).push_back(task.1);
                        all
                    })
                });
                note(f, "grouped", sorted(grouped.into_iter().map(|(k, v)| (k, Vec::from_iter(v)))));
                found
            }
        }
    };
}

page!(with_im, im);
page!(with_imbl, imbl);
page!(with_ours, backstory);

#[test]
fn typical_code_runs_with_im_imbl_and_ours() {
    for (im, imbl, ours, least) in [
        (with_im::editor(), with_imbl::editor(), with_ours::editor(), 7),
        (with_im::stock(), with_imbl::stock(), with_ours::stock(), 8),
        (with_im::tasks(), with_imbl::tasks(), with_ours::tasks(), 8),
    ] {
        assert!(ours.len() >= least, "the page shrank to {} results", ours.len());
        assert_eq!(im, ours);
        assert_eq!(imbl, ours);
    }
}
