"""The README's first session, by a client that openapi-python-client makes of what the server says of itself. It is typed all the
way: who writes a client may begin here."""

import os
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from saryno import AuthenticatedClient
from saryno.api.channels import list_channels, open_channel
from saryno.api.communities import (
    create_community,
    create_invite,
    get_community,
    get_invite,
    join_community,
    leave_community,
    list_communities,
    list_members,
    modify_community,
)
from saryno.api.pictures import get_avatar
from saryno.api.users import find_user, get_me, get_user, modify_me
from saryno.models import (
    Community,
    CommunityChange,
    Dm,
    Error,
    Group,
    Invitation,
    Invite,
    NewCommunity,
    NewDm,
    NewGroup,
    NewInvite,
    User,
    UserChange,
)
from saryno.types import UNSET, File, Response

Answer = TypeVar("Answer")


def client(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=f"{os.environ['SERVER']}/v1",
        token=os.environ[token],
        raise_on_unexpected_status=True,
    )


def good(answer: Response[Any], kind: type[Answer]) -> Answer:
    """What a request was answered that did what it should."""
    assert isinstance(answer.parsed, kind), answer.content
    return answer.parsed


def refused(answer: Response[Any], status: HTTPStatus) -> Error:
    """Why a request was refused."""
    assert answer.status_code == status, answer
    return good(answer, Error)


def next_before(answer: Response[Any]) -> str | None:
    """Where the page begins that a `Link` leads to, if there is one."""
    link = answer.headers.get("Link")
    if link is None:
        return None
    path, relation = link.split("; ")
    assert relation == 'rel="next"', link
    return parse_qs(urlsplit(path.strip("<>")).query)["before"][0]


with client("MINE") as mine, client("HERS") as hers:
    me = good(get_me.sync_detailed(client=mine), User)
    assert (me.username, me.flags) == ("NamesAreHardOkay?", [1, 10])
    print(f"I am {me.username}#{me.discriminator}.")

    zoe = good(get_me.sync_detailed(client=hers), User)
    assert good(get_user.sync_detailed(zoe.id, client=mine), User) == zoe
    assert good(find_user.sync_detailed(client=mine, tag="ZOË#0042"), User) == zoe
    print(f"{zoe.username} is {zoe.id}, by id and by tag.")

    short = modify_me.sync_detailed(client=mine, body=UserChange(discriminator="7"))
    problem = refused(short, HTTPStatus.BAD_REQUEST)
    assert problem.code == "invalid_request" and problem.errors
    for fault in problem.errors:
        assert (fault.field, fault.code) == ("discriminator", "too_short")
        print(f"{fault.field}: {fault.message}")
    change = UserChange(discriminator="0007")
    renamed = good(modify_me.sync_detailed(client=mine, body=change), User)
    assert (renamed.id, renamed.discriminator) == (me.id, "0007")
    print(f"I am {renamed.username}#{renamed.discriminator} now.")

    with_zoe = NewDm(type_=2, recipient_id=zoe.id)
    with_me = NewDm(type_=2, recipient_id=me.id)
    dm = good(open_channel.sync_detailed(client=mine, body=with_zoe), Dm)
    same = good(open_channel.sync_detailed(client=hers, body=with_me), Dm)
    assert same.id == dm.id
    assert (dm.recipients, same.recipients) == ([zoe], [renamed])
    print(f"The DM of the two is {dm.id}, whoever asks.")

    together = NewGroup(type_=3, recipient_ids=[zoe.id, os.environ["EMILE"]], name="Tea")
    group = good(open_channel.sync_detailed(client=mine, body=together), Group)
    assert (group.owner_id, group.recipient_ids) == (me.id, together.recipient_ids)
    print(f'The group "{group.name}" is {group.id}.')

    listed: list[Dm | Group] = []
    before: str | None = None
    while True:
        page = list_channels.sync_detailed(client=mine, limit=1, before=before or UNSET)
        assert isinstance(page.parsed, list), page.content
        listed.extend(page.parsed)
        before = next_before(page)
        if before is None:
            break
    assert listed == [group, dm]
    print(f"My {len(listed)} channels, a page each, the newest first.")

    house, key = NewCommunity(name="Tea house"), "the-tea-house"
    first = create_community.sync_detailed(client=hers, body=house, idempotency_key=key)
    again = create_community.sync_detailed(client=hers, body=house, idempotency_key=key)
    community = good(first, Community)
    assert good(again, Community) == community
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    house.name = "Coffee house"
    other = create_community.sync_detailed(client=hers, body=house, idempotency_key=key)
    assert refused(other, HTTPStatus.CONFLICT).code == "idempotency_conflict"
    print(f'"{community.name}" was made once, though it was asked for twice.')

    five = NewInvite(max_uses=5)
    invite = good(create_invite.sync_detailed(community.id, client=hers, body=five), Invite)
    seen = good(get_invite.sync_detailed(invite.code, client=mine), Invitation)
    assert (seen.community, seen.max_uses) == (community, 5)
    joined = good(join_community.sync_detailed(invite.code, client=mine), Community)
    assert joined == community
    assert good(list_communities.sync_detailed(client=mine), list) == [community]
    members = good(list_members.sync_detailed(community.id, client=hers), list)
    assert members == [renamed, zoe]
    print(f"I joined it by {invite.code}; there are {len(members)} of us.")

    read = get_community.sync_detailed(community.id, client=hers)
    tag = read.headers["ETag"]
    known = get_community.sync_detailed(community.id, client=hers, if_none_match=tag)
    assert known.status_code == HTTPStatus.NOT_MODIFIED
    renaming = CommunityChange(name="The tea house")
    changed = modify_community.sync_detailed(community.id, client=hers, body=renaming, if_match=tag)
    assert good(changed, Community).name == "The tea house"
    late = modify_community.sync_detailed(community.id, client=hers, body=renaming, if_match=tag)
    assert refused(late, HTTPStatus.PRECONDITION_FAILED).code == "precondition_failed"
    print("It was read again without a body, and changed once, though two meant to.")

    left = leave_community.sync_detailed(community.id, client=mine)
    assert left.status_code == HTTPStatus.NO_CONTENT
    gone = get_community.sync_detailed(community.id, client=mine)
    assert refused(gone, HTTPStatus.NOT_FOUND).code == "unknown_community"
    print("I left it.")

    picture = good(get_avatar.sync_detailed(me.id, "default.png", client=mine, size=64), File)
    print(f"My picture has {len(picture.payload.read())} bytes.")
