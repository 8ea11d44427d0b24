//! The signature of an assertion (W3C "XML Signature Syntax and Processing"). Its form is checked here, so that it can
//! cover nothing but the assertion; the cryptography is left to the `xmlsec1` program.

use std::io::{self, Write};
use std::process::Stdio;
use std::time::Duration;

use roxmltree::{Document, Node};
use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Invalid, SAML, text};
use crate::certificate::Certificate;

/// Why a signature is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unverified {
    #[error("the signature is wrong")]
    Wrong,
    #[error("xmlsec1 is not installed")]
    Missing,
    #[error("xmlsec1 failed")]
    Failed,
}

/// Checks the form of the signature, against wrapping above all: one signature, of one reference, of the root by its
/// only ID, with the two transforms that leave nothing out. Gives the document with the key's name for its `KeyInfo`.
pub(super) fn shape(document: &Document<'_>, id: &str, certificate: &Certificate) -> Result<String, Invalid> {
    let root = document.root_element();
    let is_same_id = |node: &Node<'_, '_>| {
        node.attributes().any(|attribute| attribute.name().eq_ignore_ascii_case("id") && attribute.value() == id)
    };
    let count = |wanted: &dyn Fn(&Node<'_, '_>) -> bool| document.descendants().filter(wanted).count();
    if count(&is_same_id) != 1 || count(&|node| node.has_tag_name((SAML, "Assertion"))) != 1 {
        return Err(Invalid::Part("ID"));
    }
    let mut children = root.children().filter(Node::is_element);
    let is_issued = children.next().is_some_and(|first| first.has_tag_name((SAML, "Issuer")));
    let signature = children.next().filter(|second| second.has_tag_name((DSIG, "Signature")));
    let signature = signature.filter(|_| is_issued && count(&|node| node.has_tag_name((DSIG, "Signature"))) == 1);
    let signature = signature.ok_or(Invalid::Part("Signature"))?;
    let info = only(signature, "SignedInfo")?;
    check(only(info, "CanonicalizationMethod")?, EXCLUSIVE)?;
    check(only(info, "SignatureMethod")?, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")?;
    let reference = only(info, "Reference")?;
    if reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) != Some(id) {
        return Err(Invalid::Part("URI"));
    }
    check(only(reference, "DigestMethod")?, "http://www.w3.org/2001/04/xmlenc#sha256")?;
    let transforms = only(reference, "Transforms")?;
    let transforms: Vec<_> = transforms.children().filter(Node::is_element).collect();
    let &[enveloped, canonical] = transforms.as_slice() else { return Err(Invalid::Part("Transforms")) };
    check(enveloped, "http://www.w3.org/2000/09/xmldsig#enveloped-signature")?;
    check(canonical, EXCLUSIVE)?;
    let key = only(signature, "KeyInfo")?;
    if !certificate.is(&text(only(only(key, "X509Data")?, "X509Certificate")?)) {
        return Err(Invalid::Part("X509Certificate"));
    }
    let (xml, range) = (document.input_text(), key.range());
    let around = xml.get(..range.start).zip(xml.get(range.end..)).ok_or(Invalid::Part("KeyInfo"))?;
    Ok(format!(r#"{}<KeyInfo xmlns="{DSIG}"><KeyName>{KEY}</KeyName></KeyInfo>{}"#, around.0, around.1))
}

/// Verifies the signature with the certificate's key, and with no other.
pub(crate) async fn verify(signed: &str, certificate: &Certificate) -> Result<(), Unverified> {
    let file = |text: &str| -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        Ok(file)
    };
    let (Ok(assertion), Ok(key)) = (file(signed), file(certificate.pem())) else { return Err(Unverified::Failed) };
    let mut program = Command::new("xmlsec1");
    program.args(["--verify", "--enabled-reference-uris", "same-doc", "--enabled-key-data", "key-name"]);
    program.arg("--id-attr:ID").arg(format!("{SAML}:Assertion"));
    program.arg(format!("--pubkey-cert-pem:{KEY}")).arg(key.path()).arg(assertion.path());
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match timeout(LONGEST, program.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(_)) => Err(Unverified::Wrong),
        Ok(Err(why)) if why.kind() == io::ErrorKind::NotFound => Err(Unverified::Missing),
        Ok(Err(_)) | Err(_) => Err(Unverified::Failed),
    }
}

/// The only child of a name.
fn only<'a>(node: Node<'a, 'a>, name: &'static str) -> Result<Node<'a, 'a>, Invalid> {
    let mut all = node.children().filter(|child| child.has_tag_name((DSIG, name)));
    match (all.next(), all.next()) {
        (Some(child), None) => Ok(child),
        (None | Some(_), _) => Err(Invalid::Part(name)),
    }
}

fn check(node: Node<'_, '_>, algorithm: &str) -> Result<(), Invalid> {
    if node.attribute("Algorithm") == Some(algorithm) { Ok(()) } else { Err(Invalid::Part("Algorithm")) }
}

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// What the certificate's key is called between us and `xmlsec1`.
const KEY: &str = "app";
const LONGEST: Duration = Duration::from_secs(10);
