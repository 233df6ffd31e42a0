//! The rules by name: what each finds, from when on it is reported, and from when on enforced.

use model::data::{BuiltIn, ClassError, DataClass};

/// What speaks for a finding, from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// It has the shape.
    Pattern,
    /// It has the shape, and the words before it say what it is.
    Context,
    /// It has the shape, and its check digits or its prefix are right.
    Checksum,
    /// Its check digits are right, and the words before it or its grouping say what it is; or the
    /// host knows the value.
    Confirmed,
}

impl Confidence {
    /// All, from little to much.
    pub const ALL: [Self; 4] = [Self::Pattern, Self::Context, Self::Checksum, Self::Confirmed];

    /// As it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Context => "context",
            Self::Checksum => "checksum",
            Self::Confirmed => "confirmed",
        }
    }
}

/// A rule of one [`Detector`](super::Detector).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub(super) u16);

/// What is known of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The class of what it finds.
    pub class: DataClass,
    /// Its name, such as `github-token`; that of the class where there is one rule for it.
    pub name: String,
    /// The least that has to speak for a finding to be reported.
    pub report: Confidence,
    /// From when on a finding may be masked or blocked without somebody having asked for it: at
    /// most one such finding in a gigabyte of ordinary logs is wrong. `None`: never.
    pub enforce: Option<Confidence>,
}

impl Rule {
    /// Whether a finding with this confidence may be enforced.
    #[must_use]
    pub fn enforceable(&self, confidence: Confidence) -> bool {
        self.enforce.is_some_and(|least| confidence >= least)
    }
}

/// What a built-in rule finds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Class(BuiltIn),
    /// National ids of a country.
    Country(&'static str),
}

macro_rules! built_in {
    ($($variant:ident: $name:literal, $of:expr, $report:ident, $enforce:expr;)*) => {
        /// The built-in rules but those of [`secret::table`](super::secret), which follow them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Known { $($variant,)* }

        const ROWS: &[(&str, Of, Confidence, Option<Confidence>)] = {
            use Confidence::*;
            &[$(($name, $of, $report, $enforce),)*]
        };
    };
}

built_in! {
    Exact: "known-value", Of::Class(BuiltIn::Secret), Confirmed, Some(Confirmed);
    Pan: "pan", Of::Class(BuiltIn::Pan), Checksum, Some(Confirmed);
    Iban: "iban", Of::Class(BuiltIn::Iban), Checksum, Some(Checksum);
    Email: "email", Of::Class(BuiltIn::Email), Pattern, Some(Pattern);
    Phone: "phone", Of::Class(BuiltIn::Phone), Pattern, None;
    Ip: "ip", Of::Class(BuiltIn::Ip), Pattern, None;
    Us: "us-ssn", Of::Country("us"), Context, Some(Confirmed);
    Gb: "gb-nino", Of::Country("gb"), Context, Some(Confirmed);
    De: "de-steuer-id", Of::Country("de"), Context, Some(Confirmed);
    Fr: "fr-nir", Of::Country("fr"), Checksum, Some(Confirmed);
    Es: "es-dni-nie", Of::Country("es"), Checksum, Some(Confirmed);
    It: "it-codice-fiscale", Of::Country("it"), Checksum, Some(Checksum);
    Nl: "nl-bsn", Of::Country("nl"), Context, Some(Confirmed);
    Be: "be-rrn", Of::Country("be"), Checksum, Some(Confirmed);
    Pl: "pl-pesel", Of::Country("pl"), Context, Some(Confirmed);
    Se: "se-personnummer", Of::Country("se"), Checksum, Some(Confirmed);
    Fi: "fi-hetu", Of::Country("fi"), Checksum, Some(Confirmed);
    Br: "br-cpf", Of::Country("br"), Checksum, Some(Confirmed);
    In: "in-aadhaar", Of::Country("in"), Context, Some(Confirmed);
    Ca: "ca-sin", Of::Country("ca"), Context, Some(Confirmed);
    Au: "au-tfn", Of::Country("au"), Context, Some(Confirmed);
    Cn: "cn-resident-id", Of::Country("cn"), Checksum, Some(Confirmed);
    Assigned: "assigned-secret", Of::Class(BuiltIn::Secret), Context, None;
    UrlPassword: "url-password", Of::Class(BuiltIn::Secret), Context, None;
    Jwt: "jwt", Of::Class(BuiltIn::Secret), Checksum, Some(Checksum);
    PrivateKey: "private-key", Of::Class(BuiltIn::Secret), Checksum, Some(Checksum);
}

impl Known {
    pub(super) const fn id(self) -> RuleId {
        RuleId(self as u16)
    }
}

/// Every built-in rule, in the order of its number.
pub(super) fn all() -> Result<Vec<Rule>, ClassError> {
    let mut rules = Vec::new();
    for &(name, of, report, enforce) in ROWS {
        let class = match of {
            Of::Class(class) => DataClass::from(class),
            Of::Country(code) => DataClass::national_id(code)?,
        };
        rules.push(Rule { class, name: name.to_owned(), report, enforce });
    }
    for row in super::secret::table::ROWS {
        rules.push(Rule {
            class: BuiltIn::Secret.into(),
            name: row.name.to_owned(),
            report: Confidence::Checksum,
            enforce: Some(Confidence::Checksum),
        });
    }
    Ok(rules)
}

/// Whether a built-in rule finds values of a class. That of national ids stands for all countries.
#[must_use]
pub fn finds(class: &DataClass) -> bool {
    let family = |rule: &DataClass| rule.built_in().map(DataClass::from);
    let fits = |rule: &Rule| rule.class == *class || family(&rule.class).as_ref() == Some(class);
    all().is_ok_and(|rules| rules.iter().any(fits))
}

/// The number of the rule of a row of the table of secrets.
pub(super) fn secret(row: usize) -> RuleId {
    RuleId(u16::try_from(ROWS.len() + row).unwrap_or(u16::MAX))
}
