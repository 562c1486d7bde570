//! Random rules and events: our answer and rsigma's are the same, where no case of tests/conformance
//! says that they differ.
//!
//! The generators leave out what is decided otherwise: see `differs` there.
use std::path::Path;

use proptest::prelude::*;

use crate::{
    category::Category,
    observation::{Observation, Value},
    oracle,
    ruleset::RuleSet,
};

/// Few characters, so that values and texts meet. No digits: rsigma reads numbers out of texts.
const TEXT: &str = "[abAB/ _.-]{0,6}";

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A value without wildcards, as YAML.
fn plain() -> impl Strategy<Value = String> {
    TEXT.prop_map(|text| quoted(&text))
}

/// A value that may have wildcards and escapes. A backslash before a quote's end is one as well.
fn pattern() -> impl Strategy<Value = String> {
    prop::string::string_regex(r"[abAB/*?\\-]{0,6}")
        .expect("a regex")
        .prop_map(|text| quoted(&text))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (-3..3i64).prop_map(|n| n.to_string()),
        Just("1.5".to_owned()),
        Just("2.0".to_owned())
    ]
}

fn list(value: impl Strategy<Value = String>, least: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(value, least..4).prop_map(|values| format!("[{}]", values.join(", ")))
}

fn text_field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["CommandLine", "Image", "User", "AncestorImages"])
}

fn place() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "|contains", "|startswith", "|endswith"])
}

fn cased() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "|cased"])
}

/// A line of a mapping.
fn item() -> impl Strategy<Value = String> {
    let regexes = vec![
        "'^a'", "'b$'", "'a+b'", "'(a|/b)'", "'[^a]b'", "'a.b'", "'a{2,3}'", "''",
    ];
    let regex = || prop::sample::select(regexes.clone()).prop_map(str::to_owned);
    prop_oneof![
        4 => (text_field(), place(), cased(), list(plain(), 1)).prop_map(|(f, p, c, v)| format!("{f}{p}{c}: {v}")),
        3 => (text_field(), cased(), list(pattern(), 1)).prop_map(|(f, c, v)| format!("{f}{c}: {v}")),
        1 => (text_field(), cased(), pattern()).prop_map(|(f, c, v)| format!("{f}|contains{c}: {v}")),
        2 => (text_field(), place(), cased(), list(plain(), 2)).prop_map(|(f, p, c, v)| format!("{f}{p}{c}|all: {v}")),
        1 => (text_field(), place(), plain()).prop_map(|(f, p, v)| format!("{f}{p}|neq: {v}")),
        2 => (text_field(), prop::sample::select(vec!["", "|i", "|m", "|s"]), list(regex(), 1)).prop_map(|(f, flag, v)| format!("{f}|re{flag}: {v}")),
        1 => (text_field(), list(regex(), 2)).prop_map(|(f, v)| format!("{f}|re|all: {v}")),
        1 => (text_field(), any::<bool>()).prop_map(|(f, b)| format!("{f}|exists: {b}")),
        1 => text_field().prop_map(|f| format!("{f}: null")),
        1 => (text_field(), "[ab -]{1,4}").prop_map(|(f, v)| format!("{f}|windash|contains: '{v}'")),
        1 => (prop::sample::select(vec!["Image", "User"]), cased()).prop_map(|(f, c)| format!("{f}|fieldref{c}: CommandLine")),
        2 => list(number(), 1).prop_map(|v| format!("UserId: {v}")),
        2 => (prop::sample::select(vec!["lt", "lte", "gt", "gte"]), list(number(), 1)).prop_map(|(m, v)| format!("UserId|{m}: {v}")),
        1 => any::<bool>().prop_map(|b| format!("Success: {b}")),
        1 => prop::sample::select(vec!["10.0.0.0/8", "'10.1.0.0/16'", "fe80::/10", "'::1/128'"]).prop_map(|n| format!("CurrentDirectory|cidr: {n}")),
    ]
}

fn mapping() -> impl Strategy<Value = String> {
    // A key may be used once.
    prop::collection::vec(item(), 1..4).prop_map(|mut items| {
        let key = |item: &String| item.split(':').next().unwrap_or_default().to_owned();
        items.sort_by_key(key);
        items.dedup_by_key(|item| key(item));
        format!("{{{}}}", items.join(", "))
    })
}

fn selection() -> impl Strategy<Value = String> {
    let word = "[abAB/]{1,3}".prop_map(|w| quoted(&w));
    prop_oneof![
        6 => mapping(),
        2 => prop::collection::vec(mapping(), 1..3).prop_map(|maps| format!("[{}]", maps.join(", "))),
        1 => list(word, 1),
    ]
}

/// Over the selections s_0 to s_2.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "s_0",
        "s_1",
        "s_2",
        "1 of them",
        "all of s_*",
        "2 of s*",
        "all of *_1",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
                inner.clone().prop_map(|a| format!("not ({a})")),
                inner.prop_map(|a| format!("not {a}")),
            ]
        })
}

fn rule() -> impl Strategy<Value = String> {
    let selections = [selection(), selection(), selection()];
    let conditions = prop::collection::vec(condition().prop_map(|c| quoted(&c)), 1..3);
    (selections, conditions).prop_map(|([a, b, c], conditions)| {
        let conditions = conditions.join(", ");
        format!(
            "title: T\nid: 6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e11\nlevel: low\n\
             logsource: {{product: linux, category: process_creation}}\n\
             detection:\n  s_0: {a}\n  s_1: {b}\n  s_2: {c}\n  condition: [{conditions}]\n"
        )
    })
}

fn event() -> impl Strategy<Value = Observation> {
    let text = || prop::option::of(TEXT.prop_map(|t| Value::Bytes(t.into_bytes())));
    let texts = prop::collection::vec(TEXT.prop_map(String::into_bytes), 0..3);
    let addresses = vec!["10.1.2.3", "11.0.0.1", "fe80::1", "::1", "", "x"];
    let address = prop::sample::select(addresses).prop_map(|a| Value::Bytes(a.into()));
    let fields = (
        [text(), text(), text()],
        prop::option::of(texts.prop_map(Value::List)),
        prop::option::of((-3..3i64).prop_map(Value::Int)),
        prop::option::of(any::<bool>().prop_map(Value::Bool)),
        prop::option::of(address),
    );
    fields.prop_map(|([line, image, user], ancestors, id, success, directory)| {
        let mut event = Observation::new(Category::ProcessCreation);
        let values = [
            (crate::id!("CommandLine"), line),
            (crate::id!("Image"), image),
            (crate::id!("User"), user),
            (crate::id!("AncestorImages"), ancestors),
            (crate::id!("UserId"), id),
            (crate::id!("Success"), success),
            (crate::id!("CurrentDirectory"), directory),
        ];
        for (field, value) in values {
            if let Some(value) = value {
                event.set(field, value);
            }
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_rsigma(rule in rule(), events in prop::collection::vec(event(), 1..12)) {
        let set = RuleSet::default().and_parse(Path::new("r.yml"), &rule);
        let set = set.map_err(|e| TestCaseError::fail(format!("{e}\n{rule}")))?;
        for event in &events {
            let ours = !set.evaluate(event).is_empty();
            let theirs = oracle::matches(&rule, event);
            prop_assert_eq!(Ok(ours), theirs, "{}\n{:?}", rule, event);
        }
    }

    /// What the index finds for many rules is what each says alone.
    #[test]
    fn many_rules_answer_as_each_alone(rules in prop::collection::vec(rule(), 2..8), event in event()) {
        let id = |n: usize| format!("6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e{n:02x}");
        let numbered = |(n, rule): (usize, &String)| {
            rule.replace("6f1d3c52-9a0e-4b59-8f0a-5c1f2f0a7e11", &id(n)).replace("title: T", &format!("title: T{n}"))
        };
        let rules: Vec<String> = rules.iter().enumerate().map(numbered).collect();
        let load = |text: &str| RuleSet::default().and_parse(Path::new("r.yml"), text);
        let all = load(&rules.join("---\n")).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let mut alone = Vec::new();
        for rule in &rules {
            let set = load(rule).map_err(|e| TestCaseError::fail(e.to_string()))?;
            alone.extend(set.evaluate(&event).into_iter().map(|f| f.rule.id.clone()));
        }
        let together: Vec<String> = all.evaluate(&event).into_iter().map(|f| f.rule.id.clone()).collect();
        for id in all.rules().iter().map(|r| &r.id) {
            let explained = all.explain(id, &event).is_some_and(|e| e.matched);
            prop_assert_eq!(explained, alone.contains(id));
        }
        prop_assert_eq!(together, alone);
    }
}
