//! Names that look like HTML are names: in every view, in dialogs and in messages of both pages, in a real browser.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::executable::{agent, http, run_json};
use crate::visit::{Visit, heading};
use crate::windows::{look_at_every_view, settle};

/// As much as a username holds; what it would run shows in the title.
const NAMES: [&str; 3] = [
    "<img src=x onerror=title=1>",
    "<svg/onload=title=1>",
    "'\"><script>title=1</script>",
];

/// What became of a name that was taken for markup, if it was.
fn faults(browser: &Browser, view: &str) -> Vec<String> {
    let found = browser.run(
        "const made = [...document.querySelectorAll('img[src=x], [onerror], [onload], body script, iframe')]
        const bold = [...document.querySelectorAll('b')].filter(element => ['Tea', 'Plans'].includes(element.textContent))
        return [...made, ...bold].map(element => element.outerHTML).concat(document.title === '1' ? ['it ran'] : [])",
    );
    let found = found.as_array().unwrap().iter();
    found.map(|fault| format!("{view}: {fault}")).collect()
}

/// Waits until all of these are shown as they are.
#[track_caller]
fn expect_literally(browser: &Browser, names: &[&str]) {
    for name in names {
        browser.expect_text(name);
    }
    assert_eq!(faults(browser, "here"), Vec::<String>::new());
}

#[test]
fn no_view_takes_a_name_for_markup() {
    let image = "<img src=x onerror=alert(1)>";
    let shown = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let faults = look_at_every_view(|browser, view| {
        let text = browser.run("return document.body.innerText");
        let text = text.as_str().unwrap();
        let (view_name, _) = view.rsplit_once('-').unwrap();
        for name in [image, "<b>Tea</b> house", "<b>Plans</b>"] {
            if text.contains(name) {
                shown.borrow_mut().insert(format!("{view_name}: {name}"));
            }
        }
        faults(browser, view)
    });
    assert_eq!(faults, Vec::<String>::new());
    let shown = shown.into_inner();
    for due in [
        format!("users: {image}"),
        format!("channels: {image}"),
        format!("channel: {image}"),
        format!("blocks: {image}"),
        format!("audit: {image}"),
        "channel: <b>Plans</b>".into(),
        "channels: <b>Plans</b>".into(),
        "communities: <b>Tea</b> house".into(),
        "community: <b>Tea</b> house".into(),
        "user: <b>Tea</b> house".into(),
        "memberships: <b>Tea</b> house".into(),
        "invite: <b>Tea</b> house".into(),
    ] {
        assert!(shown.contains(&due), "{due} is not among {shown:#?}");
    }
}

#[test]
fn no_heading_dialog_or_message_takes_a_name_for_markup() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let [name, other, third] = NAMES;
    run_json(&visit.data, &["registration", "open"]);
    let register = |username: &str| {
        let body =
            json!({"username": username, "discriminator": "0001", "password": "correct horse"});
        let url = format!("{}/auth/register", visit.server.url);
        let (status, made) = http(&agent(), "POST", &url, "", &body.to_string()).unwrap();
        assert_eq!(status, 201, "{made}");
        made
    };
    let (one, two) = (register(name), register(other));
    let id = |made: &Value| made["user"]["id"].as_str().unwrap().to_owned();
    let post = |path: &str, body: &Value| {
        let url = format!("{}{path}", visit.server.url);
        let token = one["token"].as_str().unwrap();
        http(&agent(), "POST", &url, token, &body.to_string())
            .unwrap()
            .1
    };
    let community = post("/communities", &json!({"name": third}));
    let community = community["id"].as_str().unwrap().to_owned();
    run_json(&visit.data, &["admin", "create", other]);

    // A user: heading, dialogs, messages, a reason, a token's name, an undo.
    visit.open(&format!("#/users/{}", id(&one)));
    expect_literally(browser, &[name, third]);
    browser.press("Disable …");
    browser.fill("Reason", other);
    expect_literally(browser, &[name]);
    browser.press("Disable");
    browser.expect_text("Disabled: ");
    expect_literally(browser, &[other]);
    browser.press("Enable");
    browser.expect_text("enabled.");
    browser.press("Issue a token");
    browser.fill("Name of the token", name);
    browser.press("Issue the token");
    browser.expect("//h2[contains(., 'Token of')]");
    expect_literally(browser, &[name]);
    browser.press("Done");
    browser.fill("Name", third);
    browser.press("Rename");
    browser.expect("//h1[contains(., 'script')]");
    expect_literally(browser, &[third]);
    browser.press("Delete …");
    expect_literally(browser, &[third]);

    // A community, and who is found for it.
    visit.open(&format!("#/communities/{community}"));
    settle(browser);
    expect_literally(browser, &[third]);
    browser.fill("Add a member", "<svg");
    browser.click("//*[@role='option'][contains(., 'onload')]");
    browser.expect("//*[@role='row'][contains(., 'onload')]");
    expect_literally(browser, &[other]);
    browser.press("Delete …");
    expect_literally(browser, &[third]);

    // Admins, the log, what was searched for, and a page that is none.
    for (view, names) in [
        ("#/admins", &[other][..]),
        ("#/audit", &[name, other, third]),
        ("#/users?search=%3Cimg%20src=x%20onerror=title=1%3E", &[]),
        (
            "#/names?username=%3Cimg%20src=x%20onerror=title=1%3E",
            &[name],
        ),
        ("#/%3Cimg%20src=x%20onerror=title=1%3E", &[]),
    ] {
        browser.open("about:blank");
        visit.open(view);
        settle(browser);
        expect_literally(browser, names);
    }

    // The account page of somebody of such a name: a profile, a block, an invite.
    visit.open_account("#/");
    browser.fill("Tag", &format!("{other}#0001"));
    browser.fill("Password", "correct horse");
    browser.press("Log in");
    browser.expect(&heading("Profile"));
    expect_literally(browser, &[other]);
    visit.open_account("#/communities");
    settle(browser);
    expect_literally(browser, &[third]);
    browser.click("//button[starts-with(normalize-space(), 'Leave')]");
    browser.expect("//dialog[@open]");
    expect_literally(browser, &[third]);
    visit.open_account("#/blocks");
    browser.fill("Their tag", &format!("{third}#0001"));
    browser.press("Block");
    browser.expect_text("blocked.");
    expect_literally(browser, &[third]);
    assert_ne!(id(&one), id(&two));
}
