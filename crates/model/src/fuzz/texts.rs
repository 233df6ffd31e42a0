//! Short texts: routes, units, grants and names, `traceparent`. Each is compared with a second
//! reader that is written differently, and must come back as it was printed.

use super::{Outcome, hold};
use crate::route::{METHODS, Route};
use crate::trace::TraceParent;
use crate::unit::{Duration, Size};
use crate::{Action, FunctionName, Grant, Principal, TenantName};

/// A route pattern. What was read is printed in a form that reads as the same; its path climbs
/// nowhere, and its shape forgets the parameters' names and nothing else.
///
/// # Errors
/// The promise that was broken.
pub fn route(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let Ok(route) = Route::parse(text) else { return Ok(()) };
    let printed = route.to_string();
    hold(Route::parse(&printed).as_ref() == Ok(&route), format_args!("{printed:?} reads else"))?;
    hold(METHODS.contains(&route.method.as_str()), "a method that is none")?;
    hold(route.path.starts_with('/') && printed.is_ascii(), "a path that is none")?;
    let climbs = route.path.split('/').any(|segment| matches!(segment, "." | ".."));
    let odd = route.path.contains(['%', '?', '#', '\\', ' ', '"']);
    hold(!climbs && !odd, "a path that servers read differently")?;
    if let Some(host) = &route.host {
        hold(!host.bytes().any(|byte| byte.is_ascii_uppercase()), "a host in upper case")?;
        hold(!host.contains(['/', ':', '@', '*']), "a host that is none")?;
    }
    let shape = route.shape();
    let segments = |path: &str| path.matches('/').count();
    hold(segments(&shape) == segments(&route.path), "a shape with other segments")?;
    let json = serde_json::to_string(&route).map_err(|error| error.to_string())?;
    hold(serde_json::from_str(&json).ok() == Some(route), "another route in JSON")
}

/// A duration or a size. Read as a reference with more room reads it, and printed in a form that
/// reads as the same.
///
/// # Errors
/// The promise that was broken.
pub fn unit(bytes: &[u8]) -> Outcome {
    const TIMES: &[(&str, u128)] = &[
        ("ms", 1),
        ("s", 1000),
        ("m", 60_000),
        ("min", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    const SIZES: &[(&str, u128)] = &[
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1000),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
    ];
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let duration = text.parse::<Duration>().ok();
    hold(duration.map(|it| it.ms) == counted(text, TIMES), "a duration that is another")?;
    let size = text.parse::<Size>().ok();
    hold(size.map(|it| it.bytes) == counted(text, SIZES), "a size that is another")?;
    if let Some(duration) = duration {
        hold(duration.to_string().parse() == Ok(duration), "a duration that does not come back")?;
    }
    match size {
        Some(size) => hold(size.to_string().parse() == Ok(size), "a size that does not come back"),
        None => Ok(()),
    }
}

/// A number and a unit, counted digit by digit.
fn counted(text: &str, units: &[(&str, u128)]) -> Option<u64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - unit.len()];
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    let mut count = 0u128;
    for digit in digits.bytes() {
        count = count.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
    }
    // The number itself has to fit, not only what it comes to.
    let count = u64::try_from(count).ok().filter(|_| !digits.is_empty())?;
    u64::try_from(u128::from(count) * factor).ok()
}

/// Three lines: who, what for, and what. A grant is printed and written in JSON in forms that
/// read as the same, names are in their alphabet, and pairings that mean nothing are refused.
///
/// # Errors
/// The promise that was broken.
pub fn grant(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let mut lines = text.splitn(3, '\n');
    let [who, action, what] = [(); 3].map(|()| lines.next().unwrap_or_default());
    for text in [who, what] {
        name(text)?;
    }
    if let Ok(principal) = who.parse::<Principal>() {
        hold(principal.to_string() == who, "a principal that is printed as another")?;
    }
    let grant = Grant::parse(who, action, what);
    let json = serde_json::json!({ "who": who, "action": action, "function": what, "target": what, "application": what });
    let read = serde_json::from_value::<Grant>(json).ok().and_then(|read| read.checked().ok());
    hold(read.as_ref() == grant.as_ref().ok(), "the JSON form and the parts read differently")?;
    let Ok(grant) = grant else { return Ok(()) };
    let json = serde_json::to_string(&grant).map_err(|error| error.to_string())?;
    hold(serde_json::from_str::<Grant>(&json).ok().as_ref() == Some(&grant), "JSON loses it")?;
    let sound = match (&grant.who, &grant.action) {
        (Principal::Function(_), Action::Http { target }) => {
            target == what && !target.contains(|c: char| c.is_control())
        }
        (Principal::Function(_), Action::KeyValue { target } | Action::Blob { target }) => {
            target == what && crate::store::StoreTarget::parse(what).is_some()
        }
        (Principal::Function(_), Action::Secret { target }) => {
            target == what && crate::grant::SecretTarget::parse(what).is_some()
        }
        (Principal::Function(_), Action::DataReveal { target }) => {
            target == what && crate::grant::DataTarget::parse(what).is_some()
        }
        (Principal::Function(_), Action::Reveal { target }) => target.as_str() == what,
        (Principal::Function(_), Action::Tcp { target }) => {
            crate::Destination::parse(what).as_ref() == Ok(target)
        }
        (
            _,
            Action::Http { .. }
            | Action::KeyValue { .. }
            | Action::Blob { .. }
            | Action::Secret { .. }
            | Action::Tcp { .. }
            | Action::DataReveal { .. }
            | Action::Reveal { .. },
        ) => false,
        (
            Principal::Public | Principal::Function(_) | Principal::Trigger(_),
            Action::InvokeAsync { .. },
        )
        | (Principal::Public | Principal::Trigger(_), Action::Publish { .. }) => false,
        (_, Action::Publish { application }) => application.as_str() == what,
        (_, Action::Invoke { function } | Action::InvokeAsync { function }) => {
            function.as_str() == what
        }
    };
    hold(sound, format_args!("a grant that means nothing: {grant:?}"))
}

/// A name is 1 to 63 of `a-z0-9-`, with a letter first and no `-` at the end, however it is read.
fn name(text: &str) -> Outcome {
    let inner = text.strip_prefix(|c: char| c.is_ascii_lowercase());
    let ok = inner.is_some_and(|rest| {
        rest.len() < 63
            && !rest.ends_with('-')
            && rest.chars().all(|c| c == '-' || c.is_ascii_digit() || c.is_ascii_lowercase())
    });
    let tenant = TenantName::parse(text);
    let reserved = ["casemate", "node", "system"].contains(&text);
    hold(tenant.is_ok() == (ok && !reserved), "a name that is none, or one that is refused")?;
    let function = FunctionName::parse(text);
    hold(ok || function.is_err(), "a function's name that is none")?;
    let json = serde_json::Value::from(text);
    let read = serde_json::from_value::<FunctionName>(json).ok();
    hold(read == function.ok(), "JSON reads another name")
}

/// A `traceparent`. Read as the standard's grammar says, and printed in a form that reads as the
/// same.
///
/// # Errors
/// The promise that was broken.
pub fn traceparent(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let read = TraceParent::parse(text);
    hold(read.is_some() == follows_the_grammar(text), "the grammar says otherwise")?;
    let Some(parent) = read else { return Ok(()) };
    let printed = parent.to_string();
    hold(TraceParent::parse(&printed) == Some(parent), "it does not come back")?;
    hold(printed.len() == 55 && printed[2..] == text[2..55], "it is printed as another")
}

/// `VERSION-TRACE-SPAN-FLAGS` in lower-case hexadecimal digits; a version above 00 may go on
/// behind another `-`.
fn follows_the_grammar(text: &str) -> bool {
    let mut parts = text.splitn(5, '-');
    let hex = |part: Option<&str>, digits: usize| {
        let ok = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        part.filter(|part| part.len() == digits && part.chars().all(ok)).map(str::to_owned)
    };
    let version = hex(parts.next(), 2).filter(|version| version != "ff");
    let trace = hex(parts.next(), 32).filter(|trace| trace.contains(|c| c != '0'));
    let span = hex(parts.next(), 16).filter(|span| span.contains(|c| c != '0'));
    let flags = hex(parts.next(), 2);
    let more = parts.next();
    let plain = text.is_ascii() && !text.contains(|c: char| c.is_ascii_uppercase());
    let more_ok = more.is_none() || version.as_deref() != Some("00");
    version.and(trace).and(span).and(flags).is_some() && more_ok && plain
}
