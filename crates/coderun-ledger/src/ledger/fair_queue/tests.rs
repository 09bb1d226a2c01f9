use coderun_domain::testing::{execution_id, language, user};

use super::*;

/// A queue and a counter of what came.
struct Desk {
    queue: FairQueue,
    arrivals: u64,
}

impl Desk {
    fn new(running_max: u32) -> Self {
        Self {
            queue: FairQueue::new(running_max),
            arrivals: 0,
        }
    }

    /// Lets an execution wait; the number of its id is its place among all arrivals.
    fn push(&mut self, name: &str, written_in: &str) -> bool {
        self.arrivals += 1;
        let (user, language) = (user(name), language(written_in));
        let place = Place {
            user: &user,
            language: &language,
            order: self.arrivals,
        };
        self.queue.push(place, execution_id(self.arrivals.into()))
    }

    fn remove(&mut self, name: &str, written_in: &str, order: u64) {
        let (user, language) = (user(name), language(written_in));
        let place = Place {
            user: &user,
            language: &language,
            order,
        };
        self.queue.remove(place);
    }

    fn position(&self, name: &str, order: u64) -> u64 {
        let (user, language) = (user(name), language("c"));
        let place = Place {
            user: &user,
            language: &language,
            order,
        };
        self.queue.position(place)
    }

    fn next(&self, languages: &[&str]) -> Option<ExecutionId> {
        let languages: Vec<_> = languages.iter().map(|name| language(name)).collect();
        self.queue.next(&languages)
    }

    /// Serves this user's execution.
    fn serve(&mut self, name: &str, written_in: &str, order: u64) {
        let next = self.next(&["python", "c"]);
        assert_eq!(next, Some(execution_id(order.into())));
        self.remove(name, written_in, order);
        self.queue.started(&user(name));
    }

    fn assert_empty(&self) {
        assert_eq!((self.queue.users(), self.queue.lanes.len()), (0, 0));
    }
}

#[test]
fn users_take_turns_whatever_they_write_in() {
    let mut desk = Desk::new(10);
    for language in ["python", "c", "python"] {
        desk.push("alice", language);
    }
    desk.push("bob", "c");
    desk.push("bob", "c");
    desk.serve("alice", "python", 1);
    desk.serve("bob", "c", 4);
    desk.serve("alice", "c", 2);
    desk.serve("bob", "c", 5);
    desk.serve("alice", "python", 3);
    assert_eq!(desk.next(&["python", "c"]), None);
}

#[test]
fn a_user_at_the_bound_stands_in_no_lane() {
    let mut desk = Desk::new(1);
    assert!(desk.push("alice", "c"));
    desk.serve("alice", "c", 1);
    assert!(!desk.push("alice", "c"), "alice cannot be served now");
    assert_eq!(desk.queue.lanes.len(), 0);
    assert!(desk.push("bob", "c"));
    assert_eq!(desk.next(&["c"]), Some(execution_id(3)));
    assert!(desk.queue.ended(&user("alice")));
    assert_eq!(desk.next(&["c"]), Some(execution_id(2)));
}

#[test]
fn a_turn_is_kept_while_the_user_is_at_the_bound() {
    let mut desk = Desk::new(1);
    desk.push("alice", "c");
    desk.push("alice", "c");
    desk.serve("alice", "c", 1);
    for _ in 0..3 {
        desk.push("bob", "c");
    }
    desk.serve("bob", "c", 3);
    desk.queue.ended(&user("bob"));
    desk.queue.ended(&user("alice"));
    desk.serve("alice", "c", 2);
    desk.serve("bob", "c", 4);
}

#[test]
fn other_languages_are_not_in_the_way() {
    let mut desk = Desk::new(10);
    for _ in 0..3 {
        desk.push("alice", "c");
    }
    desk.push("alice", "python");
    assert_eq!(desk.next(&["python"]), Some(execution_id(4)));
    assert_eq!(desk.next(&["ruby"]), None);
    assert_eq!(desk.next(&[]), None);
}

#[test]
fn who_is_brought_forward_is_next() {
    let mut desk = Desk::new(10);
    for name in ["alice", "bob", "carol"] {
        desk.push(name, "c");
    }
    desk.queue.bring_forward(&user("carol"));
    assert_eq!(desk.next(&["c"]), Some(execution_id(3)));
    desk.queue.bring_forward(&user("bob"));
    assert_eq!(desk.next(&["c"]), Some(execution_id(2)));
}

#[test]
fn who_has_nothing_left_is_forgotten() {
    let mut desk = Desk::new(1);
    desk.push("alice", "c");
    desk.push("alice", "python");
    desk.push("bob", "c");
    desk.serve("alice", "c", 1);
    desk.remove("alice", "python", 2);
    desk.remove("alice", "python", 2);
    assert_eq!(desk.queue.running(), 1);
    desk.queue.ended(&user("alice"));
    desk.remove("bob", "c", 3);
    desk.remove("nobody", "c", 9);
    desk.queue.ended(&user("nobody"));
    desk.assert_empty();
}

#[test]
fn a_place_is_how_many_are_served_before() {
    let mut desk = Desk::new(10);
    for name in ["alice", "alice", "alice", "bob", "carol", "carol"] {
        desk.push(name, "c");
    }
    let served = [("alice", 1), ("bob", 4), ("carol", 5), ("alice", 2)];
    let expected = [("carol", 6), ("alice", 3)];
    for (place, (name, order)) in (1..).zip(served.into_iter().chain(expected)) {
        assert_eq!(desk.position(name, order), place, "{name} {order}");
    }
    desk.serve("alice", "c", 1);
    for (place, (name, order)) in (1..).zip([("bob", 4), ("carol", 5), ("alice", 2)]) {
        assert_eq!(desk.position(name, order), place, "{name} {order}");
    }
}

#[test]
fn with_very_many_users_a_place_is_estimated() {
    let mut desk = Desk::new(10);
    for number in 1..=1001 {
        desk.push(&format!("user-{number}"), "c");
    }
    assert_eq!(desk.position("user-1", 1), 1);
    assert_eq!(desk.position("user-1001", 1001), 1001);
    let middle = desk.position("user-501", 501);
    assert!((200..=800).contains(&middle), "{middle}");
}
