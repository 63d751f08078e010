//! Decisions.

use ratekeeper_engine::{Current, Outcome, Part};

use crate::app::{App, instant};

/// Decides one command, and notes it as every decision is.
pub(super) async fn decide(app: &App, current: &Current, part: Part<'_>) -> Outcome {
    let (began, parts) = (instant(), [part]);
    let outcome = if current.answers_at_once() {
        app.engine.check_parts_now_under(current, &parts, None)
    } else {
        None
    };
    let outcome = match outcome {
        Some(outcome) => outcome,
        // Boxed, so that connections whose stores answer at once are not larger for it.
        None => Box::pin(app.engine.check_parts_under(current, &parts, None)).await,
    };
    app.record(&outcome, &parts.map(|part| part.attributes), began);
    outcome
}
