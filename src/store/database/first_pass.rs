//! The first pass over a database: the pages of the active tree, then those that only the older root reaches, then what stands
//! outside both.

use super::identity::Identity;
use super::key_tree::{KeyTree, Lacking};
use super::lost_tree::LostTree;
use super::opened::{NotADatabase, OpenedDatabase};
use super::residue::{self, Ground};
use super::seen::Seen;
use super::{DatabaseStore, Profile, Residue};
use crate::bbolt::{self, Bucket, Db, PageMap, PageState, Tree};
use crate::etcd::Schema;
use crate::etcd::trailer::{self, Trailer};
use crate::evidence::anomaly::{Anomalies, Bearing, Class, Doubt};
use crate::evidence::words::{noun, verb};
use crate::evidence::{Evidence, range};
use crate::kubernetes::ClusterIds;
use crate::mvcc::Keyspace;
use crate::mvcc::history::Completeness;
use crate::store::image;
use crate::store::{ClusterNames, Content, DatabaseFacts, Digests, Facts, Kind, PassedOver, ReadOptions, ResidueMode};

impl<'data> DatabaseStore<'data> {
    /// Walks the trees of an evidence, looks for residue as far as `options` ask for it, and keeps what every row must know of all
    /// others. Pages of a tree are read once, those outside it as often as [`pages_read`](Self::pages_read) tells.
    ///
    /// # Errors
    /// No database can be opened in it.
    pub fn read(evidence: &'data Evidence, options: &ReadOptions) -> Result<Self, NotADatabase> {
        Ok(Self::walk(evidence, OpenedDatabase::open(evidence)?, options))
    }

    fn walk(evidence: &'data Evidence, opened: OpenedDatabase<'data>, options: &ReadOptions) -> Self {
        let db = &opened.db;
        let mut anomalies = Anomalies::default();
        evidence.note_anomalies(&mut anomalies);
        db.note_anomalies(&mut anomalies);
        let mut pages = PageMap::new(db.pages_in_file(), db.high_water_mark());
        let (tree, seen) = walk_active_tree(db, options, &mut pages, &mut anomalies);
        let Seen { writes, history, mut witness, identity, newest_time, large, .. } = seen;
        let writes = writes.sort();
        let of_other = bbolt::check(db, &mut pages, &mut anomalies).map_or(0, |other| other.pages_read());
        let behind_trailer = opened.behind_trailer().map(|behind| behind as u64);
        note_what_follows(&opened, behind_trailer, &mut anomalies);
        let ground = Ground {
            db,
            tree: &tree,
            pages: &pages,
            surplus: opened.surplus(),
            trailer: behind_trailer.and_then(|_| opened.trailer_at_end_of_pages()),
            has_slack: anomalies.put_in_doubt(Doubt::Slack),
            revision: writes.last().map(|revision| revision.main),
            large: &large,
        };
        let (mut residue, heard) = residue::find(ground, options.residue);
        anomalies.merge(std::mem::take(&mut residue.anomalies));
        witness.merge(heard);
        let schema = if db.active().is_some() { Schema::read(db, &tree, &mut anomalies) } else { Schema::default() };
        let Lacking { tree: key_tree, gaps, lost } = Lacking::find(db, &tree, &writes, &schema, &mut anomalies);
        let keyspace = writes.keyspace();
        let history = options.history.then(|| history.sort_writes(known_revisions(key_tree, &keyspace, &schema, &anomalies)));
        let (identity, newest_time) = with_what_is_left((identity, newest_time), key_tree, db, &residue);
        let mut content = facts_of((&opened, behind_trailer), &keyspace, &pages, key_tree, schema, (options.residue, residue.account));
        let lost_tree = LostTree::of(db, tree.lacks_pages());
        content.tree_lost = lost_tree.count(&pages);
        let kind = behind_trailer.map_or_else(|| opened.kind(), |_| Kind::Snapshot);
        let outside = behind_pages(evidence, &opened, &residue, (behind_trailer.is_some(), options.residue));
        let facts = Facts { newest_object_time: newest_time, outside, ..Facts::of(evidence, kind, Content::Database(Box::new(content))) };
        let pages_read = [tree.pages_read(), of_other, residue.pages_read].into_iter().fold(0, u64::saturating_add);
        let order = super::order::Order::of(db, &tree, &anomalies);
        let mut profile =
            Profile::of_witness(evidence, facts, anomalies, witness, options, |part| range::offset_within(evidence.content(), part));
        if let Content::Database(facts) = &mut profile.facts.content {
            (facts.clusters, facts.cluster) = identity.settle(&profile.prefixes, &keyspace);
        }
        Self {
            profile,
            opened,
            tree,
            pages,
            lost_tree,
            keyspace,
            gaps,
            lost,
            residue,
            history,
            unapplied: None,
            past: None,
            order,
            pages_read,
        }
    }

    /// Adds the digests, and judges the trailer by them.
    pub(super) fn add_digests(&mut self, digests: Option<&Digests>) {
        let Self { profile, opened, .. } = self;
        let is_judged = profile.facts.database().is_some_and(|facts| facts.trailer == Some(Trailer::Match));
        if let Some(digests) = digests.filter(|_| !is_judged) {
            let trailer = Trailer::judge(opened.trailer, &digests.payload);
            if trailer == Trailer::Mismatch {
                let offset = opened.db.bytes().len() as u64;
                profile.anomalies.note(Class::TrailerMismatch, Some(offset), None, || {
                    format!("the {offset} bytes before the trailer have SHA-256 {}; the trailer says otherwise", digests.payload)
                });
            }
            if trailer == Trailer::Match {
                note_what_no_snapshot_is(&opened.db, &mut profile.anomalies);
            }
            if let Content::Database(facts) = &mut profile.facts.content {
                facts.trailer = Some(trailer);
            }
        }
        profile.settle(digests);
    }
}

/// Walks the tree of the active meta, and keeps what the writes in it say.
fn walk_active_tree<'data>(
    db: &Db<'data>,
    options: &ReadOptions,
    pages: &mut PageMap,
    anomalies: &mut Anomalies,
) -> (Tree<'data>, Seen<'data>) {
    let Some(active) = db.active() else { return (Tree::none(), Seen::default()) };
    let visit = |seen: &mut Seen<'data>, bucket: &Bucket<'data>, pgid, element| seen.visit(db, options.history, bucket, pgid, element);
    let (tree, mut seen) = Tree::walk(db, active.root, PageState::Reachable, pages, anomalies, visit, Seen::merge);
    anomalies.merge(std::mem::take(&mut seen.anomalies));
    if options.is_careful {
        seen.writes.doubt();
    }
    (tree, seen)
}

/// What names the cluster, and the newest time. A tree that is not all there may have lost them: what is left of them outside of it tells.
fn with_what_is_left<'data>(
    (identity, newest_time): (Identity<'data>, Option<i64>),
    key_tree: KeyTree,
    db: &Db<'data>,
    residue: &Residue<'data>,
) -> (Identity<'data>, Option<i64>) {
    match key_tree {
        KeyTree::Whole => (identity, newest_time),
        KeyTree::Partial | KeyTree::Lost => {
            let (left, time) = Identity::of_residue(db, &residue.entries);
            (identity.or(left), newest_time.max(time))
        }
    }
}

/// What stands behind the pages that were ever used, and nobody reads. The search for residue tells what it read behind the last whole page.
fn behind_pages(
    evidence: &Evidence,
    opened: &OpenedDatabase<'_>,
    residue: &Residue<'_>,
    (has_trailer_before, mode): (bool, ResidueMode),
) -> Vec<PassedOver> {
    let values_from = (mode == ResidueMode::Full).then(|| opened.end_of_whole_pages());
    let are_read = residue.read_behind_pages().into_iter().chain([opened.place_of_trailer(has_trailer_before)]).collect();
    image::held_in(evidence.content(), opened.end_of_pages(), are_read, values_from)
}

/// What is known of a database before its digests are.
fn facts_of(
    (opened, behind_trailer): (&OpenedDatabase<'_>, Option<u64>),
    keyspace: &Keyspace,
    pages: &PageMap,
    key_tree: KeyTree,
    schema: Schema,
    (residue_mode, residue): (ResidueMode, residue::Account),
) -> DatabaseFacts {
    let db = &opened.db;
    DatabaseFacts {
        trailer: behind_trailer.map_or_else(|| opened.trailer.is_none().then_some(Trailer::Absent), |_| Some(Trailer::Match)),
        behind_trailer: behind_trailer.unwrap_or(0),
        page_size: db.page_size(),
        high_water_mark: db.active().map(|active| active.high_water_mark),
        txid: db.active().map(|active| active.txid),
        active_meta: db.active_slot(),
        active_because: why_active(db),
        has_twin_metas: db.has_twin_metas(),
        key_tree,
        lacks_entries: false,
        is_behind_log: false,
        revision: keyspace.last().map(|revision| revision.main),
        revisions: keyspace.revisions(),
        tombstones: keyspace.tombstones(),
        keys_current: keyspace.keys_current(),
        keys_as_etcdutl_counts: keyspace.keys_as_etcdutl_counts(),
        schema,
        cluster: ClusterNames::default(),
        clusters: ClusterIds::default(),
        pages: pages.counts(),
        tree_lost: 0,
        surplus: opened.surplus().len() as u64,
        residue_mode,
        residue,
    }
}

/// Notes what stands behind the pages: behind a trailer that matches, where so many bytes do, else where the trailer should stand.
fn note_what_follows(opened: &OpenedDatabase<'_>, behind_trailer: Option<u64>, anomalies: &mut Anomalies) {
    match behind_trailer {
        Some(behind) => note_behind_trailer(&opened.db, behind, anomalies),
        None => note_surplus(opened, anomalies),
    }
}

/// Bytes behind the last whole page are odd, unless the file ends early: then they are the beginning of its next page.
fn note_surplus(opened: &OpenedDatabase<'_>, anomalies: &mut Anomalies) {
    let (db, surplus) = (&opened.db, opened.surplus());
    if surplus.is_empty() || db.pages_in_file() < db.high_water_mark() {
        return;
    }
    let (offset, length) = (range::offset_within(db.bytes(), surplus), surplus.len());
    if opened.has_cut_trailer() {
        return anomalies.note(Class::FileTruncated, offset, None, || {
            format!("the file ends within its trailer, of which {length} of {} bytes are there and match", trailer::LEN)
        });
    }
    let bytes = noun(length as u64, "byte");
    anomalies.note(Class::TrailingBytes, offset, None, || format!("{length} {bytes} behind the last whole page"));
}

/// Bytes behind a trailer that matches are none of the snapshot's.
fn note_behind_trailer(db: &Db<'_>, behind: u64, anomalies: &mut Anomalies) {
    let offset = db.high_water_mark().saturating_mul(db.page_size()).saturating_add(trailer::LEN as u64);
    let detail = || format!("the trailer matches; {behind} {} {} behind it", noun(behind, "byte"), verb(behind, "stands", "stand"));
    anomalies.note(Class::TrailerFollowed, Some(offset), None, detail);
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
            let more = pages.saturating_sub(high_water_mark);
            let (pages, stand) = (noun(more, "page"), verb(more, "stands", "stand"));
            format!("the trailer matches, but {more} {pages} {stand} past the high-water mark, where the snapshot API ends")
        });
    }
}

/// How complete this history is, and so how far another file may be faulted for lacking a write. The revisions of a sound database
/// are all there, but for those that a compaction may have begun to remove; one that is written while it is read may lack any.
fn known_revisions(key_tree: KeyTree, keyspace: &Keyspace, schema: &Schema, anomalies: &Anomalies) -> Completeness {
    if anomalies.put_in_doubt(Doubt::History) || anomalies.any(Bearing::Altered) {
        return Completeness::Doubtful;
    }
    match keyspace.last() {
        Some(last) if anomalies.leave_all_read() && key_tree == KeyTree::Whole && !anomalies.put_in_doubt(Doubt::Moment) => {
            Completeness::InFull(schema.compacted(), last.main)
        }
        _ => Completeness::Partial,
    }
}

fn why_active(db: &Db<'_>) -> String {
    match db.metas() {
        [Ok(zero), Ok(one)] => format!("both metas are valid, transactions {} and {}; the higher counts", zero.txid, one.txid),
        [Ok(_), Err(fault)] => format!("meta 1 {fault}"),
        [Err(fault), Ok(_)] => format!("meta 0 {fault}"),
        [Err(zero), Err(one)] => format!("meta 0 {zero}; meta 1 {one}"),
    }
}
