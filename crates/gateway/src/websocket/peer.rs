//! The client's side of an open WebSocket: reads messages, writes messages, pings, and knows when
//! it has been enough.
//!
//! tokio-tungstenite reads and writes frames, answers pings, and refuses what is no protocol:
//! frames without a mask, reserved bits, control frames that are too long or in pieces, texts that
//! are no UTF-8.

use super::close::{Farewell, NO_CODE};
use super::tap::Tap;
use crate::alarm::Alarm;
use crate::channel::Channel;
use crate::line::Line;
use bytes::Bytes;
use engine::{Message, SocketLimits};
use futures_util::{SinkExt, StreamExt};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Raw};

/// What an idle connection keeps to read into.
const READ_BYTES: usize = 1024;
/// A message is sent in frames of this size: as much may stay behind in memory.
const FRAME_BYTES: usize = 16 * 1024;
/// A frame, and answers to pings that wait behind it.
const WRITE_BYTES_MAX: usize = FRAME_BYTES + 4 * 1024;
/// Pings, pongs that nobody asked for, in one window.
const CONTROL_FRAMES_MAX: u32 = 1_000;
const WINDOW: Duration = Duration::from_secs(10);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What came of a client.
pub(super) enum Event {
    Message(Message),
    Over(Farewell),
}

pub(super) struct Peer<S> {
    stream: WebSocketStream<Tap<S>>,
    line: Arc<Line>,
    limits: SocketLimits,
    until: Instant,
    alarm: Alarm,
    /// The silence that was asked about already: when it began.
    asked: Option<Instant>,
    /// The code that the client said goodbye with.
    theirs: Option<u16>,
    /// Control frames since then.
    control: (Instant, u32),
    /// What arrived while a message was with the engine.
    held: Option<Event>,
}

impl<S: Channel> Peer<S> {
    /// `ahead` is what the client sent already.
    pub(super) async fn new(
        tap: Tap<S>,
        ahead: Vec<u8>,
        line: Arc<Line>,
        limits: SocketLimits,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BYTES_MAX)
            .max_message_size(Some(limits.message_bytes))
            .max_frame_size(Some(limits.message_bytes))
            .accept_unmasked_frames(false);
        let now = Instant::now();
        let until = now + limits.lifetime;
        let stream = WebSocketStream::from_partially_read(tap, ahead, Role::Server, Some(config));
        Self {
            stream: stream.await,
            line,
            limits,
            until,
            alarm: Alarm::new(now + limits.idle / 2),
            asked: None,
            theirs: None,
            control: (now, 0),
            held: None,
        }
    }

    /// Waits for the next message, or for a reason to end.
    pub(super) async fn next(&mut self) -> Event {
        poll_fn(|cx| {
            self.line.listen(cx.waker());
            if self.line.is_draining() {
                return Poll::Ready(Event::Over(Farewell::STOPPING));
            }
            if let Some(event) = self.held.take() {
                return Poll::Ready(event);
            }
            if let Poll::Ready(event) = self.poll_read(cx) {
                return Poll::Ready(event);
            }
            self.poll_time(cx).map(Event::Over)
        })
        .await
    }

    /// Reads on while a message is with the engine, until the next one is complete: so that pings
    /// are answered and goodbyes are heard. Ready when nobody should wait for the engine any more.
    pub(super) fn poll_beside(&mut self, cx: &mut Context<'_>) -> Poll<Farewell> {
        if self.held.is_none()
            && let Poll::Ready(event) = self.poll_read(cx)
        {
            if let Event::Over(_) = event {
                // Whoever is gone does not keep the function at work for longer than its time.
                self.until = self.until.min(Instant::now() + self.limits.wall);
            }
            self.held = Some(event);
        }
        ready!(self.alarm.poll(cx, self.until));
        Poll::Ready(match self.held.take() {
            Some(Event::Over(farewell)) => farewell,
            _ => Farewell::OLD,
        })
    }

    /// Whether the client cannot be answered any more.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.held, Some(Event::Over(Farewell::Lost | Farewell::Theirs(_))))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            let over = match ready!(self.stream.poll_next_unpin(cx)) {
                Some(Ok(Raw::Text(text))) => {
                    return Poll::Ready(Event::Message(Message::Text(text.into())));
                }
                Some(Ok(Raw::Binary(bytes))) => {
                    return Poll::Ready(Event::Message(Message::Binary(bytes)));
                }
                Some(Ok(Raw::Ping(_) | Raw::Pong(_) | Raw::Frame(_))) => {
                    if self.is_calm() {
                        continue;
                    }
                    Farewell::FLOOD
                }
                // Once more: the goodbye has to be returned.
                Some(Ok(Raw::Close(frame))) => {
                    self.theirs = Some(frame.map_or(NO_CODE, |frame| frame.code.into()));
                    continue;
                }
                Some(Err(error)) => self.goodbye(Farewell::broken(&error)),
                None => self.goodbye(Farewell::Lost),
            };
            return Poll::Ready(Event::Over(over));
        }
    }

    /// How it ends, unless the client has ended it already.
    fn goodbye(&self, otherwise: Farewell) -> Farewell {
        self.theirs.map_or(otherwise, Farewell::Theirs)
    }

    /// Counts a control frame; false if there are too many.
    fn is_calm(&mut self) -> bool {
        let (since, count) = &mut self.control;
        if since.elapsed() >= WINDOW {
            (*since, *count) = (Instant::now(), 0);
        }
        *count += 1;
        *count <= CONTROL_FRAMES_MAX
    }

    /// Asks a silent client whether it is still there. Ready when the connection has to end.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<Farewell> {
        loop {
            if self.line.stalled_until().is_some()
                && let Poll::Ready(Err(_)) = self.stream.poll_flush_unpin(cx)
            {
                return Poll::Ready(Farewell::Lost);
            }
            let (at, farewell) = self.deadline();
            ready!(self.alarm.poll(cx, at));
            match farewell {
                Some(farewell) => return Poll::Ready(farewell),
                None => {
                    self.asked = Some(self.stream.get_ref().heard());
                    let asked = self.stream.start_send_unpin(Raw::Ping(Bytes::new()));
                    let flushed = self.stream.poll_flush_unpin(cx);
                    if asked.is_err() || matches!(flushed, Poll::Ready(Err(_))) {
                        return Poll::Ready(Farewell::Lost);
                    }
                }
            }
        }
    }

    /// What has to be done next, and when: a ping, if it is no goodbye.
    fn deadline(&self) -> (Instant, Option<Farewell>) {
        let heard = self.stream.get_ref().heard();
        let idle = (heard + self.limits.idle, Some(Farewell::IDLE));
        let old = (self.until, Some(Farewell::OLD));
        let stuck = self.line.stalled_until().map(|at| (at, Some(Farewell::Lost)));
        let ping = (self.asked != Some(heard)).then(|| (heard + self.limits.idle / 2, None));
        let all = [Some(idle), Some(old), stuck, ping];
        let soonest = all.into_iter().flatten().min_by_key(|(at, _)| *at);
        soonest.unwrap_or((self.until, Some(Farewell::OLD)))
    }

    /// Sends a message, and waits until the client has taken it.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), Farewell> {
        let (mut kind, mut rest) = match message {
            Message::Text(bytes) => (Data::Text, bytes),
            Message::Binary(bytes) => (Data::Binary, bytes),
        };
        loop {
            let part = rest.split_to(rest.len().min(FRAME_BYTES));
            let last = rest.is_empty();
            self.write(Raw::Frame(Frame::message(part, OpCode::Data(kind), last))).await?;
            if last {
                return Ok(());
            }
            kind = Data::Continue;
        }
    }

    async fn write(&mut self, frame: Raw) -> Result<(), Farewell> {
        // Room first: answers to pings may stand before it.
        self.flush().await?;
        self.stream.start_send_unpin(frame).map_err(|error| self.unwritten(&error))?;
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Farewell> {
        poll_fn(|cx| {
            if let Poll::Ready(flushed) = self.stream.poll_flush_unpin(cx) {
                return Poll::Ready(flushed.map_err(|error| self.unwritten(&error)));
            }
            let at = self.line.stalled_until().unwrap_or(self.until).min(self.until);
            self.alarm.poll(cx, at).map(|()| Err(Farewell::Lost))
        })
        .await
    }

    fn unwritten(&self, _error: &tungstenite::Error) -> Farewell {
        self.goodbye(Farewell::Lost)
    }

    /// Says goodbye, and gives the channel back.
    pub(super) async fn part(mut self, farewell: Farewell) -> S {
        if let Farewell::Ours(code, reason) = farewell {
            let reason = match reason {
                std::borrow::Cow::Borrowed(text) => text.into(),
                std::borrow::Cow::Owned(text) => text.into(),
            };
            let frame = Raw::Close(Some(CloseFrame { code: code.into(), reason }));
            let goodbye = async {
                // After a goodbye of the client there is nothing to be said.
                let _ = self.stream.feed(frame).await;
                let _ = self.stream.flush().await;
            };
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
        self.stream.into_inner().into_channel()
    }
}
