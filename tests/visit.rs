//! A visit to the admin page: the real executable, and a real browser that has logged in.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::executable::{Binary, run_json};

/// A server with an admin, and a browser that has logged in as them.
pub(crate) struct Visit {
    _directory: TempDir,
    pub(crate) data: PathBuf,
    pub(crate) server: Binary,
    pub(crate) browser: Browser,
}

impl Visit {
    /// As a newcomer does it: with the link that the server printed.
    pub(crate) fn set_up() -> Self {
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

    pub(crate) fn open(&self, view: &str) {
        self.browser
            .open(&format!("{}/admin/{view}", self.server.url));
    }

    /// The same on the account page.
    pub(crate) fn open_account(&self, view: &str) {
        self.browser
            .open(&format!("{}/account/{view}", self.server.url));
    }

    pub(crate) fn user(&self, name: &str, more: &[&str]) -> Value {
        run_json(&self.data, &[&["user", "create", name], more].concat())
    }
}

/// The heading of the page that is shown.
pub(crate) fn heading(text: &str) -> String {
    format!("//h1[contains(normalize-space(), '{text}')]")
}
