//! Where in a request a secret goes, and what stands there already.

use crate::secrets::mask::percent;
use crate::secrets::{Use, aws};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use http::uri::PathAndQuery;
use model::manifest::Form;
use ports::host::HttpCall;
use zeroize::Zeroize as _;

/// What the guest put where the secret goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Nothing: the host puts the secret there by itself.
    Empty,
    /// The placeholder, as it is or in the form that the manifest names.
    Placeholder,
    /// Something else: the guest's own, and left alone.
    Foreign,
}

/// What stands where the secret would go.
pub(super) fn slot(using: &Use, call: &HttpCall) -> Slot {
    match &using.form {
        Form::Query(name) => {
            let mut values = parameters(call).filter(|(key, _)| *key == name.as_str());
            match (values.next(), values.next()) {
                (None, _) => Slot::Empty,
                (Some((_, value)), None) if value == using.placeholder => Slot::Placeholder,
                _ => Slot::Foreign,
            }
        }
        Form::SigV4(_) => {
            let mut values = call.headers.get_all(AUTHORIZATION).iter();
            match (values.next(), values.next()) {
                _ if aws::is_presigned(call) => Slot::Foreign,
                (None, _) => Slot::Empty,
                (Some(value), None) if aws::is_signature(value) => Slot::Placeholder,
                _ => Slot::Foreign,
            }
        }
        // What stands in the body is looked at when it is there, and what is read is in none.
        Form::Body(_) | Form::Reveal => Slot::Empty,
        form => {
            let mut values = call.headers.get_all(field(form)).iter();
            let own = form_of(form, using.placeholder.as_bytes());
            match (values.next(), values.next()) {
                (None, _) => Slot::Empty,
                (Some(value), None)
                    if value.as_bytes() == using.placeholder.as_bytes()
                        || value.as_bytes() == own.as_slice() =>
                {
                    Slot::Placeholder
                }
                _ => Slot::Foreign,
            }
        }
    }
}

/// Whether the placeholder stands anywhere but in its slot, or in its slot while the request goes
/// where the secret is not `wanted`.
pub(super) fn misplaced(using: &Use, call: &HttpCall, wanted: bool) -> bool {
    let holds = |text: &[u8]| memchr::memmem::find(text, using.placeholder.as_bytes()).is_some();
    let in_slot = slot(using, call) == Slot::Placeholder;
    // A request that the guest signed for AWS by itself is none of ours.
    if in_slot && !wanted && !matches!(using.form, Form::SigV4(_)) {
        return true;
    }
    let own = |name: &HeaderName| match &using.form {
        Form::Query(_) | Form::Body(_) | Form::Reveal => false,
        Form::SigV4(_) => aws::drops(name),
        form => field(form) == *name,
    };
    let fields = call.headers.iter().any(|(name, value)| {
        let own = wanted && in_slot && own(name);
        holds(name.as_str().as_bytes()) || (!own && holds(value.as_bytes()))
    });
    let most = usize::from(in_slot && matches!(using.form, Form::Query(_)));
    let uri = call.uri.to_string();
    fields || memchr::memmem::find_iter(uri.as_bytes(), using.placeholder.as_bytes()).count() > most
}

/// Puts the value into its slot. `None` if it does not fit there.
pub(super) fn into(using: &Use, call: &mut HttpCall, value: &[u8]) -> Option<()> {
    match &using.form {
        Form::Query(name) => into_query(call, name, value)?,
        form => {
            let mut text = form_of(form, value);
            let sensitive = HeaderValue::from_bytes(&text);
            text.zeroize();
            let mut sensitive = sensitive.ok()?;
            sensitive.set_sensitive(true);
            call.headers.insert(field(form), sensitive);
        }
    }
    plain_reply(call);
    Some(())
}

/// What is compressed cannot be looked through.
pub(super) fn plain_reply(call: &mut HttpCall) {
    call.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

fn into_query(call: &mut HttpCall, name: &str, value: &[u8]) -> Option<()> {
    let mut path = call.uri.path().to_owned();
    let mut rest: Vec<String> =
        pieces(call).filter(|it| key_of(it) != name).map(ToOwned::to_owned).collect();
    let value = String::from_utf8(percent(value, false)).ok()?;
    rest.push(format!("{name}={value}"));
    path.push('?');
    path.push_str(&rest.join("&"));
    let mut parts = call.uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    call.uri = http::Uri::from_parts(parts).ok()?;
    Some(())
}

/// The field of a form that goes into one.
fn field(form: &Form) -> HeaderName {
    match form {
        Form::Header { name, .. } => name.clone(),
        Form::Hmac(mac) => mac.header.clone(),
        _ => AUTHORIZATION,
    }
}

/// What the field says of a value.
fn form_of(form: &Form, value: &[u8]) -> Vec<u8> {
    match form {
        Form::Header { before, after, .. } => [before.as_bytes(), value, after.as_bytes()].concat(),
        Form::Basic(user) => {
            let mut pair = [user.as_bytes(), b":", value].concat();
            let text = format!("Basic {}", STANDARD.encode(&pair)).into_bytes();
            pair.zeroize();
            text
        }
        Form::OAuth2(_) => [b"Bearer ", value].concat(),
        _ => value.to_vec(),
    }
}

/// Puts a token into `authorization`. `None` if it does not fit there.
pub(super) fn bearer(call: &mut HttpCall, token: &[u8]) -> Option<()> {
    let mut text = [b"Bearer ", token].concat();
    let value = HeaderValue::from_bytes(&text);
    text.zeroize();
    let mut value = value.ok()?;
    value.set_sensitive(true);
    call.headers.insert(AUTHORIZATION, value);
    plain_reply(call);
    Some(())
}

fn pieces(call: &HttpCall) -> impl Iterator<Item = &str> {
    call.uri.query().unwrap_or_default().split('&').filter(|piece| !piece.is_empty())
}

fn key_of(piece: &str) -> &str {
    piece.split_once('=').map_or(piece, |(key, _)| key)
}

fn parameters(call: &HttpCall) -> impl Iterator<Item = (&str, &str)> {
    pieces(call).map(|piece| piece.split_once('=').unwrap_or((piece, "")))
}
