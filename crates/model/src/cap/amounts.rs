//! How much a cap allows, of each thing that is counted.

use super::{MemoryTime, Meter, Money};
use crate::unit::{Duration, Size};

/// How much a cap allows. What is not said is not capped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Invocations.
    pub invocations: Option<u64>,
    /// CPU time of guests.
    pub cpu: Option<Duration>,
    /// Memory over wall time.
    pub memory_time: Option<MemoryTime>,
    /// Asks of the host.
    pub host_calls: Option<u64>,
    /// Bytes of replies, and bytes that asks of the host moved.
    pub egress: Option<Size>,
    /// Units of cost.
    pub units: Option<u64>,
    /// Money, by the node's price of a unit.
    pub money: Option<Money>,
}

impl Amounts {
    /// What is said, in what is counted. Money is not among it: what it is worth the node knows.
    pub fn counted(&self) -> impl Iterator<Item = (Meter, u64)> {
        let of = |meter: Meter| match meter {
            Meter::Invocations => self.invocations,
            Meter::Cpu => self.cpu.map(|time| time.ms.saturating_mul(1000)),
            Meter::MemoryTime => self.memory_time.map(MemoryTime::kib_ms),
            Meter::HostCalls => self.host_calls,
            Meter::Egress => self.egress.map(|size| size.bytes),
            Meter::Units => self.units.map(|units| units.saturating_mul(1000)),
        };
        Meter::ALL.into_iter().filter_map(move |meter| Some((meter, of(meter)?)))
    }

    /// What is wrong with it: the key, and why.
    ///
    /// # Errors
    /// It says nothing, or an amount is zero or absurd.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let mut said = self.money.is_some();
        for (meter, amount) in self.counted() {
            said = true;
            if amount == 0 {
                let why = "must be above zero: take the grant back if nothing may be used";
                return Err((meter.word(), why.to_owned()));
            }
            if amount > meter.most() {
                return Err((meter.word(), "is more than any node could use".to_owned()));
            }
        }
        if self.money.as_ref().is_some_and(|money| money.millionths == 0) {
            return Err(("money", "must be above zero".to_owned()));
        }
        if said {
            return Ok(());
        }
        let words = Meter::ALL.map(Meter::word).join("`, `");
        Err(("per", format!("caps nothing: say at least one of `{words}`, `money`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_above_zero_and_below_the_absurd() {
        let of = |amounts: Amounts| amounts.check().map_err(|(key, _)| key);
        assert_eq!(of(Amounts::default()), Err("per"));
        assert_eq!(of(Amounts { invocations: Some(1), ..Amounts::default() }), Ok(()));
        for (invocations, expect) in
            [(0, Err("invocations")), (u64::MAX, Err("invocations")), (1_000_000_000_000, Ok(()))]
        {
            let amounts = Amounts { invocations: Some(invocations), ..Amounts::default() };
            assert_eq!(of(amounts), expect, "{invocations}");
        }
        let units = Amounts { units: Some(u64::MAX), ..Amounts::default() };
        assert_eq!(of(units), Err("units"));
        let cpu = Amounts { cpu: Some(Duration { ms: u64::MAX }), ..Amounts::default() };
        assert_eq!(of(cpu), Err("cpu"));
        let egress = Amounts { egress: Some(Size { bytes: 0 }), ..Amounts::default() };
        assert_eq!(of(egress), Err("egress"));
        let free = Money { millionths: 0, currency: "EUR".to_owned() };
        assert_eq!(of(Amounts { money: Some(free), ..Amounts::default() }), Err("money"));
    }
}
