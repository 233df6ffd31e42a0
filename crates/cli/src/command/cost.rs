//! `casemate cost`: what was used, and by whom.

use crate::clock::{self, Since};
use crate::context::Context;
use crate::voice::Table;
use clap::{Args, ValueEnum};
use model::api::{CostBy, CostRow, Costs};

const EXAMPLES: &str = "\
Examples:
  casemate cost
  casemate cost --by caller --since 7d
  casemate cost --by application --csv > costs.csv

A unit is a millisecond of CPU time, 64 MiB held for 100 ms, 10 asks of the host, or 1 MiB sent.
`[price]` in the node's configuration gives a unit a price.";

/// By what costs are added up.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    Function,
    Caller,
    Application,
    Tenant,
}

impl From<By> for CostBy {
    fn from(by: By) -> Self {
        match by {
            By::Function => Self::Function,
            By::Caller => Self::Caller,
            By::Application => Self::Application,
            By::Tenant => Self::Tenant,
        }
    }
}

/// Add up what invocations cost, the most expensive first
///
/// Counted from the flight records, so it goes back as far as they do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cost {
    /// By what to add up
    #[arg(long, value_name = "WHAT", default_value = "function")]
    by: By,
    /// Of invocations that began then or later: how long ago, such as `7d`, or a time in RFC 3339
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: Since,
    /// Write comma-separated values (RFC 4180)
    #[arg(long)]
    csv: bool,
}

impl Cost {
    /// Shows the costs.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let since = self.since.resolve(clock::now());
        let costs = context.client()?.costs(self.by.into(), since)?;
        if voice.is_json() {
            return voice.document(&costs);
        }
        if costs.partial {
            voice.note("the records do not go back that far: this is what is left of them");
        }
        if self.csv {
            return csv(&costs).iter().try_for_each(|line| voice.line(line));
        }
        if costs.items.is_empty() {
            voice.note("nothing was called since then");
            return Ok(());
        }
        let by = costs.by.word().to_uppercase();
        let mut table = Table::new([by.as_str(), "CALLS", "CPU", "ASKS", "SENT", "UNITS", "PRICE"]);
        for row in &costs.items {
            table.row([
                row.name.clone(),
                row.invocations.to_string(),
                super::records::time(row.cpu_us),
                row.host_calls.to_string(),
                super::records::size(row.bytes_out),
                units(row),
                price(&costs, row).unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        table.print(voice)
    }
}

fn units(row: &CostRow) -> String {
    format!("{}.{:03}", row.milliunits / 1000, row.milliunits % 1000)
}

#[expect(clippy::cast_precision_loss, reason = "an amount of money is shown with six digits")]
fn price(costs: &Costs, row: &CostRow) -> Option<String> {
    let price = costs.price.as_ref()?;
    let amount = row.milliunits as f64 / 1000.0 * price.unit;
    Some(format!("{amount:.6} {}", price.currency))
}

fn csv(costs: &Costs) -> Vec<String> {
    let head = format!("{},invocations,cpu_us,host_calls,bytes_out,units,price", costs.by.word());
    let row = |row: &CostRow| {
        let numbers = [row.invocations, row.cpu_us, row.host_calls, row.bytes_out];
        let numbers = numbers.map(|number| number.to_string()).join(",");
        let price = price(costs, row).unwrap_or_default();
        format!("{},{numbers},{},{}", field(&row.name), units(row), field(&price))
    };
    std::iter::once(head).chain(costs.items.iter().map(row)).collect()
}

/// A field that no spreadsheet takes for two, or for a formula.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t']) && text != "-";
    let guarded = if formula { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::api::Price;

    #[test]
    fn a_field_stays_one_and_is_no_formula() {
        let row = |name: &str| CostRow {
            name: name.to_owned(),
            invocations: 2,
            milliunits: 1500,
            ..CostRow::default()
        };
        let price = Some(Price { unit: 0.01, currency: "EUR".to_owned() });
        let items = vec![row("jwt:shop/a,\"b"), row("=1+1"), row("-")];
        let costs = Costs { by: CostBy::Caller, items, price, partial: false };
        assert_eq!(
            csv(&costs),
            [
                "caller,invocations,cpu_us,host_calls,bytes_out,units,price",
                "\"jwt:shop/a,\"\"b\",2,0,0,0,1.500,0.015000 EUR",
                "'=1+1,2,0,0,0,1.500,0.015000 EUR",
                "-,2,0,0,0,1.500,0.015000 EUR",
            ]
        );
    }
}
