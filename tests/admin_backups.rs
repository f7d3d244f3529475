//! Backups through the admin API: the list, making one, downloading one, and what the log tells of it.

use rocket::http::Method::Get;
use saryno::backups::{Pace, Source};
use saryno::store::sqlite::{DatabaseFile, verify_copy};
use serde_json::{Value, json};

use crate::desk::{Desk, Pass};
use crate::support::failure;

async fn made(desk: &Desk) -> Value {
    desk.post("/backups", &json!({})).await.expect(201)
}

/// What the log tells of backups: the action and the name, newest first.
async fn told(desk: &Desk) -> Vec<(String, String)> {
    let entries = desk.get("/audit").await.expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = entries.as_array().unwrap().iter();
    all.filter(|entry| text(&entry["action"]).starts_with("backup."))
        .map(|entry| (text(&entry["action"]), text(&entry["target"]["name"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_none_before_one_is_made() {
    let desk = Desk::open().await;
    let report = desk.get("/backups").await.expect(200);
    let none = json!({
        "backups": [], "making": false, "last_failure": null, "next_due": null, "warnings": []
    });
    assert_eq!(report, none);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_made_is_listed_verified_and_downloaded_as_it_is() {
    let desk = Desk::open().await;
    let one = made(&desk).await;
    assert_eq!(one["verified"], true);
    let report = desk.get("/backups").await.expect(200);
    assert_eq!(report["backups"], json!([one]));
    let name = one["name"].as_str().unwrap();
    let answer = desk.get(&format!("/backups/{name}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(json!(answer.bytes.len()), one["size"]);
    assert_eq!(
        answer.header("Content-Type"),
        Some("application/octet-stream")
    );
    let disposition = format!("attachment; filename=\"{name}\"");
    assert_eq!(answer.header("Content-Disposition"), Some(&*disposition));
    let copy = desk.server.directory.path().join("downloaded.db");
    std::fs::write(&copy, &answer.bytes).unwrap();
    let verification = verify_copy(&copy, &Pace::full()).unwrap();
    assert_eq!(verification.findings, []);
    let log = ["backup.download", "backup.make"].map(|action| (action.to_owned(), name.to_owned()));
    assert_eq!(told(&desk).await, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_directory_is_none_the_report_says_so() {
    let desk = Desk::open().await;
    let place = desk.server.directory.path().join("backups");
    std::fs::write(&place, "in the way").unwrap();
    assert_eq!(desk.post("/backups", &json!({})).await.status, 500);
    for _ in 0..2 {
        let report = desk.get("/backups").await.expect(200);
        let failure = report["last_failure"]["message"].as_str().unwrap();
        assert!(failure.contains("backups"), "{failure}");
        assert_eq!(report["backups"], json!([]));
    }
    std::fs::remove_file(&place).unwrap();
    made(&desk).await;
    let report = desk.get("/backups").await.expect(200);
    assert_eq!(report["last_failure"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_come_first_and_only_the_newest_stay() {
    let desk = Desk::open().await;
    let directory = desk.server.directory.path().join("backups");
    let mut all = Vec::new();
    for _ in 0..2 {
        all.insert(0, made(&desk).await);
    }
    // What nobody made here is nobody's to drop.
    let foreign = [
        "notes.txt",
        "saryno-2020-01-01T00-00-00Z.db",
        "saryno-2020-01-01.db",
    ];
    for name in foreign {
        std::fs::write(directory.join(name), "mine").unwrap();
    }
    for _ in 0..3 {
        all.insert(0, made(&desk).await);
    }
    let report = desk.get("/backups").await.expect(200);
    let verified = report["backups"].as_array().unwrap().iter();
    let verified: Vec<_> = verified.filter(|kept| kept["verified"] == true).collect();
    assert_eq!(json!(verified), json!(all[..3]));
    for name in foreign {
        assert_eq!(std::fs::read(directory.join(name)).unwrap(), b"mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_and_lists_them_but_does_not_download_any() {
    let desk = Desk::open().await;
    let token = desk.token().await;
    let made = desk
        .call(rocket::http::Method::Post, "/backups", &token, None)
        .await;
    let name = made.expect(201)["name"].as_str().unwrap().to_owned();
    let answer = desk
        .call(Get, &format!("/backups/{name}"), &token, None)
        .await;
    assert_eq!(answer.fails(), failure(403, "forbidden"));
    let nobody = desk
        .call(Get, &format!("/backups/{name}"), &Pass::Nothing, None)
        .await;
    assert_eq!(nobody.fails(), failure(401, "unauthorized"));
    assert_eq!(told(&desk).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_name_leads_to_a_file() {
    let desk = Desk::open().await;
    let name = made(&desk).await["name"].as_str().unwrap().to_owned();
    for other in [
        format!("{name}.sha256"),
        format!("..%2Fbackups%2F{name}"),
        format!(".%2F{name}"),
        format!("{name}%00"),
        format!("{name}%2F"),
        "..%2Fsaryno.db".to_owned(),
        "saryno.db".to_owned(),
        "saryno-2020-01-01T00-00-00Z.db".to_owned(),
    ] {
        let answer = desk.get(&format!("/backups/{other}")).await;
        assert_eq!(answer.status, 404, "{other}");
    }
    assert_eq!(told(&desk).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_told_until_one_succeeds() {
    let desk = Desk::open().await;
    let directory = desk.server.directory.path().join("backups");
    std::fs::write(&directory, "in the way").unwrap();
    let failed = desk.post("/backups", &json!({})).await;
    assert_eq!(failed.fails(), failure(500, "internal"));
    std::fs::remove_file(&directory).unwrap();
    let report = desk.get("/backups").await.expect(200);
    let message = report["last_failure"]["message"].as_str().unwrap();
    assert!(message.contains("can't be made"), "{message}");
    let ready = desk
        .server
        .call(Get, "/ready", None, None)
        .await
        .expect(200);
    assert_eq!(report["warnings"], ready["warnings"]);
    let warning = ready["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("failed") && !warning.contains("backups"),
        "{warning}"
    );
    made(&desk).await;
    let report = desk.get("/backups").await.expect(200);
    assert_eq!(
        (&report["last_failure"], &report["warnings"]),
        (&Value::Null, &json!([]))
    );
    let ready = desk
        .server
        .call(Get, "/ready", None, None)
        .await
        .expect(200);
    assert_eq!(
        (&ready["status"], &ready["warnings"]),
        (&json!("ready"), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_one_is_busy() {
    let desk = Desk::open().await;
    crate::backups::grow(desk.server.directory.path(), 20);
    let (a, b) = (json!({}), json!({}));
    let (first, second) = tokio::join!(desk.post("/backups", &a), desk.post("/backups", &b));
    let (good, bad) = if first.status == 201 {
        (first, second)
    } else {
        (second, first)
    };
    good.expect(201);
    assert_eq!(bad.fails(), failure(503, "busy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_backup_reads_is_a_file_that_others_write() {
    // Two connections of one process: closing one must not end the other's locks.
    let desk = Desk::open().await;
    made(&desk).await;
    let file = DatabaseFile::at(&desk.server.directory.path().join("saryno.db"));
    assert_eq!(file.fold(), Err(saryno::error::Error::Busy));
    assert_eq!(file.verify(&Pace::full()).unwrap().findings, []);
}
