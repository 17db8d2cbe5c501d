//! CSV: the `value` records.

use std::io;

use serde_json::{Map, Value};

use super::escape;

/// Column names, those of the `value` record.
pub const COLUMNS: [&str; 31] = [
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
