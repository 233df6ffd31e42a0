//! Connections: asking for one, and having it go on with another invocation.

use super::Broker;
use super::body::nothing;
use super::call::inside;
use super::line::{Line, Receiving, Sending};
use super::record::{Place, Step};
use http_body_util::BodyExt as _;
use model::destination::Host as Named;
use model::{Destination, Labelled, Labels};
use policy::CallPermit;
use ports::host::{Answer, Body, ConnectCall, ConnectionId, HostError, HostReply, Through};
use ports::outbound::{Connecting, Failure};
use std::sync::Arc;

impl Broker {
    pub(super) async fn connect(
        self: Arc<Self>,
        call: ConnectCall,
        labels: Labels,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        let ConnectCall { host, port, through } = call;
        let destination =
            Destination::new(&host, port).map_err(|error| HostError::Invalid(error.to_string()))?;
        let (step, permit) = self.permit(&destination, through, labels)?;
        self.is_open(&step)?;
        self.charge(&step)?;
        let waiting = self.wait().ok_or_else(|| self.limited(&step, "asks at once"))?;
        let answer = self.dial(permit, &step, destination, through, body).await;
        drop(waiting);
        answer
    }

    /// The connection goes on with this invocation, or it is closed.
    pub(super) async fn keep(
        self: Arc<Self>,
        id: ConnectionId,
        labels: Labels,
    ) -> Result<Answer, HostError> {
        let line = self.engine.lines.find(id);
        let line = line.filter(|line| line.is_of(self.function.reference()));
        let line = line.ok_or_else(|| HostError::Invalid("no such connection".to_owned()))?;
        let (step, _permit) = self
            .permit(line.destination(), line.through(), labels)
            .inspect_err(|error| line.cut(error.clone()))?;
        self.is_open(&step).inspect_err(|error| line.cut(error.clone()))?;
        self.charge(&step)?;
        let place = self.done(&step, 0);
        line.moves_to(Arc::clone(&self), place);
        Ok(Answer { reply: Labelled::plain(HostReply::Kept), body: None })
    }

    fn permit(
        &self,
        destination: &Destination,
        through: Through,
        labels: Labels,
    ) -> Result<(Step, CallPermit), HostError> {
        let within = match destination.host() {
            Named::Name(name) => inside(name).is_some(),
            Named::Address(_) => false,
        };
        let policies = &self.function.policies;
        let begin = |operation| {
            let resource = destination.to_string();
            let arguments = resource.clone();
            self.begin(operation, resource, arguments.as_bytes(), labels)
        };
        match through {
            Through::Opaque => {
                let permit = policies.permit_opaque(destination).filter(|_| !within);
                let permit = permit.ok_or(HostError::NotOpaque)?;
                Ok((begin("opaque"), permit))
            }
            Through::Tcp => {
                let step = begin("tcp");
                let denied = |denial| self.denied(&step, &denial);
                let permit = policies.decide_tcp(destination).map_err(denied)?;
                if within {
                    let why = "names of the platform's own are no places outside";
                    return Err(self.failed(&step, HostError::Upstream(Failure::Name), why));
                }
                Ok((step, permit))
            }
        }
    }

    async fn dial(
        self: Arc<Self>,
        _permit: CallPermit,
        step: &Step,
        destination: Destination,
        through: Through,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        let function = Arc::clone(self.function.reference());
        let line = Line::new(&self, Arc::clone(&function), destination.clone(), through);
        // What is encrypted holds nothing that could be found.
        let watch = self.watch().filter(|_| through == Through::Tcp);
        let body = body.unwrap_or_else(nothing);
        let sent = Sending::new(body, watch, Arc::clone(&line)).boxed_unsync();
        let limits = self.limits.connections;
        let connecting = Connecting { function, destination, sent, limits };
        let connected = self.parts().outbound.connect(connecting).await;
        let connection = connected.map_err(|error| {
            self.failed(step, HostError::Upstream(error.failure), &error.to_string())
        })?;
        let place: Place = self.done(step, 0);
        line.moves_to(Arc::clone(&self), place);
        let id = self.engine.lines.add(&line);
        let received = Receiving::new(connection.received, line).boxed_unsync();
        let reply = Labelled::plain(HostReply::Connected(id));
        Ok(Answer { reply, body: Some(received) })
    }
}
