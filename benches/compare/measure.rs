//! Fair timing on a shared machine: engines take turns within each round, the order changes from round to round,
//! and the median over the rounds counts.
//! In: subjects that can run an operation some number of times. Out: ns per operation, each.

use crate::engine::EngineId;
use crate::rows::{Group, Op, Row};
use std::time::{Duration, Instant};

/// An engine with its base collection, ready to be measured; each structure has one implementation, in `subject.rs`.
pub trait Subject {
    fn id(&self) -> EngineId;
    fn can(&self, op: Op) -> bool;
    /// Runs a time row's operation `reps` times over; what is prepared, checked and dropped is not in the time.
    fn run(&mut self, op: Op, reps: usize) -> Lap;
    /// Measures a memory row, in bytes.
    fn bytes(&mut self, op: Op) -> f64;
    /// Back to the first window of input and nothing prepared: called before and after each row.
    fn reset(&mut self);
    /// Makes what the row needs besides the base collection: called after `reset`.
    fn prepare(&mut self, _op: Op) {}
}

/// Time spent on a number of operations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lap {
    pub timed: Duration,
    pub ops: usize,
}

impl Lap {
    /// Times `work` and adds it as `ops` operations; its result is handed out so that it is dropped outside.
    #[inline(always)]
    pub fn time<R>(&mut self, ops: usize, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.timed += start.elapsed();
        self.ops += ops;
        result
    }

    pub fn ns_per_op(self) -> f64 {
        self.timed.as_nanos() as f64 / self.ops as f64
    }
}

/// Time in one sample: long enough that the clock and one interrupt do not matter.
const SAMPLE: Duration = Duration::from_millis(4);
/// With preparation and checks; an operation that takes longer alone is run once per sample.
const SAMPLE_WALL: Duration = Duration::from_millis(40);
const MIN_ROUNDS: usize = 5;
const MAX_ROUNDS: usize = 41;

/// Repetitions per sample, and how long such a sample takes in all.
struct Plan {
    reps: usize,
    wall: Duration,
}

impl Plan {
    /// Repetitions before the clock starts: the engines' turns push each other out of the caches, so without these
    /// a String lookup at 10 000 took four times as long as with one engine alone. What takes long by itself sweeps
    /// more memory than the caches hold and is not warmed up.
    fn warm_up(&self) -> usize {
        if self.wall > SAMPLE_WALL { 0 } else { self.reps.div_ceil(2) }
    }

    fn turn(&self) -> Duration {
        self.wall.mul_f64(1.0 + self.warm_up() as f64 / self.reps as f64)
    }
}

/// Finds how often to repeat. Runs several times, until the caches are warm, or the engine planned first would get
/// shorter samples than the others, and those are colder.
fn plan(subject: &mut dyn Subject, op: Op) -> Plan {
    let mut plan = Plan { reps: 1, wall: Duration::ZERO };
    let start = Instant::now();
    for runs in 1.. {
        let sample = Instant::now();
        let lap = subject.run(op, plan.reps);
        plan.wall = sample.elapsed();
        let by_time = SAMPLE.as_secs_f64() / lap.timed.as_secs_f64().max(1e-9);
        let by_wall = SAMPLE_WALL.as_secs_f64() / plan.wall.as_secs_f64().max(1e-9);
        let reps = ((plan.reps as f64 * by_time.min(by_wall)) as usize).max(1);
        plan.wall = plan.wall.mul_f64(reps as f64 / plan.reps as f64);
        plan.reps = reps;
        if start.elapsed() > if runs < 4 { 25 * SAMPLE } else { 3 * SAMPLE } {
            break;
        }
    }
    plan
}

/// Medians, in ns per operation, of rounds in which every subject has one turn. As many rounds as `budget` allows,
/// but never fewer than [`MIN_ROUNDS`].
pub fn medians(subjects: &mut [&mut dyn Subject], op: Op, budget: Duration) -> Vec<f64> {
    let plans: Vec<Plan> = subjects.iter_mut().map(|s| plan(*s, op)).collect();
    let round: Duration = plans.iter().map(Plan::turn).sum();
    let affordable = budget.as_secs_f64() / round.as_secs_f64().max(1e-9);
    let rounds = (affordable as usize).clamp(MIN_ROUNDS, MAX_ROUNDS);

    let mut laps = vec![Vec::with_capacity(rounds); subjects.len()];
    for turn in 0..rounds {
        for i in order(subjects.len(), turn) {
            let (subject, plan) = (&mut subjects[i], &plans[i]);
            if plan.warm_up() > 0 {
                subject.run(op, plan.warm_up());
            }
            laps[i].push(subject.run(op, plan.reps).ns_per_op());
        }
    }
    laps.into_iter().map(median).collect()
}

/// Rotated by `turn`, every second time backwards: nobody always follows the same neighbour.
fn order(len: usize, turn: usize) -> impl Iterator<Item = usize> {
    (0..len).map(move |i| {
        let i = (i + turn) % len;
        if turn.is_multiple_of(2) { i } else { len - 1 - i }
    })
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let mid = values.len() / 2;
    if values.len() % 2 == 1 { values[mid] } else { f64::midpoint(values[mid - 1], values[mid]) }
}

/// Measures one row with every subject that can do it.
pub fn row(op: Op, group: Group, subjects: &mut [Box<dyn Subject>], budget: Duration) -> Row {
    let mut row = Row::new(op, group);
    let mut able: Vec<&mut dyn Subject> = Vec::new();
    for subject in subjects.iter_mut().filter(|s| s.can(op)) {
        subject.reset();
        subject.prepare(op);
        able.push(&mut **subject);
    }
    if op.is_memory() {
        for subject in able {
            row.set(subject.id(), subject.bytes(op));
        }
        return row;
    }
    let ns = medians(&mut able, op, budget);
    for (subject, ns) in able.iter_mut().zip(ns) {
        row.set(subject.id(), ns);
        subject.reset();
    }
    row
}
