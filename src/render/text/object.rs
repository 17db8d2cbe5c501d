//! What `show` says: one object, all its revisions, redacted; or, asked for, one revision with its values.

use std::io::{self, Write};
use std::path::PathBuf;

use super::super::escape::{json_document, terminal, terminal_bytes, terminal_path};
use super::super::records::timestamp;
use super::layout::{Screen, Tone};
use super::number::counted;
use super::unread::{self, ending, subject};
use crate::collect::{Lines, RowKind};
use crate::evidence::EvidenceId;
use crate::finding::Outcome;
use crate::kubernetes::{self, ClusterId, Encoding};
use crate::report::{Render, Report, Revealed, RowContext, RowWriter, not_looked_at};
use crate::row::{CarriedOut, EnvelopeInfo, Form, ObjectName, Retention, Row, ValueRow};
use crate::store::Facts;

/// What `show` says.
pub struct ObjectText<'o> {
    out: Screen<'o>,
    /// Whether bytes may go there that are no text.
    takes_any_bytes: bool,
    /// Where it is said what is shown, beside the value itself.
    say: fn(&str),
    /// The only input; where a row is of another file, or there is none, it is said which.
    only: Option<PathBuf>,
    file: PathBuf,
    /// Of the file, where it says so: the UID of its cluster.
    cluster: Option<String>,
    /// Whether a value is what was asked for.
    is_revealed: bool,
    /// The file and the key that rows were told of last.
    last: (Option<PathBuf>, Vec<u8>),
}

impl<'o> ObjectText<'o> {
    /// `is_revealed`: a value was asked for; `takes_any_bytes`: the output is a file; `only`: the input, where there is one alone.
    pub fn new(out: Screen<'o>, is_revealed: bool, takes_any_bytes: bool, only: Option<PathBuf>, say: fn(&str)) -> Self {
        Self { out, takes_any_bytes, say, only, is_revealed, file: PathBuf::new(), cluster: None, last: (None, Vec::new()) }
    }
}

impl Render for ObjectText<'_> {
    fn evidence(&mut self, _id: EvidenceId, facts: &Facts) -> io::Result<()> {
        self.file.clone_from(&facts.path);
        self.cluster = facts.database().map(|database| match database.clusters.sole().and_then(ClusterId::uid) {
            Some(uid) => format!(", cluster {uid}"),
            None => ", cluster not known".to_owned(),
        });
        Ok(())
    }

    fn row_writer(&self) -> Option<RowWriter> {
        Some(write_row)
    }

    fn rows(&mut self, lines: &Lines) -> io::Result<()> {
        for (_, row) in lines.iter() {
            let end_of_key = row.iter().position(|byte| *byte == b'\n').map_or(row.len(), |at| at.saturating_add(1));
            let (key, said) = row.split_at_checked(end_of_key).unwrap_or((row, &[]));
            if self.only.as_ref() != Some(&self.file) && self.last.0.as_ref() != Some(&self.file) {
                let cluster = self.cluster.as_deref().unwrap_or_default();
                writeln!(self.out, "{}{cluster}", terminal_path(&self.file))?;
                self.last = (Some(self.file.clone()), Vec::new());
            }
            if self.last.1 != key {
                self.out.write_all(key)?;
                self.last.1 = key.to_vec();
            }
            self.out.write_all(said)?;
        }
        Ok(())
    }

    fn revealed(&mut self, revealed: &Revealed<'_>) -> io::Result<()> {
        let revision = revealed.revision.map_or("(not known)".to_owned(), |revision| revision.to_string());
        let state = match (revealed.retention, revealed.carried_out) {
            (Retention::Current, _) => "",
            (Retention::Newest, _) => " (the newest in the database; the log goes on)",
            (Retention::Superseded, _) => " (an older one)",
            (Retention::Deleted, _) => " (deleted)",
            (Retention::Residue, _) => " (from free pages)",
            (Retention::Log, CarriedOut::Yes) => " (from the log)",
            (Retention::Log, CarriedOut::PerhapsNever) => " (from the log; perhaps never carried out)",
            (Retention::Log, CarriedOut::Never) => " (from the log; never carried out)",
        };
        let how = if revealed.is_opened { "opened with a key, " } else { "" };
        let (object, bytes) = (terminal(revealed.object), counted(revealed.bytes.len() as u64, "byte"));
        let unreadable = |reason: kubernetes::Unreadable| io::Error::new(io::ErrorKind::InvalidData, reason.to_string());
        let document = kubernetes::as_document(revealed.bytes, revealed.encoding).map_err(unreadable)?;
        if document.is_none() && revealed.encoding != Encoding::Other && !self.takes_any_bytes {
            let why = "this kind of object is not decoded here; -o FILE writes its bytes as they are stored";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        (self.say)(&format!("warning: printing {object}, revision {revision}{state}, {how}{bytes}, in clear\n"));
        let mut out = self.out.raw()?;
        let Some(document) = document else { return out.write_all(revealed.bytes) };
        match revealed.encoding {
            Encoding::Yaml => out.write_all(&document)?,
            _ => json_document(&mut out, &document)?,
        }
        out.write_all(b"\n")
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        let not_looked_at = unread::not_looked_at(not_looked_at(&report.evidences), report.unread.iter());
        let status = Tone::of_exit(outcome.exit_code()).paint(&object_status(report, outcome));
        if self.is_revealed {
            // Beside the value, which may go into a file or another program.
            (self.say)(&not_looked_at);
            if outcome.exit_code() != 0 {
                (self.say)(&status);
            }
            return Ok(());
        }
        self.out.write_all([not_looked_at, status].concat().as_bytes())
    }
}

/// What is said where there is no such object.
pub fn nothing_of_object(object: &str, files: &[PathBuf], report: &Report, is_known: bool) -> String {
    let files: Vec<String> = files.iter().map(|file| terminal_path(file)).collect();
    let what = ObjectName::parse(object).to_string();
    let near: Vec<String> = report.near_names.iter().map(|(_, name)| terminal(name).into_owned()).collect();
    let near = if near.is_empty() { String::new() } else { format!("  did you mean: {}\n", near.join(", ")) };
    let place = files.join(", ");
    let said = match is_known {
        true => format!("no object {} in {place}", terminal(object)),
        false => format!("object {} was not found in what can be read of {place}: whether it is there is not known", terminal(object)),
    };
    format!("{said}\n  looked for: {}\n{near}", terminal(&what))
}

/// What is said where several objects have the name that was asked for.
pub fn several_of_object(object: &str, keys: &[String]) -> String {
    let keys: String = keys.iter().map(|key| format!("  {}\n", terminal(key))).collect();
    format!(
        "several objects are named {}; ask for one by its whole key, and where several clusters have that, of one file alone:\n{keys}",
        terminal(object)
    )
}

/// What came of the question for an object, in one line.
pub fn object_status(report: &Report, outcome: &Outcome) -> String {
    match report.evidences.len() {
        0 => format!("{}, none could be read{}", subject(report), ending(report, outcome, &[])),
        n => format!("{} read{}", counted(n as u64, "file"), ending(report, outcome, &[])),
    }
}

/// A row of the object, behind a line with its key.
fn write_row(_context: RowContext<'_>, row: &Row<'_>, lines: &mut Lines) {
    let said = match row {
        Row::Tombstone(tombstone) => format!("  revision {:<8} deleted\n", tombstone.revision.to_string()),
        Row::Value(value) => format!(
            "  revision {:<8} {:<10} version {}, {} at offset {}, page {}\n{}    {}\n{}",
            known(value.written.main),
            value.retention.name(),
            known(value.written.counts.map(|counts| counts.version)),
            counted(value.length(), "byte"),
            known(value.offset),
            known(value.pgid),
            value.carried_out().in_words().map_or(String::new(), |said| format!("    {said}\n")),
            storage(value),
            contents(value),
        ),
    };
    lines.add(RowKind::of(row), |out| out.extend(format!("{}\n{said}", terminal_bytes(row.key())).bytes()));
}

fn known(fact: Option<impl ToString>) -> String {
    fact.map_or("-".to_owned(), |fact| fact.to_string())
}

pub(super) fn storage(value: &ValueRow<'_>) -> String {
    let form = value.form();
    match (value.envelope(), value.protection.encoding(), form) {
        (Some(envelope), _, _) => format!("{}: {}", form.name(), sealed(envelope)),
        (None, Some(encoding), Form::Plaintext) => format!("{} ({}): readable without any key", form.name(), encoding.name()),
        (None, _, _) => form.name().to_owned(),
    }
}

fn sealed(seal: &EnvelopeInfo<'_>) -> String {
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
    let Some(secret) = value.protection.secret() else { return String::new() };
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
        out.push_str(&format!("      {:<32} {}, not shown\n", terminal(&item.name), counted(item.length, "byte")));
    }
    out
}
