//! What is noted of a request while it runs.

use super::AccessLog;
use crate::line::Line;
use engine::Noted;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Version};
use model::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// One request. Texts are shared with the request, not copied.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) at: Timestamp,
    began: Instant,
    pub(super) took_us: u64,
    pub(super) peer: IpAddr,
    pub(super) http: &'static str,
    pub(super) tls: Option<&'static str>,
    /// Absent if the bytes were no request.
    pub(super) request: Option<Asked>,
    pub(super) noted: Arc<Noted>,
    pub(super) invocation: Option<HeaderValue>,
    /// 0 if nothing was answered.
    pub(super) status: u16,
    pub(super) received: Arc<AtomicU64>,
    pub(super) sent: u64,
    announced: Option<u64>,
    /// The answer was not sent to its end.
    pub(super) cut: bool,
}

/// What was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) target: Option<PathAndQuery>,
    pub(super) host: Option<HeaderValue>,
    pub(super) agent: Option<HeaderValue>,
}

impl Entry {
    pub(crate) fn begin(log: &AccessLog, line: &Line, parts: &Parts) -> Box<Self> {
        // What hyper was given in the place of what was refused is nothing that anybody asked.
        let real = line.violation().is_none() || parts.version == Version::HTTP_2;
        let http = match parts.version {
            Version::HTTP_2 => "HTTP/2",
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        };
        Box::new(Self {
            at: log.now(),
            began: Instant::now(),
            took_us: 0,
            peer: line.origin.peer,
            http,
            tls: line.origin.tls,
            request: real.then(|| Asked::of(parts)),
            noted: Arc::default(),
            invocation: None,
            status: 0,
            received: Arc::default(),
            sent: 0,
            announced: None,
            cut: true,
        })
    }

    /// Counts the bytes of the request's body.
    pub(crate) fn meter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// Where the engine writes which route and function the request met.
    pub(crate) fn noted(&self) -> Arc<Noted> {
        Arc::clone(&self.noted)
    }

    /// The client turned out to be behind a proxy.
    pub(crate) fn comes_from(&mut self, peer: IpAddr) {
        self.peer = peer;
    }

    pub(crate) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.status = status.as_u16();
        self.invocation = headers.get("casemate-invocation").cloned();
        let head = self.request.as_ref().is_some_and(|asked| asked.method == Method::HEAD);
        if head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return self.complete();
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        self.announced = length.and_then(|length| length.parse().ok());
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        // Nobody asks for what comes after the last announced byte.
        if self.announced == Some(self.sent) {
            self.complete();
        }
    }

    /// The answer was handed over to its end.
    pub(crate) fn complete(&mut self) {
        self.cut = false;
    }

    pub(crate) fn end(&mut self) {
        self.took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Asked {
    fn of(parts: &Parts) -> Self {
        let host = || parts.headers.get(HOST).cloned();
        let authority = parts.uri.authority();
        let authority =
            authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        Self {
            method: parts.method.clone(),
            target: parts.uri.path_and_query().cloned(),
            host: authority.or_else(host),
            agent: parts.headers.get(USER_AGENT).cloned(),
        }
    }
}
