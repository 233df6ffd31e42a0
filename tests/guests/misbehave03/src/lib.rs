//! A guest of WASI 0.3 that misbehaves as its caller wishes: the path's last segment says how.
//!
//! `/list` answers with all the ways. What both versions of WASI have in common is tried by
//! `misbehave`; here is what only 0.3 has, and enough of the rest to see that limits hold there too.

mod answer;
mod ask;
mod body;
mod flood;
mod lines;
mod state;
mod use_up;
mod world;

use ask::Ask;
use std::future::Future;
use std::pin::Pin;
use wasip3::http::types::{ErrorCode, Request, Response};

struct Misbehave;

wasip3::http::service::export!(Misbehave);

/// What comes of a way.
type Answer = Result<Response, ErrorCode>;
/// One way to misbehave.
type Way = fn(Ask) -> Pin<Box<dyn Future<Output = Answer>>>;

macro_rules! ways {
    ($($name:literal: $way:path,)*) => {
        &[$(($name, |ask| Box::pin($way(ask)))),*]
    };
}

/// Every way, by its path.
const WAYS: &[(&str, Way)] = ways! {
    "list": list,
    // Good behaviour.
    "hello": answer::hello,
    "echo": body::echo,
    "pipe": body::pipe,
    "read-all": body::read_all,
    "sleep": use_up::sleep,
    "state": use_up::state,
    "log": lines::log,
    // CPU, memory, time.
    "loop": use_up::spin,
    "loop-in-host": use_up::spin_in_host,
    "loop-yielding": use_up::spin_yielding,
    "alloc": use_up::alloc,
    "hang": use_up::hang,
    "never": use_up::never,
    // Floods.
    "subtasks": flood::subtasks,
    "streams": flood::streams,
    "futures": flood::futures,
    "fields": flood::fields,
    "spawn": flood::spawn,
    "log-flood": lines::flood,
    // The reply.
    "status": answer::status,
    "error-code": answer::error_code,
    "drop-response": answer::drop_response,
    "twice": answer::twice,
    "stream-forever": body::forever,
    "slow-stream": body::slow,
    "short-body": body::short,
    "long-body": body::long,
    "body-aborted": body::aborted,
    "body-kept": body::kept,
    "trailers": body::trailers,
    // Crashes, and what comes after the answer.
    "trap": use_up::trap,
    "trap-mid-body": body::trap_midway,
    "after": body::after,
    "after-loop": body::after_loop,
    "after-trap": body::after_trap,
    "exit": world::exit,
    // The world outside.
    "env": world::env,
    "outbound": world::outbound,
    "count": state::count,
    "region": state::region,
};

impl wasip3::exports::http::handler::Guest for Misbehave {
    async fn handle(request: Request) -> Answer {
        let ask = Ask::new(request);
        match WAYS.iter().find(|(name, _)| *name == ask.way) {
            Some((_, way)) => way(ask).await,
            None => answer::text(404, "no such way to misbehave; see /list\n"),
        }
    }
}

async fn list(_: Ask) -> Answer {
    let names: Vec<&str> = WAYS.iter().map(|(name, _)| *name).collect();
    answer::text(200, &(names.join("\n") + "\n"))
}
