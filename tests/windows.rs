//! Every view of the pages, and the documentation, in every window: their looks, their accessibility, their weight.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::{Browser, pictures};
use crate::executable::{agent, http, run_json};
use crate::visit::{Visit, heading};

const WIDTHS: [u32; 3] = [360, 1280, 2560];

/// A GIF of 16 x 16 pixels, all of one colour.
const PICTURE: &str = "data:image/gif;base64,R0lGODdhEAAQAIAAAAAAAAAAACwAAAAAEAAQAEAIHQABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsaLFgQEBADs=";

/// What there is to see, of a store that has something for each view: names, and addresses behind the server's.
struct Views {
    /// For an admin.
    admin: Vec<(&'static str, String)>,
    /// For an admin who has not logged in.
    admin_outside: Vec<(&'static str, String)>,
    /// For Ada#0001, whose password is [`PASSWORD`].
    account: Vec<(&'static str, String)>,
    /// For who has not logged in to an account.
    account_outside: Vec<(&'static str, String)>,
    /// For everybody.
    docs: Vec<(&'static str, String)>,
}

const PASSWORD: &str = "correct horse";

fn views(visit: &Visit) -> Views {
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
        .map(|name| {
            let more = ["--token", "--flag", "bot", "--discriminator", "0001"];
            visit.user(name, &more)
        })
        .collect();
    let id = |index: usize| made[index]["user"]["id"].as_str().unwrap().to_owned();
    let call = |method: &str, path: &str, body: &Value| {
        let url = format!("{}{path}", visit.server.url);
        let token = made[0]["token"].as_str().unwrap();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, answer) = http(&agent(), method, &url, token, &body).unwrap();
        assert!(status < 300, "{answer}");
        answer
    };
    let post = |path: &str, body: &Value| call("POST", path, body);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let recipients: Vec<_> = (1..names.len()).map(id).collect();
    post(
        "/users/@me/channels",
        &json!({ "type": 2, "recipient_id": id(2) }),
    );
    let group = post(
        "/users/@me/channels",
        &json!({ "type": 3, "recipient_ids": recipients, "name": "<b>Plans</b>" }),
    );
    let community = post(
        "/communities",
        &json!({ "name": "<b>Tea</b> house", "icon": PICTURE }),
    );
    let (group, community) = (text(&group["id"]), text(&community["id"]));
    let invite = post(&format!("/communities/{community}/invites"), &json!({}));
    let invite = text(&invite["code"]);
    call("PATCH", "/users/@me", &json!({ "avatar": PICTURE }));
    for index in 1..names.len() {
        call(
            "PUT",
            &format!("/users/@me/blocks/{}", id(index)),
            &Value::Null,
        );
    }
    run_json(
        &visit.data,
        &["user", "disable", &id(3), "--reason", "Spam"],
    );
    let instance_invite = run_json(&visit.data, &["invite", "create", "--expires", "7d"]);
    let instance_invite = text(&instance_invite["code"]);
    let reset = run_json(&visit.data, &["user", "reset-link", &id(1)]);
    let reset = text(&reset["code"]);
    let own = run_json(&visit.data, &["user", "reset-link", &id(0)]);
    let body = json!({ "code": own["code"], "new": PASSWORD });
    post("/auth/reset", &body);
    run_json(&visit.data, &["admin", "create", "other"]);
    let gone = visit.user("Gone", &[])["user"]["id"].clone();
    run_json(&visit.data, &["user", "delete", gone.as_str().unwrap()]);
    let ada = id(0);
    let admin = vec![
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
        ("backups", "#/backups".into()),
        ("audit", "#/audit".into()),
        ("elsewhere", "#/elsewhere".into()),
    ];
    let account = vec![
        ("profile", "#/".into()),
        ("memberships", "#/communities".into()),
        ("invite", format!("#/invite/{invite}")),
        ("no-invite", "#/invite/nothing".into()),
        ("blocks", "#/blocks".into()),
        ("security", "#/security".into()),
        ("data", "#/data".into()),
        ("nowhere", "#/nowhere".into()),
        ("reset", format!("#/reset/{reset}")),
    ];
    let account_outside = vec![
        ("account-log-in", "#/".into()),
        ("register", format!("#/join/{instance_invite}")),
        ("no-register", "#/join/nothing".into()),
        ("no-reset", "#/reset/nothing".into()),
        ("invited", format!("#/invite/{invite}")),
    ];
    let below = |page: &str, views: Vec<(&'static str, String)>| {
        let full = |(name, view)| (name, format!("{page}/{view}"));
        views.into_iter().map(full).collect()
    };
    Views {
        admin: below("admin", admin),
        admin_outside: vec![
            ("log-in", "admin/#/".into()),
            ("link", "admin/#/password/code".into()),
        ],
        account: below("account", account),
        account_outside: below("account", account_outside),
        docs: vec![
            ("reference", "docs/".into()),
            ("guides", "docs/guides".into()),
            ("licences", "docs/licences".into()),
        ],
    }
}

/// Waits until the view of this address has come, and its data.
pub(crate) fn settle(browser: &Browser) {
    browser.expect("//main//h1");
    browser.wait("the data", || {
        let waiting = "return document.querySelectorAll('[aria-busy=true]').length";
        (browser.run(waiting) == 0).then_some(())
    });
}

/// Goes through every view of the pages, within a session and outside of one, in both schemes; what `look` finds at fault is
/// handed back.
pub(crate) fn look_at_every_view(look: impl Fn(&Browser, &str) -> Vec<String>) -> Vec<String> {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let views = views(&visit);
    let mut faults = Vec::new();
    let mut go_through = |views: &[(&'static str, String)]| {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            for (name, address) in views {
                // Elsewhere first: from a view to itself there is no way.
                browser.open("about:blank");
                browser.resize(1280, 900);
                browser.open(&format!("{}/{address}", visit.server.url));
                settle(browser);
                faults.extend(look(browser, &format!("{name}-{scheme}")));
            }
        }
        browser.resize(1280, 900);
    };
    let log_out = || {
        browser.press("Log out");
        browser.expect(&heading("Log in"));
    };
    go_through(&views.admin);
    visit.open("#/users");
    log_out();
    go_through(&views.admin_outside);
    run_json(&visit.data, &["registration", "invite"]);
    go_through(&views.account_outside);
    visit.open_account("#/");
    browser.fill("Tag", "Ada#0001");
    browser.fill("Password", PASSWORD);
    browser.press("Log in");
    browser.expect(&heading("Profile"));
    go_through(&views.account);
    go_through(&views.docs);
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
        // A link that does not work is refused, and the browser notes it.
        let refused = ["no-invite", "no-register", "no-reset"]
            .iter()
            .any(|bad| view.starts_with(bad));
        let complaints = browser.complaints().into_iter();
        let complaints = complaints.filter(|line| !(refused && line.contains("a status of 40")));
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
fn all_files_of_the_account_page_together_are_less_than_40_kib() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let views = views(&visit);
    // What each view fetches, in a document of its own; what the next one fetches again counts once.
    let fetched = "
        const files = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        return files.filter(file => !/\\/(api|avatars|icons)\\//.test(file.name)).map(file => file.name.replace(/#.*/, ''))";
    let mut files = std::collections::BTreeSet::new();
    let mut go_through = |views: &[(&'static str, String)]| {
        for (_, address) in views {
            browser.open("about:blank");
            browser.open(&format!("{}/{address}", visit.server.url));
            settle(browser);
            let names = browser.run(fetched);
            let names = names.as_array().unwrap().iter();
            files.extend(names.map(|name| name.as_str().unwrap().to_owned()));
        }
    };
    run_json(&visit.data, &["registration", "invite"]);
    go_through(&views.account_outside);
    visit.open_account("#/");
    browser.fill("Tag", "Ada#0001");
    browser.fill("Password", PASSWORD);
    browser.press("Log in");
    browser.expect(&heading("Profile"));
    go_through(&views.account);
    // Asked for once more, compressed, as a browser gets them the first time.
    let weigh = |url: &String| {
        let request = agent().get(url).header("Accept-Encoding", "gzip");
        let mut body = request.call().unwrap().into_body();
        body.read_to_vec().unwrap().len()
    };
    let bytes: usize = files.iter().map(weigh).sum();
    println!("{bytes} bytes in {} files", files.len());
    assert!(
        (10_000..40 * 1024).contains(&bytes),
        "{bytes} in {files:#?}"
    );
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
    // However long all of it takes, there is always more of it until its end.
    let mut height = 0;
    while !browser.shows("//*[@role='row'][contains(., 'Ada#9999')]") {
        height = browser.wait("further rows", || {
            let script =
                "scrollTo(0, document.body.scrollHeight); return document.body.scrollHeight";
            let now = browser.run(script).as_u64().unwrap();
            let at_the_end = browser.shows("//*[@role='row'][contains(., 'Ada#9999')]");
            (now > height || at_the_end).then_some(now)
        });
        most = most.max(nodes());
    }
    assert!(most < 2 * before + 500, "{before} nodes became {most}");
}
