//! The admin page as a person has it: in a real browser, from the real executable.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::{Browser, DOWN, ENTER, ESCAPE, RIGHT, field, pictures};
use crate::support::{Binary, agent, http, run_json};

const WIDTHS: [u32; 3] = [360, 1280, 2560];

/// A server with an admin, and a browser that has logged in as them.
struct Visit {
    _directory: tempfile::TempDir,
    data: PathBuf,
    server: Binary,
    browser: Browser,
}

impl Visit {
    /// As a newcomer does it: with the link that the server printed.
    fn set_up() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let (server, link) = Binary::start_without_admin(&data);
        let browser = Browser::start();
        browser.open(&link);
        browser.fill("Name", "root");
        browser.fill("Password", "correct horse");
        browser.press("Make the first admin");
        browser.expect("//h1[.='Overview']");
        Self {
            _directory: directory,
            data,
            server,
            browser,
        }
    }

    fn open(&self, view: &str) {
        self.browser
            .open(&format!("{}/admin/{view}", self.server.url));
    }

    fn user(&self, name: &str, more: &[&str]) -> Value {
        run_json(&self.data, &[&["user", "create", name], more].concat())
    }
}

fn heading(text: &str) -> String {
    format!("//h1[contains(normalize-space(), '{text}')]")
}

#[test]
fn a_day_of_an_admin() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let rest = |token: &str| {
        let url = format!("{}/users/@me", visit.server.url);
        http(&agent(), "GET", &url, token, "").unwrap()
    };

    // Make a user, with a token that works.
    visit.open("#/users");
    browser.press("Create a user");
    browser.fill("Name", "Ada");
    browser.fill("Discriminator", "7");
    browser.press("Create");
    browser.expect("//dialog[@open]//*[@role='alert'][contains(., 'four digits')]");
    browser.fill("Discriminator", "0007");
    browser.click(&field("Issue a token"));
    browser.press("Create");
    browser.expect("//h2[contains(., 'Token of')]");
    let shown = "return document.querySelector('dialog[open] input[readonly]').value";
    let token = browser.run(shown).as_str().unwrap().to_owned();
    assert_eq!(rest(&token).0, 200);
    browser.press("Done");

    // Find them by a tag's beginning, with the keyboard alone.
    browser.keys("/");
    browser.keys("ada#00");
    browser.wait("the search in the address", || {
        browser.address().ends_with("search=ada%2300").then_some(())
    });
    browser.expect("//*[@role='row'][@data-index='0'][contains(., 'Ada#0007')]");
    browser.run("document.querySelector('[role=row][data-index=\"0\"]').focus()");
    browser.keys(ENTER);
    browser.expect(&heading("Ada#0007"));

    // Rename them, and take it back.
    browser.fill("Name", "Grace");
    browser.press("Rename");
    browser.expect(&heading("Grace#0007"));
    assert_eq!(rest(&token).1["username"], "Grace");
    browser.press("Undo");
    browser.expect(&heading("Ada#0007"));
    browser.fill("Discriminator", "0000");
    browser.press("Rename");
    browser.expect_text("A discriminator is 0001 to 9999.");

    // A flag.
    browser.click(&field("Developer"));
    browser.expect("//*[@role='switch'][@checked or self::input][@id=//label[.='Developer']/@for]");
    browser.expect_text("Developer set on");
    assert_eq!(rest(&token).1["flags"], json!([1]));

    // A second token, used with the REST API; then all are ended.
    browser.press("Issue a token");
    browser.fill("Name of the token", "phone");
    browser.press("Issue the token");
    browser.expect("//h2[contains(., 'Token of')]");
    let second = browser.run(shown).as_str().unwrap().to_owned();
    browser.press("Done");
    browser.expect_text("phone");
    assert_eq!(rest(&second).0, 200);

    // Disabled, the token stops at once, and tells why.
    browser.press("Disable …");
    browser.fill("Reason", "Spam");
    browser.press("Disable");
    browser.expect_text("Disabled: Spam");
    let (status, answer) = rest(&token);
    assert_eq!((status, &answer["code"]), (403, &json!("account_disabled")));
    assert!(answer["message"].as_str().unwrap().contains("Spam"));
    browser.press("Enable");
    browser.expect_text("enabled.");
    assert_eq!(rest(&token).0, 200);
    browser.press("End all");
    browser.press("End all");
    browser.expect_text("No sessions.");
    assert_eq!(rest(&second).0, 401);

    // The picture of the name tells where they are, by the keys alone.
    browser.press("Discriminators of this name");
    browser.expect_text("1 of 9,999 taken");
    browser.run("document.querySelector('canvas').focus()");
    browser.expect_text("by the user you came from");
    browser.keys(RIGHT);
    browser.expect_text("Ada#0008 is free.");
    browser.keys(DOWN);
    browser.expect_text("Ada#0108 is free.");

    // A community, from its beginning to its end.
    visit.user("Bob", &["--discriminator", "0001"]);
    visit.open("#/communities");
    browser.press("Create a community");
    browser.fill("Name", "Tea house");
    browser.fill("Owner", "ada");
    browser.click("//dialog[@open]//*[@role='option'][contains(., 'Ada#0007')]");
    browser.press("Create");
    browser.expect(&heading("Tea house"));
    browser.fill("Add a member", "bob");
    browser.click("//*[@role='option'][contains(., 'Bob#0001')]");
    browser.expect("//*[@role='row'][contains(., 'Bob#0001')]");
    browser.press("Make an invite");
    browser.press("Make the invite");
    browser.press("Done");
    browser.expect("//button[starts-with(normalize-space(), 'Withdraw')]");
    browser.press("Hand over …");
    browser.fill("New owner", "bob");
    browser.click("//dialog[@open]//*[@role='option'][contains(., 'Bob#0001')]");
    browser.press("Hand over");
    browser.expect_text("handed over.");
    browser.press("Delete …");
    assert!(
        !browser
            .run("return document.querySelector('dialog[open] button[type=submit]').disabled")
            .is_null()
    );
    browser.fill("Type Tea house to confirm", "Tea house");
    browser.press("Delete for good");
    browser.expect_text("There are no communities yet.");

    // Registration takes effect at once.
    visit.open("#/registration");
    browser.expect(&heading("Registration"));
    browser.click("//label[contains(., 'Open')]");
    browser.wait("an open registration", || {
        let now = run_json(&visit.data, &["registration"]);
        (now["registration"] == "open").then_some(())
    });

    // Deleting asks for the tag.
    visit.open("#/users?search=bob");
    browser.click("//*[@role='row'][contains(., 'Bob#0001')]//a");
    browser.expect(&heading("Bob#0001"));
    browser.press("Delete …");
    browser.fill("Type Bob#0001 to confirm", "Bob#0001");
    browser.press("Delete for good");
    browser.expect(&heading("Deleted User#0000"));

    // The log tells it all.
    visit.open("#/audit");
    for sentence in [
        "deleted Bob#0001",
        "set the registration to open",
        "deleted the community Tea house",
        "handed Tea house over to Bob#0001",
        "made an invite to Tea house",
        "added Bob#0001 to Tea house",
        "created the community Tea house",
        "ended all sessions of Ada#0007",
        "enabled Ada#0007",
        "disabled Ada#0007",
        "issued a token for Ada#0007",
        "set Developer on Ada#0007",
        "renamed Grace#0007 to Ada#0007",
        "renamed Ada#0007 to Grace#0007",
        "created Ada#0007",
        "set up this server",
    ] {
        browser.expect_text(sentence);
    }
    browser.click("//button[contains(., 'renamed Ada#0007 to Grace#0007')]");
    browser.expect("//dialog[@open]//th[.='Before']");
    browser.keys(ESCAPE);
    browser.expect_none("//dialog[@open]");

    // Out, and in again, to where one was.
    visit.open("#/users?search=ada");
    browser.expect("//*[@role='row'][contains(., 'Ada#0007')]");
    browser.press("Log out");
    browser.expect(&heading("Log in"));
    visit.open("#/users?search=ada");
    browser.reload();
    browser.fill("Name", "root");
    browser.fill("Password", "wrong horse");
    browser.press("Log in");
    browser.expect("//*[@role='alert']");
    browser.fill("Password", "correct horse");
    browser.press("Log in");
    browser.expect("//*[@role='row'][contains(., 'Ada#0007')]");
    assert!(browser.address().ends_with("#/users?search=ada"));
    let complaints: Vec<_> = browser
        .complaints()
        .into_iter()
        // The browser notes every refusal: the two fields at fault, and the wrong password.
        .filter(|line| !line.contains("the server responded with a status of 40"))
        .collect();
    assert_eq!(complaints, Vec::<String>::new());
}

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

#[test]
fn every_view_fits_every_window_in_both_schemes_and_axe_finds_nothing() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let axe =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/axe-core-4.14.1/package/axe.min.js");
    let axe = std::fs::read_to_string(axe).expect("axe-core is missing; tests/run.sh fetches it");
    let mut outside = vec![("log-in", "#/".to_owned())];
    outside.push(("link", "#/password/code".to_owned()));
    let mut faults = Vec::new();
    let inside = views(&visit);
    for (views, log_out) in [(inside, true), (outside, false)] {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            for (name, address) in &views {
                // Elsewhere first: from a view to itself there is no way.
                browser.open("about:blank");
                browser.resize(1280, 900);
                visit.open(address);
                settle(browser);
                for width in WIDTHS {
                    browser.resize(width, 900);
                    let root = "document.scrollingElement";
                    let over = format!("return {root}.scrollWidth - {root}.clientWidth");
                    let over = browser.run(&over);
                    browser.screenshot(&pictures().join(format!("{name}-{scheme}-{width}.png")));
                    if over != 0 {
                        faults.push(format!("{name} {scheme} {width}: {over} too wide"));
                    }
                }
                let complaints = browser.complaints().into_iter();
                faults.extend(complaints.map(|line| format!("{name} {scheme}: {line}")));
                // What axe looks at changes with the layout, not with a wider column.
                for width in [360, 1280] {
                    browser.resize(width, 900);
                    faults.extend(inspect(browser, &axe, &format!("{name} {scheme} {width}")));
                }
                // Axe tries out styles of its own, which the page's policy refuses.
                browser.complaints();
            }
        }
        if log_out {
            browser.resize(1280, 900);
            visit.open("#/users");
            browser.press("Log out");
            browser.expect(&heading("Log in"));
        }
    }
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
