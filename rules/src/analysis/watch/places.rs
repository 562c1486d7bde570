//! Which watched path a name is, and what that file decides.

use super::{Homes, Watch, own_path};
use crate::analysis::{
    act::{Actor, Name},
    facts::Facts,
    files::Files,
    places::{AccountFile, Place, place},
};

/// Groups whose members are as good as root, or can make themselves root with what the group may open.
const PRIVILEGED: [&str; 14] = [
    "sudo",
    "wheel",
    "admin",
    "root",
    "sudoers",
    "google-sudoers",
    "docker",
    "lxd",
    "lxc",
    "incus-admin",
    "disk",
    "shadow",
    "kmem",
    "libvirt",
];
/// Most groups taken from sudoers.
const GROUPS: usize = 256;

impl<W: Clone> Watch<W> {
    /// What a path is, with what passwd and sshd_config say.
    pub(super) fn place(&self, path: &[u8]) -> Option<Place> {
        if let Some(user) = self.homes.keys.get(path) {
            let user = Some(user.clone());
            return Some(Place::Keys { user });
        }
        match place(path) {
            // The path's idea of whose home it is may be wrong; passwd's is not.
            Some(Place::Keys { user }) => {
                let told = self.homes.user_of(path).map(<[u8]>::to_vec);
                Some(Place::Keys {
                    user: told.or(user),
                })
            }
            other => other,
        }
    }

    /// The watched paths that a name of an act stands for.
    pub(super) fn watched_paths(&self, actor: &Actor, name: &Name) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        let mut add = |path: Vec<u8>| {
            if !paths.contains(&path) {
                paths.push(path);
            }
        };
        if let Some(path) = own_path(actor, name).filter(|path| self.place(path).is_some()) {
            add(path);
        }
        if let Some(id) = name.file {
            self.known.paths_of(id).iter().cloned().for_each(&mut add);
        }
        if let Some(path) = self
            .in_directory(name)
            .filter(|path| self.place(path).is_some())
        {
            add(path);
        }
        paths
    }

    /// Where a name is on the host: by its directory's inode, else by what it says.
    pub(super) fn host_path(&self, actor: &Actor, name: &Name) -> Option<Vec<u8>> {
        self.in_directory(name).or_else(|| own_path(actor, name))
    }

    fn in_directory(&self, name: &Name) -> Option<Vec<u8>> {
        let directory = self.known.directory(name.directory?)?;
        let last = name.path.rsplit(|b| *b == b'/').next()?;
        let mut path = directory.to_vec();
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(last);
        (!last.is_empty()).then_some(path)
    }

    /// What a changed file changes about the watch itself.
    pub(super) fn follow(&mut self, place: &Place, differs: bool, files: &mut dyn Files) {
        match place {
            Place::Account(AccountFile::Passwd) | Place::SshdConfig if differs => {
                self.homes = Homes::read(files);
            }
            Place::Account(AccountFile::Sudoers) if differs => self.learn_groups(),
            _ => {}
        }
    }

    /// Groups that are as good as root: the usual, and those that sudoers grants something to.
    pub(super) fn learn_groups(&mut self) {
        let usual = PRIVILEGED.iter().map(|name| name.as_bytes().to_vec());
        let mut groups: Vec<Vec<u8>> = usual.collect();
        for (path, state) in self.known.iter() {
            if place(path) == Some(Place::Account(AccountFile::Sudoers)) {
                groups.extend(granted(&state.facts));
            }
        }
        groups.sort();
        groups.dedup();
        groups.truncate(GROUPS);
        self.privileged = groups;
    }

    /// Group ids of those groups.
    pub(super) fn privileged_gids(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Some(groups) = self.known.get(b"/etc/group") else {
            return Vec::new();
        };
        let gid = |name: &Vec<u8>| Some((groups.facts.get(name)?.clone(), name.clone()));
        self.privileged.iter().filter_map(gid).collect()
    }
}

/// `%group ALL=…` of sudoers.
fn granted(facts: &Facts) -> impl Iterator<Item = Vec<u8>> {
    facts.keys().filter_map(|line| {
        let line = line.strip_prefix(b"%")?;
        let end = line.iter().position(|b| b" \t=,".contains(b))?;
        (end > 0).then(|| line[..end].to_vec())
    })
}
