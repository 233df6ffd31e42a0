//! What a guest sees of the host does not depend on what lies between them.

use super::{Behind, finish, run};
use crate::node::{Options, Tenants};
use crate::tasks::Tasks;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use model::{Labelled, Labels};
use parking_lot::Mutex;
use ports::executor::{Executor, Fault, PrepareError, Program, Programs, Run, Running};
use ports::host::{Answer, Ask, HostCall, HostError, HostReply, HttpCall, Line};
use ports::{Future, Host, keyvalue};
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use testkit::executor::{Scripted, Step};
use tokio::sync::oneshot;

/// Hands out the host of whatever it is to run, and runs until nobody holds the other end.
#[derive(Default)]
struct Handing(Mutex<Option<oneshot::Sender<Arc<dyn Host>>>>);

impl Executor for Handing {
    fn prepare(&self, _: Program, _: Bytes) -> Future<'_, Result<(), PrepareError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn ready(&self, _: Program) -> Future<'_, Result<bool, PrepareError>> {
        Box::pin(std::future::ready(Ok(true)))
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Running>> {
        let taken = self.0.lock().take();
        taken.expect("one run").send(run.host).map_err(|_| ()).expect("somebody waits");
        Box::pin(Endless)
    }
}

impl Programs for Handing {
    fn code(&self, _: Program) -> Future<'_, Result<File, Fault>> {
        unreachable!("nothing is loaded")
    }
}

struct Endless;

impl Running for Endless {
    fn poll_head(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<http::response::Parts, Fault>> {
        Poll::Pending
    }
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        Poll::Pending
    }
    fn poll_done(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Pending
    }
    fn usage(&self) -> model::Usage {
        model::Usage::default()
    }
}

fn tenants(executor: Arc<dyn Executor>) -> (Tenants<Scripted>, Arc<Tasks>) {
    let children = Arc::new(Tasks::new(executor));
    let library = Arc::new(Scripted::new(|_| Vec::new()));
    let runtime = tokio::runtime::Handle::current();
    let options = Options::new(String::new());
    (Tenants::new(library, Arc::clone(&children) as _, options, runtime), children)
}

/// A host beyond the seam whose asks `behind` answers, as long as the task runs.
async fn beyond(behind: &Arc<Behind>) -> (Arc<dyn Host>, tokio::task::JoinHandle<()>) {
    let (sender, host) = oneshot::channel();
    let (tenants, _) = tenants(Arc::new(Handing(Mutex::new(Some(sender)))));
    let mut running = tenants.run(run(behind, Bytes::new()));
    let task = tokio::spawn(async move {
        let _tenants = tenants;
        finish(&mut running).await.expect_err("it never ends by itself");
    });
    (host.await.expect("it runs"), task)
}

fn store(name: &str, ask: keyvalue::Ask) -> Ask {
    Ask::plain(HostCall::KeyValue { store: name.to_owned(), ask })
}

fn http(
    path: &str,
    body: impl futures_util::Stream<Item = Result<Frame<Bytes>, HostError>> + Send + 'static,
) -> Ask {
    let mut headers = http::HeaderMap::new();
    headers.insert("x-mine", http::HeaderValue::from_bytes(b"\xe9").expect("a value"));
    let call = HttpCall {
        method: http::Method::PUT,
        uri: format!("https://example.com{path}?a=b").parse().expect("a URL"),
        headers,
        connect: None,
        first_byte: Some(std::time::Duration::from_millis(1500)),
        between_bytes: None,
    };
    let labels = Labels::of([model::label::Label::new("pan")]);
    Ask {
        call: Labelled { value: HostCall::Http(call), labels },
        body: Some(StreamBody::new(body).boxed_unsync()),
    }
}

fn pieces(count: usize) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, HostError>> {
    let piece = Bytes::from(vec![7; 50_000]);
    futures_util::stream::iter(
        std::iter::repeat_with(move || Ok(Frame::data(piece.clone()))).take(count),
    )
}

/// What every host does that answers as [`Behind`] does, be it here or beyond the seam.
async fn suite(host: Arc<dyn Host>, behind: &Behind) {
    let call = |ask| Arc::clone(&host).call(ask);
    let error = |answer: Result<Answer, HostError>| answer.err().expect("an error");

    let limit = error(call(store("limit", keyvalue::Ask::Open)).await);
    assert_eq!(limit, HostError::Limit("the store's size".into()));
    let invalid = error(call(store("invalid", keyvalue::Ask::Open)).await);
    assert_eq!(invalid, HostError::Invalid("words".to_owned()));
    let denied = error(call(http("/denied", pieces(1000))).await);
    assert_eq!(denied, HostError::Denied);

    // As much as one ask may carry.
    let value = Bytes::from(vec![9; keyvalue::VALUE_BYTES_MAX]);
    let change = |n: usize| keyvalue::Change::Set { key: n.to_string(), value: value.clone() };
    let changes: Vec<_> = (0..8).map(change).collect();
    let answer = call(store("s", keyvalue::Ask::Write { changes })).await.expect("an answer");
    let HostReply::KeyValue(keyvalue::Reply::Cells(cells)) = answer.reply.value else {
        panic!("cells")
    };
    assert!(cells.iter().flatten().all(|cell| cell.value == value && cell.version == 7));
    assert_eq!(cells.len(), 8);

    // A body of 10 MB through a window of far less, there and back, with trailers and labels.
    let mut trailers = http::HeaderMap::new();
    trailers.insert("sum", http::HeaderValue::from_static("1"));
    let all = futures_util::StreamExt::chain(
        pieces(200),
        futures_util::stream::iter([Ok(Frame::trailers(trailers.clone()))]),
    );
    let answer = call(http("/echo", all)).await.expect("an answer");
    assert_eq!(answer.reply.labels, Labels::of([model::label::Label::new("pan")]));
    let HostReply::Http(head) = answer.reply.value else { panic!("a head") };
    assert_eq!(head.headers["echo"].as_bytes(), b"\xe9");
    let body = answer.body.expect("a body").collect().await.expect("a whole body");
    assert_eq!(body.trailers(), Some(&trailers));
    assert_eq!(body.to_bytes().len(), 200 * 50_000);

    // A length that is known stays known: what is sent on depends on it.
    for (text, length) in [("hello", 5), ("", 0)] {
        let mut ask = http("/echo", pieces(0));
        ask.body =
            Some(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync());
        let body = call(ask).await.expect("an answer").body.expect("a body");
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(length));
        assert_eq!(body.collect().await.expect("whole").to_bytes(), text);
    }

    // A body that breaks, breaks there and comes back broken.
    let why = HostError::Upstream(ports::outbound::Failure::RequestBody);
    let broken =
        futures_util::StreamExt::chain(pieces(3), futures_util::stream::iter([Err(why.clone())]));
    let answer = call(http("/echo", broken)).await.expect("a head");
    assert_eq!(answer.body.expect("a body").collect().await.err(), Some(why));

    // Many at a time.
    let many = (0..100).map(|_| call(store("s", keyvalue::Ask::Open)));
    for answer in futures_util::future::join_all(many).await {
        let reply = answer.expect("an answer").reply.value;
        assert!(matches!(reply, HostReply::KeyValue(keyvalue::Reply::Done)));
    }

    // An ask that is given up is given up there, and so is an answer that nobody reads on.
    let given_up = tokio::time::timeout(
        std::time::Duration::from_millis(100),
        call(http("/never", pieces(1))),
    );
    assert!(given_up.await.is_err());
    let mut unread = call(http("/echo", pieces(1000))).await.expect("a head").body.expect("a body");
    unread.frame().await.expect("a frame").expect("bytes");
    drop(unread);
    while *behind.open.lock() > 0 {
        tokio::task::yield_now().await;
    }

    let line =
        |n: u8| Line { level: model::wire::v1::Level::Info, bytes: vec![n, 0xff], cut: n == 1 };
    for n in 0..3 {
        host.log(Labelled::plain(line(n)));
    }
    // Lines keep their order among the asks, so after an answer they are there.
    call(store("s", keyvalue::Ask::Open)).await.expect("an answer");
    let lines: Vec<Line> = behind.lines.lock().drain(..).map(|line| line.value).collect();
    assert_eq!(lines, [line(0), line(1), line(2)]);
}

#[tokio::test]
async fn a_host_here_does_what_a_host_does() {
    let behind = Arc::<Behind>::default();
    suite(Arc::clone(&behind) as _, &behind).await;
}

#[tokio::test]
async fn a_host_beyond_the_seam_does_what_a_host_does() {
    let behind = Arc::<Behind>::default();
    let (host, task) = beyond(&behind).await;
    suite(host, &behind).await;
    task.abort();
}

#[tokio::test]
async fn no_connection_is_asked_for_across_the_seam() {
    let behind = Arc::<Behind>::default();
    let (host, task) = beyond(&behind).await;
    let through = ports::host::Through::Tcp;
    let call = ports::host::ConnectCall { host: "db.internal".to_owned(), port: 5432, through };
    for call in [HostCall::Connect(call), HostCall::Keep(ports::host::ConnectionId(1))] {
        let refused = Arc::clone(&host).call(Ask::plain(call)).await;
        assert_eq!(refused.err(), Some(HostError::Denied));
    }
    assert!(behind.asks.lock().is_empty(), "the node was not asked");
    task.abort();
}

#[tokio::test]
async fn bodies_cross_both_ways_and_guests_that_end_are_forgotten() {
    let script = |_: &http::Request<()>| {
        vec![Step::Head(http::StatusCode::OK), Step::Echo, Step::Frame(b"!"), Step::End]
    };
    let (tenants, children) = tenants(Arc::new(Scripted::new(script)));
    let host = Arc::<Behind>::default();
    for size in [0, 1, 100_000, 5_000_000] {
        let mut running = tenants.run(run(&host, vec![3; size]));
        let body = finish(&mut running).await.expect("an answer");
        assert_eq!(body.len(), size + 1);
        assert_eq!(running.usage().bytes_in, size as u64);
    }
    assert_eq!(children.started.load(std::sync::atomic::Ordering::Relaxed), 1, "one child for all");
}

#[tokio::test]
async fn a_run_that_is_dropped_is_dropped_beyond() {
    let script = |_: &http::Request<()>| vec![Step::Head(http::StatusCode::OK), Step::Hang];
    let executor = Arc::new(Scripted::new(script));
    let alive = Arc::clone(&executor.alive);
    let (tenants, _) = tenants(executor);
    let mut running = tenants.run(run(&Arc::default(), Bytes::new()));
    std::future::poll_fn(|cx| running.as_mut().poll_head(cx)).await.expect("a head");
    assert_eq!(alive.load(std::sync::atomic::Ordering::Relaxed), 1);
    drop(running);
    while alive.load(std::sync::atomic::Ordering::Relaxed) > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
