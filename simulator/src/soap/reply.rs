//! The replies of SOAP calls.

use quick_xml::escape::escape;

use super::login::Session;
use super::request::{Api, Path};
use crate::identifier::{USER, numbered};
use crate::org::Org;

/// `loginResponse`. `base` is the login host's URL, as the client sees it.
pub(super) fn login(org: &Org, path: &Path, base: &str, session: &Session) -> String {
    let instance = org.policies.now().instance(base);
    let url = |letter: char| format!("{instance}/services/Soap/{letter}/{}.0/{}", path.version, org.short_id());
    let result = [
        ("metadataServerUrl", url('m')),
        ("passwordExpired", session.is_limited.to_string()),
        ("sandbox", org.options.is_sandbox.to_string()),
        ("serverUrl", url(path.api.letter())),
        ("sessionId", session.id.clone()),
        ("userId", USER.to_owned()),
    ];
    let result = result.map(|(name, value)| element(name, &value)).concat();
    envelope(
        path.api,
        &format!("<loginResponse><result>{result}<userInfo>{}</userInfo></result></loginResponse>", user(org)),
    )
}

/// `logoutResponse`, which says nothing.
pub(super) fn logout(api: Api) -> String {
    envelope(api, "<logoutResponse/>")
}

/// `getUserInfoResponse`.
pub(super) fn user_info(org: &Org, api: Api) -> String {
    envelope(api, &format!("<getUserInfoResponse><result>{}</result></getUserInfoResponse>", user(org)))
}

/// The fields of `userInfo`, in the WSDL's order.
fn user(org: &Org) -> String {
    let name = &org.options.user_name;
    let seconds = org.session_length(&org.policies.now()).as_secs().to_string();
    let profile = numbered("00e", 1);
    let fields = [
        ("accessibilityMode", "false"),
        ("chatterExternal", "false"),
        ("currencySymbol", "$"),
        ("orgDefaultCurrencyIsoCode", "USD"),
        ("organizationId", &org.id()),
        ("organizationMultiCurrency", "false"),
        ("organizationName", "Simulator"),
        ("profileId", &profile),
        ("roleId", ""),
        ("sessionSecondsValid", &seconds),
        ("userDefaultCurrencyIsoCode", ""),
        ("userEmail", name),
        ("userFullName", "Integration User"),
        ("userId", USER),
        ("userLanguage", "en_US"),
        ("userLocale", "en_US"),
        ("userName", name),
        ("userTimeZone", "GMT"),
        ("userType", "Standard"),
        ("userUiSkin", "Theme3"),
    ];
    fields.map(|(name, value)| element(name, value)).concat()
}

fn element(name: &str, value: &str) -> String {
    if value.is_empty() { format!("<{name} xsi:nil=\"true\"/>") } else { format!("<{name}>{}</{name}>", escape(value)) }
}

fn envelope(api: Api, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"{}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>",
        api.namespace()
    )
}
