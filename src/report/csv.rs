//! CSV: the `value` records.

use std::io;

use serde_json::{Map, Value};

use super::{Report, escape};

/// Column names, those of the `value` record; two of what its `secret` says stand for it.
pub const COLUMNS: [&str; 40] = [
    "evidence",
    "place",
    "retention",
    "offset",
    "length",
    "pgid",
    "key",
    "key_base64",
    "mod_revision",
    "sub",
    "create_revision",
    "version",
    "lease",
    "group_resource",
    "namespace",
    "name",
    "protection",
    "encoding",
    "provider",
    "provider_version",
    "provider_name",
    "provider_name_certain",
    "key_id",
    "dek_source_type",
    "dek_source_sha256",
    "annotations_sha256",
    "fragment",
    "duplicate",
    "newer_than_snapshot",
    "raft_index",
    "raft_term",
    "txn_branch",
    "committed",
    "applied",
    "opened",
    "outcome",
    "opened_by",
    "sealed_for",
    "secret_type",
    "secret_data",
];

/// The line of column names.
///
/// # Errors
/// None in memory; the writer's interface has them.
pub fn header() -> io::Result<Vec<u8>> {
    row_of(COLUMNS.iter().map(|name| (*name).to_owned()))
}

/// The line of a `value` record that was written as JSON.
///
/// # Errors
/// The bytes are no record.
pub fn row(record: &[u8]) -> io::Result<Vec<u8>> {
    let record: Map<String, Value> = serde_json::from_slice(record)?;
    row_of(COLUMNS.iter().map(|column| match *column {
        "secret_type" => cell(record.get("secret").and_then(|s| s.get("type"))),
        "secret_data" => data(record.get("secret").and_then(|s| s.get("data"))),
        name => cell(record.get(name)),
    }))
}

/// The list for those who rotate, one line a Secret that can be read without a key, the most urgent of each input first.
///
/// # Errors
/// None in memory; the writer's interface has them.
pub fn rotate_list(report: &Report) -> io::Result<Vec<u8>> {
    let columns = ["input", "namespace", "name", "type", "data", "readable_in", "newest_readable_revision", "exists"];
    let mut out = row_of(columns.iter().map(|name| (*name).to_owned()))?;
    for (input, secret) in report.readable_secrets() {
        let text = |text: &str| escape::csv_cell(text).into_owned();
        let data: Vec<String> = secret.data.iter().map(|(name, length)| format!("{name}:{length}")).collect();
        out.extend(row_of(
            [
                text(&input.to_string_lossy()),
                text(secret.namespace.as_deref().unwrap_or_default()),
                text(&secret.name),
                text(&secret.secret_type),
                text(&data.join(" ")),
                secret.places.join(" "),
                secret.revision.map(|revision| revision.to_string()).unwrap_or_default(),
                if secret.exists { "yes" } else { "deleted" }.to_owned(),
            ]
            .into_iter(),
        )?);
    }
    Ok(out)
}

fn row_of(cells: impl Iterator<Item = String>) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|e| io::Error::other(e.to_string()))
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => escape::csv_cell(text).into_owned(),
        Some(other) => other.to_string(),
    }
}

/// `name:length` of each data item.
fn data(items: Option<&Value>) -> String {
    let items = items.and_then(Value::as_array).into_iter().flatten();
    let text: Vec<String> = items.map(|item| format!("{}:{}", cell(item.get("name")), cell(item.get("length")))).collect();
    escape::csv_cell(&text.join(" ")).into_owned()
}
