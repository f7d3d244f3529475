//! The documentation as a person has it, in a real browser: calls are tried in the reference, and nothing is promised that isn't there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::described::description;
use crate::visit::Visit;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/docs");
    fs::read_to_string(path.join(name)).unwrap()
}

/// What stands between the two, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split_once(after))
        .map(|(found, _)| found)
        .collect()
}

fn operation(id: &str) -> String {
    format!("//*[contains(@class, 'opblock')][.//*[@data-path]][contains(@id, '-{id}')]")
}

#[test]
fn with_a_token_of_their_own_somebody_tries_calls_in_the_reference() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let made = visit.user("Ada", &["--discriminator", "0007", "--token"]);
    let token = made["token"].as_str().unwrap();
    browser.open(&format!("{}/docs/", visit.server.url));
    let call = |id: &str| {
        browser.click(&format!(
            "{}//button[contains(@class, 'opblock-summary-control')]",
            operation(id)
        ));
        browser.click(&format!("{}//button[.='Execute']", operation(id)));
    };
    // Without one, it is said what is missing.
    call("getMe");
    browser.expect(&format!(
        "{}//*[contains(@class, 'live-responses-table')][contains(., '401')][contains(., 'unauthorized')]",
        operation("getMe")
    ));

    browser.click("//button[contains(@class, 'authorize')]");
    browser.fill("Value:", token);
    browser.click("//*[contains(@class, 'modal-ux')]//button[.='Authorize']");
    browser.click("//*[contains(@class, 'modal-ux')]//button[.='Close']");
    browser.click(&format!("{}//button[.='Execute']", operation("getMe")));
    browser.expect(&format!(
        "{}//*[contains(@class, 'live-responses-table')][contains(., '200')][contains(., 'Ada')][contains(., '0007')]",
        operation("getMe")
    ));
    assert_eq!(
        browser
            .complaints()
            .iter()
            .filter(|line| !line.contains("a status of 401"))
            .count(),
        0
    );

    // It lies nowhere where it would outlive the page.
    let kept = "return JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])";
    let kept = browser.run(kept);
    assert!(!kept.as_str().unwrap().contains(token));
}

#[test]
fn the_reference_shows_every_operation() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    browser.open(&format!("{}/docs/", visit.server.url));
    browser.expect("//*[contains(@class, 'opblock-summary')]");
    let paths = description().document["paths"]
        .as_object()
        .unwrap()
        .values();
    let due = paths
        .map(|path| path.as_object().unwrap().len())
        .sum::<usize>();
    let shown = "return document.querySelectorAll('.opblock').length";
    assert!(
        browser.comes_to(shown, &Value::from(due)),
        "{}",
        browser.run(shown)
    );
}

#[test]
fn the_guides_lead_where_something_is() {
    let guides = page("guides.html");
    let sections: BTreeSet<_> = between(&guides, "<section id=\"", "\"")
        .into_iter()
        .collect();
    let contents: BTreeSet<_> = between(&guides, "<a href=\"#", "\"")
        .into_iter()
        .filter(|link| *link != "main")
        .collect();
    assert_eq!(contents, sections);
    assert!(sections.len() > 9);
}

#[test]
fn the_guides_name_requests_that_there_are() {
    let guides = page("guides.html");
    let document = &description().document;
    let operations: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let mut named = 0;
    for code in between(&guides, "<code>", "</code>") {
        let Some((method, path)) = code.lines().next().unwrap().split_once(' ') else {
            continue;
        };
        if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) {
            continue;
        }
        let path = path.split('?').next().unwrap().trim_start_matches("/v1");
        assert!(operations.contains(&format!("{method} {path}")), "{code}");
        named += 1;
    }
    assert!(named > 4);
}

/// `packaging/licences.toml` tells how it is written.
#[test]
fn every_crate_that_the_program_is_made_of_stands_among_the_licences_with_its_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}", "--no-dedupe"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    let due: BTreeSet<_> = tree
        .lines()
        .filter(|line| {
            !line.is_empty() && !line.starts_with("saryno ") && !line.contains("(proc-macro)")
        })
        .map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next().unwrap(), words.next().unwrap());
            format!("{name} {}", version.trim_start_matches('v'))
        })
        .collect();
    assert!(due.len() > 100);
    let page = page("licences.html");
    let named: BTreeSet<_> = between(&page, "<li>", "</li>")
        .into_iter()
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = due.difference(&named).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
