//! Rollback netcode: 10 000 entities at 60 frames a second; in each frame the last 8 are taken back and simulated again.
//! Beside it a ring of plain copies, which is what games do today, with few of the entities moving, many, and all.
//! Run it: `cargo run --release --example game_rewind`.

use backstory::{Timeline, Vector, VersionId};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq, Debug)]
struct Entity {
    at: [f32; 2],
    speed: [f32; 2],
}

const ENTITIES: usize = 10_000;
const FRAMES: u64 = 240;
const BACK: u64 = 8;
/// Each frame makes nine versions, on a branch of its own; the oldest of its line is nine frames old.
const KEPT: u64 = (BACK + 1) * (BACK + 1);

/// An entity a frame later; the same each time it is simulated.
fn moved(mut entity: Entity) -> Entity {
    for axis in 0..2 {
        entity.at[axis] += entity.speed[axis];
        if !(0.0..1000.0).contains(&entity.at[axis]) {
            entity.speed[axis] = -entity.speed[axis]
        }
    }
    entity
}

/// Those that move in a frame: each `step`th.
fn moving(frame: u64, step: usize) -> impl Iterator<Item = usize> {
    (frame as usize % step..ENTITIES).step_by(step)
}

/// Plays all frames, each with a rollback: `play` shows the world that many frames ago, and simulates from there up to this
/// frame. How long a frame took on average.
fn each_frame(mut play: impl FnMut(u64, u64) -> backstory::Result<()>) -> backstory::Result<Duration> {
    let begin = Instant::now();
    (0..FRAMES).try_for_each(|frame| play(frame, frame.min(BACK)))?;
    Ok(begin.elapsed() / FRAMES as u32)
}

fn main() -> backstory::Result<()> {
    let entity = |i: usize| Entity { at: [i as f32 % 1000.0, i as f32 / 10.0], speed: [1.0 + i as f32 % 7.0, 2.0] };
    for step in [100, 10, 1] {
        let mut game = Timeline::options().keep_versions(KEPT).in_memory((0..ENTITIES).map(entity).collect());
        let mut shown = vec![VersionId::FIRST];
        let ours = each_frame(|frame, back| {
            shown.truncate(shown.len() - back as usize);
            game.checkout(shown[shown.len() - 1])?;
            for frame in frame - back..=frame {
                let simulate =
                    |world: &mut Vector<Entity>| moving(frame, step).for_each(|i| world[i] = moved(world[i]));
                shown.push(game.edit("frame", simulate)?.version.expect("they moved"))
            }
            Ok(())
        })?;
        let mut ring: Vec<Vec<Entity>> = vec![(0..ENTITIES).map(entity).collect()];
        let copies = each_frame(|frame, back| {
            ring.truncate(ring.len() - back as usize);
            for frame in frame - back..=frame {
                let mut world = ring[ring.len() - 1].clone();
                moving(frame, step).for_each(|i| world[i] = moved(world[i]));
                ring.push(world)
            }
            ring.drain(..ring.len().saturating_sub(BACK as usize + 1));
            Ok(())
        })?;
        let (all, now) = (ENTITIES / step, ring.last().expect("a world"));
        println!("{all} of {ENTITIES} move: {ours:?} a frame of 16.6 ms, plain copies {copies:?}");
        assert!(game.state().iter().eq(now));
        assert_eq!(game.versions().count() as u64, KEPT);
    }
    Ok(())
}
