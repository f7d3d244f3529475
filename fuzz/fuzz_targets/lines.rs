//! A file that is imported.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| saryno_fuzz::lines(bytes));
