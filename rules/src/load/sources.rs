//! The files of a rule set: which there are, what is in them.
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{cases::is_tests, engine::Lists, error::RuleError, tuning::lists};

/// Directories below a given one that are searched for rules.
const MAX_DEPTH: usize = 16;

/// Where a rule set comes from, to be read again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) shipped: &'static [(&'static str, &'static str)],
    pub(crate) paths: Vec<PathBuf>,
    /// Files that were read already.
    pub(crate) texts: Vec<(PathBuf, String)>,
    /// Lists beside those of the directories.
    pub(crate) lists: Lists,
}

/// A file of rules.
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) text: String,
    pub(super) shipped: bool,
    /// SHA-256, in hexadecimal.
    pub(super) version: String,
}

/// Reads the files; lists go where they belong.
pub(super) fn sources(
    origin: &Origin,
    lists: &mut Lists,
    errors: &mut Vec<RuleError>,
) -> Vec<Source> {
    let source = |file: PathBuf, text: String, shipped| Source {
        version: hex(&Sha256::digest(text.as_bytes())),
        file,
        text,
        shipped,
    };
    let shipped = origin.shipped.iter();
    let mut sources: Vec<Source> = shipped
        .map(|(file, text)| source(PathBuf::from(file), (*text).to_owned(), true))
        .collect();
    let given = origin.texts.iter();
    sources.extend(given.map(|(file, text)| source(file.clone(), text.clone(), false)));
    let mut named: HashMap<String, PathBuf> = HashMap::new();
    for path in &origin.paths {
        let files = files(path, 0, &|file| is_rules(file) || is_list(file)).unwrap_or_else(
            |(path, error)| {
                errors.push(unreadable(&path, &error));
                Vec::new()
            },
        );
        for file in files {
            if is_list(&file) {
                list(&file, lists, &mut named, errors);
                continue;
            }
            match fs::read_to_string(&file) {
                Ok(text) => sources.push(source(file, text, false)),
                Err(error) => errors.push(unreadable(&file, &error)),
            }
        }
    }
    sources
}

fn list(
    file: &Path,
    lists: &mut Lists,
    named: &mut HashMap<String, PathBuf>,
    errors: &mut Vec<RuleError>,
) {
    let name = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if let Some(other) = named.insert(name.clone(), file.to_owned()) {
        errors.push(RuleError {
            file: file.to_owned(),
            line: 1,
            problem: format!("the list {name} is also in {}", other.display()),
        });
    }
    let read = fs::read(file).map_err(|error| vec![unreadable(file, &error)]);
    match read.and_then(|bytes| lists::parse(file, &bytes)) {
        Ok(values) => lists.set(name, values),
        Err(more) => errors.extend(more),
    }
}

fn is_list(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "list")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unreadable(path: &Path, error: &io::Error) -> RuleError {
    RuleError {
        file: path.to_owned(),
        line: 0,
        problem: format!("cannot read it: {error}"),
    }
}

/// Whether a file of a directory holds rules; what they must and must not match is told beside them.
pub(crate) fn is_rules(path: &Path) -> bool {
    let named = |name: &str| path.extension().is_some_and(|extension| extension == name);
    (named("yml") || named("yaml")) && !is_tests(path)
}

/// The file itself, or the files below the directory that are wanted, sorted.
pub(crate) fn files(
    path: &Path,
    depth: usize,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |error| (path.to_owned(), error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    if depth > MAX_DEPTH {
        return Err(failed(io::Error::other("directories nested too deep")));
    }
    let mut entries = fs::read_dir(path)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, depth + 1, wanted)?);
        } else if wanted(&path) {
            found.push(path);
        }
    }
    Ok(found)
}
