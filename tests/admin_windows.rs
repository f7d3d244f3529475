//! Every view of the admin page in every window: its looks, its accessibility, its weight.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::{Browser, pictures};
use crate::executable::{agent, http, run_json};
use crate::visit::{Visit, heading};

const WIDTHS: [u32; 3] = [360, 1280, 2560];

/// Every address there is, of a store that has something for each.
fn views(visit: &Visit) -> Vec<(&'static str, String)> {
    let names = [
        "Ada",
        "Zoë",
        "<img src=x onerror=alert(1)>",
        "שלום עולם",
        "e\u{301}\u{302}\u{303}\u{304}lan",
        "👩‍🚀 star",
    ];
    let made: Vec<_> = names
        .iter()
        .map(|name| visit.user(name, &["--token", "--flag", "bot"]))
        .collect();
    let id = |index: usize| made[index]["user"]["id"].as_str().unwrap().to_owned();
    let call = |path: &str, body: &Value| {
        let url = format!("{}{path}", visit.server.url);
        let token = made[0]["token"].as_str().unwrap();
        let (status, answer) = http(&agent(), "POST", &url, token, &body.to_string()).unwrap();
        assert!(status < 300, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    };
    let recipients: Vec<_> = (1..names.len()).map(id).collect();
    call(
        "/users/@me/channels",
        &json!({ "type": 2, "recipient_id": id(2) }),
    );
    let group = call(
        "/users/@me/channels",
        &json!({ "type": 3, "recipient_ids": recipients, "name": "<b>Plans</b>" }),
    );
    let community = call("/communities", &json!({ "name": "<b>Tea</b> house" }));
    run_json(
        &visit.data,
        &["user", "disable", &id(3), "--reason", "Spam"],
    );
    run_json(&visit.data, &["invite", "create", "--expires", "7d"]);
    run_json(&visit.data, &["admin", "create", "other"]);
    let gone = visit.user("Gone", &[])["user"]["id"].clone();
    run_json(&visit.data, &["user", "delete", gone.as_str().unwrap()]);
    let ada = id(0);
    vec![
        ("overview", "#/".into()),
        ("users", "#/users".into()),
        ("nobody", "#/users?search=nobody".into()),
        ("user", format!("#/users/{ada}")),
        ("disabled", format!("#/users/{}", id(3))),
        ("tombstone", format!("#/users/{}", gone.as_str().unwrap())),
        ("names", format!("#/names?username=Ada&user={ada}")),
        ("communities", "#/communities".into()),
        ("community", format!("#/communities/{community}")),
        ("channels", format!("#/channels?user={ada}")),
        ("channel", format!("#/channels/{group}")),
        ("registration", "#/registration".into()),
        ("admins", "#/admins".into()),
        ("audit", "#/audit".into()),
        ("elsewhere", "#/elsewhere".into()),
    ]
}

/// Waits until the view of this address has come, and its data.
fn settle(browser: &Browser) {
    browser.expect("//main//h1");
    browser.wait("the data", || {
        let waiting = "return document.querySelectorAll('[aria-busy=true]').length";
        (browser.run(waiting) == 0).then_some(())
    });
}

/// Goes through every view, within a session and outside of one, in both schemes; what `look` finds at fault is handed back.
fn look_at_every_view(look: impl Fn(&Browser, &str) -> Vec<String>) -> Vec<String> {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let outside = vec![
        ("log-in", "#/".to_owned()),
        ("link", "#/password/code".to_owned()),
    ];
    let mut faults = Vec::new();
    for (views, log_out) in [(views(&visit), true), (outside, false)] {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            for (name, address) in &views {
                // Elsewhere first: from a view to itself there is no way.
                browser.open("about:blank");
                browser.resize(1280, 900);
                visit.open(address);
                settle(browser);
                faults.extend(look(browser, &format!("{name}-{scheme}")));
            }
        }
        if log_out {
            browser.resize(1280, 900);
            visit.open("#/users");
            browser.press("Log out");
            browser.expect(&heading("Log in"));
        }
    }
    faults
}

/// Whether there is nothing to scroll to at the side, once the lists have noticed their new width.
fn fits(browser: &Browser) -> bool {
    let root = "document.scrollingElement";
    let over = format!("return {root}.scrollWidth - {root}.clientWidth");
    browser.comes_to(&over, &json!(0))
}

#[test]
fn every_view_fits_every_window_and_complains_of_nothing() {
    let faults = look_at_every_view(|browser, view| {
        let mut faults = Vec::new();
        for width in WIDTHS {
            browser.resize(width, 900);
            if !fits(browser) {
                faults.push(format!("{view} is wider than {width}"));
            }
            browser.screenshot(&pictures().join(format!("{view}-{width}.png")));
        }
        let complaints = browser.complaints().into_iter();
        faults.extend(complaints.map(|line| format!("{view}: {line}")));
        faults
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn axe_finds_nothing_in_any_view() {
    let axe = "target/axe-core-4.14.1/package/axe.min.js";
    let axe = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(axe);
    let axe = std::fs::read_to_string(axe).expect("axe-core is missing; tests/run.sh fetches it");
    let faults = look_at_every_view(|browser, view| {
        // With columns and without; a wider window makes the columns wider, and changes nothing.
        let widths = [360, 1280].into_iter();
        let found = widths.flat_map(|width| {
            browser.resize(width, 900);
            inspect(browser, &axe, &format!("{view} at {width}"))
        });
        found.collect()
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What axe-core (Deque's accessibility rules) finds wrong.
fn inspect(browser: &Browser, axe: &str, place: &str) -> Vec<String> {
    // Run by the driver, the script is not the page's, which allows none but its own.
    let script = format!(
        "{axe}; return axe.run(document, {{ resultTypes: ['violations'] }})
            .then(found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' ')))"
    );
    let found = browser.run(&script);
    let found = found.as_array().unwrap().iter();
    found
        .map(|violation| format!("{place}: {}", violation.as_str().unwrap()))
        .collect()
}

#[test]
fn a_first_visit_transfers_less_than_80_kib() {
    // A fresh profile, and one document from the link to the overview.
    let visit = Visit::set_up();
    settle(&visit.browser);
    let sum = "
        const files = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        return files.filter(file => !file.name.includes('/admin/api/')).reduce((sum, file) => sum + file.encodedBodySize, 0)";
    let bytes = visit.browser.run(sum).as_u64().unwrap();
    println!("{bytes} bytes");
    assert!((20_000..80 * 1024).contains(&bytes), "{bytes}");
}

#[test]
fn ten_thousand_rows_are_scrolled_through_in_a_document_that_stays_small() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let database = rusqlite::Connection::open(visit.data.join("saryno.db")).unwrap();
    let rows = "
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
        INSERT INTO users (id, username, username_key, discriminator) SELECT n << 22, 'Ada', 'ada', n FROM n WHERE n < 10000";
    database.execute(rows, []).unwrap();

    visit.open("#/users?order=oldest");
    browser.expect("//*[@role='row'][@data-index='0'][contains(., 'Ada#0001')]");
    let nodes = || {
        let count = browser.run("return document.querySelectorAll('*').length");
        count.as_u64().unwrap()
    };
    let before = nodes();
    let mut most = before;
    browser.wait("the end of the list", || {
        browser.run("scrollTo(0, document.body.scrollHeight)");
        most = most.max(nodes());
        browser
            .shows("//*[@role='row'][contains(., 'Ada#9999')]")
            .then_some(())
    });
    assert!(most < 2 * before + 500, "{before} nodes became {most}");
}
