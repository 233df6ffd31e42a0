//! `[gateway.http2]`: what one HTTP/2 connection may do.

use super::pick::Pick;
use model::unit::{Duration, Size};
use serde::Deserialize;

/// The keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    streams: Option<u32>,
    stream_window: Option<Size>,
    connection_window: Option<Size>,
    frame: Option<Size>,
    continuations: Option<u32>,
    resets: Option<u32>,
    pending_resets: Option<usize>,
    error_resets: Option<usize>,
    control_frames: Option<u32>,
    ping: Option<Duration>,
}

/// What is in force.
pub(super) fn pick(pick: &mut Pick, file: &File) -> gateway::Http2 {
    let default = gateway::Http2::default();
    let size = |bytes: u32| Size { bytes: u64::from(bytes) };
    let fit = |size: Size| u32::try_from(size.bytes).unwrap_or(u32::MAX);
    let key = |name: &str| format!("gateway.http2.{name}");
    let stream_window = size(default.stream_window);
    let connection_window = size(default.connection_window);
    let ping = Duration { ms: default.ping_ms };
    gateway::Http2 {
        streams: pick.of(&key("streams"), default.streams, file.streams),
        stream_window: fit(pick.of(&key("stream_window"), stream_window, file.stream_window)),
        connection_window: fit(pick.of(
            &key("connection_window"),
            connection_window,
            file.connection_window,
        )),
        frame_bytes: fit(pick.of(&key("frame"), size(default.frame_bytes), file.frame)),
        continuations: pick.of(&key("continuations"), default.continuations, file.continuations),
        resets: pick.of(&key("resets"), default.resets, file.resets),
        pending_resets: pick.of(
            &key("pending_resets"),
            default.pending_resets,
            file.pending_resets,
        ),
        error_resets: pick.of(&key("error_resets"), default.error_resets, file.error_resets),
        control_frames: pick.of(
            &key("control_frames"),
            default.control_frames,
            file.control_frames,
        ),
        ping_ms: pick.of(&key("ping"), ping, file.ping).ms,
    }
}
