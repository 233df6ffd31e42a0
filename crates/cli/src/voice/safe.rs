//! Foreign text made harmless before a terminal sees it.
//!
//! A function's log line, a trap message or an error text may hold escape sequences that move the
//! cursor, change the window's title or rewrite what was printed before.
//!
//! Invariant: what comes out holds no control character but those that the caller let through,
//! and no character that changes the direction of text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Whether a terminal might act on the character instead of showing it.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// The text with every active character written as an escape, such as `\u{1b}` or `\n`.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(&mut out, c, |_| false));
    Cow::Owned(out)
}

/// JSON text with the active characters that JSON itself lets stand written as `\u` escapes.
/// Outside strings JSON has none of them but line ends, so the document stays the same document.
pub(crate) fn safe_json(text: &str) -> Cow<'_, str> {
    let touch = |c: char| is_active(c) && c != '\n';
    if !text.contains(touch) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if touch(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn push(out: &mut String, c: char, keep: impl Fn(char) -> bool) {
    if is_active(c) && !keep(c) {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                let _infallible = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    } else {
        out.push(c);
    }
}

/// Makes a stream of bytes safe to look at: line ends and tabs stay, other active characters are
/// escaped, and bytes that are no UTF-8 become U+FFFD.
pub(crate) struct SafeWriter<W> {
    inner: W,
    /// The beginning of a character whose rest has not come yet; at most three bytes.
    pending: Vec<u8>,
}

impl<W: Write> SafeWriter<W> {
    /// Wraps `inner`.
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, pending: Vec::new() }
    }

    /// Writes what was held back, and hands the inner writer the whole.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.pending);
        self.put(&String::from_utf8_lossy(&rest))?;
        self.inner.flush()
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        let mut out = String::with_capacity(text.len());
        text.chars().for_each(|c| push(&mut out, c, |c| c == '\n' || c == '\t'));
        self.inner.write_all(out.as_bytes())
    }
}

impl<W: Write> Write for SafeWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = std::mem::take(&mut self.pending);
        held.extend_from_slice(bytes);
        // A character that is only cut short at the end is held back; other bad bytes are not.
        let cut = match std::str::from_utf8(&held) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => incomplete_tail(&held),
        };
        let (whole, tail) = held.split_at(cut);
        self.put(&String::from_utf8_lossy(whole))?;
        self.pending = tail.to_vec();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Where the last character begins, if it is cut short; else the length.
fn incomplete_tail(bytes: &[u8]) -> usize {
    for back in 1..=3.min(bytes.len()) {
        let at = bytes.len() - back;
        let tail = bytes.get(at..).unwrap_or_default();
        if matches!(std::str::from_utf8(tail), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
        {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_would_act_on() {
        for (text, expect) in [
            ("plain äöü 漢字", "plain äöü 漢字"),
            ("\x1b[31mred\x1b[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("a\rb\nc\td", "a\\rb\\nc\\td"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
            ("\u{7f}", "\\u{7f}"),
        ] {
            assert_eq!(safe(text), expect);
            assert_eq!(safe(&safe(text)), expect, "twice is as good as once");
        }
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({"text": "\u{9b}2J \u{202e} \u{e0041} \x1b ok"});
        let text = serde_json::to_string_pretty(&value).expect("plain data");
        let made = safe_json(&text);
        assert!(!made.contains(|c| is_active(c) && c != '\n'), "{made}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&made).expect("JSON"), value);
    }

    #[test]
    fn a_stream_is_made_safe_wherever_it_is_cut() {
        let bytes = "é\x1b[2J漢\n\tend".as_bytes();
        let bad = [bytes, &[0xff, b'x', 0xe6]].concat();
        for cut in 0..=bad.len() {
            let mut out = Vec::new();
            let mut writer = SafeWriter::new(&mut out);
            writer.write_all(&bad[..cut]).expect("memory");
            writer.write_all(&bad[cut..]).expect("memory");
            writer.finish().expect("memory");
            let text = String::from_utf8(out).expect("text");
            assert_eq!(text, "é\\u{1b}[2J漢\n\tend\u{fffd}x\u{fffd}", "cut at {cut}");
        }
    }
}
