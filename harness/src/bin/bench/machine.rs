//! What the figures were measured on.

use serde::Serialize;

/// The machine and the versions.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) memory_bytes: u64,
    pub(crate) kernel: String,
    pub(crate) crossfeed: String,
    pub(crate) kafka: String,
    pub(crate) build: String,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let meminfo = read("/proc/meminfo");
        let kibibytes = field(&meminfo, "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0_u64);
        let script = std::fs::read_to_string(harness::kafka_script());
        let kafka = script.unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu: field(&cpuinfo, "model name").to_owned(),
            memory_bytes: kibibytes * 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            crossfeed: env!("CARGO_PKG_VERSION").to_owned(),
            kafka: kafka.lines().find_map(|line| line.strip_prefix("readonly VERSION=")).unwrap_or_default().to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        }
    }
}

/// Nothing where it cannot be read: only the report is poorer then.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(known, _)| known.trim() == name).map_or("", |(_, value)| value.trim())
}
