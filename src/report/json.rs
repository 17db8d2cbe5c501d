//! JSON and JSON Lines.

use std::io;

use serde::Serialize;

use super::escape::SafeJson;

/// Appends a record as one line.
pub fn line<T: Serialize>(record: &T, out: &mut Vec<u8>) {
    value(record, out);
    out.push(b'\n');
}

/// Appends a record without a line's end. Writing to memory does not fail, and the records have no map whose keys
/// are not strings, which is all that could.
pub fn value<T: Serialize>(record: &T, out: &mut Vec<u8>) {
    let _ = record.serialize(&mut serde_json::Serializer::with_formatter(out, SafeJson));
}

/// The records of a run as one JSON object, grouped by kind. Unlike JSON Lines it is held in memory.
#[derive(Debug, Default)]
pub struct Grouped {
    groups: Vec<(&'static str, Vec<u8>)>,
}

impl Grouped {
    /// Adds a record that was already written as JSON.
    pub fn add(&mut self, kind: &'static str, record: &[u8]) {
        let group = match self.groups.iter_mut().position(|(name, _)| *name == kind) {
            Some(index) => self.groups.get_mut(index),
            None => {
                self.groups.push((kind, Vec::new()));
                self.groups.last_mut()
            }
        };
        if let Some((_, group)) = group {
            if !group.is_empty() {
                group.extend_from_slice(b",\n  ");
            }
            group.extend_from_slice(record);
        }
    }

    /// Writes the object: `run` and `summary` as objects, everything else as arrays, in the order of the records.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        const ORDER: [&str; 8] = ["run", "evidence", "value", "tombstone", "anomaly", "key", "finding", "summary"];
        let mut first = true;
        for kind in ORDER {
            let empty = Vec::new();
            let group = self.groups.iter().find(|(name, _)| *name == kind).map_or(&empty, |(_, group)| group);
            let (open, close) = if matches!(kind, "run" | "summary") { ("", "") } else { ("[", "]") };
            write!(out, "{}\"{kind}\":{open}", if first { "{" } else { ",\n" })?;
            out.write_all(group)?;
            out.write_all(close.as_bytes())?;
            first = false;
        }
        out.write_all(b"}\n")
    }
}
