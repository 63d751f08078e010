//! What is said to whoever has started the server by hand.

use std::io::Write as _;
use std::net::SocketAddr;

use crate::app::App;

/// What the greeting needs to know.
#[derive(Debug, Default)]
pub(crate) struct Greeting {
    /// Whether nothing at all was configured.
    pub(crate) is_quick_start: bool,
    /// Whether the built-in policy is served.
    pub(crate) is_built_in: bool,
    /// The operator token that was made for this run.
    pub(crate) operator_token: Option<String>,
}

impl Greeting {
    /// Prints where the server is, and for a first acquaintance what to try.
    pub(super) fn print(&self, addresses: &[(SocketAddr, bool)], app: &App) {
        let Some((address, is_tls)) = addresses.first() else {
            return;
        };
        let url = format!("http{}://{address}", if *is_tls { "s" } else { "" });
        let mut text =
            format!("ratekeeper listens on {url}, with the policy {}", app.engine.policy_version());
        text.push_str(if self.is_built_in {
            " (the built-in quick start).\n"
        } else {
            ".\n"
        });
        if self.is_built_in {
            text.push_str(&hints(&url));
        }
        if let Some(token) = &self.operator_token {
            text.push_str(&format!(
                "\nThe operator token of this run; see and forget a client's counters:\n\n  \
                 export RATEKEEPER_TOKEN={token}\n  \
                 curl -s -H \"Authorization: Bearer $RATEKEEPER_TOKEN\" '{url}/v1/keys/hello?ip=203.0.113.7'\n  \
                 curl -s -X DELETE -H \"Authorization: Bearer $RATEKEEPER_TOKEN\" '{url}/v1/keys/hello?ip=203.0.113.7'\n"
            ));
        }
        if self.is_quick_start {
            text.push_str("\nYour own policy: ratekeeper serve --policy policy.yaml\n");
        }
        // Nobody may be reading.
        _ = std::io::stdout().write_all(text.as_bytes());
    }
}

fn hints(url: &str) -> String {
    format!(
        "\nAsk six times, and the sixth is refused:\n\n  \
         for i in 1 2 3 4 5 6; do curl -s {url}/v1/check -H 'content-type: application/json' \\\n    \
         -d '{{\"attributes\": {{\"ip\": \"203.0.113.7\", \"path\": \"/hello\"}}}}'; echo; done\n\n\
         Ask as a proxy does, and see the headers that your clients would get:\n\n  \
         curl -i {url}/v1/authorize -H 'X-Original-URI: /hello' -H 'X-Forwarded-For: 203.0.113.7'\n\n\
         What else there is: {url}/openapi.json, {url}/metrics\n"
    )
}
