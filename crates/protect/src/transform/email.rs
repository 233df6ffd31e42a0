//! E-mail addresses: the local part, and the domain if it does not stay, become others of the same
//! length; `@`, dots and the last label stay.

use super::Error;
use super::ff1::Way;
use super::shape::{Part, Shape};

/// Longest address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const BYTES_MAX: usize = 254;

/// Enciphers or deciphers an address.
pub(crate) fn run(
    shape: &Shape,
    way: Way,
    text: &str,
    keep_domain: bool,
    part: Part<'_>,
) -> Result<String, Error> {
    if text.len() > BYTES_MAX {
        return Err(Error::TooLong { max: BYTES_MAX });
    }
    let (local, domain) = text.rsplit_once('@').ok_or(Error::NotEmail)?;
    if local.is_empty() || domain.is_empty() || text.contains(char::is_whitespace) {
        return Err(Error::NotEmail);
    }
    let stays = match keep_domain {
        true => domain.len() + 1,
        false => domain.rfind('.').map_or(0, |at| domain.len() - at),
    };
    let (moves, stays) = text.split_at(text.len() - stays);
    // Names of hosts are the same in either case.
    let beside = stays.to_ascii_lowercase();
    let made = shape.text(way, moves, Part { beside: &beside, ..part })?;
    Ok(made + stays)
}
