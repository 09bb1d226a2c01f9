//! Joins the steps of many callers into groups, each of which is one call of a script.
//!
//! A step that comes alone goes as soon as the other tasks of its runtime have had their turn. While a group is under way,
//! later steps wait, and form the next one: groups grow with the load, without a timer.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use deadpool_redis::redis::{ErrorKind, RedisError, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

use super::{Durability, GroupScripts, SharedConnection};
use crate::command_error::CommandError;
use crate::layout::Partition;
use crate::reply::array;
use crate::step::{Script, StagedValue, Step, StepReply};

/// The largest number of steps in a group: the server does nothing else meanwhile.
const STEPS_MAX: usize = 64;
/// The size of a group from which no more steps are added to it.
const BYTES_MAX: usize = 256 << 10;

/// The steps with the same key may share a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    pub(super) partition: Partition,
    pub(super) script: Script,
    pub(super) durability: Durability,
}

/// The queue of one key. Clones share it.
#[derive(Clone)]
pub(super) struct GroupQueue {
    steps: mpsc::UnboundedSender<QueuedStep>,
}

/// The error of a group.
#[derive(Debug, Clone)]
pub(super) struct GroupError {
    pub(super) error: CommandError,
    /// Whether the group had more than one step.
    pub(super) is_shared: bool,
}

type Answer = Result<StepReply, GroupError>;

struct QueuedStep {
    header: Bytes,
    blob: Bytes,
    staged: Option<StagedValue>,
    /// Whether it must have a group of its own.
    is_alone: bool,
    answer: oneshot::Sender<Answer>,
}

impl QueuedStep {
    fn size(&self) -> usize {
        let staged = self.staged.as_ref().map_or(0, |it| it.value.len());
        self.header.len() + self.blob.len() + staged
    }
}

impl GroupQueue {
    /// A queue, and the future that sends its groups until all clones of the queue are gone.
    pub(super) fn new(
        key: GroupKey,
        connection: SharedConnection,
        scripts: Arc<GroupScripts>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (steps, waiting) = mpsc::unbounded_channel();
        let sender = GroupSender {
            key,
            connection,
            scripts,
            waiting,
            next: VecDeque::new(),
        };
        (Self { steps }, sender.send_groups())
    }

    /// Runs a step, with others that wait. A caller that no longer waits withdraws its step, unless it is under way.
    pub(super) async fn run(&self, step: &Step, is_repeated: bool) -> Answer {
        self.push(step, step.header(is_repeated), false).await
    }

    /// Runs a step that may have run already in a group of its own.
    pub(super) async fn run_alone(&self, step: &Step) -> Answer {
        self.push(step, step.header(true), true).await
    }

    async fn push(&self, step: &Step, header: &Bytes, is_alone: bool) -> Answer {
        let ended = || GroupError {
            error: CommandError::RuntimeEnded,
            is_shared: false,
        };
        let (answer, answered) = oneshot::channel();
        let queued = QueuedStep {
            header: header.clone(),
            blob: step.blob.clone(),
            staged: step.staged.clone(),
            is_alone,
            answer,
        };
        // The number of callers bounds the queue: each waits for its answer.
        self.steps.send(queued).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

struct GroupSender {
    key: GroupKey,
    connection: SharedConnection,
    scripts: Arc<GroupScripts>,
    waiting: mpsc::UnboundedReceiver<QueuedStep>,
    /// Received, but not sent yet.
    next: VecDeque<QueuedStep>,
}

impl GroupSender {
    async fn send_groups(mut self) {
        while let Some(group) = self.next_group().await {
            let is_shared = group.len() > 1;
            match self.send(&group).await {
                Ok(replies) => {
                    for (queued, reply) in group.into_iter().zip(replies) {
                        // A caller that has given up needs no answer.
                        drop(queued.answer.send(Ok(reply)));
                    }
                }
                Err(error) => {
                    let error = GroupError { error, is_shared };
                    for queued in group {
                        drop(queued.answer.send(Err(error.clone())));
                    }
                }
            }
        }
    }

    /// Waits for a step, and takes as many after it as fit into its group; `None` at the end of the queue.
    async fn next_group(&mut self) -> Option<Vec<QueuedStep>> {
        loop {
            if self.next.is_empty() {
                self.next.push_back(self.waiting.recv().await?);
                // Tasks that are ready now may have steps for the same group.
                yield_now().await;
            }
            while self.next.len() < STEPS_MAX
                && let Ok(step) = self.waiting.try_recv()
            {
                self.next.push_back(step);
            }
            let group = take_group(&mut self.next);
            if !group.is_empty() {
                return Some(group);
            }
        }
    }

    async fn send(&self, group: &[QueuedStep]) -> Result<Vec<StepReply>, CommandError> {
        let mut handle = self
            .connection
            .try_handle()
            .ok_or_else(|| self.connection.last_error())?;
        let GroupKey {
            partition, script, ..
        } = self.key;
        let commands = |is_known| {
            let staged = group.iter().filter_map(|queued| queued.staged.as_ref());
            let steps = group.iter().map(|queued| (&queued.header, &queued.blob));
            let run = self.scripts.command(partition, script, is_known, steps);
            staged.map(StagedValue::command).chain([run]).collect()
        };
        let answers = match handle.send_all(commands(true)).await {
            Err(error) if error.is_unknown_script() => handle.send_all(commands(false)).await,
            answers => answers,
        };
        let replies = answers?.pop().and_then(read_replies);
        let replies = replies.filter(|replies| replies.len() == group.len());
        Ok(replies.ok_or_else(unexpected)?)
    }
}

fn read_replies(answer: Value) -> Option<Vec<StepReply>> {
    let replies = array(answer).ok()?;
    Some(replies.into_iter().map(StepReply).collect())
}

/// Takes the steps of one group from the front. Those that nobody waits for any more are left out.
fn take_group(steps: &mut VecDeque<QueuedStep>) -> Vec<QueuedStep> {
    let (mut group, mut bytes) = (Vec::new(), 0);
    while let Some(next) = steps.pop_front_if(|next| {
        group.is_empty()
            || !next.is_alone && group.len() < STEPS_MAX && bytes + next.size() <= BYTES_MAX
    }) {
        if next.answer.is_closed() {
            continue;
        }
        let is_alone = next.is_alone;
        bytes += next.size();
        group.push(next);
        if is_alone {
            break;
        }
    }
    group
}

fn unexpected() -> RedisError {
    RedisError::from((
        ErrorKind::UnexpectedReturnType,
        "expected an answer to each step of a group",
    ))
}
