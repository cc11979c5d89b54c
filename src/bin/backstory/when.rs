//! Which version is meant: the one reading of V, for all commands.
//!
//! In: what the user wrote. Out: the id of a version that there is.
//! Must hold: the forms are tried in one order: a number, `@`, a name, a time. So a name hides a time that is written
//! as it is, and nothing hides a number, as no name is one.
//! Uses: `print`.

use crate::print::timestamp;
use backstory::json::Json;
use backstory::{Error, ErrorKind, Result, Timeline, VersionId};
use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, Zoned};
use std::time::SystemTime;

/// The version that `v` means.
///
/// # Errors
/// `NotFound` if there is none, with names that are like it; `Invalid` of what cannot be a version.
pub fn version(timeline: &Timeline<Json>, v: &str) -> Result<VersionId> {
    let v = v.trim();
    if v.bytes().all(|byte| byte.is_ascii_digit()) && !v.is_empty() {
        return numbered(timeline, v);
    }
    if let Some(steps) = v.strip_prefix('@') {
        return before_head(timeline, v, steps);
    }
    match timeline.named(v) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return found,
    }
    match time(v, &Zoned::now()) {
        Some(time) => as_of(timeline, v, whole_second(time?)),
        None => Err(unknown(timeline, v)),
    }
}

fn numbered(timeline: &Timeline<Json>, v: &str) -> Result<VersionId> {
    // A number beyond u64 is beyond all versions too.
    let id = VersionId::new(v.parse().unwrap_or(u64::MAX));
    timeline.version(id).map(|version| version.id)
}

/// `@`, `@-`, `@-3`.
fn before_head(timeline: &Timeline<Json>, v: &str, steps: &str) -> Result<VersionId> {
    let steps = match steps.strip_prefix('-') {
        None if steps.is_empty() => Some(0),
        Some("") => Some(1),
        Some(n) if n.bytes().all(|byte| byte.is_ascii_digit()) => Some(n.parse().unwrap_or(usize::MAX)),
        _ => None,
    };
    let what = || format!("{v:?} is no version: write @ for where the store stands, @-3 for three steps before that");
    let steps = steps.ok_or_else(|| Error::new(ErrorKind::Invalid, what()))?;
    let mut before = 0;
    for version in timeline.log() {
        let version = version?;
        if before == steps {
            return Ok(version.id);
        }
        before += 1
    }
    let what = format!("there is no version {v}: before version {} there are {}", timeline.head(), before - 1);
    Err(Error::new(ErrorKind::NotFound, what))
}

/// The point of time that `v` says, if it is one.
fn time(v: &str, now: &Zoned) -> Option<Result<Timestamp>> {
    if let Ok(span) = v.parse::<Span>() {
        let future = format!("{v:?} is not in the past: write \"{v} ago\"");
        let past = (span.is_negative() || span.is_zero())
            .then_some(span)
            .ok_or_else(|| Error::new(ErrorKind::Invalid, future));
        let before = |span| now.checked_add(span).map(|at| at.timestamp());
        return Some(past.map(|span| before(span).unwrap_or(Timestamp::MIN)));
    }
    if let Ok(at) = v.parse::<Zoned>() {
        return Some(Ok(at.timestamp()));
    }
    if let Ok(at) = v.parse::<Timestamp>() {
        return Some(Ok(at));
    }
    let at = v.parse::<DateTime>().or_else(|_| v.parse::<Time>().map(|at| now.date().to_datetime(at))).ok()?;
    let what = |error| Error::new(ErrorKind::Invalid, format!("{v:?} is no point of time: {error}"));
    Some(at.to_zoned(now.time_zone().clone()).map(|at| at.timestamp()).map_err(what))
}

/// The end of the second, if none of its parts is said: so a time that was copied from `log` means the version that has it.
fn whole_second(time: Timestamp) -> Timestamp {
    match time.subsec_nanosecond() {
        0 => time.checked_add(Span::new().nanoseconds(999_999_999)).unwrap_or(time),
        _ => time,
    }
}

fn as_of(timeline: &Timeline<Json>, v: &str, time: Timestamp) -> Result<VersionId> {
    if let Some(id) = timeline.as_of(SystemTime::from(time))? {
        return Ok(id);
    }
    let first = timestamp(timeline.version(VersionId::FIRST)?.time);
    let what = format!("there was no version {v:?}, which is {time:.0}: the first one was made at {first:.0}");
    Err(Error::new(ErrorKind::NotFound, what))
}

/// No form fits.
fn unknown(timeline: &Timeline<Json>, v: &str) -> Error {
    let like = like(timeline, v).map_or(String::new(), |name| format!("did you mean {name:?}? "));
    let what = format!(
        "there is no version {v:?}: {like}a version is a number, @ or @-3, a branch or a tag, or a time such as \
         \"5 minutes ago\" or \"2026-05-01 12:30\""
    );
    Error::new(ErrorKind::NotFound, what)
}

/// The name that is most like this one, if one is.
pub fn like(timeline: &Timeline<Json>, name: &str) -> Option<String> {
    let all = timeline.branches().into_iter().chain(timeline.tags()).flatten();
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    let like = all.map(|(other, _)| (likeness(&other), other)).filter(|(likeness, _)| *likeness > 0.7);
    like.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_all_forms() {
        let now: Zoned = "2026-05-01T12:30:00+02:00[Europe/Berlin]".parse().unwrap();
        let at = |v: &str| time(v, &now).unwrap().unwrap().to_string();
        assert_eq!(at("5 minutes ago"), "2026-05-01T10:25:00Z");
        assert_eq!(at("2h ago"), "2026-05-01T08:30:00Z");
        assert_eq!(at("1 month ago"), "2026-04-01T10:30:00Z");
        assert_eq!(at("2026-04-30"), "2026-04-29T22:00:00Z");
        assert_eq!(at("2026-04-30 23:59"), "2026-04-30T21:59:00Z");
        assert_eq!(at("09:15"), "2026-05-01T07:15:00Z");
        assert_eq!(at("2026-04-30T23:59:00Z"), "2026-04-30T23:59:00Z");
        assert_eq!(at("2026-04-30T23:59:00+05:00"), "2026-04-30T18:59:00Z");
        assert!(time("5 minutes", &now).unwrap().is_err());
        assert!(time("main", &now).is_none() && time("", &now).is_none())
    }
}
