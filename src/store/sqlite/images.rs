//! Images in SQL. What nobody has any more goes by the triggers in `schema.sql`.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::Sqlite;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::images::{Image, ImageHash, Images, Owner};

pub(super) const AVATAR: &str = "
    SELECT i.png FROM users AS u JOIN images AS i ON i.hash = u.avatar WHERE u.id = :id AND u.avatar = :hash";

pub(super) const ICON: &str = "
    SELECT i.png FROM communities AS c JOIN images AS i ON i.hash = c.icon WHERE c.id = :id AND c.icon = :hash";

const HAS_AVATAR: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE id = :id AND avatar = :hash)";

const HAS_ICON: &str = "SELECT EXISTS (SELECT 1 FROM communities WHERE id = :id AND icon = :hash)";

/// Inserts nothing where somebody has the same.
const INSERT: &str =
    "INSERT INTO images (hash, png) VALUES (:hash, :png) ON CONFLICT (hash) DO NOTHING";

#[async_trait]
impl Images for Sqlite {
    async fn image(&self, owner: Owner, hash: ImageHash) -> Result<Vec<u8>> {
        self.read(move |connection| {
            let (sql, id) = match owner {
                Owner::User(id) => (AVATAR, id),
                Owner::Community(id) => (ICON, id),
            };
            let png = connection
                .prepare_cached(sql)?
                .query_row(named_params! { ":id": id, ":hash": hash }, |row| row.get(0))
                .optional()?;
            png.ok_or(Error::NotFound)
        })
        .await
    }

    async fn has_image(&self, owner: Owner, hash: ImageHash) -> Result<bool> {
        self.read(move |connection| {
            let (sql, id) = match owner {
                Owner::User(id) => (HAS_AVATAR, id),
                Owner::Community(id) => (HAS_ICON, id),
            };
            Ok(connection
                .prepare_cached(sql)?
                .query_row(named_params! { ":id": id, ":hash": hash }, |row| row.get(0))?)
        })
        .await
    }
}

/// Gives a user this avatar, or takes theirs away.
pub(super) fn set_avatar(connection: &Connection, user: Id, image: Option<&Image>) -> Result<()> {
    set(
        connection,
        "UPDATE users SET avatar = :hash WHERE id = :id",
        user,
        image,
    )
}

/// Gives a community this icon, or takes its one away.
pub(super) fn set_icon(
    connection: &Connection,
    community: Id,
    image: Option<&Image>,
) -> Result<()> {
    set(
        connection,
        "UPDATE communities SET icon = :hash WHERE id = :id",
        community,
        image,
    )
}

fn set(connection: &Connection, sql: &str, id: Id, image: Option<&Image>) -> Result<()> {
    if let Some(image) = image {
        connection
            .prepare_cached(INSERT)?
            .execute(named_params! { ":hash": image.hash, ":png": image.png })?;
    }
    let hash = image.map(|image| image.hash);
    connection
        .prepare_cached(sql)?
        .execute(named_params! { ":id": id, ":hash": hash })?;
    Ok(())
}
