//! FF1 against NIST's samples and against the crate `fpe`.

use super::*;
use aes::{Aes128, Aes192};
use proptest::prelude::*;

const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94";

fn numerals(text: &str) -> Vec<u16> {
    text.chars().map(|c| c.to_digit(36).expect("a numeral") as u16).collect()
}

/// Both ways, by the integers and, for AES-256, by the crate.
fn holds(key_bytes: usize, radix: u32, tweak: &[u8], plain: &str, cipher: &str) {
    let key = hex::decode(KEY).expect("hex");
    let domain = Domain::small(radix, plain.len()).expect("small enough");
    let run = |way, text: &str| {
        let mut numerals = numerals(text);
        match key_bytes {
            16 => small(
                &Aes128::new_from_slice(&key[..16]).expect("a key"),
                way,
                &domain,
                tweak,
                &mut numerals,
            ),
            24 => small(
                &Aes192::new_from_slice(&key[..24]).expect("a key"),
                way,
                &domain,
                tweak,
                &mut numerals,
            ),
            _ => {
                let key = Secret::new(key.clone().try_into().expect("32 bytes"));
                let mut other = numerals.clone();
                Ff1::new(&key).run(way, radix, tweak, &mut numerals).expect("it runs");
                large(&key, way, radix, tweak, &mut other).expect("it runs");
                assert_eq!(numerals, other);
            }
        }
        numerals
    };
    assert_eq!(run(Way::Protect, plain), numerals(cipher));
    assert_eq!(run(Way::Undo, cipher), numerals(plain));
}

/// FF1samples.pdf of NIST's examples with intermediate values, samples 1 to 9.
#[test]
fn agrees_with_nists_samples() {
    let ten = b"9876543210";
    let eleven = b"7777pqrs777";
    holds(16, 10, b"", "0123456789", "2433477484");
    holds(16, 10, ten, "0123456789", "6124200773");
    holds(16, 36, eleven, "0123456789abcdefghi", "a9tv40mll9kdu509eum");
    holds(24, 10, b"", "0123456789", "2830668132");
    holds(24, 10, ten, "0123456789", "2496655549");
    holds(24, 36, eleven, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr");
    holds(32, 10, b"", "0123456789", "6657667009");
    holds(32, 10, ten, "0123456789", "1001623463");
    holds(32, 36, eleven, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd");
}

#[test]
fn fewer_than_a_million_values_are_refused() {
    let ff1 = Ff1::new(&Secret::new([1; 32]));
    let run = |radix, count| ff1.run(Way::Protect, radix, b"", &mut vec![0; count]);
    assert!(matches!(run(10, 5), Err(Error::TooFew { count: 5, needs: 6 })));
    assert!(run(10, 6).is_ok());
    assert!(matches!(run(62, 3), Err(Error::TooFew { needs: 4, .. })));
    assert!(run(62, 4).is_ok());
    assert!(matches!(run(2, 19), Err(Error::TooFew { needs: 20, .. })));
    assert!(matches!(run(10, 0), Err(Error::TooFew { .. })));
    assert!(matches!(run(10, 513), Err(Error::TooLong { .. })));
}

#[test]
fn strings_that_are_too_long_for_the_integers_come_back_as_well() {
    let ff1 = Ff1::new(&Secret::new([1; 32]));
    let plain: Vec<u16> = (0..100).map(|at| at % 62).collect();
    let mut text = plain.clone();
    ff1.run(Way::Protect, 62, b"tweak", &mut text).expect("it runs");
    assert_ne!(text, plain);
    ff1.run(Way::Undo, 62, b"tweak", &mut text).expect("it runs");
    assert_eq!(text, plain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every radix and length that the integers take, with tweaks on both sides of every block.
    #[test]
    fn the_integers_agree_with_the_crate(
        key: [u8; 32],
        radix in 2u32..=1000,
        count in 2usize..40,
        tweak in proptest::collection::vec(any::<u8>(), 0..50),
        seed in proptest::collection::vec(any::<u16>(), 40),
    ) {
        prop_assume!(!below_floor(radix, count));
        let Some(domain) = Domain::small(radix, count) else { return Ok(()) };
        let key = Secret::new(key);
        let plain: Vec<u16> =
            seed[..count].iter().map(|numeral| (u32::from(*numeral) % radix) as u16).collect();
        let (mut ours, mut theirs) = (plain.clone(), plain.clone());
        let cipher = Ff1::new(&key);
        small(&cipher.cipher, Way::Protect, &domain, &tweak, &mut ours);
        large(&key, Way::Protect, radix, &tweak, &mut theirs).expect("it runs");
        prop_assert_eq!(&ours, &theirs);
        small(&cipher.cipher, Way::Undo, &domain, &tweak, &mut ours);
        prop_assert_eq!(ours, plain);
    }

    /// Decimal, of all lengths: what cards, accounts and telephones are made of.
    #[test]
    fn the_integers_agree_with_the_crate_on_digits(
        key: [u8; 32],
        tweak in proptest::collection::vec(any::<u8>(), 0..80),
        digits in proptest::collection::vec(0u16..10, 6..=38),
    ) {
        let key = Secret::new(key);
        let domain = Domain::small(10, digits.len()).expect("small");
        let (mut ours, mut theirs) = (digits.clone(), digits);
        small(&Ff1::new(&key).cipher, Way::Protect, &domain, &tweak, &mut ours);
        large(&key, Way::Protect, 10, &tweak, &mut theirs).expect("it runs");
        prop_assert_eq!(ours, theirs);
    }
}
