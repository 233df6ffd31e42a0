//! Who the node is there: a user with a password, a token, or a key that signs what the server asks.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use data_encoding::BASE32_NOPAD;
use model::Secret;
use ports::source::Error;
use serde_json::{Map, Value};

/// The first byte of a user's public key: `U` in base32. A seed has it, too, behind `S`.
const USER: u8 = 20 << 3;
const SEED: u8 = 18 << 3;
/// Letters of a seed.
const SEED_LETTERS: usize = 58;

/// What is known of it.
pub(super) struct Login<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) secret: Option<&'a Secret<Vec<u8>>>,
}

impl Login<'_> {
    /// Adds to what is said at first. `nonce` is what the server wants to have signed.
    pub(super) fn add(&self, said: &mut Map<String, Value>, nonce: &str) -> Result<(), Error> {
        let Some(secret) = self.secret else { return Ok(()) };
        let text = std::str::from_utf8(secret.expose()).map_err(|_| wrong("it is no text"))?;
        let whole = text.trim();
        let mut put = |key: &str, value: String| drop(said.insert(key.to_owned(), value.into()));
        if whole.contains("-----BEGIN ") {
            let seed = within(whole, "USER NKEY SEED").ok_or_else(|| wrong("it has no seed"))?;
            let token = within(whole, "NATS USER JWT").ok_or_else(|| wrong("it has no JWT"))?;
            put("sig", self.key(seed)?.sign(nonce)?);
            put("jwt", token.to_owned());
        } else if is_seed(whole) {
            let key = self.key(whole)?;
            put("sig", key.sign(nonce)?);
            put("nkey", key.public());
        } else if let Some(user) = self.user {
            put("user", user.to_owned());
            put("pass", text.to_owned());
        } else {
            put("auth_token", text.to_owned());
        }
        Ok(())
    }

    fn key(&self, seed: &str) -> Result<Key, Error> {
        match self.user {
            Some(_) => Err(wrong("`user` goes with a password")),
            None => Key::read(seed).ok_or_else(|| wrong("its seed is none of a user's")),
        }
    }
}

/// Whether a text is a seed, be it a right one. A wrong one is not sent as if it were a token.
fn is_seed(text: &str) -> bool {
    let letters = text.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit());
    letters && text.starts_with('S') && text.len() == SEED_LETTERS
}

/// The line below `-----BEGIN NAME-----`.
fn within<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let begin = format!("-----BEGIN {name}-----");
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != begin).skip(1);
    lines.find(|line| !line.is_empty()).filter(|line| !line.starts_with('-'))
}

fn wrong(why: &str) -> Error {
    Error::Refused(format!("the secret is no password, token, seed or file of credentials: {why}"))
}

/// A user's key.
struct Key(Ed25519KeyPair);

impl Key {
    fn read(seed: &str) -> Option<Self> {
        let bytes = Secret::new(BASE32_NOPAD.decode(seed.as_bytes()).ok()?);
        let (known, sum) = bytes.expose().split_last_chunk::<2>()?;
        let (head, key) = known.split_first_chunk::<2>()?;
        let sound = u16::from_le_bytes(*sum) == checksum(known);
        let of_user = *head == [SEED | (USER >> 5), (USER & 31) << 3];
        (sound && of_user).then(|| Ed25519KeyPair::from_seed_unchecked(key).ok().map(Self))?
    }

    fn public(&self) -> String {
        let mut bytes = vec![USER];
        bytes.extend_from_slice(self.0.public_key().as_ref());
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        BASE32_NOPAD.encode(&bytes)
    }

    fn sign(&self, nonce: &str) -> Result<String, Error> {
        match nonce.is_empty() {
            true => {
                Err(Error::Refused("the server takes no keys: it asks for no signature".into()))
            }
            false => Ok(BASE64_URL_SAFE_NO_PAD.encode(self.0.sign(nonce.as_bytes()))),
        }
    }
}

/// CRC-16 as XMODEM has it.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0u16, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            let next = sum << 1;
            if sum & 0x8000 == 0 { next } else { next ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of the documentation of nkeys.
    const SEED_TEXT: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

    fn said(user: Option<&str>, secret: &str, nonce: &str) -> Result<Map<String, Value>, String> {
        let secret = Secret::new(secret.as_bytes().to_vec());
        let mut said = Map::new();
        let login = Login { user, secret: Some(&secret) };
        login.add(&mut said, nonce).map_err(|error| error.to_string())?;
        Ok(said)
    }

    #[test]
    fn a_password_a_token_a_seed_and_credentials_are_told_apart() {
        let keys = |user, secret: &str| {
            let said = said(user, secret, "n").expect("said");
            let mut keys: Vec<String> = said.keys().cloned().collect();
            keys.sort();
            keys.join(" ")
        };
        let credentials = format!(
            "-----BEGIN NATS USER JWT-----\neyJ0.x.y\n------END NATS USER JWT------\n\n\
            -----BEGIN USER NKEY SEED-----\n{SEED_TEXT}\n------END USER NKEY SEED------\n"
        );
        assert_eq!(keys(Some("me"), "pw"), "pass user");
        assert_eq!(keys(None, "pw"), "auth_token");
        assert_eq!(keys(None, SEED_TEXT), "nkey sig");
        assert_eq!(keys(None, &credentials), "jwt sig");
        let signed = said(None, &format!("{SEED_TEXT}\n"), "nonce").expect("said");
        assert_eq!(signed["nkey"], PUBLIC);
        assert_eq!(said(None, &credentials, "n").expect("said")["jwt"], "eyJ0.x.y");
    }

    #[test]
    fn what_is_almost_a_key_is_not_sent_as_a_token() {
        let flipped = SEED_TEXT.replace("3VY", "3VA");
        let no_token =
            format!("-----BEGIN USER NKEY SEED-----\n{SEED_TEXT}\n------END USER NKEY SEED------");
        for (user, secret, nonce, why) in [
            (None, flipped.as_str(), "n", "none of a user's"),
            (None, &no_token, "n", "no JWT"),
            (None, "-----BEGIN NATS USER JWT-----\n-----", "n", "no seed"),
            (None, SEED_TEXT, "", "no signature"),
            (Some("me"), SEED_TEXT, "n", "goes with a password"),
        ] {
            let error = said(user, secret, nonce).expect_err(why);
            assert!(error.contains(why) && !error.contains("SUAC"), "{error}");
        }
    }
}
