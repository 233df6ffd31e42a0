//! Rules of an operator.

use super::*;

fn rule(pattern: &str) -> Custom {
    Custom {
        class: "member".parse().expect("a class"),
        name: None,
        pattern: pattern.to_owned(),
        ignore_case: false,
        words: Vec::new(),
        validator: None,
        entropy: None,
        max_length: None,
        enforce: false,
    }
}

fn texts(custom: Custom, text: &str) -> Vec<String> {
    let detector = Detector::with(&[custom]).expect("right");
    found(&detector, text).into_iter().filter(|it| it.0 == "member").map(|it| it.1).collect()
}

#[test]
fn a_pattern_is_found_where_a_word_begins() {
    assert_eq!(
        texts(rule("M-[0-9]{6}"), "M-123456, xM-123456, M-1234567 (M-654321)"),
        ["M-123456", "M-654321"]
    );
    assert_eq!(
        texts(Custom { ignore_case: true, ..rule("m[0-9]{3}") }, "M123 m456"),
        ["M123", "m456"]
    );
    assert_eq!(texts(rule("a+"), "aaa b aa"), ["aaa", "aa"]);
}

#[test]
fn words_and_validators_are_asked_for() {
    let words = Custom { words: vec!["icd*".to_owned()], ..rule("[A-Z][0-9]{2}(\\.[0-9])?") };
    assert_eq!(texts(words, "icd10: E11.9, gate B12"), ["E11.9"]);
    let luhn = Custom { validator: Some(Validator::Luhn), ..rule("[0-9]{11}") };
    assert_eq!(texts(luhn, "79927398713 79927398714"), ["79927398713"]);
    let entropy = Custom { entropy: Some(3.0), ..rule("k-[a-z0-9]{16}") };
    assert_eq!(texts(entropy, "k-aaaaaaaaaaaaaaaa k-q8w3e7r1t9y2u5i4"), ["k-q8w3e7r1t9y2u5i4"]);
}

#[test]
fn rules_that_cannot_be_used_say_why() {
    let why = |custom: &Custom| {
        Detector::with(std::slice::from_ref(custom)).expect_err("wrong").to_string()
    };
    assert!(
        why(&rule("[a-")).starts_with("the rule `member`: its pattern cannot be used"),
        "{}",
        why(&rule("[a-"))
    );
    assert!(why(&rule("(?=x)")).contains("look-around"), "{}", why(&rule("(?=x)")));
    let large = rule("[ab]*a[ab]{25}");
    assert!(why(&large).contains("1 MiB"), "{}", why(&large));
    assert!(why(&Custom { max_length: Some(0), ..rule("a") }).contains("max-length"));
}

#[test]
fn a_match_is_found_however_it_is_cut() {
    let detector = Detector::with(&[rule("M-[0-9]{6}(-[a-z]+)?")]).expect("right");
    let text = "M-123456-abc M-123456 M-12";
    for cut in 1..10 {
        let (mut all, mut scanner) = (Vec::new(), detector.scanner());
        text.as_bytes()
            .chunks(cut)
            .for_each(|p| scanner.feed(p, |it| all.push((it.start, it.end))));
        scanner.finish(|it| all.push((it.start, it.end)));
        assert_eq!(all, [(0, 12), (13, 21)], "{cut}");
    }
}
