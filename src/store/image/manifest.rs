//! Secrets as people read and write them: JSON with blanks, or with its fields in any order, and YAML, also within a text with escapes.
//!
//! ```text
//! "apiVersion": "v1",          apiVersion: v1          {\"apiVersion\":\"v1\",\"data\":{…},\"kind\":\"Secret\",\"metadata\":…
//! "kind": "Secret",            kind: Secret
//! "metadata": {                metadata:
//! {apiVersion: v1, kind: Secret, metadata: {…
//! ```
//! The same words stand where something refers to a Secret, or describes what a Secret is. What tells an object is the fields beside
//! its kind: nothing that refers has metadata.

use zeroize::Zeroizing;

use super::begun::{BeginningOf, Begun, PassedOverForm};

/// What is looked for.
pub(super) const KIND: &[u8] = b"Secret";
/// Fields of an object that stand beside its kind, and not beside that of what refers to one.
const FIELDS: [&[u8]; 6] = [b"metadata", b"data", b"stringData", b"type", b"immutable", b"items"];
/// So far around the kind the fields beside it are looked for.
const AROUND: usize = 512;
/// What the API server writes, which is looked for by its first bytes.
const KNOWN: [&[u8]; 2] = [b"{\"", b"{\"apiVersion\":\"v1\",\""];
/// How a quotation mark is written in a text with escapes.
const ESCAPED_QUOTES: [&[u8]; 7] = [br"\u0022", br"\x22", br"\042", b"&quot;", b"&#34;", b"&#x22;", b"%22"];

/// The Secret whose kind this word is.
pub(super) fn secret(bytes: &[u8], at: usize) -> Option<Begun> {
    let start = at.saturating_sub(AROUND);
    let (before, behind) = (bytes.get(start..at)?, bytes.get(at..)?.strip_prefix(KIND)?);
    let behind = behind.get(..AROUND).unwrap_or(behind);
    let (value, quote) = without_quote(before);
    let value = without_properties(value);
    // Whoever leaves a blank here does not write as the API server does.
    let is_compact = value.strip_suffix(b":").is_some_and(|name| blanks_off(name).len() == name.len());
    let (name, _) = without_quote(blanks_off(value).strip_suffix(b":").map(blanks_off)?);
    let before = name.strip_suffix(b"kind")?;
    let list = behind.strip_prefix(b"List");
    let behind = list.unwrap_or(behind);
    let is_escaped = match quote {
        Quote::None => behind.starts_with(br"\n") || behind.starts_with(br"\r"),
        quote => quote == Quote::Escaped,
    };
    let (text_before, text_behind) = (unescaped(before, is_escaped), unescaped(behind, is_escaped));
    let is_word_alone = text_behind.first().is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b' ' | b'\t' | b',' | b'}' | b'"' | b'\''));
    let is_known = is_compact && !is_escaped && list.is_none() && KNOWN.iter().any(|known| text_before.ends_with(known));
    let text_behind = text_behind.strip_prefix(b"\"").or_else(|| text_behind.strip_prefix(b"'")).unwrap_or(&text_behind);
    let is_object = is_object_of_json(&text_before, text_behind) || is_object_of_yaml(&text_before, text_behind);
    let is_of_core = version_beside(&text_before, text_behind).is_none_or(|version| version == b"v1");
    let form = if is_escaped { PassedOverForm::Escaped } else { PassedOverForm::Text };
    let at = start.saturating_add(before.len()) as u64;
    (is_word_alone && !is_known && is_object && is_of_core).then_some(Begun { at, form, of: BeginningOf::Secret })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Plain,
    Escaped,
}

/// Takes off the quotation mark that a text ends with.
fn without_quote(text: &[u8]) -> (&[u8], Quote) {
    if let Some(rest) = ESCAPED_QUOTES.iter().find_map(|quote| text.strip_suffix(*quote)) {
        return (rest.trim_suffix_of(b'\\'), Quote::Escaped);
    }
    let Some(rest) = text.strip_suffix(b"\"").or_else(|| text.strip_suffix(b"'")) else { return (text, Quote::None) };
    let bare = rest.trim_suffix_of(b'\\');
    (bare, if bare.len() < rest.len() { Quote::Escaped } else { Quote::Plain })
}

trait TrimSuffix {
    fn trim_suffix_of(&self, byte: u8) -> &Self;
}

impl TrimSuffix for [u8] {
    fn trim_suffix_of(&self, byte: u8) -> &Self {
        let end = self.iter().rposition(|other| *other != byte).map_or(0, |last| last.saturating_add(1));
        self.get(..end).unwrap_or_default()
    }
}

fn blanks_off(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last.saturating_add(1));
    text.get(..end).unwrap_or_default()
}

/// Takes off what YAML may have before a value: its type, and an anchor.
fn without_properties(text: &[u8]) -> &[u8] {
    let mut value = text;
    loop {
        let bare = blanks_off(value);
        let start = bare.iter().rposition(|byte| matches!(byte, b' ' | b'\t')).map_or(0, |last| last.saturating_add(1));
        match bare.split_at_checked(start) {
            Some((before, [b'!' | b'&', ..])) if bare.len() < value.len() && !before.is_empty() => value = before,
            _ => return value,
        }
    }
}

/// The text that one with escapes stands for, as far as quotation marks and ends of lines go.
fn unescaped(text: &[u8], is_escaped: bool) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    if !is_escaped {
        out.extend_from_slice(text);
        return out;
    }
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let quote = ESCAPED_QUOTES.iter().find_map(|quote| rest.strip_prefix(*quote));
        let (byte, next) = match (quote, first, behind.first()) {
            (Some(next), ..) => (Some(b'"'), next),
            (None, b'\\', Some(b'n')) => (Some(b'\n'), behind.get(1..).unwrap_or_default()),
            (None, b'\\', Some(b't')) => (Some(b'\t'), behind.get(1..).unwrap_or_default()),
            (None, b'\\', Some(b'r')) => (None, behind.get(1..).unwrap_or_default()),
            (None, b'\\', _) => (None, behind),
            (None, first, _) => (Some(*first), behind),
        };
        out.extend(byte);
        rest = next;
    }
    out
}

/// The version that stands right before or behind the kind: custom resources may have a kind of this name.
fn version_beside<'a>(before: &'a [u8], behind: &'a [u8]) -> Option<&'a [u8]> {
    let is_version = |name: &[u8]| name == b"apiVersion";
    let before = || {
        let rest = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before).trim_ascii_end();
        let (version, rest) = word_at_end(rest.strip_suffix(b",").unwrap_or(rest).trim_ascii_end())?;
        let (name, _) = word_at_end(rest.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end())?;
        is_version(name).then_some(version)
    };
    let behind = || {
        let rest = behind.trim_ascii_start();
        let (name, rest) = word(rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start())?;
        let (version, _) = word(rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())?;
        is_version(name).then_some(version)
    };
    before().or_else(behind)
}

/// Whether the field before or behind the kind is one of an object.
fn is_object_of_json(before: &[u8], behind: &[u8]) -> bool {
    let mut rest = behind.trim_ascii_start();
    while let Some((name, value)) = rest.strip_prefix(b",").map(<[u8]>::trim_ascii_start).and_then(word) {
        if FIELDS.contains(&name) {
            return true;
        }
        let value = value.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start).and_then(word);
        let Some((_, next)) = value.filter(|_| name == b"apiVersion") else { break };
        rest = next.trim_ascii_start();
    }
    let mut rest = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before).trim_ascii_end();
    while let Some(value) = rest.strip_suffix(b",").map(<[u8]>::trim_ascii_end) {
        // Only data and metadata are objects themselves. What refers to one, or says how it is, goes on with its name.
        if value.ends_with(b"}") {
            return !behind.trim_ascii_start().starts_with(b",");
        }
        let name = word_at_end(value).and_then(|(_, rest)| rest.trim_ascii_end().strip_suffix(b":"));
        let Some((name, next)) = name.map(<[u8]>::trim_ascii_end).and_then(word_at_end) else { break };
        if name == b"type" {
            return true;
        }
        if name != b"apiVersion" {
            break;
        }
        rest = next.trim_ascii_end();
    }
    false
}

/// A text in quotation marks, or of YAML a word without them, and what is behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some((quote, text)) = text.split_first().filter(|(first, _)| is_quote(**first)) else {
        let end = text.iter().take_while(|byte| is_of_a_word(**byte)).count();
        return text.split_at_checked(end).filter(|_| end > 0);
    };
    let end = memchr::memchr(*quote, text)?;
    Some((text.get(..end)?, text.get(end.saturating_add(1)..)?))
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-' | b'_')
}

/// The same, and what is before it.
fn word_at_end(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some((quote, text)) = text.split_last().filter(|(last, _)| is_quote(**last)) else {
        let start = text.len().saturating_sub(text.iter().rev().take_while(|byte| is_of_a_word(**byte)).count());
        return text.split_at_checked(start).map(|(before, word)| (word, before)).filter(|(word, _)| !word.is_empty());
    };
    let start = memchr::memrchr(*quote, text)?;
    Some((text.get(start.saturating_add(1)..)?, text.get(..start)?))
}

/// The same of lines: the fields beside the kind are indented as it is.
fn is_object_of_yaml(before: &[u8], behind: &[u8]) -> bool {
    let mut lines = before.rsplit(|byte| *byte == b'\n');
    let Some(own) = lines.next().map(indentation).filter(|(_, rest)| rest.is_empty() || matches!(*rest, b"\"" | b"'")) else {
        return false;
    };
    let name = |line: &[u8]| {
        let (depth, rest) = indentation(line);
        let end = memchr::memchr(b':', rest).filter(|_| !rest.starts_with(b"#"))?;
        let name = rest.get(..end)?.trim_ascii_end();
        let bare = |quote: &[u8]| name.strip_prefix(quote)?.strip_suffix(quote);
        Some((depth, bare(b"\"").or_else(|| bare(b"'")).unwrap_or(name).to_vec()))
    };
    let is_field = |name: &[u8]| FIELDS.contains(&name);
    let after = behind.split(|byte| *byte == b'\n').skip(1).filter_map(name).find(|(depth, name)| *depth != own.0 || name != b"apiVersion");
    if after.as_ref().is_some_and(|(depth, name)| *depth == own.0 && is_field(name)) {
        return true;
    }
    // What goes on with another field is none.
    if after.is_some_and(|(depth, _)| depth == own.0) {
        return false;
    }
    // A line that is indented more is of a field that is an object itself.
    let previous = lines.filter_map(name).find(|(depth, name)| *depth != own.0 || name != b"apiVersion");
    previous.is_some_and(|(depth, name)| depth > own.0 || depth == own.0 && is_field(&name))
}

/// How far a line is indented, as the first of a list too, and what is behind that.
fn indentation(line: &[u8]) -> (usize, &[u8]) {
    let depth = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'-')).count();
    (depth, line.get(depth..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(u64, PassedOverForm)> {
        let bytes = text.as_bytes();
        let begun = memchr::memmem::find_iter(bytes, KIND).filter_map(|at| secret(bytes, at));
        begun.map(|begun| (begun.at, begun.form)).collect()
    }

    #[test]
    fn a_secret_for_people_is_told_by_the_fields_beside_its_kind() {
        for text in [
            "apiVersion: v1\ndata:\n  a: YQ==\nkind: Secret\nmetadata:\n  name: db\n",
            "kind: Secret\napiVersion: v1\nmetadata:\n  name: db\n",
            "metadata:\n  name: db\napiVersion: v1\nkind: Secret\n",
            "items:\n- apiVersion: v1\n  data:\n    a: YQ==\n  kind: Secret\n  metadata:\n    name: db\n",
            "- kind: \"Secret\"\n  type: Opaque\n",
            "kind: SecretList\nitems: []\n",
            "apiVersion: v1\nkind: Secret # core: one\n# a: comment\nmetadata:\n  name: db\n",
            "kind:\tSecret\t# core\nmetadata:\n  name: db\n",
            "kind: !!str Secret\nmetadata:\n  name: db\n",
            "kind: &a !!str \"Secret\"\nmetadata:\n  name: db\n",
            "\"apiVersion\": v1\n\"kind\": &a Secret\n\"metadata\":\n  name: db\n",
            "'kind' : 'Secret'\n'data':\n  a: YQ==\n",
            "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Secret\",\n  \"metadata\": {}\n}",
            "{\"metadata\":{},\"apiVersion\":\"v1\",\"kind\":\"Secret\"}",
            "{\"type\": \"Opaque\", \"kind\" : \"Secret\"}",
            "{\"kind\": \"Secret\", \"apiVersion\": \"v1\", \"metadata\": {}}",
            "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {a: YQ==}}",
            "{kind: Secret, metadata: {name: db}, apiVersion: v1}",
            // As Python prints it, and as YAML may be written.
            "{'kind': 'Secret', 'apiVersion': 'v1', 'metadata': {'name': 'db'}}",
            "{'metadata': {'name': 'db'}, 'type': 'Opaque', 'apiVersion': 'v1', 'kind': 'Secret'}",
            "{type: Opaque, apiVersion: v1, kind: Secret}",
            "{metadata: {name: db}, kind: Secret}",
            "{\"kind\":\"SecretList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[",
        ] {
            let it = found(text);
            assert!(matches!(it[..], [(_, PassedOverForm::Text)]), "{text}: {it:?}");
        }
        for text in [
            r#"{\"apiVersion\":\"v1\",\"data\":{},\"kind\":\"Secret\",\"metadata\":{}}"#,
            r#"{\\\"kind\\\":\\\"Secret\\\",\\\"apiVersion\\\":\\\"v1\\\",\\\"metadata\\\":{}}"#,
            r#"{\u0022kind\u0022:\u0022Secret\u0022,\u0022type\u0022:\u0022Opaque\u0022}"#,
            r#""apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n""#,
        ] {
            let it = found(text);
            assert!(matches!(it[..], [(_, PassedOverForm::Escaped)]), "{text}: {it:?}");
        }
    }

    #[test]
    fn what_refers_to_a_secret_or_describes_its_kind_is_none() {
        for text in [
            "involvedObject:\n  apiVersion: v1\n  kind: Secret\n  name: db\nkind: Event\nmetadata:\n  name: e\n",
            r#"{"involvedObject":{"kind":"Secret","namespace":"prod","name":"db"},"metadata":{}}"#,
            r#"{"names":{"kind":"Secret","listKind":"SecretList","plural":"secrets"}}"#,
            r#"{"name":"secrets","singularName":"secret","namespaced":true,"kind":"Secret","verbs":["create"]}"#,
            r#"{"group":"","version":"v1","kind":"Secret"}"#,
            "{involvedObject: {kind: Secret, name: db}, metadata: {}}",
            "- {name: db, kind: Secret}",
            "kind: SecretStore\nmetadata:\n",
            "kind: Secrets are objects\nmetadata:\n",
            "mankind: Secret\nmetadata:\n",
            r#"{"health":{"status":"Healthy"},"kind":"Secret","name":"db","namespace":"prod","version":"v1"}"#,
            "- labels:\n    a: b\n  kind: Secret\n  name: db\n",
            "apiVersion: example.com/v1\nkind: Secret\nmetadata:\n  name: db\n",
            "kind: Secret\napiVersion: example.com/v1\nmetadata:\n  name: db\n",
            r#""apiVersion":"example.com/v1","kind":"Secret","metadata":{}}"#,
            "{'kind': 'Secret', 'apiVersion': 'example.com/v1', 'metadata': {}}",
            // As the API server writes them, and looked for by their first bytes.
            r#"{"kind":"Secret","apiVersion":"v1","metadata":{}}"#,
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{}}"#,
            "Secret",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
