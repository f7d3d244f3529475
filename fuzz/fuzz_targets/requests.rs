//! Requests to the whole server, in process; the first byte chooses which.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| saryno_fuzz::requests(bytes));
