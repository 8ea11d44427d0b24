//! The simulator as a program.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Parser;
use simulator::{Certificate, Options, Simulator, Tls, UnknownChannels, serve};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// A Salesforce org on localhost: login, CometD, publishing, and a control API to make events and faults.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// 18-character id of the org.
    #[arg(long, default_value_t = Options::default().org_id, value_parser = org_id)]
    org_id: String,
    /// Consumer key that logs in.
    #[arg(long, default_value_t = Options::default().client_id)]
    client_id: String,
    /// Consumer secret that logs in.
    #[arg(long, default_value_t = Options::default().client_secret)]
    client_secret: String,
    /// PEM file with the app's certificate, which JWT and SAML assertions must be signed for.
    #[arg(long, value_name = "FILE", value_parser = certificate)]
    certificate: Option<Certificate>,
    /// A callback URL of the app; repeatable.
    #[arg(long = "redirect-uri", value_name = "URL", default_values_t = Options::default().redirect_uris)]
    redirect_uris: Vec<String>,
    /// Name of the user.
    #[arg(long, default_value_t = Options::default().user_name)]
    user_name: String,
    /// Password of the user.
    #[arg(long, default_value_t = Options::default().password)]
    password: String,
    /// What follows the password where the caller's address is not trusted.
    #[arg(long, default_value_t = Options::default().security_token)]
    security_token: String,
    /// How many wrong passwords in a row lock the user.
    #[arg(long, value_name = "N", default_value_t = Options::default().lock_after)]
    lock_after: u64,
    /// How long an authorization code is good.
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    code_life: Duration,
    /// The org is a sandbox.
    #[arg(long)]
    sandbox: bool,
    /// How long a connect is held.
    #[arg(long, default_value = "110s", value_parser = humantime::parse_duration)]
    hold: Duration,
    /// How long a session lives after the last reply while no connect is held.
    #[arg(long, default_value = "40s", value_parser = humantime::parse_duration)]
    expiry: Duration,
    /// How long events can be replayed; never more than 24h on /topic/… and /u/….
    #[arg(long, default_value = "72h", value_parser = humantime::parse_duration)]
    retention: Duration,
    /// How long an access token lives without being used.
    #[arg(long, default_value = "2h", value_parser = humantime::parse_duration)]
    token_idle: Duration,
    /// How many bytes of events go into one reply.
    #[arg(long, default_value = "4MiB")]
    reply_bytes: ByteSize,
    /// A further known channel; repeatable.
    #[arg(long = "channel", value_name = "NAME")]
    channels: Vec<String>,
    /// What a subscription of an unknown channel is answered: refuse, or silent.
    #[arg(long, value_name = "HOW", default_value = "refuse", value_parser = unknown_channels)]
    unknown_channels: UnknownChannels,
    /// How long the load balancer's routing cookie is good; without it there is none.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    routing_cookie: Option<Duration>,
    /// Compress replies for clients that accept it.
    #[arg(long)]
    gzip: bool,
    /// How many REST requests may be made; without it 15000 are shown and any number may.
    #[arg(long)]
    api_max: Option<u64>,
    /// The most records in one page of a query.
    #[arg(long, default_value_t = Options::default().query_page)]
    query_page: usize,
    /// PEM file of the certificate and its chain; serves HTTPS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the certificate's private key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// PEM file of the CA whose certificates clients must show.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Makes replay ids repeatable.
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_terminal = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(io::stderr).init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = error.as_ref() as &dyn Error, "the simulator stopped");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    // What is wrong with the files is said before a script learns the port.
    let tls = match arguments.tls_cert.as_deref().zip(arguments.tls_key.as_deref()) {
        Some((certificate, key)) => Some(Tls::read(certificate, key, arguments.client_ca.as_deref())?),
        None => None,
    };
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let listener = TcpListener::bind(arguments.listen).await?;
    greet(listener.local_addr()?, &arguments)?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    Ok(serve(listener, Simulator::new(options(arguments, tls)), shutdown).await?)
}

/// The first line is for scripts, the others for people.
fn greet(address: SocketAddr, arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let scheme = if arguments.tls_cert.is_some() { "https" } else { "http" };
    writeln!(out, "listening on {scheme}://{address}")?;
    out.flush()?;
    let example = format!(
        r#"curl -d '{{"channel":"/data/AccountChangeEvent","count":100}}' {scheme}://{address}/simulator/publish"#
    );
    // A script may have closed its end after the first line.
    let _ = writeln!(
        out,
        "client id:     {}\nclient secret: {}\nmake a hundred events:\n  {example}",
        arguments.client_id, arguments.client_secret
    );
    Ok(())
}

fn options(arguments: Arguments, tls: Option<Tls>) -> Options {
    Options {
        org_id: arguments.org_id,
        client_id: arguments.client_id,
        client_secret: arguments.client_secret,
        certificate: arguments.certificate,
        redirect_uris: arguments.redirect_uris,
        user_name: arguments.user_name,
        password: arguments.password,
        security_token: arguments.security_token,
        lock_after: arguments.lock_after,
        code_life: arguments.code_life,
        is_sandbox: arguments.sandbox,
        hold: arguments.hold,
        expiry: arguments.expiry,
        retention: arguments.retention,
        token_idle: arguments.token_idle,
        reply_bytes: usize::try_from(arguments.reply_bytes.as_u64()).unwrap_or(usize::MAX),
        channels: arguments.channels,
        unknown_channels: arguments.unknown_channels,
        routing_cookie: arguments.routing_cookie,
        gzip: arguments.gzip,
        api_max: arguments.api_max,
        query_page: arguments.query_page,
        tls,
        seed: arguments.seed,
    }
}

fn certificate(file: &str) -> Result<Certificate, String> {
    let text = std::fs::read_to_string(file).map_err(|why| why.to_string())?;
    Certificate::from_pem(&text).map_err(|why| why.to_string())
}

fn unknown_channels(text: &str) -> Result<UnknownChannels, String> {
    match text {
        "refuse" => Ok(UnknownChannels::Refuse),
        "silent" => Ok(UnknownChannels::Silent),
        _ => Err("either refuse or silent".to_owned()),
    }
}

fn org_id(text: &str) -> Result<String, String> {
    let is_id = text.len() == 18 && text.starts_with("00D") && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_id { Ok(text.to_owned()) } else { Err("an org id has 18 letters and digits and begins with 00D".to_owned()) }
}
