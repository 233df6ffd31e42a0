//! Masks: characters are covered, and there is no way back.

/// Covers letters and digits but the first and last few. Separators stay, so that the form can be
/// recognised. If nothing would be covered, all is: a mask that shows everything is none.
pub(crate) fn mask(text: &str, first: usize, last: usize, with: char) -> String {
    let covers = |character: &char| character.is_alphanumeric();
    let count = text.chars().filter(covers).count();
    let (first, last) = if first + last >= count { (0, 0) } else { (first, last) };
    let mut at = 0;
    text.chars()
        .map(|character| {
            if !covers(&character) {
                return character;
            }
            at += 1;
            if at <= first || at > count - last { character } else { with }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_all_but_what_is_kept() {
        assert_eq!(mask("4111 1111 1111 1234", 6, 4, '*'), "4111 11** **** 1234");
        assert_eq!(mask("jo@example.com", 1, 0, '*'), "j*@*******.***");
        assert_eq!(mask("Zoë", 0, 0, 'x'), "xxx");
    }

    #[test]
    fn a_value_that_would_be_shown_whole_is_covered_whole() {
        assert_eq!(mask("1234", 2, 2, '*'), "****");
        assert_eq!(mask("12", 6, 4, '*'), "**");
        assert_eq!(mask("", 6, 4, '*'), "");
    }
}
