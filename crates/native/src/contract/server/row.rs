//! What one contract consists of, as data.

use super::facts::Fact;
use super::said::Said;
use std::time::Duration;

/// A contract.
pub(super) struct Row {
    /// Where the code lies in the jail.
    pub(super) root: &'static str,
    /// The port, where the manifest says none.
    pub(super) port: u16,
    /// What an interpreter whose name begins so is given, where the manifest has no command.
    pub(super) entries: &'static [(&'static str, &'static [&'static str])],
    /// What the process finds in its environment.
    pub(super) environment: &'static [(&'static str, Fact)],
    /// Header fields that only this platform may send; a `*` ends a beginning.
    pub(super) reserved: &'static [&'static str],
    /// Header fields that the platform sends with each call.
    pub(super) said: &'static [(&'static str, Said)],
    /// What becomes of a request's path.
    pub(super) paths: Paths,
    /// How an event is sent.
    pub(super) event: Event,
    /// When the server can take calls, unless the manifest names a probe.
    pub(super) ready: Ready<'static>,
    /// How it is ended.
    pub(super) stop: Stop,
    /// Header fields of answers by which a function says that it failed.
    pub(super) signals: &'static [Signal],
    /// Header fields of answers that are not for callers; a `*` ends a beginning.
    pub(super) kept_back: &'static [&'static str],
    /// The field by which the caller of an event is told that the function failed.
    pub(super) tells: Option<(&'static str, &'static str)>,
    /// What a call and its answer look like.
    pub(super) form: Form,
}

/// What a call and its answer look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// They are what they are.
    Plain,
    /// Azure's JSON, unless the manifest says `forward`.
    Azure,
    /// OpenWhisk's JSON.
    Whisk,
    /// Fn's header fields.
    Fn,
    /// Plain, over a connection that is the only one and stays.
    Stdio,
    /// Plain; a time of a schedule goes to a Worker's handler for that.
    Worker,
}

/// What becomes of a request's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paths {
    /// It stays.
    AsIs,
    /// A leading `/function/NAME` goes.
    WithoutFunction,
}

/// How an event is sent. The method is POST.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    /// The path.
    pub(super) path: &'static str,
    /// The content type, and whether it is that whatever the event says.
    pub(super) kind: Kind,
}

/// The content type of an event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Where the event says none.
    Else(&'static str),
    /// Always.
    Always(&'static str),
}

/// When a server can take calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ready<'a> {
    /// Its port is listened on.
    Listening,
    /// It answers whatever it is asked.
    Answers,
    /// It answers GET of this path with 2xx.
    Probe(&'a str),
}

/// How a server is ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// It is not asked.
    Kill,
    /// SIGTERM, and so long to end.
    Terminate(Duration),
    /// SIGTERM, and as long as an invocation may take to end.
    Drain,
}

/// A header field by which a function says that it failed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    /// By being there.
    There(&'static str),
    /// By another value than this one.
    Not(&'static str, &'static str),
}

/// Whether a list of names and beginnings, in small letters, has this name. `_` is read as `-`,
/// because a server that maps fields to variables cannot tell the two apart.
pub(super) fn lists(list: &[&str], name: &str) -> bool {
    let same = |a: u8, b: u8| a == if b == b'_' { b'-' } else { b };
    let begins = |name: &str, with: &str| {
        name.len() >= with.len() && with.bytes().zip(name.bytes()).all(|(a, b)| same(a, b))
    };
    list.iter().any(|listed| match listed.strip_suffix('*') {
        Some(beginning) => begins(name, beginning),
        None => name.len() == listed.len() && begins(name, listed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_beginnings_are_found_in_both_spellings() {
        let list = ["x-fc-*", "event-id"];
        for name in ["x-fc-", "x-fc-request-id", "x_fc_request_id", "event-id", "event_id"] {
            assert!(lists(&list, name), "{name}");
        }
        for name in ["x-fc", "event-id2", "event-i", "my-event-id", ""] {
            assert!(!lists(&list, name), "{name}");
        }
    }
}
