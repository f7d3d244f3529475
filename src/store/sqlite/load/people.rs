//! People into rows: users, what they look like and whom they have blocked; admins, and the log of what they did.

use rusqlite::named_params;

use super::loader::{Loader, id_taken, taken};
use crate::audit::COMMAND_LINE;
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::images::{Image, ImageHash};
use crate::names::search_key;
use crate::passwords::PasswordHash;
use crate::portable::{Admin, Audit, User};
use crate::users::Tag;

const IMAGE: &str =
    "INSERT INTO images (hash, png) VALUES (:hash, :png) ON CONFLICT (hash) DO NOTHING";

const USER: &str = "
    INSERT INTO users (id, username, username_key, discriminator, avatar, flags, password, disabled, reason)
    VALUES (:id, :username, :key, :discriminator, :avatar, :flags, :password, :disabled, :reason)
    ON CONFLICT DO NOTHING";

const HOLDER: &str =
    "SELECT id FROM users WHERE username_key = :key AND discriminator = :discriminator";

const TOMBSTONE: &str = "INSERT INTO users (id, deleted) VALUES (:id, 1) ON CONFLICT DO NOTHING";

const BLOCK: &str =
    "INSERT INTO blocks (user_id, blocked_id) VALUES (:user, :blocked) ON CONFLICT DO NOTHING";

const ADMIN: &str = "
    INSERT INTO admins (id, name, name_key, password, last_login) VALUES (:id, :name, :key, :password, :last_login)
    ON CONFLICT DO NOTHING";

const AUDIT: &str = "
    INSERT INTO audit
        (id, admin_id, admin_name, admin_key, via, address, action, target_kind, target_id, target_name, before, after)
    VALUES
        (:id, :admin, :name, :key, :via, :address, :action, :target_kind, :target, :target_name, :before, :after)";

impl Loader<'_> {
    /// One that is here already, somebody's else, is as good as this one.
    pub(super) fn image(&self, image: &Image) -> Result<bool> {
        let parameters = named_params! { ":hash": image.hash, ":png": image.png };
        self.changes(IMAGE, parameters)
    }

    pub(super) fn user(&mut self, user: &User) -> Result<()> {
        let avatar = self.picture(user.avatar)?;
        let inserted = self.changes(
            USER,
            named_params! {
                ":id": user.id,
                ":username": user.username.as_str(),
                ":key": user.username.key(),
                ":discriminator": user.discriminator,
                ":avatar": avatar,
                ":flags": user.flags,
                ":password": user.password.as_ref().map(PasswordHash::to_store),
                ":disabled": user.disabled,
                ":reason": user.reason.as_ref().map(|reason| reason.0.as_str()),
            },
        )?;
        if !inserted {
            let parameters =
                named_params! { ":key": user.username.key(), ":discriminator": user.discriminator };
            let holder = self.one::<Id>(HOLDER, parameters)?;
            return Err(match holder.filter(|holder| *holder != user.id) {
                Some(holder) => {
                    let tag = Tag {
                        username: user.username.clone(),
                        discriminator: user.discriminator,
                    };
                    taken(
                        "discriminator",
                        format!("{tag} is taken, by the user {holder}."),
                    )
                }
                None => id_taken(user.id),
            });
        }
        if user.avatar.is_some() && avatar.is_none() {
            self.without_picture += 1;
        }
        Ok(())
    }

    pub(super) fn tombstone(&self, id: Id) -> Result<()> {
        if self.changes(TOMBSTONE, named_params! { ":id": id })? {
            Ok(())
        } else {
            Err(id_taken(id))
        }
    }

    pub(super) fn block(&self, user: Id, blocked: Id) -> Result<()> {
        self.require_users([("user_id".into(), user), ("blocked_id".into(), blocked)])?;
        if self.changes(BLOCK, named_params! { ":user": user, ":blocked": blocked })? {
            Ok(())
        } else {
            Err(taken("blocked_id", "This block is here already."))
        }
    }

    pub(super) fn admin(&self, admin: &Admin) -> Result<()> {
        if admin.name.key() == COMMAND_LINE {
            let problem = Problem::reserved("The audit log calls the command line so.");
            return Err(Error::field("name", problem));
        }
        let inserted = self.changes(
            ADMIN,
            named_params! {
                ":id": admin.id,
                ":name": admin.name.as_str(),
                ":key": admin.name.key(),
                ":password": admin.password.as_ref().map(PasswordHash::to_store),
                ":last_login": admin.last_login,
            },
        )?;
        if inserted {
            return Ok(());
        }
        let same_name = "SELECT id FROM admins WHERE name_key = :key";
        match self.one::<Id>(same_name, named_params! { ":key": admin.name.key() })? {
            Some(holder) if holder != admin.id => {
                Err(taken("name", "An admin is called so already."))
            }
            _ => Err(id_taken(admin.id)),
        }
    }

    pub(super) fn audit(&self, entry: &Audit) -> Result<()> {
        // The log's own trigger would end the statement, and not tell this from what else may.
        let same = "SELECT id FROM audit WHERE id = :id";
        if self
            .one::<Id>(same, named_params! { ":id": entry.id })?
            .is_some()
        {
            return Err(id_taken(entry.id));
        }
        self.changes(
            AUDIT,
            named_params! {
                ":id": entry.id,
                ":admin": entry.admin_id,
                ":name": entry.admin_name,
                ":key": search_key(&entry.admin_name),
                ":via": entry.via,
                ":address": entry.address,
                ":action": entry.action,
                ":target_kind": entry.target_kind,
                ":target": entry.target_id,
                ":target_name": entry.target_name,
                ":before": entry.before,
                ":after": entry.after,
            },
        )?;
        Ok(())
    }

    /// The picture, if it is here.
    pub(super) fn picture(&self, hash: Option<ImageHash>) -> Result<Option<ImageHash>> {
        let Some(hash) = hash else { return Ok(None) };
        let sql = "SELECT EXISTS (SELECT 1 FROM images WHERE hash = :hash)";
        let here = self.one::<bool>(sql, named_params! { ":hash": hash })?;
        Ok((here == Some(true)).then_some(hash))
    }
}
