//! What stands before a service, whichever framework it is written in: who asks, the decision, what the client is told, and
//! what is held while the request lasts. A framework hands over the heads of requests, and puts answers into its own types.

mod grpc;
mod held;
mod passed;
mod stopped;
mod told;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use ratekeeper_engine::{Current, Engine, Outcome, Request as EngineRequest, RequestOp};

pub use self::grpc::is_call;
pub use self::held::Held;
pub use self::passed::Passed;
pub use self::stopped::{Refused, Stopped};
pub use self::told::Told;
use crate::{Asked, Dialect, Facts, Head, Identify, Problem};

/// How requests are decided and answered; the part of a front door that is the same in every framework.
#[derive(Clone, Debug)]
pub struct Door {
    /// What decides.
    pub engine: Arc<Engine>,
    /// How clients are told of their limits.
    pub dialect: Dialect,
    /// The most that is added to `Retry-After`.
    pub jitter: Duration,
    /// Whether requests without a known peer are decided too.
    pub peerless: bool,
    /// Who the user is.
    pub user: Option<Arc<dyn Identify>>,
    /// What a developer is told whose server does not say who is asking.
    pub no_peer: &'static str,
}

impl Door {
    /// A door over an engine, with the defaults of everything else.
    #[must_use]
    pub fn new(engine: Arc<Engine>, no_peer: &'static str) -> Self {
        Self {
            engine,
            dialect: Dialect::default(),
            jitter: Duration::ZERO,
            peerless: false,
            user: None,
            no_peer,
        }
    }

    /// What is known of a request from this peer; `complete` adds what the framework and its user know.
    ///
    /// # Errors
    /// If the request is ambiguous, or nobody knows whose it is.
    pub fn facts<'a, H: Head>(
        &self,
        current: &Current,
        head: &'a H,
        peer: Option<IpAddr>,
        complete: impl FnOnce(&mut Facts<'a>),
    ) -> Result<Facts<'a>, Stopped> {
        let mut facts = Facts::new(head, current.uses_headers())
            .map_err(|error| Problem::of(StatusCode::BAD_REQUEST, error.to_string()))?;
        facts.ip = peer.map(|peer| crate::client(peer, head, current.client_ip()).ip);
        facts.user = self.user.as_ref().and_then(|user| user.identify(&Asked::new(head, self.engine.now())));
        complete(&mut facts);
        if facts.ip.is_none() && !self.peerless {
            tracing::error!("no request has a peer address: {}", self.no_peer);
            return Err(Problem::of(StatusCode::INTERNAL_SERVER_ERROR, self.no_peer).into());
        }
        Ok(facts)
    }

    /// Decides at once.
    ///
    /// # Errors
    /// If the request does not pass.
    pub fn decide_now(&self, current: &Current, facts: &Facts<'_>) -> Result<Passed, Stopped> {
        let borrowed = facts.borrowed();
        let request = EngineRequest::new(borrowed.attributes()).costing(facts.cost);
        let Some(outcome) = self.engine.check_now_under(current, &request) else {
            let detail = "A store did not answer at once.";
            return Err(Problem::of(StatusCode::INTERNAL_SERVER_ERROR, detail).into());
        };
        self.judge(outcome)
    }

    /// Decides. Where the response tells what is [charged](Self::charge), nothing is taken yet, and the facts come back to
    /// charge by.
    ///
    /// # Errors
    /// If the request does not pass.
    pub async fn decide(
        &self,
        current: &Current,
        facts: Facts<'_>,
        by_response: bool,
    ) -> Result<(Passed, Option<Facts<'static>>), Stopped> {
        if by_response {
            let passed = self.judge(self.ask(current, &facts, RequestOp::Peek).await)?;
            return Ok((passed, Some(facts.into_owned())));
        }
        if current.answers_at_once() {
            return Ok((self.decide_now(current, &facts)?, None));
        }
        Ok((self.judge(self.ask(current, &facts, RequestOp::Take).await)?, None))
    }

    /// Charges a request that passed.
    pub async fn charge(&self, current: &Current, facts: &Facts<'_>) -> Passed {
        Passed::new(self, self.ask(current, facts, RequestOp::Charge).await)
    }

    async fn ask(&self, current: &Current, facts: &Facts<'_>, op: RequestOp) -> Outcome {
        let borrowed = facts.borrowed();
        let request = EngineRequest::new(borrowed.attributes()).costing(facts.cost).asking(op);
        self.engine.check_under(current, &request).await
    }

    // Outcomes are large: each call would move them once more.
    #[inline(always)]
    fn judge(&self, outcome: Outcome) -> Result<Passed, Stopped> {
        match Problem::refusing(&outcome) {
            None => Ok(Passed::new(self, outcome)),
            Some(problem) => {
                let retry_after = crate::retry_after(&outcome, crate::draw_jitter(self.jitter));
                let told = Told::new(self, &outcome, retry_after);
                Err(Stopped::Refused(Box::new(Refused { outcome, problem, retry_after, told })))
            }
        }
    }
}
