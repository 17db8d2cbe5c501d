//! KMS v1: a data encryption key of its own for every write, wrapped by the plugin.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 2 | length of the wrapped DEK, big-endian |
//! | 2 | n | wrapped DEK, as the plugin returned it |
//! | 2 + n | … | payload: AES-GCM (nonce 12, tag 16), before Kubernetes 1.25 AES-CBC (IV 16) |
//!
//! The envelope names no key of the KMS. Source: k8s.io/apiserver `envelope/envelope.go`.

use super::open::DekSourceKind;
use super::{Annotations, KmsEnvelope, Malformed, Provider};
use crate::evidence::number::be_u16;
use nom::Parser;
use nom::combinator::{rest, verify};
use nom::multi::length_data;

/// The smallest payload: nonce and tag of AES-GCM around no bytes.
const SMALLEST_PAYLOAD: usize = 28;

/// What follows the provider's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KmsV1<'data> {
    /// The wrapped DEK.
    pub wrapped_dek: &'data [u8],
    /// The sealed object.
    pub payload: &'data [u8],
}

impl<'data> KmsV1<'data> {
    /// Reads it; `None` where the lengths do not fit.
    pub fn parse(bytes: &'data [u8]) -> Option<Self> {
        let wrapped = verify(length_data(be_u16), |dek: &[u8]| !dek.is_empty());
        let payload = verify(rest, |payload: &[u8]| payload.len() >= SMALLEST_PAYLOAD);
        let read: nom::IResult<_, _> = (wrapped, payload).parse(bytes);
        let (_, (wrapped_dek, payload)) = read.ok()?;
        Some(Self { wrapped_dek, payload })
    }
}

/// What the envelope says, as of any KMS.
pub(super) fn read(bytes: &[u8]) -> Result<KmsEnvelope<'_>, Malformed> {
    let KmsV1 { wrapped_dek, payload } =
        KmsV1::parse(bytes).ok_or_else(|| Malformed("what follows the name is no wrapped DEK with a payload".to_owned()))?;
    Ok(KmsEnvelope {
        provider: Provider::KmsV1,
        key_id: None,
        dek_source_type: None,
        dek_source_kind: Some(DekSourceKind::KeyOfOneValue),
        dek_source: wrapped_dek,
        annotations: Annotations::default(),
        sealed: payload,
        limit_passed: None,
    })
}
