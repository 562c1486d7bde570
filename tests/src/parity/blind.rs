//! What the tracepoint plan may have otherwise than auditd, and why: docs/parity.md, "Blind spots of the
//! tracepoint plan". No function of the kernel is hooked there; what names lead to is looked up after the
//! call, when some of it is gone, covered or changed.

use syscalls::{x86, x86_64};

use super::log::{Event, Record};

/// Inode fields of a PATH.
const INODE: [&str; 6] = ["inode", "dev", "mode", "ouid", "ogid", "rdev"];

/// One call of auditd's log.
pub(super) struct Blind {
    call: &'static str,
    exit: i64,
    /// The first argument, as an `int`.
    first: i32,
}

impl Blind {
    /// `None` under a plan that sees all, or for what is no call.
    pub(super) fn of(event: &Event, plan: &str) -> Option<Self> {
        if plan != "tracepoint" {
            return None;
        }
        let call = event.iter().find(|record| record.kind == "SYSCALL")?;
        let number = call.get("syscall")?.parse().ok()?;
        let name = match call.get("arch")? {
            "40000003" => x86::Sysno::new(number).map(|call| call.name()),
            _ => x86_64::Sysno::new(number).map(|call| call.name()),
        };
        let first = u64::from_str_radix(call.get("a0")?, 16).ok()? & 0xffff_ffff;
        Some(Self {
            call: name?,
            exit: call.get("exit")?.parse().ok()?,
            first: u32::try_from(first).ok()?.cast_signed(),
        })
    }

    fn is(&self, calls: &[&str]) -> bool {
        calls.contains(&self.call)
    }

    fn done(&self) -> bool {
        self.exit >= 0
    }

    /// Nobody can tell after a rename that it replaced a file: auditd's event as it is without that
    /// file's item, if it has one.
    pub(super) fn without_replaced(&self, event: &Event, ours: &Event) -> Option<Event> {
        let deleted = |record: &&Record| record.get("nametype") == Some("DELETE");
        let count = |event: &Event, nametype: &str| {
            let is = |record: &&Record| record.get("nametype") == Some(nametype);
            event.iter().filter(is).count()
        };
        let renamed = self.is(&["rename", "renameat", "renameat2"]);
        let of_two = count(event, "DELETE") == 2 && count(event, "CREATE") == 1;
        // Of an exchange, both are told.
        if !(renamed && self.done() && of_two && count(ours, "DELETE") == 1) {
            return None;
        }
        let replaced = event.iter().filter(deleted).nth(1)?.get("item")?.to_owned();
        let replaced: usize = replaced.parse().ok()?;
        let mut left = event.clone();
        left.retain(|r| r.kind != "PATH" || r.get("item") != Some(&replaced.to_string()));
        for (name, value) in left.iter_mut().flat_map(|record| &mut record.fields) {
            let number = value.parse::<usize>().ok();
            match (name.as_str(), number) {
                ("item", Some(n)) if n > replaced => *value = (n - 1).to_string(),
                ("items", Some(n)) => *value = (n - 1).to_string(),
                _ => {}
            }
        }
        Some(left)
    }

    /// Whether Auklet may lack a record that auditd has.
    pub(super) fn lacks(&self, record: &Record) -> bool {
        match record.kind.as_str() {
            // The kernel read it out of an image that it refused.
            "KERN_MODULE" => self.is(&["init_module", "finit_module"]),
            // Of a link that the kernel would not follow: which of a path's, no result tells.
            "ANOM_LINK" => self.exit == -i64::from(libc::EACCES),
            // To a group or to all: many processes, which are not in the arguments.
            "OBJ_PID" => self.is(&["kill"]) && self.first <= 0,
            "PATH" | "CWD" => self.unnamed(record),
            _ => false,
        }
    }

    /// Names that no path argument of the call has: the source of a mount, what a handle leads to.
    fn unnamed(&self, record: &Record) -> bool {
        let second = record.get("item") == Some("1");
        match self.call {
            "open_by_handle_at" => true,
            "mount" => record.kind == "PATH" && second,
            _ => false,
        }
    }

    /// Whether a field may differ; `ours` is Auklet's value.
    pub(super) fn differs(&self, theirs: &Record, field: &str, ours: Option<&str>) -> bool {
        match (theirs.kind.as_str(), field) {
            ("SYSCALL", "items") => self.is(&["mount", "open_by_handle_at"]),
            ("PATH", _) => self.path_differs(theirs, field, ours),
            // The caller had no room for all of the address that the kernel had.
            ("SOCKADDR", "saddr") => {
                let theirs = theirs.get(field).unwrap_or_default();
                let given = [
                    "accept",
                    "accept4",
                    "getsockname",
                    "getpeername",
                    "recvfrom",
                    "recvmsg",
                    "socketcall",
                ];
                self.is(&given) && ours.is_some_and(|ours| theirs.starts_with(ours))
            }
            _ => false,
        }
    }

    fn path_differs(&self, theirs: &Record, field: &str, ours: Option<&str>) -> bool {
        let nametype = theirs.get("nametype").unwrap_or_default();
        let inode = INODE.contains(&field);
        let proc = theirs
            .get("name")
            .is_some_and(|n| n.starts_with("\"/proc/"));
        match nametype {
            // It is gone.
            "DELETE" if self.done() => {
                // audit has one item for both, of the file that was replaced, where both names are alike.
                inode && (ours.is_none() || self.call.starts_with("rename"))
            }
            // Where something was mounted or no longer is, another file is found.
            "NORMAL" if self.is(&["mount", "umount", "umount2", "pivot_root"]) && self.done() => {
                inode
            }
            // As the call left them.
            "NORMAL" if self.changes() && self.done() => {
                matches!(field, "mode" | "ouid" | "ogid") || field.starts_with("cap_f")
            }
            _ if proc => inode || field == "nametype",
            _ => false,
        }
    }

    /// Calls that change what a PATH says of its file.
    fn changes(&self) -> bool {
        let changing = ["chmod", "chown", "truncate", "setxattr", "removexattr"];
        changing.iter().any(|part| self.call.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        let (kind, rest) = text.split_once(' ').expect("a type");
        let fields = rest.split(' ').filter_map(|word| word.split_once('='));
        Record {
            id: String::new(),
            kind: kind.to_owned(),
            fields: fields.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        }
    }

    fn call(nr: u32, exit: i64) -> Event {
        vec![record(&format!(
            "SYSCALL arch=c000003e syscall={nr} exit={exit} a0=0 items=5"
        ))]
    }

    #[test]
    fn only_the_tracepoint_plan_is_blind() {
        assert!(Blind::of(&call(82, 0), "kprobe").is_none());
        assert!(Blind::of(&call(82, 0), "tracepoint").is_some());
    }

    #[track_caller]
    fn check(nr: u32, exit: i64, theirs: &str, field: &str, ours: Option<&str>, expect: bool) {
        let blind = Blind::of(&call(nr, exit), "tracepoint").expect("a call");
        assert_eq!(blind.differs(&record(theirs), field, ours), expect);
    }

    #[test]
    fn fields_that_may_differ() {
        let deleted = "PATH nametype=DELETE inode=7";
        check(87, 0, deleted, "inode", None, true);
        check(87, 0, deleted, "inode", Some("8"), false);
        check(87, -13, deleted, "inode", None, false);
        check(87, 0, deleted, "name", None, false);
        let normal = "PATH nametype=NORMAL mode=0100644 inode=7";
        check(90, 0, normal, "mode", Some("0100600"), true);
        check(90, 0, normal, "inode", Some("8"), false);
        check(90, -1, normal, "mode", Some("0100600"), false);
        check(4, 0, normal, "mode", Some("0100600"), false);
        check(51, 0, "SOCKADDR saddr=0200AB", "saddr", Some("02"), true);
        check(51, 0, "SOCKADDR saddr=0200AB", "saddr", Some("01"), false);
    }

    #[test]
    fn a_replaced_file_is_no_item() {
        let mut event = call(82, 0);
        for (n, nametype) in ["PARENT", "PARENT", "DELETE", "DELETE", "CREATE"]
            .iter()
            .enumerate()
        {
            event.push(record(&format!("PATH item={n} nametype={nametype}")));
        }
        let blind = Blind::of(&event, "tracepoint").expect("a call");
        assert!(blind.without_replaced(&event, &event).is_none());
        let mut ours = event.clone();
        ours.remove(4);
        let left = blind.without_replaced(&event, &ours);
        let left = left.expect("a replaced file");
        let texts: Vec<String> = left[1..].iter().map(Record::text).collect();
        assert_eq!(
            texts[2..],
            ["PATH item=2 nametype=DELETE", "PATH item=3 nametype=CREATE"]
        );
        assert_eq!(left[0].get("items"), Some("4"));
    }
}
