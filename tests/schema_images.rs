//! What the database itself does with images, whoever writes to it: none dangles, and none is left that nobody has.

use rusqlite::Connection;

use crate::schema::{database, refuses};

/// Images 1 and 2; Ada (1) and the community Home (9) have the first, Bob (2) has the second.
const PICTURES: &str = "
    INSERT INTO images (hash, png) VALUES (unhex(printf('%064x', 1)), x'01'), (unhex(printf('%064x', 2)), x'02');
    UPDATE users SET avatar = unhex(printf('%064x', 1)) WHERE id = 1;
    UPDATE communities SET icon = unhex(printf('%064x', 1)) WHERE id = 9;
    UPDATE users SET avatar = unhex(printf('%064x', 2)) WHERE id = 2;";

/// The last digits of the images that are left after these statements.
#[track_caller]
fn left(connection: &Connection, statements: &str) -> Vec<String> {
    connection.execute_batch(statements).unwrap();
    let sql = "SELECT substr(hex(hash), 63) FROM images ORDER BY hash";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn an_image_has_a_hash_of_32_bytes_and_its_bytes_and_is_stored_once() {
    refuses(
        "CHECK",
        &[
            "INSERT INTO images (hash, png) VALUES (zeroblob(31), x'01')",
            "INSERT INTO images (hash, png) VALUES (zeroblob(33), x'01')",
            "INSERT INTO images (hash, png) VALUES (x'', x'01')",
        ],
    );
    refuses(
        "NOT NULL",
        &[
            "INSERT INTO images (hash, png) VALUES (NULL, x'01')",
            "INSERT INTO images (hash) VALUES (zeroblob(32))",
        ],
    );
    refuses(
        "cannot store TEXT value in BLOB column",
        &[
            "INSERT INTO images (hash, png) VALUES ('00000000000000000000000000000000', x'01')",
            "INSERT INTO images (hash, png) VALUES (zeroblob(32), 'text')",
        ],
    );
    refuses(
        "UNIQUE constraint failed: images.hash",
        &["INSERT INTO images (hash, png) VALUES (zeroblob(32), x'01'), (zeroblob(32), x'02')"],
    );
}

#[test]
fn nobody_has_an_image_that_is_not_there() {
    refuses(
        "FOREIGN KEY",
        &[
            "UPDATE users SET avatar = zeroblob(32) WHERE id = 1",
            "UPDATE communities SET icon = zeroblob(32)",
            "INSERT INTO communities (id, name, name_key, owner_id, icon) VALUES (20, 'x', 'x', 1, zeroblob(32))",
            "INSERT INTO users (id, username, username_key, discriminator, avatar) VALUES (20, 'x', 'x', 1, zeroblob(32))",
        ],
    );
    let (_directory, connection) = database();
    assert_eq!(left(&connection, PICTURES), ["01", "02"]);
    for sql in [
        "DELETE FROM images",
        "DELETE FROM images WHERE png = x'02'",
        "UPDATE images SET hash = randomblob(32)",
    ] {
        let error = connection.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("FOREIGN KEY"), "{sql}: {error}");
    }
}

#[test]
fn an_image_goes_with_the_last_who_has_it_and_not_before() {
    for steps in [
        // Each order, and each way to be the last.
        [
            "UPDATE users SET avatar = NULL WHERE id = 1",
            "UPDATE communities SET icon = NULL",
        ],
        [
            "UPDATE communities SET icon = NULL",
            "UPDATE users SET avatar = NULL WHERE id = 1",
        ],
        [
            "UPDATE users SET avatar = NULL WHERE id = 1",
            "DELETE FROM communities",
        ],
        [
            "DELETE FROM communities",
            "UPDATE users SET avatar = NULL WHERE id = 1",
        ],
        [
            "DELETE FROM communities",
            "UPDATE users SET avatar = unhex(printf('%064x', 2)) WHERE id = 1",
        ],
        [
            "UPDATE communities SET icon = unhex(printf('%064x', 2))",
            "UPDATE users SET username = NULL, username_key = NULL, discriminator = NULL, avatar = NULL, flags = 0, deleted = 1 WHERE id = 1",
        ],
    ] {
        let (_directory, connection) = database();
        left(&connection, PICTURES);
        assert_eq!(left(&connection, steps[0]), ["01", "02"], "{steps:?}");
        assert_eq!(left(&connection, steps[1]), ["02"], "{steps:?}");
    }
    let (_directory, connection) = database();
    left(&connection, PICTURES);
    let all = "UPDATE users SET avatar = NULL; DELETE FROM communities";
    assert_eq!(left(&connection, all), Vec::<String>::new());
}

#[test]
fn an_image_stays_when_who_has_it_is_given_it_again_or_changes_otherwise() {
    let (_directory, connection) = database();
    left(&connection, PICTURES);
    for same in [
        "UPDATE users SET avatar = avatar",
        "UPDATE communities SET icon = icon, name = 'Other'",
        "UPDATE users SET username = 'Other', username_key = 'other' WHERE id = 2",
        "UPDATE users SET avatar = unhex(printf('%064x', 1)) WHERE id = 3; UPDATE users SET avatar = NULL WHERE id = 3",
    ] {
        assert_eq!(left(&connection, same), ["01", "02"], "{same}");
    }
}
