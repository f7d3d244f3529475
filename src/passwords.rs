//! Passwords: what they may be and how they are hashed (contract, section 4, "Password").

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;

use crate::cores::Cores;
use crate::error::{Error, Problem, Result};

/// How many hashes may wait for their turn; at some 20 ms each on a core the last of them waits for seconds.
const MOST_WAITING: usize = 256;

/// Bytes of a hash.
const OUTPUT: usize = 32;

/// A password in the clear. It has no `Debug`, no `Display` and no way back out.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password as somebody types it to prove who they are: whatever it is, it is right or wrong, never malformed.
    #[must_use]
    pub fn attempt(text: &str) -> Self {
        // As RFC 8265 (OpaqueString) has it: keyboards differ in how they compose é.
        Self(
            ComposingNormalizerBorrowed::new_nfc()
                .normalize(text)
                .into_owned(),
        )
    }
}

impl FromStr for Password {
    type Err = Problem;

    /// A password to be set: 8 to 128 characters, counted after NFC.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let password = Self::attempt(text);
        match password.0.chars().count() {
            0..8 => Err(Problem::too_short("A password has 8 characters at least.")),
            8..=128 => Ok(password),
            _ => Err(Problem::too_long("A password has 128 characters at most.")),
        }
    }
}

/// A password as typed at a log-in; see [`Password::attempt`].
#[derive(Clone)]
pub struct Attempt(pub Password);

impl FromStr for Attempt {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(Password::attempt(text)))
    }
}

/// An argon2id hash as a PHC string. Not printed either: it invites guessing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it was stored.
    #[must_use]
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string, for the store.
    #[must_use]
    pub fn to_store(&self) -> &str {
        &self.0
    }
}

impl FromStr for PasswordHash {
    type Err = Problem;

    /// A hash that this program made, here or elsewhere: no other is ever the hash of what somebody types.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let ours = || {
            let (read, ours) = (phc::PasswordHash::new(text).ok()?, argon2().ok()?);
            let same = read.algorithm == Algorithm::Argon2id.ident()
                && read.version == Some(Version::V0x13.into())
                && read.params == phc::ParamsString::try_from(ours.params()).ok()?
                && read.salt.is_some()
                && read.hash?.len() == OUTPUT;
            same.then(|| Self(text.to_owned()))
        };
        ours().ok_or_else(|| {
            Problem::out_of_range(
                "Only saryno's own hashes let anybody in ($argon2id$v=19$m=19456,t=2,p=1$...); leave it out and hand out a reset link.",
            )
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Hashes and checks passwords off the async workers, at most one a core at a time. Cloning shares the queue.
#[derive(Clone)]
pub struct Hasher(Arc<Shared>);

struct Shared {
    cores: Cores,
    /// What argon2 works in, one a core once it was needed, kept for the next hash: the allocator does not give back 19 MiB
    /// that are taken and freed on ever other threads, and a storm of log-ins would take a gigabyte.
    memory: Mutex<Vec<Vec<Block>>>,
    /// What a log-in to an account without a password is checked against, so that it takes as long.
    nobody: PasswordHash,
}

impl Hasher {
    /// A hasher for a machine of so many cores.
    ///
    /// # Errors
    /// [`Error::Internal`] if argon2 refuses its parameters, or the system has no randomness.
    pub fn new(cores: usize) -> Result<Self> {
        let mut salt = [0; 32];
        rand::fill(&mut salt);
        let nobody = hash(&salt, &mut Vec::new())?;
        Ok(Self(Arc::new(Shared {
            cores: Cores::new(cores, MOST_WAITING),
            memory: Mutex::default(),
            nobody,
        })))
    }

    /// Hashes a password that is to be set.
    ///
    /// # Errors
    /// [`Error::Busy`] if too many wait already.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash> {
        self.run(move |memory| hash(password.0.as_bytes(), memory))
            .await?
    }

    /// Whether the password is the one that was hashed. Without a hash it is wrong, and that takes as long to find out.
    ///
    /// # Errors
    /// [`Error::Busy`] if too many wait already.
    pub async fn check(&self, password: Password, stored: Option<PasswordHash>) -> Result<bool> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.0.nobody.clone());
        let fits = self
            .run(move |memory| verify(password.0.as_bytes(), &stored, memory))
            .await?;
        Ok(fits? && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let shared = self.0.clone();
        let hashed = self.0.cores.run(move || {
            let taken = shared
                .memory
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let mut memory = taken.unwrap_or_default();
            let result = work(&mut memory);
            // What is left in there was made of the password.
            memory.fill(Block::default());
            shared
                .memory
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(memory);
            result
        });
        hashed.await
    }
}

/// Argon2id, 19 MiB, t=2, p=1 (contract, section 4; OWASP's first choice for that memory).
fn argon2() -> Result<Argon2<'static>> {
    let parameters = Params::new(19 * 1024, 2, 1, None)
        .map_err(|error| Error::Internal(format!("argon2: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

fn compute(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Result<phc::Output> {
    memory.resize(argon2.params().block_count(), Block::default());
    let mut output = [0; OUTPUT];
    argon2
        .hash_password_into_with_memory(password, salt, &mut output, memory)
        .map_err(failed)?;
    phc::Output::new(&output).map_err(failed)
}

fn failed(error: impl fmt::Display) -> Error {
    Error::Internal(format!("argon2: {error}"))
}

fn hash(password: &[u8], memory: &mut Vec<Block>) -> Result<PasswordHash> {
    let (argon2, salt) = (argon2()?, phc::Salt::generate());
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: phc::ParamsString::try_from(argon2.params()).map_err(failed)?,
        hash: Some(compute(&argon2, password, &salt, memory)?),
        salt: Some(salt),
    };
    Ok(PasswordHash(hash.to_string()))
}

fn verify(password: &[u8], stored: &PasswordHash, memory: &mut Vec<Block>) -> Result<bool> {
    let unreadable = || Error::Internal("a stored password hash can't be read".into());
    let stored = phc::PasswordHash::new(&stored.0).map_err(|_| unreadable())?;
    let (salt, hash) = stored.salt.zip(stored.hash).ok_or_else(unreadable)?;
    // Compares in constant time.
    Ok(compute(&argon2()?, password, &salt, memory)? == hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<Password, &'static str> {
        text.parse().map_err(|problem: Problem| problem.code)
    }

    #[test]
    fn a_password_has_8_to_128_characters_and_is_never_cut() {
        assert_eq!(set("1234567").err(), Some("too_short"));
        assert!(set("12345678").is_ok());
        assert!(set(&"ß".repeat(128)).is_ok());
        assert_eq!(set(&"ß".repeat(129)).err(), Some("too_long"));
    }

    #[test]
    fn a_hash_is_argon2id_with_the_contracts_parameters_and_a_salt_of_its_own() -> Result<()> {
        let memory = &mut Vec::new();
        let (one, other) = (
            hash(b"correct horse", memory)?,
            hash(b"correct horse", memory)?,
        );
        assert!(
            one.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            one.0
        );
        assert_ne!(one, other);
        assert!(verify(b"correct horse", &one, memory)? && !verify(b"correct hors", &one, memory)?);
        Ok(())
    }

    #[test]
    fn a_hash_is_read_back_and_one_that_nothing_could_match_is_refused() -> Result<()> {
        let hash = hash(b"correct horse", &mut Vec::new())?.0;
        let read = |text: &str| text.parse::<PasswordHash>().map_err(|problem| problem.code);
        assert_eq!(read(&hash), Ok(PasswordHash(hash.clone())));
        for other in [
            "",
            "secret",
            "$2b$12$abcdefghijklmnopqrstuuJ8r2wN0m1m3m3m3m3m3m3m3m3m3m3m3",
            &hash.replace("argon2id", "argon2i"),
            &hash.replace("v=19", "v=16"),
            &hash.replace("19456", "4194304"),
            &hash.replace(",p=1", ",p=2"),
            &hash[..hash.len() - 4],
            hash.rsplit_once('$').map_or("", |(rest, _)| rest),
        ] {
            assert_eq!(read(other), Err("out_of_range"), "{other}");
        }
        Ok(())
    }

    #[test]
    fn a_hash_does_not_print() {
        assert_eq!(
            format!("{:?}", PasswordHash::from_stored("$argon2id$secret".into())),
            "PasswordHash(..)"
        );
    }

    #[tokio::test]
    async fn a_missing_password_is_wrong_whatever_is_typed() -> Result<()> {
        let hasher = Hasher::new(1)?;
        let stored = hasher.hash(Password::attempt("Zoe\u{308}s secret")).await?;
        assert!(
            hasher
                .check(Password::attempt("Zoës secret"), Some(stored))
                .await?
        );
        assert!(!hasher.check(Password::attempt(""), None).await?);
        Ok(())
    }
}
