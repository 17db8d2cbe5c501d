//! The layers that backups come packed in: gzip (kops), zip (k3s, RKE, RKE2), tar (OpenShift, and whoever keeps a data directory), zstd,
//! base64 (whatever goes through a terminal or a ConfigMap); and what a transfer in text mode makes of a file.
//!
//! | container | first bytes | source |
//! |---|---|---|
//! | gzip | `1f 8b` | RFC 1952 §2.3.1 |
//! | zstd | `28 b5 2f fd`, perhaps behind frames that decoders skip | RFC 8878 §3.1 |
//! | zip | `50 4b 03 04` | APPNOTE.TXT §4.3.7 |
//! | tar | a header whose checksum is right, or `ustar` in its place | POSIX.1-2017, pax, "ustar Interchange Format" |
//! | text mode | no sign of its own: every line feed has a carriage return before it | `container/text_mode.rs` |
//! | base64 | no sign of its own: it is proven by what comes out | RFC 4648 §4 |
//!
//! One can be in the other. Every byte of a container is in a file of it, of the structure that its form has, zero, or told as [`Left`]:
//! also what stands in a comment, an extra field, a frame that decoders skip. Zeros behind its end are the padding of tapes and block
//! devices, and hold nothing.

mod base64;
mod beside;
mod format;
mod layers;
mod pax;
mod stream;
mod tar;
mod text_mode;
mod unpacked;
mod zip;
mod zip_directory;
mod zip_entry;

pub(super) use self::base64::may_be as may_be_base64;
pub use self::format::Container;
pub(crate) use self::layers::root_of;
pub(super) use self::layers::{Layers, Part, is_in, within};
pub use self::layers::{Left, Link};
pub use self::unpacked::Fault;
pub(crate) use self::zip_directory::ends_like_zip;
