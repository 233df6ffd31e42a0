//! Which function a request is about: by its name, by a part of its ARN, or by all of it.

use crate::fault::Fault;
use crate::{ACCOUNT, LATEST};

/// Longest text that can name a function, in bytes.
const TEXT_BYTES_MAX: usize = 170;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 140;
/// What AWS says that a function's name has to fit.
const PATTERN: &str = "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?";
/// What AWS says that a qualifier has to fit.
const QUALIFIER_PATTERN: &str = "(|[a-zA-Z0-9$_-]+)";

/// A function as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The function's name. Not yet one of ours.
    pub(crate) name: String,
    /// Its version or alias, if one is named.
    pub(crate) qualifier: Option<String>,
    /// The region and the account of a whole ARN.
    place: Option<(String, String)>,
}

impl Named {
    /// Reads a name, a part of an ARN or all of it, and the qualifier beside it.
    ///
    /// # Errors
    /// It has none of these forms, or the qualifiers differ.
    pub(crate) fn read(text: &str, beside: Option<&str>) -> Result<Self, Fault> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Fault::constraint(
                text,
                "functionName",
                &format!("Member must have length less than or equal to {NAME_BYTES_MAX}"),
            ));
        }
        let mut named = Self::split(text).ok_or_else(|| {
            let why = format!("Member must satisfy regular expression pattern: {PATTERN}");
            Fault::constraint(text, "functionName", &why)
        })?;
        let Some(beside) = beside.filter(|it| !it.is_empty()) else { return Ok(named) };
        if beside.len() > 128 || !beside.bytes().all(|byte| is_qualifier(byte) || byte == b'$') {
            let why =
                format!("Member must satisfy regular expression pattern: {QUALIFIER_PATTERN}");
            return Err(Fault::constraint(beside, "qualifier", &why));
        }
        if named.qualifier.as_deref().is_some_and(|own| own != beside) {
            return Err(Fault::invalid(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        named.qualifier = Some(beside.to_owned());
        Ok(named)
    }

    fn split(text: &str) -> Option<Self> {
        let mut place = None;
        let rest = match text.strip_prefix("arn:") {
            Some(arn) => {
                let mut parts = arn.splitn(5, ':');
                let (partition, service) = (parts.next()?, parts.next()?);
                let (region, account, rest) = (parts.next()?, parts.next()?, parts.next()?);
                let sound = partition.strip_prefix("aws").is_some_and(|rest| {
                    rest.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
                });
                (sound && service == "lambda" && is_region(region) && is_account(account))
                    .then_some(())?;
                place = Some((region.to_owned(), account.to_owned()));
                rest.strip_prefix("function:")?
            }
            None => match text.split_once(":function:") {
                Some((account, rest)) if is_account(account) => {
                    place = Some((String::new(), account.to_owned()));
                    rest
                }
                Some(_) => return None,
                None => text.strip_prefix("function:").unwrap_or(text),
            },
        };
        let (name, qualifier) = match rest.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (rest, None),
        };
        let is_name =
            !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_qualifier);
        let sound = |it: &str| it == LATEST || (!it.is_empty() && it.bytes().all(is_qualifier));
        (is_name && qualifier.is_none_or(sound)).then(|| Self {
            name: name.to_owned(),
            qualifier: qualifier.map(ToOwned::to_owned),
            place,
        })
    }

    /// Refuses a function of another region or account.
    ///
    /// # Errors
    /// As AWS says it.
    pub(crate) fn is_here(&self, region: &str) -> Result<(), Fault> {
        match &self.place {
            Some((there, _)) if !there.is_empty() && there != region => Err(Fault::not_found(
                format!("Functions from '{there}' are not reachable in this region ('{region}')"),
            )),
            Some((_, account)) if account != ACCOUNT => Err(Fault::no_function(&self.arn(region))),
            _ => Ok(()),
        }
    }

    /// The ARN of what is named, in this region.
    pub(crate) fn arn(&self, region: &str) -> String {
        let arn = arn(region, &self.name);
        match &self.qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }
}

/// A function's ARN.
pub(crate) fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}")
}

fn is_qualifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Option<String>)> {
        Named::read(text, None).ok().map(|named| (named.name, named.qualifier))
    }

    #[test]
    fn a_function_is_named_in_each_of_the_forms() {
        let shop =
            |qualifier: Option<&str>| Some(("shop".to_owned(), qualifier.map(ToOwned::to_owned)));
        for (text, qualifier) in [
            ("shop", None),
            ("shop:7", Some("7")),
            ("shop:$LATEST", Some("$LATEST")),
            ("function:shop", None),
            ("000000000000:function:shop:live", Some("live")),
            ("arn:aws:lambda:eu-central-1:000000000000:function:shop", None),
            ("arn:aws-cn:lambda:cn-north-1:000000000000:function:shop:live", Some("live")),
        ] {
            assert_eq!(read(text), shop(qualifier), "{text}");
        }
    }

    #[test]
    fn odd_forms_are_refused() {
        let long = "x".repeat(141);
        for text in [
            "",
            ":",
            "shop:",
            ":7",
            "shop:7:8",
            "sh op",
            "shop/x",
            "../x",
            "shop:$latest",
            "sh\u{e9}p",
            "arn:",
            "arn:aws:lambda:eu-central-1:000000000000:function:",
            &long,
            "arn:aws:s3:eu-central-1:000000000000:function:shop",
            "arn:aws:lambda:eu-central-1:00000000000:function:shop",
            "arn:aws:lambda::000000000000:function:shop",
            "arn:gcp:lambda:eu-central-1:000000000000:function:shop",
            "arn:aws:lambda:eu-central-1:000000000000:layer:shop:1",
            "1:function:shop",
            "shop\0",
            "$LATEST",
        ] {
            let fault = Named::read(text, None).expect_err(text);
            assert_eq!((fault.status, fault.kind), (400, "ValidationException"), "{text}");
        }
    }

    #[test]
    fn a_qualifier_beside_the_name_is_the_same_or_refused() {
        let read = |text, beside| Named::read(text, Some(beside));
        assert_eq!(read("shop", "7").map(|it| it.qualifier), Ok(Some("7".to_owned())));
        assert!(read("shop:7", "7").is_ok() && read("shop:7", "").is_ok());
        assert_eq!(
            read("shop:7", "8").map_err(|it| it.kind),
            Err("InvalidParameterValueException")
        );
        assert_eq!(read("shop", "a b").map_err(|it| it.kind), Err("ValidationException"));
    }

    #[test]
    fn other_regions_and_accounts_have_none_of_ours() {
        let there = |text: &str| Named::read(text, None).expect(text).is_here("eu-central-1");
        assert!(there("shop").is_ok() && there("000000000000:function:shop").is_ok());
        assert!(there("arn:aws:lambda:eu-central-1:000000000000:function:shop").is_ok());
        let region = there("arn:aws:lambda:us-east-1:000000000000:function:shop");
        assert_eq!(
            region.expect_err("another").message,
            "Functions from 'us-east-1' are not reachable in this region ('eu-central-1')"
        );
        for text in
            ["123456789012:function:shop", "arn:aws:lambda:eu-central-1:123456789012:function:shop"]
        {
            assert_eq!(there(text).map_err(|it| it.status), Err(404), "{text}");
        }
    }

    proptest::proptest! {
        /// Whatever form names it, it is the same function; and a form that is read is one of ours.
        #[test]
        fn every_form_of_a_name_is_read_as_the_same(
            name in "[a-zA-Z0-9_-]{1,60}",
            qualifier in proptest::option::of("[a-zA-Z0-9_-]{1,20}|\\$LATEST"),
            region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
        ) {
            let tail = qualifier.as_ref().map(|it| format!(":{it}")).unwrap_or_default();
            for text in [
                format!("{name}{tail}"),
                format!("function:{name}{tail}"),
                format!("{ACCOUNT}:function:{name}{tail}"),
                format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}{tail}"),
            ] {
                let named = Named::read(&text, None).expect("a form of AWS's");
                proptest::prop_assert_eq!((&named.name, &named.qualifier), (&name, &qualifier));
                proptest::prop_assert!(named.is_here(&region).is_ok());
                let again = Named::read(&named.arn(&region), named.qualifier.as_deref());
                proptest::prop_assert_eq!(again.map(|it| it.name), Ok(name.clone()));
            }
        }

        #[test]
        fn other_texts_are_refused_or_hold_no_other_letters(text in ".{0,60}", beside in ".{0,20}") {
            if let Ok(named) = Named::read(&text, Some(&beside)) {
                let word = |it: &str| it.bytes().all(|it| is_qualifier(it) || it == b'$');
                proptest::prop_assert!(word(&named.name) && named.qualifier.is_none_or(|it| word(&it)));
            }
        }
    }
}
