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

-- Accounts. A deleted one stays as a tombstone: its row with neither name nor discriminator, so that the tag is free again
-- while DMs still have two participants.
CREATE TABLE users (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    username      TEXT,              -- as it is shown, prepared
    username_key  TEXT,              -- what it is compared by
    discriminator INTEGER CHECK (discriminator BETWEEN 1 AND 9999),
    avatar        TEXT    CHECK (length(avatar) = 64),
    flags         INTEGER NOT NULL DEFAULT 0 CHECK (flags & ~((1 << 1) | (1 << 10) | (1 << 11)) = 0), -- bit n is flag n
    password      TEXT,              -- argon2id, as a PHC string
    disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    CHECK ((username IS NULL) = (username_key IS NULL) AND (username IS NULL) = (discriminator IS NULL)),
    CHECK (username IS NOT NULL OR (avatar IS NULL AND flags = 0 AND password IS NULL))
) STRICT;

-- The rule that a tag is one person's; finding a user by tag; reading the discriminators taken of one name in one range.
CREATE UNIQUE INDEX users_by_tag ON users (username_key, discriminator) WHERE username_key IS NOT NULL;

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
    since      INTEGER NOT NULL,
    hidden     INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1)),
    PRIMARY KEY (channel_id, user_id)
) STRICT, WITHOUT ROWID;

-- A user's channels, page by page.
CREATE INDEX participants_shown ON participants (user_id, channel_id) WHERE hidden = 0;

-- Communities. The owner is one of the members.
CREATE TABLE communities (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    name     TEXT    NOT NULL,
    icon     TEXT    CHECK (length(icon) = 64),
    owner_id INTEGER NOT NULL REFERENCES users (id)
) STRICT;

-- A deleted account's communities.
CREATE INDEX communities_by_owner ON communities (owner_id);

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
