//! One line into its rows: whether what it refers to is there, and nothing else has what it brings.
//!
//! A line that is refused leaves no row: all of it is looked at before the first is written, and the first decides.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::super::registration;
use crate::error::{Error, FieldError, Problem, Result};
use crate::id::Id;
use crate::portable::Line;

const UNUSED_IMAGES: &str = "
    DELETE FROM images WHERE NOT EXISTS (SELECT 1 FROM users WHERE avatar = images.hash)
        AND NOT EXISTS (SELECT 1 FROM communities WHERE icon = images.hash)";

/// Puts lines into rows, and keeps what only the end of all of them tells.
pub(super) struct Loader<'a> {
    connection: &'a Connection,
    /// Whether nothing was ever made here: who may register is taken over then, and stays as it is else.
    is_new: bool,
    /// The highest id that no row of its own bears.
    highest: Id,
    /// How many have no picture because theirs was not there.
    pub(super) without_picture: u64,
}

impl<'a> Loader<'a> {
    pub(super) fn new(connection: &'a Connection, is_new: bool) -> Self {
        Self {
            connection,
            is_new,
            highest: Id::MIN,
            without_picture: 0,
        }
    }

    /// The highest id that was noted.
    pub(super) fn highest_id(&self) -> Id {
        self.highest
    }

    /// Notes an id that all later ones must be above, and no row bears.
    pub(super) fn note(&mut self, id: Id) {
        self.highest = self.highest.max(id);
    }

    /// Stores a line. Whether it changed anything.
    ///
    /// # Errors
    /// `Invalid` where the line is bad; anything else where there is no going on.
    pub(super) fn take(&mut self, line: Line) -> Result<bool> {
        match line {
            Line::Registration(policy) => {
                if self.is_new {
                    registration::set_policy(self.connection, policy)?;
                }
                return Ok(self.is_new);
            }
            Line::Image(image) => return self.image(&image),
            Line::User(user) => self.user(&user),
            Line::Tombstone(id) => self.tombstone(id),
            Line::Block(user, blocked) => self.block(user, blocked),
            Line::Community(community) => self.community(&community),
            Line::Member(member) => self.member(&member),
            Line::Invite(invite) => self.invite(&invite),
            Line::Dm(dm) => self.dm(&dm),
            Line::Group(group) => self.group(&group),
            Line::InstanceInvite(invite) => self.instance_invite(&invite),
            Line::Admin(admin) => self.admin(&admin),
            Line::Audit(entry) => self.audit(&entry),
            // Not one of the rows.
            Line::Export(_) => return Ok(false),
        }?;
        Ok(true)
    }

    /// Drops the pictures that nobody has, and tells how many.
    pub(super) fn drop_unused_pictures(&self) -> Result<u64> {
        let dropped = self.connection.execute(UNUSED_IMAGES, [])?;
        Ok(u64::try_from(dropped).unwrap_or(u64::MAX))
    }

    /// Holds fields against whether they name users who were not deleted.
    pub(super) fn require_users(
        &self,
        users: impl IntoIterator<Item = (String, Id)>,
    ) -> Result<()> {
        let mut faults = Vec::new();
        for (field, id) in users {
            match self.stands(id)? {
                Some(true) => {}
                Some(false) => {
                    faults.push(unknown(
                        field,
                        "This user was deleted, and has none of this.",
                    ));
                }
                None => faults.push(unknown(field, NO_USER)),
            }
        }
        none(faults)
    }

    /// Whether this is a user, and one who was not deleted.
    pub(super) fn stands(&self, user: Id) -> Result<Option<bool>> {
        let sql = "SELECT deleted = 0 FROM users WHERE id = :id";
        self.one(sql, named_params! { ":id": user })
    }

    /// Whether a statement changed anything.
    pub(super) fn changes(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<bool> {
        Ok(self.connection.prepare_cached(sql)?.execute(parameters)? > 0)
    }

    /// The one value that a statement finds, if it finds any.
    pub(super) fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row(parameters, |row| row.get(0));
        Ok(found.optional()?)
    }
}

pub(super) const NO_USER: &str =
    "There is no such user, neither here nor on a line above that is good.";

pub(super) fn unknown(field: String, message: &'static str) -> FieldError {
    FieldError::new(field, Problem::unknown_user(message))
}

pub(super) fn none(faults: Vec<FieldError>) -> Result<()> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(faults))
    }
}

pub(super) fn id_taken(id: Id) -> Error {
    taken(
        "id",
        format!("{id} is taken; it is here, or on a line above."),
    )
}

/// A field whose value something else has already.
pub(super) fn taken(field: &str, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::Invalid(vec![FieldError {
        field: field.into(),
        code: "taken",
        message: message.into(),
    }])
}
