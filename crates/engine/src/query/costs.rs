//! What invocations cost, added up from their records.

use crate::catalog::Catalog;
use crate::wiring::Engine;
use model::api::{CostBy, CostRow, Costs};
use model::wire::v1::Record;
use model::{Problem, Scope, Timestamp};
use ports::journal::RecordQuery;
use std::collections::BTreeMap;

impl Engine {
    /// What the invocations of a scope cost that began at `since` or later; by tenant, those of all
    /// environments of its tenant. Reads all of their records.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn costs(
        &self,
        scope: &Scope,
        by: CostBy,
        since: Timestamp,
    ) -> Result<Costs, Problem> {
        let mut rows = BTreeMap::new();
        for scope in self.counted(scope, by) {
            self.add_costs(&scope, by, since, &mut rows).await?;
        }
        let mut items: Vec<CostRow> = rows.into_values().collect();
        items.sort_by_key(|row| std::cmp::Reverse(row.milliunits));
        let partial = self.is_partial(since);
        Ok(Costs { by, items, price: self.config.price.clone(), partial })
    }

    fn counted(&self, scope: &Scope, by: CostBy) -> Vec<Scope> {
        if by != CostBy::Tenant {
            return vec![scope.clone()];
        }
        let catalog = self.catalog.load();
        let scopes = catalog.views().map(|(scope, _)| scope);
        scopes.filter(|other| other.tenant == scope.tenant).cloned().collect()
    }

    async fn add_costs(
        &self,
        scope: &Scope,
        by: CostBy,
        since: Timestamp,
        rows: &mut BTreeMap<String, CostRow>,
    ) -> Result<(), Problem> {
        let query =
            RecordQuery { scope: scope.clone(), since: Some(since), ..RecordQuery::default() };
        let catalog = self.catalog.load_full();
        let one = |record: &Record| {
            let name = whose(&catalog, scope, by, record);
            let new = || CostRow { name: name.clone(), ..CostRow::default() };
            count(rows.entry(name.clone()).or_insert_with(new), record);
        };
        self.each_record(query, one).await
    }
}

fn whose(catalog: &Catalog, scope: &Scope, by: CostBy, record: &Record) -> String {
    match by {
        CostBy::Function => record.start.function.name.to_string(),
        CostBy::Caller => record.start.caller.to_string(),
        CostBy::Tenant => scope.tenant.to_string(),
        CostBy::Application => {
            let view = catalog.view(scope);
            let function = view.and_then(|view| view.functions.get(&record.start.function.name));
            function.map_or_else(|| "-".to_owned(), |it| it.row.application.to_string())
        }
    }
}

fn count(row: &mut CostRow, record: &Record) {
    let calls = record.calls.len() as u64 + u64::from(record.calls_omitted);
    row.invocations += 1;
    row.cpu_us = row.cpu_us.saturating_add(record.usage.cpu_us);
    row.bytes_out = row.bytes_out.saturating_add(record.usage.bytes_out);
    row.host_calls = row.host_calls.saturating_add(calls);
    row.milliunits = row.milliunits.saturating_add(record.cost.milliunits);
}
