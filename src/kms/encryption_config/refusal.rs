//! What an API server takes: it does not start with a configuration of which one part is otherwise.
//!
//! Every check stands here that holds for all versions of the API server with wildcards (1.27 and later); what a feature gate or a
//! flag decides is no refusal.
//! Source: k8s.io/apiserver `pkg/apis/apiserver/validation/validation_encryption.go`,
//! `pkg/server/options/encryptionconfig/config.go`, `pkg/apis/apiserver/v1/{defaults,register}.go`.

use std::collections::{BTreeMap, BTreeSet};

use super::document::ProviderText;
use super::problem::{NotTaken, Wrong, word};
use crate::envelope::Provider;

/// A resource and its group, as they are parted at the first dot: of `*.` the group is the core's, of `*.*` any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern<'a> {
    resource: &'a str,
    group: &'a str,
}

const EVERYTHING: Pattern<'static> = Pattern { resource: "*", group: "*" };

impl<'a> Pattern<'a> {
    fn of(text: &'a str) -> Self {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        Self { resource, group }
    }

    fn all_of_group(self) -> Self {
        Self { resource: "*", ..self }
    }

    fn shown(self) -> String {
        match (self.resource, self.group) {
            ("*", group) => format!("*.{group}"),
            (resource, "") => resource.to_owned(),
            (resource, group) => format!("{resource}.{group}"),
        }
    }
}

/// Whether a resource is refused for a reason.
type IsRefused = fn(&str, Pattern<'_>) -> bool;

/// Why a resource alone is refused; the first reason counts.
const REFUSED: [(NotTaken, IsRefused); 6] = [
    (NotTaken::Capitals, |text, _| text.to_lowercase() != text),
    (NotTaken::Star, |text, _| text == "*"),
    (NotTaken::NoApi, |text, _| matches!(text, "apiserveripinfo" | "serviceipallocations" | "servicenodeportallocations")),
    (NotTaken::EventsGroup, |_, pattern| pattern.group == "events.k8s.io"),
    (NotTaken::Extensions, |_, pattern| pattern.group == "extensions"),
    (NotTaken::AnyGroup, |_, pattern| pattern.group == "*" && pattern.resource != "*"),
];

/// What is wrong with a rule's list of resources, with the index of each.
pub(super) fn of_list(resources: &[String]) -> Vec<(usize, Wrong)> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let mut wide: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, text) in resources.iter().enumerate() {
        let pattern = Pattern::of(text);
        if pattern.resource == "*" {
            wide.entry(pattern.group).or_insert(index);
        }
        let mut refuse = |why| wrong.push((index, Wrong::Resource(word(text), why)));
        if let Some((why, _)) = REFUSED.iter().find(|(_, is_refused)| is_refused(text, pattern)) {
            refuse(*why);
        }
        if !seen.insert(pattern) {
            refuse(NotTaken::Twice);
        }
    }
    let has_all = wide.contains_key(EVERYTHING.group);
    let is_overlapped =
        |pattern: Pattern<'_>| pattern != EVERYTHING && (has_all || pattern.resource != "*" && wide.contains_key(pattern.group));
    let overlapped = resources.iter().enumerate().filter(|(_, text)| is_overlapped(Pattern::of(text)));
    wrong.extend(overlapped.map(|(index, text)| (index, Wrong::Resource(word(text), NotTaken::Overlaps))));
    wrong
}

/// The wildcards of the rules before, which a later rule stands behind.
#[derive(Default)]
pub(super) struct Earlier(BTreeSet<String>);

impl Earlier {
    /// What is wrong with a rule behind the ones that were seen, which is seen by this.
    pub(super) fn see(&mut self, resources: &[String]) -> Vec<(usize, Wrong)> {
        let masked = |pattern: Pattern<'_>| {
            let wide = [pattern.all_of_group(), EVERYTHING].into_iter().map(Pattern::shown);
            wide.into_iter().find(|wide| self.0.contains(wide))
        };
        let wrong = resources.iter().enumerate().filter_map(|(index, text)| {
            let by = masked(Pattern::of(text))?;
            Some((index, Wrong::Masked(word(text), word(&by))))
        });
        let wrong = wrong.collect();
        self.0.extend(resources.iter().map(|text| Pattern::of(text)).filter(|pattern| pattern.resource == "*").map(Pattern::shown));
        wrong
    }
}

/// What is wrong with a KMS provider; `is_known`: an earlier one has its name, which is refused of a v2 alone: v1 names need be
/// unique only where the file is loaded anew while the server runs.
pub(super) fn of_kms(provider: Provider, body: &ProviderText, is_known: bool) -> Vec<Wrong> {
    let name = body.name.as_deref().unwrap_or_default();
    let is_v1 = provider == Provider::KmsV1;
    let checks = [
        (name.is_empty(), Wrong::NoName),
        (!provider.has_names_with_colons() && name.contains(':'), Wrong::ColonInName),
        (is_known && !is_v1, Wrong::DuplicateName(word(name))),
        (!body.endpoint.as_deref().is_some_and(is_unix_address), Wrong::Endpoint),
        (body.timeout.as_deref().is_some_and(|timeout| !is_duration_above_zero(timeout)), Wrong::Timeout),
        (body.cachesize.is_some_and(|size| !is_v1 || size == 0), Wrong::CacheSize),
    ];
    checks.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, wrong)| wrong).collect()
}

fn is_unix_address(endpoint: &str) -> bool {
    let is_plain = !endpoint.chars().any(|c| c.is_ascii_control());
    is_plain && endpoint.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("unix"))
}

/// Numbers with units, as `1m30s`; Go's form of a duration.
fn is_duration_above_zero(text: &str) -> bool {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut is_above = false;
    while !rest.is_empty() {
        let digits = rest.len().saturating_sub(rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len());
        let Some((number, behind)) = rest.split_at_checked(digits).filter(|_| digits > 0) else { return false };
        let Some(unit) = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"].iter().find(|unit| behind.starts_with(**unit)) else {
            return false;
        };
        let Ok(number) = number.parse::<f64>() else { return false };
        is_above |= number > 0.0;
        rest = behind.strip_prefix(unit).unwrap_or_default();
    }
    is_above
}
