//! What `show` says: one object, all its revisions, redacted.

use super::super::escape::{terminal, terminal_bytes};
use super::super::records::timestamp;
use super::thousands;
use crate::analysis::{Row, Seal, ValueRow};

/// The object with this key: its rows in the order of their revisions.
pub fn object(key: &[u8], rows: &[Row<'_>]) -> String {
    let mut out = format!("{}\n", terminal_bytes(key));
    for row in rows {
        match row {
            Row::Tombstone(tombstone) => out.push_str(&format!("  revision {:<8} deleted\n", tombstone.revision.to_string())),
            Row::Value(value) => {
                out.push_str(&format!(
                    "  revision {:<8} {:<10} version {}, {} bytes at offset {}, page {}\n",
                    known(value.mod_revision),
                    value.retention.name(),
                    known(value.version),
                    thousands(value.length),
                    known(value.offset),
                    known(value.pgid),
                ));
                out.push_str(&format!("    {}\n", storage(value)));
                out.push_str(&contents(value));
            }
        }
    }
    out
}

fn known(fact: Option<impl ToString>) -> String {
    fact.map_or("-".to_owned(), |fact| fact.to_string())
}

pub(super) fn storage(value: &ValueRow<'_>) -> String {
    match (&value.seal, value.encoding) {
        (Some(seal), _) => format!("{}: {}", value.protection.name(), sealed(seal)),
        (None, Some(encoding)) => format!("{} ({}): readable without any key", value.protection.name(), encoding.name()),
        (None, None) => value.protection.name().to_owned(),
    }
}

fn sealed(seal: &Seal<'_>) -> String {
    let mut words = vec![format!("{} {}", terminal_bytes(seal.provider), terminal_bytes(seal.version))];
    match seal.name {
        Some(name) if name.is_certain => words.push(format!("name {}", terminal(name.name))),
        Some(name) => words.push(format!("name {} (one of several readings)", terminal(name.name))),
        None => {}
    }
    if let Some(id) = seal.key_id {
        words.push(format!("key ID {}", terminal(id)));
    }
    if let Some(digest) = seal.dek_source_sha256 {
        let kind = match seal.dek_source_type {
            Some(0) => "wrapped key",
            Some(1) => "wrapped seed",
            Some(_) => "wrapped source of unknown type",
            None => "wrapped DEK",
        };
        words.push(format!("{kind} sha256 {:.16}…", digest.to_string()));
    }
    words.join(", ")
}

fn contents(value: &ValueRow<'_>) -> String {
    let Some(secret) = &value.secret else { return String::new() };
    let mut facts = vec![format!("type {}", if secret.secret_type.is_empty() { "(none)".into() } else { terminal(&secret.secret_type) })];
    if secret.immutable {
        facts.push("immutable".to_owned());
    }
    if let Some(created) = secret.object.created.and_then(timestamp) {
        facts.push(format!("created {created}"));
    }
    for owner in &secret.object.owners {
        facts.push(format!("owned by {} {}", terminal(&owner.kind), terminal(&owner.name)));
    }
    if !secret.object.managers.is_empty() {
        let managers: Vec<_> = secret.object.managers.iter().map(|name| terminal(name)).collect();
        facts.push(format!("managed by {}", managers.join(", ")));
    }
    let mut out = format!("    {}\n", facts.join(", "));
    for item in &secret.data {
        out.push_str(&format!("      {:<32} {} bytes, not shown\n", terminal(&item.name), thousands(item.length)));
    }
    out
}
