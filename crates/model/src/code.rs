//! Error codes: what people quote, search for and open a page about.
//!
//! The table below is the one source: `casemate explain`, `docs/errors/` and the HTTP status of an
//! answer all come from it. Codes are append-only; a code never changes its meaning.
//!
//! Ranges: 01xx deploy, 02xx policy, 03xx data, 04xx runtime, 05xx store, 06xx node, 07xx gateway,
//! 08xx identity, 09xx egress, 10xx budget, 11xx keys, 12xx ledger, 13xx native, 14xx events.

use std::fmt;

macro_rules! codes {
    ($($variant:ident = $text:literal, $status:literal, $title:literal,
        cause: $cause:literal, remedy: $remedy:literal;)*) => {
        /// One error code. The variants say what happened; [`Code::title`] says it to people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it is printed, such as `E0203`.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status that an answer with this code carries.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What happened, in one line.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The likely cause.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self { $(Self::$variant => $cause,)* }
            }

            /// What to do.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

mod table;

pub use table::Code;

impl Code {
    /// Finds a code by its text, in either case and with or without the `E`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix(['E', 'e']).unwrap_or(text);
        Self::ALL.iter().copied().find(|code| &code.text()[1..] == digits)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_ordered_and_well_formed() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].text() < pair[1].text(), "{} before {}", pair[0], pair[1]);
        }
        for code in Code::ALL {
            assert_eq!(Code::parse(code.text()), Some(*code));
            assert!((400..600).contains(&code.status()), "{code}");
            assert!(!code.title().ends_with('.'), "{code}: titles carry no period");
            assert!(code.cause().ends_with('.') && code.remedy().ends_with('.'), "{code}");
        }
        assert_eq!(Code::parse("0203"), Some(Code::OutboundDenied));
        assert_eq!(Code::parse("E9999"), None);
    }
}
