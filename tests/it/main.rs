//! Everything that runs the binary, or the library on whole files: one crate, so that it is linked once. A module is a subject.
//!
//! `cargo test NAME` runs the tests whose path holds the name: a module (`cargo test readme::`) or a test. `cargo xtask test
//! --fast` leaves out those in `slow.txt`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics fails"
)]

mod advice;
mod agreement;
mod bad_input;
mod canary;
mod carve;
mod carve_and_scan;
mod carve_passed_over;
mod clusters;
mod common;
mod container_bytes;
mod containers;
mod current_known;
mod damage;
mod description;
mod differential;
mod directory_roles;
mod divergence;
mod features;
mod fuzz_corpora;
mod given;
mod golden;
mod hostile_names;
mod kms_aws;
mod kms_go_plugin;
mod kms_moto;
mod kms_openbao;
mod kms_plugin;
mod kms_whole_migration;
mod layering;
mod lives;
mod log;
mod memory;
mod migration;
mod migration_alias;
mod migration_calls;
mod migration_plugins;
mod not_read;
mod one_run;
mod opening;
mod options;
mod outside;
mod page_states;
mod public_api;
mod readme;
mod record_words;
mod records;
mod recover;
mod recover_loss;
mod requirement;
mod requirement_by_resource;
mod residue;
mod retire;
mod same_value;
mod screen;
mod story;
mod system_calls;
mod terminal;
mod truth;
mod v2_api;
mod verdict;
mod verify;
mod within;
