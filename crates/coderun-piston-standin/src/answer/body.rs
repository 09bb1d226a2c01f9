//! Bodies that come whole, in part, slowly or without end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::ByteSize;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{Broken, Resetter};

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    Whole(Bytes),
    Half(Half),
    Slow(Slow),
    Huge(Huge),
}

#[derive(Debug)]
pub(crate) struct Half {
    head: Bytes,
    length: u64,
    resetter: Resetter,
    /// Whether what was sent had a chance to leave.
    is_flushed: bool,
}

#[derive(Debug)]
pub(crate) struct Slow {
    rest: Bytes,
    pause: Duration,
    sleep: Pin<Box<Sleep>>,
}

#[derive(Debug)]
pub(crate) struct Huge {
    part: Part,
    text_left: u64,
}

#[derive(Debug)]
enum Part {
    Before,
    Text,
    End,
}

/// What stands around the text of a huge answer.
const BEFORE: &[u8] = br#"{"run":{"signal":null,"stdout":""#;
const AFTER: &[u8] = br#"","stderr":"","code":0,"output":"","memory":1204000,"message":null,"status":null,"cpu_time":11,"wall_time":29},"language":"python","version":"3.12.0"}"#;
const TEXT: &[u8] = &[b'x'; 64 * 1024];

impl AnswerBody {
    pub(super) const fn whole(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }

    pub(super) fn half(bytes: &Bytes, resetter: Resetter) -> Self {
        Self::Half(Half {
            head: bytes.slice(..bytes.len() / 2),
            length: bytes.len() as u64,
            resetter,
            is_flushed: false,
        })
    }

    pub(super) fn slow(bytes: Bytes, pause: Duration) -> Self {
        Self::Slow(Slow {
            rest: bytes,
            pause,
            sleep: Box::pin(sleep(pause)),
        })
    }

    pub(super) const fn huge(size: ByteSize) -> Self {
        Self::Huge(Huge {
            part: Part::Before,
            text_left: size.as_bytes(),
        })
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let next = match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(non_empty(std::mem::take(bytes)).map(Ok)),
            Self::Half(half) => half.poll(context).map(Some),
            Self::Slow(slow) => slow.poll(context).map(|byte| byte.map(Ok)),
            Self::Huge(huge) => Poll::Ready(huge.next().map(Ok)),
        };
        next.map(|next| next.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Slow(slow) => slow.rest.is_empty(),
            Self::Half(_) | Self::Huge(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Half(half) => SizeHint::with_exact(half.length),
            Self::Slow(slow) => SizeHint::with_exact(slow.rest.len() as u64),
            // Whoever reads it is not to know before.
            Self::Huge(_) => SizeHint::default(),
        }
    }
}

impl Half {
    /// The head; then, after it was flushed, the end of the connection.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Broken>> {
        if let Some(head) = non_empty(std::mem::take(&mut self.head)) {
            return Poll::Ready(Ok(head));
        }
        if !self.is_flushed {
            self.is_flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.resetter.arm();
        Poll::Ready(Err(Broken))
    }
}

impl Slow {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.sleep.as_mut().poll(context));
        self.sleep = Box::pin(sleep(self.pause));
        Poll::Ready(Some(self.rest.split_to(1)))
    }
}

impl Huge {
    fn next(&mut self) -> Option<Bytes> {
        match self.part {
            Part::Before => {
                self.part = Part::Text;
                Some(Bytes::from_static(BEFORE))
            }
            Part::Text if self.text_left > 0 => {
                let length = self.text_left.min(TEXT.len() as u64);
                self.text_left -= length;
                let length = usize::try_from(length).unwrap_or(TEXT.len());
                Some(Bytes::from_static(TEXT).slice(..length))
            }
            Part::Text => {
                self.part = Part::End;
                Some(Bytes::from_static(AFTER))
            }
            Part::End => None,
        }
    }
}

fn non_empty(bytes: Bytes) -> Option<Bytes> {
    (!bytes.is_empty()).then_some(bytes)
}
