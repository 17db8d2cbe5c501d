//! How a screen names keys: whole in a sentence, and in a table with long key IDs shortened while every row stays distinct.

use std::collections::{BTreeMap, BTreeSet};

use super::super::escape::terminal;
use crate::envelope::KeyIdentity;

/// Characters of a key ID that may stand in a table as they are.
const LONGEST_ID: usize = 20;
/// Characters at the end of a longer one that are always shown.
const TAIL: usize = 14;

/// A key, whole.
pub(super) fn whole(key: &KeyIdentity<'_>) -> String {
    terminal(&key.in_words()).into_owned()
}

/// A short label for each key, in their order: the same for the same key, and different ones for different keys.
pub(super) fn distinct_labels<'k>(keys: impl IntoIterator<Item = &'k KeyIdentity<'static>>) -> Vec<String> {
    let keys: Vec<&KeyIdentity<'static>> = keys.into_iter().collect();
    let ids = short_ids(keys.iter().filter_map(|key| key.key_id.as_deref()).collect());
    let short = |key: &KeyIdentity<'_>| {
        let id = key.key_id.as_deref().map(|id| ids.get(id).map_or(id, String::as_str));
        terminal(&key.in_words_with(id)).into_owned()
    };
    labels(&keys, &[&short, &whole, &in_parts])
}

/// The same with whole key IDs, where a key is to be named in another command.
pub(super) fn whole_labels<'k>(keys: impl IntoIterator<Item = &'k KeyIdentity<'static>>) -> Vec<String> {
    labels(&keys.into_iter().collect::<Vec<_>>(), &[&whole, &in_parts])
}

fn labels(keys: &[&KeyIdentity<'static>], forms: &[&dyn Fn(&KeyIdentity<'_>) -> String]) -> Vec<String> {
    let distinct: BTreeSet<&KeyIdentity<'static>> = keys.iter().copied().collect();
    let mut labels: BTreeMap<&KeyIdentity<'static>, String> = BTreeMap::new();
    // Every key takes the shortest form that none of the others takes.
    for form in forms {
        let mut taken: BTreeMap<String, u64> = BTreeMap::new();
        for label in labels.values() {
            taken.insert(label.clone(), 1);
        }
        let open: Vec<_> = distinct.iter().filter(|key| !labels.contains_key(*key)).map(|key| (*key, form(key))).collect();
        for (_, label) in &open {
            let count = taken.entry(label.clone()).or_default();
            *count = count.saturating_add(1);
        }
        labels.extend(open.into_iter().filter(|(_, label)| taken.get(label) == Some(&1)));
    }
    // What not even the parts tell apart differs in characters that a terminal is not shown.
    let numbers: BTreeMap<&KeyIdentity<'static>, usize> = distinct.iter().copied().zip(0..).collect();
    let numbered = |key: &KeyIdentity<'static>| format!("{} #{}", in_parts(key), numbers.get(key).copied().unwrap_or_default());
    keys.iter().map(|key| labels.get(key).cloned().unwrap_or_else(|| numbered(key))).collect()
}

/// A key with its parts named: where a slash is a name's own, and where versions share words.
fn in_parts(key: &KeyIdentity<'_>) -> String {
    let part = |part: Option<&str>| part.map_or("none".to_owned(), |text| format!("\"{text}\""));
    let (name, id) = (part(key.name.as_deref()), part(key.key_id.as_deref()));
    terminal(&format!("{} {}, name {name}, key ID {id}", key.provider, key.version)).into_owned()
}

/// Long key IDs, shortened to their ends; where these are alike, also with the parts of the beginning in which they differ.
fn short_ids(ids: BTreeSet<&str>) -> BTreeMap<&str, String> {
    let mut by_tail: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for id in ids.into_iter().filter(|id| id.chars().count() > LONGEST_ID) {
        by_tail.entry(split(id).1).or_default().push(id);
    }
    let shortened = by_tail.into_iter().flat_map(|(tail, ids)| {
        let heads: Vec<Vec<&str>> = ids.iter().map(|id| split(id).0.split_inclusive([':', '/']).collect()).collect();
        let longest = heads.iter().map(Vec::len).max().unwrap_or(0);
        let is_other = |index: usize| heads.iter().any(|head| head.get(index) != heads.first().and_then(|first| first.get(index)));
        let differs: Vec<bool> = (0..longest).map(is_other).collect();
        let short = |head: &Vec<&str>| {
            let mut out = String::new();
            for (index, part) in head.iter().enumerate() {
                match differs.get(index).copied().unwrap_or(true) {
                    true => out.push_str(part),
                    false if out.ends_with('…') => {}
                    false => out.push('…'),
                }
            }
            if !out.ends_with('…') {
                out.push('…');
            }
            out.push_str(tail);
            out
        };
        heads.iter().map(short).zip(ids).map(|(short, id)| (id, short)).collect::<Vec<_>>()
    });
    shortened.collect()
}

/// What stands before the end of an ID, and its end.
fn split(id: &str) -> (&str, &str) {
    let at = id.char_indices().rev().nth(TAIL.saturating_sub(1)).map_or(0, |(at, _)| at);
    id.split_at_checked(at).unwrap_or(("", id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn key(provider: &str, version: &str, name: Option<&str>, key_id: Option<&str>) -> KeyIdentity<'static> {
        KeyIdentity::new(provider.as_bytes(), version.as_bytes(), name, key_id).owned()
    }

    fn aws(name: &str, key_id: &str) -> KeyIdentity<'static> {
        key("kms", "v2", Some(name), Some(key_id))
    }

    const IRELAND: &str = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-800b-000000000003";
    const FRANKFURT: &str = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-800b-000000000003";

    #[test]
    fn a_long_id_is_shown_by_its_end_and_one_of_another_region_by_its_region_too() {
        let other = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-800a-000000000002";
        assert_eq!(
            distinct_labels(&[aws("a", IRELAND), key("aescbc", "v1", Some("key1"), None), aws("a", other), aws("b", "short-id")]),
            ["kms/a/…b-000000000003", "aescbc/key1", "kms/a/…a-000000000002", "kms/b/short-id"]
        );
        assert_eq!(
            distinct_labels(&[aws("a", IRELAND), aws("a", FRANKFURT), aws("a", IRELAND)]),
            ["kms/a/…eu-west-1:…b-000000000003", "kms/a/…eu-central-1:…b-000000000003", "kms/a/…eu-west-1:…b-000000000003"]
        );
    }

    #[test]
    fn what_the_printed_form_leaves_open_is_said() {
        let keys = [
            key("kms", "v1", Some("aws:v1-a"), None),
            key("kms", "v9", None, None),
            key("tpm", "v3", None, None),
            key("aesgcm", "v1", Some("k:with/all"), None),
        ];
        let expected = ["kms/aws:v1-a (KMS v1)", "kms/(name not readable) (v9)", "tpm/(name not readable) (v3)", "aesgcm/k:with/all"];
        assert_eq!(distinct_labels(&keys), expected);
        // A slash may be the name's or stand before the ID.
        let slashes = [aws("a/b", "c"), aws("a", "b/c")];
        assert_eq!(distinct_labels(&slashes), [r#"kms v2, name "a/b", key ID "c""#, r#"kms v2, name "a", key ID "b/c""#]);
    }

    proptest! {
        #[test]
        fn labels_are_as_many_as_keys(
            parts in prop::collection::vec(("kms|aescbc|x", "v1|v2", "[a/…]{0,3}", "[a:/…]{0,3}(arn:aws:kms:(eu|us)-1:key/00000000000000)?\u{200b}?"), 0..12),
            nameless in any::<u16>(),
        ) {
            let keys: Vec<_> = parts.iter().enumerate().map(|(index, (provider, version, name, id))| {
                let bit = |of: usize| nameless >> (index + of) & 1 == 1;
                key(provider, version, (!bit(0)).then_some(name), (!bit(1)).then_some(id))
            }).collect();
            let labels = distinct_labels(&keys);
            prop_assert_eq!(labels.len(), keys.len());
            let by_key: BTreeMap<_, _> = keys.iter().zip(&labels).collect();
            let by_label: BTreeMap<_, _> = labels.iter().zip(&keys).collect();
            prop_assert_eq!(by_key.len(), by_label.len());
        }
    }
}
