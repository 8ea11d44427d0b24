//! SOAP faults, in Salesforce's form.

use std::borrow::Cow;

use quick_xml::escape::escape;
use serde::{Deserialize, Serialize};

use super::request::Api;

/// An exception code of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Exception {
    ApiCurrentlyDisabled,
    ApiDisabledForOrg,
    InsufficientAccess,
    InvalidLogin,
    InvalidOperation,
    InvalidOperationWithExpiredPassword,
    InvalidSessionId,
    LoginChallengeIssued,
    LoginDuringRestrictedDomain,
    LoginDuringRestrictedTime,
    LoginMustUseSecurityToken,
    LoginRateExceeded,
    MutualAuthenticationFailed,
    OrgInMaintenance,
    OrgLocked,
    OrgNotOwnedByInstance,
    PasswordLockout,
    RequestLimitExceeded,
    ServerUnavailable,
    SsoServiceDown,
    TrialExpired,
    #[serde(rename = "UNKNOWN_EXCEPTION")]
    Unknown,
    UnsupportedApiVersion,
}

impl Exception {
    /// The code, and what it says to a person.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ApiCurrentlyDisabled => ("API_CURRENTLY_DISABLED", "The API is temporarily disabled."),
            Self::ApiDisabledForOrg => ("API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"),
            Self::InsufficientAccess => {
                ("INSUFFICIENT_ACCESS", "insufficient access rights: SOAP login is not allowed")
            }
            Self::InvalidLogin => ("INVALID_LOGIN", "Invalid username, password, security token; or user locked out."),
            Self::InvalidOperation => ("INVALID_OPERATION", "login() is not available in this version of the API"),
            Self::InvalidOperationWithExpiredPassword => (
                "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
                "The users password has expired, you must call SetPassword before attempting any other API operations",
            ),
            Self::InvalidSessionId => {
                ("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session. Session not found")
            }
            Self::LoginChallengeIssued => ("LOGIN_CHALLENGE_ISSUED", "Your identity must be verified."),
            Self::LoginDuringRestrictedDomain => (
                "LOGIN_DURING_RESTRICTED_DOMAIN",
                "Failed: Login during restricted domain: your IP address is not in the allowed ranges.",
            ),
            Self::LoginDuringRestrictedTime => {
                ("LOGIN_DURING_RESTRICTED_TIME", "Logging in is not permitted during restricted hours.")
            }
            Self::LoginMustUseSecurityToken => (
                "LOGIN_MUST_USE_SECURITY_TOKEN",
                "Invalid username, password, security token; or user locked out. Are you at a new location? You must \
                 add a security token to your password to log in.",
            ),
            Self::LoginRateExceeded => ("LOGIN_RATE_EXCEEDED", "Login rate exceeded"),
            Self::MutualAuthenticationFailed => ("MUTUAL_AUTHENTICATION_FAILED", "A client certificate is needed."),
            Self::OrgInMaintenance => ("ORG_IN_MAINTENANCE", "Organization is currently in maintenance"),
            Self::OrgLocked => ("ORG_LOCKED", "Organization is locked"),
            Self::OrgNotOwnedByInstance => ("ORG_NOT_OWNED_BY_INSTANCE", "The organization is not on this instance."),
            Self::PasswordLockout => ("PASSWORD_LOCKOUT", "The user is locked out after too many wrong passwords."),
            Self::RequestLimitExceeded => ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            Self::ServerUnavailable => ("SERVER_UNAVAILABLE", "The service is temporarily unavailable."),
            Self::SsoServiceDown => ("SSO_SERVICE_DOWN", "The single sign-on service is not available."),
            Self::TrialExpired => ("TRIAL_EXPIRED", "The trial organization has expired."),
            Self::Unknown => ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
            Self::UnsupportedApiVersion => ("UNSUPPORTED_API_VERSION", "Unsupported API version"),
        }
    }

    /// The element of the fault's detail. Salesforce has others too, which nothing here would throw.
    fn kind(self) -> &'static str {
        match self {
            Self::InvalidSessionId | Self::InvalidOperationWithExpiredPassword => "UnexpectedErrorFault",
            _ => "LoginFault",
        }
    }
}

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Exception(Exception),
    /// The request is not what SOAP wants; what about it.
    Client(Cow<'static, str>),
}

impl From<Exception> for Refusal {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

impl Refusal {
    pub(super) fn client(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Client(what.into())
    }

    /// The envelope with the fault.
    pub(super) fn body(&self, api: Api) -> String {
        let fault = match self {
            Self::Client(what) => {
                format!("<faultcode>soapenv:Client</faultcode><faultstring>{}</faultstring>", escape(what.as_ref()))
            }
            Self::Exception(exception) => {
                let (code, message) = exception.words();
                let kind = exception.kind();
                format!(
                    "<faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>\
                     <sf:{kind} xsi:type=\"sf:{kind}\"><sf:exceptionCode>{code}</sf:exceptionCode>\
                     <sf:exceptionMessage>{message}</sf:exceptionMessage></sf:{kind}></detail>",
                )
            }
        };
        let faults = match api {
            Api::Partner => "urn:fault.partner.soap.sforce.com",
            Api::Enterprise => "urn:fault.enterprise.soap.sforce.com",
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
             xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:sf=\"{faults}\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body><soapenv:Fault>{fault}\
             </soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        )
    }
}
