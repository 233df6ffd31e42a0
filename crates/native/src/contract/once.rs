//! A process for each request: the request is its environment and its standard input, and the answer is
//! what it wrote when it has ended well.
//!
//! Invariant: nothing of an answer leaves before the process has ended, since how it ended is part of
//! it.

mod output;
mod variables;

pub(crate) use variables::variables;

use super::server;
use super::{Answer, Call, Conversation};
use crate::jail::{Ended, Jail};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use model::Limits;
use model::manifest::Contract;
use parking_lot::Mutex;
use ports::Future;
use ports::executor::{Fault, FaultKind, Manner, RequestBody};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;

/// What is read at once.
const READ_BYTES: usize = 64 << 10;
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The conversation with a process that has one request.
pub(crate) struct Once {
    contract: Contract,
    limits: Limits,
    jail: Arc<Jail>,
    /// Taken by its only call.
    pipes: Mutex<Option<(pipe::Sender, pipe::Receiver)>>,
}

impl Once {
    pub(crate) fn new(
        contract: Contract,
        limits: &Limits,
        jail: Arc<Jail>,
        pipes: (pipe::Sender, pipe::Receiver),
    ) -> Self {
        Self { contract, limits: limits.clone(), jail, pipes: Mutex::new(Some(pipes)) }
    }

    async fn serve(&self, call: Call) -> Result<Answer, Fault> {
        let pipes = self.pipes.lock().take();
        let Some((input, output)) = pipes else {
            return Err(fault(FaultKind::Platform, "the process had its request already"));
        };
        let most = self.limits.response_body_bytes.saturating_add(self.limits.header_bytes);
        let write = async { Ok(write(input, call.request.into_body()).await) };
        // One that answers too much is not listened to until it has read everything.
        let (read, written) = tokio::try_join!(read(output, most), write)?;
        let ended = self.jail.ended().await;
        written?;
        self.answer(read, &ended, call.manner)
    }

    fn answer(&self, output: Vec<u8>, ended: &Ended, manner: Manner) -> Result<Answer, Fault> {
        if ended.out_of_memory {
            let reason = "its processes used up the function's memory";
            return Err(fault(FaultKind::Memory, reason));
        }
        match ended.code {
            Some(0) => {}
            Some(_) => return Ok(failed(ended)),
            None => return Err(fault(FaultKind::Trapped, format!("its process ended: {ended}"))),
        }
        let response = if self.contract == Contract::Cgi {
            output::cgi(&output).map_err(|why| fault(FaultKind::BadResponse, why))?
        } else {
            Response::new(output.into())
        };
        let status = response.status();
        // As of a server: to who sent an event every answer but 2xx says so.
        let bad = match manner {
            Manner::Request => status.is_server_error(),
            Manner::Event => !status.is_success(),
        };
        let failed = bad.then(|| fault(FaultKind::GuestError, format!("it answered {status}")));
        server::check(response, &self.limits).map(|response| whole(response, failed))
    }
}

fn fault(kind: FaultKind, reason: impl Into<String>) -> Fault {
    Fault { kind, reason: reason.into() }
}

/// What the caller of a process gets that ended with an error: that it did, and nothing that it wrote.
fn failed(ended: &Ended) -> Answer {
    let mut response = Response::new(Bytes::from(format!("{ended}\n")));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    whole(response, Some(fault(FaultKind::GuestError, format!("the process ended: {ended}"))))
}

fn whole(response: Response<Bytes>, failed: Option<Fault>) -> Answer {
    let whole = |body| Full::new(body).map_err(|never| match never {}).boxed_unsync();
    Answer { response: response.map(whole), failed }
}

/// Gives the process its request's body, as far as it reads it.
async fn write(mut input: pipe::Sender, mut body: RequestBody) -> Result<(), Fault> {
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| fault(FaultKind::RequestBody(error), error.to_string()))?;
        let Ok(bytes) = frame.into_data() else { continue };
        // It need not read what it has no use for.
        if input.write_all(&bytes).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn read(mut output: pipe::Receiver, most: u64) -> Result<Vec<u8>, Fault> {
    let (mut all, mut piece) = (Vec::new(), vec![0; READ_BYTES]);
    loop {
        let read = output.read(&mut piece).await;
        let count =
            read.map_err(|error| fault(FaultKind::NoResponse, format!("its output: {error}")))?;
        if count == 0 {
            return Ok(all);
        }
        all.extend_from_slice(piece.get(..count).unwrap_or_default());
        if all.len() as u64 > most {
            let reason = format!("the output is larger than {most} bytes");
            return Err(fault(FaultKind::ResponseTooLarge, reason));
        }
    }
}

impl Conversation for Once {
    fn ready(&self) -> Future<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn call(&self, call: Call) -> Future<'_, Result<Answer, Fault>> {
        Box::pin(self.serve(call))
    }

    fn settled(&self) -> Future<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn stop(&self) -> Future<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn ends_with_its_answer(&self) -> bool {
        true
    }
}
