//! National ids that are nothing but digits: how they are grouped, checked and called.

use super::super::check;
use super::super::context::{Set, Words};
use super::super::rule::{Confidence, Known};
use Confidence::{Checksum, Confirmed, Context, Pattern};

/// What stands between the groups of a number.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Seps {
    /// There is one group.
    None,
    /// One of these, everywhere the same.
    Same(&'static [u8]),
    /// Exactly these.
    Exact(&'static [u8]),
}

/// One way to write one kind of number.
pub(in super::super) struct Row {
    pub(super) rule: Known,
    pub(super) groups: &'static [u8],
    pub(super) seps: Seps,
    pub(super) valid: fn(&[u8]) -> bool,
    /// What a number is without any of `words` before it.
    pub(super) bare: Confidence,
    /// What it is with one of them.
    pub(super) told: Confidence,
    pub(super) words: Words,
}

const US: Words = &Set::of(&["ssn", "ssns", "social", "itin", "taxpayer*"]);
pub(in super::super) const DE: Words =
    &Set::of(&["steuer*", "idnr", "tin", "tax*", "identifikationsnummer"]);
const FR: Words = &Set::of(&["nir", "insee", "secu", "sécu*", "securite", "sécurité", "vitale"]);
const NL: Words = &Set::of(&["bsn", "burgerservicenummer", "sofi*", "citizen"]);
const BE: Words =
    &Set::of(&["rrn", "nrn", "rijksregister*", "registre", "national", "niss", "insz", "bis"]);
const PL: Words = &Set::of(&["pesel"]);
const SE: Words =
    &Set::of(&["personnummer", "personnr", "pnr", "ssn", "samordningsnummer", "national"]);
const BR: Words = &Set::of(&["cpf", "contribuinte"]);
const IN: Words = &Set::of(&["aadhaar", "aadhar", "uid", "uidai", "आधार"]);
const CA: Words = &Set::of(&["sin", "nas", "insurance"]);
const AU: Words = &Set::of(&["tfn", "tax"]);
pub(in super::super) const CN: Words =
    &Set::of(&["resident", "idcard", "sfz", "身份证*", "citizen", "national"]);

/// A number of one group.
const fn plain(
    rule: Known,
    groups: &'static [u8],
    valid: fn(&[u8]) -> bool,
    bare: Confidence,
    words: Words,
) -> Row {
    Row { rule, groups, seps: Seps::None, valid, bare, told: Confirmed, words }
}

/// A number of several groups.
const fn grouped(
    rule: Known,
    groups: &'static [u8],
    seps: Seps,
    valid: fn(&[u8]) -> bool,
    bare: Confidence,
    words: Words,
) -> Row {
    Row { rule, groups, seps, valid, bare, told: Confirmed, words }
}

/// Every way.
pub(super) const ROWS: &[Row] = &[
    grouped(Known::Us, &[3, 2, 4], Seps::Same(b"- "), check::us_ssn, Pattern, US),
    // There is no check digit: without its hyphens, the words before it are all that speak for it.
    Row { told: Context, ..plain(Known::Us, &[9], check::us_ssn, Pattern, US) },
    plain(Known::De, &[11], check::de_steuer_id, Pattern, DE),
    grouped(Known::De, &[2, 3, 3, 3], Seps::Same(b" "), check::de_steuer_id, Pattern, DE),
    plain(Known::Fr, &[15], check::fr_nir, Checksum, FR),
    grouped(Known::Fr, &[1, 2, 2, 2, 3, 3, 2], Seps::Same(b" "), check::fr_nir, Confirmed, FR),
    plain(Known::Nl, &[9], check::nl_bsn, Pattern, NL),
    grouped(Known::Nl, &[4, 2, 3], Seps::Same(b"."), check::nl_bsn, Pattern, NL),
    plain(Known::Be, &[11], check::be_rrn, Pattern, BE),
    grouped(Known::Be, &[2, 2, 2, 3, 2], Seps::Exact(b"..-."), check::be_rrn, Confirmed, BE),
    plain(Known::Pl, &[11], check::pl_pesel, Pattern, PL),
    plain(Known::Se, &[10], check::se_personnummer, Pattern, SE),
    plain(Known::Se, &[12], check::se_personnummer, Pattern, SE),
    grouped(Known::Se, &[6, 4], Seps::Same(b"-"), check::se_personnummer, Checksum, SE),
    grouped(Known::Se, &[8, 4], Seps::Same(b"-"), check::se_personnummer, Checksum, SE),
    plain(Known::Br, &[11], check::br_cpf, Pattern, BR),
    grouped(Known::Br, &[3, 3, 3, 2], Seps::Exact(b"..-"), check::br_cpf, Confirmed, BR),
    plain(Known::In, &[12], check::in_aadhaar, Pattern, IN),
    grouped(Known::In, &[4, 4, 4], Seps::Same(b" -"), check::in_aadhaar, Pattern, IN),
    plain(Known::Ca, &[9], check::ca_sin, Pattern, CA),
    grouped(Known::Ca, &[3, 3, 3], Seps::Same(b" -"), check::ca_sin, Pattern, CA),
    plain(Known::Au, &[9], check::au_tfn, Pattern, AU),
    grouped(Known::Au, &[3, 3, 3], Seps::Same(b" -"), check::au_tfn, Pattern, AU),
    plain(Known::Cn, &[18], check::cn_resident, Checksum, CN),
];

/// For each length of a first group, which rows begin with one: a bit for each row.
const BEGINNINGS: [u64; 25] = {
    let mut all = [0; 25];
    let mut at = 0;
    while at < ROWS.len() {
        all[ROWS[at].groups[0] as usize] |= 1 << at;
        at += 1;
    }
    all
};

/// Which rows begin with a group of this length.
pub(super) fn beginning_with(length: u8) -> u64 {
    BEGINNINGS.get(usize::from(length)).copied().unwrap_or_default()
}
