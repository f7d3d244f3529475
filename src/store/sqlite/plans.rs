//! How SQLite goes about the statements that are hot: by which index, without a scan and without sorting.

use rusqlite::Connection;

use super::{
    access, accounts, audit, blocks, channels, communities, directory, images, kept, lists,
    migrate, registration, terms, users, views,
};
use crate::audit::Filter;
use crate::directory::UserFilter;
use crate::id::Id;

/// What SQLite is going to do, step by step.
fn plan(sql: &str) -> Vec<String> {
    let connection = Connection::open_in_memory().unwrap();
    migrate::migrate(&connection).unwrap();
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

/// Every step goes straight to what it needs, and what comes is in order already.
#[track_caller]
fn is_direct(sql: &str) {
    let steps = plan(sql);
    assert!(!steps.is_empty(), "{sql}");
    for step in &steps {
        assert!(
            !step.starts_with("SCAN") && !step.contains("TEMP B-TREE"),
            "{sql}\n{steps:#?}"
        );
    }
}

#[track_caller]
fn uses(sql: &str, index: &str) {
    is_direct(sql);
    let steps = plan(sql);
    assert!(
        steps.iter().any(|step| step.contains(index)),
        "{sql}\n{steps:#?}"
    );
}

#[test]
fn a_user_is_found_by_id_and_by_tag() {
    is_direct("SELECT username FROM users WHERE id = :id");
    uses(
        "SELECT id FROM users WHERE username_key = :key AND discriminator = :discriminator",
        "INDEX users_by_tag (username_key=? AND discriminator=?)",
    );
}

#[test]
fn the_discriminators_taken_of_a_name_are_its_words_or_one_range_of_one_index() {
    is_direct(users::TAKEN);
    for step in [
        "SEARCH taken USING PRIMARY KEY (username_key=?)",
        "SEARCH users USING COVERING INDEX users_by_tag (username_key=?)",
    ] {
        assert!(
            plan(users::TAKEN).contains(&step.to_owned()),
            "{:#?}",
            plan(users::TAKEN)
        );
    }
}

#[test]
fn a_caller_is_found_by_the_tokens_hash() {
    uses(kept::TOKEN, "(hash=?)");
    is_direct(kept::ACCOUNT);
    is_direct(kept::COMMUNITY);
}

#[test]
fn a_dm_is_found_by_its_pair() {
    uses(
        channels::DM_BY_PAIR,
        "INDEX dms_by_pair (lower_id=? AND higher_id=?)",
    );
}

#[test]
fn a_channel_and_its_recipients_are_found_by_their_keys() {
    is_direct(channels::CHANNEL);
    is_direct(channels::PARTICIPANT);
    is_direct(lists::GROUP_AND_RECIPIENTS);
    is_direct(channels::RECIPIENTS);
}

#[test]
fn a_page_of_channels_is_one_range_of_one_index_in_both_directions() {
    for sql in lists::CHANNELS {
        uses(
            sql,
            "COVERING INDEX participants_shown (user_id=? AND channel_id>? AND channel_id<?)",
        );
    }
}

#[test]
fn a_page_of_communities_is_one_range_of_the_key_in_both_directions() {
    is_direct(communities::COMMUNITY);
    for sql in [lists::COMMUNITY_IDS, communities::COMMUNITIES].concat() {
        uses(sql, "(user_id=? AND community_id>? AND community_id<?)");
    }
}

#[test]
fn a_picture_is_found_by_its_owner_and_its_hash() {
    for (sql, owner) in [
        (images::AVATAR, "users_by_avatar (avatar=? AND rowid=?)"),
        (images::ICON, "communities_by_icon (icon=? AND rowid=?)"),
    ] {
        uses(sql, "sqlite_autoindex_images_1 (hash=?)");
        uses(sql, owner);
    }
}

#[test]
fn whether_anybody_has_an_image_still_is_one_look_into_an_index() {
    for (table, column) in [("users", "avatar"), ("communities", "icon")] {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} = :hash)");
        let index = format!("SEARCH {table} USING COVERING INDEX {table}_by_{column} ({column}=?)");
        assert!(plan(&sql).contains(&index), "{:#?}", plan(&sql));
    }
}

#[test]
fn the_account_of_a_reset_code_and_an_instance_invite_are_found_by_their_keys() {
    uses(accounts::RESET, "(hash=?)");
    uses(registration::GOOD_INVITE, "PRIMARY KEY (code=?)");
}

#[test]
fn what_is_counted_and_what_is_done_once_is_found_and_swept_by_indexes() {
    uses(
        terms::COUNTED,
        "INDEX counted_by_user (user_id=? AND bucket=? AND at>? AND at<?)",
    );
    uses(terms::KNOWN, "(user_id=? AND key=?)");
    for (sql, index) in terms::SWEEP
        .into_iter()
        .zip(["counted_by_age", "idempotency_keys_by_age"])
    {
        for range in ["(at<?)", "(at>?)"] {
            uses(sql, &format!("INDEX {index} {range}"));
        }
    }
}

#[test]
fn a_block_is_found_by_its_key_and_a_page_of_blocks_is_one_range_of_it() {
    let key = "SEARCH blocks USING PRIMARY KEY (user_id=? AND blocked_id=?)";
    assert!(plan(blocks::BLOCKED).contains(&key.to_owned()));
    for sql in blocks::BLOCKS {
        uses(sql, "(user_id=? AND blocked_id>? AND blocked_id<?)");
    }
    for sql in blocks::FORGET {
        is_direct(sql);
    }
}

#[test]
fn a_page_of_members_is_one_range_of_one_index_in_both_directions() {
    for sql in communities::MEMBERS {
        uses(
            sql,
            "INDEX members_by_community (community_id=? AND user_id>? AND user_id<?)",
        );
    }
}

#[test]
fn an_admin_is_found_by_the_hash_of_a_cookie_or_a_token() {
    for sql in [access::BY_SESSION, access::BY_TOKEN] {
        uses(sql, "(hash=?)");
    }
    uses(access::USE_LINK, "(hash=?)");
}

#[test]
fn a_page_of_accounts_by_id_is_one_range_of_the_filters_index_in_both_directions() {
    for filter in UserFilter::ALL {
        for ascending in [true, false] {
            let sql = directory::users_by_id(filter, ascending);
            let steps = plan(&sql);
            let [step] = steps.as_slice() else {
                panic!("{sql}\n{steps:#?}")
            };
            assert!(step.starts_with("SEARCH u USING INDEX users_"), "{step}");
            assert!(step.ends_with("(id>? AND id<?)"), "{step}");
        }
    }
}

#[test]
fn a_page_of_accounts_by_name_is_one_range_of_the_filters_index() {
    // Tombstones are not looked for by name.
    let named = |filter: &UserFilter| *filter != UserFilter::Deleted;
    for filter in UserFilter::ALL.into_iter().filter(named) {
        let sql = directory::users_by_name(filter);
        let steps = plan(&sql);
        let [step] = steps.as_slice() else {
            panic!("{sql}\n{steps:#?}")
        };
        let range = "((username_key,discriminator)>(?,?) AND (username_key,discriminator)<(?,?))";
        assert!(step.starts_with("SEARCH u USING INDEX users_"), "{step}");
        assert!(step.contains("by_tag") && step.ends_with(range), "{step}");
    }
}

#[test]
fn a_page_of_all_communities_is_a_range_by_id_and_two_merged_by_name() {
    for sql in directory::COMMUNITIES_BY_ID {
        uses(sql, "INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
    }
    // What has the name that the page before ended in, and what comes behind: merged in order.
    for range in ["(name_key=? AND id>?)", "(name_key>? AND name_key<?)"] {
        let range = format!("INDEX communities_by_name {range}");
        uses(directory::COMMUNITIES_BY_NAME, &range);
    }
}

#[test]
fn an_admins_page_of_members_is_one_range_of_one_index_in_both_directions() {
    for sql in views::MEMBERS {
        uses(
            sql,
            "INDEX members_by_community (community_id=? AND user_id>? AND user_id<?)",
        );
    }
}

#[test]
fn an_admins_page_of_channels_is_a_range_of_each_of_two_indexes_merged_in_order() {
    for sql in views::CHANNELS_OF {
        for index in ["participants_shown", "participants_hidden"] {
            let range = "(user_id=? AND channel_id>? AND channel_id<?)";
            uses(sql, &format!("INDEX {index} {range}"));
        }
    }
    is_direct(views::PARTICIPANTS);
}

#[test]
fn the_fullest_names_are_the_first_of_an_index_and_each_is_read_straight() {
    // Its first 50 entries: all that the limit lets it read.
    let steps = plan(views::FULLEST_NAMES);
    let (first, rest) = steps.split_first().unwrap();
    assert_eq!(first, "SCAN s USING COVERING INDEX shared_names_by_holders");
    for step in rest {
        let known = step.starts_with("SEARCH users USING INDEX users_by_tag (username_key=?)")
            || step.starts_with("CORRELATED SCALAR SUBQUERY");
        assert!(known, "{steps:#?}");
    }
}

#[test]
fn a_page_of_the_audit_log_is_one_range_of_one_index_whatever_the_filter() {
    let some = |wanted: bool, text: &str| wanted.then(|| text.to_owned());
    for (target, admin, action, index) in [
        (
            false,
            false,
            false,
            "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            false,
            false,
            true,
            "INDEX audit_by_action (action=? AND id>? AND id<?)",
        ),
        (
            false,
            true,
            false,
            "INDEX audit_by_admin (admin_key=? AND id>? AND id<?)",
        ),
        (
            false,
            true,
            true,
            "INDEX audit_by_admin_and_action (admin_key=? AND action=? AND id>? AND id<?)",
        ),
        (
            true,
            false,
            false,
            "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
        ),
        (
            true,
            false,
            true,
            "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
        ),
        (
            true,
            true,
            false,
            "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
        ),
        (
            true,
            true,
            true,
            "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
        ),
    ] {
        let filter = Filter {
            admin: some(admin, "root"),
            action: some(action, "user.flags"),
            target: target.then_some(Id::MAX),
        };
        for ascending in [true, false] {
            uses(&audit::select(&filter, ascending), index);
        }
    }
}
