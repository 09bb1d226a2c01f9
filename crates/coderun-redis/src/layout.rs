//! Names the keys and channels, and divides the users into partitions.
//!
//! The records of one user share a partition, whose number is the hash tag of every key in it: on a Cluster these keys lie
//! in one slot, so that a step is one script. The id of an execution selects the partition of its user, so that a record
//! can be found without its user.

use std::sync::Arc;

use coderun_domain::{ExecutionId, IdGenerator, Language, UserId};
use sha2::{Digest as _, Sha256};

use crate::config::KeyPrefix;
use crate::version::VERSION;

/// A part of the users with all their records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Partition(u16);

impl Partition {
    /// The position among all partitions.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of keys and channels.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    prefix: String,
    bases: Vec<String>,
}

/// The number of this layout, which every key and channel names: processes with another layout share no key with these.
const NUMBER: u8 = 3;

impl Layout {
    /// The layout with this prefix and number of partitions, at least one.
    pub(crate) fn new(prefix: &KeyPrefix, partitions: u16) -> Self {
        let prefix = format!("{prefix}:{NUMBER}:");
        let bases = (0..partitions.max(1))
            .map(|number| format!("{prefix}{{{number}}}:"))
            .collect();
        Self { prefix, bases }
    }

    /// The prefix of all keys and channels.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Every partition.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = Partition> + Clone + use<> {
        (0..self.count()).map(Partition)
    }

    /// The number of partitions.
    pub(crate) fn count(&self) -> u16 {
        u16::try_from(self.bases.len()).unwrap_or(u16::MAX)
    }

    /// The prefix of all keys of a partition.
    pub(crate) fn base(&self, partition: Partition) -> &str {
        self.bases.get(partition.index()).map_or("", String::as_str)
    }

    /// The key of the hash with all live executions. Scripts get it to name the slot of their partition.
    pub(crate) fn live_key(&self, partition: Partition) -> String {
        format!("{}live", self.base(partition))
    }

    /// The key of the totals of a partition.
    pub(crate) fn totals_key(&self, partition: Partition) -> String {
        format!("{}totals", self.base(partition))
    }

    /// The key of a record.
    pub(crate) fn record_key(&self, id: ExecutionId) -> String {
        self.key_of("e", id)
    }

    /// The key of an outcome that is stored beside its record.
    pub(crate) fn outcome_key(&self, id: ExecutionId) -> String {
        self.key_of("o", id)
    }

    /// The key of the list with the events of an execution.
    pub(crate) fn events_key(&self, id: ExecutionId) -> String {
        self.key_of("v", id)
    }

    /// The key of the input for an execution.
    pub(crate) fn input_key(&self, id: ExecutionId) -> String {
        self.key_of("i", id)
    }

    /// The key of a large value before the step that uses it.
    pub(crate) fn staged_key(&self, partition: Partition, nonce: &str) -> String {
        format!("{}s:{nonce}", self.base(partition))
    }

    /// The channel for signals to every process.
    pub(crate) fn signals_channel(&self) -> String {
        format!("{}signals", self.prefix)
    }

    /// The channel that only this process subscribes to.
    pub(crate) fn messages_channel(&self, process: &str) -> String {
        format!("{}feed:{process}", self.prefix)
    }

    fn key_of(&self, kind: &str, id: ExecutionId) -> String {
        format!("{}{kind}:{id}", self.base(self.of_execution(id)))
    }

    /// The partition of a user.
    pub(crate) fn of_user(&self, user: &UserId) -> Partition {
        self.by_hash(user.as_str().as_bytes())
    }

    /// The partition of an execution: that of its user, if the id was made by [`PartitionedIds`].
    pub(crate) fn of_execution(&self, id: ExecutionId) -> Partition {
        self.by_hash(id.as_uuid().as_bytes())
    }

    fn by_hash(&self, name: &[u8]) -> Partition {
        if self.bases.len() < 2 {
            return Partition(0);
        }
        let [first, second, ..] = <[u8; 32]>::from(Sha256::digest(name));
        Partition(u16::from_be_bytes([first, second]) % self.count())
    }
}

/// The name of a user in keys: a hash, because a user id may contain any character and should not be readable in keys.
pub(crate) fn owner(user: &UserId) -> String {
    let digest = <[u8; 32]>::from(Sha256::digest(user.as_str().as_bytes()));
    hex(digest.split_at(16).0)
}

/// The queue of users for a language. It has the version of the records in it, so that a worker takes only what it can read.
pub(crate) fn lane(language: &Language) -> String {
    format!("{VERSION}:{language}")
}

/// The hexadecimal digits of these bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
    text
}

/// Generates ids until one lies in the partition of its user.
#[derive(Debug)]
pub(crate) struct PartitionedIds {
    ids: Arc<dyn IdGenerator>,
    layout: Layout,
}

impl PartitionedIds {
    pub(crate) const fn new(ids: Arc<dyn IdGenerator>, layout: Layout) -> Self {
        Self { ids, layout }
    }
}

impl IdGenerator for PartitionedIds {
    /// Generates one id on one node, and on average as many as there are partitions.
    fn execution_id(&self, user: &UserId) -> ExecutionId {
        loop {
            let id = self.ids.execution_id(user);
            if self.is_usable(id, user) {
                return id;
            }
        }
    }

    fn is_usable(&self, id: ExecutionId, user: &UserId) -> bool {
        self.layout.of_execution(id) == self.layout.of_user(user)
    }

    fn secret(&self) -> [u8; 32] {
        self.ids.secret()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use coderun_domain::testing::{SequentialIds, execution_id, user};

    use super::*;

    fn layout(partitions: u16) -> Layout {
        Layout::new(&"coderun".parse().unwrap(), partitions)
    }

    #[test]
    fn keys_hold_the_partition_as_their_hash_tag() {
        let one = layout(1);
        let id = execution_id(1);
        assert_eq!(
            one.record_key(id),
            "coderun:3:{0}:e:00000000-0000-0000-0000-000000000001"
        );
        assert_eq!(one.live_key(Partition(0)), "coderun:3:{0}:live");
    }

    #[test]
    fn an_id_lies_in_the_partition_of_its_user() {
        let layout = layout(16);
        let ids = PartitionedIds::new(Arc::new(SequentialIds::default()), layout.clone());
        let mut used = BTreeSet::new();
        for number in 0..200 {
            let alice = user(&format!("alice-{number}"));
            let partition = layout.of_user(&alice);
            assert_eq!(layout.of_execution(ids.execution_id(&alice)), partition);
            used.insert(partition.index());
        }
        assert_eq!(used.len(), 16, "some partitions are never used");
    }

    #[test]
    fn an_owner_is_a_hash_and_not_the_name() {
        let owner = owner(&user("{a}:b c"));
        assert_eq!(owner.len(), 32);
        assert!(owner.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
