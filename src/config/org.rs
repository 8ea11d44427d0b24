//! `[org.NAME]`: an org, and how to log in to it.

use super::problem::Reader;
use super::value::{Identifier, Secret, WebAddress};
use salesforce::{AccessToken, ClientCredentials, Given, Login};
use toml_span::Value;
use toml_span::de_helpers::TableHelper;

/// How to reach an org.
#[derive(Debug, Clone)]
pub struct Org {
    /// How to log in.
    pub login: Login,
    /// The API's version, `NN.0`.
    pub api_version: String,
}

pub(super) fn read<'t>(reader: &mut Reader<'t>, _name: &str, value: &mut Value<'t>) -> Option<Org> {
    let span = value.span;
    let mut table = reader.table(value)?;
    let api_version = table.optional_s::<String>("api_version");
    if let Some(version) = &api_version
        && !is_version(&version.value)
    {
        reader.problem(version.span, r#"not an API version: write it as "64.0", 37.0 or later"#);
    }
    let login = match table.take("login") {
        Some((_, mut value)) => login(reader, &mut value),
        None => {
            reader.problem(
                span,
                format!("no login is described: write [org.NAME.login.{}]", FLOWS.join("] or […login.")),
            );
            None
        }
    };
    reader.close(table);
    let api_version = api_version.map_or_else(|| DEFAULT_API_VERSION.to_owned(), |version| version.value);
    Some(Org { login: login?, api_version })
}

fn login<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>) -> Option<Login> {
    let span = value.span;
    let mut table = reader.table(value)?;
    if table.table.len() > 1 {
        reader.problem(span, "more than one way to log in is described");
    }
    let mut login = None;
    for flow in FLOWS {
        let Some((_, mut value)) = table.take(flow) else { continue };
        let mut fields = reader.table(&mut value)?;
        login = if flow == "client_credentials" { client_credentials(&mut fields) } else { access_token(&mut fields) };
        reader.close(fields);
        if let Some(Err(error)) = login.as_ref().map(Login::check) {
            reader.problem(value.span, with_remedy(&error));
        }
    }
    if table.table.is_empty() && login.is_none() && reader.is_clean() {
        reader.problem(span, format!("no way to log in is described; known: {}", FLOWS.join(", ")));
    }
    reader.close(table);
    login
}

fn client_credentials(fields: &mut TableHelper<'_>) -> Option<Login> {
    let url = fields.required::<WebAddress>("url").ok();
    let client_id = fields.required::<Identifier>("client_id").ok();
    let client_secret = fields.required::<Secret>("client_secret").ok();
    Some(Login::ClientCredentials(ClientCredentials {
        url: url?.0,
        client_id: client_id?.0,
        client_secret: client_secret?.0,
    }))
}

fn access_token(fields: &mut TableHelper<'_>) -> Option<Login> {
    let url = fields.required::<WebAddress>("url").ok();
    let token = fields.required::<Secret>("token").ok();
    Some(Login::AccessToken(AccessToken { url: url?.0, token: Given::Fixed(token?.0) }))
}

fn with_remedy(error: &salesforce::Error) -> String {
    match error.remedy() {
        Some(remedy) => format!("{error}: {remedy}"),
        None => error.to_string(),
    }
}

/// `NN.0`; the Streaming API serves 37.0 and later (Streaming API Developer Guide, "API version").
fn is_version(text: &str) -> bool {
    text.strip_suffix(".0").and_then(|major| major.parse::<u16>().ok()).is_some_and(|major| (37..1000).contains(&major))
}

const FLOWS: [&str; 2] = ["client_credentials", "access_token"];
const DEFAULT_API_VERSION: &str = "64.0";
