//! What large answers may occupy together while their readers take them.
//!
//! An answer is made as a whole and stays in memory until its reader has taken it, or is cut off for taking nothing. Most are
//! small; records of programs that wrote much are not, and one client may ask for many of them and read none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use coderun_domain::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is no longer than this is not counted: the number of sockets and connections bounds it.
const SMALL_MAX_BYTES: usize = 64 << 10;

/// The room for large answers of all clients, counted in KiB.
#[derive(Debug, Clone)]
pub(crate) struct Bulk {
    room: Arc<Semaphore>,
    room_kib: u32,
}

/// The room of one answer, given back when it is dropped.
pub(crate) type BulkPermit = Option<OwnedSemaphorePermit>;

/// There is no room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Bulk {
    pub(crate) fn new(max: ByteSize) -> Self {
        let room_kib = u32::try_from(max.as_bytes() >> 10).unwrap_or(u32::MAX >> 3);
        let permits = usize::try_from(room_kib).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            room_kib,
        }
    }

    /// Waits for room for an answer of this length, which a small one has always. One that is larger than all the room has
    /// it to itself.
    pub(crate) async fn take(
        &self,
        length_bytes: usize,
        patience: Duration,
    ) -> Result<BulkPermit, NoRoom> {
        if length_bytes <= SMALL_MAX_BYTES {
            return Ok(None);
        }
        let kib = u32::try_from(length_bytes >> 10).unwrap_or(u32::MAX);
        let taking = Arc::clone(&self.room).acquire_many_owned(kib.min(self.room_kib));
        match tokio::time::timeout(patience, taking).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(_)) | Err(_) => Err(NoRoom),
        }
    }
}

/// An answer together with its room: actix drops it when it has been written.
pub(crate) struct BulkBody {
    bytes: Bytes,
    _room: BulkPermit,
}

impl BulkBody {
    pub(crate) fn new(bytes: Vec<u8>, room: BulkPermit) -> Self {
        Self {
            bytes: bytes.into(),
            _room: room,
        }
    }
}

impl MessageBody for BulkBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn large_answers_share_their_room_and_small_ones_need_none() {
        let bulk = Bulk::new(ByteSize::from_mib(1));
        let large = bulk.take(600 << 10, PATIENCE).await.unwrap();
        assert!(bulk.take(600 << 10, PATIENCE).await.is_err());
        assert!(
            bulk.take(SMALL_MAX_BYTES, PATIENCE)
                .await
                .unwrap()
                .is_none()
        );
        drop(large);
        assert!(bulk.take(600 << 10, PATIENCE).await.is_ok());
    }

    #[tokio::test]
    async fn one_that_is_larger_than_all_the_room_has_it_to_itself() {
        let bulk = Bulk::new(ByteSize::from_mib(1));
        let _huge = bulk.take(5 << 20, PATIENCE).await.unwrap();
        assert_eq!(bulk.take(65 << 10, PATIENCE).await.err(), Some(NoRoom));
    }
}
