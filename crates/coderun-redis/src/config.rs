//! Configures the backend: address, key prefix, connections and timeouts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::RedisAddress;

/// The configuration of a [`RedisBackend`](crate::RedisBackend).
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// The address of the server, the Sentinels or the Cluster.
    pub address: RedisAddress,
    /// The prefix of all keys and channels. Default: `coderun`.
    pub key_prefix: KeyPrefix,
    /// The longest time to make a connection. Default: 1 s.
    pub connect_timeout: Duration,
    /// The longest wait for one answer. Default: 2 s.
    pub response_timeout: Duration,
    /// The longest time of one call with all its attempts. Default: 3 s.
    pub patience: Duration,
    /// The interval in which watchers read even without a hint. Default: 3 s.
    pub watch_interval: Duration,
    /// The number of replicas that must store a change before a step that clients or workers rely on succeeds: submit, finish, release,
    /// cancel, delete, send. It and the health check fail if that takes longer than a second. Not on a Cluster. Default: 0.
    pub replicas: u32,
    /// The number of partitions, the same in all processes. Default: 16 on a Cluster, otherwise 1.
    pub partitions: Option<u16>,
}

impl RedisConfig {
    /// The defaults for this address.
    #[must_use]
    pub fn new(address: RedisAddress) -> Self {
        Self {
            address,
            key_prefix: KeyPrefix::default(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
            patience: Duration::from_secs(3),
            watch_interval: Duration::from_secs(3),
            replicas: 0,
            partitions: None,
        }
    }
}

/// The prefix of all keys and channels: 1 to [`KeyPrefix::MAX_BYTES`] ASCII letters, digits and `: _ . -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// The length of the longest prefix.
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

/// The text is not a valid key prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 characters of `A-Z a-z 0-9 : _ . -`")]
pub struct KeyPrefixError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_contains_no_character_with_a_meaning_in_keys() {
        for good in ["coderun", "a:b", "x_1.2-3"] {
            assert_eq!(good.parse::<KeyPrefix>().unwrap().to_string(), good);
        }
        for bad in ["", "{a}", "a b", "ü", &"x".repeat(65)] {
            assert_eq!(bad.parse::<KeyPrefix>(), Err(KeyPrefixError), "{bad}");
        }
    }
}
