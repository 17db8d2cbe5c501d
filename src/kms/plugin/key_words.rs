//! What plainly says in which state a key of a KMS is: a sentence whose subject is the key, or a code of errors that stands where codes do.
//! A word for a state anywhere else proves nothing: caches, sessions, secrets and files are disabled, expired and not found, too.

use super::super::Reason;

/// How Google says it of a version of a key.
const CURRENT_STATE: &str = "is not enabled, current state is: ";

/// Google's states. A key whose material is gone is one that the KMS has no more, as AWS says of it.
const STATES: [(&str, Reason); 8] = [
    ("disabled", Reason::Disabled),
    ("destroy_scheduled", Reason::PendingDeletion),
    ("destroyed", Reason::KeyNotFound),
    ("pending_import", Reason::KeyUnusable),
    ("pending_generation", Reason::KeyUnusable),
    ("import_failed", Reason::KeyUnusable),
    ("generation_failed", Reason::KeyUnusable),
    ("pending_external_destruction", Reason::PendingDeletion),
];

/// Azure's codes.
const CODES: [(&str, Reason); 4] = [
    ("keydisabled", Reason::Disabled),
    ("keynotfound", Reason::KeyNotFound),
    ("objectisdeletedbutrecoverable", Reason::PendingDeletion),
    ("objectisbeingdeleted", Reason::PendingDeletion),
];

/// Vault's sentences, of its keys alone.
const OF_VAULT: [(&str, Reason); 2] =
    [("encryption key not found", Reason::KeyNotFound), ("version is disallowed by policy", Reason::KeyUnusable)];

/// What is said of a key, where a code says already that it is a matter of state.
const PREDICATES: [(&str, Reason); 8] = [
    ("is disabled", Reason::Disabled),
    ("has been disabled", Reason::Disabled),
    ("is scheduled for destruction", Reason::PendingDeletion),
    ("is scheduled for deletion", Reason::PendingDeletion),
    ("is pending deletion", Reason::PendingDeletion),
    ("is destroyed", Reason::KeyNotFound),
    ("has been destroyed", Reason::KeyNotFound),
    ("has expired", Reason::KeyUnusable),
];

/// What is said of a key that is not there, where a code says already that something is not.
const MISSING: [&str; 3] = ["not found", "does not exist", "was not found"];

/// Words before "key" that leave it a key of a KMS.
const KINDS: [&str; 11] = ["the", "this", "a", "kms", "crypto", "encryption", "master", "customer", "wrapping", "transit", "managed"];

/// The state of a key that a message in lower case tells. `is_of_state`, `is_not_found`: a code says that it is a matter of state, or that
/// something is not there.
pub(super) fn state_of(message: &str, is_of_state: bool, is_not_found: bool) -> Option<Reason> {
    let current = message.split_once(CURRENT_STATE).and_then(|(_, rest)| {
        let state: String = rest.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '_').collect();
        STATES.iter().find(|(word, _)| *word == state)
    });
    let of_code = || CODES.iter().find(|(code, _)| has_code(message, code));
    let of_vault = || OF_VAULT.iter().find(|(words, _)| ends_a_clause(message, words).next().is_some());
    let of_key = || PREDICATES.iter().filter(|_| is_of_state).find(|(said, _)| ends_a_clause(message, said).any(is_of_a_key));
    let known = current.or_else(of_code).or_else(of_vault).or_else(of_key).map(|(_, reason)| *reason);
    known.or_else(|| {
        let is_named = message.split_once("no existing key named ").is_some_and(|(_, rest)| rest.contains(" could be found"));
        let is_none = || ["no such key", "no such key here"].iter().any(|words| ends_a_clause(message, words).next().is_some());
        let is_missing = || MISSING.iter().any(|said| ends_a_clause(message, said).any(is_of_a_key));
        (is_named || (is_not_found && (is_none() || is_missing()))).then_some(Reason::KeyNotFound)
    })
}

/// Whether a code stands in a message as one: behind `code`, and nothing is made equal to it.
fn has_code(message: &str, code: &str) -> bool {
    let is_between = |c: char| matches!(c, ' ' | '"' | '\'' | '\\' | ':' | '=');
    message.match_indices(code).any(|(at, _)| {
        let (before, after) = (message.get(..at).unwrap_or_default(), message.get(at.saturating_add(code.len())..).unwrap_or_default());
        let is_behind_code = before.ends_with(is_between) && before.trim_end_matches(is_between).ends_with("code");
        is_behind_code && !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '='))
    })
}

/// What stands before some words, wherever a clause ends with them.
fn ends_a_clause<'m>(message: &'m str, words: &'m str) -> impl Iterator<Item = &'m str> {
    message.match_indices(words).filter_map(move |(at, _)| {
        let (before, after) = (message.get(..at)?, message.get(at.saturating_add(words.len())..)?);
        let is_end = !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '='));
        let is_whole = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'));
        (is_end && is_whole).then_some(before)
    })
}

/// Whether what is spoken of before a predicate is a key of a KMS: its kind, `key`, and perhaps `version` and its name; or a resource whose
/// path says that it is one.
fn is_of_a_key(before: &str) -> bool {
    let clause = before.rsplit([',', ';', '\n']).next().unwrap_or_default();
    let words: Vec<&str> = clause.split_whitespace().map(|word| word.trim_matches(['"', '\'', '`', '(', ')'])).collect();
    let Some((last, others)) = words.split_last() else { return false };
    let is_resource = |word: &str| word.contains("/cryptokeys/") || (word.starts_with("arn:") && word.contains(":kms:"));
    if is_resource(last) {
        return true;
    }
    // A sentence begins behind a colon or an equals sign.
    let kind_before = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        before.is_none_or(|word| KINDS.contains(word) || word.ends_with([':', '=']))
    };
    let is_key = |at: usize| matches!(words.get(at), Some(&("key" | "cryptokey" | "cryptokeyversion"))) && kind_before(at);
    let at = others.len();
    // A plain word behind it is another thing of the key's: a cache, a file.
    let is_name = || clause.trim_end().ends_with(['"', '\'', '`']) || last.contains(|c: char| c.is_ascii_digit() || "-_/:.".contains(c));
    // "key", "key version", "key NAME", "key version NUMBER".
    let is_version = |at: usize| words.get(at) == Some(&"version");
    is_key(at)
        || (at.checked_sub(1).is_some_and(is_key) && (is_version(at) || is_name()))
        || at.checked_sub(2).is_some_and(|before| is_key(before) && is_version(before.saturating_add(1)))
}
