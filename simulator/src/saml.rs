//! SAML 2.0 bearer assertions: what they say, and whether their signature covers it.
//! After OASIS "Assertions and Protocols for SAML 2.0" and the form that Salesforce documents for its bearer flow.

mod signature;

use jiff::{SignedDuration, Timestamp};
use roxmltree::{Document, Node};
use thiserror::Error;

pub(crate) use signature::{Unverified, verify};

use crate::certificate::Certificate;

/// Why an assertion is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Invalid {
    #[error("not XML")]
    NotXml,
    #[error("{0} is missing or wrong")]
    Part(&'static str),
}

/// What an assertion says. Its signature is of the right form, but not verified.
#[derive(Debug)]
pub(crate) struct Assertion {
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) recipient: String,
    pub(crate) audiences: Vec<String>,
    /// The assertion, with nothing in it to tell the verifier another key.
    pub(crate) signed: String,
    not_before: Option<Timestamp>,
    /// The ends of the conditions and of the subject's confirmation.
    ends: [Timestamp; 2],
}

impl Assertion {
    /// Reads an assertion that is the whole document, and signed as a whole with the key of `certificate`.
    pub(crate) fn read(xml: &str, certificate: &Certificate) -> Result<Self, Invalid> {
        let document = Document::parse(xml).map_err(|_| Invalid::NotXml)?;
        let root = document.root_element();
        if !root.has_tag_name((SAML, "Assertion")) || root.attribute("Version") != Some("2.0") {
            return Err(Invalid::Part("Assertion"));
        }
        time(root, "IssueInstant")?;
        let id = attribute(root, "ID")?;
        let signed = signature::shape(&document, id, certificate)?;
        let subject = child(root, "Subject")?;
        let confirmation = child(subject, "SubjectConfirmation")?;
        if confirmation.attribute("Method") != Some(BEARER) {
            return Err(Invalid::Part("Method"));
        }
        let data = child(confirmation, "SubjectConfirmationData")?;
        let conditions = child(root, "Conditions")?;
        let restriction = child(conditions, "AudienceRestriction")?;
        let audiences = restriction.children().filter(|node| node.has_tag_name((SAML, "Audience")));
        child(root, "AuthnStatement")?;
        Ok(Self {
            id: id.to_owned(),
            issuer: text(child(root, "Issuer")?),
            subject: text(child(subject, "NameID")?),
            recipient: attribute(data, "Recipient")?.to_owned(),
            audiences: audiences.map(text).collect(),
            signed,
            not_before: conditions.attribute("NotBefore").map(|_| time(conditions, "NotBefore")).transpose()?,
            ends: [time(conditions, "NotOnOrAfter")?, time(data, "NotOnOrAfter")?],
        })
    }

    /// Whether the assertion is valid, and not for longer than Salesforce takes.
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        let is_near = |end: &Timestamp| *end > now && end.duration_since(now) <= LONGEST;
        self.not_before.is_none_or(|start| start <= now) && self.ends.iter().all(is_near)
    }
}

/// The only child of a name.
fn child<'a>(node: Node<'a, 'a>, name: &'static str) -> Result<Node<'a, 'a>, Invalid> {
    let mut all = node.children().filter(|child| child.has_tag_name((SAML, name)));
    match (all.next(), all.next()) {
        (Some(child), None) => Ok(child),
        (None | Some(_), _) => Err(Invalid::Part(name)),
    }
}

fn attribute<'a>(node: Node<'a, 'a>, name: &'static str) -> Result<&'a str, Invalid> {
    node.attribute(name).filter(|value| !value.is_empty()).ok_or(Invalid::Part(name))
}

fn time(node: Node<'_, '_>, name: &'static str) -> Result<Timestamp, Invalid> {
    node.attribute(name).and_then(|text| text.parse().ok()).ok_or(Invalid::Part(name))
}

/// All text of an element: a comment in the middle does not end it.
fn text(node: Node<'_, '_>) -> String {
    let texts: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    texts.trim().to_owned()
}

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const LONGEST: SignedDuration = SignedDuration::from_secs(300);
