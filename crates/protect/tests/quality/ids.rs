//! Values that are right by the rules of those who give them, made without the detector's code.

use crate::random::Random;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn values(text: &str) -> Vec<u64> {
    text.bytes().map(|byte| u64::from(byte - b'0')).collect()
}

fn sum(text: &str, weights: &[u64]) -> u64 {
    values(text).iter().zip(weights).map(|(a, b)| a * b).sum()
}

/// The text with the check digit that makes it right by Luhn.
fn luhn(body: &str) -> String {
    let mut total = 0;
    for (at, value) in values(body).into_iter().rev().enumerate() {
        let doubled = if at % 2 == 0 { value * 2 } else { value };
        total += doubled / 10 + doubled % 10;
    }
    format!("{body}{}", (10 - total % 10) % 10)
}

/// `yymmdd`.
fn date(random: &mut Random) -> (u64, u64, u64) {
    (random.within(50, 99), random.within(1, 12), random.within(1, 28))
}

pub(crate) fn pan(random: &mut Random) -> String {
    let (prefix, length) = match random.below(100) {
        0..50 => ("4".to_owned(), 16),
        50..75 => (random.within(51, 55).to_string(), 16),
        75..85 => (random.within(2221, 2720).to_string(), 16),
        85..95 => (random.pick(&["34", "37"]).to_owned(), 15),
        95..98 => ("6011".to_owned(), 16),
        _ => (random.within(3528, 3589).to_string(), 16),
    };
    let rest = random.digits(length - 1 - prefix.len());
    luhn(&format!("{prefix}{rest}"))
}

/// In groups of four, or four, six and five.
pub(crate) fn grouped(pan: &str, separator: &str) -> String {
    let cuts: &[usize] = if pan.len() == 15 { &[4, 10] } else { &[4, 8, 12] };
    let mut out = String::new();
    for (at, c) in pan.char_indices() {
        if cuts.contains(&at) {
            out.push_str(separator);
        }
        out.push(c);
    }
    out
}

pub(crate) fn iban(random: &mut Random) -> String {
    let (country, body) = match random.below(6) {
        0 => ("DE", random.digits(18)),
        1 => ("GB", random.text(UPPER, 4) + &random.digits(14)),
        2 => ("NL", random.text(UPPER, 4) + &random.digits(10)),
        3 => ("ES", random.digits(20)),
        4 => ("FR", random.digits(10) + &random.text("ABC0123456789", 11) + &random.digits(2)),
        _ => ("IT", random.text(UPPER, 1) + &random.digits(22)),
    };
    let mut rest = 0;
    for c in format!("{body}{country}00").chars() {
        for digit in c.to_digit(36).expect("alphanumeric").to_string().chars() {
            rest = (rest * 10 + digit.to_digit(10).expect("a digit")) % 97;
        }
    }
    format!("{country}{:02}{body}", 98 - rest)
}

/// A number of a country, as its people write it: with separators, or `plain`.
pub(crate) fn national(rule: &str, plain: bool, random: &mut Random) -> String {
    let (year, month, _) = date(random);
    let form = |separated: String| match plain {
        true => separated.replace(['-', '.', ' '], ""),
        false => separated,
    };
    match rule {
        "us-ssn" => {
            let (area, group) = (random.within(1, 600), random.within(1, 99));
            form(format!("{area:03}-{group:02}-{:04}", random.within(1, 9999)))
        }
        "gb-nino" => {
            let letters = random.text("ABCEGHJKLMPRSTWXYZ", 1) + &random.text("ACEHJLMPRSWXYZ", 1);
            let letters = if letters == "ZZ" { "AB".to_owned() } else { letters };
            let parts: Vec<String> = (0..3).map(|_| random.digits(2)).collect();
            form(format!("{letters} {} {}", parts.join(" "), random.text("ABCD", 1)))
        }
        "de-steuer-id" => steuer_id(random),
        "fr-nir" => {
            let department = random.within(1, 95);
            let body = format!(
                "{}{year:02}{month:02}{department:02}{:03}{:03}",
                random.within(1, 2),
                random.within(1, 989),
                random.within(1, 999)
            );
            let key = 97 - body.parse::<u64>().expect("digits") % 97;
            let parts = [0..1, 1..3, 3..5, 5..7, 7..10, 10..13].map(|part| &body[part]);
            form(format!("{} {key:02}", parts.join(" ")))
        }
        "es-dni-nie" => {
            const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
            let letter =
                |value: u64| char::from(LETTERS[usize::try_from(value % 23).expect("small")]);
            if plain {
                let value = random.below(100_000_000);
                return format!("{value:08}{}", letter(value));
            }
            let (first, value) = (random.below(3), random.below(10_000_000));
            let name = ["X", "Y", "Z"][usize::try_from(first).expect("small")];
            format!("{name}{value:07}{}", letter(first * 10_000_000 + value))
        }
        "it-codice-fiscale" => codice_fiscale(random),
        rule => checked(rule, plain, random),
    }
}

/// Numbers that are nothing but digits and a check.
fn checked(rule: &str, plain: bool, random: &mut Random) -> String {
    let (year, month, day) = date(random);
    let form = |separated: String| match plain {
        true => separated.replace(['-', '.', ' '], ""),
        false => separated,
    };
    match rule {
        "nl-bsn" => loop {
            let body = random.digits(8);
            let rest = sum(&body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            if rest < 10 {
                break format!("{body}{rest}");
            }
        },
        "be-rrn" => {
            let body = format!("{year:02}{month:02}{day:02}{:03}", random.within(1, 997));
            let key = 97 - body.parse::<u64>().expect("digits") % 97;
            let serial = &body[6..];
            form(format!("{year:02}.{month:02}.{day:02}-{serial}.{key:02}"))
        }
        "pl-pesel" => {
            let body = format!("{year:02}{month:02}{day:02}{}", random.digits(4));
            let rest = sum(&body, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10;
            format!("{body}{}", (10 - rest) % 10)
        }
        "se-personnummer" => {
            let right = luhn(&format!("{year:02}{month:02}{day:02}{}", random.digits(3)));
            form(format!("{}-{}", &right[..6], &right[6..]))
        }
        "fi-hetu" => {
            let person = random.within(2, 899);
            let date = format!("{day:02}{month:02}{year:02}");
            let value: u64 = format!("{date}{person:03}").parse().expect("digits");
            let check =
                b"0123456789ABCDEFHJKLMNPRSTUVWXY"[usize::try_from(value % 31).expect("small")];
            format!("{date}-{person:03}{}", char::from(check))
        }
        "br-cpf" => {
            let mut body = random.digits(9);
            for first in [10, 11] {
                let weights: Vec<u64> = (2..=first).rev().collect();
                let rest = 11 - sum(&body, &weights) % 11;
                body.push_str(&(if rest > 9 { 0 } else { rest }).to_string());
            }
            form(format!("{}.{}.{}-{}", &body[..3], &body[3..6], &body[6..9], &body[9..]))
        }
        "in-aadhaar" => {
            let body = random.within(2, 9).to_string() + &random.digits(10);
            let right = verhoeff(&body);
            form(format!("{} {} {}", &right[..4], &right[4..8], &right[8..]))
        }
        "ca-sin" => {
            let right = luhn(&(random.within(1, 7).to_string() + &random.digits(7)));
            form(format!("{}-{}-{}", &right[..3], &right[3..6], &right[6..]))
        }
        "au-tfn" => loop {
            let right = random.digits(9);
            if sum(&right, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) {
                break form(format!("{} {} {}", &right[..3], &right[3..6], &right[6..]));
            }
        },
        "cn-resident-id" => resident(random),
        other => panic!("no such rule: {other}"),
    }
}

fn resident(random: &mut Random) -> String {
    let (year, month, day) = date(random);

    let region = random.pick(&["110101", "310104", "440305", "510107", "330102"]);
    let body = format!("{region}19{year:02}{month:02}{day:02}{}", random.digits(3));
    let weights: Vec<u64> = (1..=17).rev().map(|power| (1 << power) % 11).collect();
    let check =
        "10X98765432".as_bytes()[usize::try_from(sum(&body, &weights) % 11).expect("small")];
    format!("{body}{}", char::from(check))
}

fn steuer_id(random: &mut Random) -> String {
    let mut digits: Vec<u64> = (0..10).collect();
    for at in (1..10).rev() {
        let other = usize::try_from(random.below(at + 1)).expect("small");
        digits.swap(usize::try_from(at).expect("small"), other);
    }
    // One digit takes the place of another, so that it is there twice.
    let (from, to) = (random.within(1, 5), random.within(6, 9));
    digits[usize::try_from(to).expect("small")] = digits[usize::try_from(from).expect("small")];
    if digits[0] == 0 {
        digits.swap(0, 1);
    }
    if digits[0] == 0 {
        digits.swap(0, 2);
    }
    let mut product = 10;
    for digit in &digits {
        let sum = (digit + product) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    digits.push((11 - product) % 10);
    digits.iter().map(u64::to_string).collect()
}

fn codice_fiscale(random: &mut Random) -> String {
    let (year, _, day) = date(random);
    let (name, month) = (random.text("BCDFGLMNPRSTVZ", 6), random.text("ABCDEHLMPRST", 1));
    let place = random.text("ABCDEFGHIL", 1) + &random.digits(3);
    let body = format!("{name}{year:02}{month}{day:02}{place}");
    // By the decree of 23 December 1976: values of characters at odd places.
    const ODD: &str = "BAFHJNPRTVCESULDGIMOQKWZYX";
    let total: usize = body
        .chars()
        .enumerate()
        .map(|(at, c)| {
            let value = c.to_digit(10).unwrap_or(u32::from(c).wrapping_sub(65)) as usize;
            match at % 2 {
                // The letter whose place in the alphabet is the value of this one.
                0 => (ODD.as_bytes()[value] - b'A') as usize,
                _ => value,
            }
        })
        .sum();
    format!("{body}{}", char::from(b'A' + u8::try_from(total % 26).expect("small")))
}

/// Verhoeff's check digit, by his tables.
fn verhoeff(body: &str) -> String {
    const D: [&str; 10] = [
        "0123456789",
        "1234067895",
        "2340178956",
        "3401289567",
        "4012395678",
        "5987604321",
        "6598710432",
        "7659821043",
        "8765932104",
        "9876543210",
    ];
    const P: [&str; 8] = [
        "0123456789",
        "1576283094",
        "5803796142",
        "8916043527",
        "9453126870",
        "4286573901",
        "2793806415",
        "7046913258",
    ];
    let at = |row: &str, column: usize| usize::from(row.as_bytes()[column] - b'0');
    let mut check = 0;
    for (place, value) in values(body).into_iter().rev().enumerate() {
        check = at(D[check], at(P[(place + 1) % 8], usize::try_from(value).expect("small")));
    }
    let inverse = (0..10).find(|other| at(D[check], *other) == 0).expect("a group");
    format!("{body}{inverse}")
}

pub(crate) fn email(random: &mut Random) -> String {
    let name = random.pick(&["ann", "bob.smith", "c.d", "eve_1", "frank+news", "grace-hopper"]);
    let place = random.pick(&["example.com", "mail.example.org", "post.example.de", "x.co.uk"]);
    format!("{name}{}@{place}", random.below(1000))
}

pub(crate) fn phone(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("+49 {} {}", random.within(150, 179), random.within(1_000_000, 9_999_999)),
        1 => format!("+1-{}-555-{}", random.within(201, 989), random.digits(4)),
        2 => format!("+44{}", random.within(7_000_000_000, 7_999_999_999)),
        _ => format!(
            "({}) {}-{}",
            random.within(201, 989),
            random.within(200, 999),
            random.digits(4)
        ),
    }
}

pub(crate) fn ip(random: &mut Random) -> String {
    if random.below(3) > 0 {
        let octets =
            [random.within(1, 223), random.below(256), random.below(256), random.below(256)];
        return match octets {
            [127, a, b, c] => format!("128.{a}.{b}.{c}"),
            [a, b, c, d] => format!("{a}.{b}.{c}.{d}"),
        };
    }
    format!("2001:db8:{:x}::{:x}", random.within(1, 65535), random.within(1, 65535))
}

pub(crate) fn secret(random: &mut Random) -> String {
    match random.below(9) {
        0 => format!("AKIA{}", random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        1 => format!("ghp_{}", random.alnum(36)),
        2 => format!("glpat-{}", random.alnum(20)),
        3 => format!("xoxb-{}-{}-{}", random.digits(12), random.digits(12), random.alnum(24)),
        4 => format!("sk_live_{}", random.alnum(24)),
        5 => format!("AIza{}", random.alnum(35)),
        6 => format!("npm_{}", random.alnum(36)),
        7 => format!("eyJ{}.eyJ{}.{}", random.alnum(33), random.alnum(80), random.alnum(43)),
        _ => format!("cmt_{}_{}{}", random.alnum(12), random.alnum(43), random.hex(8)),
    }
}
