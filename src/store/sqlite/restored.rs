//! What a restore does to the data that come back.

use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::audit::Trace;
use crate::actions::Restored;
use crate::audit::Target;
use crate::error::Result;

/// All that admits somebody, or will: it was perhaps ended since the backup was made, and that is forgotten.
const KEYS: [&str; 5] = [
    "tokens",
    "resets",
    "admin_sessions",
    "admin_tokens",
    "admin_links",
];

/// Ends what would come back to life, unless it is to, and tells the log how much that was.
pub(super) fn settle(connection: &Connection, restored: &Restored) -> Result<Trace> {
    let mut ended = Map::new();
    if !restored.keep_sessions {
        for table in KEYS {
            // Without WHERE, SQLite would tell nobody which rows went.
            let count = connection.execute(&format!("DELETE FROM {table} WHERE true"), [])?;
            ended.insert(table.into(), count.into());
        }
    }
    Ok(Trace {
        target: Some(Target::new("backup", None, &restored.file)),
        before: None,
        after: Some(json!({ "ended": Value::Object(ended) })),
    })
}
