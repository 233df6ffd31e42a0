//! Connecting to a socket that a jail's program made.
//!
//! The program can put anything at a name, at any moment: a link to a socket of somebody else's, or of
//! the machine's. So a name is resolved below the jail's own directory and nowhere else, and what was
//! found is held by a descriptor and connected to by that, not by its name.
//!
//! Invariant: no path that a jail can write to is resolved outside its directory.

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect as dial};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use tokio::net::UnixStream;

/// Tries once to connect to a socket below a directory.
///
/// # Errors
/// It is not there, leads out of the directory, is no socket, or nobody listens.
pub(super) fn connect(directory: impl AsFd, name: &CStr) -> io::Result<UnixStream> {
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let found = openat2(directory, name, flags, Mode::empty(), beneath)?;
    if FileType::from_raw_mode(fstat(&found)?.st_mode) != FileType::Socket {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no socket"));
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let kind = SocketType::STREAM;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
    // The kernel goes from this name to what the descriptor is, and looks at no other.
    let by_number = format!("/proc/self/fd/{}", found.as_raw_fd());
    dial(&socket, &SocketAddrUnix::new(by_number.as_str())?)?;
    UnixStream::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::fs::File;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[tokio::test]
    async fn a_link_is_followed_within_the_directory_and_never_out_of_it() {
        let place = tempfile::tempdir().expect("a directory");
        let (inside, outside) = (place.path().join("iofs"), place.path().join("outside.sock"));
        std::fs::create_dir(&inside).expect("a directory");
        let foreign = UnixListener::bind(&outside).expect("a socket");
        foreign.set_nonblocking(true).expect("set");
        let _own = UnixListener::bind(inside.join("phony.sock")).expect("a socket");
        std::fs::write(inside.join("file"), "").expect("written");
        std::fs::hard_link(&outside, inside.join("hard")).expect("linked");
        let absolute = outside.to_str().expect("text");
        for (name, target) in [
            ("good", "phony.sock"),
            ("absolute", absolute),
            ("up", "../outside.sock"),
            ("twice", "up"),
            ("file-link", "file"),
            ("magic", "/proc/self/fd/0"),
            ("nowhere", "missing"),
            ("round", "round"),
        ] {
            symlink(target, inside.join(name)).expect("linked");
        }
        let directory = File::open(&inside).expect("opened");
        let try_one = |name: &str| connect(&directory, &CString::new(name).expect("text"));
        assert!(try_one("phony.sock").is_ok() && try_one("good").is_ok());
        for bad in ["absolute", "up", "twice", "file-link", "magic", "nowhere", "round", "file"] {
            assert!(try_one(bad).is_err(), "{bad}");
        }
        assert!(try_one("../outside.sock").is_err() && try_one(absolute).is_err());
        assert!(foreign.accept().is_err(), "somebody came");
        // A jail cannot make such a one: it would have to see the other's file system.
        assert!(try_one("hard").is_ok());
    }
}
