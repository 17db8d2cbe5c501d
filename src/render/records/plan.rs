//! The records of what a verification takes.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::evidence::count::{Calls, Count, Values};
use crate::render::cell::columns;
use crate::report::{Asked, VerificationPlan};

/// What one of those who hold keys is asked, by the key that values name.
#[derive(Debug, Serialize)]
pub struct PlanRecord<'a> {
    record: &'static str,
    asked: Option<&'a str>,
    key_id: Option<&'a str>,
    values: Count<Values>,
    current: Count<Values>,
    calls: Count<Calls>,
    further_calls: Count<Calls>,
    key_calls: Count<Calls>,
}

type Column = (&'static str, fn(&PlanRecord<'_>) -> String);

impl<'a> PlanRecord<'a> {
    /// Its columns in a table.
    pub(in super::super) const COLUMNS: &'static [Column] =
        columns!(PlanRecord: asked, key_id, values, current, calls, further_calls, key_calls);

    /// Those of a plan: of each who is asked, and last of what nobody can be asked about.
    pub fn of(plan: &'a VerificationPlan) -> impl Iterator<Item = Self> + 'a {
        plan.asked.iter().flat_map(|asked| Self::all(asked, false)).chain(Self::all(&plan.unclaimed, true))
    }

    /// The records of one who is asked; `is_nobody`: of what nobody can be asked about.
    fn all(asked: &'a Asked, is_nobody: bool) -> impl Iterator<Item = Self> + 'a {
        let name = (!is_nobody).then_some(asked.name.as_str());
        // Which key is current is asked of no key that is named.
        let of_status = (asked.status_calls > 0).then_some(&None);
        let keys: BTreeSet<&Option<String>> = asked.calls.keys().chain(asked.key_calls.keys()).chain(of_status).collect();
        keys.into_iter().map(move |key| {
            let turns = asked.calls.get(key).copied().unwrap_or_default();
            let of_status = if key.is_none() { asked.status_calls } else { Count::ZERO };
            let waiting = asked.waiting.get(key).copied().unwrap_or_default();
            Self {
                record: "plan",
                asked: name,
                key_id: key.as_deref(),
                values: waiting.values,
                current: waiting.current,
                calls: turns.first,
                further_calls: turns.further,
                key_calls: asked.key_calls.get(key).copied().unwrap_or_default().plus(of_status),
            }
        })
    }
}
