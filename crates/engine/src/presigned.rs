//! Addresses that let whoever has them read one thing for a while, as AWS has it: signed with the key
//! of who asked for them, so that they end with it and are checked as all that it signs.

use crate::signer::Signer;
use crate::wiring::Engine;
use identity::sigv4::{ALGORITHM, EMPTY, Key, Signing, access_key_id, basic_time, sign};
use model::Problem;
use std::time::Duration;

impl Engine {
    /// The query that makes such an address of a path, at this host. `query` is what else stands in
    /// it, encoded. `None` if the key is not there any more.
    ///
    /// # Errors
    /// The key cannot be read.
    pub fn presigned(
        &self,
        signer: &Signer,
        host: &str,
        path: &str,
        query: &str,
        lasts: Duration,
    ) -> Result<Option<String>, Problem> {
        let catalog = self.catalog.load();
        let Some(row) = catalog.view(&signer.scope).and_then(|it| it.tokens.get(&signer.name))
        else {
            return Ok(None);
        };
        let Some(time) = basic_time(self.parts.clock.wall()) else { return Ok(None) };
        let secret = self.open_key(&signer.scope, row)?;
        let id = access_key_id(&row.id);
        let (date, region) = (time.get(..8).unwrap_or_default(), signer.region.as_str());
        let and = if query.is_empty() { "" } else { "&" };
        let query = format!(
            "{query}{and}X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={id}%2F{date}%2F{region}%2Flambda%2Faws4_request&X-Amz-Date={time}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
            lasts.as_secs()
        );
        let key = Key { id: &id, secret: secret.expose(), region, service: "lambda" };
        let signing = Signing {
            method: "GET",
            path,
            query: &query,
            fields: vec![("host", vec![host.as_bytes()])],
            payload: EMPTY,
            s3: false,
            time: &time,
        };
        let signature = sign(&key, signing).signature;
        Ok(Some(format!("{query}&X-Amz-Signature={signature}")))
    }
}
