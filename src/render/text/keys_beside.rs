//! Keys that stand in objects beside the data that they protect.

use std::collections::{BTreeMap, BTreeSet};

use super::super::escape::terminal;
use super::thousands;
use crate::kubernetes::KeyMaterial;
use crate::report::EvidenceReport;
use crate::row::Retention;

/// Objects of one kind before the rest is only counted.
const BESIDE: usize = 3;

/// The same in a few words, for the line of a quiet run; nothing where there are none.
pub(super) fn beside_in_words<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let objects: BTreeSet<&str> =
        evidences.into_iter().flat_map(|evidence| &evidence.key_material).map(|(_, key, _)| key.as_str()).collect();
    match objects.len() {
        0 => String::new(),
        1 => "; 1 object in plaintext holds keys".to_owned(),
        n => format!("; {} objects in plaintext hold keys", thousands(n as u64)),
    }
}

/// Keys beside the data, a warning.
pub(super) fn beside<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>, has_filter: bool) -> String {
    let mut objects: BTreeMap<KeyMaterial, BTreeMap<&str, Retention>> = BTreeMap::new();
    for (material, key, retention) in evidences.into_iter().flat_map(|evidence| &evidence.key_material) {
        let known = objects.entry(*material).or_default().entry(key).or_insert(*retention);
        *known = (*known).min(*retention);
    }
    let mut out = String::new();
    for (material, keys) in &objects {
        let shown: Vec<String> = keys
            .iter()
            .take(BESIDE)
            .map(|(key, retention)| match retention {
                Retention::Current => terminal(key).into_owned(),
                other => format!("{} ({})", terminal(key), other.name()),
            })
            .collect();
        let more = keys.len().checked_sub(BESIDE).filter(|more| *more > 0).map_or(String::new(), |more| format!(" and {more} more"));
        // Whoever holds the file holds them, whatever was asked for.
        let scope = if has_filter { ", in scope or not" } else { "" };
        out.push_str(&format!("KEYS BESIDE THE DATA{scope}, in plaintext: {}: {}{more}\n", material.name(), shown.join(", ")));
    }
    out
}
