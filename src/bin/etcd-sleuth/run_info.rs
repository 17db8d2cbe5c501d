//! Every option that shapes an answer, for the answer's own first record.

use std::path::PathBuf;

use etcd_sleuth::render::{OptionValue, RunInfo};

/// Collects options by their names.
pub(crate) struct Options(RunInfo);

impl Options {
    /// Of a command.
    pub(crate) fn of(command: &'static str) -> Self {
        Self(RunInfo { command, ..RunInfo::default() })
    }

    pub(crate) fn flag(self, name: &'static str, value: bool) -> Self {
        self.add(name, OptionValue::Flag(value))
    }

    pub(crate) fn text(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        self.add(name, OptionValue::Text(value.map(Into::into)))
    }

    pub(crate) fn number(self, name: &'static str, value: Option<u64>) -> Self {
        self.add(name, value.map_or(OptionValue::Text(None), OptionValue::Number))
    }

    pub(crate) fn decimal(self, name: &'static str, value: f64) -> Self {
        self.add(name, OptionValue::Decimal(value))
    }

    pub(crate) fn list(self, name: &'static str, values: &[String]) -> Self {
        self.add(name, OptionValue::List(values.to_vec()))
    }

    pub(crate) fn paths(self, name: &'static str, values: &[PathBuf]) -> Self {
        self.add(name, OptionValue::List(values.iter().map(|path| path.to_string_lossy().into_owned()).collect()))
    }

    pub(crate) fn done(self) -> RunInfo {
        self.0
    }

    fn add(mut self, name: &'static str, value: OptionValue) -> Self {
        self.0.options.insert(name, value);
        self
    }
}
