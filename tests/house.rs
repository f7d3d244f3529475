//! The rules of the house that a program can check.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files in a folder, by their paths there.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // What the compiler made of the fuzz targets is nobody's to read.
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found
}

fn outside(rooms: &[&str], words: &[&str]) -> Vec<PathBuf> {
    let all = sources("src");
    assert!(all.len() > 30, "the sources were not found");
    let outsiders = all
        .into_iter()
        .filter(|(path, _)| !rooms.iter().any(|room| path.starts_with(room)));
    outsiders
        .filter(|(_, text)| words.iter().any(|word| text.contains(word)))
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn the_database_is_known_under_store_sqlite_only() {
    assert_eq!(
        outside(&["store/sqlite"], &["rusqlite", "r2d2"]),
        Vec::<PathBuf>::new()
    );
}

#[test]
fn the_web_framework_is_known_to_the_routes_and_the_roots_only() {
    assert_eq!(
        outside(
            &["routes", "web", "admin", "account", "lib.rs", "main.rs"],
            &["rocket::"]
        ),
        Vec::<PathBuf>::new()
    );
}

#[test]
fn the_topics_know_neither_the_routes_nor_the_command_line_nor_the_adapter() {
    let known = [
        "crate::routes",
        "crate::web",
        "crate::admin::",
        "crate::account::",
        "crate::cli",
        "store::sqlite",
    ];
    assert_eq!(
        outside(
            &[
                "routes", "web", "admin", "account", "cli", "lib.rs", "main.rs"
            ],
            &known
        ),
        Vec::<PathBuf>::new()
    );
}

#[test]
fn each_file_says_first_what_lives_there() {
    for folder in ["benches", "fuzz/src", "packaging", "src", "tests"] {
        for (path, text) in sources(folder) {
            assert!(text.starts_with("//! "), "{folder}/{}", path.display());
        }
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut long = Vec::new();
    for folder in ["benches", "fuzz", "packaging", "src", "tests"] {
        for (path, text) in sources(folder) {
            if text.lines().count() > 400 {
                long.push(Path::new(folder).join(path));
            }
        }
    }
    assert_eq!(long, Vec::<PathBuf>::new());
}

/// SQLite tells of no row that a REPLACE takes away, nor of any that a DELETE without WHERE does: they would stay in memory.
#[test]
fn no_statement_changes_what_is_kept_in_memory_unseen() {
    assert_eq!(
        outside(&[], &["OR REPLACE", "REPLACE INTO", "ON CONFLICT REPLACE"]),
        Vec::<PathBuf>::new()
    );
    for (path, text) in sources("src") {
        for table in ["users", "tokens", "communities"] {
            for rest in text.split(&format!("DELETE FROM {table}")).skip(1) {
                assert!(rest.trim_start().starts_with("WHERE"), "{}", path.display());
            }
        }
    }
}

#[test]
fn every_promise_on_the_security_page_names_tests_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let promises = page.lines().filter(|line| {
        line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| promise |")
    });
    let mut missing = Vec::new();
    let mut count = 0;
    for promise in promises {
        // Between each pair of backticks is code.
        let named: Vec<_> = promise.split('`').skip(1).step_by(2).collect();
        let tests = named.iter().filter_map(|name| name.split_once("::"));
        let before = count;
        for (module, test) in tests {
            count += 1;
            let file = root.join("tests").join(format!("{module}.rs"));
            let text = fs::read_to_string(file).unwrap_or_default();
            if !text.contains(&format!("#[test]\nfn {test}()"))
                && !text.contains(&format!("]\nasync fn {test}()"))
            {
                missing.push(format!("{module}::{test}"));
            }
        }
        assert!(count > before, "no test holds: {promise}");
    }
    assert_eq!(missing, Vec::<String>::new());
    assert!(count > 50, "the tables were not found");
}
