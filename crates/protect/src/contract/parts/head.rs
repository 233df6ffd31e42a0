//! The head of a part: its name, whether it is a file, and what it says of its content.

use super::super::Fault;

/// Longest head.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// The head of a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'b> {
    /// The name of the field.
    pub(super) name: &'b str,
    has_file_name: bool,
    /// Whether the content says of itself that it is no plain text.
    is_other: bool,
    /// The lines that say what the part is, and nothing of its bytes.
    kept: Vec<&'b str>,
}

impl<'b> Head<'b> {
    /// Reads the lines of a head, each with its line end.
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, Fault> {
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(Fault::parts("a part's head has more than 8 KiB"));
        }
        let text =
            std::str::from_utf8(bytes).map_err(|_| Fault::parts("a part's head is not UTF-8"))?;
        let text = text.strip_suffix("\r\n").unwrap_or(text);
        let (mut disposition, mut kind, mut kept) = (None, None, Vec::new());
        for line in text.split("\r\n") {
            if line.chars().any(char::is_control) {
                return Err(Fault::parts("a control character in a part's head"));
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(Fault::parts("a line of a part's head is no header field"));
            }
            let slot = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => &mut disposition,
                "content-type" => &mut kind,
                "content-transfer-encoding" => {
                    let plain = ["7bit", "8bit", "binary"];
                    if !plain.iter().any(|it| value.trim().eq_ignore_ascii_case(it)) {
                        return Err(Fault::parts("a part is coded"));
                    }
                    continue;
                }
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Fault::parts("a field of a part's head stands twice"));
            }
            kept.push(line);
        }
        let (name, has_file_name) = names(disposition.unwrap_or_default())?;
        let is_other = kind.is_some_and(|kind| !is_plain(kind));
        Ok(Self { name, has_file_name, is_other, kept })
    }

    /// Whether it is a file, or anything else that is no plain text.
    pub(super) fn is_file(&self) -> bool {
        self.has_file_name || self.is_other
    }

    /// Writes it without what it says of its bytes, such as their number.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for line in &self.kept {
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// The name in a `content-disposition`, and whether there is a file's name, too.
fn names(value: &str) -> Result<(&str, bool), Fault> {
    let wrong = || Fault::parts("`content-disposition` of a part cannot be read in one way");
    let value = value.trim();
    let rest = value.get(..9).filter(|word| word.eq_ignore_ascii_case("form-data"));
    let mut rest = rest.and_then(|_| value.get(9..)).ok_or_else(wrong)?;
    let (mut name, mut file) = (None, false);
    while !rest.is_empty() {
        let parameter = rest.trim_start().strip_prefix(';').ok_or_else(wrong)?.trim_start();
        let (key, behind) = parameter.split_once('=').ok_or_else(wrong)?;
        let (text, behind) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(wrong)?,
            None => behind.split_at(behind.find(';').unwrap_or(behind.len())),
        };
        // Some readers take these for what they stand for, and others do not.
        if text.contains(['\\', '"']) {
            return Err(wrong());
        }
        // `_charset_` says how all others are written.
        let fits = |text: &str| !text.is_empty() && !has_escape(text) && text != "_charset_";
        match key.to_ascii_lowercase().as_str() {
            "name" if name.is_none() && fits(text) => name = Some(text),
            "filename" | "filename*" => file = true,
            _ => return Err(wrong()),
        }
        rest = behind;
    }
    // A name without quotes ends where its reader thinks.
    match name {
        Some(name) if !name.starts_with(' ') && !name.ends_with(' ') => Ok((name, file)),
        _ => Err(wrong()),
    }
}

/// Whether there is a percent sign with two digits behind it.
fn has_escape(text: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let escape = |at: usize| digit(bytes.get(at + 1)) && digit(bytes.get(at + 2));
    bytes.iter().enumerate().any(|(at, byte)| *byte == b'%' && escape(at))
}

/// Whether it is a text whose characters are written as UTF-8 has them.
fn is_plain(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    let is_text = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/plain"));
    is_text
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.eq_ignore_ascii_case("charset") && is_utf8(value.trim_matches('"'))
        })
}

/// Whether these characters are written as UTF-8 has them.
pub(super) fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|own| charset.eq_ignore_ascii_case(own))
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
