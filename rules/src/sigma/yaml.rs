//! YAML 1.2 as a tree in which every node knows its line, so that every error can name one.
use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::scalar::{Scalar, resolve};

/// Levels of lists and mappings; deeper files are refused rather than followed.
const MAX_DEPTH: usize = 32;
/// Nodes of a file, those that aliases repeat included.
const MAX_NODES: usize = 1_000_000;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// With its text as it was written.
    Scalar(Scalar, String),
    List(Vec<Node>),
    /// In the order of the file; no key is there twice.
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// The key's line.
    pub(crate) line: usize,
    pub(crate) value: Node,
}

/// What is wrong, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) problem: String,
}

impl Problem {
    pub(crate) fn new(line: usize, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { line, problem }
    }
}

impl Node {
    /// A string; numbers, booleans and null are none.
    pub(crate) fn str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Scalar::Text, text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of that key, where this is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.map()?.iter().find(|e| e.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|e| &e.value)
    }

    /// What it is, for an error's sentence.
    pub(crate) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(Scalar::Null, _) => "null",
            Kind::Scalar(Scalar::Bool(_), _) => "a boolean",
            Kind::Scalar(Scalar::Int(_) | Scalar::Float(_), _) => "a number",
            Kind::Scalar(Scalar::Text, _) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}

/// The documents of a file; those that say nothing are left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, Problem> {
    let mut loader = Loader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
    };
    let mut found = Vec::new();
    loop {
        let (event, line) = loader.next()?;
        match event {
            Event::StreamEnd => return Ok(found),
            // Anchors are the document's own.
            Event::DocumentStart(_) => loader.anchors.clear(),
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            event => {
                let node = loader.node(event, line, 0)?;
                if !matches!(node.kind, Kind::Scalar(Scalar::Null, _)) {
                    found.push(node);
                }
            }
        }
    }
}

struct Loader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// What aliases repeat, with the number of its nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'t> Loader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, usize), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(e)) => {
                let problem = format!("bad YAML: {}", e.info());
                Err(Problem::new(e.marker().line(), problem))
            }
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::new(line, "nested too deep"));
        }
        let before = self.nodes;
        self.count(line, 1)?;
        let (kind, anchor) = match event {
            Event::Alias(id) => return self.alias(id, line),
            Event::Scalar(text, style, anchor, tag) => (scalar(text, style, tag, line)?, anchor),
            Event::SequenceStart(anchor, tag) => {
                untagged(tag.as_deref(), line)?;
                (self.list(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                untagged(tag.as_deref(), line)?;
                (self.mapping(depth)?, anchor)
            }
            _ => return Err(Problem::new(line, "bad YAML: a value was expected")),
        };
        let node = Node { line, kind };
        if anchor != 0 {
            let size = self.nodes - before;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Kind::List(items));
            }
            items.push(self.node(event, line, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Kind, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Kind::Map(entries));
            }
            let Kind::Scalar(_, key) = self.node(event, line, depth + 1)?.kind else {
                return Err(Problem::new(
                    line,
                    "a key must be a plain word, not a list or mapping",
                ));
            };
            if entries.iter().any(|e| e.key == key) {
                let problem = format!("{key} is there twice; a key may be used once");
                return Err(Problem::new(line, problem));
            }
            let (event, at) = self.next()?;
            let value = self.node(event, at, depth + 1)?;
            entries.push(Entry { key, line, value });
        }
    }

    fn alias(&mut self, id: usize, line: usize) -> Result<Node, Problem> {
        let (node, size) = match self.anchors.get(&id) {
            Some((node, size)) => (node.clone(), *size),
            None => {
                return Err(Problem::new(
                    line,
                    "an alias to something that is not there",
                ));
            }
        };
        self.count(line, size)?;
        Ok(node)
    }

    fn count(&mut self, line: usize, more: usize) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            return Err(Problem::new(line, "more than a million values in one file"));
        }
        Ok(())
    }
}

fn scalar(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<Cow<'_, Tag>>,
    line: usize,
) -> Result<Kind, Problem> {
    let plain = style == ScalarStyle::Plain;
    let value = match tag.as_deref() {
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Scalar::Text,
        tag => {
            untagged(tag, line)?;
            if plain {
                resolve(&text)
            } else {
                Ok(Scalar::Text)
            }
            .map_err(|problem| Problem::new(line, problem))?
        }
    };
    Ok(Kind::Scalar(value, text.into_owned()))
}

fn untagged(tag: Option<&Tag>, line: usize) -> Result<(), Problem> {
    match tag {
        Some(tag) => Err(Problem::new(
            line,
            format!("the tag {tag} is not understood"),
        )),
        None => Ok(()),
    }
}
