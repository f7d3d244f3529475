//! Whatever bytes come as an image: nothing panics, memory stays bounded, and what is stored is whole.
//!
//! From the root of the repository, with `cargo install cargo-fuzz` and a nightly compiler:
//!
//! ```sh
//! cargo run --manifest-path fuzz/Cargo.toml --example seeds   # one small image of each kind, into fuzz/corpus/image
//! cargo +nightly fuzz run image -- -max_len=65536 -timeout=20 -max_total_time=600
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use saryno::images::{Format, Size, Upload, develop, render};

fuzz_target!(|bytes: &[u8]| {
    let Ok(upload) = Upload::from_bytes(bytes.to_vec()) else {
        return;
    };
    let Ok(image) = develop(&upload) else {
        return;
    };
    for format in [Format::Png, Format::Webp] {
        for size in [None, Some(Size::ALL[0])] {
            render(image.png.clone(), format, size).expect("what is stored can be shown");
        }
    }
    let again = Upload::from_bytes(image.png.clone()).expect("what is stored may be sent");
    assert!(
        develop(&again).as_ref() == Ok(&image),
        "developing what is stored changes it"
    );
});
