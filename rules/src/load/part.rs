//! A document of a rule file: a rule, a correlation, a filter, an override.
use crate::{
    check::{self, Checked},
    correlation::{keys::Word, spec::Spec},
    document::Document,
    error::RuleError,
    meta::Level,
    sigma::rule::Rule,
    tuning::{exception::Exception, overrides::Override},
};

/// What a document is.
pub(super) enum What {
    Rule(Box<Rule>, Checked),
    Correlation(Box<Spec>),
    Exception(Box<Exception>),
    Override(Override),
}

/// A document and what it is.
pub(super) struct Part<'s> {
    pub(super) source: usize,
    pub(super) document: Document<'s>,
    pub(super) what: What,
    /// Overridden or replaced.
    pub(super) disabled: bool,
    pub(super) level: Option<Level>,
    /// Feeds a correlation and raises nothing itself.
    pub(super) silent: bool,
}

impl What {
    /// Its id; that of a rule is on its document's line.
    pub(super) fn id(&self) -> Option<Word> {
        match self {
            Self::Rule(rule, _) => rule.id.clone().map(|text| Word { text, line: 0 }),
            Self::Correlation(spec) => spec.id.clone(),
            Self::Exception(exception) => exception.id.clone(),
            Self::Override(_) => None,
        }
    }

    pub(super) fn name(&self) -> Option<Word> {
        match self {
            Self::Rule(rule, _) => rule.name.clone().map(|text| Word { text, line: 0 }),
            Self::Correlation(spec) => spec.name.clone(),
            Self::Exception(_) | Self::Override(_) => None,
        }
    }

    pub(super) fn replaces(&self) -> Option<String> {
        match self {
            Self::Rule(rule, _) => rule.replaces.clone(),
            Self::Correlation(spec) => spec.replaces.clone(),
            Self::Exception(_) | Self::Override(_) => None,
        }
    }

    pub(super) fn is_rule(&self) -> bool {
        matches!(self, Self::Rule(..) | Self::Correlation(_))
    }
}

pub(super) fn what(document: &Document<'_>) -> Result<What, RuleError> {
    let node = &document.node;
    let kinds = ["detection", "correlation", "filter", "override"];
    let has: Vec<&str> = kinds
        .into_iter()
        .filter(|key| node.get(key).is_some())
        .collect();
    let failed = |problem| document.error(problem);
    match &has[..] {
        ["correlation"] => Spec::parse(node)
            .map(Box::new)
            .map(What::Correlation)
            .map_err(failed),
        ["filter"] => Exception::parse(node)
            .map(Box::new)
            .map(What::Exception)
            .map_err(failed),
        ["override"] => Override::parse(node).map(What::Override).map_err(failed),
        [_, second, ..] => {
            let problem = format!("{} and {second} in one document", has[0]);
            Err(document.error_at(second, problem))
        }
        _ => {
            let rule = Rule::parse(node).map_err(failed)?;
            let checked = check::check(&rule, document)?;
            Ok(What::Rule(Box::new(rule), checked))
        }
    }
}
