//! Recipes with keys: round trips, formats, isolation, and what is refused.

use super::*;
use model::Secret;
use proptest::prelude::*;

fn keys(seed: u8) -> ClassKeys {
    ClassKeys {
        version: 1,
        fpe: Secret::new([seed; 32]),
        siv: Secret::new([seed; 64]),
        format_hash: Secret::new([seed; 32]),
        hash: Secret::new([seed; 32]),
        subject: None,
        salt: None,
        bound_to: None,
        others: Vec::new(),
    }
}

fn bind(recipe: &Recipe, tenant: &str, class: &str) -> Work {
    let tenant = TenantName::parse(tenant).expect("a name");
    let class = DataClass::parse(class).expect("a class");
    recipe.bind(&tenant, &class, &keys(1)).expect("a recipe")
}

fn work(recipe: &Recipe) -> Work {
    bind(recipe, "default", "pan")
}

fn kept(kind: Kind, first: u8, last: u8) -> Recipe {
    Recipe { keep_first: Some(first), keep_last: Some(last), ..Recipe::of(kind) }
}

fn protect(work: &Work, text: &str) -> Result<String, Error> {
    let value = work.run(Way::Protect, &Value::Text(text.into()), None)?;
    Ok(value.as_str().to_owned())
}

fn undo(work: &Work, text: &str) -> Result<String, Error> {
    let value = work.run(Way::Undo, &Value::Text(text.into()), None)?;
    Ok(value.as_str().to_owned())
}

/// A right card number of these digits and a check digit.
fn card(payload: &[u8]) -> String {
    let digits: String = payload.iter().map(|digit| char::from(b'0' + digit % 10)).collect();
    (0..10)
        .map(|check| format!("{digits}{check}"))
        .find(|card| super::super::is_luhn(card.as_bytes()))
        .expect("one fits")
}

#[test]
fn a_card_that_keeps_six_and_four_is_at_the_floor_and_more_is_below_it() {
    let pan = "4111 1111 1111 1111";
    let made = protect(&work(&kept(Kind::Card, 6, 4)), pan).expect("protected");
    assert!(made.starts_with("4111 11") && made.ends_with(" 1111") && made != pan, "{made}");
    for (first, last) in [(8, 4), (6, 5), (10, 10), (16, 0)] {
        let refused = protect(&work(&kept(Kind::Card, first, last)), pan).expect_err("too few");
        assert!(matches!(refused, Error::TooFew { needs: 6, .. }), "{first} {last}: {refused}");
        assert_eq!(refused.code().text(), "E0303");
    }
    // An American Express card has 15 digits, of which five are left.
    let amex = protect(&work(&kept(Kind::Card, 6, 4)), "378282246310005");
    assert!(matches!(amex, Err(Error::TooFew { .. })));
}

#[test]
fn what_stands_for_a_card_is_refused_as_a_card_and_the_reverse() {
    for recipe in [Recipe::of(Kind::Card), kept(Kind::Card, 6, 4)] {
        let work = work(&recipe);
        let token = protect(&work, "4111111111111111").expect("protected");
        assert_eq!(protect(&work, &token), Err(Error::NotCard));
        assert_eq!(undo(&work, "4111111111111111"), Err(Error::NotCardToken));
    }
}

#[test]
fn refuses_what_is_outside_the_alphabet_without_quoting_it() {
    let digits = work(&Recipe::of(Kind::Digits));
    let refused = protect(&digits, "12345X678").expect_err("refused");
    assert_eq!(refused, Error::Outside { at: 6, alphabet: "digits" });
    assert!(!refused.to_string().contains('X'));
    assert!(matches!(protect(&digits, "１２３４５６７"), Err(Error::Outside { .. })));
    assert!(matches!(protect(&digits, "12345\u{0}67"), Err(Error::Outside { .. })));
    assert!(matches!(protect(&digits, "12345"), Err(Error::TooFew { count: 5, needs: 6 })));
    assert_eq!(protect(&digits, "").as_deref(), Ok(""));
}

#[test]
fn a_token_is_not_enciphered_again() {
    let token = protect(&work(&Recipe::of(Kind::Token)), "4111111111111111").expect("protected");
    let alphanumerics = work(&Recipe::of(Kind::Alphanumerics));
    assert_eq!(protect(&alphanumerics, &token), Err(Error::AlreadyToken));
}

#[test]
fn what_is_one_way_has_no_way_back() {
    for kind in [Kind::Hash, Kind::Mask, Kind::Fixed, Kind::Month, Kind::Year] {
        let work = work(&Recipe::of(kind));
        assert!(!kind.is_reversible());
        assert_eq!(undo(&work, "2024-01-01"), Err(Error::OneWay(kind.word())));
    }
    let fixed = Recipe { with: Some("gone".to_owned()), ..Recipe::of(Kind::Fixed) };
    assert_eq!(protect(&work(&fixed), "anything").as_deref(), Ok("gone"));
}

#[test]
fn an_address_keeps_its_domain_or_its_last_label() {
    let keeps = bind(&Recipe::of(Kind::Email), "default", "email");
    let made = protect(&keeps, "jo.smith+x@Example.co.uk").expect("protected");
    assert!(made.ends_with("@Example.co.uk") && made.as_bytes()[2] == b'.', "{made}");
    assert_eq!(undo(&keeps, &made).as_deref(), Ok("jo.smith+x@Example.co.uk"));
    assert!(matches!(protect(&keeps, "jo@example.com"), Err(Error::TooFew { .. })));
    let hides = Recipe { keep_domain: Some(false), ..Recipe::of(Kind::Email) };
    let hides = bind(&hides, "default", "email");
    let made = protect(&hides, "jo@example.com").expect("protected");
    assert!(made.ends_with(".com") && !made.contains("example") && made.contains('@'), "{made}");
    assert_eq!(undo(&hides, &made).as_deref(), Ok("jo@example.com"));
    for wrong in ["jo", "@example.com", "josmith@", "jo smith@example.com"] {
        assert_eq!(protect(&keeps, wrong), Err(Error::NotEmail), "{wrong}");
    }
}

#[test]
fn a_telephone_number_keeps_its_country() {
    let phone = bind(&Recipe::of(Kind::Phone), "default", "phone");
    for (number, stays) in [
        ("+1 (415) 555-0132", "+1 ("),
        ("+49 170 1234567", "+49 "),
        ("+352 621 123 456", "+352 "),
        ("0049 170 1234567", "0049 "),
        ("0170/1234567", ""),
    ] {
        let made = protect(&phone, number).expect("protected");
        assert!(made.starts_with(stays) && made != number, "{made}");
        assert_eq!(undo(&phone, &made).as_deref(), Ok(number));
    }
}

#[test]
fn a_number_stays_one_and_what_cannot_is_refused() {
    let run = |kind, way, number: &str| {
        work(&Recipe::of(kind)).run(way, &Value::Literal(number.to_owned().into()), None)
    };
    for number in ["1000000", "-98765432", "4111111111111111111"] {
        let made = run(Kind::Digits, Way::Protect, number).expect("protected");
        let digits = made.as_str().trim_start_matches('-');
        assert!(matches!(made, Value::Literal(_)) && !digits.starts_with('0'));
        assert_eq!(digits.len(), number.trim_start_matches('-').len());
        let back = run(Kind::Digits, Way::Undo, made.as_str()).expect("undone");
        assert_eq!(back.as_str(), number);
    }
    for number in ["1.5e10", "1234567.5", "true", "0"] {
        assert_eq!(run(Kind::Digits, Way::Protect, number), Err(Error::NotNumber), "{number}");
    }
    assert_eq!(run(Kind::Letters, Way::Protect, "1234567"), Err(Error::NotNumber));
}

/// Computed apart from this code, with a FF1 written in Python for it. If this fails, values that
/// were enciphered can no longer be read.
#[test]
fn enciphered_values_never_change() {
    let digits = work(&Recipe::of(Kind::Digits));
    assert_eq!(protect(&digits, "4111-1111-1111-1111").as_deref(), Ok("7127-3036-7754-6524"));
    let card = work(&kept(Kind::Card, 6, 4));
    assert_eq!(protect(&card, "4111111111111111").as_deref(), Ok("4111118986541111"));
}

proptest! {
    #[test]
    fn cards_come_back_and_what_stands_for_them_is_never_one(
        payload in proptest::collection::vec(0u8..10, 11..=18),
        first in 0u8..=6,
        last in 0u8..=4,
        number: bool,
    ) {
        let recipe = kept(Kind::Card, first, last);
        let work = work(&recipe);
        let mut payload = payload;
        if number && payload[0] == 0 {
            payload[0] = 4;
        }
        let pan = card(&payload);
        let left = pan.len() - usize::from(first) - usize::from(last.max(1));
        let value = |text: String| match number {
            true => Value::Literal(text.into()),
            false => Value::Text(text.into()),
        };
        let made = work.run(Way::Protect, &value(pan.clone()), None);
        if left + usize::from(last > 0) <= 6 && left < 6 {
            prop_assert!(matches!(made, Err(Error::TooFew { .. })), "{:?}", made.err());
            return Ok(());
        }
        let made = made.expect("protected");
        let token = made.as_str();
        prop_assert!(!super::super::is_luhn(token.as_bytes()));
        prop_assert_eq!(token.len(), pan.len());
        prop_assert_eq!(&token[..first as usize], &pan[..first as usize]);
        prop_assert_eq!(&token[pan.len() - last as usize..], &pan[pan.len() - last as usize..]);
        prop_assert!(!number || !token.starts_with('0'));
        let back = work.run(Way::Undo, &made, None).expect("undone");
        prop_assert_eq!(back.as_str(), pan.as_str());
    }

    #[test]
    fn any_text_in_an_alphabet_comes_back_in_its_format(
        text in "[A-Za-z0-9]{1,2}([ ./-]?[A-Za-z0-9]){6,40}",
        first in 0u8..3,
        last in 0u8..2,
    ) {
        let work = work(&kept(Kind::Alphanumerics, first, last));
        let made = protect(&work, &text).expect("protected");
        prop_assert_eq!(made.len(), text.len());
        for (a, b) in made.chars().zip(text.chars()) {
            prop_assert_eq!(a.is_ascii_alphanumeric(), b.is_ascii_alphanumeric());
            prop_assert!(a.is_ascii_alphanumeric() || a == b);
        }
        prop_assert_eq!(&made, &protect(&work, &text).expect("protected"));
        prop_assert_eq!(undo(&work, &made).expect("undone"), text);
    }

    /// Other tenants, classes, forms and records are other permutations. Two of them send one text
    /// in 10^12 to the same.
    #[test]
    fn tenants_classes_forms_and_records_do_not_share_a_permutation(text in "[1-9][0-9]{11}") {
        let plain = Recipe::of(Kind::Digits);
        let own = protect(&work(&plain), &text).expect("protected");
        let isolated = Recipe { mode: Some(Mode::Isolated), ..plain.clone() };
        let record = |record| {
            let value = Value::Text(text.clone().into());
            work(&isolated).run(Way::Protect, &value, Some(record)).expect("protected").as_str().to_owned()
        };
        let others = [
            protect(&bind(&plain, "other", "pan"), &text).expect("protected"),
            protect(&bind(&plain, "default", "phone"), &text).expect("protected"),
            protect(&work(&Recipe::of(Kind::Phone)), &text).unwrap_or_default(),
            record("1"),
            record("2"),
        ];
        prop_assert!(!others.contains(&own));
        prop_assert_ne!(&others[3], &others[4]);
    }

    /// A text that no transform was made for is refused or comes back; it never panics.
    #[test]
    fn any_text_at_all_is_refused_or_comes_back(text in ".{0,40}", first in 0u8..30, last in 0u8..30) {
        for kind in [Kind::Token, Kind::Card, Kind::Digits, Kind::Letters, Kind::Alphanumerics, Kind::Email, Kind::Phone] {
            let recipe = match kind {
                Kind::Token | Kind::Email | Kind::Phone => Recipe::of(kind),
                _ => kept(kind, first, last),
            };
            let work = work(&recipe);
            if let Ok(made) = protect(&work, &text) {
                prop_assert_eq!(undo(&work, &made).expect("undone"), text.as_str());
            }
            let _ = undo(&work, &text);
        }
        for kind in [Kind::Mask, Kind::Hash, Kind::Year, Kind::Month] {
            let _ = protect(&work(&Recipe::of(kind)), &text);
        }
    }
}
