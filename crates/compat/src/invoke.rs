//! Calls of functions that are answered at once, later, or not at all.

use crate::body::{Answer, answer, put};
use crate::context::{Kind, Meant, event, text, wants_log};
use crate::ending::{Ended, refused, whole};
use crate::fault::Fault;
use crate::serve::Shared;
use crate::signed::Signed;
use crate::tail::tail;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, header};

/// What AWS says of the bytes of an event for a call that is done later.
const LATER_BYTES_MAX: usize = 1 << 20;

/// `Invoke`
pub(crate) async fn invoke(
    shared: &Shared,
    head: &Parts,
    signed: Signed<'_>,
    id: &str,
) -> Result<Answer, Fault> {
    let kind = Kind::of(&head.headers)?;
    let log = wants_log(&head.headers)? && kind == Kind::RequestResponse;
    no_tenants(head)?;
    let Signed { signer, asked, body } = signed;
    let name = asked.named.first().map(String::as_str).unwrap_or_default();
    let meant = Meant::of(&shared.engine, &signer, head, name)?;
    let request = event(head, body.bytes.clone())?;
    match kind {
        Kind::DryRun => {
            let may = shared.engine.may_invoke_signed(&signer, meant.called(), request);
            may.map_err(|refusal| Fault::refused(&refusal.problem, &meant.arn, None))?;
            Ok(versioned(answer(204, Bytes::new(), id), &meant))
        }
        Kind::Event => later(shared, &signer, &meant, request, body.bytes.len()).await,
        Kind::RequestResponse => {
            // The body is the request's by now, and its room is another one's.
            drop(body);
            let called = shared.engine.invoke_signed(&signer, meant.called(), request).await;
            let ended = match called {
                Ok(response) => whole(&shared.engine, &signer, &meant, response).await,
                Err(refusal) => {
                    let (id, failure) = refused(&shared.engine, &meant, &refusal)?;
                    Ended { id, payload: failure.body(), failed: true }
                }
            };
            let mut said = versioned(answer(200, ended.payload, &ended.id), &meant);
            let headers = said.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if ended.failed {
                headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            }
            if log {
                let tail = tail(&shared.engine, &signer, &meant, &ended.id).await;
                put(headers, "x-amz-log-result", &tail);
            }
            Ok(said)
        }
    }
}

/// `InvokeAsync`
pub(crate) async fn invoke_async(
    shared: &Shared,
    head: &Parts,
    signed: Signed<'_>,
) -> Result<Answer, Fault> {
    let Signed { signer, asked, body } = signed;
    let name = asked.named.first().map(String::as_str).unwrap_or_default();
    let meant = Meant::of(&shared.engine, &signer, head, name)?;
    let request = event(head, body.bytes.clone())?;
    later(shared, &signer, &meant, request, body.bytes.len()).await
}

async fn later(
    shared: &Shared,
    signer: &engine::Signer,
    meant: &Meant,
    request: http::Request<engine::RequestBody>,
    bytes: usize,
) -> Result<Answer, Fault> {
    if bytes > LATER_BYTES_MAX {
        return Err(Fault::too_large(LATER_BYTES_MAX as u64, "InvokeFunction"));
    }
    let accepted = shared.engine.submit_signed(signer, meant.called(), request).await;
    let id = accepted
        .map_err(|refusal| Fault::refused(&refusal.problem, &meant.arn, refusal.retry_after_s))?;
    Ok(answer(202, Bytes::new(), &id.to_string()))
}

/// Refuses what would be ignored.
///
/// # Errors
/// The call asks for something that is not there.
pub(crate) fn no_tenants(head: &Parts) -> Result<(), Fault> {
    for (field, what) in [
        ("x-amz-tenant-id", "TenantId: functions here have no tenant isolation mode"),
        ("x-amz-durable-execution-name", "DurableExecutionName: functions here are not durable"),
    ] {
        if text(&head.headers, field).is_some() {
            return Err(Fault::invalid(format!("{what}.")));
        }
    }
    Ok(())
}

/// An answer that says what ran.
pub(crate) fn versioned(mut answer: Answer, meant: &Meant) -> Answer {
    put(answer.headers_mut(), "x-amz-executed-version", &meant.version);
    answer
}
