//! Connects a socket of a jail's network to the jail's own loopback.
//!
//! Sockets of a jail are made in it and handed out, which takes a message to its launcher; and a
//! server that is starting is looked for many times. So a socket that was refused is used again, as
//! Linux allows.

use parking_lot::Mutex;
use rustix::io::Errno;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use tokio::net::TcpStream;

/// The socket that the next try is made with, if one was refused before.
#[derive(Default)]
pub(crate) struct Dial {
    spare: Mutex<Option<OwnedFd>>,
}

impl Dial {
    /// Tries once to connect to a port of the loopback. `socket` gives an unconnected, non-blocking
    /// TCP socket of the jail's network, and is asked only if none was refused before.
    ///
    /// # Errors
    /// There is no socket, or nobody listens.
    pub(crate) async fn connect(
        &self,
        port: u16,
        socket: impl Future<Output = io::Result<OwnedFd>>,
    ) -> io::Result<TcpStream> {
        let spare = self.spare.lock().take();
        let socket = match spare {
            Some(spare) => spare,
            None => socket.await?,
        };
        let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let stream = match rustix::net::connect(&socket, &at) {
            Ok(()) => return TcpStream::from_std(socket.into()),
            Err(Errno::INPROGRESS) => TcpStream::from_std(socket.into())?,
            Err(error) => return Err(self.refused(socket, error)),
        };
        stream.writable().await?;
        // Asking once more says what became of it, and makes a refused socket a new one.
        match rustix::net::connect(&stream, &at) {
            Ok(()) | Err(Errno::ISCONN) => Ok(stream),
            Err(error) => Err(self.refused(stream.into_std()?.into(), error)),
        }
    }

    fn refused(&self, socket: OwnedFd, error: Errno) -> io::Error {
        *self.spare.lock() = Some(socket);
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_socket_that_was_refused_is_used_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let (dial, made) = (Dial::default(), AtomicUsize::new(0));
        let socket = async || {
            made.fetch_add(1, Ordering::SeqCst);
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            Ok(socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?)
        };
        for _ in 0..20 {
            let error = dial.connect(port, socket()).await.expect_err("nobody listens");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
        for number in 1..3 {
            let mut stream = dial.connect(port, socket()).await.expect("a connection");
            assert_eq!(made.load(Ordering::SeqCst), number);
            let (mut other, _) = listener.accept().await.expect("a connection");
            other.write_all(b"hello").await.expect("sent");
            let mut hello = [0; 5];
            stream.read_exact(&mut hello).await.expect("received");
            assert_eq!(&hello, b"hello");
        }
    }
}
