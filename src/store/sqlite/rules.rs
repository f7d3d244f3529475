//! The rules of the house that no constraint of the schema holds, each as a query for what breaks it. A query walks indexes in
//! their order and looks the rest up, so that ten million rows take no memory.

use crate::backups::Severity::{self, Broken, Damaged};

/// A rule, and how to find what breaks it.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    /// What is wrong where the query finds something.
    pub(super) message: &'static str,
    /// A row of one column for each place that breaks it.
    pub(super) sql: &'static str,
}

/// Whether the file can be trusted at all. The first check: all others believe what this one has seen.
pub(super) const INTEGRITY: Rule = Rule {
    name: "integrity",
    severity: Damaged,
    message: "the database file is damaged",
    sql: "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
};

pub(super) const RULES: [Rule; 12] = [
    Rule {
        name: "foreign_keys",
        severity: Broken,
        message: "a row refers to another that is not there",
        sql: r#"SELECT "table" || ' ' || coalesce(rowid, 'without rowid') || ' to ' || parent FROM pragma_foreign_key_check"#,
    },
    Rule {
        name: "instance",
        severity: Broken,
        message: "what the instance as a whole is like is not told once",
        sql: "SELECT 'instance' WHERE (SELECT count(*) FROM instance) <> 1
            UNION ALL SELECT 'counts' WHERE (SELECT count(*) FROM counts) <> 1",
    },
    Rule {
        name: "dm_participants",
        severity: Broken,
        message: "a DM's participants are not its two people",
        sql: "SELECT id FROM channels AS c WHERE type = 2 AND NOT (
                (SELECT count(*) FROM participants WHERE channel_id = c.id) = 2
                AND EXISTS (SELECT 1 FROM participants WHERE channel_id = c.id AND user_id = c.lower_id AND other_id = c.higher_id)
                AND EXISTS (SELECT 1 FROM participants WHERE channel_id = c.id AND user_id = c.higher_id AND other_id = c.lower_id))",
    },
    Rule {
        name: "dm_pairs",
        severity: Broken,
        message: "two people have more than one DM",
        sql: "SELECT lower_id || ' and ' || higher_id FROM channels WHERE type = 2 GROUP BY lower_id, higher_id HAVING count(*) > 1",
    },
    Rule {
        name: "groups",
        severity: Broken,
        message: "a group's owner is not in it, or more than 100 people are, or it is somebody's DM",
        sql: "SELECT id FROM channels AS c WHERE type = 3 AND NOT (
                EXISTS (SELECT 1 FROM participants WHERE channel_id = c.id AND user_id = c.owner_id)
                AND (SELECT count(*) FROM participants WHERE channel_id = c.id) BETWEEN 1 AND 100
                AND NOT EXISTS (SELECT 1 FROM participants WHERE channel_id = c.id AND other_id IS NOT NULL))",
    },
    Rule {
        name: "community_owners",
        severity: Broken,
        message: "a community's owner is no member of it",
        sql: "SELECT id FROM communities AS c
            WHERE NOT EXISTS (SELECT 1 FROM members WHERE user_id = c.owner_id AND community_id = c.id)",
    },
    Rule {
        name: "counts",
        severity: Broken,
        message: "a figure that is kept is not what a count says",
        sql: "SELECT 'users' FROM counts WHERE users <> (SELECT count(*) FROM users WHERE deleted = 0)
            UNION ALL SELECT 'bots' FROM counts WHERE bots <> (SELECT count(*) FROM users WHERE flags & (1 << 10) <> 0)
            UNION ALL SELECT 'communities' FROM counts WHERE communities <> (SELECT count(*) FROM communities)
            UNION ALL SELECT 'dms' FROM counts WHERE dms <> (SELECT count(*) FROM channels WHERE type = 2)
            UNION ALL SELECT 'groups' FROM counts WHERE groups <> (SELECT count(*) FROM channels WHERE type = 3)",
    },
    Rule {
        name: "shared_names",
        severity: Broken,
        message: "how many have a name is not what a count says",
        sql: "SELECT username_key FROM shared_names AS s
            WHERE holders <> (SELECT count(*) FROM users WHERE username_key = s.username_key)
            UNION ALL
            SELECT username_key FROM (
                SELECT username_key, count(*) AS holders FROM users WHERE username_key IS NOT NULL GROUP BY username_key) AS c
            WHERE holders > 1 AND NOT EXISTS (SELECT 1 FROM shared_names WHERE username_key = c.username_key)",
    },
    Rule {
        name: "taken",
        severity: Broken,
        message: "which discriminators of a name are taken is not what its holders have",
        sql: "SELECT username_key FROM taken AS t
            WHERE bits <> (SELECT coalesce(sum(1 << (discriminator & 63)), 0) FROM users
                    WHERE username_key = t.username_key AND discriminator BETWEEN 64 * t.word AND 64 * t.word + 63)
                OR NOT EXISTS (SELECT 1 FROM shared_names WHERE username_key = t.username_key AND holders > 157)
            UNION ALL
            SELECT username_key FROM shared_names AS s
            WHERE holders > 157 AND (SELECT count(*) FROM taken WHERE username_key = s.username_key) <> 157",
    },
    Rule {
        name: "tombstones",
        severity: Broken,
        message: "a deleted account still has a token, a reset code, a block, a community or a group",
        sql: "SELECT id FROM users AS u WHERE deleted = 1 AND (
                EXISTS (SELECT 1 FROM tokens WHERE user_id = u.id)
                OR EXISTS (SELECT 1 FROM resets WHERE user_id = u.id)
                OR EXISTS (SELECT 1 FROM blocks WHERE user_id = u.id)
                OR EXISTS (SELECT 1 FROM blocks WHERE blocked_id = u.id)
                OR EXISTS (SELECT 1 FROM members WHERE user_id = u.id)
                OR EXISTS (SELECT 1 FROM participants AS p JOIN channels AS c ON c.id = p.channel_id
                    WHERE p.user_id = u.id AND c.type = 3))",
    },
    Rule {
        name: "images_owned",
        severity: Broken,
        message: "a picture is nobody's",
        sql: "SELECT lower(hex(hash)) FROM images AS i
            WHERE NOT EXISTS (SELECT 1 FROM users WHERE avatar = i.hash)
                AND NOT EXISTS (SELECT 1 FROM communities WHERE icon = i.hash)",
    },
    Rule {
        name: "since",
        severity: Broken,
        message: "somebody came later than any id was recorded",
        sql: "SELECT 'participants' WHERE (SELECT max(since) FROM participants) > (SELECT max(seq) FROM sqlite_sequence)
            UNION ALL SELECT 'members' WHERE (SELECT max(since) FROM members) > (SELECT max(seq) FROM sqlite_sequence)",
    },
];

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::migrate::migrate;
    use super::RULES;

    #[test]
    fn no_rule_gathers_rows_before_it_tells_of_one() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection).unwrap();
        for rule in &RULES {
            let explain = format!("EXPLAIN QUERY PLAN {}", rule.sql);
            let mut statement = connection.prepare(&explain).unwrap();
            let steps = statement.query_map([], |row| row.get(3)).unwrap();
            for step in steps {
                let step: String = step.unwrap();
                let gathers = ["TEMP B-TREE", "MATERIALIZE", "AUTOMATIC"];
                assert!(
                    !gathers.iter().any(|word| step.contains(word)),
                    "{}: {step}",
                    rule.name
                );
            }
        }
    }
}
