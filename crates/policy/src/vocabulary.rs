//! The schema, and our names and asks put into Cedar's words.
//!
//! Invariant: nothing here is made by gluing texts into Cedar's syntax. Entities and policies are
//! built as values, so a name cannot mean anything but itself.

use crate::reads::Reads;
use crate::{Asker, Error, InvokeAsk};
use cedar_policy::pst::{
    ActionConstraint, EntityOrSlot, EntityType, EntityUID, Name, PolicyID, PrincipalConstraint,
    ResourceConstraint, StaticPolicy, Template,
};
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, Request,
    RestrictedExpression, Schema, pst,
};
use model::{ApplicationName, Claims, FunctionRef, Principal, Scope, SecretName, StoreName};
use std::collections::HashSet;
use std::fmt::Display;

/// The Cedar schema, as docs/reference/policy.cedarschema shows it.
pub const SCHEMA: &str = include_str!("casemate.cedarschema");

/// The schema, parsed, and the words that every decision needs.
pub(crate) struct Vocabulary {
    pub(crate) schema: Schema,
    pub(crate) authorizer: Authorizer,
    token: EntityTypeName,
    function: EntityTypeName,
    issuer: EntityTypeName,
    subject: EntityTypeName,
    certificate: EntityTypeName,
    trigger: EntityTypeName,
    public: EntityUid,
    operator: EntityUid,
    invoke: EntityUid,
    pub(crate) http: EntityUid,
    pub(crate) keyvalue: EntityUid,
    pub(crate) blob: EntityUid,
    pub(crate) tcp: EntityUid,
    pub(crate) secret: EntityUid,
    pub(crate) reveal: EntityUid,
    pub(crate) data_reveal: EntityUid,
    pub(crate) invoke_async: EntityUid,
    pub(crate) publish: EntityUid,
    host: EntityTypeName,
    store: EntityTypeName,
    container: EntityTypeName,
    secret_type: EntityTypeName,
    class_type: EntityTypeName,
    application_type: EntityTypeName,
    /// The one entity that carries a request's claims.
    claims: EntityUid,
    tree: TreeWords,
}

/// Who asks, and where its name lives.
pub(crate) struct Who<'a> {
    pub(crate) principal: Asker<'a>,
    pub(crate) claims: &'a Claims,
    pub(crate) scope: &'a Scope,
}

impl<'a> From<&InvokeAsk<'a>> for Who<'a> {
    fn from(ask: &InvokeAsk<'a>) -> Self {
        Self { principal: ask.principal, claims: ask.claims, scope: &ask.function.scope }
    }
}

/// The same words for policies that are built as trees. Cedar parses a name when it is made, which
/// costs more than a decision, so they are made once.
struct TreeWords {
    token: EntityType,
    function: EntityType,
    issuer: EntityType,
    subject: EntityType,
    certificate: EntityType,
    trigger: EntityType,
    public: EntityUID,
    invoke: EntityUID,
}

impl Vocabulary {
    pub(crate) fn new() -> Result<Self, Error> {
        let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).map_err(Error::invariant)?;
        drop(warnings);
        Ok(Self {
            schema,
            authorizer: Authorizer::new(),
            token: entity_type("Token")?,
            function: entity_type("Function")?,
            issuer: entity_type("Issuer")?,
            subject: entity_type("Subject")?,
            certificate: entity_type("Certificate")?,
            trigger: entity_type("Trigger")?,
            claims: uid(entity_type("Claims")?, "request"),
            public: uid(entity_type("Public")?, "public"),
            operator: uid(entity_type("Operator")?, "operator"),
            invoke: uid(entity_type("Action")?, "invoke"),
            http: uid(entity_type("Action")?, "http"),
            keyvalue: uid(entity_type("Action")?, "keyvalue"),
            blob: uid(entity_type("Action")?, "blob"),
            tcp: uid(entity_type("Action")?, "tcp"),
            secret: uid(entity_type("Action")?, "secret"),
            reveal: uid(entity_type("Action")?, "secret-reveal"),
            data_reveal: uid(entity_type("Action")?, "data-reveal"),
            invoke_async: uid(entity_type("Action")?, "invoke-async"),
            publish: uid(entity_type("Action")?, "publish"),
            application_type: entity_type("Application")?,
            host: entity_type("Host")?,
            store: entity_type("Store")?,
            container: entity_type("Container")?,
            secret_type: entity_type("Secret")?,
            class_type: entity_type("DataClass")?,
            tree: TreeWords {
                token: tree_type("Token")?,
                function: tree_type("Function")?,
                issuer: tree_type("Issuer")?,
                subject: tree_type("Subject")?,
                certificate: tree_type("Certificate")?,
                trigger: tree_type("Trigger")?,
                public: literal(&tree_type("Public")?, "public"),
                invoke: literal(&tree_type("Action")?, "invoke"),
            },
        })
    }

    pub(crate) fn invoke(&self) -> &EntityUid {
        &self.invoke
    }

    pub(crate) fn function(&self, function: &FunctionRef) -> EntityUid {
        uid(self.function.clone(), &function.to_string())
    }

    /// Where a request or a connection goes: `scheme://host:port`, the scheme of connections being
    /// `tcp`.
    pub(crate) fn host(&self, origin: &str) -> EntityUid {
        uid(self.host.clone(), origin)
    }

    pub(crate) fn store(&self, scope: &Scope, name: &StoreName) -> EntityUid {
        uid(self.store.clone(), &format!("{scope}/{name}"))
    }

    pub(crate) fn container(&self, scope: &Scope, name: &StoreName) -> EntityUid {
        uid(self.container.clone(), &format!("{scope}/{name}"))
    }

    pub(crate) fn secret_of(&self, scope: &Scope, name: &SecretName) -> EntityUid {
        uid(self.secret_type.clone(), &format!("{scope}/{name}"))
    }

    /// Classes are the same everywhere, so there is no tenant in front.
    pub(crate) fn class(&self, class: &model::DataClass) -> EntityUid {
        uid(self.class_type.clone(), class.as_str())
    }

    pub(crate) fn application(&self, scope: &Scope, name: &ApplicationName) -> EntityUid {
        uid(self.application_type.clone(), &format!("{scope}/{name}"))
    }

    /// The ask as a Cedar request, checked against the schema. `reads` is what the policies can
    /// look at: the address is left out where none does, because Cedar is slow in taking it.
    pub(crate) fn request(&self, ask: &InvokeAsk<'_>, reads: Reads) -> Result<Request, Error> {
        self.request_to(&self.invoke, ask, reads)
    }

    /// As [`Vocabulary::request`], for another action on a function.
    pub(crate) fn request_to(
        &self,
        action: &EntityUid,
        ask: &InvokeAsk<'_>,
        reads: Reads,
    ) -> Result<Request, Error> {
        let context = Context::from_pairs(self.context(ask, reads)).map_err(Error::invariant)?;
        let principal = self.principal_of(&ask.into());
        let resource = self.function(ask.function);
        Request::new(principal, action.clone(), resource, context, Some(&self.schema))
            .map_err(Error::invariant)
    }

    /// What Cedar must know about who asks: which groups it is in, and what its token says.
    pub(crate) fn entities(&self, ask: &InvokeAsk<'_>, reads: Reads) -> Result<Entities, Error> {
        self.entities_of(&ask.into(), reads)
    }

    /// As [`Vocabulary::entities`], whatever is asked for.
    pub(crate) fn entities_of(&self, who: &Who<'_>, reads: Reads) -> Result<Entities, Error> {
        let public = self.public.clone();
        let parents = match who.principal {
            Asker::Anonymous | Asker::Operator | Asker::Function(_) | Asker::Trigger(_) => {
                HashSet::new()
            }
            Asker::Token(_) | Asker::Certificate(_) => HashSet::from([public]),
            Asker::Jwt(issuer, _) => {
                HashSet::from([public, uid(self.issuer.clone(), issuer.as_str())])
            }
        };
        let mut entities = Vec::new();
        if !parents.is_empty() {
            entities.push(Entity::new_no_attrs(self.principal_of(who), parents));
        }
        if reads.has(Reads::CLAIMS) && !who.claims.is_empty() {
            entities.push(self.claims(who.claims)?);
        }
        if entities.is_empty() {
            return Ok(Entities::empty());
        }
        Entities::from_entities(entities, None).map_err(Error::invariant)
    }

    fn claims(&self, claims: &Claims) -> Result<Entity, Error> {
        let tag = |(name, texts): (&str, &[Box<str>])| {
            let texts = texts.iter().map(|it| RestrictedExpression::new_string(it.to_string()));
            (name.to_owned(), RestrictedExpression::new_set(texts))
        };
        let tags = claims.iter().map(tag);
        Entity::new_with_tags(self.claims.clone(), [], [], tags).map_err(Error::invariant)
    }

    pub(crate) fn principal_of(&self, who: &Who<'_>) -> EntityUid {
        let scope = who.scope;
        match who.principal {
            Asker::Anonymous => self.public.clone(),
            Asker::Operator => self.operator.clone(),
            Asker::Token(name) => uid(self.token.clone(), &format!("{scope}/{name}")),
            Asker::Jwt(issuer, subject) => {
                uid(self.subject.clone(), &format!("{issuer}/{}", subject.as_str()))
            }
            Asker::Certificate(subject) => uid(self.certificate.clone(), subject.as_str()),
            Asker::Function(name) => uid(self.function.clone(), &format!("{scope}/{name}")),
            Asker::Trigger(name) => uid(self.trigger.clone(), &format!("{scope}/{name}")),
        }
    }

    /// The claims of whoever asks, as a context names them.
    pub(crate) fn claims_of_request(&self) -> RestrictedExpression {
        RestrictedExpression::new_entity_uid(self.claims.clone())
    }

    fn context(&self, ask: &InvokeAsk<'_>, reads: Reads) -> Vec<(String, RestrictedExpression)> {
        let scope = &ask.function.scope;
        let mut pairs: Vec<_> = [
            ("method", ask.method),
            ("route", ask.route),
            ("trigger", ask.trigger),
            ("tenant", scope.tenant.as_str()),
            ("environment", scope.environment.as_str()),
        ]
        .into_iter()
        .map(|(key, text)| (key.to_owned(), RestrictedExpression::new_string(text.to_owned())))
        .collect();
        pairs.push(("claims".to_owned(), self.claims_of_request()));
        if let Some(address) = ask.source().filter(|_| reads.has(Reads::SOURCE)) {
            pairs.push(("source".to_owned(), RestrictedExpression::new_ip(address.to_string())));
        }
        pairs
    }
}

impl Vocabulary {
    /// Builds the policy that a grant to invoke stands for:
    /// `permit(principal == …, action == Casemate::Action::"invoke", resource == …)`,
    /// where the public is `principal in Casemate::Public::"public"`.
    pub(crate) fn permit(
        &self,
        id: &str,
        who: &Principal,
        function: &FunctionRef,
    ) -> Result<Policy, Error> {
        let resource = literal(&self.tree.function, function);
        let template = Template::new(
            PolicyID::from(id),
            pst::Effect::Permit,
            self.grantee(who, &function.scope),
            ActionConstraint::Eq(self.tree.invoke.clone()),
            ResourceConstraint::Eq(EntityOrSlot::Entity(resource)),
        );
        let policy = StaticPolicy::try_from(template).map_err(Error::invariant)?;
        Policy::from_pst(pst::Policy::Static(policy)).map_err(Error::invariant)
    }

    fn grantee(&self, who: &Principal, scope: &Scope) -> PrincipalConstraint {
        let tree = &self.tree;
        let is = |entity| PrincipalConstraint::Eq(EntityOrSlot::Entity(entity));
        let is_in = |entity| PrincipalConstraint::In(EntityOrSlot::Entity(entity));
        match who {
            Principal::Public => is_in(tree.public.clone()),
            Principal::Token(name) => is(literal(&tree.token, format_args!("{scope}/{name}"))),
            Principal::Function(name) => {
                is(literal(&tree.function, format_args!("{scope}/{name}")))
            }
            Principal::Trigger(name) => is(literal(&tree.trigger, format_args!("{scope}/{name}"))),
            Principal::Issuer(issuer) => is_in(literal(&tree.issuer, issuer)),
            Principal::Subject(issuer, subject) => {
                is(literal(&tree.subject, format_args!("{issuer}/{}", subject.as_str())))
            }
            Principal::AnyCertificate => PrincipalConstraint::Is(tree.certificate.clone()),
            Principal::Certificate(subject) => is(literal(&tree.certificate, subject.as_str())),
        }
    }
}

fn tree_type(kind: &str) -> Result<EntityType, Error> {
    Name::qualified(["Casemate"], kind).map(EntityType).map_err(Error::invariant)
}

fn literal(kind: &EntityType, id: impl Display) -> EntityUID {
    EntityUID { ty: kind.clone(), eid: id.to_string().into() }
}

fn entity_type(kind: &str) -> Result<EntityTypeName, Error> {
    format!("Casemate::{kind}").parse().map_err(Error::invariant)
}

fn uid(kind: EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}
