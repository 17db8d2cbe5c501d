//! The records of a pax header, which say more of the entry behind it, or of all: `LENGTH KEY=VALUE` and the end of a line.
//!
//! Source: POSIX.1-2017, pax, "pax Extended Header"; star(5); libarchive, tar(5).

use super::beside::Beside;

/// Records that hold no more than they say, with the most bytes that each takes: times, owners, sizes, paths, attributes.
const KNOWN: [(&[u8], usize); 18] = [
    (b"path", 4096),
    (b"linkpath", 4096),
    (b"size", 32),
    (b"mtime", 32),
    (b"atime", 32),
    (b"ctime", 32),
    (b"uid", 32),
    (b"gid", 32),
    (b"uname", 64),
    (b"gname", 64),
    (b"charset", 64),
    (b"hdrcharset", 64),
    (b"GNU.sparse.", 4096),
    (b"GNU.volume.", 128),
    (b"LIBARCHIVE.", 128),
    (b"MSWINDOWS.", 128),
    (b"RHT.security.selinux", 128),
    (b"SCHILY.", 128),
];

/// Counts what stands in records that are not known, and in none.
pub(super) fn look_beside(mut records: &[u8], beside: &mut Beside) {
    while !records.is_empty() {
        let Some((key, value, behind)) = record(records) else { return beside.add("pax headers", records) };
        let is_known = |(known, most): &(&[u8], usize)| {
            let is_it = if known.ends_with(b".") { key.starts_with(known) } else { key == *known };
            is_it && key.len() <= known.len().saturating_add(*most) && value.len() <= *most
        };
        if !KNOWN.iter().any(is_known) {
            beside.add("pax headers", value);
        }
        records = behind;
    }
}

/// The key and the value of the first record, and what stands behind it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = memchr::memchr(b' ', records)?;
    let length = std::str::from_utf8(records.get(..blank)?).ok()?.parse::<usize>().ok()?;
    let (record, behind) = records.split_at_checked(length)?;
    let record = record.get(blank.checked_add(1)?..)?.strip_suffix(b"\n")?;
    let (key, value) = record.split_at_checked(memchr::memchr(b'=', record)?)?;
    Some((key, value.get(1..)?, behind))
}
