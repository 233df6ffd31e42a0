//! The connection with one launcher, and who waits for what over it.

use super::super::wire;
use super::super::words::{Down, End, Facts, Failure, Meters, Up};
use super::JailError;
use parking_lot::Mutex;
use ports::child::Living;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};

/// How long a launcher that hung up may take to end, and say why.
const FAREWELL: Duration = Duration::from_secs(5);

/// What comes of one request.
pub(super) type Outcome<T> = Result<T, Failure>;
type Waiter<T> = oneshot::Sender<Outcome<T>>;
/// Where it comes.
pub(super) type Awaited<T> = oneshot::Receiver<Outcome<T>>;

/// One launcher.
pub(in super::super) struct Link {
    orders: UnboundedSender<(Down, Option<OwnedFd>)>,
    shared: Arc<Shared>,
}

/// What the tasks of a link and its users share.
struct Shared {
    next: AtomicU64,
    slots: Mutex<HashMap<u64, Slot>>,
    facts: watch::Sender<Option<Facts>>,
    /// Why the launcher is gone, once it is.
    over: watch::Sender<Option<String>>,
}

/// Who waits for what of a jail.
struct Slot {
    made: Option<Waiter<(Meters, Vec<OwnedFd>)>>,
    assigned: Option<Waiter<Vec<OwnedFd>>>,
    /// In the order in which they asked.
    sockets: VecDeque<Waiter<Vec<OwnedFd>>>,
    ended: watch::Sender<Option<End>>,
}

impl Link {
    pub(super) fn start(
        socket: OwnedFd,
        child: Box<dyn Living>,
        runtime: &Handle,
    ) -> io::Result<Arc<Self>> {
        // SAFETY: an `OwnedFd` is the same open descriptor for as long as it lives.
        let socket = Arc::new(unsafe { AsyncFd::register(socket) }?);
        let (orders, list) = unbounded_channel();
        let shared = Arc::new(Shared {
            next: AtomicU64::new(0),
            slots: Mutex::default(),
            facts: watch::Sender::new(None),
            over: watch::Sender::new(None),
        });
        runtime.spawn(write(Arc::clone(&socket), list));
        runtime.spawn(read(socket, Arc::clone(&shared), child));
        Ok(Arc::new(Self { orders, shared }))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.shared.over.borrow().is_some()
    }

    /// What the launcher found on its machine.
    pub(super) async fn facts(&self) -> Result<Facts, JailError> {
        let mut facts = self.shared.facts.subscribe();
        let mut over = self.shared.over.subscribe();
        tokio::select! {
            biased;
            Ok(facts) = facts.wait_for(Option::is_some) => {
                (*facts).ok_or_else(|| JailError::Launcher("it says nothing".to_owned()))
            }
            Ok(why) = over.wait_for(Option::is_some) => {
                Err(JailError::Launcher(why.clone().unwrap_or_default()))
            }
        }
    }

    fn why(&self) -> JailError {
        let why = self.shared.over.borrow().clone();
        JailError::Launcher(why.unwrap_or_else(|| "it hung up".to_owned()))
    }

    fn order(&self, order: Down, with: Option<OwnedFd>) {
        // Who waits for the answer is told when nobody is there to give one.
        let _ = self.orders.send((order, with));
    }
}

/// A jail's place at its launcher. Dropping it ends the jail.
pub(super) struct Ticket {
    id: u64,
    link: Arc<Link>,
    ended: watch::Receiver<Option<End>>,
}

impl Ticket {
    pub(super) fn new(link: Arc<Link>) -> (Self, Awaited<(Meters, Vec<OwnedFd>)>) {
        let (made, waiter) = oneshot::channel();
        let id = link.shared.next.fetch_add(1, Ordering::Relaxed);
        let (sender, ended) = watch::channel(None);
        let slot =
            Slot { made: Some(made), assigned: None, sockets: VecDeque::new(), ended: sender };
        let mut slots = link.shared.slots.lock();
        // After its end nobody would answer any more.
        if !link.has_ended() {
            slots.insert(id, slot);
        }
        drop(slots);
        (Self { id, link, ended }, waiter)
    }

    pub(super) fn ask_for_it(&self, plan: OwnedFd) {
        self.link.order(Down::Make { id: self.id }, Some(plan));
    }

    /// Waits for what comes of a request.
    pub(super) async fn hear<T>(&self, waiter: Awaited<T>) -> Result<Outcome<T>, JailError> {
        waiter.await.map_err(|_| self.link.why())
    }

    pub(super) async fn assign(
        &self,
        assignment: OwnedFd,
    ) -> Result<Outcome<Vec<OwnedFd>>, JailError> {
        let waiter = self.order_assignment(assignment);
        self.hear(waiter).await
    }

    fn order_assignment(&self, file: OwnedFd) -> Awaited<Vec<OwnedFd>> {
        let (sender, waiter) = oneshot::channel();
        if let Some(slot) = self.link.shared.slots.lock().get_mut(&self.id) {
            slot.assigned = Some(sender);
        }
        self.link.order(Down::Assign { id: self.id }, Some(file));
        waiter
    }

    pub(super) async fn sockets(&self, count: u32) -> Result<Outcome<Vec<OwnedFd>>, JailError> {
        self.hear(self.order_sockets(count)).await
    }

    /// Asks for sockets, and gives what they will come by.
    pub(super) fn order_sockets(&self, count: u32) -> Awaited<Vec<OwnedFd>> {
        let (sender, waiter) = oneshot::channel();
        if let Some(slot) = self.link.shared.slots.lock().get_mut(&self.id) {
            slot.sockets.push_back(sender);
        }
        self.link.order(Down::Sockets { id: self.id, count }, None);
        waiter
    }

    /// Waits for the jail's end; none is known if it was the launcher's.
    pub(super) async fn ended(&self) -> Option<End> {
        let mut ended = self.ended.clone();
        ended.wait_for(Option::is_some).await.ok().and_then(|end| *end)
    }

    /// How it ended, if that is known.
    pub(super) fn end(&self) -> Option<End> {
        *self.ended.borrow()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some() || self.link.has_ended()
    }

    /// Whether the launcher is gone, and nothing else is known of the jail's end.
    pub(super) fn is_orphaned(&self) -> bool {
        self.ended.borrow().is_none() && self.link.has_ended()
    }

    /// Waits until the launcher is gone.
    pub(super) async fn lost(&self) {
        let mut over = self.link.shared.over.subscribe();
        let _ = over.wait_for(Option::is_some).await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.link.shared.slots.lock().remove(&self.id);
        if self.ended.borrow().is_none() {
            self.link.order(Down::Kill { id: self.id }, None);
        }
    }
}

/// Sends orders, in order, until nobody can give any.
async fn write(
    socket: Arc<AsyncFd<OwnedFd>>,
    mut list: UnboundedReceiver<(Down, Option<OwnedFd>)>,
) {
    while let Some((order, with)) = list.recv().await {
        let with: Vec<_> = with.iter().map(|fd| fd.as_fd()).collect();
        let sent = socket.async_io(Interest::WRITABLE, |fd| wire::say(fd.as_fd(), &order, &with));
        if sent.await.is_err() {
            return;
        }
    }
    // The launcher sees that, and ends.
    let _ = rustix::net::shutdown(socket.get_ref(), rustix::net::Shutdown::Both);
}

/// Tells those who wait, until the launcher is gone; then those who wait still.
async fn read(socket: Arc<AsyncFd<OwnedFd>>, shared: Arc<Shared>, mut child: Box<dyn Living>) {
    loop {
        let heard = socket.async_io(Interest::READABLE, |fd| wire::hear::<Up>(fd.as_fd()));
        match heard.await {
            Ok(Some((said, fds))) => shared.tell(said, fds),
            Ok(None) | Err(_) => break,
        }
    }
    let _ = rustix::net::shutdown(socket.get_ref(), rustix::net::Shutdown::Both);
    let ended = tokio::time::timeout(FAREWELL, child.ended()).await;
    let why = ended.unwrap_or_else(|_| "it hung up".to_owned());
    shared.over.send_replace(Some(why));
    // Whoever waits sees that nobody is there.
    shared.slots.lock().clear();
}

impl Shared {
    fn tell(&self, said: Up, fds: Vec<OwnedFd>) {
        let mut slots = self.slots.lock();
        match said {
            Up::Hello(facts) => {
                self.facts.send_replace(Some(facts));
            }
            Up::Made { id, outcome } => {
                let waiter = slots.get_mut(&id).and_then(|slot| slot.made.take());
                answer(waiter, outcome.map(|meters| (meters, fds)));
            }
            Up::Assigned { id, outcome } => {
                let waiter = slots.get_mut(&id).and_then(|slot| slot.assigned.take());
                answer(waiter, outcome.map(|()| fds));
            }
            Up::Sockets { id, outcome } => {
                let waiter = slots.get_mut(&id).and_then(|slot| slot.sockets.pop_front());
                answer(waiter, outcome.map(|()| fds));
            }
            Up::Ended { id, end } => {
                // Nothing more is answered of it.
                if let Some(slot) = slots.remove(&id) {
                    slot.ended.send_replace(Some(end));
                }
            }
        }
    }
}

fn answer<T>(waiter: Option<Waiter<T>>, outcome: Outcome<T>) {
    // Who gave up needs no answer.
    if let Some(waiter) = waiter {
        let _ = waiter.send(outcome);
    }
}
