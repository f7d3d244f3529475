//! Whoever is, was, or is about to be a member is no owner, and whoever was an owner is none any more (contract, section 3).

use rocket::http::Method::{self, Delete, Get, Patch, Post, Put};
use serde_json::{Value, json};

use crate::access::{Refusal, World};
use crate::channels::{group, people};
use crate::communities::{community_of, invite};
use crate::support::{Account, failure};

type Asked = (Method, String, Option<Value>);

impl World {
    /// What the community's owner alone may do, in the favour of somebody.
    fn of_the_communitys_owner(&self, favoured: &Account) -> Vec<Asked> {
        let (community, third) = (&self.community, self.third.id());
        vec![
            (Patch, community.clone(), Some(json!({"name": "Mine"}))),
            (Patch, community.clone(), Some(json!({"icon": null}))),
            (
                Patch,
                community.clone(),
                Some(json!({"owner_id": favoured.id()})),
            ),
            (Delete, community.clone(), None),
            (Delete, format!("{community}/members/{third}"), None),
            (Get, format!("{community}/invites"), None),
            (Post, format!("{community}/invites"), Some(json!({}))),
        ]
    }

    /// What any member may read.
    fn of_the_communitys_members(&self) -> Vec<Asked> {
        let community = &self.community;
        [community.clone(), format!("{community}/members")]
            .map(|path| (Get, path, None))
            .into()
    }

    /// What the group's owner alone may do.
    fn of_the_groups_owner(&self, favoured: &Account) -> Vec<Asked> {
        let (group, third) = (&self.group, self.third.id());
        vec![
            (
                Patch,
                group.clone(),
                Some(json!({"owner_id": favoured.id()})),
            ),
            (
                Patch,
                group.clone(),
                Some(json!({"name": "Mine", "owner_id": favoured.id()})),
            ),
            (Delete, format!("{group}/recipients/{third}"), None),
        ]
    }

    /// What anybody in the group may.
    fn of_the_groups_people(&self) -> Vec<Asked> {
        let group = &self.group;
        vec![
            (Get, group.clone(), None),
            (Patch, group.clone(), Some(json!({"name": "Mine"}))),
            (
                Put,
                format!("{group}/recipients/{}", self.stranger.id()),
                None,
            ),
            (Delete, group.clone(), None),
        ]
    }

    async fn done(&self, by: &Account, (method, path, body): Asked) {
        let body = body.map(|body| body.to_string());
        let answer = self
            .server
            .call(method, &path, Some(&by.token), body.as_deref())
            .await;
        assert!(answer.status < 300, "{path}: {}", answer.text());
    }

    async fn handed_over(&self) {
        let owner_id = json!({"owner_id": self.member.id()});
        for path in [&self.community, &self.group] {
            self.done(&self.owner, (Patch, path.clone(), Some(owner_id.clone())))
                .await;
        }
    }

    /// Nothing of the community and the group is known to them, and the invite is not theirs.
    async fn is_outside(&self, somebody: &Account) {
        let community = [
            self.of_the_communitys_owner(somebody),
            self.of_the_communitys_members(),
        ]
        .concat();
        let group = [
            self.of_the_groups_owner(somebody),
            self.of_the_groups_people(),
        ]
        .concat();
        let mut refusals = all(community, 404, "unknown_community");
        refusals.extend(all(group, 404, "unknown_channel"));
        let leave = (Delete, format!("/users/@me{}", self.community), None);
        refusals.extend(all(vec![leave], 404, "unknown_community"));
        refusals.extend(all(
            vec![(Delete, self.invite.clone(), None)],
            403,
            "not_owner",
        ));
        self.refused(somebody, refusals).await;
    }

    /// They may do nothing that is the owner's.
    async fn is_no_owner(&self, somebody: &Account) {
        let community = self.of_the_communitys_owner(somebody);
        let all_of = [community, self.of_the_groups_owner(somebody)].concat();
        let mut refusals = all(all_of, 403, "not_owner");
        refusals.extend(all(
            vec![(Delete, self.invite.clone(), None)],
            403,
            "not_owner",
        ));
        self.refused(somebody, refusals).await;
    }
}

fn all(asked: Vec<Asked>, status: u16, code: &'static str) -> Vec<Refusal> {
    let refusal = |(method, path, body)| (method, path, body, status, code);
    asked.into_iter().map(refusal).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_no_owner() {
    let world = World::new().await;
    world.is_no_owner(&world.member).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_owner_who_stays_is_a_member_like_any() {
    let world = World::new().await;
    world.handed_over().await;
    world.is_no_owner(&world.owner).await;
    for asked in world.of_the_communitys_members() {
        world.done(&world.owner, asked).await;
    }
    // Whom it was handed to owns it.
    for asked in world.of_the_groups_owner(&world.member).into_iter().rev() {
        world.done(&world.member, asked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_owner_who_left_is_a_stranger() {
    let world = World::new().await;
    world.handed_over().await;
    world
        .done(
            &world.owner,
            (Delete, format!("/users/@me{}", world.community), None),
        )
        .await;
    world
        .done(&world.owner, (Delete, world.group.clone(), None))
        .await;
    world.is_outside(&world.owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_just_left_the_group_does_not_own_it_any_more() {
    let world = World::new().await;
    world
        .done(&world.owner, (Delete, world.group.clone(), None))
        .await;
    let group = [
        world.of_the_groups_owner(&world.owner),
        world.of_the_groups_people(),
    ]
    .concat();
    world
        .refused(&world.owner, all(group, 404, "unknown_channel"))
        .await;
    // Somebody brings them in again: as anybody.
    let back = format!("{}/recipients/{}", world.group, world.owner.id());
    world.done(&world.third, (Put, back, None)).await;
    let owners = world.of_the_groups_owner(&world.owner);
    world
        .refused(&world.owner, all(owners, 403, "not_owner"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_taken_out_is_a_stranger() {
    let world = World::new().await;
    let id = world.member.id();
    world
        .done(
            &world.owner,
            (Delete, format!("{}/members/{id}", world.community), None),
        )
        .await;
    world
        .done(
            &world.owner,
            (Delete, format!("{}/recipients/{id}", world.group), None),
        )
        .await;
    world.is_outside(&world.member).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_and_has_not_joined_is_a_stranger() {
    let world = World::new().await;
    let look = world.server.get(&world.invite, &world.stranger).await;
    look.expect(200);
    world.is_outside(&world.stranger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_gains_and_loses_no_place() {
    let world = World::new().await;
    for blocked in [&world.member, &world.stranger] {
        let path = format!("/users/@me/blocks/{}", blocked.id());
        world.done(&world.owner, (Put, path, None)).await;
    }
    world.is_no_owner(&world.member).await;
    world.is_outside(&world.stranger).await;
    for asked in world.of_the_communitys_members() {
        world.done(&world.member, asked).await;
    }
    // Into a group of their own, they don't bring whom they are blocked by, nor do they where they were brought in.
    let others = [&world.third, &world.member];
    let own = group(&world.server, &world.stranger, &others).await;
    let bring = vec![(Put, format!("{own}/recipients/{}", world.owner.id()), None)];
    for by in [&world.stranger, &world.member] {
        world.refused(by, all(bring.clone(), 403, "blocked")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owns_another_community_and_group_owns_none_of_these() {
    let world = World::new().await;
    let server = &world.server;
    let [other] = people(server).await;
    let elsewhere = community_of(server, &world.stranger, &[&other]).await;
    let theirs = group(server, &world.stranger, &[&other, &world.third]).await;
    invite(server, &world.stranger, &elsewhere, &json!({})).await;
    world.is_outside(&world.stranger).await;
    // The people and things of one are nobody in the other.
    let id = world.owner.id();
    let refusals = vec![
        (
            Delete,
            format!("{elsewhere}/members/{id}"),
            None,
            404,
            "unknown_user",
        ),
        (
            Delete,
            format!("{theirs}/recipients/{id}"),
            None,
            404,
            "unknown_user",
        ),
        (
            Patch,
            elsewhere.clone(),
            Some(json!({"owner_id": id})),
            400,
            "invalid_request",
        ),
        (
            Patch,
            theirs,
            Some(json!({"owner_id": id})),
            400,
            "invalid_request",
        ),
        (Delete, world.invite.clone(), None, 403, "not_owner"),
        // A community is no channel, and a channel no community.
        (
            Get,
            elsewhere.replace("communities", "channels"),
            None,
            404,
            "unknown_channel",
        ),
        (
            Delete,
            world.group.replace("channels", "communities"),
            None,
            404,
            "unknown_community",
        ),
    ];
    world.refused(&world.stranger, refusals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_owns_a_dm() {
    let world = World::new().await;
    let dm = &world.dm;
    for by in [&world.owner, &world.member] {
        let mut asked = vec![
            (Patch, dm.clone(), Some(json!({"name": "Mine"}))),
            (Patch, dm.clone(), Some(json!({"owner_id": by.id()}))),
        ];
        for user in [&world.owner, &world.member, &world.third] {
            let path = format!("{dm}/recipients/{}", user.id());
            asked.extend([Put, Delete].map(|method| (method, path.clone(), None)));
        }
        world.refused(by, all(asked, 403, "forbidden")).await;
        let shown = world.server.get(dm, by).await.expect(200);
        assert_eq!(shown["recipient_ids"].as_array().unwrap().len(), 1);
    }
    let answer = world.server.get(dm, &world.third).await;
    assert_eq!(answer.fails(), failure(404, "unknown_channel"));
}
