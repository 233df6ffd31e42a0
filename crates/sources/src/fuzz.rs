//! What the fuzzer and the tests call: what brokers answer.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

mod nats;
mod redis;

pub use nats::nats;
pub use redis::redis;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

#[cfg(test)]
mod tests {
    #[test]
    fn replies() {
        fuzzing::run("redis_reply", 3000, super::redis);
    }

    #[test]
    fn frames() {
        fuzzing::run("nats_frame", 3000, super::nats);
    }
}
