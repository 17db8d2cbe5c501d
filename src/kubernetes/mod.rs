//! Kubernetes' side of a key and a value: which object it is, and what it says about itself.
//!
//! ```text
//! /registry / secrets / prod / db-password          key: prefix, group-resource, namespace, name
//! k8s\0 Unknown{ TypeMeta, raw: Secret{ … } }       value: protobuf, or JSON, or CBOR
//! ```
//! Nothing here knows of encryption: what is sealed is opened elsewhere and read here afterwards.
#![deny(clippy::arithmetic_side_effects)]

mod beginning;
mod cluster;
mod encoding;
pub mod fragment;
mod json;
mod key_material;
mod kubeadm;
mod object;
mod prefix;
mod protobuf;
mod resource;
mod secret;
mod secret_data;
mod storage_key;
mod yaml;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub(crate) use self::beginning::{Beginning, CBOR_MAGIC, TELLING};
pub use self::cluster::{ClusterId, ClusterIds};
pub use self::encoding::Encoding;
pub use self::key_material::KeyMaterial;
pub use self::kubeadm::KubeadmNames;
pub use self::object::{Object, Owner};
pub(crate) use self::prefix::PREFIXES_BY_DEFAULT;
pub use self::prefix::{PrefixVotes, Prefixes};
pub use self::resource::GroupResource;
pub use self::secret::{DataItem, Secret, as_document};
pub(crate) use self::secret_data::each_data_item;
pub use self::storage_key::StorageKey;

/// Messages generated from `proto/kubernetes.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/kubernetes.rs"));
}

/// Why an object cannot be read, though its first bytes say that it is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not a protobuf message where one must be.
    #[error("{what}: {damage}")]
    Protobuf {
        /// Which message.
        what: &'static str,
        /// What is wrong.
        damage: crate::wire::Damage,
    },
    /// The message that holds the object does not.
    #[error("the envelope message holds no object")]
    NoObject,
    /// Not JSON of the expected form. The parser's own words could quote the value, so they are not kept.
    #[error("not the JSON of an object (line {line}, column {column})")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Not CBOR of the expected form.
    #[error("not the CBOR of an object")]
    Cbor,
    /// An encoding whose objects are not read here.
    #[error("objects in {0} are not read")]
    Encoding(&'static str),
}
