//! Sessions of the account page as a browser has them: how one begins, and that it ends wherever one logs out.

use serde_json::{Value, json};

use crate::account_page::{PASSWORD, account, complaints, log_in, other, rest, text};
use crate::executable::run_json;
use crate::visit::{Visit, heading};

#[test]
fn who_logs_out_everywhere_is_out_and_their_tokens_are_dead() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let made = account(&visit, "Ada", "0007");
    log_in(&visit, "ada#0007");

    visit.open_account("#/security");
    browser.expect("//li[contains(., 'This one')]");
    browser.press("Create a token");
    browser.fill("What it is for", "backup script");
    browser.press("Create");
    browser.expect("//h2[contains(., 'Your personal token')]");
    let shown = "return document.querySelector('dialog[open] input[readonly]').value";
    let personal = text(&browser.run(shown)).to_owned();
    browser.press("Done");
    browser.expect("//li[contains(., 'backup script')]");
    let tokens = [text(&made["token"]), personal.as_str()];
    let admitted = |token: &str| rest(&visit, token, "GET", "/users/@me", &Value::Null).0;
    assert_eq!(tokens.map(admitted), [200, 200]);

    browser.press("Log out everywhere");
    browser.press("Log out everywhere");
    browser.expect(&heading("Log in"));
    assert_eq!(tokens.map(admitted), [401, 401]);
    browser.reload();
    browser.expect(&heading("Log in"));
    assert_eq!(complaints(browser, &[]), Vec::<String>::new());
}

#[test]
fn an_admins_reset_link_sets_a_password_once() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let made = account(&visit, "Ada", "0007");
    let id = text(&made["user"]["id"]);

    visit.open(&format!("#/users/{id}"));
    browser.expect(&heading("Ada#0007"));
    browser.press("Reset link");
    browser.press("Make the link");
    let shown = "return document.querySelector('dialog[open] input[readonly]')?.value";
    let link = browser.wait("the link", || {
        browser.run(shown).as_str().map(str::to_owned)
    });
    assert!(link.contains("/account#/reset/"), "{link}");

    browser.open(&link);
    browser.expect_text("This link sets the password of Ada#0007, once.");
    browser.fill("New password", "short");
    browser.press("Set the password");
    browser.expect_text("A password has 8 characters at least.");
    browser.fill("New password", "another horse");
    browser.press("Set the password");
    browser.expect(&heading("Profile"));
    assert_eq!(
        rest(
            &visit,
            text(&made["token"]),
            "GET",
            "/users/@me",
            &Value::Null
        )
        .0,
        401
    );

    browser.open("about:blank");
    browser.open(&link);
    browser.expect(&heading("This link does not work"));
    browser.press("Go to your account");
    browser.expect(&heading("Profile"));
    browser.press("Log out");
    browser.expect(&heading("Log in"));
    browser.fill("Tag", "Ada#0007");
    browser.fill("Password", PASSWORD);
    browser.press("Log in");
    browser.expect_text("The tag or the password is wrong.");
    browser.fill("Password", "another horse");
    browser.press("Log in");
    browser.expect(&heading("Profile"));
    assert_eq!(complaints(browser, &[400, 401]), Vec::<String>::new());
}

#[test]
fn an_invite_to_a_community_waits_for_the_log_in_and_brings_one_there() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    account(&visit, "Ada", "0007");
    let (_, hers) = other(&visit);
    let community = rest(
        &visit,
        &hers,
        "POST",
        "/communities",
        &json!({ "name": "Tea" }),
    )
    .1;
    let path = format!("/communities/{}/invites", text(&community["id"]));
    let code = rest(&visit, &hers, "POST", &path, &json!({})).1["code"].clone();
    visit.open_account(&format!("#/invite/{}", text(&code)));
    browser.expect_text("You have an invite to a community.");
    browser.fill("Tag", "Ada#0007");
    browser.fill("Password", PASSWORD);
    browser.press("Log in");
    browser.expect(&heading("Tea"));
    browser.press("Join");
    browser.expect_text("You are now in");
    visit.open_account(&format!("#/invite/{}", text(&code)));
    browser.expect_text("You are a member already.");
    visit.open_account("#/invite/nothing");
    browser.expect(&heading("This invite does not work"));
    assert_eq!(complaints(browser, &[404]), Vec::<String>::new());
}

#[test]
fn a_tab_of_somebody_who_logged_out_elsewhere_does_nothing_to_who_logged_in_there() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let [alma, berta] = [("Alma", "0001"), ("Berta", "0002")].map(|(name, discriminator)| {
        let made = account(&visit, name, discriminator);
        text(&made["user"]["id"]).to_owned()
    });
    log_in(&visit, "Alma#0001");
    visit.open_account("#/data");
    browser.expect("//a[@download]");
    // As another tab of this browser does it: the cookie is both tabs' own.
    let elsewhere = format!(
        "const send = (path, body) => fetch('./api/' + path, {{ method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body }});
        return send('logout').then(() => send('login', JSON.stringify({{ tag: 'Berta#0002', password: '{PASSWORD}' }}))).then(answer => answer.status)"
    );
    assert_eq!(browser.run(&elsewhere), 200);
    browser.press("Delete …");
    browser.fill("Password", PASSWORD);
    browser.press("Delete for good");
    browser.expect_text("You are logged in as Berta#0002 now.");
    for (id, name) in [(&alma, "Alma"), (&berta, "Berta")] {
        let shown = run_json(&visit.data, &["user", "show", id]);
        assert_eq!(shown["user"]["username"], name);
    }
}
