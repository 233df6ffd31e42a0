//! The first message of a TLS handshake: which host it is for.
//!
//! It is read twice, here and by whoever ends TLS, so whatever two readers could understand
//! differently is refused here.

/// Most bytes that a first message may have, in all its records. Those of clients have 0.2 to 4 KiB;
/// what comes byte by byte is read from its beginning each time.
pub(crate) const HELLO_BYTES_MAX: usize = 16 << 10;

/// The content type of a record of the handshake.
pub(crate) const HANDSHAKE: u8 = 22;
/// Most bytes of one record (RFC 8446, section 5.1).
const RECORD_BYTES_MAX: usize = 1 << 14;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
const HOST_NAME: u8 = 0;

/// What is read of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hello {
    /// The host that it names, in small letters.
    pub(crate) server_name: Option<String>,
    /// Whether it may name another one that nobody but its server can read.
    pub(crate) encrypted: bool,
}

/// It is no first message of a handshake, or not one that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAHello;

/// Reads it. `None` if more has to come.
pub(crate) fn read(mut bytes: &[u8]) -> Result<Option<Hello>, NotAHello> {
    let mut message = Vec::new();
    while !bytes.is_empty() {
        let Some((payload, rest)) = record(bytes)? else { return Ok(None) };
        bytes = rest;
        message.extend_from_slice(payload);
        if message.first().is_some_and(|&kind| kind != CLIENT_HELLO) {
            return Err(NotAHello);
        }
        let Some(&[_, high, middle, low]) = message.first_chunk() else { continue };
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if length > HELLO_BYTES_MAX {
            return Err(NotAHello);
        }
        if message.len() - 4 >= length {
            // Early data may follow, in records of its own; no other message does before an answer.
            let whole = message.len() - 4 == length;
            let mut reader = Reader(&message[4..4 + length]);
            return whole.then(|| hello(&mut reader)).flatten().map(Some).ok_or(NotAHello);
        }
    }
    Ok(None)
}

/// The payload of a record, and what follows it.
type Split<'a> = (&'a [u8], &'a [u8]);

/// The first record. `None` if it is not whole.
fn record(bytes: &[u8]) -> Result<Option<Split<'_>>, NotAHello> {
    let kind = bytes.first().is_none_or(|&kind| kind == HANDSHAKE);
    let major = bytes.get(1).is_none_or(|&major| major == 3);
    if !kind || !major {
        return Err(NotAHello);
    }
    let Some(&[_, _, _, high, low]) = bytes.first_chunk() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length == 0 || length > RECORD_BYTES_MAX {
        return Err(NotAHello);
    }
    Ok(bytes[5..].split_at_checked(length))
}

/// Reads the message's body to its end.
fn hello(reader: &mut Reader<'_>) -> Option<Hello> {
    let version = reader.number()?;
    reader.take(32)?;
    let session = reader.short()?.0;
    let suites = reader.long()?.0;
    let compressions = reader.short()?.0;
    let shape = version >> 8 == 3
        && session.len() <= 32
        && !suites.is_empty()
        && suites.len() % 2 == 0
        && !compressions.is_empty();
    if !shape {
        return None;
    }
    let mut hello = Hello::default();
    if reader.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = reader.long()?;
    if !reader.0.is_empty() {
        return None;
    }
    let mut seen = Vec::new();
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let mut content = extensions.long()?;
        if seen.contains(&kind) {
            return None;
        }
        seen.push(kind);
        match kind {
            SERVER_NAME => hello.server_name = Some(server_name(&mut content)?),
            ENCRYPTED_CLIENT_HELLO => hello.encrypted = true,
            _ => {}
        }
    }
    Some(hello)
}

/// The one name of the extension (RFC 6066, section 3).
fn server_name(content: &mut Reader<'_>) -> Option<String> {
    let mut names = content.long()?;
    let kind = names.take(1)?[0];
    let name = names.long()?.0;
    if kind != HOST_NAME || !names.0.is_empty() || !content.0.is_empty() {
        return None;
    }
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    if name.is_empty() || name.len() > 253 || !name.iter().all(fits) {
        return None;
    }
    String::from_utf8(name.to_ascii_lowercase()).ok()
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    /// What has its length in one byte before it.
    fn short(&mut self) -> Option<Self> {
        let length = usize::from(self.take(1)?[0]);
        self.take(length).map(Self)
    }

    /// What has its length in two bytes before it.
    fn long(&mut self) -> Option<Self> {
        let length = usize::from(self.number()?);
        self.take(length).map(Self)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// What rustls says first, to that host.
    pub(in super::super) fn sample(host: &str) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let config = builder.with_root_certificates(rustls::RootCertStore::empty());
        let name = host.to_owned().try_into().expect("a name");
        let config = Arc::new(config.with_no_client_auth());
        let mut client = rustls::ClientConnection::new(config, name).expect("a client");
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("written");
        bytes
    }

    /// The same with an extension that says it is encrypted for somebody else.
    pub(in super::super) fn encrypted(host: &str) -> Vec<u8> {
        let mut message = sample(host)[5..].to_vec();
        let extension = [0xfe, 0x0d, 0, 1, 0];
        // The extensions are last; their length stands where what it counts begins.
        let place = (0..message.len() - 2).find(|&at| {
            let length = usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
            at > 40 && at + 2 + length == message.len()
        });
        let place = place.expect("extensions");
        message.extend_from_slice(&extension);
        let length = u16::try_from(message.len() - place - 2).expect("short");
        message[place..place + 2].copy_from_slice(&length.to_be_bytes());
        let length = u32::try_from(message.len() - 4).expect("short");
        message[1..4].copy_from_slice(&length.to_be_bytes()[1..]);
        record_of(&message)
    }

    fn record_of(message: &[u8]) -> Vec<u8> {
        let length = u16::try_from(message.len()).expect("short").to_be_bytes();
        [&[HANDSHAKE, 3, 1][..], &length, message].concat()
    }

    /// The same message in records of that many bytes.
    pub(in super::super) fn in_records(hello: &[u8], bytes: usize) -> Vec<u8> {
        hello[5..].chunks(bytes).flat_map(record_of).collect()
    }

    #[test]
    fn the_name_is_found_in_one_record_and_in_many() {
        let hello = sample("Api.Example");
        let expect = Hello { server_name: Some("api.example".into()), encrypted: false };
        assert_eq!(read(&hello), Ok(Some(expect.clone())));
        for bytes in [1, 2, 3, 5, 100] {
            assert_eq!(read(&in_records(&hello, bytes)), Ok(Some(expect.clone())), "{bytes}");
        }
        assert_eq!(read(&sample("192.0.2.1")), Ok(Some(Hello::default())));
        let hidden = read(&encrypted("api.example")).expect("read").expect("whole");
        assert!(hidden.encrypted && hidden.server_name.as_deref() == Some("api.example"));
    }

    #[test]
    fn what_is_not_whole_is_waited_for_and_what_follows_is_refused() {
        let hello = sample("api.example");
        for length in 0..hello.len() {
            assert_eq!(read(&hello[..length]), Ok(None), "{length}");
        }
        let early = [&hello[..], &[23, 3, 3, 0, 1, 0]].concat();
        assert_eq!(read(&early), read(&hello));
        let more = record_of(&[&hello[5..], &[CLIENT_HELLO]].concat());
        assert_eq!(read(&more), Err(NotAHello));
        let huge = record_of(&[CLIENT_HELLO, 1, 0, 1]);
        assert_eq!(read(&huge), Err(NotAHello));
        for noise in
            [&[23, 3, 3][..], &[HANDSHAKE, 2], &[HANDSHAKE, 3, 1, 0, 0], &[HANDSHAKE, 3, 1, 64, 1]]
        {
            assert_eq!(read(noise), Err(NotAHello), "{noise:?}");
        }
    }

    proptest! {
        #[test]
        fn how_it_is_cut_into_records_changes_nothing(
            host in "[a-z]{1,20}(\\.[a-z]{1,20}){0,4}", bytes in 1_usize..600
        ) {
            let hello = sample(&host);
            let found = read(&in_records(&hello, bytes)).expect("read").expect("whole");
            prop_assert_eq!(found.server_name, Some(host));
        }

        #[test]
        fn a_changed_byte_breaks_nothing(at in 0_usize..300, byte: u8) {
            let mut hello = sample("api.example");
            let place = at % hello.len();
            hello[place] = byte;
            let _ = read(&hello);
        }
    }
}
