//! Reads and writes the service's ends of the three pipes that are a program's streams.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use coderun_domain::OutputStream;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;

use super::input::Input;

/// The service's ends of a program's streams.
#[derive(Debug)]
pub(super) struct Streams {
    stdin: Option<pipe::Sender>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    /// Both output streams in an epoll of their own, which knows in what order they became readable.
    ready: AsyncFd<OwnedFd>,
    /// Ends that are read no more but stay open: a program that writes to a closed one would get `SIGPIPE`.
    unread: Vec<OwnedFd>,
    /// Whether this stage gets the input, or the next one.
    takes_input: bool,
    buffer: Vec<u8>,
}

impl Streams {
    pub(super) fn new([stdin, stdout, stderr]: [OwnedFd; 3]) -> io::Result<Self> {
        let ready = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (end, stream) in [
            (&stdout, OutputStream::Stdout),
            (&stderr, OutputStream::Stderr),
        ] {
            rustix::io::ioctl_fionbio(end, true)?;
            epoll::add(&ready, end, event_data(stream), epoll::EventFlags::IN)?;
        }
        Ok(Self {
            stdin: Some(pipe::Sender::from_owned_fd(stdin)?),
            stdout: Some(stdout),
            stderr: Some(stderr),
            ready: watched(ready)?,
            unread: Vec::new(),
            takes_input: true,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Closes stdin at once. The input is kept for the next stage.
    pub(super) fn withhold_input(&mut self) {
        self.stdin = None;
        self.takes_input = false;
    }

    /// The pipe to stdin; `None` after its end.
    pub(super) fn stdin(&self) -> Option<&pipe::Sender> {
        self.stdin.as_ref()
    }

    /// Waits until an output stream is readable, and returns the one that became so first; for ever at the end of both.
    /// Cancel-safe.
    pub(super) async fn readable(&self) -> OutputStream {
        loop {
            let Ok(mut ready) = self.ready.readable().await else {
                // The runtime shuts down, and this task with it.
                std::future::pending().await
            };
            match self.first_readable() {
                Some(stream) => return stream,
                None => ready.clear_ready(),
            }
        }
    }

    /// The output stream that became readable first; `None` where there is nothing now, or at the end of both.
    pub(super) fn first_readable(&self) -> Option<OutputStream> {
        let mut event = [MaybeUninit::uninit()];
        // It fails for descriptors that are none, and for nothing else.
        let waited = epoll::wait(&self.ready, &mut event, Some(&Timespec::default()));
        let (events, _) = waited.ok()?;
        let data = events.first()?.data;
        let mut streams = OutputStream::ALL.into_iter();
        streams.find(|stream| event_data(*stream) == data)
    }

    /// Waits until stdin is writable; for ever after its end.
    pub(super) async fn writable(&self) {
        match &self.stdin {
            // The next write returns the error again.
            Some(sender) => drop(sender.writable().await),
            None => std::future::pending().await,
        }
    }

    /// Reads no more of a stream.
    pub(super) fn leave_unread(&mut self, stream: OutputStream) {
        let end = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        let Some(end) = end.take() else {
            return;
        };
        // It fails only where the end is not in the epoll, which is as good.
        let _ = epoll::delete(&self.ready, &end);
        self.unread.push(end);
    }

    /// Reads a piece of at most [`READ_BYTES`]; `None` where there is nothing now, or at the end.
    pub(super) fn read(&mut self, stream: OutputStream) -> Option<Bytes> {
        let Self {
            stdout,
            stderr,
            buffer,
            ..
        } = self;
        let end = match stream {
            OutputStream::Stdout => stdout,
            OutputStream::Stderr => stderr,
        };
        let read = rustix::io::read(end.as_ref()?, &mut **buffer);
        if !matches!(read, Ok(1..) | Err(Errno::AGAIN)) {
            // Closing it takes it out of the epoll.
            *end = None;
        }
        let bytes = buffer.get(..read.unwrap_or(0)).map(Bytes::copy_from_slice);
        bytes.filter(|bytes| !bytes.is_empty())
    }

    /// Writes as much as stdin takes. A program that has closed it gets no more.
    pub(super) fn write(&mut self, input: &mut Input) {
        let Some(stdin) = &self.stdin else {
            return;
        };
        match stdin.try_write(input.pending()) {
            Ok(length) => input.advance(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.stdin = None,
        }
    }

    /// Closes stdin after the last input, and drops input that the program will not read.
    pub(super) fn close_at_end(&mut self, input: &mut Input) {
        if input.is_at_end() {
            self.stdin = None;
        }
        if self.takes_input && self.stdin.is_none() {
            input.drop_pending();
        }
    }
}

/// Lets the runtime watch an epoll.
#[expect(
    deprecated,
    reason = "its successor is unsafe only for what may close or exchange its descriptor, which this type does not"
)]
fn watched(epoll: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(epoll, Interest::READABLE)
}

/// What marks a stream in the epoll.
fn event_data(stream: OutputStream) -> epoll::EventData {
    epoll::EventData::new_u64(match stream {
        OutputStream::Stdout => 1,
        OutputStream::Stderr => 2,
    })
}

/// The most that is read at a time.
pub(super) const READ_BYTES: usize = 64 * 1024;

#[cfg(test)]
pub(super) mod tests {
    use rustix::io::write;

    use super::super::pipes::Pipes;
    use super::*;

    const STDOUT: OutputStream = OutputStream::Stdout;
    const STDERR: OutputStream = OutputStream::Stderr;

    /// Streams, and the program's ends of stdin, stdout and stderr.
    pub(crate) fn streams() -> (Streams, [OwnedFd; 3]) {
        let pipes = Pipes::create(None).unwrap();
        (Streams::new(pipes.outside).unwrap(), pipes.inside)
    }

    #[tokio::test]
    async fn the_stream_that_was_written_to_first_is_read_first() {
        let (mut streams, [_stdin, stdout, stderr]) = streams();
        for (first, second, order) in [
            (&stdout, &stderr, [STDOUT, STDERR]),
            (&stderr, &stdout, [STDERR, STDOUT]),
            (&stdout, &stderr, [STDOUT, STDERR]),
        ] {
            write(first, b"first").unwrap();
            write(second, b"second").unwrap();
            for expected in order {
                assert_eq!(streams.readable().await, expected);
                assert!(streams.read(expected).is_some());
            }
            assert_eq!(streams.first_readable(), None);
        }
    }

    #[tokio::test]
    async fn a_read_sees_what_the_runtime_does_not_know_yet() {
        let (mut streams, [_stdin, stdout, _stderr]) = streams();
        assert_eq!(streams.first_readable(), None);
        write(&stdout, b"rest").unwrap();
        assert_eq!(streams.first_readable(), Some(STDOUT));
        assert_eq!(streams.read(STDOUT), Some(Bytes::from_static(b"rest")));
        assert_eq!(streams.read(STDOUT), None, "nothing now");
        write(&stdout, b"more").unwrap();
        assert_eq!(streams.readable().await, STDOUT, "but later");
    }

    #[tokio::test]
    async fn a_stream_that_ended_or_is_left_unread_is_not_readable() {
        let (mut streams, [_stdin, stdout, stderr]) = streams();
        write(&stderr, b"too much").unwrap();
        streams.leave_unread(STDERR);
        assert_eq!(streams.first_readable(), None);
        drop(stdout);
        assert_eq!(streams.first_readable(), Some(STDOUT), "it has ended");
        assert_eq!(streams.read(STDOUT), None);
        assert_eq!(streams.first_readable(), None);
        assert!(write(&stderr, b"no SIGPIPE").is_ok());
    }
}
