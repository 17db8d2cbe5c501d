//! The key that `--require-key` names.

use super::RunError;
use crate::envelope::{KeyIdentity, KeyPattern};

/// Whether a text may be of a key.
type Fits<'a> = &'a dyn Fn(&KeyIdentity<'_>) -> bool;
/// Which keys it then means.
type Meant<'a> = &'a dyn Fn(&KeyIdentity<'_>) -> KeyPattern;

/// The key that values are to be under: one that values name and that the text is of, from its first letter to its last, else what the text
/// says by itself. A provider's name, with its word or alone, leaves open which key of a KMS it is, and through which API: whichever the
/// provider writes under.
pub(super) fn required_key(text: &str, seen: &[KeyIdentity<'static>]) -> Result<KeyPattern, RunError> {
    let text = text.trim();
    let of_provider = |key: &KeyIdentity<'_>| KeyPattern::of_name(&key.provider, key.name.as_deref().unwrap_or_default());
    // With its key ID, and what is printed of KMS v1, the text says which it is.
    let as_printed = |key: &KeyIdentity<'_>| match key.key_id {
        Some(_) => key.to_string() == text,
        None => key.in_words() == text && key.to_string() != text,
    };
    let readings: [(Fits<'_>, Meant<'_>); 4] = [
        (&as_printed, &|key| KeyPattern::from(key)),
        (&|key| of_provider(key).to_string() == text, &of_provider),
        (&|key| key.name.as_deref() == Some(text), &of_provider),
        (&|key| key.key_id.as_deref() == Some(text), &|key| KeyPattern::of_key_id(key.key_id.as_deref().unwrap_or_default())),
    ];
    let found = readings.into_iter().map(|(fits, pattern)| {
        let mut patterns: Vec<KeyPattern> = seen.iter().filter(|key| key.name.is_some() && fits(key)).map(pattern).collect();
        patterns.sort();
        patterns.dedup();
        patterns
    });
    match found.into_iter().find(|patterns| !patterns.is_empty()).as_deref() {
        Some([pattern]) => Ok(pattern.clone()),
        Some(several) => {
            let several: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(RunError::Key(format!("--require-key: {text} may be any of: {}", several.join(", "))))
        }
        None => KeyPattern::parse(text)
            .ok_or_else(|| RunError::Key("--require-key: expected PROVIDER/NAME, PROVIDER/NAME/KEYID, or a key ID".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_key_id_and_a_key_id_is_told_whole() {
        let key = |provider: &str, version: &str, name: &str, id: Option<&str>| {
            KeyIdentity::new(provider.as_bytes(), version.as_bytes(), Some(name), id).owned()
        };
        let seen = [
            key("kms", "v2", "kms-1", Some("1")),
            key("kms", "v2", "vault", Some("vault")),
            key("kms", "v1", "old", None),
            key("kms", "v2", "a", Some("b/c")),
            key("kms", "v2", "a/b", Some("c")),
            key("aescbc", "v1", "two", None),
            key("aesgcm", "v1", "two", None),
            key("kms", "v2", "other", Some("shared")),
            key("kms", "v2", "another", Some("shared")),
        ];
        let of = |text: &str| required_key(text, &seen).ok().map(|key| (key.to_string(), key.version, key.key_id));
        let open = |text: &str| Some((text.to_owned(), None, None));
        for (text, wanted) in [
            ("kms/kms-1", open("kms/kms-1")),
            ("kms-1", open("kms/kms-1")),
            (" kms/kms-1\n", open("kms/kms-1")),
            ("kms/vault", open("kms/vault")),
            ("vault", open("kms/vault")),
            ("kms/old", open("kms/old")),
            ("old", open("kms/old")),
            ("kms/new", open("kms/new")),
            ("aescbc/two", open("aescbc/two")),
            ("kms/old (KMS v1)", Some(("kms/old".to_owned(), Some("v1".to_owned()), None))),
            ("kms/kms-1/1", Some(("kms/kms-1/1".to_owned(), Some("v2".to_owned()), Some("1".to_owned())))),
            ("kms/kms-1/11", Some(("kms/kms-1/11".to_owned(), None, Some("11".to_owned())))),
            ("1", Some(("1".to_owned(), None, Some("1".to_owned())))),
            ("shared", Some(("shared".to_owned(), None, Some("shared".to_owned())))),
            // Of several nobody says which is meant.
            ("two", None),
            ("kms/a/b/c", None),
            ("kms/kms-1/", None),
            ("kms/", None),
            ("kms", None),
        ] {
            assert_eq!(of(text), wanted, "{text}");
        }
    }
}
