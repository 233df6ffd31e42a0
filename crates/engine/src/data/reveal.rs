//! Values that come back for an operator, who says what for.
//!
//! Invariant: a value leaves after its entry stands in the ledger, and stands in no log.

use crate::rate::{Pace, RateKey};
use crate::wiring::Engine;
use model::act::Act;
use model::api::{RevealRequest, Revealed};
use model::manifest::{By, Rate, RateLimit};
use model::{Code, Problem, Scope, unit};
use protect::contract::{Contract, Direction, Tally, Wants};
use protect::transform::{Token, is_token};

/// Values in a minute, for each environment.
const RATE: RateLimit = RateLimit {
    rate: Rate { count: 100, per: unit::Duration::seconds(60) },
    burst: None,
    by: By::Address,
};

impl Engine {
    /// The values of tokens of this environment.
    ///
    /// # Errors
    /// The request is none, a token is none of this class, there were too many lately, or the ledger
    /// does not take the entry.
    pub async fn reveal_data(
        &self,
        scope: &Scope,
        actor: &str,
        request: RevealRequest,
    ) -> Result<Revealed, Problem> {
        if let Some(wrong) = request.wrong() {
            return Err(Problem::new(Code::DataRevealAsk).detail(wrong));
        }
        let RevealRequest { class, purpose, tokens } = request;
        self.reveals_paced(scope, tokens.len())?;
        let contract = Contract::of_found(&class);
        let bound = contract
            .bind(&scope.tenant, Direction::Reveal, &mut |class| self.class_keys(scope, class))?;
        let mut wants = Wants::default();
        for id in tokens.iter().filter_map(|token| Token::parse(token)?.salt) {
            wants.salts.entry(class.clone()).or_default().insert(id);
        }
        let mut tally = Tally::default().with_salts(self.salts(scope, &wants).await?);
        let mut values = Vec::with_capacity(tokens.len());
        for (at, token) in tokens.iter().enumerate() {
            let at = at + 1;
            let foreign = || Problem::new(Code::DataTokenForeign).detail(format!("number {at}"));
            if !is_token(token) {
                return Err(foreign());
            }
            let value = bound.line(token.as_bytes(), None, &mut tally);
            let value =
                value.map_err(|fault| Problem::new(fault.code()).detail(format!("number {at}")))?;
            values.push(String::from_utf8(value).map_err(|_| foreign())?);
        }
        let listed = serde_json::to_vec(&tokens);
        let listed = listed.map_err(|error| Problem::new(Code::Internal).internal(error))?;
        let purpose = purpose.trim().to_owned();
        let (digest, many) = (audit::digest(&listed), tokens.len() as u64);
        let act = Act::DataReveal { class, purpose, values: many, tokens: digest };
        let leaf = self.commit(scope, actor, act).await?.leaf;
        Ok(Revealed { leaf, values })
    }

    fn reveals_paced(&self, scope: &Scope, values: usize) -> Result<(), Problem> {
        let (key, pace) = (RateKey::of(&("data.reveal", scope)), Pace::from(RATE));
        let now = self.parts.clock.monotonic();
        for _ in 0..values {
            self.rates.take(key, pace, now).map_err(|wait| {
                let detail = format!("the next one in {} s", wait.as_secs().max(1));
                Problem::new(Code::DataRevealRate).detail(detail)
            })?;
        }
        Ok(())
    }
}
