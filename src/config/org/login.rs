//! `[org.NAME.login.FLOW]`: the ways to log in, one table each.

use crate::config::problem::Reader;
use crate::config::value::{Assertion, Given, Identifier, Secret, WebAddress};
use salesforce::{
    AccessToken, AuthorizationCode, ClientCredentials, Jwt, Login, Password, RefreshToken, Saml, UsernamePassword,
};
use std::path::Path;
use toml_span::Value;
use toml_span::de_helpers::TableHelper;
use url::Url;

/// What a login needs that is written elsewhere.
pub(super) struct About<'a> {
    pub(super) org: &'a str,
    pub(super) api_version: &'a str,
    pub(super) logins: &'a Path,
}

type Flow = fn(&mut TableHelper<'_>, &About<'_>) -> Option<Login>;

/// The flows' names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FLOWS.iter().map(|(name, _)| *name)
}

pub(super) fn read<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>, about: &About<'_>) -> Option<Login> {
    let span = value.span;
    let mut table = reader.table(value)?;
    if table.table.len() > 1 {
        reader.problem(span, "more than one way to log in is described");
    }
    let mut login = None;
    for (name, read) in FLOWS {
        let Some((_, mut value)) = table.take(name) else { continue };
        let mut fields = reader.table(&mut value)?;
        login = read(&mut fields, about);
        reader.close(fields);
        if let Some(Err(error)) = login.as_ref().map(Login::check) {
            reader.problem(value.span, with_remedy(&error));
        }
    }
    if table.table.is_empty() && login.is_none() && reader.is_clean() {
        let known: Vec<&str> = names().collect();
        reader.problem(span, format!("no way to log in is described; known: {}", known.join(", ")));
    }
    reader.close(table);
    login
}

fn password(fields: &mut TableHelper<'_>, about: &About<'_>) -> Option<Login> {
    let url = url(fields);
    let username = text(fields, "username");
    let password = fields.required::<Secret>("password").ok();
    let security_token = fields.optional::<Secret>("security_token").map(|secret| secret.0);
    let api_version = about.api_version.to_owned();
    Some(Login::Password(Password {
        url: url?,
        username: username?,
        password: password?.0,
        security_token,
        api_version,
    }))
}

fn authorization_code(fields: &mut TableHelper<'_>, about: &About<'_>) -> Option<Login> {
    let url = url(fields);
    let client_id = fields.required::<Identifier>("client_id").ok();
    let client_secret = fields.optional::<Secret>("client_secret").map(|secret| secret.0);
    let redirect_uri = fields.optional::<WebAddress>("redirect_uri").map(|address| address.0);
    let redirect_uri = redirect_uri.or_else(|| Url::parse(DEFAULT_REDIRECT_URI).ok());
    let scope = fields.optional::<String>("scope").unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
    let key = fields.optional::<Secret>("encryption_key").map(|secret| secret.0);
    let refresh_token = RefreshToken::new(about.logins.join(format!("{}.token", about.org)), key);
    Some(Login::AuthorizationCode(AuthorizationCode {
        url: url?,
        client_id: client_id?.0,
        client_secret,
        redirect_uri: redirect_uri?,
        scope,
        refresh_token,
    }))
}

fn jwt(fields: &mut TableHelper<'_>, _about: &About<'_>) -> Option<Login> {
    let url = url(fields);
    let client_id = fields.required::<Identifier>("client_id").ok();
    let username = text(fields, "username");
    let key = fields.required::<Secret>("key").ok();
    let audience = fields.optional::<String>("audience");
    Some(Login::Jwt(Jwt { url: url?, client_id: client_id?.0, username: username?, key: key?.0, audience }))
}

fn client_credentials(fields: &mut TableHelper<'_>, _about: &About<'_>) -> Option<Login> {
    let url = url(fields);
    let client_id = fields.required::<Identifier>("client_id").ok();
    let client_secret = fields.required::<Secret>("client_secret").ok();
    Some(Login::ClientCredentials(ClientCredentials {
        url: url?,
        client_id: client_id?.0,
        client_secret: client_secret?.0,
    }))
}

fn saml(fields: &mut TableHelper<'_>, _about: &About<'_>) -> Option<Login> {
    let url = url(fields);
    let assertion = fields.required::<Assertion>("assertion").ok();
    Some(Login::Saml(Saml { url: url?, assertion: assertion?.0 }))
}

fn username_password(fields: &mut TableHelper<'_>, _about: &About<'_>) -> Option<Login> {
    let url = url(fields);
    let client_id = fields.required::<Identifier>("client_id").ok();
    let client_secret = fields.required::<Secret>("client_secret").ok();
    let username = text(fields, "username");
    let password = fields.required::<Secret>("password").ok();
    let security_token = fields.optional::<Secret>("security_token").map(|secret| secret.0);
    Some(Login::UsernamePassword(UsernamePassword {
        url: url?,
        client_id: client_id?.0,
        client_secret: client_secret?.0,
        username: username?,
        password: password?.0,
        security_token,
    }))
}

fn access_token(fields: &mut TableHelper<'_>, _about: &About<'_>) -> Option<Login> {
    let url = url(fields);
    let token = fields.required::<Given>("token").ok();
    Some(Login::AccessToken(AccessToken { url: url?, token: token?.0 }))
}

fn url(fields: &mut TableHelper<'_>) -> Option<Url> {
    fields.required::<WebAddress>("url").ok().map(|address| address.0)
}

fn text(fields: &mut TableHelper<'_>, key: &'static str) -> Option<String> {
    fields.required::<Identifier>(key).ok().map(|text| text.0.expose().to_owned())
}

fn with_remedy(error: &salesforce::Error) -> String {
    match error.remedy() {
        Some(remedy) => format!("{error}: {remedy}"),
        None => error.to_string(),
    }
}

const FLOWS: [(&str, Flow); 7] = [
    ("client_credentials", client_credentials),
    ("jwt", jwt),
    ("authorization_code", authorization_code),
    ("password", password),
    ("saml", saml),
    ("username_password", username_password),
    ("access_token", access_token),
];
/// Where Salesforce's own command line listens, too: many apps have it already.
const DEFAULT_REDIRECT_URI: &str = "http://localhost:1717/OauthRedirect";
const DEFAULT_SCOPE: &str = "api refresh_token";
