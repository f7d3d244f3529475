//! The rules of the house that a program can check.

use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    for (path, _) in &mut found {
        *path = path.strip_prefix(&root).unwrap().to_owned();
    }
    found
}

fn outside(rooms: &[&str], words: &[&str]) -> Vec<PathBuf> {
    let all = sources();
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
fn no_file_is_longer_than_400_lines_of_program() {
    // Tests beside the type are read apart from it.
    let program = |text: &str| {
        text.split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .lines()
            .count()
    };
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| program(text) > 400)
        .map(|(path, _)| path)
        .collect();
    assert_eq!(long, Vec::<PathBuf>::new());
}
