//! `GET /avatars` and `/icons`: what is shown of an image, with which headers, and for how long.

use std::time::{Duration, Instant};

use image::ImageFormat::{self, Png, WebP};
use rocket::http::Method::{Get, Head};
use serde_json::{Value, json};
use ureq::http::Request;

use crate::admin_accounts::fault;
use crate::admin_users::encoded;
use crate::avatars::{put_on, wear};
use crate::channels::people;
use crate::communities::community;
use crate::endpoints::NO_IDS;
use crate::executable::{Binary, agent, http, run};
use crate::operate::Operate;
use crate::painting::{canvas, decoded, encode, hash, picture, uri};
use crate::races::{directory, people as people_in};
use crate::support::{Account, Answer, Server, failure};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

async fn get(server: &Server, path: &str) -> Answer {
    server.send(Get, path, &[], None).await
}

async fn with(server: &Server, path: &str, name: &str, value: &str) -> Answer {
    let header = (name.to_owned(), value.to_owned());
    server.send(Get, path, &[header], None).await
}

/// Width and height of what is shown.
#[track_caller]
fn size(answer: &Answer, format: ImageFormat) -> (u32, u32) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let picture = decoded(&answer.bytes, format);
    (picture.width(), picture.height())
}

/// Somebody with an avatar of so many pixels a side, and its address but for the extension.
async fn start(side: u32) -> (Server, Account, String) {
    let server = Server::start().await;
    let [me] = people(&server).await;
    let bytes = encode(canvas(side, side, 1), Png);
    let avatar = put_on(&server, &me, &uri(&bytes)).await;
    let path = format!("/avatars/{}/{avatar}", me.id());
    (server, me, path)
}

/// Everything that is asked for and is no picture.
async fn assert_absent(server: &Server, path: &str) {
    let answer = get(server, path).await;
    assert_eq!(answer.fails(), failure(404, "not_found"), "{path}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_is_a_power_of_two_from_16_to_512_and_nothing_is_scaled_up() {
    for side in [40, 512] {
        let (server, _, path) = start(side).await;
        for (extension, format) in [("png", Png), ("webp", WebP)] {
            for asked in [16, 32, 64, 128, 256, 512] {
                let answer = get(&server, &format!("{path}.{extension}?size={asked}")).await;
                let expected = side.min(asked);
                assert_eq!(size(&answer, format), (expected, expected), "{asked}");
            }
            let whole = get(&server, &format!("{path}.{extension}")).await;
            assert_eq!(size(&whole, format), (side, side));
        }
        for wrong in [
            "0", "8", "15", "24", "500", "1024", "016", "-16", "16.0", "x", "", "%2B16",
        ] {
            for file in [
                format!("{path}.png"),
                format!("{path}.webp"),
                "/avatars/1/default.png".to_owned(),
            ] {
                let answer = get(&server, &format!("{file}?size={wrong}")).await;
                assert_eq!(answer.fails(), failure(400, "invalid_request"), "{wrong}");
                assert_eq!(answer.faults(), [fault("size", "out_of_range")], "{wrong}");
            }
        }
        let twice = get(&server, &format!("{path}.png?size=16&size=16")).await;
        assert_eq!(twice.faults(), [fault("size", "duplicate")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_size_and_format_shows_the_picture() {
    let (server, _, path) = start(256).await;
    let whole = get(&server, &format!("{path}.png")).await;
    let whole = decoded(&whole.bytes, Png).into_rgb8();
    // Both without loss: the same pixels.
    let webp = get(&server, &format!("{path}.webp")).await;
    assert_eq!(decoded(&webp.bytes, WebP).into_rgb8(), whole);
    for side in [32, 128] {
        let png = get(&server, &format!("{path}.png?size={side}")).await;
        let webp = get(&server, &format!("{path}.webp?size={side}")).await;
        let png = decoded(&png.bytes, Png).into_rgb8();
        assert_eq!(decoded(&webp.bytes, WebP).into_rgb8(), png);
        let mean = |picture: &image::RgbImage| {
            let sum: u64 = picture.iter().map(|value| u64::from(*value)).sum();
            sum / u64::from(picture.width() * picture.height() * 3)
        };
        assert!(mean(&png).abs_diff(mean(&whole)) <= 4, "{side}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_public_immutable_and_runs_nothing() {
    let (server, me, path) = start(64).await;
    let place = community(&server, &me).await;
    let icon = server
        .patch(&place, &me, &json!({"icon": picture(2)}))
        .await;
    let icon = icon.expect(200)["icon"].as_str().unwrap().to_owned();
    let icons = place.replace("communities", "icons");
    let mut tags = Vec::new();
    for (file, kind) in [
        (format!("{path}.png"), "image/png"),
        (format!("{path}.png?size=16"), "image/png"),
        (format!("{path}.webp"), "image/webp"),
        (format!("{path}.webp?size=16"), "image/webp"),
        (
            format!("/avatars/{}/default.png?size=16", me.id()),
            "image/png",
        ),
        (format!("{icons}/{icon}.png"), "image/png"),
        (format!("{icons}/default.png?size=32"), "image/png"),
    ] {
        let answer = get(&server, &file).await;
        assert_eq!(answer.status, 200, "{file}");
        for (name, value) in [
            ("Content-Type", kind),
            ("Cache-Control", IMMUTABLE),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "sandbox"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{file}");
        }
        assert!(answer.header("Set-Cookie").is_none() && answer.header("Vary").is_none());
        let tag = answer.header("ETag").unwrap().to_owned();
        assert!(
            tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2,
            "{tag}"
        );
        tags.push(tag);
        // The version that a client can pin shows the same, and so does it to whom nothing else lets in.
        let pinned = get(&server, &format!("/v1{file}")).await;
        assert_eq!((pinned.status, &pinned.bytes), (200, &answer.bytes));
        let stranger = with(&server, &file, "Authorization", "Bearer nonsense").await;
        assert_eq!((stranger.status, stranger.bytes), (200, answer.bytes));
    }
    let all = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), all, "each its own: {tags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_it_already_is_told_so() {
    let (server, me, path) = start(64).await;
    for file in [
        format!("{path}.png"),
        format!("{path}.webp?size=32"),
        format!("/avatars/{}/default.png", me.id()),
    ] {
        let fresh = get(&server, &file).await;
        let tag = fresh.header("ETag").unwrap();
        // A proxy that compresses makes tags weak.
        let weak = format!("W/{tag}");
        for known in [tag, &weak, &format!("\"x\", {tag}"), "*"] {
            let answer = with(&server, &file, "If-None-Match", known).await;
            assert_eq!((answer.status, answer.bytes.len()), (304, 0), "{known}");
            assert_eq!(answer.header("ETag"), Some(tag));
            assert_eq!(answer.header("Cache-Control"), Some(IMMUTABLE));
        }
        let answer = with(&server, &file, "If-None-Match", "\"x\"").await;
        assert_eq!((answer.status, answer.bytes), (200, fresh.bytes));
    }
    let gone = format!("/avatars/{}/{}.png", me.id(), "0".repeat(64));
    let answer = with(&server, &gone, "If-None-Match", "*").await;
    assert_eq!(answer.fails(), failure(404, "not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_of_this_owner_is_not_found() {
    let (server, me, path) = start(64).await;
    let [other] = people(&server).await;
    let place = community(&server, &me).await;
    let icon = server
        .patch(&place, &me, &json!({"icon": picture(9)}))
        .await;
    let icon = icon.expect(200)["icon"].as_str().unwrap().to_owned();
    let icons = place.replace("communities", "icons");
    let own = path.rsplit('/').next().unwrap();
    let mine = format!("/avatars/{}", me.id());
    for path in [
        // Others', and of nobody.
        format!("/avatars/{}/{own}.png", other.id()),
        format!("/avatars/1/{own}.png"),
        format!("{mine}/{icon}.png"),
        format!("{icons}/{own}.png"),
        format!("{mine}/{}.png", hash(b"another")),
        // Not how it is called.
        path.clone(),
        format!("{path}.jpg"),
        format!("{path}.PNG"),
        format!("{path}.png.png"),
        format!("{mine}/{}.png", own.to_uppercase()),
        format!("{mine}/{}.png", &own[1..]),
        format!("{mine}/{own}0.png"),
        format!("{mine}/x.png"),
        format!("{mine}/.png"),
        format!("{mine}/%00.png"),
        format!("{mine}/..%2F{own}.png"),
        mine.clone(),
        format!("{mine}/"),
        format!("{path}.png/x"),
        // The drawn ones are PNGs.
        format!("{mine}/default.webp"),
        format!("{mine}/default.gif"),
        format!("{mine}/default"),
        format!("{icons}/default.webp"),
    ] {
        assert_absent(&server, &path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_snowflake_is_named() {
    let server = Server::start().await;
    for id in NO_IDS.into_iter().filter(|id| !id.is_empty()) {
        for (base, field) in [("avatars", "user.id"), ("icons", "community.id")] {
            for file in ["default.png", &format!("{}.png", hash(&[]))] {
                let path = format!("/{base}/{}/{file}", encoded(id));
                let answer = get(&server, &path).await;
                assert_eq!(answer.fails(), failure(400, "invalid_request"), "{path}");
                assert_eq!(answer.faults()[0].0, field, "{path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_none_has_a_picture_of_their_own_that_is_always_the_same() {
    let (first, second) = (Server::start().await, Server::start().await);
    let drawn = async |server: &Server, path: &str| {
        let answer = get(server, path).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.bytes
    };
    let mut seen = Vec::new();
    for id in (1..=20).chain([i64::MAX]) {
        let path = format!("/avatars/{id}/default.png?size=64");
        let bytes = drawn(&first, &path).await;
        assert_eq!(size(&get(&first, &path).await, Png), (64, 64));
        assert_eq!(drawn(&first, &path).await, bytes);
        assert_eq!(drawn(&second, &path).await, bytes, "another server");
        let icon = format!("/icons/{id}/default.png?size=64");
        assert_eq!(
            drawn(&first, &icon).await.len(),
            drawn(&second, &icon).await.len()
        );
        assert!(!seen.contains(&bytes), "{id}");
        seen.push(bytes);
    }
    for side in [16, 512] {
        let path = format!("/icons/7/default.png?size={side}");
        assert_eq!(size(&get(&first, &path).await, Png), (side, side));
    }
    // Whatever has been set since.
    let [me] = people(&first).await;
    let path = format!("/avatars/{}/default.png", me.id());
    let before = drawn(&first, &path).await;
    put_on(&first, &me, &picture(1)).await;
    assert_eq!(drawn(&first, &path).await, before);
}

/// Asks until it is gone; what begins a second after it was given up shows nothing.
fn assert_gone(mut ask: impl FnMut() -> u16) {
    let given_up = Instant::now();
    loop {
        let late = given_up.elapsed() > Duration::from_secs(1);
        match ask() {
            404 => return,
            200 => assert!(!late, "shown after {:?}", given_up.elapsed()),
            other => panic!("{other}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_given_up_is_gone_within_a_second_and_back_when_it_is_put_on_again() {
    let (server, me, path) = start(64).await;
    let file = format!("{path}.webp?size=32");
    let handle = tokio::runtime::Handle::current();
    let status = || tokio::task::block_in_place(|| handle.block_on(get(&server, &file)).status);
    for avatar in [Value::Null, json!(picture(5))] {
        assert_eq!(status(), 200);
        wear(&server, &me, &avatar).await.expect(200);
        assert_gone(status);
        put_on(&server, &me, &uri(&encode(canvas(64, 64, 1), Png))).await;
        assert_eq!(status(), 200);
    }
    // By another connection, of which the server hears nothing.
    assert_eq!(status(), 200);
    server
        .database()
        .execute_batch("UPDATE users SET avatar = NULL")
        .unwrap();
    assert_gone(status);
    assert_absent(&server, &file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_avatar_of_a_deleted_account_is_gone_within_a_second() {
    let (server, me, path) = start(64).await;
    let file = format!("{path}.png");
    let handle = tokio::runtime::Handle::current();
    let status = || tokio::task::block_in_place(|| handle.block_on(get(&server, &file)).status);
    assert_eq!(status(), 200);
    server.store.delete_user(me.user.id).await.unwrap();
    assert_gone(status);
}

#[test]
fn the_avatar_of_an_account_that_the_command_line_deletes_beside_the_server_is_gone_within_a_second()
 {
    let (_directory, data) = directory();
    let [me, other] = <[_; 2]>::try_from(people_in(&data, 2)).ok().unwrap();
    let server = Binary::start(&data);
    let agent = agent();
    let mut hashes = Vec::new();
    for who in [&me, &other] {
        let body = json!({"avatar": picture(1)}).to_string();
        let url = format!("{}/users/@me", server.url);
        let (status, user) = http(&agent, "PATCH", &url, &who.token, &body).unwrap();
        assert_eq!(status, 200, "{user}");
        hashes.push(user["avatar"].as_str().unwrap().to_owned());
    }
    assert_eq!(hashes[0], hashes[1]);
    let url = |id: &str| format!("{}/avatars/{id}/{}.png?size=32", server.url, hashes[0]);
    let status = |id: &str| agent.get(url(id)).call().unwrap().status().as_u16();
    assert_eq!([status(&me.id), status(&other.id)], [200, 200]);
    assert!(run(&data, &["user", "delete", &me.id]).status.success());
    assert_gone(|| status(&me.id));
    assert_eq!(status(&other.id), 200);
}

#[test]
fn a_head_request_gets_the_headers_and_nothing_else() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let agent = agent();
    let url = format!("{}/avatars/7/default.png?size=64", server.url);
    let ask = |method: &str| {
        let request = Request::builder().method(method).uri(&url);
        let mut response = agent.run(request.body(()).unwrap()).unwrap();
        let told = [
            "Content-Type",
            "Content-Length",
            "ETag",
            "Cache-Control",
            "Content-Security-Policy",
        ];
        let told = told.map(|name| response.headers()[name].to_str().unwrap().to_owned());
        let body = response.body_mut().read_to_vec().unwrap();
        (response.status().as_u16(), told, body)
    };
    let (whole, head) = (ask("GET"), ask("HEAD"));
    assert_eq!((whole.0, &whole.1), (200, &head.1));
    assert_eq!(whole.1[1], whole.2.len().to_string());
    assert_eq!((head.0, head.2.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_for_a_stored_picture_says_what_a_get_would() {
    let (server, _, path) = start(64).await;
    let file = format!("{path}.webp");
    let (whole, head) = (
        get(&server, &file).await,
        server.send(Head, &file, &[], None).await,
    );
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    for name in [
        "ETag",
        "Content-Type",
        "Cache-Control",
        "X-Content-Type-Options",
    ] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    let absent = server.send(Head, &format!("{path}.gif"), &[], None).await;
    assert_eq!(absent.status, 404);
}
