//! `/openapi.json`: what the REST API says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rocket::http::Method;
use serde_json::Value;

use crate::described::description;
use crate::support::{Server, failure};

/// As the description writes a path.
fn template(path: &str) -> String {
    path.replace('<', "{").replace('>', "}")
}

fn operations() -> impl Iterator<Item = (String, String, &'static Value)> {
    let paths = description().document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation))
    })
}

#[tokio::test]
async fn every_route_of_the_rest_api_is_described_and_nothing_else() {
    let server = Server::start().await;
    let routes: BTreeSet<_> = server
        .client
        .rocket()
        .routes()
        .filter(|route| route.method != Method::Options)
        .filter_map(|route| {
            let path = route.uri.as_str().strip_prefix("/v1")?;
            Some((route.method.to_string(), template(path)))
        })
        .collect();
    let described: BTreeSet<_> = operations()
        .map(|(method, path, _)| (method, path))
        .collect();
    assert_eq!(described, routes);
    assert!(routes.len() > 40);
}

#[tokio::test]
async fn the_description_is_public_and_the_same_under_v1() {
    let server = Server::start().await;
    for path in ["/openapi.json", "/v1/openapi.json"] {
        let answer = server.call(Method::Get, path, None, None).await;
        // Without telling both, of which each has thousands of lines.
        assert!(answer.expect(200) == description().document, "{path}");
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
    }
    let refused = server.call(Method::Post, "/openapi.json", None, None).await;
    assert_eq!(refused.fails(), failure(405, "method_not_allowed"));
}

/// `SARYNO_DESCRIBE=1 cargo test description::` writes it anew.
#[test]
fn what_is_served_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/openapi.json");
    let said = format!("{:#}\n", saryno::description().unwrap());
    if std::env::var_os("SARYNO_DESCRIBE").is_some() {
        fs::write(&path, &said).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == said,
        "static/openapi.json is not what the code says; SARYNO_DESCRIBE=1 cargo test description:: writes it anew"
    );
}

#[test]
fn each_operation_has_a_name_of_its_own_a_summary_a_description_and_a_tag() {
    let document = &description().document;
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations() {
        let text = |key: &str| operation[key].as_str().unwrap_or_default();
        assert!(names.insert(text("operationId")), "{method} {path}");
        assert!(!text("summary").is_empty(), "{method} {path}");
        assert!(text("description").ends_with('.'), "{method} {path}");
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(tags.contains(tag), "{method} {path}: {tag}");
    }
}

#[test]
fn every_parameter_is_described_and_is_left_out_instead_of_null() {
    for (method, path, operation) in operations() {
        for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
            let (description, kind) = (&parameter["description"], &parameter["schema"]["type"]);
            assert!(
                description.is_string() && !kind.is_array(),
                "{method} {path}: {parameter}"
            );
        }
    }
}

#[test]
fn every_schema_is_described_in_the_words_of_who_asks() {
    let schemas = description().document["components"]["schemas"].as_object();
    for (name, schema) in schemas.unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        let text = schema.to_string();
        for word in ["`None`", "[`", "contract"] {
            assert!(!text.contains(word), "{name} speaks of {word}");
        }
    }
}

#[test]
fn what_kind_a_channel_is_tells_a_dm_from_a_group() {
    let schemas = &description().document["components"]["schemas"];
    for (name, kind) in [("Dm", 2), ("Group", 3), ("NewDm", 2), ("NewGroup", 3)] {
        let told = &schemas[name]["properties"]["type"]["enum"];
        assert_eq!(*told, serde_json::json!([kind]), "{name}");
    }
}

#[test]
fn the_security_scheme_is_asked_for_by_all_but_what_is_public() {
    let document = &description().document;
    assert_eq!(document["security"][0]["token"], serde_json::json!([]));
    let public: BTreeSet<_> = operations()
        .filter(|(_, _, operation)| operation.get("security").is_some())
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let due = [
        "GET /avatars/{id}/{file}",
        "GET /health",
        "GET /icons/{id}/{file}",
        "GET /openapi.json",
        "GET /ready",
        "GET /usernames/check",
        "POST /auth/login",
        "POST /auth/register",
        "POST /auth/reset",
    ];
    assert_eq!(public, due.map(str::to_owned).into());
}
