//! What a request costs by its route.

use crate::decode::{FromText, Wrong};
use crate::index::{Conditions, Index};
use crate::matching::Method;
use crate::path::PathPattern;
use crate::request::Request;

/// `POST /api/v1/reports`, `/api/{*rest}`.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    method: Option<Method>,
    path: PathPattern,
}

impl Route {
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let text = text.trim();
        let (method, path) = match text.split_once(char::is_whitespace) {
            Some((method, path)) => (Some(method), path.trim_start()),
            None => (None, text),
        };
        let method = method.filter(|method| *method != "*").map(Method::from_text).transpose()?;
        Ok(Self { method, path: PathPattern::from_text(path)? })
    }

    fn conditions(&self) -> Conditions<'_> {
        Conditions {
            methods: self.method.as_slice(),
            paths: std::slice::from_ref(&self.path),
            ..Conditions::default()
        }
    }

    fn matches(&self, request: &Request<'_>) -> bool {
        let method = |method: &Method| request.attributes.method.is_some_and(|given| method.matches(given));
        self.method.as_ref().is_none_or(method)
            && request.path.as_ref().is_some_and(|path| self.path.matches(path))
    }
}

/// The costs of routes; the first that matches counts.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    routes: Vec<(Route, u64)>,
    index: Index,
    default: u64,
}

impl Costs {
    pub(crate) fn new(routes: Vec<(Route, u64)>, default: u64) -> Self {
        let conditions = routes.iter().map(|(route, _)| route.conditions());
        Self { index: Index::new(conditions.enumerate()), routes, default }
    }

    /// Whether they look at the path.
    pub(crate) fn uses_path(&self) -> bool {
        !self.routes.is_empty()
    }

    /// The request's own cost times that of its route; saturates.
    pub(crate) fn of(&self, request: &Request<'_>, cost: u64) -> u64 {
        let found = self.index.first(request, |place| self.routes[place].0.matches(request));
        cost.saturating_mul(found.map_or(self.default, |place| self.routes[place].1))
    }
}
