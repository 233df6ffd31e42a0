//! What the fuzzer and the tests call: what a process says first in a tunnel, and what a Worker's runtime
//! asks of a namespace.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::door::hello::{HANDSHAKE, read};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// The first message of a TLS handshake. A part of one is waited for; how it is cut into records
/// changes nothing; and whoever ends TLS reads the same name.
///
/// # Errors
/// The promise that was broken.
pub fn hello(bytes: &[u8]) -> Outcome {
    let found = read(bytes);
    let Ok(Some(hello)) = &found else { return Ok(()) };
    let part = (0..bytes.len()).rev().find(|&length| read(&bytes[..length]) != found);
    let part = part.unwrap_or_default();
    if let Some(length) = (0..=part).find(|&length| read(&bytes[..length]) != Ok(None)) {
        return Err(format!("its first {length} bytes are more than a part of it"));
    }
    let message = message(&bytes[..=part]);
    for size in [1, 7, 16_000] {
        let again: Vec<u8> = message.chunks(size).flat_map(record).collect();
        if read(&again) != found {
            return Err(format!("it is another in records of {size} bytes"));
        }
    }
    let name = rustls_name(bytes);
    if name.is_some() && name != hello.server_name {
        return Err(format!("{:?} is {name:?} to rustls", hello.server_name));
    }
    Ok(())
}

/// A request to a namespace: a method, a space and a URI on the first line, fields up to an empty line,
/// and the body. A key is the same whichever of its bytes are percent-encoded; what says that it expires
/// or has metadata is not written; and several keys are answered one by one.
///
/// # Errors
/// The promise that was broken.
pub fn namespace(bytes: &[u8]) -> Outcome {
    crate::door::asked_of_a_namespace(bytes)
}

/// The payloads of all records.
fn message(mut bytes: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some((&[_, _, _, high, low], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        message.extend_from_slice(&rest[..length]);
        bytes = &rest[length..];
    }
    message
}

fn record(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    [&[HANDSHAKE, 3, 3][..], &length, payload].concat()
}

/// The name that rustls finds, if it takes the message.
fn rustls_name(mut bytes: &[u8]) -> Option<String> {
    let mut acceptor = rustls::server::Acceptor::default();
    while !bytes.is_empty() {
        if acceptor.read_tls(&mut bytes).ok()? == 0 {
            return None;
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                return accepted.client_hello().server_name().map(str::to_ascii_lowercase);
            }
            Ok(None) => {}
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn hello() {
        fuzzing::run("hello", 4000, super::hello);
    }

    #[test]
    fn namespace() {
        fuzzing::run("namespace", 4000, super::namespace);
    }
}
