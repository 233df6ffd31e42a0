//! A complete upload becomes an object, and its function hears of it.
//!
//! The function gets its slot, its budget and its record before the object is made: who is turned
//! away for want of room has an upload that is complete and waits, and may ask again.

use super::{Open, say, told};
use crate::invoke::Outcomes;
use crate::reply::ReplyBody;
use crate::stage::Permitted;
use crate::wiring::Engine;
use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderValue, TRANSFER_ENCODING,
};
use http::{HeaderMap, Method, Response};
use http_body_util::{BodyExt, Full};
use model::wire::v1::Outcome;
use model::{Code, Problem};
use ports::blobs::{Error, Info};
use ports::executor::RequestBody;
use std::sync::Arc;
use std::time::Duration;

/// Names the upload to the function. Clients cannot send it.
const UPLOAD: &str = "casemate-upload";

/// How often a complete upload is asked for again, and after how long. Who came too late to add to
/// it has it until that is seen, which must not turn away whose bytes are all there.
const LATECOMERS_MAX: u32 = 100;
const LATECOMERS_PAUSE: Duration = Duration::from_millis(10);

impl Engine {
    /// Makes an object of an upload and calls the function; gives its answer.
    pub(super) async fn deliver(
        self: &Arc<Self>,
        mut permitted: Permitted,
        open: &Open,
    ) -> Outcomes<Response<ReplyBody>> {
        // As much as the function's request will have; what it is told is not known yet.
        let request = &mut permitted.identified.throttled.received.request;
        introduce(request.headers_mut());
        *request.method_mut() = Method::POST;
        let mut funded = self.fund(permitted).await?;
        let id = funded.permitted.identified.throttled.received.id;
        let object = format!("uploads/{}", open.at.id);
        let info = self.finish(open, &object).await.map_err(|error| {
            let problem = say::failed(error).problem;
            self.not_run(&funded.permitted, Outcome::Platform, problem)
        })?;
        let caller = funded.permitted.identified.caller.to_string();
        self.receipts.keep(open.at.id, (caller, info.bytes), self.parts.clock.monotonic());
        let body = told::body(&open.note, &object, info.version, &id);
        let request = &mut funded.permitted.identified.throttled.received.request;
        let headers = request.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Ok(object) = HeaderValue::from_maybe_shared(Bytes::from(object)) {
            headers.insert(UPLOAD, object);
        }
        *request.body_mut() = whole(body);
        let mut response = self.execute(funded).await.map_err(|refusal| refusal.of(id))?;
        say::complete(&mut response, info.bytes);
        Ok(response)
    }

    /// Makes an object of an upload, once those who came too late have let go of it.
    async fn finish(&self, open: &Open, object: &str) -> Result<Info, Error> {
        let (quota, now) = (self.config.host.blobs, self.parts.clock.wall());
        let mut latecomers = 0;
        loop {
            match self.blobs().finish(&open.at, object, quota, now).await {
                Err(Error::Busy) if latecomers < LATECOMERS_MAX => latecomers += 1,
                finished => return finished,
            }
            tokio::time::sleep(LATECOMERS_PAUSE).await;
        }
    }
}

fn whole(bytes: Bytes) -> RequestBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Takes out of a request what was about its bytes.
fn introduce(headers: &mut HeaderMap) {
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING, EXPECT] {
        headers.remove(name);
    }
    let ours = |name: &str| name.starts_with("upload-") || name.starts_with("tus-");
    let names: Vec<_> = headers.keys().filter(|name| ours(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

/// Lets a function end whose answer nobody reads.
pub(super) async fn to_its_end(response: Response<ReplyBody>) -> Outcomes<()> {
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame.map_err(|error| Problem::new(Code::BadResponse).internal(error))?;
    }
    Ok(())
}
