//! Bodies with faults: which are named, how, and how many.

use super::*;
use crate::id::Id;

fn faults(error: Error) -> Vec<(String, &'static str)> {
    match error {
        Error::Invalid(fields) => fields
            .into_iter()
            .map(|fault| (fault.field, fault.code))
            .collect(),
        other => panic!("not a list of fields: {other}"),
    }
}

#[test]
fn every_fault_is_named_at_once() -> Result<()> {
    let mut fields =
        Fields::parse(br#"{"a": 1, "b": "x", "b": "y", "d": null, "e": ["1", 2, "03"], "z": 0}"#)?;
    assert!(fields.required::<Id>("a").is_err());
    assert!(fields.optional::<Id>("b").is_err());
    assert!(fields.required::<Id>("c").is_err());
    assert!(fields.optional::<Id>("d").is_err());
    assert!(fields.list::<Id>("e").is_err());
    let mut found = faults(fields.finish().unwrap_err());
    found.sort();
    let expected = [
        ("a", "wrong_type"),
        ("b", "duplicate"),
        ("b", "forbidden_character"),
        ("c", "required"),
        ("d", "wrong_type"),
        ("e[1]", "wrong_type"),
        ("e[2]", "forbidden_character"),
        ("z", "unknown_field"),
    ];
    assert_eq!(
        found,
        expected.map(|(field, code)| (field.to_owned(), code))
    );
    Ok(())
}

#[test]
fn of_very_many_faults_the_first_hundred_are_named() -> Result<()> {
    let names: Vec<_> = (0..50_000).map(|name| format!("\"{name}\":0")).collect();
    let elements = vec!["1"; 50_000].join(",");
    let body = format!("{{\"list\":[{elements}],{}}}", names.join(","));
    let mut fields = Fields::parse(body.as_bytes())?;
    assert!(fields.list::<Id>("list").is_err());
    let error = fields.finish().unwrap_err();
    assert!(error.message().contains("the first 100"));
    assert_eq!(faults(error).len(), MOST_FAULTS);
    Ok(())
}

#[test]
fn a_number_where_an_id_is_due_is_told_so() -> Result<()> {
    let mut fields = Fields::parse(br#"{"id": 42388375784780768}"#)?;
    assert!(fields.required::<Id>("id").is_err());
    let Err(Error::Invalid(faults)) = fields.finish() else {
        panic!("accepted")
    };
    assert_eq!(faults[0].message, "This must be a string; it is a number.");
    Ok(())
}

#[test]
fn null_is_told_from_absence() -> Result<()> {
    let mut fields = Fields::parse(br#"{"here": null}"#)?;
    assert!(matches!(fields.nullable::<Id>("here"), Ok(Some(None))));
    assert!(matches!(fields.nullable::<Id>("absent"), Ok(None)));
    fields.finish()
}

#[test]
fn a_syntax_error_names_line_and_column() {
    let Err(Error::Malformed(message)) = Fields::parse(b"{\n  \"a\" 1}") else {
        panic!("accepted")
    };
    assert!(message.contains("line 2 column 7"), "{message}");
}

#[test]
fn deep_nesting_is_a_syntax_error_and_not_a_stack_overflow() {
    let deep = format!("{{\"a\":{}", "[".repeat(10_000));
    assert!(matches!(
        Fields::parse(deep.as_bytes()),
        Err(Error::Malformed(_))
    ));
}

#[test]
fn what_is_no_object_or_no_text_is_refused() {
    for body in [
        &b""[..],
        b"  ",
        b"null",
        b"[]",
        b"\"a\"",
        b"7",
        b"{\"a\":\"\xff\"}",
        b"{} {}",
    ] {
        assert!(
            matches!(Fields::parse(body), Err(Error::Malformed(_))),
            "{body:?}"
        );
    }
}
