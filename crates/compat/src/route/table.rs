//! All operations that are answered; the documentation is made from it.

/// The enum of operations and the table of how they are asked for, from one list.
macro_rules! operations {
    ($($(#[$said:meta])* $name:ident: $method:literal, $path:literal, $note:literal;)*) => {
        /// What is asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$said])* $name,)*
        }

        pub(super) const TABLE: &[Row] = &[
            $(Row {
                operation: Operation::$name,
                name: stringify!($name),
                method: $method,
                path: $path,
                note: $note,
            },)*
        ];
    };
}

/// An operation, and how it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The operation.
    pub operation: Operation,
    /// AWS's name of it.
    pub name: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path; `{…}` is any one segment. What stands behind `?` must be in the query.
    pub path: &'static str,
    /// What a reader should know about it here.
    pub note: &'static str,
}

operations! {
    /// Calls a function.
    Invoke: "POST", "/2015-03-31/functions/{FunctionName}/invocations",
        "`RequestResponse`, `Event` and `DryRun`; `LogType`, `ClientContext`, `Qualifier`. `Event` needs the grant `invoke-async`, too.";
    /// Calls a function, and gives its answer as it comes.
    InvokeWithResponseStream: "POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations",
        "`RequestResponse` and `DryRun`; `LogType`, `ClientContext`, `Qualifier`.";
    /// Calls a function later, as old tools do.
    InvokeAsync: "POST", "/2014-11-13/functions/{FunctionName}/invoke-async",
        "As `Invoke` with `Event`.";
    /// Makes a function.
    CreateFunction: "POST", "/2015-03-31/functions",
        "`Code.ZipFile`, `Publish`, `Tags`; runtimes `python3.N`, `nodejsN.x`, `provided*` that this machine has. The maker's key may invoke it.";
    /// Lists functions.
    ListFunctions: "GET", "/2015-03-31/functions",
        "`Marker`, `MaxItems`. `FunctionVersion=ALL` is not answered.";
    /// Shows a function.
    GetFunction: "GET", "/2015-03-31/functions/{FunctionName}",
        "With `Code.Location`, `Concurrency` and tags; `Qualifier`.";
    /// Removes a function.
    DeleteFunction: "DELETE", "/2015-03-31/functions/{FunctionName}",
        "Of functions that were made here, or one version of any; `Qualifier`.";
    /// Shows a function's configuration.
    GetFunctionConfiguration: "GET", "/2015-03-31/functions/{FunctionName}/configuration",
        "`Qualifier`. Never pending: a function is deployed before it is answered.";
    /// Changes a function's configuration.
    UpdateFunctionConfiguration: "PUT", "/2015-03-31/functions/{FunctionName}/configuration",
        "`Runtime`, `Handler`, `Role`, `Description`, `Timeout`, `MemorySize`, `Environment`, `EphemeralStorage`, `RevisionId`.";
    /// Gives a function other code.
    UpdateFunctionCode: "PUT", "/2015-03-31/functions/{FunctionName}/code",
        "`ZipFile`, `DryRun`, `Publish`, `RevisionId`.";
    /// Gives a function's code; none of AWS's operations.
    GetFunctionCode: "GET", "/casemate/functions/{FunctionName}/code",
        "No operation of AWS's: the address that `GetFunction` gives as `Code.Location`, good for ten minutes. The files of the package in a zip file, and not the bytes that were sent.";
    /// Makes a version of what is active.
    PublishVersion: "POST", "/2015-03-31/functions/{FunctionName}/versions",
        "`Description`, `CodeSha256`, `RevisionId`. A version is a revision that keeps its number; nothing new is published where nothing changed.";
    /// Lists a function's versions.
    ListVersionsByFunction: "GET", "/2015-03-31/functions/{FunctionName}/versions",
        "`Marker`, `MaxItems`; `$LATEST` first.";
    /// Gives a version a name.
    CreateAlias: "POST", "/2015-03-31/functions/{FunctionName}/aliases",
        "`FunctionVersion`, `Description`, `RoutingConfig` with one more version.";
    /// Lists a function's aliases.
    ListAliases: "GET", "/2015-03-31/functions/{FunctionName}/aliases",
        "`FunctionVersion`, `Marker`, `MaxItems`.";
    /// Shows an alias.
    GetAlias: "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}",
        "";
    /// Changes an alias.
    UpdateAlias: "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}",
        "`FunctionVersion`, `Description`, `RoutingConfig`, `RevisionId`.";
    /// Removes an alias.
    DeleteAlias: "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}",
        "Also where there is none.";
    /// Says how many invocations a function may have at a time.
    PutFunctionConcurrency: "PUT", "/2017-10-31/functions/{FunctionName}/concurrency",
        "All versions together, up to this node's ceiling; 0 stops the function. Nothing is set aside: it is a ceiling, and no reserve.";
    /// Shows how many invocations a function may have at a time.
    GetFunctionConcurrency: "GET", "/2019-09-30/functions/{FunctionName}/concurrency",
        "";
    /// Takes back how many invocations a function may have at a time.
    DeleteFunctionConcurrency: "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency",
        "What the revision says holds again.";
    /// Keeps processes of a version ready.
    PutProvisionedConcurrencyConfig: "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        "Of native functions; at most 100 processes.";
    /// Lists what is kept ready of a function.
    ListProvisionedConcurrencyConfigs: "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL",
        "`Marker`, `MaxItems`.";
    /// Shows what is kept ready of a version.
    GetProvisionedConcurrencyConfig: "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        "With how many there are by now.";
    /// Keeps nothing of a version ready any more.
    DeleteProvisionedConcurrencyConfig: "DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        "";
    /// Tags a function.
    TagResource: "POST", "/2017-03-31/tags/{Resource}",
        "Functions only; at most 50 tags.";
    /// Takes tags off a function.
    UntagResource: "DELETE", "/2017-03-31/tags/{Resource}",
        "`tagKeys`.";
    /// Says how calls that wait are tried.
    PutFunctionEventInvokeConfig: "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
        "`MaximumRetryAttempts`, `MaximumEventAgeInSeconds`, `Qualifier` of a version. Destinations are refused.";
    /// Changes how calls that wait are tried.
    UpdateFunctionEventInvokeConfig: "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
        "As `PutFunctionEventInvokeConfig`; what is not said stays.";
    /// Shows how calls that wait are tried.
    GetFunctionEventInvokeConfig: "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
        "";
    /// Lists how calls of each version that wait are tried.
    ListFunctionEventInvokeConfigs: "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list",
        "`Marker`, `MaxItems`.";
    /// Lets calls that wait be tried as the node says.
    DeleteFunctionEventInvokeConfig: "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config",
        "";
    /// Has a function called with the messages of a queue.
    CreateEventSourceMapping: "POST", "/2015-03-31/event-source-mappings",
        "Of functions that were made here, and queues only (`arn:aws:sqs:REGION:000000000000:NAME`), which are event triggers: `BatchSize` up to 100, `MaximumBatchingWindowInSeconds`, `Enabled`, `FunctionResponseTypes`, `FilterCriteria` on attributes of events. What a function reports is believed, whether `ReportBatchItemFailures` was asked for or not.";
    /// Lists what functions are called with.
    ListEventSourceMappings: "GET", "/2015-03-31/event-source-mappings",
        "`FunctionName`, `EventSourceArn`, `Marker`, `MaxItems`; also triggers with `batch` of functions that were deployed in another way.";
    /// Shows what a function is called with.
    GetEventSourceMapping: "GET", "/2015-03-31/event-source-mappings/{UUID}",
        "The UUID is made of the names of function and queue.";
    /// Changes how a function is called with messages.
    UpdateEventSourceMapping: "PUT", "/2015-03-31/event-source-mappings/{UUID}",
        "As `CreateEventSourceMapping`, but for the function; what is not said stays.";
    /// Lets a function not be called with messages any more.
    DeleteEventSourceMapping: "DELETE", "/2015-03-31/event-source-mappings/{UUID}",
        "At once: what waits becomes a dead letter.";
    /// Gives a function an address.
    CreateFunctionUrlConfig: "POST", "/2021-10-31/functions/{FunctionName}/url",
        "`AuthType`, `Cors`, `InvokeMode`, `Qualifier` of an alias. Of functions that were made here.";
    /// Shows a function's address.
    GetFunctionUrlConfig: "GET", "/2021-10-31/functions/{FunctionName}/url",
        "";
    /// Changes a function's address.
    UpdateFunctionUrlConfig: "PUT", "/2021-10-31/functions/{FunctionName}/url",
        "`AuthType`, `Cors`, `InvokeMode`.";
    /// Takes a function's address away.
    DeleteFunctionUrlConfig: "DELETE", "/2021-10-31/functions/{FunctionName}/url",
        "";
    /// Lists a function's addresses.
    ListFunctionUrlConfigs: "GET", "/2021-10-31/functions/{FunctionName}/urls",
        "`Marker`, `MaxItems`.";
    /// Allows somebody to call a function.
    AddPermission: "POST", "/2015-03-31/functions/{FunctionName}/policy",
        "`lambda:InvokeFunction` and `lambda:InvokeFunctionUrl`, for `*` (by an address with `AuthType` `NONE`) or a key, as `arn:aws:iam::000000000000:user/NAME`. It is a grant.";
    /// Shows who was allowed to call a function.
    GetPolicy: "GET", "/2015-03-31/functions/{FunctionName}/policy",
        "What was allowed here; `casemate grants` shows all.";
    /// Takes back that somebody may call a function.
    RemovePermission: "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}",
        "With the grant, if it came with it.";
    /// Shows a function's tags.
    ListTags: "GET", "/2017-03-31/tags/{Resource}",
        "";
    /// Shows limits and use.
    GetAccountSettings: "GET", "/2016-08-19/account-settings",
        "";
    /// Shows whose signatures a function's code needs.
    GetFunctionCodeSigningConfig: "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config",
        "Nobody's; for tools that ask on reading.";
    /// Shows when a function's interpreter changes.
    GetRuntimeManagementConfig: "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config",
        "`Auto`: it is this machine's; for tools that ask on reading.";
    /// Shows whether a function may call itself for ever.
    GetFunctionRecursionConfig: "GET", "/2024-08-31/functions/{FunctionName}/recursion-config",
        "`Terminate`: depth has a limit; for tools that ask on reading.";
}
