//! What the fuzzer and the tests call: a URL that a guest asks for.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::address::Rules;
use crate::host::Host;
use crate::target::Target;
use http::Uri;
use std::net::IpAddr;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// A URL that a guest asks for. Its host is a name or an address; what other programs read as an
/// address is never a name; what is dialled is what was checked; and its own text is read as the
/// same place.
///
/// # Errors
/// The promise that was broken.
pub fn destination(bytes: &[u8]) -> Outcome {
    let Ok(uri) = Uri::try_from(bytes) else { return Ok(()) };
    let Ok(target) = Target::read(&uri) else { return Ok(()) };
    let own = target.to_string();
    let again = own.parse().map_err(|_| format!("{own} is no URI"))?;
    if Target::read(&again).as_ref() != Ok(&target) {
        return Err(format!("{own} is read as another place"));
    }
    match &target.host {
        Host::Name(name) => is_name(name),
        Host::Address(address) => is_checked(*address),
    }
}

fn is_name(name: &str) -> Outcome {
    let label = name.rsplit('.').next().unwrap_or_default();
    let digits = label.strip_prefix("0x").unwrap_or(label);
    let number = digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits != label
        || digits.bytes().all(|byte| byte.is_ascii_digit());
    if number || name.parse::<IpAddr>().is_ok() {
        return Err(format!("{name:?} is an address to some program"));
    }
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    match name.bytes().all(fits) && name.len() < 254 {
        true => Ok(()),
        false => Err(format!("{name:?} is no name")),
    }
}

fn is_checked(address: IpAddr) -> Outcome {
    let rules = Rules::default();
    let Ok(dialled) = rules.check(address) else { return Ok(()) };
    let open = match dialled {
        IpAddr::V4(four) => !four.is_private() && !four.is_loopback() && !four.is_link_local(),
        IpAddr::V6(six) => six.segments()[0] >> 13 == 1 || six.segments()[..2] == [0x64, 0xff9b],
    };
    match open && rules.check(dialled) == Ok(dialled) {
        true => Ok(()),
        false => Err(format!("{address} was permitted as {dialled}")),
    }
}

#[cfg(test)]
pub(crate) use tests::function;

#[cfg(test)]
mod tests {
    use model::FunctionRef;
    use std::sync::Arc;

    /// A function by that name.
    pub(crate) fn function(name: &str) -> Arc<FunctionRef> {
        let name = model::FunctionName::parse(name).expect("a name");
        Arc::new(FunctionRef { scope: model::Scope::default(), name })
    }

    #[test]
    fn destination() {
        fuzzing::run("destination", 4000, super::destination);
    }
}
