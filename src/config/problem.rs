//! What is wrong with a file, gathered while it is read.

use std::fmt;
use std::path::{Path, PathBuf};
use toml_span::de_helpers::TableHelper;
use toml_span::{ErrorKind, Span, Value};

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what to write instead where that is known. Never a value.
    pub message: String,
}

/// All that is wrong with a file.
#[derive(Debug)]
pub struct Problems {
    /// The file.
    pub path: PathBuf,
    /// Each on its own, in the order of the text.
    pub problems: Vec<Problem>,
}

impl Problems {
    pub(super) fn unreadable(path: &Path, message: String) -> Self {
        Self { path: path.to_owned(), problems: vec![Problem { line: 0, column: 0, message }] }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let Problem { line, column, message } = problem;
            match line {
                0 => write!(f, "{separator}{}: {message}", self.path.display())?,
                _ => write!(f, "{separator}{}:{line}:{column}: {message}", self.path.display())?,
            }
        }
        match self.problems.len() {
            1 => Ok(()),
            count => write!(f, "\n{count} problems"),
        }
    }
}

impl std::error::Error for Problems {}

/// Walks a document and keeps every problem, so that all are told together.
pub(super) struct Reader<'t> {
    text: &'t str,
    problems: Vec<(Span, String)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, problems: Vec::new() }
    }

    pub(super) fn document(&mut self) -> Option<Value<'t>> {
        toml_span::parse(self.text).map_err(|error| self.error(error)).ok()
    }

    /// Opens a table; whoever reads it hands it to [`close`](Self::close).
    pub(super) fn table(&mut self, value: &mut Value<'t>) -> Option<TableHelper<'t>> {
        TableHelper::new(value).map_err(|error| self.errors(error)).ok()
    }

    /// Takes over what went wrong in a table, and what nobody asked for.
    pub(super) fn close(&mut self, table: TableHelper<'t>) {
        if let Err(error) = table.finalize(None) {
            self.errors(error);
        }
    }

    /// Takes over what went wrong in a table of which not everything was asked for.
    pub(super) fn close_in_part(&mut self, table: TableHelper<'t>) {
        if let Err(error) = table.finalize(Some(&mut Value::new(toml_span::value::ValueInner::Boolean(true)))) {
            self.errors(error);
        }
    }

    pub(super) fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.problems.push((span, message.into()));
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn finish(mut self) -> Vec<Problem> {
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort_by_key(|(span, _)| span.start);
        problems.dedup();
        let place = |(span, message): (Span, String)| {
            let before = self.text.get(..span.start).unwrap_or(self.text);
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Problem { line: self.line(span), column, message }
        };
        problems.into_iter().map(place).collect()
    }

    fn line(&self, span: Span) -> usize {
        self.text.get(..span.start).unwrap_or(self.text).matches('\n').count() + 1
    }

    fn errors(&mut self, error: toml_span::DeserError) {
        for error in error.errors {
            self.error(error);
        }
    }

    fn error(&mut self, error: toml_span::Error) {
        match error.kind {
            ErrorKind::UnexpectedKeys { keys, mut expected } => {
                expected.sort();
                for (key, span) in keys {
                    self.problem(span, format!("unknown key `{key}`; known here: {}", expected.join(", ")));
                }
            }
            ErrorKind::MissingField(key) => self.problem(error.span, format!("`{key}` is missing")),
            ErrorKind::Wanted { expected, found } => {
                self.problem(error.span, format!("expected {expected}, found {}", with_article(found)));
            }
            ErrorKind::Custom(message) => self.problem(error.span, message),
            ErrorKind::DuplicateTable { first, .. } => {
                let header = self.text.get(error.span.start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
                let line = self.line(first);
                self.problem(error.span, format!("{} is described twice, first in line {line}", header.trim()));
            }
            ErrorKind::DuplicateKey { key, .. } => self.problem(error.span, format!("`{key}` is written twice")),
            _ => {
                let message = error.to_string();
                self.problem(error.span, message);
            }
        }
    }
}

fn with_article(found: &str) -> String {
    let article = if found.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {found}")
}
