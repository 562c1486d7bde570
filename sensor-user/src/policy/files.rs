//! Lines of rule files: one file, or a directory in the order in which augenrules merges it.
//! Source: audit-userspace's init.d/augenrules; GNU `ls -v` (filevercmp of gnulib).

use std::{
    cmp::Ordering,
    fs,
    path::{Path, PathBuf},
};

use super::{error::Remark, host::path_bytes};

/// A line that is neither blank nor a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) number: usize,
    pub(super) text: Vec<u8>,
}

impl Line {
    pub(super) fn remark(&self, text: impl Into<String>) -> Remark {
        Remark::new(&self.file, self.number, text)
    }
}

/// A file's lines, or those of a directory's `*.rules`.
pub(super) fn read(path: &Path) -> Result<Vec<Line>, Remark> {
    if path.is_dir() {
        return directory(path);
    }
    let text = fs::read(path).map_err(|error| Remark::new(path, 0, error.to_string()))?;
    Ok(lines(path, &text))
}

/// The lines of a file. A carriage return at the end does not count, as for augenrules.
pub(super) fn lines(file: &Path, text: &[u8]) -> Vec<Line> {
    let numbered = text.split(|b| *b == b'\n').zip(1..);
    let wanted = numbered.filter_map(|(line, number)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let first = line.iter().find(|b| !b.is_ascii_whitespace());
        first.filter(|b| **b != b'#').map(|_| Line {
            file: file.to_owned(),
            number,
            text: line.to_vec(),
        })
    });
    wanted.collect()
}

fn directory(path: &Path) -> Result<Vec<Line>, Remark> {
    let failed = |error: std::io::Error| Remark::new(path, 0, error.to_string());
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        // ls shows no hidden files.
        if name.ends_with(b".rules") && !name.starts_with(b".") {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Remark::new(path, 0, "no *.rules in this directory"));
    }
    files.sort_by(|a, b| natural(path_bytes(a), path_bytes(b)));
    let mut all = Vec::new();
    for file in files {
        all.extend(read(&file)?);
    }
    Ok(merge(all))
}

/// The last `-D`, `-b` and `-f` come first, the last `-e` last; of each only that one counts.
fn merge(all: Vec<Line>) -> Vec<Line> {
    let mut special: [Option<Line>; 4] = [const { None }; 4];
    let mut rest = Vec::new();
    for line in all {
        let text = line.text.trim_ascii();
        let slot = match text {
            b"-D" => Some(0),
            _ if text.starts_with(b"-b") => Some(1),
            _ if text.starts_with(b"-f") => Some(2),
            _ if text.starts_with(b"-e") => Some(3),
            _ => None,
        };
        match slot {
            Some(slot) => special[slot] = Some(line),
            None => rest.push(line),
        }
    }
    let [delete, backlog, failure, enable] = special;
    let first = [delete, backlog, failure].into_iter().flatten();
    first.chain(rest).chain(enable).collect()
}

/// Order of `sort -V` and `ls -v`: runs of digits by their value, `~` before the end of the text,
/// letters before other characters; without the suffix first.
fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let bare = |name: &[u8]| name.strip_suffix(b".rules").map_or(name.len(), <[u8]>::len);
    let without = by_version(&a[..bare(a)], &b[..bare(b)]);
    without
        .then_with(|| by_version(a, b))
        .then_with(|| a.cmp(b))
}

fn by_version(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let is_digit = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
        while !a.is_empty() && !is_digit(a) || !b.is_empty() && !is_digit(b) {
            match weight(a.first()).cmp(&weight(b.first())) {
                Ordering::Equal => {}
                other => return other,
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let (left, rest_a) = digits(a);
        let (right, rest_b) = digits(b);
        let by_value = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
        if by_value != Ordering::Equal {
            return by_value;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// A run of digits without leading zeros, and what follows it.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !b.is_ascii_digit());
    let (run, rest) = text.split_at(end.unwrap_or(text.len()));
    let zeros = run.iter().take_while(|b| **b == b'0').count();
    (&run[zeros..], rest)
}

fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(b) if b.is_ascii_digit() => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_ls_v_does() {
        let expect = [
            "1.rules",
            "9-a.rules",
            "10-a.rules",
            "10-b.rules",
            "30-ospp-v42.rules",
            "30-ospp-v42-1.rules",
            "30-ospp-v42-10.rules",
            "100.rules",
            "a.rules",
            "a1.rules",
        ];
        let mut names = expect;
        names.reverse();
        names.sort_by(|a, b| natural(a.as_bytes(), b.as_bytes()));
        assert_eq!(names, expect);
    }

    #[test]
    fn special_lines_move() {
        let text = b"-e 2\n-w /a\n -D\r\n# x\n\t# y\n\n-b 1\n-D -k x\n-b 2\n-f 1\n-w /b\n";
        let merged = merge(lines(Path::new("x"), text));
        let texts: Vec<_> = merged.iter().map(|l| l.text.as_slice()).collect();
        let expect: [&[u8]; 7] = [
            b" -D", b"-b 2", b"-f 1", b"-w /a", b"-D -k x", b"-w /b", b"-e 2",
        ];
        assert_eq!(texts, expect);
        assert_eq!(merged[0].number, 3);
    }
}
