//! Standard input and pipes, read on a thread of its own, so that a stopped run never waits for it.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Standard input or a pipe. Reads fail once `stop` is set.
pub(super) struct Stdin {
    received: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
    ended: bool,
    stop: Arc<AtomicBool>,
}

impl Stdin {
    pub fn new(mut input: impl Read + Send + 'static, stop: Arc<AtomicBool>) -> Self {
        let (send, received) = sync_channel(8);
        std::thread::spawn(move || {
            loop {
                let mut bytes = Vec::with_capacity(128 << 10);
                let read = input.by_ref().take(128 << 10).read_to_end(&mut bytes);
                let ended = bytes.is_empty() || read.is_err();
                // A closed channel means that nobody wants more.
                if send.send(read.map(|_| bytes)).is_err() || ended {
                    break;
                }
            }
        });
        Self { received, current: Vec::new(), at: 0, ended: false, stop }
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.current.len() && !self.ended {
            match self.received.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => {
                    (self.current, self.at) = (bytes?, 0);
                    self.ended = self.current.is_empty();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("stopped"));
            }
        }
        let some = (self.current.len() - self.at).min(buffer.len());
        buffer[..some].copy_from_slice(&self.current[self.at..self.at + some]);
        self.at += some;
        Ok(some)
    }
}
