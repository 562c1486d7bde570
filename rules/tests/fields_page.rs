//! docs/fields.md is what the table of fields says. `UPDATE=1` writes it.
#![expect(clippy::unwrap_used, reason = "a test panics freely")]

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use auklet_rules::{Category, FIELDS, Field, Kind, NOT_OFFERED};

const HEAD: &str = "# Fields

<!-- Made of rules/src/category.rs and rules/src/fields/table.rs by
     UPDATE=1 cargo test -p auklet-rules --test fields_page -->

What rules can ask for. A field that the sensor does not know for an event is absent from it; a rule that
names a field which its category does not have is refused. Strings are bytes, and are compared as bytes;
of a list, one string that matches is enough.
";

const TAIL: &str = "
## The auditd view

Rules of `product: linux, service: auditd` are asked about each record of an event alone, as SigmaHQ's are
written: `type: EXECVE` with `a0`, `type: PATH` with `name` and `nametype`. Beside its own fields each
record has what SYSCALL says of who and how (exe, comm, uid, auid, key, success, exit, syscall …), the
working directory and the command line. A rule that needs two types at once can't match, and is refused.
All values are strings, decoded as `ausearch -i` decodes them: numbers stay numbers. An event raises a rule
once, however many of its records match.

The sensor sees the calls that a rule pins by `syscall` or `SYSCALL`; for a rule that may match PATH records
of any call, opens that write and the calls that make, change and remove names. Other calls are seen
when `--audit-rules` name them; `key` comes from there.
";

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Bytes => "string",
        Kind::Int => "number",
        Kind::Bool => "boolean",
        Kind::List => "list",
    }
}

fn rows<'a>(page: &mut String, fields: impl Iterator<Item = &'a Field>) {
    page.push_str("\n| field | type | meaning |\n| --- | --- | --- |\n");
    for Field {
        name, kind: k, doc, ..
    } in fields
    {
        writeln!(page, "| `{name}` | {} | {doc} |", kind(*k)).unwrap();
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let common: BTreeSet<Category> = Category::ALL
        .into_iter()
        .filter(|c| *c != Category::Auditd)
        .collect();
    let is_common = |f: &&Field| f.categories.iter().copied().collect::<BTreeSet<_>>() == common;
    page.push_str("\n## In every category but auditd\n");
    rows(&mut page, FIELDS.iter().filter(is_common));
    for category in Category::ALL {
        if category == Category::Auditd {
            continue;
        }
        write!(page, "\n## {category}\n\n{}\n", category.doc()).unwrap();
        if let Some(why) = category.unfilled() {
            write!(page, "\nRules for it are refused: {why}.\n").unwrap();
            continue;
        }
        let own = FIELDS
            .iter()
            .filter(|f| f.categories.contains(&category) && !is_common(f));
        if own.clone().next().is_some() {
            rows(&mut page, own);
        }
    }
    page.push_str(TAIL);
    rows(
        &mut page,
        FIELDS
            .iter()
            .filter(|f| f.categories.contains(&Category::Auditd)),
    );
    page.push_str("\n## Not offered\n\n| field | why |\n| --- | --- |\n");
    for (name, why) in NOT_OFFERED {
        writeln!(page, "| `{name}` | {why} |").unwrap();
    }
    page
}

#[test]
fn the_page_is_the_tables() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fields.md");
    let page = page();
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/fields.md is out of step; run this with UPDATE=1"
    );
}

#[test]
fn every_field_says_something_and_is_somewhere() {
    for field in FIELDS {
        assert!(
            !field.doc.is_empty() && !field.categories.is_empty(),
            "{}",
            field.name
        );
        assert!(!NOT_OFFERED.iter().any(|(name, _)| *name == field.name));
    }
}
