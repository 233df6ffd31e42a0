//! A name server whose answers the test decides.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::UdpSocket;

/// Type A of DNS.
const A: u16 = 1;

/// What is answered when a name is asked for the `n`th time, counted from 0: addresses of IPv4
/// and for how many seconds they hold. Nothing is no such name.
type Answers = dyn Fn(&str, usize) -> Option<(Vec<Ipv4Addr>, u32)> + Send + Sync;

/// A name server on a port of its own, until it is dropped.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Dns {
    pub(crate) async fn start(
        answers: impl Fn(&str, usize) -> Option<(Vec<Ipv4Addr>, u32)> + Send + Sync + 'static,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let asked = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(socket, Arc::new(answers), Arc::clone(&asked)));
        Self { address, asked, task }
    }

    /// Answers each name with the same addresses for a long time.
    pub(crate) async fn fixed(addresses: &[IpAddr]) -> Self {
        let four = |address: &IpAddr| match address {
            IpAddr::V4(four) => *four,
            IpAddr::V6(_) => panic!("this server knows IPv4 only"),
        };
        let addresses: Vec<Ipv4Addr> = addresses.iter().map(four).collect();
        Self::start(move |_, _| Some((addresses.clone(), 300))).await
    }

    /// How often it was asked for an address of IPv4.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, answers: Arc<Answers>, asked: Arc<AtomicUsize>) {
    let mut packet = [0; 1500];
    loop {
        let (length, from) = socket.recv_from(&mut packet).await.expect("a packet");
        let (name, kind, end) = question(&packet[..length]);
        let found = match kind {
            A => answers(&name, asked.fetch_add(1, Ordering::SeqCst)),
            _ => Some((Vec::new(), 0)),
        };
        let reply = reply(&packet[..end], found);
        socket.send_to(&reply, from).await.expect("it is sent");
    }
}

/// The name and the type that are asked for, and where the question ends.
fn question(packet: &[u8]) -> (String, u16, usize) {
    let mut at = 12;
    let mut labels = Vec::new();
    while packet[at] != 0 {
        let end = at + 1 + usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), u16::from_be_bytes([packet[at + 1], packet[at + 2]]), at + 5)
}

fn reply(asked: &[u8], found: Option<(Vec<Ipv4Addr>, u32)>) -> Vec<u8> {
    let mut reply = asked.to_vec();
    let code = if found.is_some() { 0 } else { 3 };
    let (addresses, ttl) = found.unwrap_or_default();
    reply[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    let count = u16::try_from(addresses.len()).expect("few");
    reply[6..8].copy_from_slice(&count.to_be_bytes());
    reply[8..12].fill(0);
    for address in addresses {
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1]);
        reply.extend_from_slice(&ttl.to_be_bytes());
        reply.extend_from_slice(&[0, 4]);
        reply.extend_from_slice(&address.octets());
    }
    reply
}
