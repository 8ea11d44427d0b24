#![allow(clippy::unwrap_used)]

use super::*;
use crate::Disposition;
use Flow::{AuthorizationCode, ClientCredentials, Jwt, Password, Saml, UsernamePassword};
use Refusal::*;

fn check(flow: Flow, code: &str, description: &str, refusal: Refusal, part: &str) {
    let error = of_login(flow, code.into(), description.into());
    let Error::Login { refusal: found, remedy, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*found, refusal, "{flow:?} {code}: {description}");
    assert!(remedy.contains(part), "{flow:?} {code}: {description}: {remedy}");
    let passes = matches!(refusal, TooManyLogins | Unavailable);
    assert_eq!(error.disposition(), if passes { Disposition::Transient } else { Disposition::Fatal }, "{code}");
}

#[test]
fn each_answer_of_oauth_has_its_reason_and_remedy() {
    let any = ClientCredentials;
    check(any, "invalid_grant", "authentication failure", WrongCredentials, "Run As");
    check(UsernamePassword, "invalid_grant", "authentication failure", WrongCredentials, "blocked by default");
    check(Jwt, "invalid_grant", "authentication failure", WrongCredentials, "certificate");
    check(Saml, "invalid_grant", "authentication failure", WrongCredentials, "Issuer");
    check(AuthorizationCode, "invalid_grant", "authentication failure", ConsentNeeded, "crossfeed login");
    check(AuthorizationCode, "invalid_grant", "expired access/refresh token", ConsentNeeded, "crossfeed login");
    check(AuthorizationCode, "invalid_grant", "expired authorization code", ConsentNeeded, "once more");
    check(AuthorizationCode, "invalid_grant", "invalid authorization code", ConsentNeeded, "once more");
    check(Jwt, "invalid_grant", "expired authorization code", WrongCredentials, "certificate");
    check(Saml, "invalid_grant", "invalid authorization code", WrongCredentials, "valid now");
    check(Jwt, "invalid_grant", "user hasn't approved this consumer", NotApproved, "authorize the app");
    check(AuthorizationCode, "invalid_grant", "user hasn't approved this consumer", NotApproved, "crossfeed login");
    check(Jwt, "invalid_grant", "audience is invalid", Audience, "set the login's audience");
    check(Saml, "invalid_grant", "Audience validation failed", Audience, "assertion's Audience");
    check(Jwt, "invalid_grant", "invalid assertion", WrongCredentials, "private key");
    check(Jwt, "invalid_grant", "invalid_assertion", WrongCredentials, "private key");
    check(Saml, "invalid_grant", "invalid assertion", WrongCredentials, "signed with");
    check(Saml, "invalid_grant", "invalid_assertion", WrongCredentials, "signed with");
    check(Jwt, "invalid_grant", "user is admin approved access only", NotApproved, "permission set");
    check(Jwt, "invalid_grant", "user is not admin approved to access this app", NotApproved, "permission set");
    check(any, "invalid_grant", "ip restricted", IpRestricted, "address");
    check(Jwt, "invalid_grant", "unknown user", WrongCredentials, "user name");
    check(any, "invalid_grant", "inactive user", UserInactive, "Run As");
    check(Jwt, "invalid_grant", "inactive user", UserInactive, "activate the user");
    check(any, "invalid_grant", "inactive org", OrgInactive, "ask Salesforce");
    check(any, "invalid_grant", "request not supported on this domain", Configuration, "My Domain");
    check(any, "inactive_user", "user is inactive", UserInactive, "Run As");
    check(AuthorizationCode, "inactive_user", "user is inactive", UserInactive, "activate the user");
    check(any, "inactive_org", "org is locked", OrgInactive, "ask Salesforce");
    check(any, "invalid_client_id", "client identifier invalid", WrongCredentials, "consumer key");
    check(any, "invalid_client", "invalid client credentials", WrongCredentials, "client secret");
    check(any, "invalid_client_credentials", "client secret invalid", WrongCredentials, "client secret");
    check(any, "invalid_request", "HTTP POST required", Configuration, "https");
    check(any, "invalid_app_access", "", AppBlocked, "allow it in Setup");
    check(any, "OAUTH_APP_BLOCKED", "", AppBlocked, "allow it in Setup");
    check(any, "OAUTH_APP_ACCESS_DENIED", "", AppBlocked, "allow it in Setup");
    check(any, "invalid_scope", "", Configuration, "scope api");
    check(AuthorizationCode, "invalid_scope", "", Configuration, "refresh_token");
    check(AuthorizationCode, "redirect_uri_missing", "", Configuration, "callback URL");
    check(AuthorizationCode, "redirect_uri_mismatch", "", Configuration, "callback URL");
    check(any, "unsupported_grant_type", "", Configuration, "Run As");
    check(Jwt, "unsupported_grant_type", "", Configuration, "enable this flow");
    check(UsernamePassword, "unsupported_grant_type", "", Configuration, "blocked by default");
    check(AuthorizationCode, "unsupported_response_type", "", Configuration, "enable this flow");
    check(AuthorizationCode, "immediate_unsuccessful", "", ConsentNeeded, "crossfeed login");
    check(any, "rate_limit_exceeded", "", TooManyLogins, "other programs");
    check(any, "authorization_pending", "", Unavailable, "approve");
    check(any, "slow_down", "", TooManyLogins, "other programs");
    check(AuthorizationCode, "access_denied", "end-user denied authorization", ConsentNeeded, "allow it");
    check(AuthorizationCode, "access-denied", "end-user denied authorization", ConsentNeeded, "allow it");
    check(any, "server_error", "", Unavailable, "status.salesforce.com");
    check(AuthorizationCode, "unsupported_token_type", "", Other, "Connected Apps");
    check(AuthorizationCode, "invalid_token", "", Other, "Connected Apps");
    check(Flow::AccessToken, "API_DISABLED_FOR_ORG", "", ApiDisabled, "API Enabled");
    check(any, "something_new", "", Other, "Login History");
}

#[test]
fn each_exception_code_of_soap_has_its_reason_and_remedy() {
    let check = |code: &str, refusal: Refusal, part: &str| check(Password, code, "", refusal, part);
    check("INVALID_LOGIN", WrongCredentials, "security token");
    check("LOGIN_MUST_USE_SECURITY_TOKEN", WrongCredentials, "Reset My Security Token");
    check("LOGIN_DURING_RESTRICTED_DOMAIN", IpRestricted, "IP ranges");
    check("LOGIN_DURING_RESTRICTED_TIME", LoginHours, "login hours");
    check("LOGIN_CHALLENGE_ISSUED", Identity, "proof");
    check("LOGIN_CHALLENGE_PENDING", Identity, "proof");
    check("PASSWORD_LOCKOUT", Locked, "unlock");
    check("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", PasswordExpired, "new password");
    check("API_CURRENTLY_DISABLED", Unavailable, "status.salesforce.com");
    check("API_DISABLED_FOR_ORG", ApiDisabled, "API Enabled");
    check("ORG_LOCKED", OrgInactive, "ask Salesforce");
    check("ORG_IN_MAINTENANCE", Unavailable, "maintenance");
    check("ORG_NOT_OWNED_BY_INSTANCE", Configuration, "My Domain");
    check("TRIAL_EXPIRED", OrgInactive, "trial");
    check("SSO_SERVICE_DOWN", Unavailable, "single sign-on");
    check("INSUFFICIENT_ACCESS", ApiDisabled, "Use Any API Auth");
    check("UNSUPPORTED_API_VERSION", Configuration, "64.0");
    check("UNSUPPORTED_CLIENT", Configuration, "another way");
    check("CLIENT_NOT_ACCESSIBLE_FOR_USER", AppBlocked, "API Access Control");
    check("MUTUAL_AUTHENTICATION_FAILED", Configuration, "client certificate");
    check("TXN_SECURITY_NO_ACCESS", NotApproved, "policy");
    check("TXN_SECURITY_TWO_FA_REQUIRED", Identity, "proof");
    check("REQUEST_LIMIT_EXCEEDED", Unavailable, "API limit");
    check("SERVER_UNAVAILABLE", Unavailable, "status.salesforce.com");
    check("UNKNOWN_EXCEPTION", Unavailable, "number in the message");
    check("LOGIN_RATE_EXCEEDED", TooManyLogins, "other programs");
    check("SOMETHING_NEW", Other, "Login History");
    // What is OAuth's is not SOAP's.
    check("invalid_grant", Other, "Login History");
}

#[test]
fn what_passes_or_salesforce_has_not_said_is_not_remembered() {
    let check = |refusal: Refusal, is_final: bool, is_remembered: bool| {
        assert_eq!((refusal.is_final(), refusal.is_remembered()), (is_final, is_remembered), "{refusal:?}");
    };
    check(WrongCredentials, true, true);
    check(ConsentNeeded, true, true);
    check(Other, true, true);
    check(Forged, true, false);
    check(ClockSkew, false, false);
    check(TooManyLogins, false, false);
    check(Unavailable, false, false);
}
