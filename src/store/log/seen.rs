//! What the entries of a log propose, counted: names of keys, prefixes, values that the tree may have.

use super::revisions::Proposed;
use crate::envelope::Stored;
use crate::etcd::raft::{Credential, Entry, EntryKind, Operation, Request};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::kubernetes::Object;
use crate::store::facts::{CredentialCounts, LogFacts};
use crate::store::witness::Witness;

/// What the writes of a log showed.
#[derive(Default)]
pub(super) struct Seen<'data> {
    pub(super) witness: Witness<'data>,
    pub(super) proposed: Proposed,
}

impl<'data> Seen<'data> {
    /// Takes note of what an entry proposes. Returns the newest time in an object that it writes.
    pub(super) fn entry(&mut self, entry: &Entry<'data>, offset: u64, counts: &mut LogFacts, anomalies: &mut Anomalies) -> Option<i64> {
        match entry.kind {
            EntryKind::Normal if entry.data.is_empty() => return None,
            EntryKind::Normal => {}
            EntryKind::ConfChange | EntryKind::ConfChangeV2 => {
                counts.conf_changes = counts.conf_changes.saturating_add(1);
                return None;
            }
        }
        let request = match Request::parse(entry.data) {
            Ok(request) => request,
            Err(reason) => {
                anomalies.note(Class::WalRequestInvalid, Some(offset), None, || format!("entry {}: {reason}", entry.index));
                return None;
            }
        };
        let count = counts.requests.entry(request.kind).or_default();
        *count = count.saturating_add(1);
        if let Some(credential) = &request.credential {
            counts.add_credential(credential);
        }
        let mut newest = None;
        for operation in request.operations().filter_map(Result::ok) {
            match operation {
                Operation::DeleteRange { .. } => counts.deletions = counts.deletions.saturating_add(1),
                Operation::RevokeLease(_) => {}
                Operation::Put(put, _) if put.ignores_value => {}
                Operation::Put(put, _) => {
                    counts.puts = counts.puts.saturating_add(1);
                    if let Stored::Plain(value) = self.witness.hear(put.key, put.value) {
                        newest = newest.max(Object::newest_time_of(value));
                    }
                    if !request.kind.is_v2() {
                        self.proposed.observe(&put, entry.index);
                    }
                }
            }
        }
        newest
    }
}

impl LogFacts {
    pub(super) fn add_entry(&mut self, entry: &Entry<'_>) {
        self.entries = self.entries.saturating_add(1);
        self.term = self.term.max(Some(entry.term));
        let first = self.indices.map_or(entry.index, |(first, _)| first.min(entry.index));
        self.indices = Some((first, entry.index));
    }

    fn add_credential(&mut self, credential: &Credential<'_>) {
        let user = String::from_utf8_lossy(credential.user).into_owned();
        self.credentials.entry(user).or_default().add(CredentialCounts {
            passwords: u64::from(credential.has_password),
            tokens: u64::from(credential.has_token),
            hashes: u64::from(credential.has_hash),
        });
    }
}
