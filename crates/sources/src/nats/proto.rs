//! What a NATS server says, read as it comes.
//!
//! Invariant: no more of a message is kept than [`Reader::new`] was told, whatever it announces.
//! Invariant: how it is cut into pieces changes nothing.

use bytes::{Buf as _, Bytes, BytesMut};

/// Longest line: what a server says of itself names all of its cluster.
const LINE_MAX: usize = 64 << 10;

/// A message, or what else a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// What it is, as JSON.
    Info(Bytes),
    Message(Message),
    Ping,
    Pong,
    /// What was wrong.
    Err(String),
    /// All is well.
    Ok,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) subject: String,
    /// Where an answer is heard.
    pub(crate) reply: Option<String>,
    /// Its head: a line with the version, and in messages of the server's own a status, and a line for
    /// each field.
    pub(crate) fields: Bytes,
    /// What it says, or how long all of it was if it was not kept.
    pub(crate) data: Result<Bytes, u64>,
}

impl Message {
    /// The number in `NATS/1.0 404 No Messages`, and the words behind it. Whoever sends a message may
    /// write one, too.
    pub(crate) fn status(&self) -> Option<(u16, &[u8])> {
        let line = self.lines().next()?.strip_prefix(b"NATS/1.0 ")?;
        let (digits, words) = line.split_at_checked(3)?;
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Some((number, words.trim_ascii()))
    }

    /// The first field of a name. Names are compared letter by letter, as the server does.
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        self.lines().skip(1).find_map(|line| {
            let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
            Some(value.trim_ascii())
        })
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.fields.split(|byte| *byte == b'\n');
        lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// Bytes that no server of NATS says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is nothing that NATS says: {0}")]
pub(crate) struct Wrong(&'static str);

/// Reads one frame after the other.
#[derive(Debug)]
pub(crate) struct Reader {
    most: u64,
    passing: Option<(u64, Message)>,
}

/// The line before a message.
struct Head {
    message: Message,
    fields: u64,
    total: u64,
}

impl Reader {
    /// A reader that keeps messages of up to so many bytes.
    pub(crate) const fn new(most: u64) -> Self {
        Self { most, passing: None }
    }

    /// Keeps messages of up to so many bytes from now on.
    pub(crate) const fn keep(&mut self, most: u64) {
        self.most = most;
    }

    /// The next frame, once it is there. Takes out of `input` what was read.
    pub(crate) fn read(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, Wrong> {
        if let Some((left, _)) = &mut self.passing {
            let now = (*left).min(input.len() as u64);
            input.advance(usize::try_from(now).unwrap_or(input.len()));
            *left -= now;
            if *left > 0 || input.len() < 2 {
                return Ok(None);
            }
            end(&input.split_to(2))?;
            return Ok(self.passing.take().map(|(_, message)| Frame::Message(message)));
        }
        let within = input.get(..input.len().min(LINE_MAX)).unwrap_or_default();
        let Some(length) = within.windows(2).position(|two| two == b"\r\n") else {
            return match input.len() >= LINE_MAX {
                true => Err(Wrong("a line is too long")),
                false => Ok(None),
            };
        };
        let line = within.get(..length).unwrap_or_default();
        let word = line.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        let rest = line.get(word.len()..).unwrap_or_default();
        let frame = match &*word.to_ascii_uppercase() {
            b"MSG" => return self.message(head(rest, false)?, length + 2, input),
            b"HMSG" => return self.message(head(rest, true)?, length + 2, input),
            b"INFO" => Frame::Info(Bytes::copy_from_slice(rest)),
            b"PING" => Frame::Ping,
            b"PONG" => Frame::Pong,
            b"+OK" => Frame::Ok,
            b"-ERR" => Frame::Err(String::from_utf8_lossy(rest).trim().to_owned()),
            _ => return Err(Wrong("a line begins with no word that is known")),
        };
        input.advance(length + 2);
        Ok(Some(frame))
    }

    fn message(
        &mut self,
        head: Head,
        line: usize,
        input: &mut BytesMut,
    ) -> Result<Option<Frame>, Wrong> {
        let Head { mut message, fields, total } = head;
        let data = total.checked_sub(fields).ok_or(Wrong("a message is shorter than its head"))?;
        let length = usize::try_from(total).ok();
        let fits = data <= self.most && fields <= self.most.max(LINE_MAX as u64);
        let Some(length) = length.filter(|_| fits) else {
            input.advance(line);
            message.data = Err(total);
            self.passing = Some((total, message));
            return self.read(input);
        };
        let whole = line.saturating_add(length).saturating_add(2);
        if input.len() < whole {
            input.reserve(whole - input.len());
            return Ok(None);
        }
        input.advance(line);
        let mut text = input.split_to(length).freeze();
        end(&input.split_to(2))?;
        message.fields = text.split_to(usize::try_from(fields).unwrap_or(0));
        message.data = Ok(text);
        Ok(Some(Frame::Message(message)))
    }
}

/// `SUBJECT SID [REPLY] [FIELDS] TOTAL`
fn head(text: &[u8], fields: bool) -> Result<Head, Wrong> {
    let text = std::str::from_utf8(text).map_err(|_| Wrong("a subject is no text"))?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    let numbers = if fields { 2 } else { 1 };
    let (subject, reply) = match words.len().checked_sub(numbers) {
        Some(2) => (words.first(), None),
        Some(3) => (words.first(), words.get(2)),
        _ => return Err(Wrong("the line of a message has other words")),
    };
    let (total, own) = (number(words.len() - 1), number(words.len().saturating_sub(2)));
    let (Some(subject), Some(total)) = (subject, total) else {
        return Err(Wrong("the length of a message is no number"));
    };
    let fields = match (fields, own) {
        (false, _) => 0,
        (true, Some(own)) => own,
        (true, None) => return Err(Wrong("the length of a head is no number")),
    };
    let message = Message {
        subject: (*subject).to_owned(),
        reply: reply.map(|reply| (*reply).to_owned()),
        fields: Bytes::new(),
        data: Err(0),
    };
    Ok(Head { message, fields, total })
}

fn end(two: &[u8]) -> Result<(), Wrong> {
    if two == b"\r\n" { Ok(()) } else { Err(Wrong("a message does not end where it should")) }
}

/// All frames in some bytes that come in pieces of so many.
#[cfg(any(test, fuzzing))]
pub(crate) fn all(bytes: &[u8], cut: usize, most: u64) -> Result<Vec<Frame>, Wrong> {
    let (mut reader, mut input) = (Reader::new(most), BytesMut::new());
    let mut found = Vec::new();
    for piece in bytes.chunks(cut.max(1)) {
        input.extend_from_slice(piece);
        while let Some(frame) = reader.read(&mut input)? {
            found.push(frame);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(reply: Option<&str>, fields: &'static [u8], data: Result<&str, u64>) -> Frame {
        Frame::Message(Message {
            subject: "a.b".to_owned(),
            reply: reply.map(str::to_owned),
            fields: Bytes::from_static(fields),
            data: data.map(|text| Bytes::copy_from_slice(text.as_bytes())),
        })
    }

    #[test]
    fn frames_are_read_as_the_protocol_has_them_and_what_is_too_large_is_passed_over() {
        let bytes = b"INFO {\"a\":1}\r\nPING\r\npong\r\n+OK\r\n-ERR 'no'\r\nMSG a.b 1 2\r\nhi\r\n\
            MSG a.b 1 $JS.ACK.x 0\r\n\r\nHMSG a.b 1 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n\
            HMSG a.b 1 r 18 20\r\nNATS/1.0\r\nk: v\r\n\r\nhi\r\nMSG a.b 1 5\r\nlarge\r\n\
            HMSG a.b 1 r 12 17\r\nNATS/1.0\r\n\r\nlarge\r\nPING\r\n";
        let expect = [
            Frame::Info(Bytes::from_static(b" {\"a\":1}")),
            Frame::Ping,
            Frame::Pong,
            Frame::Ok,
            Frame::Err("'no'".to_owned()),
            message(None, b"", Ok("hi")),
            message(Some("$JS.ACK.x"), b"", Ok("")),
            message(None, b"NATS/1.0 404 No Messages\r\n\r\n", Ok("")),
            message(Some("r"), b"NATS/1.0\r\nk: v\r\n\r\n", Ok("hi")),
            message(None, b"", Err(5)),
            message(Some("r"), b"", Err(17)),
            Frame::Ping,
        ];
        for cut in 1..bytes.len() {
            assert_eq!(all(bytes, cut, 4).expect("frames"), expect, "{cut}");
        }
    }

    #[test]
    fn the_first_field_of_a_name_counts_and_a_status_is_a_number() {
        let with = |fields| match message(None, fields, Ok("")) {
            Frame::Message(message) => message,
            _ => unreachable!("a message"),
        };
        let fields =
            with(b"NATS/1.0\r\nNats-Msg-Id:  7 \r\nnats-msg-id: 8\r\nNats-Msg-Id: 9\r\n\r\n");
        assert_eq!(fields.field("Nats-Msg-Id"), Some(&b"7"[..]));
        assert_eq!((fields.field("Nats-Msg"), fields.field("NATS/1.0")), (None, None));
        assert_eq!((fields.status(), with(b"").status()), (None, None));
        for (fields, status) in [
            (&b"NATS/1.0 408 Request Timeout\r\n\r\n"[..], Some((408, &b"Request Timeout"[..]))),
            (b"NATS/1.0 100", Some((100, b""))),
            (b"NATS/1.0 4", None),
            (b"NATS/1.0 four", None),
        ] {
            assert_eq!(with(fields).status(), status);
        }
    }

    #[test]
    fn what_nats_does_not_say_is_refused() {
        for bytes in [
            &b"HELLO\r\n"[..],
            b"\r\n",
            b"MSG a 1\r\n",
            b"MSG a 1 r x 2\r\nhi\r\n",
            b"MSG a 1 x\r\n",
            b"HMSG a 1 9 2\r\nhi\r\n",
            b"MSG a 1 1\r\nhi\r\n",
            b"MSG \xff 1 1\r\nh\r\n",
            b"MSG a 1 99\r\nh\r\n",
        ] {
            let more = [bytes, &[b'x'; 200]].concat();
            assert!(all(&more, 7, 4).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(all(&[b'x'; LINE_MAX], 999, 4).is_err());
    }

    fn frames() -> impl Strategy<Value = Vec<(Vec<u8>, u64)>> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
        let plain = |text: &str| (text.as_bytes().to_vec(), 0);
        let frame = prop_oneof![
            Just(plain("PING\r\n")),
            Just(plain("INFO {}\r\n")),
            "[a-z]{1,9}".prop_map(|text| (format!("-ERR '{text}'\r\n").into_bytes(), 0)),
            (bytes(), "[a-z.]{1,9}", any::<bool>()).prop_map(|(data, subject, reply)| {
                let reply = if reply { " r.s" } else { "" };
                let line = format!("MSG {subject} 1{reply} {}\r\n", data.len());
                let length = data.len() as u64;
                ([line.as_bytes(), &data, b"\r\n"].concat(), length)
            }),
            (bytes(), "[a-z]{0,30}").prop_map(|(data, value)| {
                let fields = format!("NATS/1.0\r\nk: {value}\r\n\r\n");
                let (own, all) = (fields.len(), fields.len() + data.len());
                let line = format!("HMSG a 1 {own} {all}\r\n");
                let length = data.len() as u64;
                ([line.as_bytes(), fields.as_bytes(), &data, b"\r\n"].concat(), length)
            }),
        ];
        proptest::collection::vec(frame, 0..9)
    }

    proptest! {
        #[test]
        fn pieces_change_nothing_and_no_more_is_kept_than_may_be(
            frames in frames(), cut in 1usize..50, most in 0u64..40,
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            let whole = all(&bytes, bytes.len(), most).expect("frames");
            prop_assert_eq!(&whole, &all(&bytes, cut, most).expect("frames"));
            prop_assert_eq!(whole.len(), frames.len());
            for (frame, (_, length)) in whole.iter().zip(&frames) {
                let Frame::Message(message) = frame else { continue };
                match &message.data {
                    Ok(data) => prop_assert!(data.len() as u64 == *length && *length <= most),
                    Err(all) => prop_assert!(*length > most && all >= length),
                }
            }
        }
    }
}
