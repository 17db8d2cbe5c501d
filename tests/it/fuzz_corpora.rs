//! The corpora of `fuzz/`, replayed; and their seeds, cut from the fixtures.

#![allow(unreachable_pub, reason = "the fuzz targets share a file with this")]

#[path = "../../fuzz/targets.rs"]
mod targets;

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use common::pages::{Entry, Meta, PAGE, branch, freelist, leaf};
use common::{Fixture, sleuth};
use etcd_sleuth::envelope::{Sealed, Stored};
use etcd_sleuth::etcd::schema;
use etcd_sleuth::evidence::digest::Sha256Digest;
use etcd_sleuth::evidence::{Evidence, Limits};
use etcd_sleuth::kubernetes::Encoding;
use etcd_sleuth::mvcc::{KeyValue, RevisionKey};
use etcd_sleuth::store::{DatabaseStore, ReadOptions};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn files(target: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(corpus().join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_input_of_the_corpora_is_read_without_a_panic() {
    for (target, run) in targets::ALL {
        let files = files(target);
        assert!(!files.is_empty(), "{target} has no seeds");
        for file in files {
            println!("{}", file.display());
            run(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn seeds_cut_short_or_changed_anywhere_are_read_without_a_panic() {
    for (target, run) in targets::ALL {
        for file in files(target) {
            let bytes = fs::read(&file).unwrap();
            let step = (bytes.len() / 40).max(1);
            for at in (0..bytes.len()).step_by(step) {
                run(&bytes[..at]);
                for flip in [0x01, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= flip;
                    run(&changed);
                }
            }
        }
    }
}

#[test]
fn every_target_is_built_has_a_corpus_and_is_documented() {
    let fuzz = corpus().parent().unwrap().to_owned();
    let (manifest, readme) = (fs::read_to_string(fuzz.join("Cargo.toml")).unwrap(), fs::read_to_string(fuzz.join("README.md")).unwrap());
    let names = |dir: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(fuzz.join(dir)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let all: BTreeSet<String> = targets::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!((names("fuzz_targets"), names("corpus")), (all.clone(), all.clone()));
    for name in all {
        let source = fs::read_to_string(fuzz.join("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(source.contains(&format!("targets::{name}(")), "{source}");
        assert!(manifest.contains(&format!("name = \"{name}\"")) && readme.contains(&format!("| `{name}` |")), "{name}");
    }
    let size: u64 = targets::ALL.iter().flat_map(|(name, _)| files(name)).map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(size < 200_000, "{size} bytes of seeds");
}

/// A crash that was found keeps its own name; what begins with `seed-` comes from here.
#[test]
fn seeds_are_those_of_the_fixtures() {
    let seeds = seeds();
    if std::env::var_os("ETCD_SLEUTH_UPDATE").is_some() {
        for (target, _) in targets::ALL {
            fs::create_dir_all(corpus().join(target)).unwrap();
            files(target).iter().filter(|file| file_name(file).starts_with("seed-")).for_each(|file| fs::remove_file(file).unwrap());
        }
        for ((target, name), bytes) in &seeds {
            fs::write(corpus().join(target).join(name), bytes).unwrap();
        }
    }
    let mut found = BTreeMap::new();
    for (target, _) in targets::ALL {
        for file in files(target).into_iter().filter(|file| file_name(file).starts_with("seed-")) {
            found.insert((target, file_name(&file)), fs::read(&file).unwrap());
        }
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), seeds.keys().collect::<Vec<_>>(), "ETCD_SLEUTH_UPDATE=1 writes them anew");
    assert!(found == seeds, "seeds differ from what the fixtures give; ETCD_SLEUTH_UPDATE=1 writes them anew");
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

type Seeds = BTreeMap<(&'static str, String), Vec<u8>>;

fn seeds() -> Seeds {
    let mut seeds = Seeds::new();
    let mut add = |target: &'static str, name: &str, bytes: &[u8]| {
        seeds.insert((target, format!("seed-{name}")), bytes.to_vec());
    };
    let Cut { values, small_buckets } = Cut::of(&["kinds", "migration"]);
    for (name, database) in [("snapshot", snapshot(&values, &small_buckets)), ("raw", raw(&values, &small_buckets))] {
        add("database", name, &database);
        add("bbolt", name, &database);
        add("meta", name, &database[..PAGE.min(200)]);
    }
    add("page", "leaf", &leaf(7, &[Entry::value(b"a", b"value"), Entry::value(b"b", b"")])[..80]);
    add("freelist", "ids", &freelist(2, &[3, 4, 7])[..40]);
    // One value of each form.
    let mut forms = BTreeSet::new();
    let mut sealed_values = Vec::new();
    for (_, message) in &values {
        let KeyValue { key, value, .. } = KeyValue::parse(message).unwrap();
        let form = match Stored::of(value) {
            Stored::Empty => "empty".to_owned(),
            Stored::Sealed(sealed) => [sealed.provider_word, b"-", sealed.version_word].concat().escape_ascii().to_string(),
            Stored::Plain(_) => format!("plain-{}", Encoding::of(value).map_or("unknown", Encoding::name)),
        };
        let is_secret = key.windows(9).any(|part| part == b"/secrets/");
        let form = if is_secret { format!("secret-{form}") } else { form };
        if value.len() > 4096 || !forms.insert(form.clone()) {
            continue;
        }
        add("key_value", &form, message);
        match Stored::of(value) {
            Stored::Plain(_) => add("object", &form, value),
            Stored::Sealed(sealed) => {
                add("envelope", &form, value);
                sealed_values.push(value);
                if let Some(object) = kms_v2(&sealed) {
                    add("encrypted_object", "kms-v2", object);
                }
            }
            Stored::Empty => {}
        }
    }
    assert!(forms.len() >= 10, "{forms:?}");
    add("envelope", "several", &sealed_values.join(&[0xff, 0x0a][..]));
    let text = b"k8s\0 a small file";
    let length = u16::try_from(text.len()).unwrap();
    let gzip_head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let gzip =
        [&gzip_head[..], &length.to_le_bytes(), &(!length).to_le_bytes(), text, &CRC.to_le_bytes(), &u32::from(length).to_le_bytes()]
            .concat();
    let zstd =
        [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, length.to_le_bytes()[0]][..], &(u32::from(length) << 3 | 1).to_le_bytes()[..3], text].concat();
    for (name, bytes) in [("gzip", gzip), ("zstd", zstd), ("zip", zip(text))] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("packed"), &bytes).unwrap();
        let evidence = Evidence::open(&dir.path().join("packed"), &Limits::default()).unwrap();
        assert_eq!((evidence.content(), evidence.damage()), (&text[..], None), "{name}");
        add("container", name, &bytes);
    }
    let dir = tempfile::tempdir().unwrap();
    let wal = common::unpack_directory("killed", dir.path()).join("member/wal");
    let mut segments: Vec<_> =
        fs::read_dir(wal).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "wal")).collect();
    segments.sort();
    let segment = fs::read(&segments[0]).unwrap();
    add("wal", "head", &segment[..6000]);
    let page = Fixture::named("migration").bytes[15 * 4096..17 * 4096].to_vec();
    add("carve", "pages", &page);
    add("carve", "values", &values.iter().take(8).flat_map(|(key, value)| [&key[..], value].concat()).take(6000).collect::<Vec<u8>>());
    add("encryption_config", "all", &fs::read(common::testdata().join("keys/migration.encryption-config.yaml")).unwrap());
    seeds
}

/// Of `k8s\0 a small file`.
const CRC: u32 = 0xef96eb60;

/// A zip archive of one stored file.
fn zip(text: &[u8]) -> Vec<u8> {
    let size = u32::try_from(text.len()).unwrap().to_le_bytes();
    let common = [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &CRC.to_le_bytes(), &size, &size, &[2, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04", &common[..], b"db", text].concat();
    let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], b"db"].concat();
    let at = u32::try_from(local.len()).unwrap().to_le_bytes();
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &u32::try_from(central.len()).unwrap().to_le_bytes(), &at, &[0, 0]].concat();
    [local, central, end].concat()
}

fn kms_v2<'a>(sealed: &Sealed<'a>) -> Option<&'a [u8]> {
    let at = sealed.rest.iter().position(|byte| *byte == b':')?;
    (sealed.provider_word == b"kms" && sealed.version_word == b"v2").then(|| &sealed.rest[at + 1..])
}

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);
/// What small buckets hold, by their names.
type Buckets = BTreeMap<Vec<u8>, Vec<Pair>>;

/// Parts of fixtures: elements of bucket `key`, and the other buckets.
struct Cut {
    values: Vec<Pair>,
    small_buckets: Buckets,
}

impl Cut {
    fn of(names: &[&str]) -> Self {
        let mut cut = Self { values: Vec::new(), small_buckets: BTreeMap::new() };
        for name in names {
            let dir = tempfile::tempdir().unwrap();
            let evidence = Evidence::open(&Fixture::named(name).write_to(dir.path()), &Limits::default()).unwrap();
            let store = DatabaseStore::read(&evidence, &ReadOptions::default()).unwrap();
            for bucket in store.tree.buckets().iter().filter(|bucket| bucket.depth == 1) {
                let elements = store.tree.elements(&store.opened.db, bucket).map(|(_, e)| (e.key.to_vec(), e.value.to_vec()));
                if bucket.name == schema::KEY {
                    cut.values.extend(elements);
                } else {
                    cut.small_buckets.entry(bucket.name.to_vec()).or_insert_with(|| elements.collect());
                }
            }
        }
        cut
    }
}

/// Leaves of bucket `key`: short values of both kinds, one too large for its page, tombstones. Revisions ascend.
fn leaves(values: &[Pair]) -> Vec<Vec<Entry>> {
    let is_tombstone = |(key, _): &&Pair| RevisionKey::parse(key).is_some_and(|key| key.is_tombstone);
    let sealed = |(_, value): &&Pair| value.windows(8).any(|bytes| bytes == b"k8s:enc:");
    let mut chosen: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    let mut of_keys: BTreeSet<&[u8]> = BTreeSet::new();
    let mut choose = |kind: &dyn Fn(&&Pair) -> bool, size: std::ops::Range<usize>, count: usize| {
        let fitting = values.iter().filter(|value| kind(value) && size.contains(&value.1.len()));
        // As a compaction leaves them: one write of each key.
        let fitting = fitting.filter(|(_, value)| of_keys.insert(KeyValue::parse(value).unwrap().key));
        chosen.extend(fitting.take(count).map(|(key, value)| (key.as_slice(), value.as_slice())));
    };
    choose(&is_tombstone, 0..500, 2);
    choose(&|value| !sealed(value), 0..500, 4);
    choose(&sealed, 0..900, 3);
    choose(&|_| true, 1100..1900, 1);
    assert!(chosen.len() >= 8, "{}", chosen.len());
    let entries: Vec<_> = chosen.into_iter().collect();
    entries.chunks(4).map(|chunk| chunk.iter().map(|(key, value)| Entry::value(key, value)).collect()).collect()
}

/// A database whose pages are laid out one after another.
struct Layout {
    pages: Vec<u8>,
}

impl Layout {
    /// After the meta pages.
    fn new() -> Self {
        Self { pages: vec![0; 2 * PAGE] }
    }

    fn next(&self) -> u64 {
        (self.pages.len() / PAGE) as u64
    }

    fn add(&mut self, page: impl Fn(u64) -> Vec<u8>) -> u64 {
        let id = self.next();
        self.pages.extend(page(id));
        id
    }

    /// Bucket `key` over two levels, and a root bucket that names it beside the small ones.
    fn tree(&mut self, leaves: &[Vec<Entry>], small: &Buckets) -> u64 {
        let children: Vec<_> = leaves.iter().map(|entries| (entries[0].key.clone(), self.add(|id| leaf(id, entries)))).collect();
        let key = self.add(|id| branch(id, &children));
        let mut root: BTreeMap<&[u8], Entry> = BTreeMap::from([(schema::KEY, Entry::bucket(schema::KEY, key))]);
        for (name, elements) in small {
            let mut entries: Vec<_> = elements.iter().take(2).map(|(key, value)| Entry::value(key, value)).collect();
            if name == schema::META {
                // Their revisions have gaps, as below a compaction.
                let last = leaves.last().and_then(|leaf| leaf.last()).unwrap();
                entries.extend([b"finishedCompactRev", b"scheduledCompactRev".as_slice()].map(|name| Entry::value(name, &last.key[..17])));
            }
            root.insert(name, Entry::inline_bucket(name, &entries));
        }
        let root: Vec<Entry> = root.into_values().collect();
        self.add(|id| leaf(id, &root))
    }

    fn finish(mut self, metas: [Meta; 2]) -> Vec<u8> {
        for (slot, meta) in metas.into_iter().enumerate() {
            self.pages.splice(slot * PAGE..(slot + 1) * PAGE, meta.page(slot as u64));
        }
        self.pages
    }
}

/// As the snapshot API sends it: twin metas, no freelist, a free page, a trailer.
fn snapshot(values: &[Pair], small: &Buckets) -> Vec<u8> {
    let leaves = leaves(values);
    let mut layout = Layout::new();
    let root = layout.tree(&leaves, small);
    layout.add(|id| leaf(id, &leaves[0]));
    let meta = Meta { root, freelist: None, high_water_mark: layout.next(), txid: 8 };
    let mut bytes = layout.finish([Meta { txid: 9, ..meta }, meta]);
    bytes.extend(Sha256Digest::of(&bytes).0);
    bytes
}

/// As a member keeps it: two roots, a freelist, pages beyond the high-water mark.
fn raw(values: &[Pair], small: &Buckets) -> Vec<u8> {
    let leaves = leaves(values);
    let mut layout = Layout::new();
    let old = layout.tree(&leaves[..1], small);
    let replaced: Vec<u64> = (2..layout.next()).collect();
    let root = layout.tree(&leaves, small);
    let freelist = layout.add(|id| freelist(id, &replaced));
    let high_water_mark = layout.next();
    layout.add(|id| leaf(id, &leaves[0]));
    let meta = Meta { root, freelist: Some(freelist), high_water_mark, txid: 11 };
    layout.finish([Meta { root: old, freelist: None, high_water_mark: old + 3, txid: 10 }, meta])
}

#[test]
fn the_small_databases_are_sound() {
    let Cut { values, small_buckets } = Cut::of(&["kinds", "migration"]);
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("snapshot", snapshot(&values, &small_buckets)), ("raw", raw(&values, &small_buckets))] {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let output = sleuth().arg("check").arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("structure sound"), "{text}");
    }
}
