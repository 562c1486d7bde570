//! Figures of an earlier run, kept in the repository: what moved is told, and fails nothing.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context as _, Result, bail};

use super::table::{Figures, Key, share};
use crate::cache;

/// Less is how caches fell.
const MOVED: f64 = 0.02;

fn path() -> PathBuf {
    cache::checkout().join("docs/performance/figures.tsv")
}

/// The file's first line.
const HEADER: &str = "# kernel, recorder, rules, operation, guest instructions of one operation";

/// Lines of `kernel recorder rules operation instructions`, with tabs between.
fn read(text: &str) -> Result<Vec<(String, Key, u64)>> {
    let line = |(number, line): (usize, &str)| {
        let told = || format!("line {}: not five columns: {line:?}", number + 1);
        let words: Vec<&str> = line.split('\t').collect();
        let [kernel, recorder, rules, op, count] = words[..] else {
            bail!(told());
        };
        let count = count.parse().with_context(told)?;
        Ok((kernel.to_owned(), Key::new(recorder, rules, op), count))
    };
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.starts_with('#'))
        .map(line)
        .collect()
}

/// The figures, and those of other recorders that were kept: what was not measured now.
pub(super) fn completed(kernel: &str, figures: &Figures) -> Result<Figures> {
    let ours = |key: &Key| key.recorder == "auklet";
    let mut all: Figures = kept()?
        .into_iter()
        .filter(|(of, key, _)| of == kernel && !ours(key))
        .map(|(_, key, count)| (key, count))
        .collect();
    all.extend(figures.clone());
    Ok(all)
}

/// What the file holds; nothing before the first run that stores.
fn kept() -> Result<Vec<(String, Key, u64)>> {
    let path = path();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    read(&text).with_context(|| path.display().to_string())
}

/// Says which figures differ by more than 2 %; with `store`, the new ones take the old ones' place.
pub(super) fn compare(kernel: &str, figures: &Figures, store: bool) -> Result<()> {
    let mut kept = kept()?;
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
    let mut text = format!("{HEADER}\n");
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
    fs::create_dir_all(path().with_file_name(""))?;
    fs::write(path(), text).with_context(|| path().display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_or_refused_with_the_line() {
        let key = Key::new("auditd", "none", "open");
        let good = read("# head\n6.12\tauditd\tnone\topen\t700\n").unwrap();
        assert_eq!(good, [("6.12".to_owned(), key, 700)]);
        let bad = read("# head\n6.12\tauditd\tnone\topen\n").unwrap_err();
        assert!(bad.to_string().starts_with("line 2:"), "{bad}");
        assert!(read("6.12\tauditd\tnone\topen\tmany\n").is_err());
    }

    #[test]
    fn what_is_kept_can_be_read() {
        kept().unwrap();
    }
}
