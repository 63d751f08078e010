//! The schema that holds the counters, and how it comes to be.

use std::fmt::Write as _;

/// Whether the schema is brought up to date when it is found to be missing or older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Migrate {
    Auto,
    Never,
}

/// Where the counters are, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) name: String,
    /// The role that migrations run as, if it is another than that of the connection.
    pub(crate) owner: Option<String>,
}

/// What has been done to the schema, in order: never changed, only added to.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/1_counters.sql"),
    include_str!("migrations/2_lists.sql"),
    include_str!("migrations/3_decide.sql"),
];

/// The lock under which one process migrates at a time; any number that others do not use.
const LOCK: u64 = 0x7261_7465_6b65_6570;

/// The statements that create the schema `schema`, or bring it up to date: for `psql`, where the store itself may not
/// (`migrate=never`). They may run any number of times, and several at once.
///
/// Whoever runs them owns the schema. The role that the store connects as needs, in `psql` after that:
///
/// ```sql
/// GRANT USAGE ON SCHEMA ratekeeper TO app;
/// GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ratekeeper TO app;
/// ```
#[must_use]
pub fn migrations_sql(schema: &str) -> String {
    migrations(&Schema { name: schema.to_owned(), owner: None })
}

/// One transaction that does what has not been done.
pub(crate) fn migrations(schema: &Schema) -> String {
    let mut sql = String::from("BEGIN;\n");
    if let Some(owner) = &schema.owner {
        _ = writeln!(sql, "SET LOCAL ROLE {};", identifier(owner));
    }
    _ = writeln!(sql, "SELECT pg_advisory_xact_lock({LOCK});");
    // A name cannot end the quotation of a DO block if it is not in it.
    _ = writeln!(sql, "SELECT set_config('ratekeeper.schema', {}, true);", literal(&schema.name));
    sql.push_str(
        "DO $ratekeeper$\nBEGIN\n\
         IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = current_setting('ratekeeper.schema')) THEN\n\
         EXECUTE format('CREATE SCHEMA %I', current_setting('ratekeeper.schema'));\n\
         END IF;\nEND\n$ratekeeper$;\n",
    );
    _ = writeln!(sql, "SET LOCAL search_path = {}, pg_temp;", identifier(&schema.name));
    sql.push_str(
        "SET LOCAL client_min_messages = warning;\n\
         CREATE TABLE IF NOT EXISTS migrations (\n    version int PRIMARY KEY,\n    \
         applied timestamptz NOT NULL DEFAULT now()\n);\n",
    );
    for (index, migration) in MIGRATIONS.iter().enumerate() {
        let version = index + 1;
        _ = write!(
            sql,
            "DO $ratekeeper$\nBEGIN\nIF NOT EXISTS (SELECT FROM migrations WHERE version = {version}) THEN\n\
             {migration}\
             INSERT INTO migrations (version) VALUES ({version});\nEND IF;\nEND\n$ratekeeper$;\n",
        );
    }
    sql.push_str("COMMIT;\n");
    sql
}

/// Whether a name is stored as it is: PostgreSQL cuts off what is longer.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len()) && !name.contains('\0')
}

/// A name in quotes.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in quotes, whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
