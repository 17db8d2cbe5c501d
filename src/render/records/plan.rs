//! The records of what a verification takes.

use serde::Serialize;

use crate::report::Asked;

/// What one of those who hold keys is asked, by the key that values name.
#[derive(Debug, Serialize)]
pub struct PlanRecord<'a> {
    record: &'static str,
    asked: Option<&'a str>,
    key_id: Option<&'a str>,
    calls: u64,
}

impl<'a> PlanRecord<'a> {
    /// The records of one who is asked; `is_nobody`: of what nobody can be asked about.
    pub fn all(asked: &'a Asked, is_nobody: bool) -> impl Iterator<Item = Self> + 'a {
        let name = (!is_nobody).then_some(asked.name.as_str());
        asked.calls.iter().map(move |(key, calls)| Self { record: "plan", asked: name, key_id: key.as_deref(), calls: *calls })
    }
}
