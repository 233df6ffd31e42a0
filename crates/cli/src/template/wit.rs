//! The interface texts that JavaScript and Python are compiled against: WASI HTTP 0.2.3 with all
//! that it needs, the same files that the tests' own guests are built with.

use super::File;

/// A text below `tests/guests/wit`.
macro_rules! wit {
    ($path:literal) => {
        include_str!(concat!("../../../../tests/guests/wit/", $path))
    };
}

/// `wit/` of a project.
pub(super) const WIT: &[File] = &[
    File { path: "wit/world.wit", text: include_str!("../../../../templates/wit/world.wit") },
    File { path: "wit/deps/cli/command.wit", text: wit!("deps/cli/command.wit") },
    File { path: "wit/deps/cli/environment.wit", text: wit!("deps/cli/environment.wit") },
    File { path: "wit/deps/cli/exit.wit", text: wit!("deps/cli/exit.wit") },
    File { path: "wit/deps/cli/imports.wit", text: wit!("deps/cli/imports.wit") },
    File { path: "wit/deps/cli/run.wit", text: wit!("deps/cli/run.wit") },
    File { path: "wit/deps/cli/stdio.wit", text: wit!("deps/cli/stdio.wit") },
    File { path: "wit/deps/cli/terminal.wit", text: wit!("deps/cli/terminal.wit") },
    File {
        path: "wit/deps/clocks/monotonic-clock.wit",
        text: wit!("deps/clocks/monotonic-clock.wit"),
    },
    File { path: "wit/deps/clocks/wall-clock.wit", text: wit!("deps/clocks/wall-clock.wit") },
    File { path: "wit/deps/clocks/world.wit", text: wit!("deps/clocks/world.wit") },
    File { path: "wit/deps/filesystem/preopens.wit", text: wit!("deps/filesystem/preopens.wit") },
    File { path: "wit/deps/filesystem/types.wit", text: wit!("deps/filesystem/types.wit") },
    File { path: "wit/deps/filesystem/world.wit", text: wit!("deps/filesystem/world.wit") },
    File { path: "wit/deps/http/handler.wit", text: wit!("deps/http/handler.wit") },
    File { path: "wit/deps/http/proxy.wit", text: wit!("deps/http/proxy.wit") },
    File { path: "wit/deps/http/types.wit", text: wit!("deps/http/types.wit") },
    File { path: "wit/deps/io/error.wit", text: wit!("deps/io/error.wit") },
    File { path: "wit/deps/io/poll.wit", text: wit!("deps/io/poll.wit") },
    File { path: "wit/deps/io/streams.wit", text: wit!("deps/io/streams.wit") },
    File { path: "wit/deps/io/world.wit", text: wit!("deps/io/world.wit") },
    File { path: "wit/deps/random/insecure-seed.wit", text: wit!("deps/random/insecure-seed.wit") },
    File { path: "wit/deps/random/insecure.wit", text: wit!("deps/random/insecure.wit") },
    File { path: "wit/deps/random/random.wit", text: wit!("deps/random/random.wit") },
    File { path: "wit/deps/random/world.wit", text: wit!("deps/random/world.wit") },
    File {
        path: "wit/deps/sockets/instance-network.wit",
        text: wit!("deps/sockets/instance-network.wit"),
    },
    File {
        path: "wit/deps/sockets/ip-name-lookup.wit",
        text: wit!("deps/sockets/ip-name-lookup.wit"),
    },
    File { path: "wit/deps/sockets/network.wit", text: wit!("deps/sockets/network.wit") },
    File {
        path: "wit/deps/sockets/tcp-create-socket.wit",
        text: wit!("deps/sockets/tcp-create-socket.wit"),
    },
    File { path: "wit/deps/sockets/tcp.wit", text: wit!("deps/sockets/tcp.wit") },
    File {
        path: "wit/deps/sockets/udp-create-socket.wit",
        text: wit!("deps/sockets/udp-create-socket.wit"),
    },
    File { path: "wit/deps/sockets/udp.wit", text: wit!("deps/sockets/udp.wit") },
    File { path: "wit/deps/sockets/world.wit", text: wit!("deps/sockets/world.wit") },
];
