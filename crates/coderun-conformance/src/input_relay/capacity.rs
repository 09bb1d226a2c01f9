//! Checks that kept input is bounded, and that read input frees capacity.

use coderun_domain::{InputPiece, InputPosition, InputReply, Lease, StorePolicy};

use crate::fixtures::{data, id, sender};
use crate::{Backend, Interactive};

/// The number of parts that fill the bound exactly.
const PARTS: u64 = 16;

fn bound() -> usize {
    usize::try_from(StorePolicy::INPUT_KEPT_MAX.as_bytes()).unwrap()
}

/// The size of a piece beside its bytes.
fn overhead() -> usize {
    InputPiece::End.size_bytes()
}

/// A piece with the size of a sixteenth of the bound, different for each number.
fn part(number: u64) -> InputPiece {
    let mut bytes = vec![b'x'; bound() / 16 - overhead()];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    data(bytes)
}

/// Sends these parts as one sender, and all of them are kept.
async fn keep_parts(backend: &Backend, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        backend.keep(id(1), sender(1, number), part(number)).await;
    }
}

/// Tells the relay that everything up to a position has been read.
async fn acknowledge(backend: &Backend, lease: &Lease, position: u64) {
    let after = InputPosition::from_number(position);
    backend.inputs.receive(lease, after).await.unwrap();
}

/// Unread input is kept up to the bound, and not one byte beyond it; none of it is lost.
pub async fn unread_input_is_bounded_exactly(Interactive { backend, lease }: Interactive) {
    keep_parts(&backend, 1..=PARTS - 1).await;
    let too_large = data(vec![b'y'; bound() / 16 - overhead() + 1]);
    let reply = backend.send(id(1), sender(1, PARTS), too_large).await;
    assert_eq!(reply, InputReply::Full);
    keep_parts(&backend, PARTS..=PARTS).await;
    for piece in [data("z"), InputPiece::End] {
        let reply = backend.send(id(1), sender(1, PARTS + 1), piece).await;
        assert_eq!(reply, InputReply::Full);
    }
    let expected: Vec<_> = (1..=PARTS).map(part).collect();
    assert!(backend.read_all(&lease).await == expected);
}

/// Many pieces of a byte each are bounded as few large ones are.
pub async fn small_pieces_are_bounded_too(Interactive { backend, lease }: Interactive) {
    keep_parts(&backend, 1..=PARTS - 1).await;
    let fitting = bound() / 16 / data("z").size_bytes();
    let mut kept = 0;
    let small = |number: usize| sender(2, u64::try_from(number).unwrap());
    while backend.send(id(1), small(kept + 1), data("z")).await == InputReply::Kept {
        kept += 1;
        assert!(kept <= fitting);
    }
    assert_eq!(kept, fitting);
    let read = backend.read_all(&lease).await;
    assert_eq!(read.len(), kept + 15);
}

/// When the program has read some input, there is capacity for as much.
pub async fn read_input_frees_capacity(Interactive { backend, lease }: Interactive) {
    keep_parts(&backend, 1..=PARTS).await;
    let one_more = async || {
        backend
            .send(id(1), sender(1, PARTS + 1), part(PARTS + 1))
            .await
    };
    assert_eq!(one_more().await, InputReply::Full);
    acknowledge(&backend, &lease, 0).await;
    assert_eq!(one_more().await, InputReply::Full, "nothing is read yet");
    acknowledge(&backend, &lease, 1).await;
    assert_eq!(one_more().await, InputReply::Kept);
    let reply = backend.send(id(1), sender(1, PARTS + 2), data("z")).await;
    assert_eq!(reply, InputReply::Full, "room for one, not for two");
    let rest = backend.read_from(&lease, InputPosition::START.next());
    let expected: Vec<_> = (2..=PARTS + 1).map(part).collect();
    assert!(rest.await == expected);
}

/// A refused piece has left nothing behind, not even its number: later it is kept, once.
pub async fn a_refused_piece_may_be_sent_again(Interactive { backend, lease }: Interactive) {
    keep_parts(&backend, 1..=PARTS).await;
    let late = sender(1, PARTS + 1);
    for _ in 0..2 {
        let reply = backend.send(id(1), late, data("late")).await;
        assert_eq!(reply, InputReply::Full);
    }
    acknowledge(&backend, &lease, PARTS).await;
    for _ in 0..2 {
        backend.keep(id(1), late, data("late")).await;
    }
    let read = backend.read_from(&lease, InputPosition::from_number(PARTS));
    assert_eq!(read.await, [data("late")]);
}

/// A piece that is kept already is answered with `Kept`, however little capacity is left.
pub async fn a_repeated_piece_needs_no_capacity(backend: Backend) {
    backend.start_interactive(1, "alice").await;
    keep_parts(&backend, 1..=PARTS).await;
    keep_parts(&backend, 1..=PARTS).await;
}

/// A program that reads as it goes gets any amount, in order.
pub async fn any_amount_of_input_passes_piece_by_piece(
    Interactive { backend, lease }: Interactive,
) {
    for number in 1..=PARTS * 4 {
        keep_parts(&backend, number..=number).await;
        let before = InputPosition::from_number(number - 1);
        let read = backend.read_from(&lease, before).await;
        assert!(read == [part(number)], "part {number}");
    }
}

/// The bound is of each execution, not of a user.
pub async fn a_full_execution_does_not_limit_others(backend: Backend) {
    backend.start_interactive(1, "alice").await;
    let other = backend.start_interactive(2, "alice").await;
    keep_parts(&backend, 1..=PARTS).await;
    backend.keep(id(2), sender(1, 1), data("a")).await;
    assert_eq!(backend.read_all(&other).await, [data("a")]);
}
