//! passwd(5), group(5), shadow(5), gshadow(5).

use super::{Collector, Facts, short_digest, text_lines};

/// Fields of the lines that have some; comments and NIS's `+` lines are kept as they are.
fn records(content: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    text_lines(content)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| line.split(|b| *b == b':').collect())
}

/// user → uid:gid:home:shell; with a password in passwd itself its digest, too.
pub(super) fn passwd(content: &[u8]) -> Facts {
    let mut facts = Collector::default();
    for fields in records(content) {
        let field = |n: usize| fields.get(n).copied().unwrap_or_default();
        let mut value = [field(2), b":", field(3), b":", field(5), b":", field(6)].concat();
        if field(1) != b"x" {
            value.extend_from_slice(b":");
            value.extend_from_slice(&password(field(1)));
        }
        facts.add(field(0), &value);
    }
    facts.finish()
}

/// group → gid, and group:user → nothing for each member.
pub(super) fn group(content: &[u8]) -> Facts {
    let mut facts = Collector::default();
    for fields in records(content) {
        let field = |n: usize| fields.get(n).copied().unwrap_or_default();
        facts.add(field(0), field(2));
        members(&mut facts, field(0), field(3));
    }
    facts.finish()
}

/// group:user for each member and each administrator, group → password's state.
pub(super) fn gshadow(content: &[u8]) -> Facts {
    let mut facts = Collector::default();
    for fields in records(content) {
        let field = |n: usize| fields.get(n).copied().unwrap_or_default();
        facts.add(field(0), &password(field(1)));
        members(&mut facts, field(0), field(2));
        members(&mut facts, field(0), field(3));
    }
    facts.finish()
}

fn members(facts: &mut Collector, group: &[u8], list: &[u8]) {
    let names = list.split(|b| *b == b',').map(<[u8]>::trim_ascii);
    for name in names.filter(|name| !name.is_empty()) {
        facts.add(&[group, b":", name].concat(), b"");
    }
}

/// user → password's state. The days of its ageing are not looked at.
pub(super) fn shadow(content: &[u8]) -> Facts {
    let mut facts = Collector::default();
    for fields in records(content) {
        let field = |n: usize| fields.get(n).copied().unwrap_or_default();
        facts.add(field(0), &password(field(1)));
    }
    facts.finish()
}

/// `none`: nobody is asked for one. `locked`: none is right. Else a digest: never the hash itself.
fn password(field: &[u8]) -> Vec<u8> {
    match field {
        b"" => b"none".to_vec(),
        [b'!' | b'*', ..] => b"locked".to_vec(),
        _ => [b"set ", &short_digest(field)[..]].concat(),
    }
}
