//! Both ends of the seam: one that keeps to the rules, and one that does not.

mod across;
mod lies;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use model::manifest::{Config, Wasi};
use model::{Digest, FunctionRef, Labelled, Labels, Limits, Scope};
use parking_lot::Mutex;
use ports::executor::{Fault, Form, Manner, Program, RequestBody, Run, Running, Unit};
use ports::host::{Answer, Ask, HostCall, HostError, HostReply, Line};
use ports::{Future, Host, keyvalue};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

/// A host that answers what it is asked in a way that shows what came, and remembers its log.
#[derive(Default)]
struct Behind {
    lines: Mutex<Vec<Labelled<Line>>>,
    asks: Mutex<Vec<String>>,
    /// Asks that were begun and are neither answered nor given up.
    open: Arc<Mutex<usize>>,
}

/// Counts down when it is dropped.
struct Count(Arc<Mutex<usize>>);

impl Drop for Count {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
    }
}

impl Host for Behind {
    fn log(&self, line: Labelled<Line>) {
        self.lines.lock().push(line);
    }

    fn call(self: Arc<Self>, ask: Ask) -> Future<'static, Result<Answer, HostError>> {
        Box::pin(async move {
            *self.open.lock() += 1;
            let _count = Count(Arc::clone(&self.open));
            let Ask { call, body } = ask;
            let Labelled { value, labels } = call;
            self.asks.lock().push(format!("{value:?}"));
            match value {
                HostCall::KeyValue { store, ask } => answer_store(&store, ask, labels),
                HostCall::Http(call) => match call.uri.path() {
                    "/never" => std::future::pending().await,
                    "/denied" => Err(HostError::Denied),
                    _ => {
                        let mut head = http::Response::new(());
                        head.headers_mut().insert("echo", call.headers["x-mine"].clone());
                        let reply = HostReply::Http(Box::new(head.into_parts().0));
                        Ok(Answer { reply: Labelled { value: reply, labels }, body })
                    }
                },
                _ => Err(HostError::Failed),
            }
        })
    }
}

fn answer_store(store: &str, ask: keyvalue::Ask, labels: Labels) -> Result<Answer, HostError> {
    let reply = match (store, ask) {
        ("limit", _) => return Err(HostError::Limit("the store's size".into())),
        ("invalid", _) => return Err(HostError::Invalid("words".to_owned())),
        (_, keyvalue::Ask::Write { changes }) => {
            let cells = changes.into_iter().map(|change| match change {
                keyvalue::Change::Set { value, .. } => Some(keyvalue::Cell { value, version: 7 }),
                keyvalue::Change::Delete { .. } => None,
            });
            keyvalue::Reply::Cells(cells.collect())
        }
        _ => keyvalue::Reply::Done,
    };
    let value = HostReply::KeyValue(reply);
    Ok(Answer { reply: Labelled { value, labels }, body: None })
}

fn unit(limits: Limits) -> Arc<Unit> {
    Arc::new(Unit {
        function: Arc::new(FunctionRef {
            scope: Scope::default(),
            name: "f".parse().expect("a name"),
        }),
        revision: 3,
        program: Program { artifact: Digest([1; 32]), form: Form::Component(Wasi::V02) },
        limits,
        config: Config::default(),
        revealed: Vec::new(),
        around: Arc::default(),
    })
}

fn run(host: &Arc<Behind>, body: impl Into<Bytes>) -> Run {
    let body: RequestBody = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let request = http::Request::post("http://localhost/f/").header("x-mine", "1").body(body);
    Run {
        unit: unit(Limits { response_body_bytes: 1 << 30, ..Limits::default() }),
        request: request.expect("a request"),
        manner: Manner::Request,
        labels: Labels::NONE,
        files: None,
        host: Arc::clone(host) as _,
    }
}

/// The answer's body, or the fault that came instead.
async fn finish(running: &mut Pin<Box<dyn Running>>) -> Result<Vec<u8>, Fault> {
    poll_fn(|cx| running.as_mut().poll_head(cx)).await?;
    let mut all = Vec::new();
    while let Some(frame) = poll_fn(|cx| running.as_mut().poll_frame(cx)).await {
        all.extend_from_slice(frame?.data_ref().expect("data"));
    }
    poll_fn(|cx| running.as_mut().poll_done(cx)).await?;
    Ok(all)
}
