//! The admin page as a person has it: in a real browser, from the real executable.

use serde_json::json;

use crate::browser::{DOWN, ENTER, ESCAPE, RIGHT, field};
use crate::executable::{agent, http, run_json};
use crate::visit::{Visit, heading};

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

#[test]
fn an_undo_that_comes_too_late_undoes_nothing_and_shows_what_is() {
    let visit = Visit::set_up();
    let browser = &visit.browser;
    let made = visit.user("Ada", &["--discriminator", "0007"]);
    let id = made["user"]["id"].as_str().unwrap();
    visit.open(&format!("#/users/{id}"));
    browser.fill("Name", "Grace");
    browser.press("Rename");
    browser.expect(&heading("Grace#0007"));
    let database = rusqlite::Connection::open(visit.data.join("saryno.db")).unwrap();
    let meanwhile = "UPDATE users SET username = 'Edith', username_key = 'edith'";
    database.execute(meanwhile, []).unwrap();
    browser.press("Undo");
    browser.expect_text("Changed by somebody else since; nothing was undone.");
    browser.expect(&heading("Edith#0007"));
}
