//! Names, tags, ids and times.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| saryno_fuzz::names(bytes));
