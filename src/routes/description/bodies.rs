//! What is asked with, as the description tells it. The bodies themselves are read field by field in the topics (`fields` says
//! why), where these would be types that nobody makes.

#![allow(dead_code)] // shapes alone

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::clock::Timestamp;
use crate::id::Id;
use crate::images::Size;
use crate::users::User;

/// A page of at most 200.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct UpTo200 {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 200)]
    limit: Option<u16>,
    /// Only ids below this one. Not together with `after`.
    before: Option<Id>,
    /// Only ids above this one. Not together with `before`.
    after: Option<Id>,
}

/// A page of at most 1,000.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct UpTo1000 {
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<u16>,
    /// Only ids below this one. Not together with `after`.
    before: Option<Id>,
    /// Only ids above this one. Not together with `before`.
    after: Option<Id>,
}

/// What is made once, however often it is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::routes) struct Once {
    /// A name of your choice for this request. Sent again with it within 24 hours, the request makes nothing again and gets the
    /// first answer.
    #[param(
        rename = "Idempotency-Key",
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]{1,255}$"
    )]
    key: Option<String>,
}

/// What the client has already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::routes) struct Known {
    /// The `ETag` of the version that the client has: if it is the current one, the answer is 304 without a body.
    #[param(
        rename = "If-None-Match",
        nullable = false,
        example = "\"d1fba762150c532c\""
    )]
    tags: Option<String>,
}

/// What the client means.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(in crate::routes) struct Meant {
    /// The `ETag` of the version that the change is meant for: if somebody else was faster, the answer is 412 and nothing changes.
    #[param(
        rename = "If-Match",
        nullable = false,
        pattern = r#"^(\*|"[!#-~]*")$"#,
        example = "\"d1fba762150c532c\""
    )]
    tags: Option<String>,
}

/// Those there are, for who asks for a picture.
pub(in crate::routes) struct PictureSize;

impl PartialSchema for PictureSize {
    fn schema() -> RefOr<Schema> {
        let description = "Pixels a side of a picture.";
        let sizes = one_of(Size::ALL.map(Size::pixels));
        sizes.description(Some(description)).into()
    }
}

impl ToSchema for PictureSize {}

/// A whole number that is one of these: for a generator of clients a type of its own, where bounds are any number.
fn one_of(numbers: impl IntoIterator<Item = u32>) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .enum_values(Some(numbers))
}

/// The bytes of an image.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(in crate::routes) struct Picture(Vec<u8>);

/// Name, `#`, discriminator.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = "^[^@#:]+#(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})$",
    example = "NamesAreHardOkay?#0001"
)]
pub(in crate::routes) struct Tag(String);

/// A name to be: 1 to 30 characters once spaces are tidied, any script and recommended emoji; no `@`, `#`, `:`, nor three backticks in a row.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, pattern = "^[^@#:]+$", example = "NamesAreHardOkay?")]
pub(in crate::routes) struct Username(String);

/// The name of a group or a community: 1 to 100 printable characters once spaces are tidied.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String, min_length = 1, example = "Tea house")]
pub(in crate::routes) struct Name(String);

/// `0001` to `9999`.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})$", example = "0001")]
pub(in crate::routes) struct NewDiscriminator(String);

/// 8 to 128 characters.
#[derive(ToSchema)]
#[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "correct horse battery")]
pub(in crate::routes) struct NewPassword(String);

/// A PNG, JPEG, GIF or WebP of 16 to 4,096 pixels a side as a data URI; whatever its label says, its bytes decide.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = "^data:image/[a-z+.-]+;base64,[A-Za-z0-9+/]+={0,2}$",
    example = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mOIzntIEmIY1TCqYfhqAADzNaoQPM+qkAAAAABJRU5ErkJggg=="
)]
pub(in crate::routes) struct ImageData(String);

/// What somebody changes of themself; what is left out stays.
#[derive(ToSchema)]
pub(in crate::routes) struct UserChange {
    /// Alone, it keeps the discriminator where that is free, and draws another where it isn't.
    #[schema(nullable = false)]
    username: Option<Username>,
    /// That very one.
    #[schema(nullable = false)]
    discriminator: Option<NewDiscriminator>,
    /// A new picture; null takes it away.
    avatar: Option<ImageData>,
}

/// That somebody is sure.
#[derive(ToSchema)]
pub(in crate::routes) struct Farewell {
    /// The account's password.
    password: String,
}

/// An account to be.
#[derive(ToSchema)]
pub(in crate::routes) struct Registration {
    username: Username,
    password: NewPassword,
    /// That very one; left out, one is drawn.
    #[schema(nullable = false)]
    discriminator: Option<NewDiscriminator>,
    /// An instance invite's code.
    #[schema(nullable = false, min_length = 1, example = "dRq3z6Ghg8yxCtLw")]
    invite: Option<String>,
}

/// Who somebody is, and how they prove it.
#[derive(ToSchema)]
pub(in crate::routes) struct LogIn {
    tag: Tag,
    password: String,
}

/// A password instead of another.
#[derive(ToSchema)]
pub(in crate::routes) struct PasswordChange {
    /// The password as it is now.
    current: String,
    new: NewPassword,
}

/// A password instead of one that was forgotten.
#[derive(ToSchema)]
pub(in crate::routes) struct Reset {
    /// Of the link that an admin handed out.
    #[schema(min_length = 1)]
    code: String,
    new: NewPassword,
}

/// A DM or a group to be.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::routes) enum NewChannel {
    Dm(NewDm),
    Group(NewGroup),
}

fn dm() -> ObjectBuilder {
    one_of([2])
}

fn group() -> ObjectBuilder {
    one_of([3])
}

/// The DM with somebody.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct NewDm {
    #[schema(schema_with = dm)]
    r#type: u8,
    recipient_id: Id,
}

/// A group of up to 10 people.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct NewGroup {
    #[schema(schema_with = group)]
    r#type: u8,
    /// None twice, nor whoever asks.
    #[schema(min_items = 2, max_items = 9, example = json!(["815204749140815873", "815204749182758912"]))]
    recipient_ids: Vec<Id>,
    name: Option<Name>,
}

/// What is changed of a group; what is left out stays.
#[derive(ToSchema)]
pub(in crate::routes) struct GroupChange {
    /// Null takes it away.
    name: Option<Name>,
    /// Somebody in the group; only the present owner may say so.
    #[schema(nullable = false)]
    owner_id: Option<Id>,
}

/// A community to be.
#[derive(ToSchema)]
pub(in crate::routes) struct NewCommunity {
    name: Name,
    icon: Option<ImageData>,
}

/// What the owner changes of a community; what is left out stays.
#[derive(ToSchema)]
pub(in crate::routes) struct CommunityChange {
    #[schema(nullable = false)]
    name: Option<Name>,
    /// Null takes it away.
    icon: Option<ImageData>,
    /// A member.
    #[schema(nullable = false)]
    owner_id: Option<Id>,
}

/// An invite to be.
#[derive(ToSchema)]
pub(in crate::routes) struct NewInvite {
    /// How many may join with it; null or left out: any number.
    #[schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32, example = 5)]
    max_uses: Option<u32>,
    /// In the future; null or left out: it does not expire.
    expires_at: Option<Timestamp>,
}

/// A DM or a group as one of its participants sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Channel)]
#[serde(untagged)]
pub(in crate::routes) enum ChannelShape {
    Dm(DmShape),
    Group(GroupShape),
}

/// Two people's DM, the same one for ever.
#[derive(Serialize, ToSchema)]
#[schema(as = Dm)]
pub(in crate::routes) struct DmShape {
    id: Id,
    #[schema(schema_with = dm)]
    r#type: u8,
    /// The other one.
    #[schema(min_items = 1, max_items = 1)]
    recipient_ids: Vec<Id>,
    #[schema(min_items = 1, max_items = 1)]
    recipients: Vec<User>,
}

/// A group.
#[derive(Serialize, ToSchema)]
#[schema(as = Group)]
pub(in crate::routes) struct GroupShape {
    id: Id,
    #[schema(schema_with = group)]
    r#type: u8,
    #[schema(required = true, example = "Tea")]
    name: Option<String>,
    /// Who may remove others and hand it over.
    owner_id: Id,
    /// The others, ascending.
    recipient_ids: Vec<Id>,
    /// The same ones, in the same order.
    recipients: Vec<User>,
}
