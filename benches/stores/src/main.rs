use backstory::{Durability, HashMap, Timeline, VersionId};
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

type State = HashMap<String, [u8; 64]>;
fn key(i: u64) -> String { format!("key{i:013}") }
fn state(n: u64) -> State { (0..n).map(|i| (key(i), [i as u8; 64])).collect() }
fn rnd(s: &mut u64) -> u64 { *s ^= *s << 13; *s ^= *s >> 7; *s ^= *s << 17; *s }
fn pct(v: &mut [u64], p: f64) -> u64 { v.sort_unstable(); v[((v.len() - 1) as f64 * p) as usize] }
fn size(p: &std::path::Path) -> u64 { std::fs::read_dir(p).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum() }

fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap_or("/tmp/stores".into()));
    let n: u64 = std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(100_000);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("ours");
    let t = Instant::now();
    let mut tl = Timeline::<State>::options().durability(Durability::None).open(&path, state(n)).unwrap();
    println!("create {} ms, {} MB", t.elapsed().as_millis(), size(&path) >> 20);
    let mut seed = 88172645463325252;
    let mut edit = |tl: &mut Timeline<State>| {
        let (k, v) = (key(rnd(&mut seed) % n), [rnd(&mut seed) as u8; 64]);
        let t = Instant::now();
        tl.edit("set", |s| { s.insert(k, v); }).unwrap();
        t.elapsed().as_nanos() as u64
    };
    let mut v: Vec<u64> = (0..20_000).map(|_| edit(&mut tl)).collect();
    println!("no sync warm-up p50 {} p99 {}", pct(&mut v, 0.5), pct(&mut v, 0.99));
    tl.flush().unwrap();
    drop(tl);
    let before = size(&path);
    let t = Instant::now();
    let mut tl = Timeline::<State>::options().durability(Durability::None).open(&path, State::new()).unwrap();
    black_box(tl.state().get(&key(7)));
    println!("open + first lookup {} us", t.elapsed().as_micros());
    let mut v: Vec<u64> = (0..20_000).map(|_| edit(&mut tl)).collect();
    println!("no sync p50 {} p90 {} p99 {}", pct(&mut v, 0.5), pct(&mut v, 0.9), pct(&mut v, 0.99));
    drop(tl);
    println!("bytes per version {}", (size(&path) - before) / 20_000);
    let mut tl = Timeline::<State>::options().open(&path, State::new()).unwrap();
    let mut floor = std::fs::OpenOptions::new().create(true).write(true).read(true).truncate(true).open(dir.join("floor")).unwrap();
    floor.write_all(&vec![0; 4 << 20]).unwrap();
    floor.sync_all().unwrap();
    use std::io::Seek;
    floor.rewind().unwrap();
    let (mut ours, mut fl) = (vec![], vec![]);
    for _ in 0..2000 {
        ours.push(edit(&mut tl));
        let t = Instant::now();
        floor.write_all(&[7; 600]).unwrap();
        floor.sync_data().unwrap();
        fl.push(t.elapsed().as_nanos() as u64);
    }
    println!("durable p50 {} p99 {}; floor p50 {} p99 {}; ratio {:.2}", pct(&mut ours, 0.5), pct(&mut ours, 0.99), pct(&mut fl, 0.5), pct(&mut fl, 0.99), pct(&mut ours, 0.5) as f64 / pct(&mut fl, 0.5) as f64);
    let head = tl.head().number();
    let time = |what: &str, f: &mut dyn FnMut(u64)| {
        let mut v: Vec<u64> = (0..2000).map(|i| { let t = Instant::now(); f(i); t.elapsed().as_nanos() as u64 }).collect();
        println!("{what} p50 {} p99 {}", pct(&mut v, 0.5), pct(&mut v, 0.99));
    };
    time("undo", &mut |_| { tl.undo().unwrap(); });
    time("redo", &mut |_| { tl.redo().unwrap(); });
    let mut s2 = 77777;
    time("checkout", &mut |_| { tl.checkout(VersionId::new(rnd(&mut s2) % head)).unwrap(); });
    time("at", &mut |_| { black_box(tl.at(VersionId::new(rnd(&mut s2) % head)).unwrap()); });
    time("at + get", &mut |_| { let s = tl.at(VersionId::new(rnd(&mut s2) % head)).unwrap(); black_box(s.get(&key(rnd(&mut s2) % n))); });
}
