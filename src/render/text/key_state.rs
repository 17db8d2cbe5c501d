//! What a KMS says of keys that values need: those that cannot be used, or not for long, and those that were several.

use std::collections::BTreeMap;

use super::super::escape::terminal;
use super::key_label::whole;
use super::thousands;
use crate::evidence::count::{Count, Values};
use crate::evidence::words::verb;
use crate::report::{KeyProof, KeyReport};

/// Lines before the rest is only counted.
const ROWS: usize = 20;

/// Keys whose state is a reason to act, and names that meant several keys.
pub(super) fn key_states(keys: &[KeyReport]) -> String {
    let proven = || keys.iter().filter_map(|key| Some((key, key.proof.as_ref()?)));
    let lines = proven().flat_map(|(key, proof)| states(key, proof)).chain(proven().filter_map(|(key, proof)| several(key, proof)));
    let not_said: BTreeMap<&String, &_> = proven().flat_map(|(_, proof)| &proof.states_not_said).collect();
    let lines = lines.chain(not_said.into_iter().map(|(id, failure)| {
        let why = terminal(&failure.to_string()).into_owned();
        format!("STATE NOT KNOWN: {} ({why}): whether the KMS will delete it was not said\n", terminal(id))
    }));
    let lines: Vec<String> = lines.collect();
    let mut out: String = lines.iter().take(ROWS).map(String::as_str).collect();
    if let Some(more) = lines.len().checked_sub(ROWS).filter(|more| *more > 0) {
        out.push_str(&format!("  and {more} more keys\n"));
    }
    out
}

/// Whether a key that values need is going to be deleted.
pub(super) fn is_going(key: &KeyReport) -> bool {
    key.proof.iter().flat_map(|proof| proof.states.values()).any(|state| state.deletion_date.is_some() && !state.is_usable())
}

fn states(key: &KeyReport, proof: &KeyProof) -> Vec<String> {
    let states = proof.states.iter().filter(|(_, state)| !state.is_usable());
    let lines = states.map(|(id, state)| {
        let day = state.deletion_date.and_then(|at| jiff::Timestamp::from_second(at).ok()).map(|at| at.strftime("%Y-%m-%d").to_string());
        let deleted = day.map_or(String::new(), |day| format!(", and the KMS deletes it on {day}: nothing opens after that"));
        let used =
            if key.identity.key_id.as_deref() == Some(id.as_str()) { String::new() } else { format!(" (of {})", whole(&key.identity)) };
        format!(
            "KEY NOT ENABLED: {}{used} is {}{deleted}; {}\n",
            terminal(id),
            terminal(state.state.as_deref().unwrap_or_default()),
            uses(proof)
        )
    });
    lines.collect()
}

/// How many values a key has opened all the same, and how many it has not.
fn uses(proof: &KeyProof) -> String {
    let values = |count: Count<Values>| verb(count, "value", "values");
    match (proof.opened, proof.failed) {
        (Count::ZERO, failed) => format!("{} {} did not open", thousands(failed), values(failed)),
        (opened, Count::ZERO) => format!("{} {} STILL OPENED", thousands(opened), values(opened)),
        (opened, failed) => format!("{} {} STILL OPENED, {} did not", thousands(opened), values(opened), thousands(failed)),
    }
}

/// A name under which the KMS has used several keys: an alias was pointed elsewhere, or KMS v1 was given another key.
fn several(key: &KeyReport, proof: &KeyProof) -> Option<String> {
    if proof.kms_key_ids.len() < 2 {
        return None;
    }
    let ids: Vec<_> = proof.kms_key_ids.iter().take(ROWS).map(|id| terminal(id)).collect();
    let why = if key.identity.key_id.is_some() { "it was pointed elsewhere at least once" } else { "its values name none" };
    Some(format!("{} stands for {} keys ({why}), each needed: {}\n", whole(&key.identity), proof.kms_key_ids.len(), ids.join(", ")))
}
