//! A token of an issuer, made with the `openssl` of the machine, for what is measured over TLS.

use super::node::Home;
use crate::program::run;
use anyhow::{Context as _, Result};
use std::path::PathBuf;
use std::process::Command;

/// What the issuer calls itself.
const ISSUER: &str = "https://bench.example";
/// Bytes of one coordinate of a signature on P-256.
const COORDINATE: usize = 32;

/// An issuer of tokens with ES256.
pub(super) struct Issuer {
    directory: PathBuf,
}

impl Issuer {
    /// Makes its key beside a home.
    pub(super) fn new(home: &Home) -> Result<Self> {
        let issuer = Self { directory: home.directory().to_owned() };
        let mut make = Command::new("openssl");
        make.args(["genpkey", "-quiet", "-algorithm", "EC"]);
        make.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-out"]).arg(issuer.file("issuer.key"));
        run(&mut make).context("`openssl` is missing or too old: apt-get install openssl")?;
        let mut public = Command::new("openssl");
        public.args(["pkey", "-pubout", "-in"]).arg(issuer.file("issuer.key"));
        run(public.arg("-out").arg(issuer.file("issuer.pem")))?;
        Ok(issuer)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The lines of a configuration that name it, beside a listener for HTTPS.
    pub(super) fn config(&self) -> String {
        let keys = self.file("issuer.pem");
        format!(
            "[tls]\nlisten = \"127.0.0.1:0\"\nself_signed = [\"localhost\"]\nredirect = false\n\
             [[issuer]]\nname = \"bench\"\nissuer = \"{ISSUER}\"\naudience = [\"bench\"]\n\
             algorithms = [\"ES256\"]\nkeys = {keys:?}\n"
        )
    }

    /// A token that is valid for a day.
    pub(super) fn token(&self) -> Result<String> {
        let until = jiff::Timestamp::now().as_second() + 86_400;
        let claims = format!(r#"{{"iss":"{ISSUER}","aud":"bench","sub":"load","exp":{until}}}"#);
        let message =
            format!("{}.{}", url64(br#"{"alg":"ES256","typ":"JWT"}"#), url64(claims.as_bytes()));
        let (text, signature) = (self.file("message"), self.file("signature"));
        std::fs::write(&text, &message)?;
        let mut sign = Command::new("openssl");
        sign.args(["dgst", "-sha256", "-sign"]).arg(self.file("issuer.key"));
        run(sign.arg("-out").arg(&signature).arg(&text))?;
        let raw = raw_signature(&std::fs::read(&signature)?).context("openssl signed otherwise")?;
        Ok(format!("{message}.{}", url64(&raw)))
    }
}

/// The two numbers of a signature, from DER, at their full length (RFC 7518, section 3.4).
fn raw_signature(der: &[u8]) -> Option<Vec<u8>> {
    let mut rest = der.strip_prefix(&[0x30])?.get(1..)?;
    let mut raw = Vec::new();
    for _ in 0..2 {
        let (&length, bytes) = rest.strip_prefix(&[2])?.split_first()?;
        let (number, after) = bytes.split_at_checked(usize::from(length))?;
        // Numbers lose zeros in front, and get one where they would be negative.
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        raw.extend(std::iter::repeat_n(0, COORDINATE.checked_sub(number.len())?));
        raw.extend(number);
        rest = after;
    }
    rest.is_empty().then_some(raw)
}

/// Base64 for URLs, without padding (RFC 4648, section 5).
fn url64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let mut bits = [0; 4];
        for (place, byte) in bits.iter_mut().skip(1).zip(three) {
            *place = *byte;
        }
        let bits = u32::from_be_bytes(bits);
        let digits = (0..=three.len()).map(|at| (bits >> (18 - 6 * at)) as usize & 63);
        text.extend(digits.filter_map(|digit| DIGITS.get(digit)).map(|digit| char::from(*digit)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_tokens_have_them() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"\xff\xfe\xfd\xfc", "__79_A"),
        ] {
            assert_eq!(url64(bytes), text);
        }
    }

    #[test]
    fn a_signature_has_its_full_length() {
        let der = [&[0x30, 8, 2, 2, 0, 0x80, 2, 2, 1, 2][..]].concat();
        let raw = raw_signature(&der).expect("a signature");
        assert_eq!((raw.len(), raw[31], &raw[62..]), (64, 0x80, &[1, 2][..]));
        assert_eq!(raw_signature(&der[..9]), None);
        assert_eq!(raw_signature(b""), None);
    }
}
