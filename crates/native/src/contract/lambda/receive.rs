//! Takes what a runtime sends: reports, whole answers and streams.

use super::outcome::Piece;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ports::executor::{Fault, FaultKind};
use render::lambda::Failure;
use tokio::sync::mpsc;

/// Most bytes beyond a limit that are read to get an answer across.
const DRAINED_MAX: u64 = 64 << 20;

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge,
    Cut,
}

/// All of a body, up to a limit. What is longer is drained, so that the process hears why.
pub(super) async fn whole(mut body: Incoming, most: u64) -> Result<Bytes, Unread> {
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut length: u64 = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Cut)?.into_data() else { continue };
        length = length.saturating_add(data.len() as u64);
        if length > most.saturating_add(DRAINED_MAX) {
            break;
        }
        if length > most {
            (first, more) = (None, BytesMut::new());
        } else if first.is_none() && more.is_empty() {
            // Nearly all answers are one piece.
            first = Some(data);
        } else {
            more.extend(first.take());
            more.extend_from_slice(&data);
        }
    }
    match first {
        _ if length > most => Err(Unread::TooLarge),
        Some(all) => Ok(all),
        None => Ok(more.freeze()),
    }
}

/// Passes a stream on, as fast as somebody takes it.
pub(super) async fn stream(
    mut body: Incoming,
    most: u64,
    pieces: mpsc::Sender<Piece>,
) -> Result<(), Unread> {
    let mut length: u64 = 0;
    while let Some(frame) = body.frame().await {
        // Without an end, whoever reads sees that it broke off.
        let frame = frame.map_err(|_| Unread::Cut)?;
        match frame.into_data() {
            Ok(data) => {
                length = length.saturating_add(data.len() as u64);
                if length > most {
                    let reason = Failure::too_large(most).to_string();
                    let fault = Fault { kind: FaultKind::ResponseTooLarge, reason };
                    let _nobody = pieces.send(Piece::Failed(fault)).await;
                    return Err(Unread::TooLarge);
                }
                // Who does not want it any more ends the process.
                let _nobody = pieces.send(Piece::Data(data)).await;
            }
            Err(frame) => {
                if let Some(failure) = frame.trailers_ref().and_then(reported) {
                    let fault = super::outcome::fault(&failure);
                    let _nobody = pieces.send(Piece::Failed(fault)).await;
                    return Ok(());
                }
            }
        }
    }
    let _nobody = pieces.send(Piece::End).await;
    Ok(())
}

/// An error in trailers: its type, and its body in base64.
fn reported(trailers: &HeaderMap) -> Option<Failure> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let kind = trailers.get("lambda-runtime-function-error-type")?;
    let body = trailers.get("lambda-runtime-function-error-body");
    let body = body.and_then(|body| STANDARD.decode(body.as_bytes()).ok()).unwrap_or_default();
    Some(Failure::reported(kind.to_str().ok(), &body))
}
