//! What each fuzz target does with its bytes. `fuzz_targets/` and `tests/it/fuzz_corpora.rs` share this file.
//!
//! A target fails by a panic, and by an assertion about what must hold for any bytes.

use etcd_sleuth::bbolt::{self, Db, Freelist, LeafElements, Meta, PageHeader, PageMap, PageState, Tree};
use etcd_sleuth::collect::{Collected, Collector};
use etcd_sleuth::envelope::{self, Body, EncryptedObject, KmsEnvelope, NameTable, Provider, Stored};
use etcd_sleuth::etcd;
use etcd_sleuth::etcd::rebuild::rebuild;
use etcd_sleuth::etcd::status::Status;
use etcd_sleuth::evidence::anomaly::{Anomalies, Class};
use etcd_sleuth::evidence::{Evidence, Limits, Numbering};
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::kms::EncryptionConfig;
use etcd_sleuth::kubernetes::{self, Encoding, Object, PrefixVotes, Secret, StorageKey};
use etcd_sleuth::mvcc::{KeyValue, Revision, RevisionKey};
use etcd_sleuth::pages::PageMapReport;
use etcd_sleuth::recovery::Recovery;
use etcd_sleuth::render::records::row_line;
use etcd_sleuth::render::text::{CheckText, PagesText, ScanText, Screen};
use etcd_sleuth::report::readable::ClusterContext;
use etcd_sleuth::report::{EvidenceReport, MemberReport, Render, Report, RowContext};
use etcd_sleuth::row::{Row, Scope};
use etcd_sleuth::store::{DatabaseStore, ImageStore, MemberContext, RaftSnapshotStore, ReadOptions, SegmentStore, Store, StoreKind};
use prost::Message;

/// A target: its name, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: [Target; 13] = [
    ("bbolt", bbolt),
    ("carve", carve),
    ("container", container),
    ("database", database),
    ("encrypted_object", encrypted_object),
    ("encryption_config", encryption_config),
    ("envelope", envelope),
    ("freelist", freelist),
    ("key_value", key_value),
    ("meta", meta),
    ("object", object),
    ("page", page),
    ("wal", wal),
];

/// A meta page, and the two of a file.
pub fn meta(bytes: &[u8]) {
    if let Ok(meta) = Meta::parse(bytes) {
        assert!(meta.page_size.is_power_of_two());
    }
    if let Ok(db) = Db::open(bytes) {
        assert!(db.active().is_some());
        db.note_anomalies(&mut Anomalies::default());
    }
}

/// A page header, the elements of a leaf.
pub fn page(bytes: &[u8]) {
    if let Ok(header) = PageHeader::parse(bytes) {
        let mut elements = LeafElements::new(bytes, header);
        let data: usize = elements.by_ref().flatten().map(|element| element.key.len() + element.value.len()).sum();
        assert!(data + elements.rest().len() <= bytes.len());
    }
}

/// The freelist at page 2 of a database, whose pages behind the metas these bytes are.
pub fn freelist(bytes: &[u8]) {
    const PAGE: usize = 1024;
    let mut file = vec![0; 2 * PAGE];
    for meta in [0, PAGE] {
        file[meta + 8] = 4;
        file[meta + 24..meta + 28].copy_from_slice(&(PAGE as u32).to_le_bytes());
        file[meta + 48] = 2;
        file[meta + 56..meta + 64].copy_from_slice(&(2 + bytes.len().div_ceil(PAGE) as u64).to_le_bytes());
    }
    file.extend(bytes);
    file.resize(file.len().next_multiple_of(PAGE), 0);
    let file = with_valid_metas(&file);
    let db = Db::open(&file).expect("two valid metas");
    if let Ok(list) = Freelist::read(&db, 2) {
        assert!(list.ids().count() * 8 <= bytes.len().next_multiple_of(PAGE));
    }
    bbolt::check(&db, &mut PageMap::new(db.pages_in_file(), db.high_water_mark()), &mut Anomalies::default());
}

/// The walk over both trees, and what `bbolt check` looks for.
pub fn bbolt(bytes: &[u8]) {
    for bytes in &as_given_and_with_valid_metas(bytes) {
        let Some(db) = Db::open(bytes).ok().or_else(|| Db::of_pages(bytes)) else { continue };
        let mut anomalies = Anomalies::default();
        db.note_anomalies(&mut anomalies);
        let mut pages = PageMap::new(db.pages_in_file(), db.high_water_mark());
        let (tree, shown) = Tree::walk(
            &db,
            db.active().map_or(0, |active| active.root),
            PageState::Reachable,
            &mut pages,
            &mut anomalies,
            |shown: &mut usize, _, _, element| *shown += element.key.len() + element.value.len(),
            |shown, more| *shown += more,
        );
        // No byte of a page is shown twice; what an inline bucket holds is shown in place of its element.
        assert!(shown <= bytes.len());
        let other = bbolt::check(&db, &mut pages, &mut anomalies);
        assert_eq!(pages.counts().total(), db.pages_in_file());
        Status::of(&db, &tree);
        for bucket in other.iter().flat_map(|tree| tree.buckets()) {
            assert!(bucket.depth as u64 <= db.pages_in_file() + 2);
        }
        anomalies.into_sorted();
    }
}

/// A whole run, from the bytes to everything that is printed, and to the database that is made of what can be recovered.
pub fn database(bytes: &[u8]) {
    for bytes in as_given_and_with_valid_metas(bytes) {
        run(&Evidence::from_bytes("fuzzed.db", bytes));
    }
}

fn run(evidence: &Evidence) {
    let Ok(mut store) = DatabaseStore::read(evidence, &ReadOptions::default()) else { return };
    assert!(store.pages_read <= 12 * (store.pages.counts().total() + 1), "the work is bounded by the pages");
    recover(&store, &Scope::all());
    let collected = written(&store);
    store.profile_mut().add_anomalies(collected.anomalies);
    let context = ClusterContext { prefixes: store.prefixes(), existing: store.existing() };
    let mut report = EvidenceReport::new(Numbering::default().evidence(), store.profile(), collected.tally, &context, 20);
    report.status = Some(Status::of(&store.opened.db, &store.tree));
    text(&|out| CheckText::new(Screen::plain(out), false).evidence_end(&report).expect("memory takes everything"));
    text(&|out| PagesText::new(Screen::plain(out), true).page_map(&PageMapReport::of(report.id, &store)).expect("memory takes everything"));
    let member = MemberReport {
        id: Numbering::default().member(),
        path: report.facts.path.clone(),
        joined: Vec::new(),
        others: 0,
        beside: 0,
        parts: vec![report.id],
        whole: None,
    };
    let report = Report { evidences: vec![report], ..Report::default() };
    text(&|out| {
        let mut scan = ScanText::new(Screen::plain(out), false);
        scan.member(&member, &report).and_then(|()| scan.end(&report, &Outcome::default())).expect("memory takes everything");
    });
}

/// Nothing that a terminal would obey is printed.
fn text(write: &dyn Fn(&mut Vec<u8>)) {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8(out).expect("text");
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'));
}

/// All rows of a store as records: each is JSON, and none passes the content's end.
fn written<'data>(store: &dyn Store<'data>) -> Collected<'data> {
    let context = RowContext { evidence: Numbering::default().evidence(), cluster: None, verdict: None };
    let length = store.content().len() as u64;
    let scope = Scope::all();
    let written = Collector::new(store, &scope).run(
        |row, lines| {
            if let Row::Value(value) = row {
                assert!(value.offset.is_none_or(|offset| offset + value.length() <= length));
            }
            row_line(context, row, lines);
        },
        |lines| {
            for line in lines.as_bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                assert!(serde_json::from_slice::<serde_json::Value>(line).is_ok());
            }
            Ok(())
        },
    );
    written.expect("memory takes everything")
}

/// What is recovered makes a database without an anomaly, of which the same is recovered again. It is compacted at the revision that
/// the source was at, whose write may be gone.
fn recover(store: &DatabaseStore<'_>, scope: &Scope) {
    let recovery = Recovery::of(store, scope, true);
    let writes = |recovery: &Recovery<'_, '_>| -> Vec<(Revision, Vec<u8>, Vec<u8>)> {
        let read = |write| recovery.key_value(write).expect("what was found is found again");
        recovery.recovered.iter().map(|write| (write.revision, write.key.to_vec(), read(write).value.to_vec())).collect()
    };
    let kept = writes(&recovery);
    let elements = kept.iter().map(|(revision, key, value)| {
        let main = revision.main.cast_signed();
        (*revision, KeyValue { key, value, create_revision: main, mod_revision: main, version: 1, lease: 0 })
    });
    let (out, rebuilt) = rebuild(std::io::Cursor::new(Vec::new()), &store.opened.db, &store.tree, recovery.revision, elements)
        .expect("memory takes everything");
    let evidence = Evidence::from_bytes("rebuilt.db", out.into_inner());
    let again = DatabaseStore::read(&evidence, &ReadOptions::default()).expect("a database");
    let may_be = |class: &Class| is_carried_over(*class) || *class == Class::CompactionAhead;
    assert!(Class::ALL.iter().all(|class| may_be(class) || again.profile().anomalies.count(*class) == 0));
    let found = writes(&Recovery::of(&again, scope, false));
    assert_eq!(found.len() as u64, rebuilt.writes);
    assert!(found.iter().all(|write| kept.contains(write)));
}

/// Whether a class is about what is stored, which is carried over as it is.
fn is_carried_over(class: Class) -> bool {
    matches!(class, Class::RevisionMismatch | Class::RevisionInvalid | Class::KeyValueInvalid | Class::SchemaInvalid)
}

/// Any bytes, searched for values.
pub fn carve(bytes: &[u8]) {
    let evidence = Evidence::from_bytes("fuzzed.img", bytes.to_vec());
    written(&ImageStore::search(&evidence, None, &ReadOptions::default()));
}

/// A segment of a log, its records and the writes in them; the same bytes as a raft snapshot.
pub fn wal(bytes: &[u8]) {
    let evidence = Evidence::from_bytes("0000000000000000-0000000000000000.wal", bytes.to_vec());
    let _ = StoreKind::of(&evidence);
    for segment in SegmentStore::read_log(&[&evidence], MemberContext::default(), &ReadOptions::default()) {
        written(&segment);
    }
    written(&RaftSnapshotStore::read(&evidence, &ReadOptions::default()));
}

/// A configuration with keys.
pub fn encryption_config(bytes: &[u8]) {
    if let Ok(config) = EncryptionConfig::read(bytes) {
        let named = config.local_keys().count() + config.kms_providers().count();
        // Every key and every provider takes more than a few bytes to write down.
        assert!(named <= bytes.len());
        for problem in config.problems() {
            problem.to_string();
        }
    }
}

/// A value of bucket `key`, against prost.
pub fn key_value(bytes: &[u8]) {
    let ours = KeyValue::parse(bytes);
    if let (Ok(ours), Ok(theirs)) = (&ours, etcd::pb::mvccpb::KeyValue::decode(bytes)) {
        assert_eq!((ours.key, ours.value), (theirs.key.as_slice(), theirs.value.as_slice()));
        assert_eq!((ours.create_revision, ours.mod_revision), (theirs.create_revision, theirs.mod_revision));
        assert_eq!((ours.version, ours.lease), (theirs.version, theirs.lease));
    }
    let mut votes = PrefixVotes::default();
    if let Ok(kv) = ours {
        votes.observe(kv.key, kv.value);
        StorageKey::of(kv.key, &votes.elect(&[]));
    }
    RevisionKey::parse(bytes);
}

/// KMS v2's message, against prost.
pub fn encrypted_object(bytes: &[u8]) {
    let Ok(ours) = EncryptedObject::parse(bytes) else { return };
    ours.annotations.sha256();
    ours.limit_passed();
    if let Ok(theirs) = envelope::pb::EncryptedObject::decode(bytes) {
        assert_eq!((ours.encrypted_data, ours.key_id), (theirs.encrypted_data.as_slice(), theirs.key_id.as_str()));
        assert_eq!(ours.dek_source, theirs.encrypted_dek_source.as_slice());
    }
}

/// A stored value's prefix, names and payload. The bytes are several values, divided by 0xFF 0x0A.
pub fn envelope(bytes: &[u8]) {
    let mut names = NameTable::default();
    let values: Vec<&[u8]> = divide(bytes);
    for value in &values {
        if let Stored::Sealed(sealed) = Stored::of(value) {
            names.observe(&sealed);
        }
    }
    for value in values {
        let Stored::Sealed(sealed) = Stored::of(value) else { continue };
        let Some(name) = names.resolve(&sealed) else { continue };
        assert!(!name.name.is_empty() && value.ends_with(name.body));
        match Body::parse(sealed.provider, name.body) {
            Ok(Body::Local(sealed)) => assert_eq!(sealed, name.body),
            Ok(Body::Kms(KmsEnvelope { provider: Provider::KmsV2, .. })) => encrypted_object(name.body),
            Ok(Body::Kms(_)) => {}
            // Of the others a body that is not of the form is no reading of a name.
            Err(_) => assert_eq!(sealed.provider, Provider::KmsV2),
        }
    }
}

fn divide(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = bytes.windows(2).position(|pair| pair == [0xff, 0x0a]) {
        parts.push(&bytes[..at]);
        bytes = &bytes[at + 2..];
    }
    parts.push(bytes);
    parts
}

/// An object in any encoding.
pub fn object(bytes: &[u8]) {
    let told = Encoding::of(bytes);
    for encoding in [Encoding::Protobuf, Encoding::Json, Encoding::Cbor, Encoding::Yaml, Encoding::Other] {
        let object = Object::read(bytes, encoding);
        Object::newest_time_in(bytes, encoding);
        if let Ok(secret) = Secret::read(bytes, encoding) {
            assert!(secret.data.is_sorted());
            assert!(object.is_ok(), "a Secret is an object");
        }
        if told == Some(encoding) {
            let _ = kubernetes::as_document(bytes, encoding);
        }
    }
}

/// Containers.
pub fn container(bytes: &[u8]) {
    let limits = Limits { max_size: 1 << 16 };
    let opened = Evidence::open_bytes("fuzzed".as_ref(), bytes.to_vec(), &limits);
    for evidence in &opened.evidences {
        // What stands in a tar is no copy.
        assert!(evidence.content().len() as u64 <= limits.max_size.max(bytes.len() as u64));
        let _ = evidence.as_base64(&limits);
    }
}

/// The bytes, and where that is another thing, the same with valid metas, so that changes get past them.
fn as_given_and_with_valid_metas(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut variants = vec![with_valid_metas(bytes), bytes.to_vec()];
    variants.dedup();
    variants
}

/// The bytes with the magic, the version and the checksum of both meta pages put right.
pub fn with_valid_metas(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let size = bytes.get(24..28).map_or(0, |size| u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize);
    for at in [0, size] {
        let Some(page) = at.checked_add(80).and_then(|end| bytes.get_mut(at..end)) else { continue };
        page[16..20].copy_from_slice(&0xED0C_DAEDu32.to_le_bytes());
        page[20..24].copy_from_slice(&2u32.to_le_bytes());
        let sum =
            page[16..72].iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
        page[72..80].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}
