//! Why a value could not be transformed.

use model::Code;

/// Why a value could not be transformed. Never quotes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The alphabet itself is unusable.
    #[error("an alphabet has 2 to 1024 characters, each once")]
    Alphabet,
    /// A character that is neither in the alphabet nor a separator.
    #[error("character {at} is neither in the alphabet of {alphabet} nor a separator")]
    Outside { at: usize, alphabet: &'static str },
    /// So few values are possible that all could be tried.
    #[error(
        "{count} characters are left to encipher and {needs} are needed: with fewer, less than 1,000,000 values are possible, and all of them could be tried"
    )]
    TooFew { count: usize, needs: usize },
    /// Longer than anything that this is meant for.
    #[error("the value is longer than {max} characters")]
    TooLong { max: usize },
    /// More values than one invocation may have to do with.
    #[error(
        "with this value there are more than {values} different ones, or more than {bytes} bytes of them, and all have to be looked for wherever the function's data leaves"
    )]
    TooMany { values: usize, bytes: usize },
    /// Not 12 to 19 digits with a right check digit.
    #[error(
        "this is no card number: it has not 12 to 19 digits, or its check digit is wrong, as that of a number is which stands for a card already"
    )]
    NotCard,
    /// Not what stands for a card.
    #[error("this does not stand for a card: its check digit says so")]
    NotCardToken,
    /// Not `local@domain`.
    #[error("this is no e-mail address")]
    NotEmail,
    /// Not `YYYY-MM-DD`.
    #[error("this is no date of the form `YYYY-MM-DD`")]
    NotDate,
    /// Not a number, or not one that this transform keeps exactly.
    #[error("this is no whole number that can be transformed and stay one")]
    NotNumber,
    /// A token where a value was expected.
    #[error("this is a token already")]
    AlreadyToken,
    /// A value where a token was expected.
    #[error("this is no token")]
    NotToken,
    /// A token of another class.
    #[error("this is a token of the class `{found}`")]
    OtherClass { found: String },
    /// A token of another version of the key.
    #[error("this is a token of version {found}, and these are the keys of version {own}")]
    OtherVersion { found: u32, own: u32 },
    /// A token that these keys did not make.
    #[error(
        "the token is not authentic: another tenant, environment, mode, record or root key made it, or it was changed"
    )]
    NotAuthentic,
    /// A token with a salt where none is expected, or the other way round, or another subject's.
    #[error(
        "the token is of another subject, or of a class whose values can be erased where they cannot, or the other way round"
    )]
    OtherSalt,
    /// A token whose salt was deleted on purpose.
    #[error("its subject's values were erased")]
    Erased,
    /// A token whose salt nobody knows.
    #[error(
        "the salt of its subject is not on this node: another one made the token, or the salts were lost"
    )]
    NoSalt,
    /// A value that can be erased, without the name of its subject.
    #[error("its subject is not there, or has no name of 1 to 1024 bytes")]
    NoSubject,
    /// Two values that look alike once they are protected.
    #[error("two known values became this text, so nobody can say which one it stands for")]
    Ambiguous,
    /// There is no way back.
    #[error("`{0}` cannot be undone")]
    OneWay(&'static str),
    /// The mode needs to know which record the value is of.
    #[error("the mode `isolated` needs the id of the value's record, and there is none")]
    NoRecord,
    /// Neither a text nor a number.
    #[error("this is neither a text nor a number")]
    NotScalar,
}

impl Error {
    /// The code that people look up.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Alphabet => Code::DataContract,
            Self::TooFew { .. } => Code::DataTooFew,
            Self::AlreadyToken => Code::DataTokenAlready,
            Self::NotToken
            | Self::NotCardToken
            | Self::OtherClass { .. }
            | Self::OtherVersion { .. }
            | Self::NotAuthentic
            | Self::OtherSalt
            | Self::NoSalt
            | Self::Ambiguous => Code::DataTokenForeign,
            Self::Erased => Code::DataErased,
            Self::NoSubject => Code::DataNoSubject,
            Self::TooMany { .. } => Code::DataBodyTooLarge,
            Self::OneWay(_) => Code::DataOneWay,
            Self::Outside { .. }
            | Self::TooLong { .. }
            | Self::NotCard
            | Self::NotEmail
            | Self::NotDate
            | Self::NotNumber
            | Self::NoRecord
            | Self::NotScalar => Code::DataValue,
        }
    }
}
