//! Values that the host knows.

use super::*;
use model::data::BuiltIn;

fn set(values: &[&str]) -> Exact {
    Exact::new(values.iter().map(|value| (BuiltIn::Name.into(), value.as_bytes())))
}

fn places(exact: &Exact, text: &str, cut: usize) -> Vec<(Option<u32>, String)> {
    let detector = usual();
    let (mut all, mut scanner) = (Vec::new(), detector.scanner_knowing(exact));
    for piece in text.as_bytes().chunks(cut) {
        scanner.feed(piece, |finding| all.push(finding));
    }
    scanner.finish(|finding| all.push(finding));
    let part = |finding: &Finding| {
        let place = |at: u64| usize::try_from(at).expect("small");
        text[place(finding.start)..place(finding.end)].to_owned()
    };
    all.iter().filter(|it| it.known.is_some()).map(|it| (it.known, part(it))).collect()
}

#[test]
fn a_value_is_found_in_all_its_forms_however_it_is_cut() {
    let exact = set(&["Ann \"X\" O'Neil/7", "other value"]);
    let text = "a Ann \"X\" O'Neil/7 b Ann \\\"X\\\" O'Neil\\/7 c Ann%20%22X%22%20O%27Neil%2F7 d \
                Ann+%22X%22+O%27Neil%2F7 e 416e6e20225822204f274e65696c2f37 f QW5uICJYIiBPJ05laWwvNw== \
                g eEFubiAiWCIgTydOZWlsLzc= h eHhBbm4gIlgiIE8nTmVpbC83 i";
    let whole = places(&exact, text, text.len());
    assert_eq!(whole.len(), 8, "{whole:?}");
    assert!(whole.iter().all(|(known, _)| *known == Some(0)));
    for cut in 1..40 {
        assert_eq!(places(&exact, text, cut), whole, "{cut}");
    }
}

#[test]
fn short_values_are_left_out_and_the_numbers_of_others_stay() {
    let exact = set(&["12345", "", "123456"]);
    assert_eq!(places(&exact, "x12345x123456x", 3), [(Some(2), "123456".to_owned())]);
    assert!(set(&["12"]).is_empty());
    assert_eq!(exact.class(2), Some(&BuiltIn::Name.into()));
    assert_eq!(exact.class(3), None);
}

#[test]
fn the_longest_of_several_is_found() {
    let exact = set(&["secret", "secret-long", "secret-other"]);
    let all = places(&exact, "secret-lo secret-long secret-other", 5);
    let numbers: Vec<_> = all.iter().map(|it| it.0).collect();
    assert_eq!(numbers, [Some(0), Some(1), Some(2)]);
}

#[test]
fn a_known_value_wins_over_what_it_looks_like() {
    let exact = set(&["4111111111111111"]);
    assert_eq!(places(&exact, "card 4111111111111111", 100).len(), 1);
    assert!(!format!("{exact:?}").contains("4111"), "it is never printed");
}
