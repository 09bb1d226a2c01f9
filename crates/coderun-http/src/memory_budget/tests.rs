use coderun_domain::testing::user;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A budget of which a user alone holds 1 MiB, unless it is taken at once.
fn budget() -> MemoryBudget {
    MemoryBudget::new(ByteSize::from_mib(4), Duration::from_millis(1))
}

/// Takes as many pieces as there are.
async fn fill(budget: &MemoryBudget, name: &str, bytes: usize) -> Vec<BudgetPermit> {
    let mut held = Vec::new();
    while let Ok(permit) = budget.acquire(&user(name), bytes).await {
        held.push(permit);
    }
    held
}

#[tokio::test]
async fn one_user_does_not_use_up_the_budget_of_another() {
    let (budget, alice, bob) = (budget(), user("alice"), user("bob"));
    let held = budget.acquire(&alice, 600 * KIB).await.unwrap();
    let refused = budget.acquire(&alice, 600 * KIB).await;
    let share = ByteSize::from_mib(1);
    assert_eq!(refused.err(), Some(BudgetExhausted::PerUser { share }));
    assert!(budget.acquire(&bob, 600 * KIB).await.is_ok());
    drop(held);
    assert!(budget.acquire(&alice, 600 * KIB).await.is_ok());
}

#[tokio::test]
async fn four_users_who_take_all_they_can_leave_large_pieces_to_others() {
    let budget = MemoryBudget::new(ByteSize::from_mib(64), Duration::ZERO);
    let mut held = Vec::new();
    for name in ["a", "b", "c", "d"] {
        held.push(fill(&budget, name, 2 * MIB).await);
    }
    let pieces: Vec<_> = held.iter().map(Vec::len).collect();
    assert_eq!(pieces, [8, 5, 3, 2]);
    assert!(budget.acquire(&user("newcomer"), 2 * MIB).await.is_ok());
}

#[tokio::test]
async fn many_users_who_take_all_they_can_leave_small_pieces_to_others() {
    let budget = MemoryBudget::new(ByteSize::from_mib(64), Duration::ZERO);
    let mut held = Vec::new();
    for number in 0..30 {
        for bytes in [2 * MIB, 200 * KIB] {
            held.push(fill(&budget, &number.to_string(), bytes).await);
        }
    }
    let newcomer = user("newcomer");
    let refused = budget.acquire(&newcomer, 2 * MIB).await;
    assert_eq!(refused.err(), Some(BudgetExhausted::Total));
    assert!(budget.acquire(&newcomer, 256 * KIB).await.is_ok());
}

#[tokio::test]
async fn a_user_who_holds_something_beside_others_is_told_that_it_is_their_share() {
    let (budget, alice) = (budget(), user("alice"));
    let _others = budget.acquire(&user("bob"), MIB).await.unwrap();
    let _held = budget.acquire(&alice, 600 * KIB).await.unwrap();
    let refused = budget.acquire(&alice, MIB).await;
    assert!(matches!(refused, Err(BudgetExhausted::PerUser { .. })));
}

#[tokio::test]
async fn more_than_there_is_takes_all_but_the_reserve() {
    let (budget, alice, bob) = (budget(), user("alice"), user("bob"));
    let mut huge = budget.acquire(&alice, usize::MAX).await.unwrap();
    let refused = budget.acquire(&bob, MIB).await;
    assert_eq!(refused.err(), Some(BudgetExhausted::Total));
    huge.shrink_to(KIB);
    assert!(budget.acquire(&bob, MIB).await.is_ok());
    assert!(budget.acquire(&alice, 600 * KIB).await.is_ok());
}

#[tokio::test]
async fn only_some_wait_and_the_others_are_refused_at_once() {
    let alice = user("alice");
    let budget = MemoryBudget::new(ByteSize::from_mib(4), Duration::from_mins(1));
    let held = budget.acquire(&alice, MIB).await.unwrap();
    let waiting = (0..USER_WAITING_MAX).map(|_| budget.acquire(&alice, KIB));
    let mut waiting = Box::pin(join_all(waiting));
    assert!(waiting.as_mut().now_or_never().is_none());
    let refused = budget.acquire(&alice, KIB).now_or_never().unwrap();
    assert!(matches!(refused, Err(BudgetExhausted::PerUser { .. })));
    drop(held);
    assert!(waiting.await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_user_who_neither_holds_nor_waits_is_forgotten() {
    let (budget, alice) = (budget(), user("alice"));
    let held = budget.acquire(&alice, MIB).await.unwrap();
    assert!(budget.acquire(&alice, MIB).await.is_err());
    drop(held);
    let usage = budget.pool.usage.lock();
    assert!(usage.users.is_empty() && usage.held == 0 && usage.waiting == 0);
}
