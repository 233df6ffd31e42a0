//! Beginnings: an upload that goes on in other requests, or one that is all here.

use super::append::{Chunk, add};
use super::fields::Fields;
use super::{Note, Open, Whose, say};
use crate::invoke::{Outcomes, Refusal};
use crate::reply::ReplyBody;
use crate::request::check_length;
use crate::stage::Permitted;
use crate::wiring::Engine;
use http::{Response, StatusCode};
use model::manifest::UploadLimits;
use model::{Code, Problem};
use ports::blobs::{UPLOADS_MAX, UploadRef};
use std::sync::Arc;

/// Uploads of one caller that are not complete, in one container.
const PER_CALLER_MAX: usize = 100;

fn too_large(length: u64, limits: &UploadLimits) -> Refusal {
    let most = limits.bytes_max();
    Problem::new(Code::UploadTooLarge).detail(format!("{length} bytes, at most {most}")).into()
}

impl Engine {
    /// `POST` with `Tus-Resumable`.
    pub(super) async fn create(
        self: &Arc<Self>,
        mut permitted: Permitted,
        whose: &Whose,
        fields: Fields,
        limits: UploadLimits,
    ) -> Outcomes<Response<ReplyBody>> {
        let length = fields.length()?;
        if length > limits.bytes_max() {
            return Err(too_large(length, &limits));
        }
        let chunk = if fields.carries_bytes()? {
            Some(Chunk::of(&mut permitted, &fields, 0, length)?)
        } else {
            None
        };
        let mut open = self.begin_upload(whose, length, fields.metadata()?).await?;
        if let Some(chunk) = chunk {
            let added = add(self, &open, chunk).await;
            // Whoever hears nothing of an upload cannot go on with it.
            open.offset = match added {
                Ok(offset) => offset,
                Err(refusal) => return Err(self.forgotten(&open, refusal).await),
            };
        }
        let uri = permitted.identified.throttled.received.request.uri().clone();
        let expires = say::expires(self.parts.clock.wall(), &limits);
        if open.offset < length {
            return Ok(say::created(&uri, (open.at.id, open.offset), expires));
        }
        let mut answer = self.deliver(permitted, &open).await?;
        say::place(answer.headers_mut(), &uri, open.at.id);
        // What a client expects that begins an upload.
        if answer.status() == StatusCode::OK {
            *answer.status_mut() = StatusCode::CREATED;
        }
        Ok(answer)
    }

    /// A body that is all there will be.
    pub(super) async fn take_whole(
        self: &Arc<Self>,
        mut permitted: Permitted,
        whose: &Whose,
        limits: UploadLimits,
    ) -> Outcomes<Response<ReplyBody>> {
        let request = &permitted.identified.throttled.received.request;
        check_length(request, limits.bytes_max())
            .map_err(|problem| Problem { code: Code::UploadTooLarge, ..problem })?;
        let mut open = self.begin_upload(whose, 0, String::new()).await?;
        let chunk = Chunk::plain(&mut permitted, limits.bytes_max());
        match add(self, &open, chunk).await {
            Ok(offset) => {
                open.offset = offset;
                open.note.length = offset;
                self.deliver(permitted, &open).await
            }
            Err(refusal) => Err(self.forgotten(&open, refusal).await),
        }
    }

    async fn begin_upload(&self, whose: &Whose, length: u64, metadata: String) -> Outcomes<Open> {
        let (container, now) = (whose.container.clone(), self.parts.clock.wall());
        let note = Note::new(whose.owner.clone(), whose.route.clone(), length, metadata);
        let most = usize::try_from(UPLOADS_MAX).unwrap_or(usize::MAX);
        let others = self.blobs().uploads(&container, None, most).await.map_err(say::failed)?;
        let notes = others.iter().filter_map(|(_, upload)| Note::decode(&upload.note));
        if notes.filter(|other| other.owner == note.owner).count() >= PER_CALLER_MAX {
            return Err(Refusal { retry_after_s: Some(60), ..Code::UploadsCrowded.into() });
        }
        let begun = self.blobs().begin(&container, note.encode().into(), now).await;
        let at = UploadRef { container, id: begun.map_err(say::failed)? };
        Ok(Open { at, note, offset: 0, touched: now })
    }

    /// Gives up an upload that nobody was told of.
    async fn forgotten(&self, open: &Open, refusal: Refusal) -> Refusal {
        if let Err(error) = self.blobs().abort(&open.at).await {
            tracing::debug!(%error, "an upload that failed is left to expire");
        }
        refusal
    }
}
