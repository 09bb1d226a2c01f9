//! Makes the id of an execution from the key that its client chose.
//!
//! A repeated submission then finds the execution under its id, in the same step in which a new one is stored: the key needs no
//! entry of its own, no second round trip, and expires with the execution.

use coderun_domain::{ExecutionId, IdGenerator, IdempotencyKey, UserId};
use sha2::{Digest as _, Sha256};

/// The first bytes of what is hashed, so that nothing else gives the same digest.
const PURPOSE: &[u8] = b"coderun idempotency key 1\0";

/// The id for what this user submits under this key: always the same, and that of no other user or key.
pub(super) fn keyed_id(ids: &dyn IdGenerator, user: &UserId, key: &IdempotencyKey) -> ExecutionId {
    let mut candidate = 0;
    loop {
        let id = digest(user, key, candidate);
        if ids.is_usable(id, user) {
            return id;
        }
        candidate += 1;
    }
}

/// One candidate: 122 bits of a digest, as a UUID of version 8.
fn digest(user: &UserId, key: &IdempotencyKey, candidate: u64) -> ExecutionId {
    let mut hash = Sha256::new_with_prefix(PURPOSE);
    // A user id contains no control character.
    for part in [
        user.as_str().as_bytes(),
        b"\0",
        key.as_str().as_bytes(),
        b"\0",
    ] {
        hash.update(part);
    }
    // The part after a key has one of two lengths, so no key and entry hash as another key does.
    if let Some(entry) = key.entry() {
        hash.update(entry.to_be_bytes());
    }
    hash.update(candidate.to_be_bytes());
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(hash.finalize()) {
        *byte = hashed;
    }
    ExecutionId::from_digest(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use coderun_domain::testing::{SequentialIds, user};

    use super::*;

    fn id(name: &str, key: &str) -> ExecutionId {
        let key = IdempotencyKey::parse(key).unwrap();
        keyed_id(&SequentialIds::default(), &user(name), &key)
    }

    #[test]
    fn every_user_and_key_has_one_id() {
        let pairs = [("a", "b"), ("ab", "b"), ("a", "bb"), ("b", "a"), ("a", "B")];
        let ids: HashSet<_> = pairs.iter().map(|(name, key)| id(name, key)).collect();
        assert_eq!(ids.len(), pairs.len());
        assert_eq!(id("a", "b"), id("a", "b"));
    }

    #[test]
    fn every_entry_under_a_key_has_one_id() {
        let key = IdempotencyKey::parse("b").unwrap();
        let entry = |index| keyed_id(&SequentialIds::default(), &user("a"), &key.of_entry(index));
        let ids = HashSet::from([id("a", "b"), entry(0), entry(1), id("a", "b0")]);
        assert_eq!(ids.len(), 4);
        assert_eq!(entry(1), entry(1));
    }

    /// Executions that are stored keep their keys over an upgrade.
    #[test]
    fn an_id_does_not_change_with_the_version() {
        assert_eq!(
            id("alice", "key-1").to_string(),
            "7b191ffc-8cbc-8e25-9f84-5f6204ce840e"
        );
    }

    /// Refuses ids whose last byte is odd.
    #[derive(Debug)]
    struct EvenIds;

    impl IdGenerator for EvenIds {
        fn execution_id(&self, _user: &UserId) -> ExecutionId {
            panic!("the id is made from the key")
        }

        fn is_usable(&self, id: ExecutionId, _user: &UserId) -> bool {
            id.as_uuid().as_bytes()[15].is_multiple_of(2)
        }

        fn secret(&self) -> [u8; 32] {
            panic!("no secret is wanted")
        }
    }

    #[test]
    fn the_store_may_refuse_candidates() {
        let keys = (0..20).map(|key| IdempotencyKey::parse(key.to_string()).unwrap());
        for key in keys {
            let id = keyed_id(&EvenIds, &user("a"), &key);
            assert!(EvenIds.is_usable(id, &user("a")));
            assert_eq!(id, keyed_id(&EvenIds, &user("a"), &key));
        }
    }
}
