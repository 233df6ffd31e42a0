//! The last frame of a connection that is ended from here: GOAWAY (RFC 9113, section 6.8).

use super::frames::Fault;
use super::wire::Rest;
use crate::channel::Channel;
use crate::linger;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How long a client may take to take it.
const PATIENCE: Duration = Duration::from_millis(1_000);
const GOAWAY: u8 = 7;

/// Says why, if what was sent before ends with a whole frame; closes in any case.
pub(crate) async fn say<S: Channel>(rest: Rest<S>, fault: Fault) {
    let Rest { mut channel, ended, between, newest } = rest;
    if ended {
        return;
    }
    if !between {
        // Another frame would be read as the rest of the one that is cut.
        return linger::reset(channel);
    }
    let frame = frame(newest, fault);
    let said = async {
        channel.write_all(&frame).await?;
        channel.flush().await
    };
    match tokio::time::timeout(PATIENCE, said).await {
        Ok(Ok(())) => linger::close(channel).await,
        _ => linger::reset(channel),
    }
}

fn frame(newest: u32, fault: Fault) -> Vec<u8> {
    let why = fault.why.as_bytes();
    let length = u32::try_from(why.len() + 8).unwrap_or(8);
    let mut frame = Vec::with_capacity(17 + why.len());
    frame.extend(length.to_be_bytes().get(1..).unwrap_or_default());
    frame.extend([GOAWAY, 0, 0, 0, 0, 0]);
    frame.extend(newest.to_be_bytes());
    frame.extend(fault.code.to_be_bytes());
    frame.extend(why);
    frame
}
