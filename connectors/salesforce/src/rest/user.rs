//! Whose token it is (Salesforce Help, *Query for User Information*).

use super::Call;
use crate::{Error, Org, OrgId, login::User};

/// The user that a token acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// The user's org.
    pub org_id: OrgId,
    /// The user's id.
    pub user_id: String,
    /// The name the user logs in with.
    pub user_name: String,
}

impl Org {
    /// Asks whose token it is.
    ///
    /// # Errors
    /// As [`Org::limits`].
    pub async fn userinfo(&self) -> Result<UserInfo, Error> {
        let reply = self.call(&Call::get("/services/oauth2/userinfo").urgent()).await?;
        let user: User = reply.json()?;
        Ok(UserInfo {
            org_id: user.organization_id.parse()?,
            user_id: user.user_id,
            user_name: user.preferred_username.ok_or_else(|| reply.unexpected())?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::stub::{JSON, Stub, TOKEN};

    const USER: &str = r#"{"sub":"https://x/id/a/b","user_id":"005xx000001SwiUAAS","organization_id":"00Dxx0000001gPLEAY",
        "preferred_username":"u@acme.com","urls":{}}"#;

    #[tokio::test]
    async fn a_dead_token_is_replaced_and_its_user_is_told() {
        let stub = Stub::answering(&[(403, "text/plain", "Bad_OAuth_Token"), (200, JSON, USER)]).await;
        let user = stub.org().userinfo().await.unwrap();
        assert_eq!((user.org_id.as_str(), user.user_id.as_str()), ("00Dxx0000001gPLEAY", "005xx000001SwiUAAS"));
        assert_eq!(user.user_name, "u@acme.com");
        assert_eq!((stub.asked("GET /services/oauth2/userinfo").len(), stub.asked(TOKEN).len()), (2, 2));
    }
}
