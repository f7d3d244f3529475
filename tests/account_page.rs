//! The account page as a person has it who has nothing but a browser.

use std::path::PathBuf;

use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use crate::browser::{Browser, DOWN, ENTER, RIGHT, field};
use crate::executable::{agent, http, run_json};
use crate::visit::{Visit, heading};

pub(crate) const PASSWORD: &str = "correct horse";

/// One request to the REST API, as a client with a token sends it.
pub(crate) fn rest(
    visit: &Visit,
    token: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    let url = format!("{}{path}", visit.server.url);
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    http(&agent(), method, &url, token, &body).unwrap()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Somebody else, with a client of their own: their id and a token.
pub(crate) fn other(visit: &Visit) -> (String, String) {
    let made = visit.user("Zoë", &["--discriminator", "0042", "--token"]);
    (
        text(&made["user"]["id"]).to_owned(),
        text(&made["token"]).to_owned(),
    )
}

/// An account with a password, logged in in the browser.
pub(crate) fn log_in(visit: &Visit, tag: &str) {
    visit.open_account("#/");
    visit.browser.fill("Tag", tag);
    visit.browser.fill("Password", PASSWORD);
    visit.browser.press("Log in");
    visit.browser.expect(&heading("Profile"));
}

pub(crate) fn account(visit: &Visit, name: &str, discriminator: &str) -> Value {
    run_json(&visit.data, &["registration", "open"]);
    let body = json!({ "username": name, "discriminator": discriminator, "password": PASSWORD });
    let (status, answer) = rest(visit, "", "POST", "/auth/register", &body);
    assert_eq!(status, 201, "{answer}");
    answer
}

/// A picture larger than it is stored, and higher than wide.
fn picture(visit: &Visit) -> PathBuf {
    let path = visit.data.join("picture.png");
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    RgbImage::from_fn(700, 900, |x, y| Rgb([shade(x / 3), shade(y / 4), 120]))
        .save(&path)
        .unwrap();
    path
}

/// What the browser noted, but for refusals of this status.
pub(crate) fn complaints(browser: &Browser, refusals: &[u16]) -> Vec<String> {
    let refusal = |line: &String| {
        refusals
            .iter()
            .any(|status| line.contains(&format!("a status of {status}")))
    };
    browser
        .complaints()
        .into_iter()
        .filter(|line| !refusal(line))
        .collect()
}

#[test]
fn from_an_invite_link_to_a_chosen_tag_an_avatar_and_a_community() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let (zoe, hers) = other(&visit);
    run_json(&visit.data, &["registration", "invite"]);
    let invite = run_json(&visit.data, &["invite", "create"]);

    // By the link that the admin handed out; a name that the rules forbid is told while it is typed.
    browser.open(text(&invite["link"]));
    browser.expect(&heading("Make an account"));
    browser.fill("Username", "a#b");
    browser.expect_text("A username can't contain #.");
    browser.fill("Username", "zoe\u{308}");
    browser.expect_text("Allowed. 9,998 of its 9,999 discriminators are free.");

    // The discriminator from the picture, by the keys: one that is taken can't be chosen, the next can.
    browser.run("document.querySelector('canvas').focus()");
    for _ in 0..41 {
        browser.keys(RIGHT);
    }
    browser.expect_text("0042 is taken.");
    browser.keys(ENTER);
    browser.keys(RIGHT);
    browser.expect_text("0043 is free.");
    browser.keys(DOWN);
    browser.keys(ENTER);
    browser.expect_text("0143 is chosen.");
    browser.fill("Password", PASSWORD);
    browser.press("Register");
    browser.expect_text("Welcome");
    browser.expect("//main//*[contains(@class, 'tag')][normalize-space()='zoë#0143']");

    // The invite is used up; without it nobody else gets in.
    let used = run_json(&visit.data, &["invite", "list"]);
    assert_eq!(used[0]["uses"], 1);

    // An avatar, cut in the browser: moved and zoomed by the keys.
    browser.choose_file("Choose an image", &picture(&visit));
    browser.expect("//h2[contains(., 'Choose the part that shows')]");
    browser.run("document.querySelector('canvas.stage').focus()");
    browser.keys("++");
    browser.keys(DOWN);
    browser.press("Set the avatar");
    browser.expect_text("Avatar set.");
    let tag = rest(
        &visit,
        &hers,
        "GET",
        "/users?tag=zo%C3%AB%230143",
        &Value::Null,
    )
    .1;
    let (me, hash) = (text(&tag["id"]), text(&tag["avatar"]));
    let address = format!("{}/avatars/{me}/{hash}.png", visit.server.url);
    let png = ureq::get(&address)
        .call()
        .unwrap()
        .into_body()
        .read_to_vec()
        .unwrap();
    let stored = image::load_from_memory(&png).unwrap();
    assert_eq!((stored.width(), stored.height()), (512, 512));
    let shown = format!(
        "return [...document.images].some(image => image.complete && image.naturalWidth > 0 && image.src.includes('{hash}'))"
    );
    assert!(browser.comes_to(&shown, &json!(true)));

    // A community's invite: whose it is stands there before one joins.
    let body = json!({ "name": "Tea <b>house</b>" });
    let community = rest(&visit, &hers, "POST", "/communities", &body).1;
    let path = format!("/communities/{}/invites", text(&community["id"]));
    let code = rest(&visit, &hers, "POST", &path, &json!({})).1["code"].clone();
    visit.open_account(&format!("#/invite/{}", text(&code)));
    browser.expect(&heading("Tea <b>house</b>"));
    browser.expect_text("A community of Zoë#0042.");
    browser.press("Join");
    browser.expect_text("You are now in");
    browser.expect("//ul[@aria-label='Your communities']/li[contains(., 'Tea <b>house</b>')]");
    let members = rest(
        &visit,
        &hers,
        "GET",
        &path.replace("invites", "members"),
        &Value::Null,
    )
    .1;
    let ids: Vec<_> = members
        .as_array()
        .unwrap()
        .iter()
        .map(|user| text(&user["id"]))
        .collect();
    assert_eq!(ids, [zoe.as_str(), me]);

    // The admin sees the picture, too.
    visit.open(&format!("#/users/{me}"));
    browser.expect(&heading("zoë#0143"));
    assert!(browser.comes_to(&shown, &json!(true)));

    // And one leaves again.
    visit.open_account("#/communities");
    browser.click("//li[contains(., 'Tea <b>house</b>')]//button");
    browser.press("Leave");
    browser.expect_text("You are in no community yet.");
    assert_eq!(complaints(browser, &[]), Vec::<String>::new());
}

#[test]
fn who_is_blocked_is_listed_and_unblocked_and_a_password_is_changed() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let made = account(&visit, "Ada", "0007");
    let (_, hers) = other(&visit);
    let dm = json!({ "type": 2, "recipient_id": made["user"]["id"] });
    log_in(&visit, "Ada#0007");

    visit.open_account("#/blocks");
    browser.fill("Their tag", "nobody#0001");
    browser.press("Block");
    browser.expect_text("Nobody has this tag.");
    browser.fill("Their tag", "ada#0007");
    browser.press("Block");
    browser.expect_text("This is you.");
    browser.fill("Their tag", "zoë#0042");
    browser.press("Block");
    browser.expect("//ul[@aria-label='Blocked users']/li[contains(., 'Zoë#0042')]");
    let (status, answer) = rest(&visit, &hers, "POST", "/users/@me/channels", &dm);
    assert_eq!((status, &answer["code"]), (403, &json!("blocked")));
    browser.click("//li[contains(., 'Zoë#0042')]//button");
    browser.expect_text("You have blocked nobody.");
    assert_eq!(
        rest(&visit, &hers, "POST", "/users/@me/channels", &dm).0,
        200
    );

    visit.open_account("#/security");
    browser.fill("Current password", "wrong horse");
    browser.fill("New password", "another horse");
    browser.press("Change the password");
    browser.expect_text("This is not your current password.");
    browser.fill("Current password", PASSWORD);
    browser.press("Change the password");
    browser.expect_text("Password changed.");
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
    assert_eq!(complaints(browser, &[401, 404]), Vec::<String>::new());
}

#[test]
fn a_deleted_account_is_a_tombstone_in_the_others_dm_list() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let made = account(&visit, "Ada", "0007");
    let (_, hers) = other(&visit);
    let dm = json!({ "type": 2, "recipient_id": made["user"]["id"] });
    assert_eq!(
        rest(&visit, &hers, "POST", "/users/@me/channels", &dm).0,
        200
    );
    log_in(&visit, "Ada#0007");

    visit.open_account("#/data");
    browser.expect("//a[@download]");
    let export =
        "return fetch(document.querySelector('a[download]').href).then(answer => answer.json())";
    assert_eq!(browser.run(export)["account"]["user"]["username"], "Ada");
    browser.press("Delete …");
    browser.fill("Password", "wrong horse");
    browser.press("Delete for good");
    browser.expect_text("This is not your password.");
    browser.fill("Password", PASSWORD);
    browser.press("Delete for good");
    browser.expect(&heading("Your account is deleted"));

    let channels = rest(&visit, &hers, "GET", "/users/@me/channels", &Value::Null).1;
    let tombstone = json!({
        "id": made["user"]["id"], "username": "Deleted User", "discriminator": "0000", "avatar": null, "flags": [],
    });
    assert_eq!(channels[0]["recipients"], json!([tombstone]));
    browser.press("To the log-in");
    browser.expect(&heading("Log in"));
    assert_eq!(complaints(browser, &[401]), Vec::<String>::new());
}

#[test]
fn somebody_renames_themself_and_keeps_their_number_or_chooses_another() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    account(&visit, "Ada", "0007");
    log_in(&visit, "Ada#0007");
    browser.fill("Username", "Grace");
    browser.expect_text("Nobody has it yet.");
    browser.press("Rename");
    browser.expect_text("You are now Grace#0007.");
    browser.fill("Discriminator", "0100");
    browser.expect_text("Free.");
    browser.press("Rename");
    browser.expect_text("You are now Grace#0100.");
    assert!(browser.shows(&field("Username")));
    assert_eq!(complaints(browser, &[]), Vec::<String>::new());
}
