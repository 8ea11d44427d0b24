//! The `error` and `error_description` of OAuth's endpoints (RFC 6749, 4.1.2.1 and 5.2; Salesforce Help, *OAuth 2.0
//! Authorization Errors*). Some descriptions are known from logs only, so they are found by a part of them.

use super::{API_ENABLED, ASK_SALESFORCE, LOG_IN, Line, Refusal, TOO_MANY, USE_MY_DOMAIN};
use crate::login::flow::Flow;

const fn line(code: &'static str, part: &'static str, refusal: Refusal, remedy: &'static str) -> Line {
    Line { code, part, flows: &[], refusal, remedy }
}

impl Line {
    const fn of(mut self, flows: &'static [Flow]) -> Self {
        self.flows = flows;
        self
    }
}

use Refusal::{
    ApiDisabled, AppBlocked, Audience, Configuration, ConsentNeeded, IpRestricted, NotApproved, OrgInactive, Other,
    TooManyLogins, Unavailable, UserInactive, WrongCredentials,
};

/// From the particular to the general.
pub(super) const TABLE: &[Line] = &[
    line("", "not supported on this domain", Configuration, USE_MY_DOMAIN),
    // What the access token's host says, which answers as REST does.
    line("API_DISABLED_FOR_ORG", "", ApiDisabled, API_ENABLED),
    // invalid_grant, by its description.
    line("invalid_grant", "expired access/refresh token", ConsentNeeded, LOG_IN),
    line("invalid_grant", "authorization code", WrongCredentials, CERTIFICATE).of(&[Flow::Jwt]),
    line("invalid_grant", "authorization code", WrongCredentials, SIGNATURE).of(&[Flow::Saml]),
    line("invalid_grant", "authorization code", ConsentNeeded, LOG_IN_QUICKLY),
    line("invalid_grant", "hasn't approved this consumer", NotApproved, LOG_IN).of(&[Flow::AuthorizationCode]),
    line("invalid_grant", "hasn't approved this consumer", NotApproved, APPROVE),
    line("invalid_grant", "admin approved", NotApproved, APPROVE),
    line("invalid_grant", "audience", Audience, AUDIENCE_OF_JWT).of(&[Flow::Jwt]),
    line("invalid_grant", "audience", Audience, AUDIENCE_OF_SAML),
    line("invalid_grant", "invalid assertion", WrongCredentials, SIGNATURE).of(&[Flow::Saml]),
    line("invalid_grant", "invalid_assertion", WrongCredentials, SIGNATURE).of(&[Flow::Saml]),
    line("invalid_grant", "invalid assertion", WrongCredentials, CERTIFICATE),
    line("invalid_grant", "invalid_assertion", WrongCredentials, CERTIFICATE),
    line("invalid_grant", "ip restricted", IpRestricted, ADDRESS),
    line("invalid_grant", "unknown user", WrongCredentials, "check the user name, and that the url is the user's org"),
    line("invalid_grant", "inactive user", UserInactive, ACTIVATE_RUN_AS).of(&[Flow::ClientCredentials]),
    line("invalid_grant", "inactive user", UserInactive, ACTIVATE),
    line("invalid_grant", "inactive org", OrgInactive, ASK_SALESFORCE),
    line("invalid_grant", "", WrongCredentials, RUN_AS_USER).of(&[Flow::ClientCredentials]),
    line("invalid_grant", "", WrongCredentials, LEGACY_PASSWORD).of(&[Flow::UsernamePassword]),
    line("invalid_grant", "", WrongCredentials, CERTIFICATE).of(&[Flow::Jwt]),
    line("invalid_grant", "", WrongCredentials, SIGNATURE).of(&[Flow::Saml]),
    line("invalid_grant", "", ConsentNeeded, LOG_IN).of(&[Flow::AuthorizationCode]),
    // The user and the org.
    line("inactive_user", "", UserInactive, ACTIVATE_RUN_AS).of(&[Flow::ClientCredentials]),
    line("inactive_user", "", UserInactive, ACTIVATE),
    line("inactive_org", "", OrgInactive, ASK_SALESFORCE),
    // The app.
    line("invalid_client_id", "", WrongCredentials, "check the client id: it is the app's consumer key"),
    line("invalid_client", "", WrongCredentials, CLIENT),
    line("invalid_client_credentials", "", WrongCredentials, CLIENT),
    line("invalid_app_access", "", AppBlocked, UNBLOCK),
    line("OAUTH_APP_BLOCKED", "", AppBlocked, UNBLOCK),
    line("OAUTH_APP_ACCESS_DENIED", "", AppBlocked, UNBLOCK),
    line("invalid_scope", "", Configuration, SCOPES).of(&[Flow::AuthorizationCode]),
    line("invalid_scope", "", Configuration, "give the app the scope api"),
    line("redirect_uri_missing", "", Configuration, REDIRECT),
    line("redirect_uri_mismatch", "", Configuration, REDIRECT),
    line("unsupported_grant_type", "", Configuration, RUN_AS).of(&[Flow::ClientCredentials]),
    line("unsupported_grant_type", "", Configuration, LEGACY_PASSWORD).of(&[Flow::UsernamePassword]),
    line("unsupported_grant_type", "", Configuration, FLOW),
    line("unsupported_response_type", "", Configuration, FLOW),
    line("invalid_request", "", Configuration, "check that the url is the org's My Domain and begins with https"),
    // The person in front of the browser.
    line("access_denied", "", ConsentNeeded, DENIED),
    line("access-denied", "", ConsentNeeded, DENIED),
    line("immediate_unsuccessful", "", ConsentNeeded, LOG_IN),
    // What is to be revoked.
    line("unsupported_token_type", "", Other, REVOKE),
    line("invalid_token", "", Other, REVOKE),
    // What passes.
    line("rate_limit_exceeded", "", TooManyLogins, TOO_MANY),
    line("slow_down", "", TooManyLogins, TOO_MANY),
    line("authorization_pending", "", Unavailable, "approve the login in the browser"),
    line("server_error", "", Unavailable, "look at status.salesforce.com, and in Setup, Login History"),
];

const LOG_IN_QUICKLY: &str = "the code was used before or is too old: run `crossfeed login` for this org once more, and \
     follow it to its end without a pause";

const APPROVE: &str = "authorize the app for the user, or for a permission set the user has (app, Policies)";

const AUDIENCE_OF_JWT: &str = "set the login's audience: https://login.salesforce.com, https://test.salesforce.com for a \
     sandbox, or the address of the Experience site";

const AUDIENCE_OF_SAML: &str = "let the assertion's Audience be https://login.salesforce.com, \
     https://test.salesforce.com for a sandbox, or the address of the Experience site";

const CERTIFICATE: &str = "check that the app (client id) holds the certificate of this private key and that it has not \
     expired, that the user name is right, and that the app is authorized for the user (app, Policies)";

const SIGNATURE: &str = "check that the app holds the certificate the assertion is signed with, that the assertion's \
     Issuer is the client id and its subject the user name, and that it is valid now and was not used before";

const ADDRESS: &str = "allow this machine's address in the app's and the profile's IP ranges";

const ACTIVATE_RUN_AS: &str = "activate the app's Run As user, or name another one";

const ACTIVATE: &str = "activate the user, or name another one";

const RUN_AS_USER: &str =
    "check the app's Run As user, its IP and login-hour restrictions, and that the user is not locked";

const RUN_AS: &str = "enable the client credentials flow in the app and name its Run As user (app, Policies)";

const LEGACY_PASSWORD: &str = "check the user name, the password and the security token, that the user is not locked, \
     and that the org allows this flow, which is blocked by default (Setup, OAuth and OpenID Connect Settings, Allow \
     OAuth Username-Password Flows); better, use client_credentials or jwt";

const CLIENT: &str =
    "check the client id and the client secret (consumer key and secret), and that the url is the app's own org";

const UNBLOCK: &str = "the app is blocked: allow it in Setup, Connected Apps OAuth Usage";

const SCOPES: &str = "give the app the scopes of this login: api and refresh_token";

const REDIRECT: &str = "let the redirect uri be the app's callback URL, letter by letter";

const FLOW: &str = "enable this flow in the app (app, Settings, OAuth Settings)";

const DENIED: &str =
    "consent was denied: run `crossfeed login` for this org once more, as a user the app is allowed for, and allow it";

const REVOKE: &str = "the token is not known any more; look in Setup, Connected Apps OAuth Usage, whether any is left";
