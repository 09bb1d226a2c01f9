use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use coderun_conformance::{Backend, chunk, id};
use coderun_domain::testing::{ManualClock, finished, store_policy, worker_offer};
use coderun_domain::{QueueError, Renewal, Status, StoreError, Submitted, WatchError};
use coderun_ledger::{LedgerBackend, LedgerConfig};
use futures_util::{FutureExt, StreamExt};
use redb::StorageBackend;
use redb::backends::FileBackend;
use tokio::time::timeout;

use super::support::*;
use crate::file::builder;
use crate::*;

/// A disk that fails, or blocks every change, when a test says so.
#[derive(Debug)]
struct Disk {
    /// How many more changes succeed.
    healthy_for: AtomicI64,
    is_stuck: Mutex<bool>,
    stuck_changed: Condvar,
    /// How many changes have been blocked.
    blocked: AtomicI64,
    /// How often the file was flushed.
    syncs: AtomicI64,
}

impl Disk {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            healthy_for: AtomicI64::new(i64::MAX),
            is_stuck: Mutex::new(false),
            stuck_changed: Condvar::new(),
            blocked: AtomicI64::new(0),
            syncs: AtomicI64::new(0),
        })
    }

    /// Lets every change fail but the next few.
    fn break_after(&self, changes: i64) {
        self.healthy_for.store(changes, Ordering::SeqCst);
    }

    /// Repairs the disk and waits until the file is in use again.
    async fn recover(&self, backend: &Backend) {
        self.break_after(i64::MAX);
        let recovered = async {
            while backend.queue.depth().await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, recovered).await.unwrap();
    }

    fn set_stuck(&self, is_stuck: bool) {
        *self.is_stuck.lock().unwrap() = is_stuck;
        self.stuck_changed.notify_all();
    }

    /// Waits until a change is blocked.
    async fn until_stuck(&self) {
        let stuck = async {
            while self.blocked.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, stuck).await.unwrap();
    }

    fn change(&self) -> Result<(), io::Error> {
        let stuck = self.is_stuck.lock().unwrap();
        self.blocked.fetch_add(i64::from(*stuck), Ordering::SeqCst);
        drop(
            self.stuck_changed
                .wait_while(stuck, |is_stuck| *is_stuck)
                .unwrap(),
        );
        match self.healthy_for.fetch_sub(1, Ordering::SeqCst) {
            ..=0 => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

/// A file on that disk.
#[derive(Debug)]
struct FileOnDisk(FileBackend, Arc<Disk>);

impl StorageBackend for FileOnDisk {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read(offset, out)
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        self.1.change()?;
        self.0.set_len(length)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.1.change()?;
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.1.change()?;
        self.0.write(offset, data)
    }

    fn close(&self) -> Result<(), io::Error> {
        self.0.close()
    }
}

/// A backend over a file on a disk that may fail.
async fn backend_on_disk(step_timeout: Duration) -> (Backend, Arc<Disk>) {
    let (disk, clock) = (Disk::new(), Arc::<ManualClock>::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::File::create_new(&path).unwrap();
    let opened = Arc::clone(&disk);
    let open = move || {
        let file = std::fs::File::options().read(true).write(true).open(&path);
        let storage = FileBackend::new(file.unwrap())?;
        let storage = FileOnDisk(storage, Arc::clone(&opened));
        File::new(builder().create_with_backend(storage)?)
    };
    let config = LedgerConfig::new(store_policy());
    let ledger = FileLedger::open(open, config, step_timeout, Arc::clone(&clock) as _);
    let redb = LedgerBackend::new(ledger.await.unwrap());
    let backend = Backend::over(&redb, clock, store_policy()).with_guard(folder);
    (backend, disk)
}

fn assert_unavailable<T: fmt::Debug>(result: &Result<T, QueueError>) {
    assert!(
        matches!(result, Err(QueueError::Unavailable { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_submission_that_was_not_written_does_not_exist() {
    let (backend, disk) = backend_on_disk(PATIENCE).await;
    backend.submit(1, "alice").await;
    disk.break_after(0);
    let refused = backend.try_submit(2, "alice").await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    let found = backend.store.get(id(2)).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })));
    disk.recover(&backend).await;
    assert_eq!(backend.find(id(2)).await, None);
    assert_eq!(backend.get(id(1)).await.status(), Status::Pending);
    backend.submit(2, "alice").await;
    assert_eq!(backend.queue.depth().await.unwrap().pending, 2);
}

#[tokio::test]
async fn wherever_a_write_fails_record_and_events_agree_afterwards() {
    let mut succeeded = false;
    for changes in 0..200 {
        let (backend, disk) = backend_on_disk(PATIENCE).await;
        let lease = backend.start(1, "alice").await;
        let before = backend.get(id(1)).await;
        let events_before = backend.events(id(1)).await;
        disk.break_after(changes);
        let finished_now = backend.try_finish(&lease, &finished()).await;
        disk.recover(&backend).await;
        let after = backend.get(id(1)).await;
        let events_after = backend.events(id(1)).await;
        assert_eq!(events_after[..2], events_before);
        if after == before {
            assert_unavailable(&finished_now);
            assert_eq!(events_after.len(), 2);
        } else {
            assert_eq!(events_after.len(), 3);
        }
        backend.finish(&lease).await;
        assert_eq!(backend.events(id(1)).await.len(), 3);
        assert!(backend.get(id(1)).await.status().is_final());
        if finished_now.is_ok() {
            succeeded = true;
            break;
        }
    }
    assert!(succeeded, "a write needs fewer changes than that");
}

#[tokio::test]
async fn workers_keep_leases_and_offers_through_a_failure() {
    let (backend, disk) = backend_on_disk(PATIENCE).await;
    let lease = backend.start(1, "alice").await;
    let offer = worker_offer("worker 1");
    let lifetime = store_policy().lease * 3;
    backend.registry.announce(&offer, lifetime).await.unwrap();
    disk.break_after(0);
    let after = lease.execution().sequence();
    let output = [chunk(&lease, "a")];
    assert_unavailable(&backend.queue.append(&lease, after, &output).await);
    disk.recover(&backend).await;
    assert_eq!(backend.registry.offers().await.unwrap(), [offer]);
    assert_eq!(backend.take_as("worker 2").await, None);
    assert_eq!(backend.renew(&lease).await, Renewal::Continue);
    let appended = backend.queue.append(&lease, after, &output).await;
    assert_eq!(appended.unwrap(), after.next());
    backend.advance(store_policy().lease);
    let taken_over = backend.take_as("worker 2").await.unwrap();
    assert_eq!(taken_over.attempt().count(), 2);
}

#[tokio::test]
async fn a_watcher_sees_no_event_that_was_not_written() {
    let (backend, disk) = backend_on_disk(PATIENCE).await;
    let lease = backend.start(1, "alice").await;
    let since = lease.execution().sequence();
    let mut stream = backend.watch(id(1), since.number()).await;
    let mut next = Box::pin(stream.next());
    assert!((&mut next).now_or_never().is_none());
    disk.break_after(0);
    let output = [chunk(&lease, "never written")];
    assert_unavailable(&backend.queue.append(&lease, since, &output).await);
    let next = timeout(PATIENCE, next).await.unwrap().unwrap();
    assert!(
        matches!(next, Err(WatchError::Unavailable { .. })),
        "{next:?}"
    );
    disk.recover(&backend).await;
    let stream = backend.watch(id(1), 0).await;
    backend.finish(&lease).await;
    let events: Vec<_> = stream.map(Result::unwrap).collect().await;
    assert_eq!(events.len(), 3);
    assert!(events[2].event.is_final());
}

#[tokio::test]
async fn a_watcher_does_not_follow_an_id_into_a_new_record() {
    let (backend, disk) = backend_on_disk(PATIENCE).await;
    backend.submit(1, "alice").await;
    let mut stream = backend.watch(id(1), 0).await;
    assert!(backend.delete(id(1)).await);
    disk.break_after(0);
    let refused = backend.try_submit(2, "alice").await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    disk.recover(&backend).await;
    backend.submit(1, "alice").await;
    let next = timeout(PATIENCE, stream.next()).await.unwrap().unwrap();
    assert!(matches!(next, Err(WatchError::Gone)), "{next:?}");
}

#[tokio::test]
async fn no_step_waits_for_a_stuck_disk_beyond_its_timeout() {
    let (backend, disk) = backend_on_disk(Duration::from_millis(50)).await;
    disk.set_stuck(true);
    let mut stuck = Box::pin(backend.try_submit(1, "alice"));
    assert!((&mut stuck).now_or_never().is_none());
    disk.until_stuck().await;
    let stuck = stuck.await;
    assert!(matches!(stuck, Err(StoreError::Unavailable { .. })));
    let behind = backend.store.get(id(1)).await;
    assert!(matches!(behind, Err(StoreError::Unavailable { .. })));
    disk.set_stuck(false);
    disk.recover(&backend).await;
    let submitted = async {
        loop {
            if let Ok(submitted) = backend.try_submit(1, "alice").await {
                return submitted;
            }
        }
    };
    let submitted = timeout(PATIENCE, submitted).await.unwrap();
    assert!(matches!(submitted, Submitted::AlreadyExists(_)));
}

#[tokio::test]
async fn steps_that_wait_together_are_written_together() {
    const STEPS: u32 = 50;
    let (backend, disk) = backend_on_disk(PATIENCE).await;
    disk.set_stuck(true);
    let submit = |number| Box::pin(backend.try_submit(number, "alice"));
    let mut submitting: Vec<_> = (0..=STEPS).map(submit).collect();
    assert!((&mut submitting[0]).now_or_never().is_none());
    disk.until_stuck().await;
    for waiting in &mut submitting[1..] {
        assert!(waiting.now_or_never().is_none());
    }
    disk.set_stuck(false);
    let before = disk.syncs.load(Ordering::SeqCst);
    for submitted in futures_util::future::join_all(submitting).await {
        assert_eq!(submitted.unwrap(), Submitted::Accepted);
    }
    let syncs = disk.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs < i64::from(STEPS) / 2, "{syncs} for {STEPS} steps");
}

#[tokio::test]
async fn a_step_whose_caller_has_gone_is_not_done() {
    let (backend, disk) = backend_on_disk(PATIENCE).await;
    backend.submit(1, "alice").await;
    disk.set_stuck(true);
    let mut blocker = Box::pin(backend.try_submit(2, "alice"));
    assert!((&mut blocker).now_or_never().is_none());
    disk.until_stuck().await;
    let mut taking = Box::pin(backend.take_as("worker 1"));
    assert!((&mut taking).now_or_never().is_none());
    drop(taking);
    disk.set_stuck(false);
    blocker.await.unwrap();
    assert_eq!(backend.get(id(1)).await.status(), Status::Pending);
}
