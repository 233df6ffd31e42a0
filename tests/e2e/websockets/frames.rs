//! Frames that break the protocol, or the limits.

use super::Hall;
use super::client::frame;
use tokio_tungstenite::tungstenite::Message;

#[test]
fn messages_beyond_the_limit_close_the_connection_whole_or_in_pieces() {
    let hall = Hall::open();
    let mut client = hall.connect("/small");
    let most = "x".repeat(1024);
    client.send_text(&most);
    assert_eq!(client.text(), most);
    client.send_text(&format!("{most}x"));
    assert_eq!(client.goodbye(), Some(1009));
    let mut client = hall.connect("/small");
    client.send_raw(&frame(0x01, &[b'x'; 600]));
    client.send_raw(&frame(0x80, &[b'x'; 600]));
    assert_eq!(client.goodbye(), Some(1009));
}

#[test]
fn a_message_in_pieces_is_joined_and_pings_between_them_are_answered() {
    let hall = Hall::open();
    let mut client = hall.connect("/echo");
    client.send_raw(&frame(0x01, "a\u{e4}".as_bytes().get(..2).expect("half a letter")));
    client.send_raw(&frame(0x89, b"are you there"));
    assert_eq!(client.read(), Message::Pong("are you there".into()));
    client.send_raw(&frame(0x00, "a\u{e4}".as_bytes().get(2..).expect("the other half")));
    client.send_raw(&frame(0x80, b"!"));
    assert_eq!(client.text(), "a\u{e4}!");
}

#[test]
fn what_breaks_the_protocol_is_told_so_with_the_right_code() {
    let hall = Hall::open();
    let unmasked = vec![0x81, 1, b'x'];
    let close = |code: u16| frame(0x88, &code.to_be_bytes());
    for (what, bytes, code) in [
        ("no mask", unmasked, 1002),
        ("a reserved bit", frame(0xc1, b"x"), 1002),
        ("a reserved opcode", frame(0x83, b"x"), 1002),
        ("a reserved control opcode", frame(0x8b, b"x"), 1002),
        ("a control frame in pieces", frame(0x09, b"x"), 1002),
        ("a control frame that is too long", frame(0x89, &[0; 126]), 1002),
        ("a piece of nothing", frame(0x80, b"x"), 1002),
        ("a message within a message", [frame(0x01, b"x"), frame(0x81, b"y")].concat(), 1002),
        ("a text that is no UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("half a letter at the end", frame(0x81, b"\xc3"), 1007),
        ("a goodbye of one byte", frame(0x88, b"x"), 1002),
        ("a goodbye with a code that is never sent", close(1005), 1002),
        ("a goodbye with a code that does not exist", close(999), 1002),
        (
            "a frame that announces too much",
            [&[0x82, 0xff][..], &[0x7f; 8], &[0; 4]].concat(),
            1009,
        ),
    ] {
        let mut client = hall.connect("/echo");
        client.send_raw(&bytes);
        assert_eq!(client.goodbye(), Some(code), "{what}");
    }
    // And the node is well.
    let mut client = hall.connect("/echo");
    client.send_text("x");
    assert_eq!(client.text(), "x");
}

#[test]
fn a_flood_of_pings_ends_the_connection() {
    let hall = Hall::open();
    let mut client = hall.connect("/echo");
    client.send_raw(&frame(0x8a, b"").repeat(3_000));
    assert_eq!(client.goodbye(), Some(1008));
}

#[test]
fn pings_are_answered_while_a_message_is_with_the_function() {
    let hall = Hall::open();
    let mut client = hall.connect("/m/sleep?ms=1500");
    assert_eq!(client.text(), "slept 1500 ms\n");
    client.send_text("sleep");
    client.send(Message::Ping("p".into()));
    client.send_text("and once more");
    assert_eq!(client.read(), Message::Pong("p".into()));
    assert_eq!(client.text(), "slept 1500 ms\n");
    assert_eq!(client.text(), "slept 1500 ms\n");
}
