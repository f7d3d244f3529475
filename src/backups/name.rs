//! The names of the backups that a server makes: `saryno-2026-11-23T15-04-05Z.db`. In the order of their names they are in the order of
//! their times.

use crate::clock::Timestamp;

/// A moment, to the second, in a file's name: without colons, which other systems don't have in one.
#[must_use]
pub fn in_a_name(at: Timestamp) -> String {
    let second = Timestamp(at.0 - at.0.rem_euclid(1000));
    second.to_string().replace(':', "-")
}

/// What one that was made at this moment is called.
pub(super) fn name_of(at: Timestamp) -> String {
    format!("saryno-{}.db", in_a_name(at))
}

/// When the one of this name was made; `None` for every other name.
pub(super) fn made_at(name: &str) -> Option<Timestamp> {
    let moment = name.strip_prefix("saryno-")?.strip_suffix(".db")?;
    let (day, time) = moment.split_once('T')?;
    let at = format!("{day}T{}", time.replace('-', ":")).parse().ok()?;
    (name_of(at) == name).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_time_to_the_second() {
        let at: Timestamp = "2026-11-23T15:04:05Z".parse().unwrap();
        let name = name_of(at.after(std::time::Duration::from_millis(678)));
        assert_eq!(name, "saryno-2026-11-23T15-04-05Z.db");
        assert_eq!(made_at(&name), Some(at));
    }

    #[test]
    fn no_other_name_is_a_backups() {
        for name in [
            "",
            "saryno.db",
            "saryno-.db",
            "../saryno-2026-11-23T15-04-05Z.db",
            "saryno-../2026-11-23T15-04-05Z.db",
            "saryno-2026-11-23T15-04-05Z.db/",
            "saryno-2026-11-23T15-04-05Z.db.sha256",
            "saryno-2026-11-23T15-04-05Z.db.saryno-partial",
            "saryno-2026-11-23T15:04:05Z.db",
            "saryno-2026-11-23T15-04-05.5Z.db",
            "saryno-2026-11-23T15-04-05+01-00.db",
            "saryno-2026-11-31T15-04-05Z.db",
            "Saryno-2026-11-23T15-04-05Z.db",
        ] {
            assert_eq!(made_at(name), None, "{name}");
        }
    }
}
