//! A platform inside one command: the real engine, store and executor on a home of their own, with
//! no listener, and with a wall clock that stands where it is put. `casemate test` runs examples
//! on it.
//!
//! Invariant: what a function sees of the time of day is what the trial was told, and so is what
//! the records say.

mod outside;

use crate::assemble::{Assembled, Surroundings, assemble};
use crate::clock::StandingClock;
use crate::home::Home;
use crate::settings::{Options, Settings};
use bytes::Bytes;
use engine::{BodyError, Inbound, LogQuery, RequestBody};
use http_body_util::{BodyExt as _, Full};
use model::StoreName;
use model::api::{DeployRequest, Log, TokenRequest};
use model::manifest::Outside;
use model::{
    Code, Digest, FunctionName, InvocationId, Manifest, Problem, Scope, Timestamp, TokenName,
};
use outside::Declared;
use ports::KeyValue as _;
use ports::keyvalue::{Ask, BATCH_MAX, Change, StoreRef};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Most log lines that one request gives back.
const LINES_MAX: usize = 1000;
/// What the token of the trial's caller is called.
const CALLER: &str = "examples";

/// A running platform.
pub struct Trial {
    runtime: Runtime,
    assembled: Assembled,
    clock: Arc<StandingClock>,
    outside: Declared,
    token: String,
    _home: Home,
}

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct TrialRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers. Without `authorization` it carries a token that may call every function.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The time of day at which it comes.
    pub at: Timestamp,
    /// What is answered outside, and nothing else.
    pub outbound: Vec<Outside>,
    /// What is stored when it comes, and nothing else.
    pub stored: Vec<(StoreName, Vec<(String, String)>)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct TrialAnswer {
    /// The status.
    pub status: u16,
    /// Headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; as much of it as came.
    pub body: Vec<u8>,
    /// Why the platform, and not the function, answered or broke off.
    pub problem: Option<Problem>,
    /// The function that was called, if one was.
    pub function: Option<FunctionName>,
    /// What it printed.
    pub logs: Vec<Log>,
}

impl Trial {
    /// Starts a platform on `home`, which is made.
    ///
    /// # Errors
    /// Whatever keeps a node from starting.
    pub fn start(home: &Path) -> Result<Self, Problem> {
        // Addresses and key are named, so that no variable of the user's own node is taken.
        let mut settings = Settings::resolve(&Options {
            home: Some(home.to_owned()),
            listen: Some("127.0.0.1:0".to_owned()),
            admin: Some("127.0.0.1:0".to_owned()),
            api: Some("off".to_owned()),
            root_key_file: Some(home.join("root.key")),
            dev: true,
            ..Options::default()
        })?;
        settings.root_key_passphrase_file = None;
        // Children of the executor die with the thread that started them, so not a worker's.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Problem::new(Code::Internal).internal(error))?;
        let opened = Home::open(&settings.home)?;
        let clock = Arc::new(StandingClock::at(model::manifest::EXAMPLE_TIME));
        let outside = Declared::default();
        let surroundings = Surroundings {
            clock: Arc::clone(&clock) as _,
            guest_clock: Some(Arc::clone(&clock) as _),
            outside: Some(Arc::new(outside.clone())),
        };
        let assembled = runtime.block_on(assemble(&settings, &opened, surroundings))?;
        Ok(Self { runtime, assembled, clock, outside, token: String::new(), _home: opened })
    }

    /// Keeps a component.
    ///
    /// # Errors
    /// It is not what its digest says, or too large.
    pub fn put(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), Problem> {
        self.runtime.block_on(self.assembled.engine.put_artifact(digest, Bytes::from(bytes)))
    }

    /// Keeps many small artifacts at once, bundled as they are for the wire.
    ///
    /// # Errors
    /// The bundle was cut, or one of them is not what its digest says.
    pub fn put_bundle(&self, bundle: Vec<u8>) -> Result<(), Problem> {
        self.runtime.block_on(self.assembled.engine.put_bundle(Bytes::from(bundle)))
    }

    /// Deploys an application with everything granted that it asks for.
    ///
    /// # Errors
    /// As for any deployment, or `stop` came first.
    pub fn deploy(
        &mut self,
        mut manifest: Manifest,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Problem> {
        // The clock stands still, so all examples are called in one second.
        manifest.functions.iter_mut().for_each(|function| function.caps.clear());
        let (engine, scope) = (&self.assembled.engine, Scope::default());
        let invoke = manifest.functions.iter().map(|function| function.name.clone()).collect();
        let name = TokenName::parse(CALLER)
            .map_err(|error| Problem::new(Code::Internal).internal(error))?;
        let acts = async {
            let request = DeployRequest { manifest, grant: true };
            engine.deploy(&scope, "operator", request, None).await?;
            let token = TokenRequest { name, invoke, expires_in: None, aws: false, manage: false };
            engine.create_token(&scope, "operator", token).await
        };
        let created = self.runtime.block_on(until(stop, acts))?;
        self.token = created.token.unwrap_or_default();
        Ok(())
    }

    /// Sends a request through everything that a real one goes through, but for the listener.
    ///
    /// # Errors
    /// It is no request, or `stop` came first.
    pub fn call(
        &self,
        request: TrialRequest,
        stop: impl Future<Output = ()>,
    ) -> Result<TrialAnswer, Problem> {
        self.clock.put(request.at);
        self.outside.declare(request.outbound.clone());
        self.runtime.block_on(self.store(&request.stored))?;
        let inbound = Inbound::plain(self.inbound(request)?, IpAddr::V4(Ipv4Addr::LOCALHOST));
        self.runtime.block_on(until(stop, self.answer(inbound)))
    }

    /// Empties all stores and fills them with these cells.
    async fn store(&self, stored: &[(StoreName, Vec<(String, String)>)]) -> Result<(), Problem> {
        let (stores, scope) = (&self.assembled.stores, Scope::default());
        for (name, _) in stores.stores(&scope).await? {
            stores.remove(&StoreRef { scope: scope.clone(), name }).await?;
        }
        for (name, cells) in stored {
            let set = |(key, value): &(String, String)| Change::Set {
                key: key.clone(),
                value: Bytes::from(value.clone()),
            };
            let store = StoreRef { scope: scope.clone(), name: name.clone() };
            for some in cells.chunks(BATCH_MAX) {
                let ask = Ask::Write { changes: some.iter().map(set).collect() };
                stores.ask(&store, ask, u64::MAX).await?;
            }
        }
        Ok(())
    }

    fn inbound(&self, request: TrialRequest) -> Result<http::Request<RequestBody>, Problem> {
        let unusable = |error: http::Error| Problem::new(Code::ManifestValue).detail(error);
        let has =
            |name: &str| request.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        let mut builder =
            http::Request::builder().method(request.method.as_str()).uri(&request.path);
        if !has("authorization") {
            builder = builder.header("authorization", format!("Bearer {}", self.token));
        }
        if !has("host") {
            builder = builder.header("host", "localhost");
        }
        if !request.body.is_empty() {
            builder = builder.header("content-length", request.body.len());
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let body = Full::new(Bytes::from(request.body));
        let body: RequestBody =
            body.map_err(|never| -> BodyError { match never {} }).boxed_unsync();
        builder.body(body).map_err(unusable)
    }

    async fn answer(&self, inbound: Inbound) -> Result<TrialAnswer, Problem> {
        let engine = &self.assembled.engine;
        let (mut answer, id) = match engine.invoke(inbound).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let mut answer = TrialAnswer::of(head.status.as_u16());
                answer.headers = headers(&head.headers);
                let id = answer.header("casemate-invocation").and_then(|id| id.parse().ok());
                match read(body).await {
                    (body, true) => answer.body = body,
                    (body, false) => {
                        answer.body = body;
                        let why = "the answer broke off";
                        answer.problem = Some(Problem::new(Code::BadResponse).detail(why));
                    }
                }
                (answer, id)
            }
            Err(refusal) => {
                let body = refusal.problem.public_body(refusal.invocation);
                let mut answer = TrialAnswer::of(body.status);
                let kind = ("content-type".to_owned(), model::problem::Body::MEDIA_TYPE.to_owned());
                answer.headers.push(kind);
                answer.body = serde_json::to_vec(&body).unwrap_or_default();
                answer.problem = Some(refusal.problem);
                (answer, refusal.invocation)
            }
        };
        if let Some(id) = id {
            self.look_up(&mut answer, id).await?;
        }
        Ok(answer)
    }

    /// What the records know about a call.
    async fn look_up(&self, answer: &mut TrialAnswer, id: InvocationId) -> Result<(), Problem> {
        let (engine, scope) = (&self.assembled.engine, Scope::default());
        // Refused before a function was found: nothing is on record.
        let Ok(record) = engine.record(&scope, id).await else { return Ok(()) };
        answer.function = Some(record.function);
        let query = LogQuery {
            scope,
            function: None,
            invocation: Some(id),
            level: None,
            since: None,
            after: None,
            limit: LINES_MAX,
        };
        answer.logs = engine.logs(query).await?.items;
        Ok(())
    }

    /// Ends the platform.
    ///
    /// # Errors
    /// The journal could not be closed.
    pub fn end(self) -> Result<(), Problem> {
        self.assembled.engine.drain();
        let closed = self.runtime.block_on(self.assembled.journal.close());
        closed
            .map_err(|error| Problem::new(Code::StoreFailed).detail("the journal").internal(error))
    }
}

impl TrialAnswer {
    fn of(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            problem: None,
            function: None,
            logs: Vec::new(),
        }
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What comes of `work`, if `stop` does not come first.
async fn until<T>(
    stop: impl Future<Output = ()>,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    tokio::select! {
        done = work => done,
        () = stop => Err(Code::Interrupted.into()),
    }
}

fn headers(map: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// A body, and whether it came to its end.
async fn read(mut body: engine::ReplyBody) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (bytes, false) };
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    (bytes, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_answers_as_strangers_are_answered() {
        let dir = tempfile::tempdir().expect("a directory");
        let trial = Trial::start(&dir.path().join("home")).expect("a platform");
        let request = |path: &str| TrialRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            at: model::manifest::EXAMPLE_TIME,
            outbound: Vec::new(),
            stored: Vec::new(),
        };
        let answer = trial.call(request("/nothing"), std::future::pending()).expect("a request");
        assert_eq!((answer.status, answer.function), (401, None));
        assert_eq!(answer.problem.map(|problem| problem.code), Some(Code::CredentialRequired));
        assert!(trial.call(request("/no path"), std::future::pending()).is_err());
        trial.end().expect("ends");
    }
}
