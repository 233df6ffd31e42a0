//! `Accept-Encoding`, and the files that were compressed before they were deployed.
//!
//! A file `app.js` with `app.js.br` beside it has two forms. Nothing is compressed here: the
//! build knows better how, and a node that compresses on demand can be made to work.

/// A form in which a file may lie beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Zstandard,
    Gzip,
}

impl Coding {
    /// All of them; the first is chosen where nothing else decides.
    pub(super) const ALL: [Self; 3] = [Self::Brotli, Self::Zstandard, Self::Gzip];

    /// What the name of such a file ends in.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstandard => ".zst",
            Self::Gzip => ".gz",
        }
    }

    /// Its name in HTTP.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstandard => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// How much a client wants a coding, in thousandths; 0 is not at all.
pub(super) fn wish(accept: &str, coding: Coding) -> u16 {
    let mut any = 0;
    let mut own = None;
    for part in accept.split(',') {
        let mut words = part.split(';');
        let name = words.next().unwrap_or_default().trim();
        let weight = words.find_map(|word| word.trim().strip_prefix("q=")).map_or(1000, weight);
        if name.eq_ignore_ascii_case(coding.name()) {
            own = Some(weight);
        } else if name == "*" {
            any = weight;
        }
    }
    own.unwrap_or(any)
}

/// `0.5` as 500; nonsense as 0.
fn weight(text: &str) -> u16 {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
    match (whole, digits) {
        ("1", true) => 1000,
        ("0", true) => format!("{part:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_decide() {
        for (accept, coding, wanted) in [
            ("gzip, br", Coding::Brotli, 1000),
            ("gzip;q=0.5, br;q=1.0", Coding::Gzip, 500),
            ("GZIP ; q=0.05", Coding::Gzip, 50),
            ("gzip", Coding::Brotli, 0),
            ("*", Coding::Zstandard, 1000),
            ("*;q=0.1, br;q=0", Coding::Brotli, 0),
            ("br;q=0", Coding::Brotli, 0),
            ("br;q=2", Coding::Brotli, 0),
            ("br;q=", Coding::Brotli, 0),
            ("identity", Coding::Gzip, 0),
            ("", Coding::Gzip, 0),
            ("brx", Coding::Brotli, 0),
        ] {
            assert_eq!(wish(accept, coding), wanted, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn no_field_wants_more_than_all(accept in "\\PC{0,40}|[a-z,;=q0-9. *]{0,40}") {
            for coding in Coding::ALL {
                prop_assert!(wish(&accept, coding) <= 1000);
            }
        }
    }
}
