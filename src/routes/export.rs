//! `/users/@me/export`: everything kept of an account, as one JSON document (contract, section 3).
//!
//! Not one store call but one a page, as the client takes them: memory stays small however much there is, and a client that
//! reads slowly keeps no connection of the store's from the others.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64ct::{Base64, Encoding};
use rocket::http::{ContentType, Header};
use rocket::request::Request;
use rocket::response::{Responder, Response, Result as Outcome};
use rocket::{Route, get, routes};
use serde::Serialize;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use utoipa::{OpenApi, ToSchema};

use super::AppState;
use crate::accounts::{Caller, Session};
use crate::audit::{Entry, Filter, Object};
use crate::clock::Timestamp;
use crate::communities::Invite;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::images::Owner;
use crate::page::{Cursor, Listing, Page};
use crate::store::Store;
use crate::users::User;
use crate::views::{AccountDetails, ChannelView, Member, Membership, Participant};

/// How many entries are read at once.
const AT_ONCE: u16 = 200;

pub(super) fn routes() -> Vec<Route> {
    routes![export]
}

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(export))]
pub(super) struct Description;

/// Everything kept of the account
///
/// As one document, written as it is read.
#[utoipa::path(
    operation_id = "exportMe",
    responses((status = 200, description = "The document.", body = ExportShape)),
)]
#[get("/users/@me/export")]
#[allow(clippy::needless_pass_by_value)] // as Rocket hands guards over
fn export(caller: Caller, app: &AppState) -> Export {
    // Two parts are made ahead of what the client has taken.
    let (sender, receiver) = channel(2);
    let store = app.store.clone();
    tokio::spawn(async move {
        let document = Document(sender);
        if let Err(error) = document.write(store.as_ref(), caller.user.id).await {
            document.break_off(error).await;
        }
    });
    Export(Parts {
        receiver,
        part: io::Cursor::default(),
    })
}

/// What an admin did to the account. Who and from where is the admin's own affair.
#[derive(Serialize, ToSchema)]
struct Deed {
    at: Timestamp,
    action: String,
    #[schema(value_type = Option<HashMap<String, Value>>, required = true)]
    before: Option<Object>,
    #[schema(value_type = Option<HashMap<String, Value>>, required = true)]
    after: Option<Object>,
}

impl From<Entry> for Deed {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at,
            action: entry.action,
            before: entry.before,
            after: entry.after,
        }
    }
}

/// An invite, and where it leads.
#[derive(Serialize, ToSchema)]
struct OwnInvite {
    community_id: Id,
    #[serde(flatten)]
    invite: Invite,
}

/// A channel as its participant knows it: whether others have hidden it is their own affair.
#[derive(Serialize, ToSchema)]
struct OwnChannel {
    id: Id,
    #[serde(rename = "type")]
    kind: i64,
    #[schema(required = true)]
    name: Option<String>,
    #[schema(required = true)]
    owner_id: Option<Id>,
    hidden: bool,
    participants: Vec<Member>,
}

impl OwnChannel {
    fn of(view: ChannelView, of: Id) -> Self {
        let hidden = |participant: &Participant| participant.user.id == of && participant.hidden;
        Self {
            id: view.id,
            kind: view.kind,
            name: view.name,
            owner_id: view.owner_id,
            hidden: view.participants.iter().any(hidden),
            participants: view.participants.into_iter().map(Member::from).collect(),
        }
    }
}

/// Everything kept of an account.
#[derive(ToSchema)]
#[schema(as = Export)]
#[allow(dead_code)] // a shape alone: it is written part by part
struct ExportShape {
    account: AccountDetails,
    /// The picture itself, as a data URI.
    #[schema(required = true)]
    avatar: Option<String>,
    communities: Vec<Membership>,
    /// To the account's own communities.
    invites: Vec<OwnInvite>,
    channels: Vec<OwnChannel>,
    sessions: Vec<Session>,
    blocks: Vec<User>,
    /// What admins did to the account.
    audit: Vec<Deed>,
}

/// The document while it is written, part by part.
struct Document(Sender<io::Result<Vec<u8>>>);

impl Document {
    async fn write(&self, store: &dyn Store, user: Id) -> Result<()> {
        let now = Timestamp::now();
        let of_user = Filter {
            target: Some(user),
            ..Filter::default()
        };
        let mut part = b"{\"account\":".to_vec();
        append(&mut part, &store.account_details(user).await?)?;
        self.part(part).await?;
        self.avatar(store, user).await?;
        self.list("communities", |page| store.communities_of(user, page))
            .await?;
        self.invites(store, user, now).await?;
        self.list("channels", |page| {
            let channels = store.channels_of(user, page);
            async move {
                let Listing { items, next } = channels.await?;
                let items: Vec<_> = items
                    .into_iter()
                    .map(|view| OwnChannel::of(view, user))
                    .collect();
                Ok(Listing { items, next })
            }
        })
        .await?;
        self.list("sessions", |page| store.sessions_of(user, page, now))
            .await?;
        self.list("blocks", |page| store.blocks(user, page)).await?;
        self.list("audit", |page| {
            let entries = store.audit(of_user.clone(), page);
            async {
                let Listing { items, next } = entries.await?;
                let items: Vec<_> = items.into_iter().map(Deed::from).collect();
                Ok(Listing { items, next })
            }
        })
        .await?;
        self.part(b"}".to_vec()).await
    }

    /// The image itself, as a data URI.
    async fn avatar(&self, store: &dyn Store, user: Id) -> Result<()> {
        let image = match store.user(user).await?.avatar {
            Some(hash) => store.image(Owner::User(user), hash).await,
            None => Err(Error::NotFound),
        };
        let image = match image {
            Ok(png) => Some(data_uri(&png)),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error),
        };
        let mut part = b",\"avatar\":".to_vec();
        append(&mut part, &image)?;
        self.part(part).await
    }

    /// The invites to the communities that are theirs.
    async fn invites(&self, store: &dyn Store, user: Id, now: Timestamp) -> Result<()> {
        let mut list = List::new(self, "invites");
        let mut communities = Pages::new();
        while let Some(page) = communities.next() {
            let listing = store.communities_of(user, page).await?;
            let mine = |membership: &&Membership| membership.community.owner_id == user;
            for membership in listing.items.iter().filter(mine) {
                let community_id = membership.community.id;
                let mut invites = Pages::new();
                while let Some(page) = invites.next() {
                    let listing = match store.invites_of(community_id, page, now).await {
                        // It went while the document was written.
                        Err(Error::UnknownCommunity) => break,
                        listing => listing?,
                    };
                    for invite in listing.items {
                        list.push(&OwnInvite {
                            community_id,
                            invite,
                        })?;
                    }
                    list.flush().await?;
                    invites.then(listing.next);
                }
            }
            communities.then(listing.next);
        }
        list.end().await
    }

    /// A list under its name, page by page.
    async fn list<T: Serialize, F: Future<Output = Result<Listing<T>>>>(
        &self,
        name: &'static str,
        read: impl Fn(Page) -> F,
    ) -> Result<()> {
        let mut list = List::new(self, name);
        let mut pages = Pages::new();
        while let Some(page) = pages.next() {
            let listing = read(page).await?;
            listing.items.iter().try_for_each(|item| list.push(item))?;
            list.flush().await?;
            pages.then(listing.next);
        }
        list.end().await
    }

    /// Waits until the client has taken enough of what went before. One that has gone takes nothing more.
    async fn part(&self, part: Vec<u8>) -> Result<()> {
        let sent = self.0.send(Ok(part)).await;
        sent.map_err(|_| Error::Internal("the client has gone".into()))
    }

    /// Ends the answer so that nobody takes it for whole: the connection is closed in its middle.
    async fn break_off(&self, error: Error) {
        if self.0.is_closed() {
            return;
        }
        tracing::error!(%error, "an export breaks off");
        // The client may go at this very moment.
        let _ = self.0.send(Err(io::Error::other(error))).await;
    }
}

/// The way through a list, page by page.
struct Pages(Option<Cursor>);

impl Pages {
    fn new() -> Self {
        Self(Some(Cursor::Start))
    }

    fn next(&mut self) -> Option<Page> {
        let cursor = self.0.take()?;
        Some(Page {
            limit: AT_ONCE,
            cursor,
        })
    }

    fn then(&mut self, next: Option<Cursor>) {
        self.0 = next;
    }
}

/// A list while it is written.
struct List<'d> {
    document: &'d Document,
    part: Vec<u8>,
    separator: u8,
}

impl<'d> List<'d> {
    fn new(document: &'d Document, name: &str) -> Self {
        Self {
            document,
            part: format!(",\"{name}\":").into_bytes(),
            separator: b'[',
        }
    }

    fn push(&mut self, item: &impl Serialize) -> Result<()> {
        self.part.push(self.separator);
        self.separator = b',';
        append(&mut self.part, item)
    }

    async fn flush(&mut self) -> Result<()> {
        self.document.part(std::mem::take(&mut self.part)).await
    }

    async fn end(mut self) -> Result<()> {
        if self.separator == b'[' {
            self.part.push(b'[');
        }
        self.part.push(b']');
        self.flush().await
    }
}

fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", Base64::encode_string(png))
}

fn append(part: &mut Vec<u8>, object: &impl Serialize) -> Result<()> {
    serde_json::to_writer(part, object).map_err(|error| Error::Internal(error.to_string()))
}

/// The document as it is sent.
struct Export(Parts);

impl<'r> Responder<'r, 'static> for Export {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        let save = "attachment; filename=\"saryno-account.json\"";
        Response::build()
            .header(ContentType::JSON)
            .header(Header::new("Content-Disposition", save))
            .streamed_body(self.0)
            .ok()
    }
}

/// Reads the parts as they come.
struct Parts {
    receiver: Receiver<io::Result<Vec<u8>>>,
    part: io::Cursor<Vec<u8>>,
}

impl AsyncRead for Parts {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut self.part).poll_read(context, buffer))?;
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            match ready!(self.receiver.poll_recv(context)) {
                Some(part) => self.part = io::Cursor::new(part?),
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}
