//! Whether what answers speaks HTTP/2 at all.
//!
//! ```text
//! 0  3  length      of the payload
//! 3  1  type        4: SETTINGS, the first frame that a server sends
//! 4  1  flags
//! 5  4  stream ID   0
//! ```
//! Source: RFC 9113, 3.4 and 4.1.
//!
//! A client that gets something else ends the connection, and in what words a call then fails depends on how far it had come. So the
//! first bytes are looked at here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Length of a frame's header.
const HEADER: usize = 9;
/// Where the type stands in it, and the type that the first frame has.
const TYPE: (usize, u8) = (3, 4);

/// A connection of which the first bytes are looked at as they come in.
pub(super) struct Watched<S> {
    stream: S,
    begun: Vec<u8>,
    is_other: Arc<AtomicBool>,
}

impl<S> Watched<S> {
    /// `is_other` becomes true when something else than HTTP/2 comes in.
    pub(super) fn new(stream: S, is_other: Arc<AtomicBool>) -> Self {
        Self { stream, begun: Vec::new(), is_other }
    }

    fn look(&mut self, read: &[u8]) {
        let missing = HEADER.saturating_sub(self.begun.len());
        if missing == 0 {
            return;
        }
        self.begun.extend(read.iter().take(missing));
        if !may_be_settings(&self.begun) {
            self.is_other.store(true, Ordering::Relaxed);
        }
    }
}

/// Whether bytes are, or may become, the header of a server's first frame.
fn may_be_settings(begun: &[u8]) -> bool {
    let (at, settings) = TYPE;
    begun.get(at).is_none_or(|kind| *kind == settings) && begun.iter().skip(5).all(|byte| *byte == 0)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.look(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
