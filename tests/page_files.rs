//! The admin page's files: what is vendored, what they may not contain, and how they are served.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rocket::http::Method;
use sha2::{Digest, Sha256};

use crate::support::{Answer, Server, failure};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("static")
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, mut found): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}

/// The files that are ours.
fn own() -> Vec<PathBuf> {
    let mut own = files(&root());
    own.retain(|path| !path.starts_with(root().join("vendor")));
    assert!(own.len() > 20);
    own
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    server.send(Method::Get, path, &headers, None).await
}

#[test]
fn vendored_files_are_those_of_the_list_and_unchanged() {
    let vendor = root().join("vendor");
    let list = fs::read_to_string(vendor.join("README.md")).unwrap();
    let mut seen = 0;
    for path in files(&vendor) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "README.md" {
            continue;
        }
        let mut sum = String::new();
        for byte in Sha256::digest(fs::read(&path).unwrap()) {
            write!(sum, "{byte:02x}").unwrap();
        }
        let line = list
            .lines()
            .find(|line| line.starts_with(&format!("| {name} |")));
        assert!(
            line.is_some_and(|line| line.contains(&sum)),
            "{name} has the sum {sum}"
        );
        seen += 1;
    }
    // The head of the table and the line below it are no files.
    let lines = list.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(seen, lines - 2);
}

#[test]
fn the_admin_page_without_vendored_parts_is_smaller_than_150_kib() {
    let bytes: u64 = own()
        .iter()
        .filter(|path| {
            !["account", "docs", "openapi.json"]
                .iter()
                .any(|other| path.starts_with(root().join(other)))
        })
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes < 150 * 1024, "{bytes}");
}

#[test]
fn nothing_is_inline_nothing_comes_from_elsewhere_and_text_never_becomes_markup() {
    for path in own() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.display();
        // Texts for people may name an address, and licences do.
        let may_name_addresses = path.starts_with(root().join("docs"));
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "https://",
            "//cdn",
        ] {
            assert!(
                !text.contains(word) || may_name_addresses && word == "https://",
                "{name}: {word}"
            );
        }
        if path.extension().is_some_and(|kind| kind == "html") {
            let tags: Vec<_> = text
                .split('<')
                .skip(1)
                .filter_map(|rest| rest.split('>').next())
                .collect();
            for tag in tags {
                for word in ["style=", " on", "javascript:"] {
                    assert!(!tag.contains(word), "{name}: {tag}");
                }
                assert!(!tag.starts_with("style"), "{name}: {tag}");
                // Loaded from here, and from nowhere else.
                for (kind, due) in [("script", "src=\"./"), ("link", "href=\"./")] {
                    assert!(!tag.starts_with(kind) || tag.contains(due), "{name}: {tag}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_lies_in_a_directory_of_its_own() {
    let server = Server::start().await;
    for (at, script) in [
        ("/admin", "./app.js"),
        ("/account", "./account/app.js"),
        ("/docs", "./docs/reference.js"),
    ] {
        let moved = get(&server, at, &[]).await;
        let to = format!("{at}/");
        assert_eq!(
            (moved.status, moved.header("Location")),
            (308, Some(to.as_str()))
        );
        for address in [to.clone(), format!("{to}index.html")] {
            let page = get(&server, &address, &[]).await;
            assert_eq!(page.status, 200);
            assert_eq!(
                page.header("Content-Type"),
                Some("text/html; charset=utf-8")
            );
            assert!(page.text().starts_with("<!doctype html>"));
            let loaded = format!("<script type=\"module\" src=\"{script}\"");
            assert!(page.text().contains(&loaded), "{address}");
        }
        assert_eq!(
            get(&server, &format!("{at}{}", &script[1..]), &[])
                .await
                .status,
            200
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_only_what_comes_from_itself_and_stands_in_no_frame() {
    let server = Server::start().await;
    for path in [
        "/admin/",
        "/admin/app.js",
        "/admin/style.css",
        "/account/",
        "/docs/",
        "/docs/guides",
        "/docs/licences",
    ] {
        let answer = get(&server, path, &[]).await;
        let policy = answer.header("Content-Security-Policy").unwrap();
        for rule in ["default-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|given| given == rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
    }
    let api = get(&server, "/admin/api/state", &[]).await;
    assert_eq!(
        api.header("Content-Security-Policy"),
        Some("default-src 'none'; frame-ancestors 'none'")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let server = Server::start().await;
    let first = get(&server, "/admin/app.js", &[]).await;
    let tag = first.header("ETag").unwrap();
    assert_eq!(first.header("Cache-Control"), Some("no-cache"));
    for known in [tag, &format!("\"other\", {tag}"), "*"] {
        let again = get(&server, "/admin/app.js", &[("If-None-Match", known)]).await;
        assert_eq!((again.status, again.bytes.len()), (304, 0), "{known}");
        assert_eq!(again.header("ETag"), Some(tag));
    }
    let other = get(
        &server,
        "/admin/app.js",
        &[("If-None-Match", "W/\"other\"")],
    )
    .await;
    assert_eq!((other.status, &other.bytes), (200, &first.bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_compressed_for_whom_that_suits() {
    let server = Server::start().await;
    let plain = get(&server, "/admin/app.js", &[("Accept-Encoding", "br")]).await;
    assert_eq!(plain.header("Content-Encoding"), None);
    for refused in ["gzip;q=0", "gzip; q=0.000, br", "gzip;q=none", "*;q=0"] {
        let answer = get(&server, "/admin/app.js", &[("Accept-Encoding", refused)]).await;
        assert_eq!(answer.header("Content-Encoding"), None, "{refused}");
    }
    let shouted = get(&server, "/admin/app.js", &[("Accept-Encoding", "GZIP")]).await;
    assert_eq!(shouted.header("Content-Encoding"), Some("gzip"));
    let compressed = get(
        &server,
        "/admin/app.js",
        &[("Accept-Encoding", "br;q=1.0, gzip;q=0.8, *;q=0.1")],
    )
    .await;
    assert_eq!(compressed.header("Content-Encoding"), Some("gzip"));
    assert_eq!(compressed.header("Vary"), Some("Accept-Encoding"));
    assert!(compressed.bytes.len() * 2 < plain.bytes.len());
    let mut decoded = Vec::new();
    GzDecoder::new(compressed.bytes.as_slice())
        .read_to_end(&mut decoded)
        .unwrap();
    assert_eq!(decoded, plain.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_the_page_is_not_found() {
    let server = Server::start().await;
    for path in [
        "/admin/nothing.js",
        "/admin/pages",
        "/admin/vendor/README.md",
        "/admin/../Cargo.toml",
        "/admin/%2e%2e/Cargo.toml",
        "/admin/.hidden.js",
        "/admin/api",
        "/admin/api/nothing",
    ] {
        let answer = get(&server, path, &[]).await;
        assert_eq!(answer.fails(), failure(404, "not_found"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_beside_the_reference_has_no_slash_behind_it() {
    let server = Server::start().await;
    for page in ["/docs/guides", "/docs/licences"] {
        let moved = get(&server, &format!("{page}/"), &[]).await;
        assert_eq!((moved.status, moved.header("Location")), (308, Some(page)));
    }
}
