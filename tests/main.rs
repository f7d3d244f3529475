//! The one integration binary: one link of Rocket, a module a topic. The rules of a type are tested beside the type.

// Tests are named as sentences, and one that can't go on says where.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

mod house;
