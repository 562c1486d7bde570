//! `auklet rules explain`: selection by selection, value by value.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, Error, Result, bail};
use auklet_rules::{Explanation, ItemVerdict, Observation, RuleSet};

use super::show::find;
use crate::{enrich::Enricher, json, process::ProcessTable};

/// An event is a few KiB; arguments may be 256.
const LONGEST: u64 = 16 << 20;

pub(super) fn explain(set: &RuleSet, name: &str, file: &Path) -> Result<()> {
    let rule = find(set, name)?;
    let observations = observations(file)?;
    let category = set.category(&rule.id);
    let (about, others): (Vec<_>, Vec<_>) = observations
        .iter()
        .partition(|o| Some(o.category) == category);
    let mut text = String::new();
    for observation in &about {
        if let Some(why) = set.explain(&rule.id, observation) {
            write_out(&why, &mut text)?;
        }
    }
    if about.is_empty() {
        let category = category.map_or("?", |category| category.name());
        let mut seen: Vec<&str> = others.iter().map(|o| o.category.name()).collect();
        seen.dedup();
        let seen = if seen.is_empty() {
            "nothing"
        } else {
            &seen.join(", ")
        };
        writeln!(text, "{} ({})", rule.title, rule.id)?;
        writeln!(
            text,
            "does not match: it is about {category}, and the event is {seen}"
        )?;
    }
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// What rules see of the event in a file.
fn observations(file: &Path) -> Result<Vec<Observation>> {
    let name = file.display();
    let text = read(file).with_context(|| format!("read {name}"))?;
    let json: serde_json::Value =
        serde_json::from_slice(&text).with_context(|| format!("{name}: not one JSON object"))?;
    if json.get("category").is_some() {
        let observation = Observation::from_json(&json).map_err(Error::msg);
        return Ok(vec![observation.with_context(|| name.to_string())?]);
    }
    let event = json::read::event(&json).map_err(Error::msg);
    let event = event.with_context(|| name.to_string())?;
    // Who its ancestors were, and who made the file, an event alone does not say.
    Ok(Enricher::new().observe(&event, &ProcessTable::new(1)))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    if file == Path::new("-") {
        io::stdin().take(LONGEST).read_to_end(&mut text)?;
    } else {
        fs::File::open(file)?.take(LONGEST).read_to_end(&mut text)?;
    }
    if text.len() as u64 == LONGEST {
        bail!("larger than {LONGEST} bytes: no event");
    }
    Ok(text)
}

fn yes(matched: bool) -> &'static str {
    if matched { "yes" } else { "no " }
}

fn write_out(why: &Explanation, text: &mut String) -> Result<()> {
    let verdict = if why.matched {
        "matches"
    } else {
        "does not match"
    };
    writeln!(text, "{} ({})", why.title, why.id)?;
    writeln!(text, "{verdict}, as {}", why.category)?;
    for condition in &why.conditions {
        writeln!(
            text,
            "{}  condition: {}",
            yes(condition.matched),
            condition.text
        )?;
    }
    for selection in &why.selections {
        let (name, line) = (&selection.name, selection.line);
        writeln!(text, "{}  {name} (line {line})", yes(selection.matched))?;
        let several = selection.alternatives.len() > 1;
        for alternative in &selection.alternatives {
            if several {
                writeln!(
                    text,
                    "{}    one of {}:",
                    yes(alternative.matched),
                    selection.alternatives.len()
                )?;
            }
            for item in &alternative.items {
                write_item(item, text)?;
            }
        }
    }
    Ok(())
}

fn write_item(item: &ItemVerdict, text: &mut String) -> Result<()> {
    let found = match &item.found {
        Some(value) => format!("is {}", value.as_str()),
        None => "is not there".to_owned(),
    };
    let (asked, line) = (&item.asked, item.line);
    writeln!(
        text,
        "{}      {asked} (line {line}): {found}",
        yes(item.matched)
    )?;
    for value in &item.values {
        writeln!(
            text,
            "{}        {}",
            yes(value.matched),
            value.text.as_str()
        )?;
    }
    Ok(())
}
