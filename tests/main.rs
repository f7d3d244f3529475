//! The one integration binary: one link of Rocket, a module a topic. The rules of a type are tested beside the type.

#![allow(missing_docs, reason = "tests are named as sentences")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that can't go on says where"
)]

mod support;

mod house;
