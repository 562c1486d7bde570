//! How fast events are put to rules: `cargo bench -p auklet-rules --bench engine`.
//!
//! Sets of 10, 250 and 3,000 rules in the manner of SigmaHQ's for Linux, events that no rule is about,
//! and rsigma-eval beside. One iteration is one event. rsigma gets its events as ready JSON.

use std::hint::black_box;

use auklet_rules::{Category, Observation, RuleSet, Value, id};
use divan::{AllocProfiler, Bencher};
use rsigma_eval::{Engine, JsonEvent};

#[path = "engine/rules.rs"]
mod rules;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 3] = [10, 250, 3000];

fn main() {
    divan::main();
}

fn load(text: &str) -> RuleSet {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("room for it");
    RuleSet::load(&[file.path().to_owned()]).unwrap_or_else(|e| panic!("{e}"))
}

/// What every event has, as the sensor describes it.
fn event(category: Category, image: &str, line: &str) -> Observation {
    let bytes = |text: &str| Value::Bytes(text.into());
    let list = |texts: &[&str]| Value::List(texts.iter().map(|t| (*t).into()).collect());
    let mut event = Observation::new(category);
    event.set(id!("Image"), bytes(image));
    event.set(id!("CommandLine"), bytes(line));
    event.set(id!("ProcessId"), Value::Int(48213));
    event.set(id!("ParentProcessId"), Value::Int(48001));
    event.set(id!("User"), bytes("alice"));
    event.set(id!("UserId"), Value::Int(1000));
    event.set(id!("LoginUid"), Value::Int(1000));
    event.set(id!("SessionId"), Value::Int(3));
    event.set(id!("Terminal"), bytes("pts0"));
    event.set(
        id!("Comm"),
        bytes(image.rsplit('/').next().unwrap_or_default()),
    );
    event.set(id!("Success"), Value::Bool(true));
    event.set(id!("Exit"), Value::Int(0));
    event.set(id!("ExeDeleted"), Value::Bool(false));
    event.set(id!("CurrentDirectory"), bytes("/home/alice/src/project"));
    event.set(id!("ParentImage"), bytes("/usr/bin/bash"));
    event.set(id!("ParentCommandLine"), bytes("-bash"));
    event.set(
        id!("AncestorImages"),
        list(&[
            "/usr/bin/bash",
            "/usr/sbin/sshd",
            "/usr/sbin/sshd",
            "/usr/lib/systemd/systemd",
        ]),
    );
    event.set(
        id!("AncestorCommandLines"),
        list(&[
            "-bash",
            "sshd: alice@pts/0",
            "sshd: /usr/sbin/sshd -D",
            "/sbin/init",
        ]),
    );
    event.set(id!("AncestorScripts"), Value::List(Vec::new()));
    event
}

fn process_events() -> Vec<Observation> {
    let lines = [
        ("/usr/bin/ls", "ls --color=auto -la /home/alice/src"),
        ("/usr/bin/git", "git status --porcelain --branch"),
        (
            "/usr/bin/grep",
            "grep -rn TODO --include=*.rs src tests benches",
        ),
        (
            "/usr/bin/python3.13",
            "python3 manage.py runserver 127.0.0.1:8000 --noreload",
        ),
        (
            "/usr/bin/curl",
            "curl -fsSL https://example.org/releases/latest.json -o /home/alice/latest.json",
        ),
        (
            "/usr/bin/systemctl",
            "systemctl status --no-pager nginx.service",
        ),
        (
            "/usr/lib/gcc/x86_64-linux-gnu/15/cc1",
            "/usr/lib/gcc/x86_64-linux-gnu/15/cc1 -quiet -I include -I src -D NDEBUG -D _GNU_SOURCE src/main.c -O2 -Wall -Wextra -std=c11 -fstack-protector-strong -o /home/alice/build/main.s",
        ),
        (
            "/usr/bin/node",
            "node /home/alice/src/project/node_modules/.bin/webpack --mode production --progress",
        ),
    ];
    let lines = lines.iter();
    lines
        .map(|(image, line)| event(Category::ProcessCreation, image, line))
        .collect()
}

fn file_events() -> Vec<Observation> {
    let files = [
        (
            "/usr/sbin/nginx",
            "nginx: worker process",
            "/var/log/nginx/access.log",
        ),
        ("/usr/bin/bash", "-bash", "/home/alice/.bash_history"),
        (
            "/usr/bin/python3.13",
            "python3 -m build",
            "/home/alice/src/project/build/lib/module/__init__.py",
        ),
        (
            "/usr/bin/vim.basic",
            "vim notes.txt",
            "/home/alice/.notes.txt.swp",
        ),
        (
            "/usr/bin/git",
            "git commit -m fix",
            "/home/alice/src/project/.git/index.lock",
        ),
        (
            "/usr/lib/postgresql/17/bin/postgres",
            "postgres: checkpointer",
            "/var/lib/postgresql/17/main/base/16384/2619",
        ),
    ];
    let events = files.iter().map(|(image, line, file)| {
        let mut event = event(Category::FileEvent, image, line);
        event.set(id!("TargetFilename"), Value::Bytes((*file).into()));
        event.set(id!("Created"), Value::Bool(true));
        event.set(id!("OpenFlags"), Value::Int(0o101));
        event.set(id!("FileOwner"), Value::Int(1000));
        event.set(id!("FileMode"), Value::Int(0o100_644));
        event
    });
    events.collect()
}

fn ours(bencher: Bencher<'_, '_>, rules: usize, events: &[Observation]) {
    let set = load(&rules::rules(rules));
    for event in events {
        assert!(set.evaluate(event).is_empty(), "{event:?}");
    }
    let mut events = events.iter().cycle();
    bencher.bench_local(|| events.next().map(|event| set.evaluate(black_box(event))));
}

fn json(event: &Observation) -> serde_json::Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = |value: &Value| match value {
        Value::Bytes(bytes) => serde_json::json!(text(bytes)),
        Value::Int(n) => serde_json::json!(n),
        Value::Bool(b) => serde_json::json!(b),
        Value::List(items) => items.iter().map(|i| text(i)).collect(),
    };
    event
        .fields()
        .iter()
        .map(|(id, v)| (id.name().to_owned(), value(v)))
        .collect()
}

/// The rules of one category, as our engine does.
fn rsigma_engine(text: &str, category: Category) -> Engine {
    let found = rsigma_parser::parse_sigma_yaml(text).expect("rules");
    let mut engine = Engine::new();
    let of_category =
        |r: &&rsigma_parser::SigmaRule| r.logsource.category.as_deref() == Some(category.name());
    for rule in found.rules.iter().filter(of_category) {
        engine.add_rule(rule).expect("a rule");
    }
    engine
}

fn theirs(bencher: Bencher<'_, '_>, rules: usize, events: &[Observation]) {
    let engine = rsigma_engine(&rules::rules(rules), events[0].category);
    let events: Vec<serde_json::Value> = events.iter().map(json).collect();
    let mut events = events.iter().cycle();
    bencher.bench_local(|| {
        let event = events
            .next()
            .map(|event| JsonEvent::borrow(black_box(event)));
        event.map(|event| engine.evaluate(&event).len())
    });
}

#[divan::bench(args = SIZES, sample_size = 1000, sample_count = 300)]
fn process(bencher: Bencher<'_, '_>, rules: usize) {
    ours(bencher, rules, &process_events());
}

#[divan::bench(args = SIZES)]
fn process_rsigma(bencher: Bencher<'_, '_>, rules: usize) {
    theirs(bencher, rules, &process_events());
}

#[divan::bench(args = SIZES, sample_size = 1000, sample_count = 300)]
fn file(bencher: Bencher<'_, '_>, rules: usize) {
    ours(bencher, rules, &file_events());
}

#[divan::bench(args = SIZES)]
fn file_rsigma(bencher: Bencher<'_, '_>, rules: usize) {
    theirs(bencher, rules, &file_events());
}

/// An argument list of 128 KiB, full of what rules look for: what an attacker can make one event cost.
#[divan::bench(args = SIZES, sample_size = 1, sample_count = 20)]
fn hostile(bencher: Bencher<'_, '_>, rules: usize) {
    let set = load(&rules::rules(rules));
    let line = "nc -e base64 -d /dev/tcp/ bash -i /etc/shadow eval( ".repeat(2520);
    let event = event(Category::ProcessCreation, "/tmp/nc", &line);
    bencher.bench_local(|| set.evaluate(black_box(&event)));
}

/// From text to a set that can be asked; `max alloc` is what it takes at its peak.
#[divan::bench(args = SIZES, sample_size = 1, sample_count = 10)]
fn load_rules(bencher: Bencher<'_, '_>, rules: usize) {
    let text = rules::rules(rules);
    bencher.bench_local(|| load(black_box(&text)));
}

#[divan::bench(args = SIZES, sample_size = 1, sample_count = 10)]
fn load_rules_rsigma(bencher: Bencher<'_, '_>, rules: usize) {
    let text = rules::rules(rules);
    let categories = [Category::ProcessCreation, Category::FileEvent];
    bencher.bench_local(|| categories.map(|category| rsigma_engine(black_box(&text), category)));
}
