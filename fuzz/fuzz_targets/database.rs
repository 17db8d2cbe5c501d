#![no_main]

#[path = "../structure.rs"]
mod structure;
#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { structure::mutate(data, size, max_size, seed) });
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::database(bytes));
