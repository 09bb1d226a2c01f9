use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use coderun_domain::testing::{ManualClock, finished, store_policy};
use coderun_domain::{
    ExecutionQueue, ExecutionStore, Notifier, QueueError, Renewal, Sequence, Status, StoreError,
    Submitted, WatchError,
};
use coderun_ledger::{LedgerBackend, LedgerConfig};
use futures_util::{FutureExt, StreamExt};
use redb::StorageBackend;
use redb::backends::FileBackend;
use tokio::time::timeout;

use super::support::*;
use crate::file::builder;
use crate::*;

/// A disk that fails when it is told to, or lets everybody wait.
#[derive(Debug)]
struct Disk {
    /// How many more changes succeed.
    healthy_for: AtomicI64,
    is_stuck: Mutex<bool>,
    moved: Condvar,
    /// How many changes were waited with.
    waited: AtomicI64,
    /// How often everything was made durable.
    syncs: AtomicI64,
}

impl Disk {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            healthy_for: AtomicI64::new(i64::MAX),
            is_stuck: Mutex::new(false),
            moved: Condvar::new(),
            waited: AtomicI64::new(0),
            syncs: AtomicI64::new(0),
        })
    }

    /// Lets every change fail but the next few.
    fn break_after(&self, changes: i64) {
        self.healthy_for.store(changes, Ordering::SeqCst);
    }

    fn repair(&self) {
        self.break_after(i64::MAX);
    }

    fn set_stuck(&self, is_stuck: bool) {
        *self.is_stuck.lock().unwrap() = is_stuck;
        self.moved.notify_all();
    }

    /// Waits until somebody is stuck.
    async fn somebody_is_stuck(&self) {
        let stuck = async {
            while self.waited.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, stuck).await.unwrap();
    }

    fn change(&self) -> Result<(), io::Error> {
        let stuck = self.is_stuck.lock().unwrap();
        self.waited.fetch_add(i64::from(*stuck), Ordering::SeqCst);
        drop(self.moved.wait_while(stuck, |is_stuck| *is_stuck).unwrap());
        match self.healthy_for.fetch_sub(1, Ordering::SeqCst) {
            ..=0 => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

/// A file on that disk.
#[derive(Debug)]
struct OnDisk(FileBackend, Arc<Disk>);

impl StorageBackend for OnDisk {
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
struct Bench {
    redb: RedbBackend,
    clock: Arc<ManualClock>,
    disk: Arc<Disk>,
}

impl Bench {
    async fn new() -> Self {
        Self::with_timeout(PATIENCE).await
    }

    async fn with_timeout(step_timeout: Duration) -> Self {
        let (disk, clock) = (Disk::new(), Arc::new(ManualClock::default()));
        let (file, opened) = (tempfile::NamedTempFile::new().unwrap(), Arc::clone(&disk));
        let open = move || {
            let broken = |error: redb::DatabaseError| RedbError::File(error.into());
            let storage = FileBackend::new(file.reopen().unwrap()).map_err(broken)?;
            let storage = OnDisk(storage, Arc::clone(&opened));
            File::checked(builder().create_with_backend(storage).map_err(broken)?)
        };
        let config = LedgerConfig::new(store_policy());
        let ledger = FileLedger::open(open, config, step_timeout, Arc::clone(&clock) as _);
        Self {
            redb: LedgerBackend::new(ledger.await.unwrap()),
            clock,
            disk,
        }
    }

    /// Repairs the disk and waits until the file is in use again.
    async fn recover(&self) {
        self.disk.repair();
        let again = async {
            while self.redb.depth().await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, again).await.unwrap();
    }
}

fn assert_unavailable<T: fmt::Debug>(result: &Result<T, QueueError>) {
    assert!(
        matches!(result, Err(QueueError::Unavailable { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn what_was_not_written_was_never_there() {
    let bench = Bench::new().await;
    submit(&bench.redb, 1, &bench.clock).await;
    bench.disk.break_after(0);
    let refused = bench.redb.submit(&execution(2, &bench.clock)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    let found = bench.redb.get(id(2)).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })));
    bench.recover().await;
    assert_eq!(bench.redb.get(id(2)).await.unwrap(), None);
    assert_eq!(get(&bench.redb, 1).await.status(), Status::Pending);
    submit(&bench.redb, 2, &bench.clock).await;
    assert_eq!(bench.redb.depth().await.unwrap().pending, 2);
}

#[tokio::test]
async fn wherever_a_write_fails_what_is_told_afterwards_is_one_story() {
    let mut succeeded = false;
    for changes in 0..200 {
        let bench = Bench::new().await;
        let lease = start(&bench.redb, 1, &bench.clock).await;
        let before = get(&bench.redb, 1).await;
        let events_before = events(&bench.redb, 1).await;
        bench.disk.break_after(changes);
        let finished_now = bench.redb.finish(&lease, &finished()).await;
        bench.recover().await;
        let after = get(&bench.redb, 1).await;
        let events_after = events(&bench.redb, 1).await;
        assert_eq!(events_after[..2], events_before);
        if after == before {
            assert_unavailable(&finished_now);
            assert_eq!(events_after.len(), 2);
        } else {
            assert_eq!(events_after.len(), 3);
        }
        bench.redb.finish(&lease, &finished()).await.unwrap();
        assert_eq!(events(&bench.redb, 1).await.len(), 3);
        assert!(get(&bench.redb, 1).await.status().is_final());
        if finished_now.is_ok() {
            succeeded = true;
            break;
        }
    }
    assert!(succeeded, "a write needs fewer changes than that");
}

#[tokio::test]
async fn workers_keep_their_leases_through_a_failure() {
    let bench = Bench::new().await;
    let lease = start(&bench.redb, 1, &bench.clock).await;
    bench.disk.break_after(0);
    let after = lease.execution().sequence();
    let happened = [said(&lease, "a")];
    assert_unavailable(&bench.redb.append(&lease, after, &happened).await);
    bench.recover().await;
    assert_eq!(take(&bench.redb, "worker 2").await, None);
    assert_eq!(bench.redb.renew(&lease).await.unwrap(), Renewal::Continue);
    let appended = bench.redb.append(&lease, after, &happened).await;
    assert_eq!(appended.unwrap(), after.next());
    bench.clock.advance(store_policy().lease);
    let taken_over = take(&bench.redb, "worker 2").await.unwrap();
    assert_eq!(taken_over.attempt().count(), 2);
}

#[tokio::test]
async fn a_watcher_is_told_nothing_that_was_not_written() {
    let bench = Bench::new().await;
    let lease = start(&bench.redb, 1, &bench.clock).await;
    let since = lease.execution().sequence();
    let mut stream = bench.redb.subscribe(id(1), since).await.unwrap();
    let mut next = Box::pin(stream.next());
    assert!((&mut next).now_or_never().is_none());
    bench.disk.break_after(0);
    let happened = [said(&lease, "never written")];
    assert_unavailable(&bench.redb.append(&lease, since, &happened).await);
    let told = timeout(PATIENCE, next).await.unwrap().unwrap();
    assert!(
        matches!(told, Err(WatchError::Unavailable { .. })),
        "{told:?}"
    );
    bench.recover().await;
    let mut stream = bench.redb.subscribe(id(1), Sequence::START).await.unwrap();
    bench.redb.finish(&lease, &finished()).await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = stream.next().await {
        told.push(event.unwrap().sequence.number());
    }
    assert_eq!(told, [1, 2, 3]);
}

#[tokio::test]
async fn a_new_record_does_not_take_the_place_of_one_that_was_watched() {
    let bench = Bench::new().await;
    submit(&bench.redb, 1, &bench.clock).await;
    let mut stream = bench.redb.subscribe(id(1), Sequence::START).await.unwrap();
    assert!(bench.redb.delete(id(1)).await.unwrap());
    bench.disk.break_after(0);
    let refused = bench.redb.submit(&execution(2, &bench.clock)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    bench.recover().await;
    submit(&bench.redb, 1, &bench.clock).await;
    let told = timeout(PATIENCE, stream.next()).await.unwrap().unwrap();
    assert!(matches!(told, Err(WatchError::Gone)), "{told:?}");
}

#[tokio::test]
async fn no_step_waits_for_a_stuck_disk_longer_than_it_may() {
    let bench = Bench::with_timeout(Duration::from_millis(50)).await;
    bench.disk.set_stuck(true);
    let first = execution(1, &bench.clock);
    let mut stuck = Box::pin(bench.redb.submit(&first));
    assert!((&mut stuck).now_or_never().is_none());
    bench.disk.somebody_is_stuck().await;
    let stuck = stuck.await;
    assert!(matches!(stuck, Err(StoreError::Unavailable { .. })));
    let behind = bench.redb.get(id(1)).await;
    assert!(matches!(behind, Err(StoreError::Unavailable { .. })));
    bench.disk.set_stuck(false);
    bench.recover().await;
    let submitted = async {
        loop {
            if let Ok(submitted) = bench.redb.submit(&first).await {
                return submitted;
            }
        }
    };
    let submitted = timeout(PATIENCE, submitted).await.unwrap();
    assert!(
        matches!(submitted, Submitted::AlreadyExists(_)),
        "{submitted:?}"
    );
}

#[tokio::test]
async fn steps_that_wait_together_are_written_together() {
    const STEPS: u32 = 50;
    let bench = Bench::new().await;
    bench.disk.set_stuck(true);
    let all: Vec<_> = (0..=STEPS)
        .map(|number| execution(number, &bench.clock))
        .collect();
    let mut submitting: Vec<_> = all
        .iter()
        .map(|execution| Box::pin(bench.redb.submit(execution)))
        .collect();
    assert!((&mut submitting[0]).now_or_never().is_none());
    bench.disk.somebody_is_stuck().await;
    for waiting in &mut submitting[1..] {
        assert!(waiting.now_or_never().is_none());
    }
    bench.disk.set_stuck(false);
    let before = bench.disk.syncs.load(Ordering::SeqCst);
    for submitted in futures_util::future::join_all(submitting).await {
        assert_eq!(submitted.unwrap(), Submitted::Accepted);
    }
    let syncs = bench.disk.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs < i64::from(STEPS) / 2, "{syncs} for {STEPS} steps");
}

#[tokio::test]
async fn a_step_that_nobody_waits_for_any_more_is_not_done() {
    let bench = Bench::new().await;
    submit(&bench.redb, 1, &bench.clock).await;
    bench.disk.set_stuck(true);
    let second = execution(2, &bench.clock);
    let mut blocker = Box::pin(bench.redb.submit(&second));
    assert!((&mut blocker).now_or_never().is_none());
    bench.disk.somebody_is_stuck().await;
    let mut taking = Box::pin(take(&bench.redb, "worker 1"));
    assert!((&mut taking).now_or_never().is_none());
    drop(taking);
    bench.disk.set_stuck(false);
    blocker.await.unwrap();
    assert_eq!(get(&bench.redb, 1).await.status(), Status::Pending);
}
