//! Certificates that nobody signed: for trying, and as a stand-in until a real one is there.

use crate::pair::{Origin, Pair};
use model::{Code, Problem, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd,
};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long one is valid. Some clients refuse more than 398 days.
const DAYS: u64 = 365;
/// How far back its validity begins, for clients whose clocks are behind.
const BACK: Duration = Duration::from_secs(3600);

/// The PEM text of a new key and a certificate of it, the key first.
pub(crate) fn make(names: &[String], now: Timestamp) -> Result<Zeroizing<String>, Problem> {
    let failed = |error: rcgen::Error| Problem::new(Code::Internal).internal(error);
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Casemate, self-signed");
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let now = Duration::from_micros(u64::try_from(now.0).unwrap_or_default());
    let begin = date_time_ymd(1970, 1, 1) + now.saturating_sub(BACK);
    params.not_before = begin;
    params.not_after = begin + Duration::from_secs(DAYS * 86_400);
    let certificate = params.self_signed(&key).map_err(failed)?;
    let mut text = Zeroizing::new(key.serialize_pem());
    text.push_str(&certificate.pem());
    Ok(text)
}

/// A stand-in that is kept in memory only.
pub(crate) fn stand_in(name: &str, now: Timestamp) -> Result<Pair, Problem> {
    let text = make(&[name.to_owned()], now)?;
    read(&text)
}

/// Reads what [`make`] wrote.
pub(crate) fn read(text: &str) -> Result<Pair, Problem> {
    let origin = Origin { certificate: "self-signed", key: "self-signed" };
    Pair::read(text.as_bytes(), text.as_bytes(), origin)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A moment in 2026.
    pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    pub(crate) fn pair(names: &[&str]) -> Pair {
        pair_of(names, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub(crate) fn pair_of(names: &[&str], kind: &'static rcgen::SignatureAlgorithm) -> Pair {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate_for(kind).expect("a key");
        let certificate = CertificateParams::new(names).expect("names").self_signed(&key);
        let text = format!("{}{}", key.serialize_pem(), certificate.expect("signed").pem());
        read(&text).expect("a pair")
    }

    #[test]
    fn names_hosts_and_addresses_for_a_year() {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let pair = read(&make(&names, NOW).expect("made")).expect("read");
        assert_eq!(pair.facts.names, names);
        assert!(pair.check_time(NOW, "x").is_ok());
        let days = |days: i64| NOW.plus_us(days * 86_400_000_000);
        assert_eq!(
            pair.check_time(days(366), "x").expect_err("old").code,
            Code::CertificateExpired
        );
        assert_eq!(pair.check_time(days(-1), "x").expect_err("new").code, Code::CertificateExpired);
    }

    #[test]
    fn a_clock_before_1970_makes_a_certificate_all_the_same() {
        assert!(make(&["localhost".to_owned()], Timestamp(-5)).is_ok());
        assert!(make(&["localhost".to_owned()], Timestamp(0)).is_ok());
    }
}
