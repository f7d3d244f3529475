//! A settings file, and after a NUL, variables: taken, or refused with a sentence.

#![no_main]

use figment::Jail;
use saryno::config::{Flags, Settings};
use saryno_fuzz::{Given, told};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(given) = Given::read(bytes) else {
        return;
    };
    Jail::expect_with(|jail| {
        jail.create_file("saryno.toml", given.file)?;
        for (name, value) in &given.variables {
            jail.set_env(format!("SARYNO_{name}"), value);
        }
        match Settings::load(None, &Flags::default()) {
            Ok(settings) => {
                let printed = format!("{:?}", settings.config);
                let listed = serde_json::to_string(&settings.list()).expect("settings as JSON");
                told(&given, &printed);
                told(&given, &listed);
                assert!(settings.config.url().starts_with("http"));
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                told(&given, &error.to_string());
            }
        }
        Ok(())
    });
});
