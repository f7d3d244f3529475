//! What operations have in common, added to what each says of itself: the errors of all, with what they really say, and headers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::{Error, FieldError, Problem};
use crate::limits::{Bucket, Standing};
use crate::routes::ErrorBody;

/// What an operation says of its errors: their codes.
const ERRORS: &str = "x-errors";

/// Of `/ready` alone: 503, whatever stands against it.
const NOT_READY: &str = "not_ready";

/// Completes every operation.
pub(super) fn complete(document: &mut Value) {
    let known = known();
    let codes: Vec<_> = known.keys().cloned().collect();
    let mut components = Map::new();
    let mut bodies = Vec::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths.values_mut().filter_map(Value::as_object_mut) {
            for (method, operation) in operation {
                bodies.extend(operation.pointer(BODY).and_then(referred));
                let codes = codes_of(method, operation);
                dress_successes(operation, &codes);
                for (status, errors) in by_status(&known, &codes) {
                    let name = name(&errors);
                    let reference = json!({ "$ref": format!("#/components/responses/{name}") });
                    operation["responses"][status.to_string()] = reference;
                    components
                        .entry(name)
                        .or_insert_with(|| response(status, &errors));
                }
            }
        }
    }
    let all = &mut document["components"];
    all["schemas"]["Error"]["properties"]["code"]["enum"] = json!(codes);
    all["schemas"]["FieldError"]["properties"]["code"]["enum"] = json!(Problem::CODES);
    all["responses"] = Value::Object(components);
    close(&mut all["schemas"], bodies);
    all["headers"] = headers();
}

/// Where an operation has the schema of its body.
const BODY: &str = "/requestBody/content/application~1json/schema";

/// The name of the schema that a reference leads to.
fn referred(schema: &Value) -> Option<String> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    Some(name.to_owned())
}

/// What is asked with has no fields but those that are named, and neither has what it may be one of.
fn close(schemas: &mut Value, mut names: Vec<String>) {
    while let Some(name) = names.pop() {
        let schema = &mut schemas[name];
        match schema["oneOf"].as_array() {
            Some(kinds) => names.extend(kinds.iter().filter_map(referred)),
            None => schema["additionalProperties"] = json!(false),
        }
    }
}

/// The codes that an operation fails with: its own, and those of all that are like it.
fn codes_of(method: &str, operation: &mut Value) -> Vec<String> {
    let own = operation
        .as_object_mut()
        .and_then(|operation| operation.shift_remove(ERRORS));
    let mut codes: Vec<String> = own
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|code| code.as_str().map(str::to_owned))
        .collect();
    let has_body = operation.get("requestBody").is_some();
    let parameters = operation["parameters"].as_array();
    let takes =
        |name: &str| parameters.is_some_and(|all| all.iter().any(|one| one["name"] == name));
    let (is_keyed, is_meant) = (takes("Idempotency-Key"), takes("If-Match"));
    let is_public = operation.get("security").is_some();
    let mut add = |more: &[&str]| codes.extend(more.iter().map(|code| (*code).to_owned()));
    if !is_public {
        let admission = ["unauthorized", "account_disabled", "rate_limited"];
        add(&admission);
        add(&["unsupported_media_type"]);
        if is_keyed {
            add(&["idempotency_conflict", "invalid_request"]);
        }
        if is_meant {
            add(&["precondition_failed", "invalid_request"]);
        }
        if parameters.is_some_and(|all| all.iter().any(|one| one["in"] != "header")) {
            add(&["invalid_request"]);
        }
    }
    if has_body {
        add(&[
            "invalid_request",
            "body_too_large",
            "unsupported_media_type",
        ]);
    }
    if method != "get" {
        add(&["storage_full"]);
    }
    let is_plain = is_public && parameters.is_none() && !has_body;
    if !is_plain {
        add(&["internal", "busy", "shutting_down"]);
    }
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What the errors of these codes say, by status.
fn by_status<'a>(
    known: &'a BTreeMap<String, Error>,
    codes: &[String],
) -> BTreeMap<u16, Vec<&'a Error>> {
    let mut statuses: BTreeMap<u16, Vec<&Error>> = BTreeMap::new();
    for code in codes {
        if code == NOT_READY {
            let any = ["internal", "busy", "shutting_down"];
            let any = any.into_iter().filter_map(|code| known.get(code));
            statuses.entry(503).or_default().extend(any);
        } else if let Some(error) = known.get(code) {
            statuses.entry(error.status()).or_default().push(error);
        }
    }
    statuses
}

/// `NotOwnerOrBlocked`.
fn name(errors: &[&Error]) -> String {
    let camel = |error: &&Error| -> String {
        let words = error.code().split('_').map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        });
        words.collect()
    };
    let names: Vec<_> = errors.iter().map(camel).collect();
    names.join("Or")
}

fn response(status: u16, errors: &[&Error]) -> Value {
    let said: Vec<_> = errors
        .iter()
        .map(|error| format!("`{}`: {}", error.code(), error.message()))
        .collect();
    let examples: Map<_, _> = errors
        .iter()
        .map(|error| {
            let value = json!({ "value": ErrorBody::of(error) });
            (error.code().to_owned(), value)
        })
        .collect();
    let mut names = vec!["X-Request-Id"];
    match status {
        401 => names.push("WWW-Authenticate"),
        429 => names.extend(["Retry-After", "Via"]),
        503 => names.push("Retry-After"),
        _ => {}
    }
    names.extend(LIMITS);
    json!({
        "description": said.join("\n\n"),
        "headers": references(&names),
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" }, "examples": examples } },
    })
}

/// Adds the headers of an answer that is none of an error.
fn dress_successes(operation: &mut Value, codes: &[String]) {
    let has = |name: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|one| one["name"] == name))
    };
    let mut names = vec!["X-Request-Id"];
    if has("before") {
        names.push("Link");
    }
    if has("Idempotency-Key") {
        names.push("Idempotency-Replayed");
    }
    if codes.iter().any(|code| code == "rate_limited") {
        names.extend(LIMITS);
    }
    let is_read = has("If-None-Match");
    let is_versioned = is_read || has("If-Match");
    if is_read {
        let description = "The client has the current version.";
        operation["responses"]["304"] = json!({ "description": description });
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses {
            let tag = (is_versioned && status != "204").then_some("ETag");
            let names: Vec<_> = names.iter().copied().chain(tag).collect();
            response["headers"] = references(&names);
        }
    }
}

fn references(names: &[&str]) -> Value {
    let reference = |name: &&str| {
        let reference = json!({ "$ref": format!("#/components/headers/{name}") });
        ((*name).to_owned(), reference)
    };
    Value::Object(names.iter().map(reference).collect())
}

/// Where a request was counted, unless limits are switched off.
const LIMITS: [&str; 5] = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Reset-After",
    "X-RateLimit-Bucket",
];

fn headers() -> Value {
    let text = json!({ "type": "string" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let seconds = json!({ "type": "number", "minimum": 0 });
    let header =
        |description: &str, schema: &Value| json!({ "description": description, "schema": schema });
    json!({
        "X-Request-Id": { "description": "Random; the log line of the request bears it, too.", "required": true, "schema": { "type": "string", "pattern": "^[0-9a-f]{16}$" } },
        "X-RateLimit-Limit": header("How many requests there is room for at once.", &whole),
        "X-RateLimit-Remaining": header("How many of them are left.", &whole),
        "X-RateLimit-Reset": header("When all are there again, in seconds since the Unix epoch.", &seconds),
        "X-RateLimit-Reset-After": header("The same in seconds from now.", &seconds),
        "X-RateLimit-Bucket": header("What was counted.", &text),
        "Retry-After": header("In how many seconds it is worth another try.", &whole),
        "Via": header("Tells a refusal of the server's own from one of an edge.", &text),
        "WWW-Authenticate": header("`Bearer`.", &text),
        "Link": header("Where there is a further page: `<path>; rel=\"next\"`, without a host.", &text),
        "Idempotency-Replayed": header("`true` where the answer is the one of before.", &text),
        "ETag": header("The version of what is answered.", &text),
    })
}

/// Every error, by its code, as it may be met.
fn known() -> BTreeMap<String, Error> {
    let limited = Standing {
        bucket: Bucket::Requests,
        limit: 100,
        remaining: 0,
        reset_after: Duration::from_millis(20),
    };
    let tag = "NamesAreHardOkay?#0001";
    let fault = Problem::out_of_range("The limit is 1 to 200.");
    let errors = [
        Error::Invalid(vec![FieldError::new("limit", fault)]),
        Error::Unauthorized,
        Error::InvalidCredentials,
        Error::Forbidden("This account has no password; ask an admin for a link that sets one."),
        Error::AccountDisabled(Some("Sent advertisements".into())),
        Error::NotOwner,
        Error::Blocked,
        Error::RegistrationClosed,
        Error::UnknownUser,
        Error::UnknownChannel,
        Error::UnknownCommunity,
        Error::UnknownInvite,
        Error::NotFound,
        Error::MethodNotAllowed("GET, HEAD".into()),
        Error::TagTaken(tag.into()),
        Error::UsernameFull("NamesAreHardOkay?".into()),
        Error::IdempotencyConflict,
        Error::AlreadyMember,
        Error::OwnerCannotLeave,
        Error::PreconditionFailed,
        Error::BodyTooLarge(64 * 1024),
        Error::UnsupportedMediaType,
        Error::Limited(limited),
        Error::Internal(String::new()),
        Error::Busy,
        Error::StorageFull,
        Error::ShuttingDown,
    ];
    let by_code = |error: Error| (error.code().to_owned(), error);
    errors.into_iter().map(by_code).collect()
}
