//! An entry as a line of JSON.
//!
//! Invariant: a line is visible text of a bounded length, whatever the client sent.

use super::Entry;
use super::entry::Asked;
use std::io::Write as _;

/// Longest text of one field, in bytes as they came.
const TEXT_BYTES_MAX: usize = 1_024;

/// Appends an entry's line.
pub(super) fn write(line: &mut Vec<u8>, entry: &Entry) {
    line.push(b'{');
    text(line, "time", entry.at.to_string().as_bytes());
    if let Some(id) = &entry.invocation {
        text(line, "invocation", id.as_bytes());
    }
    text(line, "peer", entry.peer.to_string().as_bytes());
    if let Some(asked) = &entry.request {
        describe(line, asked);
    }
    if let Some(met) = entry.noted.met() {
        text(line, "route", met.route.as_bytes());
        text(line, "function", met.function.as_str().as_bytes());
    }
    text(line, "http", entry.http.as_bytes());
    if let Some(tls) = entry.tls {
        text(line, "tls", tls.as_bytes());
    }
    number(line, "status", u64::from(entry.status));
    number(line, "received", entry.received());
    number(line, "sent", entry.sent);
    number(line, "took_us", entry.took_us);
    if entry.cut {
        line.extend(b"\"cut\":true,");
    }
    end(line);
}

/// Says how many lines are missing here.
pub(super) fn write_gap(line: &mut Vec<u8>, dropped: u64) {
    line.push(b'{');
    number(line, "dropped", dropped);
    end(line);
}

fn end(line: &mut Vec<u8>) {
    // The comma of the last pair.
    line.pop();
    line.extend(b"}\n");
}

fn describe(line: &mut Vec<u8>, asked: &Asked) {
    text(line, "method", asked.method.as_str().as_bytes());
    if let Some(host) = &asked.host {
        text(line, "host", host.as_bytes());
    }
    if let Some(target) = &asked.target {
        text(line, "path", target.path().as_bytes());
    }
    if let Some(agent) = &asked.agent {
        text(line, "agent", agent.as_bytes());
    }
}

/// Writing into memory does not fail.
fn number(line: &mut Vec<u8>, key: &str, value: u64) {
    let _ = write!(line, "\"{key}\":{value},");
}

fn text(line: &mut Vec<u8>, key: &str, value: &[u8]) {
    let _ = write!(line, "\"{key}\":\"");
    let cut = value.get(..TEXT_BYTES_MAX).unwrap_or(value);
    for letter in String::from_utf8_lossy(cut).chars() {
        match letter {
            '"' => line.extend(b"\\\""),
            '\\' => line.extend(b"\\\\"),
            ' '..='~' => line.push(letter as u8),
            // All that could move a cursor or hide text, and all that needs a font.
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
        }
    }
    line.extend(b"\",");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(value: &[u8]) -> String {
        let mut line = b"{".to_vec();
        text(&mut line, "k", value);
        end(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn what_could_confuse_a_reader_is_escaped() {
        assert_eq!(shown(b"a\"b\\c"), "{\"k\":\"a\\\"b\\\\c\"}\n");
        assert_eq!(
            shown(b"\x1b[2J\r\n\t\x7f"),
            "{\"k\":\"\\u001b[2J\\u000d\\u000a\\u0009\\u007f\"}\n"
        );
        assert_eq!(
            shown("\u{9b}\u{202e}ä😀".as_bytes()),
            "{\"k\":\"\\u009b\\u202e\\u00e4\\ud83d\\ude00\"}\n"
        );
        assert_eq!(shown(&[0xff]), "{\"k\":\"\\ufffd\"}\n");
        assert_eq!(shown(&[b'x'; 5_000]).len(), TEXT_BYTES_MAX + 9);
    }

    proptest! {
        #[test]
        fn every_text_comes_back_from_its_line(value in ".{0,200}") {
            let line = shown(value.as_bytes());
            prop_assert!(line.trim_end().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let read: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read["k"].as_str(), Some(&*value));
        }
    }
}
