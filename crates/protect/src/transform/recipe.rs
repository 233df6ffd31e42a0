//! Recipes: which transform, with which options. What a contract's field says, as a type.

use super::Alphabet;
use super::hash::Form;
use super::name::Mode;
use serde::{Deserialize, Serialize};

/// A transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A token that holds the value: `tok_CLASS_VERSION_…`. Reversible.
    Token,
    /// A payment card's number as another one with a wrong check digit. Reversible.
    Card,
    /// Digits as others. Reversible.
    Digits,
    /// Letters as others. Reversible.
    Letters,
    /// Letters and digits as others. Reversible.
    Alphanumerics,
    /// Characters of `alphabet` as others. Reversible.
    Own,
    /// An e-mail address as another. Reversible.
    Email,
    /// A telephone number as another; the country stays. Reversible.
    Phone,
    /// A keyed hash: 64 hexadecimal digits, or `length` digits or characters of `alphabet`.
    Hash,
    /// Letters and digits covered, but the first and last few.
    Mask,
    /// The same text for each value.
    Fixed,
    /// The month of a date.
    Month,
    /// The year of a date.
    Year,
    /// The lower end of the bucket of `width` that a number falls into.
    Bucket,
}

impl Kind {
    /// The word in a contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Card => "card",
            Self::Digits => "digits",
            Self::Letters => "letters",
            Self::Alphanumerics => "alphanumerics",
            Self::Own => "own",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Hash => "hash",
            Self::Mask => "mask",
            Self::Fixed => "fixed",
            Self::Month => "month",
            Self::Year => "year",
            Self::Bucket => "bucket",
        }
    }

    /// Whether there is a way back.
    #[must_use]
    pub const fn is_reversible(self) -> bool {
        !matches!(
            self,
            Self::Hash | Self::Mask | Self::Fixed | Self::Month | Self::Year | Self::Bucket
        )
    }

    /// Whether it is bound to names, and so has a mode.
    pub(crate) const fn has_mode(self) -> bool {
        self.is_reversible() || matches!(self, Self::Hash)
    }

    /// The keys beside `mode` that mean something for it.
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Token | Self::Month | Self::Year => &[],
            Self::Card | Self::Digits | Self::Letters | Self::Alphanumerics => {
                &["keep_first", "keep_last"]
            }
            Self::Own => &["alphabet", "keep_first", "keep_last"],
            Self::Email => &["keep_domain"],
            Self::Phone => &["keep_last"],
            Self::Hash => &["length", "alphabet"],
            Self::Mask => &["keep_first", "keep_last", "with"],
            Self::Fixed => &["with"],
            Self::Bucket => &["width"],
        }
    }
}

/// A transform with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The transform.
    pub kind: Kind,
    /// Whether equal values become equal.
    pub mode: Option<Mode>,
    /// Characters at the beginning that stay, not counting separators.
    pub keep_first: Option<u8>,
    /// Characters at the end that stay.
    pub keep_last: Option<u8>,
    /// Whether the domain of an address stays.
    pub keep_domain: Option<bool>,
    /// The characters of `own`, and of a hash with `length`.
    pub alphabet: Option<String>,
    /// Characters of a hash.
    pub length: Option<u8>,
    /// The width of a bucket.
    pub width: Option<u64>,
    /// What covers a character, or stands for the value.
    pub with: Option<String>,
}

/// What is wrong with a recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {why}")]
pub struct Wrong {
    /// The key that it is about.
    pub key: &'static str,
    /// Why.
    pub why: String,
}

pub(crate) fn wrong(key: &'static str, why: impl Into<String>) -> Wrong {
    Wrong { key, why: why.into() }
}

impl Recipe {
    /// A recipe without options.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        Self {
            kind,
            mode: None,
            keep_first: None,
            keep_last: None,
            keep_domain: None,
            alphabet: None,
            length: None,
            width: None,
            with: None,
        }
    }

    /// Looks whether every option belongs to the transform and has a value that it can have.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), Wrong> {
        let given = [
            ("keep_first", self.keep_first.is_some()),
            ("keep_last", self.keep_last.is_some()),
            ("keep_domain", self.keep_domain.is_some()),
            ("alphabet", self.alphabet.is_some()),
            ("length", self.length.is_some()),
            ("width", self.width.is_some()),
            ("with", self.with.is_some()),
        ];
        let word = self.kind.word();
        for (key, is_given) in given {
            if is_given && !self.kind.options().contains(&key) {
                return Err(wrong(key, format!("means nothing for `{word}`")));
            }
        }
        if self.mode.is_some() && !self.kind.has_mode() {
            return Err(wrong("mode", format!("means nothing for `{word}`, which uses no key")));
        }
        match self.kind {
            Kind::Own if self.alphabet.is_none() => {
                Err(wrong("alphabet", "is needed: the characters that the value is made of"))
            }
            Kind::Bucket if self.width.unwrap_or(0) == 0 => {
                Err(wrong("width", "is needed: how many numbers share a bucket"))
            }
            Kind::Hash if self.alphabet.is_some() && self.length.is_none() => {
                Err(wrong("length", "is needed: how many characters of `alphabet` the hash has"))
            }
            Kind::Mask if self.with.as_ref().is_some_and(|with| with.chars().count() != 1) => {
                Err(wrong("with", "is one character for `mask`; `fixed` takes a text"))
            }
            Kind::Hash => self.form().map(|_| ()),
            _ => self.letters().map(|_| ()),
        }
    }

    /// The alphabet that was chosen, if any.
    fn letters(&self) -> Result<Option<Alphabet>, Wrong> {
        let own = self.alphabet.as_deref().map(Alphabet::own).transpose();
        own.map_err(|error| wrong("alphabet", error.to_string()))
    }

    /// What is enciphered.
    pub(crate) fn enciphers(&self) -> Result<Alphabet, Wrong> {
        Ok(match self.kind {
            Kind::Letters => Alphabet::letters(),
            Kind::Alphanumerics | Kind::Email => Alphabet::alphanumerics(),
            Kind::Own => self.letters()?.unwrap_or_else(Alphabet::alphanumerics),
            _ => Alphabet::digits(),
        })
    }

    /// The format of a hash that is cut to one.
    pub(crate) fn form(&self) -> Result<Option<Form>, Wrong> {
        let Some(length) = self.length else { return Ok(None) };
        let alphabet = self.letters()?.unwrap_or_else(Alphabet::digits);
        let radix = alphabet.radix();
        let form = Form::new(alphabet, usize::from(length));
        let limit = format!("must be at least 1, and {radix}^length at most 2^64");
        form.map(Some).ok_or_else(|| wrong("length", limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(recipe: &Recipe) -> String {
        recipe.check().expect_err("it is wrong").to_string()
    }

    #[test]
    fn an_option_that_means_nothing_is_refused() {
        let token = Recipe { keep_first: Some(6), ..Recipe::of(Kind::Token) };
        assert_eq!(complaint(&token), "`keep_first`: means nothing for `token`");
        let mask = Recipe { mode: Some(Mode::Join), ..Recipe::of(Kind::Mask) };
        assert!(complaint(&mask).starts_with("`mode`"));
    }

    #[test]
    fn an_option_that_is_missing_or_impossible_is_named() {
        assert!(complaint(&Recipe::of(Kind::Own)).starts_with("`alphabet`"));
        assert!(complaint(&Recipe::of(Kind::Bucket)).starts_with("`width`"));
        let twice = Recipe { alphabet: Some("aa".to_owned()), ..Recipe::of(Kind::Own) };
        assert!(complaint(&twice).contains("each once"));
        let long = Recipe { length: Some(20), ..Recipe::of(Kind::Hash) };
        assert!(complaint(&long).starts_with("`length`"));
        let word = Recipe { with: Some("xx".to_owned()), ..Recipe::of(Kind::Mask) };
        assert!(complaint(&word).starts_with("`with`"));
        assert_eq!(Recipe { length: Some(19), ..Recipe::of(Kind::Hash) }.check(), Ok(()));
    }
}
