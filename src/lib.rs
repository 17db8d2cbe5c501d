//! stub
#![deny(unsafe_code)]
pub mod analysis;
pub mod bbolt;
pub mod envelope;
pub mod etcd;
pub mod evidence;
pub mod finding;
pub mod kubernetes;
pub mod report;
pub mod wire;
