//! Streams: pieces change nothing, and what is far away is found at its place.

use super::*;
use proptest::prelude::*;

fn in_pieces(detector: &Detector, text: &[u8], cut: usize) -> Vec<Finding> {
    let (mut all, mut scanner) = (Vec::new(), detector.scanner());
    for piece in text.chunks(cut) {
        scanner.feed(piece, |finding| all.push(finding));
    }
    scanner.finish(|finding| all.push(finding));
    all
}

/// Parts of which texts are made that are hard to cut.
fn part() -> impl Strategy<Value = String> {
    let parts = [
        "4111 1111 1111 1111",
        "4111111111111111",
        "ann.b@example.co.uk",
        "\"ssn\": \"536-90-4399\"",
        "GB29 NWBK 6016 1331 9268 19",
        "AB 12 34 56 C",
        "ghp_1B4xw9Qm2ZrT7yLkP0sVdHc6NfJ8uGa3eXb5",
        "sk-ant-",
        "sk-",
        "-----BEGIN ",
        "eyJ",
        "+49 171 1234567",
        "2001:db8::17",
        "203.0.113.9",
        "password = \"hunter2!Zq81\"",
        "postgres://app:s3cr3t@db/x",
        "\\n",
        "\n",
        " ",
        "-",
        ".",
        ",",
        "card ",
        "131052-308T",
        "00000000000000000000000000000000000000",
        "@",
        ":",
        "x",
        "12",
        "é",
    ];
    proptest::sample::select(parts.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pieces_change_nothing(parts in proptest::collection::vec(part(), 0..20), cut in 1_usize..50) {
        let text = parts.concat();
        let detector = all();
        let mut whole = Vec::new();
        detector.scan(text.as_bytes(), b"", |finding| whole.push(finding));
        prop_assert_eq!(in_pieces(&detector, text.as_bytes(), cut), whole);
    }
}

#[test]
fn places_are_exact_behind_a_megabyte() {
    let detector = usual();
    for before in [65_530, 65_536, 73_000, 1_000_000] {
        let mut text = "{\"n\": 12, \"s\": \"abc\"}\n".repeat(before / 22 + 1).into_bytes();
        text.truncate(before);
        text.extend_from_slice(b" card 4111111111111111 ");
        for cut in [1000, 64 * 1024, text.len()] {
            let found = in_pieces(&detector, &text, cut);
            let places: Vec<_> = found.iter().map(|it| (it.start, it.end)).collect();
            let start = u64::try_from(before).expect("small") + 6;
            assert_eq!(places, [(start, start + 16)], "{before} {cut}");
        }
    }
}

#[test]
fn nothing_is_held_back_at_the_end_of_a_line() {
    let detector = usual();
    let mut scanner = detector.scanner();
    for line in ["data: {\"a\": 12}\n\n", "12:30 all is well, id=17\n", "GET /x HTTP/1.1\r\n"] {
        let before = scanner.decided();
        scanner.feed(line.as_bytes(), |_| {});
        let after = scanner.decided();
        assert_eq!(after - before, u64::try_from(line.len()).expect("small"), "{line:?}");
    }
}

#[test]
fn the_buffer_stays_small() {
    let detector = usual();
    for text in ["1", "a", "-----BEGIN PRIVATE KEY-----", "eyJ", "4111 ", "@", "::", "\n", "a@"] {
        let mut scanner = detector.scanner();
        let piece = text.repeat(10_000);
        for _ in 0..30 {
            scanner.feed(piece.as_bytes(), |_| {});
            assert!(scanner.buffered() <= 74 * 1024, "{text}: {}", scanner.buffered());
        }
    }
}
