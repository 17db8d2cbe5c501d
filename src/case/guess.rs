//! What bytes that are no etcd database look like, so that an error can say more than "not ours".

use crate::evidence::container::ends_like_zip;
use crate::evidence::packed::Packed;

/// A guess at foreign content, as the end of the sentence "it looks like …", and what to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    /// Such as "an SQLite database".
    pub what: &'static str,
    /// What the user can try.
    pub hint: &'static str,
}

/// What bytes look like that are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// Of a form that can hold an etcd's data, and that this program does not read.
    NotSupported(Guess),
    /// Anything else.
    Other(Guess),
}

const CPIO: Guess = Guess { what: "a cpio archive", hint: "unpack it first (cpio -id), or search it as it stands: etcd-sleuth carve" };

/// First bytes of forms that can hold an etcd's data: offset, bytes, guess.
const NOT_SUPPORTED: &[(usize, &[u8], Guess)] = &[
    (
        0,
        b"SQLite format 3\0",
        Guess {
            what: "an SQLite database; this may be a k3s kine datastore (state.db)",
            hint: "k3s with SQLite has no etcd snapshot: query the table kine with sqlite3; Secrets stand in its column value",
        },
    ),
    (0, b"070701", CPIO),
    (0, b"070702", CPIO),
    (0, b"070707", CPIO),
    (0, b"\xc7\x71", CPIO),
    (0, b"!<arch>\n", Guess { what: "an ar archive, such as a Debian package", hint: "unpack it first (ar x)" }),
    (
        0,
        b"[{\"etcdEvent\":",
        Guess {
            what: "a delta snapshot of etcd-backup-restore (Gardener), with the events since a full one",
            hint: "its keys and values stand in it in base64, Secrets too where they are stored in plaintext: treat it as readable; carve counts what it holds",
        },
    ),
];

const UTF16: Guess = Guess {
    what: "text in UTF-16, as Windows PowerShell writes what it redirects",
    hint: "write it as UTF-8 (iconv -f UTF-16 -t UTF-8), or search it as it stands: etcd-sleuth carve",
};

/// First bytes that give another format away.
const OTHER: &[(usize, &[u8], Guess)] = &[
    (
        8,
        &[8, 4, 0x10],
        Guess { what: "an etcd write-ahead log", hint: "etcd-sleuth scan reads it; this command reads the database beside it, ../snap/db" },
    ),
    (0, b"\xff\xfe", UTF16),
    (0, b"\xfe\xff", UTF16),
    (0, b"PK\x05\x06", Guess { what: "an empty zip archive", hint: "fetch it again from where it came from" }),
    (0, b"\x7fELF", Guess { what: "an ELF program or core dump", hint: "name an etcd snapshot" }),
    (0, b"-----BEGIN ", Guess { what: "a PEM file", hint: "name an etcd snapshot" }),
    (0, b"k8s:enc:", Guess { what: "one encrypted Kubernetes value, not a whole database", hint: "name the snapshot it came from" }),
    (0, b"k8s\0", Guess { what: "one Kubernetes object as stored in etcd, not a whole database", hint: "name the snapshot it came from" }),
];

/// Words in a text file that give it away.
const WORDS: &[(&str, Guess)] = &[
    (
        "EncryptionConfig",
        Guess { what: "an EncryptionConfiguration; it holds keys, so keep it away from backups", hint: "name an etcd snapshot" },
    ),
    ("kubeconfig", Guess { what: "a text file that speaks of a kubeconfig", hint: "name an etcd snapshot" }),
    (
        "<html",
        Guess {
            what: "an HTML page; the download may have been an error page",
            hint: "fetch it again and look at what the server answers",
        },
    ),
    (
        "<?xml",
        Guess { what: "an XML document; object stores answer errors so", hint: "fetch it again and look at what the server answers" },
    ),
];

impl Foreign {
    /// As the end of the sentence "it looks like …".
    pub(super) fn what(self) -> &'static str {
        let (Self::NotSupported(guess) | Self::Other(guess)) = self;
        guess.what
    }

    /// Looks at the first bytes only.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let packed = || Packed::of(bytes).and_then(|packed| packed.told).map(|(what, hint)| Guess { what, hint });
        match by_magic(NOT_SUPPORTED, bytes).or_else(packed).or_else(|| ends_like_zip(bytes).then_some(ZIP)) {
            Some(guess) => Self::NotSupported(guess),
            None => Self::Other(by_magic(OTHER, bytes).unwrap_or_else(|| by_text(bytes))),
        }
    }
}

const ZIP: Guess = Guess {
    what: "a zip archive behind bytes that are none of it",
    hint: "unpack it first (unzip; zip -FF where that fails), and give its files",
};

fn by_magic(table: &[(usize, &[u8], Guess)], bytes: &[u8]) -> Option<Guess> {
    let is_of = |(offset, magic, _): &&(usize, &[u8], Guess)| bytes.get(*offset..).is_some_and(|rest| rest.starts_with(magic));
    table.iter().find(is_of).map(|(_, _, guess)| *guess)
}

fn by_text(bytes: &[u8]) -> Guess {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    if bytes.is_empty() {
        return Guess { what: "an empty file", hint: "fetch it again; a full disk leaves empty files too" };
    }
    if crate::evidence::range::is_zero(head) {
        return Guess { what: "zeros", hint: "fetch it again; a file that was allocated but never written looks so" };
    }
    if let Some(text) = as_text(head) {
        return WORDS
            .iter()
            .find(|(word, _)| text.contains(word))
            .map_or(Guess { what: "a text file", hint: "name an etcd snapshot" }, |(_, guess)| *guess);
    }
    Guess {
        what: "none of the formats known here",
        hint: "if it was an etcd snapshot, its first pages are lost: fetch it again, or another member's; what is left of its values is \
               found by etcd-sleuth carve",
    }
}

/// The head as text: UTF-8 (cut anywhere) without control characters other than white space.
fn as_text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => std::str::from_utf8(head.get(..e.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    let printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    (!text.is_empty() && text.chars().all(printable)).then_some(text)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn common_mistakes_are_recognised() {
        // A segment's first frame: length 4 with 4 bytes padding, then type=4 (crc), crc=0.
        let wal = [4, 0, 0, 0, 0, 0, 0, 0x84, 8, 4, 0x10, 0, 0, 0, 0, 0];
        for (bytes, what) in [
            (&b"SQLite format 3\0...."[..], "SQLite"),
            (&wal, "write-ahead log"),
            (b"apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n", "EncryptionConfiguration"),
            (b"hello\n", "text file"),
            (b"", "empty"),
            (&[0; 100], "zeros"),
            (&[0xff, 1, 2, 3], "none of the formats"),
        ] {
            let (Foreign::NotSupported(guess) | Foreign::Other(guess)) = Foreign::of(bytes);
            assert!(guess.what.contains(what), "{what}: {guess:?}");
        }
    }
}
