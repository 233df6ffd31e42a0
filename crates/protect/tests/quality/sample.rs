//! Text with sensitive values at known places, among ordinary logs.

use crate::random::Random;
use crate::{ids, logs};
use std::fmt::Write as _;

/// Where a value is, and which rule has to find it.
pub(crate) struct Truth {
    pub(crate) rule: &'static str,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// A text and what is in it.
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) truths: Vec<Truth>,
}

/// A class of values: its rule, and what it is called in keys and in sentences.
type Kind = (&'static str, &'static [&'static str]);

/// The kinds whose values are made by [`ids`].
pub(crate) const KINDS: &[Kind] = &[
    ("pan", &["card", "cardNumber", "card_number", "pan", "creditCard", "value", "data", "text"]),
    ("iban", &["iban", "account", "from", "value"]),
    ("email", &["email", "user", "to", "contact"]),
    ("phone", &["phone", "mobile", "tel", "contact", "value"]),
    ("ip", &["client_ip", "remote_addr", "peer", "value"]),
    ("us-ssn", &["ssn", "customerSsn", "social_security_number"]),
    ("gb-nino", &["nino", "national_insurance", "niNumber"]),
    ("de-steuer-id", &["steuerId", "steuer_id", "steueridentifikationsnummer", "tin"]),
    ("fr-nir", &["nir", "numeroSecu", "value"]),
    ("es-dni-nie", &["dni", "nie", "documento"]),
    ("it-codice-fiscale", &["codiceFiscale", "cf", "value"]),
    ("nl-bsn", &["bsn", "burgerservicenummer", "customerBsn"]),
    ("be-rrn", &["rrn", "rijksregisternummer", "niss"]),
    ("pl-pesel", &["pesel", "numerPesel"]),
    ("se-personnummer", &["personnummer", "pnr"]),
    ("fi-hetu", &["hetu", "henkilotunnus", "value"]),
    ("br-cpf", &["cpf", "clienteCpf"]),
    ("in-aadhaar", &["aadhaar", "aadhaarNumber", "uid"]),
    ("ca-sin", &["sin", "socialInsurance", "employee_sin"]),
    ("au-tfn", &["tfn", "tfnNumber"]),
    ("cn-resident-id", &["resident_number", "idcard", "value"]),
    ("secret", &["key", "data", "header", "x"]),
    ("assigned-secret", &["password", "dbPassword", "api_key", "clientSecret"]),
];

fn value(rule: &str, random: &mut Random) -> String {
    match rule {
        "pan" => {
            let pan = ids::pan(random);
            match random.below(4) {
                0 => ids::grouped(&pan, " "),
                1 => ids::grouped(&pan, "-"),
                _ => pan,
            }
        }
        "iban" => {
            let iban = ids::iban(random);
            match random.below(3) {
                0 => iban
                    .as_bytes()
                    .chunks(4)
                    .map(|part| String::from_utf8_lossy(part))
                    .collect::<Vec<_>>()
                    .join(" "),
                _ => iban,
            }
        }
        "email" => ids::email(random),
        "phone" => ids::phone(random),
        "ip" => ids::ip(random),
        "secret" => ids::secret(random),
        "assigned-secret" => {
            random.alnum(11) + &random.text("0123456789", 1) + &random.text("#!%*", 1) + "q"
        }
        rule => {
            let plain = random.below(2) == 0;
            ids::national(rule, plain, random)
        }
    }
}

/// So many values of each kind, each on a line of its own, with `between` ordinary lines each.
pub(crate) fn make(seed: u64, each: usize, between: usize) -> Sample {
    let mut random = Random(seed);
    let mut sample = Sample { text: String::new(), truths: Vec::new() };
    for _ in 0..each {
        for (rule, names) in KINDS {
            (0..between).for_each(|_| logs::line(&mut random, &mut sample.text));
            let (name, value) = (random.pick(names), value(rule, &mut random));
            put(&mut sample, rule, name, &value, &mut random);
        }
    }
    sample
}

/// Adds a line with a value, as programs and people write it.
fn put(sample: &mut Sample, rule: &'static str, name: &str, value: &str, random: &mut Random) {
    let n = random.below(1_000_000);
    let text = &mut sample.text;
    let before = match random.below(3) {
        0 => format!("{{\"n\":{n},\"{name}\":\""),
        1 => format!("2026-11-22 19:30:54 INFO n={n} {name}="),
        _ => format!("{n} things were done for {name}: "),
    };
    text.push_str(&before);
    let start = u64::try_from(text.len()).expect("small");
    text.push_str(value);
    let end = u64::try_from(text.len()).expect("small");
    let after = if before.starts_with('{') { "\",\"ok\":true}" } else { ", all is well" };
    let _infallible = writeln!(text, "{after}");
    sample.truths.push(Truth { rule, start, end });
}
