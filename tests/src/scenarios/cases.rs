//! The cases: shell, in files of tests/data/scenarios, one file for each alert.
//!
//! ```text
//! # alert: TITLE
//! ### attack: NAME            must raise TITLE
//! # object: PATH              about this object, where such a line is
//! # also: TITLE               and this one, about the same
//! shell that makes ready
//! #---
//! shell that acts
//! ### innocent: NAME          must raise nothing above informational
//! shell that acts
//! ```

use anyhow::{Context as _, Result, bail};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Each file's name and text.
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../data/scenarios/", $name, ".sh")))),*];
    };
}

files!("accounts", "keys", "startup", "tasks", "timestamp");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Attack,
    Innocent,
}

pub(super) struct Case {
    /// `FILE/attack/NAME`.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The titles that an attack must raise.
    pub(super) alerts: Vec<String>,
    /// What they must be about.
    pub(super) object: Option<String>,
    /// Done before the clock starts.
    pub(super) before: String,
    pub(super) act: String,
}

pub(super) fn all() -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for (file, text) in FILES {
        for case in parse(file, text).with_context(|| format!("{file}.sh"))? {
            if cases.iter().any(|other| other.name == case.name) {
                bail!("{}: twice", case.name);
            }
            cases.push(case);
        }
    }
    Ok(cases)
}

fn parse(file: &str, text: &str) -> Result<Vec<Case>> {
    let (head, rest) = text.split_once("\n### ").context("no case")?;
    let alert = head.lines().find_map(|line| line.strip_prefix("# alert: "));
    let alert = alert.context("no line `# alert: TITLE`")?;
    rest.split("\n### ")
        .map(|block| case(file, alert, block))
        .collect()
}

fn case(file: &str, alert: &str, block: &str) -> Result<Case> {
    let (title, script) = block
        .split_once('\n')
        .with_context(|| format!("{block}: no shell"))?;
    let (kind, name) = title
        .split_once(": ")
        .with_context(|| format!("{title}: no kind"))?;
    let (word, kind) = match kind {
        "attack" => ("attack", Kind::Attack),
        "innocent" => ("innocent", Kind::Innocent),
        other => bail!("{title}: {other} is neither attack nor innocent"),
    };
    let said = |start: &'static str| {
        let lines = script.lines();
        lines.filter_map(move |line| line.strip_prefix(start))
    };
    let (before, act) = script.split_once("#---\n").unwrap_or(("", script));
    if act.trim().is_empty() {
        bail!("{title}: does nothing");
    }
    Ok(Case {
        name: format!("{file}/{word}/{name}"),
        kind,
        alerts: [alert]
            .into_iter()
            .chain(said("# also: "))
            .map(str::to_owned)
            .collect(),
        object: said("# object: ").next().map(str::to_owned),
        before: before.to_owned(),
        act: act.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read() {
        let cases = all().expect("the cases");
        for (file, _) in FILES {
            for kind in [Kind::Attack, Kind::Innocent] {
                let of = |case: &&Case| case.kind == kind && case.name.starts_with(file);
                assert!(cases.iter().any(|case| of(&case)), "{file} has no {kind:?}");
            }
        }
    }

    #[test]
    fn a_broken_file_is_told() {
        for text in [
            "",
            "# alert: A\n",
            "\n### attack: x\ntrue\n",
            "# alert: A\n### raid: x\ntrue\n",
        ] {
            assert!(parse("file", text).is_err(), "{text:?}");
        }
        let cases = parse("file", "# alert: A\n### attack: x\na\n#---\nb\n").expect("a case");
        assert_eq!(
            (cases[0].before.as_str(), cases[0].act.as_str()),
            ("a\n", "b\n")
        );
    }
}
