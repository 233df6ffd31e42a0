//! Replies of Redis (RESP2), read as they come.
//!
//! A reader of our own, since what is in a stream is chosen by whoever may write to it: a text that is
//! too large is counted and passed over, and neither kept nor waited for in memory.
//!
//! Invariant: no more than [`Limits::total`] bytes and [`Limits::items`] items of one reply are kept,
//! whatever it announces.
//! Invariant: how a reply is cut into pieces changes nothing.

use bytes::{Buf as _, Bytes, BytesMut};

/// Longest line.
const LINE_MAX: usize = 64 << 10;
/// How deep lists may lie in one another.
const DEPTH_MAX: usize = 8;
/// Longest list.
const LIST_MAX: u64 = 1 << 24;

/// A reply, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// `+OK`
    Simple(String),
    /// `-ERR …`
    Error(String),
    /// `:7`
    Integer(i64),
    /// A text.
    Bulk(Bytes),
    /// Nothing.
    Nil,
    /// A list, and how many items were announced. Those that were not kept are one [`Reply::Lost`].
    List(Vec<Self>, u64),
    /// What was not kept: so many bytes of texts.
    Lost(u64),
}

/// What is kept of one reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Longest text.
    pub(crate) bulk: u64,
    /// Bytes of texts.
    pub(crate) total: u64,
    /// Texts, numbers and lists.
    pub(crate) items: u64,
    /// Items of one list; of a longer one, none is kept.
    pub(crate) list: u64,
}

/// Bytes that are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no reply of Redis: {0}")]
pub(crate) struct Wrong(&'static str);

/// Reads one reply after the other.
#[derive(Debug)]
pub(crate) struct Reader {
    limits: Limits,
    open: Vec<List>,
    /// Bytes of a text that are still to be passed over, and how many they were.
    passing: Option<(u64, u64)>,
    bytes: u64,
    items: u64,
}

#[derive(Debug)]
struct List {
    left: u64,
    announced: u64,
    /// Whether its items are kept.
    keeps: bool,
    items: Vec<Reply>,
}

impl List {
    fn push(&mut self, item: Reply) {
        match (self.items.last_mut(), item) {
            (Some(Reply::Lost(before)), Reply::Lost(more)) => *before = before.saturating_add(more),
            (_, item) => self.items.push(item),
        }
        self.left = self.left.saturating_sub(1);
    }
}

/// A piece of a reply.
enum Piece {
    Whole(Reply),
    List(u64),
}

impl Reader {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, open: Vec::new(), passing: None, bytes: 0, items: 0 }
    }

    /// The next reply, once it is there. Takes out of `input` what was read.
    pub(crate) fn read(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, Wrong> {
        while let Some(piece) = self.piece(input)? {
            let done = match piece {
                Piece::List(0) => self.put(Reply::List(Vec::new(), 0)),
                Piece::List(count) => {
                    if self.open.len() >= DEPTH_MAX {
                        return Err(Wrong("lists lie too deep in one another"));
                    }
                    let keeps = count <= self.limits.list && self.keeps();
                    let items = Vec::new();
                    self.open.push(List { left: count, announced: count, keeps, items });
                    None
                }
                Piece::Whole(reply) => self.put(reply),
            };
            if let Some(reply) = done {
                (self.bytes, self.items) = (0, 0);
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Whether what comes next is kept. What stands alone always is.
    fn keeps(&self) -> bool {
        let open = self.open.last();
        open.is_none_or(|list| list.keeps && self.items < self.limits.items)
    }

    /// Puts a part where it belongs, and gives the whole if that was its end.
    fn put(&mut self, part: Reply) -> Option<Reply> {
        let mut part = part;
        loop {
            if !self.keeps() {
                part = Reply::Lost(weight(&part));
            } else if !matches!(part, Reply::Lost(_)) {
                self.items += 1;
            }
            let Some(list) = self.open.last_mut() else { return Some(part) };
            list.push(part);
            if list.left > 0 {
                return None;
            }
            let whole = self.open.pop()?;
            part = Reply::List(whole.items, whole.announced);
        }
    }

    fn piece(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Wrong> {
        if let Some((left, all)) = self.passing {
            let now = left.min(input.len() as u64);
            input.advance(usize::try_from(now).unwrap_or(input.len()));
            self.passing = Some((left - now, all));
            if left > now || input.len() < 2 {
                return Ok(None);
            }
            end(&input.split_to(2))?;
            self.passing = None;
            return Ok(Some(Piece::Whole(Reply::Lost(all))));
        }
        let within = input.get(..input.len().min(LINE_MAX)).unwrap_or_default();
        let Some(length) = within.windows(2).position(|two| two == b"\r\n") else {
            return match input.len() >= LINE_MAX {
                true => Err(Wrong("a line is too long")),
                false => Ok(None),
            };
        };
        let line = within.get(..length).unwrap_or_default();
        let (kind, rest) = line.split_first().ok_or(Wrong("a line is empty"))?;
        let text = || String::from_utf8_lossy(rest).into_owned();
        let whole = |reply| Ok(Some(Piece::Whole(reply)));
        match kind {
            b'$' => match number(rest)? {
                -1 => {
                    input.advance(length + 2);
                    whole(Reply::Nil)
                }
                bytes => self.bulk(input, length + 2, bytes),
            },
            b'+' | b'-' | b':' | b'*' => {
                let read = match kind {
                    b'+' => Piece::Whole(Reply::Simple(text())),
                    b'-' => Piece::Whole(Reply::Error(text())),
                    b':' => Piece::Whole(Reply::Integer(number(rest)?)),
                    _ => list(number(rest)?)?,
                };
                input.advance(length + 2);
                Ok(Some(read))
            }
            _ => Err(Wrong("a line begins with none of `+-:$*`")),
        }
    }

    /// A text of so many bytes, behind a line of `head` bytes.
    fn bulk(
        &mut self,
        input: &mut BytesMut,
        head: usize,
        bytes: i64,
    ) -> Result<Option<Piece>, Wrong> {
        let bytes = u64::try_from(bytes).map_err(|_| Wrong("a length is below zero"))?;
        let fits = bytes <= self.limits.bulk
            && self.bytes.saturating_add(bytes) <= self.limits.total
            && self.keeps();
        let Some(length) = usize::try_from(bytes).ok().filter(|_| fits) else {
            input.advance(head);
            self.passing = Some((bytes, bytes));
            return self.piece(input);
        };
        if input.len() < head + length + 2 {
            input.reserve(head + length + 2 - input.len());
            return Ok(None);
        }
        input.advance(head);
        let text = input.split_to(length).freeze();
        end(&input.split_to(2))?;
        self.bytes += bytes;
        Ok(Some(Piece::Whole(Reply::Bulk(text))))
    }
}

fn list(count: i64) -> Result<Piece, Wrong> {
    match u64::try_from(count) {
        Ok(count) if count <= LIST_MAX => Ok(Piece::List(count)),
        Ok(_) => Err(Wrong("a list is too long")),
        Err(_) if count == -1 => Ok(Piece::Whole(Reply::Nil)),
        Err(_) => Err(Wrong("a length is below zero")),
    }
}

fn end(two: &[u8]) -> Result<(), Wrong> {
    if two == b"\r\n" { Ok(()) } else { Err(Wrong("a text does not end where it should")) }
}

fn number(digits: &[u8]) -> Result<i64, Wrong> {
    let text = std::str::from_utf8(digits).ok();
    text.and_then(|text| text.parse().ok()).ok_or(Wrong("a number is none"))
}

/// Bytes of texts in a part, whether they were kept or not.
pub(crate) fn weight(reply: &Reply) -> u64 {
    match reply {
        Reply::Bulk(text) => text.len() as u64,
        Reply::Lost(bytes) => *bytes,
        Reply::List(items, _) => {
            items.iter().fold(0, |sum: u64, item| sum.saturating_add(weight(item)))
        }
        Reply::Simple(_) | Reply::Error(_) | Reply::Integer(_) | Reply::Nil => 0,
    }
}

/// A command, as it is sent.
pub(crate) fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WIDE: Limits = Limits { bulk: 1000, total: 10_000, items: 1000, list: 1000 };

    /// All replies in some bytes that come in pieces of so many.
    pub(crate) fn all(bytes: &[u8], cut: usize, limits: Limits) -> Result<Vec<Reply>, Wrong> {
        let (mut reader, mut input) = (Reader::new(limits), BytesMut::new());
        let mut found = Vec::new();
        for piece in bytes.chunks(cut.max(1)) {
            input.extend_from_slice(piece);
            while let Some(reply) = reader.read(&mut input)? {
                found.push(reply);
            }
        }
        Ok(found)
    }

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn replies_are_read_as_the_protocol_has_them() {
        let bytes = b"+OK\r\n-ERR no\r\n:-7\r\n$-1\r\n*-1\r\n$0\r\n\r\n*2\r\n$2\r\nab\r\n*0\r\n";
        let list = Reply::List(vec![bulk("ab"), Reply::List(Vec::new(), 0)], 2);
        let expect = [
            Reply::Simple("OK".to_owned()),
            Reply::Error("ERR no".to_owned()),
            Reply::Integer(-7),
            Reply::Nil,
            Reply::Nil,
            bulk(""),
            list,
        ];
        for cut in 1..bytes.len() {
            assert_eq!(all(bytes, cut, WIDE).expect("replies"), expect, "{cut}");
        }
        assert_eq!(command(&[b"GET", b""]), b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n");
    }

    #[test]
    fn what_is_too_large_is_passed_over_and_what_follows_is_read() {
        let limits = Limits { bulk: 3, total: 4, ..WIDE };
        let bytes = b"*4\r\n$5\r\nabcde\r\n$3\r\nabc\r\n$2\r\nde\r\n$1\r\nf\r\n+OK\r\n";
        let list = Reply::List(vec![Reply::Lost(5), bulk("abc"), Reply::Lost(2), bulk("f")], 4);
        for cut in 1..bytes.len() {
            let found = all(bytes, cut, limits).expect("replies");
            assert_eq!(found, [list.clone(), Reply::Simple("OK".to_owned())], "{cut}");
        }
        let few = Limits { items: 2, ..WIDE };
        let bytes = b"*3\r\n:1\r\n:2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n:9\r\n";
        let list = Reply::List(vec![Reply::Integer(1), Reply::Integer(2), Reply::Lost(2)], 3);
        assert_eq!(all(bytes, 5, few).expect("replies"), [list, Reply::Integer(9)]);
        let short = Limits { list: 1, ..WIDE };
        let bytes = b"*1\r\n*2\r\n$1\r\na\r\n*1\r\n$2\r\nbc\r\n";
        let list = Reply::List(vec![Reply::List(vec![Reply::Lost(3)], 2)], 1);
        assert_eq!(all(bytes, 5, short).expect("replies"), [list]);
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [
            &b"\r\n"[..],
            b"?7\r\n",
            b":x\r\n",
            b"$-2\r\n",
            b"*-2\r\n",
            b"$1\r\nabc\r\n",
            b"$9999\r\n",
            b"*99999999\r\n",
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        ] {
            let more = [bytes, &[b'x'; 10_100]].concat();
            assert!(all(&more, 7, WIDE).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(all(&[b'+'; LINE_MAX], 999, WIDE).is_err());
    }

    fn replies() -> impl Strategy<Value = Vec<u8>> {
        let leaf = prop_oneof![
            "[a-z ]{0,9}".prop_map(|text| format!("+{text}\r\n").into_bytes()),
            any::<i64>().prop_map(|number| format!(":{number}\r\n").into_bytes()),
            Just(b"$-1\r\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(|text| {
                [format!("${}\r\n", text.len()).as_bytes(), &text, b"\r\n"].concat()
            }),
        ];
        leaf.prop_recursive(4, 40, 6, |item| {
            proptest::collection::vec(item, 0..6).prop_map(|items| {
                [format!("*{}\r\n", items.len()).into_bytes(), items.concat()].concat()
            })
        })
    }

    proptest! {
        #[test]
        fn pieces_change_nothing_and_limits_hold(
            bytes in replies(), cut in 1usize..50, bulk in 0u64..40, total in 0u64..80, items in 1u64..20, list in 1u64..6,
        ) {
            let limits = Limits { bulk, total, items, list };
            let whole = all(&bytes, bytes.len(), limits).expect("a reply");
            prop_assert_eq!(whole.len(), 1);
            prop_assert_eq!(&whole, &all(&bytes, cut, limits).expect("a reply"));
            let free = all(&bytes, bytes.len(), WIDE).expect("a reply");
            prop_assert_eq!(weight(&whole[0]), weight(&free[0]), "no byte is forgotten");
        }
    }
}
