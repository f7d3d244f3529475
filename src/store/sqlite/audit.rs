//! The audit log in SQL.

use rusqlite::{Connection, Row, named_params};
use serde_json::Value;

use crate::audit::{Author, Entry, Filter, Named, Object, Target};
use crate::error::Result;
use crate::id::Id;
use crate::names::search_key;
use crate::page::{Listing, Order, Page};

const WRITE: &str = "
    INSERT INTO audit
        (id, admin_id, admin_name, admin_key, via, address, action, target_kind, target_id, target_name, before, after)
    VALUES
        (:id, :admin, :name, :key, :via, :address, :action, :target_kind, :target, :target_name, :before, :after)";

const COLUMNS: &str = "id, admin_id, admin_name, via, address, action, target_kind, target_id, target_name, before, after";

/// What an entry tells of a deed besides who did it.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) target: Option<Target>,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

impl Trace {
    /// Whether there is anything to tell: what is as it was was not done.
    pub(super) fn tells(&self) -> bool {
        self.before.is_none() || self.before != self.after
    }
}

/// Writes an entry, in the transaction of the deed.
pub(super) fn write(
    connection: &Connection,
    author: &Author,
    entry: Id,
    action: &str,
    trace: &Trace,
) -> Result<()> {
    let target = trace.target.as_ref();
    connection.prepare_cached(WRITE)?.execute(named_params! {
        ":id": entry,
        ":admin": author.id(),
        ":name": author.name(),
        ":key": search_key(author.name()),
        ":via": author.via(),
        ":address": author.address,
        ":action": action,
        ":target_kind": target.map(|target| &target.kind),
        ":target": target.and_then(|target| target.id),
        ":target_name": target.map(|target| &target.name),
        ":before": trace.before.as_ref().map(Value::to_string),
        ":after": trace.after.as_ref().map(Value::to_string),
    })?;
    Ok(())
}

/// A page of the log: the index of the filter that leaves the fewest is named, so that no page reads past what it shows; only
/// the few entries of one target are looked through for the other two.
pub(super) fn select(filter: &Filter, ascending: bool) -> String {
    let index = match (&filter.target, &filter.admin, &filter.action) {
        (Some(_), ..) => "INDEXED BY audit_by_target",
        (None, Some(_), Some(_)) => "INDEXED BY audit_by_admin_and_action",
        (None, Some(_), None) => "INDEXED BY audit_by_admin",
        (None, None, Some(_)) => "INDEXED BY audit_by_action",
        (None, None, None) => "",
    };
    let conditions = [
        (filter.target.is_some(), "target_id = :target AND "),
        (filter.admin.is_some(), "admin_key = :admin AND "),
        (filter.action.is_some(), "action = :action AND "),
    ];
    let conditions: String = conditions
        .into_iter()
        .filter_map(|(wanted, condition)| wanted.then_some(condition))
        .collect();
    let direction = if ascending { "" } else { "DESC" };
    format!(
        "SELECT {COLUMNS} FROM audit {index}
        WHERE {conditions} id > :above AND id < :below ORDER BY id {direction} LIMIT :limit"
    )
}

/// A page of the log, newest first.
pub(super) fn list(connection: &Connection, filter: &Filter, page: Page) -> Result<Listing<Entry>> {
    let keyset = page.keyset(Order::Newest);
    let mut statement = connection.prepare_cached(&select(filter, keyset.ascending))?;
    let all: [(&str, &dyn rusqlite::ToSql); 6] = [
        (":target", &filter.target),
        (":admin", &filter.admin),
        (":action", &filter.action),
        (":above", &keyset.above),
        (":below", &keyset.below),
        (":limit", &keyset.limit),
    ];
    // A filter that isn't set is not in the statement.
    let mut parameters = Vec::with_capacity(all.len());
    for (name, value) in all {
        if statement.parameter_index(name)?.is_some() {
            parameters.push((name, value));
        }
    }
    let found = statement
        .query_map(parameters.as_slice(), entry)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(page.listing(found, Order::Newest, |entry| entry.id))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let id: Id = row.get(0)?;
    let target = match (row.get(6)?, row.get(8)?) {
        (Some(kind), Some(name)) => Some(Target {
            kind,
            id: row.get(7)?,
            name,
        }),
        _ => None,
    };
    Ok(Entry {
        id,
        at: id.time(),
        admin: Named {
            id: row.get(1)?,
            name: row.get(2)?,
        },
        via: row.get(3)?,
        address: row.get(4)?,
        action: row.get(5)?,
        target,
        before: row.get::<_, Option<String>>(9)?.map(Object),
        after: row.get::<_, Option<String>>(10)?.map(Object),
    })
}
