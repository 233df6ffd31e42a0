//! Children that die, lie or flood: the test plays the child, frame by frame.

use super::{Behind, finish, run, unit};
use crate::control::{Control, Down, Up};
use crate::frame::{Kind, PAYLOAD_BYTES_MAX, PIECE_BYTES, WINDOW_BYTES, put, put_value, take};
use crate::node::{Options, Tenants};
use crate::words::{Ask, End, Head, LogLine};
use bytes::{Bytes, BytesMut};
use model::wire::v1::Level;
use model::{Labelled, Labels, Limits, Usage};
use parking_lot::Mutex;
use ports::child::{Companion, Companions, Living};
use ports::executor::{Executor as _, Fault, FaultKind, Run, Running};
use ports::host::{HostCall, Line};
use ports::{Future, keyvalue};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use testkit::executor::Scripted;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Hands the sockets of children to the test.
struct Sockets {
    started: UnboundedSender<OwnedFd>,
    /// Children that were not killed.
    alive: Arc<Mutex<usize>>,
}

struct Puppet(Arc<Mutex<usize>>);

impl Living for Puppet {
    fn ended(&mut self) -> Future<'_, String> {
        Box::pin(std::future::pending())
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
    }
}

impl Companions for Sockets {
    fn start(&self, companion: Companion) -> io::Result<Box<dyn Living>> {
        *self.alive.lock() += 1;
        self.started.send(companion.socket).map_err(io::Error::other)?;
        Ok(Box::new(Puppet(Arc::clone(&self.alive))))
    }
}

struct Stage {
    tenants: Tenants<Scripted>,
    started: UnboundedReceiver<OwnedFd>,
    alive: Arc<Mutex<usize>>,
    host: Arc<Behind>,
}

/// A child as the test plays it.
struct Child {
    _control: Control,
    lane: UnixStream,
    input: BytesMut,
}

impl Stage {
    fn new() -> Self {
        let (sender, started) = unbounded_channel();
        let alive = Arc::<Mutex<usize>>::default();
        let children = Arc::new(Sockets { started: sender, alive: Arc::clone(&alive) });
        let library = Arc::new(Scripted::new(|_| Vec::new()));
        let look = Duration::from_millis(20);
        let options = Options { look, idle: look * 5, ..Options::new(String::new()) };
        let runtime = tokio::runtime::Handle::current();
        let tenants = Tenants::new(library, children, options, runtime);
        Self { tenants, started, alive, host: Arc::default() }
    }

    /// Begins an invocation, and plays the child that got it.
    async fn begin(&mut self) -> (Pin<Box<dyn Running>>, Child) {
        self.begin_with(run(&self.host, Bytes::new())).await
    }

    async fn begin_with(&mut self, run: Run) -> (Pin<Box<dyn Running>>, Child) {
        let running = self.tenants.run(run);
        let control = self.started.recv().await.expect("a child");
        let control = Control::new(control).expect("a socket");
        let said = control.receive::<Down>().await.expect("readable").expect("a message");
        let (Down::Lane, Some(lane)) = said else { panic!("no lane") };
        control.send(&Up::Ready, None).await.expect("sent");
        let lane = UnixStream::from_std(lane.into()).expect("a socket");
        let mut child = Child { _control: control, lane, input: BytesMut::new() };
        assert_eq!(child.next().await.expect("a frame").0, Kind::Run);
        (running, child)
    }

    async fn until_killed(&self) {
        while *self.alive.lock() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Child {
    /// The next frame from the node; `None` if it hung up.
    async fn next(&mut self) -> Option<(Kind, u32)> {
        loop {
            if let Some(frame) = take(&mut self.input).expect("the node keeps to the rules") {
                return Some((frame.kind, frame.id));
            }
            if self.lane.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    async fn say(&mut self, bytes: &[u8]) {
        // The node may hang up before it has read everything.
        let _ = self.lane.write_all(bytes).await;
    }
}

fn frame(kind: Kind, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, kind, id, payload);
    out
}

fn value(kind: Kind, id: u32, value: &impl serde::Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(put_value(&mut out, kind, id, value));
    out
}

fn head(status: u16, fields: &[(&str, &str)]) -> Vec<u8> {
    let fields: Vec<(&str, &str)> = fields.to_vec();
    value(Kind::Head, 1, &Ok::<_, Fault>((status, fields)))
}

fn good_head() -> Vec<u8> {
    let head = Head::of(&http::Response::new(()).into_parts().0);
    value(Kind::Head, 1, &Ok::<_, Fault>(head))
}

fn ask(id: u32, run: u32) -> Vec<u8> {
    let call = HostCall::KeyValue { store: "s".to_owned(), ask: keyvalue::Ask::Open };
    value(Kind::Ask, id, &Ask::of(run, Labelled::plain(call), None).expect("a word"))
}

fn lies() -> Vec<(&'static str, Vec<u8>)> {
    let line = Line { level: Level::Platform, bytes: b"E0201 all is well".to_vec(), cut: false };
    let done = value(Kind::Done, 1, &Ok::<(), Fault>(()));
    let mut too_long = frame(Kind::Data, 1, b"");
    too_long[..4].copy_from_slice(&(PAYLOAD_BYTES_MAX as u32 + 1).to_le_bytes());
    let piece = frame(Kind::Data, 1, &vec![0; PIECE_BYTES]);
    vec![
        ("an unknown kind", vec![0; 9]),
        ("noise", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("a frame that is too long", too_long),
        ("what only the node says", frame(Kind::Cancel, 1, b"")),
        ("an answer to an invocation that never was", value(Kind::Done, 2, &Ok::<(), Fault>(()))),
        ("an ask for an invocation that never was", ask(1, 2)),
        ("the same ask twice", [ask(1, 1), ask(1, 1)].concat()),
        ("bytes of an ask that never was", frame(Kind::CallData, 1, b"x")),
        ("bytes of an ask without a body", [ask(1, 1), frame(Kind::CallData, 1, b"x")].concat()),
        ("two heads", [good_head(), good_head()].concat()),
        ("an end before the head", done.clone()),
        ("two ends", [good_head(), done.clone(), done].concat()),
        ("a head that cannot be read", frame(Kind::Head, 1, b"\xff\xff")),
        ("a head with more behind it", frame(Kind::Head, 1, &[&good_head()[9..], b"x"].concat())),
        ("a status that is none", head(1000, &[])),
        ("a field's name that is none", head(200, &[("a b", "c")])),
        ("a field that splits the head", head(200, &[("a", "b\r\nc: d")])),
        ("a line in the platform's name", value(Kind::Log, 1, &LogLine::of(Labelled::plain(line)))),
        ("more than the window", piece.repeat(WINDOW_BYTES / PIECE_BYTES + 1)),
        (
            "bytes after the end",
            [value(Kind::End, 1, &End::Whole(None)), frame(Kind::Data, 1, b"x")].concat(),
        ),
        ("credit out of nothing", frame(Kind::Credit, 1, &1_u32.to_le_bytes())),
        ("half a credit", frame(Kind::Credit, 1, b"\x01")),
    ]
}

#[tokio::test]
async fn whoever_breaks_a_rule_is_killed_and_what_it_ran_ends() {
    for (lie, bytes) in lies() {
        let mut stage = Stage::new();
        let (mut running, mut child) = stage.begin().await;
        child.say(&bytes).await;
        stage.until_killed().await;
        let fault = finish(&mut running).await.expect_err(lie);
        assert_eq!(fault.kind, FaultKind::Platform, "{lie}");
        assert!(stage.host.lines.lock().is_empty(), "{lie}");
        assert_eq!(stage.tenants.children(), 0, "{lie}");
    }
}

#[tokio::test]
async fn asks_without_end_are_a_flood() {
    let mut stage = Stage::new();
    let (_running, mut child) = stage.begin().await;
    for id in 1..6000 {
        child.say(&ask(id, 1)).await;
    }
    stage.until_killed().await;
    assert!(stage.host.asks.lock().is_empty(), "nobody polled, so nobody was asked");
}

#[tokio::test]
async fn the_death_of_a_child_ends_what_it_ran_and_the_next_call_gets_another() {
    let mut stage = Stage::new();
    let (mut running, child) = stage.begin().await;
    drop(child);
    let fault = finish(&mut running).await.expect_err("a dead child");
    assert!(fault.reason.contains("E0430"), "{fault}");
    stage.until_killed().await;
    let (mut again, mut child) = stage.begin().await;
    let done = value(Kind::Done, 1, &Ok::<(), Fault>(()));
    let end = value(Kind::End, 1, &End::Whole(None));
    child.say(&[good_head(), frame(Kind::Data, 1, b"well"), end, done].concat()).await;
    assert_eq!(finish(&mut again).await.expect("an answer"), b"well");
}

#[tokio::test]
async fn limits_hold_on_this_side_of_the_seam_too() {
    let mut stage = Stage::new();
    let limits = Limits { response_body_bytes: 10, headers: 2, ..Limits::default() };
    let small =
        |stage: &Stage| Run { unit: unit(limits.clone()), ..run(&stage.host, Bytes::new()) };
    let order = small(&stage);
    let (mut running, mut child) = stage.begin_with(order).await;
    child.say(&[good_head(), frame(Kind::Data, 1, &[0; 11])].concat()).await;
    let fault = finish(&mut running).await.expect_err("too much");
    assert_eq!(fault.kind, FaultKind::ResponseTooLarge);

    let mut stage = Stage::new();
    let order = small(&stage);
    let (mut running, mut child) = stage.begin_with(order).await;
    child.say(&head(200, &[("a", "1"), ("b", "2"), ("c", "3")])).await;
    let fault = finish(&mut running).await.expect_err("too many fields");
    assert_eq!(fault.kind, FaultKind::BadResponse);
}

#[tokio::test]
async fn what_was_used_is_not_taken_back() {
    let mut stage = Stage::new();
    let (running, mut child) = stage.begin().await;
    let used = Usage { cpu_us: 70, memory_peak_bytes: 9, bytes_in: 1, bytes_out: 2 };
    child.say(&value(Kind::Usage, 1, &used)).await;
    child.say(&value(Kind::Usage, 1, &Usage::default())).await;
    while running.usage() != used {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_child_that_does_not_let_go_of_an_invocation_is_killed() {
    let mut stage = Stage::new();
    let (running, mut child) = stage.begin().await;
    drop(running);
    assert_eq!(child.next().await, Some((Kind::Cancel, 1)));
    stage.until_killed().await;
}

#[tokio::test]
async fn a_child_without_work_is_ended_and_one_that_let_go_is_not_killed_before() {
    let mut stage = Stage::new();
    let (running, mut child) = stage.begin().await;
    drop(running);
    assert_eq!(child.next().await, Some((Kind::Cancel, 1)));
    child.say(&value(Kind::Done, 1, &Ok::<(), Fault>(()))).await;
    stage.until_killed().await;
    assert_eq!(stage.tenants.children(), 0);
    let (_running, _child) = stage.begin().await;
    assert_eq!(stage.tenants.children(), 1);
}

#[tokio::test]
async fn what_is_late_is_dropped() {
    let mut stage = Stage::new();
    let (running, mut child) = stage.begin().await;
    drop(running);
    assert_eq!(child.next().await, Some((Kind::Cancel, 1)));
    // All of this was on its way when the invocation was given up.
    let late = [good_head(), ask(1, 1), frame(Kind::Data, 1, b"x"), frame(Kind::CallData, 1, b"x")];
    child.say(&late.concat()).await;
    child.say(&value(Kind::Done, 1, &Ok::<(), Fault>(()))).await;
    let host = Arc::clone(&stage.host);
    let _next = stage.tenants.run(run(&host, Bytes::new()));
    assert_eq!(child.next().await, Some((Kind::Run, 2)), "the lane lives");
    assert!(host.asks.lock().is_empty());
}

/// What a child may say of the labels of its asks reaches the host, and so joins there.
#[tokio::test]
async fn an_ask_is_answered_with_its_labels() {
    let mut stage = Stage::new();
    let (mut running, mut child) = stage.begin().await;
    let labels = Labels::of([model::label::Label::new("pan")]);
    let call = HostCall::KeyValue { store: "s".to_owned(), ask: keyvalue::Ask::Open };
    let ask = Ask::of(1, Labelled { value: call, labels }, None).expect("a word");
    child.say(&value(Kind::Ask, 1, &ask)).await;
    let answered = async { assert_eq!(child.next().await, Some((Kind::Answer, 1))) };
    tokio::select! {
        () = answered => {}
        ended = finish(&mut running) => panic!("{ended:?}"),
    }
}
