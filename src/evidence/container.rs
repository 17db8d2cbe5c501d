//! The layers that backups come packed in: gzip (kops), zip (k3s, RKE, RKE2), tar (OpenShift, and whoever keeps a data directory), zstd,
//! base64 (whatever goes through a terminal or a ConfigMap).
//!
//! | container | first bytes | source |
//! |---|---|---|
//! | gzip | `1f 8b` | RFC 1952 §2.3.1 |
//! | zstd | `28 b5 2f fd` | RFC 8878 §3.1.1 |
//! | zip | `50 4b 03 04` | APPNOTE.TXT §4.3.7 |
//! | tar | a header whose checksum is right, or `ustar` in its place | POSIX.1-2017, pax, "ustar Interchange Format" |
//! | base64 | no sign of its own: it is proven by what comes out | RFC 4648 §4 |
//!
//! One can be in the other. Whatever of a container nothing was taken out of is [`Left`], and told. Zeros behind its end are the
//! padding of tapes and block devices, and hold nothing.

mod base64;
mod format;
mod layers;
mod stream;
mod tar;
mod unpacked;
mod zip;

pub(super) use self::base64::may_be as may_be_base64;
pub use self::format::Container;
pub(crate) use self::layers::root_of;
pub(super) use self::layers::{Layers, Part, is_in, within};
pub use self::layers::{Left, Link};
pub use self::unpacked::Fault;
