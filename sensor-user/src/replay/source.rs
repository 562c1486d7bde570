//! Where lines come from: files, gzip files (RFC 1952, known by their first bytes), a pipe.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Cursor, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use flate2::read::MultiGzDecoder;

use super::LONGEST;

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// auditd.conf(5): `log_file`.
const LOG: &str = "audit.log";

/// What is to be read, in this order. A directory stands for its audit.log and what was rotated, as
/// does every file when `rotated`.
///
/// # Errors
/// A directory can't be read, or holds no log.
pub(super) fn list(paths: &[PathBuf], rotated: bool) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.extend(oldest_first(&path.join(LOG))?);
        } else if rotated && !is_stdin(path) {
            all.extend(oldest_first(path)?);
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
}

/// `-`
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// LOG.N … LOG.1, LOG; also those that were compressed since.
fn oldest_first(log: &Path) -> Result<Vec<PathBuf>> {
    let dir = log.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    let base = log.file_name().unwrap_or_default().to_string_lossy();
    let mut found = Vec::new();
    let entries = fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", dir.display()))?;
        if let Some(age) = age(&entry.file_name().to_string_lossy(), &base) {
            found.push((age, dir.join(entry.file_name())));
        }
    }
    if found.is_empty() {
        bail!("no {} and nothing rotated from it", log.display());
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// How often a file called `name` was rotated; `None`: it is no log called `base`.
fn age(name: &str, base: &str) -> Option<u32> {
    let rest = name.strip_prefix(base)?;
    let rest = rest.strip_suffix(".gz").unwrap_or(rest);
    match rest.strip_prefix('.') {
        Some(number) => number.parse().ok(),
        None => rest.is_empty().then_some(0),
    }
}

/// A line, as far as it goes; [`Source::text`] has its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Line,
    /// More than [`LONGEST`] bytes, of which the first are kept.
    TooLong,
    /// The last one, without its newline.
    Torn,
    End,
}

/// One log under reading.
pub(super) struct Source {
    reader: BufReader<Box<dyn Read>>,
    text: Vec<u8>,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// It can't be opened or read.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if is_stdin(path) {
            Self::new(Box::new(io::stdin()))
        } else {
            Self::new(Box::new(File::open(path)?))
        }
    }

    /// Reads from `raw`, plain or gzip.
    pub(super) fn new(mut raw: Box<dyn Read>) -> io::Result<Self> {
        let mut head = Vec::new();
        raw.by_ref().take(2).read_to_end(&mut head)?;
        let gzip = head == GZIP;
        let whole = Cursor::new(head).chain(raw);
        let reader: Box<dyn Read> = if gzip {
            Box::new(MultiGzDecoder::new(BufReader::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            text: Vec::new(),
        })
    }

    /// Whether the next line, or a part of it, is here: reading it need not wait.
    pub(super) fn is_ready(&self) -> bool {
        !self.reader.buffer().is_empty()
    }

    /// The bytes that [`Source::next_line`] spoke of.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Reads a line.
    ///
    /// # Errors
    /// The file can't be read, or is no whole gzip file.
    pub(super) fn next_line(&mut self) -> io::Result<Next> {
        self.text.clear();
        let mut more = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            let newline = chunk.iter().position(|b| *b == b'\n');
            let len = newline.unwrap_or(chunk.len());
            let room = LONGEST - self.text.len();
            self.text.extend_from_slice(&chunk[..len.min(room)]);
            more |= len > room;
            let end = chunk.is_empty();
            self.reader.consume(len + usize::from(newline.is_some()));
            if newline.is_some() || end {
                return Ok(match (more, end, self.text.is_empty()) {
                    (true, ..) => Next::TooLong,
                    (_, true, true) => Next::End,
                    (_, true, false) => Next::Torn,
                    _ => Next::Line,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn read(bytes: Vec<u8>) -> io::Result<Vec<(Next, usize)>> {
        let mut source = Source::new(Box::new(Cursor::new(bytes)))?;
        let mut all = Vec::new();
        loop {
            let next = source.next_line()?;
            if next == Next::End {
                return Ok(all);
            }
            all.push((next, source.text().len()));
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("compress");
        encoder.finish().expect("compress")
    }

    #[test]
    fn lines_are_read_from_plain_and_gzip() {
        let long = [vec![b'x'; LONGEST + 1], b"\n".to_vec()].concat();
        let fits = [vec![b'x'; LONGEST], b"\n".to_vec()].concat();
        let text = [&b"ab\n\n"[..], &long, &fits, b"torn"].concat();
        let expect = [
            (Next::Line, 2),
            (Next::Line, 0),
            (Next::TooLong, LONGEST),
            (Next::Line, LONGEST),
            (Next::Torn, 4),
        ];
        assert_eq!(read(text.clone()).expect("plain"), expect);
        let (one, two) = text.split_at(1000);
        let members = [gzip(one), gzip(two)].concat();
        assert_eq!(read(members.clone()).expect("gzip"), expect);
        assert!(read(members[..members.len() - 9].to_vec()).is_err());
        assert_eq!(read(Vec::new()).expect("nothing"), []);
        assert_eq!(read(b"\x1f".to_vec()).expect("one byte"), [(Next::Torn, 1)]);
    }

    #[test]
    fn rotated_logs_are_read_oldest_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let names = ["audit.log.10.gz", "audit.log.2", "audit.log.1", "audit.log"];
        for name in names
            .iter()
            .chain(&["audit.log.x", "audit.logs", "other.log.3"])
        {
            File::create(dir.path().join(name)).expect("a file");
        }
        let expect: Vec<PathBuf> = names.iter().map(|name| dir.path().join(name)).collect();
        let listed = list(&[dir.path().to_owned()], false).expect("a log");
        assert_eq!(listed, expect);
        let log = dir.path().join("audit.log");
        assert_eq!(
            list(std::slice::from_ref(&log), true).expect("a log"),
            expect
        );
        assert_eq!(
            list(std::slice::from_ref(&log), false).expect("a log"),
            [log]
        );
        assert!(list(&[dir.path().join("none")], true).is_err());
        assert_eq!(
            list(&["-".into()], true).expect("a pipe"),
            [PathBuf::from("-")]
        );
    }
}
