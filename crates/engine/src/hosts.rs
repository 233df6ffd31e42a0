//! Host names: shared by all tenants and environments, so each belongs to one of them at a time.
//!
//! Within one environment, applications may share a host: there the routes decide, and two equal
//! ones are refused. Across environments a host and its wildcard count as one, or the one could
//! take names away from the other.

use crate::wiring::Engine;
use model::act::Act;
use model::manifest::Manifest;
use model::route::overlap;
use model::{ApplicationName, Code, Problem, Scope};
use std::collections::BTreeSet;

impl Engine {
    /// Refuses an act that would take a host name from another environment, or the name of a
    /// schedule from another application.
    ///
    /// # Errors
    /// E0107, naming the host and whose it is; E1431 for the schedule; or the registry failed.
    pub(crate) async fn check_names(&self, scope: &Scope, act: &Act) -> Result<(), Problem> {
        let hosts = match act {
            Act::Deploy { manifest, .. } => {
                self.check_triggers(scope, manifest)?;
                hosts_of(manifest)?
            }
            Act::Rollback { application, to } => {
                match self.rolled_back_to(scope, application, *to).await? {
                    Some(manifest) => {
                        self.check_triggers(scope, &manifest)?;
                        hosts_of(&manifest)?
                    }
                    None => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        let catalog = self.catalog.load();
        for (other, view) in catalog.views().filter(|(other, _)| *other != scope) {
            for theirs in view.router.hosts() {
                if let Some(ours) = hosts.iter().find(|ours| overlap(ours, theirs)) {
                    let detail = if ours == theirs {
                        format!("the host `{ours}` belongs to `{other}`")
                    } else {
                        format!(
                            "the host `{ours}` overlaps with `{theirs}`, which belongs to `{other}`"
                        )
                    };
                    return Err(Problem::new(Code::RouteClash).detail(detail));
                }
            }
        }
        Ok(())
    }

    /// The manifest that a rollback would make active. What is not there is refused later, by the
    /// registry.
    async fn rolled_back_to(
        &self,
        scope: &Scope,
        application: &ApplicationName,
        to: Option<u32>,
    ) -> Result<Option<Manifest>, Problem> {
        let rows = self.parts.registry.deployments(scope, application).await;
        // Newest first.
        let rows = rows.map_err(Problem::from)?;
        let active = rows.iter().find(|row| row.active).map_or(u32::MAX, |row| row.deployment);
        let wanted = rows.into_iter().find(|row| match to {
            Some(number) => row.deployment == number,
            None => row.deployment < active,
        });
        Ok(wanted.map(|row| row.manifest))
    }
}

fn hosts_of(manifest: &Manifest) -> Result<BTreeSet<String>, Problem> {
    let members = manifest.members()?;
    let triggers = members.into_iter().flat_map(|member| member.http);
    Ok(triggers.filter_map(|trigger| trigger.route.host).collect())
}
