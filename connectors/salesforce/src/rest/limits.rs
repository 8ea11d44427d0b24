//! What is left of the org's allocations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Call;
use crate::{Error, Org};

/// The limits of an org by Salesforce's name, as in `DailyApiRequests`. Which ones there are depends on the org and on
/// the release (REST API Developer Guide, *Limits*).
pub type Limits = BTreeMap<String, Limit>;

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How much there is in its period.
    pub max: i64,
    /// How much is left.
    pub remaining: i64,
}

impl Org {
    /// Asks for the limits of the org. One API call. An entry of a shape that is not known is left out.
    ///
    /// # Errors
    /// As [`Org::publish`]; the user may lack the permission to see them.
    pub async fn limits(&self) -> Result<Limits, Error> {
        let reply = self.call(&Call::get("limits").urgent()).await?;
        let all: BTreeMap<String, Value> = reply.json()?;
        Ok(all.into_iter().filter_map(|(name, value)| Some((name, limit(&value)?))).collect())
    }
}

fn limit(value: &Value) -> Option<Limit> {
    let number = |key: &str| value.get(key)?.as_i64();
    Some(Limit { max: number("Max")?, remaining: number("Remaining")? })
}
