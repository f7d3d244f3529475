//! Tokens, cookies, codes, passwords and idempotency keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| saryno_fuzz::credentials(bytes));
