//! Uploads: bodies that go to a blob, in one request or in several, and of which the function
//! hears when they are complete.
//!
//! A route with `upload` speaks tus 1.0.0 (creation, creation-with-upload, termination,
//! expiration, checksum), and takes a plain `POST` or `PUT` of any length. Each request goes
//! through every stage up to the permit, as a call of the function does; the bytes go to the
//! function's own container as they come. A complete upload becomes an object, and the function is
//! called with a small request that names it.
//!
//! Invariant: an upload goes on by whoever began it and by nobody else, and nobody else learns
//! that it is there.
//! Invariant: nothing is said to be kept before it is on disk.

mod append;
mod create;
mod deliver;
mod fields;
mod receipts;
mod say;
mod sweep;
mod told;

pub(crate) use receipts::Receipts;

use crate::invoke::{Outcomes, Refusal};
use crate::reply::ReplyBody;
use crate::stage::{Identified, Permitted};
use crate::wiring::Engine;
use fields::Fields;
use http::{HeaderMap, Method, Response};
use model::manifest::UploadLimits;
use model::store::StoreName;
use model::wire::upload::UploadNote as Note;
use model::{Code, Timestamp};
use ports::blobs::{self, ContainerRef, UploadRef};
use std::sync::Arc;

/// What holds for the uploads of the route, if it takes any.
pub(crate) fn takes(identified: &Identified) -> Option<UploadLimits> {
    let endpoint = identified.endpoint.as_ref().filter(|it| it.function.shelf.is_none())?;
    endpoint.http.upload?.limits()
}

/// An upload that somebody may go on with.
pub(crate) struct Open {
    at: UploadRef,
    note: Note,
    offset: u64,
    touched: Timestamp,
}

impl Engine {
    /// Answers a request on a route that takes uploads. What is neither a step of the protocol nor
    /// a body is a call like any other.
    pub(crate) async fn upload(
        self: &Arc<Self>,
        permitted: Permitted,
        limits: UploadLimits,
    ) -> Outcomes<Response<ReplyBody>> {
        let request = &permitted.identified.throttled.received.request;
        let method = request.method().clone();
        let fields = Fields::read(request.headers(), request.uri());
        let whose = Whose::of(&permitted.identified);
        if method == Method::OPTIONS {
            return Ok(say::abilities(&limits));
        }
        if !fields.speaks {
            return match method {
                Method::POST | Method::PUT => self.take_whole(permitted, &whose, limits).await,
                _ => self.answer(permitted).await,
            };
        }
        let said = fields.version().map(|()| fields.upload);
        let outcome = match (said, method) {
            (Err(refusal), _) => Err(refusal),
            (Ok(None), Method::POST) => self.create(permitted, &whose, fields, limits).await,
            (Ok(Some(_)), Method::HEAD) => self.status(permitted, &whose, &fields, limits).await,
            (Ok(Some(_)), Method::PATCH) => self.append(permitted, &whose, &fields, limits).await,
            (Ok(Some(_)), Method::DELETE) => self.give_up(&whose, &fields, limits).await,
            (Ok(upload), _) => Err(say::wrong_method(upload.is_some())),
        };
        outcome.map_err(say::marked)
    }

    /// How far an upload is. One that is complete and was not delivered is delivered by this: its
    /// client may have been cut off before it could hear, and asks for nothing else any more.
    async fn status(
        self: &Arc<Self>,
        permitted: Permitted,
        whose: &Whose,
        fields: &Fields,
        limits: UploadLimits,
    ) -> Outcomes<Response<ReplyBody>> {
        if let Some(length) = self.receipt(whose, fields) {
            return Ok(say::done(length));
        }
        let open = self.open_upload(whose, fields, &limits).await?;
        let said = say::status(&open, &limits);
        if open.offset == open.note.length {
            let answer = self.deliver(permitted, &open).await?;
            deliver::to_its_end(answer).await?;
        }
        Ok(said)
    }

    async fn give_up(
        &self,
        whose: &Whose,
        fields: &Fields,
        limits: UploadLimits,
    ) -> Outcomes<Response<ReplyBody>> {
        let open = self.open_upload(whose, fields, &limits).await?;
        self.parts.blobs.abort(&open.at).await.map_err(say::failed)?;
        Ok(say::gone())
    }

    /// The upload that a request names, if it is there and is this caller's.
    async fn open_upload(
        &self,
        whose: &Whose,
        fields: &Fields,
        limits: &UploadLimits,
    ) -> Outcomes<Open> {
        let id = fields.upload.ok_or(Code::NoSuchUpload)?;
        let at = UploadRef { container: whose.container.clone(), id };
        let found = self.parts.blobs.status(&at).await.map_err(say::failed)?;
        let found = found.ok_or(Code::NoSuchUpload)?;
        let note = Note::decode(&found.note).filter(|note| whose.owns(note));
        let note = note.ok_or(Code::NoSuchUpload)?;
        if say::expires(found.touched, limits) <= self.parts.clock.wall() {
            self.parts.blobs.abort(&at).await.map_err(say::failed)?;
            return Err(Code::UploadExpired.into());
        }
        Ok(Open { at, note, offset: found.offset, touched: found.touched })
    }

    /// How long an upload was that this caller completed a while ago.
    fn receipt(&self, whose: &Whose, fields: &Fields) -> Option<u64> {
        let now = self.parts.clock.monotonic();
        self.receipts.find(fields.upload?, &whose.owner, now)
    }

    fn blobs(&self) -> &dyn blobs::Blobs {
        &*self.parts.blobs
    }
}

/// Whose upload a request is about, if it is about one.
pub(crate) struct Whose {
    /// The function's own container.
    container: ContainerRef,
    /// The caller, as records name it.
    owner: String,
    /// The route's pattern.
    route: String,
}

impl Whose {
    fn of(identified: &Identified) -> Self {
        let function = identified.function.reference();
        let name = StoreName::Own(function.name.clone());
        let route = identified.endpoint.as_ref().map(|it| it.http.route.to_string());
        Self {
            container: ContainerRef { scope: function.scope.clone(), name },
            owner: identified.caller.to_string(),
            route: route.unwrap_or_default(),
        }
    }

    /// Whether an upload may be gone on with.
    fn owns(&self, note: &Note) -> bool {
        note.owner == self.owner && note.route == self.route
    }
}

/// A refusal with fields.
fn refusal(code: Code, detail: impl std::fmt::Display, headers: HeaderMap) -> Refusal {
    let problem = model::Problem::new(code).detail(detail);
    Refusal { headers: Some(Box::new(headers)), ..problem.into() }
}
