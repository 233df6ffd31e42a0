//! Headers of both versions, and what is none.

use super::*;
use proptest::prelude::*;

fn source(bytes: &[u8]) -> Result<Option<IpAddr>, Malformed> {
    read(bytes).map(|header| header.expect("complete").source)
}

/// A header of the second version.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

fn v4(more: &[u8]) -> Vec<u8> {
    [&[192, 0, 2, 1, 10, 0, 0, 1, 0, 80, 1, 187], more].concat()
}

#[test]
fn lines_of_the_first_version_are_read() {
    let address = |text: &str| Ok(Some(text.parse().unwrap()));
    for (line, expect) in [
        ("PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n", address("192.0.2.1")),
        ("PROXY TCP6 2001:db8::1 ::1 0 65535\r\nGET", address("2001:db8::1")),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", address("192.0.2.1")),
        ("PROXY UNKNOWN\r\n", Ok(None)),
        ("PROXY UNKNOWN ffff:: ffff:: 1 2\r\n", Ok(None)),
    ] {
        assert_eq!(source(line.as_bytes()), expect, "{line}");
    }
    let header = read(b"PROXY UNKNOWN\r\nGET / HTTP/1.1").unwrap().unwrap();
    assert_eq!((header.length, header.secure), (15, false));
}

#[test]
fn lines_that_are_none_are_refused() {
    for line in [
        "GET / HTTP/1.1\r\n",
        "PROXY\r\n",
        "PROXY TCP4\r\n",
        "PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1  10.0.0.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 +1 2\r\n",
        "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n",
        "proxy TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
        "PROXY\tTCP4 192.0.2.1 10.0.0.1 1 2\r\n",
    ] {
        assert_eq!(read(line.as_bytes()), Err(Malformed), "{line}");
    }
    assert_eq!(read(&[b"PROXY ", &[b'x'; 200][..]].concat()), Err(Malformed));
}

#[test]
fn headers_of_the_second_version_are_read() {
    let tls = |flags: u8| [&[0x20, 0, 5, flags, 0, 0, 0, 0][..], &[4, 0, 1, 9]].concat();
    for (bytes, secure) in [(v4(&[]), false), (v4(&tls(1)), true), (v4(&tls(6)), false)] {
        let header = read(&binary(0x21, 0x11, &bytes)).unwrap().unwrap();
        assert_eq!(header.source, Some([192, 0, 2, 1].into()));
        assert_eq!((header.length, header.secure), (16 + bytes.len(), secure));
    }
    let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 12], &[0; 20]].concat();
    assert_eq!(source(&binary(0x21, 0x21, &six)), Ok(Some("2001:db8::".parse().unwrap())));
    assert_eq!(source(&binary(0x20, 0x00, &[])), Ok(None));
    assert_eq!(source(&binary(0x20, 0x11, &v4(&[]))), Ok(None));
    assert_eq!(source(&binary(0x21, 0x00, &[1, 2, 3])), Ok(None));
}

#[test]
fn headers_of_the_second_version_that_are_none_are_refused() {
    for bytes in [
        binary(0x11, 0x11, &v4(&[])),
        binary(0x22, 0x11, &v4(&[])),
        binary(0x21, 0x12, &v4(&[])),
        binary(0x21, 0x41, &v4(&[])),
        binary(0x21, 0x11, &v4(&[])[..11]),
        binary(0x21, 0x21, &v4(&[])),
        binary(0x21, 0x11, &v4(&[0x20, 0])),
        binary(0x21, 0x11, &v4(&[0x20, 0, 1])),
        binary(0x21, 0x11, &v4(&[0x20, 0, 0])),
        binary(0x21, 0x11, &[0; 4_097]),
    ] {
        assert_eq!(read(&bytes), Err(Malformed), "{}", bytes.escape_ascii());
    }
}

fn any_header() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        (any::<[u8; 4]>(), any::<u16>()).prop_map(|(source, port)| format!(
            "PROXY TCP4 {} 10.0.0.1 {port} 443\r\n",
            Ipv4Addr::from(source)
        )),
        "PROXY UNKNOWN( [ a-f0-9:]{0,40})?\r\n",
    ];
    let additions = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        line.prop_map(String::into_bytes),
        (any::<[u8; 12]>(), additions).prop_map(|(addresses, value)| {
            let length = u16::try_from(value.len()).unwrap().to_be_bytes();
            let addition = [&[4][..], &length, &value].concat();
            binary(0x21, 0x11, &[&addresses[..], &addition].concat())
        }),
    ]
}

proptest! {
    #[test]
    fn a_header_is_complete_with_its_last_byte_and_takes_no_more(
        header in any_header(),
        after in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let whole = [&header[..], &after].concat();
        let found = read(&whole).unwrap().unwrap();
        prop_assert_eq!(found.length, header.len());
        for end in 0..header.len() {
            prop_assert_eq!(read(&header[..end]), Ok(None));
        }
        prop_assert_eq!(read(&header), Ok(Some(found)));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read(&[SIGNATURE, &bytes].concat());
        let _ = read(&[b"PROXY ", &bytes[..]].concat());
    }
}
