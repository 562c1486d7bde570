//! Figures of an earlier run, kept in the repository: what moved is told, and fails nothing.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context as _, Result};

use super::table::{Figures, Key, share};
use crate::cache;

/// Less is how caches fell.
const MOVED: f64 = 0.02;

fn path() -> PathBuf {
    cache::checkout().join("tests/data/performance.tsv")
}

/// Lines of `kernel recorder rules operation instructions`, with tabs between.
fn read(text: &str) -> Vec<(String, Key, u64)> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        let [kernel, recorder, rules, op, count] = words[..] else {
            return None;
        };
        Some((
            kernel.to_owned(),
            Key::new(recorder, rules, op),
            count.parse().ok()?,
        ))
    };
    text.lines().filter_map(line).collect()
}

/// Says which figures differ by more than 2 %; with `store`, the new ones take the old ones' place.
pub(super) fn compare(kernel: &str, figures: &Figures, store: bool) -> Result<()> {
    let text = fs::read_to_string(path()).unwrap_or_default();
    let mut kept = read(&text);
    let mut moved = 0;
    for (of, key, old) in &kept {
        let Some(new) = figures.get(key).filter(|_| of == kernel) else {
            continue;
        };
        let change = share(new.cast_signed() - old.cast_signed(), *old);
        if change.abs() > MOVED {
            moved += 1;
            let Key {
                recorder,
                rules,
                op,
            } = key;
            println!(
                "moved: {kernel} {recorder} {rules} {op}: {old} to {new} ({:+.1} %)",
                change * 100.0
            );
        }
    }
    println!("{moved} figures moved by more than 2 % since they were stored");
    if !store {
        return Ok(());
    }
    kept.retain(|(of, key, _)| of != kernel || !figures.contains_key(key));
    let new = figures
        .iter()
        .map(|(key, count)| (kernel.to_owned(), key.clone(), *count));
    kept.extend(new);
    kept.sort();
    let mut text = String::new();
    for (
        kernel,
        Key {
            recorder,
            rules,
            op,
        },
        count,
    ) in &kept
    {
        writeln!(text, "{kernel}\t{recorder}\t{rules}\t{op}\t{count}")?;
    }
    fs::write(path(), text).with_context(|| path().display().to_string())
}
