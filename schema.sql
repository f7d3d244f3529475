-- The whole current schema of saryno.db. A new file gets all of it in one transaction, and `PRAGMA user_version = 1`.
--
-- Ids are snowflakes (64 bits: milliseconds since 2020-09-25T22:49:13Z, worker, sequence) that arrive as arguments. Tables whose
-- rows have one say AUTOINCREMENT: SQLite then keeps the highest id ever inserted in `sqlite_sequence`, deletions or not, in the
-- very transaction of the insertion; the generator is seeded above it. Moments are milliseconds since the Unix epoch. Columns
-- named `since` hold a fresh snowflake: it tells when somebody came, and orders them even where the clock stepped back.

-- What the instance as a whole is like: one row.
CREATE TABLE instance (
    one          INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    registration TEXT    NOT NULL CHECK (registration IN ('closed', 'invite', 'open'))
) STRICT;

INSERT INTO instance (one, registration) VALUES (1, 'closed');

-- The pictures of users and communities: one for all who have the same, gone with the last of them by the triggers below.
CREATE TABLE images (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32), -- the SHA-256 of the next column
    png  BLOB NOT NULL                                        -- a still square of at most 512 x 512 pixels
) STRICT;

-- Accounts. A deleted one stays as a tombstone: its row with neither name nor discriminator, so that the tag is free again
-- while DMs still have two participants.
CREATE TABLE users (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    username      TEXT,              -- as it is shown, prepared
    username_key  TEXT,              -- what it is compared by
    discriminator INTEGER CHECK (discriminator BETWEEN 1 AND 9999),
    avatar        BLOB    REFERENCES images (hash),
    flags         INTEGER NOT NULL DEFAULT 0 CHECK (flags & ~((1 << 1) | (1 << 10) | (1 << 11)) = 0), -- bit n is flag n
    password      TEXT,              -- argon2id, as a PHC string
    disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    reason        TEXT    CHECK (reason IS NULL OR disabled = 1), -- why it is disabled; the account is shown it
    deleted       INTEGER NOT NULL DEFAULT 0, -- 1 for a tombstone: by the name itself, each rename would be written to two more indexes
    CHECK (deleted = (username IS NULL)),
    CHECK ((username IS NULL) = (username_key IS NULL) AND (username IS NULL) = (discriminator IS NULL)),
    CHECK (username IS NOT NULL OR (avatar IS NULL AND flags = 0 AND password IS NULL))
) STRICT;

-- The rule that a tag is one person's; finding a user by tag; reading the discriminators taken of one name in one range.
CREATE UNIQUE INDEX users_by_tag ON users (username_key, discriminator) WHERE username_key IS NOT NULL;

-- The admin's lists, page by page: everybody who was not deleted; then each filter, by id and by name. All but the first hold the
-- few rows that the filter finds.
CREATE INDEX users_alive              ON users (id)                          WHERE deleted = 0;
CREATE INDEX users_deleted            ON users (id)                          WHERE deleted = 1;
CREATE INDEX users_disabled           ON users (id)                          WHERE disabled = 1;
CREATE INDEX users_disabled_by_tag    ON users (username_key, discriminator) WHERE disabled = 1;
CREATE INDEX users_developers         ON users (id)                          WHERE flags & (1 << 1) <> 0;
CREATE INDEX users_developers_by_tag  ON users (username_key, discriminator) WHERE flags & (1 << 1) <> 0;
CREATE INDEX users_bots               ON users (id)                          WHERE flags & (1 << 10) <> 0;
CREATE INDEX users_bots_by_tag        ON users (username_key, discriminator) WHERE flags & (1 << 10) <> 0;
CREATE INDEX users_system             ON users (id)                          WHERE flags & (1 << 11) <> 0;
CREATE INDEX users_system_by_tag      ON users (username_key, discriminator) WHERE flags & (1 << 11) <> 0;

-- Whether somebody has an image still.
CREATE INDEX users_by_avatar ON users (avatar) WHERE avatar IS NOT NULL;

-- Names that two people or more have, with how many: the fullest names of the instance. Kept by the triggers below.
CREATE TABLE shared_names (
    username_key TEXT    NOT NULL PRIMARY KEY,
    holders      INTEGER NOT NULL CHECK (holders BETWEEN 2 AND 9999)
) STRICT, WITHOUT ROWID;

CREATE INDEX shared_names_by_holders ON shared_names (holders DESC, username_key);

-- The discriminators taken of names that more than 157 people have: bit n of word w stands for 64 * w + n. All 157 words of such a
-- name are here, so that a name that thousands have is read as fast as one that 157 have is from `users_by_tag`, and other names
-- cost nothing. Kept by the triggers below.
CREATE TABLE taken (
    username_key TEXT    NOT NULL,
    word         INTEGER NOT NULL CHECK (word BETWEEN 0 AND 156),
    bits         INTEGER NOT NULL, -- the highest is the sign
    PRIMARY KEY (username_key, word)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER name_taken AFTER INSERT ON users
WHEN EXISTS (SELECT 1 FROM users WHERE username_key = new.username_key AND id <> new.id) BEGIN
    INSERT INTO shared_names (username_key, holders) VALUES (new.username_key, 2)
    ON CONFLICT (username_key) DO UPDATE SET holders = holders + 1;
    UPDATE taken SET bits = bits | (1 << (new.discriminator & 63))
    WHERE username_key = new.username_key AND word = new.discriminator >> 6;
END;

-- Most names are one person's, before and after: the condition lets them off.
CREATE TRIGGER name_changed AFTER UPDATE OF username_key ON users
WHEN old.username_key IS NOT new.username_key AND (
    EXISTS (SELECT 1 FROM shared_names WHERE username_key = old.username_key)
    OR EXISTS (SELECT 1 FROM users WHERE username_key = new.username_key AND id <> new.id)
) BEGIN
    DELETE FROM shared_names WHERE username_key = old.username_key AND holders = 2;
    UPDATE shared_names SET holders = holders - 1 WHERE username_key = old.username_key;
    UPDATE taken SET bits = bits & ~(1 << (old.discriminator & 63))
    WHERE username_key = old.username_key AND word = old.discriminator >> 6;
    INSERT INTO shared_names (username_key, holders)
    SELECT new.username_key, 2 WHERE EXISTS (SELECT 1 FROM users WHERE username_key = new.username_key AND id <> new.id)
    ON CONFLICT (username_key) DO UPDATE SET holders = holders + 1;
    UPDATE taken SET bits = bits | (1 << (new.discriminator & 63))
    WHERE username_key = new.username_key AND word = new.discriminator >> 6;
END;

CREATE TRIGGER renumbered AFTER UPDATE OF discriminator ON users
WHEN old.username_key = new.username_key AND old.discriminator <> new.discriminator BEGIN
    UPDATE taken SET bits = bits & ~(1 << (old.discriminator & 63))
    WHERE username_key = old.username_key AND word = old.discriminator >> 6;
    UPDATE taken SET bits = bits | (1 << (new.discriminator & 63))
    WHERE username_key = new.username_key AND word = new.discriminator >> 6;
END;

CREATE TRIGGER name_crowded AFTER UPDATE OF holders ON shared_names WHEN old.holders = 157 AND new.holders = 158 BEGIN
    INSERT INTO taken (username_key, word, bits)
    SELECT new.username_key, word, (
        SELECT coalesce(sum(1 << (discriminator & 63)), 0) FROM users
        WHERE username_key = new.username_key AND discriminator BETWEEN 64 * word AND 64 * word + 63)
    FROM (WITH RECURSIVE words (word) AS (SELECT 0 UNION ALL SELECT word + 1 FROM words WHERE word < 156) SELECT word FROM words);
END;

CREATE TRIGGER name_thinned AFTER UPDATE OF holders ON shared_names WHEN old.holders = 158 AND new.holders = 157 BEGIN
    DELETE FROM taken WHERE username_key = new.username_key;
END;

-- What admits a client: the SHA-256 of a token.
CREATE TABLE tokens (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    user_id   INTEGER NOT NULL REFERENCES users (id),
    hash      BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- finding the caller of a request
    name      TEXT    NOT NULL,
    login     INTEGER NOT NULL CHECK (login IN (0, 1)),          -- 1: ends after 90 days without use
    last_used INTEGER,                                           -- to the hour
    CHECK (login = 0 OR last_used IS NOT NULL)
) STRICT;

-- An account's sessions, page by page; revoking all of them.
CREATE INDEX tokens_by_user ON tokens (user_id, id);

-- What an account did lately of which it may do only so much: a row each time, so that a restart forgets nothing.
CREATE TABLE counted (
    user_id INTEGER NOT NULL REFERENCES users (id),
    bucket  TEXT    NOT NULL CHECK (bucket IN ('renames', 'new-channels')),
    at      INTEGER NOT NULL
) STRICT;

-- How often, and since when; dropping what no longer counts.
CREATE INDEX counted_by_user ON counted (user_id, bucket, at);
CREATE INDEX counted_by_age ON counted (at);

-- Requests that are done once: a day long, the same one again gets the same answer.
CREATE TABLE idempotency_keys (
    user_id INTEGER NOT NULL REFERENCES users (id),
    key     TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request BLOB    NOT NULL CHECK (length(request) = 32), -- the SHA-256 of method, path and body
    answer  TEXT    NOT NULL CHECK (json_valid(answer)),
    at      INTEGER NOT NULL,
    UNIQUE (user_id, key)
) STRICT;

-- Dropping those that have ended.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at);

-- One-time codes that set a new password: one an account.
CREATE TABLE resets (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id),
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- finding the account of a code
    expires_at INTEGER NOT NULL
) STRICT;

-- Invites to this server, for registration by invite.
CREATE TABLE instance_invites (
    code       TEXT    NOT NULL PRIMARY KEY,
    max_uses   INTEGER NOT NULL CHECK (max_uses > 0),
    uses       INTEGER NOT NULL DEFAULT 0 CHECK (uses BETWEEN 0 AND max_uses),
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

-- DMs (type 2) and groups (type 3). A DM is known by its two people, a group by its id alone.
CREATE TABLE channels (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    type      INTEGER NOT NULL CHECK (type IN (2, 3)),
    lower_id  INTEGER REFERENCES users (id),
    higher_id INTEGER REFERENCES users (id),
    name      TEXT,
    owner_id  INTEGER REFERENCES users (id),
    CHECK (type = 3 OR (lower_id IS NOT NULL AND higher_id IS NOT NULL AND lower_id < higher_id AND name IS NULL AND owner_id IS NULL)),
    CHECK (type = 2 OR (lower_id IS NULL AND higher_id IS NULL AND owner_id IS NOT NULL))
) STRICT;

-- The rule that two people have one DM for ever; finding it.
CREATE UNIQUE INDEX dms_by_pair ON channels (lower_id, higher_id) WHERE type = 2;

-- Who is in a channel. A DM always has its two; who hides it is still in it.
CREATE TABLE participants (
    channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user_id    INTEGER NOT NULL REFERENCES users (id),
    other_id   INTEGER CHECK (other_id <> user_id), -- the other of a DM, so that a page of DMs is one range of one index
    since      INTEGER NOT NULL,
    hidden     INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),
    PRIMARY KEY (channel_id, user_id)
) STRICT, WITHOUT ROWID;

-- A user's channels, page by page; those they have hidden, for an admin.
CREATE INDEX participants_shown  ON participants (user_id, channel_id, other_id) WHERE hidden = 0;
CREATE INDEX participants_hidden ON participants (user_id, channel_id)           WHERE hidden = 1;

-- Whom somebody has blocked.
CREATE TABLE blocks (
    user_id    INTEGER NOT NULL REFERENCES users (id),
    blocked_id INTEGER NOT NULL REFERENCES users (id),
    PRIMARY KEY (user_id, blocked_id),
    CHECK (user_id <> blocked_id)
) STRICT, WITHOUT ROWID;

-- A deleted account's blocks, those against it.
CREATE INDEX blocks_by_blocked ON blocks (blocked_id);

-- Communities. The owner is one of the members.
CREATE TABLE communities (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name     TEXT    NOT NULL,              -- as it is shown, prepared
    name_key TEXT    NOT NULL,              -- what a search compares it by; several may have the same
    icon     BLOB    REFERENCES images (hash),
    owner_id INTEGER NOT NULL REFERENCES users (id)
) STRICT;

-- A deleted account's communities; the admin's search.
CREATE INDEX communities_by_owner ON communities (owner_id);
CREATE INDEX communities_by_name ON communities (name_key, id);

-- Whether a community has an image still.
CREATE INDEX communities_by_icon ON communities (icon) WHERE icon IS NOT NULL;

CREATE TRIGGER avatar_dropped AFTER UPDATE OF avatar ON users WHEN old.avatar IS NOT NULL AND old.avatar IS NOT new.avatar BEGIN
    DELETE FROM images WHERE hash = old.avatar
        AND NOT EXISTS (SELECT 1 FROM users WHERE avatar = old.avatar)
        AND NOT EXISTS (SELECT 1 FROM communities WHERE icon = old.avatar);
END;

CREATE TRIGGER icon_dropped AFTER UPDATE OF icon ON communities WHEN old.icon IS NOT NULL AND old.icon IS NOT new.icon BEGIN
    DELETE FROM images WHERE hash = old.icon
        AND NOT EXISTS (SELECT 1 FROM users WHERE avatar = old.icon)
        AND NOT EXISTS (SELECT 1 FROM communities WHERE icon = old.icon);
END;

CREATE TRIGGER icon_deleted AFTER DELETE ON communities WHEN old.icon IS NOT NULL BEGIN
    DELETE FROM images WHERE hash = old.icon
        AND NOT EXISTS (SELECT 1 FROM users WHERE avatar = old.icon)
        AND NOT EXISTS (SELECT 1 FROM communities WHERE icon = old.icon);
END;

-- Who is in a community; a user's communities, page by page.
CREATE TABLE members (
    user_id      INTEGER NOT NULL REFERENCES users (id),
    community_id INTEGER NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
    since        INTEGER NOT NULL,
    PRIMARY KEY (user_id, community_id)
) STRICT, WITHOUT ROWID;

-- A community's members, page by page; deleting a community.
CREATE INDEX members_by_community ON members (community_id, user_id);

-- Invites to communities.
CREATE TABLE invites (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    code         TEXT    NOT NULL UNIQUE, -- finding where a code leads
    community_id INTEGER NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
    max_uses     INTEGER CHECK (max_uses > 0),
    uses         INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0 AND (max_uses IS NULL OR uses <= max_uses)),
    expires_at   INTEGER
) STRICT;

-- A community's invites, page by page; deleting a community.
CREATE INDEX invites_by_community ON invites (community_id, id);

-- How much there is of everything, tombstones left out: one row, kept by the triggers below, because counting ten million rows
-- takes seconds.
CREATE TABLE counts (
    one         INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    users       INTEGER NOT NULL CHECK (users >= 0),
    bots        INTEGER NOT NULL CHECK (bots BETWEEN 0 AND users),
    communities INTEGER NOT NULL CHECK (communities >= 0),
    dms         INTEGER NOT NULL CHECK (dms >= 0),
    groups      INTEGER NOT NULL CHECK (groups >= 0)
) STRICT;

INSERT INTO counts (one, users, bots, communities, dms, groups) VALUES (1, 0, 0, 0, 0, 0);

CREATE TRIGGER user_counted AFTER INSERT ON users BEGIN
    UPDATE counts SET users = users + (new.deleted = 0), bots = bots + (new.flags & (1 << 10) <> 0);
END;

CREATE TRIGGER user_recounted AFTER UPDATE OF deleted, flags ON users
WHEN old.deleted <> new.deleted OR old.flags & (1 << 10) <> new.flags & (1 << 10) BEGIN
    UPDATE counts SET
        users = users + old.deleted - new.deleted,
        bots = bots + (new.flags & (1 << 10) <> 0) - (old.flags & (1 << 10) <> 0);
END;

CREATE TRIGGER channel_counted AFTER INSERT ON channels BEGIN
    UPDATE counts SET dms = dms + (new.type = 2), groups = groups + (new.type = 3);
END;

CREATE TRIGGER channel_discounted AFTER DELETE ON channels BEGIN
    UPDATE counts SET dms = dms - (old.type = 2), groups = groups - (old.type = 3);
END;

CREATE TRIGGER community_counted AFTER INSERT ON communities BEGIN
    UPDATE counts SET communities = communities + 1;
END;

CREATE TRIGGER community_discounted AFTER DELETE ON communities BEGIN
    UPDATE counts SET communities = communities - 1;
END;

-- Who runs the instance. Admins are not users of the platform.
CREATE TABLE admins (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name       TEXT    NOT NULL,        -- as it is shown, prepared like a username
    name_key   TEXT    NOT NULL UNIQUE, -- what it is compared by
    password   TEXT,                    -- argon2id, as a PHC string; NULL until the link below was used
    last_login INTEGER
) STRICT;

-- One-time links with which an admin sets a password: one an admin.
CREATE TABLE admin_links (
    admin_id   INTEGER NOT NULL PRIMARY KEY REFERENCES admins (id) ON DELETE CASCADE,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- finding the admin of a code
    expires_at INTEGER NOT NULL
) STRICT;

-- The SHA-256 of the cookies that are logged in. One ends after 12 hours without use.
CREATE TABLE admin_sessions (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    admin_id  INTEGER NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    hash      BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- finding who asks
    last_used INTEGER NOT NULL                                   -- to the minute
) STRICT;

-- Ending all of an admin's.
CREATE INDEX admin_sessions_by_admin ON admin_sessions (admin_id);

-- The SHA-256 of the tokens that scripts use in an admin's name.
CREATE TABLE admin_tokens (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    admin_id  INTEGER NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    hash      BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32), -- finding who asks
    name      TEXT    NOT NULL,
    last_used INTEGER                                            -- to the hour
) STRICT;

-- Deleting an admin.
CREATE INDEX admin_tokens_by_admin ON admin_tokens (admin_id);

-- Who did what to whom, written in the transaction of the deed. Names are those of the moment, so an entry outlives whom it tells
-- of. The id tells when. Nothing here refers to another table, and nothing is ever changed.
CREATE TABLE audit (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    admin_id    INTEGER,          -- NULL: the command line, which needs no admin
    admin_name  TEXT    NOT NULL,
    admin_key   TEXT    NOT NULL, -- what the filter compares
    via         TEXT    NOT NULL, -- page, set-up link, one-time link, command line, or the token's name
    address     TEXT,             -- where the request came from
    action      TEXT    NOT NULL, -- like user.rename
    target_kind TEXT,
    target_id   INTEGER,
    target_name TEXT,
    before      TEXT    CHECK (json_valid(before)), -- what changed, as it was
    after       TEXT    CHECK (json_valid(after))   -- and as it is
) STRICT;

-- The filters of the log, page by page.
CREATE INDEX audit_by_target ON audit (target_id, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_admin ON audit (admin_key, id);
CREATE INDEX audit_by_admin_and_action ON audit (admin_key, action, id);

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

-- REPLACE deletes without firing that trigger.
CREATE TRIGGER audit_grows BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = new.id) BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
