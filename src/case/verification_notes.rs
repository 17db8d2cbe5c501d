//! What is worth knowing beside a proof: how keys are used, what was given for nothing, where else a key may be.

use std::collections::{BTreeMap, BTreeSet};

use super::Holders;
use crate::envelope::{KeyIdentity, KeyPattern};
use crate::evidence::count::{Count, DekSources, Values};
use crate::evidence::words::verb;
use crate::kms::{
    CurrentKeys, Failure, Held, Likeness, Plan as KmsPlan, Reason, Ring, SameKeys, Silent, WrappedDek, is_one_key, region_of,
};
use crate::report::Report;
use crate::verify::Needs;

/// Key IDs that values name, where the KMS used another key: an alias that points elsewhere now is not one of them.
pub(super) fn other_keys(plan: &KmsPlan, ring: &Ring) -> Vec<(String, String)> {
    let differing = plan.sources().filter_map(|source| {
        let named = source.id.key_id.as_deref()?;
        let (Held::Key { kms_key_id: Some(used), .. } | Held::OpenedBefore { kms_key_id: Some(used), .. }) = ring.get(&source.id)? else {
            return None;
        };
        (SameKeys::default().likeness(named, used) == Likeness::Other).then(|| (named.to_owned(), used.clone()))
    });
    differing.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is worth knowing of how keys are used: two DEK source types under one key, and how near an aesgcm key is to its limit.
pub(super) fn notes(needs: &Needs<'_>, report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    let mut types: BTreeMap<KeyIdentity<'static>, Vec<(i64, Count<Values>)>> = BTreeMap::new();
    for ((identity, dek_source_type), count) in &needs.dek_source_types {
        types.entry(identity.owned()).or_default().push((*dek_source_type, *count));
    }
    for (key, types) in types.iter().filter(|(_, types)| types.len() > 1) {
        let counts: Vec<String> = types.iter().map(|(kind, count)| format!("{count} values of type {kind}")).collect();
        notes.push(format!("{key} has DEK sources of two types: {}; API servers of two versions have written", counts.join(", ")));
    }
    for (key, seen) in report.values_by_key() {
        let Some(most) = key.provider().most_writes() else { continue };
        let limit = if seen >= most { ": PAST THE LIMIT, rotate it" } else { "" };
        let writes = if seen == 1 { "write is" } else { "writes are" };
        notes.push(format!("{}: {seen} {writes} seen here, of the {most} that one key may make{limit}; others left no trace", key));
    }
    notes
}

/// What plugins say of the key that they write under now.
pub(super) fn of_current_keys(keys: &CurrentKeys) -> Vec<String> {
    let said = keys.iter().map(|(provider, ids)| {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        match ids.as_slice() {
            [id] => format!("the plugin of {provider} writes under {id} now"),
            several => format!("the plugins of {provider} do not agree on the key that they write under now: {}", several.join(", ")),
        }
    });
    let meant = keys.meanings().map(|(name, arn)| format!("{name} means {arn} now"));
    let silent = keys.silent.iter().map(|Silent { asked, name, failure }| {
        let what = name.as_deref().map_or("under which key it writes now".to_owned(), |name| format!("which key {name} means now"));
        match failure.reason {
            Reason::NotAttempted => format!("{asked} was not asked {what}: no call was left (--max-calls), or the run was broken off"),
            _ => format!("{asked} does not say {what}: {failure}"),
        }
    });
    said.chain(meant).chain(silent).collect()
}

/// Where the key of what was not opened may be: in a region that ARNs name, and in which nobody was asked about what names none.
pub(super) fn of_regions(plan: &KmsPlan, ring: &Ring, holders: &Holders<'_>) -> Vec<String> {
    let named: BTreeSet<&str> = plan.sources().filter_map(|source| region_of(source.id.key_id.as_deref()?)).collect();
    let is_not_known = |reason: Reason| matches!(reason, Reason::KeyNotFound | Reason::KeyNotFoundThere);
    let may_be_elsewhere =
        |reason: Reason| is_not_known(reason) || matches!(reason, Reason::AccessDenied | Reason::ContextOrDamage | Reason::NotConfigured);
    let is_not_there =
        |source: &&WrappedDek| matches!(ring.get(&source.id), Some(Held::Nothing(Failure { reason: Reason::KeyNotFoundThere, .. })));
    let is_unusable =
        |source: &&WrappedDek| matches!(ring.get(&source.id), Some(Held::Nothing(Failure { reason: Reason::UnusableThere, .. })));
    let is_failed = |source: &&WrappedDek| {
        source.id.key_id.as_deref().and_then(region_of).is_none()
            && matches!(ring.get(&source.id), Some(Held::Nothing(failure)) if may_be_elsewhere(failure.reason))
    };
    let mut notes = Vec::new();
    for unwrapper in holders.unwrappers.iter() {
        let Some(asked) = unwrapper.regions() else { continue };
        let unusable = || plan.sources().filter(is_unusable).filter(|source| unwrapper.claims(source));
        let replicas: BTreeSet<&str> = unusable()
            .flat_map(|source| regions_of_replicas(plan, source))
            .filter(|region| !asked.iter().any(|asked| asked == region))
            .collect();
        if !replicas.is_empty() {
            let unusable: Count<DekSources> = Count::of_len(unusable().count());
            let all: Vec<&str> = asked.iter().map(String::as_str).chain(replicas.iter().copied()).collect();
            notes.push(format!(
                "the multi-region key of {unusable} {} cannot be used in the region that is named, and other values name the same key in {}: give --aws-region {}",
                verb(unusable, "DEK source", "DEK sources"),
                replicas.iter().copied().collect::<Vec<_>>().join(", "),
                all.join(",")
            ));
        }
        let failed: Count<DekSources> = Count::of_len(plan.sources().filter(is_failed).filter(|source| unwrapper.claims(source)).count());
        let others: Vec<&str> = named.iter().copied().filter(|region| !asked.iter().any(|asked| asked == region)).collect();
        if failed > 0 && !others.is_empty() {
            let all: Vec<&str> = asked.iter().map(String::as_str).chain(others.iter().copied()).collect();
            let asked = if asked.is_empty() { "no region".to_owned() } else { asked.join(", ") };
            notes.push(format!(
                "{failed} {} asked about in {asked}, and ARNs in these values are of {}: give --aws-region {}",
                verb(failed, "DEK source that names no region was", "DEK sources that name no region were"),
                others.join(", "),
                all.join(",")
            ));
            continue;
        }
        let not_there: Count<DekSources> =
            Count::of_len(plan.sources().filter(is_not_there).filter(|source| unwrapper.claims(source)).count());
        if not_there > 0 {
            notes.push(format!(
                "{} knows no key of {not_there} {} where it was asked ({}): a key is known in its own region only. Give --aws-region with every region that may have it",
                unwrapper.name(),
                verb(not_there, "DEK source", "DEK sources"),
                asked.join(", "),
            ));
        }
    }
    notes
}

/// The regions of ARNs that name the same key as one source, of other sources.
fn regions_of_replicas<'p>(plan: &'p KmsPlan, source: &'p WrappedDek) -> impl Iterator<Item = &'p str> {
    let named = source.id.key_id.as_deref();
    let is_same = move |key_id: &str| named.is_some_and(|named| named != key_id && is_one_key(named, key_id) == Some(true));
    plan.sources().filter_map(|other| other.id.key_id.as_deref()).filter(move |key_id| is_same(key_id)).filter_map(region_of)
}

/// Keys that were given and that no value names, and whom contexts were given for.
pub(super) fn unused(holders: &Holders<'_>, plan: &KmsPlan, report: &Report) -> Vec<String> {
    let keys = report.values_by_key();
    // What is given has a provider and a name, and leaves the rest open.
    let named: BTreeSet<KeyPattern> =
        keys.into_keys().map(|key| KeyPattern { version: None, key_id: None, ..KeyPattern::from(key) }).collect();
    let texts = plan.sources().flat_map(|source| std::iter::once(&source.id.provider_name).chain(&source.id.key_id));
    let texts: BTreeSet<&str> = texts.map(AsRef::as_ref).collect();
    let contexts = holders.contexts.names().into_iter().filter(|name| !texts.contains(name));
    let contexts = contexts.map(|name| format!("the encryption context of {name}"));
    holders.given().difference(&named).map(ToString::to_string).chain(contexts).collect()
}
