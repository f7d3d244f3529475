//! Backups on the admin page: in a real browser, from the real executable, which makes the first one by itself.

use std::process::Command;

use serde_json::Value;

use crate::browser::Browser;
use crate::visit::{Visit, heading};

const MAKE: &str = "Make a backup now";

/// Opens the view, once the backup that the start makes is there.
fn at_the_first() -> Visit {
    let visit = Visit::set_up();
    visit.open("#/backups");
    visit.browser.expect(&heading("Backups"));
    visit.browser.wait("the first backup", || {
        (listed(&visit.browser) == 1).then_some(())
    });
    visit
}

/// How many are listed as verified.
fn listed(browser: &Browser) -> u64 {
    let verified = "return [...document.querySelectorAll('.entries .badge')].filter(badge => badge.innerText === 'Verified').length";
    browser.run(verified).as_u64().unwrap()
}

#[track_caller]
fn comes_to(browser: &Browser, count: u64) {
    browser.wait(&format!("{count} backups"), || {
        (listed(browser) == count).then_some(())
    });
}

#[test]
fn one_is_made_listed_and_downloaded() {
    let visit = at_the_first();
    let browser = &visit.browser;
    browser.press(MAKE);
    browser.expect("//*[@role='status'][contains(., 'made and verified.')]");
    comes_to(browser, 2);
    browser.expect_text("Last verified");
    // The link alone, as a click follows it, brings the file whose sum is shown.
    let same = "
        const entry = document.querySelector('.entries li')
        return fetch(entry.querySelector('a[download]').href).then(answer => answer.arrayBuffer())
            .then(file => crypto.subtle.digest('SHA-256', file))
            .then(sum => entry.innerText.includes([...new Uint8Array(sum)].map(byte => byte.toString(16).padStart(2, '0')).join('')))";
    assert_eq!(browser.run(same), true);
    assert_eq!(browser.complaints(), [] as [String; 0]);
    visit.open("#/audit");
    browser.expect_text("downloaded the backup saryno-");
    browser.expect_text("made the backup saryno-");
}

#[test]
fn why_one_failed_is_told_until_one_succeeds_and_the_overview_warns() {
    let visit = at_the_first();
    let browser = &visit.browser;
    // Where they go is a disk that is not there.
    let place = visit.data.join("backups");
    let aside = visit.data.join("aside");
    std::fs::rename(&place, &aside).unwrap();
    std::os::unix::fs::symlink(visit.data.join("nowhere"), &place).unwrap();
    browser.press(MAKE);
    let toast = "//*[contains(@class, 'failed')][contains(., 'No backup was made')]";
    browser.expect(toast);
    let why =
        "//main//*[@role='status']/p[contains(., 'No backup was made: the directory for backups')]";
    browser.expect(why);
    browser.expect_text("No backup yet.");
    visit.open("#/");
    browser.expect("//main//p[contains(@class, 'warning')][contains(., 'failed')]");
    browser.click("//main//p[contains(@class, 'warning')]//a[.='Backups']");
    browser.expect(why);

    std::fs::remove_file(&place).unwrap();
    std::fs::rename(&aside, &place).unwrap();
    browser.press(MAKE);
    comes_to(browser, 2);
    browser.expect_none(why);
    visit.open("#/");
    browser.expect(&heading("Overview"));
    browser.expect_none("//main//p[contains(@class, 'warning')]");
}

#[test]
fn one_that_is_being_made_shows_to_whoever_comes_and_tells_of_its_end() {
    let visit = at_the_first();
    let browser = &visit.browser;
    // A backup clears what one before it left, and waits for whoever writes to this.
    let held = visit.data.join("backups").join("held.saryno-partial");
    assert!(
        Command::new("mkfifo")
            .arg(&held)
            .status()
            .unwrap()
            .success()
    );
    let progress = "//main//*[@role='status']//progress";
    browser.press(MAKE);
    browser.expect(progress);
    // The rest of the page is there meanwhile.
    browser.press("Users");
    browser.expect_text("There are no users yet.");
    browser.press("Backups");
    browser.expect(progress);
    // Nor does it depend on the document that began it.
    browser.reload();
    browser.expect(progress);
    let state = "return document.querySelector('main button').getAttribute('aria-disabled')";
    assert_eq!(browser.run(state), "true");
    std::fs::OpenOptions::new().write(true).open(&held).unwrap();
    browser.expect_none(progress);
    browser.expect("//*[@role='status'][contains(., 'made and verified.')]");
    comes_to(browser, 2);
    assert_eq!(browser.run(state), "false");
}

#[test]
fn one_that_is_refused_while_another_is_made_says_so() {
    let visit = at_the_first();
    let browser = &visit.browser;
    let busy = "
        const real = fetch
        window.fetch = (address, options) => options?.method === 'POST'
            ? Promise.resolve(new Response('{\"code\": \"busy\", \"message\": \"Too much.\"}', { status: 503 }))
            : real(address, options)";
    assert_eq!(browser.run(busy), Value::Null);
    browser.press(MAKE);
    browser.expect_text("Another backup was being made already");
    assert_eq!(listed(browser), 1);
}

#[test]
fn an_answer_that_the_next_question_cuts_short_is_none() {
    let visit = at_the_first();
    let browser = &visit.browser;
    browser.press("Users");
    browser.expect_text("There are no users yet.");
    let slow = "
        const real = fetch
        window.fetch = async (address, options) => {
            const answer = await real(address, options)
            if (address.endsWith('/backups') && !window.reading) {
                window.reading = true
                answer.json = () => new Promise((_, cut) => options.signal.addEventListener('abort', () => cut(new Error('cut short'))))
            }
            return answer
        }";
    assert_eq!(browser.run(slow), Value::Null);
    browser.press("Backups");
    browser.wait("the first answer", || {
        (browser.run("return window.reading === true") == true).then_some(())
    });
    browser.run("dispatchEvent(new Event('stale'))");
    comes_to(browser, 1);
    assert_eq!(browser.complaints(), [] as [String; 0]);
}
