//! The one integration binary: one link of Rocket, a module a topic. The rules of a type are tested beside the type.

// Tests are named as sentences, one that can't go on says where, and people in a test are a, b and c.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::many_single_char_names, clippy::similar_names)]
// A story against the real program, and a table, read best in one piece.
#![allow(clippy::too_many_lines)]

mod account_desk;
mod browser;
mod desk;
mod endpoint_tables;
mod executable;
mod hour;
mod operate;
mod painting;
mod support;
mod visit;
mod windows;

mod access;
mod account_access;
mod account_deeds;
mod account_entry;
mod account_forgery;
mod account_page;
mod account_session;
mod accounts;
mod address;
mod admin_access;
mod admin_accounts;
mod admin_backups;
mod admin_bulk;
mod admin_command;
mod admin_communities;
mod admin_links;
mod admin_live;
mod admin_page;
mod admin_registration;
mod admin_session;
mod admin_setup;
mod admin_users;
mod admin_views;
mod audit;
mod audit_hour;
mod avatars;
mod backup_schedule;
mod backups;
mod binary;
mod blocked_at_once;
mod blocks;
mod channels;
mod clock;
mod command_line;
mod communities;
mod counts;
mod developed;
mod endpoints;
mod export;
mod farewell;
mod file;
mod forgery;
mod groups;
mod house;
mod icons;
mod input;
mod page_files;
mod pictures;
mod proxies;
mod races;
mod restore;
mod schema;
mod schema_images;
mod store;
mod usernames;
mod users;
mod verify;
