//! A line of each kind, field by field.

use base64ct::{Base64, Encoding};

use super::line::{
    Admin, Audit, Community, Dm, Group, Header, InstanceInvite, Invite, Line, Member, Participant,
    User, alone,
};
use super::values::{Amount, Embedded, Key, Letters, Numbered, key, perhaps};
use crate::audit::Text;
use crate::channels::DmPair;
use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::fields::{Faulty, Fields, Number, Truth};
use crate::id::Id;
use crate::images::{ImageHash, recognise};
use crate::names::Reason;
use crate::tokens::Code;
use crate::users::Flags;

/// The most people in a group, whatever the settings say.
const MOST_IN_A_GROUP: usize = 100;

pub(super) fn finish(fields: Fields) -> Result<()> {
    fields.finish_saying("A line of this kind has no such field; take it out.")
}

pub(super) fn registration(mut fields: Fields) -> Result<Line> {
    let policy = fields.required("registration");
    finish(fields)?;
    Ok(Line::Registration(policy?))
}

pub(super) fn tombstone(mut fields: Fields) -> Result<Line> {
    let id = key(&mut fields, "id");
    finish(fields)?;
    Ok(Line::Tombstone(id?))
}

pub(super) fn header(mut fields: Fields) -> Result<Line> {
    let Ok(Number(format)) = fields.required("format") else {
        return Err(alone(fields));
    };
    if format > super::FORMAT {
        return Ok(Line::Export(Header {
            format,
            highest_id: Id::MIN,
            lines: 0,
        }));
    }
    if format < 1 {
        fields.fault("format", Problem::out_of_range("The first format is 1."));
    }
    let program = fields.required::<Text>("program");
    let made_at = fields.required::<Timestamp>("made_at");
    // An empty instance has recorded none.
    let highest_id = fields.required::<Id>("highest_id").and_then(|id| {
        let checked = Some(id).filter(|id| *id > Id::MIN).map(Key::check);
        checked
            .transpose()
            .map_err(|problem| fields.fault("highest_id", problem))?;
        Ok(id)
    });
    let lines = fields
        .required::<Number>("lines")
        .and_then(|Number(lines)| {
            let negative = |_| fields.fault("lines", Problem::out_of_range("None is the least."));
            u64::try_from(lines).map_err(negative)
        });
    finish(fields)?;
    let (Text(_), _) = (program?, made_at?);
    Ok(Line::Export(Header {
        format,
        highest_id: highest_id?,
        lines: lines?,
    }))
}

pub(super) fn image(mut fields: Fields) -> Result<Line> {
    let hash = fields.required::<ImageHash>("hash");
    let png = fields.required::<Text>("png").and_then(|Text(text)| {
        let wrong = |_| Problem::wrong_type("This must be base64.");
        Base64::decode_vec(&text).map_err(|error| fields.fault("png", wrong(error)))
    });
    let image = match (hash, png) {
        (Ok(hash), Ok(png)) => recognise(hash, png).map_err(|problem| fields.fault("png", problem)),
        _ => Err(Faulty),
    };
    finish(fields)?;
    Ok(Line::Image(image?))
}

pub(super) fn user(mut fields: Fields) -> Result<Line> {
    let id = key(&mut fields, "id");
    let username = fields.required("username");
    let discriminator = fields.required("discriminator");
    let avatar = fields.nullable("avatar");
    if matches!(avatar, Ok(None)) {
        let problem = Problem::required("This field is missing; null is a user without one.");
        fields.fault("avatar", problem);
    }
    let flags = fields.list::<Numbered>("flags").and_then(|flags| {
        let set: Flags = flags.iter().map(|Numbered(flag)| *flag).collect();
        let twice = Problem::duplicate("A flag stands here more than once.");
        if usize::try_from(set.bits().count_ones()).is_ok_and(|count| count == flags.len()) {
            Ok(set)
        } else {
            Err(fields.fault("flags", twice))
        }
    });
    let password = perhaps(&mut fields, "password");
    let disabled = fields
        .optional::<Truth>("disabled")
        .map(|disabled| disabled.is_some_and(|Truth(disabled)| disabled));
    let reason = perhaps::<Reason>(&mut fields, "reason");
    if matches!((&reason, &disabled), (Ok(Some(_)), Ok(false))) {
        let problem = Problem::not_allowed("Only an account that is disabled has a reason.");
        fields.fault("reason", problem);
    }
    finish(fields)?;
    Ok(Line::User(Box::new(User {
        id: id?,
        username: username?,
        discriminator: discriminator?,
        avatar: avatar?.flatten(),
        flags: flags?,
        password: password?,
        disabled: disabled?,
        reason: reason?,
    })))
}

pub(super) fn block(mut fields: Fields) -> Result<Line> {
    let user = key(&mut fields, "user_id");
    let blocked = key(&mut fields, "blocked_id");
    if let (Ok(user), Ok(blocked)) = (user, blocked)
        && user == blocked
    {
        fields.fault("blocked_id", Problem::oneself("Nobody blocks themself."));
    }
    finish(fields)?;
    Ok(Line::Block(user?, blocked?))
}

pub(super) fn community(mut fields: Fields) -> Result<Line> {
    let id = key(&mut fields, "id");
    let name = fields.required("name");
    let icon = perhaps(&mut fields, "icon");
    let owner_id = key(&mut fields, "owner_id");
    let owner_since = key(&mut fields, "owner_since");
    finish(fields)?;
    Ok(Line::Community(Community {
        id: id?,
        name: name?,
        icon: icon?,
        owner_id: owner_id?,
        owner_since: owner_since?,
    }))
}

pub(super) fn member(mut fields: Fields) -> Result<Line> {
    let community_id = key(&mut fields, "community_id");
    let user_id = key(&mut fields, "user_id");
    let since = key(&mut fields, "since");
    finish(fields)?;
    Ok(Line::Member(Member {
        community_id: community_id?,
        user_id: user_id?,
        since: since?,
    }))
}

/// `max_uses` and `uses` of an invite, held against each other.
fn uses(fields: &mut Fields) -> Result<(Option<u32>, u32), Faulty> {
    let most = perhaps::<Amount>(fields, "max_uses");
    let uses = fields.required::<Amount>("uses");
    let (most, Amount(uses)) = (most?.map(|Amount(most)| most), uses?);
    match most {
        Some(0) => Err(fields.fault("max_uses", Problem::out_of_range("One use is the least."))),
        Some(most) if uses > most => {
            let problem = Problem::out_of_range("There are more uses than the invite is for.");
            Err(fields.fault("uses", problem))
        }
        _ => Ok((most, uses)),
    }
}

fn code(fields: &mut Fields) -> Result<Code, Faulty> {
    fields.required::<Letters>("code").map(|Letters(code)| code)
}

pub(super) fn invite(mut fields: Fields) -> Result<Line> {
    let id = key(&mut fields, "id");
    let code = code(&mut fields);
    let community_id = key(&mut fields, "community_id");
    let uses = uses(&mut fields);
    let expires_at = perhaps(&mut fields, "expires_at");
    finish(fields)?;
    let (max_uses, uses) = uses?;
    Ok(Line::Invite(Invite {
        id: id?,
        code: code?,
        community_id: community_id?,
        max_uses,
        uses,
        expires_at: expires_at?,
    }))
}

pub(super) fn instance_invite(mut fields: Fields) -> Result<Line> {
    let code = code(&mut fields);
    let uses = uses(&mut fields).and_then(|(most, uses)| {
        let due = || fields.fault("max_uses", Problem::required("For how many it is is due."));
        Ok((most.ok_or_else(due)?, uses))
    });
    let expires_at = perhaps(&mut fields, "expires_at");
    finish(fields)?;
    let (max_uses, uses) = uses?;
    Ok(Line::InstanceInvite(InstanceInvite {
        code: code?,
        max_uses,
        uses,
        expires_at: expires_at?,
    }))
}

/// The people in a channel, none of them twice.
fn participants(fields: &mut Fields) -> Result<Vec<Participant>, Faulty> {
    let field = "participants";
    let people = fields.list::<Participant>(field)?;
    if people.len() > MOST_IN_A_GROUP {
        let problem = Problem::too_long("100 people are the most.");
        return Err(fields.fault(field, problem));
    }
    for (index, person) in people.iter().enumerate() {
        if people[..index]
            .iter()
            .any(|other| other.user_id == person.user_id)
        {
            let problem = Problem::duplicate("They stand in the list already.");
            return Err(fields.fault(&format!("{field}[{index}]"), problem));
        }
    }
    Ok(people)
}

pub(super) fn dm(mut fields: Fields) -> Result<Line> {
    let id = key(&mut fields, "id");
    let participants = participants(&mut fields);
    let pair = match participants.as_deref() {
        Ok([one, other]) => DmPair::new(one.user_id, other.user_id)
            .map_err(|problem| fields.fault("participants", problem)),
        Ok(_) => {
            let problem = Problem::out_of_range("A DM has two participants.");
            Err(fields.fault("participants", problem))
        }
        Err(faulty) => Err(*faulty),
    };
    finish(fields)?;
    Ok(Line::Dm(Dm {
        id: id?,
        pair: pair?,
        participants: participants?,
    }))
}

pub(super) fn group(mut fields: Fields) -> Result<Line> {
    let id = key(&mut fields, "id");
    let name = perhaps(&mut fields, "name");
    let owner_id = key(&mut fields, "owner_id");
    let participants = participants(&mut fields);
    if let (Ok(owner), Ok(people)) = (owner_id, &participants)
        && !people.iter().any(|person| person.user_id == owner)
    {
        let problem = Problem::not_allowed("The owner must be among the participants.");
        fields.fault("owner_id", problem);
    }
    finish(fields)?;
    Ok(Line::Group(Group {
        id: id?,
        name: name?,
        owner_id: owner_id?,
        participants: participants?,
    }))
}

pub(super) fn admin(mut fields: Fields) -> Result<Line> {
    let id = key(&mut fields, "id");
    let name = fields.required("name");
    let password = perhaps(&mut fields, "password");
    let last_login = perhaps(&mut fields, "last_login");
    finish(fields)?;
    Ok(Line::Admin(Admin {
        id: id?,
        name: name?,
        password: password?,
        last_login: last_login?,
    }))
}

pub(super) fn audit(mut fields: Fields) -> Result<Line> {
    let text = |Text(text)| text;
    let json = |Embedded(text)| text;
    let id = key(&mut fields, "id");
    let admin_id = perhaps(&mut fields, "admin_id");
    let admin_name = fields.required("admin_name");
    let via = fields.required("via");
    let address = perhaps(&mut fields, "address");
    let action = fields.required("action");
    let target_kind = perhaps(&mut fields, "target_kind");
    let target_id = perhaps(&mut fields, "target_id");
    let target_name = perhaps(&mut fields, "target_name");
    let before = perhaps(&mut fields, "before");
    let after = perhaps(&mut fields, "after");
    finish(fields)?;
    Ok(Line::Audit(Box::new(Audit {
        id: id?,
        admin_id: admin_id?,
        admin_name: text(admin_name?),
        via: text(via?),
        address: address?.map(text),
        action: text(action?),
        target_kind: target_kind?.map(text),
        target_id: target_id?,
        target_name: target_name?.map(text),
        before: before?.map(json),
        after: after?.map(json),
    })))
}
