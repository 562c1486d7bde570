//! Puts one rule together from its options, in the order in which they stand; refuses what auditctl
//! or the kernel refuses. Sources: `setopt` in audit-userspace's src/auditctl.c,
//! `audit_data_to_entry` in kernel/auditfilter.c.

use std::path::Path;

use auklet_rules::printable;
use bytes::Bytes;

use super::{
    field::Name,
    host::Host,
    line::{Command, Parsed},
    perm::CallMask,
    rule::{Action, Field, List, Op, Rule, Value},
    uring, value,
};
use crate::syscalls::{self, Abi};

/// `AUDIT_MAX_FIELDS`; libaudit stops one earlier.
const MOST_FIELDS: usize = 63;
const ALL_PERMS: u32 = 15;

/// What was said so far on a line.
pub(super) struct Builder<'h> {
    host: &'h dyn Host,
    list: Option<(List, Action)>,
    is_delete: bool,
    prepend: bool,
    calls: Option<CallMask>,
    fields: Vec<Field>,
    key: Vec<u8>,
    /// Whether a `-F key=` came that still needs a path, a perm, an exe or a call.
    late_key: bool,
    parsed: Parsed,
}

impl<'h> Builder<'h> {
    pub(super) fn new(host: &'h dyn Host) -> Self {
        Self {
            host,
            list: None,
            is_delete: false,
            prepend: false,
            calls: None,
            fields: Vec::new(),
            key: Vec::new(),
            late_key: false,
            parsed: Parsed::default(),
        }
    }

    pub(super) fn setting(&mut self, command: Command) -> Result<(), String> {
        self.parsed.commands.push(command);
        Ok(())
    }

    pub(super) fn delete_all(&mut self, key: Option<Vec<u8>>) -> Result<(), String> {
        self.setting(Command::DeleteAll(key.map(Bytes::from)))
    }

    pub(super) fn list(&mut self, which: (List, Action), prepend: bool) -> Result<(), String> {
        if self.list.is_some() {
            return Err("Multiple rule insert/delete operations are not allowed".into());
        }
        if which.0 == List::Task && self.calls.is_some() {
            return Err("Syscall auditing requested for task list".into());
        }
        self.prepend = prepend;
        self.list = Some(which);
        Ok(())
    }

    pub(super) fn delete(&mut self, which: (List, Action)) -> Result<(), String> {
        self.is_delete = true;
        self.list(which, false)
    }

    fn need_list(&self) -> Result<List, String> {
        let (list, _) = self.list.ok_or("List must be given before field")?;
        Ok(list)
    }

    pub(super) fn calls(&mut self, text: &[u8]) -> Result<(), String> {
        let list = self.list.map(|(list, _)| list);
        let refuse = |what| Err(format!("Error: syscall auditing {what}"));
        match list {
            Some(List::Task) => return refuse("being added to task list"),
            Some(List::User) => return refuse("being added to user list"),
            Some(List::Filesystem) => return refuse("being added to filesystem list"),
            Some(List::Exclude) => return refuse("cannot be put on exclude list"),
            Some(List::IoUring) => return self.operations(text),
            Some(List::Exit) | None => {}
        }
        let arch = self.fields.iter().rfind(|field| field.name == Name::Arch);
        let abi = arch.and_then(|field| Abi::of(field.number()?));
        for name in text.split(|b| *b == b',').filter(|name| !name.is_empty()) {
            self.call(name, abi)?;
        }
        if self.calls.is_none() {
            return Err("Syscall name unknown: ".into());
        }
        Ok(())
    }

    fn call(&mut self, name: &[u8], abi: Option<Abi>) -> Result<(), String> {
        let calls = self.calls.get_or_insert(CallMask::NONE);
        if name == b"all" {
            *calls = CallMask::all();
            return Ok(());
        }
        let shown = printable(name);
        let nr = syscalls::number(abi.unwrap_or(Abi::Native), &shown);
        let nr = nr.or_else(|| value::unsigned(name));
        if !nr.is_some_and(|nr| calls.insert(nr)) {
            let bits = if abi == Some(Abi::Compat) {
                "b32"
            } else {
                "b64"
            };
            return Err(format!("Syscall name unknown: {shown} (of {bits})"));
        }
        let differs = syscalls::number(Abi::Compat, &shown) != nr;
        if abi.is_none() && differs && !name[0].is_ascii_digit() {
            self.parsed.notes.push(format!(
                "WARNING - 32/64 bit syscall mismatch for {shown}, you should specify an arch"
            ));
        }
        Ok(())
    }

    fn operations(&mut self, text: &[u8]) -> Result<(), String> {
        let calls = self.calls.get_or_insert(CallMask::NONE);
        for name in text.split(|b| *b == b',') {
            if name == b"all" {
                *calls = CallMask::all();
                continue;
            }
            let op = uring::number(name).or_else(|| value::unsigned(name));
            if !op.is_some_and(|op| calls.insert(op)) {
                return Err(format!("io_uring op unknown: {}", printable(name)));
            }
        }
        Ok(())
    }

    pub(super) fn field(&mut self, text: &[u8]) -> Result<(), String> {
        let list = self.need_list()?;
        match value::field(text, list, self.host)? {
            value::Pair::Key(key) => {
                self.late_key = true;
                self.add_key(&key)
            }
            value::Pair::Field(field) => {
                if field.name == Name::Arch && self.calls.is_some() {
                    return Err(format!("{} must be before -S", printable(text)));
                }
                self.add(field)
            }
        }
    }

    fn add(&mut self, field: Field) -> Result<(), String> {
        if self.fields.len() >= MOST_FIELDS {
            return Err(format!("Too many fields in rule: {}", field.name.name()));
        }
        let is_place = |name| matches!(name, Name::Path | Name::Dir | Name::Inode);
        let has = |test: &dyn Fn(Name) -> bool| self.fields.iter().any(|f| test(f.name));
        if is_place(field.name) && has(&is_place) {
            return Err("a rule can have only one of path, dir and inode".into());
        }
        if field.name == Name::Exe && has(&|name| name == Name::Exe) {
            return Err("a rule can have only one exe".into());
        }
        if matches!(field.name, Name::Gid | Name::Egid) {
            let name = field.name.name();
            self.parsed.notes.push(format!(
                "{name} is compared with the process's own group; the kernel would look at its supplementary groups, too"
            ));
        }
        if field.name.is_subject() {
            let name = field.name.name();
            self.parsed.notes.push(format!(
                "{name} matches nothing unless SELinux gives processes their contexts"
            ));
        }
        if matches!(field.name, Name::Path | Name::Dir | Name::Exe) {
            self.remark_on_path(&field);
        }
        self.fields.push(field);
        Ok(())
    }

    fn remark_on_path(&mut self, field: &Field) {
        let Some(path) = field.text() else { return };
        if path.windows(2).any(|two| two == b"..") {
            self.note("Warning - relative path notation is not supported");
        }
        if path.iter().any(|b| matches!(b, b'*' | b'?')) {
            self.note("Warning - wildcard notation is not supported");
        }
        if path.contains(&b'"') || path.contains(&b'\'') {
            self.note("quotes are part of the path");
        }
    }

    fn note(&mut self, text: &str) {
        self.parsed.notes.push(text.to_owned());
    }

    pub(super) fn comparison(&mut self, text: &[u8]) -> Result<(), String> {
        let list = self.need_list()?;
        let field = value::comparison(text, list)?;
        self.add(field)
    }

    /// `-k`: must come after what it is the key of.
    pub(super) fn key_option(&mut self, text: &[u8]) -> Result<(), String> {
        if self.list.is_none() || !self.has_object() {
            return Err("key option needs a watch or syscall given prior to it".into());
        }
        self.add_key(text)
    }

    fn has_object(&self) -> bool {
        let counts = [Name::Perm, Name::Path, Name::Dir, Name::Exe, Name::FsType];
        self.calls.is_some() || self.fields.iter().any(|f| counts.contains(&f.name))
    }

    fn add_key(&mut self, key: &[u8]) -> Result<(), String> {
        if key.is_empty() {
            return Err("key option needs a value".into());
        }
        if key.contains(&1) {
            return Err(format!("key {} has illegal character", printable(key)));
        }
        if !self.key.is_empty() {
            self.key.push(1);
        }
        self.key.extend_from_slice(key);
        if self.key.len() > value::MAX_KEY {
            return Err("key option exceeds size limit".into());
        }
        if key.contains(&b'"') || key.contains(&b'\'') {
            self.note("quotes are part of the key");
        }
        Ok(())
    }

    /// `-w`, `-W`: `audit_setup_watch_name`.
    pub(super) fn watch(&mut self, text: &[u8], is_delete: bool) -> Result<(), String> {
        if self.list.is_some() {
            return Err("watch option can't be given with a syscall".into());
        }
        self.list = Some((List::Exit, Action::Always));
        self.is_delete = is_delete;
        self.calls = Some(CallMask::all());
        let shown = printable(text);
        if !text.starts_with(b"/") {
            return Err(format!("The path must start with '/': {shown}"));
        }
        if text.len() >= libc::PATH_MAX as usize {
            return Err("The path passed for the watch is too big".into());
        }
        let trimmed = text.iter().rposition(|b| *b != b'/').map_or(1, |at| at + 1);
        let path = &text[..trimmed];
        let base = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
        if base.len() > libc::NAME_MAX as usize {
            return Err("The base name of the path is too big".into());
        }
        let file = Path::new(std::ffi::OsStr::new(bytes_to_os(path)));
        // Where nothing is yet, a trailing slash tells; auditctl would watch it as a file.
        let is_dir = path == b"/"
            || self.host.is_dir(file)
            || path.len() < text.len() && self.is_absent(file);
        let name = if is_dir { Name::Dir } else { Name::Path };
        let value = Value::Text(Bytes::copy_from_slice(path));
        let op = Op::Equal;
        self.add(Field { name, op, value })?;
        self.set_perm(ALL_PERMS)
    }

    fn is_absent(&self, path: &Path) -> bool {
        self.host.node(path).is_none()
    }

    pub(super) fn permissions(&mut self, text: &[u8]) -> Result<(), String> {
        if self.list.is_none() || self.fields.is_empty() {
            return Err("permission option needs a watch given prior to it".into());
        }
        let bits = value::letters(text)?;
        let list = self.need_list()?;
        Name::Perm.fits(list)?;
        self.set_perm(bits)
    }

    fn set_perm(&mut self, bits: u32) -> Result<(), String> {
        let value = Value::Number(bits);
        match self.fields.iter_mut().find(|f| f.name == Name::Perm) {
            Some(field) => field.value = value,
            None => {
                let (name, op) = (Name::Perm, Op::Equal);
                self.add(Field { name, op, value })?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Parsed, String> {
        let Some((list, action)) = self.list else {
            if self.calls.is_some() {
                return Err("Error - no list specified".into());
            }
            return Ok(self.parsed);
        };
        if self.late_key && !self.has_object() {
            let wants = "Key field needs a watch, syscall or exe path given prior to it";
            return Err(wants.into());
        }
        if self.fields.is_empty() && matches!(list, List::User | List::Exclude | List::Filesystem) {
            return Err(format!("a rule of the {} list needs a field", list.name()));
        }
        if list == List::Filesystem && action == Action::Always {
            self.note("has no effect: the kernel looks at never in the filesystem list only");
        }
        if !self.key.is_empty() && matches!(list, List::User | List::Exclude) {
            let list = list.name();
            return Err(format!("a rule of the {list} list takes no key"));
        }
        // As they are listed; the order of conditions has no meaning.
        self.fields.sort_by_key(|field| field.name != Name::Arch);
        let key = (!self.key.is_empty()).then(|| Bytes::from(self.key));
        let rule = Rule {
            list,
            action,
            calls: self.calls.unwrap_or_else(CallMask::all),
            fields: self.fields,
            key,
        };
        let prepend = self.prepend;
        self.parsed.commands.push(match self.is_delete {
            true => Command::Delete(rule),
            false => Command::Add { rule, prepend },
        });
        Ok(self.parsed)
    }
}

/// Unix paths are any bytes.
fn bytes_to_os(path: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(path)
}
