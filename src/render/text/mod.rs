//! Text for people: the answer first, on one screen, then tables.

mod carve;
mod check;
mod check_quiet;
mod columns;
mod credentials;
mod directory;
mod evidence_label;
mod findings;
mod first_screen;
mod headline;
mod key_counts;
mod key_label;
mod key_state;
mod keys;
mod keys_beside;
mod layout;
mod marks;
mod number;
mod object;
mod pages;
mod quiet;
mod recover;
mod requirement;
mod retire;
mod scan;
mod stored;
mod table;
mod unread;
mod verdict;
mod verify;
mod verify_plan;
mod wrap;

pub use self::carve::CarveText;
pub use self::check::{CheckText, check_status, limits};
pub use self::keys::{KeysText, keys_status};
pub use self::layout::{Layout, Screen};
pub use self::number::thousands;
pub use self::object::{ObjectText, nothing_of_object, object_status, several_of_object};
pub use self::pages::PagesText;
pub use self::quiet::QuietText;
pub use self::recover::recovered;
pub use self::scan::{ScanText, status_line};
pub use self::verify::{VerifyText, verify_status};
pub use self::verify_plan::announcement;

use std::collections::BTreeSet;

use crate::evidence::anomaly::{Bearing, Class};
use crate::evidence::words::{span, verb};
use crate::finding::Condition;
use crate::kubernetes::{ClusterId, ClusterIds};
use crate::report::EvidenceReport;
use crate::store::{ClusterNames, DatabaseFacts, Facts, KeyTree, Kind, LogFacts, Member, PagesFound, RaftSnapshotFacts, Schema, Trailer};

use self::number::counted;
use super::escape;
use super::records::timestamp;

/// The lines that say what a file is.
fn file_lines(facts: &Facts, altered_or_damaged: &[(Bearing, u64)]) -> Vec<String> {
    let digest = facts.sha256.map_or("not hashed".to_owned(), |d| format!("sha256 {:.16}…", d.to_string()));
    let containers: Vec<&str> = facts.containers.iter().rev().map(|container| container.name()).collect();
    let packed = match (facts.content_size, containers.as_slice()) {
        (None, _) => String::new(),
        (Some(size), []) => format!(" ({} bytes of it)", thousands(size)),
        (Some(size), _) => format!(" ({}, {} bytes unpacked)", containers.join(" in "), thousands(size)),
    };
    let structure = match altered_or_damaged {
        [] => "structure sound".to_owned(),
        [(Bearing::Undecoded, _)] => format!("structure sound; {}", doubts(altered_or_damaged)),
        found => doubts(found),
    };
    let target = facts.link_target.as_ref().map_or(String::new(), |target| format!(", a link to {}", escape::terminal_path(target)));
    let path = format!("{}{target}", escape::terminal_path(&facts.path));
    let file = match facts.content_size.filter(|_| facts.containers.iter().any(|container| container.has_names())) {
        // What an archive is of, it is of many files.
        Some(size) => {
            format!("{path}, {} bytes, out of {}, {} bytes, {digest}", thousands(size), containers.join(" in "), thousands(facts.size))
        }
        None => format!("{path}, {} bytes{packed}, {digest}", thousands(facts.size)),
    };
    let mut lines = vec![file];
    let kind = kind_name(facts);
    if let Some(database) = facts.database() {
        lines.push(format!("{kind}; {}", trailer_sentence(facts.kind, database)));
        lines.push(format!("{structure}; {}", page_states(database)));
    } else if let Some(image) = facts.image() {
        lines.push(format!("{kind}; {}", pages_sentence(&image.pages)));
    } else {
        let own = facts.log().map(log_sentence).or_else(|| facts.raft_snapshot().map(snapshot_sentence));
        lines.push(own.map_or(format!("{kind}; {structure}"), |own| format!("{kind}; {own}; {structure}")));
    }
    lines
}

fn page_states(database: &DatabaseFacts) -> String {
    let DatabaseFacts { pages, tree_lost, .. } = database;
    let mut states = vec![format!("{} meta", pages.meta), format!("{} tree", thousands(pages.reachable))];
    for (count, name) in [
        (pages.freelist, "freelist"),
        (pages.other_root, "other root"),
        (pages.free.saturating_sub(*tree_lost), "free"),
        (*tree_lost, "not known, since their tree is lost"),
        (pages.beyond_high_water, "never used"),
    ] {
        if count > 0 {
            states.push(format!("{} {name}", thousands(count)));
        }
    }
    format!("{}: {}", counted(pages.total(), "page"), states.join(", "))
}

fn log_sentence(log: &LogFacts) -> String {
    match log.indices {
        None if log.is_preallocated => "preallocated, nothing was written to it".to_owned(),
        None if log.is_zero => "zeros where records should be".to_owned(),
        None => "no entries".to_owned(),
        Some((first, last)) => format!(
            "{}, {}, {}{}",
            span("entry", first, last),
            counted(log.puts, "write"),
            counted(log.deletions, "deletion"),
            if log.overridden > 0 { format!(", {} overridden", counted(log.overridden, "entry")) } else { String::new() },
        ),
    }
}

fn pages_sentence(pages: &PagesFound) -> String {
    match (pages.leaves, pages.metas) {
        (0, 0) => "no page of a database in it".to_owned(),
        (leaves, metas) => format!("{} and {} of databases in it", counted(leaves, "leaf page"), counted(metas, "valid meta page")),
    }
}

fn snapshot_sentence(snapshot: &RaftSnapshotFacts) -> String {
    let index = snapshot.index.map_or("not readable".to_owned(), |index| format!("at entry {index}"));
    match snapshot.v2_values {
        Some(0) => format!("{index}, no keys of the v2 API"),
        Some(values) => format!("{index}, {} of the v2 API", counted(values, "value")),
        None => format!("{index}, its v2 store was not read"),
    }
}

/// The lines that say which cluster, and when.
fn cluster_lines(facts: &Facts) -> Vec<String> {
    let Some(database) = facts.database().filter(|database| database.active_meta.is_some()) else { return Vec::new() };
    let schema = &database.schema;
    let mut parts = vec![version_sentence(schema)];
    if let Some(target) = &schema.downgrade_target {
        parts.push(format!("A DOWNGRADE TO {} IS IN PROGRESS", escape::terminal(target)));
    }
    let members: Vec<String> = schema.members.iter().take(5).map(member_name).collect();
    match (members.len(), schema.members.len()) {
        (0, _) => {}
        (1, 1) => parts.push(format!("member {}", members.join(""))),
        (_, all) => parts.push(format!("{all} members {}", members.join(" "))),
    }
    parts.push(match (database.revision, database.key_tree) {
        (Some(revision), _) => format!("revision {revision}"),
        (None, KeyTree::Lost) => "revision not known".to_owned(),
        (None, _) => "no revision".to_owned(),
    });
    if let Some(compacted) = schema.finished_compact_revision {
        parts.push(format!("compacted at {compacted}"));
    }
    let mut lines = vec![parts.join(", ")];
    let mut second = Vec::new();
    match database.clusters.sole() {
        Some(id) => second.extend(id.uid().map(|uid| format!("kube-system {}", escape::terminal(uid)))),
        None => second.extend(clusters_sentence(&database.clusters)),
    }
    if let Some(time) = facts.newest_object_time.and_then(timestamp) {
        second.push(format!("not taken before {time}"));
    }
    if !facts.prefixes.is_empty() && facts.prefixes != ["/registry"] {
        second.push(format!("keys below {}", prefixes(&facts.prefixes)));
    }
    if !second.is_empty() {
        lines.push(second.join(", "));
    }
    lines.extend(names_line(&database.cluster));
    lines
}

/// The version of the storage; that of the cluster beside it where they differ.
fn version_sentence(schema: &Schema) -> String {
    match (schema.storage_of(), schema.cluster_minor()) {
        (None, _) if !schema.is_whole => "etcd, version not known".to_owned(),
        (None, _) => "etcd, version not stored".to_owned(),
        (Some(storage), Some(cluster)) if storage != cluster => {
            format!("storage of etcd {}, cluster version {}", escape::terminal(&storage), escape::terminal(&cluster))
        }
        (Some(storage), _) => format!("etcd {}", escape::terminal(&storage)),
    }
}

/// Nodes that are named in text.
const NODES: usize = 5;

/// What the cluster calls itself and its nodes.
fn names_line(names: &ClusterNames) -> Option<String> {
    let name = names.cluster_name.as_ref().map(|name| format!("kubeadm cluster {}", escape::terminal(name)));
    let endpoint = names.endpoint.as_ref().map(|endpoint| format!("endpoint {}", escape::terminal(endpoint)));
    let shown: Vec<_> = names.node_names.iter().take(NODES).map(|name| table::name(name)).collect();
    let more = names.nodes.checked_sub(shown.len() as u64).filter(|more| *more > 0);
    let more = more.map_or(String::new(), |more| format!(" and {} more", thousands(more)));
    let nodes = match names.nodes {
        0 => None,
        1 => Some(format!("node {}", shown.join(""))),
        n => Some(format!("{} nodes: {}{more}", thousands(n), shown.join(", "))),
    };
    let parts: Vec<String> = [name, endpoint, nodes].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A member by its name and ID.
fn member_name(member: &Member) -> String {
    let learner = if member.is_learner { ", a learner" } else { "" };
    format!("{} ({}{learner})", escape::terminal(&member.name), escape::terminal(&member.id))
}

/// How many clusters there are, where there are several; which they are stands in the records.
fn clusters_sentence(clusters: &ClusterIds) -> Option<String> {
    let ids: BTreeSet<&ClusterId> = clusters.iter().map(|(_, id)| id).collect();
    (ids.len() > 1).then(|| format!("{} CLUSTERS, each below a prefix of its own", thousands(ids.len() as u64)))
}

/// The first of several prefixes; one of no bytes is shown as the slash behind it.
fn prefixes(all: &[String]) -> String {
    let shown: Vec<_> = all.iter().take(5).map(|prefix| if prefix.is_empty() { "/".into() } else { escape::terminal(prefix) }).collect();
    let more = all.len().checked_sub(shown.len()).filter(|n| *n > 0).map(|more| format!(" and {more} more"));
    format!("{}{}", shown.join(" and "), more.unwrap_or_default())
}

/// The lines that say how a database stands to those before it of its cluster.
fn compared_lines(evidence: &EvidenceReport) -> Vec<String> {
    let (agree, differ): (Vec<_>, Vec<_>) = evidence.compared.iter().flatten().partition(|other| other.comparison.agrees());
    let mut lines: Vec<String> =
        differ.iter().take(5).map(|other| format!("DIVERGENT: {}", escape::terminal(&other.to_string()))).collect();
    let more = differ.iter().skip(lines.len()).map(|other| other.databases).fold(0, u64::saturating_add);
    if more > 0 {
        lines.push(format!("DIVERGENT: {} more of this cluster", thousands(more)));
    }
    let shared = agree.iter().map(|other| other.comparison.shared).fold(0, u64::saturating_add);
    match (agree.as_slice(), agree.iter().map(|other| other.databases).fold(0, u64::saturating_add)) {
        ([], _) => {}
        ([other], 1) => {
            let other = escape::terminal_path(&other.path);
            let (writes, are) = (counted(shared, "write"), verb(shared, "is", "are"));
            lines.push(format!("the {writes} that it shares with {other} {are} the same"));
        }
        (_, others) => {
            lines.push(format!("the writes that it shares with each of {} others of this cluster are the same", thousands(others)))
        }
    }
    lines
}

fn kind_name(facts: &Facts) -> &'static str {
    let has_twin_metas = facts.database().is_some_and(|database| database.has_twin_metas);
    match facts.kind {
        Kind::Database if has_twin_metas => "a snapshot that lost its trailer, or a database that etcdutl opened last",
        kind => kind.in_words(),
    }
}

fn trailer_sentence(kind: Kind, facts: &DatabaseFacts) -> String {
    let said = match facts.trailer {
        Some(Trailer::Match) if facts.behind_trailer > 0 => return followed(facts.behind_trailer),
        Some(Trailer::Match) => "matches its own trailer (detects corruption, not forgery)",
        Some(Trailer::Mismatch) => "DOES NOT MATCH ITS TRAILER",
        Some(Trailer::Absent) if kind == Kind::Snapshot => "its trailer is cut off, so nothing to check it against",
        Some(Trailer::Absent) => "no trailer, so nothing to check it against",
        None => "trailer not judged (not hashed)",
    };
    said.to_owned()
}

/// What is said of a trailer that is not the end of its file.
fn followed(behind: u64) -> String {
    format!("the trailer matches; {} {} behind it", counted(behind, "byte"), verb(behind, "stands", "stand"))
}

/// What speaks against a file, in the words of the verdict of `check`, the worst first.
fn doubts(against: &[(Bearing, u64)]) -> String {
    let word = |bearing: Bearing| match bearing {
        Bearing::Incomplete => "INCOMPLETE",
        Bearing::Damaged => "DAMAGED",
        Bearing::Altered => "NOT AS WRITTEN",
        Bearing::Divergent => "DIVERGENT",
        Bearing::Note | Bearing::Undecoded => "notes",
    };
    let of = |(bearing, count): &(Bearing, u64)| match count {
        n if *bearing == Bearing::Undecoded => format!("{} CANNOT BE DECODED", counted(*n, "value")),
        n => format!("{} ({})", word(*bearing), counted(*n, "place")),
    };
    against.iter().rev().map(of).collect::<Vec<_>>().join(", ")
}

/// What of a file's anomalies speaks against it, whatever other files hold.
fn against(counts: &std::collections::BTreeMap<Class, u64>) -> Vec<(Bearing, u64)> {
    let mut sums = std::collections::BTreeMap::<Bearing, u64>::new();
    for (class, count) in counts {
        let sum = sums.entry(class.bearing()).or_default();
        *sum = sum.saturating_add(*count);
    }
    sums.into_iter().filter(|(bearing, _)| !matches!(bearing, Bearing::Note | Bearing::Divergent)).collect()
}

/// The conditions that hold, as the last line of a run names them.
pub fn conditions(held: impl Iterator<Item = Condition>) -> String {
    // Of a file that does not fit itself it is not known who or what changed it.
    let word = |condition: Condition| if condition == Condition::Altered { "not as written" } else { condition.name() };
    let names: Vec<_> = held.map(word).collect();
    if names.is_empty() { String::new() } else { format!("; {}", names.join(", ")) }
}

/// What is said beside the answer where reading may have changed access times; empty where it has not.
pub fn access_times<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let changed = evidences.into_iter().filter(|evidence| evidence.facts.keeps_access_time == Some(false)).count();
    let files = format!("{} {}", counted(changed as u64, "file"), verb(changed as u64, "belongs", "belong"));
    match changed {
        0 => String::new(),
        _ => format!("note: {files} to another user, so that reading may have changed the access time, as the file system is mounted\n"),
    }
}

/// What to do next, step by step; nothing where there is no step.
fn next_steps(steps: &[String]) -> String {
    let label = |index: usize| if index == 0 { "NEXT" } else { "" };
    let line = |(index, step): (usize, &String)| format!("{:<6}{}. {step}\n", label(index), index.saturating_add(1));
    steps.iter().enumerate().map(line).collect()
}

/// A label and its lines.
fn block(out: &mut String, label: &str, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        out.push_str(&format!("{label:<width$}{line}\n", width = layout::LABEL));
    }
}
