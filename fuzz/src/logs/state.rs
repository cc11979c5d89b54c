//! What the logs of the fuzz targets hold.
//!
//! In: a size, numbers of steps. Out: states with every kind of collection, alone and nested.
//! Must hold: the same size and steps make the same state.
//! Uses: `hashers`.

use crate::hashers::Clash;
use backstory::json::Json;
use backstory::shared_ptr::ArcTK;
use backstory::{GenericHashMap, HashMap, HashSet, Result, Vector, caught};
use rkyv::{Archive, Deserialize, Serialize};

type Clashes<V> = GenericHashMap<u64, V, Clash, ArcTK>;

#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct State {
    pub number: u64,
    pub text: String,
    pub map: HashMap<u64, u64>,
    pub names: HashMap<String, String>,
    pub nested: HashMap<u64, Vector<u64>>,
    pub books: HashMap<String, HashMap<u64, String>>,
    pub clash: Clashes<u64>,
    pub nested_clash: Clashes<Vector<u64>>,
    pub list: Vector<u64>,
    pub texts: Vector<String>,
    pub lists: Vector<Vector<u64>>,
    pub set: HashSet<String>,
    pub json: Json,
}

impl State {
    pub fn sized(n: u64) -> Self {
        let list = |n: u64| (0..n).map(|i| i * i).collect::<Vector<u64>>();
        let json: Json = (0..n % 40).map(|i| Json::from_iter([i as i64, 1])).collect();
        State {
            number: n,
            text: "text ".repeat(n as usize % 7),
            map: (0..n).map(|i| (i, i * i)).collect(),
            names: (0..n / 4).map(|i| (format!("name {i}"), "some text ".repeat(i as usize % 7))).collect(),
            nested: (0..n / 4).map(|i| (i, list(i % 3))).collect(),
            books: (0..n / 8)
                .map(|i| (format!("the title of book {i}"), (0..i % 3).map(|k| (k, k.to_string())).collect()))
                .collect(),
            clash: (0..n / 5).map(|i| (i, i)).collect(),
            nested_clash: (0..n / 5).map(|i| (i, list(i % 2))).collect(),
            list: list(n * 4),
            texts: (0..n / 3).map(|i| "x".repeat(i as usize % 9)).collect(),
            lists: (0..n / 3).map(|i| list(i % 2)).collect(),
            set: (0..n / 6).map(|i| i.to_string()).collect(),
            json,
        }
    }

    pub fn step(&mut self, n: u64) {
        match n % 12 {
            0 => _ = self.map.insert(n * 7919, n),
            1 => _ = self.names.insert(format!("name {}", n % 40), format!("a text that is longer than 32 bytes {n}")),
            2 => self.nested.entry(n % 20).or_default().push_back(n),
            3 => _ = self.books.entry("the title of book 7".into()).or_default().insert(n, n.to_string()),
            4 => _ = (self.clash.insert(n, n), self.nested_clash.remove(&(n % 40))),
            5 => self.list.push_front(n),
            6 => self.lists.push_back((0..n % 3).collect()),
            7 => _ = self.map.remove(&(n % 150)),
            8 => self.number = n,
            9 => _ = (self.list.len() > 60).then(|| self.list.remove(50)),
            10 => _ = self.set.insert(n.to_string()),
            _ => self.json = Json::from_iter([self.json.clone(), n.to_string().into()]),
        }
    }

    /// Reads all of it, by calls that can fail.
    pub fn walk(&self) -> Result<()> {
        self.map.try_get(&7)?;
        self.names.try_get("name 3")?;
        self.list.try_get(20)?;
        self.clash.try_get(&3)?;
        self.set.try_contains("1")?;
        self.map.thaw_all()?;
        self.names.thaw_all()?;
        self.nested.try_for_each(|_, list| list.thaw_all())?;
        self.books.try_for_each(|_, book| book.thaw_all())?;
        self.clash.thaw_all()?;
        self.nested_clash.try_for_each(|_, list| list.thaw_all())?;
        self.list.thaw_all()?;
        self.texts.thaw_all()?;
        self.lists.try_for_each(|list| list.thaw_all())?;
        self.set.thaw_all()?;
        caught(|| self.json.to_string()).map(drop)
    }

    /// Edits in all parts of it, by calls that can fail.
    pub fn touch(&mut self) -> Result<()> {
        self.map.try_insert(3, 3)?;
        self.map.try_remove(&4)?;
        self.names.try_insert("name 1".into(), "new".into())?;
        self.clash.try_remove(&2)?;
        self.list.try_push_back(1)?;
        self.list.try_push_front(1)?;
        if self.list.len() > 30 {
            self.list.try_set(20, 0)?;
            self.list.try_remove(25)?;
            self.list.try_insert(10, 0)?;
        }
        self.list.try_pop_back()?;
        self.list.try_pop_front()?;
        self.set.try_insert("new".into())?;
        self.number = !self.number;
        Ok(())
    }
}
