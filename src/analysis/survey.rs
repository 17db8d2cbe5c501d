//! The first pass.

use std::sync::atomic::Ordering;

use super::Progress;
use super::database::{Database, NotADatabase};
use super::facts::{Content, DatabaseFacts, Facts, Kind};
use super::key_tree::{KeyTree, Lacking};
use super::options::{DigestMode, Options};
use super::residue::{self, Ground, Residue};
use crate::bbolt::{self, Bucket, Db, Element, PageMap, PageState, Pgid, Tree};
use crate::envelope::{NameTable, Stored};
use crate::etcd::key_bucket::KeyElement;
use crate::etcd::trailer::Trailer;
use crate::etcd::{Schema, schema};
use crate::evidence::anomaly::{Anomalies, Bearing, Class};
use crate::evidence::digest::{self, Sha256Digest};
use crate::evidence::{Evidence, range};
use crate::kubernetes::{Encoding, Object, PrefixVotes, Prefixes};
use crate::mvcc::continuity::RevisionGap;
use crate::mvcc::history::{Completeness, History};
use crate::mvcc::ranges::Ranges;
use crate::mvcc::{KeyValue, Keyspace, Revision, RevisionKey};

/// An evidence after the first pass.
#[derive(Debug)]
pub struct Survey<'data> {
    /// What is known of it.
    pub facts: Facts,
    /// Its bytes as a database.
    pub database: Database<'data>,
    /// The active tree.
    pub tree: Tree<'data>,
    /// What every page is.
    pub pages: PageMap,
    /// The newest revision of each key.
    pub keyspace: Keyspace,
    /// Revisions that the tree should have and does not.
    pub gaps: Vec<RevisionGap<KeyElement<'data>>>,
    /// Revisions of writes that the tree may have had and does not.
    pub lost: Ranges,
    /// Names that the values support.
    pub names: NameTable<'data>,
    /// Prefixes of the API server's keys.
    pub prefixes: Prefixes,
    /// What etcd no longer shows.
    pub residue: Residue<'data>,
    /// What is odd about the bytes.
    pub anomalies: Anomalies,
    /// The writes in the tree, where they were asked for.
    pub history: Option<History>,
    /// Pages whose elements the first pass read or searched, each as often as it did: the measure of its work, which is
    /// bounded by the number of pages however the file was made.
    pub pages_read: u64,
}

/// Looks at every page of an evidence once.
///
/// # Errors
/// No database can be opened in it.
pub fn survey<'data>(evidence: &'data Evidence, options: &Options, progress: &Progress) -> Result<Survey<'data>, NotADatabase> {
    survey_and(evidence, options, progress, |_, _| ()).map(|(survey, ())| survey)
}

/// Waits for the digests, and gives the facts with them.
pub type Settle<'a> = Box<dyn FnOnce() -> Facts + 'a>;

/// Looks at every page of an evidence once, and does something with what it saw while the digest, which takes longest, is
/// still being made: the facts that [`Survey`] has then lack it, until they are settled.
///
/// # Errors
/// No database can be opened in it.
pub fn survey_and<'data, R>(
    evidence: &'data Evidence,
    options: &Options,
    progress: &Progress,
    meanwhile: impl FnOnce(&Survey<'data>, Settle<'_>) -> R,
) -> Result<(Survey<'data>, R), NotADatabase> {
    let database = Database::open(evidence)?;
    std::thread::scope(|scope| {
        let (made, digests) = std::sync::mpsc::sync_channel(1);
        let opened = &database;
        let hashing = scope.spawn(move || {
            let digests = Digests::of(evidence, opened, options.digest, progress);
            // Nobody waits for it any more where the run came to an error.
            let _ = made.send(digests);
            digests
        });
        let mut survey = walk(evidence, &database, options);
        let settle = || {
            let mut facts = survey.facts.clone();
            let mut anomalies = survey.anomalies.clone();
            add_digests(&mut facts, &mut anomalies, &database, digests.recv().ok().flatten());
            facts
        };
        let result = meanwhile(&survey, Box::new(settle));
        // A digest thread that died has no result to add; the panic itself goes on.
        let digests = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        add_digests(&mut survey.facts, &mut survey.anomalies, &database, digests);
        Ok((survey, result))
    })
}

fn walk<'data>(evidence: &'data Evidence, database: &Database<'data>, options: &Options) -> Survey<'data> {
    let db = &database.db;
    let mut anomalies = Anomalies::default();
    evidence.note_anomalies(&mut anomalies);
    db.note_anomalies(&mut anomalies);
    let active = db.active();
    let mut pages = PageMap::new(db.pages_in_file(), db.high_water_mark());
    let (tree, seen) = match active {
        Some(active) => Tree::walk(
            db,
            active.root,
            PageState::Reachable,
            &mut pages,
            &mut anomalies,
            |seen: &mut Seen<'data>, bucket, pgid, element| seen.visit(db, options, bucket, pgid, element),
            Seen::merge,
        ),
        None => (Tree::none(), Seen::default()),
    };
    let Seen { keyspace, history, mut names, mut votes, kube_system, newest_time, large, anomalies: found } = seen;
    anomalies.merge(found);
    let other = bbolt::check(db, &mut pages, &mut anomalies);
    let surplus = database.surplus();
    // In a file that ends early they are the beginning of its next page.
    if !surplus.is_empty() && db.pages_in_file() >= db.high_water_mark() {
        let offset = range::offset_within(db.bytes(), surplus);
        anomalies.note(Class::TrailingBytes, offset, None, || format!("{} bytes behind the last whole page", surplus.len()));
    }
    let has_slack = anomalies.count(Class::SlackNotZero) > 0;
    let revision = keyspace.last().map(|revision| revision.main);
    let ground = Ground { db, tree: &tree, pages: &pages, surplus, has_slack, revision, large: &large };
    let (mut residue, witness) = residue::find(ground, options.residue);
    anomalies.merge(std::mem::take(&mut residue.anomalies));
    names.merge(witness.names);
    votes.merge(witness.votes);
    let schema = if active.is_some() { Schema::read(db, &tree, &mut anomalies) } else { Schema::default() };
    let lacking = Lacking::find(db, &tree, &keyspace, &schema, &mut anomalies);
    let history = options.history.then(|| history.sort_writes(completeness(lacking.tree, &keyspace, &schema, &anomalies)));
    let prefixes = if options.prefixes.is_empty() { votes.elect() } else { Prefixes::given(&options.prefixes) };
    let kind = if database.is_snapshot() { Kind::Snapshot } else { Kind::Database };
    let content = DatabaseFacts {
        trailer: database.trailer.is_none().then_some(Trailer::Absent),
        page_size: db.page_size(),
        high_water_mark: active.map(|active| active.high_water_mark),
        txid: active.map(|active| active.txid),
        active_meta: db.active_slot(),
        active_because: why_active(database),
        key_tree: lacking.tree,
        revision: keyspace.last().map(|revision| revision.main),
        revisions: keyspace.revisions(),
        tombstones: keyspace.tombstones(),
        keys_current: keyspace.keys_current(),
        keys_as_etcdutl_counts: keyspace.keys_as_etcdutl_counts(),
        schema,
        kube_system_uid: kube_system.map(|(_, uid)| uid),
        pages: pages.counts(),
        surplus: surplus.len() as u64,
        residue_mode: options.residue,
        residue: residue.account,
    };
    let pages_read =
        [tree.pages_read(), other.map_or(0, |other| other.pages_read()), residue.pages_read].into_iter().fold(0, u64::saturating_add);
    let facts = Facts {
        newest_object_time: newest_time,
        prefixes: prefixes.as_slice().to_vec(),
        ..Facts::of(evidence, kind, Content::Database(Box::new(content)))
    };
    let Lacking { gaps, lost, .. } = lacking;
    Survey {
        facts,
        database: database.clone(),
        tree,
        pages,
        keyspace,
        gaps,
        lost,
        names,
        prefixes,
        residue,
        anomalies,
        history,
        pages_read,
    }
}

/// Adds the digests to the facts, and what the trailer says.
fn add_digests(facts: &mut Facts, anomalies: &mut Anomalies, database: &Database<'_>, digests: Option<Digests>) {
    if let Some(digests) = digests {
        let trailer = Trailer::judge(database.trailer, &digests.payload);
        if trailer == Trailer::Mismatch {
            let offset = database.db.bytes().len() as u64;
            anomalies.note(Class::TrailerMismatch, Some(offset), None, || {
                format!("the {offset} bytes before the trailer have SHA-256 {}; the trailer says otherwise", digests.payload)
            });
        }
        if trailer == Trailer::Match {
            note_what_no_snapshot_is(&database.db, anomalies);
        }
        if let Content::Database(facts) = &mut facts.content {
            facts.trailer = Some(trailer);
        }
        facts.sha256 = Some(digests.file);
        facts.content_sha256 = facts.content_size.map(|_| digests.content);
    }
    facts.is_complete = is_complete(anomalies);
}

/// Notes what speaks against a matching trailer: the snapshot API writes one meta twice, and nothing past the high-water mark.
/// So whoever made such a file put the trailer there.
fn note_what_no_snapshot_is(db: &Db<'_>, anomalies: &mut Anomalies) {
    if db.metas().iter().all(Result::is_ok) && !db.has_twin_metas() {
        anomalies.note(Class::MetaContradiction, Some(0), Some(0), || {
            "the trailer matches, but the metas are not the two copies of one that the snapshot API writes".to_owned()
        });
    }
    let (pages, high_water_mark) = (db.pages_in_file(), db.high_water_mark());
    if pages > high_water_mark {
        anomalies.note(Class::TrailingBytes, Some(db.page_offset(high_water_mark)), Some(high_water_mark), || {
            format!(
                "the trailer matches, but {} pages stand past the high-water mark, where the snapshot API ends",
                pages.saturating_sub(high_water_mark)
            )
        });
    }
}

/// Whether everything was read: nothing is broken or missing, and no page shows that it may have had more on it.
pub(super) fn is_complete(anomalies: &Anomalies) -> bool {
    let may_lack = [Class::SlackNotZero, Class::ElementGap, Class::EmptyPage].into_iter().any(|class| anomalies.count(class) > 0);
    !may_lack && !anomalies.any(Bearing::Damaged) && !anomalies.any(Bearing::Incomplete)
}

/// How complete the history of this database is, and so how far another one of its cluster may be faulted for lacking a write. A sound
/// database has all revisions but those that a compaction may have begun to remove. One that was written while it was read may lack any.
fn completeness(key_tree: KeyTree, keyspace: &Keyspace, schema: &Schema, anomalies: &Anomalies) -> Completeness {
    let has = |class: &Class| anomalies.count(*class) > 0;
    let doubtful = [Class::KeyOrder, Class::RevisionInvalid, Class::RevisionMisplaced, Class::RevisionGap, Class::SuccessionBroken];
    if doubtful.iter().any(has) || anomalies.any(Bearing::Altered) {
        return Completeness::Doubtful;
    }
    match keyspace.last() {
        Some(last) if is_complete(anomalies) && key_tree == KeyTree::Whole && !has(&Class::InUse) => {
            Completeness::InFull(schema.compacted(), last.main)
        }
        _ => Completeness::Partial,
    }
}

fn why_active(database: &Database<'_>) -> String {
    match database.db.metas() {
        [Ok(zero), Ok(one)] => format!("both metas are valid, transactions {} and {}; the higher counts", zero.txid, one.txid),
        [Ok(_), Err(fault)] => format!("meta 1 {fault}"),
        [Err(fault), Ok(_)] => format!("meta 0 {fault}"),
        [Err(zero), Err(one)] => format!("meta 0 {zero}; meta 1 {one}"),
    }
}

/// The digests of one evidence.
#[derive(Clone, Copy)]
struct Digests {
    file: Sha256Digest,
    content: Sha256Digest,
    payload: Sha256Digest,
}

impl Digests {
    fn of(evidence: &Evidence, database: &Database<'_>, mode: DigestMode, progress: &Progress) -> Option<Self> {
        if mode == DigestMode::None {
            return None;
        }
        let payload_len = database.db.bytes().len();
        let contained = if evidence.container().is_some() { evidence.file().len() } else { 0 };
        let total = (evidence.content().len() as u64).saturating_add(contained as u64);
        progress.to_hash.fetch_add(total, Ordering::Relaxed);
        let (content, payload) = digest::of_whole_and_prefix(evidence.content(), payload_len, &progress.hashed);
        let file = match evidence.container() {
            None => content,
            Some(_) => digest::of_whole_and_prefix(evidence.file(), 0, &progress.hashed).0,
        };
        Some(Self { file, content, payload })
    }
}

/// Whether a bucket is the one of all keys and their history.
pub(super) fn is_key_bucket(bucket: &Bucket<'_>) -> bool {
    bucket.depth == 1 && bucket.name == schema::KEY
}

/// What one task of the first pass saw.
#[derive(Default)]
struct Seen<'data> {
    keyspace: Keyspace,
    history: History,
    names: NameTable<'data>,
    votes: PrefixVotes<'data>,
    kube_system: Option<(Revision, String)>,
    newest_time: Option<i64>,
    large: Vec<KeyValue<'data>>,
    anomalies: Anomalies,
}

impl<'data> Seen<'data> {
    fn visit(&mut self, db: &Db<'data>, options: &Options, bucket: &Bucket<'data>, pgid: Pgid, element: Element<'data>) {
        // A key of no bytes stands nowhere; its page does.
        let place = || range::offset_within(db.bytes(), element.key).or(Some(db.page_offset(pgid)));
        if !is_key_bucket(bucket) {
            if RevisionKey::of_write(element.key, element.value).is_none() {
                return;
            }
            self.anomalies.note(Class::RevisionMisplaced, place(), Some(pgid), || {
                format!("page {pgid}: a revision of a key in bucket \"{}\"; it belongs into \"key\"", bucket.name.escape_ascii())
            });
        }
        let Some(at) = RevisionKey::parse(element.key).filter(|at| at.is_possible()) else {
            return self.anomalies.note(Class::RevisionInvalid, place(), Some(pgid), || {
                format!("page {pgid}: a key of {} bytes that is no revision", element.key.len())
            });
        };
        let kv = match KeyValue::parse(element.value) {
            Ok(kv) => kv,
            Err(damage) => {
                return self.anomalies.note(Class::KeyValueInvalid, place(), Some(pgid), || format!("revision {}: {damage}", at.revision));
            }
        };
        self.keyspace.observe(at, kv.key);
        let is_its_own = at.is_tombstone || u64::try_from(kv.mod_revision) == Ok(at.revision.main);
        // What the bump of a restore leaves has neither key nor revision, and is the same wherever it is.
        if options.history && (is_its_own || kv.key.is_empty()) {
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
        self.votes.observe(kv.key);
        if kv.value.len() as u64 > db.page_size() {
            self.large.push(kv);
        }
        match Stored::of(kv.value) {
            Stored::Sealed(sealed) => self.names.observe(&sealed),
            Stored::Plain(value) => self.look_at_object(at.revision, kv.key, value),
            Stored::Empty => {}
        }
    }

    /// Times, and the UID that names the cluster.
    fn look_at_object(&mut self, revision: Revision, key: &[u8], value: &[u8]) {
        let Some(encoding @ (Encoding::Protobuf | Encoding::Json | Encoding::Cbor)) = Encoding::of(value) else { return };
        self.newest_time = self.newest_time.max(Object::newest_time_in(value, encoding));
        if key.ends_with(b"/namespaces/kube-system")
            && self.kube_system.as_ref().is_none_or(|(known, _)| *known < revision)
            && let Ok(object) = Object::read(value, encoding)
            && !object.uid.is_empty()
        {
            self.kube_system = Some((revision, object.uid.into_owned()));
        }
    }

    fn merge(&mut self, other: Self) {
        self.keyspace.merge(other.keyspace);
        self.history.merge(other.history);
        self.names.merge(other.names);
        self.votes.merge(other.votes);
        self.kube_system = self.kube_system.take().max(other.kube_system);
        self.newest_time = self.newest_time.max(other.newest_time);
        self.large.extend(other.large);
        self.anomalies.merge(other.anomalies);
    }
}
