//! Whether a program is what its path says: nobody but root could have put it there, and nobody has reached
//! into the process since. A name, and even a path, alone says nothing: anybody can call a file `dpkg`, and a
//! mount namespace of one's own can show it at `/usr/bin/dpkg`.

use std::collections::{BTreeMap, HashMap};

/// What stands in the way of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// No program: a kernel thread, or it is not known.
    NoProgram,
    /// Its paths start at another root: they are not the host's.
    OtherRoot,
    /// A file in memory, or one that has no name any more and was not replaced.
    NoFile,
    /// The file, or a directory above it, can be written by others than root.
    Writable,
    /// It is a symbolic link, a script's text, or no regular file.
    NotRegular,
    /// Another process has reached into it.
    Traced,
    /// It was started with a library that others than root can write, or with code to run first.
    Preloaded,
}

impl Distrust {
    /// As rules see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoProgram => "no-program",
            Self::OtherRoot => "other-root",
            Self::NoFile => "no-file",
            Self::Writable => "writable",
            Self::NotRegular => "not-regular",
            Self::Traced => "traced",
            Self::Preloaded => "preloaded",
        }
    }
}

/// Owner and mode of a path's last component, no link followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// User and group that own it.
    pub owner: (u32, u32),
    /// Type and permission bits.
    pub mode: u32,
}

/// What trust asks the host.
pub trait Owners {
    /// Of a path; `None`: it is not there.
    fn access(&mut self, path: &[u8]) -> Option<Access>;
}

/// S_IFMT, S_IFREG and S_IFDIR of include/uapi/linux/stat.h.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Variables that put code into a program: ld.so(8).
const PRELOADS: [&[u8]; 2] = [b"LD_PRELOAD", b"LD_AUDIT"];

/// Programs whose paths were looked at, and how long that holds, nanoseconds.
const PATHS: usize = 4096;
const HOLDS_NS: u64 = 10_000_000_000;
/// Processes that were reached into.
const TAINTED: usize = 4096;

/// Process id and start.
type Id = (u32, u64);

/// Answers, and who lost trust.
#[derive(Debug, Default)]
pub struct Trust {
    paths: HashMap<Vec<u8>, (u64, Result<(), Distrust>)>,
    tainted: BTreeMap<Id, Distrust>,
    /// More processes lost trust than can be kept: until some end, none has any.
    overflow: bool,
}

impl Trust {
    /// Whether a process runs the program that its path names.
    ///
    /// # Errors
    /// Why not.
    pub fn process(
        &mut self,
        id: Id,
        exe: Option<&[u8]>,
        other_root: bool,
        now_ns: u64,
        host: &mut dyn Owners,
    ) -> Result<(), Distrust> {
        let exe = exe.filter(|exe| !exe.is_empty());
        let exe = exe.ok_or(Distrust::NoProgram)?;
        if other_root {
            return Err(Distrust::OtherRoot);
        }
        if self.overflow {
            return Err(Distrust::Traced);
        }
        self.tainted.get(&id).map_or(Ok(()), |why| Err(*why))?;
        self.path(exe, now_ns, host)
    }

    /// Whether nobody but root can have put a file there.
    ///
    /// # Errors
    /// Why not.
    pub fn path(
        &mut self,
        path: &[u8],
        now_ns: u64,
        host: &mut dyn Owners,
    ) -> Result<(), Distrust> {
        if let Some((when, answer)) = self.paths.get(path)
            && now_ns.saturating_sub(*when) < HOLDS_NS
        {
            return *answer;
        }
        let answer = guarded(path, REGULAR, host);
        if self.paths.len() >= PATHS {
            self.paths.clear();
        }
        self.paths.insert(path.to_vec(), (now_ns, answer));
        answer
    }

    /// Another process has reached into this one. `living` tells which of the known ones still live.
    pub fn traced(&mut self, id: Id, living: &dyn Fn(Id) -> bool) {
        self.taint(id, Distrust::Traced, living);
    }

    /// A program was started with this environment, NUL-separated. What root alone can write does not
    /// count: eatmydata and its kin live there.
    pub fn started(
        &mut self,
        id: Id,
        environment: &[u8],
        now_ns: u64,
        host: &mut dyn Owners,
        living: &dyn Fn(Id) -> bool,
    ) {
        // Another image in the same process: what was preloaded into the last one is gone.
        if self.tainted.get(&id) == Some(&Distrust::Preloaded) {
            self.tainted.remove(&id);
        }
        let mut foreign = libraries(environment).any(|path| self.path(path, now_ns, host).is_err());
        // Where they are looked for; an empty one is the working directory.
        foreign |= values(environment, &[b"LD_LIBRARY_PATH"])
            .flat_map(|value| value.split(|b| *b == b':' || *b == b';'))
            .any(|directory| guarded(directory, DIRECTORY, host).is_err());
        if foreign {
            self.taint(id, Distrust::Preloaded, living);
        }
    }

    /// A process ended: its number may come again, with another start.
    pub fn ended(&mut self, id: Id) {
        self.tainted.remove(&id);
    }

    /// Processes without trust, and whether there were more than can be kept.
    #[must_use]
    pub fn counts(&self) -> (usize, bool) {
        (self.tainted.len(), self.overflow)
    }

    fn taint(&mut self, id: Id, why: Distrust, living: &dyn Fn(Id) -> bool) {
        if self.tainted.len() >= TAINTED {
            self.tainted.retain(|id, _| living(*id));
        }
        // To forget one would be to give trust back to whoever makes most noise.
        self.overflow = self.tainted.len() >= TAINTED;
        if !self.overflow {
            self.tainted.insert(id, why);
        }
    }
}

/// Paths in LD_PRELOAD and LD_AUDIT; a name without a slash is looked for where root says.
fn libraries(environment: &[u8]) -> impl Iterator<Item = &[u8]> {
    let values = values(environment, &PRELOADS);
    let words = values.flat_map(|value| value.split(|b| *b == b':' || *b == b' '));
    words.filter(|word| word.contains(&b'/'))
}

/// Values of variables in an environment, but for empty ones.
fn values<'a>(environment: &'a [u8], names: &[&[u8]]) -> impl Iterator<Item = &'a [u8]> {
    let variables = environment.split(|b| *b == 0);
    variables.filter_map(|variable| {
        let at = variable.iter().position(|b| *b == b'=')?;
        let value = &variable[at + 1..];
        (names.contains(&&variable[..at]) && !value.is_empty()).then_some(value)
    })
}

/// Every directory from the root down, and the file (or directory) itself, belong to root and can be written by root alone.
fn guarded(path: &[u8], kind: u32, host: &mut dyn Owners) -> Result<(), Distrust> {
    // Replaced by an upgrade while it ran: what is there now was put there by root, as what was.
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    if !path.starts_with(b"/") || path.starts_with(b"/memfd:") {
        return Err(Distrust::NoFile);
    }
    let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/');
    let ends: Vec<usize> = ends.map(|(at, _)| at).collect();
    for end in ends {
        let directory = if end == 0 { b"/" } else { &path[..end] };
        let access = host.access(directory).ok_or(Distrust::NoFile)?;
        if access.mode & TYPE != DIRECTORY {
            return Err(Distrust::NotRegular);
        }
        owned(access)?;
    }
    let access = host.access(path).ok_or(Distrust::NoFile)?;
    if access.mode & TYPE != kind {
        return Err(Distrust::NotRegular);
    }
    owned(access)
}

/// By root, and writable by nobody else: a sticky directory is one where others make files.
fn owned(access: Access) -> Result<(), Distrust> {
    let by_group = access.mode & 0o020 != 0 && access.owner.1 != 0;
    let by_others = access.mode & 0o002 != 0;
    if access.owner.0 != 0 || by_group || by_others {
        return Err(Distrust::Writable);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
