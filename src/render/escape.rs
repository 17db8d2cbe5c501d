//! Names in evidence are an attacker's text. Each output has its own way of not obeying it.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use serde_json::ser::Formatter;

use crate::evidence::words::{is_obeyed as is_unsafe, path_text};

/// Text for a terminal: control characters (escape sequences, newlines) and characters that turn the direction of
/// text or are not seen are written as `\u{…}`.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| !is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Bytes for a terminal: as text where they are UTF-8, else byte by byte.
pub fn terminal_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => terminal(text),
        Err(_) => Cow::Owned(bytes.escape_ascii().to_string()),
    }
}

/// A path for a terminal: a byte of it that is no text is written as `\\xff`.
pub fn terminal_path(path: &Path) -> String {
    terminal(&path_text(path)).into_owned()
}

/// A cell of CSV: as for a terminal, and never the beginning of a formula in a spreadsheet.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let text = terminal(text);
    if text.starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("'{text}")) } else { text }
}

/// Writes a JSON document that is there already, in which the same characters become `\uXXXX`: its meaning is the same.
///
/// # Errors
/// Those of `out`.
pub fn json_document(out: &mut impl io::Write, json: &[u8]) -> io::Result<()> {
    // Between its strings JSON has line ends and tabs, and within them never.
    let is_unsafe = |c: char| is_unsafe(c) && !matches!(c, '\n' | '\r' | '\t');
    let Ok(text) = std::str::from_utf8(json) else { return out.write_all(json) };
    write_escaped(out, text, is_unsafe)
}

/// Writes text of a JSON string, in which some characters become `\uXXXX`.
fn write_escaped<W: io::Write + ?Sized>(out: &mut W, text: &str, is_unsafe: impl Fn(char) -> bool) -> io::Result<()> {
    for part in text.split_inclusive(&is_unsafe) {
        let plain = part.strip_suffix(&is_unsafe).unwrap_or(part);
        out.write_all(plain.as_bytes())?;
        for unit in part.strip_prefix(plain).unwrap_or_default().encode_utf16() {
            write!(out, "\\u{unit:04x}")?;
        }
    }
    Ok(())
}

/// JSON in one line, in which the same characters are written as `\uXXXX`: the meaning is the same, and a
/// terminal it is shown on does not obey them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SafeJson;

impl Formatter for SafeJson {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return writer.write_all(fragment.as_bytes());
        }
        write_escaped(writer, fragment, is_unsafe)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(terminal("prod/db"), "prod/db");
        assert_eq!(terminal("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\u{a}c");
        assert_eq!(terminal("x\u{202e}y\u{9b}z"), "x\\u{202e}y\\u{9b}z");
        assert_eq!(terminal_bytes(b"\xff\x1b"), "\\xff\\x1b");
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("@x"), "'@x");
    }

    #[test]
    fn a_json_document_keeps_its_meaning_and_its_lines() {
        let json = "{\n\t\"a\u{7f}\": \"x\u{202e}y\u{e0041}z\u{1b}\" }\n";
        let mut out = Vec::new();
        json_document(&mut out, json.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\n\t\"a\\u007f\": \"x\\u202ey\\udb40\\udc41z\\u001b\" }\n");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let hostile = "a\u{202e}b\u{9b}\u{e0041}\"\\\n\u{7f}ü";
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, SafeJson);
        serde::Serialize::serialize(hostile, &mut serializer).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().all(|c| !is_unsafe(c)), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
