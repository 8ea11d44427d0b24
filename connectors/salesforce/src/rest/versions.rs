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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::stub::{JSON, Stub, TOKEN};

    const LIST: &str = r#"[{"label":"Winter '25","url":"/services/data/v62.0","version":"62.0"},
        {"label":"Summer '25","url":"/services/data/v64.0","version":"64.0"}]"#;

    #[tokio::test]
    async fn versions_are_asked_for_without_a_token() {
        let stub = Stub::answering(&[(200, JSON, LIST)]).await;
        assert_eq!(stub.org().versions().await.unwrap(), ["62.0", "64.0"]);
        let asked = stub.asked("GET /services/data/").pop().unwrap();
        assert_eq!(asked.header("authorization"), "");
        assert!(stub.asked(TOKEN).is_empty());
    }

    #[tokio::test]
    async fn what_is_not_salesforce_has_no_versions() {
        let stub = Stub::answering(&[(200, "text/html", "<html>")]).await;
        assert!(matches!(stub.org().versions().await, Err(Error::Unexpected { .. })));
        let stub = Stub::answering(&[(503, "text/html", "<html>")]).await;
        assert!(matches!(stub.org().versions().await, Err(Error::Unexpected { status: 503, .. })));
    }
}
