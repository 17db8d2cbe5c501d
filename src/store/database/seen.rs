//! What the first pass sees of the writes in the tree.

use super::identity::Identity;
use crate::bbolt::{Bucket, Db, Element, Pgid};
use crate::envelope::Stored;
use crate::etcd::schema;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;
use crate::kubernetes::{Encoding, Object};
use crate::mvcc::history::History;
use crate::mvcc::{KeyValue, Revision, RevisionKey, Writes};
use crate::store::witness::Witness;

/// What one task of the first pass saw.
#[derive(Default)]
pub(super) struct Seen<'data> {
    pub writes: Writes,
    pub history: History,
    pub witness: Witness<'data>,
    pub identity: Identity<'data>,
    pub newest_time: Option<i64>,
    /// Values of several pages.
    pub large: Vec<KeyValue<'data>>,
    pub anomalies: Anomalies,
}

impl<'data> Seen<'data> {
    pub(super) fn visit(&mut self, db: &Db<'data>, has_history: bool, bucket: &Bucket<'data>, pgid: Pgid, element: Element<'data>) {
        // A key of no bytes stands nowhere; its page does.
        let place = || range::offset_within(db.bytes(), element.key).or(Some(db.page_offset(pgid)));
        if !is_key_bucket(bucket) {
            // Nothing of it is shown, but for what etcd itself is known to keep there.
            self.witness.outside.search(element.key);
            self.witness.outside.search(element.value);
            if RevisionKey::of_write(element.key, element.value).is_none() {
                return;
            }
            self.writes.doubt();
            self.anomalies.note(Class::RevisionMisplaced, place(), Some(pgid), || {
                format!("page {pgid}: a revision of a key in bucket \"{}\"; it belongs into \"key\"", bucket.name.escape_ascii())
            });
        }
        let Some(at) = RevisionKey::parse(element.key).filter(|at| at.is_possible()) else {
            self.witness.outside.search(element.value);
            return self.anomalies.note(Class::RevisionInvalid, place(), Some(pgid), || {
                format!("page {pgid}: a key of {} bytes that is no revision", element.key.len())
            });
        };
        let kv = match KeyValue::parse(element.value) {
            Ok(kv) => kv,
            Err(damage) => {
                self.witness.outside.search(element.value);
                return self.anomalies.note(Class::KeyValueInvalid, place(), Some(pgid), || format!("revision {}: {damage}", at.revision));
            }
        };
        self.writes.observe(at, &kv);
        self.witness.hear_beside(element.value, &kv, at.is_tombstone);
        let is_its_own = at.is_tombstone || u64::try_from(kv.mod_revision) == Ok(at.revision.main);
        // What the bump of a restore leaves has neither key nor revision, and is the same wherever it is.
        if has_history && (is_its_own || kv.key.is_empty()) {
            self.history.observe(at, element.value);
        }
        if at.is_tombstone || kv.key.is_empty() {
            return;
        }
        if !is_its_own {
            self.anomalies.note(Class::RevisionMismatch, place(), Some(pgid), || {
                format!("stored under revision {}, but the KeyValue says {}", at.revision, kv.mod_revision)
            });
        } else if !kv.has_possible_history() {
            self.anomalies.note(Class::RevisionMismatch, place(), Some(pgid), || {
                format!("revision {} is write {} of a key created at {}: no writer counts so", at.revision, kv.version, kv.create_revision)
            });
        }
        if kv.value.len() as u64 > db.page_size() {
            self.large.push(kv);
        }
        self.identity.hear_key(&kv);
        if let Stored::Plain(value) = self.witness.hear(kv.key, kv.value) {
            self.look_at_object(at.revision, kv.key, value);
        }
    }

    /// Times, and what names the cluster.
    fn look_at_object(&mut self, revision: Revision, key: &'data [u8], value: &[u8]) {
        let Some(encoding @ (Encoding::Protobuf | Encoding::Json | Encoding::Cbor)) = Encoding::of(value) else { return };
        self.newest_time = self.newest_time.max(Object::newest_time_in(value, encoding));
        self.identity.hear_object(revision, key, value, encoding);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.writes.merge(other.writes);
        self.history.merge(other.history);
        self.witness.merge(other.witness);
        self.identity.merge(other.identity);
        self.newest_time = self.newest_time.max(other.newest_time);
        self.large.extend(other.large);
        self.anomalies.merge(other.anomalies);
    }
}

/// Whether a bucket is the one of all keys and their history.
pub(super) fn is_key_bucket(bucket: &Bucket<'_>) -> bool {
    bucket.depth == 1 && bucket.name == schema::KEY
}
