//! The limits that a file can pass, in one place. [`ALL`] says what becomes of one that does; `check --limits` prints it.

use std::ops::RangeInclusive;

/// Page sizes that a meta page may say, in bytes: the range in which bbolt looks for meta 1 (`db.go`).
pub const PAGE_SIZES: RangeInclusive<u32> = 1 << 10..=1 << 24;
/// Page sizes that are tried where no meta page is valid, as powers of two: those of the systems that etcd runs on.
pub const TRIED_PAGE_SIZES: RangeInclusive<u32> = 10..=16;
/// Bytes taken from standard input or out of a container; `--max-size` changes it. The largest database that etcd's
/// documentation recommends (<https://etcd.io/docs/v3.6/dev-guide/limit/>).
pub const HELD_CONTENT: u64 = 8 << 30;
/// Anomalies of one class that are listed with their places.
pub const LISTED_ANOMALIES: u64 = 1000;
/// Further pages of a run that is read while it is not settled which pages are its own.
pub const SHORT_RUN: u32 = 8;
/// Largest number among the writes of one revision, outside the tree.
pub const RESIDUE_SUB: u64 = (1 << 32) - 2;
/// Bytes of a write outside the tree.
pub const RESIDUE_WRITE: u64 = (1 << 32) - 1;
/// Bytes of a key before a value that is found by its content.
pub const FRAMED_KEY: usize = 640;
/// Messages within messages of a request in the log: 32 transactions deep. Clients nest two or three.
pub const REQUEST_DEPTH: usize = 64;
/// Nesting of an object in CBOR; the API server's own limit.
pub const CBOR_DEPTH: usize = 64;
/// Bytes of an object in JSON that is found by its content: etcd's default limit of a request is 1.5 MiB.
pub const CARVED_JSON: usize = 4 << 20;
/// Directories below one that is given, one in the other.
pub const DIRECTORY_DEPTH: usize = 6;
/// Names below a directory that is given.
pub const DIRECTORY_NAMES: usize = 100_000;
/// Containers in each other.
pub const CONTAINER_DEPTH: usize = 6;
/// Files that are taken out of the containers of one input.
pub const CONTAINER_FILES: usize = 100_000;
/// Bytes of an EncryptionConfiguration.
pub const CONFIGURATION: usize = 4 << 20;

/// Bounds on what is held in memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest content taken from standard input or out of a container, in bytes.
    pub max_size: u64,
}

impl Limits {
    /// The size that is held unless another is given.
    pub const DEFAULT_MAX_SIZE: u64 = HELD_CONTENT;

    /// A size in bytes with an optional K, M, G or T (powers of 1024).
    ///
    /// # Errors
    /// It is none, in words.
    pub fn parse_size(text: &str) -> Result<u64, &'static str> {
        let text = text.trim().trim_end_matches(['B', 'b']).trim_end_matches(['i', 'I']);
        let unit = |(unit, shift)| Some((text.strip_suffix::<char>(unit)?, shift));
        let units = [('K', 10), ('k', 10), ('M', 20), ('m', 20), ('G', 30), ('g', 30), ('T', 40), ('t', 40)];
        let (number, shift) = units.into_iter().find_map(unit).unwrap_or((text, 0));
        let number = number.trim().parse::<u64>().ok();
        number.and_then(|n| n.checked_mul(1 << shift)).ok_or("expected a size such as 1048576, 500M or 16G")
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_size: Self::DEFAULT_MAX_SIZE }
    }
}

/// A limit as it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is limited.
    pub what: &'static str,
    /// The limit; `None`: only the file's own size.
    pub value: Option<u64>,
    /// What is said of a file that passes it.
    pub past_it: &'static str,
}

/// Every limit.
pub const ALL: [Limit; 21] = [
    Limit { what: "page size, smallest (bytes)", value: Some(*PAGE_SIZES.start() as u64), past_it: "meta-invalid" },
    Limit { what: "page size, largest (bytes)", value: Some(*PAGE_SIZES.end() as u64), past_it: "meta-invalid" },
    Limit {
        what: "page size, largest without a valid meta page (bytes)",
        value: Some(1 << *TRIED_PAGE_SIZES.end()),
        past_it: "an error: none of the formats known here",
    },
    Limit { what: "content held in memory (bytes; --max-size)", value: Some(HELD_CONTENT), past_it: "not-read, which names the option" },
    Limit { what: "size of a file that is not held in memory", value: None, past_it: "-" },
    Limit { what: "depth of buckets", value: None, past_it: "each page is entered once" },
    Limit { what: "pages of a run", value: None, past_it: "overflow-past-end beyond the file" },
    Limit { what: "length of a name, key or value", value: None, past_it: "element-out-of-bounds beyond its page" },
    Limit { what: "records of a file", value: None, past_it: "rows are streamed; memory grows with keys and pages" },
    Limit { what: "anomalies listed of a class", value: Some(LISTED_ANOMALIES), past_it: "not-listed, with their number" },
    Limit { what: "number among the writes of a revision, outside the tree", value: Some(RESIDUE_SUB), past_it: "limit-passed" },
    Limit { what: "length of a write outside the tree (bytes)", value: Some(RESIDUE_WRITE), past_it: "limit-passed" },
    Limit {
        what: "key before a value found by its content (bytes)",
        value: Some(FRAMED_KEY as u64),
        past_it: "the value's key is not known",
    },
    Limit { what: "JSON object found by its content (bytes)", value: Some(CARVED_JSON as u64), past_it: "not found" },
    Limit { what: "nesting of a CBOR object", value: Some(CBOR_DEPTH as u64), past_it: "object-invalid" },
    Limit { what: "nesting of a request in the log", value: Some(REQUEST_DEPTH as u64), past_it: "wal-request-invalid" },
    Limit { what: "directories in each other below one that is given", value: Some(DIRECTORY_DEPTH as u64), past_it: "not-read" },
    Limit { what: "names below a directory that is given", value: Some(DIRECTORY_NAMES as u64), past_it: "not-read" },
    Limit { what: "containers in each other", value: Some(CONTAINER_DEPTH as u64), past_it: "not-read" },
    Limit { what: "files in the containers of an input", value: Some(CONTAINER_FILES as u64), past_it: "not-read" },
    Limit { what: "size of an EncryptionConfiguration (bytes)", value: Some(CONFIGURATION as u64), past_it: "an error" },
];
