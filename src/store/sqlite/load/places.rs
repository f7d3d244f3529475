//! Where people meet, into rows: communities, their members and invites; DMs and groups; invites to this server.

use rusqlite::named_params;

use super::loader::{Loader, NO_USER, id_taken, none, taken, unknown};
use crate::channels::DmPair;
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::portable::{Community, Dm, Group, InstanceInvite, Invite, Member, Participant};

const COMMUNITY: &str = "
    INSERT INTO communities (id, name, name_key, icon, owner_id) VALUES (:id, :name, :key, :icon, :owner)
    ON CONFLICT DO NOTHING";

const MEMBER: &str = "
    INSERT INTO members (user_id, community_id, since) VALUES (:user, :community, :since) ON CONFLICT DO NOTHING";

const INVITE: &str = "
    INSERT INTO invites (id, code, community_id, max_uses, uses, expires_at)
    VALUES (:id, :code, :community, :max_uses, :uses, :expires_at) ON CONFLICT DO NOTHING";

const DM: &str = "
    INSERT INTO channels (id, type, lower_id, higher_id) VALUES (:id, 2, :lower, :higher) ON CONFLICT DO NOTHING";

const GROUP: &str = "
    INSERT INTO channels (id, type, name, owner_id) VALUES (:id, 3, :name, :owner) ON CONFLICT DO NOTHING";

const PARTICIPANT: &str = "
    INSERT INTO participants (channel_id, user_id, other_id, since, hidden) VALUES (:channel, :user, :other, :since, :hidden)";

const INSTANCE_INVITE: &str = "
    INSERT INTO instance_invites (code, max_uses, uses, expires_at) VALUES (:code, :max_uses, :uses, :expires_at)
    ON CONFLICT DO NOTHING";

impl Loader<'_> {
    pub(super) fn community(&mut self, community: &Community) -> Result<()> {
        let owner = community.owner_id;
        self.require_users([("owner_id".into(), owner)])?;
        let icon = self.picture(community.icon)?;
        let inserted = self.changes(
            COMMUNITY,
            named_params! {
                ":id": community.id,
                ":name": community.name,
                ":key": community.name.key(),
                ":icon": icon,
                ":owner": owner,
            },
        )?;
        if !inserted {
            return Err(id_taken(community.id));
        }
        self.changes(
            MEMBER,
            named_params! { ":user": owner, ":community": community.id, ":since": community.owner_since },
        )?;
        self.note(community.owner_since);
        if community.icon.is_some() && icon.is_none() {
            self.without_picture += 1;
        }
        Ok(())
    }

    pub(super) fn member(&mut self, member: &Member) -> Result<()> {
        self.require_community(member.community_id)?;
        self.require_users([("user_id".into(), member.user_id)])?;
        let inserted = self.changes(
            MEMBER,
            named_params! { ":user": member.user_id, ":community": member.community_id, ":since": member.since },
        )?;
        if !inserted {
            return Err(taken(
                "user_id",
                "They are a member of the community already.",
            ));
        }
        self.note(member.since);
        Ok(())
    }

    pub(super) fn invite(&self, invite: &Invite) -> Result<()> {
        self.require_community(invite.community_id)?;
        let inserted = self.changes(
            INVITE,
            named_params! {
                ":id": invite.id,
                ":code": invite.code,
                ":community": invite.community_id,
                ":max_uses": invite.max_uses,
                ":uses": invite.uses,
                ":expires_at": invite.expires_at,
            },
        )?;
        if inserted {
            return Ok(());
        }
        let same_code = "SELECT id FROM invites WHERE code = :code";
        match self.one::<Id>(same_code, named_params! { ":code": invite.code })? {
            Some(holder) if holder != invite.id => Err(code_taken()),
            _ => Err(id_taken(invite.id)),
        }
    }

    pub(super) fn dm(&mut self, dm: &Dm) -> Result<()> {
        self.require_there(&dm.participants)?;
        let (lower, higher) = (dm.pair.lower(), dm.pair.higher());
        let parameters = named_params! { ":id": dm.id, ":lower": lower, ":higher": higher };
        if !self.changes(DM, parameters)? {
            let same_pair = "SELECT id FROM channels WHERE type = 2 AND lower_id = :lower AND higher_id = :higher";
            let parameters = named_params! { ":lower": lower, ":higher": higher };
            return Err(match self.one::<Id>(same_pair, parameters)? {
                Some(other) if other != dm.id => taken(
                    "participants",
                    format!("These two have a DM already, {other}; two people have one for ever."),
                ),
                _ => id_taken(dm.id),
            });
        }
        self.participants(dm.id, Some(dm.pair), &dm.participants)
    }

    pub(super) fn group(&mut self, group: &Group) -> Result<()> {
        let people = group.participants.iter().enumerate();
        self.require_users(people.map(|(index, person)| (place(index), person.user_id)))?;
        let parameters =
            named_params! { ":id": group.id, ":name": group.name, ":owner": group.owner_id };
        if !self.changes(GROUP, parameters)? {
            return Err(id_taken(group.id));
        }
        self.participants(group.id, None, &group.participants)
    }

    /// Those of a DM, with its pair, or of a group.
    fn participants(
        &mut self,
        channel: Id,
        pair: Option<DmPair>,
        participants: &[Participant],
    ) -> Result<()> {
        for person in participants {
            self.changes(
                PARTICIPANT,
                named_params! {
                    ":channel": channel,
                    ":user": person.user_id,
                    ":other": pair.map(|pair| pair.other(person.user_id)),
                    ":since": person.since,
                    ":hidden": person.hidden,
                },
            )?;
            self.note(person.since);
        }
        Ok(())
    }

    pub(super) fn instance_invite(&self, invite: &InstanceInvite) -> Result<()> {
        let inserted = self.changes(
            INSTANCE_INVITE,
            named_params! {
                ":code": invite.code,
                ":max_uses": invite.max_uses,
                ":uses": invite.uses,
                ":expires_at": invite.expires_at,
            },
        )?;
        if inserted { Ok(()) } else { Err(code_taken()) }
    }

    /// Holds the people of a DM against whether they are users, deleted ones too.
    pub(super) fn require_there(&self, people: &[Participant]) -> Result<()> {
        let mut faults = Vec::new();
        for (index, person) in people.iter().enumerate() {
            if self.stands(person.user_id)?.is_none() {
                faults.push(unknown(place(index), NO_USER));
            }
        }
        none(faults)
    }

    pub(super) fn require_community(&self, community: Id) -> Result<()> {
        let sql = "SELECT id FROM communities WHERE id = :id";
        if self
            .one::<Id>(sql, named_params! { ":id": community })?
            .is_some()
        {
            return Ok(());
        }
        let problem = Problem::out_of_range(
            "There is no such community, neither here nor on a line above that is good.",
        );
        Err(Error::field("community_id", problem))
    }
}

fn place(index: usize) -> String {
    format!("participants[{index}]")
}

fn code_taken() -> Error {
    taken("code", "An invite has this code already.")
}
