//! The cases of tests/conformance: what the Sigma specification says, rule by rule and event by event.
//!
//! A file holds documents, each with the `section` it is about and its `cases`. A case has `ask` (the
//! items of one selection) or `detection` (a whole section), events that match (`yes`) and that do
//! not (`no`), or what a refusal says (`refused`). An event is a mapping of fields, or a command line.
//! Every case is put to rsigma as well: where it answers otherwise, the case says so (`differs`), and
//! the sentence that decides.
use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    category::Category,
    document::Document,
    engine::Lists,
    fields::{FieldId, Kind as FieldKind},
    observation::{Observation, Value},
    oracle,
    ruleset::RuleSet,
    sigma::{
        rule::texts,
        scalar::Scalar,
        yaml::{self, Entry, Kind, Node},
    },
};

struct Case<'a> {
    about: String,
    node: &'a Node,
    category: &'a str,
}

fn check_all(check: impl Fn(&Case<'_>) -> Vec<String>) -> usize {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        for document in yaml::documents(&text).unwrap_or_else(|e| panic!("{file:?}: {e:?}")) {
            let section = document
                .get("section")
                .and_then(Node::str)
                .unwrap()
                .to_owned();
            for node in document.get("cases").and_then(Node::list).unwrap() {
                let about = node.get("about").and_then(Node::str).unwrap();
                let about = format!("{section}: {about}");
                assert!(
                    names.insert(about.clone()),
                    "{file:?}: {about} is there twice"
                );
                let category = node.get("category").and_then(Node::str);
                let category = category.unwrap_or("process_creation");
                let found = check(&Case {
                    about: about.clone(),
                    node,
                    category,
                });
                let at = |w| format!("{}:{}: {about}: {w}", file.display(), node.line);
                wrong.extend(found.into_iter().map(at));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    names.len()
}

fn entry(key: &str, value: Node) -> Entry {
    let line = value.line;
    let key = key.to_owned();
    Entry { key, line, value }
}

fn map(line: usize, entries: Vec<Entry>) -> Node {
    let kind = Kind::Map(entries);
    Node { line, kind }
}

fn text(line: usize, text: &str) -> Node {
    let kind = Kind::Scalar(Scalar::Text, text.to_owned());
    Node { line, kind }
}

/// The case's rule, whole.
fn rule(case: &Case<'_>) -> Node {
    let line = case.node.line;
    let detection = case.node.get("detection").cloned().unwrap_or_else(|| {
        let asked = case.node.get("ask").cloned().unwrap();
        map(
            line,
            vec![entry("s", asked), entry("condition", text(line, "s"))],
        )
    });
    let source = map(
        line,
        vec![
            entry("product", text(line, "linux")),
            entry("category", text(line, case.category)),
        ],
    );
    map(
        line,
        vec![
            entry("title", text(line, "T")),
            entry("id", text(line, "6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e11")),
            entry("level", text(line, "low")),
            entry("logsource", source),
            entry("detection", detection),
        ],
    )
}

fn lists(case: &Case<'_>) -> Lists {
    let mut lists = Lists::default();
    for list in case
        .node
        .get("lists")
        .and_then(Node::map)
        .unwrap_or_default()
    {
        let values = map(0, vec![list.clone()]);
        lists.set(list.key.clone(), texts(&values, &list.key).unwrap());
    }
    lists
}

fn load(case: &Case<'_>) -> Result<RuleSet, String> {
    let (file, node) = (Path::new("r.yml"), rule(case));
    RuleSet::with_lists(lists(case))
        .with_document(&Document { file, node })
        .map_err(|errors| errors.to_string())
}

/// A field's value; `{hex: 61ff}` where it is not UTF-8.
fn value(node: &Node, kind: FieldKind) -> Value {
    let bytes = |node: &Node| match (&node.kind, node.get("hex")) {
        (_, Some(hex)) => {
            let Kind::Scalar(_, digits) = &hex.kind else {
                panic!("{hex:?}")
            };
            let pairs = digits
                .as_bytes()
                .chunks(2)
                .map(|p| std::str::from_utf8(p).unwrap());
            pairs.map(|p| u8::from_str_radix(p, 16).unwrap()).collect()
        }
        (Kind::Scalar(_, text), None) => text.clone().into_bytes(),
        _ => panic!("{node:?}"),
    };
    match (kind, &node.kind) {
        (FieldKind::Int, Kind::Scalar(Scalar::Int(n), _)) => Value::Int(*n),
        (FieldKind::Bool, Kind::Scalar(Scalar::Bool(b), _)) => Value::Bool(*b),
        (FieldKind::List, Kind::List(items)) => Value::List(items.iter().map(bytes).collect()),
        (FieldKind::Bytes, _) => Value::Bytes(bytes(node)),
        _ => panic!("line {}: not a {kind:?}", node.line),
    }
}

fn observation(case: &Case<'_>, node: &Node) -> Observation {
    let mut event = Observation::new(Category::parse(case.category).unwrap());
    match node.map().filter(|_| node.get("hex").is_none()) {
        None => event.set(crate::id!("CommandLine"), value(node, FieldKind::Bytes)),
        Some(fields) => {
            for Entry { key, value: v, .. } in fields {
                let id = FieldId::find(key).unwrap_or_else(|| panic!("no field {key}"));
                event.set(id, value(v, id.field().kind));
            }
        }
    }
    event
}

fn events<'a>(case: &'a Case<'_>) -> Vec<(bool, &'a Node)> {
    let of = |key: &str, want: bool| {
        let nodes = case.node.get(key).and_then(Node::list).unwrap_or_default();
        nodes
            .iter()
            .map(move |node| (want, node))
            .collect::<Vec<_>>()
    };
    [of("yes", true), of("no", false)].concat()
}

fn ours(case: &Case<'_>) -> Vec<String> {
    let refused = case.node.get("refused").and_then(Node::str);
    let set = match (load(case), refused) {
        (Ok(set), None) => set,
        (Err(error), Some(want)) if error.contains(want) => return Vec::new(),
        (Err(error), _) => return vec![error],
        (Ok(_), Some(_)) => return vec!["it was not refused".to_owned()],
    };
    let events = events(case);
    assert!(!events.is_empty(), "{}: no events", case.about);
    let mut wrong = Vec::new();
    for (want, node) in events {
        let event = observation(case, node);
        let got = !set.evaluate(&event).is_empty();
        let explained = set
            .explain("6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e11", &event)
            .unwrap();
        if got != want || explained.matched != want {
            wrong.push(format!(
                "{want} is wanted for {event:?}, explained as {explained:?}"
            ));
        }
    }
    wrong
}

/// Whether rsigma answers as the case wants.
fn agrees(case: &Case<'_>) -> Result<(), String> {
    let rule = oracle::yaml(&rule(case));
    let refused = case.node.get("refused").is_some();
    if refused {
        let event = Observation::new(Category::ProcessCreation);
        return match oracle::matches(&rule, &event) {
            Err(_) => Ok(()),
            Ok(_) => Err("rsigma takes it".to_owned()),
        };
    }
    for (want, node) in events(case) {
        let got = oracle::matches(&rule, &observation(case, node))?;
        if got != want {
            return Err(format!("rsigma says {got} to line {}", node.line));
        }
    }
    Ok(())
}

#[test]
fn every_case_is_as_the_specification_says() {
    let cases = check_all(ours);
    println!("{cases} cases");
    assert!(cases >= 250, "only {cases}");
}

#[test]
fn rsigma_agrees_but_where_a_case_says_why_not() {
    check_all(|case| {
        let differs = case.node.get("differs").and_then(Node::str);
        match (agrees(case), differs) {
            (Ok(()), None) | (Err(_), Some(_)) => Vec::new(),
            (Ok(()), Some(_)) => vec!["rsigma does not differ".to_owned()],
            (Err(how), None) => vec![how],
        }
    });
}
