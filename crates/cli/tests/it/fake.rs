//! A small admin API: it answers what a test tells it, and remembers what it was asked.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use model::problem::Body as ProblemBody;
use model::{Code, Problem};
use serde::Serialize;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};

/// The operator's token.
pub(crate) const OPERATOR: &str = "operator-token";
/// The path of the default tenant and environment.
pub(crate) const SCOPE: &str = "/v1/tenants/default/environments/main";

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("plain data");
        Self { status: 200, headers: vec![("casemate-version".into(), "0.1.0".into())], body }
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Self {
        Self { body: bytes.to_vec(), ..Self::json(&()) }
    }

    pub(crate) fn problem(problem: &Problem) -> Self {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            body: ProblemBody,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'a str>,
        }
        let reason = problem.internal.as_deref();
        let document = Document { body: problem.public_body(None), reason };
        Self::json(&document).status(problem.code.status())
    }

    pub(crate) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves out what every Casemate says.
    pub(crate) fn stranger(mut self) -> Self {
        self.headers.clear();
        self
    }
}

#[derive(Clone, Default)]
struct Shared {
    answers: Arc<Mutex<HashMap<String, Vec<Answer>>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A running fake. Its thread ends with the test.
pub(crate) struct Fake {
    address: SocketAddr,
    shared: Shared,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let shared = Shared::default();
        let state = shared.clone();
        let (sender, address) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            runtime.block_on(async move {
                let listener =
                    tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                sender.send(listener.local_addr().expect("an address")).expect("the test waits");
                let router = Router::new().fallback(answer).with_state(state);
                axum::serve(listener, router).await.expect("serving");
            });
        });
        let address = address.recv().expect("the fake starts");
        let fake = Self { address, shared };
        fake.on(
            "GET /v1/node",
            Answer::json(&serde_json::json!({
                "version": "0.1.0", "gateway": "http://127.0.0.1:8080", "started": 0,
                "layers": [], "dangers": [],
            })),
        );
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets an answer. The key is `METHOD path`, where a path below the scope may be written
    /// `S/…`; several answers to one key are given one after the other, the last for ever.
    pub(crate) fn on(&self, key: &str, answer: Answer) {
        let key = key.replacen(" S/", &format!(" {SCOPE}/"), 1);
        self.shared.answers.lock().expect("no panic").entry(key).or_default().push(answer);
    }

    /// Sets an answer below the scope.
    pub(crate) fn gives(&self, key: &str, value: &impl Serialize) {
        self.on(key, Answer::json(value));
    }

    /// Everything that was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no panic").clone()
    }

    /// Method, path and query of everything that was asked; the scope as `S`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.line.replacen(SCOPE, "S", 1)).collect()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap_or_default();
    let key = format!("{} {}", parts.method, parts.uri.path());
    let line = format!("{} {}", parts.method, parts.uri);
    let authorized =
        parts.headers.get("authorization").is_some_and(|v| v == "Bearer operator-token");
    shared.asked.lock().expect("no panic").push(Asked { line, headers: parts.headers, body });
    if !authorized {
        return respond(Answer::problem(&Problem::new(Code::AdminCredential)));
    }
    let mut answers = shared.answers.lock().expect("no panic");
    let found = answers
        .get_mut(&key)
        .map(|queue| if queue.len() > 1 { queue.remove(0) } else { queue[0].clone() });
    respond(found.unwrap_or_else(|| {
        let detail = format!("the fake has no answer to `{key}`");
        Answer::problem(&Problem::new(Code::VersionSkew).detail(detail)).status(404)
    }))
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status");
    for (name, value) in answer.headers {
        let name: HeaderName = name.parse().expect("a header name");
        response.headers_mut().append(name, HeaderValue::from_str(&value).expect("a value"));
    }
    response
}

/// Values that tests share.
pub(crate) mod sample {
    use model::api::{Deployed, Function, Log, Record};
    use model::route::Route;
    use model::wire::v1::{Call, Decision};
    use model::{Cost, Digest, Labels, Timestamp, Usage};

    pub(crate) const ID: &str = "018bcfe5-6880-7000-8000-000000000001";
    /// 2023-11-14T22:13:20Z.
    pub(crate) const NOON: Timestamp = Timestamp(1_700_000_000_000_000);

    pub(crate) fn function(name: &str, revision: u32, routes: &[&str]) -> Function {
        Function {
            name: name.parse().expect(name),
            application: "shop".parse().expect("name"),
            revision,
            digest: Digest([revision as u8; 32]),
            artifact: Digest([0xaa; 32]),
            routes: routes.iter().map(|route| Route::parse(route).expect(route)).collect(),
            auth: Vec::new(),
            public: name == "hello",
            strict: false,
            urls: Vec::new(),
            files: None,
        }
    }

    pub(crate) fn deployed(deployment: u32, functions: Vec<Function>) -> Deployed {
        Deployed {
            application: "shop".parse().expect("name"),
            deployment,
            functions,
            wanted: Vec::new(),
            granted: Vec::new(),
            leaf: 7,
        }
    }

    pub(crate) fn record(outcome: &str) -> Record {
        Record {
            id: ID.parse().expect("an id"),
            root: ID.parse().expect("an id"),
            parent: None,
            tenant: "default".to_owned(),
            env: "main".to_owned(),
            function: "hello".parse().expect("name"),
            revision: 3,
            digest: Digest([3; 32]),
            policy: 5,
            caller: "token:ci".to_owned(),
            trigger: "http GET /hello/{*rest}".to_owned(),
            start: NOON.to_string(),
            start_us: NOON.0,
            end_us: Some(NOON.0 + 12_345),
            outcome: outcome.to_owned(),
            status: 200,
            code: None,
            reason: None,
            usage: Usage {
                cpu_us: 4100,
                memory_peak_bytes: 1_310_720,
                bytes_in: 120,
                bytes_out: 12,
            },
            calls: Vec::new(),
            calls_omitted: 0,
            log_lines: 0,
            log_dropped: 0,
            labels: Labels::NONE,
            cost: Cost { formula: 1, milliunits: 4210 },
            traceparent: None,
        }
    }

    pub(crate) fn denied_call() -> Call {
        Call {
            at_us: 300,
            operation: "http".to_owned(),
            resource: "GET https://api.example.com/\x1b[2J".to_owned(),
            decision: Decision::Denied,
            digest: [0; 16],
            bytes: 0,
            duration_us: 9,
            labels: Labels::NONE,
        }
    }

    pub(crate) fn log(text: &str) -> Log {
        Log {
            time: NOON.to_string(),
            time_us: NOON.0,
            function: "hello".parse().expect("name"),
            invocation: ID.parse().expect("an id"),
            level: "error".to_owned(),
            text: text.to_owned(),
            cut: false,
        }
    }
}
