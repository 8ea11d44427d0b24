//! Which versions of the API an org speaks (REST API Developer Guide, *Versions*).

use reqwest::header::ACCEPT;
use serde::Deserialize;

use crate::{Error, Org, login::endpoint, reply::Reply};

impl Org {
    /// The versions of the API, as in `64.0`, the oldest first. Asked of the host to log in to, without a token.
    ///
    /// # Errors
    /// Of the network, or whatever answers there is not Salesforce.
    pub async fn versions(&self) -> Result<Vec<String>, Error> {
        let url = endpoint(&self.login_host, "/services/data/");
        let reply = Reply::of(self.login_http.get(url).header(ACCEPT, "application/json")).await?;
        if !reply.status.is_success() {
            return Err(reply.error());
        }
        Ok(reply.json::<Vec<Version>>()?.into_iter().map(|version| version.version).collect())
    }
}

#[derive(Deserialize)]
struct Version {
    version: String,
}
