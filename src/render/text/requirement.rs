//! What `verify` says of re-encryption: whether all is as required, and what is left to do.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::escape::terminal;
use super::key_label::whole;
use super::number::{counted, with_adjective, with_noun};
use super::thousands;
use crate::evidence::EvidenceId;
use crate::evidence::count::{Count, Values};
use crate::evidence::words::{path_text, span, verb};
use crate::report::{Report, VerificationResult};
use crate::verify::{Left, Requirement, State, Under};

/// Lines of a list before the rest is only counted.
const ROWS: usize = 20;
/// Inputs that a sentence names before the rest is only counted.
const NAMED: usize = 2;

pub(super) fn requirement(verify: &VerificationResult, report: &Report) -> String {
    let requirement = &verify.proof.requirement;
    if requirement.required.is_empty() && requirement.is_refused {
        return "Re-encryption NOT KNOWN: no API server takes this configuration\n".to_owned();
    }
    if requirement.required.is_empty() {
        return "Re-encryption: nothing to judge: no key is required (--require-key, or the first provider of an EncryptionConfiguration), \
                or no current value was seen of which one is\n"
            .to_owned();
    }
    let mut out = completeness(verify, report);
    out.push_str(&plaintext_required(requirement));
    // Each prefix has an API server of its own, also one below which nothing is left.
    let has_prefixes = report.evidences.iter().any(|evidence| evidence.facts.prefixes.len() > 1)
        || has_several(requirement.left.keys().map(|left| left.prefix.as_deref()));
    out.push_str(&left_by_resource(requirement, has_prefixes));
    out.push_str(&rewrites(&requirement.left, has_prefixes));
    for ((evidence, prefix, key), (count, first, last)) in requirement.late.iter().take(ROWS) {
        let below = below(prefix.as_deref().filter(|_| has_prefixes));
        let file = path_text(report.path_of(*evidence)).into_owned();
        let under = key.as_ref().map_or("in plaintext".to_owned(), |key| format!("under {}", whole(key)));
        out.push_str(&format!(
            "  {}: {} written {under} after the required key began, at {}: an API server that was not restarted?\n",
            terminal(&file),
            format_args!("{}{below} {}", with_noun(*count), verb(*count, "was", "were")),
            span("revision", *first, *last)
        ));
    }
    if let Some(more) = requirement.late.len().checked_sub(ROWS).filter(|more| *more > 0) {
        out.push_str(&format!("  and under {} written after the required key began\n", counted(more as u64, "more key")));
    }
    out.push_str(&leftovers(requirement, report));
    out
}

/// Whether rows are of several prefixes: then each of them names its own.
pub(super) fn has_several<'p>(mut prefixes: impl Iterator<Item = Option<&'p str>>) -> bool {
    let first = prefixes.next();
    prefixes.any(|prefix| Some(prefix) != first)
}

fn required_in_words(state: &State) -> String {
    match state {
        State::Plaintext => "in plaintext".to_owned(),
        State::Key(key) => format!("under {}", terminal(&key.to_string())),
        State::NotNamed => "unencrypted where no rule names the resource".to_owned(),
        State::NotKnown => "as the configuration requires".to_owned(),
    }
}

/// Whether all is as required, in one line.
fn completeness(verify: &VerificationResult, report: &Report) -> String {
    let requirement = &verify.proof.requirement;
    let required = requirement.required.keys().map(required_in_words).collect::<Vec<_>>().join(" or ");
    let required = required.as_str();
    let (left, met) = (requirement.left(), requirement.met());
    let (not_opened, not_known) = (requirement.not_opened(), requirement.not_known());
    let mut parts = Vec::new();
    if left > 0 {
        // Of several states that are required each is of other resources.
        let not = if requirement.required.len() > 1 {
            format!("not as {} ({required})", verb(left, "its resource requires", "their resources require"))
        } else {
            format!("not {required}")
        };
        parts.push(format!("{} {} {not}", with_adjective(left, "current"), verb(left, "is", "are")));
    }
    if not_opened > 0 {
        let name = verb(not_opened, "names the required key and does not open with it", "name the required key and do not open with it");
        parts.push(format!("{} {name}", thousands(not_opened)));
    }
    if not_known > 0 {
        parts.push(format!("of {} it is not known", thousands(not_known)));
    }
    parts.extend(out_of_reach(requirement));
    if requirement.disputed() > 0 {
        parts.push("the configurations given require different states".to_owned());
    }
    if requirement.is_refused {
        parts.push("no API server takes this configuration".to_owned());
    }
    parts.extend(verify.what_was_cut().map(|what| format!("the asking ended early: {what}")));
    parts.extend(current_not_known(report));
    let by_name = not_proved(requirement);
    match left.plus(not_opened) {
        Count::ZERO if requirement.is_left_by_each() => {
            let left = left_by_each(requirement);
            format!("Re-encryption NOT COMPLETE, whichever configuration is in force ({required}): {left}{by_name}\n")
        }
        Count::ZERO if parts.is_empty() => {
            // A name is no proof: anybody can write it before any bytes.
            let (complete, in_scope) = if by_name.is_empty() { ("COMPLETE", "complete") } else { ("NOT PROVED", "not proved") };
            let all = if met == 1 { "" } else { "all " };
            let (values, is) = (with_adjective(met, "current"), verb(met, "is", "are"));
            match report.filter.as_deref() {
                None => format!("Re-encryption {complete} in these files: {all}{values} {is} {required}{by_name}\n"),
                Some(filter) => format!(
                    "Re-encryption {in_scope} in scope ({}): {all}{values} in it {is} {required}{by_name}; of what else these files hold nothing is said\n",
                    terminal(filter)
                ),
            }
        }
        Count::ZERO => {
            format!("Re-encryption NOT KNOWN: {}, {} {} {required}{by_name}\n", parts.join(", "), thousands(met), verb(met, "is", "are"))
        }
        _ => format!("Re-encryption NOT COMPLETE: {}, {} {}{by_name}\n", parts.join(", "), thousands(met), verb(met, "is", "are")),
    }
}

/// How many values each of several configurations leaves.
fn left_by_each(requirement: &Requirement) -> String {
    let of = |at: usize| requirement.left_by.keys().filter(|(of, _)| *of == at).count();
    let left = requirement.left_by.iter().map(|((at, number), left)| {
        let key = number.filter(|_| of(*at) > 1).map_or(String::new(), |number| format!(", key {},", number.saturating_add(1)));
        format!("by configuration {}{key} {} {} left", at.saturating_add(1), thousands(*left), verb(*left, "is", "are"))
    });
    left.collect::<Vec<_>>().join(", ")
}

/// Of how many values that are as required this run has not proved it; empty where it has.
fn not_proved(requirement: &Requirement) -> String {
    let said = [
        (requirement.by_name, "by the key's name alone: nobody opened them"),
        (requirement.by_ledger, "as the ledger says of an earlier run"),
    ];
    let said: Vec<String> =
        said.into_iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{} of them {why}", thousands(count))).collect();
    if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) }
}

/// Why it is not known which values are current, or of which inputs, where that is so.
pub(super) fn current_not_known(report: &Report) -> Option<String> {
    let all = report.current_not_known();
    let named: Vec<String> = all.iter().take(NAMED).map(|why| terminal(&why.to_string()).into_owned()).collect();
    let more = all.len().checked_sub(NAMED).filter(|more| *more > 0).map_or(String::new(), |more| format!(" and {more} more"));
    (!all.is_empty()).then(|| format!("which values are current is not known: {}{more}", named.join(", ")))
}

/// What is said of Secrets in plaintext that no API server rewrites, where there are any.
pub(super) fn out_of_reach(requirement: &Requirement) -> Option<String> {
    let count = requirement.out_of_reach();
    let are = verb(count, "is in plaintext under a key", "are in plaintext under keys");
    (count > 0).then(|| format!("{} {are} that no API server writes", thousands(count)))
}

/// A configuration with `identity` in the first place asks for no encryption: that is said, and of which resources.
fn plaintext_required(requirement: &Requirement) -> String {
    let Some(resources) = requirement.required.get(&State::Plaintext) else { return String::new() };
    let resources: Vec<_> = resources.keys().take(ROWS).map(|resource| terminal(resource).into_owned()).collect();
    format!(
        "  THE REQUIRED STATE IS PLAINTEXT: identity is the first provider, so API servers write these unencrypted: {}\n",
        resources.join(", ")
    )
}

/// How many values are left, by resource and by what they are under.
fn left_by_resource(requirement: &Requirement, has_prefixes: bool) -> String {
    let mut resources = BTreeMap::<_, BTreeMap<String, Count<Values>>>::new();
    for (left, count) in &requirement.left {
        let resource = (left.group_resource.as_str(), left.prefix.as_deref().filter(|_| has_prefixes));
        let under = resources.entry(resource).or_default().entry(under(&left.under)).or_default();
        under.add(*count);
    }
    let mut out = String::new();
    for ((resource, prefix), under) in resources.iter().take(ROWS) {
        let mut most: Vec<_> = under.iter().collect();
        most.sort_by_key(|(_, count)| Reverse(**count));
        let more = most.len().checked_sub(ROWS).filter(|more| *more > 0);
        let more =
            more.map(|_| format!("{} under others", thousands(most.iter().skip(ROWS).map(|(_, count)| **count).sum::<Count<Values>>())));
        let under: Vec<String> =
            most.iter().take(ROWS).map(|(under, count)| format!("{} {under}", thousands(**count))).chain(more).collect();
        let states =
            requirement.required.iter().filter(|(_, resources)| requirement.required.len() > 1 && resources.contains_key(*resource));
        let states: Vec<String> = states.map(|(state, _)| required_in_words(state)).collect();
        let required = if states.is_empty() { String::new() } else { format!(" (required {})", states.join(" or ")) };
        out.push_str(&format!("  {}{}: {}{required}\n", terminal(resource), below(*prefix), under.join(", ")));
    }
    if let Some(more) = resources.len().checked_sub(ROWS).filter(|more| *more > 0) {
        out.push_str(&format!("  and {more} more resources\n"));
    }
    out
}

fn below(prefix: Option<&str>) -> String {
    prefix.map_or(String::new(), |prefix| format!(" below {}", terminal(prefix)))
}

fn under(under: &Under) -> String {
    match under {
        Under::Plaintext => "in plaintext".to_owned(),
        Under::Key(key) => format!("under {}", whole(key)),
        Under::SameName(key) => format!("under another key of the name {}", whole(key)),
        Under::NotOpened(key) => format!("that name {} and do not open with it", whole(key)),
        Under::OneOfSeveral(key) => {
            format!("under {}, one of several keys of its provider: not known which it writes under now", whole(key))
        }
        Under::NotTold(key) => {
            format!("that name {}: which key is required, or which key that name means, was not said", whole(key))
        }
        Under::NotNamed(key) => {
            format!("under {}, though no rule names the resource: with this configuration API servers cannot read them", whole(key))
        }
        Under::OutOfReach => "in plaintext under keys that no API server writes: no rewrite reaches them".to_owned(),
        Under::Disputed(told_apart) => {
            let key = told_apart.as_ref().map_or(String::new(), |told_apart| format!(": the key of {told_apart} opens them"));
            format!("not known: one of the configurations given requires what they are, another one does not{key}")
        }
        Under::NotApplied => "not known: the log behind the database, or the v2 API, writes or deletes them, or may".to_owned(),
        Under::NotKnown => "not known: no form or key name that is known here".to_owned(),
    }
}

/// What rewrites them. A value that no API server can read, none rewrites.
fn rewrites(left: &BTreeMap<Left, Count<Values>>, has_prefixes: bool) -> String {
    let mut groups = BTreeMap::<_, Count<Values>>::new();
    for (left, count) in left.iter().filter(|(left, _)| left.under.can_be_rewritten()) {
        let prefix = left.prefix.as_deref().filter(|_| has_prefixes);
        groups.entry((prefix, &left.group_resource, left.namespace.as_deref())).or_default().add(*count);
    }
    let mut out = String::new();
    for ((prefix, resource, namespace), count) in groups.iter().take(ROWS) {
        // Each prefix has an API server of its own.
        let server = prefix.map_or(String::new(), |prefix| format!("  # at the API server of {}", terminal(prefix)));
        // Whoever writes to etcd chooses these words, and a shell would obey some. No API server has such names.
        let is_of_kubernetes = is_name(resource, ".-") && namespace.is_none_or(|namespace| is_name(namespace, "-"));
        let said = if is_of_kubernetes {
            let namespace = namespace.map_or(String::new(), |namespace| format!(" -n {namespace}"));
            format!("kubectl get {resource}{namespace} -o json | kubectl replace -f -{server}")
        } else {
            let namespace = namespace.map_or(String::new(), |namespace| format!(" in the namespace \"{}\"", terminal(namespace)));
            format!("of {}{namespace}: no API server has such names, and none rewrites them", terminal(resource))
        };
        out.push_str(&format!("  {:>6}  {said}\n", thousands(*count)));
    }
    if let Some(more) = groups.len().checked_sub(ROWS).filter(|more| *more > 0) {
        out.push_str(&format!("  and {more} more namespaces\n"));
    }
    out
}

/// Whether a text is a name as Kubernetes takes it: lower case, digits and `between` (RFC 1123).
fn is_name(text: &str, between: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || between.contains(c);
    !text.is_empty() && text.chars().all(is_inner) && !text.starts_with(['-', '.']) && !text.ends_with(['-', '.'])
}

/// What stands in files that were left behind: it is not what the member has now, and no rewrite reaches it.
fn leftovers(requirement: &Requirement, report: &Report) -> String {
    let mut files: BTreeMap<EvidenceId, BTreeMap<String, Count<Values>>> = BTreeMap::new();
    for (left, count) in &requirement.in_leftovers {
        let under = files.entry(left.evidence).or_default().entry(under(&left.under)).or_default();
        under.add(*count);
    }
    let mut out = String::new();
    for (evidence, under) in files.iter().take(ROWS) {
        let under: Vec<String> = under.iter().map(|(under, count)| format!("{} {under}", thousands(*count))).collect();
        let file = path_text(report.path_of(*evidence)).into_owned();
        out.push_str(&format!("  LEFT BEHIND, not what the member has now: {}: {}\n", terminal(&file), under.join(", ")));
    }
    if !files.is_empty() {
        out.push_str("          no rewrite reaches these: keep a copy as evidence, then have the file removed from the member\n");
    }
    out
}
