//! `[org.NAME.network]` and `[org.NAME.login_network]`: certificates, proxy and time-outs, in the same words.

use crate::config::problem::Reader;
use crate::config::value::{FileBytes, Identifier, Secret, Time, WebAddress};
use salesforce::{Proxy, Wire};
use toml_span::Value;

pub(in crate::config) fn read<'t>(reader: &mut Reader<'t>, value: &mut Value<'t>) -> Option<Wire> {
    let span = value.span;
    let mut table = reader.table(value)?;
    let default = Wire::default();
    let authorities = table.optional::<FileBytes>("authorities").map(|file| file.0);
    let identity = table.optional::<Secret>("identity").map(|secret| secret.0);
    let proxy = table.optional::<WebAddress>("proxy").map(|address| address.0);
    let user = table.optional::<Identifier>("proxy_user").map(|text| text.0.expose().to_owned());
    let password = table.optional::<Secret>("proxy_password").map(|secret| secret.0);
    let no_proxy = table.optional::<String>("no_proxy");
    let mut time = |key, default| table.optional::<Time>(key).map_or(default, |time| time.0);
    let connect_timeout = time("connect_timeout", default.connect_timeout);
    let read_timeout = time("read_timeout", default.read_timeout);
    let total_timeout = time("total_timeout", default.total_timeout);
    reader.close(table);
    if [connect_timeout, read_timeout, total_timeout].iter().any(std::time::Duration::is_zero) {
        reader.problem(span, "a time-out of nothing lets no call through");
    }
    if proxy.is_none() && (user.is_some() || password.is_some() || no_proxy.is_some()) {
        reader.problem(span, r#"no proxy is named: write proxy = "http://proxy.example.com:3128""#);
    }
    let credentials = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => {
            reader.problem(span, "`proxy_user` and `proxy_password` come together");
            None
        }
    };
    let proxy = proxy.map(|url| Proxy { url, credentials, no_proxy });
    let wire = Wire { authorities, identity, proxy, connect_timeout, read_timeout, total_timeout };
    match wire.client() {
        Ok(_) => Some(wire),
        Err(error) => {
            let remedy = error.remedy().map(|remedy| format!(": {remedy}")).unwrap_or_default();
            reader.problem(span, format!("{error}{remedy}"));
            None
        }
    }
}
