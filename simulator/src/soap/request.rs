//! What a SOAP call asks for (W3C "SOAP 1.1").

use roxmltree::{Document, Node};

use super::fault::Refusal;

/// Which of the two APIs is called: they differ in their namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Partner,
    Enterprise,
}

impl Api {
    pub(super) fn namespace(self) -> &'static str {
        match self {
            Self::Partner => "urn:partner.soap.sforce.com",
            Self::Enterprise => "urn:enterprise.soap.sforce.com",
        }
    }

    /// As it is in paths.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Partner => 'u',
            Self::Enterprise => 'c',
        }
    }
}

/// `/services/Soap/u/64.0`, and perhaps the org's id.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) api: Api,
    pub(super) version: u32,
    pub(super) org: Option<String>,
}

impl Path {
    pub(super) fn read(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix("/services/Soap/")?.trim_end_matches('/').split('/').collect();
        let (api, version, org) = match segments.as_slice() {
            [api, version] => (*api, *version, None),
            [api, version, org] => (*api, *version, Some((*org).to_owned())),
            _ => return None,
        };
        let api = match api {
            "u" => Api::Partner,
            "c" => Api::Enterprise,
            _ => return None,
        };
        Some(Self { api, version: version.strip_suffix(".0")?.parse().ok()?, org })
    }
}

/// What is to be done.
pub(super) enum Operation {
    Login { username: String, password: String },
    Logout { session: Option<String> },
    UserInfo { session: Option<String> },
}

/// Reads an envelope with one operation in it.
pub(super) fn read(body: &[u8], api: Api) -> Result<Operation, Refusal> {
    if body.is_empty() {
        return Err(Refusal::client("Premature end of file."));
    }
    let not_xml = |_| Refusal::client("The request is not well-formed XML.");
    let text = std::str::from_utf8(body).map_err(|_| Refusal::client("The request is not UTF-8."))?;
    let document = Document::parse(text).map_err(not_xml)?;
    let envelope = document.root_element();
    if !envelope.has_tag_name((SOAP, "Envelope")) {
        return Err(Refusal::client("The request is not a SOAP envelope."));
    }
    let operation = child(envelope, SOAP, "Body").and_then(|body| body.first_element_child());
    let operation = operation.ok_or(Refusal::client("The envelope has no body."))?;
    let ours = api.namespace();
    let session = || {
        let header = child(envelope, SOAP, "Header")?;
        Some(text_of(child(child(header, ours, "SessionHeader")?, ours, "sessionId")?))
    };
    let name = operation.tag_name();
    match name.name() {
        "login" if name.namespace() == Some(ours) => {
            let value = |name| child(operation, ours, name).map(text_of).unwrap_or_default();
            Ok(Operation::Login { username: value("username"), password: value("password") })
        }
        "logout" if name.namespace() == Some(ours) => Ok(Operation::Logout { session: session() }),
        "getUserInfo" if name.namespace() == Some(ours) => Ok(Operation::UserInfo { session: session() }),
        other => Err(Refusal::client(format!(
            "No operation available for request {{{}}}{other}, please check the WSDL for the service.",
            name.namespace().unwrap_or_default()
        ))),
    }
}

fn child<'a>(node: Node<'a, 'a>, namespace: &str, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name((namespace, name)))
}

/// All text of an element, which CDATA sections and comments cut into pieces.
fn text_of(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
