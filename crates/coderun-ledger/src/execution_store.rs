//! Implements the [`ExecutionStore`].

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, Health, Page, StoreError, SubmitReply,
    Summary, UserId, UserUsage, WorkerId,
};

use crate::access::LedgerAccess;
use crate::backend::LedgerBackend;
use crate::ledger::Ledger;

#[async_trait]
impl<A: LedgerAccess> ExecutionStore for LedgerBackend<A> {
    async fn submit(
        &self,
        execution: &Execution,
        offer: Option<WorkerId>,
    ) -> Result<SubmitReply, StoreError> {
        let execution = execution.clone();
        self.step("submit", move |ledger| ledger.submit(&execution, offer))
            .await
    }

    async fn usage(&self, user: &UserId) -> Result<UserUsage, StoreError> {
        let user = user.clone();
        let usage = move |ledger: &mut Ledger| Ok(ledger.usage(&user));
        self.step("usage", usage).await
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.step("get", move |ledger| Ok(ledger.get(id))).await
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        let user = user.clone();
        let list = move |ledger: &mut Ledger| Ok(ledger.list(&user, page));
        self.step("list", list).await
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        let cancel = move |ledger: &mut Ledger| Ok(ledger.request_cancel(id));
        self.step("request_cancel", cancel).await
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        let delete = move |ledger: &mut Ledger| Ok(ledger.delete(id));
        self.step("delete", delete).await
    }

    /// Exact for up to 128 users who wait for one language; of more users some are looked at, and the rest are taken to be
    /// like them.
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        let position = move |ledger: &mut Ledger| Ok(ledger.queue_position(id));
        self.step("queue_position", position).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        let durability = self.access.durability();
        self.step("check_store", |_| Ok(durability)).await
    }
}
