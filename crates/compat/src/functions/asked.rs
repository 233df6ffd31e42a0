//! Who does what is asked of functions, by its operation.

use super::Doing;
use crate::body::{Answer, answer, json};
use crate::fault::Fault;
use crate::route::Operation;
use crate::serve::Shared;
use crate::signed::Signed;
use bytes::Bytes;
use http::request::Parts;
use serde_json::{Value, json};

/// A status, and what is said with it; nothing with 204.
type Said = Result<(u16, Value), Fault>;

/// Does what is asked, for those who may.
pub(crate) async fn manage(
    shared: &Shared,
    head: &Parts,
    signed: Signed<'_>,
    id: &str,
) -> Result<Answer, Fault> {
    let Signed { signer, asked, body } = signed;
    let host = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let (engine, query, urls) = (&shared.engine, head.uri.query(), &*shared.urls);
    let doing = Doing { engine, signer, query, host, urls };
    if !doing.signer.manages {
        let what = asked.name;
        return Err(Fault::denied(format!(
            "The key is not authorized to perform: lambda:{what}. The operator can make one that is: casemate token create NAME --aws --manage"
        )));
    }
    let body = &body.bytes;
    let name = asked.named.first().map(String::as_str).unwrap_or_default();
    let second = asked.named.get(1).map(String::as_str).unwrap_or_default();
    // One future for each family, so that none of them is large.
    if asked.operation == Operation::GetFunctionCode {
        return doing.code(shared, name, id).await;
    }
    let said = match asked.operation {
        Operation::TagResource | Operation::UntagResource | Operation::ListTags => {
            Box::pin(doing.of_tags(asked.operation, name, body)).await?
        }
        Operation::CreateAlias
        | Operation::ListAliases
        | Operation::GetAlias
        | Operation::UpdateAlias
        | Operation::DeleteAlias => {
            Box::pin(doing.of_aliases(asked.operation, (name, second), body)).await?
        }
        Operation::PutFunctionConcurrency
        | Operation::GetFunctionConcurrency
        | Operation::DeleteFunctionConcurrency
        | Operation::PutProvisionedConcurrencyConfig
        | Operation::ListProvisionedConcurrencyConfigs
        | Operation::GetProvisionedConcurrencyConfig
        | Operation::DeleteProvisionedConcurrencyConfig => {
            Box::pin(doing.of_ceilings(asked.operation, name, body)).await?
        }
        Operation::CreateFunctionUrlConfig
        | Operation::GetFunctionUrlConfig
        | Operation::UpdateFunctionUrlConfig
        | Operation::DeleteFunctionUrlConfig
        | Operation::ListFunctionUrlConfigs => {
            Box::pin(doing.of_urls(asked.operation, name, body)).await?
        }
        Operation::AddPermission | Operation::GetPolicy | Operation::RemovePermission => {
            Box::pin(doing.of_permissions(asked.operation, (name, second), body)).await?
        }
        Operation::PutFunctionEventInvokeConfig
        | Operation::UpdateFunctionEventInvokeConfig
        | Operation::GetFunctionEventInvokeConfig
        | Operation::ListFunctionEventInvokeConfigs
        | Operation::DeleteFunctionEventInvokeConfig => {
            Box::pin(doing.of_later(asked.operation, name, body)).await?
        }
        Operation::CreateEventSourceMapping
        | Operation::GetEventSourceMapping
        | Operation::ListEventSourceMappings
        | Operation::UpdateEventSourceMapping
        | Operation::DeleteEventSourceMapping => {
            Box::pin(doing.of_mappings(asked.operation, name, body)).await?
        }
        other => Box::pin(doing.of_functions(other, name, body)).await?,
    };
    Ok(match said {
        (204, _) => answer(204, Bytes::new(), id),
        (status, value) => json(status, &value, id),
    })
}

impl Doing<'_> {
    async fn of_functions(&self, operation: Operation, name: &str, body: &[u8]) -> Said {
        Ok(match operation {
            Operation::CreateFunction => (201, self.create(body).await?),
            Operation::UpdateFunctionCode => (200, self.update_code(name, body).await?),
            Operation::UpdateFunctionConfiguration => (200, self.update(name, body).await?),
            Operation::GetFunction => (200, self.get(name)?),
            Operation::GetFunctionConfiguration => (200, self.shown(&self.target(name)?)?),
            Operation::ListFunctions => (200, self.list()?),
            Operation::GetAccountSettings => (200, self.account()),
            Operation::PublishVersion => (201, self.publish(name, body).await?),
            Operation::ListVersionsByFunction => (200, self.versions(name)?),
            Operation::DeleteFunction => {
                self.delete(name).await?;
                (204, Value::Null)
            }
            other => (200, self.read_only(other, name)?),
        })
    }

    async fn of_aliases(
        &self,
        operation: Operation,
        (name, alias): (&str, &str),
        body: &[u8],
    ) -> Said {
        Ok(match operation {
            Operation::CreateAlias => (201, self.create_alias(name, body).await?),
            Operation::ListAliases => (200, self.list_aliases(name)?),
            Operation::GetAlias => (200, self.get_alias(name, alias)?),
            Operation::UpdateAlias => (200, self.update_alias(name, alias, body).await?),
            _ => {
                self.delete_alias(name, alias).await?;
                (204, Value::Null)
            }
        })
    }

    async fn of_ceilings(&self, operation: Operation, name: &str, body: &[u8]) -> Said {
        Ok(match operation {
            Operation::PutFunctionConcurrency => (200, self.put_ceiling(name, body).await?),
            Operation::GetFunctionConcurrency => (200, self.get_ceiling(name)?),
            Operation::DeleteFunctionConcurrency => {
                self.delete_ceiling(name).await?;
                (204, Value::Null)
            }
            Operation::PutProvisionedConcurrencyConfig => {
                (202, self.put_provisioned(name, body).await?)
            }
            Operation::ListProvisionedConcurrencyConfigs => (200, self.list_provisioned(name)?),
            Operation::GetProvisionedConcurrencyConfig => (200, self.get_provisioned(name)?),
            _ => {
                self.delete_provisioned(name).await?;
                (204, Value::Null)
            }
        })
    }

    async fn of_urls(&self, operation: Operation, name: &str, body: &[u8]) -> Said {
        Ok(match operation {
            Operation::CreateFunctionUrlConfig => (201, self.create_url(name, body).await?),
            Operation::GetFunctionUrlConfig => (200, self.get_url(name)?),
            Operation::UpdateFunctionUrlConfig => (200, self.update_url(name, body).await?),
            Operation::ListFunctionUrlConfigs => (200, self.list_urls(name)?),
            _ => {
                self.delete_url(name).await?;
                (204, Value::Null)
            }
        })
    }

    async fn of_permissions(
        &self,
        operation: Operation,
        (name, sid): (&str, &str),
        body: &[u8],
    ) -> Said {
        Ok(match operation {
            Operation::AddPermission => (201, self.add_permission(name, body).await?),
            Operation::GetPolicy => (200, self.get_policy(name)?),
            _ => {
                self.remove_permission(name, sid).await?;
                (204, Value::Null)
            }
        })
    }

    async fn of_later(&self, operation: Operation, name: &str, body: &[u8]) -> Said {
        Ok(match operation {
            Operation::PutFunctionEventInvokeConfig => {
                (200, self.put_later(name, body, false).await?)
            }
            Operation::UpdateFunctionEventInvokeConfig => {
                (200, self.put_later(name, body, true).await?)
            }
            Operation::GetFunctionEventInvokeConfig => (200, self.get_later(name)?),
            Operation::ListFunctionEventInvokeConfigs => (200, self.list_later(name)?),
            _ => {
                self.delete_later(name).await?;
                (204, Value::Null)
            }
        })
    }

    async fn of_mappings(&self, operation: Operation, id: &str, body: &[u8]) -> Said {
        Ok(match operation {
            Operation::CreateEventSourceMapping => (202, self.create_mapping(body).await?),
            Operation::GetEventSourceMapping => (200, self.get_mapping(id)?),
            Operation::ListEventSourceMappings => (200, self.list_mappings()?),
            Operation::UpdateEventSourceMapping => (202, self.update_mapping(id, body).await?),
            _ => (202, self.delete_mapping(id).await?),
        })
    }

    async fn of_tags(&self, operation: Operation, resource: &str, body: &[u8]) -> Said {
        match operation {
            Operation::ListTags => return Ok((200, self.list_tags(resource)?)),
            Operation::TagResource => self.tag(resource, body).await?,
            _ => self.untag(resource).await?,
        }
        Ok((204, Value::Null))
    }

    /// What tools ask for when they read a function, and of which there is one kind here.
    fn read_only(&self, operation: Operation, name: &str) -> Result<Value, Fault> {
        let target = self.target(name)?;
        Ok(match operation {
            Operation::GetFunctionCodeSigningConfig => {
                json!({ "CodeSigningConfigArn": "", "FunctionName": target.name() })
            }
            Operation::GetRuntimeManagementConfig => {
                json!({ "UpdateRuntimeOn": "Auto", "FunctionArn": target.full_arn() })
            }
            _ => json!({ "RecursiveLoop": "Terminate" }),
        })
    }
}
