//! Pairs, groups and names of groups: what is one, and why something is none.

use super::*;

fn id(bits: i64) -> Id {
    Id::from_bits(bits).unwrap()
}

fn parse(body: &str) -> Result<NewChannel, Vec<(String, &'static str)>> {
    let parsed = Fields::parse(body.as_bytes()).and_then(|body| NewChannel::parse(body, id(1), 10));
    parsed.map_err(|error| {
        error
            .fields()
            .into_iter()
            .map(|fault| (fault.field, fault.code))
            .collect()
    })
}

fn refused(body: &str) -> Vec<(String, &'static str)> {
    parse(body).unwrap_err()
}

fn faults(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected
        .iter()
        .map(|(field, code)| ((*field).to_owned(), *code))
        .collect()
}

#[test]
fn a_pair_is_the_same_from_either_side_and_never_of_one() {
    assert_eq!(DmPair::new(id(2), id(1)), DmPair::new(id(1), id(2)));
    assert_eq!(DmPair::new(id(1), id(1)).unwrap_err().code, "self");
}

#[test]
fn the_type_says_which_channel_it_is() {
    assert_eq!(
        parse(r#"{"type": 2, "recipient_id": "7"}"#),
        Ok(NewChannel::Dm(DmPair::new(id(1), id(7)).unwrap()))
    );
    let group = parse(r#"{"type": 3, "recipient_ids": ["7", "5"], "name": " Tea "}"#);
    let name = Some("Tea".parse().unwrap());
    assert_eq!(
        group,
        Ok(NewChannel::Group(NewGroup {
            recipient_ids: vec![id(7), id(5)],
            name
        }))
    );
    assert!(parse(r#"{"type": 3, "recipient_ids": ["7", "5"], "name": null}"#).is_ok());
}

#[test]
fn a_body_without_a_good_type_is_told_that_alone() {
    assert_eq!(
        refused(r#"{"recipient_id": "7"}"#),
        faults(&[("type", "required")])
    );
    assert_eq!(
        refused(r#"{"type": 1, "recipient_id": "7"}"#),
        faults(&[("type", "out_of_range")])
    );
    assert_eq!(
        refused(r#"{"type": "2", "recipient_id": "7", "x": 1}"#),
        faults(&[("type", "wrong_type"), ("x", "unknown_field")])
    );
}

#[test]
fn a_group_of_one_is_told_that_type_2_is_meant() {
    let error = Fields::parse(br#"{"type": 3, "recipient_ids": ["7"]}"#)
        .and_then(|body| NewChannel::parse(body, id(1), 10));
    assert!(error.unwrap_err().message().contains("type 2"));
}

#[test]
fn a_group_holds_2_to_9_recipients_none_twice_none_the_requester() {
    assert_eq!(
        refused(r#"{"type": 3, "recipient_ids": []}"#),
        faults(&[("recipient_ids", "too_short")])
    );
    let ten = r#"{"type": 3, "recipient_ids": ["2","3","4","5","6","7","8","9","10","11"]}"#;
    assert_eq!(refused(ten), faults(&[("recipient_ids", "too_long")]));
    assert!(parse(&ten.replace(r#","11""#, "")).is_ok());
    let mixed = r#"{"type": 3, "recipient_ids": ["7", "1", "7"]}"#;
    assert_eq!(
        refused(mixed),
        faults(&[
            ("recipient_ids[1]", "self"),
            ("recipient_ids[2]", "duplicate")
        ])
    );
}

#[test]
fn fields_of_the_other_type_are_unknown() {
    assert_eq!(
        refused(r#"{"type": 2, "recipient_id": "7", "name": "x"}"#),
        faults(&[("name", "unknown_field")])
    );
    assert_eq!(
        refused(r#"{"type": 3, "recipient_ids": ["7", "8"], "recipient_id": "7"}"#),
        faults(&[("recipient_id", "unknown_field")])
    );
}
