//! A correlation rule as it was written, checked as far as it can be without the rules it names.
use super::{
    condition::condition,
    keys::{Word, flag, known_keys, word, words},
    measure::Threshold,
};
use crate::sigma::{
    rule::{text, texts},
    yaml::{Entry, Kind as NodeKind, Node, Problem},
};

/// Rules that one correlation may name.
pub(crate) const MAX_RULES: usize = 64;
/// Rules whose order is followed at most.
pub(crate) const MAX_ORDERED: usize = 16;
/// Longest timespan: a year.
const MAX_SPAN_MS: i64 = 366 * 86_400_000;

/// What a correlation makes of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    EventCount,
    ValueCount,
    Temporal,
    TemporalOrdered,
    ValueSum,
    ValueMax,
    ValueMin,
    ValueAvg,
    ValuePercentile,
    ValueMedian,
}

impl Kind {
    const NAMES: [(&'static str, Self); 10] = [
        ("event_count", Self::EventCount),
        ("value_count", Self::ValueCount),
        ("temporal", Self::Temporal),
        ("temporal_ordered", Self::TemporalOrdered),
        ("value_sum", Self::ValueSum),
        ("value_max", Self::ValueMax),
        ("value_min", Self::ValueMin),
        ("value_avg", Self::ValueAvg),
        ("value_percentile", Self::ValuePercentile),
        ("value_median", Self::ValueMedian),
    ];

    pub(crate) fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether the condition counts whole things.
    pub(super) fn counts(self) -> bool {
        matches!(
            self,
            Self::EventCount | Self::ValueCount | Self::Temporal | Self::TemporalOrdered
        )
    }

    pub(super) fn is_temporal(self) -> bool {
        matches!(self, Self::Temporal | Self::TemporalOrdered)
    }

    /// Whether the condition names a field.
    pub(super) fn wants_field(self) -> bool {
        !self.is_temporal() && self != Self::EventCount
    }
}

/// When a correlation fires.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum When {
    /// Every rule matched.
    All,
    Threshold(Threshold),
    /// A condition over the rules' names, as pySigma has it: its text and line.
    Rules(Word),
}

/// A name for a field that is called differently in the events of different rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    pub(crate) name: Word,
    /// Rules, and the field's name in their events.
    pub(crate) fields: Vec<(Word, String)>,
}

/// A correlation rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spec {
    pub(crate) line: usize,
    pub(crate) title: String,
    pub(crate) id: Option<Word>,
    pub(crate) name: Option<Word>,
    pub(crate) level: Option<Word>,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) falsepositives: Vec<String>,
    pub(crate) alias: Option<String>,
    pub(crate) remediation: Option<String>,
    pub(crate) replaces: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) rules: Vec<Word>,
    pub(crate) group_by: Vec<Word>,
    pub(crate) span_ms: i64,
    pub(crate) when: When,
    /// The fields of the condition.
    pub(crate) fields: Vec<Word>,
    pub(crate) percentile: Option<u8>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) generate: bool,
}

const TOP_KEYS: [&str; 21] = [
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "reference",
    "date",
    "modified",
    "correlation",
    "falsepositives",
    "level",
    "tags",
    "fields",
    "scope",
    "generate",
    "auklet",
];
const KEYS: [&str; 7] = [
    "type",
    "rules",
    "aliases",
    "group-by",
    "timespan",
    "condition",
    "generate",
];
const OWN_KEYS: [&str; 3] = ["alias", "remediation", "replaces"];

impl Spec {
    /// Reads one document.
    pub(crate) fn parse(node: &Node) -> Result<Self, Problem> {
        known_keys(node, &TOP_KEYS, "")?;
        let title = word(node, "title")?;
        let title = title.ok_or_else(|| Problem::new(node.line, "the rule has no title"))?;
        let entry = node.entry("correlation");
        let entry = entry.ok_or_else(|| Problem::new(node.line, "no correlation"))?;
        let block = &entry.value;
        if block.map().is_none() {
            return Err(Problem::new(entry.line, "correlation is a mapping"));
        }
        known_keys(block, &KEYS, "correlation.")?;
        let kind = kind(block, entry.line)?;
        let rules = rules(block, entry.line, kind)?;
        let (when, fields, percentile) = condition(block, entry.line, kind, rules.len())?;
        if let Some(own) = node.get("auklet") {
            known_keys(own, &OWN_KEYS, "auklet.")?;
        }
        let own = |key| node.get("auklet").map_or(Ok(None), |own| text(own, key));
        Ok(Self {
            line: node.line,
            title: title.text,
            id: word(node, "id")?,
            name: word(node, "name")?,
            level: word(node, "level")?,
            description: text(node, "description")?.unwrap_or_default(),
            tags: texts(node, "tags")?,
            falsepositives: texts(node, "falsepositives")?,
            alias: own("alias")?,
            remediation: own("remediation")?,
            replaces: own("replaces")?,
            kind,
            rules,
            group_by: words(block, "group-by")?,
            span_ms: span(block, entry.line)?,
            when,
            fields,
            percentile,
            aliases: aliases(block)?,
            generate: flag(node, "generate")? || flag(block, "generate")?,
        })
    }
}

fn kind(block: &Node, line: usize) -> Result<Kind, Problem> {
    let named = word(block, "type")?;
    let named = named.ok_or_else(|| Problem::new(line, "the correlation has no type"))?;
    let found = Kind::NAMES.iter().find(|(name, _)| *name == named.text);
    found.map(|(_, kind)| *kind).ok_or_else(|| {
        let known: Vec<&str> = Kind::NAMES.iter().map(|(name, _)| *name).collect();
        let problem = format!(
            "unknown correlation type {}; there are: {}",
            named.text,
            known.join(", ")
        );
        Problem::new(named.line, problem)
    })
}

fn rules(block: &Node, line: usize, kind: Kind) -> Result<Vec<Word>, Problem> {
    let rules = words(block, "rules")?;
    let line = block.entry("rules").map_or(line, |e| e.line);
    let most = match kind {
        Kind::TemporalOrdered => MAX_ORDERED,
        _ => MAX_RULES,
    };
    match rules.len() {
        0 => Err(Problem::new(line, "the correlation names no rules")),
        n if n > most => {
            let problem = format!("{n} rules; a {} takes at most {most}", kind.name());
            Err(Problem::new(line, problem))
        }
        1 if kind.is_temporal() => {
            let problem = format!("a {} needs two rules or more", kind.name());
            Err(Problem::new(line, problem))
        }
        _ => Ok(rules),
    }
}

/// `number + letter`, s, m, h or d.
fn span(block: &Node, line: usize) -> Result<i64, Problem> {
    let Some(entry) = block.entry("timespan") else {
        return Err(Problem::new(line, "the correlation has no timespan"));
    };
    let written = match &entry.value.kind {
        NodeKind::Scalar(_, text) => text.as_str(),
        _ => "",
    };
    let unit = match written.chars().last() {
        Some('s') => 1000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => 0,
    };
    let digits = written.get(..written.len().saturating_sub(1)).unwrap_or("");
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number: Option<i64> = digits.parse().ok().filter(|_| plain);
    let span = number.and_then(|n| n.checked_mul(unit));
    let valid = span.filter(|span| (1..=MAX_SPAN_MS).contains(span));
    valid.ok_or_else(|| {
        let problem = format!(
            "timespan {written}: write a number and s, m, h or d, such as 90m; a year at most"
        );
        Problem::new(entry.line, problem)
    })
}

fn aliases(block: &Node) -> Result<Vec<Alias>, Problem> {
    let Some(node) = block.get("aliases") else {
        return Ok(Vec::new());
    };
    let entries = node.map();
    let entries = entries.ok_or_else(|| Problem::new(node.line, "aliases is a mapping"))?;
    let alias = |entry: &Entry| {
        let fields = entry.value.map().ok_or_else(|| {
            let problem = format!("alias {}: a mapping of rules to fields", entry.key);
            Problem::new(entry.line, problem)
        })?;
        let field = |field: &Entry| {
            let name = field.value.str().ok_or_else(|| {
                Problem::new(field.line, format!("alias {}: a field's name", entry.key))
            })?;
            let rule = Word {
                text: field.key.clone(),
                line: field.line,
            };
            Ok((rule, name.to_owned()))
        };
        Ok(Alias {
            name: Word {
                text: entry.key.clone(),
                line: entry.line,
            },
            fields: fields.iter().map(field).collect::<Result<_, Problem>>()?,
        })
    };
    entries.iter().map(alias).collect()
}
