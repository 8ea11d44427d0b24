//! Whose token it is (Salesforce Help, *Query for User Information*).

use serde::Deserialize;

use super::Call;
use crate::{Error, Org, OrgId};

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
        let user: Wire = reply.json()?;
        Ok(UserInfo {
            org_id: user.organization_id.parse()?,
            user_id: user.user_id,
            user_name: user.preferred_username,
        })
    }
}

#[derive(Deserialize)]
struct Wire {
    organization_id: String,
    user_id: String,
    preferred_username: String,
}
