//! Reads and writes the service's ends of the three pipes that are a program's streams.

use std::io;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use coderun_domain::OutputStream;
use tokio::net::unix::pipe;

use super::input::Input;

/// The service's ends of a program's streams.
#[derive(Debug)]
pub(super) struct Streams {
    stdin: Option<pipe::Sender>,
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    /// Ends that are read no more but stay open: a program that writes to a closed one would get `SIGPIPE`.
    unread: Vec<pipe::Receiver>,
    /// Whether this stage gets the input, or the next one.
    takes_input: bool,
    buffer: Vec<u8>,
}

impl Streams {
    pub(super) fn new([stdin, stdout, stderr]: [OwnedFd; 3]) -> io::Result<Self> {
        Ok(Self {
            stdin: Some(pipe::Sender::from_owned_fd(stdin)?),
            stdout: Some(pipe::Receiver::from_owned_fd(stdout)?),
            stderr: Some(pipe::Receiver::from_owned_fd(stderr)?),
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

    /// Waits until a stream is readable; for ever at its end.
    pub(super) async fn readable(&self, stream: OutputStream) {
        let receiver = match stream {
            OutputStream::Stdout => &self.stdout,
            OutputStream::Stderr => &self.stderr,
        };
        match receiver {
            // The next read returns the error again.
            Some(receiver) => drop(receiver.readable().await),
            None => std::future::pending().await,
        }
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
        let receiver = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        self.unread.extend(receiver.take());
    }

    /// Reads a piece; `None` where there is nothing now, or at the end.
    pub(super) fn read(&mut self, stream: OutputStream, mode: ReadMode) -> Option<Bytes> {
        let Self {
            stdout,
            stderr,
            buffer,
            ..
        } = self;
        let receiver = match stream {
            OutputStream::Stdout => stdout,
            OutputStream::Stderr => stderr,
        };
        let pipe = receiver.as_ref()?;
        let read = match mode {
            ReadMode::WhenReady => pipe.try_read(buffer),
            ReadMode::Immediate => rustix::io::read(pipe, &mut *buffer).map_err(io::Error::from),
        };
        match read {
            Ok(0) => {
                *receiver = None;
                None
            }
            Ok(length) => buffer.get(..length).map(Bytes::copy_from_slice),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => {
                *receiver = None;
                None
            }
        }
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

/// How a pipe is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReadMode {
    /// By the readiness that the runtime knows.
    WhenReady,
    /// By a system call, because the runtime may not know yet that there is something.
    Immediate,
}

/// The capacity of a pipe.
const READ_BYTES: usize = 64 * 1024;

#[cfg(test)]
pub(super) mod tests {
    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    /// Streams, and the program's ends of stdin, stdout and stderr.
    pub(crate) fn streams() -> (Streams, [OwnedFd; 3]) {
        let pipe = || pipe_with(PipeFlags::CLOEXEC).unwrap();
        let ((reader, stdin), (stdout, writer), (stderr, error_writer)) = (pipe(), pipe(), pipe());
        let streams = Streams::new([stdin, stdout, stderr]).unwrap();
        (streams, [reader, writer, error_writer])
    }

    /// Makes the runtime take the stream for empty. It learns of later bytes only when the task yields.
    pub(crate) fn exhaust_readiness(streams: &mut Streams) {
        while streams
            .read(OutputStream::Stdout, ReadMode::WhenReady)
            .is_some()
        {}
    }

    #[tokio::test]
    async fn an_immediate_read_sees_what_the_runtime_does_not_know() {
        let (mut streams, [_reader, writer, _error_writer]) = streams();
        exhaust_readiness(&mut streams);
        rustix::io::write(&writer, b"rest").unwrap();
        let when_ready = streams.read(OutputStream::Stdout, ReadMode::WhenReady);
        let immediate = streams.read(OutputStream::Stdout, ReadMode::Immediate);
        assert_eq!(when_ready, None);
        assert_eq!(immediate, Some(Bytes::from_static(b"rest")));
    }
}
