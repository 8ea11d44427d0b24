//! `POST /feeds/FEED/positions`: moves positions of a feed that may run. It is paused for that, and goes on.

use super::View;
use super::caller::Caller;
use super::changes::{failed, refuse};
use crate::decide;
use crate::feed::Status;
use crate::metrics::Metrics;
use crate::position::{Binding, Change, Error, Known, Plan, Store, Twice, Unknown, apply, plan};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The changes, of one feed.
    pub changes: Vec<Change>,
    /// Why: kept in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asks, in their own words: kept in the history, after what is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What the new positions belong to: where the feed's belong to something else, nothing is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// Say what would be done, and change nothing: then the feed is not paused.
    #[serde(default)]
    pub dry_run: bool,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    Twice(#[from] Twice),
    #[error(transparent)]
    Store(#[from] Error),
}

pub(super) async fn change(
    State(view): State<View>,
    Extension(caller): Extension<Caller>,
    Path(feed): Path<String>,
    body: Bytes,
) -> Response {
    let order: Order = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, format!("not what a change of positions is: {error}")),
    };
    if let Some(other) = order.changes.iter().find(|change| change.feed != feed) {
        return refuse(StatusCode::BAD_REQUEST, format!("a change is of feed `{}`, but this is `{feed}`", other.feed));
    }
    let by = match &order.by {
        Some(by) => format!("{caller}: {by}"),
        None => caller.to_string(),
    };
    let roster = view.control.roster();
    let feeds = roster.feeds.clone();
    let order = Arc::new(order);
    // First beside the feed: a wrong word, or a change that changes nothing, does not disturb it.
    let asked = order.clone();
    let first = view.control.with_store(move |store| planned(store, &Known::of(&feeds, store)?, &asked)).await;
    let first = match first {
        Ok(Ok(plan)) => plan,
        Ok(Err(refused)) => return told(&refused),
        Err(error) => return failed(&error),
    };
    if order.dry_run || !first.changes_something() {
        return Json(first).into_response();
    }
    let status = roster.statuses.iter().find(|status| status.name() == feed).cloned();
    let (feeds, metrics) = (roster.feeds.clone(), view.metrics.clone());
    let done = view.control.with_feed_paused(&feed, move |store| {
        let plan = planned(store, &Known::of(&feeds, store)?, &order)?;
        make(store, &plan, &order, &by)?;
        show(&plan, status.as_deref(), &metrics);
        Ok::<_, Refused>(plan)
    });
    match done.await {
        Ok(Ok(plan)) => Json(plan).into_response(),
        Ok(Err(refused)) => told(&refused),
        Err(error) => failed(&error),
    }
}

fn planned(store: &Store, known: &Known, order: &Order) -> Result<Plan, Refused> {
    let mut changes = order.changes.clone();
    for change in &mut changes {
        change.channel = known.channel(&change.feed, &change.channel)?.to_owned();
        if let Some(binding) = &order.binding {
            store.fits(&change.feed, binding)?;
        }
    }
    Ok(plan(&store.list()?, &changes, known, Timestamp::now())?)
}

fn make(store: &Store, plan: &Plan, order: &Order, by: &str) -> Result<(), Error> {
    let feed = plan.rows.first().map(|row| &row.feed);
    if let (Some(feed), Some(binding)) = (feed, &order.binding) {
        store.bind(feed, binding)?;
    }
    for row in &plan.rows {
        tracing::warn!(feed = row.feed, channel = row.channel, to = %row.to, effect = %row.effect, by, "moved by hand");
    }
    apply(store, plan, by, order.reason.as_deref(), Timestamp::now())
}

/// A feed that stays paused shows where it stands now, too.
fn show(plan: &Plan, status: Option<&Status>, metrics: &Metrics) {
    let Some(status) = status else { return };
    for row in &plan.rows {
        status.moved(&row.channel, row.position(plan.made).as_ref(), plan.made);
    }
    metrics.forget_streams(status.name());
}

fn told(refused: &Refused) -> Response {
    let status = match refused {
        Refused::Unknown(_) => StatusCode::NOT_FOUND,
        Refused::Twice(_) => StatusCode::BAD_REQUEST,
        Refused::Store(Error::Foreign { .. }) => StatusCode::CONFLICT,
        Refused::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refuse(status, decide::chain(refused))
}
