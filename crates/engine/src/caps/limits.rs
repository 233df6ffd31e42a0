//! What may be used at most: the rules about one account, reduced to the strictest of each kind.

use model::api::Price;
use model::cap::{Amounts, CapMode, Meter, Money, Per};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who set a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The operator, in the node's settings.
    Node,
    /// The developer, in the manifest.
    Manifest,
}

impl Source {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Manifest => "manifest",
        }
    }
}

/// One cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) per: Per,
    pub(super) meter: Meter,
    pub(super) mode: CapMode,
    pub(super) most: u64,
    pub(super) by: Source,
}

/// The caps of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits(Arc<[Limit]>);

impl Limits {
    /// Keeps the strictest cap of each kind; of two that are the same, the node's.
    pub(super) fn new(
        rules: impl Iterator<Item = (Source, Per, CapMode, Amounts)>,
        price: Option<&Price>,
    ) -> Self {
        let mut strictest: BTreeMap<(Per, Meter, CapMode), (u64, Source)> = BTreeMap::new();
        let mut keep = |key, limit: (u64, Source)| {
            let held = strictest.entry(key).or_insert(limit);
            *held = (*held).min(limit);
        };
        for (by, per, mode, amounts) in rules {
            for (meter, most) in amounts.counted() {
                keep((per, meter, mode), (most, by));
            }
            if let Some(money) = &amounts.money {
                // The price went since the deployment: what cannot be decided is refused.
                let most = milliunits(money, price).unwrap_or_else(|| {
                    tracing::warn!(%money, "a cap in money is for a price that the node does not have: it admits nothing");
                    0
                });
                keep((per, Meter::Units, mode), (most, by));
            }
        }
        let limit = |((per, meter, mode), (most, by))| Limit { per, meter, mode, most, by };
        Self(strictest.into_iter().map(limit).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Limit> + Clone {
        self.0.iter()
    }

    /// What is counted when an invocation is admitted, and refuses.
    pub(super) fn of_invocations(&self) -> impl Iterator<Item = &Limit> + Clone {
        self.iter().filter(|it| it.meter == Meter::Invocations && it.mode == CapMode::Enforce)
    }
}

/// What an amount of money buys, in thousandths of a unit, rounded down; `None` if the node has no
/// price above nothing in its currency.
pub(super) fn milliunits(money: &Money, price: Option<&Price>) -> Option<u64> {
    let price = price.filter(|price| price.currency == money.currency && price.unit > 0.0)?;
    #[expect(clippy::cast_precision_loss, reason = "a price is a binary fraction already")]
    let bought = money.millionths as f64 / 1000.0 / price.unit;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is held between the ends first"
    )]
    #[expect(clippy::cast_precision_loss, reason = "the end is a power of ten")]
    let bought = bought.clamp(0.0, Meter::Units.most() as f64) as u64;
    Some(bought)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(invocations: u64) -> Amounts {
        Amounts { invocations: Some(invocations), ..Amounts::default() }
    }

    #[test]
    fn the_stricter_holds_whoever_set_it_and_observing_weakens_nothing() {
        use CapMode::{Enforce, Observe};
        let rules = [
            (Source::Node, Per::Day, Enforce, most(10)),
            (Source::Manifest, Per::Day, Enforce, most(20)),
            (Source::Manifest, Per::Day, Observe, most(5)),
            (Source::Manifest, Per::Minute, Enforce, most(2)),
            (Source::Node, Per::Minute, Enforce, most(3)),
        ];
        let limits = Limits::new(rules.into_iter(), None);
        let found: Vec<_> = limits.iter().map(|it| (it.per, it.mode, it.most, it.by)).collect();
        assert_eq!(
            found,
            [
                (Per::Minute, Enforce, 2, Source::Manifest),
                (Per::Day, Enforce, 10, Source::Node),
                (Per::Day, Observe, 5, Source::Manifest),
            ]
        );
    }

    #[test]
    fn money_buys_units_by_the_price_and_nothing_without_one() {
        let money: Money = "2.50 EUR".parse().expect("money");
        let price = |unit, currency: &str| Price { unit, currency: currency.to_owned() };
        assert_eq!(milliunits(&money, Some(&price(0.01, "EUR"))), Some(250_000));
        assert_eq!(milliunits(&money, Some(&price(0.01, "USD"))), None);
        assert_eq!(milliunits(&money, Some(&price(0.0, "EUR"))), None);
        assert_eq!(milliunits(&money, None), None);
        assert_eq!(milliunits(&money, Some(&price(1e-300, "EUR"))), Some(Meter::Units.most()));
        let amounts = Amounts { money: Some(money), ..Amounts::default() };
        let rules = [(Source::Manifest, Per::Day, CapMode::Enforce, amounts)];
        let limits = Limits::new(rules.into_iter(), None);
        assert_eq!(
            limits.iter().map(|it| (it.meter, it.most)).collect::<Vec<_>>(),
            [(Meter::Units, 0)]
        );
    }
}
