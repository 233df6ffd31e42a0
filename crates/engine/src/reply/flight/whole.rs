//! Replies of which all is there before anything of them is sent.

use super::Flight;
use crate::host::{Hold, Kept};
use crate::invoke::Refusal;
use crate::reply::ReplyBody;
use bytes::{Bytes, BytesMut};
use http::response::Parts;
use model::wire::v1::Outcome;
use model::{Code, Problem};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

impl Flight {
    /// The whole reply, with the values in it that come back.
    async fn whole(&mut self, head: &Parts) -> Result<Bytes, Refusal> {
        let engine = self.aboard.as_ref().map(|aboard| Arc::clone(&aboard.engine));
        let engine = engine.ok_or(Code::Internal)?;
        let reveals = self.outward.as_ref().is_some_and(|outward| outward.is_whole());
        let mut hold = Hold::new(&engine.gathered);
        let mut body = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| self.poll_frame(cx)).await {
            let frame = frame.map_err(|closed| closed.0.problem())?;
            let Ok(bytes) = frame.into_data() else { continue };
            // What a strict function answers has the limit of its replies.
            if reveals && !hold.is_room(body.len(), bytes.len()) {
                let (code, why) = (Code::DataUnseen, "the reply is too long".to_owned());
                return Err(self.keep_back(Kept { code, why }).0.problem().into());
            }
            body.extend_from_slice(&bytes);
        }
        let body = body.freeze();
        let revealer = self.outward.as_ref().filter(|_| reveals).map(|it| it.revealer());
        Ok(match revealer {
            Some(revealer) => revealer.revealed(head, body).await,
            None => body,
        })
    }

    /// For replies in which values come back.
    pub(super) async fn whole_and_revealed(mut self, head: &Parts) -> Result<ReplyBody, Refusal> {
        let body = self.whole(head).await?;
        self.departed = true;
        poll_fn(|cx| {
            self.poll_landing(cx);
            Poll::Ready(())
        })
        .await;
        Box::new(self).finish_later();
        Ok(ReplyBody::whole(body))
    }

    /// For strict functions: the whole reply, and only after its record is on disk.
    pub(super) async fn whole_and_durable(mut self, head: &Parts) -> Result<ReplyBody, Refusal> {
        let body = self.whole(head).await?;
        let Some(engine) = self.aboard.as_ref().map(|aboard| Arc::clone(&aboard.engine)) else {
            return Err(Code::Internal.into());
        };
        let closed = poll_fn(|cx| self.poll_done(cx)).await;
        let refuse = |why: String| Refusal::from(Problem::new(Code::JournalRefuses).internal(why));
        let mark = closed.1.ok_or_else(|| refuse("the record was not taken".to_owned()))?;
        engine.parts.journal.durable(mark).await.map_err(|error| refuse(error.to_string()))?;
        match closed.0.outcome {
            Outcome::Ok => Ok(ReplyBody::whole(body)),
            _ => Err(closed.0.problem().into()),
        }
    }
}
