//! The beginning of a streamed reply: status and header fields in JSON, and eight NULs.

use super::reply::{self, Malformed, wrong};
use bytes::{Buf as _, Bytes, BytesMut};
use http::Response;
use serde_json::{Map, Value};

/// The type of content that has a prelude.
pub const PRELUDE_TYPE: &str = "application/vnd.awslambda.http-integration-response";
/// Longest prelude, its end included, in bytes.
pub const PRELUDE_BYTES_MAX: usize = 64 << 10;
/// What ends a prelude.
const END: [u8; 8] = [0; 8];

/// A prelude that is being read.
#[derive(Debug, Default)]
pub struct Prelude {
    read: BytesMut,
}

/// How far a prelude is.
#[derive(Debug)]
pub enum Read {
    /// It goes on.
    More,
    /// It is complete: the response's head, with the beginning of its body.
    Whole(Response<Bytes>),
}

impl Prelude {
    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// It is too long, or no prelude. Nothing is to be pushed after that.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Read, Malformed> {
        let from = self.read.len().saturating_sub(END.len() - 1);
        let room = PRELUDE_BYTES_MAX.saturating_sub(self.read.len()).min(bytes.len());
        let (mine, beyond) = bytes.split_at(room);
        self.read.extend_from_slice(mine);
        let tail = self.read.get(from..).unwrap_or_default();
        match tail.windows(END.len()).position(|window| window == END) {
            Some(at) => self.whole(from + at, beyond),
            None if self.read.len() < PRELUDE_BYTES_MAX => Ok(Read::More),
            None => Err(wrong(format!("its prelude has more than {PRELUDE_BYTES_MAX} bytes"))),
        }
    }

    fn whole(&mut self, end: usize, beyond: &[u8]) -> Result<Read, Malformed> {
        let json = self.read.split_to(end);
        self.read.advance(END.len());
        self.read.extend_from_slice(beyond);
        let said: Map<String, Value> =
            serde_json::from_slice(&json).map_err(|_| wrong("its prelude is no JSON object"))?;
        let mut response = Response::new(self.read.split().freeze());
        *response.status_mut() = reply::status(said.get("statusCode"))?;
        reply::fields(response.headers_mut(), said.get("headers"))?;
        reply::fields(response.headers_mut(), said.get("multiValueHeaders"))?;
        reply::cookies(response.headers_mut(), said.get("cookies"))?;
        Ok(Read::Whole(response))
    }
}
