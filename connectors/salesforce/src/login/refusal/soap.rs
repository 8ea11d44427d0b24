//! The exception codes of a SOAP `login()` (SOAP API Developer Guide, *login()* and *API Faults*; the partner WSDL).

use super::{API_ENABLED, ASK_SALESFORCE, Line, Refusal, TOO_MANY};

const fn line(code: &'static str, refusal: Refusal, remedy: &'static str) -> Line {
    Line { code, part: "", flows: &[], refusal, remedy }
}

use Refusal::{
    ApiDisabled, AppBlocked, Configuration, Identity, IpRestricted, Locked, LoginHours, NotApproved, OrgInactive,
    PasswordExpired, TooManyLogins, Unavailable, WrongCredentials,
};

/// In the order of the guide.
pub(super) const TABLE: &[Line] = &[
    line("INVALID_LOGIN", WrongCredentials, CREDENTIALS),
    line("LOGIN_MUST_USE_SECURITY_TOKEN", WrongCredentials, SECURITY_TOKEN),
    line("LOGIN_DURING_RESTRICTED_DOMAIN", IpRestricted, ADDRESS),
    line("LOGIN_DURING_RESTRICTED_TIME", LoginHours, "widen the login hours of the user's profile"),
    line("LOGIN_CHALLENGE_ISSUED", Identity, PROOF),
    line("LOGIN_CHALLENGE_PENDING", Identity, PROOF),
    line("PASSWORD_LOCKOUT", Locked, "unlock the user (Setup, Users), and give the right password"),
    line("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", PasswordExpired, EXPIRED),
    line("API_CURRENTLY_DISABLED", Unavailable, STATUS),
    line("API_DISABLED_FOR_ORG", ApiDisabled, API_ENABLED),
    line("ORG_LOCKED", OrgInactive, ASK_SALESFORCE),
    line("ORG_IN_MAINTENANCE", Unavailable, STATUS),
    line("ORG_NOT_OWNED_BY_INSTANCE", Configuration, HOST),
    line("TRIAL_EXPIRED", OrgInactive, "the org's trial has expired: ask Salesforce"),
    line("SSO_SERVICE_DOWN", Unavailable, "the org's single sign-on does not answer: check it"),
    line("INSUFFICIENT_ACCESS", ApiDisabled, ANY_API_AUTH),
    line("UNSUPPORTED_API_VERSION", Configuration, "use an API version from 37.0 to 64.0"),
    line("UNSUPPORTED_CLIENT", Configuration, "use another way to log in: the org does not take this one any more"),
    line("CLIENT_NOT_ACCESSIBLE_FOR_USER", AppBlocked, "allow the user this client (Setup, API Access Control)"),
    line(
        "MUTUAL_AUTHENTICATION_FAILED",
        Configuration,
        "the org asks for a client certificate: name it as network.identity",
    ),
    line("TXN_SECURITY_NO_ACCESS", NotApproved, "a transaction security policy of the org refuses this user's login"),
    line("TXN_SECURITY_TWO_FA_REQUIRED", Identity, PROOF),
    line("REQUEST_LIMIT_EXCEEDED", Unavailable, "check the org's API limit in Setup, Company Information"),
    line("SERVER_UNAVAILABLE", Unavailable, STATUS),
    line(
        "UNKNOWN_EXCEPTION",
        Unavailable,
        "look at status.salesforce.com, and give Salesforce the number in the message",
    ),
    line("LOGIN_RATE_EXCEEDED", TooManyLogins, TOO_MANY),
];

const CREDENTIALS: &str = "check the user name, the password and the security token, that the url fits the user \
     (https://test.salesforce.com for a sandbox), and that the user is not locked";

const SECURITY_TOKEN: &str = "give the user's security token (Personal Settings, Reset My Security Token), or allow this \
     machine's address in Setup, Network Access";

const ADDRESS: &str = "allow this machine's address in the login IP ranges of the user's profile";

const PROOF: &str = "Salesforce wants proof of identity, which no program has: allow this machine's address in Setup, \
     Network Access, or use client_credentials or jwt";

const EXPIRED: &str = "set a new password for the user, and let it never expire for users of programs (Setup, Password \
     Policies)";

const STATUS: &str = "look at status.salesforce.com for maintenance";

const HOST: &str = "use the org's My Domain as the url, or https://login.salesforce.com (https://test.salesforce.com for a \
     sandbox)";

const ANY_API_AUTH: &str = "give the user the permissions API Enabled and Use Any API Auth, and allow SOAP login() in the \
     org; better, use client_credentials or jwt";
