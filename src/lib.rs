//! etcd-sleuth: a forensic offline analyzer for etcd snapshots.
//!
//! # The way through
//!
//! ```text
//! paths ─> case: members, evidences ─> store: finds ─> row: one builder ─> collect: rows in order, and counts
//!                                                                                    │                  │
//!                                                           render, row by row <─────┘                  v
//!                                                           render, at the end <─ report <─ finding: judgement
//! ```
//!
//! A [`case::Case`] takes what the user gave and a question, opens every file read-only, and makes a [`store::Store`] of it. A store
//! is read in two passes: the first says what the file is, what is odd about its bytes, and what every row must know of all others;
//! the second shows the finds one by one. [`row::Builder`] makes a row of each find, whatever it was read from. Whoever writes the
//! answer is a [`report::Render`], and is told each row as it comes and the [`report::Report`] at the end.
//!
//! | where | stands in |
//! |---|---|
//! | it is told what a file is | `store/mod.rs`, in `StoreKind` |
//! | what was given is taken apart: directories, files, what is in archives | `case/members.rs`; by its names a data directory is told in `case/finder.rs` |
//! | it is told which files are one member, whatever way they were given, and whose log a link leads to | `case/joining/` |
//! | the files of a member are opened | `case/opening.rs`, and read in `case/reading.rs` |
//! | what was read of a member is counted as one answer, in which a Secret counts once | `case/member.rs`, in `WholeTally` |
//! | a container is opened | `evidence/container.rs`; what of its files is a data directory is asked in `case/archive.rs` |
//! | a page of bbolt is read | `bbolt/page.rs`, the pages of a tree in `bbolt/walk.rs` |
//! | a record of the write-ahead log is read | `etcd/wal/reader.rs`, `etcd/wal/record.rs` |
//! | values outside of the tree are found | `store/database/residue/`, in any bytes `store/image/` |
//! | it is counted what begins in any bytes and was not found | `store/image/begun.rs`, in text `store/image/encoded.rs` |
//! | it is told what no reader made a row of | `store/image/outside.rs` |
//! | a value is told to be encrypted, by its first bytes | `envelope/prefix.rs` |
//! | it is decided that a value, and so a Secret, is in plaintext | `row/in_clear.rs`; its row is made in `row/builder.rs` |
//! | those who hold keys are taken as the user names them | `kms/given.rs`; their files are read in `kms/given/files.rs` |
//! | what differs between providers of encryption is told | `envelope/provider.rs` |
//! | a rule is worded, and met | `finding/rule.rs`, `finding/judge.rs` |
//! | a line of the first screen is made | `render/text/headline.rs`, `render/text/first_screen.rs`; of a file and its cluster `render/text/mod.rs` |
//! | the lines of the first screen are put in order | `render/text/scan.rs`, of a data directory `render/text/directory.rs` |
//! | text is fitted to a terminal, its tables folded | `render/text/layout.rs`, `render/text/columns.rs` |
//! | a file is written whole or not at all, and never into evidence | `output/whole_file.rs`, `output/same_file.rs` |
//! | a record is given its fields | `render/records/` |
//! | the formats are listed | `render/mod.rs` |
//!
//! # As a library
//!
//! [`open`] takes one input, and shows its rows and what they add up to. Without the feature `cli` the program and its crates are
//! left out.
//!
//! ```
//! use etcd_sleuth::evidence::count::{Count, Secrets};
//! use etcd_sleuth::render::escape;
//! use etcd_sleuth::row::{Form, Row};
//!
//! # fn main() -> Result<(), etcd_sleuth::case::RunError> {
//! let opened = etcd_sleuth::open("testdata/migration.db")?;
//! let contents = opened.read()?;
//! for row in contents.rows() {
//!     if let Row::Value(value) = row
//!         && value.is_secret()
//!         && value.form() == Form::Plaintext
//!     {
//!         println!("{} of revision {:?}: {}", escape::terminal_bytes(value.key), value.written.main, value.place.name());
//!     }
//! }
//! let answer = contents.judge()?;
//! assert_eq!(answer.report.readable().map(|(_, readable)| readable.total).sum::<Count<Secrets>>(), 68);
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms
//!
//! Data moves one way, and every room knows only rooms below it; `tests/it/layering.rs` holds the allowed edges.
//!
//! | room | knows | does not know |
//! |---|---|---|
//! | [`evidence`] | bytes, places, digests, containers, limits, read-only opening, anomalies | what the bytes mean |
//! | [`wire`] | protobuf's wire format, read in place | any message |
//! | [`bbolt`] | pages, metas, trees, the freelist, page states, what pages outside the tree still hold | etcd |
//! | [`mvcc`] | revisions, tombstones, KeyValue, which write of a key is the newest, what a history of writes must be like | how a store keeps them |
//! | [`etcd`] | how bbolt keeps the writes, etcd's own buckets, the trailer, the write-ahead log, raft's entries and snapshots | Kubernetes |
//! | [`kubernetes`] | storage keys, encodings, ObjectMeta, Secret, how their beginnings and ends look | encryption, bbolt, etcd |
//! | [`envelope`] | `k8s:enc:` prefixes, names, layouts, the identity of a key, opening a value given a key | who holds keys, objects |
//! | [`kms`] | who holds keys: EncryptionConfiguration, AWS KMS, KMS plugins; one call a DEK source | objects |
//! | [`row`] | what is told of one value or deletion: place, retention, protection, object; which objects are in scope | what it was read from |
//! | [`store`] | a database with its residue, a segment of the log, a raft snapshot, any bytes: facts, and finds in their order | what is counted, judged or shown |
//! | [`collect`] | the rows of any store, on all cores and in order, and what they add up to | which store it is |
//! | [`finding`] | rules, severities, conditions, exit codes; which rules an evidence meets | formats, several evidences |
//! | [`verify`] | proof: every value opened once, what became of it, what is left to do | terminals, sockets |
//! | [`pages`] | what every page of a database is, and what stands on one | formats |
//! | [`recovery`] | of every key its newest write, as far as the file shows it; a new database of them | formats |
//! | [`report`] | what a run found, owned: it outlives the evidence; the interface of whoever writes it down | formats, how inputs are opened |
//! | [`output`] | where an answer goes: standard output, or a file that is there whole or not at all; never into evidence | what is written |
//! | [`case`] | one run: what the inputs are, what stands beside what, which databases are of one cluster, every question | formats, terminals |
//! | [`render`] | text, JSON, JSON Lines and CSV, redacted and escaped | how inputs are opened, keys' bytes |
//! | the binary | arguments, colours, progress, exit; for each command a plan, a question and a format | everything else goes through the library |
//!
//! From the top down, each with the rooms that it names:
//!
//! ```text
//! render     ─> report verify recovery pages finding collect store row envelope kubernetes evidence
//! case       ─> report verify recovery pages finding collect store row kms envelope kubernetes mvcc output evidence
//! report     ─> verify recovery pages finding collect store row kms envelope kubernetes mvcc evidence
//! verify     ─> collect store row kms envelope kubernetes evidence
//! recovery   ─> collect store row etcd mvcc evidence
//! pages      ─> collect store row mvcc bbolt evidence
//! finding    ─> collect store row evidence
//! collect    ─> store row envelope kubernetes evidence
//! store      ─> row envelope kubernetes etcd mvcc bbolt evidence
//! row        ─> envelope kubernetes mvcc evidence
//! kms        ─> envelope evidence
//! etcd       ─> mvcc bbolt evidence wire
//! mvcc       ─> evidence wire
//! bbolt      ─> evidence
//! output     ─> evidence
//! envelope   ─> evidence wire
//! kubernetes ─> evidence wire
//! evidence, wire ─> none
//! ```
//!
//! # Invariants
//!
//! * **No panic on input.** Lints deny indexing, `unwrap`, and unchecked arithmetic in every room that parses. Walks are
//!   iterative, each page is entered once, and nothing is allocated from a length that was not checked. A panic all the same ends
//!   the reading of one input, is told as a bug, and the other inputs are read.
//! * **A count has a unit.** A [`evidence::Count`] of objects is added to objects alone, and printed as objects: values, Secrets,
//!   tombstones, DEK sources and calls are other types. The bare number is asked for where a ratio, or another program, needs it.
//! * **Damage is data.** What is broken is an [`evidence::anomaly::Anomaly`] with its place, and the walk goes on.
//! * **Evidence is read-only.** It is mapped or read, never locked, and nothing is written beside it. `unsafe` stands in one
//!   file, around the mapping.
//! * **No value is shown.** Names, types, lengths, digests and keys' names leave [`render`]; values only where a command was asked
//!   for one object's, or for what was recovered.
//! * **The same bytes give the same result**, with any number of threads: no clock, no host name, no hash order.
//! * **Memory does not grow with the file** but with the number of keys, pages and values outside the tree, of revisions where
//!   several databases are compared, and of values that somebody is asked to unwrap the DEKs of; rows are streamed.
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
pub mod output;
pub mod pages;
pub mod recovery;
pub mod render;
pub mod report;
pub mod row;
pub mod store;
pub mod verify;
pub mod wire;

pub use case::open;
