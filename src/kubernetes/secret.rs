//! Secrets: what may be shown of one, and, asked for on purpose, all of it.

use std::borrow::Cow;

use k8s_openapi::ByteString;
use prost::Message;
use zeroize::Zeroizing;

use super::encoding::{Encoding, PROTOBUF_MAGIC};
use super::object::Object;
use super::{Unreadable, json, pb, protobuf};

/// What may be shown of a Secret: everything but its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret<'data> {
    /// Type and metadata.
    pub object: Object<'data>,
    /// Such as `kubernetes.io/tls`; empty where none was stored.
    pub secret_type: Cow<'data, str>,
    /// Whether it may not be changed.
    pub immutable: bool,
    /// Names and lengths of its data, by name.
    pub data: Vec<DataItem<'data>>,
}

/// One entry of a Secret's data, without its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataItem<'data> {
    /// The data key.
    pub name: Cow<'data, str>,
    /// Bytes of the value.
    pub length: u64,
}

impl<'data> Secret<'data> {
    /// Reads a Secret that is not encrypted, without its values.
    ///
    /// # Errors
    /// The value is not of its encoding's form, or in an encoding that is not read.
    pub fn read(value: &'data [u8], encoding: Encoding) -> Result<Self, Unreadable> {
        match encoding {
            Encoding::Protobuf => protobuf::secret(value),
            Encoding::Json => json::secret(value),
            Encoding::Cbor => json::secret_of_cbor(value),
            Encoding::Yaml | Encoding::Other => Err(Unreadable::Encoding(encoding.name())),
        }
    }
}

/// A stored value as a document a person can read, **with its secret data**: the Kubernetes JSON of Secrets,
/// and of whatever is stored as JSON or CBOR. `None` for what only its own kind's schema could spell out.
///
/// # Errors
/// The value is not of its encoding's form.
pub fn as_document(value: &[u8], encoding: Encoding) -> Result<Option<Zeroizing<Vec<u8>>>, Unreadable> {
    match encoding {
        Encoding::Protobuf => protobuf_document(value),
        Encoding::Json | Encoding::Yaml => Ok(Some(Zeroizing::new(value.to_vec()))),
        Encoding::Cbor => json::json_of_cbor(value).map(Zeroizing::new).map(Some),
        Encoding::Other => Ok(None),
    }
}

fn protobuf_document(value: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unreadable> {
    let message = value.strip_prefix(PROTOBUF_MAGIC).ok_or(Unreadable::NoObject)?;
    let decode = |_| Unreadable::NoObject;
    let unknown = pb::Unknown::decode(message).map_err(decode)?;
    if unknown.type_meta.and_then(|meta| meta.kind).as_deref() != Some("Secret") {
        return Ok(None);
    }
    let stored = pb::Secret::decode(unknown.raw.as_deref().unwrap_or_default()).map_err(decode)?;
    let mut secret = k8s_openapi::api::core::v1::Secret {
        metadata: metadata(stored.metadata.unwrap_or_default()),
        data: Some(stored.data.into_iter().map(|(name, data)| (name, ByteString(data))).collect()),
        type_: stored.r#type,
        immutable: stored.immutable,
        ..Default::default()
    };
    let document = serde_json::to_vec_pretty(&secret).map(Zeroizing::new).map_err(|_| Unreadable::NoObject);
    secret.data.iter_mut().flat_map(|data| data.values_mut()).for_each(|bytes| zeroize::Zeroize::zeroize(&mut bytes.0));
    document.map(Some)
}

fn metadata(meta: pb::ObjectMeta) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
    let time = |time: pb::Time| jiff::Timestamp::from_second(time.seconds.unwrap_or(0)).ok().map(Time);
    let owner = |owner: pb::OwnerReference| OwnerReference {
        api_version: owner.api_version.unwrap_or_default(),
        kind: owner.kind.unwrap_or_default(),
        name: owner.name.unwrap_or_default(),
        uid: owner.uid.unwrap_or_default(),
        controller: owner.controller,
        block_owner_deletion: owner.block_owner_deletion,
    };
    k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
        name: meta.name,
        namespace: meta.namespace,
        uid: meta.uid,
        creation_timestamp: meta.creation_timestamp.and_then(time),
        deletion_timestamp: meta.deletion_timestamp.and_then(time),
        labels: (!meta.labels.is_empty()).then_some(meta.labels),
        annotations: (!meta.annotations.is_empty()).then_some(meta.annotations),
        owner_references: (!meta.owner_references.is_empty()).then(|| meta.owner_references.into_iter().map(owner).collect()),
        finalizers: (!meta.finalizers.is_empty()).then_some(meta.finalizers),
        ..Default::default()
    }
}
