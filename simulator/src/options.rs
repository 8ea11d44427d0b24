//! How the org behaves. Every default is Salesforce's own unless it says otherwise.

use std::time::Duration;

use crate::certificate::Certificate;
use crate::tls::Tls;

/// What a simulator is made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The org's 18-character id, last but one in the token reply's `id`.
    pub org_id: String,
    /// The connected app's consumer key.
    pub client_id: String,
    /// The connected app's consumer secret.
    pub client_secret: String,
    /// The connected app's certificate, which JWT and SAML assertions must be signed for. Without one none is accepted.
    pub certificate: Option<Certificate>,
    /// The connected app's callback URLs.
    pub redirect_uris: Vec<String>,
    /// The one user, whom every token is of.
    pub user_name: String,
    /// The user's password.
    pub password: String,
    /// What follows the password where the caller's address is not trusted.
    pub security_token: String,
    /// How many wrong passwords in a row lock the user.
    pub lock_after: u64,
    /// How long an authorization code is good. Salesforce documents 15 min, and 2 min were seen.
    pub code_life: Duration,
    /// Whether the org is a sandbox, whose login host is `test.salesforce.com`.
    pub is_sandbox: bool,
    /// How long a connect is held when there is nothing to deliver; also `advice.timeout`. Salesforce: 110 s.
    pub hold: Duration,
    /// How long a session lives after the last reply to a handshake, connect or subscribe while no connect is held.
    /// Salesforce: 40 s.
    pub expiry: Duration,
    /// How long events can be replayed. Salesforce: 72 h; on `/topic/…` and `/u/…` never more than 24 h.
    pub retention: Duration,
    /// How long a token lives without being used. Salesforce's session time-out: 2 h.
    pub token_idle: Duration,
    /// How many bytes of events go into one reply; the rest follows in the next. One event always goes.
    pub reply_bytes: usize,
    /// Channels beyond the ones every simulator knows.
    pub channels: Vec<String>,
    /// What a subscription of a channel that the org does not have is answered.
    pub unknown_channels: UnknownChannels,
    /// How long the load balancer's routing cookie is good; there is none where absent. Seen at Salesforce: 3 h.
    pub routing_cookie: Option<Duration>,
    /// Whether replies are compressed for clients that accept it.
    pub gzip: bool,
    /// How many REST requests may be made until `POST /simulator/limits` says otherwise; any number where absent, and
    /// the 15,000 of a small org are only shown.
    pub api_max: Option<u64>,
    /// The most records in one page of a query, whatever the client asks for. Salesforce: 2000.
    pub query_page: usize,
    /// Serves HTTPS with this, and HTTP where absent.
    pub tls: Option<Tls>,
    /// Makes replay ids and event uuids repeatable; random where absent.
    pub seed: Option<u64>,
}

/// What a subscription of a channel that the org does not have is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownChannels {
    /// That there is no such channel.
    Refuse,
    /// Success, and nothing ever comes.
    Silent,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            org_id: "00Dxx0000001gPLEAY".to_owned(),
            client_id: "crossfeed-demo".to_owned(),
            client_secret: "simulator-secret".to_owned(),
            certificate: None,
            redirect_uris: vec!["http://localhost:1717/OauthRedirect".to_owned()],
            user_name: "integration@simulator.example".to_owned(),
            password: "simulator-password".to_owned(),
            security_token: "simulator-token".to_owned(),
            lock_after: 5,
            code_life: Duration::from_secs(120),
            is_sandbox: false,
            hold: Duration::from_secs(110),
            expiry: Duration::from_secs(40),
            retention: Duration::from_secs(72 * 3600),
            token_idle: Duration::from_secs(2 * 3600),
            reply_bytes: 4 << 20,
            channels: Vec::new(),
            unknown_channels: UnknownChannels::Refuse,
            routing_cookie: None,
            gzip: false,
            api_max: None,
            query_page: 2000,
            tls: None,
            seed: None,
        }
    }
}
