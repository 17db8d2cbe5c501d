//! A small writer of bbolt pages: databases of a few kilobytes, to be changed byte by byte.

use etcd_sleuth::etcd::pb::mvccpb::KeyValue;
use etcd_sleuth::evidence::digest::Sha256Digest;
use etcd_sleuth::mvcc::{Revision, RevisionKey};
use prost::Message;

use super::mutate::Identity;

/// Bytes in a page; the smallest that bbolt allows.
pub(crate) const PAGE: usize = 1024;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
const FREELIST: u16 = 0x10;

/// An element of a leaf: a key with a value, or with a bucket.
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) is_bucket: bool,
}

impl Entry {
    pub(crate) fn value(key: &[u8], value: &[u8]) -> Self {
        Self { key: key.to_vec(), value: value.to_vec(), is_bucket: false }
    }

    /// A bucket with a tree of its own.
    pub(crate) fn bucket(name: &[u8], root: u64) -> Self {
        Self { key: name.to_vec(), value: [root.to_le_bytes(), [0; 8]].concat(), is_bucket: true }
    }

    /// A bucket whose one leaf stands in its parent's element.
    pub(crate) fn inline_bucket(name: &[u8], entries: &[Entry]) -> Self {
        let page = [vec![0; 16], header(0, LEAF, entries.len(), 0), leaf_body(entries)].concat();
        Self { key: name.to_vec(), value: page, is_bucket: true }
    }
}

/// A first write to a key, as etcd stores it in bucket `key`.
pub(crate) struct Write {
    pub(crate) main: u64,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl Write {
    /// One of a key and a value that no other revision has.
    pub(crate) fn at(main: u64) -> Self {
        Self { main, key: format!("/registry/secrets/ns/s{main}").into_bytes(), value: format!("value of {main}").into_bytes() }
    }

    /// The key that it is stored under.
    pub(crate) fn stored_under(&self) -> Vec<u8> {
        RevisionKey { revision: Revision { main: self.main, sub: 0 }, is_tombstone: false }.to_bytes()
    }

    /// The message that is stored.
    pub(crate) fn stored(&self) -> Vec<u8> {
        let revision = i64::try_from(self.main).unwrap();
        let (key, value) = (self.key.clone(), self.value.clone());
        KeyValue { key, value, create_revision: revision, mod_revision: revision, version: 1, lease: 0 }.encode_to_vec()
    }

    /// The same of a key that goes with a lease.
    pub(crate) fn stored_with(&self, lease: i64) -> Vec<u8> {
        KeyValue { lease, ..KeyValue::decode(&self.stored()[..]).unwrap() }.encode_to_vec()
    }

    pub(crate) fn entry(&self) -> Entry {
        Entry::value(&self.stored_under(), &self.stored())
    }

    pub(crate) fn identity(&self) -> Identity {
        (self.key.clone(), self.main, 0, Sha256Digest::of(&self.value).to_string())
    }
}

/// A deletion of a key, as etcd stores it in bucket `key`.
pub(crate) fn tombstone(main: u64, key: &str) -> Entry {
    let stored_under = RevisionKey { revision: Revision { main, sub: 0 }, is_tombstone: true }.to_bytes();
    Entry::value(&stored_under, &KeyValue { key: key.as_bytes().to_vec(), ..KeyValue::default() }.encode_to_vec())
}

/// A database of these pages, from page 2 on, whose root leaf is page 2: both metas, as a snapshot has them.
pub(crate) fn database(pages: &[Vec<u8>]) -> Vec<u8> {
    let pages = pages.concat();
    let meta = Meta { root: 2, freelist: None, high_water_mark: (2 + pages.len() / PAGE) as u64, txid: 5 };
    [Meta { txid: 6, ..meta }.page(0), meta.page(1), pages].concat()
}

/// A database with as many of these writes, in the order of their revisions, as are given.
pub(crate) fn database_of(writes: &[Write]) -> Vec<u8> {
    let leaves: Vec<&[Write]> = writes.chunks(64).collect();
    let place = |leaves: &[&[Write]], first: u64| {
        let mut at = first;
        let mut pages = Vec::new();
        for writes in leaves {
            let page = leaf(at, &writes.iter().map(Write::entry).collect::<Vec<_>>());
            let length = (page.len() / PAGE) as u64;
            pages.push((writes[0].stored_under(), at, page));
            at += length;
        }
        pages
    };
    let children = |pages: &[(Vec<u8>, u64, Vec<u8>)]| pages.iter().map(|(key, at, _)| (key.clone(), *at)).collect::<Vec<_>>();
    // How long the branch page is does not hang on the numbers in it.
    let length = branch(3, &children(&place(&leaves, 0))).len() / PAGE;
    let leaves = place(&leaves, 3 + length as u64);
    let all: Vec<Vec<u8>> =
        [root(3), branch(3, &children(&leaves))].into_iter().chain(leaves.into_iter().map(|(_, _, page)| page)).collect();
    database(&all)
}

/// A database of these pages with its freelist on this one, and the trailer of a snapshot.
pub(crate) fn snapshot_with_freelist(pages: &[Vec<u8>], freelist: u64) -> Vec<u8> {
    let pages = pages.concat();
    let meta = Meta { root: 2, freelist: Some(freelist), high_water_mark: (2 + pages.len() / PAGE) as u64, txid: 5 };
    let payload = [Meta { txid: 6, ..meta }.page(0), meta.page(1), pages].concat();
    [&payload[..], &Sha256Digest::of(&payload).0].concat()
}

/// The root leaf as page 2: etcd's two buckets, `key` with its tree at this page.
pub(crate) fn root(key: u64) -> Vec<u8> {
    leaf(2, &[Entry::bucket(b"key", key), Entry::inline_bucket(b"meta", &[])])
}

/// The same of a database that has applied all entries up to an index.
pub(crate) fn root_at(key: u64, applied: u64) -> Vec<u8> {
    let index = Entry::value(b"consistent_index", &applied.to_be_bytes());
    leaf(2, &[Entry::bucket(b"key", key), Entry::inline_bucket(b"meta", &[index])])
}

fn header(id: u64, flags: u16, count: usize, overflow: usize) -> Vec<u8> {
    let (count, overflow) = (u16::try_from(count).unwrap(), u32::try_from(overflow).unwrap());
    [&id.to_le_bytes()[..], &flags.to_le_bytes(), &count.to_le_bytes(), &overflow.to_le_bytes()].concat()
}

fn leaf_body(entries: &[Entry]) -> Vec<u8> {
    let (mut heads, mut data) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let pos = (entries.len() - index) * 16 + data.len();
        for number in [usize::from(entry.is_bucket), pos, entry.key.len(), entry.value.len()] {
            heads.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        data.extend([&entry.key[..], &entry.value].concat());
    }
    [heads, data].concat()
}

/// A run: header and body, with zeros to the end of its last page.
fn run(id: u64, flags: u16, count: usize, body: &[u8]) -> Vec<u8> {
    let pages = (16 + body.len()).div_ceil(PAGE);
    let mut run = [&header(id, flags, count, pages - 1)[..], body].concat();
    run.resize(pages * PAGE, 0);
    run
}

pub(crate) fn leaf(id: u64, entries: &[Entry]) -> Vec<u8> {
    run(id, LEAF, entries.len(), &leaf_body(entries))
}

pub(crate) fn branch(id: u64, children: &[(Vec<u8>, u64)]) -> Vec<u8> {
    let (mut heads, mut data) = (Vec::new(), Vec::new());
    for (index, (key, child)) in children.iter().enumerate() {
        let pos = (children.len() - index) * 16 + data.len();
        heads.extend(u32::try_from(pos).unwrap().to_le_bytes());
        heads.extend(u32::try_from(key.len()).unwrap().to_le_bytes());
        heads.extend(child.to_le_bytes());
        data.extend(key);
    }
    run(id, BRANCH, children.len(), &[heads, data].concat())
}

pub(crate) fn freelist(id: u64, free: &[u64]) -> Vec<u8> {
    run(id, FREELIST, free.len(), &free.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>())
}

/// What a meta page says.
#[derive(Clone, Copy)]
pub(crate) struct Meta {
    pub(crate) root: u64,
    pub(crate) freelist: Option<u64>,
    pub(crate) high_water_mark: u64,
    pub(crate) txid: u64,
}

impl Meta {
    /// Its page, with a valid checksum.
    pub(crate) fn page(self, slot: u64) -> Vec<u8> {
        let mut page = header(slot, META, 0, 0);
        for word in [0xED0C_DAED, 2, u32::try_from(PAGE).unwrap(), 0] {
            page.extend(u32::to_le_bytes(word));
        }
        for word in [self.root, 0, self.freelist.unwrap_or(u64::MAX), self.high_water_mark, self.txid] {
            page.extend(word.to_le_bytes());
        }
        let fnv =
            page[16..].iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
        page.extend(fnv.to_le_bytes());
        page.resize(PAGE, 0);
        page
    }
}
