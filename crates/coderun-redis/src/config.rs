//! How to reach Redis, and how long to wait for it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::RedisAddress;

/// How to reach Redis, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// Where it is.
    pub address: RedisAddress,
    /// What the names of all keys and channels begin with. Default: `coderun`.
    pub key_prefix: KeyPrefix,
    /// Connections that all callers share. Default: 4.
    pub lanes: usize,
    /// How long making a connection may take. Default: 1 s.
    pub connect_timeout: Duration,
    /// How long an answer may take. Default: 2 s.
    pub response_timeout: Duration,
    /// How long one call goes on trying, all tries together. Default: 3 s.
    pub patience: Duration,
    /// How often a watcher looks for news that no hint told of. Default: 3 s.
    pub watch_interval: Duration,
    /// So many replicas have what was accepted or finished before the call answers; it fails if they do not within a
    /// second. Default: 0, and then the master alone answers. Not on a Cluster.
    pub replicas: u32,
    /// How many parts the users are spread over; must be the same in all processes. Default: 16 on a Cluster, else 1.
    pub partitions: Option<u16>,
}

impl RedisConfig {
    /// The defaults, for Redis at this address.
    #[must_use]
    pub fn new(address: RedisAddress) -> Self {
        Self {
            address,
            key_prefix: KeyPrefix::default(),
            lanes: 4,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
            patience: Duration::from_secs(3),
            watch_interval: Duration::from_secs(3),
            replicas: 0,
            partitions: None,
        }
    }
}

/// What the names of all keys begin with: 1 to [`KeyPrefix::MAX_BYTES`] ASCII letters, digits and `: _ . -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// The longest prefix, in bytes.
    pub const MAX_BYTES: usize = 64;
}

impl Default for KeyPrefix {
    fn default() -> Self {
        Self("coderun".to_owned())
    }
}

impl FromStr for KeyPrefix {
    type Err = KeyPrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ":_.-".contains(c);
        if text.is_empty() || text.len() > Self::MAX_BYTES || !text.chars().all(is_allowed) {
            return Err(KeyPrefixError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be a prefix of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 characters of `A-Z a-z 0-9 : _ . -`")]
pub struct KeyPrefixError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_nothing_that_has_a_meaning_in_keys() {
        for good in ["coderun", "a:b", "x_1.2-3"] {
            assert_eq!(good.parse::<KeyPrefix>().unwrap().to_string(), good);
        }
        for bad in ["", "{a}", "a b", "ü", &"x".repeat(65)] {
            assert_eq!(bad.parse::<KeyPrefix>(), Err(KeyPrefixError), "{bad}");
        }
    }
}
