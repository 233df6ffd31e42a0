//! Cloudflare's cron expressions as ours: its days of the week are 1 to 7 from Sunday, ours 0 to 6.

/// The same times, as `[[function.schedule]]` writes them. None if it has not five fields.
pub(super) fn ours(text: &str) -> Option<String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    let days: Option<Vec<String>> = weekday.split(',').map(part).collect();
    Some(format!("{minute} {hour} {day} {month} {}", days?.join(",")))
}

/// One part of a list of days: `2`, `2-6`, `*/2`, `2#1`, `6L` or `MON-FRI`.
fn part(text: &str) -> Option<String> {
    let end = text.find(['/', '#']).unwrap_or(text.len());
    let (days, rest) = text.split_at(end);
    let days: Option<Vec<String>> = days.split('-').map(day).collect();
    Some(format!("{}{rest}", days?.join("-")))
}

fn day(text: &str) -> Option<String> {
    let (number, last) = match text.strip_suffix('L') {
        Some(number) => (number, "L"),
        None => (text, ""),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    let number = number.parse::<u8>().ok().filter(|number| (1..=7).contains(number))?;
    Some(format!("{}{last}", number - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_week_are_counted_from_the_other_one() {
        for (there, here) in [
            ("*/5 * * * *", "*/5 * * * *"),
            ("0 2 * * 1", "0 2 * * 0"),
            ("0 2 * * 2-6", "0 2 * * 1-5"),
            ("0 2 * * MON-FRI", "0 2 * * MON-FRI"),
            ("0 2 * * 1,7", "0 2 * * 0,6"),
            ("0 2 * * 2#1", "0 2 * * 1#1"),
            ("0 2 * * 6L", "0 2 * * 5L"),
            ("0  2 L * */2", "0 2 L * */2"),
        ] {
            assert_eq!(ours(there).as_deref(), Some(here), "{there}");
        }
        for bad in ["", "* * * *", "* * * * * *", "0 2 * * 0", "0 2 * * 8", "0 2 * * 1-9"] {
            assert_eq!(ours(bad), None, "{bad}");
        }
    }
}
