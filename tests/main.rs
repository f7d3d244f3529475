//! The one integration binary: one link of Rocket, a module a topic. The rules of a type are tested beside the type.

// Tests are named as sentences, one that can't go on says where, and people in a test are a, b and c.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::many_single_char_names
)]

mod support;

mod access;
mod accounts;
mod address;
mod channels;
mod communities;
mod endpoints;
mod file;
mod groups;
mod house;
mod input;
mod schema;
mod store;
mod users;
