//! A list of todos as Redux would have it, with a history on disk: actions, a selector, undo, and any version after restart.
//! Run it: `cargo run --release --example redux_store`.

use backstory::{Durability, HashMap, Store, Timeline, Vector};
use rkyv::{Archive, Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{path::Path, sync::Arc, sync::mpsc, time::Duration};

#[derive(Clone, PartialEq, Default, Archive, Serialize, Deserialize)]
struct Todos {
    order: Vector<u64>,
    texts: HashMap<u64, String>,
    filter: String,
}

#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize)]
enum Action {
    Add(u64, String),
    Remove(u64),
    Filter(String),
}

fn reduce(todos: &mut Todos, action: &Action) {
    match action {
        Action::Add(id, text) => {
            todos.order.push_back(*id);
            todos.texts.insert(*id, text.clone());
        }
        Action::Remove(id) => {
            todos.order.retain(|other| other != id);
            todos.texts.remove(id);
        }
        Action::Filter(word) => todos.filter = word.clone(),
    }
}

fn open(path: &Path) -> backstory::Result<Store<Todos, Action>> {
    let options = Timeline::options().durability(Durability::Group(Duration::from_micros(100)));
    Ok(Store::durable(options.open(path, Todos::default)?, reduce).labelled(|actions| format!("{actions:?}")))
}

fn main() -> backstory::Result<()> {
    let path = std::env::temp_dir().join(format!("backstory-redux-{}", std::process::id()));
    let store = open(&path)?;
    let add = |id: u64| Action::Add(id, format!("todo {id}"));
    // Sorted anew where a text has changed, and not where the filter has.
    let sorts = Arc::new(AtomicUsize::new(0));
    let count = sorts.clone();
    let sort = move |texts: &HashMap<u64, String>| {
        count.fetch_add(1, Relaxed);
        let mut texts: Vec<String> = texts.values().cloned().collect();
        texts.sort();
        texts
    };
    let sorted = store.select(|todos| todos.texts.clone(), sort);
    let (changes, told) = mpsc::channel();
    let _subscription = store.subscribe(move |old, new| _ = changes.send((old.order.len(), new.order.len())));

    let first = store.dispatch(add(1))?.version.expect("the state has changed");
    store.batch((2..10).map(add))?;
    assert_eq!(sorted.get().len(), 9);
    store.dispatch(Action::Filter("milk".into()))?;
    assert_eq!((sorted.get()[0].as_str(), sorts.load(Relaxed)), ("todo 1", 1));

    // Back over the batch at once, and on from there: what was undone stays.
    store.jump(-2)?;
    store.dispatch(Action::Remove(1))?;
    assert_eq!((store.snapshot().order.len(), store.heads()?.len()), (0, 2));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(0, 1), (1, 9), (9, 9), (9, 1), (1, 0)]);

    drop(store);
    let store = open(&path)?;
    store.versions().try_for_each(|version| version.map(|version| println!("{} {}", version.id, version.label)))?;
    store.checkout(first)?;
    assert_eq!((store.snapshot().texts[&1].as_str(), store.action(first)?), ("todo 1", Some(add(1))));
    drop(store);
    std::fs::remove_dir_all(&path).expect("the folder is there");
    Ok(())
}
