//! The SAML bearer flow (RFC 7522; Salesforce Help, *OAuth 2.0 SAML Bearer Assertion Flow*), with an assertion that
//! somebody else has signed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use quick_xml::{Reader, events::BytesStart, events::Event};
use reqwest::Client;
use url::Url;

use super::{
    flow::Flow,
    reply::{self, TOKEN},
    source::Source,
};
use crate::{Error, Secret, Token};

/// With an assertion that an identity provider has signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Saml {
    /// The host to log in to; only its scheme, host and port may be given.
    pub url: Url,
    /// Where the assertion comes from, as XML or as base64url. It is had anew for each login, so keep it fresh: one is
    /// valid for minutes.
    pub assertion: Source,
}

impl Saml {
    pub(super) async fn log_in(&self, http: &Client) -> Result<Token, Error> {
        let given = self.assertion.obtain().await?;
        let assertion = self.encoded(&given, Timestamp::now())?;
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion.expose())];
        let reply = reply::ask(http, &self.url, TOKEN, &form, &[&given, &assertion]).await?;
        reply::granted(Flow::Saml, &self.url, &reply, None)?.token
    }

    /// The assertion as it is sent, unless it is none or has expired.
    fn encoded(&self, given: &Secret, now: Timestamp) -> Result<Secret, Error> {
        let failed = |problem: &str, remedy: &'static str, passes: bool| {
            let problem = format!("{}: {problem}", self.assertion.name());
            Error::Credential { problem, remedy: remedy.into(), passes }
        };
        let refuse = |problem: &str, remedy| failed(problem, remedy, false);
        let none = || refuse("it holds no SAML assertion", "give one as XML or as base64url");
        let xml = decoded(given.expose()).ok_or_else(none)?;
        let assertion = Assertion::of(xml.expose()).ok_or_else(none)?;
        match assertion.root.as_str() {
            "Assertion" => {}
            "Response" => {
                return Err(refuse("it holds a Response", "give the Assertion alone, signed by itself"));
            }
            _ => return Err(none()),
        }
        if let Some(end) = assertion.not_on_or_after.filter(|end| *end <= now) {
            let problem = format!("the assertion has expired at {end}");
            // Whoever writes them may be late.
            return Err(failed(
                &problem,
                "write a fresh assertion before each login, or name a command that makes one",
                true,
            ));
        }
        Ok(URL_SAFE_NO_PAD.encode(xml.expose()).into())
    }
}

/// The XML, whether it comes as such or in some base64. Not a byte of it changes, since it is signed.
fn decoded(given: &str) -> Option<Secret> {
    let given = given.trim_start_matches('\u{feff}').trim();
    if given.starts_with('<') {
        return Some(given.to_owned().into());
    }
    let to_url_safe = |byte: char| match byte {
        '+' => '-',
        '/' => '_',
        other => other,
    };
    let text: String = given.chars().filter(|c| !c.is_whitespace()).map(to_url_safe).collect();
    let xml = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    Some(String::from_utf8(xml).ok()?.into())
}

struct Assertion {
    /// The name of the outermost element, without prefix.
    root: String,
    /// The earliest of its ends.
    not_on_or_after: Option<Timestamp>,
}

impl Assertion {
    /// Reads what is well-formed.
    fn of(xml: &str) -> Option<Self> {
        let mut reader = Reader::from_str(xml);
        let (mut root, mut not_on_or_after, mut depth) = (None, None, 0_usize);
        loop {
            let event = reader.read_event().ok()?;
            if let Event::Start(element) | Event::Empty(element) = &event {
                root.get_or_insert_with(|| element.local_name().as_ref().to_owned());
                not_on_or_after = not_on_or_after.into_iter().chain(end_of(element)?).min();
            }
            match event {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth = depth.checked_sub(1)?,
                Event::Eof if depth == 0 => return Some(Self { root: root?, not_on_or_after }),
                Event::Eof => return None,
                _ => {}
            }
        }
    }
}

/// The end that an element sets; `None` if that is no time.
fn end_of(element: &BytesStart<'_>) -> Option<Option<Timestamp>> {
    match element.try_get_attribute("NotOnOrAfter").ok()? {
        Some(attribute) => attribute.value.parse().ok().map(Some),
        None => Some(None),
    }
}

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

#[cfg(test)]
mod tests;
