//! Clients that write all sorts of things until their server is gone, and the ledger of what they were answered: what a store that
//! went through a fault is held against.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use saryno::accounts::Secret;
use saryno::id::Id;
use serde_json::{Value, json};

use crate::executable::{Binary, agent, http, run_json};
use crate::races::{Person, text};

/// A moment; whoever keeps a ledger says how it is told.
pub(crate) type Moment = u64;

/// What was sent and never answered.
const NEVER: Moment = Moment::MAX;

/// After everything that was answered.
pub(crate) const END: Moment = Moment::MAX - 1;

/// What is written: a thing that only one client at a time writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    Account(String),
    /// Of two people, the lower id first; what is kept of it is the channel's id.
    Dm([String; 2]),
    Group(String),
    Community(String),
}

/// What somebody wanted of a thing, and when.
struct Write {
    /// `None`: that it is gone.
    state: Option<String>,
    sent: Moment,
    answered: Moment,
}

/// Everything that was written, and every id that was given.
#[derive(Default)]
pub(crate) struct Ledger {
    writes: Mutex<HashMap<Thing, Vec<Write>>>,
    answered: AtomicUsize,
    ids: Mutex<HashSet<Id>>,
    /// What ids that are new are above.
    floor: Mutex<Option<Id>>,
}

impl Ledger {
    fn note(&self, thing: Thing, write: Write) {
        if write.answered != NEVER {
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        let mut writes = self.writes.lock().unwrap();
        writes.entry(thing).or_default().push(write);
    }

    /// Takes the id of something that is new.
    fn take(&self, id: &str) {
        let (id, floor) = (id.parse().unwrap(), *self.floor.lock().unwrap());
        assert!(Some(id) > floor, "{id} is not above {floor:?}");
        let is_new = self.ids.lock().unwrap().insert(id);
        assert!(is_new, "{id} was given twice");
    }

    /// A server starts: what it gives is above all that was given before.
    fn raise_the_floor(&self) {
        *self.floor.lock().unwrap() = self.ids.lock().unwrap().iter().max().copied();
    }

    /// An account that was made before anything else.
    pub(crate) fn account(&self, id: &str, name: &str, moment: Moment) {
        self.take(id);
        let write = Write {
            state: Some(name.to_owned()),
            sent: moment,
            answered: moment,
        };
        self.note(Thing::Account(id.to_owned()), write);
    }

    /// How many writes were answered.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Holds a store against all that was answered until this moment. A write that was sent by then and not answered may be
    /// there, or not. How many writes it was that had to be there, and what is missing.
    pub(crate) fn held_against(
        &self,
        stored: &HashMap<Thing, String>,
        until: Moment,
    ) -> (usize, Vec<String>) {
        let (mut held, mut missing) = (0, Vec::new());
        for (thing, writes) in &*self.writes.lock().unwrap() {
            let answered = writes
                .iter()
                .filter(|write| write.answered <= until)
                .count();
            held += answered;
            if answered == 0 {
                continue;
            }
            // Its one client sends the next write when the one before was answered.
            let last = &writes[answered - 1..];
            let mut allowed = last.iter().filter(|write| write.sent <= until);
            let found = stored.get(thing);
            if !allowed.any(|write| write.state.as_ref() == found) {
                missing.push(format!("{thing:?} is {found:?}, not {:?}", last[0].state));
            }
        }
        (held, missing)
    }

    /// Whether this was written, and answered.
    pub(crate) fn tells_of(&self, thing: &Thing) -> bool {
        let writes = self.writes.lock().unwrap();
        let of_it = writes.get(thing).into_iter().flatten();
        of_it.into_iter().any(|write| write.answered != NEVER)
    }

    /// The same, at the end, where nothing may be missing; how many writes there had to be.
    #[track_caller]
    pub(crate) fn is_kept_by(&self, data: &Path) -> usize {
        let (held, missing) = self.held_against(&stored(&data.join("saryno.db")), END);
        assert!(missing.is_empty(), "{missing:#?}");
        held
    }
}

/// What a file holds.
pub(crate) fn stored(database: &Path) -> HashMap<Thing, String> {
    let connection = Connection::open(database).unwrap();
    let mut all = HashMap::new();
    let mut read = |sql: &str, thing: fn(String, String) -> Thing| {
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let thing = thing(row.get(0).unwrap(), row.get(1).unwrap());
            assert_eq!(all.insert(thing, row.get(2).unwrap()), None);
        }
    };
    let sql = "SELECT CAST(id AS TEXT), '', username FROM users";
    read(sql, |id, _| Thing::Account(id));
    let sql = "SELECT CAST(lower_id AS TEXT), CAST(higher_id AS TEXT), CAST(id AS TEXT) FROM channels WHERE type = 2";
    read(sql, |lower, higher| Thing::Dm([lower, higher]));
    let sql = "SELECT CAST(id AS TEXT), '', name || (SELECT ' of ' || group_concat(user_id, ' ' ORDER BY user_id)
        FROM participants WHERE channel_id = id) FROM channels WHERE type = 3";
    read(sql, |id, _| Thing::Group(id));
    let sql = "SELECT CAST(id AS TEXT), '', name FROM communities";
    read(sql, |id, _| Thing::Community(id));
    all
}

/// Looks at the whole of the data with the real command, which must find nothing.
#[track_caller]
pub(crate) fn assert_well(data: &Path) {
    let look = run_json(data, &["verify"]);
    assert_eq!(look["findings"], json!([]), "{look}");
}

/// A token of an admin's, straight into the file.
pub(crate) fn admin_token(database: &Connection) -> String {
    let secret = Secret::admin_token();
    let sql = "INSERT INTO admins (id, name, name_key) VALUES (1, 'root', 'root')";
    database.execute(sql, []).unwrap();
    let sql = "INSERT INTO admin_tokens (id, admin_id, hash, name) VALUES (1, 1, ?1, 'script')";
    database.execute(sql, [secret.hash().0]).unwrap();
    secret.reveal().to_owned()
}

/// What clients write to: some people, each of whom is one client's to rename, and perhaps an admin who makes accounts.
pub(crate) struct Load<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) people: &'a [Person],
    pub(crate) admin: Option<&'a str>,
    /// The turns that were taken, over all clients and rounds.
    pub(crate) turns: &'a AtomicUsize,
    /// Tells the moment.
    pub(crate) now: &'a (dyn Fn() -> Moment + Sync),
}

/// One client of a server's.
struct Client<'a> {
    load: &'a Load<'a>,
    url: &'a str,
    agent: ureq::Agent,
    me: &'a Person,
    /// Those it has made in its life.
    groups: Vec<(String, String)>,
    communities: Vec<String>,
}

impl Load<'_> {
    /// Has so many clients write until so many more writes were answered; then this ends the server.
    pub(crate) fn write_and_end(
        &self,
        server: Binary,
        clients: usize,
        enough: usize,
        end: impl FnOnce(Binary),
    ) {
        let (url, enough) = (server.url.clone(), self.ledger.answered() + enough);
        self.ledger.raise_the_floor();
        std::thread::scope(|scope| {
            for client in 0..clients {
                let url = &url;
                scope.spawn(move || self.write_until_it_ends(url, client));
            }
            let begun = Instant::now();
            while self.ledger.answered() < enough {
                assert!(begun.elapsed() < Duration::from_mins(1), "no answers");
                std::thread::sleep(Duration::from_millis(1));
            }
            end(server);
        });
    }

    /// One write after the other, until the server is gone.
    fn write_until_it_ends(&self, url: &str, client: usize) {
        let mut client = Client {
            load: self,
            url,
            agent: agent(),
            me: &self.people[client],
            groups: Vec::new(),
            communities: Vec::new(),
        };
        while client
            .take_turn(self.turns.fetch_add(1, Ordering::Relaxed))
            .is_some()
        {}
    }
}

impl Client<'_> {
    /// A write of another kind each time; `None` if it was not answered.
    fn take_turn(&mut self, turn: usize) -> Option<()> {
        let people = self.load.people;
        let name = format!("Name {turn}");
        match turn % 10 {
            // Two turns that follow each other ask for the same pair from both sides.
            0 | 1 => {
                let pair = turn / 10;
                let me = pair % people.len();
                let other = (me + 1 + pair / people.len() % (people.len() - 1)) % people.len();
                let sides = [&people[me], &people[other]];
                self.open_dm(sides[turn % 2], sides[1 - turn % 2])
            }
            2 | 3 => {
                let body = json!({"username": name});
                let thing = Thing::Account(self.me.id.clone());
                self.change(thing, Some(name), "PATCH", "/users/@me", &body)
            }
            4 => {
                let made = self.create("/communities", &json!({"name": name}), &self.me.token)?;
                let (id, sent) = (text(&made.0["id"]).to_owned(), made.1);
                self.made(Thing::Community(id.clone()), &id, name, sent);
                self.communities.push(id);
                Some(())
            }
            5 => self.change_community(turn, &name),
            6 if self.communities.len() > 1 => {
                let id = self.communities.remove(0);
                let path = format!("/communities/{id}");
                self.change(Thing::Community(id), None, "DELETE", &path, &json!({}))
            }
            7 => self.open_group(turn, &name),
            8 if !self.groups.is_empty() => {
                let (id, members) = &self.groups[turn / 10 % self.groups.len()];
                let (thing, state) = (Thing::Group(id.clone()), format!("{name} of {members}"));
                let path = format!("/channels/{id}");
                self.change(thing, Some(state), "PATCH", &path, &json!({"name": name}))
            }
            _ => match self.load.admin {
                Some(admin) => self.create_account(name, admin),
                None => self.open_group(turn, &name),
            },
        }
    }

    fn create_account(&self, name: String, admin: &str) -> Option<()> {
        let (path, body) = ("/admin/api/users", json!({"username": name}));
        let (made, sent) = self.create(path, &body, admin)?;
        let id = text(&made["account"]["user"]["id"]).to_owned();
        self.made(Thing::Account(id.clone()), &id, name, sent);
        Some(())
    }

    fn open_dm(&self, me: &Person, other: &Person) -> Option<()> {
        let body = json!({"type": 2, "recipient_id": other.id});
        let (channel, sent) = self.create("/users/@me/channels", &body, &me.token)?;
        let mut pair = [me.id.clone(), other.id.clone()];
        pair.sort_by_key(|id| id.parse::<Id>().unwrap());
        let write = Write {
            state: Some(text(&channel["id"]).to_owned()),
            sent,
            answered: (self.load.now)(),
        };
        self.load.ledger.note(Thing::Dm(pair), write);
        Some(())
    }

    fn open_group(&mut self, turn: usize, name: &str) -> Option<()> {
        let people = self.load.people;
        let mine = people.iter().position(|person| person.id == self.me.id);
        let other = |step: usize| &people[(mine.unwrap() + 1 + step) % people.len()].id;
        let steps = [turn % (people.len() - 1), (turn + 1) % (people.len() - 1)];
        let mut members = steps.map(other).to_vec();
        let body = json!({"type": 3, "recipient_ids": members, "name": name});
        let (group, sent) = self.create("/users/@me/channels", &body, &self.me.token)?;
        members.push(&self.me.id);
        members.sort_by_key(|id| id.parse::<Id>().unwrap());
        let members: Vec<_> = members.iter().map(|id| id.as_str()).collect();
        let (id, members) = (text(&group["id"]).to_owned(), members.join(" "));
        let state = format!("{name} of {members}");
        self.made(Thing::Group(id.clone()), &id, state, sent);
        self.groups.push((id, members));
        Some(())
    }

    fn change_community(&self, turn: usize, name: &str) -> Option<()> {
        let Some(id) = self
            .communities
            .get(turn / 10 % self.communities.len().max(1))
        else {
            return Some(());
        };
        let (thing, path) = (Thing::Community(id.clone()), format!("/communities/{id}"));
        self.change(
            thing,
            Some(name.to_owned()),
            "PATCH",
            &path,
            &json!({"name": name}),
        )
    }

    /// Makes something; the answer, and when it was asked for.
    fn create(&self, path: &str, body: &Value, token: &str) -> Option<(Value, Moment)> {
        let sent = (self.load.now)();
        let url = format!("{}{path}", self.url);
        let answer = http(&self.agent, "POST", &url, token, &body.to_string());
        let (status, object) = answer.ok()?;
        assert!(status == 200 || status == 201, "{status} {object}");
        Some((object, sent))
    }

    /// Notes something that is new.
    fn made(&self, thing: Thing, id: &str, state: String, sent: Moment) {
        self.load.ledger.take(id);
        let write = Write {
            state: Some(state),
            sent,
            answered: (self.load.now)(),
        };
        self.load.ledger.note(thing, write);
    }

    /// Changes something of this client's.
    fn change(
        &self,
        thing: Thing,
        state: Option<String>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Option<()> {
        let sent = (self.load.now)();
        let url = format!("{}{path}", self.url);
        let token = &self.me.token;
        let answer = http(&self.agent, method, &url, token, &body.to_string()).ok();
        if let Some((status, object)) = &answer {
            assert!([200, 204].contains(status), "{status} {object}");
        }
        let answered = answer.as_ref().map_or(NEVER, |_| (self.load.now)());
        let write = Write {
            state,
            sent,
            answered,
        };
        self.load.ledger.note(thing, write);
        answer.map(drop)
    }
}

/// How many rounds of a fault there are: so many, unless the variable says otherwise.
pub(crate) fn rounds(usually: usize) -> usize {
    std::env::var("SARYNO_ROUNDS").map_or(usually, |rounds| rounds.parse().unwrap())
}
