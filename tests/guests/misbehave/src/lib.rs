//! A guest that misbehaves as its caller wishes: the path's last segment says how.
//!
//! `/list` answers with all the ways. Numbers come from the query, as in `/sleep?ms=50`.
//!
//! Invariant: whatever does not misbehave answers truthfully, so that a test can tell a limit that
//! held from a guest that failed by itself.

mod answer;
mod ask;
mod call;
mod head;
mod lines;
mod send;
mod stream;
mod use_up;

use ask::Ask;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Misbehave;

wasip2::http::proxy::export!(Misbehave);

/// One way to misbehave.
type Way = fn(&Ask, ResponseOutparam);

/// Every way, by its path.
const WAYS: &[(&str, Way)] = &[
    ("list", list),
    // CPU and memory.
    ("loop", use_up::spin),
    ("loop-in-host", use_up::spin_in_host),
    ("cpu", use_up::cpu),
    ("alloc", use_up::alloc),
    ("alloc-bytes", use_up::alloc_bytes),
    ("recurse", use_up::recurse),
    ("recurse-memory", use_up::recurse_memory),
    ("handles", use_up::handles),
    ("pollables", use_up::pollables),
    ("random-huge", use_up::random_huge),
    ("state", use_up::state),
    // Time.
    ("sleep", use_up::sleep),
    ("hang", use_up::hang),
    ("never", use_up::never),
    // Logs and crashes.
    ("log", lines::log),
    ("log-binary", lines::binary),
    ("log-flood", lines::flood),
    ("log-long-line", lines::long_line),
    ("trap-secret", lines::trap_secret),
    ("trap-mid-body", stream::trap_mid_body),
    ("exit", call::exit),
    // The reply's head.
    ("status", head::status),
    ("headers-endless", head::endless),
    ("headers-many", head::many),
    ("headers-split", head::split),
    ("headers-forbidden", head::forbidden),
    ("error-code", head::error_code),
    ("twice", head::twice),
    // The reply's body.
    ("big", stream::big),
    ("short-body", stream::short_body),
    ("long-body", stream::long_body),
    ("body-aborted", stream::aborted),
    ("trailers", stream::trailers),
    ("stream-forever", stream::forever),
    ("slow-stream", stream::slow),
    ("write-unpermitted", stream::unpermitted),
    // After the answer.
    ("after", stream::after),
    ("after-loop", stream::after_loop),
    ("after-trap", stream::after_trap),
    // The request.
    ("request", call::request),
    ("read-all", call::read_all),
    ("read-none", call::read_none),
    ("read-some", call::read_some),
    // The world outside.
    ("env", call::env),
    ("outbound", call::outbound),
    ("send", send::send),
];

impl wasip2::exports::http::incoming_handler::Guest for Misbehave {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        std::panic::set_hook(Box::new(|info| lines::stderr(&format!("{info}\n"))));
        let ask = Ask::new(request);
        match WAYS.iter().find(|(name, _)| *name == ask.way) {
            Some((_, way)) => way(&ask, out),
            None => answer::text(out, 404, "no such way to misbehave; see /list\n"),
        }
    }
}

fn list(_: &Ask, out: ResponseOutparam) {
    let names: Vec<&str> = WAYS.iter().map(|(name, _)| *name).collect();
    answer::text(out, 200, &(names.join("\n") + "\n"));
}
