use coderun_domain::testing::{EVERYONE, execution_id, language, user};

use super::*;

/// A queue, and how many executions were added to it.
struct TestQueue {
    queue: FairQueue,
    added: u64,
}

impl TestQueue {
    fn new(running_max: u32) -> Self {
        Self {
            queue: FairQueue::new(running_max),
            added: 0,
        }
    }

    /// Calls the queue with the entry of these values.
    fn with_entry<T>(
        &mut self,
        name: &str,
        written_in: &str,
        order: u64,
        call: impl FnOnce(&mut FairQueue, QueueEntry<'_>) -> T,
    ) -> T {
        let entry = QueueEntry {
            user: &user(name),
            language: &language(written_in),
            order,
        };
        call(&mut self.queue, entry)
    }

    /// Adds an execution. Its order and the number of its id are how many were added.
    fn push(&mut self, name: &str, written_in: &str) -> bool {
        self.added += 1;
        let order = self.added;
        let id = execution_id(order.into());
        self.with_entry(name, written_in, order, |queue, entry| {
            queue.push(entry, id)
        })
    }

    fn remove(&mut self, name: &str, written_in: &str, order: u64) {
        self.with_entry(name, written_in, order, FairQueue::remove);
    }

    fn position(&mut self, name: &str, order: u64) -> u64 {
        self.with_entry(name, "c", order, |queue, entry| queue.position(entry))
    }

    fn next(&self, languages: &[&str]) -> Option<ExecutionId> {
        let languages: Vec<_> = languages.iter().map(|name| language(name)).collect();
        self.queue.next(&languages, EVERYONE)
    }

    /// Serves this user's execution.
    fn serve(&mut self, name: &str, written_in: &str, order: u64) {
        let next = self.next(&["python", "c"]);
        assert_eq!(next, Some(execution_id(order.into())));
        self.remove(name, written_in, order);
        self.queue.started(&user(name));
    }
}

#[test]
fn users_take_turns_across_languages() {
    let mut queue = TestQueue::new(10);
    for language in ["python", "c", "python"] {
        queue.push("alice", language);
    }
    queue.push("bob", "c");
    queue.push("bob", "c");
    queue.serve("alice", "python", 1);
    queue.serve("bob", "c", 4);
    queue.serve("alice", "c", 2);
    queue.serve("bob", "c", 5);
    queue.serve("alice", "python", 3);
    assert_eq!(queue.next(&["python", "c"]), None);
}

#[test]
fn a_user_at_the_bound_is_listed_under_no_language() {
    let mut queue = TestQueue::new(1);
    assert!(queue.push("alice", "c"));
    queue.serve("alice", "c", 1);
    assert!(!queue.push("alice", "c"), "alice cannot be served now");
    assert_eq!(queue.queue.turns_by_language.len(), 0);
    assert!(queue.push("bob", "c"));
    assert_eq!(queue.next(&["c"]), Some(execution_id(3)));
    assert!(queue.queue.ended(&user("alice")));
    assert_eq!(queue.next(&["c"]), Some(execution_id(2)));
}

#[test]
fn a_turn_is_kept_while_the_user_is_at_the_bound() {
    let mut queue = TestQueue::new(1);
    queue.push("alice", "c");
    queue.push("alice", "c");
    queue.serve("alice", "c", 1);
    for _ in 0..3 {
        queue.push("bob", "c");
    }
    queue.serve("bob", "c", 3);
    queue.queue.ended(&user("bob"));
    queue.queue.ended(&user("alice"));
    queue.serve("alice", "c", 2);
    queue.serve("bob", "c", 4);
}

#[test]
fn executions_in_other_languages_do_not_delay() {
    let mut queue = TestQueue::new(10);
    for _ in 0..3 {
        queue.push("alice", "c");
    }
    queue.push("alice", "python");
    assert_eq!(queue.next(&["python"]), Some(execution_id(4)));
    assert_eq!(queue.next(&["ruby"]), None);
    assert_eq!(queue.next(&[]), None);
}

#[test]
fn a_user_that_is_brought_forward_is_next() {
    let mut queue = TestQueue::new(10);
    for name in ["alice", "bob", "carol"] {
        queue.push(name, "c");
    }
    queue.queue.bring_forward(&user("carol"));
    assert_eq!(queue.next(&["c"]), Some(execution_id(3)));
    queue.queue.bring_forward(&user("bob"));
    assert_eq!(queue.next(&["c"]), Some(execution_id(2)));
}

#[test]
fn a_user_with_nothing_left_is_forgotten() {
    let mut queue = TestQueue::new(1);
    queue.push("alice", "c");
    queue.push("alice", "python");
    queue.push("bob", "c");
    queue.serve("alice", "c", 1);
    queue.remove("alice", "python", 2);
    queue.remove("alice", "python", 2);
    assert_eq!(queue.queue.running(), 1);
    queue.queue.ended(&user("alice"));
    queue.remove("bob", "c", 3);
    queue.remove("unknown", "c", 9);
    queue.queue.ended(&user("unknown"));
    assert_eq!(queue.queue.users(), 0);
    assert_eq!(queue.queue.turns_by_language.len(), 0);
}

#[test]
fn a_position_counts_the_executions_served_before() {
    let mut queue = TestQueue::new(10);
    for name in ["alice", "alice", "alice", "bob", "carol", "carol"] {
        queue.push(name, "c");
    }
    let served = [("alice", 1), ("bob", 4), ("carol", 5), ("alice", 2)];
    let expected = [("carol", 6), ("alice", 3)];
    for (position, (name, order)) in (1..).zip(served.into_iter().chain(expected)) {
        assert_eq!(queue.position(name, order), position, "{name} {order}");
    }
    queue.serve("alice", "c", 1);
    for (position, (name, order)) in (1..).zip([("bob", 4), ("carol", 5), ("alice", 2)]) {
        assert_eq!(queue.position(name, order), position, "{name} {order}");
    }
}

#[test]
fn with_very_many_users_a_position_is_estimated() {
    let mut queue = TestQueue::new(10);
    for number in 1..=1001 {
        queue.push(&format!("user-{number}"), "c");
    }
    assert_eq!(queue.position("user-1", 1), 1);
    assert_eq!(queue.position("user-1001", 1001), 1001);
    let middle = queue.position("user-501", 501);
    assert!((200..=800).contains(&middle), "{middle}");
}
