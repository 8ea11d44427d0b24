//! Every flow against servers that echo what they were told, with everything logged.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

use super::*;
use crate::{
    Options, Org, Wire,
    stub::{Asked, JSON, Log, NO_PAUSE, ORG, SECRET, SOBJECTS, Stub, TOKEN, USER},
};

#[tokio::test]
async fn no_secret_is_ever_printed() {
    let (log, _guard) = Log::capture();
    let (dir, key) = (tempfile::tempdir().unwrap(), private_key());
    let mut secrets: Vec<String> = FIXED.iter().map(|secret| (*secret).to_owned()).collect();
    secrets.extend(key.lines().filter(|line| !line.starts_with('-')).map(str::to_owned));

    for (status, kind) in FAILURES {
        let stub = Stub::start(move |stub, asked| match kind {
            GRANTED => (status, kind, granted(stub, asked).2),
            _ => (status, kind, echo(kind, asked)),
        })
        .await;
        for login in flows(&stub.url, dir.path(), &key) {
            let error = org(&login).token().await.unwrap_err();
            print(&login, &error);
            consent(&login, &stub.url).await;
        }
        sent(&stub, &mut secrets);

        let stub = Stub::start(move |stub, asked| match asked.line.as_str() {
            SOBJECTS => (status, kind, echo(kind, asked)),
            _ => granted(stub, asked),
        })
        .await;
        for login in flows(&stub.url, dir.path(), &key) {
            let org = org(&login);
            let token = org.token().await.unwrap();
            tracing::info!("{token:?} {:?} {login:?} {:?}", token.authorization(), login.warning());
            let record = RawValue::from_string("{}".into()).unwrap();
            print(&login, &org.publish("Low_Ink__e", &[record.as_ref()]).await.unwrap_err());
            consent(&login, &stub.url).await;
        }
        assert!(!stub.asked(SOBJECTS).is_empty());
        sent(&stub, &mut secrets);
    }

    let log = log.text();
    assert!(log.contains("logged in") && log.contains("TRACE"), "nothing was captured:\n{log}");
    secrets.sort();
    secrets.dedup();
    assert!(secrets.len() > 40, "{secrets:?}");
    // The stub prints nothing, so that whatever is found is ours or that of a library we use.
    let found =
        |secret: &String| log.lines().find(|line| line.contains(secret)).map(|line| format!("{secret} in: {line}"));
    let found: Vec<_> = secrets.iter().filter_map(found).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// All ways to log in, with a secret wherever one can be.
pub(super) fn flows(url: &Url, dir: &Path, key: &str) -> Vec<Login> {
    let secret = |text: &str| Secret::from(text.to_owned());
    let client_id = || secret("the-client-id");
    let (client_secret, password) = (|| secret(SECRET), || secret("p<w>&\"'é"));
    let security_token = || Some(secret("T0k&n"));
    let command = |text: &str| ["sh", "-c", "printf %s \"$0\"; echo failed >&2", text].map(str::to_owned).to_vec();
    let authorization_code = |key: Option<Secret>| {
        let refresh_token = RefreshToken::new(dir.join(if key.is_some() { "sealed" } else { "plain" }), key);
        refresh_token.write(&secret("5Aep861&kept")).unwrap();
        Login::AuthorizationCode(AuthorizationCode {
            url: url.clone(),
            client_id: client_id(),
            client_secret: Some(client_secret()),
            redirect_uri: "http://localhost:1717/done".parse().unwrap(),
            scope: "api refresh_token".into(),
            refresh_token,
        })
    };
    let (url, username) = (url.clone(), "u@acme.com".to_owned());
    let token = |token: Given| Login::AccessToken(AccessToken { url: url.clone(), token });
    vec![
        Login::ClientCredentials(ClientCredentials {
            url: url.clone(),
            client_id: client_id(),
            client_secret: client_secret(),
        }),
        token(Given::Fixed(secret("00D!given-token"))),
        token(Given::Command(command("00D!printed-token"))),
        token(Given::Command(command(r#"{"result":{"accessToken":"00D!shown-token"}}"#))),
        authorization_code(None),
        authorization_code(Some(secret("open-sesame"))),
        Login::Jwt(Jwt {
            url: url.clone(),
            client_id: client_id(),
            username: username.clone(),
            key: secret(key),
            audience: None,
        }),
        Login::Saml(Saml { url: url.clone(), assertion: Source::Command(command(ASSERTION)) }),
        Login::UsernamePassword(UsernamePassword {
            url: url.clone(),
            client_id: client_id(),
            client_secret: client_secret(),
            username: username.clone(),
            password: password(),
            security_token: security_token(),
        }),
        Login::Password(Password {
            url: url.clone(),
            username,
            password: password(),
            security_token: security_token(),
            api_version: "64.0".into(),
        }),
    ]
}

/// The part of a login that a person takes part in.
async fn consent(login: &Login, url: &Url) {
    let Login::AuthorizationCode(flow) = login else { return };
    let consent = flow.begin();
    let state = consent.address().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let back = endpoint(url, "/done").join(&format!("?code=aPrx-the-code&state={state}")).unwrap();
    match flow.finish(&Wire::default(), consent, &back).await {
        Ok(token) => tracing::info!("{token:?}"),
        Err(error) => print(login, &error),
    }
    let outcome = flow.log_out(&Wire::default()).await.unwrap();
    tracing::info!("{outcome:?}");
    flow.refresh_token.write(&"5Aep861&kept".to_owned().into()).unwrap();
}

fn print(login: &Login, error: &Error) {
    tracing::info!("{error} {error:?} {:?} {login:?}", error.remedy());
}

fn org(login: &Login) -> Org {
    Org::new(login.clone(), Options { login_pause: NO_PAUSE, ..Options::default() }).unwrap()
}

/// Adds what a server was told that is a secret.
fn sent(stub: &Stub, secrets: &mut Vec<String>) {
    for asked in stub.asked("") {
        let authorization = asked.header("authorization");
        secrets.extend(authorization.strip_prefix("Bearer ").map(str::to_owned));
        if asked.header("content-type") != "application/x-www-form-urlencoded" {
            continue;
        }
        for pair in asked.body.split('&') {
            let (name, encoded) = pair.split_once('=').unwrap();
            if !["grant_type", "username", "redirect_uri"].contains(&name) {
                let value = url::form_urlencoded::parse(pair.as_bytes()).next().unwrap().1.into_owned();
                // A part of it is too much already.
                secrets.extend([encoded.to_owned(), value].map(|secret| secret.chars().take(100).collect()));
            }
        }
    }
}

/// All a server was told, in the shape of a failure of that kind.
fn echo(kind: &str, asked: &Asked) -> String {
    let form: Vec<_> = url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    let all = format!("{} {form:?} {}", asked.header("authorization"), asked.body);
    // What is shown of a reply is not long.
    let mut plain: Vec<_> = form.iter().map(|(_, value)| value.as_str()).collect();
    plain.extend(asked.body.split_once("<urn:username>").map(|(_, rest)| rest));
    plain.reverse();
    let plain = format!("{} {}", asked.header("authorization"), plain.join(" "));
    match kind {
        JSON if asked.line == SOBJECTS => {
            serde_json::json!([{"errorCode": all, "message": plain, "fields": [all]}]).to_string()
        }
        JSON => serde_json::json!({"error": plain, "error_description": all}).to_string(),
        XML => format!(
            "<s:Envelope xmlns:s='s'><s:Body><s:Fault><faultcode>{0}</faultcode><faultstring>{0}</faultstring></s:Fault></s:Body></s:Envelope>",
            quick_xml::escape::escape(format!("{plain} {}", asked.body)),
        ),
        _ => all,
    }
}

/// What a login yields that goes well.
fn granted(stub: &Stub, asked: &Asked) -> (u16, &'static str, String) {
    if asked.line.ends_with("userinfo") {
        return (200, JSON, format!(r#"{{"user_id":"{USER}","organization_id":"{ORG}EAY"}}"#));
    }
    if asked.line.contains("/Soap/") {
        let session = format!(
            "<s:Envelope xmlns:s='s'><s:Body><sessionId>{ORG}!session</sessionId><serverUrl>{}</serverUrl><userId>{USER}</userId><organizationId>{ORG}EAY</organizationId></s:Body></s:Envelope>",
            stub.url,
        );
        return (200, XML, session);
    }
    let (status, kind, body) = stub.granted();
    let n = stub.asked(TOKEN).len();
    (status, kind, body.replacen('{', &format!(r#"{{"refresh_token":"5Aep861-next-{n}","#), 1))
}

fn private_key() -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

const XML: &str = "text/xml";

/// A failed status over the reply of a login that went well.
const GRANTED: &str = "text/plain";

const FAILURES: [(u16, &str); 11] = [
    (400, "text/html"),
    (400, JSON),
    (401, JSON),
    (403, JSON),
    (503, JSON),
    (500, XML),
    (200, XML),
    (400, GRANTED),
    (401, GRANTED),
    (429, GRANTED),
    (500, GRANTED),
];

const ASSERTION: &str = "<saml:Assertion xmlns:saml='s' ID='_the-assertion'/>";

/// Secrets, and those parts of them that would be left if only a half were hidden.
const FIXED: [&str; 17] = [
    SECRET,
    "a%26b",
    "a&b",
    "the-client-id",
    "given-token",
    "printed-token",
    "shown-token",
    "5Aep861",
    "open-sesame",
    "p<w>",
    "p&lt;w",
    "T0k&n",
    "T0k&amp;n",
    "_the-assertion",
    "aPrx-the-code",
    "!session",
    "!token-",
];
