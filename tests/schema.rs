//! What the database itself never lets in, whoever writes to it.

use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::store;

/// A store's file with one of everything in it, opened the way any program might.
pub(crate) fn database() -> (TempDir, Connection) {
    let (directory, store) = store();
    drop(store);
    let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    let rows = "
        INSERT INTO users (id, username, username_key, discriminator, flags)
        VALUES (1, 'Ada', 'ada', 1, 3074), (2, 'Bob', 'bob', 9999, 0), (3, 'Cy', 'cy', 1, 0);
        INSERT INTO users (id, deleted) VALUES (4, 1), (5, 1);
        INSERT INTO tokens (id, user_id, hash, name, login, last_used)
        VALUES (6, 1, zeroblob(32), 'phone', 1, 0);
        INSERT INTO resets (user_id, hash, expires_at) VALUES (1, zeroblob(32), 0);
        INSERT INTO instance_invites (code, max_uses, uses) VALUES ('a', 1, 1);
        INSERT INTO channels (id, type, lower_id, higher_id) VALUES (7, 2, 1, 2);
        INSERT INTO channels (id, type, owner_id) VALUES (8, 3, 1);
        INSERT INTO participants (channel_id, user_id, other_id, since) VALUES (7, 1, 2, 7), (7, 2, 1, 7), (8, 1, NULL, 8);
        INSERT INTO communities (id, name, name_key, owner_id) VALUES (9, 'Home', 'home', 1);
        INSERT INTO members (user_id, community_id, since) VALUES (1, 9, 9);
        INSERT INTO invites (id, code, community_id, max_uses, uses) VALUES (10, 'b', 9, 2, 2);
        INSERT INTO invites (id, code, community_id, uses) VALUES (11, 'c', 9, 1000);";
    connection.execute_batch(rows).unwrap();
    (directory, connection)
}

/// Each statement fails, and for the constraint that is meant.
#[track_caller]
pub(crate) fn refuses(constraint: &str, statements: &[&str]) {
    let (_directory, connection) = database();
    for sql in statements {
        let error = match connection.execute(sql, []) {
            Ok(_) => panic!("accepted: {sql}"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(constraint), "{sql}: {error}");
    }
}

#[test]
fn there_is_one_instance_and_its_registration_is_one_of_three() {
    refuses(
        "CHECK",
        &[
            "INSERT INTO instance (one, registration) VALUES (2, 'open')",
            "UPDATE instance SET registration = 'ajar'",
            "UPDATE instance SET registration = ''",
        ],
    );
    refuses("NOT NULL", &["UPDATE instance SET registration = NULL"]);
    refuses(
        "UNIQUE",
        &["INSERT INTO instance (one, registration) VALUES (1, 'open')"],
    );
}

#[test]
fn an_unknown_flag_never_gets_in() {
    for bit in (0..63).filter(|bit| ![1, 10, 11].contains(bit)) {
        refuses(
            "CHECK",
            &[&format!(
                "UPDATE users SET flags = flags | (1 << {bit}) WHERE id = 1"
            )],
        );
    }
    refuses("CHECK", &["UPDATE users SET flags = -1 WHERE id = 1"]);
}

#[test]
fn a_discriminator_is_1_to_9999() {
    refuses(
        "CHECK",
        &[
            "UPDATE users SET discriminator = 0 WHERE id = 1",
            "UPDATE users SET discriminator = 10000 WHERE id = 1",
            "UPDATE users SET discriminator = -1 WHERE id = 1",
        ],
    );
}

#[test]
fn a_tombstone_is_whole() {
    refuses(
        "CHECK",
        &[
            "UPDATE users SET username = NULL WHERE id = 2",
            "UPDATE users SET username = NULL, deleted = 1 WHERE id = 2",
            "UPDATE users SET username_key = NULL WHERE id = 2",
            "UPDATE users SET discriminator = NULL WHERE id = 2",
            "UPDATE users SET username = NULL, username_key = NULL, deleted = 1 WHERE id = 2",
            "UPDATE users SET username = NULL, username_key = NULL, discriminator = NULL WHERE id = 2",
            "UPDATE users SET deleted = 1 WHERE id = 2",
            "UPDATE users SET deleted = 0 WHERE id = 4",
            "UPDATE users SET username = 'x', deleted = 0 WHERE id = 4",
            "UPDATE users SET discriminator = 1 WHERE id = 4",
            "UPDATE users SET flags = 2 WHERE id = 4",
            "UPDATE users SET password = 'x' WHERE id = 4",
            "UPDATE users SET avatar = zeroblob(32) WHERE id = 4",
        ],
    );
}

#[test]
fn the_columns_of_an_account_hold_what_they_are_meant_for() {
    refuses(
        "CHECK",
        &[
            "INSERT INTO images (hash, png) VALUES (zeroblob(31), zeroblob(1))",
            "UPDATE users SET disabled = 2 WHERE id = 1",
            "INSERT INTO users (id, deleted) VALUES (0, 1)",
            "INSERT INTO users (id, deleted) VALUES (-1, 1)",
        ],
    );
    refuses(
        "cannot store TEXT value in INTEGER column",
        &[
            "UPDATE users SET discriminator = 'one' WHERE id = 1",
            "UPDATE users SET flags = 'x' WHERE id = 1",
        ],
    );
}

#[test]
fn a_tag_is_one_persons() {
    refuses(
        "UNIQUE constraint failed: users.username_key, users.discriminator",
        &[
            "INSERT INTO users (id, username, username_key, discriminator) VALUES (20, 'ADA', 'ada', 1)",
            "UPDATE users SET username_key = 'ada' WHERE id = 3",
        ],
    );
}

#[test]
fn a_hash_is_32_bytes() {
    refuses(
        "CHECK",
        &[
            "UPDATE tokens SET hash = zeroblob(31)",
            "UPDATE tokens SET hash = zeroblob(33)",
            "UPDATE resets SET hash = zeroblob(31)",
            "UPDATE resets SET hash = x''",
        ],
    );
}

#[test]
fn a_token_is_whole_and_the_only_one_of_its_hash() {
    refuses(
        "CHECK",
        &[
            "UPDATE tokens SET login = 2",
            "UPDATE tokens SET last_used = NULL",
            "UPDATE tokens SET id = 0",
        ],
    );
    refuses(
        "UNIQUE",
        &[
            "INSERT INTO tokens (id, user_id, hash, name, login) VALUES (20, 2, zeroblob(32), 'x', 0)",
            "INSERT INTO resets (user_id, hash, expires_at) VALUES (2, zeroblob(32), 0)",
            "INSERT INTO resets (user_id, hash, expires_at) VALUES (1, randomblob(32), 0)",
        ],
    );
}

#[test]
fn an_invite_is_for_one_use_at_least_and_never_used_too_often() {
    refuses(
        "CHECK",
        &[
            "UPDATE instance_invites SET max_uses = 0, uses = 0",
            "UPDATE instance_invites SET uses = 2",
            "UPDATE instance_invites SET uses = -1",
            "UPDATE invites SET max_uses = 0, uses = 0 WHERE id = 10",
            "UPDATE invites SET uses = 3 WHERE id = 10",
            "UPDATE invites SET uses = -1 WHERE id = 10",
            "UPDATE invites SET uses = -1 WHERE id = 11",
        ],
    );
    refuses(
        "UNIQUE",
        &[
            "INSERT INTO instance_invites (code, max_uses) VALUES ('a', 1)",
            "INSERT INTO invites (id, code, community_id) VALUES (20, 'b', 9)",
        ],
    );
}

#[test]
fn a_pair_has_one_dm() {
    refuses(
        "UNIQUE constraint failed: channels.lower_id, channels.higher_id",
        &["INSERT INTO channels (id, type, lower_id, higher_id) VALUES (20, 2, 1, 2)"],
    );
}

#[test]
fn a_dm_is_a_pair_in_order_and_nothing_else() {
    refuses(
        "CHECK",
        &[
            "INSERT INTO channels (id, type, lower_id, higher_id) VALUES (20, 2, 2, 1)",
            "INSERT INTO channels (id, type, lower_id, higher_id) VALUES (20, 2, 3, 3)",
            "INSERT INTO channels (id, type, lower_id) VALUES (20, 2, 1)",
            "INSERT INTO channels (id, type, higher_id) VALUES (20, 2, 1)",
            "INSERT INTO channels (id, type) VALUES (20, 2)",
            "UPDATE channels SET name = 'x' WHERE id = 7",
            "UPDATE channels SET owner_id = 1 WHERE id = 7",
        ],
    );
}

#[test]
fn a_group_has_an_owner_and_no_pair() {
    refuses(
        "CHECK",
        &[
            "UPDATE channels SET owner_id = NULL WHERE id = 8",
            "UPDATE channels SET lower_id = 1 WHERE id = 8",
            "UPDATE channels SET lower_id = 1, higher_id = 2 WHERE id = 8",
            "INSERT INTO channels (id, type, owner_id) VALUES (20, 1, 1)",
            "INSERT INTO channels (id, type, owner_id) VALUES (20, 4, 1)",
            "UPDATE participants SET hidden = 2",
            "UPDATE participants SET other_id = user_id",
        ],
    );
}

#[test]
fn nobody_takes_part_twice() {
    refuses(
        "UNIQUE",
        &[
            "INSERT INTO participants (channel_id, user_id, since) VALUES (7, 1, 20)",
            "INSERT INTO members (user_id, community_id, since) VALUES (1, 9, 20)",
        ],
    );
}

#[test]
fn nothing_refers_to_what_does_not_exist() {
    refuses(
        "FOREIGN KEY",
        &[
            "INSERT INTO tokens (id, user_id, hash, name, login) VALUES (20, 99, randomblob(32), 'x', 0)",
            "INSERT INTO resets (user_id, hash, expires_at) VALUES (99, randomblob(32), 0)",
            "INSERT INTO channels (id, type, lower_id, higher_id) VALUES (20, 2, 1, 99)",
            "INSERT INTO channels (id, type, lower_id, higher_id) VALUES (20, 2, 0, 1)",
            "INSERT INTO channels (id, type, owner_id) VALUES (20, 3, 99)",
            "INSERT INTO participants (channel_id, user_id, since) VALUES (8, 99, 20)",
            "INSERT INTO participants (channel_id, user_id, since) VALUES (99, 2, 20)",
            "INSERT INTO communities (id, name, name_key, owner_id) VALUES (20, 'x', 'x', 99)",
            "INSERT INTO members (user_id, community_id, since) VALUES (99, 9, 20)",
            "INSERT INTO members (user_id, community_id, since) VALUES (2, 99, 20)",
            "INSERT INTO invites (id, code, community_id) VALUES (20, 'd', 99)",
            "DELETE FROM users WHERE id = 1",
            "DELETE FROM users WHERE id = 2",
        ],
    );
}

#[test]
fn what_belongs_to_a_deleted_channel_or_community_goes_with_it() {
    let (_directory, connection) = database();
    connection
        .execute_batch("DELETE FROM channels; DELETE FROM communities")
        .unwrap();
    for table in ["participants", "members", "invites"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let rest: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(rest, 0, "{table}");
    }
}

fn tables(connection: &Connection) -> Vec<(String, String, bool)> {
    let sql = "
        SELECT s.name, s.sql, l.strict FROM sqlite_schema AS s JOIN pragma_table_list(s.name) AS l
        WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(sql).unwrap();
    let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    tables.unwrap().map(Result::unwrap).collect()
}

#[test]
fn every_table_is_strict() {
    let (_directory, connection) = database();
    let tables = tables(&connection);
    assert!(tables.len() >= 10, "{tables:?}");
    for (name, _, strict) in tables {
        assert!(strict, "{name}");
    }
}

#[test]
fn every_table_whose_key_is_an_id_remembers_the_highest() {
    let (_directory, connection) = database();
    let of_an_id = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = 'id' AND pk = 1";
    let mut seen = 0;
    for (name, sql, _) in tables(&connection) {
        let keyed: i64 = connection
            .query_row(of_an_id, [&name], |row| row.get(0))
            .unwrap();
        assert_eq!(
            keyed == 1,
            sql.contains("PRIMARY KEY AUTOINCREMENT"),
            "{name}"
        );
        seen += keyed;
    }
    assert!(seen >= 5);
}

#[test]
fn a_new_file_is_whole_and_bears_its_marks() {
    let (_directory, connection) = database();
    let pragma = |name: &str| -> String {
        connection
            .query_row(
                &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
                [],
                |row| row.get(0),
            )
            .unwrap()
    };
    assert_eq!(pragma("user_version"), "1");
    assert_eq!(pragma("application_id"), 0x5372_6E6F.to_string());
    assert_eq!(pragma("integrity_check"), "ok");
    assert_eq!(pragma("journal_mode"), "wal");
}
