//! Records that a query finds, page by page (REST API Developer Guide, *Query*, *QueryAll*).

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::Call;
use crate::{Error, Org};

/// The pages of a query's result. Nothing is sent before the first is asked for.
pub struct Pages {
    org: Org,
    next: Option<Call>,
}

impl Org {
    /// Asks for the records that `soql` selects.
    pub fn query(&self, soql: &str) -> Pages {
        self.pages("query", soql)
    }

    /// As [`Org::query`], with the records that are deleted and not yet gone for good.
    pub fn query_all(&self, soql: &str) -> Pages {
        self.pages("queryAll", soql)
    }

    /// As [`Org::query`], of the Tooling API's objects (Tooling API Developer Guide).
    pub fn tooling_query(&self, soql: &str) -> Pages {
        self.pages("tooling/query", soql)
    }

    fn pages(&self, path: &str, soql: &str) -> Pages {
        Pages { org: self.clone(), next: Some(Call::get(path).with("q", soql)) }
    }
}

impl Pages {
    /// The records of the next page, 2000 as a rule, each a JSON object; `None` after the last. One call each. After an
    /// error the same page can be asked for again.
    ///
    /// # Errors
    /// [`Error::Rejected`], if the query is not understood or what it names is not there. Else as [`Org::publish`].
    pub async fn next(&mut self) -> Result<Option<Vec<Box<RawValue>>>, Error> {
        let Some(call) = &self.next else { return Ok(None) };
        let reply = self.org.call(call).await?;
        let page: Page = reply.json()?;
        self.next = match (page.done, page.next_records_url) {
            (true, _) => None,
            (false, Some(next)) => {
                // A page that is its own successor would never end.
                let path = path(&reply.url, &next).filter(|path| *path != call.path);
                Some(Call::get(path.ok_or_else(|| reply.unexpected())?))
            }
            // What is missing must not look like the end.
            (false, None) => return Err(reply.unexpected()),
        };
        Ok(Some(page.records))
    }
}

/// The path of the next page, if it is one of the same host's API: the token is for nothing else.
fn path(asked: &Url, next: &str) -> Option<String> {
    let url = asked.join(next).ok()?;
    let is_ours = url.origin() == asked.origin() && url.path().starts_with("/services/data/");
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_ours.then(|| format!("{}{query}", url.path()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    done: bool,
    next_records_url: Option<String>,
    records: Vec<Box<RawValue>>,
}

#[cfg(test)]
mod tests;
