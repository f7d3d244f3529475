//! Whatever a client sends as body, query or id: the contract's error, every field at fault named, nothing written.

use crate::endpoints::{Field, Presence, World, at_fault, with};
use crate::support::failure;

#[tokio::test(flavor = "multi_thread")]
async fn the_bodies_that_these_tests_spoil_are_good() {
    let world = World::new().await;
    for endpoint in &world.endpoints {
        let answer = world.json(endpoint, &endpoint.good.to_string()).await;
        assert_eq!(
            answer.status,
            endpoint.status,
            "{} {}",
            endpoint.path,
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_at_fault_is_named_and_nothing_is_written() {
    let world = World::new().await;
    let before = world.dump();
    for endpoint in &world.endpoints {
        for Field(name, kind, presence) in &endpoint.fields {
            let mut faults = kind.faults();
            if *presence != Presence::Nullable {
                faults.push(("null".into(), "wrong_type"));
            }
            for (raw, code) in faults {
                let body = with(&endpoint.good, name, &raw);
                at_fault(
                    &world.json(endpoint, &body).await,
                    &format!("{} {body}", endpoint.path),
                    name,
                    code,
                );
            }
            let twice = with(
                &endpoint.good,
                name,
                &format!("{0},\"{name}\":{0}", endpoint.good[name]),
            );
            at_fault(
                &world.json(endpoint, &twice).await,
                &twice,
                name,
                "duplicate",
            );
            if *presence == Presence::Required {
                let mut missing = endpoint.good.clone();
                missing.as_object_mut().unwrap().remove(*name);
                at_fault(
                    &world.json(endpoint, &missing.to_string()).await,
                    name,
                    name,
                    "required",
                );
            }
        }
        let unknown = with(&endpoint.good, "surprise", "1");
        at_fault(
            &world.json(endpoint, &unknown).await,
            &unknown,
            "surprise",
            "unknown_field",
        );
    }
    world.unchanged(&before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_is_refused_where_it_breaks() {
    let world = World::new().await;
    let before = world.dump();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for endpoint in &world.endpoints {
        let good = endpoint.good.to_string();
        for body in ["", " \n", "null", "[]", "\"x\"", "7"] {
            let answer = world.json(endpoint, body).await;
            assert_eq!(answer.fails(), failure(400, "invalid_request"), "{body}");
        }
        let mut broken = vec![
            format!("{good}x"),
            format!("{good} {{}}"),
            "{\"a\" 1}".into(),
            "{".into(),
            "{'a':1}".into(),
            deep.clone(),
        ];
        broken.extend(
            endpoint
                .fields
                .iter()
                .map(|field| with(&endpoint.good, field.0, &deep)),
        );
        let mut broken: Vec<_> = broken.into_iter().map(String::into_bytes).collect();
        broken.extend(endpoint.fields.iter().map(|field| {
            let body = with(&endpoint.good, field.0, "\"?\"").into_bytes();
            body.into_iter()
                .map(|byte| if byte == b'?' { 0xFF } else { byte })
                .collect()
        }));
        for body in broken {
            let answer = world.send(endpoint, None, &body).await;
            assert_eq!(answer.fails(), failure(400, "invalid_request"));
            let text = answer.text();
            assert!(text.contains("line 1") && text.contains("column"), "{text}");
        }
    }
    world.unchanged(&before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_64_kib_or_of_three_halves_of_a_mib_with_an_image_is_read_and_a_larger_one_is_413()
 {
    let world = World::new().await;
    let before = world.dump();
    let sized = |size: usize| format!("{{\"surprise\":\"{}\"}}", "a".repeat(size - 15));
    for endpoint in &world.endpoints {
        let (most, more) = (sized(endpoint.most()), sized(endpoint.most() + 1));
        assert_eq!(most.len(), endpoint.most());
        assert_eq!(
            world.json(endpoint, &most).await.fails(),
            failure(400, "invalid_request")
        );
        for large in [more, sized(10_000_000)] {
            assert_eq!(
                world.json(endpoint, &large).await.fails(),
                failure(413, "body_too_large")
            );
        }
    }
    world.unchanged(&before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_type_that_is_there_says_json() {
    let world = World::new().await;
    let before = world.dump();
    let form = "application/x-www-form-urlencoded";
    for endpoint in &world.endpoints {
        let good = endpoint.good.to_string();
        for kind in [
            "text/plain",
            form,
            "multipart/form-data; boundary=x",
            "application/json; charset=latin1",
            "json",
        ] {
            let answer = world.send(endpoint, Some(kind), good.as_bytes()).await;
            assert_eq!(
                answer.fails(),
                failure(415, "unsupported_media_type"),
                "{kind}"
            );
        }
        for kind in [
            Some("application/json; charset=UTF-8"),
            Some("application/json"),
            None,
        ] {
            let answer = world.send(endpoint, kind, b"{\"surprise\":1}").await;
            assert!(
                answer
                    .faults()
                    .contains(&("surprise".into(), "unknown_field".into())),
                "{kind:?}"
            );
        }
    }
    world.unchanged(&before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_a_body_is_not_looked_at() {
    let world = World::new().await;
    for endpoint in world.endpoints.iter().filter(|endpoint| !endpoint.open) {
        for body in [endpoint.good.to_string(), "{".into()] {
            let answer = world
                .server
                .call(endpoint.method, &endpoint.path, None, Some(&body))
                .await;
            assert_eq!(answer.fails(), failure(401, "unauthorized"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_faults_in_one_body_are_all_named() {
    let world = World::new().await;
    let before = world.dump();
    let me = world.ada.id();
    let cases = [
        (
            0,
            r#"{"username":"","discriminator":1,"flags":[1],"x":1,"x":2}"#.to_owned(),
            "discriminator flags username x x",
        ),
        (
            2,
            format!(r#"{{"type":3,"recipient_ids":["01",7,"{me}"],"name":"","z":0}}"#),
            "name recipient_ids[0] recipient_ids[1] z",
        ),
        (
            2,
            format!(r#"{{"type":3,"recipient_ids":["5","5","{me}"]}}"#),
            "recipient_ids[1] recipient_ids[2]",
        ),
        (
            2,
            r#"{"type":3,"recipient_ids":["5","0"]}"#.to_owned(),
            "recipient_ids[0] recipient_ids[1]",
        ),
        (
            3,
            r#"{"password":"short","discriminator":"0","flags":[]}"#.to_owned(),
            "discriminator flags password username",
        ),
        (4, "{}".to_owned(), "password tag"),
        (
            7,
            r#"{"name":"","owner_id":"01"}"#.to_owned(),
            "name owner_id",
        ),
        (
            10,
            r#"{"max_uses":0,"expires_at":7}"#.to_owned(),
            "expires_at max_uses",
        ),
    ];
    for (index, body, expected) in cases {
        let mut faults: Vec<_> = world
            .json(&world.endpoints[index], &body)
            .await
            .faults()
            .into_iter()
            .map(|fault| fault.0)
            .collect();
        faults.sort();
        assert_eq!(faults.join(" "), expected, "{body}");
    }
    world.unchanged(&before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_where_an_id_is_due_is_told_that_a_string_is() {
    let world = World::new().await;
    let answer = world
        .json(&world.endpoints[1], r#"{"type":2,"recipient_id":42}"#)
        .await;
    assert_eq!(
        answer.faults(),
        [("recipient_id".into(), "wrong_type".into())]
    );
    assert!(answer.text().contains("must be a string; it is a number"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_never_comes_back_in_an_error() {
    let world = World::new().await;
    let secret = "hunter2";
    for endpoint in world
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.path.starts_with("/auth"))
    {
        for field in ["password", "current", "new", "code"] {
            for raw in [
                format!("\"{secret}\""),
                format!("[\"{secret}\"]"),
                format!("\"{}\"", secret.repeat(30)),
                format!("\"{secret}"),
                format!("\"{secret}\" {secret}"),
            ] {
                let text = world
                    .json(endpoint, &with(&endpoint.good, field, &raw))
                    .await
                    .text();
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}
