//! Functions whose hosts a test has in hand, and connections of theirs.

use crate::tests::rig::{Rig, get, manifest, rig_over};
use crate::tests::{package, secrets};
use crate::{Config, Inbound};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use model::api::DeployRequest;
use model::wire::v1::Record;
use model::{Scope, Usage};
use ports::executor::{Executor, Fault, PrepareError, Program, Run, Running};
use ports::host::{
    Answer, Ask, Body, ConnectCall, ConnectionId, Host, HostCall, HostError, HostReply, Through,
};
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use testkit::executor::Scripted;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// An executor that lends the host of every run to the test, until the test ends the run.
struct Lending(mpsc::UnboundedSender<(Arc<dyn Host>, oneshot::Sender<()>)>);

impl Executor for Lending {
    fn prepare(&self, _: Program, _: Bytes) -> ports::Future<'_, Result<(), PrepareError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn ready(&self, _: Program) -> ports::Future<'_, Result<bool, PrepareError>> {
        Box::pin(std::future::ready(Ok(true)))
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Running>> {
        let (end, ended) = oneshot::channel();
        self.0.send((run.host, end)).expect("the test waits");
        Box::pin(Lent(ended))
    }
}

struct Lent(oneshot::Receiver<()>);

impl Running for Lent {
    fn poll_head(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<http::response::Parts, Fault>> {
        let ended = Future::poll(Pin::new(&mut self.0), cx);
        ended.map(|_| Ok(http::Response::new(()).into_parts().0))
    }

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        Poll::Ready(None)
    }

    fn poll_done(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }
}

pub(super) struct Stage {
    pub(super) rig: Rig,
    lent: mpsc::UnboundedReceiver<(Arc<dyn Host>, oneshot::Sender<()>)>,
}

/// An invocation that goes on until it is ended.
pub(super) struct Going {
    pub(super) host: Arc<dyn Host>,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(super) const ASKED: &str = r#"{"tcp":["db.internal:5432","silent:1","refused:1"]}"#;

impl Stage {
    /// A native function `f`, and `g` beside it, that ask for `allow`.
    pub(super) async fn new(config: Config, policy: &str, allow: &str) -> Self {
        let (sender, lent) = mpsc::unbounded_channel();
        let outside = testkit::outbound::Scripted::new(|_| Ok((200, Vec::new())));
        let policies = [("op.cedar".to_owned(), policy.to_owned())];
        let idle = Arc::new(Scripted::new(|_| Vec::new()));
        let rig = rig_over(outside, config, &policies, idle, Arc::new(Lending(sender))).await;
        let spec = |name: &str| {
            format!(
                r#"{{"name":"{name}","runtime":"native","native":{{"contract":"lambda"}},"allow":{allow},
                   "http":[{{"route":"GET /{name}","auth":"public"}}]}}"#
            )
        };
        secrets::put(&rig, "psp", "a secret's value", false).await.expect("set");
        let package = package::send(&rig, &[("bootstrap", "run")]).await;
        let functions = format!("{},{}", spec("f"), spec("g"));
        let request =
            DeployRequest { manifest: manifest("shop", &functions, package), grant: false };
        let scope = Scope::default();
        rig.engine.deploy(&scope, "operator", request, None).await.expect("deployed");
        rig.grant("public", "invoke", "f").await;
        rig.grant("public", "invoke", "g").await;
        Self { rig, lent }
    }

    pub(super) async fn granted(config: Config) -> Self {
        let stage = Self::new(config, "", ASKED).await;
        for to in ["db.internal:5432", "silent:1", "refused:1"] {
            stage.rig.grant("function:f", "tcp", to).await;
        }
        stage
    }

    pub(super) async fn begin(&mut self, path: &str) -> Going {
        let engine = Arc::clone(&self.rig.engine);
        let request = Inbound::plain(get(path, None), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let task = tokio::spawn(async move {
            let response = engine.invoke(request).await.map_err(|refusal| refusal.problem);
            response.expect("it runs").into_body().collect().await.expect("whole");
        });
        let (host, end) = self.lent.recv().await.expect("it runs");
        Going { host, end, task }
    }

    /// Ends an invocation; gives its record.
    pub(super) async fn end(&self, going: Going) -> Record {
        let before = self.rig.records().len();
        going.end.send(()).expect("it runs");
        going.task.await.expect("no panic");
        self.rig.records().remove(before)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.rig.lines().into_iter().map(|line| line.text).collect()
    }
}

pub(super) type Pieces = mpsc::UnboundedSender<Result<&'static str, HostError>>;

/// What a guest sends, piece by piece.
pub(super) fn pieces() -> (Pieces, Body) {
    let (sender, pieces) = mpsc::unbounded_channel();
    (sender, Written(pieces).boxed_unsync())
}

struct Written(mpsc::UnboundedReceiver<Result<&'static str, HostError>>);

impl http_body::Body for Written {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let piece = self.0.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| piece.map(|text| Frame::data(text.into()))))
    }
}

pub(super) fn connecting(to: &str, through: Through) -> HostCall {
    let (host, port) = to.rsplit_once(':').expect("a port");
    let port = port.parse().expect("a number");
    HostCall::Connect(ConnectCall { host: host.to_owned(), port, through })
}

pub(super) async fn ask(
    going: &Going,
    call: HostCall,
    body: Option<Body>,
) -> Result<Answer, HostError> {
    let Ask { call, .. } = Ask::plain(call);
    Arc::clone(&going.host).call(Ask { call, body }).await
}

/// A connection: its number, what is sent, and what comes back.
pub(super) struct Open {
    pub(super) id: ConnectionId,
    pub(super) sent: Pieces,
    pub(super) received: Body,
}

pub(super) async fn open(going: &Going, to: &str) -> Result<Open, HostError> {
    let (sent, body) = pieces();
    let answer = ask(going, connecting(to, Through::Tcp), Some(body)).await?;
    let HostReply::Connected(id) = answer.reply.value else { panic!("a connection") };
    Ok(Open { id, sent, received: answer.body.expect("a body") })
}

impl Open {
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, HostError>> {
        let frame = self.received.frame().await?;
        Some(frame.map(|frame| frame.into_data().expect("bytes")))
    }

    pub(super) async fn echoes(&mut self, text: &'static str) {
        self.sent.send(Ok(text)).expect("it is read");
        assert_eq!(self.next().await, Some(Ok(text.into())));
    }

    /// Nothing comes, although everybody else has nothing left to do.
    pub(super) async fn stands_still(&mut self) {
        let long = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(long, self.received.frame()).await.is_err());
    }
}
