//! The document as it stands in YAML or JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::problem::Unusable;
use crate::evidence::limit;

/// The file's own form. What is absent or null is the zero value, as in Go.
#[derive(Deserialize)]
pub(super) struct Document {
    pub kind: String,
    #[serde(rename = "apiVersion")]
    pub api_version: Option<String>,
    resources: Option<Vec<RuleText>>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Fields that the form does not have.
pub(super) type Unknown = BTreeMap<String, IgnoredAny>;

#[derive(Default, Deserialize)]
pub(super) struct RuleText {
    pub resources: Option<Vec<String>>,
    pub providers: Option<Vec<BTreeMap<String, Option<ProviderText>>>>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The fields of all providers.
#[derive(Default, Deserialize)]
pub(super) struct ProviderText {
    pub keys: Option<Vec<KeyText>>,
    pub name: Option<String>,
    #[serde(rename = "apiVersion")]
    pub api_version: Option<String>,
    pub endpoint: Option<String>,
    pub timeout: Option<String>,
    pub cachesize: Option<i32>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[derive(Deserialize)]
pub(super) struct KeyText {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub secret: SecretText,
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl ProviderText {
    /// The fields that stand there and are none of `known`.
    pub(super) fn others_than(&self, known: &[&str]) -> Vec<String> {
        let fields = [
            ("keys", self.keys.is_some()),
            ("name", self.name.is_some()),
            ("apiVersion", self.api_version.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("timeout", self.timeout.is_some()),
            ("cachesize", self.cachesize.is_some()),
        ];
        let misplaced = fields.into_iter().filter(|(field, is_there)| *is_there && !known.contains(field));
        misplaced.map(|(field, _)| field.to_owned()).chain(self.unknown.keys().cloned()).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct SecretText(#[serde(deserialize_with = "zeroizing")] pub Zeroizing<String>);

fn zeroizing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl Document {
    /// Its rules.
    pub(super) fn rules(&mut self) -> Vec<RuleText> {
        self.resources.take().unwrap_or_default()
    }

    /// Reads it from YAML or JSON.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        let utf8 = from_utf16(bytes);
        let bytes = utf8.as_ref().map_or(bytes, |text| text.as_bytes());
        if bytes.trim_ascii_start().starts_with(b"{") {
            return serde_json::from_slice(bytes).map_err(|error| Unusable::Syntax {
                syntax: "JSON",
                line: error.line() as u64,
                column: error.column() as u64,
            });
        }
        // A configuration has a few hundred nodes. Aliases are rare in one, and a bomb is made of them.
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: 200_000,
                max_nodes: 100_000,
                max_aliases: 1_000,
                max_anchors: 1_000,
                max_depth: 32,
                max_documents: 1,
                max_total_scalar_bytes: limit::CONFIGURATION,
            },
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: 20_000,
                max_replay_stack_depth: 8,
            },
            with_snippet: false,
            // As in Go: what YAML has for a number is no text.
            no_schema: true,
        };
        serde_saphyr::from_slice_with_options(first_document(bytes), options).map_err(|error| {
            let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
            match error.without_snippet() {
                serde_saphyr::Error::QuotingRequired { .. } => Unusable::NotText { line, column },
                _ => Unusable::Syntax { syntax: "YAML", line, column },
            }
        })
    }
}

/// Text of 16-bit units, which begins with a byte order mark that says their order; `None`: it is none.
fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Zeroizing<Vec<u16>> = Zeroizing::new(bytes.as_chunks().0.iter().skip(1).map(|pair| unit(*pair)).collect());
    String::from_utf16(&units).ok().map(Zeroizing::new)
}

/// The first document of YAML: up to the next line of three hyphens or dots, which end a document wherever they stand.
fn first_document(bytes: &[u8]) -> &[u8] {
    let (mut at, mut has_begun) = (0usize, false);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let is_marker = |marker: &[u8]| text.strip_prefix(marker).is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace));
        match () {
            () if has_begun && (is_marker(b"---") || is_marker(b"...")) => return bytes.get(..at).unwrap_or(bytes),
            // Directives and comments before the document are not the document.
            () if text.is_empty() || text.starts_with(b"#") || text.starts_with(b"%") => {}
            () => has_begun = true,
        }
        at = at.saturating_add(line.len());
    }
    bytes
}
