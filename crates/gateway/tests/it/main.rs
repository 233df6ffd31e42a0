//! The gateway over real sockets, with a stage in the place of the engine.
#![expect(clippy::duplicate_mod, reason = "the same tests run over TCP and over TLS")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what serves tests is a test too")]

mod behind;
mod client;
mod conformance;
mod differential;
mod encrypted;
mod floods;
mod logging;
mod multiplexed;
mod raw;
mod relay;
mod stage;

/// HTTP/1.1 over TCP.
#[path = "."]
mod over_tcp {
    use crate::stage::Theatre;
    use casemate_gateway::Config;

    fn open(config: Config) -> Theatre {
        Theatre::open(config)
    }

    #[path = "answers.rs"]
    mod answers;
    #[path = "leaving.rs"]
    mod leaving;
    #[path = "limits.rs"]
    mod limits;
    #[path = "queue.rs"]
    mod queue;
    #[path = "stopping.rs"]
    mod stopping;
    #[path = "streams.rs"]
    mod streams;
    #[path = "strictness.rs"]
    mod strictness;
}

/// The same over TLS.
#[path = "."]
mod over_tls {
    use crate::stage::Theatre;
    use casemate_gateway::Config;

    fn open(config: Config) -> Theatre {
        Theatre::over_tls(config)
    }

    #[path = "answers.rs"]
    mod answers;
    #[path = "leaving.rs"]
    mod leaving;
    #[path = "limits.rs"]
    mod limits;
    #[path = "stopping.rs"]
    mod stopping;
    #[path = "streams.rs"]
    mod streams;
    #[path = "strictness.rs"]
    mod strictness;
}
