//! `application/vnd.amazon.eventstream`: messages with headers and checksums, one behind another.
//!
//! A message is its length, the length of its headers, the CRC-32 of these eight bytes, the headers,
//! the payload, and the CRC-32 of all before; numbers are big endian.
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>

use bytes::{BufMut as _, Bytes, BytesMut};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";
/// Most bytes of a payload in one message: the format takes 24 MiB with the rest.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 1 << 20;
/// The type of a header whose value is text.
const TEXT: u8 = 7;
/// Bytes of a message beside headers and payload.
const FRAME_BYTES: usize = 16;

/// An event of this type, with a payload of this media type.
pub(crate) fn event(kind: &str, media_type: &str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    for (name, value) in
        [(":event-type", kind), (":content-type", media_type), (":message-type", "event")]
    {
        headers.put_u8(u8::try_from(name.len()).unwrap_or_default());
        headers.put_slice(name.as_bytes());
        headers.put_u8(TEXT);
        headers.put_u16(u16::try_from(value.len()).unwrap_or_default());
        headers.put_slice(value.as_bytes());
    }
    let total = FRAME_BYTES + headers.len() + payload.len();
    let mut message = BytesMut::with_capacity(total);
    message.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
    message.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
    message.put_u32(crc32fast::hash(&message));
    message.put_slice(&headers);
    message.put_slice(payload);
    message.put_u32(crc32fast::hash(&message));
    message.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_documented_form() {
        let message = event("PayloadChunk", "application/octet-stream", b"hi");
        let number = |at: usize| {
            let bytes: [u8; 4] = message[at..at + 4].try_into().expect("four");
            u32::from_be_bytes(bytes)
        };
        assert_eq!(number(0) as usize, message.len());
        assert_eq!(number(8), crc32fast::hash(&message[..8]));
        let end = message.len() - 4;
        assert_eq!(number(end), crc32fast::hash(&message[..end]));
        let headers = number(4) as usize;
        assert_eq!(&message[12 + headers..end], b"hi");
        assert_eq!(&message[12..27], b"\x0b:event-type\x07\x00\x0c");
    }
}
