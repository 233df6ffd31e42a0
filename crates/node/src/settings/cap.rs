//! `[[cap]]`: what functions, callers, applications and tenants may use at most in so long,
//! whatever manifests say.

use super::pick::{Pick, SettingRow};
use model::api::Price;
use model::cap::{Amounts, CapMode, CapRule, MemoryTime, Meter, Money, Per, Whose};
use model::unit::{Duration, Size};
use model::{Code, Problem};
use serde::Deserialize;

/// Most caps of a node.
const CAPS_MAX: usize = 1000;

/// One section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    #[serde(default)]
    of: Whose,
    name: Option<String>,
    per: Per,
    #[serde(default)]
    mode: CapMode,
    invocations: Option<u64>,
    cpu: Option<Duration>,
    memory_time: Option<MemoryTime>,
    host_calls: Option<u64>,
    egress: Option<Size>,
    units: Option<u64>,
    money: Option<Money>,
}

impl Section {
    fn rule(self) -> CapRule {
        let Self { of, name, per, mode, invocations, cpu, .. } = self;
        let Self { memory_time, host_calls, egress, units, money, .. } = self;
        let amounts = Amounts { invocations, cpu, memory_time, host_calls, egress, units, money };
        CapRule { of, name, per, mode, amounts }
    }
}

/// Checks the caps of the file, and shows them.
pub(super) fn resolve(
    sections: Vec<Section>,
    price: Option<&Price>,
    pick: &mut Pick,
) -> Result<Vec<CapRule>, Problem> {
    let bad = |detail: String| Err(Problem::new(Code::BadConfig).detail(detail));
    if sections.len() > CAPS_MAX {
        return bad(format!("a node has at most {CAPS_MAX} `[[cap]]` sections"));
    }
    let mut rules = Vec::new();
    for (at, section) in sections.into_iter().enumerate() {
        let rule = section.rule();
        let which = format!("`[[cap]]` number {}", at + 1);
        if let Err((key, why)) = rule.amounts.check() {
            return bad(format!("{which}, `{key}`: {why}"));
        }
        let named = rule.amounts.money.as_ref().map(|money| money.currency.as_str());
        let priced = price.filter(|price| price.unit > 0.0).map(|price| price.currency.as_str());
        if named.is_some() && named != priced {
            return bad(format!(
                "{which}, `money`: `[price]` has no price above nothing in its currency"
            ));
        }
        if rule.name.as_ref().is_some_and(String::is_empty) {
            return bad(format!("{which}, `name`: leave it out to mean each"));
        }
        pick.0.push(shown(at, &rule));
        rules.push(rule);
    }
    if rules.is_empty() {
        pick.of("cap", "none".to_owned(), None);
    }
    Ok(rules)
}

fn shown(at: usize, rule: &CapRule) -> SettingRow {
    let name = rule.name.as_deref().map_or_else(|| "each".to_owned(), |name| format!("`{name}`"));
    let money = rule.amounts.money.as_ref().map(|money| format!(" money = {money}"));
    let amounts: String =
        rule.amounts.counted().map(|(meter, most)| shown_amount(meter, most)).collect();
    let mode = if rule.mode == CapMode::Observe { " (observed)" } else { "" };
    let value =
        format!("{} {name} per {}:{amounts}{}{mode}", rule.of, rule.per, money.unwrap_or_default());
    SettingRow { key: format!("cap.{}", at + 1), value, origin: "file".to_owned() }
}

fn shown_amount(meter: Meter, most: u64) -> String {
    let amount = match meter {
        Meter::Cpu => Duration { ms: most / 1000 }.to_string(),
        Meter::MemoryTime => MemoryTime { mib_s: most / (1024 * 1000) }.to_string(),
        Meter::Egress => Size { bytes: most }.to_string(),
        Meter::Units => (most / 1000).to_string(),
        Meter::Invocations | Meter::HostCalls => most.to_string(),
    };
    format!(" {meter} = {amount}")
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::*;

    fn read(text: &str) -> Result<(Vec<CapRule>, Vec<SettingRow>), String> {
        let file = File::parse(text).map_err(|(_, why, _)| why)?;
        let mut pick = Pick(Vec::new());
        let price = Price { unit: 0.01, currency: "EUR".to_owned() };
        let rules = resolve(file.caps, Some(&price), &mut pick);
        rules.map(|rules| (rules, pick.0)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn reads_caps_and_shows_them() {
        let text = "[[cap]]\nof = \"tenant\"\nper = \"day\"\ncpu = \"2h\"\nmoney = \"2.5 EUR\"\n\
                    [[cap]]\nname = \"hello\"\nper = \"minute\"\nmode = \"observe\"\ninvocations = 9\n";
        let (rules, rows) = read(text).expect("caps");
        assert_eq!((rules[0].of, rules[0].name.as_deref()), (Whose::Tenant, None));
        assert_eq!((rules[1].of, rules[1].name.as_deref()), (Whose::Function, Some("hello")));
        let shown: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.value.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("cap.1", "tenant each per day: cpu = 2h money = 2.50 EUR"),
                ("cap.2", "function `hello` per minute: invocations = 9 (observed)"),
            ]
        );
    }

    #[test]
    fn refuses_what_means_nothing_and_says_which() {
        for (text, says) in [
            ("per = \"day\"", "caps nothing"),
            ("per = \"week\"\ncpu = \"1h\"", "week"),
            ("per = \"day\"\ninvocations = 0", "`[[cap]]` number 1, `invocations`"),
            ("per = \"day\"\ninvocations = -1", "-1"),
            ("per = \"day\"\ncpu = \"lots\"", "lots"),
            ("per = \"day\"\nunits = 9000000000000000000", "`units`"),
            ("per = \"day\"\nmoney = \"2 USD\"", "`[price]`"),
            ("per = \"day\"\nname = \"\"\ninvocations = 1", "`name`"),
            ("per = \"day\"\ninvocation = 1", "invocation"),
            ("invocations = 1", "per"),
        ] {
            let why = read(&format!("[[cap]]\n{text}\n")).expect_err(text);
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
