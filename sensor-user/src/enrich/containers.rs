//! Which container a process runs in: by its control group, which container runtimes name after the
//! container. Only where a rule asks; the answer is kept, as a process seldom changes its group.

use std::collections::HashMap;

use crate::event::Process;

/// Processes remembered; then all are forgotten.
const KEPT: usize = 8192;
/// Digits of a container's id (docker, containerd, cri-o, podman).
const DIGITS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Containers {
    /// By process id: when it started, and its container.
    known: HashMap<u32, (u64, Option<Vec<u8>>)>,
}

impl Containers {
    /// The container of a process; of one that has ended already, its parent's.
    /// One that has `executed` is asked for anew: runtimes move a process, then it executes.
    pub(super) fn of(&mut self, who: &Process, executed: bool) -> Option<Vec<u8>> {
        if let Some((start, container)) = self.known.get(&who.pid)
            && *start == who.start_ns
            && !executed
        {
            return container.clone();
        }
        let container = match std::fs::read(format!("/proc/{}/cgroup", who.pid)) {
            Ok(groups) => id(&groups).map(<[u8]>::to_vec),
            Err(_ended) => self.known.get(&who.ppid)?.1.clone(),
        };
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        let entry = (who.start_ns, container.clone());
        self.known.insert(who.pid, entry);
        container
    }
}

/// The id in /proc/PID/cgroup (cgroups(7)): the innermost component of a path that has 64 hexadecimal
/// digits in a row, as in `/docker/ID` and `/…/cri-containerd-ID.scope`.
fn id(groups: &[u8]) -> Option<&[u8]> {
    groups.split(|b| *b == b'\n').find_map(|line| {
        let path = line.splitn(3, |b| *b == b':').nth(2)?;
        path.rsplit(|b| *b == b'/').find_map(digits)
    })
}

fn digits(component: &[u8]) -> Option<&[u8]> {
    let is_digit = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    let mut words = component.split(|b| !is_digit(b));
    words.find(|word| word.len() == DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_runtime() {
        let hex = "0123456789abcdef".repeat(4);
        for (groups, expect) in [
            (format!("0::/system.slice/docker-{hex}.scope\n"), true),
            (format!("12:cpu:/docker/{hex}\n0::/\n"), true),
            (
                format!("0::/kubepods.slice/cri-containerd-{hex}.scope\n"),
                true,
            ),
            (
                format!("0::/machine.slice/libpod-{hex}.scope/container\n"),
                true,
            ),
            ("0::/user.slice/user-1000.slice\n".to_owned(), false),
            (format!("0::/x/{hex}0\n"), false),
            (String::new(), false),
        ] {
            let found = id(groups.as_bytes());
            assert_eq!(found, expect.then_some(hex.as_bytes()), "{groups}");
        }
    }
}
