//! stub
#![deny(unsafe_code)]
pub mod bbolt;
pub mod envelope;
pub mod etcd;
pub mod evidence;
pub mod kubernetes;
pub mod wire;
