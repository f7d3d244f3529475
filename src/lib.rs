//! The account and conversation backbone of a chat platform.
pub mod accounts;
pub mod channels;
pub mod clock;
pub mod communities;
pub mod error;
pub mod fields;
pub mod id;
pub mod names;
pub mod page;
pub mod passwords;
pub mod store;
pub mod users;
