//! Proof that the log in a member's place is another member's.
//!
//! A database does not say whose it is. Two things do:
//! * every raft snapshot names the members at its entry, and a member takes none without being one of them;
//! * where the log has all entries from the first one on, and no backup was restored, what the database says of members and terms comes
//!   from them alone.
//!
//! And what the log wrote last to a key stands in the database that has applied it: where none of several writes does, one of the two is
//! another member's. Which one it is does not matter: nothing of the one says anything of the other.
//!
//! Where the log and the database prove each other, a raft snapshot without their member is the stranger: the member is one that the database
//! has, and the log has the entry that the database applied last.
//!
//! A log that neither proves nor disproves is the member's: its database may be behind it, or may have been restored, and then has the
//! members of old.
//!
//! Source: etcd `server/etcdserver/{bootstrap,server}.go`, `etcdutl/snapshot/v3_snapshot.go` (`saveWALAndSnap`).

use std::collections::BTreeSet;

use crate::evidence::Evidence;
use crate::store::{Facts, LogMembership, Schema, ids_of_log, log_has_entry};

/// The member's and the cluster's ID that a segment begins with.
type Ids = (u64, u64);

/// Segments that begin with the same IDs, as one log each, in their order; one that says nothing goes with those before it. Of several logs
/// the first is that of a member that the database names.
pub(super) fn each_log<'a, T>(segments: Vec<T>, own: impl Iterator<Item = &'a Facts>, evidence: impl Fn(&T) -> &Evidence) -> Vec<Vec<T>> {
    let mut logs: Vec<(Option<Ids>, Vec<T>)> = Vec::new();
    for segment in segments {
        let ids = ids_of_log(evidence(&segment));
        let last = logs.len().checked_sub(1);
        let place = match ids {
            Some(_) => logs.iter().position(|(known, _)| known.is_none() || *known == ids),
            None => last,
        };
        match place.and_then(|place| logs.get_mut(place)) {
            Some((known, log)) => {
                *known = known.or(ids);
                log.push(segment);
            }
            None => logs.push((ids, vec![segment])),
        }
    }
    let members: Vec<String> = own.filter_map(Facts::database).flat_map(|one| &one.schema.members).map(|one| one.id.clone()).collect();
    let is_named = |ids: &Option<Ids>| ids.is_some_and(|(member, _)| members.contains(&format!("{member:x}")));
    // Stable: otherwise the order of their segments decides.
    logs.sort_by_key(|(ids, _)| !is_named(ids));
    logs.into_iter().map(|(_, log)| log).collect()
}

/// The member whose log and database prove each other.
pub(super) fn proven_member<'a>(mut own: impl Iterator<Item = &'a Facts>, segments: &[&Evidence]) -> Option<u64> {
    let schema = &own.find_map(Facts::database)?.schema;
    let members = members_of(schema);
    let ids = segments.iter().copied().filter_map(ids_of_log).find(|(member, _)| members.contains(member))?;
    let log = segments.iter().copied().filter(|segment| ids_of_log(segment).is_none_or(|of| of == ids));
    log_has_entry(log, schema.consistent_index?, schema.term).then_some(ids.0)
}

/// Whether a raft snapshot is none that this member took.
pub(super) fn is_strange_snapshot(facts: &Facts, member: u64) -> bool {
    facts.raft_snapshot().is_some_and(|snapshot| !snapshot.members.is_empty() && !snapshot.members.contains(&member))
}

/// That segments are not those of the member whose log stands beside them.
pub(super) fn beside(segments: &[&Evidence], own: Ids) -> Option<String> {
    let (member, cluster) = segments.iter().copied().find_map(ids_of_log).filter(|ids| *ids != own)?;
    Some(format!(
        "it is the log of member {member:x} of cluster {cluster:x}, and beside it stands that of member {:x} of cluster {:x}",
        own.0, own.1
    ))
}

/// What of a log contradicts the database and the raft snapshots that it stands beside.
pub(super) fn contradiction<'a>(own: impl Iterator<Item = &'a Facts> + Clone, segments: &[&Evidence]) -> Option<String> {
    let schema = &own.clone().find_map(Facts::database)?.schema;
    let (member, cluster) = segments.iter().copied().find_map(ids_of_log)?;
    let whose = format!("it is the log of member {member:x} of cluster {cluster:x}");
    let snapshot = own.clone().filter_map(Facts::sound_snapshot_index).max();
    let newest = own.filter_map(|facts| Some((facts.sound_snapshot_index()?, &facts.raft_snapshot()?.members))).max();
    if let Some((index, members)) = newest.filter(|(_, members)| !members.is_empty() && !members.contains(&member)) {
        return Some(format!("{whose}, and the raft snapshot of entry {index} beside it has the members {}", list(members)));
    }
    let log = LogMembership::of(segments, schema.consistent_index?);
    // A raft snapshot that the log does not know of came with something else.
    if snapshot.is_some_and(|index| !log.snapshots.contains(&index)) {
        return None;
    }
    of_first_entries(schema, member, &log).map(|why| format!("{whose}, and {why}"))
}

/// What of a log's writes contradicts the database that it was read beside.
pub(super) fn of_writes<'a>(log: impl Iterator<Item = &'a Facts> + Clone) -> Option<String> {
    let keys = log.clone().find_map(|facts| facts.log()?.strange_keys)?;
    let (member, cluster) = log.clone().find_map(|facts| facts.log()?.member)?;
    Some(format!(
        "it is the log of member {member:x} of cluster {cluster:x}, and the database beside it has none of its writes, and lacks {keys} keys \
         that its applied entries write: the log or the database is another member's"
    ))
}

/// The same of a log that has all entries since the cluster began.
fn of_first_entries(schema: &Schema, member: u64, log: &LogMembership) -> Option<String> {
    let applied = schema.consistent_index?;
    if !log.is_from_the_first || log.last < applied {
        return None;
    }
    if let Some((term, in_log)) = schema.term.zip(log.term).filter(|(term, in_log)| term > in_log) {
        return Some(format!("its entry {applied} is of term {in_log}; the database has applied that entry in term {term}"));
    }
    let members = members_of(schema);
    if members.is_empty() || members.contains(&member) {
        return None;
    }
    let never_added: Vec<u64> = members.iter().filter(|id| !log.added.contains_key(id)).copied().collect();
    let should_have = log.added.get(&member).is_some_and(|index| *index <= applied) && !log.removed.contains(&member);
    match should_have {
        _ if !never_added.is_empty() => Some(format!("none of its entries adds what the database has as members: {}", list(&never_added))),
        true => Some(format!("its member was added by an entry that the database has applied, whose members are {}", list(members.iter()))),
        false => None,
    }
}

fn members_of(schema: &Schema) -> BTreeSet<u64> {
    schema.members.iter().filter_map(|member| u64::from_str_radix(&member.id, 16).ok()).collect()
}

fn list<'a>(ids: impl IntoIterator<Item = &'a u64>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| format!("{id:x}")).collect();
    ids.join(", ")
}
