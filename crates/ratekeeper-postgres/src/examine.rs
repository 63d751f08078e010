//! A look at the server.

use std::sync::Arc;

use ratekeeper_core::Timestamp;
use ratekeeper_store::{Examination, Finding, Severity, StoreError};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use crate::connection::{Connection, SILENCE};
use crate::failure::missing;
use crate::schema::{identifier, literal};
use crate::server::Server;

/// More dead rows than live ones, and more than so many: something keeps them from being removed.
const MANY_DEAD: u64 = 100_000;

/// Looks.
pub(crate) async fn examine(server: &Server) -> Result<Examination, StoreError> {
    let schema = &server.location().schema.name;
    let Some(row) = ask(server, 0, about(schema)).await? else {
        return Err(StoreError::Unavailable { reason: "the server does not describe itself".to_owned() });
    };
    let row = Described(&row);
    let mut findings = Vec::new();
    about_server(&row, &mut findings);
    if row.number("functions") == 0 {
        findings.push(problem(
            "the schema is missing".to_owned(),
            "it is created on first use; with migrate=never run what `ratekeeper migrations` prints",
        ));
    } else {
        about_schema(&row, schema, &mut findings);
    }
    let pooled = is_pooled(server).await?;
    if pooled && server.location().prepare {
        findings.push(warning(
            "prepare=yes, and a pooler lends sessions for a transaction only".to_owned(),
            "leave out prepare=yes, unless the pooler follows prepared statements (PgBouncer from 1.21 on with \
             max_prepared_statements)",
        ));
    }
    let through = if pooled {
        ", through a pooler of transactions"
    } else {
        ""
    };
    Ok(Examination {
        servers: vec![format!("PostgreSQL {}{through}", row.text("version"))],
        time: Some(Timestamp::from_micros(row.number("clock"))),
        findings,
    })
}

/// One row about the server, and the schema as its catalogue has it: for that no rights are needed.
fn about(schema: &str) -> String {
    let schema = literal(schema);
    format!(
        "SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number, \
         (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock, pg_is_in_recovery() AS standby, \
         current_setting('default_transaction_read_only') AS read_only, \
         current_setting('default_transaction_isolation') AS isolation, current_setting('autovacuum') AS autovacuum, \
         current_setting('synchronous_commit') AS commits, current_user AS role, \
         coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = {schema}), false) AS usage, \
         (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
          WHERE n.nspname = {schema} AND p.proname IN ('decide_1', 'sweep_1')) AS functions, \
         (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
          WHERE n.nspname = {schema} AND p.proname IN ('decide_1', 'sweep_1') \
          AND has_function_privilege(p.oid, 'EXECUTE')) AS executable, \
         t.relpersistence AS persistence, array_to_string(t.reloptions, ',') AS options, \
         coalesce(s.n_live_tup, 0) AS live, coalesce(s.n_dead_tup, 0) AS dead \
         FROM (SELECT 1) AS one \
         LEFT JOIN pg_class t ON t.relname = 'counters' AND t.relnamespace = \
         (SELECT oid FROM pg_namespace WHERE nspname = {schema}) \
         LEFT JOIN pg_stat_all_tables s ON s.relid = t.oid"
    )
}

fn about_server(row: &Described<'_>, findings: &mut Vec<Finding>) {
    if row.number("number") < 130_000 {
        findings.push(warning(
            format!("PostgreSQL {} is not maintained any more", row.text("version")),
            "use version 13 or later",
        ));
    }
    if row.text("standby") == "t" || row.text("read_only") == "on" {
        findings.push(problem(
            "the server takes no writes: it is a replica, or default_transaction_read_only is on".to_owned(),
            "name the primary in the URL; of several hosts the one that takes writes is chosen",
        ));
    }
    if row.text("isolation") != "read committed" {
        findings.push(problem(
            format!("default_transaction_isolation is {}", row.text("isolation")),
            "ALTER ROLE … SET default_transaction_isolation = 'read committed': else calls on the same counter fail",
        ));
    }
    if row.text("autovacuum") != "on" || row.text("options").contains("autovacuum_enabled=false") {
        findings.push(warning(
            "autovacuum is off: swept rows keep their space".to_owned(),
            "ALTER SYSTEM SET autovacuum = on, and ALTER TABLE … RESET (autovacuum_enabled)",
        ));
    }
}

fn about_schema(row: &Described<'_>, schema: &str, findings: &mut Vec<Finding>) {
    let name = identifier(schema);
    if row.text("usage") != "t" || row.number("executable") < row.number("functions") {
        let role = identifier(row.text("role"));
        findings.push(problem(
            format!("the role {role} may not call the functions of the schema {name}"),
            &format!(
                "GRANT USAGE ON SCHEMA {name} TO {role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {name} TO {role}"
            ),
        ));
    }
    if row.number("functions") < 2 {
        findings.push(problem(missing(schema), "run what `ratekeeper migrations` prints"));
    }
    if row.text("persistence") == "p" {
        findings.push(warning(
            format!(
                "{name}.counters is a logged table: it outlives a crash, and every call writes to the log \
                 (synchronous_commit is {})",
                row.text("commits")
            ),
            &format!(
                "ALTER TABLE {name}.counters SET UNLOGGED, or ALTER ROLE … SET synchronous_commit = off"
            ),
        ));
    }
    let (live, dead) = (row.number("live"), row.number("dead"));
    if dead > MANY_DEAD && dead > live {
        findings.push(warning(
            format!("{name}.counters has {dead} dead rows beside {live} live ones"),
            "look for old transactions in pg_stat_activity and old slots in pg_replication_slots; they keep dead rows",
        ));
    }
}

/// Whether two sessions of ours are one of the server, which a pooler lends to one after the other.
async fn is_pooled(server: &Server) -> Result<bool, StoreError> {
    let pid = |row: Option<SimpleQueryRow>| row.as_ref().map(|row| Described(row).number("pid"));
    let sql = || "SELECT pg_backend_pid() AS pid".to_owned();
    if server.connections() == 1 {
        return Ok(false);
    }
    let first = pid(ask(server, 0, sql()).await?);
    Ok(first.is_some() && first == pid(ask(server, 1, sql()).await?))
}

async fn ask(server: &Server, lane: u64, sql: String) -> Result<Option<SimpleQueryRow>, StoreError> {
    let answer = server
        .run(lane, SILENCE, async move |connection: Arc<Connection>| {
            connection.client.simple_query(&sql).await
        })
        .await;
    let messages = answer.map_err(|failure| failure.error)?;
    Ok(messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    }))
}

/// The row, by the names of its columns.
struct Described<'r>(&'r SimpleQueryRow);

impl Described<'_> {
    fn text(&self, column: &str) -> &str {
        self.0.try_get(column).ok().flatten().unwrap_or_default()
    }

    fn number(&self, column: &str) -> u64 {
        self.text(column).parse().unwrap_or(0)
    }
}

fn problem(what: String, remedy: &str) -> Finding {
    Finding { severity: Severity::Problem, what, remedy: remedy.to_owned() }
}

fn warning(what: String, remedy: &str) -> Finding {
    Finding { severity: Severity::Warning, what, remedy: remedy.to_owned() }
}
