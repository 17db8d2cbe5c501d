//! Credentials of etcd's own users.

use std::collections::BTreeMap;

use super::table::name;
use crate::report::EvidenceReport;
use crate::store::CredentialCounts;

/// Users before the rest is left out.
const ROWS: usize = 20;

/// Users of etcd whose credentials stand in the log. They are counted and named.
pub(super) fn credentials<'a>(parts: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let mut users: BTreeMap<&str, CredentialCounts> = BTreeMap::new();
    let mut hashes = 0u64;
    for facts in parts.into_iter().map(|part| &part.facts) {
        hashes = hashes.saturating_add(facts.database().map_or(0, |database| database.schema.password_hashes));
        for (user, counts) in facts.log().into_iter().flat_map(|log| &log.credentials) {
            users.entry(user).or_default().add(*counts);
        }
    }
    let named =
        |of: fn(&CredentialCounts) -> u64| users.iter().filter(|(_, counts)| of(counts) > 0).map(|(user, _)| *user).collect::<Vec<_>>();
    let mut out = String::new();
    for (names, what) in [
        (named(|counts| counts.passwords), "PASSWORDS IN CLEAR of etcd users in the log"),
        (named(|counts| counts.tokens), "login tokens of etcd users in the log"),
        (named(|counts| counts.hashes), "password hashes of etcd users in the log"),
    ] {
        if !names.is_empty() {
            let shown: Vec<_> = names.iter().take(ROWS).map(|user| name(user)).collect();
            let more = if names.len() > ROWS { ", …" } else { "" };
            out.push_str(&format!("{what}: {} ({}{more})\n", names.len(), shown.join(", ")));
        }
    }
    if hashes > 0 {
        out.push_str(&format!("password hashes of etcd users in the database: {hashes}\n"));
    }
    out
}
