//! Where the table is: `dynamodb://TABLE?region=…&endpoint=…&prefix=…&create=true`.

use ratekeeper_store::{StoreError, percent_decoded};

/// The longest table name that there is.
const MAX_TABLE: usize = 255;
/// The longest prefix: with the longest key it stays far below the 2,048 bytes that a key may have.
const MAX_PREFIX: usize = 255;

const FORM: &str = "dynamodb://TABLE?region=eu-west-1&endpoint=http://127.0.0.1:8000&prefix=rk:&create=true";

/// A table, as its URL names it. It holds no secrets: credentials are found the standard way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) table: String,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// Put before every key.
    pub(crate) prefix: Vec<u8>,
    /// Whether to create the table if there is none.
    pub(crate) create: bool,
}

impl Address {
    /// Reads a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let rest = url
            .strip_prefix("dynamodb://")
            .ok_or_else(|| wrong("it does not begin with dynamodb://"))?;
        let (table, query) = rest.split_once('?').unwrap_or((rest, ""));
        if table.contains('@') {
            return Err(wrong(
                "it has a user before an @; credentials are not part of it, they come from the environment, the \
                 profile or the role",
            ));
        }
        let is_named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if !(3..=MAX_TABLE).contains(&table.len()) || !table.bytes().all(is_named) {
            return Err(wrong("the table must have 3 to 255 letters, digits, '_', '-' or '.'"));
        }
        let mut address = Self {
            table: table.to_owned(),
            region: None,
            endpoint: None,
            prefix: Vec::new(),
            create: false,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            address.set(name, unescaped(value)?)?;
        }
        Ok(address)
    }

    fn set(&mut self, name: &str, value: Vec<u8>) -> Result<(), StoreError> {
        let text = |value| String::from_utf8(value).map_err(|_| wrong("a parameter is not UTF-8"));
        match name {
            "region" => {
                let region = text(value)?;
                if region.is_empty()
                    || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                {
                    return Err(wrong("the region must look like eu-west-1"));
                }
                self.region = Some(region);
            }
            "endpoint" => {
                let endpoint = text(value)?;
                let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
                if host.is_none_or(|host| {
                    host.is_empty()
                        || host.contains(['@', '?', '#'])
                        || endpoint.contains(char::is_whitespace)
                }) {
                    return Err(wrong("the endpoint must look like http://127.0.0.1:8000"));
                }
                self.endpoint = Some(endpoint);
            }
            "prefix" if value.len() <= MAX_PREFIX => self.prefix = value,
            "prefix" => return Err(wrong("the prefix must have at most 255 bytes")),
            "create" => {
                self.create = match value.as_slice() {
                    b"true" => true,
                    b"false" => false,
                    _ => return Err(wrong("create must be true or false")),
                };
            }
            // Its value may be a secret that somebody put there.
            _ => {
                let name: String = name.chars().take(32).collect();
                return Err(wrong(&format!(
                    "it has a parameter {name:?}; there are region, endpoint, prefix and create"
                )));
            }
        }
        Ok(())
    }

    /// What every command of the AWS CLI about this table needs.
    pub(crate) fn arguments(&self) -> String {
        let mut arguments = format!("--table-name {}", self.table);
        for (name, value) in [("region", &self.region), ("endpoint-url", &self.endpoint)] {
            if let Some(value) = value {
                arguments.push_str(&format!(" --{name} {value}"));
            }
        }
        arguments
    }
}

fn wrong(what: &str) -> StoreError {
    StoreError::Misconfigured { reason: format!("the URL of the DynamoDB table: {what}; write {FORM}") }
}

/// Undoes percent-encoding.
fn unescaped(text: &str) -> Result<Vec<u8>, StoreError> {
    let unescaped = percent_decoded(text);
    let unescaped = unescaped.ok_or_else(|| wrong("a '%' is not followed by two hexadecimal digits"))?;
    Ok(unescaped.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let url = "dynamodb://rate_limits?region=eu-west-1&endpoint=http%3A%2F%2F127.0.0.1:8000&prefix=a%26b%00:&create=true";
        let address = Address::parse(url).unwrap();
        assert_eq!(address.table, "rate_limits");
        assert_eq!(address.region.as_deref(), Some("eu-west-1"));
        assert_eq!(address.endpoint.as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(address.prefix, b"a&b\0:");
        assert!(address.create);
        assert_eq!(
            address.arguments(),
            "--table-name rate_limits --region eu-west-1 --endpoint-url http://127.0.0.1:8000"
        );
        let short = Address::parse("dynamodb://limits").unwrap();
        assert_eq!((short.region, short.endpoint, short.create), (None, None, false));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_shown() {
        let cases = [
            ("redis://limits", "does not begin with dynamodb://"),
            ("dynamodb://", "3 to 255"),
            ("dynamodb://a/b", "3 to 255"),
            ("dynamodb://limits;rm -rf ~", "3 to 255"),
            ("dynamodb://AKIA:hunter2@limits", "credentials are not part of it"),
            ("dynamodb://limits?secret_key=hunter2", "secret_key"),
            ("dynamodb://limits?region=$(id)", "like eu-west-1"),
            ("dynamodb://limits?endpoint=127.0.0.1", "like http://127.0.0.1:8000"),
            ("dynamodb://limits?endpoint=http://u:hunter2@h", "like http://127.0.0.1:8000"),
            ("dynamodb://limits?create=maybe", "true or false"),
            ("dynamodb://limits?prefix=%4", "hexadecimal"),
        ];
        for (url, expected) in cases {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(expected), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let long = format!("dynamodb://limits?prefix={}", "a".repeat(256));
        assert!(Address::parse(&long).unwrap_err().to_string().contains("at most 255 bytes"));
    }
}
