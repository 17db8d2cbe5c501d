//! Every option that shapes an answer, for the answer's own first record.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// How a run was asked for: its command, and every option that shapes the answer.
#[derive(Clone, Debug, Default)]
pub struct RunInfo {
    /// The command's name.
    pub command: &'static str,
    /// Options by their names, without dashes.
    pub options: BTreeMap<&'static str, OptionValue>,
    /// What leaves objects out beyond the usual, in words; `None`: nothing does.
    pub scope: Option<String>,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OptionValue {
    /// Given or not.
    Flag(bool),
    /// Several words.
    List(Vec<String>),
    /// A number that may have a fraction.
    Decimal(f64),
    /// A number.
    Number(u64),
    /// A word; `None`: not given.
    Text(Option<String>),
}

impl RunInfo {
    /// Of a command, without options yet.
    pub fn of(command: &'static str) -> Self {
        Self { command, ..Self::default() }
    }

    /// The same with an option that is given or not.
    #[must_use]
    pub fn flag(self, name: &'static str, value: bool) -> Self {
        self.with(name, OptionValue::Flag(value))
    }

    /// The same with a word.
    #[must_use]
    pub fn text(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.with(name, OptionValue::Text(value.map(Into::into)))
    }

    /// The same with a number.
    #[must_use]
    pub fn number(self, name: &'static str, value: Option<u64>) -> Self {
        self.with(name, value.map_or(OptionValue::Text(None), OptionValue::Number))
    }

    /// The same with a number that may have a fraction.
    #[must_use]
    pub fn decimal(self, name: &'static str, value: f64) -> Self {
        self.with(name, OptionValue::Decimal(value))
    }

    /// The same with several words.
    #[must_use]
    pub fn list(self, name: &'static str, values: &[String]) -> Self {
        self.with(name, OptionValue::List(values.to_vec()))
    }

    /// The same with several paths.
    #[must_use]
    pub fn paths(self, name: &'static str, values: &[PathBuf]) -> Self {
        self.with(name, OptionValue::List(values.iter().map(|path| path.to_string_lossy().into_owned()).collect()))
    }

    fn with(mut self, name: &'static str, value: OptionValue) -> Self {
        self.options.insert(name, value);
        self
    }
}
