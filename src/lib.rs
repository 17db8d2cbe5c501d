//! etcd-sleuth: a forensic offline analyzer for etcd snapshots.
//!
//! # The way through
//!
//! ```text
//! evidence bytes ─> bbolt pages ─> etcd revisions ─> Kubernetes objects ─> envelope ─> finding ─> report
//! ```
//!
//! # The rooms
//!
//! Data moves one way, and every room knows only rooms below it; `tests/it/layering.rs` holds the allowed edges.
//!
//! | room | knows | does not know |
//! |---|---|---|
//! | [`evidence`] | bytes, places, digests, containers, data directories, read-only opening, anomalies | what the bytes mean |
//! | [`wire`] | protobuf's wire format, read in place | any message |
//! | [`bbolt`] | pages, metas, trees, the freelist, page states, what pages outside the tree still hold | etcd |
//! | [`mvcc`] | revisions, tombstones, KeyValue, which write of a key is the newest, what a history of writes must be like | how a store keeps them |
//! | [`etcd`] | how bbolt keeps the writes, etcd's own buckets, the trailer, the write-ahead log, raft's entries and snapshots | Kubernetes |
//! | [`kubernetes`] | storage keys, encodings, ObjectMeta, Secret, how their beginnings and ends look | encryption, bbolt, etcd |
//! | [`envelope`] | `k8s:enc:` prefixes, names, layouts, opening a value given a key | who holds keys, objects |
//! | [`kms`] | who holds keys: EncryptionConfiguration, AWS KMS, KMS plugins; one call a DEK source | objects |
//! | [`finding`] | rules, severities, conditions, exit codes | formats |
//! | [`analysis`] | a run over a database, its residue, a log, a raft snapshot, any bytes: options, two passes, rows, counts, databases of one cluster, judgement | terminals |
//! | [`verify`] | proof: every value opened once, what became of it, what is left to do | terminals, sockets |
//! | [`report`] | records and text, redacted and escaped | mappings, keys |
//! | the binary | arguments, colours, progress, exit | everything else goes through the library |
//!
//! From the top down, each with the rooms that it names:
//!
//! ```text
//! report     ─> verify analysis finding kms etcd mvcc bbolt kubernetes evidence
//! verify     ─> analysis kms envelope kubernetes evidence
//! analysis   ─> finding etcd mvcc bbolt kubernetes envelope evidence
//! etcd       ─> mvcc bbolt evidence wire
//! mvcc       ─> evidence wire
//! bbolt      ─> evidence
//! kms        ─> envelope evidence
//! envelope   ─> evidence wire
//! kubernetes ─> evidence wire
//! evidence, wire, finding ─> none
//! ```
//!
//! # Invariants
//!
//! * **No panic on input.** Lints deny indexing, `unwrap`, and unchecked arithmetic in every room that parses. Walks are
//!   iterative, each page is entered once, and nothing is allocated from a length that was not checked.
//! * **Damage is data.** What is broken is an [`evidence::anomaly::Anomaly`] with its place, and the walk goes on.
//! * **Evidence is read-only.** It is mapped or read, never locked, and nothing is written beside it. `unsafe` stands in one
//!   file, around the mapping.
//! * **No value is shown.** Names, types, lengths, digests and keys' names leave [`report`]; values only where a command
//!   was asked for one object's.
//! * **The same bytes give the same result**, with any number of threads: no clock, no host name, no hash order.
//! * **Memory does not grow with the file** but with the number of keys, pages and values outside the tree, and of revisions
//!   where several databases are compared; rows are streamed.
//!   What comes out of a container or standard input is held, up to a limit.
//! * **No network unless it is asked for by name.** Only [`kms`] has code for it, behind the features `aws-kms` and
//!   `kms-plugin`; without them nothing in the tree of crates opens a socket. What stands in evidence or in a configuration
//!   never opens a connection.
//! * **Keys do not leave.** Keys, DEKs, seeds and opened objects are wiped when dropped; none can be printed, copied or
//!   serialized.

pub mod bbolt;
pub mod case;
pub mod collect;
pub mod envelope;
pub mod etcd;
pub mod evidence;
pub mod finding;
pub mod kms;
pub mod kubernetes;
pub mod mvcc;
pub mod pages;
pub mod recovery;
pub mod render;
pub mod report;
pub mod row;
pub mod store;
pub mod verify;
pub mod wire;
