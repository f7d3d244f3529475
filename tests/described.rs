//! The hook that holds every answer of the REST API against what `/openapi.json` says of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::Answer;

/// What stands beside the REST API at the root.
const ELSEWHERE: [&str; 6] = ["admin", "account", "metrics", "api", "favicon.ico", "docs"];

/// Headers that the description is to name where an answer bears them.
const TOLD: [&str; 8] = [
    "X-Request-Id",
    "Link",
    "ETag",
    "Retry-After",
    "Via",
    "WWW-Authenticate",
    "Idempotency-Replayed",
    "X-RateLimit-",
];

/// The description, and what was made of its schemas.
pub(crate) struct Described {
    pub(crate) document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// What the code says.
pub(crate) fn description() -> &'static Described {
    static DESCRIBED: OnceLock<Described> = OnceLock::new();
    DESCRIBED.get_or_init(|| Described {
        document: saryno::description().unwrap(),
        validators: Mutex::new(HashMap::new()),
    })
}

/// Holds an answer against the description; panics where that says otherwise.
#[track_caller]
pub(crate) fn check(method: Method, path: &[&str], answer: &Answer) {
    let path = path.strip_prefix(&["v1"]).unwrap_or(path);
    if path.first().is_none_or(|first| ELSEWHERE.contains(first)) {
        return;
    }
    let described = description();
    let asked = if method == Method::Head {
        Method::Get
    } else {
        method
    };
    let Some((template, operation)) = described.operation(asked, path) else {
        // No such path, or not with this method.
        assert!(
            answer.status >= 400 || method == Method::Options,
            "{method} {path:?} is not described"
        );
        return;
    };
    // A form may say that it means another method than it has, which need not exist.
    if answer.status == 405 {
        return;
    }
    let what = format!("{method} {template} {}", answer.status);
    let response = described.follow(&operation["responses"][answer.status.to_string()]);
    assert!(
        response.is_object(),
        "{what} is not described: {}",
        answer.text()
    );
    described.check_headers(&what, response, answer);
    if method != Method::Head {
        described.check_body(&what, response, answer);
    }
}

impl Described {
    fn operation(&self, method: Method, path: &[&str]) -> Option<(&String, &Value)> {
        let fits = |template: &&String| {
            let template: Vec<_> = template.split('/').skip(1).collect();
            let mut pairs = template.iter().zip(path);
            template.len() == path.len() && pairs.all(|(due, is)| due.starts_with('{') || due == is)
        };
        let paths = self.document["paths"].as_object().unwrap();
        // A path that says `@me` is another than one with any id.
        let holes = |template: &&String| template.matches('{').count();
        let template = paths.keys().filter(fits).min_by_key(holes)?;
        let operation = &paths[template][method.as_str().to_lowercase()];
        operation.is_object().then_some((template, operation))
    }

    /// What a reference leads to.
    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap(),
            None => value,
        }
    }

    #[track_caller]
    fn check_headers(&self, what: &str, response: &Value, answer: &Answer) {
        let none = serde_json::Map::new();
        let due = response["headers"].as_object().unwrap_or(&none);
        for (name, value) in &answer.headers {
            if TOLD.iter().any(|told| name.starts_with(told)) {
                assert!(due.contains_key(name), "{what}: {name} is not described");
                let header = self.follow(&due[name]);
                let value = match header["schema"]["type"].as_str() {
                    Some("string") => json!(value),
                    _ => serde_json::from_str(value).unwrap(),
                };
                self.hold(&format!("header {name}"), &header["schema"], &value);
            }
        }
        for (name, header) in due {
            let required = self.follow(header)["required"] == true;
            assert!(
                !required || answer.header(name).is_some(),
                "{what}: no {name}"
            );
        }
    }

    #[track_caller]
    fn check_body(&self, what: &str, response: &Value, answer: &Answer) {
        let Some(content) = response["content"].as_object() else {
            assert!(
                answer.bytes.is_empty(),
                "{what}: a body that is not described"
            );
            return;
        };
        let kind = answer.header("Content-Type").unwrap_or_default();
        assert!(
            content.contains_key(kind),
            "{what}: {kind} is not described"
        );
        if kind != "application/json" {
            return;
        }
        let media = &content[kind];
        let body = answer.json();
        self.hold(what, &media["schema"], &body);
        if let (Some(examples), Some(code)) = (media["examples"].as_object(), body["code"].as_str())
        {
            assert!(
                examples.contains_key(code),
                "{what}: {code} is not described"
            );
        }
    }

    /// Holds a value against a schema, of which there is one by this name.
    #[track_caller]
    fn hold(&self, name: &str, schema: &Value, value: &Value) {
        let mut validators = self.validators.lock().unwrap();
        let validator = validators.entry(name.to_owned()).or_insert_with(|| {
            let mut components = self.document["components"].clone();
            close(&mut components["schemas"]);
            let mut schema = schema.clone();
            schema["components"] = components;
            Arc::new(jsonschema::draft202012::new(&schema).unwrap())
        });
        let validator = validator.clone();
        drop(validators);
        let faults: Vec<_> = validator
            .iter_errors(value)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}\n{value}");
    }
}

/// Clients may meet new fields one day, which these tests must be told of: no object has others than those that are described.
fn close(schemas: &mut Value) {
    let is_part = |name: &str, schemas: &Value| {
        let reference = format!("#/components/schemas/{name}");
        let mut all = schemas.as_object().unwrap().values();
        all.any(|schema| {
            schema["allOf"]
                .as_array()
                .is_some_and(|parts| parts.iter().any(|part| part["$ref"] == *reference))
        })
    };
    let names: Vec<_> = schemas.as_object().unwrap().keys().cloned().collect();
    for name in names {
        let part = is_part(&name, schemas);
        let schema = &mut schemas[&name];
        if schema["allOf"].is_array() {
            schema["unevaluatedProperties"] = json!(false);
        } else if schema["properties"].is_object() && !part {
            schema["additionalProperties"] = json!(false);
        }
    }
}
