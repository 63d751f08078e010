//! `ratekeeper schema`: the JSON Schema of policies. `ratekeeper migrations`: the schema of a PostgreSQL store.

use std::io::Write;

use crate::failure::{Failure, written};

/// Prints it.
pub(crate) fn run() -> Result<(), Failure> {
    let schema = ratekeeper_policy::json_schema();
    written(writeln!(std::io::stdout(), "{schema:#}"))
}

/// Prints the SQL that makes the schema of a PostgreSQL store, or brings it up to date.
pub(crate) fn migrations(schema: &str) -> Result<(), Failure> {
    let sql = ratekeeper_postgres::migrations_sql(schema);
    written(write!(std::io::stdout(), "{sql}"))
}
