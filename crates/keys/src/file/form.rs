//! What is in a root key file, as text.
//!
//! Invariant: a text is read in one way only, and what was written is read as it was.

use super::{Error, VERSION, VERSION_1};
use crate::passphrase::{Cost, Passphrase, SALT_BYTES, Seal};
use crate::ring::{Made, Root, Roots};
use model::key::Epoch;
use model::{Secret, Timestamp};
use ports::keyring::Sealer as _;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// What stands before an epoch.
const EPOCH: &str = "epoch ";
/// What stands before a root that is not sealed.
const KEY: &str = "key ";
/// What stands before what a passphrase costs.
const COST: &str = "argon2id ";
/// What stands before roots that are sealed.
const SEALED: &str = "sealed ";
/// Bytes of a root.
const ROOT_BYTES: usize = 32;

/// A file that was read.
pub(super) enum Form {
    /// Its roots are there to read.
    Open(Roots),
    /// They are sealed.
    Sealed(Sealed),
}

/// Roots that are sealed, and what is known of them.
pub(super) struct Sealed {
    made: Vec<Made>,
    cost: Cost,
    salt: [u8; SALT_BYTES],
    /// The text before them, which is authenticated with them.
    place: String,
    text: Vec<u8>,
}

impl Form {
    pub(super) fn made(&self) -> Vec<Made> {
        match self {
            Self::Open(roots) => roots.all().map(Root::made).collect(),
            Self::Sealed(sealed) => sealed.made.clone(),
        }
    }

    pub(super) fn cost(&self) -> Option<Cost> {
        match self {
            Self::Open(_) => None,
            Self::Sealed(sealed) => Some(sealed.cost),
        }
    }

    /// Whether it is sealed with this, or open if this is nothing.
    pub(super) fn is_sealed_with(&self, seal: Option<&Seal>) -> bool {
        match (self, seal) {
            (Self::Open(_), None) => true,
            (Self::Sealed(sealed), Some(seal)) => sealed.salt == *seal.salt(),
            _ => false,
        }
    }
}

impl Sealed {
    /// The roots, and what sealed them.
    pub(super) fn open(
        &self,
        path: &Path,
        passphrase: Option<&Passphrase>,
    ) -> Result<(Roots, Seal), Error> {
        let path = || path.to_owned();
        let passphrase = passphrase.ok_or_else(|| Error::Sealed { path: path() })?;
        let seal = Seal::with(passphrase, self.cost, self.salt)?;
        let opened = seal.sealer().unseal(self.place.as_bytes(), &self.text);
        let opened = Zeroizing::new(opened.map_err(|_| Error::NotOpened { path: path() })?);
        let invalid = |reason| Error::Invalid { path: path(), reason };
        let roots = self.made.iter().zip(opened.chunks(ROOT_BYTES)).map(|(made, bytes)| {
            let mut root = [0; ROOT_BYTES];
            root.copy_from_slice(bytes.get(..ROOT_BYTES).ok_or("a root is cut")?);
            let root = taken(&mut root);
            rooted(made, root)
        });
        let roots: Vec<Root> = roots.collect::<Result<_, _>>().map_err(invalid)?;
        if opened.len() != self.made.len() * ROOT_BYTES {
            return Err(invalid("it has another number of roots than of epochs"));
        }
        let roots = Roots::all_of(roots).ok_or_else(|| invalid("its epochs do not grow"))?;
        Ok((roots, seal))
    }
}

/// The text of a file.
pub(super) fn encode(roots: &Roots, seal: Option<&Seal>) -> Result<Zeroizing<String>, Error> {
    let count = roots.all().count();
    // Room for all of it from the start, so that no copy of a root is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(512 + count * 256));
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{VERSION}");
    for root in roots.all() {
        let at = root.at.map_or(0, |at| at.0.max(0));
        let _ = writeln!(text, "{EPOCH}{} {at} {}", root.epoch.0, root.fingerprint);
    }
    let Some(seal) = seal else {
        for root in roots.all() {
            let digits = Zeroizing::new(hex::encode(root.secret.expose()));
            let _ = writeln!(text, "{KEY}{}", *digits);
        }
        return Ok(text);
    };
    let Cost { memory, passes, lanes } = seal.cost();
    let _ = writeln!(text, "{COST}{memory} {passes} {lanes} {}", hex::encode(seal.salt()));
    let mut sealed = Zeroizing::new(Vec::with_capacity(count * ROOT_BYTES + 64));
    for root in roots.all() {
        sealed.extend_from_slice(root.secret.expose());
    }
    seal.sealer().seal(text.as_bytes(), &mut sealed, 0).map_err(|_| Error::Random)?;
    let _ = writeln!(text, "{SEALED}{}", hex::encode(&*sealed));
    Ok(text)
}

pub(super) fn decode(text: &[u8]) -> Result<Form, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    let whole = text.strip_suffix('\n').ok_or("its last line is cut")?;
    let mut lines = whole.split('\n').peekable();
    match lines.next() {
        Some(VERSION_1) => Ok(Form::Open(Roots::of(first_version(lines)?))),
        Some(VERSION) => second_version(text, lines),
        _ => Err("it does not begin with `casemate root key v1` or `v2`"),
    }
}

/// One epoch and its root.
fn first_version<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<Root, &'static str> {
    let epoch = lines.next().and_then(|line| line.strip_prefix(EPOCH)).and_then(number);
    let epoch = epoch.filter(|epoch| *epoch > 0).ok_or("its second line is not `epoch NUMBER`")?;
    let digits = lines.next().and_then(|line| line.strip_prefix(KEY));
    let secret =
        digits.and_then(root).ok_or("its third line is not `key` and 64 hexadecimal digits")?;
    if lines.next().is_some() {
        return Err("it has more than three lines");
    }
    made_of(Epoch(epoch), None, secret)
}

/// Epochs, and their roots in the same order, sealed or not.
fn second_version<'a>(
    text: &str,
    mut lines: Peekable<impl Iterator<Item = &'a str>>,
) -> Result<Form, &'static str> {
    let mut made = Vec::new();
    while let Some(line) = lines.next_if(|line| line.starts_with(EPOCH)) {
        made.push(epoch(line).ok_or("one of its epochs is not `epoch NUMBER TIME FINGERPRINT`")?);
    }
    if made.is_empty() || made.len() > Roots::MAX {
        return Err("it has no epoch, or too many");
    }
    if made.iter().zip(made.iter().skip(1)).any(|(a, b)| a.epoch >= b.epoch) {
        return Err("its epochs do not grow");
    }
    if let Some(line) = lines.next_if(|line| line.starts_with(COST)) {
        let (cost, salt) = cost(line).ok_or("it does not say what its passphrase costs")?;
        let end = lines.next().ok_or("its last line is missing")?;
        let sealed = end.strip_prefix(SEALED).and_then(bytes).ok_or("its roots are damaged")?;
        let place = text.strip_suffix('\n').and_then(|text| text.strip_suffix(end));
        let place =
            place.filter(|_| lines.next().is_none()).ok_or("something follows its roots")?;
        let place = place.to_owned();
        return Ok(Form::Sealed(Sealed { made, cost, salt, place, text: sealed }));
    }
    let mut roots = Vec::with_capacity(made.len());
    for made in &made {
        let digits = lines.next().and_then(|line| line.strip_prefix(KEY));
        let secret =
            digits.and_then(root).ok_or("a root is not `key` and 64 hexadecimal digits")?;
        roots.push(rooted(made, secret)?);
    }
    if lines.next().is_some() {
        return Err("something follows its roots");
    }
    Roots::all_of(roots).map(Form::Open).ok_or("its epochs do not grow")
}

/// `epoch NUMBER TIME FINGERPRINT`, where time 0 is one that nobody knows.
fn epoch(line: &str) -> Option<Made> {
    let mut words = line.strip_prefix(EPOCH)?.split(' ');
    let epoch = words.next().and_then(number).filter(|epoch| *epoch > 0)?;
    let at = words.next().and_then(number::<i64>).filter(|at| *at >= 0)?;
    let fingerprint = words.next().filter(|word| word.len() == 32 && is_hex(word))?.to_owned();
    let at = (at > 0).then_some(Timestamp(at));
    words.next().is_none().then_some(Made { epoch: Epoch(epoch), at, fingerprint })
}

/// `argon2id KIBIBYTES PASSES LANES SALT`
fn cost(line: &str) -> Option<(Cost, [u8; SALT_BYTES])> {
    let mut words = line.strip_prefix(COST)?.split(' ');
    let mut next = || words.next().and_then(number);
    let cost = Cost { memory: next()?, passes: next()?, lanes: next()? };
    let salt = words.next().and_then(bytes).and_then(|salt| salt.try_into().ok())?;
    (cost.is_bearable() && words.next().is_none()).then_some((cost, salt))
}

/// A root that must be the one of this epoch.
fn rooted(made: &Made, secret: Secret<[u8; ROOT_BYTES]>) -> Result<Root, &'static str> {
    let root = made_of(made.epoch, made.at, secret)?;
    if root.fingerprint == made.fingerprint { Ok(root) } else { Err("a root is damaged") }
}

fn made_of(
    epoch: Epoch,
    at: Option<Timestamp>,
    secret: Secret<[u8; ROOT_BYTES]>,
) -> Result<Root, &'static str> {
    if *secret.expose() == [0; ROOT_BYTES] {
        return Err("its key is all zeros");
    }
    Root::new(epoch, at, secret).map_err(|_| "no key can be derived from a root")
}

fn root(digits: &str) -> Option<Secret<[u8; ROOT_BYTES]>> {
    let mut root = [0; ROOT_BYTES];
    hex::decode_to_slice(digits, &mut root).ok()?;
    Some(taken(&mut root))
}

fn taken(root: &mut [u8; ROOT_BYTES]) -> Secret<[u8; ROOT_BYTES]> {
    let secret = Secret::new(*root);
    root.zeroize();
    secret
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    is_hex(digits).then(|| hex::decode(digits).ok()).flatten()
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A decimal number, written in the one usual way.
fn number<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}
