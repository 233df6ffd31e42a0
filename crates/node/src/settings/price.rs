//! `[price]`: what a unit of cost is worth to who runs the node.

use super::pick::Pick;
use model::api::Price;
use model::{Code, Problem};
use serde::Deserialize;

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    unit: Option<f64>,
    currency: Option<String>,
}

impl File {
    /// The price, if one is set.
    pub(super) fn pick(self, pick: &mut Pick) -> Result<Option<Price>, Problem> {
        let shown = self.unit.map(|unit| unit.to_string());
        pick.of("price.unit", "none".to_owned(), shown);
        let currency = pick.of("price.currency", String::new(), self.currency);
        let Some(unit) = self.unit else { return Ok(None) };
        let plain = currency.len() <= 16 && !currency.contains(char::is_control);
        if !unit.is_finite() || unit < 0.0 || !plain {
            let detail = "`price.unit` is a number from 0 on, `price.currency` a short text";
            return Err(Problem::new(Code::BadConfig).detail(detail));
        }
        Ok(Some(Price { unit, currency }))
    }
}
