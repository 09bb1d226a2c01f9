//! Tests tickets: issue and redemption.

use coderun_domain::testing::{at, execution_id, user};
use coderun_domain::{Admission, Principal};

use super::support::{in_memory, submitted};
use crate::{AccessError, TicketIssueError};

fn principal(name: &str) -> Principal {
    Principal {
        user: user(name),
        expires_at: at(600),
        email: None,
        name: None,
        email_verified: None,
    }
}

#[tokio::test]
async fn a_ticket_admits_its_owner_once() {
    let (executions, _memory) = in_memory();
    let id = submitted(&executions).await.id();
    let issued = executions.issue_ticket(&principal("alice"), id).await;
    let ticket = issued.unwrap().ticket;
    let admission = Admission {
        user: user("alice"),
        expires_at: at(600),
    };
    assert_eq!(
        executions.redeem_ticket(id, &ticket).await.unwrap(),
        Some(admission)
    );
    assert_eq!(executions.redeem_ticket(id, &ticket).await.unwrap(), None);
}

#[tokio::test]
async fn no_two_tickets_are_alike_and_none_is_shown() {
    let (executions, _memory) = in_memory();
    let id = submitted(&executions).await.id();
    let one = executions.issue_ticket(&principal("alice"), id).await;
    let other = executions.issue_ticket(&principal("alice"), id).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.ticket, other.ticket);
    assert_eq!(one.ticket.len(), 43);
    assert!(!format!("{one:?}").contains(&one.ticket));
}

#[tokio::test]
async fn tickets_for_absent_executions_and_those_of_others_are_refused() {
    let (executions, _memory) = in_memory();
    let id = submitted(&executions).await.id();
    let forbidden = executions.issue_ticket(&principal("mallory"), id).await;
    let forbidden = forbidden.unwrap_err();
    assert!(matches!(
        forbidden,
        TicketIssueError::Access(AccessError::Forbidden)
    ));
    let absent = executions
        .issue_ticket(&principal("alice"), execution_id(99))
        .await
        .unwrap_err();
    assert!(matches!(
        absent,
        TicketIssueError::Access(AccessError::Absent)
    ));
}

#[tokio::test]
async fn an_invalid_ticket_admits_no_user() {
    let (executions, _memory) = in_memory();
    let id = submitted(&executions).await.id();
    for text in ["", "x", &"x".repeat(43), &"x".repeat(10_000)] {
        assert_eq!(executions.redeem_ticket(id, text).await.unwrap(), None);
    }
}
