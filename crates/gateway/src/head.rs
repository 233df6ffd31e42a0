//! A request's head, read strictly (RFC 9112).
//!
//! Everything that two servers could understand differently is refused: bare line ends, folded
//! lines, spaces before a colon, control characters, two lengths, a missing or doubled host. What
//! passes, hyper parses to the same head and the same body boundary; a test feeds both the same
//! bytes.
//!
//! Invariant: reading a head in pieces gives the same result as reading it whole.

use crate::class::{self, TOKEN};
use crate::target::{self, RequestLine, Version};
use crate::violation::Violation;
use memchr::memchr;
use model::Code;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// More digits than this do not fit into 64 bits for certain.
const LENGTH_DIGITS_MAX: usize = 19;

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most header fields.
    pub headers_max: usize,
    /// Most bytes, from the request line to the empty line.
    pub bytes_max: usize,
}

/// A head that was found strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes before the head that belong to nothing: one empty line at most.
    pub skip: usize,
    /// Bytes of the head, the empty line at its end included.
    pub length: usize,
    /// What follows it.
    pub body: BodyLength,
}

/// How long the body after a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes, often none.
    Sized(u64),
    /// The chunked coding says.
    Chunked,
}

/// Reads one head in a single go. `None` if it is not complete.
///
/// # Errors
/// A [`Violation`], as soon as one can be seen.
pub fn scan(bytes: &[u8], limits: Limits) -> Result<Option<Head>, Violation> {
    Scanner::new(limits).scan(bytes)
}

/// Reads one head as it arrives, each byte once.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    skip: usize,
    /// Where the line begins that is not complete yet.
    line: usize,
    /// Up to where there is no line end.
    searched: usize,
    request: Option<RequestLine>,
    headers: usize,
    host: Option<Range<usize>>,
    length: Option<u64>,
    coding: Option<Coding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Chunked,
    Unknown,
}

impl Scanner {
    /// Begins a head.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            skip: 0,
            line: 0,
            searched: 0,
            request: None,
            headers: 0,
            host: None,
            length: None,
            coding: None,
        }
    }

    /// Goes on reading. `bytes` are all bytes since the head's first one; they may only grow from
    /// call to call. `None` if the head is not complete.
    ///
    /// # Errors
    /// A [`Violation`]; the scanner must not be used again then.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Option<Head>, Violation> {
        const LARGE: Violation = Violation::too_large("the head is too long");
        loop {
            self.check_beginning(bytes)?;
            let most = self.limits.bytes_max + self.skip;
            let unseen = bytes.get(self.searched..).unwrap_or_default();
            let Some(at) = memchr(b'\n', unseen) else {
                self.searched = bytes.len();
                return if bytes.len() < most { Ok(None) } else { Err(LARGE) };
            };
            let (start, end) = (self.line, self.searched + at + 1);
            if end > most {
                return Err(LARGE);
            }
            (self.line, self.searched) = (end, end);
            let line = bytes.get(start..end).unwrap_or_default();
            let Some(line) = line.strip_suffix(b"\r\n") else {
                return Err(Violation::malformed("a line ends without a carriage return"));
            };
            if self.take(line, start)? {
                return self.finish(bytes, end).map(Some);
            }
        }
    }

    /// Refuses what cannot become a request line at its first byte: a TLS greeting, for one.
    fn check_beginning(&self, bytes: &[u8]) -> Result<(), Violation> {
        if self.request.is_some() {
            return Ok(());
        }
        match bytes.get(self.line) {
            Some(&byte) if byte != b'\r' && !class::is(byte, TOKEN) => {
                Err(Violation::malformed("the request does not begin with a method"))
            }
            _ => Ok(()),
        }
    }

    /// Takes one line; true if it was the empty one at the end.
    fn take(&mut self, line: &[u8], start: usize) -> Result<bool, Violation> {
        if self.request.is_none() {
            // RFC 9112, section 2.2: one empty line before a request is overlooked.
            if line.is_empty() && self.skip == 0 {
                self.skip = 2;
                return Ok(false);
            }
            let mut request = target::request_line(line)?;
            request.authority = request.authority.map(|at| at.start + start..at.end + start);
            self.request = Some(request);
            return Ok(false);
        }
        if line.is_empty() {
            return Ok(true);
        }
        self.header(line, start).map(|()| false)
    }

    fn header(&mut self, line: &[u8], start: usize) -> Result<(), Violation> {
        self.headers += 1;
        if self.headers > self.limits.headers_max {
            return Err(Violation::too_large("there are too many header fields"));
        }
        let Some(colon) = memchr(b':', line) else {
            return Err(Violation::malformed("a header line has no colon"));
        };
        let (name, rest) = line.split_at(colon);
        // A folded line begins with white space, which is no token either.
        if name.is_empty() || !class::all(name, TOKEN) {
            return Err(Violation::malformed("a field name has a character that is not allowed"));
        }
        let value = rest.get(1..).unwrap_or_default();
        if !class::is_value(value) {
            return Err(Violation::malformed("a field value has a control character"));
        }
        let leading = value.len() - value.trim_ascii_start().len();
        let value = value.trim_ascii();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                let from = start + colon + 1 + leading;
                self.take_host(value, from)
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.take_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.take_coding(value),
            _ => Ok(()),
        }
    }

    fn take_host(&mut self, value: &[u8], from: usize) -> Result<(), Violation> {
        if self.host.replace(from..from + value.len()).is_some() {
            return Err(Violation::malformed("there are two host fields"));
        }
        if !target::is_authority(value) {
            return Err(Violation::malformed("the host field cannot be read"));
        }
        Ok(())
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.length.is_some() || value.contains(&b',') {
            return Err(Violation::ambiguous("there are two content-lengths"));
        }
        let digits = !value.is_empty()
            && value.len() <= LENGTH_DIGITS_MAX
            && value.iter().all(u8::is_ascii_digit);
        let length = std::str::from_utf8(value).ok().filter(|_| digits);
        match length.and_then(|text| text.parse().ok()) {
            Some(length) => {
                self.length = Some(length);
                Ok(())
            }
            None => Err(Violation::malformed("the content-length is no number")),
        }
    }

    fn take_coding(&mut self, value: &[u8]) -> Result<(), Violation> {
        let chunked = value.eq_ignore_ascii_case(b"chunked");
        let coding = if chunked { Coding::Chunked } else { Coding::Unknown };
        match self.coding.replace(coding) {
            None => Ok(()),
            Some(_) => Err(Violation::ambiguous("there are two transfer-encodings")),
        }
    }

    fn finish(&self, bytes: &[u8], end: usize) -> Result<Head, Violation> {
        let Some(request) = &self.request else {
            return Err(Violation::malformed("there is no request line"));
        };
        self.check_host(request, bytes)?;
        let body = self.body_length(request)?;
        Ok(Head { skip: self.skip, length: end - self.skip, body })
    }

    fn check_host(&self, request: &RequestLine, bytes: &[u8]) -> Result<(), Violation> {
        let at = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        match (&self.host, &request.authority) {
            (None, _) if request.version == Version::Http11 => {
                Err(Violation::malformed("there is no host field"))
            }
            (Some(host), Some(authority)) if !at(host).eq_ignore_ascii_case(at(authority)) => {
                Err(Violation::malformed("the target and the host field name different hosts"))
            }
            _ => Ok(()),
        }
    }

    fn body_length(&self, request: &RequestLine) -> Result<BodyLength, Violation> {
        match (self.coding, self.length) {
            (None, length) => Ok(BodyLength::Sized(length.unwrap_or(0))),
            (Some(_), Some(_)) => {
                Err(Violation::ambiguous("there are a content-length and a transfer-encoding"))
            }
            (Some(_), None) if request.version == Version::Http10 => {
                Err(Violation::malformed("HTTP/1.0 has no transfer-encoding"))
            }
            (Some(Coding::Unknown), None) => Err(Violation::new(
                Code::NotImplemented,
                "no transfer coding but chunked is spoken",
            )),
            (Some(Coding::Chunked), None) => Ok(BodyLength::Chunked),
        }
    }
}
