//! The settings: whatever a file and variables say, the secret among them does not show. How they come in is for the target, or for
//! the test.

/// A file and variables, as an input holds them: the file up to a NUL, then `NAME=value`, a line each.
pub struct Given<'a> {
    /// The text of `saryno.toml`.
    pub file: &'a str,
    /// Variables, without their `SARYNO_`.
    pub variables: Vec<(&'a str, &'a str)>,
}

impl<'a> Given<'a> {
    /// `None` where no environment could hold them.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let (file, variables) = text.split_once('\0').unwrap_or((text, ""));
        let variables: Vec<_> = variables
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        (!variables
            .iter()
            .any(|(name, value)| name.contains('\0') || value.contains('\0')))
        .then_some(Self { file, variables })
    }

    /// The secret among them, where it is one text.
    fn secret(&self) -> Option<&'a str> {
        let named = |(name, _): &&(&str, &str)| name.eq_ignore_ascii_case("metrics__token");
        let variable = self.variables.iter().rev().find(named);
        let secret = match variable {
            Some((_, value)) => value.trim(),
            None => self
                .file
                .split_once("token = \"")?
                .1
                .split(['"', '\n'])
                .next()?,
        };
        (secret.len() >= 16).then_some(secret)
    }

    /// How often this stands somewhere in them.
    fn times(&self, text: &str) -> usize {
        let variables = self
            .variables
            .iter()
            .flat_map(|(name, value)| [name, value]);
        let all = variables.copied().chain([self.file]);
        all.map(|one| one.matches(text).count()).sum()
    }
}

/// What is told of these settings does not hold their secret.
pub fn told(given: &Given<'_>, told: &str) {
    if let Some(secret) = given.secret() {
        // Where something else says the same, it is none.
        let is_secret = given.times(secret) == 1;
        assert!(
            !is_secret || !told.contains(secret),
            "the secret is in {told}"
        );
    }
}
