//! A real browser: Debian's Chromium, headless, driven over the protocol of `WebDriver` (W3C, Level 2), which is plain JSON
//! over HTTP. The crates made for it bring a second HTTP stack along; the client that the tests have anyway will do.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::executable::agent;

/// How long something may take to appear, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// Control and A, and both released (`WebDriver`, section 17.4.2).
const SELECT_ALL: &str = "\u{e009}a\u{e000}";

/// The key.
const DELETE: &str = "\u{e017}";

/// The key under which the protocol hands elements over.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The code points of the keys that have no character.
pub(crate) const ENTER: &str = "\u{E007}";
pub(crate) const ESCAPE: &str = "\u{E00C}";
pub(crate) const DOWN: &str = "\u{E015}";
pub(crate) const RIGHT: &str = "\u{E014}";

/// A browser with a fresh profile.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    _profile: TempDir,
}

impl Browser {
    /// The driver, what it says from now on, and where it listens; nothing where it ended instead.
    fn start_driver() -> Option<(Child, Lines<BufReader<ChildStdout>>, u16)> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing; Debian's package is chromium-driver");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let port = line.split("started successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse().ok()
        });
        if port.is_none() {
            driver.wait().unwrap();
        }
        Some((driver, lines, port?))
    }

    pub(crate) fn start() -> Self {
        // The port that it picks may be taken by another test before it has it on IPv6, too; then it gives up.
        let mut started = std::iter::repeat_with(Self::start_driver).take(10);
        let (driver, lines, port) = started.find_map(|driver| driver).unwrap();
        // It goes on talking; with nobody to read, it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));

        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,1000",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let base = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self {
            driver,
            session: base,
            agent: agent(),
            _profile: profile,
        };
        let made = browser.post("", &wanted);
        let id = made["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Result<Value, Value> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.session))
            .header("Content-Type", "application/json")
            .body(body.to_owned())
            .unwrap();
        let mut response = self.agent.run(request).unwrap();
        let text = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .unwrap();
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        let value = answer["value"].take();
        if response.status().is_success() {
            Ok(value)
        } else {
            Err(value)
        }
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("POST", path, &body.to_string());
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// Opens an address; one that differs in its fragment only is no new document.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    #[track_caller]
    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    pub(crate) fn address(&self) -> String {
        let url = self.call("GET", "/url", "").unwrap();
        url.as_str().unwrap().to_owned()
    }

    /// Runs a script in the page; its last value comes back, awaited if it is a promise.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.post("/execute/sync", &body)
    }

    /// A command of Chromium's own protocol.
    #[track_caller]
    fn command(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", &body)
    }

    /// The scheme that the system is set to: `dark` or `light`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.command(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// A window of so many CSS pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// A picture of what is shown.
    pub(crate) fn screenshot(&self, path: &Path) {
        use base64ct::{Base64, Encoding};
        let shot = self.call("GET", "/screenshot", "").unwrap();
        let png = Base64::decode_vec(shot.as_str().unwrap()).unwrap();
        std::fs::write(path, png).unwrap();
    }

    /// What the page has complained about since the last time: errors, and violations of its policy.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        let grave =
            entries.filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        grave
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Looks again and again until there is something to see.
    #[track_caller]
    pub(crate) fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            if Instant::now() > until {
                let shown = self.run("return document.body.innerText");
                let complaints = self.complaints();
                self.screenshot(&pictures().join("failed.png"));
                panic!(
                    "no {what} at {}\n{complaints:#?}\n{}",
                    self.address(),
                    shown.as_str().unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether what the script tells comes to be what is due, in a while.
    #[track_caller]
    pub(crate) fn comes_to(&self, script: &str, due: &Value) -> bool {
        let until = Instant::now() + PATIENCE / 4;
        while Instant::now() < until {
            if self.run(script) == *due {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn elements(&self, xpath: &str) -> Vec<String> {
        let body = json!({ "using": "xpath", "value": xpath });
        let found = self.call("POST", "/elements", &body.to_string());
        let found = found.unwrap_or_default();
        let ids = found.as_array().into_iter().flatten();
        ids.map(|element| element[ELEMENT].as_str().unwrap().to_owned())
            .collect()
    }

    fn is_shown(&self, element: &str) -> bool {
        let shown = self.call("GET", &format!("/element/{element}/displayed"), "");
        shown.is_ok_and(|shown| shown == true)
    }

    /// The first of these that is shown, once there is one.
    #[track_caller]
    fn find(&self, xpath: &str) -> String {
        self.wait(xpath, || {
            let found = self.elements(xpath);
            found.into_iter().find(|element| self.is_shown(element))
        })
    }

    /// Whether one of these is shown now.
    pub(crate) fn shows(&self, xpath: &str) -> bool {
        let found = self.elements(xpath);
        found.iter().any(|element| self.is_shown(element))
    }

    /// Waits until one of these is shown.
    #[track_caller]
    pub(crate) fn expect(&self, xpath: &str) {
        self.find(xpath);
    }

    /// Waits until none of these is shown.
    #[track_caller]
    pub(crate) fn expect_none(&self, xpath: &str) {
        self.wait(&format!("end of {xpath}"), || {
            (!self.shows(xpath)).then_some(())
        });
    }

    /// Waits until this text is shown somewhere in the page, in one element.
    #[track_caller]
    pub(crate) fn expect_text(&self, text: &str) {
        self.wait(text, || {
            let shown = self.run("return document.body.innerText");
            shown.as_str()?.contains(text).then_some(())
        });
    }

    /// Clicks the first of these that is shown, once nothing is in its way.
    #[track_caller]
    pub(crate) fn click(&self, xpath: &str) {
        self.wait(&format!("{xpath} to click"), || {
            let found = self.elements(xpath);
            let element = found.into_iter().find(|element| self.is_shown(element))?;
            let clicked = self.call("POST", &format!("/element/{element}/click"), "{}");
            if clicked.is_err() {
                // Something lies over it, like a message at the edge of the window: a person scrolls on.
                let script = "arguments[0].scrollIntoView({ block: 'center' })";
                let body = json!({ "script": script, "args": [{ ELEMENT: element }] });
                let _ = self.call("POST", "/execute/sync", &body.to_string());
            }
            clicked.ok()
        });
    }

    /// Clicks the button, or what looks like one, of this name.
    #[track_caller]
    pub(crate) fn press(&self, name: &str) {
        self.click(&button(name));
    }

    /// Writes into the field of this label, in place of what stands there.
    #[track_caller]
    pub(crate) fn fill(&self, label: &str, text: &str) {
        let element = self.find(&field(label));
        // As a person does: all of it selected, and typed over. What WebDriver clears tells the page nothing, which may draw it again.
        let keys = format!(
            "{SELECT_ALL}{}",
            if text.is_empty() { DELETE } else { text }
        );
        let path = format!("/element/{element}/value");
        self.post(&path, &json!({ "text": keys }));
    }

    /// Chooses a file in the field whose label begins so, which need not be shown: its label is what one presses.
    #[track_caller]
    pub(crate) fn choose_file(&self, label: &str, path: &Path) {
        let element = self.wait(label, || self.elements(&field(label)).into_iter().next());
        let body = json!({ "text": path });
        self.post(&format!("/element/{element}/value"), &body);
    }

    /// Presses keys, wherever the focus is.
    #[track_caller]
    pub(crate) fn keys(&self, keys: &str) {
        let actions: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                let key = key.to_string();
                [
                    json!({ "type": "keyDown", "value": key }),
                    json!({ "type": "keyUp", "value": key }),
                ]
            })
            .collect();
        let keyboard = json!([{ "type": "key", "id": "keyboard", "actions": actions }]);
        self.post("/actions", &json!({ "actions": keyboard }));
    }
}

/// Where the pictures of a run lie, to be looked at.
pub(crate) fn pictures() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium, too; killing the driver alone would leave it.
        let _ = self.call("DELETE", "", "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn quoted(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{text}\"")
    } else {
        format!("'{text}'")
    }
}

/// The button or link of this name; in an open dialog, where there is one.
pub(crate) fn button(name: &str) -> String {
    let name = quoted(name);
    let named = format!("[normalize-space()={name} or @aria-label={name}]");
    let within = "[ancestor::dialog[@open] or not(//dialog[@open])]";
    format!("(//button{named}{within} | //a{named}{within})")
}

/// The field whose label begins so; in an open dialog, where there is one.
pub(crate) fn field(label: &str) -> String {
    let label = quoted(label);
    let within = "[ancestor::dialog[@open] or not(//dialog[@open])]";
    let fields = "[self::input or self::select or self::textarea]";
    let begins = format!("starts-with(normalize-space(), {label})");
    format!(
        "(//*{fields}{within}[@id = //label[{begins}]/@for or ancestor::label[{begins}] or @aria-label = {label}])"
    )
}
