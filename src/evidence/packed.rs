//! Forms that hold other bytes packed, encrypted or in an order of their own, and that are not opened: the one list, for a whole input
//! (what it is, and what to do) and for a search of any bytes (that something there was not looked into).
//!
//! | form | begins with | and then, within other bytes |
//! |---|---|---|
//! | gzip (RFC 1952, 1951) | `1f 8b 08` | flags, a time, how hard it tried, a system, a block of a known type |
//! | zstd (RFC 8878) | `28 b5 2f fd` | a header without reserved bits, a block that is not larger than one may be |
//! | zip (APPNOTE 4.3.7) | `50 4b 03 04` | a version, a method that compresses, a name |
//! | xz (file format 2.1.1) | `fd 37 7a 58 5a 00` | `00` and a kind of check |
//! | bzip2 | `BZh` and a digit | the digits of π |
//! | zlib (RFC 1950) | `78` and a level | bytes come out of it |
//! | compress | `1f 9d`, a size of codes | codes that are no larger than they can be so far |
//! | lzma alone | `5d 00 00` | a size of a dictionary, a size that is not known, a first byte of zero |
//! | RAR | `52 61 72 21 1a 07` | a format that there is |
//! | lz4 (frame format 1.6, legacy) | `04 22 4d 18`, `02 21 4c 18` | version 1, a size of blocks that there is |
//! | 7-Zip, lzip, lzop, ZPAQ, snappy | their signs | |
//! | openssl enc, age, OpenPGP, Ansible Vault, SOPS | their first words | the rest of a header, and what may be encrypted |
//! | LUKS, BitLocker | their signs | |
//! | qcow2, VMDK, VHD, VHDX, VDI, EnCase, AFF, SquashFS | their signs | a version that there is |
//!
//! gzip, zstd and zip are opened where an input begins with them ([`super::Container`]); within other bytes nothing is.

mod gzip;
mod headers;
mod text;

pub(crate) use self::gzip::gunzip;

use super::range;

/// A form of this kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed {
    /// What it does to the bytes that it holds.
    pub how: PackedHow,
    /// As the end of the sentence "it looks like …", and what to do with it. `None`: an input of it is opened.
    pub told: Option<(&'static str, &'static str)>,
    /// Bytes that are looked for.
    pub sign: &'static [u8],
    /// Where in it the sign stands; `None`: anywhere in a text.
    at: Option<usize>,
    /// Whether an input begins so, by its first bytes.
    starts: Test,
    /// Whether one begins here, where anything may stand.
    begins: Test,
}

type Test = fn(&[u8]) -> bool;

/// What a form does to the bytes that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PackedHow {
    /// They are compressed.
    Compressed,
    /// They are encrypted.
    Encrypted,
    /// They are a disk's, in blocks of which the order is its own, or compressed.
    Image,
}

/// Text that is looked at for a sign that may stand anywhere.
const HEAD: usize = 4096;

impl Packed {
    /// The form of an input, that is not opened.
    pub(crate) fn of(bytes: &[u8]) -> Option<&'static Self> {
        let is_of = |packed: &&Self| match packed.at {
            Some(at) => bytes.get(at..).is_some_and(|rest| rest.starts_with(packed.sign)) && (packed.starts)(bytes),
            None => memchr::memmem::find(bytes.get(..HEAD).unwrap_or(bytes), packed.sign).is_some(),
        };
        ALL.iter().filter(|packed| packed.told.is_some()).find(is_of)
    }

    /// Whether it begins with the first byte of what it is.
    pub(crate) fn is_whole(&self) -> bool {
        self.at.is_some()
    }

    /// Each, for a search of any bytes.
    pub(crate) fn all() -> &'static [Self] {
        ALL
    }

    /// Where one begins of which the sign stands `at`.
    pub(crate) fn begun(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let start = at.checked_sub(self.at.unwrap_or(0))?;
        bytes.get(start..).is_some_and(self.begins).then_some(start)
    }

    /// Whether one begins these bytes, which may be anything.
    pub(crate) fn is_begun(bytes: &[u8]) -> bool {
        let is_of = |packed: &Self| {
            let at = packed.at.unwrap_or(0);
            bytes.get(at..).is_some_and(|rest| rest.starts_with(packed.sign)) && packed.begun(bytes, at) == Some(0)
        };
        ALL.iter().any(is_of)
    }

    /// Whether bytes, behind zeros perhaps, are raw deflate that is short: it has no sign, and is looked for nowhere else.
    pub(crate) fn is_short_deflate(bytes: &[u8]) -> bool {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        headers::raw_deflate(bytes.get(zeros..).unwrap_or_default())
    }

    const fn new(how: PackedHow, sign: &'static [u8], what: &'static str, hint: &'static str) -> Self {
        Self { how, told: Some((what, hint)), sign, at: Some(0), starts: anything, begins: anything }
    }

    const fn compressed(sign: &'static [u8], what: &'static str, hint: &'static str) -> Self {
        Self::new(PackedHow::Compressed, sign, what, hint)
    }

    const fn encrypted(sign: &'static [u8], what: &'static str) -> Self {
        Self::new(PackedHow::Encrypted, sign, what, "decrypt it first")
    }

    const fn image(sign: &'static [u8], what: &'static str) -> Self {
        Self::new(PackedHow::Image, sign, what, "make a raw image of it first (qemu-img convert -O raw), and search that with carve")
    }

    const fn opened(sign: &'static [u8], begins: Test) -> Self {
        Self { how: PackedHow::Compressed, told: None, sign, at: Some(0), starts: anything, begins }
    }

    /// Within other bytes more is asked than the sign.
    const fn within(self, begins: Test) -> Self {
        Self { begins, ..self }
    }

    /// The sign alone is too short for an input too.
    const fn always(self, test: Test) -> Self {
        Self { starts: test, begins: test, ..self }
    }

    const fn at(self, at: usize) -> Self {
        Self { at: Some(at), ..self }
    }

    const fn anywhere(self) -> Self {
        Self { at: None, ..self }
    }
}

fn anything(_: &[u8]) -> bool {
    true
}

const ZLIB: (&str, &str) = ("a zlib stream", "unpack it first (zlib-flate -uncompress, or Python's zlib.decompress)");
const ENCASE: &str = "make a raw image of it first (ewfexport -f raw), and search that with carve";

/// What stands first is told of an input that two would fit.
const ALL: &[Packed] = &[
    Packed::opened(b"\x1f\x8b\x08", headers::gzip),
    Packed::opened(b"\x28\xb5\x2f\xfd", headers::zstd),
    Packed::opened(b"PK\x03\x04", headers::zip),
    Packed::compressed(b"\xfd7zXZ\0", "an xz archive", "unpack it first (xz -dk)").within(headers::xz),
    Packed::compressed(b"BZh", "a bzip2 archive", "unpack it first (bzip2 -dk)").within(headers::bzip2),
    Packed::compressed(b"\x04\x22\x4d\x18", "an lz4 archive", "unpack it first (lz4 -dk)").within(headers::lz4),
    Packed::compressed(b"\x02\x21\x4c\x18", "an lz4 archive of the legacy format", "unpack it first (lz4 -dk)").within(headers::lz4_legacy),
    Packed::compressed(b"\x1f\x9d", "a file packed by compress", "unpack it first (uncompress)").within(headers::compress),
    Packed::compressed(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first (7z x)"),
    Packed::compressed(b"Rar!\x1a\x07", "a RAR archive", "unpack it first (unrar x)").within(headers::rar),
    Packed::compressed(b"LZIP\x01", "an lzip archive", "unpack it first (lzip -dk)"),
    Packed::compressed(b"\x89LZO\0\r\n\x1a\n", "an lzop archive", "unpack it first (lzop -d)"),
    Packed::compressed(b"7kSt", "a ZPAQ archive", "unpack it first (zpaq x)").within(headers::zpaq),
    Packed::compressed(b"\xff\x06\0\0sNaPpY", "a file packed by snappy", "unpack it first (snzip -dk)"),
    Packed::compressed(b"\x5d\0\0", "an lzma archive", "unpack it first (xz -dk --format=lzma)").always(headers::lzma),
    Packed::compressed(b"\x78\x01", ZLIB.0, ZLIB.1).always(headers::zlib),
    Packed::compressed(b"\x78\x5e", ZLIB.0, ZLIB.1).always(headers::zlib),
    Packed::compressed(b"\x78\x9c", ZLIB.0, ZLIB.1).always(headers::zlib),
    Packed::compressed(b"\x78\xda", ZLIB.0, ZLIB.1).always(headers::zlib),
    Packed::encrypted(b"Salted__", "a file encrypted by openssl enc").within(text::openssl),
    Packed::encrypted(b"U2FsdGVkX1", "a file encrypted by openssl enc, in base64").within(text::openssl_base64),
    Packed::encrypted(b"age-encryption.org/v", "a file encrypted by age").within(text::age),
    Packed::encrypted(b"-----BEGIN AGE ENCRYPTED FILE-----", "a file encrypted by age").within(text::age_armored),
    Packed::encrypted(b"-----BEGIN PGP MESSAGE-----", "a file encrypted by OpenPGP").within(text::pgp_armored),
    Packed::encrypted(b"$ANSIBLE_VAULT;", "a file encrypted by Ansible Vault").within(text::ansible),
    Packed::encrypted(b"ENC[AES256_GCM,data:", "a file encrypted by SOPS").anywhere().within(text::sops),
    Packed::encrypted(b"LUKS\xba\xbe\0", "a volume encrypted by LUKS").within(headers::luks),
    Packed::encrypted(b"-FVE-FS-", "a volume encrypted by BitLocker").at(3),
    Packed::image(b"QFI\xfb", "a disk image in qcow2").within(headers::qcow),
    Packed::image(b"KDMV", "a disk image in VMDK").within(headers::vmdk),
    Packed::image(b"vhdxfile", "a disk image in VHDX"),
    // At the end of a raw image stands the same, with another kind.
    Packed::image(b"conectix", "a disk image in VHD").always(headers::vhd),
    Packed::image(b"\x7f\x10\xda\xbe", "a disk image in VDI").at(64).within(headers::vdi),
    Packed::image(b"hsqs", "a SquashFS file system").within(headers::squashfs),
    Packed { told: Some(("a disk image by EnCase (E01)", ENCASE)), ..Packed::image(b"EVF\x09\r\n\xff\0", "") },
    Packed { told: Some(("a disk image by EnCase (Ex01)", ENCASE)), ..Packed::image(b"EVF2\r\n\x81\0", "") },
    Packed::image(b"AFF10\r\n\0", "a disk image in AFF"),
];
